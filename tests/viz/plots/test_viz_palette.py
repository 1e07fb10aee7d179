"""Lines, regions and signs are told apart by the colour-blind and in grey: measured in CIE Lab."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from viz.plots import palette
from viz.plots.palette import COLORS, DASHES, DIVERGING, MARKERS, MOST, TINTS, look

# Machado, Oliveira & Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1.0: matrices on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(  # of sRGB, IEC 61966-2-1
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def linear(color):
    """The linear RGB of #rrggbb."""
    c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* of linear RGB."""
    t = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(a, b, sight="normal"):
    """ΔE of 1976 between two colours, as they are seen."""
    return float(np.linalg.norm(lab(SIGHT[sight] @ linear(a)) - lab(SIGHT[sight] @ linear(b))))


def lightness(color):
    """What is left of a colour in grey."""
    return float(lab(linear(color))[0])


def contrast(a, b):
    """The contrast of WCAG 2."""
    high, low = sorted((float(TO_XYZ[1] @ linear(color)) for color in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measures_are_right():
    assert lightness("#ffffff") == pytest.approx(100.0, abs=1e-3)
    assert lightness("#777777") == pytest.approx(50.03, abs=0.01)
    np.testing.assert_allclose(lab(linear("#ff0000")), [53.24, 80.09, 67.20], atol=0.02)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert distance("#d00000", "#007700", "deuteranopia") < 0.5 * distance("#d00000", "#007700")


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colours_of_lines_are_told_apart(sight):
    assert min(distance(a, b, sight) for a, b in combinations(COLORS, 2)) >= 20


def test_neighbours_are_told_apart_in_grey():
    round_about = (*COLORS, COLORS[0])
    assert min(abs(lightness(a) - lightness(b)) for a, b in pairwise(round_about)) >= 20


def test_lines_and_words_stand_out():
    assert min(contrast(color, palette.PAPER) for color in COLORS) >= 3
    for color in (palette.INK, palette.FAINT):
        assert contrast(color, palette.PAPER) >= 4.5


def test_each_line_has_a_dash_and_a_marker_of_its_own():
    looks = [look(k) for k in range(MOST)]
    assert len({(str(item.dash), item.marker) for item in looks}) == MOST == 60
    assert len({item.marker for item in looks[:12]}) == 12
    for a, b in pairwise(looks):
        assert a.color != b.color
        assert a.dash != b.dash
        assert a.marker != b.marker
    assert len(set(map(str, DASHES))) == len(DASHES)
    assert len(set(MARKERS)) == len(MARKERS)


@pytest.mark.parametrize("k", range(len(COLORS)))
def test_points_stand_out_from_every_region(k):
    """By lightness, so in grey as well; and the ink of the boundary does."""
    for tint in (*TINTS, *palette.PALE):
        assert contrast(palette.INK, tint) >= 7
        assert lightness(tint) - lightness(COLORS[k]) >= 15


@pytest.mark.parametrize("sight", SIGHT)
def test_the_two_regions_of_a_score_are_told_apart(sight):
    blue, orange = TINTS[:2]
    assert distance(blue, orange, sight) >= 15
    assert abs(lightness(blue) - lightness(orange)) >= 8
    assert distance(*palette.PALE, sight) >= 6


@pytest.mark.parametrize("sight", SIGHT)
def test_the_sign_of_a_weight_is_told_by_its_colour(sight):
    """At equal strength; in grey a minus tells it, which `plot_weights` draws."""
    for k in range(3):
        assert distance(DIVERGING[k], DIVERGING[-1 - k], sight) >= 20
    assert DIVERGING[3] == "#ffffff"
    assert [lightness(c) for c in DIVERGING[:4]] == sorted(lightness(c) for c in DIVERGING[:4])
    assert [lightness(c) for c in DIVERGING[3:]] == sorted((lightness(c) for c in DIVERGING[3:]), reverse=True)


def test_higher_ground_is_darker():
    shades = [lightness(color) for color in palette.GROUND]
    assert shades == sorted(shades, reverse=True)
    assert min(a - b for a, b in pairwise(shades)) >= 2


def test_lines_of_a_plot_have_these_looks():
    """Twelve lines of each plot with lines: no two have one dash and one marker."""
    pytest.importorskip("matplotlib")
    from viz.plots import plot_gradients, plot_history, plot_learning_rates, plot_optimizers

    layers = {str(k): [1.0, 0.5, 0.2] for k in range(12)}
    paths = {name: [[0.0, 1.0], [1.0, 0.0]] for name in layers}
    history = {name: [1.0, 0.5] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    plots = [
        (plot_gradients(layers), 12),
        (plot_optimizers(layers), 12),
        (plot_learning_rates(layers), 12),
        (plot_learning_rates({name: {"a": 0.1, "b": 0.2} for name in layers}), 12),
        (plot_optimizers(paths, function=lambda x, y: x * x + y), 12),
        (plot_history(history), 4),
    ]
    for ax, count in plots:
        entries = ax.get_legend().get_lines()[:count]
        looks = {(str(entry._unscaled_dash_pattern), entry.get_marker()) for entry in entries}
        assert len(looks) == count
