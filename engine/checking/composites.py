"""Functions written out by hand, found in the graph: 1 / (1 + exp(−z)), (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ), exp(z) / Σ exp(z).

Somebody who forgets the derivative of such a function forgets that of the whole, not of one of its operations. So the
whole is looked for: a node whose number is that of a known function of a node from which alone it was computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checking.roles import SUMS, Edge, Roles, number_of
from engine.operation import TABLE, floats
from engine.value import Value

KNOWN = ("sigmoid", "tanh", "softplus", "silu", "gelu", "log_sigmoid", "relu")
REACH = 8  # so far back the operand is looked for


@dataclass(frozen=True, eq=False)
class Composite:
    """outer = name(inner), by several operations; `edges` lead from inner into them."""

    name: str
    inner: Value
    outer: Value
    edges: tuple[Edge, ...]

    def with_slope(self, roles: Roles, slope: float) -> dict[Edge, float]:
        """Local derivatives that make ∂outer/∂inner this slope: one of the edges carries it, the others nothing."""
        locals_ = dict.fromkeys(self.edges, 0.0)
        rest, node = 1.0, self.outer
        inside = _between(roles, self.inner, self.outer)
        while True:
            node_is_last = self.inner in node.parents
            position = next(
                i for i, parent in enumerate(node.parents)
                if parent is self.inner or (not node_is_last and parent in inside)
            )  # fmt: skip
            if node_is_last:
                locals_[node, position] = slope / rest if rest else float("nan")
                return locals_
            rest *= roles.slopes[node][position]
            node = node.parents[position]


def composites(roles: Roles) -> Iterator[list[Composite]]:
    """Those that play the same part, together."""
    near = _only_sources(roles)
    for nodes in roles.classes():
        first = nodes[0]
        for back, source in enumerate(near.get(first, ())):
            if source in first.parents and first.op is not None and len(first.parents) == 1:
                continue  # one operation is no composite
            if any(back >= len(near.get(node, ())) for node in nodes):
                continue
            inner = [near[node][back] for node in nodes]
            for name in KNOWN:
                if all(_is(name, a, d) for a, d in zip(inner, nodes, strict=True)):
                    yield [_composite(roles, name, a, d) for a, d in zip(inner, nodes, strict=True)]


def softmaxes(roles: Roles) -> Iterator[list[Value]]:
    """The divisions exp(z) / Σ exp(z), those that play the same part together."""
    for nodes in roles.classes():
        if all(_is_softmax(node) for node in nodes):
            yield nodes


def _only_sources(roles: Roles) -> dict[Value, list[Value]]:
    """For each node, the nearest nodes from each of which alone it was computed."""
    near: dict[Value, list[Value]] = {}
    for node in roles.order:
        parents = list(dict.fromkeys(p for p in node.parents if p in roles.signature)) if node in roles.slopes else []
        if not parents or len(parents) > 3:
            continue
        chains = [[parent, *near.get(parent, ())][:REACH] for parent in parents]
        near[node] = [one for one in chains[0] if all(one in chain for chain in chains[1:])]
    return near


def _is(name: str, inner: Value, outer: Value) -> bool:
    x, z = number_of(inner), number_of(outer)
    if name == "relu" and outer.op is not None and outer.op.name not in ("maximum", "mul", "where", "max", "clip"):
        return False
    try:
        wanted = TABLE[name].value(floats, x)
    except (ArithmeticError, ValueError):
        return False
    return bool(abs(z - wanted) <= 1e-12 * max(abs(wanted), 1e-3))


def _between(roles: Roles, inner: Value, outer: Value) -> set[Value]:
    """The nodes on the ways from inner to outer, without inner."""
    found, stack = {outer}, [outer]
    while stack:
        for parent in stack.pop().parents:
            if parent in roles.slopes and parent is not inner and parent not in found:
                found.add(parent)
                stack.append(parent)
    return found


def _composite(roles: Roles, name: str, inner: Value, outer: Value) -> Composite:
    inside = _between(roles, inner, outer)
    return Composite(name, inner, outer, tuple(edge for edge in roles.uses[inner] if edge[0] in inside))


def _is_softmax(node: Value) -> bool:
    if node.op is None or node.op.name != "div":
        return False
    numerator, total = node.parents
    if numerator.op is None or numerator.op.name != "exp" or total.op is None or total.op.name not in SUMS:
        return False
    stack = [total]
    while stack:
        for parent in stack.pop().parents:
            if parent is numerator:
                return True
            if parent.op is not None and parent.op.name in SUMS:
                stack.append(parent)
    return False
