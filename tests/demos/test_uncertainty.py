"""The lesson on uncertainty: what is drawn, what is minimised, and where the band is wide."""

import importlib
import re
from random import Random

import numpy as np
import pytest

import nn

lesson = importlib.import_module("demos.11_uncertainty")


def test_measurements_lie_on_both_sides_and_have_the_noise():
    x, y = lesson.measurements(4000, (0.8, 2.6), np.random.default_rng(1))
    assert (x < 0).sum() == (x > 0).sum() == 2000
    assert abs(x).min() >= 0.8
    assert abs(x).max() <= 2.6
    assert (y - lesson.truth(x)).std() == pytest.approx(lesson.NOISE, rel=0.05)


def test_each_draw_is_one_network():
    """One layer is a straight line: its weights are the same at all places, and others in the next draw."""
    x = np.linspace(-2.0, 2.0, 9)
    lines = lesson.draw_networks(nn.BayesLinear(1, 1, seed=0), x, 50)
    assert lines.shape == (50, 9)
    np.testing.assert_allclose(np.diff(lines, 2, axis=1), 0, atol=1e-12)
    assert np.ptp(lines[:, 4]) > 0.05
    assert len(np.unique(np.diff(lines[:, :2]).round(9))) == 50


def test_without_spread_every_draw_is_the_network_of_the_means():
    model, x = lesson.BayesianNetwork(4, Random(2)), np.linspace(-2.0, 2.0, 7)
    for name, p in model.named_parameters():
        if "_rho" in name:
            p.data = -800.0
    draws = lesson.draw_networks(model, x, 3)
    np.testing.assert_allclose(draws, np.tile(model.eval().predict(x[:, None])[:, 0], (3, 1)), atol=1e-14)


def test_what_is_minimised_is_the_loss_in_the_docstring():
    x, y = lesson.measurements(6, lesson.DATA, np.random.default_rng(3))
    model = lesson.BayesianNetwork(3, Random(4))
    for name, p in model.named_parameters():
        if "_rho" in name:
            p.data = -30.0  # so small a spread that no draw changes the outputs
    errors = model.eval().predict(x[:, None])[:, 0] - y
    expected = np.mean(errors**2) / (2 * lesson.NOISE**2) + model.kl().data / 6
    history = lesson.train(model.train(), x, y, 1, 0, False)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-9)


def test_the_band_is_wide_where_no_data_are(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    lesson.main(tmp_path, hidden=6, count=40, epochs=1000, fits=2, draws=80, progress=False)
    printed = capsys.readouterr().out
    gap, outside = re.search(
        r"All 80 networks: band ([\d.]+) times as wide in the gap, ([\d.]+) times", printed
    ).groups()
    assert float(gap) > 1.5
    assert float(outside) > 1.5
    assert printed.count("  fit ") == 2
    rows = re.findall(r"^  (?:at the data|in the gap|outside) .* ([\d.]+) +([\d.]+) +([\d.]+) +(\d+)%$", printed, re.M)
    assert len(rows) == 3
    for noise, spread, both, _ in rows:
        assert float(both) == pytest.approx(np.hypot(float(noise), float(spread)), abs=0.011)
    assert (tmp_path / "11_uncertainty.png").read_bytes().startswith(b"\x89PNG")
