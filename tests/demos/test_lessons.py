"""Every lesson runs, and its numbers are right."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos.__main__ import lessons, main, title_and_time
from demos.data import moons
from engine import TABLE

ROOT = Path(__file__).parents[2]


def lesson(number):
    return importlib.import_module(f"demos.{lessons()[number].stem}")


def test_the_list_names_every_lesson(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert list(lessons()) == list(range(1, len(lessons()) + 1))
    for path in lessons().values():
        said, time = title_and_time(path)
        assert re.search(rf"{re.escape(said)} +{time}$", printed, flags=re.MULTILINE)
        assert re.fullmatch(r"\d+ (seconds|minutes?)", time)


def test_it_says_what_a_lesson_needs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["5", "--output", str(tmp_path)]) == 1
    assert 'pip install "chainrule[demos]"' in capsys.readouterr().err


def test_data_of_ones_own_is_for_those_that_take_it(capsys):
    with pytest.raises(SystemExit):
        main(["1", "--data", "names.txt"])
    assert "lesson 1 takes no --data" in capsys.readouterr().err


def test_lesson_1_agrees_with_numpy_and_draws(tmp_path, capsys):
    assert main(["1", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    differences = [float(x) for x in re.findall(r"(\d\.\de-\d+)$", printed, flags=re.MULTILINE)]
    assert len(differences) == 5
    assert max(differences) < 1e-9
    assert "∂o/∂n += ∂o/∂o · ∂o/∂n = 1 × 0.6347 = 0.6347" in printed
    assert "where ∂o/∂n = 1 - o ** 2" in printed
    assert "<svg" in (tmp_path / "01_neuron.svg").read_text(encoding="utf-8")


def test_lesson_2_learns_all_points(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    lesson(2).main(tmp_path)
    printed = capsys.readouterr().out
    assert "It tells 100% of the points apart" in printed
    assert printed.count("step") == 11
    assert (tmp_path / "02_moons.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"02_moons.png", "02_network.svg"}


def test_lesson_2_says_what_a_picture_takes(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lesson(2).main(tmp_path, steps=2)
    assert 'pip install "chainrule[plots]"' in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["02_network.svg"]


def test_lesson_3_tells_the_same_in_every_way(tmp_path, capsys):
    pytest.importorskip("PIL")
    pytest.importorskip("resvg_py")
    lesson(3).main(tmp_path)
    printed = capsys.readouterr().out
    assert printed.count("agrees") == 5
    assert "∂L/∂w1 = −0.6 + (−1.004) = −1.604" in printed
    assert {path.name for path in tmp_path.iterdir()} == {
        "03_neuron.html", "03_quiz.html", "03_steps.gif", "03_folded.svg", "03_folded.html",
    }  # fmt: skip
    assert "×256" in (tmp_path / "03_folded.svg").read_text(encoding="utf-8")


def test_lesson_3_does_with_nothing_installed(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    lesson(3).main(tmp_path)
    assert len(list((tmp_path / "03_steps").glob("*.svg"))) == 27


def test_lesson_4_names_every_mistake(tmp_path, capsys):
    assert main(["4", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for named in (
        "right: 12 derivatives agree",
        "1/m         wrong: a constant factor 5: sum instead of mean",
        "tanh'       wrong: w, b: an activation derivative is missing: that of `tanh`",
        "transposed  wrong: w: transposed",
        "not summed  wrong: b: not summed over axis 0",
        "this is dL/dz, z what sigmoid was given, and dL/da was asked for",
        "a kink within the step: the slope is 0 on the left and 1 on the right",
        "cancellation: cannot be judged at this scale",
        "the rule of the operation `swish` is wrong",
        "2 * (v1 - 1) * v1 * (1 - v1) * x",
        "exp(800) overflows",
    ):
        assert named in printed, named
    assert "04_is_my_gradient_right.py:" in printed  # the line where the first inf was made
    assert "swish" not in TABLE


def test_the_command_line_refuses_what_it_does_not_know():
    run = subprocess.run([sys.executable, "-m", "demos", "99"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "invalid choice" in run.stderr


def test_moons_are_two_half_circles():
    points, labels = moons(100, noise=0.0)
    upper, lower = points[labels < 0], points[labels > 0]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0)
    assert (upper[:, 1] >= 0).all()
    assert (lower[:, 1] <= 0.5).all()
    again, _ = moons(100, noise=0.1)
    np.testing.assert_array_equal(again, moons(100, noise=0.1)[0])
    sklearn = pytest.importorskip("sklearn.datasets")
    theirs, classes = sklearn.make_moons(100, shuffle=False, noise=None)
    np.testing.assert_allclose(points, theirs, atol=1e-15)
    np.testing.assert_array_equal(labels, 2 * classes - 1)


def test_the_readmes_pictures_are_the_lessons(tmp_path, monkeypatch, capsys):
    """The pictures in the repository are those that the repository makes, without dot."""
    monkeypatch.setenv("PATH", str(tmp_path))
    main(["1", "--output", str(tmp_path)])
    lesson(2).save_small_network(tmp_path / "02_network.svg")
    lesson(3).save_folded(lesson(3).network(), tmp_path / "03_folded.svg")
    kept = sorted((ROOT / "demos" / "pictures").iterdir())
    drawn = [
        path for path in kept if path.suffix == ".svg"
    ]  # the others: tests/browser/photograph.py, demos/gallery.py
    assert [path.name for path in drawn] == ["01_neuron.svg", "02_network.svg", "03_folded.svg"]
    for path in drawn:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in kept if f"](demos/pictures/{path.name})" not in readme] == []
