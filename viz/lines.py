"""The edges of a drawing: between nodes each by itself, to and from folded ones as many as there are in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from engine import Value
from viz import text
from viz.fold import Thing
from viz.groups import Grouped


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as it is shown.

    count  how many edges of the graph it stands for
    local  the local derivative ∂child/∂parent, None where it is not asked for, where the child is folded,
           and where the parent is a constant
    size   of the gradient that goes back on it, |∂result/∂child · ∂child/∂parent|, of several edges the norm;
           None before it has arrived
    """

    count: int = 1
    local: float | None = None
    size: float | None = None

    @property
    def label(self) -> str:
        """What is written at the edge: ×48 for many in one, ×0.6347 for the local derivative, or nothing."""
        if self.count > 1:
            return f"×{self.count:,}"
        return "" if self.local is None else f"×{text.number(self.local)}"


def edges_of(
    graph: Grouped, things: Sequence[Thing], arrived: Mapping[Value, float], local_derivatives: bool
) -> tuple[list[tuple[int, int]], list[Line]]:
    """The edges between things, for each thing in the order of its operands. Those to or from a fold become one."""
    thing_of = places(graph, things)
    found: dict[tuple[int, ...], list[tuple[float | None, float | None]]] = {}
    for head, thing in enumerate(things):
        for v in thing.nodes:
            tails = [thing_of[u] for u in graph.operands[v]]
            if any(tail != head for tail in tails):
                for tail, passed in zip(tails, _passed(graph, v, arrived, local_derivatives), strict=True):
                    alone = thing.kind == things[tail].kind == "node"
                    if tail != head:
                        found.setdefault((tail, head, len(found)) if alone else (tail, head), []).append(passed)
    lines = []
    for (_, head, *_), parts in found.items():
        sizes = [size for _, size in parts if size is not None]
        is_one = len(parts) == 1 and things[head].kind == "node"
        local = parts[0][0] if local_derivatives and is_one else None
        lines.append(Line(len(parts), local, hypot(*sizes) if sizes else None))
    return [key[:2] for key in found], lines  # type: ignore[misc]


def _passed(
    graph: Grouped, v: int, arrived: Mapping[Value, float], local_derivatives: bool
) -> list[tuple[float | None, float | None]]:
    """For each operand of a node the local derivative, and the size of the gradient that goes back there."""
    node, operands = graph.nodes[v], [graph.nodes[u] for u in graph.operands[v]]
    upstream = arrived.get(node)
    if upstream is None and not local_derivatives:
        return [(None, None)] * len(operands)
    drawn = set(operands)  # of a part of a graph, not all operands are
    slopes = [slope for parent, slope in zip(node.parents, node.local_derivatives(), strict=True) if parent in drawn]
    return [
        (
            slope if parent.requires_grad else None,
            None if upstream is None or parent not in arrived else abs(upstream * slope),
        )
        for parent, slope in zip(operands, slopes, strict=True)
    ]


def places(graph: Grouped, things: Sequence[Thing]) -> list[int]:
    """For each node the thing that it is in."""
    place = [0] * len(graph.nodes)
    for k, thing in enumerate(things):
        for v in thing.nodes:
            place[v] = k
    return place
