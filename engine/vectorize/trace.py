"""Pass 1: a graph of Values becomes columns of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.operation import Operation
from engine.value import Value
from engine.vectorize.arrays import Numbers
from engine.vectorize.columns import CONSTANT, INPUT, PARAMETER, Graph, Ints


def trace(
    roots: Sequence[Value], inputs: Sequence[Value], parameters: Sequence[Value], constants: list[Value] | None = None
) -> Graph:
    """The graph from which the roots were computed. A leaf is an input, a parameter or a constant.

    An input or parameter that was computed itself is taken as a leaf: what lies behind it is not looked at. Constants
    that somebody may change, since they have a name or want a gradient, are added to the list `constants`.

    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> print(trace([w * x + 1], [x], [w]))
    0: parameter 0 = 3.0  # w
    1: input 0 = 2.0  # x
    2: mul(0, 1)
    3: constant 0 = 1.0
    4: add(2, 3)
    """
    given = {leaf: (INPUT, i) for i, leaf in enumerate(inputs)}
    given.update((leaf, (PARAMETER, i)) for i, leaf in enumerate(parameters))
    index: dict[Value, int] = {}  # also says which nodes were seen
    number_of: dict[Operation, int] = {}
    order: list[Value] = []
    code: list[int] = []
    first: list[int] = [0]
    parent: list[int] = []
    place: dict[int, int] = {}
    read: list[float] = []  # the numbers that were read from the parents when a node was computed
    made: list[float] = []  # and what it was then
    find = index.__getitem__
    stack: list[Any] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below are written down
            node = stack.pop()
            history = node._history
            half = len(history) // 2
            parent += map(find, history[:half])
            read += history[half:-1]
            made.append(history[-1])
            op = node.op
            code.append(number_of[op] if op in number_of else number_of.setdefault(op, len(number_of)))
        elif node in index:
            continue
        elif node in given:
            kind, place[len(order)] = given[node]
            code.append(kind)
        elif history := node._history:
            stack += (node, None)
            stack += history[len(history) // 2 - 1 :: -1]
            continue
        else:
            code.append(CONSTANT)
            if constants is not None and (node.name or history is not None):
                constants.append(node)
        index[node] = len(order)
        order.append(node)
        first.append(len(parent))
    places = np.zeros(len(order), np.int64)
    places[list(place.keys())] = list(place.values())
    codes, parents = np.array(code, np.int64), np.array(parent, np.int64)
    numbers = np.array([node._data for node in order])
    firsts = np.array(first, np.int64)
    _require_unchanged(order, codes, parents, numbers, np.array(read), np.array(made))
    return Graph(
        tuple(number_of),
        codes,
        firsts,
        parents,
        np.zeros(len(order), np.int64),
        places,
        numbers,
        [node.name for node in order],
        np.array([index[root] for root in roots], np.int64),
    )


def _require_unchanged(
    order: list[Value], code: Ints, parent: Ints, number: Numbers, read: Numbers, made: Numbers
) -> None:
    """Raise RuntimeError if a node was changed after it was computed, or a constant after it was used.

    Then the graph says other things than its numbers. Inputs and parameters may change: they are given at each call.
    """
    computed = np.flatnonzero(code >= 0)
    of = code[parent]
    used = np.flatnonzero((of >= 0) | (of == CONSTANT))
    for nodes, before in ((computed, made), (parent[used], read[used])):
        now = number[nodes]
        for i in np.flatnonzero((now != before) & ((now == now) | (before == before))).tolist():  # not nan twice
            node = order[int(nodes[i])]
            raise RuntimeError(f"{node!r} was {before[i].item()!r} when the graph was built: build it again first")
