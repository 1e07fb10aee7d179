"""The complex step's library: what is analytic is right to the last digits, and nothing else gives a number."""

import math

import mpmath as mp
import numpy as np
import pytest

from engine import TABLE, Value
from engine.numeric import graph_derivatives
from engine.operation import unary
from engine.xp import analytic, arrays
from engine.xp.analytic import Analytic, NotAnalyticError, parts, stepped

from .exact import EXACT, everywhere, moderate, on_values

H = 1e-40
ANALYTIC = [
    "add", "sub", "mul", "div", "neg", "pow", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "hypot",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "dot",
    "sum", "mean", "var", "prod", "take",
]  # fmt: skip
ENDED = sorted(
    {
        "abs", "erf", "erfc", "maximum", "minimum", "clip", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid",
        "log_sigmoid", "silu", "softplus", "mish", "softsign", "logaddexp", "softmax", "log_softmax", "max", "min",
        "logsumexp", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
    }
)  # fmt: skip


def test_every_operation_is_in_one_of_the_lists():
    assert set(ANALYTIC) | set(ENDED) | {"where"} == set(TABLE)


def exact(name, xs, i):
    with mp.workdps(400):
        h = mp.mpf(10) ** -200 * min(abs(mp.mpf(xs[i])) or 1, 1)
        right, left = (EXACT[name](*map(mp.mpf, xs[:i]), mp.mpf(xs[i]) + s, *map(mp.mpf, xs[i + 1 :])) for s in (h, -h))
        return (right - left) / (2 * h)


@pytest.mark.parametrize("name", ANALYTIC)
def test_it_equals_mpmath_to_1e_13(name):
    for xs in moderate(name, 8) + [xs for xs in everywhere(name, 30) if all(1e-9 < abs(x) < 1e9 for x in xs)]:
        z, wanted = on_values(name, xs)
        if not 1e-250 < abs(z.data) < 1e250:
            continue
        z.backward()
        for i, (leaf, found) in enumerate(zip(wanted, graph_derivatives(z, wanted, "complex"), strict=True)):
            if math.isnan(found.slope):
                is_lost = not 1e-240 < abs(leaf.grad) < math.inf  # underflow, or a pole of the slope
                assert is_lost or (name in ("pow", "atan2") and xs[0] <= 0), (xs, i)
                continue
            true = exact(name, xs, i)
            size = max(abs(true), mp.mpf(abs(z.data)) * 1e-8, mp.mpf(max(map(abs, xs))) * 1e-8)
            assert abs(found.slope - true) <= 1e-13 * size + found.error, (xs, i, found)
            assert found.error <= 1e-11 * size + 1e-200


@pytest.mark.parametrize("name", ENDED)
def test_what_is_computed_by_other_means_ends_it(name):
    z, wanted = on_values(name, moderate(name, 1)[0])
    with pytest.raises(ValueError, match=f"the complex step ends at {name}: .*not analytic"):
        graph_derivatives(z, wanted, "complex")


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (analytic.log, -0.5), (analytic.log2, -1.0), (analytic.log10, -1.0), (analytic.sqrt, -2.0),
        (analytic.log1p, -1.5), (analytic.asin, 1.5), (analytic.acos, -1.5), (analytic.acosh, 0.5),
        (analytic.atanh, 1.5), (lambda z: z**0.5, -1.0), (lambda z: 2.0**z - 2.0**z + (-2.0) ** z, 0.5),
    ],
)  # fmt: skip
def test_beyond_a_branch_point_it_is_nan_as_the_real_function(function, x):
    with np.errstate(all="ignore"):
        assert np.all(np.isnan(parts(function(stepped(x, H)))))


@pytest.mark.parametrize("function", [analytic.log, analytic.sqrt, analytic.cbrt, lambda z: z**0.5, lambda z: 1 / z])
def test_at_a_branch_point_or_a_pole_there_is_no_slope(function):
    with np.errstate(all="ignore"):
        assert not np.isfinite(parts(function(stepped(0.0, H)))[1])


