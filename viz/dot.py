"""The graph as DOT, the language of Graphviz: for people who have their own tools, and for PNG and PDF.

Pure text: no process is started here. The cards are those of `viz.cards`, as HTML-like labels of a fixed size, so
that Graphviz keeps the very room that `viz.svg` draws in. User text appears in labels and tooltips only,
written in entities (`viz.text.dot`): there it is text, whatever it contains. The ids are ours: n0, n1, ...
"""

from collections.abc import Iterator

import graphviz

from viz import style, text
from viz.cards import Card, Scene
from viz.layout import Layout, arrow_foot
from viz.lines import Line
from viz.shade import Stroke, arrow, stroke

_SANS, _MONO = "Helvetica,Arial,sans-serif", "Courier New,monospace"
_STYLE = {
    "computed": "filled,rounded",
    "leaf": "filled",
    "parameter": "filled",
    "constant": "filled,dashed",
    "folded": "filled,rounded",
}


def digraph(
    scene: Scene, direction: str = "LR", title: str | None = None, layout: Layout | None = None
) -> graphviz.Digraph:
    """The scene as a `graphviz.Digraph`; its `.source` is the same, byte for byte, from run to run.

    With a layout, every place is written down as well, for a Graphviz that only paints (`neato -n2`).

    >>> from engine import Value
    >>> from viz.cards import scene
    >>> x = Value(3.0, name="x")
    >>> [line.strip() for line in digraph(scene(x * x)).body if "->" in line]
    ['n0 -> n1', 'n0 -> n1']
    """
    tail, head = ("e", "w") if direction == "LR" else ("s", "n")
    dot = graphviz.Digraph(
        graph_attr={"rankdir": direction, "nodesep": "0.22", "ranksep": "0.6", "bgcolor": "white", "fontname": _SANS},
        node_attr={"shape": "box", "fixedsize": "true", "margin": "0", "fontname": _SANS},
        edge_attr={"color": style.LINE, "arrowsize": "0.7", "tailport": tail, "headport": head, "fontname": _MONO},
    )
    if title or scene.notes:
        lines = [*([title] if title else []), *scene.notes]
        label = _plain(lines[0]) if len(lines) == 1 else "".join(f"{text.dot(line)}\\l" for line in lines)
        size, ink = ("16", style.INK) if title else ("11", style.FAINT)
        dot.attr(label=label, labelloc="t", labeljust="l", fontsize=size, fontcolor=ink)
    _fill(dot, scene, None, layout)
    scale = scene.scale()
    for e, ((parent, child), line) in enumerate(zip(scene.edges, scene.lines, strict=True)):
        pen = stroke(line.size, line.count, scale)
        look = _look(line, pen)
        if layout is not None:
            look["pos"] = _curve(layout, e, pen)
            if line.label:
                look["lp"] = _point(layout, *layout.label(e))
        dot.edge(scene.cards[parent].id, scene.cards[child].id, **look)
    return dot


def _look(line: Line, pen: Stroke) -> dict[str, str]:
    """What an edge has of its own: width and colour where gradients have arrived, and its label."""
    look = {}
    if pen.width != style.WIDTH or pen.color != style.LINE:
        look = {"penwidth": f"{pen.width:.2f}", "color": pen.color}
    if pen.is_dashed:
        look["style"] = "dashed"
    if line.label:
        ink = style.BOX_INK if line.count > 1 else style.PANEL_INK
        look |= {"label": _plain(line.label), "fontsize": f"{style.EDGE_LABEL:.0f}", "fontcolor": ink}
    return look


