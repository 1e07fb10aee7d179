"""The lesson on tumours: its figures, beside those of scikit-learn."""

import importlib
import re
import sys

import numpy as np
import pytest

import nn
from demos.data import breast_cancer, split, standardized

pytest.importorskip("sklearn")
lesson = importlib.import_module("demos.07_breast_cancer")


@pytest.fixture(scope="module")
def parts():
    return standardized(split(breast_cancer(), 0, classes=True))


def table(printed):
    """name -> (the share that is right in percent, log loss), in the order of the rows."""
    rows = re.findall(r"^  +([a-z].*?) +(\d+\.\d)%  +(\d\.\d{3})$", printed, flags=re.MULTILINE)
    return [(name, float(right), float(loss)) for name, right, loss in rows]


def test_it_is_as_good_as_scikit_learn(tmp_path, capsys):
    lesson.main(tmp_path, splits=1)
    printed = capsys.readouterr().out
    ours, theirs, network, their_network = table(printed)
    assert ours[1:] == theirs[1:]
    assert ours[1] >= 96.0
    assert network[1] >= their_network[1] - 1.0
    assert network[1] >= 96.0
    assert network[2] <= 0.12
    assert float(re.search(r"differ from scikit-learn's by (\S+) at most", printed)[1]) < 1e-5
    assert "stopped early: val_loss was best in epoch" in printed
    for name in ("07_breast_cancer_weights.png", "07_breast_cancer_history.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"saved: {tmp_path / name}" in printed
    assert len(list(tmp_path.iterdir())) == 2


def test_without_matplotlib_it_says_what_a_picture_takes(tmp_path, capsys, monkeypatch):
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    lesson.main(tmp_path, epochs=2, descent=2, splits=1)
    assert capsys.readouterr().out.count('pip install "chainrule[plots]"') == 2


def test_the_slope_is_0_where_gradient_descent_ended(parts):
    """Of the mean of the cross-entropy + ‖w‖²/(2n), by NumPy."""
    state = lesson.logistic_regression(parts, 1500).model.state_dict()
    w, b = state["weight"][0], state["bias"][0]
    off = 1 / (1 + np.exp(-(parts.X @ w + b))) - parts.y
    np.testing.assert_allclose(off @ parts.X / len(off) + w / len(off), 0.0, atol=1e-8)
    assert abs(off.mean()) < 1e-8


def test_what_is_told_of_mistakes_is_so(parts, tmp_path, capsys):
    linear, deep = lesson.logistic_regression(parts, 200), lesson.train(parts, 5, seed=0)
    theirs, _ = lesson.by_scikit_learn(parts, 0)
    lesson.show(tmp_path, breast_cancer(), parts, linear, deep, theirs)
    told = r"regression finds (\d+) of (\d+) and misses (\d+); it alarms (\d+) of (\d+)"
    found, sick, missed, alarms, well = map(int, re.search(told, capsys.readouterr().out).groups())
    said = linear.model.predict(parts.X_test)[:, 0] > 0
    assert (found, missed) == (np.sum(said & (parts.y_test == 1)), np.sum(~said & (parts.y_test == 1)))
    assert (alarms, well) == (np.sum(said & (parts.y_test == 0)), np.sum(parts.y_test == 0))
    assert found + missed == sick


def test_both_libraries_are_judged_alike(parts):
    """The same coefficients have the same share and the same loss."""
    theirs, _ = lesson.by_scikit_learn(parts, 0)
    model = nn.Linear(30, 1, seed=0)
    model.load_state_dict({"weight": theirs.coef_, "bias": theirs.intercept_})
    np.testing.assert_allclose(lesson.judged(nn.History(model), parts), lesson.judged_there(theirs, parts), rtol=1e-12)
