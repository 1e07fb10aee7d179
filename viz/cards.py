"""What a drawing shows, as plain data: a card for each node, the edges, and the groups around them.

Nothing here is a picture yet. `viz.layout` gives the cards their places, `viz.svg` draws them, and
`viz.dot` writes the same cards in the language of Graphviz.

    computed    rounded corners, and the operation in a panel of its own on the left
    leaf        square corners
    parameter   square corners and a thick bar: a leaf of a group, as the weights of a neuron
    constant    dashed, and without a gradient: it takes none
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from engine import Value, topological_sort
from viz import style, text
from viz.groups import Group, group, split

_BODY, _STEP = 100.0, 10.0  # of a card's width without the panel: the least, and the steps in which it grows
_PORT, _TALLEST = 8.0, 176.0  # a card with many edges is higher, so that one sees them arrive


@dataclass(frozen=True, slots=True)
class Card:
    """One node, as it is shown.

    id      n0, n1, ... in topological order
    kind    computed, leaf, parameter or constant
    symbol  the operation's, "" for a leaf
    name    within its group, shortened; "" for none
    data    the number; grad the same, "" before a gradient has arrived, None where none ever will
    title   lines with the name, the operation and the numbers in full, for the reader who points at the card
    panel   the width of the operation's panel, or of the bar of a parameter
    """

    id: str
    kind: str
    symbol: str
    name: str
    data: str
    grad: str | None
    title: tuple[str, ...]
    width: float
    height: float
    panel: float

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The lines below the name: what it is, and the number."""
        return [("data", self.data)] if self.grad is None else [("data", self.data), ("grad", self.grad)]

    @property
    def is_bare(self) -> bool:
        """Whether the card shows a number and nothing else, as the 3 of x**3."""
        return self.grad is None and not self.name


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn: cards in topological order (the last is the result), edges parent -> child, groups.

    >>> x = Value(3.0, name="x")
    >>> scene(x * x).edges
    [(0, 1), (0, 1)]
    """

    cards: list[Card]
    edges: list[tuple[int, int]]
    groups: list[Group]
    group_of: list[int | None]


def scene(root: Value) -> Scene:
    """The graph that ends in `root`, as plain data. A snapshot: what happens to the graph later is not seen."""
    return scene_of(topological_sort(root))


def scene_of(nodes: Sequence[Value]) -> Scene:
    """The same for nodes that are already in topological order."""
    position = {node: i for i, node in enumerate(nodes)}
    edges = [(position[parent], i) for i, node in enumerate(nodes) for parent in node.parents]
    uses: list[list[int]] = [[] for _ in nodes]
    for parent, child in edges:
        uses[parent].append(child)
    groups, group_of = group(nodes, uses)
    cards = [_card(f"n{i}", node, group_of[i] is not None) for i, node in enumerate(nodes)]
    return Scene(cards, edges, groups, group_of)


def _card(id: str, node: Value, grouped: bool) -> Card:
    name = text.shortened(text.visible(split(node.name)[1]))
    symbol = text.shortened(text.visible(node.op.symbol or node.op.name), 14) if node.op else ""
    data = text.number(node.data)
    kind = "computed" if node.op else "constant" if not node.requires_grad else "parameter" if grouped else "leaf"
    grad = None if kind == "constant" else text.number(float(node.grad)) if node.has_grad else ""

    if symbol:
        panel = max(28.0, text.width(symbol, style.SYMBOL, bold=True) + 12)
    else:
        panel = style.BAR if kind == "parameter" else 0.0
    width, height = _size(name, [data] if grad is None else [data, grad])
    height = max(height, min(_PORT * len(node.parents) + 8, _TALLEST))
    width, panel = float(round(panel + width)), float(round(panel))
    return Card(id, kind, symbol, name, data, grad, _title(node, kind), width, height, panel)


def _size(name: str, numbers: list[str]) -> tuple[float, float]:
    """The width without a panel, and the height, of a card for a name and one or two numbers."""
    number = max(text.mono_width(number, style.NUMBER) for number in numbers)
    if not name and len(numbers) == 1:
        return max(36.0, number + 2 * style.MARGIN), style.ROW + 11
    line = max(text.width("data", style.LABEL) + style.MARGIN + number, text.width(name, style.NAME, bold=True))
    width = _STEP * ceil((line + 2 * style.MARGIN) / _STEP)
    return max(_BODY, width), style.ROW * (len(numbers) + bool(name)) + 12


def _title(node: Value, kind: str) -> tuple[str, ...]:
    lines = [text.visible(node.name)] if node.name else []
    lines.append(f"operation: {text.visible(node.op.name)}" if node.op else kind)
    lines.append(f"data: {node.data!r}")
    if node.has_grad:
        lines.append(f"grad: {float(node.grad)!r}")
    return tuple(lines)
