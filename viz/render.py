"""`draw`: a computation graph as a picture, on any machine.

The layout comes from the Graphviz program `dot` or from `viz.layout`. From dot, only coordinates are read: the SVG is
always drawn by `viz.svg`, so that the cards look the same with either, and the text is ours to escape.
"""

import json
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import graphviz

from engine import Value, topological_sort
from viz.cards import Scene, scene_of
from viz.dot import digraph
from viz.layout import Layout, Point, check_direction, layered, shifted
from viz.svg import svg

_ENGINES = ("auto", "dot", "plain")
_DOT_IS_QUICK = 500  # nodes; far beyond, dot may need minutes
_INSTALL = (
    "install Graphviz (https://graphviz.org/download; `apt install graphviz`, `brew install graphviz`, "
    "`winget install graphviz`) and see that its program `dot` is on the PATH"
)


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """A picture of a graph as it was when it was drawn. Notebooks show it; `save` writes it to a file.

    engine  what placed the cards: "dot" or "plain"
    svg     the picture, as SVG text
    dot     the graph as a `graphviz.Digraph`, for tools of your own; its text is `dot.source`
    """

    engine: str
    svg: str
    dot: graphviz.Digraph
    _scene: Scene = field(repr=False)
    _layout: Layout = field(repr=False)
    _title: str | None = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, in the format of its suffix: .svg, .dot or .gv, .png, .pdf.

        The file appears whole or not at all: it is written under another name and then renamed.

        Raises:
            ValueError: for another suffix.
            FileNotFoundError: if there is no such folder.
            RuntimeError: for .png and .pdf where the Graphviz program `dot` is missing or fails.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.svg.encode()
        elif suffix in (".dot", ".gv"):
            content = self.dot.source.encode()
        elif suffix in (".png", ".pdf"):
            content = self._painted(suffix[1:])
        else:
            raise ValueError(f"a drawing is saved as .svg, .dot, .gv, .png or .pdf, not as {path.name!r}")
        _write(path, content)
        return path

    def _painted(self, format: str) -> bytes:
        """The very same places, painted by Graphviz."""
        graph = digraph(self._scene, title=self._title, layout=self._layout)
        if format == "png":
            graph.attr(dpi="144")
        try:
            return graph.pipe(format=format, engine="neato", neato_no_op=2, quiet=True)  # type: ignore[no-any-return]
        except graphviz.ExecutableNotFound:
            raise RuntimeError(f"to save a drawing as .{format}, {_INSTALL}; .svg needs nothing") from None
        except (CalledProcessError, OSError) as error:
            raise RuntimeError(f"Graphviz could not make a .{format} of this drawing; .svg needs nothing") from error

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **more: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        count = len(self._scene.cards)
        return f"<Drawing of {count:,} node{'s' * (count != 1)}, engine {self.engine!r}>"


def draw(
    root: Value, *, direction: str = "LR", engine: str = "auto", title: str | None = None, max_nodes: int = 2000
) -> Drawing:
    """A picture of the graph that ends in `root`: a card for each Value, an arrow for each use of one.

    A card shows the operation, the name, the data and the gradient, which is blank until one has arrived. Names
    with dots, as `layers[0].neurons[1].w[2]`, are drawn in boxes for the layer and the neuron.

    direction  "LR", left to right, or "TB", top to bottom
    engine     "plain" is our own layout, which needs nothing; "dot" is the Graphviz program; "auto" takes dot, if
               it is installed, for graphs of up to 500 nodes without boxes, where it finds fewer crossings, and
               plain for all others: it keeps the layers of a network side by side
    title      a heading
    max_nodes  the largest graph that is drawn

    Raises:
        TypeError: if `root` is not a Value.
        ValueError: for a graph of more than `max_nodes` nodes, and an unknown direction or engine.
        RuntimeError: with engine="dot" where that program is missing or fails.

    >>> x = Value(3.0, name="x")
    >>> draw(x * x + x, engine="plain")
    <Drawing of 3 nodes, engine 'plain'>
    """
    if not isinstance(root, Value):
        raise TypeError(f"draw one Value, for example the loss, not a {type(root).__name__}")
    if engine not in _ENGINES:
        raise ValueError(f"engine is one of {', '.join(map(repr, _ENGINES))}, not {engine!r}")
    check_direction(direction)
    nodes = topological_sort(root)
    if len(nodes) > max_nodes:
        raise ValueError(
            f"this graph has {len(nodes):,} nodes, more than the {max_nodes:,} that are still readable; draw a node "
            f"further inside, or the graph of a single example, or allow it with max_nodes={len(nodes)}"
        )
    scene = scene_of(nodes)
    dot = digraph(scene, direction, title)
    if engine == "auto":
        engine = "dot" if len(nodes) <= _DOT_IS_QUICK and not scene.groups and shutil.which("dot") else "plain"
        try:
            layout = _layout(scene, dot, direction, engine)
        except RuntimeError:  # a dot that is there and does not work
            engine, layout = "plain", _layout(scene, dot, direction, "plain")
    else:
        layout = _layout(scene, dot, direction, engine)
    return Drawing(engine, svg(scene, layout, title), dot, scene, layout, title)


def _layout(scene: Scene, dot: graphviz.Digraph, direction: str, engine: str) -> Layout:
    if engine == "dot":
        return _by_dot(scene, dot)
    sizes = [(card.width, card.height) for card in scene.cards]
    return layered(sizes, scene.edges, scene.group_of, [group.parent for group in scene.groups], direction)


def _by_dot(scene: Scene, dot: graphviz.Digraph) -> Layout:
    """The places that the Graphviz program gives to the cards, edges and boxes."""
    try:
        plan = json.loads(dot.pipe(format="json0", quiet=True))
        parts = {part["name"]: part for part in plan["objects"]}
        name_of = {part["_gvid"]: part["name"] for part in plan["objects"]}
        curves: dict[tuple[str, str], list[list[Point]]] = {}
        for edge in plan.get("edges", []):
            curves.setdefault((name_of[edge["tail"]], name_of[edge["head"]]), []).append(_path(edge["pos"]))
        centers = [_point(parts[card.id]["pos"]) for card in scene.cards]
        paths = [curves[f"n{u}", f"n{v}"].pop(0) for u, v in scene.edges]
        boxes = [_box(parts[f"cluster_{g}"]["bb"]) for g in range(len(scene.groups))]
    except graphviz.ExecutableNotFound:
        raise RuntimeError(f'for engine="dot", {_INSTALL}; engine="plain" needs nothing') from None
    except (CalledProcessError, OSError, ValueError, LookupError) as error:
        raise RuntimeError('Graphviz could not lay out this graph; engine="plain" can') from error
    sizes = [(card.width, card.height) for card in scene.cards]
    return shifted(Layout(0.0, 0.0, centers, paths, boxes), sizes)


def _point(written: str) -> Point:
    """Graphviz counts upwards, a picture downwards."""
    x, y = map(float, written.split(","))
    return x, -y


def _box(written: str) -> tuple[float, float, float, float]:
    left, low, right, high = map(float, written.split(","))
    return left, -high, right - left, high - low


def _path(written: str) -> list[Point]:
    """`e,tip point point ...`: the arrow's tip stands first."""
    points = written.split()
    return [*map(_point, points[1:-1]), _point(points[0].removeprefix("e,"))]


def _write(path: Path, content: bytes) -> None:
    """All of the content, or no change at all."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to save {path.name!r} in; make it first")
    beside = path.with_name(f".drawing-{secrets.token_hex(8)}.part")
    try:
        with open(beside, "xb") as file:
            file.write(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
