"""A graph while a pass rewrites it: rows that are replaced, nodes that are added, become others, or go.

A pass finds what it looks for in the columns of the old graph, files the changes here by whole arrays, and
`finish` gives the new graph: in topological order again, without what nobody uses any more.

Glossary: a row is the parents of one node; a pool is the rows of all nodes, one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.operation import Operation
from engine.vectorize.columns import CONSTANT, Form, Graph, Ints

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
ABSENT = -9  # the code of an operation that does not occur
FEW = 64  # below that many nodes a loop beats array operations


def code_of(graph: Graph, op: Operation | Form) -> int:
    """The code of an operation in the graph; ABSENT if it does not occur."""
    return graph.ops.index(op) if op in graph.ops else ABSENT


def spread(start: Ints, count: Ints) -> Ints:
    """The positions start[0], start[0] + 1, ... (count[0] of them), start[1], ...

    >>> spread(np.array([7, 2]), np.array([3, 2])).tolist()
    [7, 8, 9, 2, 3]
    """
    ends = np.cumsum(count)
    at: Ints = np.arange(ends[-1] if len(ends) else 0)
    at += np.repeat(start - (ends - count), count)
    return at


def owners(count: Ints) -> Ints:
    """For rows of these lengths: which row each entry is in.

    >>> owners(np.array([3, 2])).tolist()
    [0, 0, 0, 1, 1]
    """
    return np.repeat(np.arange(len(count)), count)


def numbering(chosen: Bools) -> Ints:
    """For each position how many were chosen before and with it, less 1: the number of a chosen one among them.

    >>> numbering(np.array([True, False, True])).tolist()
    [0, 0, 1]
    """
    return np.cumsum(chosen) - 1


def operand(graph: Graph, nodes: Ints, which: int) -> Ints:
    """That operand of each node; of nodes that have fewer, whatever stands there."""
    if not len(graph.parent):
        return np.full(len(nodes), -1)
    return graph.parent[np.minimum(graph.first[nodes] + which, len(graph.parent) - 1)]


class Rewrite:
    """Changes of a graph, filed by whole arrays; `finish` makes them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ops = list(graph.ops)
        self.code, self.pairs, self.place = graph.code.copy(), graph.pairs.copy(), graph.place.copy()
        self.number, self.roots = graph.number, graph.roots
        self.start, self.count = graph.first[:-1].copy(), np.diff(graph.first)
        self.pools, self.filled = [graph.parent], len(graph.parent)
        self.rank = np.arange(len(graph), dtype=np.int64)  # the order of the new graph; made finer where it must be
        self.alias = np.arange(len(graph), dtype=np.int64)
        self.gone = np.zeros(len(graph), bool)
        self.finer = 1
        self.kept = self.alias  # after `finish`: the node that each node of the new graph was

    def _file(self, rows: Ints, count: Ints) -> Ints:
        """Put rows into the pool; where each begins."""
        begin = self.filled + np.cumsum(count) - count
        self.pools.append(rows)
        self.filled += len(rows)
        return begin

    def _code(self, op: Operation | Form) -> int:
        if op not in self.ops:
            self.ops.append(op)
        return self.ops.index(op)

    def replace(
        self, nodes: Ints, op: Operation | Form, rows: Ints, count: Ints, pairs: Any = 0, place: Any = 0
    ) -> None:
        """Each node becomes this operation of its row; its name and its number stay."""
        self.start[nodes], self.count[nodes] = self._file(rows, count), count
        self.code[nodes], self.pairs[nodes], self.place[nodes] = self._code(op), pairs, place

    def fold(self, nodes: Ints) -> None:
        """Each node becomes a constant, with the number that it has."""
        self.code[nodes], self.count[nodes], self.pairs[nodes], self.place[nodes] = CONSTANT, 0, 0, 0

    def add(
        self, op: Operation | Form, beside: Ints, step: int, rows: Ints, count: Ints, number: Any, place: Any = 0
    ) -> Ints:
        """New nodes, each beside an old one: just before it (step -2 or -1) or just after it (1). Their indices."""
        new = np.arange(len(self.code), len(self.code) + len(beside))
        self._refine()
        blank = np.zeros(len(new), np.int64)
        self.start = np.concatenate([self.start, self._file(rows, count)])
        self.count = np.concatenate([self.count, count])
        self.code = np.concatenate([self.code, np.full(len(new), self._code(op))])
        self.pairs = np.concatenate([self.pairs, blank])
        self.place = np.concatenate([self.place, blank + place])
        self.number = np.concatenate([self.number, np.zeros(len(new)) + number])
        self.rank = np.concatenate([self.rank, self.rank[beside] + step])
        self.alias = np.concatenate([self.alias, new])
        self.gone = np.concatenate([self.gone, blank > 0])
        return new

    def move(self, nodes: Ints, beside: Ints, step: int) -> None:
        """Let old nodes stand beside others."""
        self._refine()
        self.rank[nodes] = self.rank[beside] + step

    def become(self, nodes: Ints, others: Ints) -> None:
        """Whoever uses a node uses the other from now on."""
        self.alias[nodes] = others

    def drop(self, nodes: Ints) -> None:
        """Nodes of which it is known that nobody uses them any more."""
        self.gone[nodes] = True

    def _refine(self) -> None:
        if self.finer == 1:
            self.finer, self.rank = 8, self.rank * 8

    def finish(self) -> Graph:
        """The new graph."""
        pool = np.concatenate(self.pools) if len(self.pools) > 1 else self.pools[0]
        roots, n = self.roots, len(self.code)
        while not np.array_equal(further := self.alias[self.alias], self.alias):
            self.alias = further
        pool, roots = self.alias[pool], self.alias[roots]
        live = self._live(pool, roots)
        self.kept = kept = np.flatnonzero(live)
        if self.finer > 1:
            self.kept = kept = kept[np.argsort(self.rank[kept], kind="stable")]
        index = np.zeros(n, np.int64)
        index[kept] = np.arange(len(kept))
        count = self.count[kept]
        first = np.zeros(len(kept) + 1, np.int64)
        np.cumsum(count, out=first[1:])
        code = self.code[kept]
        occurs = np.zeros(len(self.ops) + 1, bool)
        occurs[code[code >= 0]] = True
        ops = tuple(op for op, there in zip(self.ops, occurs.tolist(), strict=False) if there)
        renumbered = np.cumsum(occurs) - 1
        names = self.graph.names + [None] * (n - len(self.graph.names))
        return Graph(
            ops,
            np.where(code >= 0, renumbered[np.maximum(code, 0)], code),
            first,
            index[pool[spread(self.start[kept], count)]],
            self.pairs[kept],
            self.place[kept],
            self.number[kept],
            list(map(names.__getitem__, kept.tolist())),
            index[roots],
        )

    def _live(self, pool: Ints, roots: Ints) -> Bools:
        """Which nodes the roots need: those without a user go, then those that only they used, and so on."""
        live = ~self.gone
        rows = np.flatnonzero(live & (self.count > 0))
        uses = np.bincount(pool[spread(self.start[rows], self.count[rows])], minlength=len(live))
        uses[roots] += 1
        idle: Any = np.flatnonzero(live & (uses == 0))
        while len(idle):  # by generations: a large one at once, small ones, of which there may be many, node by node
            if len(idle) > FEW:
                idle = np.array(idle)
                live[idle] = False
                lost = pool[spread(self.start[idle], self.count[idle])]
                np.subtract.at(uses, lost, 1)
                idle = np.unique(lost[uses[lost] == 0])
                continue
            parents: list[int] = []
            for node in idle:
                live[node] = False
                parents += pool[self.start[node] : self.start[node] + self.count[node]].tolist()
            idle = []
            for parent in parents:
                uses[parent] -= 1
                if not uses[parent]:
                    idle.append(parent)
        return live
