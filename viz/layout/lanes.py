"""From nodes in columns to things that can be stacked: where an edge passes a column, it needs a lane there.

A lane is a straight line of a fixed height over one or more columns. All edges from one node share a lane
for as long as they run through the same group, as the wires of a bus: a node used a thousand times has
one lane, not a thousand. An edge enters a group where the group begins, so that it runs inside the box.

Glossary: u, v the ends of an edge; g a group; item a node, a lane, or (in a column that a group spans
but has nothing in) a spacer; link a piece of an edge between an item and an item of the next column.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from viz.layout.ranks import chains

_PORTS = 10.0  # how far apart two edges arrive at a card, where there is room


@dataclass(slots=True)
class Items:
    """What is stacked in the columns. The nodes come first, with their own indices.

    first, last  the columns from which and to which an item reaches
    size         how high it is
    group        the innermost group it lies in, or None
    columns      for each column, the items in it
    links        (a, b, n): a's end to b's beginning, n saying which of b's edges it is (0 for a lane)
    route        for each edge, its lanes, each with the first and the last column in which the edge is on it
    """

    first: list[int]
    last: list[int]
    size: list[float]
    group: list[int | None]
    columns: list[list[int]] = field(default_factory=list)
    links: list[tuple[int, int, int]] = field(default_factory=list)
    route: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def add(self, first: int, last: int, size: float, group: int | None) -> int:
        self.first.append(first)
        self.last.append(last)
        self.size.append(size)
        self.group.append(group)
        return len(self.first) - 1

    def neighbours(self) -> tuple[list[list[tuple[int, float]]], list[list[tuple[int, float]]]]:
        """For each item, what it is linked to before and after it, and how much lower than that it wants to be.

        Edges arrive at a card one below the other, in the order of the operands.
        """
        before: list[list[tuple[int, float]]] = [[] for _ in self.size]
        after: list[list[tuple[int, float]]] = [[] for _ in self.size]
        arriving = [0] * len(self.size)
        for _, b, n in self.links:
            arriving[b] = max(arriving[b], n + 1)
        for a, b, n in self.links:
            port = (n - (arriving[b] - 1) / 2) * min(_PORTS, self.size[b] / arriving[b])
            before[b].append((a, -port))
            after[a].append((b, port))
        return before, after


def items(
    sizes: Sequence[float],
    edges: Sequence[tuple[int, int]],
    rank: Sequence[int],
    group_of: Sequence[int | None],
    group_parent: Sequence[int | None],
) -> Items:
    """Nodes, lanes and spacers, and the links between them."""
    result = Items(list(rank), list(rank), list(sizes), list(group_of))
    chain_of = chains(group_parent)
    begin, end = _spans(rank, group_of, chain_of)

    lane_of: dict[tuple[int, int | None], int] = {}
    linked: set[tuple[int, int]] = set()
    arrived = [0] * len(sizes)
    for u, v in edges:
        here, route = u, []
        for g, first, last in _stretches(
            rank[u], rank[v], _chain(chain_of, group_of[u]), _chain(chain_of, group_of[v]), begin, end
        ):
            lane = lane_of.get((u, g))
            if lane is None:
                lane = lane_of[u, g] = result.add(first, last, 0.0, g)
            result.first[lane], result.last[lane] = min(result.first[lane], first), max(result.last[lane], last)
            route.append((lane, first, last))
            if (here, lane) not in linked:
                linked.add((here, lane))
                result.links.append((here, lane, 0))
            here = lane
        result.links.append((here, v, arrived[v]))
        arrived[v] += 1
        result.route.append(route)

    result.columns = [[] for _ in range(max(rank, default=-1) + 1)]
    for item in range(len(result.first)):
        for column in range(result.first[item], result.last[item] + 1):
            result.columns[column].append(item)
    _add_spacers(result, chain_of, begin, end)
    return result


def _chain(chain_of: list[list[int]], group: int | None) -> list[int]:
    return [] if group is None else chain_of[group]


def _spans(
    rank: Sequence[int], group_of: Sequence[int | None], chain_of: list[list[int]]
) -> tuple[list[int], list[int]]:
    """The first and the last column of each group."""
    begin, end = [len(rank)] * len(chain_of), [-1] * len(chain_of)
    for v, group in enumerate(group_of):
        for g in _chain(chain_of, group):
            begin[g], end[g] = min(begin[g], rank[v]), max(end[g], rank[v])
    return begin, end


def _stretches(
    start: int, stop: int, from_chain: list[int], to_chain: list[int], begin: list[int], end: list[int]
) -> list[tuple[int | None, int, int]]:
    """(group, first column, last column) for the columns between start and stop, each stretch in one group.

    In a column, an edge lies in the innermost group of its target that has begun, else in the innermost group
    of its source that has not ended, else in none.
    """
    if stop - start < 2:
        return []
    cuts = {start + 1} | {begin[g] for g in to_chain} | {end[g] + 1 for g in from_chain}
    inside = sorted(cut for cut in cuts if start < cut < stop)
    result: list[tuple[int | None, int, int]] = []
    for first, following in zip(inside, [*inside[1:], stop], strict=True):
        ahead = [g for g in to_chain if begin[g] <= first]
        behind = [g for g in from_chain if first <= end[g]]
        group = max(ahead, behind, key=len)  # the same groups stand first in both: the longer one is the inner
        if result and result[-1][0] == (group[-1] if group else None):
            result[-1] = (result[-1][0], result[-1][1], following - 1)
        else:
            result.append((group[-1] if group else None, first, following - 1))
    return result


def _add_spacers(result: Items, chain_of: list[list[int]], begin: list[int], end: list[int]) -> None:
    """Something of each group in each of its columns, so that nothing else is put into its box."""
    filled = {
        (g, c) for c, column in enumerate(result.columns) for i in column for g in _chain(chain_of, result.group[i])
    }
    for g in reversed(range(len(chain_of))):  # inner groups first: what fills them fills the outer ones
        for column in range(begin[g], end[g] + 1):
            if (g, column) not in filled:
                result.columns[column].append(result.add(column, column, 0.0, g))
                filled.update((outer, column) for outer in chain_of[g])
