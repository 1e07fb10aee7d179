"""Pass 3: what no example and no parameter changes is a number; what no example changes is computed once a step."""

from __future__ import annotations

import numpy as np

from engine.vectorize.columns import INPUT, PARAMETER, Graph, Ints
from engine.vectorize.rewrite import Rewrite
from engine.vectorize.schedule import climb


def fold(graph: Graph) -> tuple[Graph, Ints]:
    """The graph with constants for all that depends on constants alone; and on what each of its nodes depends.

    Gives (graph, varies); varies[i] is 0 of a constant, 1 where a node depends on parameters alone (it is the same for
    all examples), 2 where it depends on an input.

    >>> from engine import Value
    >>> from engine.vectorize.trace import trace
    >>> x, w, c = Value(2.0), Value(3.0), Value(4.0)
    >>> folded, varies = fold(trace([x * (w + c * c)], [x], [w]))
    >>> print(folded, varies)
    0: input 0 = 2.0
    1: parameter 0 = 3.0
    2: constant 0 = 16.0
    3: add(1, 2)
    4: mul(0, 3) [2 1 0 1 2]
    """
    varies = depends(graph)
    fixed = (graph.code >= 0) & (varies == 0)
    if not fixed.any():
        return graph, varies
    change = Rewrite(graph)
    change.fold(np.flatnonzero(fixed))  # a list goes, as its ELEMENTs have their numbers
    folded = change.finish()
    return folded, varies[change.kept]


def depends(graph: Graph) -> Ints:
    """(n,) on what each node depends: 2 on an input, 1 on parameters alone, 0 on nothing."""
    leaf = np.select([graph.code == INPUT, graph.code == PARAMETER], [2, 1], 0)
    heights = np.maximum.reduceat(np.append(leaf[graph.parent], 0), graph.first[:-1]) if len(graph) else leaf
    least = np.where(graph.first[1:] > graph.first[:-1], heights, leaf)
    return climb(graph, least, np.zeros(len(graph), np.int64))
