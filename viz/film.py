"""The frames of `viz.frames`: a story as pictures, one for each step, as SVG.

There is one drawing, that of the end of the story, where every number has its room. For a frame, what has not
happened yet is made pale or left out of it, what happens now is lit up, and a caption is put below.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from math import hypot

from viz import ink, style, text
from viz.stage import stage
from viz.story import Event, Story, factor
from viz.svg import svg

# The roles, in the colours of the step-through page.
_ROLES = {"value": "#1d4ed8", "upstream": "#b03a05", "local": "#6d28d9", "contribution": "#14703a"}
_LIT, _LIT_LINE = "#fff3c4", "#9a6700"
_GROUND, _RAIL, _PALE = "#f6f7fb", "#d5dbe6", "0.3"
_ARROW = 13.0  # of the edge at work

MOST = 200  # steps; more of them have no spectator
_EDGE, _CAPTION, _BAR = 16.0, 78.0, 4.0  # around the caption; its height; that of the bar which says how far it is
_LINE, _SMALL = 17.0, 12.5  # the sizes of its two lines; it makes a frame this wide at least, and at most:
_LEAST, _WIDEST = 560.0, 1000.0
_SMALLEST = 0.6  # of its size, for a long line

Piece = tuple[str, str]  # a role ("" for none) and a text


class Film:
    """All frames of a story. They differ in their cards, edges and captions, not in their sizes or places.

    Raises:
        ValueError: for a story of more than 200 steps.

    >>> from engine import Value
    >>> first, *_, last = Film(Story(Value(2.0, "x") ** 2), None).frames()
    >>> last.partition("<title>")[2].partition("</title>")[0]
    'step 3 of 3 · backward: ∂L/∂x += ∂L/∂L · ∂L/∂x = 1 × 4 = 4'
    """

    def __init__(self, story: Story, title: str | None) -> None:
        if len(story.events) > MOST:
            raise ValueError(
                f"this story has {len(story.events):,} steps, too many for pictures (up to {MOST}); take the loss of "
                "a single example or a smaller network, or backprop_page(), in which one can find one's way"
            )
        self.story = story
        scene, layout = stage(story)
        drawn = svg(scene, layout, title, responsive=False)
        self.picture = drawn.replace(f' xmlns="{_SVG}"', "", 1)  # so that tags are plain words; `_written` puts it back
        x, y = _place(ET.fromstring(self.picture))
        self.lines = [_pieces(story, event) for event in story.events]
        widest = max(map(_width, self.lines))
        self.width = max(layout.width + 2 * x, _LEAST, min(widest + 2 * _EDGE, _WIDEST))
        self.left, self.below = (self.width - layout.width) / 2, y + layout.height + 1.5 * _EDGE
        self.zoom = min(max(self.width / _WIDEST, 1.0), 2.0)  # of the caption: a wide picture is shown smaller

    def frames(self) -> Iterator[str]:
        """The frames as SVG text."""
        return map(self.frame, range(len(self.story.events)))

    def frame(self, number: int) -> str:
        """The picture after so many steps and one more."""
        root = ET.fromstring(self.picture)
        for part in root.findall("g[@class='legend']"):
            root.remove(part)
        height = self.below + _CAPTION * self.zoom
        for page in (root, root.find("rect")):
            _set(page, width=ink.n(self.width), height=ink.n(height))
        root.set("viewBox", f"0 0 {ink.n(self.width)} {ink.n(height)}")
        _set(root.find("g[@transform]"), transform=f"translate({ink.n(self.left)} {ink.n(_place(root)[1])})")

        look = _Look(self.story, number)
        for part in root.iter("g"):
            if place := part.get("data-node"):
                look.card(part, int(place[1:]))
            elif place := part.get("data-edge"):
                look.edge(part, int(place[1:]))
        line = "".join(content for _, content in self.lines[number])
        _set(root.find("title"), f"{_where(self.story, number)}: {line}")
        root.append(ET.fromstring(f"<g>{''.join(self._caption(number))}</g>"))
        return _written(root)

    def _caption(self, number: int) -> Iterator[str]:
        """What happens, where in the story it does, and what the colours mean, over a bar that grows."""
        n, wide, zoom = ink.n, self.width, self.zoom
        foot, base, small = self.below + _CAPTION * zoom, self.below + 57 * zoom, _SMALL * zoom
        yield f'<rect y="{n(self.below)}" width="{n(wide)}" height="{n(foot - self.below)}" fill="{_GROUND}"/>'
        line, size = _fitted(self.lines[number], wide - 2 * _EDGE, _LINE * zoom)
        yield _spans(line, _EDGE, self.below + 31 * zoom, size)
        yield ink.line(_where(self.story, number), _EDGE, base, small, fill=style.FAINT)
        yield _spans(_LEGEND[self.story.events[number].kind], wide - _EDGE, base, small, anchor="end")

        first, count = self.story.first_backward, len(self.story.events)
        for role, start, end in [("", 0, count), ("value", 0, min(number + 1, first)), ("upstream", first, number + 1)]:
            if end > start:
                place = f'x="{n(wide * start / count)}" y="{n(foot - _BAR)}" width="{n(wide * (end - start) / count)}"'
                yield f'<rect {place} height="{n(_BAR)}" fill="{_ROLES.get(role, _RAIL)}"/>'


class _Look:
    """How cards and edges look at one step of a story."""

    def __init__(self, story: Story, number: int) -> None:
        self.story, self.event = story, story.events[number]
        self.backward = number >= story.first_backward
        told = story.events[: number + 1]
        self.known = {i for i, node in enumerate(story.nodes) if not node.op} | {event.node for event in told}
        self.gradients = story.gradients(number + 1)
        self.complete = {node for node, last in story.last_into.items() if last <= number}
        self.used = {(event.node, event.step.position) for event in told if event.step}
        self.receiver = story.index[self.event.step.parent] if self.event.step else None
        operands = story.nodes[self.event.node].parents if self.event.kind == "forward" else ()
        self.operands = {story.index[parent] for parent in operands}

    def card(self, card: ET.Element, node: int) -> None:
        """What is not known yet is left out, what is at work is framed."""
        card.remove(_found(card, "title"))
        for number in card.findall("text"):
            if number.get("class") == "data" and node not in self.known:
                card.remove(number)
            elif number.get("class") == "grad":
                gradient = self.gradients.get(node)
                number.text = "" if gradient is None else text.number(gradient)
        if not self.backward and node not in self.known:
            card.set("opacity", _PALE)
        if node == self.receiver or (node == self.event.node and not self.event.step):
            _frame(card, _LIT_LINE, "3.6", _LIT)
        elif node == self.event.node:
            _frame(card, _ROLES["upstream"], "3.6")
        elif node in self.operands:
            _frame(card, _ROLES["value"], "2.6")
        elif node in self.complete:
            _frame(card, _ROLES["contribution"], "2.2")

    def edge(self, edge: ET.Element, number: int) -> None:
        """Pale before its turn, coloured in it, calm after it; the local derivative is shown once it has been used."""
        node = int(edge.get("data-to", "n0")[1:])
        position = number - self.story.first_edge[node]
        label = edge.find("g")
        if label is not None and (node, position) not in self.used:
            edge.remove(label)
        step = self.event.step
        if step and (node, position) == (self.event.node, step.position):
            _stroke(edge, _ROLES["local"], "4")
            _turn(edge)
            for shown in edge.iterfind("g/text"):
                _set(shown, fill=_ROLES["local"], **{"font-weight": "bold"})
        elif (node, position) in self.used:
            _stroke(edge, _ROLES["contribution"], "2")
        elif self.event.kind == "forward" and node == self.event.node:
            _stroke(edge, _ROLES["value"], "3")
        elif self.backward or node not in self.known:
            edge.set("opacity", _PALE)


# ------------------------------------------------------------------------ the caption

_LEGEND: dict[str, list[Piece]] = {
    "forward": [("", "forward: a node is computed, and has its "), ("value", "value")],
    "seed": [("", "backward: the result has the gradient 1")],
    "backward": [
        ("", "backward: "), ("upstream", "upstream"), ("", " × "), ("local", "local"), ("", " = "),
        ("contribution", "contribution"),
    ],
}  # fmt: skip


def _where(story: Story, number: int) -> str:
    direction = "forward" if number < story.first_backward else "backward"
    return f"step {number + 1} of {len(story.events)} · {direction}"


def _pieces(story: Story, event: Event) -> list[Piece]:
    """`story.line(event)`, with the role of each part."""
    step, name, loss = event.step, story.labels[event.node], story.labels[-1]
    if event.kind == "seed":
        return [("", f"∂{name}/∂{name} = "), ("upstream", "1")]
    if step is None:
        value = text.number(story.nodes[event.node].data)
        return [("", f"{story.code(event)} = {story.filled(event)} = "), ("value", value)]
    to = story.label(step.parent)
    pieces = [
        ("", f"∂{loss}/∂{to} += "), ("upstream", f"∂{loss}/∂{name}"), ("", " · "), ("local", f"∂{name}/∂{to}"),
        ("", " = "), ("upstream", text.number(step.upstream)), ("", " × "), ("local", factor(step.local)),
        ("", " = "), ("contribution", text.number(step.product)),
    ]  # fmt: skip
    if step.before:
        pieces += [("", f"; {text.number(step.before)} + "), ("contribution", factor(step.product))]
        pieces += [("", f" = {text.number(step.total)}")]
    return pieces


def _is_bold(piece: Piece) -> bool:
    """Words and numbers that have a role."""
    return bool(piece[0]) and not piece[1].startswith("∂")


def _width(line: Sequence[Piece]) -> float:
    return sum(text.width(piece[1], _LINE, bold=_is_bold(piece)) for piece in line)


def _fitted(line: list[Piece], room: float, size: float) -> tuple[list[Piece], float]:
    """The line and its size: a long one is set smaller; of a longer one still, the longest parts are shortened."""
    smallest, lengths, shown = size * _SMALLEST, [len(content) for _, content in line], line
    while _width(shown) * smallest > room * _LINE and max(lengths) > 8:
        k = lengths.index(max(lengths))
        lengths[k] = lengths[k] * 4 // 5
        shown = [(role, text.shortened(content, n)) for (role, content), n in zip(line, lengths, strict=True)]
    return shown, max(min(size, room * _LINE / _width(shown)), smallest)


def _spans(line: Sequence[Piece], x: float, y: float, size: float, *, anchor: str = "start") -> str:
    spans = ""
    for piece in line:
        look = f' fill="{_ROLES[piece[0]]}"' if piece[0] else ""
        look += ' font-weight="bold"' if _is_bold(piece) else ""
        spans += f"<tspan{look}>{text.xml(piece[1])}</tspan>" if look else text.xml(piece[1])
    place = f'x="{ink.n(x)}" y="{ink.n(y)}" font-size="{ink.n(size)}" text-anchor="{anchor}"'
    return f'<text {place} xml:space="preserve">{spans}</text>'


# ------------------------------------------------------------------------ the picture

_SVG = "http://www.w3.org/2000/svg"


def _place(root: ET.Element) -> tuple[float, float]:
    """Where the graph begins in its picture."""
    x, y = _found(root, "g[@transform]").get("transform", "").removeprefix("translate(").rstrip(")").split()
    return float(x), float(y)


def _found(element: ET.Element, path: str) -> ET.Element:
    found = element.find(path)
    assert found is not None, f"viz.svg draws no {path}"
    return found


def _set(element: ET.Element | None, content: str | None = None, **attributes: str) -> None:
    assert element is not None
    element.attrib.update(attributes)
    element.text = content if content is not None else element.text


def _frame(card: ET.Element, color: str, width: str, fill: str = "") -> None:
    """The outline of a card in a colour; its ground, too, if there is a fill."""
    for part in card.findall("rect"):
        if part.get("class") == "card":
            _set(part, stroke=color, **{"stroke-width": width})
        if fill and part.get("class") in ("ground", "card") and part.get("fill") != "none":
            part.set("fill", fill)


def _stroke(edge: ET.Element, color: str, width: str) -> None:
    _set(edge.find("path[@class='line']"), stroke=color, **{"stroke-width": width})
    _set(edge.find("path[@class='head']"), fill=color)


def _turn(edge: ET.Element) -> None:
    """Let the arrow of an edge point back, the way the gradient goes."""
    line, head = _found(edge, "path[@class='line']"), _found(edge, "path[@class='head']")
    (x, y), (x1, y1), *rest = _points(line)
    scale = _ARROW / (hypot(x1 - x, y1 - y) or 1.0)
    dx, dy = scale * (x1 - x), scale * (y1 - y)
    corners = (x, y), (x + dx - dy / 2, y + dy + dx / 2), (x + dx + dy / 2, y + dy - dx / 2)
    curve = " ".join(map(ink.xy, [(x1, y1), *rest]))
    line.set("d", f"M{ink.xy((x + dx, y + dy))}C{curve}L{ink.xy(_points(head)[0])}")
    head.set("d", f"M{'L'.join(map(ink.xy, corners))}Z")


def _points(path: ET.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path.get("d", ""))]


def _written(root: ET.Element) -> str:
    root.attrib = {"xmlns": _SVG, **root.attrib}
    return ET.tostring(root, "unicode") + "\n"
