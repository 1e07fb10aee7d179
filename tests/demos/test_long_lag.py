"""The lesson on a long lag: its task, its gradients, and who remembers."""

import importlib
import re
import sys
from random import Random

import numpy as np
import pytest

lesson = importlib.import_module("demos.09_long_lag")


def test_two_numbers_are_marked_one_in_each_half():
    x, y = lesson.sequences(3000, 10, np.random.default_rng(1))
    numbers, marks = x[:, :, 0], x[:, :, 1]
    assert (marks[:, :5].sum(axis=1) == 1).all()
    assert (marks[:, 5:].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(y, [row[mark == 1].sum() for row, mark in zip(numbers, marks, strict=True)])
    assert np.mean(y**2) == pytest.approx(2 / 3, abs=0.05)
    assert abs(numbers).max() <= 1


def test_the_gradient_of_an_rnn_is_the_product_in_the_docstring():
    model = lesson.Adder(lesson.nn.RNN, 4, Random(3))
    x = lesson.sequences(1, 12, np.random.default_rng(2))[0][0]
    w = model.state_dict()
    h, states = np.zeros(4), []
    for step in x:
        h = np.tanh(
            w["memory.weight_ih_l0"] @ step
            + w["memory.bias_ih_l0"]
            + w["memory.weight_hh_l0"] @ h
            + w["memory.bias_hh_l0"]
        )
        states.append(h)
    gradient = w["readout.weight"][0]
    expected = [np.linalg.norm(gradient)]
    for h in reversed(states[1:]):
        gradient = w["memory.weight_hh_l0"].T @ ((1 - h**2) * gradient)
        expected.append(np.linalg.norm(gradient))
    np.testing.assert_allclose(lesson.gradient_over_time(model, "h", x), expected[::-1], rtol=1e-12)
    assert not any(p.has_grad for p in model.parameters())


@pytest.mark.parametrize("name", lesson.NETWORKS)
def test_the_gradient_with_respect_to_a_state_is_what_its_change_does(name):
    """The sequence is cut at a step, and the state there given to the rest of it."""
    kind, state = lesson.NETWORKS[name]
    model, step, units = lesson.Adder(kind, 3, Random(5)), 4, range(3)
    x = lesson.sequences(1, 9, np.random.default_rng(4))[0][0]
    _, at = model.memory(x[: step + 1].tolist())
    h, c = ([[v.data for v in row] for row in part] for part in (at if name == "LSTM" else (at, at)))

    def answer(moved):
        if name == "LSTM":  # h follows c at this step: h = o·tanh(c)
            follows = [a / np.tanh(b) * np.tanh(m) for a, b, m in zip(h[0], c[0], moved, strict=True)]
            output, _ = model.memory(x[step + 1 :].tolist(), ([follows], [moved]))
        else:
            output, _ = model.memory(x[step + 1 :].tolist(), [moved])
        return model.readout(output[-1])[0].data

    size = 1e-5
    slopes = []
    for i in units:
        up, down = ([s + sign * size * (i == k) for k, s in enumerate(c[0])] for sign in (1, -1))
        slopes.append((answer(up) - answer(down)) / (2 * size))
    assert lesson.gradient_over_time(model, state, x)[step] == pytest.approx(np.linalg.norm(slopes), rel=1e-6)


def test_the_lstm_and_the_gru_learn_what_the_rnn_does_not(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    lesson.main(tmp_path, length=12, hidden=6, count=800, epochs=5, seeds=(0,), progress=False)
    printed = capsys.readouterr().out
    guess = float(re.search(r"an error of (\d\.\d+)", printed)[1])
    rows = {row[0]: [float(x) for x in row[1:]] for row in re.findall(r"^  (\w+) +(\S+) +(\S+) +(\S+)$", printed, re.M)}
    assert list(rows) == ["RNN", "LSTM", "GRU"]
    assert rows["RNN"][2] > 0.7 * guess
    assert rows["LSTM"][2] < 0.2 * guess
    assert rows["GRU"][2] < 0.1 * guess
    assert all(before < 0.05 for before, _, _ in rows.values())
    assert min(rows["LSTM"][1], rows["GRU"][1]) > 0.2
    assert f"saved: {tmp_path / '09_long_lag.png'}" in printed
    assert (tmp_path / "09_long_lag.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_what_a_picture_takes(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lesson.main(tmp_path, length=4, hidden=2, count=20, epochs=1, seeds=(0,), progress=False)
    assert 'pip install "chainrule[plots]"' in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
