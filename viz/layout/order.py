"""Who stands above whom in each column, so that few edges cross.

Sweeps to and fro over the columns (the barycentre rule of Sugiyama, Tagawa and Toda, 1981): each item wants
to stand level with the mean of what it is linked to in the columns already passed, and the column is sorted
by these wishes. Of all the sweeps, the one with the fewest crossings is kept.

What reaches over several columns, a lane or a group, has one wish for all of them. So two such things are never
sorted one way in one column and the other way in the next; `viz.layout.stack` relies on it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from viz.layout.lanes import Items
from viz.layout.stack import Stack, in_line


def sort(items: Items, stack: Stack) -> list[float]:
    """Sort `items.columns` from top to bottom; returns rough heights of the items."""
    sweeps = _Sweeps(items, stack)
    size = sum(map(len, items.columns))
    best: tuple[int, float] | None = None
    for n in range(12 if size < 3000 else 6 if size < 20000 else 3):
        y = sweeps.sweep(forward=n % 2 == 1)
        score = crossings(items), _length(items, y)
        if best is None or score < best:
            best, columns, heights = score, [column[:] for column in items.columns], y
    items.columns[:] = columns
    return heights


class _Sweeps:
    """The state between sweeps: the height of each item, in `y`."""

    def __init__(self, items: Items, stack: Stack) -> None:
        self.items, self.stack, self.tie = items, stack, _preorder(items)
        self.y = [0.0] * stack.count
        self.before, self.after = items.neighbours()
        self.members: list[list[int]] = [[] for _ in stack.inside]
        for item, path in enumerate(stack.path):
            for thing in path[:-1]:
                self.members[thing - stack.count].append(item)

    def sweep(self, *, forward: bool) -> list[float]:
        """One pass over the columns, which are sorted anew; returns heights that keep all the rules."""
        items, wish = self.items, self.y[:]
        links = self.before if forward else self.after
        starts = items.first if forward else items.last
        group_wish = [self._group_wish(g, links) for g in range(len(self.members))]
        columns = range(len(items.columns))
        for c in columns if forward else reversed(columns):
            column = items.columns[c]
            for item in column:
                if starts[item] == c and links[item]:
                    wish[item] = _mean(self.y[other] + lower for other, lower in links[item])
            column.sort(key=lambda item: self._key(item, wish, group_wish))
            apart = [self.stack.apart(a, b) for a, b in pairwise(column)]
            for item, y in zip(column, in_line([wish[item] for item in column], apart), strict=True):
                if starts[item] == c:
                    self.y[item] = y
        below = self.stack.rules(items.columns)
        self.y = self.stack.settle(below, self.stack.levels(below), self.y)
        return self.y

    def _group_wish(self, g: int, links: list[list[tuple[int, float]]]) -> float:
        inside = set(self.members[g])
        outer = [
            self.y[other] + lower for item in self.members[g] for other, lower in links[item] if other not in inside
        ]
        return _mean(outer) if outer else _mean(self.y[item] for item in self.members[g])

    def _key(self, item: int, wish: list[float], group_wish: list[float]) -> list[tuple[float, int, int]]:
        groups = (thing - self.stack.count for thing in self.stack.path[item][:-1])
        key = [(group_wish[g], 1, g) for g in groups]
        key.append((round(wish[item], 3), 0, self.tie[item]))
        return key


def crossings(items: Items) -> int:
    """How many pairs of links cross between neighbouring columns."""
    total = 0
    place = [{item: k for k, item in enumerate(column)} for column in items.columns]
    pieces: list[list[tuple[int, int]]] = [[] for _ in items.columns]
    for a, b, _ in items.links:
        c = items.first[b] - 1
        pieces[c].append((place[c][a], place[c + 1][b]))
    for c, column in enumerate(items.columns[:-1]):
        pieces[c] += [(place[c][item], place[c + 1][item]) for item in column if items.last[item] > c]
        total += _inversions([b for _, b in sorted(pieces[c])], len(items.columns[c + 1]))
    return total


def _inversions(numbers: Sequence[int], bound: int) -> int:
    """Pairs in the wrong order; counted with a Fenwick tree in O(n log n)."""
    tree, total = [0] * (bound + 1), 0
    for seen, number in enumerate(numbers):
        not_larger, k = 0, number + 1
        while k:
            not_larger += tree[k]
            k &= k - 1
        total += seen - not_larger
        k = number + 1
        while k <= bound:
            tree[k] += 1
            k += k & -k
    return total


def _length(items: Items, y: Sequence[float]) -> float:
    return round(sum(abs(y[a] - y[b]) for a, b, _ in items.links), 3)


def _mean(numbers: Iterable[float]) -> float:
    values = list(numbers)
    return round(sum(values) / len(values), 3)


def _preorder(items: Items) -> list[int]:
    """A number for each item, which decides between equal wishes: the order in which one reads the formula."""
    nodes = len(items.size)
    parents: list[list[int]] = [[] for _ in range(nodes)]
    is_used = [False] * nodes
    for a, b, _ in items.links:
        parents[b].append(a)
        is_used[a] = True
    tie = [-1] * nodes
    stack = [v for v in reversed(range(nodes)) if not is_used[v]]
    count = 0
    while stack:
        v = stack.pop()
        if tie[v] < 0:
            tie[v] = count
            count += 1
            stack += reversed(parents[v])
    return tie
