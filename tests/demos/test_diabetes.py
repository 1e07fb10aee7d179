"""The lesson on diabetes: its figures, beside those of scikit-learn, and what they mean."""

import importlib
import math
import re
import statistics
import sys
from random import Random

import numpy as np
import pytest

from demos.data import diabetes, split, standardized

pytest.importorskip("sklearn")
lesson = importlib.import_module("demos.08_diabetes")


def table(printed):
    """name -> the numbers behind it."""
    rows = re.findall(r"^  (line|network|network: μ and σ²|scikit-learn: .*?)  +(-?\d.*)$", printed, flags=re.MULTILINE)
    return {name: [float(number) for number in re.findall(r"-?\d+\.\d+", numbers)] for name, numbers in rows}


def test_its_figures_are_those_of_scikit_learn_and_better(tmp_path, capsys):
    lesson.main(tmp_path, splits=2)
    printed = capsys.readouterr().out
    rows = table(printed)
    line, network, own = rows["line"], rows["network"], rows["network: μ and σ²"]
    assert line[0] == rows["scikit-learn: LinearRegression"][0]
    assert network[0] > rows["scikit-learn: MLPRegressor, 16"][0]
    assert abs(network[0] - line[0]) < 0.03
    assert own[1] < line[1]  # likelier with a σ of their own
    for _, _, within_1, within_2 in (line, network, own):
        assert within_1 == pytest.approx(68.3, abs=8.0)
        assert within_2 == pytest.approx(95.4, abs=4.0)
    gain = float(re.search(r"(\d\.\d\d) times as likely", printed)[1])
    assert gain == pytest.approx(math.exp(line[1] - own[1]), abs=0.006)
    assert float(re.search(r"LinearRegression differ by (\S+) at most", printed)[1]) < 1e-4
    assert (tmp_path / "08_diabetes.png").read_bytes().startswith(b"\x89PNG")
    assert f"saved: {tmp_path / '08_diabetes.png'}" in printed


def test_without_matplotlib_it_says_what_a_picture_takes(tmp_path, capsys, monkeypatch):
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    lesson.main(tmp_path, epochs=2, steps=10, splits=1)
    assert 'pip install "chainrule[plots]"' in capsys.readouterr().out


def test_the_surprise_is_that_of_the_normal_distribution():
    output = [0.3, 0.7]
    normal = statistics.NormalDist(0.3, math.sqrt(0.7))
    for y in (-1.0, 0.3, 4.0):
        assert lesson.surprise(output, y).data == pytest.approx(-math.log(normal.pdf(y)), rel=1e-14)
        assert lesson.judged(np.array([y, 1.0]), np.full(2, 0.3), 0.7).surprise == pytest.approx(
            -statistics.mean([math.log(normal.pdf(y)), math.log(normal.pdf(1.0))])
        )


def test_within_1_and_2_deviations_are_counted():
    y = np.array([0.0, 1.5, -1.9, 2.5])
    found = lesson.judged(y, np.zeros(4), 1.0)
    assert (found.within_1, found.within_2) == (0.25, 0.75)
    assert lesson.judged(y, np.zeros(4), 4.0).within_1 == 0.75
    assert lesson.judged(y, y, 1.0).explained == 1.0
    assert math.isnan(lesson.judged(y, y).surprise)


def test_a_variance_is_above_0():
    model = lesson.MeanAndVariance(3, Random(0))
    mean, variance = model.predict(100.0 * np.random.default_rng(0).normal(size=(50, 3))).T
    assert (variance > 0).all()
    assert (mean < 0).any()


def test_gradient_descent_finds_the_line_of_linear_algebra():
    parts = standardized(split(diabetes(), 1))
    state = lesson.line(parts, 1000).model.state_dict()
    columns = np.column_stack([parts.X, np.ones(len(parts.y))])
    expected = np.linalg.lstsq(columns, parts.y)[0]
    np.testing.assert_allclose([*state["weight"][0], *state["bias"]], expected, atol=1e-4)


def test_maximum_likelihood_beats_the_spread_that_is_the_same_for_all(tmp_path):
    """Where the noise grows with x, and is known to, the network must find it."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (600, 1))
    deviation = np.exp(x[:, 0])
    y = x[:, 0] + deviation * rng.normal(size=600)
    parts = lesson.Split(x[:400], y[:400], x[400:], y[400:])
    model = lesson.train(lambda r: lesson.MeanAndVariance(1, r), parts, parts.y, lesson.surprise, 200, seed=0).model
    mean, variance = model.predict(parts.X_test).T
    assert np.corrcoef(np.sqrt(variance), deviation[400:])[0, 1] > 0.9
    own = lesson.judged(parts.y_test, mean, variance).surprise
    same = lesson.judged(parts.y_test, mean, float(np.mean((parts.y_test - mean) ** 2))).surprise
    assert own < same - 0.1
