"""A drawing whose groups fold and unfold at a click: `folding_page`.

The picture is the one that `viz.svg` draws, with every group open. The scripts move what they find there, so all that
they are told in addition is where the cards and the groups are, and what to write on a folded group:

    squeeze.js    where everything goes, once some groups are folded
    routes.js     how edges then run, many as one
    picture.js    the same on the screen
    following.js  what is connected with a card
    folding.js    the page: clicks, keys, buttons
"""

from collections import Counter
from collections.abc import Collection, Sequence
from math import hypot
from typing import Any

from viz import style, text
from viz.cards import Scene
from viz.groups import counted, shapes, stem
from viz.layout import Layout
from viz.page.shell import document
from viz.svg import svg

_SCRIPTS = ("view.js", "squeeze.js", "routes.js", "picture.js", "following.js", "folding.js")
_STYLES = ("view.css", "folding.css")
_LINE, _SIDE, _TRIANGLE = 15.0, 14.0, 10.0  # of a folded group: a line, the room beside the text and for its sign


def folding_page(scene: Scene, layout: Layout, folded: Collection[int] = (), title: str | None = None) -> str:
    """One self-contained HTML file with the drawing. The same arguments give the same bytes.

    scene, layout  of the whole graph: in both, every group is open
    folded         the groups (indices in `scene.groups`) that are folded when the page is opened
    title          the heading; a general one by default
    """
    heading = text.visible(title) if title else "Computation graph"
    size = [text.plural(scene.total, "node"), text.plural(sum(line.count for line in scene.lines), "edge")]
    if scene.groups:
        size.append(text.plural(len(scene.groups), "group"))
    body = _BODY.format(
        title=text.xml(heading),
        size=text.xml("; ".join([", ".join(size), *scene.notes])),
        picture=svg(scene, layout, responsive=False),
        hidden="" if scene.groups else " hidden",
        hint="Click a group to fold it, a card to follow its edges." if scene.groups else "",
    )
    return document(heading, body, _data(scene, layout, folded), styles=_STYLES, scripts=_SCRIPTS)


def _data(scene: Scene, layout: Layout, folded: Collection[int]) -> dict[str, Any]:
    return {
        "width": layout.width,
        "height": layout.height,
        "down": _runs_down(scene, layout),
        "cards": [
            [round(x - card.width / 2, 2), round(y - card.height / 2, 2), card.width, card.height, group]
            for card, (x, y), group in zip(scene.cards, layout.centers, scene.group_of, strict=True)
        ],
        "groups": _groups(scene, layout),
        "counts": {str(e): line.count for e, line in enumerate(scene.lines) if line.count > 1},
        "folded": sorted(folded),
    }


def _groups(scene: Scene, layout: Layout) -> list[dict[str, Any]]:
    """Groups of one kind, as the neurons of a layer, are equally wide when they are folded."""
    holds = _holds(scene)
    kinds = [(group.parent, stem(group.label)) for group in scene.groups]
    widths: dict[tuple[int | None, str], float] = {}
    for group, lines, kind in zip(scene.groups, holds, kinds, strict=True):
        name = text.width(_label(group.label), style.NAME, bold=True) + _TRIANGLE
        wide = max(name, *(text.width(line, style.NUMBER) for line in lines)) + 2 * _SIDE
        widths[kind] = max(widths.get(kind, 0.0), float(round(wide)))
    return [
        {
            "path": text.visible(group.path),
            "label": _label(group.label),
            "fitting": group.fitting(box[2] - _SIDE),
            "parent": group.parent,
            "box": box,
            "lines": lines,
            "small": [widths[kind], _LINE * (1 + len(lines)) + _SIDE],
        }
        for group, box, lines, kind in zip(scene.groups, layout.boxes, holds, kinds, strict=True)
    ]


def _label(label: str) -> str:
    return text.shortened(text.visible(label))


def _holds(scene: Scene) -> list[list[str]]:
    """What each group is, in lines: its shape and the groups in it, its nodes, its parameters, and their gradient."""
    inner: list[list[str]] = [[] for _ in scene.groups]
    for group in scene.groups:
        if group.parent is not None:
            inner[group.parent].append(text.visible(group.label))
    nodes, parameters = [0] * len(scene.groups), [0] * len(scene.groups)
    slopes: list[list[float]] = [[] for _ in scene.groups]
    homes = _homes(scene)
    for card, groups in zip(scene.cards, homes, strict=True):
        for g in groups:
            nodes[g] += 1
            parameters[g] += card.kind == "parameter"
            slopes[g] += [card.size] if card.kind == "parameter" and card.size is not None else []
    is_leaf = [card.kind != "computed" for card in scene.cards]
    found = shapes(scene.edges, homes, range(len(scene.groups)), is_leaf, _times(scene, homes))
    return [
        [" · ".join([shape, *([text.shortened(counted(inner[g]), 30)] if inner[g] else [])])]
        + [text.plural(nodes[g], "node")]
        + [text.plural(parameters[g], "parameter")] * bool(parameters[g])
        + [f"gradient {text.number(hypot(*slopes[g]))}"] * bool(slopes[g])
        for g, shape in enumerate(found)
    ]


def _homes(scene: Scene) -> list[list[int]]:
    """For each card the groups that it is in, the innermost first."""
    homes: list[list[int]] = [[] for _ in scene.cards]
    for home, g in zip(homes, scene.group_of, strict=True):
        while g is not None:
            home.append(g)
            g = scene.groups[g].parent
    return homes


def _times(scene: Scene, homes: Sequence[Sequence[int]]) -> list[int]:
    """How often each group is applied: as often as one and the same computed node, by its name, is in it."""
    keys = [(g, card.name) for card, g in zip(scene.cards, scene.group_of, strict=True)]
    names = Counter(key for key, card in zip(keys, scene.cards, strict=True) if card.kind == "computed" and card.name)
    times = [1] * len(scene.groups)
    for key, groups in zip(keys, homes, strict=True):
        for home in groups:
            times[home] = max(times[home], names[key])
    return times


def _runs_down(scene: Scene, layout: Layout) -> bool:
    """Whether edges lead from top to bottom: one from left to right leaves its card at half of the height."""
    return any(path[0][1] != layout.centers[u][1] for (u, _), path in zip(scene.edges, layout.paths, strict=True))


_BODY = """\
<header>
<h1>{title}</h1>
<p class="size">{size}</p>
<div class="tools" role="toolbar" aria-label="Folding"{hidden}>
<button type="button" id="fold-all">Fold all</button>
<button type="button" id="less" aria-label="One level less" title="Fold the innermost open groups">− level</button>
<button type="button" id="more" aria-label="One level more" title="Unfold the outermost folded groups">+ level</button>
<button type="button" id="unfold-all">Unfold all</button>
</div>
<div class="tools" role="toolbar" aria-label="Zoom">
<button type="button" id="zoom-out" aria-label="Zoom out" title="Zoom out (−, or Ctrl and the wheel)">−</button>
<button type="button" id="zoom-in" aria-label="Zoom in" title="Zoom in (+, or Ctrl and the wheel)">+</button>
<button type="button" id="fit" title="Show all of it (0, or a double click beside it)">Fit</button>
</div>
<form id="find" role="search">
<input type="search" name="name" aria-label="Find a node by its name" placeholder="Find a node" autocomplete="off"
 spellcheck="false">
</form>
</header>
<main class="canvas" tabindex="0" aria-label="The graph">
{picture}</main>
<footer>
<p id="said" role="status">{hint}</p>
<div id="legend" role="group" aria-label="Legend"></div>
</footer>"""
