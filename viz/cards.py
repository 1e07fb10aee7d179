"""What a drawing shows, as plain data: a card for each node or folded group, the edges, and the groups around them.

Nothing here is a picture yet. `viz.layout` gives the cards their places, `viz.svg` draws them, and
`viz.dot` writes the same cards in the language of Graphviz.

    computed    rounded corners, and the operation in a panel of its own on the left
    leaf        square corners
    parameter   square corners and a thick bar: a leaf of a group, as the weights of a neuron
    constant    dashed, and without a gradient: it takes none
    folded      a pile: a group, or many nodes, in one card
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, hypot

from engine import Value, topological_sort
from viz import style, text
from viz.fold import Thing, things
from viz.groups import Group, Grouped, counted, grouped, shapes, split, stem, used
from viz.lines import Line, edges_of, places
from viz.shade import Scale, scale_of

_BODY, _STEP = 100.0, 10.0  # of a card's width without the panel: the least, and the steps in which it grows
_PORT, _TALLEST = 8.0, 176.0  # a card with many edges is higher, so that one sees them arrive
_LABELLED = 11.0, 480.0  # the same where its edges have labels
_FOLDED = 5.0, 176.0  # and where it is folded


@dataclass(frozen=True, slots=True)
class Card:
    """One node, or one folded group, as it is shown.

    id      n0, n1, ... in topological order
    kind    computed, leaf, parameter, constant or folded
    symbol  the operation's, "" for a leaf
    name    within its group, shortened; "" for none
    data    the number; grad the same, "" before a gradient has arrived, None where none ever will
    title   lines with the name, the operation and the numbers in full, for the reader who points at the card
    panel   the width of the operation's panel, or of the bar of a parameter
    check   another opinion of the gradient, None for none
    size    of the gradient, |grad|; of a folded group, the norm of its parameters' gradients; None before it arrives
    shape   of a folded group, how many values go in and out: 2 → 16
    facts   of a folded group, what else there is to say of it, in lines
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
    check: str | None = None
    size: float | None = None
    shape: str = ""
    facts: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The lines below the name: what it is, and the number."""
        lines = [("data", self.data or None), ("grad", self.grad), ("NumPy", self.check)]
        return [(what, number) for what, number in lines if number is not None]

    @property
    def is_bare(self) -> bool:
        """Whether the card shows a number and nothing else, as the 3 of x**3."""
        return self.grad is None and not self.name


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn: cards in topological order (the last is the result), edges parent -> child, groups.

    lines   for each edge how it is shown
    notes   lines of text that say what is not shown
    total   how many nodes the cards stand for
    entry   for each card, the free room before it for the labels of the edges that arrive there
    port    how far apart these arrive, at most

    >>> x = Value(3.0, name="x")
    >>> scene(x * x).edges
    [(0, 1), (0, 1)]
    """

    cards: list[Card]
    edges: list[tuple[int, int]]
    groups: list[Group]
    group_of: list[int | None]
    lines: list[Line]
    notes: tuple[str, ...] = ()
    total: int = 0
    entry: list[float] = field(default_factory=list)
    port: float = 11.0

    @property
    def is_folded(self) -> bool:
        """Whether a card stands for more than one node."""
        return any(card.kind == "folded" for card in self.cards)

    def scale(self) -> Scale | None:
        """How large its gradients are; None before backward."""
        return scale_of([*(card.size for card in self.cards), *(line.size for line in self.lines)])


def scene(root: Value) -> Scene:
    """The graph that ends in `root`, as plain data. A snapshot: what happens to the graph later is not seen."""
    return scene_of(topological_sort(root))


def scene_of(
    nodes: Sequence[Value],
    *,
    gradients: Mapping[Value, float] | None = None,
    names: Mapping[Value, str] | None = None,
    checks: Mapping[Value, float] | None = None,
    local_derivatives: bool = False,
    direction: str = "LR",
) -> Scene:
    """The same for nodes that are already in topological order.

    `gradients` are shown in the place of the nodes' own, `names` in the place of theirs; `checks` are
    other people's opinions of the gradients, shown below them.
    """
    graph = grouped(nodes)
    return scene_of_things(
        graph,
        things(graph, set()),
        gradients=gradients,
        names=names,
        checks=checks,
        local_derivatives=local_derivatives,
        direction=direction,
    )


