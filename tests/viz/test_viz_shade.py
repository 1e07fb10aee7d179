import re
from itertools import pairwise
from math import inf, nan

import pytest

from engine import Value, greater
from viz import draw, style
from viz.shade import Scale, color, scale_of, stroke


def lightness(color: str) -> float:
    """How light a colour is in a print in grey (relative luminance, WCAG 2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_stronger_the_wider_and_the_darker():
    scale = Scale(1e-6, 5.0)
    pens = [stroke(10.0**k, 1, scale) for k in (-3.3, -3, -2, -1, 0, 0.7)]
    assert all(a.width < b.width and lightness(a.color) > lightness(b.color) for a, b in pairwise(pens))
    shades = [lightness(color(k / 50)) for k in range(51)]
    assert all(a > b for a, b in pairwise(shades))
    assert lightness(style.PAPER) > shades[0]


@pytest.mark.parametrize(("smallest", "largest"), [(1.0, 1.0), (0.5, 1.0), (1e-300, 1e300), (5e-324, 5e-324)])
def test_strengths_are_between_0_and_1(smallest, largest):
    scale = Scale(smallest, largest)
    strengths = [scale.strength(size) for size in (smallest, largest, inf, nan)]
    assert all(0.1 <= strength <= 1 for strength in strengths)
    assert strengths[1:] == [1.0] * 3
    assert scale.strength(0.0) == 0


def test_nothing_has_arrived_and_nothing_but_zeros_have():
    assert scale_of([None, None]) is None
    assert scale_of([]) is None
    assert scale_of([0.0, None]).strength(0.0) == 0
    assert scale_of([inf, nan]).strength(inf) == 1
    assert scale_of([2.0, 0.0, 1e-9]) == Scale(1e-9, 2.0)


def test_many_edges_in_one_are_a_little_wider():
    pens = [stroke(None, count, None) for count in (1, 48, 1000, 10**9)]
    assert pens[0].width == style.WIDTH
    assert all(a.width < b.width for a, b in pairwise(pens[:3]))
    assert pens[-1].width < 3.5
    assert {pen.color for pen in pens} == {style.LINE}


def test_before_backward_no_line_says_anything_of_gradients():
    svg = draw(Value(2.0, "x") * Value(3.0, "y"), engine="plain").svg
    assert not re.search(r'class="line"[^>]*stroke|class="strength"|class="track"|size of the gradient', svg)


def test_after_backward_lines_and_bars_do():
    x, y = Value(2.0, "x"), Value(300.0, "y")
    root = x * y
    root.backward()
    svg = draw(root, engine="plain").svg
    widths = [float(w) for w in re.findall(r'class="line"[^>]*stroke-width="([\d.]+)"', svg)]
    assert widths[0] > widths[1]  # dL/dx = 300, dL/dy = 2
    assert svg.count('class="strength"') == svg.count('class="track"') == 3
    assert "size of the gradient" in svg
    assert "a gradient of 0" not in svg


def test_a_gradient_of_0_is_told_from_none():
    x = Value(2.0, "x")
    root = greater(x, 1.0) * x
    root.backward()
    svg = draw(root, engine="plain").svg
    assert len(re.findall(r'class="line"[^>]*stroke-dasharray', svg)) == 1
    assert "a gradient of 0" in svg


def test_a_gradient_that_is_not_finite_is_drawn():
    x = Value(0.0, "x")
    root = x.sqrt() + x
    root.backward()
    assert "∞" in draw(root, engine="plain").svg
