import re
import shutil
import struct
import sys
from functools import partial
from importlib.util import find_spec

import pytest

from engine import Value
from viz import draw, painting

from .graphs import network, square
from .hostile import NAMES, hostile

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the Graphviz program `dot` is not installed")
needs_resvg = pytest.mark.skipif(
    find_spec("resvg_py") is None, reason='resvg is not installed: `pip install "chainrule[png]"`'
)
needs_typst = pytest.mark.skipif(
    find_spec("typst") is None, reason='typst is not installed: `pip install "chainrule[pdf]"`'
)
formats = pytest.mark.parametrize(("suffix", "begin"), [("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-")])


def size(drawing) -> tuple[float, float]:
    """The width and the height of a drawing."""
    width, height = re.findall(r'viewBox="0 0 (\S+) (\S+)"', drawing.svg)[0]
    return float(width), float(height)


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", content[16:24])


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine without fonts."""
    resvg_py = pytest.importorskip("resvg_py")
    monkeypatch.setattr(resvg_py, "svg_to_bytes", partial(resvg_py.svg_to_bytes, skip_system_fonts=True))


# --------------------------------------------------------------------------- PNG


@needs_resvg
@pytest.mark.parametrize("engine", ["plain", "auto"])
def test_png_has_two_pixels_for_one_and_needs_no_graphviz(no_dot, tmp_path, engine):
    drawing = draw(network(), engine=engine, title="A network")
    content = drawing.save(tmp_path / "x.png").read_bytes()
    assert png_size(content) == pytest.approx([2 * side for side in size(drawing)], abs=1)


@needs_resvg
def test_png_is_the_picture_on_white(tmp_path):
    image = pytest.importorskip("PIL.Image").open(draw(square()).save(tmp_path / "x.png"))
    pixels = image.convert("RGBA")
    right, bottom = (side - 1 for side in pixels.size)
    assert {pixels.getpixel(at) for at in [(0, 0), (right, 0), (0, bottom), (right, bottom)]} == {(255,) * 4}
    colors = {color for _, color in pixels.getcolors(1 << 20)}
    assert {(0x47, 0x55, 0x69, 255), (0xE4, 0xE7, 0xFB, 255)} <= colors  # the edge and the panel of a computed card


@needs_resvg
def test_the_same_drawing_gives_the_same_png(tmp_path):
    first, second = (draw(square()).save(tmp_path / f"{i}.png").read_bytes() for i in range(2))
    assert first == second


@needs_resvg
@pytest.mark.parametrize(("limit", "value"), [("_MOST_PIXELS", 10_000.0), ("_LONGEST", 100.0)])
def test_a_png_too_large_for_the_memory_is_smaller(monkeypatch, tmp_path, limit, value):
    monkeypatch.setattr(painting, limit, value)
    drawing = draw(network())
    width, height = png_size(drawing.save(tmp_path / "x.png").read_bytes())
    assert max(width, height) <= 101 if limit == "_LONGEST" else width * height <= 11_000
    assert width / height == pytest.approx(size(drawing)[0] / size(drawing)[1], rel=0.05)


@needs_resvg
@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed: it brings fonts along")
def test_without_fonts_png_has_the_text_in_that_of_matplotlib(no_fonts, tmp_path):
    texts = [draw(Value(1.0, name), engine="plain").save(tmp_path / "x.png").read_bytes() for name in "ab"]
    assert texts[0] != texts[1]


@needs_resvg
def test_without_any_font_there_is_no_png_rather_than_one_without_text(monkeypatch, no_fonts, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RuntimeError, match=r"as \.png, install a font, as DejaVu Sans .* none was found"):
        draw(square()).save(tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


@needs_resvg
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_png_of_every_name(tmp_path, name):
    assert png_size(draw(hostile(name), engine="plain", title=name).save(tmp_path / "x.png").read_bytes())


# --------------------------------------------------------------------------- PDF


@needs_typst
def test_pdf_is_one_page_of_the_size_of_the_drawing_and_needs_no_graphviz(no_dot, tmp_path):
    drawing = draw(network(), title="A network")
    content = drawing.save(tmp_path / "x.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert [[float(side) for side in box] for box in boxes] == [pytest.approx([0.75 * side for side in size(drawing)])]


@needs_typst
def test_the_same_drawing_gives_the_same_pdf(tmp_path):
    first, second = (draw(square()).save(tmp_path / f"{i}.pdf").read_bytes() for i in range(2))
    assert first == second
    assert b"/CreationDate" not in first


@needs_typst
def test_pdf_of_all_names(tmp_path):
    root = hostile(NAMES[0])
    for name in NAMES[1:]:
        root = root + hostile(name)
    assert draw(root, engine="plain", title="#{ sys }\\").save(tmp_path / "x.pdf").read_bytes().startswith(b"%PDF-")


# ------------------------------------------------------------ without the extras


@needs_dot
@formats
@pytest.mark.parametrize("engine", ["plain", "dot"])
def test_without_the_extra_graphviz_paints(no_extras, tmp_path, suffix, begin, engine):
    target = draw(network(), engine=engine, title="A network").save(tmp_path / f"x.{suffix}")
    assert target.read_bytes().startswith(begin)
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


@needs_dot
@pytest.mark.parametrize("name", ['\\N<&>"\0', "x" * 300, "👩‍👩‍👧"])
def test_graphviz_paints_any_name(no_extras, tmp_path, name):
    assert png_size(draw(hostile(name), title=name).save(tmp_path / "x.png").read_bytes())


@formats
def test_without_anything_it_says_what_to_install_and_leaves_nothing(no_extras, no_dot, tmp_path, suffix, begin):
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    with pytest.raises(RuntimeError, match=rf'as \.{suffix}, `pip install "chainrule\[{suffix}\]"`, or install Gra'):
        draw(square()).save(target)
    assert list(target.parent.iterdir()) == []


@formats
def test_a_graphviz_that_fails_leaves_the_old_file_alone(no_extras, broken_dot, tmp_path, suffix, begin):
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match=rf"could not make a \.{suffix} of this drawing; `pip install"):
        draw(square()).save(target)
    assert target.read_bytes() == b"old"
    assert [file.name for file in target.parent.iterdir()] == [target.name]
