import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Value
from viz import draw

from .graphs import network, square

ROOT = Path(__file__).parents[2]
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the Graphviz program `dot` is not installed")


# -------------------------------------------------------------- bad arguments


@pytest.mark.parametrize("wrong", [[Value(1.0)], 3.0, None, "x"])
def test_what_is_not_a_value(wrong):
    with pytest.raises(TypeError, match=f"draw one Value, for example the loss, not a {type(wrong).__name__}"):
        draw(wrong)


def test_an_unknown_direction():
    with pytest.raises(ValueError, match=r"'LR' .* or 'TB' .*, not 'RL'"):
        draw(square(), direction="RL")


def chain(length: int) -> Value:
    x = Value(0.5)
    for _ in range(length):
        x = x.tanh()
    return x


def test_a_graph_too_large_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"10,001 nodes, more than the 2,000.*max_nodes=10001"):
        draw(chain(10_000), fold=False)


def test_a_long_chain_is_drawn_when_allowed():
    assert repr(draw(chain(3_000), fold=False, max_nodes=5_000)) == "<Drawing of 3,001 nodes, engine 'plain'>"


# ------------------------------------------------------------------ the drawing


def test_repr():
    assert repr(draw(Value(1.0), engine="plain")) == "<Drawing of 1 node, engine 'plain'>"


def test_notebooks_get_svg_and_text(no_dot):
    drawing = draw(square())
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing.svg, "text/plain": repr(drawing)}
    assert drawing._repr_mimebundle_(include=["image/png"], exclude=None)["image/svg+xml"] == drawing.svg


def test_a_drawing_is_a_snapshot():
    y = square()
    drawing = draw(y, engine="plain")
    before = drawing.svg
    y.backward()
    assert drawing.svg == before != draw(y, engine="plain").svg


@pytest.mark.parametrize("engine", ["plain", pytest.param("dot", marks=needs_dot)])
def test_the_same_bytes_from_run_to_run_and_over_hash_seeds(engine):
    program = (
        "import sys; sys.path[:0] = ['.', 'tests/viz']; from graphs import network; from viz import draw;"
        f"loss = network(); loss.backward(); d = draw(loss, engine={engine!r}, title='t');"
        "print(d.svg, d.dot.source)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert runs[0].startswith(b"<svg")
    assert runs[0] == runs[1] == runs[2]


# ------------------------------------------------------------------------ saving


@pytest.mark.parametrize("name", ["x.svg", "x.SVG", "x.dot", "x.gv", "two words.svg", "ü.svg", "x" * 200 + ".svg"])
def test_save_needs_nothing_for_svg_and_dot(no_dot, tmp_path, name):
    drawing = draw(square())
    target = tmp_path / "out" / name
    target.parent.mkdir()
    assert drawing.save(target) == target
    assert drawing.save(str(target)) == target  # again, over the first
    expected = drawing.svg if name.lower().endswith("svg") else drawing.dot.source
    assert target.read_bytes() == expected.encode()
    assert [file.name for file in target.parent.iterdir()] == [name]


def test_html_is_one_page_and_needs_nothing(no_dot, no_extras, tmp_path):
    drawing = draw(network(), title="A network")
    content = drawing.save(tmp_path / "x.html").read_text(encoding="utf-8")
    assert content == drawing.html
    assert content.startswith("<!doctype html>")
    assert "<title>A network" in content


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.svg.txt", ".svg"])
def test_an_unknown_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.dot or \.gv, not as"):
        draw(square(), engine="plain").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------- the package


def test_viz_imports_nothing_of_nn():
    program = "import sys, viz; print([name for name in sys.modules if name.split('.')[0] in ('nn', 'demos')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