def _fill(dot: graphviz.Digraph, scene: Scene, group: int | None, layout: Layout | None) -> None:
    """The cards that are directly in a group, then its inner groups (they are at most a few deep)."""
    last = len(scene.cards) - 1
    for i, card in enumerate(scene.cards):
        if scene.group_of[i] == group:
            dot.node(
                card.id,
                label=f"<{_label(card)}>",
                tooltip=_tip(", ".join(card.title)),
                style=_STYLE[card.kind],
                color=style.EDGE[card.kind],
                fillcolor=style.FILL[card.kind],
                width=f"{card.width / 72:.4f}",
                height=f"{card.height / 72:.4f}",
                penwidth="2.6" if i == last else "1.3",
                **({} if layout is None else {"pos": _point(layout, *layout.centers[i])}),
            )
    for g, inner in enumerate(scene.groups):
        if inner.parent == group:
            with dot.subgraph(name=f"cluster_{g}") as cluster:
                label = inner.label if layout is None else inner.fitting(layout.boxes[g][2])
                cluster.attr(label=_plain(label), tooltip=_tip(inner.path), labeljust="l", fontsize="11")
                cluster.attr(style="filled,rounded", fillcolor=style.BOX[inner.depth % 2])
                cluster.attr(color=style.BOX_LINE, fontcolor=style.BOX_INK)
                if layout is not None:
                    left, top, w, h = layout.boxes[g]
                    corners = f"{_point(layout, left, top + h)},{_point(layout, left + w, top)}"
                    middle = left + 10 + text.width(label, style.NUMBER) * 0.44
                    cluster.attr(bb=corners, lp=_point(layout, middle, top + 12))
                _fill(cluster, scene, g, layout)


def _plain(content: str) -> str:
    """Text for a plain attribute: not taken for HTML when it is shaped <...>."""
    return graphviz.nohtml(text.dot(content))  # type: ignore[no-any-return]


def _tip(content: str) -> str:
    """The same for a tooltip, with ⧵ for a backslash: versions of Graphviz expand it once, twice or not at all."""
    return _plain(content.replace("\\", "⧵"))


def _point(layout: Layout, x: float, y: float) -> str:
    """Graphviz counts from the lower left corner."""
    return f"{x:.2f},{layout.height - y:.2f}"


def _curve(layout: Layout, e: int, pen: Stroke) -> str:
    """A curve as Graphviz writes it: the tip of the arrow, then the points up to the arrow."""
    path = layout.paths[e]
    points = [*path[:-1], arrow_foot(path, arrow(pen))]
    return " ".join([f"e,{_point(layout, *path[-1])}", *(_point(layout, *point) for point in points)])


def _label(card: Card) -> str:
    """An HTML-like label: the operation's panel, then the name over the numbers."""
    if card.is_bare:
        return _font(card.data, style.NUMBER, style.DATA, _MONO)
    rows = list(_rows(card))
    if card.panel:
        inside = f"<B>{_font(card.symbol, style.SYMBOL, style.PANEL_INK)}</B>" if card.symbol else ""
        color = style.PANEL if card.symbol else style.EDGE[card.kind]
        panel = _cell(inside, card.panel - 2, card.height - 4, f' ROWSPAN="{len(rows)}" BGCOLOR="{color}"')
        rows[0] = panel + rows[0]
    body = "".join(f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{body}</TABLE>'


def _rows(card: Card) -> Iterator[str]:
    body = card.width - card.panel - 2 * style.MARGIN
    height = (card.height - 8) / (len(card.rows) + len(card.facts) + bool(card.name))
    gap, what_width = _cell("", style.MARGIN - 1, height), text.width("data", style.LABEL)
    if card.name:
        name = f"<B>{_font(card.name, style.NAME, style.INK)}</B>"
        shape_width = text.mono_width(card.shape, style.LABEL)
        if card.shape:
            shape = _font(card.shape, style.LABEL, style.FAINT, _MONO)
            cells = _cell(name, body - shape_width, height, ' ALIGN="LEFT"')
            yield gap + cells + _cell(shape, shape_width, height, ' ALIGN="RIGHT"') + gap
        else:
            yield gap + _cell(name, body, height, ' COLSPAN="2" ALIGN="LEFT"') + gap
    for fact in card.facts:
        yield gap + _cell(_font(fact, style.LABEL, style.FAINT), body, height, ' COLSPAN="2" ALIGN="LEFT"') + gap
    for what, number in card.rows:
        written = _font(number, style.NUMBER, style.DATA if what == "data" else style.GRAD, _MONO) if number else ""
        label = _cell(_font(what, style.LABEL, style.FAINT), what_width, height, ' ALIGN="LEFT"')
        yield gap + label + _cell(written, body - what_width, height, ' ALIGN="RIGHT"') + gap


def _cell(content: str, width: float, height: float, more: str = "") -> str:
    return f'<TD WIDTH="{width:.0f}" HEIGHT="{height:.0f}"{more}>{content}</TD>'


def _font(content: str, size: float, color: str, face: str = "") -> str:
    family = f' FACE="{face}"' if face else ""
    return f'<FONT POINT-SIZE="{size:.0f}" COLOR="{color}"{family}>{text.dot(content)}</FONT>'
