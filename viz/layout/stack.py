"""Heights in the columns: as near as possible to where each thing wants to be, and nothing on anything else.

A thing is an item (a card or a lane) or a group, which is a rigid box around its contents. Who stands above whom
is settled before (see `viz.layout.order`), and gives rules of one form, between neighbours of the same level:

    top of B >= bottom of A + gap.

A box has one top and one bottom for all its columns, so whatever stands beside it in any of them stays out.

`settle` pushes everything down until all rules hold, does the same upwards, and takes the mean of the two.
Either keeps every rule, so their mean keeps it as well; and what nobody pushes stays where it wanted to be.
Inner boxes are settled first, and then move as a whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from viz.layout.lanes import Items
from viz.layout.ranks import chains

Rules = list[list[tuple[int, float]]]  # for each thing, what stands below it, and the gap between


@dataclass(frozen=True, slots=True)
class Room:
    """The free space that is kept: between cards, beside lanes, and within a box above and below its contents."""

    cards: float = 16.0
    lanes: float = 11.0
    above: float = 26.0
    below: float = 10.0


class Stack:
    """Items and groups as things: item i is thing i, group g is thing `len(items.size) + g`.

    path    for each item, the things that hold it: its groups from the outermost in, and itself
    inside  for each group, the things directly in it; `outermost` are those in none
    """

    def __init__(self, items: Items, group_parent: Sequence[int | None], room: Room) -> None:
        self.items, self.room = items, room
        self.count = len(items.size)
        chain_of = chains(group_parent)
        self.path = [
            [*(self.count + g for g in ([] if group is None else chain_of[group])), item]
            for item, group in enumerate(items.group)
        ]
        self.inside: list[list[int]] = [[] for _ in group_parent]
        self.outermost: list[int] = []
        for thing, group in enumerate([*items.group, *group_parent]):
            (self.outermost if group is None else self.inside[group]).append(thing)

    def meeting(self, a: int, b: int) -> tuple[int, int]:
        """The outermost things that hold one of two items and not the other: they stand on one level."""
        return next((p, q) for p, q in zip(self.path[a], self.path[b], strict=False) if p != q)

    def gap(self, p: int, q: int) -> float:
        """The free space between two things of one level."""
        is_lane = any(thing < self.count and not self.items.size[thing] for thing in (p, q))
        return self.room.lanes if is_lane else self.room.cards

    def apart(self, a: int, b: int) -> float:
        """How far apart the centres of two neighbours in a column are at least, with the borders between them."""
        p, q = self.meeting(a, b)
        leaving = len(self.path[a]) - self.path[a].index(p) - 1
        entering = len(self.path[b]) - self.path[b].index(q) - 1
        borders = leaving * self.room.below + entering * self.room.above
        return (self.items.size[a] + self.items.size[b]) / 2 + borders + self.gap(p, q)

    def rules(self, columns: Sequence[Sequence[int]]) -> Rules:
        """What the order of the columns asks for."""
        pairs = {self.meeting(a, b): None for column in columns for a, b in pairwise(column)}
        below: Rules = [[] for _ in range(self.count + len(self.inside))]
        for p, q in pairs:
            below[p].append((q, self.gap(p, q)))
        return below

    def levels(self, below: Rules) -> list[list[int]]:
        """The things of each group, and at last those in none: each after all that stand above it."""
        waiting = [0] * len(below)
        for rules in below:
            for q, _ in rules:
                waiting[q] += 1
        result = []
        for things in [*self.inside, self.outermost]:
            order = [p for p in things if not waiting[p]]
            for p in order:  # grows while it is walked
                for q, _ in below[p]:
                    waiting[q] -= 1
                    if not waiting[q]:
                        order.append(q)
            assert len(order) == len(things), "two columns disagree about who stands above whom"
            result.append(order)
        return result

    def settle(
        self, below: Rules, levels: list[list[int]], wanted: Sequence[float], step: Sequence[float] = ()
    ) -> list[float]:
        """Heights of the items that keep the rules, near to the wanted ones.

        `step` is how far each thing wants to move as a whole from there; by default it does not.
        """
        shift = list(step) or [0.0] * len(below)
        boxes = [0.0] * len(self.inside)
        top = [y - size / 2 for y, size in zip(wanted, self.items.size, strict=True)] + boxes
        bottom = [y + size / 2 for y, size in zip(wanted, self.items.size, strict=True)] + boxes
        for g in reversed(range(len(boxes))):
            _push(levels[g], below, shift, top, bottom)
            top[self.count + g] = min(top[p] + shift[p] for p in self.inside[g]) - self.room.above
            bottom[self.count + g] = max(bottom[p] + shift[p] for p in self.inside[g]) + self.room.below
        _push(levels[-1], below, shift, top, bottom)
        return [y + sum(shift[p] for p in path) for y, path in zip(wanted, self.path, strict=True)]

    def slide(self, below: Rules, y: list[float], wish: Callable[[int], float]) -> None:
        """Move each item as far towards its wish as the things around it allow, from left to right and back."""
        above: Rules = [[] for _ in below]
        for p, rules in enumerate(below):
            for q, gap in rules:
                above[q].append((p, gap))
        boxes = [0.0] * len(self.inside)
        top = [height - size / 2 for height, size in zip(y, self.items.size, strict=True)] + boxes
        bottom = [height + size / 2 for height, size in zip(y, self.items.size, strict=True)] + boxes
        for g in reversed(range(len(boxes))):
            top[self.count + g] = min(top[p] for p in self.inside[g]) - self.room.above
            bottom[self.count + g] = max(bottom[p] for p in self.inside[g]) + self.room.below
        order = sorted(range(self.count), key=lambda item: self.items.first[item])
        for item in [*order, *reversed(order)]:
            half, group = self.items.size[item] / 2, self.items.group[item]
            highest = [bottom[p] + gap for p, gap in above[item]]
            lowest = [top[q] - gap for q, gap in below[item]]
            if group is not None:
                highest.append(top[self.count + group] + self.room.above)
                lowest.append(bottom[self.count + group] - self.room.below)
            height = max([wish(item), *(edge + half for edge in highest)])
            y[item] = min([height, *(edge - half for edge in lowest)])
            top[item], bottom[item] = y[item] - half, y[item] + half


def _push(order: Sequence[int], below: Rules, shift: list[float], top: list[float], bottom: list[float]) -> None:
    """Change the shifts of one level so that its rules hold: the mean of all the way down and all the way up."""
    down, up = {p: shift[p] for p in order}, {p: shift[p] for p in order}
    for p in order:
        end = down[p] + bottom[p]
        for q, gap in below[p]:
            if down[q] + top[q] < end + gap:
                down[q] = end + gap - top[q]
    for p in reversed(order):
        for q, gap in below[p]:
            if up[p] + bottom[p] + gap > up[q] + top[q]:
                up[p] = up[q] + top[q] - gap - bottom[p]
    for p in order:
        shift[p] = (down[p] + up[p]) / 2


def in_line(wanted: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The same for one column alone: apart[k] is the distance between k and k + 1 at least."""
    down, up = list(wanted), list(wanted)
    for k, distance in enumerate(apart):
        down[k + 1] = max(down[k + 1], down[k] + distance)
    for k in reversed(range(len(apart))):
        up[k] = min(up[k], up[k + 1] - apart[k])
    return [(a + b) / 2 for a, b in zip(down, up, strict=True)]
