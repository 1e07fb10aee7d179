"""From sizes and edges to a layout, step by step; the steps are the other files of this folder.

Here are, at last, the positions of the columns, the curves of the edges and the boxes of the groups. Everything is
computed from left to right; for top to bottom, the two axes are exchanged at both ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

from viz import style
from viz.layout.lanes import Items, items
from viz.layout.level import level
from viz.layout.order import sort
from viz.layout.ranks import chains, ranks
from viz.layout.stack import Room, Stack

Point = tuple[float, float]
DIRECTIONS = ("LR", "TB")

_GAP, _LABEL, _PAD = 46.0, 16.0, 10.0  # between columns; of a box, for its label and around its contents
_PORTS = 11.0  # between the ends of two edges at a card, where there is room


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes; x to the right, y down, all within (0, 0) and (width, height).

    centers  of the cards
    paths    for each edge a Bézier curve: a point, then three points for each piece (two handles and the end)
    boxes    (left, top, width, height) for each group
    labels   for each edge the middle of its label; empty where the labels have no places of their own
    """

    width: float
    height: float
    centers: list[Point]
    paths: list[list[Point]]
    boxes: list[tuple[float, float, float, float]]
    labels: list[Point] = field(default_factory=list)

    def label(self, e: int) -> Point:
        """Where the label of an edge stands: at its place, or else in the middle of the path."""
        if self.labels:
            return self.labels[e]
        path = self.paths[e]
        k = (len(path) - 1) // 3 // 2 * 3  # the first point of the piece in the middle
        p, q, r, s = path[k : k + 4]
        return (p[0] + 3 * q[0] + 3 * r[0] + s[0]) / 8, (p[1] + 3 * q[1] + 3 * r[1] + s[1]) / 8


def layered(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    group_of: Sequence[int | None] = (),
    group_parent: Sequence[int | None] = (),
    direction: str = "LR",
    entry: Sequence[float] = (),
    port: float = _PORTS,
) -> Layout:
    """Cards in columns (or, from top to bottom, in rows), every edge leading forward.

    `sizes` are (width, height); an edge is (from, to), twice for two edges; `group_of` gives each card its
    innermost group or None, `group_parent` each group the one around it or None, outer groups first. `entry` is the
    length over which the edges run straight towards each card, so that labels can stand there, and `port` how far
    apart they arrive, where there is room.

    Raises:
        ValueError: for a circle of edges, or a direction other than LR and TB.

    >>> plan = layered([(40, 20), (40, 20)], [(0, 1)])
    >>> plan.width, plan.height, plan.centers
    (126.0, 20.0, [(20.0, 10.0), (106.0, 10.0)])
    """
    check_direction(direction)
    if direction == "TB":
        sizes = [(h, w) for w, h in sizes]
    entry = list(entry) or [0.0] * len(sizes)
    cards, sizes = sizes, [(w + free, h) for (w, h), free in zip(sizes, entry, strict=True)]
    group_of = list(group_of) or [None] * len(sizes)
    across = Room() if direction == "LR" else Room(above=_PAD, below=_PAD)
    before = _PAD if direction == "LR" else _LABEL + _PAD

    rank = ranks(len(sizes), edges, group_of, group_parent)
    parts = items([h for _, h in sizes], edges, rank, group_of, group_parent)
    stack = Stack(parts, group_parent, across)
    y = level(parts, stack, sort(parts, stack))
    boxed = _boxed(parts, chains(group_parent))
    left, right = _columns([w for w, _ in sizes], rank, y, parts, boxed, before)
    x = [(left[r] + right[r]) / 2 for r in rank]

    paths = _paths([w for w, _ in sizes], edges, rank, x, y, parts, left, right, port)
    boxes = _boxes([w for w, _ in sizes], x, y, parts, boxed, group_parent, across, before)
    for path, (_, v) in zip(paths, edges, strict=True):
        if entry[v]:
            tip = (path[-1][0] + entry[v], path[-1][1])
            path += _piece(path[-1], tip, bend=False)
    labels = [arrow_foot(path, (entry[v] + style.ARROW) / 2) for path, (_, v) in zip(paths, edges, strict=True)]
    centers = [(x[v] + free / 2, y[v]) for v, free in enumerate(entry)]
    return shifted(Layout(0.0, 0.0, centers, paths, boxes, labels), cards, flip=direction == "TB")


def check_direction(direction: str) -> None:
    """Raises ValueError for a direction that no layout knows."""
    if direction not in DIRECTIONS:
        raise ValueError(f"direction is 'LR' (left to right) or 'TB' (top to bottom), not {direction!r}")


def arrow_foot(path: list[Point], length: float = style.ARROW) -> Point:
    """Where the arrow at the end of a path begins."""
    x, y = path[-1]
    back = next((p for p in reversed(path[:-1]) if p != (x, y)), (x - 1, y))
    scale = length / hypot(x - back[0], y - back[1])
    return x - scale * (x - back[0]), y - scale * (y - back[1])


