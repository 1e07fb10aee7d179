"""The picture: a scene and a layout, written as SVG.

It is one self-contained piece of XML with no style sheet, no script, no link and no id, so that several of
them can stand in one notebook page and none changes another. User text is only ever the content of an element.

Colours are attributes, which the style sheet of a page overrides. What it finds there:

    g.node.KIND      data-node    the outline (.ground, .card, .panel, .bar, .sheet), the texts (.symbol, .name, .shape,
                                  .fact, .what, .data, .grad, .check), and below .grad its .track and .strength
    g.edge           data-edge    its place in `scene.edges`; data-from, data-to; .line, .head; with a label, .local or
                                  .count on a .seam
    g.group          data-group   .box; its name is g.group-label, with the same data-group
    text.note                     what is not shown
"""

from collections.abc import Iterator

from viz import legend, style, text
from viz.cards import Card, Scene
from viz.ink import BASE, SANS, Point, line, n, outline, xy
from viz.layout import Layout, arrow_foot
from viz.shade import Scale, Stroke, arrow, color, stroke

_FRAME, _TOP, _NOTE, _FOOT = 16.0, 30.0, 18.0, 34.0
_LEAST = 420.0  # of the width of a legend, before it is broken into lines
_CLASS = {"data": "data", "grad": "grad", "NumPy": "check"}  # of the number in a row of a card


def svg(scene: Scene, layout: Layout, title: str | None = None, *, responsive: bool = True) -> str:
    """The SVG text of a drawing; the same scene and layout give the same bytes.

    A responsive picture shrinks with the page, by a `style` attribute, which a strict security policy forbids.
    """
    scale = scene.scale()
    heading = text.shortened(text.visible(title or ""), 80)
    notes = [text.shortened(text.visible(note), 160) for note in scene.notes]
    above = [text.width(heading, style.HEADING, bold=True), *(text.width(note, style.NUMBER) for note in notes)]
    entries = legend.rows(legend.legend(scene, scale), max(layout.width, _LEAST, *above))
    inner = max(layout.width, *above, *map(legend.width_of, entries))
    top = _FRAME + (_TOP if title else 0.0)
    under = top + len(notes) * _NOTE + (8.0 if notes else 0.0)
    foot = under + layout.height + _FOOT
    width, height = inner + 2 * _FRAME, foot + (len(entries) - 1) * legend.ROW + _FRAME
    shift = _FRAME + (inner - layout.width) / 2
    result = scene.cards[-1]
    shrink = f' style="max-width:100%;min-width:{n(width * 0.6)}px;height:auto"' if responsive else ""
    places = zip(scene.cards, layout.centers, strict=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{n(width)}" height="{n(height)}"'
            f' viewBox="0 0 {n(width)} {n(height)}" font-family="{SANS}" fill="{style.INK}"{shrink}>',
            f"<title>{text.xml(title or f'Computation graph of {scene.total} nodes')}</title>",
            f'<rect width="{n(width)}" height="{n(height)}" fill="{style.PAPER}"/>',
            *([line(heading, _FRAME, _FRAME + 14, style.HEADING, bold=True)] if title else []),
            *(
                line(note, _FRAME, top + 11 + k * _NOTE, style.NUMBER, kind="note", fill=style.FAINT)
                for k, note in enumerate(notes)
            ),
            f'<g transform="translate({n(shift)} {n(under)})">',
            *_boxes(scene, layout),
            *_edges(scene, layout, scale),
            *_labels(scene, layout),
            *(_card(card, center, card is result, scale) for card, center in places),
            "</g>",
            *legend.written(entries, _FRAME, foot),
            "</svg>",
            "",
        ]
    )


def _boxes(scene: Scene, layout: Layout) -> Iterator[str]:
    for g, (group, (x, y, w, h)) in enumerate(zip(scene.groups, layout.boxes, strict=True)):
        yield (
            f'<g class="group" data-group="g{g}"><title>{text.xml(group.path)}</title>'
            f'<rect class="box" x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" rx="10"'
            f' fill="{style.BOX[group.depth % 2]}" stroke="{style.BOX_LINE}"/></g>'
        )


def _labels(scene: Scene, layout: Layout) -> Iterator[str]:
    """The names of the boxes, over the edges, each with a seam in the colour of its ground."""
    for g, (group, (x, y, w, _)) in enumerate(zip(scene.groups, layout.boxes, strict=True)):
        label = line(group.fitting(w), x + 10, y + 16, style.NUMBER, bold=True, fill=style.BOX_INK)
        yield (
            f'<g class="group-label" data-group="g{g}" stroke="{style.BOX[group.depth % 2]}" stroke-width="3"'
            f' paint-order="stroke">{label}</g>'
        )


