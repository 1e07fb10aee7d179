"""The slips that can be made in a graph: where, and what stands in the place of a local derivative then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.checking.blunders import BLUNDERS
from engine.checking.composites import composites, softmaxes
from engine.checking.roles import SUMS, Edge, Roles, number_of, operand_numbers, partner
from engine.checking.walks import neighbours, walk
from engine.checking.wrongly import (
    ACTIVATIONS,
    OF_RESULT,
    formula_of_result,
    number_or_nan,
    of_whole,
    ratio,
    safe,
    slope_at,
    slope_of,
    turns,
)
from engine.operation import TABLE
from engine.value import Value


@dataclass(frozen=True, eq=False)
class Slip:
    """One mistake: what to call it, at which operations, and the local derivatives that it changes.

    kind   "path missing", "activation derivative", "wrong place", "wrong rule", "wrong variable", "transposed",
           "flipped", "overwritten", "sign" or "factor"
    text   the whole sentence, without the point at its end
    """

    kind: str
    text: str
    operations: tuple[str, ...]
    locals: dict[Edge, float]


class Maker:
    """Makes the slips of one graph.

    upstream   d root / d node for each node
    sizes      what a factor may be
    shapes     of the inputs
    """

    def __init__(
        self, roles: Roles, upstream: Mapping[Value, float], sizes: Iterable[int], shapes: Sequence[tuple[int, ...]]
    ) -> None:
        self.roles, self._upstream, self._shapes = roles, upstream, shapes
        self._counts = [n for n in sizes if n > 1][:3]

    def all(self) -> Iterator[Slip]:
        """Every slip, the likelier kinds first within each group of edges."""
        for edges in self.roles.groups():
            yield from self._of_any_edge(edges)
            yield from self._of_one_operand(edges)
            yield from self._of_products(edges)
        yield from self._of_composites()
        yield from self._overwritten()
        yield from self._terms()

    def _slip(self, kind: str, text: str, edges: Iterable[Edge], slope: Callable[[Edge], float]) -> Slip:
        edges = list(edges)
        node, position = edges[0]
        parent = node.parents[position]
        over = tuple(dict.fromkeys(one.op.name for one in (node, parent) if one.op))
        return Slip(kind, text, over, {edge: safe(slope, edge) for edge in edges})

    def _right(self, edge: Edge) -> float:
        return self.roles.slopes[edge[0]][edge[1]]

    def _times(self, c: float) -> Callable[[Edge], float]:
        return lambda edge: c * self._right(edge)

    def _times_of_operand(self, slope: Callable[[float], float]) -> Callable[[Edge], float]:
        return lambda edge: self._right(edge) * slope(number_of(edge[0].parents[edge[1]]))

    def _of_any_edge(self, edges: list[Edge]) -> Iterator[Slip]:
        """The path forgotten, its sign turned, a factor too much, the derivative of another kind."""
        node, position = edges[0]
        name, path = node.op.name, self.roles.path(edges[0])  # type: ignore[union-attr]
        yield self._slip("path missing", f"one path is missing: {path}", edges, lambda edge: 0.0)
        yield self._slip("sign", f"the sign is wrong at `{name}`, on the path {path}", edges, lambda e: -self._right(e))
        for factor in (
            2.0,
            0.5,
            *self._counts,
            *(1 / n for n in self._counts),
            *(n / (n - 1) for n in self._counts if n > 2),
        ):
            text = f"a factor {ratio(factor)} too much at `{name}`, on the path {path}"
            if factor in self._counts:
                text += ": a sum instead of a mean, the factor 1/m is missing"
            elif 1 / factor in self._counts and factor != 0.5:
                text += ": a mean instead of a sum, divided by m once too often"
            yield self._slip("factor", text, edges, self._times(factor))
        operand = node.parents[position]
        if operand.op is None or operand.op.name not in ("sigmoid", "tanh", "relu"):
            for other, slope in OF_RESULT.items():
                text = (
                    f"an activation derivative is there too much: that of {other}, on the path {path}, "
                    f"though {self.roles.title(operand)} is no {other}"
                )
                yield self._slip("extra derivative", text, edges, self._times_of_operand(slope))

    def _of_one_operand(self, edges: list[Edge]) -> Iterator[Slip]:
        """The derivative of a function of one operand: left out, taken elsewhere, or wrong in a way of its own."""
        node, position = edges[0]
        op = node.op
        assert op is not None
        path = self.roles.path(edges[0])
        for text, wrong in BLUNDERS.get(op.name, ()):

            def slope(edge: Edge, wrong=wrong) -> float:  # type: ignore[no-untyped-def]
                one, i = edge
                return wrong(number_of(one), operand_numbers(one), self.roles.slopes[one], i, self._upstream[one])  # type: ignore[no-any-return]

            yield self._slip("wrong rule", f"the derivative of `{op.name}` is wrong: {text}", edges, slope)
        free = sum(parent in self.roles.signature for parent in node.parents)
        if free != 1 or op.any_number or op.name in ("add", "sub", "mul", "neg", "dot"):
            return
        missing = "an activation derivative is missing: that" if op.name in ACTIVATIONS else "the derivative is missing"
        yield self._slip("activation derivative", f"{missing} of `{op.name}`", edges, lambda e: 1.0)
        if op.name in ACTIVATIONS:
            yield from self._of_another_kind(edges)
        yield self._slip("activation derivative", f"`{op.name}` itself stands in the place of its derivative",
                         edges, lambda e: number_of(e[0]))  # fmt: skip
        yield self._slip(
            "factor", f"the derivative of `{op.name}` is there twice", edges, lambda e: self._right(e) ** 2
        )
        where = f"the derivative of `{op.name}` is taken at the wrong place"
        yield self._slip("wrong place", f"{where}: at its result, not at its operand", edges,
                         lambda e: slope_at(e, number_of(e[0])))  # fmt: skip
        yield self._slip("wrong place", f"{where}: its formula in the result was given the operand", edges,
                         lambda e: formula_of_result(e, operand_numbers(e[0])[e[1]]))  # fmt: skip
        for steps, there in neighbours(self.roles, node.parents[position]):
            text = f"{where}: at {self.roles.title(there)}, not at {self.roles.title(node.parents[position])} ({path})"

            def elsewhere(edge: Edge, steps=steps) -> float:  # type: ignore[no-untyped-def]
                found = walk(self.roles, edge[0].parents[edge[1]], steps)
                return slope_at(edge, number_of(found)) if found is not None else float("nan")

            yield self._slip("wrong place", text, edges, elsewhere)

    def _of_another_kind(self, edges: list[Edge]) -> Iterator[Slip]:
        """The derivative of another activation, or of this one at another part of as many numbers."""
        name = edges[0][0].op.name  # type: ignore[union-attr]
        for other in ACTIVATIONS:
            if other != name:
                text = f"the activation derivative is wrong: that of {other} stands for that of `{name}`"
                slope = slope_of(other)
                wrong = {e: number_or_nan(slope, operand_numbers(e[0])[e[1]]) for e in edges}
                yield Slip("wrong rule", text, (name, other), wrong)
        parents = [node.parents[position] for node, position in edges]
        where = f"the derivative of `{name}` is taken at the wrong place"
        for title, numbers in self._counterparts(parents):
            pairs = list(zip(edges, numbers, strict=True))
            text = f"{where}: at {title}, not at {self.roles.title(parents[0])}"
            yield Slip("wrong place", text, (name,), {e: number_or_nan(slope_at, e, x) for e, x in pairs})
            text = f"{where}: its formula in the result was given {title}"
            yield Slip("wrong place", text, (name,), {e: number_or_nan(formula_of_result, e, z) for e, z in pairs})

    def _counterparts(self, nodes: list[Value]) -> Iterator[tuple[str, list[float]]]:
        """(title, numbers) of each other part of the graph with as many nodes as the one that all of these play."""
        mine = self.roles.class_of(nodes[0])
        if mine is None or any(self.roles.class_of(node) is not mine for node in nodes):
            return
        place = {node: i for i, node in enumerate(mine)}
        for others in self.roles.classes():
            if others is not mine and len(others) == len(mine) and others[0] is not self.roles.root:
                yield self.roles.title(others[0]), [number_of(others[place[node]]) for node in nodes]

    def _of_products(self, edges: list[Edge]) -> Iterator[Slip]:
        """In w·x the derivative in x is w: it may be left out, transposed, or another number may stand for it."""
        node, position = edges[0]
        name, path = node.op.name, self.roles.path(edges[0])  # type: ignore[union-attr]
        other = partner(edges[0])
        if name == "div" and position == 0:
            yield self._slip("path missing", f"a factor is missing: the division at `div`, on the path {path}", edges,
                             lambda e: 1.0)  # fmt: skip
        yield from self._constant_factors(edges)
        if other is None:
            return
        title = self.roles.title(other)
        yield self._slip("path missing", f"a factor is missing: {title} at `{name}`, on the path {path}", edges,
                         lambda e: 1.0)  # fmt: skip
        for steps, there in neighbours(self.roles, other):
            text = (
                f"with respect to the wrong variable: {self.roles.title(there)} stands in the place of {title} at "
                f"`{name}`, on the path {path}"
            )

            def replaced(edge: Edge, steps=steps) -> float:  # type: ignore[no-untyped-def]
                one = partner(edge)
                found = walk(self.roles, one, steps) if one is not None else None
                return number_of(found) if found is not None else float("nan")

            yield self._slip("wrong variable", text, edges, replaced)
        yield from self._exchanged(edges, title)
        yield from self._turned(edges)

    def _constant_factors(self, edges: list[Edge]) -> Iterator[Slip]:
        """Two constant factors one after the other, such as a mask and its scale, both left out."""
        further = []
        for node, _ in edges:
            uses = self.roles.uses.get(node, ())
            if not _is_scaled(node) or len(uses) != 1 or not _is_scaled(uses[0][0]):
                return
            further.append(uses[0])
        names = " and ".join(f"`{edge[0].op.name}`" for edge in (edges[0], further[0]) if edge[0].op)
        text = f"a factor is missing: the constants at {names}, on the path {self.roles.path(edges[0])} (a mask?)"
        yield self._slip("path missing", text, [*edges, *further], lambda e: 1.0)

    def _exchanged(self, edges: list[Edge], title: str) -> Iterator[Slip]:
        """The other factor taken from another part of as many entries: h of this step for h of the last."""
        name, path = edges[0][0].op.name, self.roles.path(edges[0])  # type: ignore[union-attr]
        partners = {edge: one for edge in edges if (one := partner(edge)) is not None}
        if len(partners) < len(edges):
            return
        for other, numbers in self._counterparts(list(partners.values())):
            wrong = f"with respect to the wrong variable: {other} stands in the place of {title}"
            text = f"{wrong} at `{name}`, on the path {path}"
            yield Slip("wrong variable", text, (name,), dict(zip(edges, numbers, strict=True)))

    def _turned(self, edges: list[Edge]) -> Iterator[Slip]:
        """Where the other factor is an entry of an input: that input transposed, flipped, or only its last slice."""
        place, item_of = self.roles.place, self.roles.item_of
        partners = {edge: place.get(one, -1) for edge in edges if (one := partner(edge)) is not None}
        for item in sorted({item_of[i] for i in partners.values() if i >= 0}):
            leaves = [i for i, owner in enumerate(item_of) if owner == item]
            places = np.array(leaves).reshape(self._shapes[item])
            title = self.roles.names[item]
            of_item = {edge: i for edge, i in partners.items() if i >= 0 and item_of[i] == item}
            for kind, text, turned in turns(title, places):
                new = dict(zip(leaves, turned.ravel().tolist(), strict=True))
                numbers = {edge: number_of(self.roles.leaves[new[i]]) for edge, i in of_item.items()}
                yield self._slip(kind, text, of_item, numbers.__getitem__)
            if places.ndim >= 2 and len(places) > 1:
                for which, kept in (("last", places[-1]), ("first", places[0])):
                    inside = set(kept.ravel().tolist())
                    text = f"overwritten: only the {which} of {title} counts, {title}[{-1 if which == 'last' else 0}]"
                    lost = [edge for edge, i in of_item.items() if i not in inside]
                    if lost:
                        yield self._slip("overwritten", text, lost, lambda e: 0.0)

    def _of_composites(self) -> Iterator[Slip]:
        """The same as of one operand, for functions written by hand."""
        for group in composites(self.roles):
            name = group[0].name
            over = tuple(dict.fromkeys((name, *(edge[0].op.name for edge in group[0].edges if edge[0].op))))
            by_hand = f"`{name}`, written by hand from {self.roles.title(group[0].inner)},"
            for kind, text, slope in of_whole(TABLE[name], by_hand):
                changed: dict[Edge, float] = {}
                for one in group:
                    x, z, u = number_of(one.inner), number_of(one.outer), self._upstream[one.outer]
                    changed |= one.with_slope(self.roles, number_or_nan(slope, x, z, u))
                yield Slip(kind, text, over, changed)
        for nodes in softmaxes(self.roles):
            over = ("softmax", "exp", "div")
            away = {(node, 1): 0.0 for node in nodes} | self._shifts(nodes)
            text = (
                "an activation derivative is missing: the Jacobian of the softmax, written by hand; dL/da is used as "
                "dL/dz, the wrong variable"
            )
            passed_on = {(node, 0): 1.0 / number_of(node.parents[0]) for node in nodes}
            yield Slip("activation derivative", text, over, away | passed_on)
            text = (
                "the derivative of the softmax, written by hand, is wrong: only the diagonal p(1 − p) is there, as of "
                "a sigmoid; the paths through its sum are missing"
            )
            diagonal = {(node, 0): (1 - number_of(node)) / number_of(node.parents[1]) for node in nodes}
            yield Slip("wrong rule", text, over, away | diagonal)

    def _shifts(self, nodes: list[Value]) -> dict[Edge, float]:
        """The paths through the largest that is taken away before the exponential: together they carry nothing."""
        below = (one for node in nodes for one in node.parents[0].parents)
        return {
            (one, 1): 0.0
            for one in below
            if one.op is not None and one.op.name == "sub" and one.parents[1] in self.roles.slopes
        }

    def _overwritten(self) -> Iterator[Slip]:
        """= in the place of +=: of a node's uses, only one counts."""
        for nodes in self.roles.classes():
            shared = [node for node in nodes if len(self.roles.uses.get(node, ())) > 1]
            if not shared:
                continue
            for which, lost in (("last", slice(None, -1)), ("first", slice(1, None))):
                edges = [edge for node in shared for edge in self.roles.uses[node][lost]]
                title = self.roles.title(shared[0])
                text = f"overwritten: of the uses of {title} only the {which} counts (= in the place of +=)"
                yield self._slip("overwritten", text, edges, lambda e: 0.0)
            yield from self._only_one_way(shared)

    def _only_one_way(self, nodes: list[Value]) -> Iterator[Slip]:
        """Of the different ways in which a part is used, only one was followed back."""
        ways: dict[tuple[int, int, int], list[Edge]] = {}
        for node in nodes:
            for edge in self.roles.uses[node]:
                ways.setdefault(self.roles.way(edge), []).append(edge)
        for edges in list(ways.values())[:8] if len(ways) > 2 else ():
            kept = set(edges)
            lost = [edge for way in ways.values() for edge in way if edge not in kept]
            over = tuple(dict.fromkeys(one[0][0].op.name for one in ways.values() if one is not edges and one[0][0].op))
            text = (
                f"paths are missing: of the {len(ways)} paths from {self.roles.title(nodes[0])} only that into "
                f"`{edges[0][0].op.name}` counts, not those into {', '.join(f'`{op}`' for op in over)}"  # type: ignore[union-attr]
            )
            yield Slip("path missing", text, over, dict.fromkeys(lost, 0.0))

    def _terms(self) -> Iterator[Slip]:
        """Of the terms of a sum or mean, the examples of a batch, only one counts, or one does not."""
        for nodes in self.roles.classes():
            nodes = [node for node in nodes if not self._is_inner_sum(node)]
            first = nodes[0] if nodes else self.roles.root
            if not nodes or first.op is None or first.op.name not in (*SUMS, "mean"):
                continue
            terms = [self._flat_terms(node) for node in nodes]
            n = len(terms[0])
            if n < (3 if first.op.name == "sub" else 2) or any(len(one) != n for one in terms):
                continue
            for k in [k for k in range(1, n) if n % k == 0][:4]:  # of each example, k terms
                of = f"{'' if k == 1 else f'{k} '}of {n} terms of `{first.op.name}`"
                for kind, text, lost in (
                    ("overwritten", f"overwritten: only the last example counts, the last {of} (= in the place of +=)",
                     slice(None, -k)),
                    ("overwritten", f"overwritten: only the first example counts, the first {of}", slice(k, None)),
                    ("path missing", f"one path is missing: the last example, the last {of}", slice(-k, None)),
                    ("path missing", f"one path is missing: the first example, the first {of}", slice(0, k)),
                ):  # fmt: skip
                    edges = [edge for one in terms for edge in one[lost]]
                    yield self._slip(kind, text, edges, lambda e: 0.0)

    def _is_inner_sum(self, node: Value) -> bool:
        """Whether it is only a part of a longer sum."""
        uses = self.roles.uses.get(node, ())
        return len(uses) == 1 and uses[0][0].op is not None and uses[0][0].op.name in SUMS

    def _flat_terms(self, node: Value) -> list[Edge]:
        terms: list[Edge] = []
        stack = [node]
        while stack:
            one = stack.pop()
            inner = []
            for position, parent in enumerate(one.parents):
                if parent in self.roles.signature:
                    is_sum = parent.op is not None and parent.op.name in SUMS and len(self.roles.uses[parent]) == 1
                    if is_sum and one.op is not None and one.op.name in SUMS:
                        inner.append(parent)
                    else:
                        terms.append((one, position))
            stack += inner
        place = {one: i for i, one in enumerate(self.roles.order)}
        return sorted(terms, key=lambda edge: (place[edge[0]], edge[1]))


def _is_scaled(node: Value) -> bool:
    """Whether it is a number times, or divided by, a constant."""
    if node.op is None or node.op.name not in ("mul", "div"):
        return False
    x, y = node.parents
    return not y.requires_grad or (node.op.name == "mul" and not x.requires_grad)