def scene_of_things(
    graph: Grouped,
    things: Sequence[Thing],
    *,
    gradients: Mapping[Value, float] | None = None,
    names: Mapping[Value, str] | None = None,
    checks: Mapping[Value, float] | None = None,
    local_derivatives: bool = False,
    direction: str = "LR",
    notes: tuple[str, ...] = (),
) -> Scene:
    """The same for a graph of which parts are folded (see `viz.fold.things`)."""
    arrived = _arrived(graph.nodes) if gradients is None else gradients
    edges, lines = edges_of(graph, things, arrived, local_derivatives)
    labels: list[list[float]] = [[] for _ in things]
    for (_, head), line in zip(edges, lines, strict=True):
        if line.label:
            labels[head].append(text.mono_width(line.label, style.EDGE_LABEL))
    widest = max((width for widths in labels for width in widths), default=0.0)
    port = 11.0 if direction == "LR" or not widest else widest + 6
    entry = [0.0 if not widths else widest + 14 if direction == "LR" else 20.0 for widths in labels]

    arriving = Counter(head for _, head in edges)
    shape_of = _shapes(graph, things) if any(thing.kind == "group" for thing in things) else [""] * len(things)
    cards = []
    for k, thing in enumerate(things):
        if thing.kind == "node":
            v = thing.nodes[0]
            node = graph.nodes[v]
            name = split(node.name)[1] if names is None else names.get(node, "")
            check = None if checks is None else checks.get(node)
            card = _card(f"n{k}", node, name, graph.group_of[v] is not None, arrived.get(node), check)
        else:
            card = _folded(f"n{k}", graph, thing, shape_of[k], arrived)
        cards.append(_grown(card, arriving[k], len(labels[k]), port, direction))
    group_of = [_box(graph, thing) for thing in things]
    groups, group_of = used(graph.groups, group_of)
    return Scene(cards, edges, groups, group_of, lines, notes, len(graph.nodes), entry, port)


def _box(graph: Grouped, thing: Thing) -> int | None:
    """The group in whose box the card of a thing stands."""
    if thing.kind == "before":
        return None
    return graph.group_of[thing.nodes[0]] if thing.group is None else graph.groups[thing.group].parent


def _arrived(nodes: Sequence[Value]) -> dict[Value, float]:
    """The gradients that backward has left in the nodes."""
    return {node: float(node.grad) for node in nodes if node.has_grad}


def _grown(card: Card, arriving: int, labelled: int, port: float, direction: str) -> Card:
    """The card with room for all the edges that arrive, side by side."""
    step, most = _LABELLED if labelled else _FOLDED if card.kind == "folded" else (_PORT, _TALLEST)
    width, height = card.width, card.height
    if direction == "LR" or not labelled:
        height = max(height, min(step * arriving + 8, most))
    else:
        width = max(width, port * arriving + 8)
    return card if (width, height) == (card.width, card.height) else replace(card, width=width, height=height)


def _card(id: str, node: Value, name: str, grouped: bool, gradient: float | None, check: float | None) -> Card:
    name = text.shortened(text.visible(name))
    symbol = text.shortened(text.visible(node.op.symbol or node.op.name), 14) if node.op else ""
    data = text.number(node.data)
    kind = "computed" if node.op else "constant" if not node.requires_grad else "parameter" if grouped else "leaf"
    grad = None if kind == "constant" else "" if gradient is None else text.number(gradient)

    if symbol:
        panel = max(28.0, text.width(symbol, style.SYMBOL, bold=True) + 12)
    else:
        panel = style.BAR if kind == "parameter" else 0.0
    opinion = None if check is None else text.number(check)
    longer = None if opinion is None else f"{opinion} ✓ Nu"  # as much as its label is longer than the word data
    width, height = _size(name, [number for number in (data, grad, longer) if number is not None])
    width, panel = float(round(panel + width)), float(round(panel))
    title, size = _title(node, kind, gradient), None if gradient is None else abs(gradient)
    return Card(id, kind, symbol, name, data, grad, title, width, height, panel, opinion, size)


def _size(name: str, numbers: list[str]) -> tuple[float, float]:
    """The width without a panel, and the height, of a card for a name and one or two numbers."""
    number = max(text.mono_width(number, style.NUMBER) for number in numbers)
    if not name and len(numbers) == 1:
        return max(36.0, number + 2 * style.MARGIN), style.ROW + 11
    line = max(text.width("data", style.LABEL) + style.MARGIN + number, text.width(name, style.NAME, bold=True))
    return _body(line), style.ROW * (len(numbers) + bool(name)) + 12


def _body(line: float) -> float:
    """The width of a card, without a panel, around a line of this width."""
    return max(_BODY, _STEP * ceil((line + 2 * style.MARGIN) / _STEP))


def _title(node: Value, kind: str, gradient: float | None) -> tuple[str, ...]:
    lines = [text.visible(node.name)] if node.name else []
    lines.append(f"operation: {text.visible(node.op.name)}" if node.op else kind)
    lines.append(f"data: {node.data!r}")
    if gradient is not None:
        lines.append(f"grad: {gradient!r}")
    return tuple(lines)


# ------------------------------------------------------------------------- folded


def look(graph: Grouped, v: int) -> tuple[str, str, bool]:
    """What makes two nodes alike: the operation, the name without its index, and whether a gradient is wanted."""
    node = graph.nodes[v]
    return node.op.name if node.op else "", stem(node.name), node.requires_grad


