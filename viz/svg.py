"""The picture: a scene and a layout, written as SVG.

It is one self-contained piece of XML with no style sheet, no script, no link and no id, so that several of
them can stand in one notebook page and none changes another. User text is only ever the content of an element.
"""

from collections.abc import Iterator

from viz import style, text
from viz.cards import Card, Scene
from viz.layout import Layout, Point, arrow_foot

_SANS = "'Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif"
_MONO = "Menlo,Consolas,'DejaVu Sans Mono','Courier New',monospace"
_FRAME, _TOP, _FOOT = 16.0, 30.0, 34.0
_BASE = 0.74  # of a line's height, where its letters stand
_KINDS = {
    "computed": "computed",
    "leaf": "leaf",
    "parameter": "parameter",
    "constant": "constant (takes no gradient)",
}


def svg(scene: Scene, layout: Layout, title: str | None = None) -> str:
    """The SVG text of a drawing; the same scene and layout give the same bytes."""
    legend = [kind for kind in _KINDS if any(card.kind == kind for card in scene.cards)]
    top = _FRAME + (_TOP if title else 0.0)
    least = sum(_legend_width(kind) for kind in legend) - 18
    heading = text.shortened(text.visible(title or ""), 80)
    inner = max(layout.width, least, text.width(heading, style.HEADING, bold=True))
    width, height = inner + 2 * _FRAME, top + layout.height + _FOOT + _FRAME
    shift = _FRAME + (inner - layout.width) / 2
    result = scene.cards[-1]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}"'
            f' viewBox="0 0 {_n(width)} {_n(height)}" font-family="{_SANS}" fill="{style.INK}"'
            f' style="max-width:100%;min-width:{_n(width * 0.6)}px;height:auto">',
            f"<title>{text.xml(title or f'Computation graph of {len(scene.cards)} nodes')}</title>",
            f'<rect width="{_n(width)}" height="{_n(height)}" fill="{style.PAPER}"/>',
            *([_text(heading, _FRAME, _FRAME + 14, style.HEADING, bold=True)] if title else []),
            f'<g transform="translate({_n(shift)} {_n(top)})">',
            *_boxes(scene, layout),
            *_edges(scene, layout),
            *_labels(scene, layout),
            *(_card(card, center, card is result) for card, center in zip(scene.cards, layout.centers, strict=True)),
            "</g>",
            *_legend(legend, top + layout.height + _FOOT),
            "</svg>",
            "",
        ]
    )


def _boxes(scene: Scene, layout: Layout) -> Iterator[str]:
    for group, (x, y, w, h) in zip(scene.groups, layout.boxes, strict=True):
        yield (
            f'<g class="group"><title>{text.xml(group.path)}</title>'
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="10"'
            f' fill="{style.BOX[group.depth % 2]}" stroke="{style.BOX_LINE}"/></g>'
        )


def _labels(scene: Scene, layout: Layout) -> Iterator[str]:
    """The names of the boxes, over the edges, each with a seam in the colour of its ground."""
    for group, (x, y, w, _) in zip(scene.groups, layout.boxes, strict=True):
        label = _text(group.fitting(w), x + 10, y + 16, style.NUMBER, bold=True, fill=style.BOX_INK)
        yield f'<g stroke="{style.BOX[group.depth % 2]}" stroke-width="3" paint-order="stroke">{label}</g>'


def _edges(scene: Scene, layout: Layout) -> Iterator[str]:
    yield f'<g class="edges" fill="none" stroke="{style.LINE}" stroke-width="1.4">'
    for (u, v), path in zip(scene.edges, layout.paths, strict=True):
        line, head = _with_arrow(path)
        yield (
            f'<g class="edge" data-from="n{u}" data-to="n{v}"><path d="{line}"/>'
            f'<path d="{head}" fill="{style.LINE}" stroke="none"/></g>'
        )
    yield "</g>"


def _with_arrow(path: list[Point]) -> tuple[str, str]:
    """The curve up to the arrow, and the arrow at its end."""
    tip, foot = path[-1], arrow_foot(path)
    dx, dy = 0.45 * (tip[0] - foot[0]), 0.45 * (tip[1] - foot[1])
    points = [*path[:-1], foot]
    pieces = ["C" + " ".join(map(_xy, points[k : k + 3])) for k in range(1, len(points), 3)]
    corners = tip, (foot[0] - dy, foot[1] + dx), (foot[0] + dy, foot[1] - dx)
    return f"M{_xy(points[0])}" + "".join(pieces), "M" + "L".join(map(_xy, corners)) + "Z"


