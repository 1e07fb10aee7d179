"""What becomes one card: a node, or many nodes that are folded into one box.

Which groups are folded is said by `folded`. `things` then merges the nodes: a folded group is one thing, and where
that is still too much to look at, nodes that do the same are one thing, and all that is far from the result is one.

What is merged must not go in circles. A group that is used, and used again by what was made with it (a cell that
is applied at each step of a sequence), is drawn once for each visit. The visits follow from stages,

    stage(v) = max over the operands u of v of (stage(u), if they are in the same thing, else stage(u) + 1),

so an edge from one thing to another leads to a later stage, and no circle is left. What a visit needs and no other
thing does, as its weights, is at the stage of its first use.

Nodes are numbers, in topological order. Glossary: u, v nodes; g a group; part the number of a thing.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from heapq import heapify, heappop, heappush
from math import inf

from viz.groups import Group, Grouped

SHOWN = 300  # as many things as a picture shows before it is folded by itself
LINES = 250  # a picture that is folded is folded further while more arrows than these are left
NEAR = 200  # of a graph without groups, so many things next to the result

Fold = bool | str | Iterable[str]


@dataclass(frozen=True, slots=True)
class Thing:
    """What becomes one card.

    nodes  its members
    kind   "node"; "group", a folded one; "alike", nodes that do the same; "before", all that is further away
    group  the folded group, or None
    visit  (2, 5): the second of five visits; (1, 1) for a whole group
    """

    nodes: tuple[int, ...]
    kind: str = "node"
    group: int | None = None
    visit: tuple[int, int] = (1, 1)


def folded(
    groups: Sequence[Group],
    group_of: Sequence[int | None],
    fold: Fold = "auto",
    depth: int | None = None,
    max_nodes: int = SHOWN,
    operands: Sequence[Sequence[int]] = (),
) -> set[int]:
    """The groups that begin folded: indices in `groups`. A group inside a folded one may be among them.

    fold   True: the outermost; False: none; paths (or one): these; "auto": the deepest first, by whole levels, until
           at most 300 things are left (or `max_nodes`, where a depth is asked for, or that is less), with at most
           250 arrows between them, if the operands of the nodes are given
    depth  so many levels of boxes stay open, whatever `fold` says; None for all

    Raises:
        TypeError: for a fold that is none of these, and a depth that is no whole number.
        ValueError: for a path that does not exist, and a negative depth.
    """
    deepest = max((group.depth for group in groups), default=-1) + 1
    level = deepest if depth is None else min(_checked(depth), deepest)
    paths = _checked_paths(fold, [group.path for group in groups])
    if fold is True:
        level = 0
    elif fold == "auto":
        nodes_at = Counter(-1 if g is None else groups[g].depth for g in group_of)
        groups_at = Counter(group.depth for group in groups)
        most = min(max_nodes, SHOWN) if depth is None else max_nodes
        while level and (
            sum(nodes_at[d] for d in range(-1, level)) + groups_at[level] > most
            or (depth is None and len(group_of) > most and _arrows(groups, group_of, operands, level) > LINES)
        ):
            level -= 1
    return {g for g, group in enumerate(groups) if group.depth >= level or group.path in paths}


def _arrows(
    groups: Sequence[Group], group_of: Sequence[int | None], operands: Sequence[Sequence[int]], level: int
) -> int:
    """How many arrows are left when the groups of a level are folded; there is one for each pair of things."""
    top = _outermost(groups, {g for g, group in enumerate(groups) if group.depth >= level})
    part = [v if g is None or top[g] is None else ~top[g] for v, g in enumerate(group_of)]  # type: ignore[operator]
    return len({(part[u], part[v]) for v, parents in enumerate(operands) for u in parents if part[u] != part[v]})


def things(
    graph: Grouped, folded: set[int], most: float = inf, look: Callable[[int], Hashable] | None = None
) -> list[Thing]:
    """All that is drawn, in topological order (so the result is last), with these groups folded.

    If that is more than `most`, only what is nearest to the result, and one thing for all before it. Single nodes for
    which `look` gives the same, and whose results go to the same things, are then one thing.
    """
    operands, count = graph.operands, len(graph.nodes)
    if not folded and count <= most:
        return [Thing((v,)) for v in range(count)]
    top = _outermost(graph.groups, folded)
    group_of = [None if g is None else top[g] for g in graph.group_of]
    part, stage, before = list(range(count)), [0] * count, operands
    if folded:
        part = _numbered([v if g is None else ~g for v, g in enumerate(group_of)])
        before = _between(operands, part)
        stage = _stages(operands, part, _circles(before))
        part = _numbered(list(zip(part, stage, strict=True)))
        before = _between(operands, part)
    if len(before) > most:
        single = {p: v for v, p in enumerate(part) if group_of[v] is None} if folded else range(count)

        def alike(p: int) -> Hashable:
            return None if look is None or p not in single else look(single[p])

        near = _nearest(before, part[-1], alike, max(1, min(NEAR, int(most) - 1)))
        part = [near.get(p, _FAR) for p in part]

    return _sorted(_collected(part, stage, group_of), operands)


_FAR = -1


def _collected(part: Sequence[int], stage: Sequence[int], group_of: Sequence[int | None]) -> list[Thing]:
    """The things, from the part of each node, its stage, and the folded group that it is in."""
    members: dict[int, list[int]] = {}
    visits: dict[int, set[int]] = {}
    for v, (p, g) in enumerate(zip(part, group_of, strict=True)):
        members.setdefault(p, []).append(v)
        if g is not None:
            visits.setdefault(g, set()).add(stage[v])
    number = {g: {s: k for k, s in enumerate(sorted(stages), 1)} for g, stages in visits.items()}
    result = []
    for p, nodes in members.items():
        g = group_of[nodes[0]]
        if p == _FAR:
            result.append(Thing(tuple(nodes), "before"))
        elif g is not None:
            result.append(Thing(tuple(nodes), "group", g, (number[g][stage[nodes[0]]], len(number[g]))))
        else:
            result.append(Thing(tuple(nodes), "node" if len(nodes) == 1 else "alike"))
    return result


def _outermost(groups: Sequence[Group], folded: set[int]) -> list[int | None]:
    """For each group the outermost folded one that it is or lies in."""
    top: list[int | None] = []
    for g, group in enumerate(groups):
        around = None if group.parent is None else top[group.parent]
        top.append(around if around is not None else g if g in folded else None)
    return top


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    """The keys as 0, 1, ... in order of appearance."""
    number: dict[Hashable, int] = {}
    return [number.setdefault(key, len(number)) for key in keys]


def _between(operands: Sequence[Sequence[int]], part: Sequence[int]) -> list[list[int]]:
    """For each part the other parts that it is made from."""
    result: list[dict[int, None]] = [{} for _ in range(max(part) + 1)]
    for v, parents in enumerate(operands):
        for u in parents:
            if part[u] != part[v]:
                result[part[v]][part[u]] = None
    return [list(parts) for parts in result]


def _circles(before: Sequence[Sequence[int]]) -> list[int]:
    """For each part a number; two have the same if each leads to the other (Kosaraju and Sharir, 1981)."""
    after: list[list[int]] = [[] for _ in before]
    for p, parts in enumerate(before):
        for q in parts:
            after[q].append(p)
    order: list[int] = []  # each part after all it leads back to, but for circles
    seen = [False] * len(before)
    for root in range(len(before)):
        stack = [root]
        while stack:
            p = stack.pop()
            if p < 0:
                order.append(~p)
            elif not seen[p]:
                seen[p] = True
                stack += [~p, *before[p]]
    circle = [-1] * len(before)
    for root in reversed(order):
        stack = [root]
        while stack:
            p = stack.pop()
            if circle[p] < 0:
                circle[p] = root
                stack += (q for q in after[p] if circle[q] < 0)
    return circle


def _stages(operands: Sequence[Sequence[int]], part: Sequence[int], circle: Sequence[int]) -> list[int]:
    """The stage of each node; 0 for all whose part is in no circle."""
    stage = [0] * len(part)
    if len(set(circle)) == len(circle):
        return stage
    for v, parents in enumerate(operands):
        for u in parents:
            if circle[part[u]] == circle[part[v]]:
                stage[v] = max(stage[v], stage[u] + (part[u] != part[v]))
    first_use = [inf] * len(part)
    for v in reversed(range(len(part))):  # as late as the first use, where nothing but its own part uses it
        if 0 < first_use[v] < inf:
            stage[v] = int(first_use[v])
        for u in operands[v]:
            if part[u] == part[v]:
                first_use[u] = min(first_use[u], stage[v])
            elif circle[part[u]] == circle[part[v]]:
                first_use[u] = -1  # used elsewhere: it stays
    return stage


def _nearest(
    before: Sequence[Sequence[int]], result: int, alike: Callable[[int], Hashable], most: int
) -> dict[int, int]:
    """For the parts nearest to the result what they are merged into: at most `most` parts that remain.

    Two parts become one if they have the same users, and `alike` gives the same for them, but for None.

    In waves from the result, a part in the wave after the last of its users; so what is left out is made from nothing
    that is kept.
    """
    waiting = [0] * len(before)
    for parts in before:
        for q in parts:
            waiting[q] += 1
    near: dict[int, int] = {}
    users: dict[int, dict[int, None]] = {}
    wave, kept = [result], 0
    while wave:
        merged: dict[Hashable, list[int]] = {}
        for p in sorted(wave, reverse=True):
            look = alike(p)
            merged.setdefault(p if look is None else (look, frozenset(users.get(p, ()))), []).append(p)
        wave = []
        for parts in list(merged.values())[: most - kept]:
            kept += 1
            for p in parts:
                near[p] = parts[0]
                for q in before[p]:
                    waiting[q] -= 1
                    users.setdefault(q, {})[parts[0]] = None
                    if not waiting[q]:
                        wave.append(q)
    return near


def _sorted(things: Sequence[Thing], operands: Sequence[Sequence[int]]) -> list[Thing]:
    """In topological order, as early as their first node asks for."""
    part = {v: k for k, thing in enumerate(things) for v in thing.nodes}
    before = _between(operands, [part[v] for v in range(len(operands))])
    after: list[list[int]] = [[] for _ in before]
    for p, parts in enumerate(before):
        for q in parts:
            after[q].append(p)
    waiting = [len(parts) for parts in before]
    ready = [(things[p].nodes[0], p) for p, parts in enumerate(before) if not parts]
    heapify(ready)
    result = []
    while ready:
        _, p = heappop(ready)
        result.append(things[p])
        for q in after[p]:
            waiting[q] -= 1
            if not waiting[q]:
                heappush(ready, (things[q].nodes[0], q))
    return result


def _checked(depth: int) -> int:
    if isinstance(depth, bool) or not isinstance(depth, int):
        raise TypeError(f"depth is a whole number of levels that stay open, or None for all, not {depth!r}")
    if depth < 0:
        raise ValueError(f"depth is 0 (the outermost groups are single boxes), 1, 2, ... or None, not {depth}")
    return depth


def _checked_paths(fold: Fold, paths: Sequence[str]) -> set[str]:
    """The paths that `fold` asks for."""
    if isinstance(fold, bool) or fold == "auto":
        return set()
    wanted = [fold] if isinstance(fold, str) else list(fold) if isinstance(fold, Iterable) else None
    if wanted is None or not all(isinstance(path, str) for path in wanted):
        raise TypeError(f"fold is 'auto', True, False, or the paths of groups, such as ['layers[0]'], not {fold!r}")
    for path in wanted:
        if path not in paths:
            raise ValueError(f"there is no group {path!r} to fold; {instead(path, paths)}")
    return set(wanted)


def instead(wrong: str, names: Iterable[str]) -> str:
    """What there is in the place of a name that there is not: the nearest names, or else the first few."""
    names = list(dict.fromkeys(names))
    if not names:
        return "there is none with a name"
    near = get_close_matches(wrong, names, 4, 0.5)
    listed = ", ".join(map(repr, near or names[:4]))
    more = len(names) - 4
    return f"do you mean {listed}?" if near else f"there is {listed}{f' and {more:,} more' if more > 0 else ''}"
