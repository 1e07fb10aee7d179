"""Pass 4: which nodes can be computed at the same time."""

from __future__ import annotations

import numpy as np

from engine.vectorize.columns import ELEMENT, Graph, Ints
from engine.vectorize.rewrite import code_of


def schedule(graph: Graph) -> Ints:
    """(n,) the level of each node: 0 of a leaf, else 1 + the largest level of its parents.

    Nodes of one level do not need one another. An ELEMENT has the level of its list: reading it is no operation.

    >>> from engine import Value
    >>> from engine.vectorize.trace import trace
    >>> x = Value(2.0)
    >>> schedule(trace([(x * x + 1) * x], [x], [])).tolist()
    [0, 1, 0, 2, 3]
    """
    step = (graph.code >= 0) & (graph.code != code_of(graph, ELEMENT))
    return climb(graph, np.zeros(len(graph), np.int64), step.astype(np.int64))


def climb(graph: Graph, least: Ints, step: Ints) -> Ints:
    """value[i] = step[i] + the largest of least[i] and the values of its parents; `least` is at least 0.

    One walk over the computed nodes, in plain Python since a graph may be deep: each looks at two places of a list.
    What leaves give must be in `least`. Nodes that have more to look at are rare, or wide.
    """
    n, computed = len(graph), graph.code >= 0
    nodes = np.flatnonzero(computed)
    inner = computed[graph.parent]
    before = np.zeros(len(inner) + 1, np.int64)
    np.cumsum(inner, out=before[1:])
    first, last = before[graph.first[nodes]], before[graph.first[nodes + 1]]
    kept = np.append(graph.parent[inner], -1)
    low = n + least[nodes]  # behind the values stand 0, 1, 2, ...: where the least value is read
    many = last - first > 2 - (low > n)
    p = np.where(first == last, low, kept[first])
    q = np.where(many, -1, np.where(last - first < 2, low, kept[last - 1]))
    wide = np.flatnonzero(many)
    rows = dict(zip(nodes[wide].tolist(), zip(first[wide].tolist(), last[wide].tolist(), strict=True), strict=True))
    parent = kept.tolist() if rows else []

    value = [*(least + step).tolist(), *range(int(least.max(initial=0)) + 1)]
    at = value.__getitem__
    for i, a, b, up in zip(nodes.tolist(), p.tolist(), q.tolist(), step[nodes].tolist(), strict=True):
        if b >= 0:
            x, y = value[a], value[b]
        else:
            begin, end = rows[i]
            x, y = value[i] - up, max(map(at, parent[begin:end]))
        value[i] = (x if x > y else y) + up
    return np.array(value[:n], np.int64)