def _card(card: Card, center: Point, is_result: bool) -> str:
    w, h, left = card.width, card.height, card.panel
    corner = f"translate({_n(center[0] - w / 2)} {_n(center[1] - h / 2)})"
    lines = [f'<g class="node {card.kind}" data-node="{card.id}" transform="{corner}">']
    lines += [f"<title>{chr(10).join(map(text.xml, card.title))}</title>", _outline(card.kind, w, h, left, is_result)]
    if card.symbol:
        y, fill = h / 2 + style.SYMBOL * 0.35, style.PANEL_INK
        lines.append(_text(card.symbol, left / 2, y, style.SYMBOL, bold=True, fill=fill, anchor="middle"))
    if card.is_bare:
        y = h / 2 + style.NUMBER * 0.35
        lines.append(_text(card.data, w / 2, y, style.NUMBER, fill=style.DATA, mono=True, anchor="middle"))
        return "".join([*lines, "</g>"])
    start, end = left + style.MARGIN, w - style.MARGIN
    y = (h - style.ROW * (len(card.rows) + bool(card.name))) / 2 + style.ROW * _BASE
    if card.name:
        lines.append(_text(card.name, start, y, style.NAME, bold=True, box=end - start))
        y += style.ROW
    for what, number in card.rows:
        lines.append(_text(what, start, y, style.LABEL, fill=style.FAINT))
        if number:
            fill = style.DATA if what == "data" else style.GRAD
            lines.append(_text(number, end, y, style.NUMBER, fill=fill, mono=True, anchor="end"))
        y += style.ROW
    return "".join([*lines, "</g>"])


def _outline(kind: str, w: float, h: float, left: float, is_result: bool) -> str:
    """The shape says what a card is: rounded, square, with a bar, dashed. The result has a heavier line."""
    size = f'width="{_n(w)}" height="{_n(h)}"'
    fill = f'fill="{style.FILL[kind]}"'
    line = f'stroke="{style.EDGE[kind]}" stroke-width="{style.THICK if is_result else style.THIN}"'
    if kind == "computed":
        r = _n(style.ROUND)
        arc = f"A{r} {r} 0 0 0"
        panel = f"M{_n(left)} 0H{r}{arc} 0 {r}V{_n(h - style.ROUND)}{arc} {r} {_n(h)}H{_n(left)}Z"
        return (
            f'<rect {size} rx="{r}" {fill}/><path d="{panel}" fill="{style.PANEL}"/>'
            f'<rect {size} rx="{r}" fill="none" {line}/>'
        )
    if kind == "constant":
        return f'<rect {size} {fill} {line} stroke-dasharray="4 3"/>'
    bar = f'<rect width="{_n(left)}" height="{_n(h)}" fill="{style.EDGE[kind]}"/>' if left else ""
    return f"<rect {size} {fill} {line}/>{bar}"


def _legend_width(kind: str) -> float:
    return 28 + text.width(_KINDS[kind], style.LABEL) + 18


def _legend(kinds: list[str], y: float) -> Iterator[str]:
    x = _FRAME
    yield '<g class="legend">'
    for kind in kinds:
        panel = {"computed": 8.0, "parameter": style.BAR}.get(kind, 0.0)
        yield f'<g transform="translate({_n(x)} {_n(y - 10)})">{_outline(kind, 22, 13, panel, False)}</g>'
        yield _text(_KINDS[kind], x + 28, y, style.LABEL, fill=style.FAINT)
        x += _legend_width(kind)
    yield "</g>"


def _text(
    content: str,
    x: float,
    y: float,
    size: float,
    *,
    fill: str = "",
    bold: bool = False,
    mono: bool = False,
    anchor: str = "",
    box: float = 0.0,
) -> str:
    """One line of text at (x, y), the start (or as anchored) of its baseline.

    With the width of a box, text in a script whose width is not known is cut off there: an inner svg does it,
    and needs no id as a clip path would.
    """
    if box and not text.is_familiar(content):
        line = _text(content, 0, style.ROW * _BASE, size, fill=fill, bold=bold)
        place = f'x="{_n(x)}" y="{_n(y - style.ROW * _BASE)}" width="{_n(box)}" height="{_n(style.ROW)}"'
        return f"<svg {place}>{line}</svg>"
    look = f' fill="{fill}"' if fill else ""
    look += ' font-weight="bold"' if bold else ""
    look += f' font-family="{_MONO}"' if mono else ""
    look += f' text-anchor="{anchor}"' if anchor else ""
    look += ' xml:space="preserve"' if content != " ".join(content.split()) else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"{look}>{text.xml(content)}</text>'


def _n(number: float) -> str:
    """A coordinate: two decimals at most, and no -0."""
    return f"{round(number, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _xy(point: Point) -> str:
    return f"{_n(point[0])},{_n(point[1])}"
