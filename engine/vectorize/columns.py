"""A graph as columns of integers: what the passes of the vectorizer take and give.

Node i has the operation `ops[code[i]]` (or is a leaf: a code below 0) and the parents
`parent[first[i] : first[i + 1]]`, each of them smaller than i. So a million nodes are eight arrays, and a pass
is a few array operations over them.

The operations are those of the table, and after `fuse` these forms, which the table does not need:

    DOT          Σ wᵢ·xᵢ + Σ sⱼ; parents: `pairs` w, as many x, then the single terms s (a sum has no pairs)
    SHARES       exp(xᵢ) / Σ exp(xⱼ), all of them, as somebody wrote it out; parents: the xs
    SOFTMAX      the same, as the table's softmax promises it: to the last digit
    LOG_SOFTMAX  xᵢ − ln Σ exp(xⱼ), all of them
    ELEMENT      one number of a list (SHARES, SOFTMAX, LOG_SOFTMAX), its only parent; `place` says which
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.operation import Operation

Ints = npt.NDArray[np.int64]

CONSTANT, INPUT, PARAMETER = -1, -2, -3  # the codes of leaves


@dataclass(frozen=True)
class Form:
    """An operation of the compiler's own."""

    name: str


DOT, ELEMENT = Form("dot"), Form("element")
SHARES, SOFTMAX, LOG_SOFTMAX = Form("shares"), Form("softmax"), Form("log_softmax")
LISTS = (SHARES, SOFTMAX, LOG_SOFTMAX)  # the forms that give several numbers
JOIN = Form("join")  # what lift adds: arrays, one after the other

# What may stand in the gaps of lists of different lengths, since it changes nothing.
PADDED = dict.fromkeys(("max", "logsumexp", "softmax", "shares", "log_softmax"), -math.inf) | {"min": math.inf}


_COLUMNS = ("code", "first", "parent", "pairs", "place", "roots")


@dataclass(frozen=True, eq=False)
class Graph:
    """A traced graph, n nodes in topological order.

    ops      the operations that occur
    code     (n,) which of them made the node; CONSTANT, INPUT, PARAMETER for a leaf
    first    (n + 1,) where the node's parents begin in `parent`
    parent   the parents of all nodes, in the order of the operands
    pairs    (n,) how many products a DOT has; 0 of all others
    place    (n,) of an input or parameter its number among them, of an ELEMENT its number in the list; else 0
    number   (n,) what the node was when traced
    names    the name of each node, or None
    roots    the nodes that are wanted: the loss, then other outputs
    """

    ops: tuple[Operation | Form, ...]
    code: Ints
    first: Ints
    parent: Ints
    pairs: Ints
    place: Ints
    number: npt.NDArray[np.float64]
    names: list[str | None]
    roots: Ints

    def __len__(self) -> int:
        return len(self.code)

    def parents(self, i: int) -> Ints:
        """The parents of one node."""
        return self.parent[self.first[i] : self.first[i + 1]]

    def packed(self) -> Graph:
        """The same in about half the memory, to be kept."""
        small = {f: getattr(self, f).astype(np.int32) for f in _COLUMNS}
        return replace(self, **small, names=self.names if any(self.names) else [])

    def unpacked(self) -> Graph:
        """The graph that was packed."""
        return replace(
            self, **{f: getattr(self, f).astype(np.int64) for f in _COLUMNS}, names=self.names or [None] * len(self)
        )

    def __str__(self) -> str:
        kinds = {CONSTANT: "constant", INPUT: "input", PARAMETER: "parameter"}
        lines = []
        for i, code in enumerate(self.code.tolist()):
            of: Any = f"{kinds[code]} {self.place[i]}" if code < 0 else self.ops[code].name
            inside = f"({', '.join(map(str, self.parents(i)))})" if code >= 0 else f" = {float(self.number[i])!r}"
            lines.append(f"{i}: {of}{inside}{f'  # {self.names[i]}' if self.names[i] else ''}")
        return "\n".join(lines)


def check(graph: Graph) -> None:
    """Raise an AssertionError, which says what, if the columns are not those of a graph."""
    n, code, first, parent, place = len(graph), graph.code, graph.first, graph.parent, graph.place
    columns = (code, graph.pairs, place, graph.number, graph.names)
    assert all(len(column) == n for column in columns), "the columns differ in length"
    assert (len(first), first[0], first[-1]) == (n + 1, 0, len(parent)), "first does not span parent"
    count = np.diff(first)
    assert np.all(count >= 0), "first decreases"
    assert np.all((parent >= 0) & (parent < np.repeat(np.arange(n), count))), "a parent does not come before its node"
    assert np.all((graph.roots >= 0) & (graph.roots < n)), "a root is no node"
    assert np.all((code >= PARAMETER) & (code < len(graph.ops))), "a code has no operation"
    assert np.all(count[code < 0] == 0), "a leaf has parents"
    assert len(set(graph.ops)) == len(graph.ops), "an operation has two codes"
    assert set(np.unique(code[code >= 0]).tolist()) == set(range(len(graph.ops))), "an operation does not occur"
    forms = {op: np.flatnonzero(code == i) for i, op in enumerate(graph.ops) if isinstance(op, Form)}
    none = np.zeros(0, np.int64)
    dots, elements = forms.get(DOT, none), forms.get(ELEMENT, none)
    assert np.all((graph.pairs >= 0) & (2 * graph.pairs <= count)), "a DOT has more products than parents"
    assert not np.any(np.delete(graph.pairs, dots)), "products of what is no DOT"
    lists = np.zeros(n, bool)
    lists[[i for form in LISTS for i in forms.get(form, none).tolist()]] = True
    assert np.all(count[elements] == 1), "an ELEMENT has one list"
    of = parent[first[elements]]
    assert np.all(lists[of]), "an ELEMENT of what is no list"
    assert np.all((place[elements] >= 0) & (place[elements] < count[of])), "an ELEMENT beyond its list"
    users = np.repeat(code, count)[lists[parent]]
    assert np.all(users == (graph.ops.index(ELEMENT) if ELEMENT in graph.ops else -9)), "a list used as a number"
    assert not np.any(lists[graph.roots]), "a list as a root"
    placed = (code == INPUT) | (code == PARAMETER)
    placed[elements] = True
    assert not np.any(place[~placed]), "a place of what has none"
    used = np.zeros(n, bool)
    used[parent] = used[graph.roots] = True
    assert used.all(), "a node that nobody uses"