def test_powers_at_zero_and_of_negative_numbers():
    with np.errstate(all="ignore"):
        assert [float(parts(stepped(0.0, H) ** n)[1]) for n in (0, 1, 2, 3.5)] == [0.0, H, 0.0, 0.0]
        assert float(parts(stepped(-2.0, H) ** 3)[1]) / H == pytest.approx(12.0, rel=1e-14)
    assert float(parts(analytic.cbrt(stepped(-8.0, H)))[1]) / H == pytest.approx(1 / 12, rel=1e-14)


def test_plain_numbers_are_computed_as_arrays_are():
    for name in ("exp", "sqrt", "abs", "erf", "tanh"):
        assert getattr(analytic, name)(0.3) == getattr(arrays, name)(0.3)
    assert analytic.maximum(1.0, 2.0) == analytic.max([1.0, 2.0]) == 2.0
    assert parts(analytic.where(1.0, stepped(2.0, H), 3.0)) == (2.0, H)
    with pytest.raises(AttributeError, match="no 'nonsense'"):
        analytic.nonsense  # noqa: B018


REFUSED = [
    abs, bool, float, int, complex, round, math.floor, math.sin, np.abs, np.sin, np.asarray, np.real, np.maximum.reduce,
    lambda z: z > 0, lambda z: z <= 0.0, lambda z: z == 0, lambda z: z != 0, lambda z: 1 if z else 2, lambda z: z and 1,
    lambda z: max(z, 0.0), lambda z: sorted([z, 0.0]), lambda z: z.real, lambda z: z.imag, lambda z: z // 1,
    lambda z: z % 1, lambda z: [1, 2][z], lambda z: np.where(z, 1.0, 2.0), lambda z: np.maximum(z, 0.0),
    lambda z: np.array([1.0]) * np.sign(z), lambda z: {z: 1}, lambda z: analytic.where(z, 1.0, 2.0), lambda z: z + 1j,
    lambda z: analytic.take([1.0, 2.0], z), lambda z: analytic.clip(z), lambda z: analytic.erf(z), lambda z: z + "1",
    lambda z: analytic.max([z, 0.0]), lambda z: np.float64(1.0) < z, lambda z: np.clip(z, 0, 1), lambda z: float(z) + z,
]  # fmt: skip


@pytest.mark.parametrize("use", REFUSED)
def test_nothing_else_gives_a_number(use):
    with pytest.raises((TypeError, AttributeError)):
        use(stepped(0.5, H))


def test_numpy_numbers_on_the_left_leave_the_operator_to_it():
    z = stepped(0.5, H)
    for left in (np.float64(2.0), np.array([2.0, 3.0]), 2, np.int64(2)):
        for result in (left + z, left - z, left * z, left / z, left**z):
            assert isinstance(result, Analytic)


def planted(rule):
    """The opinion of the complex step on an operation of a user's own."""
    operation = unary("planted", "", rule, lambda xp, z, x: (1.0,))
    try:
        x = Value(0.3)
        return graph_derivatives(operation(x) * 1.0, [x], "complex")[0]
    finally:
        del TABLE["planted"]


@pytest.mark.parametrize(
    "rule",
    [
        lambda xp, x: xp.abs(x), lambda xp, x: xp.maximum(x, 0.0), lambda xp, x: xp.where(xp.greater(x, 0.0), x, 0.0),
        lambda xp, x: x if x > 0 else -x, lambda xp, x: np.abs(x), lambda xp, x: math.sin(x),
        lambda xp, x: xp.sin(float(x)), lambda xp, x: max(x, 0.0), lambda xp, x: abs(x),
        lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))),
    ],
)  # fmt: skip
def test_a_user_s_rule_ends_it_by_how_it_is_computed(rule):
    with pytest.raises(ValueError, match="the complex step ends at planted"):
        planted(rule)


def test_a_user_s_rule_of_analytic_functions_passes():
    found = planted(lambda xp, x: xp.log(1.0 + xp.exp(x)) + xp.where(1.0, x, -x) ** 2)
    assert found.slope == pytest.approx(1 / (1 + math.exp(-0.3)) + 0.6, rel=1e-14)
    assert found.method == "complex step"


def test_the_error_of_a_refusal_names_what_was_done():
    with pytest.raises(NotAnalyticError, match="a comparison is not analytic"):
        stepped(0.5, H) > 0  # noqa: B015
