"""Which column each node stands in: before everything that uses it, and as late as that allows.

Late is better than early: a weight then stands right before the node that uses it, and few edges are long.

The members of a group share a run of columns. Where the edges allow it, a group ends before whatever uses
it begins, so that the layers of a network stand side by side as boxes: all that a layer is made from to
its left, all that uses it to its right. Where they do not (a cell used again at each step of a sequence),
only the edges themselves count.
"""

from collections.abc import Sequence

Arc = tuple[int, int, int]  # from, to, how many columns apart at least


def ranks(
    count: int,
    edges: Sequence[tuple[int, int]],
    group_of: Sequence[int | None],
    group_parent: Sequence[int | None],
) -> list[int]:
    """The column of each node, from 0; every edge leads to a later column.

    Raises:
        ValueError: if the edges form a circle.

    >>> ranks(4, [(0, 2), (1, 2), (2, 3), (0, 3)], [None] * 4, [])  # 0 and 1 both stand right before 2
    [0, 0, 1, 2]
    """
    plain = [(u, v, 1) for u, v in edges]
    boxes = _box_arcs(count, edges, group_of, group_parent)
    order = _latest(count + 2 * len(group_parent), plain + boxes)
    if order is None:
        order = _latest(count, plain)
    if order is None:
        raise ValueError("the edges form a circle, and a computation graph has none")
    first = min(order[:count], default=0)
    return [place - first for place in order[:count]]


def chains(group_parent: Sequence[int | None]) -> list[list[int]]:
    """For each group, the groups it lies in from the outermost to itself. Outer groups come first in the list."""
    result: list[list[int]] = []
    for g, parent in enumerate(group_parent):
        result.append([*result[parent], g] if parent is not None else [g])
    return result


def _latest(count: int, arcs: Sequence[Arc]) -> list[int] | None:
    """Minus the longest path to an end, for each place; None if the arcs form a circle."""
    before: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    waiting = [0] * count
    for a, b, apart in arcs:
        before[b].append((a, apart))
        waiting[a] += 1
    place = [0] * count
    ready = [v for v in range(count) if not waiting[v]]
    for b in ready:  # grows while it is walked
        for a, apart in before[b]:
            place[a] = min(place[a], place[b] - apart)
            waiting[a] -= 1
            if not waiting[a]:
                ready.append(a)
    return place if len(ready) == count else None


def _box_arcs(
    count: int,
    edges: Sequence[tuple[int, int]],
    group_of: Sequence[int | None],
    group_parent: Sequence[int | None],
) -> list[Arc]:
    """Group g begins at place count + 2g and ends at the next: begin <= members <= end, and the end of one
    group comes before the beginning of what uses it."""

    def begin(g: int) -> int:
        return count + 2 * g

    arcs: list[Arc] = []
    for g, parent in enumerate(group_parent):
        if parent is not None:
            arcs += [(begin(parent), begin(g), 0), (begin(g) + 1, begin(parent) + 1, 0)]
    for v, group in enumerate(group_of):
        if group is not None:
            arcs += [(begin(group), v, 0), (v, begin(group) + 1, 0)]
    only_use = _only_use(edges)
    for a, b in _without_circles(_siblings(edges, group_of, group_parent)):
        arcs.append((begin(~a) + 1 if a < 0 else a, begin(~b) if b < 0 else b, 1))
        if a < 0 <= b:  # a number that meets a group's result stands behind the group as well, not far beside it
            arcs += [(begin(~a) + 1, u, 1) for u in only_use.get(b, ()) if group_of[u] == group_of[b]]
    return arcs


def _only_use(edges: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """For each node v, the leaves that are used by v and nothing else."""
    computed = {v for _, v in edges}
    uses: dict[int, dict[int, None]] = {}
    for u, v in edges:
        uses.setdefault(u, {})[v] = None
    result: dict[int, list[int]] = {}
    for u, users in uses.items():
        if len(users) == 1 and u not in computed:
            result.setdefault(next(iter(users)), []).append(u)
    return result


def _siblings(
    edges: Sequence[tuple[int, int]],
    group_of: Sequence[int | None],
    group_parent: Sequence[int | None],
) -> dict[tuple[int, int], None]:
    """For each edge, the outermost things that hold one end and not the other: a node v, or a group g as ~g."""
    chain_of = chains(group_parent)
    pairs: dict[tuple[int, int], None] = {}
    for u, v in edges:
        a = [~g for g in chain_of[group_of[u]]] if group_of[u] is not None else []  # type: ignore[index]
        b = [~g for g in chain_of[group_of[v]]] if group_of[v] is not None else []  # type: ignore[index]
        a.append(u)
        b.append(v)
        pairs[next((x, y) for x, y in zip(a, b, strict=False) if x != y)] = None
    return pairs


def _without_circles(pairs: dict[tuple[int, int], None]) -> list[tuple[int, int]]:
    """The pairs that lie on no circle: what can be peeled off from the beginning or from the end."""
    kept: list[tuple[int, int]] = []
    for flip in (False, True):
        following: dict[int, list[int]] = {}
        waiting: dict[int, int] = {}
        for a, b in ((b, a) if flip else (a, b) for a, b in pairs):
            following.setdefault(a, []).append(b)
            waiting[b] = waiting.get(b, 0) + 1
            waiting.setdefault(a, 0)
        ready = [a for a, n in waiting.items() if not n]
        for a in ready:
            for b in following.get(a, ()):
                kept.append((b, a) if flip else (a, b))
                waiting[b] -= 1
                if not waiting[b]:
                    ready.append(b)
        done = set(kept)
        pairs = {pair: None for pair in pairs if pair not in done}
    return kept
