"""The step-through page: backpropagation, one multiplication at a time, in a file of its own.

What happens is told by `viz.story`, where things are by `viz.stage`; this file turns both into the data and the
picture that `step.js` brings to life.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from string import Template
from typing import Any

from engine import Value, formula
from engine.files import write
from engine.formula import local_derivatives
from engine.mathml import MathML
from engine.notation import ATOM
from viz import text
from viz.page.shell import asset, document, framed
from viz.stage import stage
from viz.story import Event, Story
from viz.svg import svg

_WIDE = 2.2  # times as wide as high: such a graph has the whole width of the page, and the text stands below it
_SHORT = 60  # nodes: up to here the whole formula is shown before the first step
_LEFT_OUT = (
    r' font-family="Menlo[^"]*"',
    r' paint-order="stroke"',
    r'<rect class="seam"[^>]*/>',
    r'(?<=\)"><title>)[^<]*(?=</title>)',  # of a card; the script writes it
)
_STYLES = ("view.css", "step.css")
_SCRIPTS = ("numbers.js", "story.js", "view.js", "panel.js", "quiz.js", "step.js")


@dataclass(frozen=True, eq=False)
class Page:
    """A web page in one file. Notebooks show it, in a frame that can do nothing but run it; `save` writes it.

    html   the whole file, as text
    title  its heading
    """

    html: str = field(repr=False)
    title: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all.

        Raises:
            ValueError: for a suffix other than .html and .htm.
            FileNotFoundError: if there is no such folder.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a page is saved as .html, not as {path.name!r}")
        write(path, self.html.encode())
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **more: Any) -> dict[str, str]:
        return {"text/html": framed(self.html, 760, self.title), "text/plain": repr(self)}


def backprop_page(
    loss: Value, path: str | os.PathLike[str] | None = None, *, title: str | None = None, quiz: bool = False
) -> Page:
    """A page that steps through the forward and the backward pass of `loss`, edge by edge, forwards and back.

    For each edge it shows the local derivative, the chain rule and the sum, in symbols and in numbers, the same
    as a line of Python, and where the gradient comes from; beside each finished leaf stands what NumPy's central
    difference says. It is one file, works offline, and needs nothing but a browser. The graph is not changed.

    path   where to save it, a name that ends in .html; without one, see `Page.save`
    title  the heading
    quiz   ask for each number before it is shown (a switch in the page turns it on and off)

    Raises:
        TypeError: if `loss` is not a Value.
        ValueError: for a graph of more than 2,000 nodes, and a path that does not end in .html.
        RuntimeError: if a node's data was changed since it was used.

    >>> x, w = Value(2.0, "x"), Value(-3.0, "w")
    >>> backprop_page((w * x).tanh(), title="A neuron without a bias")
    Page(title='A neuron without a bias')
    """
    title = "Backpropagation, step by step" if title is None else str(title)
    story = Story(loss)
    scene, layout = stage(story, checks=True)
    graph = _lean(svg(scene, layout, responsive=False))
    shape = "wide" if layout.width > _WIDE * layout.height else "tall"
    body = Template(asset("step.html")).substitute(title=text.xml(title), graph=graph, shape=shape)
    page = Page(document(title, body, _data(story, quiz), styles=_STYLES, scripts=_SCRIPTS), title)
    if path is not None:
        page.save(path)
    return page


def _lean(graph: str) -> str:
    """The picture without what the page's style sheet and script put in its place."""
    for left_out in _LEFT_OUT:
        graph = re.sub(left_out, "", graph)
    return graph.replace("<svg ", '<svg class="graph" ', 1)


def _data(story: Story, quiz: bool) -> dict[str, Any]:
    notation = MathML(text.number)
    rules: dict[int, list[str]] = {}

    def local(event: Event) -> str:
        if event.node not in rules:
            rules[event.node] = local_derivatives(story.nodes[event.node], story.name, notation)
        return rules[event.node][event.step.position]  # type: ignore[union-attr]

    def told(event: Event) -> dict[str, Any]:
        what: dict[str, Any] = {"kind": event.kind, "node": event.node, "code": story.code(event)}
        if event.step:
            edge, parent = story.first_edge[event.node] + event.step.position, story.index[event.step.parent]
            what |= {"edge": edge, "parent": parent, "local": _number(event.step.local), "math": local(event)}
        elif event.kind == "forward":
            what |= _formulas(story, event, notation)
        return what

    whole = formula(story.nodes[-1], form="mathml").splitlines() if len(story.nodes) <= _SHORT else []
    nodes = [_node(story, i, notation) for i in range(len(story.nodes))]
    return {"quiz": bool(quiz), "formula": whole, "nodes": nodes, "steps": list(map(told, story.events))}


def _node(story: Story, i: int, notation: MathML) -> dict[str, Any]:
    node, label = story.nodes[i], story.labels[i]
    term = notation.name(story.names[i]) if node.requires_grad else notation.number(node.data)
    what: dict[str, Any] = {
        "label": label if node.requires_grad else text.number(node.data),
        "math": term[0],
        "op": text.visible(node.op.name) if node.op else "",
        "value": _number(node.data),
        "parents": [story.index[parent] for parent in node.parents],
        "leaf": node.op is None,
        "constant": not node.requires_grad,
    }
    if i in story.differences:
        opinion = story.differences[i]
        unsure = opinion.verdict(opinion.slope) == "unsure"
        what["check"] = {"slope": _number(opinion.slope), "error": _number(opinion.error), "unsure": unsure}
    return what


def _formulas(story: Story, event: Event, notation: MathML) -> dict[str, str]:
    """How a node is computed: in symbols, with the numbers filled in, and what the table says of its operation."""
    node = story.nodes[event.node]
    names = [
        notation.name(story.name(parent)) if parent.requires_grad else notation.number(parent.data)
        for parent in node.parents
    ]
    numbers = [notation.number(parent.data) for parent in node.parents]
    filled = MathML(text.number, times="×")
    doc = text.visible(node.op.doc) if node.op.binds == ATOM else ""  # type: ignore[union-attr]
    return {
        "math": notation.operation(node.op, names)[0],  # type: ignore[arg-type]
        "filled": filled.operation(node.op, numbers)[0],  # type: ignore[arg-type]
        "doc": doc,
    }


def _number(x: float) -> float | str:
    """JSON has no inf and no nan."""
    return x if isfinite(x) else repr(float(x))
