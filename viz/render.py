"""`draw`: a computation graph as a picture, on any machine.

What is shown is in `viz.cards`, who places it in `viz.engines`, and how it becomes a picture in `viz.svg`.
"""

import os
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import graphviz

from engine import Value, recording, topological_sort
from engine.files import write
from viz import text
from viz.cards import Scene, look, said, scene_of_things
from viz.dot import digraph
from viz.engines import check_engine, place
from viz.fold import SHOWN, Fold, folded, things
from viz.groups import grouped
from viz.highlight import Highlight, on_paths
from viz.layout import Layout, check_direction
from viz.painting import painted
from viz.svg import svg


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """A picture of a graph as it was when it was drawn. Notebooks show it; `save` writes it to a file.

    engine  what placed the cards: "dot", "wasm" or "plain"
    svg     the picture, as SVG text
    dot     the graph as a `graphviz.Digraph`, for tools of your own; its text is `dot.source`
    """

    engine: str
    svg: str
    dot: graphviz.Digraph
    _scene: Scene = field(repr=False)
    _layout: Layout = field(repr=False)
    _title: str | None = field(repr=False)
    _direction: str = field(repr=False)
    _whole: Scene | None = field(repr=False)  # with nothing folded; None for more than max_nodes cards
    _closed: frozenset[int] = field(repr=False)  # the groups in it that are folded here

    @property
    def html(self) -> str:
        """The picture as one self-contained web page, in which groups fold and unfold at a click."""
        from viz.page.folding import folding_page

        if self._whole is None or self._whole is self._scene:  # too large to be unfolded, or nothing is folded
            return folding_page(self._scene, self._layout, title=self._title)
        dot = digraph(self._whole, self._direction)
        _, layout = place(self._whole, dot, self._direction, "plain")
        return folding_page(self._whole, layout, self._closed, self._title)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, in the format of its suffix: .svg, .png, .pdf, .html, .dot or .gv.

        .svg, .html, .dot  need nothing
        .png               the extra `png`, or Graphviz; two pixels for one, fewer for a very large drawing
        .pdf               the extra `pdf`, or Graphviz

        The file appears whole or not at all: it is written under another name and then renamed.

        Raises:
            ValueError: for another suffix.
            FileNotFoundError: if there is no such folder.
            OSError: where the file cannot be written.
            RuntimeError: for .png and .pdf where nothing that paints them is installed; it says what to install.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.svg.encode()
        elif suffix == ".html":
            content = self.html.encode()
        elif suffix in (".dot", ".gv"):
            content = self.dot.source.encode()
        elif suffix in (".png", ".pdf"):
            places = digraph(self._scene, title=self._title, layout=self._layout)
            content = painted(self.svg, places, suffix[1:])
        else:
            raise ValueError(f"a drawing is saved as .svg, .png, .pdf, .html, .dot or .gv, not as {path.name!r}")
        write(path, content)
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **more: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        count, shown = self._scene.total, len(self._scene.cards)
        fold = f", folded to {shown:,}" if self._scene.is_folded else ""
        return f"<Drawing of {text.plural(count, 'node')}{fold}, engine {self.engine!r}>"


def draw(
    root: Value,
    *,
    direction: str = "LR",
    depth: int | None = None,
    fold: Fold = "auto",
    engine: str = "auto",
    highlight: Highlight | None = None,
    title: str | None = None,
    local_derivatives: bool = False,
    max_nodes: int = 2000,
) -> Drawing:
    """A picture of the graph that ends in `root`: a card for each Value, an arrow for each use of one.

    A card shows the operation, the name, the data and the gradient, which is blank until one has arrived. Names
    with dots, as `layers[0].neurons[1].w[2]`, are drawn in boxes for the layer and the neuron. Once gradients have
    arrived, an arrow is the wider and the darker, the more of the gradient goes back on it.

    direction  "LR", left to right, or "TB", top to bottom
    depth      so many levels of boxes stay open, deeper ones are single cards: 0 for a card for each layer
    fold       "auto" makes single cards of groups, the deepest first, in a graph of more than 300 nodes, and says so;
               True does so with all outermost groups, a path, as "layers[0]", or a list of them with these; False never
    engine     "plain" is our own layout, which needs nothing; "dot" is the Graphviz program; "wasm" is Graphviz
               within Python, the extra `dot`; "auto" takes dot, else wasm, if it is installed, for graphs of up to
               500 nodes without boxes, folds and labels, where it finds fewer crossings, and plain for all
               others: it keeps the layers of a network side by side, and labels clear of cards
    highlight  a Value of the graph, a name, or a list of them: only what lies on paths from there to the root
    title      a heading
    local_derivatives  whether each arrow has its ∂child/∂parent, which the gradient is multiplied with there
    max_nodes  the most cards that are drawn

    Raises:
        TypeError: if `root` is not a Value, and for a fold, depth or highlight of the wrong kind.
        ValueError: for more than `max_nodes` cards where they may not be folded; for a fold or a highlight that is
            not in the graph; for an unknown direction or engine.
        RuntimeError: with engine="dot" or "wasm" where that is missing or fails.

    >>> x = Value(3.0, name="x")
    >>> draw(x * x + x, engine="plain")
    <Drawing of 3 nodes, engine 'plain'>
    """
    if not isinstance(root, Value):
        raise TypeError(f"draw one Value, for example the loss, not a {type(root).__name__}")
    check_engine(engine)
    check_direction(direction)
    with recording():  # numbers for a million nodes: nothing that Python's cyclic collector should walk over
        scene, closed, whole = _scene(root, depth, fold, highlight, max_nodes, local_derivatives, direction)
    dot = digraph(scene, direction, title)
    engine, layout = place(scene, dot, direction, engine)
    return Drawing(engine, svg(scene, layout, title), dot, scene, layout, title, direction, whole, closed)


def _scene(
    root: Value,
    depth: int | None,
    fold: Fold,
    highlight: Highlight | None,
    max_nodes: int,
    local_derivatives: bool,
    direction: str,
) -> tuple[Scene, frozenset[int], Scene | None]:
    """What is drawn, the groups that are folded, and the same scene with nothing folded (None for too many cards)."""
    graph, notes = grouped(topological_sort(root)), []
    if highlight is not None:
        graph, note = on_paths(graph, highlight)
        notes.append(note)
    closed = folded(graph.groups, graph.group_of, fold, depth, max_nodes, graph.operands)
    is_free = fold is True or fold == "auto"  # to fold whatever is too much
    most = (min(SHOWN, max_nodes) if depth is None else max_nodes) if is_free else inf
    parts = things(graph, closed, most, partial(look, graph))
    if len(parts) > max_nodes:
        raise ValueError(
            f"this graph has {len(parts):,} nodes, more than the {max_nodes:,} that are still readable; draw a node "
            f"further inside, or the graph of a single example, or let fold='auto' fold it, or allow it with "
            f"max_nodes={len(parts)}"
        )
    lines = list(notes)
    asked = folded(graph.groups, graph.group_of, False, depth)
    if fold == "auto" and (closed != asked or any(part.kind in ("alike", "before") for part in parts)):
        lines.append(said(graph, parts, is_readable=len(graph.nodes) <= max_nodes))
    options: dict[str, Any] = {"local_derivatives": local_derivatives, "direction": direction}
    scene = scene_of_things(graph, parts, notes=tuple(lines), **options)
    if not scene.is_folded:
        return scene, frozenset(), scene
    if len(graph.nodes) > max_nodes:
        return scene, frozenset(closed), None
    return scene, frozenset(closed), scene_of_things(graph, things(graph, set()), notes=tuple(notes), **options)