def _edges(scene: Scene, layout: Layout, scale: Scale | None) -> Iterator[str]:
    yield f'<g class="edges" fill="none" stroke="{style.LINE}" stroke-width="{style.WIDTH}">'
    for e, ((u, v), path, edge) in enumerate(zip(scene.edges, layout.paths, scene.lines, strict=True)):
        pen = stroke(edge.size, edge.count, scale)
        curve, head = _with_arrow(path, pen)
        look = "" if pen.color == style.LINE else f' stroke="{pen.color}"'
        look += "" if pen.width == style.WIDTH else f' stroke-width="{n(pen.width)}"'
        look += ' stroke-dasharray="2 3"' if pen.is_dashed else ""
        label = _label(scene, layout, e) if edge.label else ""
        yield (
            f'<g class="edge" data-edge="e{e}" data-from="n{u}" data-to="n{v}"><path class="line" d="{curve}"{look}/>'
            f'<path class="head" d="{head}" fill="{pen.color}" stroke="none"/>{label}</g>'
        )
    yield "</g>"


def _label(scene: Scene, layout: Layout, e: int) -> str:
    """The local derivative, or how many edges are one here, on a seam in the colour of the ground."""
    edge, group, (x, y) = scene.lines[e], scene.group_of[scene.edges[e][1]], layout.label(e)
    ground = style.PAPER if group is None else style.BOX[scene.groups[group].depth % 2]
    kind, fill = ("count", style.BOX_INK) if edge.count > 1 else ("local", style.PANEL_INK)
    wide, high = text.mono_width(edge.label, style.EDGE_LABEL) + 3, style.EDGE_LABEL + 1
    place = f'x="{n(x - wide / 2)}" y="{n(y - high / 2)}" width="{n(wide)}" height="{n(high)}" rx="2"'
    written = line(
        edge.label, x, y + style.EDGE_LABEL * 0.35, style.EDGE_LABEL, kind=kind, fill=fill, mono=True, anchor="middle"
    )
    return f'<g stroke="none"><rect class="seam" {place} fill="{ground}"/>{written}</g>'


def _with_arrow(path: list[Point], pen: Stroke) -> tuple[str, str]:
    """The curve up to the arrow, and the arrow at its end, larger on a wider line."""
    tip, foot = path[-1], arrow_foot(path, arrow(pen))
    dx, dy = 0.45 * (tip[0] - foot[0]), 0.45 * (tip[1] - foot[1])
    points = [*path[:-1], foot]
    pieces = ["C" + " ".join(map(xy, points[k : k + 3])) for k in range(1, len(points), 3)]
    corners = tip, (foot[0] - dy, foot[1] + dx), (foot[0] + dy, foot[1] - dx)
    return f"M{xy(points[0])}" + "".join(pieces), "M" + "L".join(map(xy, corners)) + "Z"


def _card(card: Card, center: Point, is_result: bool, scale: Scale | None) -> str:
    w, h, left = card.width, card.height, card.panel
    corner = f"translate({n(center[0] - w / 2)} {n(center[1] - h / 2)})"
    lines = [f'<g class="node {card.kind}" data-node="{card.id}" transform="{corner}">']
    lines += [f"<title>{chr(10).join(map(text.xml, card.title))}</title>", outline(card.kind, w, h, left, is_result)]
    if card.symbol:
        y, ink = h / 2 + style.SYMBOL * 0.35, style.PANEL_INK
        lines.append(line(card.symbol, left / 2, y, style.SYMBOL, kind="symbol", bold=True, fill=ink, anchor="middle"))
    if card.is_bare:
        y, ink = h / 2 + style.NUMBER * 0.35, style.DATA
        lines.append(line(card.data, w / 2, y, style.NUMBER, kind="data", fill=ink, mono=True, anchor="middle"))
        return "".join([*lines, "</g>"])
    start, end = left + style.MARGIN, w - style.MARGIN
    y = (h - style.ROW * (bool(card.name) + len(card.facts) + len(card.rows))) / 2 + style.ROW * BASE
    if card.name:
        lines.append(line(card.name, start, y, style.NAME, kind="name", bold=True, box=end - start))
        if card.shape:
            ink = style.FAINT
            lines.append(line(card.shape, end, y, style.LABEL, kind="shape", fill=ink, mono=True, anchor="end"))
        y += style.ROW
    for fact in card.facts:
        lines.append(line(fact, start, y, style.LABEL, kind="fact", fill=style.FAINT))
        y += style.ROW
    for what, number in card.rows:
        lines.append(line(what, start, y, style.LABEL, kind="what", fill=style.FAINT))
        if number:
            ink = style.DATA if what == "data" else style.GRAD
            lines.append(line(number, end, y, style.NUMBER, kind=_CLASS[what], fill=ink, mono=True, anchor="end"))
        if what == "grad" and card.size is not None and scale:
            lines.append(_strength(start, end, y + style.ROW * (1 - BASE), scale.strength(card.size)))
        y += style.ROW
    return "".join([*lines, "</g>"])


def _strength(start: float, end: float, y: float, strength: float) -> str:
    """How large the gradient is: a bar below its number, on a track that an empty one shows, too."""
    place = f'x="{n(start)}" y="{n(y - 1)}" height="2"'
    track = f'<rect class="track" {place} width="{n(end - start)}" fill="{style.TRACK}"/>'
    bar = f'<rect class="strength" {place} width="{n((end - start) * strength)}" fill="{color(strength)}"/>'
    return track + (bar if strength else "")
