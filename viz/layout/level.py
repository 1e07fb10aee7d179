"""Heights at last: everything as level with what it is linked to as the order of the columns allows.

Each link is a spring between an item and the place where it arrives at another. In small steps all things follow
their springs, and `Stack.settle` keeps them apart; then each item slides to where its own springs rest, as far as
there is room; and in the end the boxes, now no larger than they must be, move together.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from viz.layout.lanes import Items
from viz.layout.stack import Stack

_NEAR = 8


def level(items: Items, stack: Stack, y: list[float]) -> list[float]:
    """Better heights for the items, from rough ones, for the order that the columns have."""
    springs = _Springs(items, stack)
    below = stack.rules(items.columns)
    levels = stack.levels(below)
    for _ in range(3):
        for _ in range(max(6, min(80, 12_000 // (1 + sum(map(len, items.columns)))))):
            y = stack.settle(below, levels, y, springs.steps(y))
        for _ in range(3):
            stack.slide(below, y, partial(springs.rest, y))
    for _ in range(20 if stack.inside else 0):
        y = stack.settle(below, levels, y, [0.0] * stack.count + springs.steps(y)[stack.count :])
    stack.slide(below, y, partial(springs.rest, y))
    return y


class _Springs:
    """home   for each item, its links within its box: the other item, and how much lower than that it wants to be
    links  (a, b, port, weight, tail, head): a wants to be level with b + port; tail are the things that this
           pulls at a, head those at b
    """

    def __init__(self, items: Items, stack: Stack) -> None:
        before, after = items.neighbours()
        self.count = stack.count + len(stack.inside)
        self.home = [
            [(other, lower) for other, lower in (*before[item], *after[item]) if item in stack.meeting(item, other)]
            for item in range(stack.count)
        ]
        self._gather(items, stack)
        ends = []
        for a, linked in enumerate(after):
            for b, port in linked:
                p, q = stack.meeting(a, b)
                ends.append((a, b, port, self._pulled(stack, a, p), self._pulled(stack, b, q)))
        uses = Counter(thing for *_, tail, head in ends for thing in (*tail, *head))
        self.links = [
            (a, b, port, 0.5 / max(uses[thing] for thing in (*tail, *head)), tail, head)
            for a, b, port, tail, head in ends
        ]

    def _pulled(self, stack: Stack, item: int, outer: int) -> list[int]:
        """What a link pulls at one end: the boxes that it leaves, but not their contents apart.

        The item itself follows the links within its box; only if it has none, it follows this one.
        """
        *boxes, _ = stack.path[item][stack.path[item].index(outer) :]
        return boxes if boxes and self.home[item] else [*boxes, item]

    def _gather(self, items: Items, stack: Stack) -> None:
        """What has no links within its box wants to be near some of the others in it."""
        members: list[list[int]] = [[] for _ in stack.inside]
        for item, path in enumerate(stack.path):
            for box in path[:-1]:
                members[box - stack.count].append(item)
        for item, group in enumerate(items.group):
            if group is not None and not self.home[item]:
                others = [other for other in members[group] if other != item]
                self.home[item] = [(other, 0.0) for other in others[:: 1 + len(others) // _NEAR]]

    def steps(self, y: Sequence[float]) -> list[float]:
        """How far each thing follows its springs. A link pulls both its ends equally, and less where there are many."""
        step = [0.0] * self.count
        for a, b, port, weight, tail, head in self.links:
            pull = weight * (y[b] + port - y[a])
            for thing in tail:
                step[thing] += pull / len(tail)
            for thing in head:
                step[thing] -= pull / len(head)
        return step

    def rest(self, y: Sequence[float], item: int) -> float:
        """The height at which the links of an item within its box are at rest."""
        home = self.home[item]
        return sum(y[other] + lower for other, lower in home) / len(home) if home else y[item]
