"""What the shapes and lines of a picture mean: one entry for each that occurs in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from viz import style, text
from viz.cards import Scene
from viz.ink import line, n, outline
from viz.shade import Scale, color

ROW = 20.0  # the height of a line of entries

_BETWEEN, _SAMPLE = 18.0, 28.0
_KINDS = {
    "computed": "computed",
    "leaf": "leaf",
    "parameter": "parameter",
    "constant": "constant (takes no gradient)",
    "folded": "folded, many nodes in one",
}
_WEDGE = 5  # samples of lines, from small to large


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample with its meaning: the pieces of SVG, and how wide they are."""

    width: float
    pieces: tuple[str, ...]


def legend(scene: Scene, scale: Scale | None) -> list[Entry]:
    """The entries for what occurs in a scene, in the order in which one asks for them."""
    kinds = {card.kind for card in scene.cards}
    entries = [_kind(kind) for kind in _KINDS if kind in kinds]
    if any(edge.count > 1 for edge in scene.lines):
        entries.append(_label("×48", "edges in one", style.BOX_INK))
    if any(edge.label and edge.count == 1 for edge in scene.lines):
        entries.append(_label("×0.63", "local derivative", style.PANEL_INK))
    if scale:
        entries.append(_gradient(scale))
        if any(edge.size == 0 for edge in scene.lines):
            entries.append(_zero())
    return entries


def rows(entries: Sequence[Entry], width: float) -> list[list[Entry]]:
    """The entries in lines that are not wider than `width`, or than one entry."""
    result: list[list[Entry]] = []
    room = 0.0
    for entry in entries:
        if not result or entry.width > room:
            result.append([])
            room = width
        result[-1].append(entry)
        room -= entry.width + _BETWEEN
    return result


def written(lines: Sequence[Sequence[Entry]], x: float, y: float) -> Iterator[str]:
    """The legend as SVG; (x, y) is the start of the baseline of its first line."""
    yield '<g class="legend">'
    for k, entries in enumerate(lines):
        left = x
        for entry in entries:
            yield f'<g transform="translate({n(left)} {n(y + k * ROW)})">{"".join(entry.pieces)}</g>'
            left += entry.width + _BETWEEN
    yield "</g>"


def width_of(entries: Sequence[Entry]) -> float:
    """How wide a line of entries is."""
    return sum(entry.width for entry in entries) + _BETWEEN * (len(entries) - 1)


def _meaning(meaning: str, x: float) -> str:
    return line(meaning, x, 0, style.LABEL, fill=style.FAINT)


def _kind(kind: str) -> Entry:
    panel = {"computed": 8.0, "parameter": style.BAR}.get(kind, 0.0)
    wide, high, top = (16, 8, -11) if kind == "folded" else (22, 13, -10)
    sample = f'<g transform="translate(0 {top})">{outline(kind, wide, high, panel, False)}</g>'
    return Entry(_SAMPLE + text.width(_KINDS[kind], style.LABEL), (sample, _meaning(_KINDS[kind], _SAMPLE)))


def _label(sample: str, meaning: str, fill: str) -> Entry:
    wide = text.mono_width(sample, style.EDGE_LABEL) + 5
    shown = line(sample, 0, 0, style.EDGE_LABEL, fill=fill, mono=True)
    return Entry(wide + text.width(meaning, style.LABEL), (shown, _meaning(meaning, wide)))


def _gradient(scale: Scale) -> Entry:
    """Gradients, from the smallest to the largest: lines from thin and light to wide and dark."""
    small, large, meaning = text.number(scale.smallest), text.number(scale.largest), "size of the gradient"
    x, pieces = 0.0, []
    if small != large:
        pieces.append(line(small, 0, 0, style.LABEL, fill=style.GRAD, mono=True))
        x = text.mono_width(small, style.LABEL) + 6
    low, high = scale.strength(scale.smallest), scale.strength(scale.largest)
    for k in range(_WEDGE):
        strength = low + (high - low) * k / (_WEDGE - 1)
        thick = style.WIDTHS[0] + strength * (style.WIDTHS[1] - style.WIDTHS[0])
        place = f'x="{n(x)}" y="{n(-3.5 - thick / 2)}" width="10" height="{n(thick)}"'
        pieces.append(f'<rect {place} fill="{color(strength)}"/>')
        x += 10
    pieces.append(line(large, x + 6, 0, style.LABEL, fill=style.GRAD, mono=True))
    x += 12 + text.mono_width(large, style.LABEL)
    return Entry(x + text.width(meaning, style.LABEL), (*pieces, _meaning(meaning, x)))


def _zero() -> Entry:
    sample = f'<path d="M0-3.5H22" stroke="{style.ZERO}" stroke-width="{style.WIDTHS[0]}" stroke-dasharray="2 3"/>'
    return Entry(_SAMPLE + text.width("a gradient of 0", style.LABEL), (sample, _meaning("a gradient of 0", _SAMPLE)))