def said(graph: Grouped, things: Sequence[Thing], *, is_readable: bool) -> str:
    """A line that says what is folded: 404 nodes, folded to 35: neurons are single cards; fold=False draws all."""
    kinds = Counter(thing.kind for thing in things)
    what = []
    if kinds["group"]:
        stems = {stem(graph.groups[thing.group].label): None for thing in things if thing.group is not None}
        many = "groups" if len(stems) > 3 else ", ".join(stems)
        what.append(f"{many} are single cards")
    if kinds["alike"]:
        what.append("nodes that do the same are one")
    if kinds["before"]:
        what.append(f"the {len(things) - 1:,} nearest to the result are shown")
    total = f"{len(graph.nodes):,} nodes, folded to {len(things):,}: {', '.join(what)}"
    return f"{total}; fold=False draws all" if is_readable else total


def _folded(id: str, graph: Grouped, thing: Thing, shape: str, arrived: Mapping[Value, float]) -> Card:
    """A card for many nodes: what they are, how many, how many parameters, and how large their gradient is."""
    nodes = [graph.nodes[v] for v in thing.nodes]
    parameters = [node for node in nodes if not node.op and node.requires_grad]
    slopes = [arrived[node] for node in parameters if node in arrived]
    size = hypot(*slopes) if slopes else None
    grad = None if not parameters else "" if size is None else text.number(size)

    symbol, facts = "", []
    if thing.group is not None:
        group = graph.groups[thing.group]
        name, path = text.shortened(group.label), group.path
        if thing.visit[1] > 1:
            visit = f" · {thing.visit[0]} of {thing.visit[1]}"
            name, path = name + visit, path + visit
        facts = _inside(graph, thing)
    elif thing.kind == "alike":
        op = nodes[0].op
        symbol = text.shortened(text.visible(op.symbol or op.name), 14) if op else ""
        what = "nodes" if op else "constants" if not parameters else "leaves"
        own = text.shortened(text.visible(stem(nodes[0].name)))
        name = path = f"{len(nodes):,} × {own}" if own else f"{len(nodes):,} {what}"
    else:
        name = path = f"… {len(nodes):,} nodes before"
    totals = [text.plural(len(parameters), "parameter")] if parameters and thing.kind != "alike" else []
    totals += [text.plural(len(nodes), "node")] if thing.kind == "group" else []
    facts += [" · ".join(totals)] if totals else []

    panel = max(28.0, text.width(symbol, style.SYMBOL, bold=True) + 12) if symbol else 0.0
    head = text.width(name, style.NAME, bold=True)
    head += 2 * style.MARGIN + text.mono_width(shape, style.LABEL) if shape else 0.0
    row = text.width("grad", style.LABEL) + style.MARGIN + text.mono_width(grad or "", style.NUMBER)
    width = panel + _body(max([head, row, *(text.width(fact, style.LABEL) for fact in facts)]))
    height = style.ROW * (1 + len(facts) + (grad is not None)) + 12
    title = (path, *facts, *([] if size is None else [f"norm of the gradient: {size!r}"]))
    return Card(
        id, "folded", symbol, name, "", grad, title, float(round(width)), height, float(round(panel)),
        size=size, shape=shape, facts=tuple(facts),
    )  # fmt: skip


def _shapes(graph: Grouped, things: Sequence[Thing]) -> list[str]:
    """For each folded group what goes in and out: 2 → 16."""
    found = shapes(
        [(u, v) for v, operands in enumerate(graph.operands) for u in operands],
        [(k,) for k in places(graph, things)],
        [("a group", thing.group) if thing.kind == "group" else k for k, thing in enumerate(things)],
        [not operands for operands in graph.operands],
        [_times(graph, thing) for thing in things],
    )
    return [shape if thing.kind == "group" else "" for shape, thing in zip(found, things, strict=True)]


def _times(graph: Grouped, thing: Thing) -> int:
    """How often a folded group is applied: as often as one and the same computed node, by its name, is in it."""
    names = Counter(graph.nodes[v].name for v in thing.nodes if graph.operands[v])
    return max((count for name, count in names.items() if name), default=1)


def _inside(graph: Grouped, thing: Thing) -> list[str]:
    """What lies in a folded group: `16 neurons`, and how often it is applied: `100 times`."""
    inner: dict[int, None] = {}
    for v in thing.nodes:
        g = graph.group_of[v]
        while g is not None and (parent := graph.groups[g].parent) != thing.group:
            g = parent
        if g is not None and g != thing.group:
            inner[g] = None
    parts = [counted(text.visible(graph.groups[g].label) for g in sorted(inner))] if inner else []
    times = _times(graph, thing)
    parts += [f"{times:,} times"] if times > 1 else []
    return [text.shortened(" · ".join(parts), 40)] if parts else []