def shifted(plan: Layout, sizes: Sequence[tuple[float, float]], *, flip: bool = False) -> Layout:
    """The layout moved so that it begins at (0, 0), with its width and height; `flip` exchanges x and y."""
    corners = [corner for left, top, w, h in plan.boxes for corner in ((left, top), (left + w, top + h))]
    for (x, y), (w, h) in zip(plan.centers, sizes, strict=True):
        corners += [(x - w / 2, y - h / 2), (x + w / 2, y + h / 2)]
    corners += [point for path in plan.paths for point in path]
    x0, y0 = min((x for x, _ in corners), default=0.0), min((y for _, y in corners), default=0.0)
    x1, y1 = max((x for x, _ in corners), default=0.0), max((y for _, y in corners), default=0.0)

    def move(point: Point) -> Point:
        x, y = round(point[0] - x0, 2), round(point[1] - y0, 2)
        return (y, x) if flip else (x, y)

    boxes = [(*move((left, top)), *((h, w) if flip else (w, h))) for left, top, w, h in plan.boxes]
    width, height = round(x1 - x0, 2), round(y1 - y0, 2)
    return Layout(
        height if flip else width,
        width if flip else height,
        [move(point) for point in plan.centers],
        [[move(point) for point in path] for path in plan.paths],
        boxes,
        [move(point) for point in plan.labels],
    )


def _boxed(parts: Items, chain_of: list[list[int]]) -> list[list[int]]:
    """For each group all the items in it, those of inner groups as well."""
    result: list[list[int]] = [[] for _ in chain_of]
    for item, group in enumerate(parts.group):
        for g in [] if group is None else chain_of[group]:
            result[g].append(item)
    return result


def _columns(
    widths: Sequence[float],
    rank: Sequence[int],
    y: Sequence[float],
    parts: Items,
    boxed: list[list[int]],
    before: float,
) -> tuple[list[float], list[float]]:
    """The left and the right side of each column. Steep edges and the borders of boxes get a wider gap."""
    count = len(parts.columns)
    wide, steep, begin, end = [0.0] * count, [0.0] * count, [0] * count, [0] * count
    for v, r in enumerate(rank):
        wide[r] = max(wide[r], widths[v])
    for a, b, _ in parts.links:
        r = parts.first[b] - 1
        steep[r] = max(steep[r], abs(y[a] - y[b]))
    # How deep boxes are nested that begin, or end, in a column: each border needs a pad's room.
    for columns, nested in ((parts.first, begin), (parts.last, end)):
        pick = min if nested is begin else max
        depth: dict[tuple[int, int], int] = {}
        for members in boxed:
            r = pick(columns[i] for i in members)
            for i in members:
                if columns[i] == r:
                    depth[r, i] = depth.get((r, i), 0) + 1
        for (r, _), deep in depth.items():
            nested[r] = max(nested[r], deep)
    left, right, x = [], [], 0.0
    for r in range(count):
        left.append(x)
        right.append(x + wide[r])
        if r + 1 < count:
            x += wide[r] + _GAP + min(steep[r] * 0.1, 60.0) + end[r] * _PAD + begin[r + 1] * before
    return left, right


def _paths(
    widths: Sequence[float],
    edges: Sequence[tuple[int, int]],
    rank: Sequence[int],
    x: Sequence[float],
    y: Sequence[float],
    parts: Items,
    left: Sequence[float],
    right: Sequence[float],
    apart: float,
) -> list[list[Point]]:
    """For each edge: a curve into each lane of its route, straight on in the lane, and a curve to its port."""
    arriving: list[list[int]] = [[] for _ in widths]
    for e, (_, v) in enumerate(edges):
        arriving[v].append(e)
    port = [0.0] * len(edges)
    for v, arrivals in enumerate(arriving):
        # From top to bottom as they come, so that no two cross right before the card.
        arrivals.sort(key=lambda e: (y[parts.route[e][-1][0] if parts.route[e] else edges[e][0]], e))
        step = min(apart, (parts.size[v] - 8) / len(arrivals)) if arrivals else 0.0
        for k, e in enumerate(arrivals):
            port[e] = y[v] + (k - (len(arrivals) - 1) / 2) * step

    paths = []
    for e, (u, v) in enumerate(edges):
        path = [(x[u] + widths[u] / 2, y[u])]
        level = [(right[rank[u]], y[u])]
        for lane, first, last in parts.route[e]:
            level += [(left[first], y[lane]), (right[last], y[lane])]
        level += [(left[rank[v]], port[e]), (x[v] - widths[v] / 2, port[e])]
        for k, there in enumerate(level):
            if there[0] - path[-1][0] > 0.01:
                path += _piece(path[-1], there, bend=k % 2 == 1)
        paths.append(path)
    return paths


def _piece(start: Point, end: Point, bend: bool) -> list[Point]:
    """From start to end, leaving and arriving level; without a bend a straight line."""
    reach = (end[0] - start[0]) * (0.5 if bend else 1 / 3)
    return [(start[0] + reach, start[1]), (end[0] - reach, end[1]), end]


def _boxes(
    widths: Sequence[float],
    x: Sequence[float],
    y: Sequence[float],
    parts: Items,
    boxed: list[list[int]],
    group_parent: Sequence[int | None],
    across: Room,
    before: float,
) -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of each group: its contents, inner boxes as well, with a pad around them."""
    edges: list[list[float]] = []
    for g in range(len(boxed)):
        cards = [i for i in boxed[g] if i < len(widths)]
        edges.append(
            [
                min(x[v] - widths[v] / 2 for v in cards),
                min(y[i] - parts.size[i] / 2 for i in boxed[g]),
                max(x[v] + widths[v] / 2 for v in cards),
                max(y[i] + parts.size[i] / 2 for i in boxed[g]),
            ]
        )
    for g in reversed(range(len(boxed))):  # inner groups first
        inner = [edges[h] for h, parent in enumerate(group_parent) if parent == g] + [edges[g]]
        edges[g] = [
            min(e[0] for e in inner) - before,
            min(e[1] for e in inner) - across.above,
            max(e[2] for e in inner) + _PAD,
            max(e[3] for e in inner) + across.below,
        ]
    return [(a, b, c - a, d - b) for a, b, c, d in edges]
