"""Which nodes of a graph play the same part: in every example of a batch, in every neuron of a layer.

A mistake in a derivation is made once and concerns all of these at once. Two nodes were made alike if they were
computed in the same way from the same items (`signature`), and are used alike if the same is done with
their results (`context`). Sums are read without the order of their terms, so that each term of a running total plays
the same part.

Glossary: a free node depends on an input; an edge is a node and the position of one of its parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from engine.graph import topological_sort
from engine.value import Value

Edge = tuple[Value, int]


class Roles:
    """The parts that the nodes of a graph play.

    order      the nodes, parents first
    signature  a number for each free node: equal where two were made alike
    uses       the edges from each free node
    slopes     the local derivatives of each free node that was computed
    """

    def __init__(self, root: Value, leaves: Sequence[Value], item_of: Sequence[int], names: Sequence[str]) -> None:
        self.root, self.leaves, self.item_of, self.names = root, list(leaves), list(item_of), list(names)
        self.place = {leaf: i for i, leaf in enumerate(self.leaves)}
        self.order = topological_sort(root)
        self.signature = self._made_alike()
        self.uses = self._uses()
        self._context = self._used_alike()
        self._classes: dict[tuple[int, int], list[Value]] = defaultdict(list)
        for node in self.order:
            if node in self.signature:
                self._classes[self.signature[node], self._context[node]].append(node)
        self.slopes = {
            node: tuple(node.local_derivatives()) for node in self.order if node in self.signature and node.op
        }

    def free_edges(self) -> Iterator[Edge]:
        """The edges between free nodes."""
        for node in self.order:
            if node in self.signature:
                for position, parent in enumerate(node.parents):
                    if parent in self.signature:
                        yield node, position

    def groups(self) -> list[list[Edge]]:
        """The edges that play the same part, read in three ways: finely (made and used alike), by how the operand was
        made, and coarsely (by the two operations alone); each group once, the fine ones first."""
        readings: list[dict[Any, list[Edge]]] = [defaultdict(list) for _ in range(3)]
        for node, position in self.free_edges():
            op, parent = node.op, node.parents[position]
            assert op is not None
            edge, part = (node, position), (op.name, role(node, position))
            readings[0][part, self.signature[parent], self.signature[node], self._context[node]].append(edge)
            readings[1][part, self.signature[parent]].append(edge)
            readings[2][part, parent.op.name if parent.op else self.item_of[self.place[parent]]].append(edge)
        unique = {tuple(edges): None for reading in readings for edges in reading.values()}
        return [list(edges) for edges in unique]

    def classes(self) -> list[list[Value]]:
        """The free nodes that play the same part, made alike and used alike."""
        return list(self._classes.values())

    def class_of(self, node: Value) -> list[Value] | None:
        """The nodes that play the part of this one; None of a constant."""
        return self._classes[self.signature[node], self._context[node]] if node in self.signature else None

    def way(self, edge: Edge) -> tuple[int, int, int]:
        """What is done with an operand: equal for edges on which the same is done."""
        node, position = edge
        return role(node, position), self.signature[node], self._context[node]

    # ------------------------------------------------------------------ what a reader calls them

    def title(self, node: Value) -> str:
        """What a node is called in a sentence: W, h, `tanh`."""
        if node in self.place:
            return self.names[self.item_of[self.place[node]]]
        return node.name or (f"`{node.op.name}`" if node.op else f"{node.data:.4g}")

    def path(self, edge: Edge) -> str:
        """An edge in a sentence: from W into `dot`."""
        node, position = edge
        return f"from {self.title(node.parents[position])} into `{node.op.name}`"  # type: ignore[union-attr]

    # ------------------------------------------------------------------ the parts

    def _made_alike(self) -> dict[Value, int]:
        known: dict[Any, int] = {}
        parts: dict[int, frozenset[int]] = {}  # the terms of a sum
        signature: dict[Value, int] = {}
        for leaf, item in zip(self.leaves, self.item_of, strict=True):
            signature[leaf] = known.setdefault(("item", item), len(known))
        for node in self.order:
            op, found = node.op, [signature.get(parent, -1) for parent in node.parents]
            if op is None or max(found, default=-1) < 0:
                continue
            key: Any = (op.name, frozenset(found) if op.any_number else tuple(found))
            if op.name in SUMS:
                key = ("+", frozenset(term for one in found if one >= 0 for term in parts.get(one, {one})))
            elif op.name == "dot":
                n = len(found) // 2
                key = ("dot", frozenset(found[:n]), frozenset(found[n : 2 * n]), found[-1] if len(found) % 2 else None)
            signature[node] = known.setdefault(key, len(known))
            if key[0] == "+":
                parts[signature[node]] = key[1]
        return signature

    def _uses(self) -> dict[Value, list[Edge]]:
        uses: dict[Value, list[Edge]] = defaultdict(list)
        for node in self.order:
            if node in self.signature:
                for position, parent in enumerate(node.parents):
                    if parent in self.signature:
                        uses[parent].append((node, position))
        return uses

    def _used_alike(self) -> dict[Value, int]:
        known: dict[Any, int] = {}
        inside: dict[int, frozenset[Any]] = {}
        context: dict[Value, int] = {}
        for node in reversed(self.order):
            if node not in self.signature:
                continue
            used: set[Any] = {"root"} if node is self.root else set()
            for child, position in self.uses.get(node, ()):
                assert child.op is not None
                if child.op.name in SUMS:  # a term is used as its sum is
                    used |= inside[context[child]]
                else:
                    used.add((child.op.name, role(child, position), self.signature[child], context[child]))
            key = frozenset(used)
            context[node] = known.setdefault(key, len(known))
            inside[context[node]] = key
        return context


SUMS = ("add", "sum", "sub")


def role(node: Value, position: int) -> int:
    """Which part an operand has: its place; in a list, that it is one of the list; in dot: w, x or bias."""
    op = node.op
    assert op is not None
    if op.name == "dot":
        n = len(node.parents) // 2
        return position // n if n else 2
    return 0 if op.any_number else position


def partner(edge: Edge) -> Value | None:
    """In a product, the other factor."""
    node, position = edge
    n = len(node.parents) // 2
    if node.op is None or node.op.name not in ("mul", "dot"):
        return None
    if node.op.name == "mul":
        return node.parents[1 - position]
    return node.parents[(position + n) % (2 * n)] if position < 2 * n else None


def operand_numbers(node: Value) -> tuple[float, ...]:
    """What the node was computed from."""
    history = node._history or ()
    return history[len(history) // 2 : -1]


def number_of(node: Value) -> float:
    """What the node was computed to be, or the data of a leaf."""
    return node._history[-1] if node._history else node._data
