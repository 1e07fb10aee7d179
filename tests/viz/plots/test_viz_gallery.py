"""The gallery is drawn from real trainings, here from short ones; and its pictures in the README are small."""

import sys
from pathlib import Path

import pytest

image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from demos import gallery  # noqa: E402
from viz import plots  # noqa: E402

PICTURES = Path(__file__).parents[3] / "demos" / "pictures"


@pytest.mark.slow
def test_the_gallery_has_every_plot(tmp_path, monkeypatch):
    drawn = set()
    for name in [name for name in vars(plots) if name.startswith("plot_")]:
        plot = getattr(plots, name)
        monkeypatch.setattr(plots, name, lambda *a, _plot=plot, **k: (drawn.add(_plot.__name__), _plot(*a, **k))[1])
    files = gallery.make(tmp_path, epochs=2)
    assert drawn == {name for name in vars(plots) if name.startswith("plot_")}
    assert sorted(tmp_path.iterdir()) == sorted(files)
    for path in files:
        with image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width == 640
            colours = picture.convert("RGB").getcolors(1 << 20)
            assert len(colours) > 20
    assert {path.name for path in files} == {path.name for path in PICTURES.glob("plot_*.png")}


@pytest.mark.parametrize("path", sorted(PICTURES.glob("plot_*.png")), ids=lambda path: path.name)
def test_its_pictures_are_small(path):
    assert path.stat().st_size <= 60_000


def test_without_scikit_learn_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "chainrule\[demos\]"'):
        gallery.make(tmp_path)


def test_the_command_says_where_the_pictures_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gallery, "make", lambda folder: [folder / "plot_history.png"])
    assert gallery.main([str(tmp_path / "new")]) == 0
    assert (tmp_path / "new").is_dir()
    assert "plot_history.png" in capsys.readouterr().out
