import errno
import io
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from engine import Value, dot
from viz import Drawing, draw, render

ROOT = Path(__file__).parents[2]
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the Graphviz program `dot` is not installed")


def square() -> Value:
    x = Value(3.0, "x")
    return x * x


def network() -> Value:
    """Two inputs, layers of three neurons and one, and a loss."""
    values = [Value(0.5, "x[0]"), Value(-0.25, "x[1]")]
    for i, size in enumerate((3, 1)):
        outputs = []
        for j in range(size):
            path = f"layers[{i}].neurons[{j}]"
            w = [Value(0.1 * (j - k), f"{path}.w[{k}]") for k in range(len(values))]
            z = dot(w, values, Value(0.1, f"{path}.b"))
            z.name = f"{path}.z"
            outputs.append(z.relu())
            outputs[-1].name = f"{path}.out"
        values = outputs
    return (values[0] - 1) ** 2


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without Graphviz."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def broken_dot(monkeypatch, tmp_path):
    """A machine with a `dot` that fails."""
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "dot").write_text("#!/bin/sh\nexit 3\n")
    (bin / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin))


# ------------------------------------------------------------------- engines


@needs_dot
def test_auto_takes_dot_where_it_is_installed():
    assert draw(square()).engine == "dot"


def test_auto_keeps_the_layers_of_a_network_side_by_side():
    assert draw(network()).engine == "plain"


def test_without_dot_there_is_a_picture_all_the_same(no_dot):
    drawing = draw(square())
    assert drawing.engine == "plain"
    assert drawing.svg == draw(square(), engine="plain").svg


def test_a_broken_dot_is_left_aside(broken_dot):
    assert draw(square()).engine == "plain"
    with pytest.raises(RuntimeError, match="could not lay out"):
        draw(square(), engine="dot")


def test_dot_asked_for_and_missing_says_what_to_install(no_dot):
    with pytest.raises(RuntimeError, match=r'install Graphviz .*graphviz.org.*engine="plain" needs nothing'):
        draw(square(), engine="dot")


@needs_dot
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_dot_and_plain_draw_the_same_cards(direction):
    def content(drawing: Drawing) -> list[str]:
        tree = ET.fromstring(drawing.svg)
        return sorted(element.text for element in tree.iter() if element.text and element.text.strip())

    dotted, plain = (draw(network(), engine=engine, direction=direction) for engine in ("dot", "plain"))
    assert (dotted.engine, plain.engine) == ("dot", "plain")
    assert content(dotted) == content(plain)
    assert dotted.svg.count('class="edge"') == plain.svg.count('class="edge"') == 30


# -------------------------------------------------------------- bad arguments


@pytest.mark.parametrize("wrong", [[Value(1.0)], 3.0, None, "x"])
def test_what_is_not_a_value(wrong):
    with pytest.raises(TypeError, match=f"draw one Value, for example the loss, not a {type(wrong).__name__}"):
        draw(wrong)


def test_unknown_engine_and_direction():
    with pytest.raises(ValueError, match="'auto', 'dot', 'plain', not 'neato'"):
        draw(square(), engine="neato")
    with pytest.raises(ValueError, match=r"'LR' .* or 'TB' .*, not 'RL'"):
        draw(square(), direction="RL")


def chain(length: int) -> Value:
    x = Value(0.5)
    for _ in range(length):
        x = x.tanh()
    return x


def test_a_graph_too_large_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"10,001 nodes, more than the 2,000.*max_nodes=10001"):
        draw(chain(10_000))


def test_a_long_chain_is_drawn_when_allowed():
    assert repr(draw(chain(3_000), max_nodes=5_000)) == "<Drawing of 3,001 nodes, engine 'plain'>"


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
        "import sys; sys.path[:0] = ['.', 'tests/viz']; from test_viz_render import network; from viz import draw;"
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


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing.* make it first"):
        draw(square(), engine="plain").save(tmp_path / "missing" / "x.svg")


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_png_and_pdf_without_dot_say_what_to_install_and_leave_nothing(no_dot, tmp_path, suffix):
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    with pytest.raises(RuntimeError, match=f"to save a drawing as .{suffix}, install Graphviz"):
        draw(square()).save(target)
    assert list(target.parent.iterdir()) == []


def test_a_dot_that_fails_leaves_the_old_file_alone(broken_dot, tmp_path):
    target = tmp_path / "x.png"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match=r"could not make a \.png"):
        draw(square()).save(target)
    assert target.read_bytes() == b"old"


@needs_dot
@pytest.mark.parametrize(("suffix", "begin"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
@pytest.mark.parametrize("engine", ["plain", "dot"])
def test_png_and_pdf(tmp_path, suffix, begin, engine):
    target = draw(network(), engine=engine, title="A network").save(tmp_path / f"x.{suffix}")
    assert target.read_bytes().startswith(begin)
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.svg.txt", ".svg"])
def test_an_unknown_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.gv, \.png or \.pdf, not as"):
        draw(square(), engine="plain").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path):
    target = tmp_path / "x.svg"
    target.write_text("old")

    class FullDisk(io.FileIO):
        def write(self, content):
            super().write(content[:10])
            raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(render, "open", FullDisk, raising=False)
    with pytest.raises(OSError, match="no space"):
        draw(square(), engine="plain").save(target)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.svg"]


def test_a_failure_while_renaming_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path):
    target = tmp_path / "x.svg"
    target.write_text("old")

    def refuse(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(render.os, "replace", refuse)
    with pytest.raises(KeyboardInterrupt):
        draw(square(), engine="plain").save(target)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.svg"]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        draw(square(), engine="plain").save(tmp_path / "none" / "x.svg")


# -------------------------------------------------------------------- the package


def test_viz_imports_nothing_of_nn():
    program = "import sys, viz; print([name for name in sys.modules if name.split('.')[0] in ('nn', 'demos')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
