"""Central differences of plain NumPy functions: right within their error, and silent about nothing."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.differences import differences


def of(function, x, **more):
    """The Difference of a function of one number."""
    (found,) = differences(lambda points: function(points[:, 0]), [x], **more)
    return found


def square(x):
    return x * x


SMOOTH = [
    (np.sin, mp.cos, 1.0), (np.sin, mp.cos, 1e8), (np.exp, mp.exp, -3.0), (np.exp, mp.exp, 300.0),
    (np.log, lambda x: 1 / x, 1e-300), (np.log, lambda x: 1 / x, 1e-8), (np.log, lambda x: 1 / x, 1e300),
    (lambda x: 1 / x, lambda x: -1 / x**2, 1e-8), (lambda x: 1 / x, lambda x: -1 / x**2, -1e8),
    (np.tanh, lambda x: 1 / mp.cosh(x) ** 2, 0.3), (np.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), 1e-12),
    (square, lambda x: 2 * x, 1e-100), (square, lambda x: 2 * x, 1e150), (np.arctan, lambda x: 1 / (1 + x * x), 40.0),
    (lambda x: np.sin(1e6 * x), lambda x: 1e6 * mp.cos(mp.mpf(1e6) * x), 1e-3),
]  # fmt: skip


@pytest.mark.parametrize(("function", "slope", "x"), SMOOTH)
def test_the_slope_is_within_its_error_of_the_exact_one_and_the_error_is_small(function, slope, x):
    found = of(function, x)
    with mp.workdps(50):
        true = slope(mp.mpf(x))
        assert abs(found.slope - true) <= found.error
    assert found.error <= 2e-7 * max(abs(found.slope), 1e-280)
    assert (found.reason, found.kink, found.method) == ("", False, "differences")
    assert found.verdict(float(true)) == "agrees"
    assert found.verdict(float(true) * (1 + 1e-6)) == ("differs" if abs(true) > 1e-280 else "agrees")


@settings(deadline=None)
@given(st.floats(-8, 8), st.integers(0, 3), st.floats(0.1, 1.0), st.booleans())
def test_so_it_is_at_any_scale_of_the_argument(exponent, kind, digit, minus):
    functions = [(np.sin, mp.cos), (np.arctan, lambda x: 1 / (1 + x * x)), (np.cbrt, None), (square, lambda x: 2 * x)]
    function, slope = functions[kind]
    x = (-1 if minus else 1) * digit * 10.0**exponent
    found = of(function, x)
    with mp.workdps(50):
        true = slope(mp.mpf(x)) if slope else 1 / (3 * mp.cbrt(abs(mp.mpf(x))) ** 2)
        assert not found.reason
        assert abs(found.slope - true) <= found.error


def test_several_inputs_and_several_outputs():
    def f(points):
        x, y = points.T
        return np.stack([x * y, x + 0 * y, np.sin(y)], axis=1)

    jacobian = [[d.slope for d in row] for row in differences(f, [2.0, -1.0])]
    assert np.array(jacobian) == pytest.approx(np.array([[-1.0, 1.0, 0.0], [2.0, 0.0, math.cos(-1.0)]]), abs=1e-11)


def test_many_inputs_need_little_memory():
    largest = 0

    def f(points):
        nonlocal largest
        largest = max(largest, points.nbytes)
        return np.sum(points * points, axis=1)

    x = np.linspace(-1.0, 1.0, 1500)
    found = differences(f, x)
    assert [d.slope for d in found] == pytest.approx(2 * x, abs=1e-8)
    assert largest < 200e6


# --------------------------------------------------------------------------------- where there is no slope


@pytest.mark.parametrize(
    ("function", "left", "right"),
    [
        (np.abs, -1.0, 1.0), (lambda x: np.maximum(0, x), 0.0, 1.0),
        (lambda x: np.where(x > 0, 3 * x, np.sin(x)), 1.0, 3.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_a_kink_has_a_slope_to_either_side(function, left, right, offset):
    found = of(lambda x: function(x) + offset, 0.0)
    assert (found.kink, found.reason, found.verdict(left)) == (True, "kink", "unsure")
    assert (found.left, found.right) == pytest.approx((left, right), abs=1e-4)


@pytest.mark.parametrize(
    "jump", [lambda x: (x > 0) * 1.0, lambda x: (x >= 0) * 1.0, lambda x: (x == 0) * 1.0, lambda x: (x != 0) * 1.0]
)
def test_a_jump_is_a_kink(jump):
    assert of(jump, 0.0).reason == "kink"
    assert of(lambda x: x + jump(x), 0.0).reason == "kink"


@pytest.mark.parametrize(
    "function", [lambda x: x**3, square, lambda x: 0 * x, lambda x: x**5, lambda x: 3 + 0 * x, np.cos]
)
def test_a_slope_of_zero_is_no_kink(function):
    found = of(function, 0.0)
    assert (found.reason, found.verdict(0.0), found.verdict(0.1)) == ("", "agrees", "differs")


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_kink_beside_x_is_stepped_around(distance, side):
    found = of(lambda x: np.abs(x - 1.0) if distance > 1e-7 else np.abs(x), (distance > 1e-7) + side * distance)
    assert (found.verdict(side), found.verdict(-side)) == ("agrees", "differs")


def test_a_kink_nearer_than_the_digits_show_is_a_kink():
    found = of(lambda x: np.abs(x - 1.0) + 1.0, 1.0 + 2.0**-52)
    assert found.verdict(1.0) == found.verdict(-1.0) == "unsure"


@pytest.mark.parametrize(("function", "x"), [(np.sqrt, 0.0), (np.arcsin, 1.0), (np.arccosh, 1.0), (np.log1p, -1.0)])
def test_the_edge_of_the_domain(function, x):
    found = of(function, x)
    assert found.reason == ("edge" if np.isfinite(function(x) if x != -1.0 else np.inf) else "not finite")
    assert math.isnan(found.slope)
    assert found.verdict(1.0) == "unsure"


def test_an_infinite_slope_and_numbers_that_are_none():
    assert of(np.cbrt, 0.0).reason == "not finite"
    assert of(lambda x: 1 / x, 0.0).reason == "not finite"
    assert {of(square, x).reason for x in (math.nan, math.inf, -math.inf)} == {"not finite"}
    assert of(square, 1.0).verdict(math.nan) == "unsure"


# --------------------------------------------------------------------------------- where digits are lost


@pytest.mark.parametrize("x", [1e15, 3e15, 1e17, 7e18, 1e22, 1e200])
def test_waves_shorter_than_the_spacing_of_floats_are_not_mistaken_for_long_ones(x):
    for shift in range(20):
        found = of(np.sin, x * (1 + shift / 1000))
        assert found.verdict(math.cos(x * (1 + shift / 1000))) != "differs"
        assert found.verdict(0.0) != "agrees"


@pytest.mark.parametrize("x", [0.3, -1.7, 2.9])
@pytest.mark.parametrize("large", [1e7, 1e10, 1e12])
def test_a_staircase_of_roundings_is_cancellation(x, large):
    """Nothing is known of what happens inside f, only that it is level at small steps and rough at large ones."""
    for function, slope in [(lambda x: (x + large) - large, 1.0), (lambda x: ((x + large) - large) + x, 2.0)]:
        assert of(function, x).verdict(slope) != "differs"


def test_given_noise_widens_the_error():
    quiet, noisy = of(np.sin, 0.3), of(np.sin, 0.3, noise=1e-9)
    assert quiet.error < 1e-11 < 1e-9 < noisy.error < 1e-6
    assert of(np.sin, 0.3, noise=1.0).reason == "cancellation"
    assert of(np.sin, 0.3, noise=lambda points: 1e-9 * np.abs(points[:, 0])).error > 1e-10
