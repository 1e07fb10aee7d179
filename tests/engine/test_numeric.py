"""Numeric derivatives of recorded graphs: within their own error of mpmath, for every operation of the table."""

import math
import random

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value
from engine.numeric import (
    central_differences,
    graph_derivatives,
    graph_second_derivatives,
    judging_scale,
)
from engine.operation import unary
from nn import MLP

from .exact import EXACT, INDEXED, at_kink, everywhere, exact_derivative, inside, moderate, on_values

every_operation = pytest.mark.parametrize("name", TABLE)
METHODS = ("differences", "auto")


def exact(name, xs, i):
    """∂z/∂xᵢ of an operation to a hundred digits; None at an edge of its domain."""
    with mp.workdps(120):
        h = mp.mpf(10) ** -50
        right, left = (EXACT[name](*map(mp.mpf, xs[:i]), mp.mpf(xs[i]) + s, *map(mp.mpf, xs[i + 1 :])) for s in (h, -h))
        return (right - left) / (2 * h) if isinstance(right, mp.mpf) and isinstance(left, mp.mpf) else None


def found(function, x, method="differences"):
    """The Difference of a function of one Value."""
    leaf = Value(x)
    return graph_derivatives(function(leaf), [leaf], method)[0]


# --------------------------------------------------------------------------------- over the whole table


@every_operation
def test_the_slope_is_within_its_error_and_the_error_is_below_two_parts_in_ten_million(name):
    """So a rule that is off by one part in a million is noticed, at each of 20 points."""
    for xs in moderate(name, 20):
        z, leaves = on_values(name, xs)
        for method in METHODS:
            for i, one in enumerate(graph_derivatives(z, leaves, method)):
                true = exact(name, xs, i)
                if true is None or mp.isnan(true):
                    assert one.reason == "edge" or name == "pow"
                    continue
                assert not one.reason, (xs, one)
                assert abs(one.slope - true) <= one.error, (xs, i, one)
                if abs(true) > 1e-6 * one.scale:
                    assert one.error <= 2e-7 * abs(true), (xs, i, one)
                    assert one.verdict(float(true * (1 + 1e-6))) == "differs"


@every_operation
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4, 1e8])
def test_the_engine_is_never_contradicted_at_any_scale(name, scale):
    for xs in moderate(name, 4, seed=3):
        xs = [scale * x for x in xs[:-1]] + [xs[-1] if name in INDEXED else scale * xs[-1]]
        if inside(name, xs):
            z, leaves = on_values(name, xs)
            z.backward()
            for method in METHODS:
                for leaf, one in zip(leaves, graph_derivatives(z, leaves, method), strict=True):
                    assert one.verdict(leaf.grad) != "differs", (xs, one)
                    assert one.verdict(leaf.grad) == "agrees" or scale != 1.0, (xs, one)


@every_operation
def test_nor_at_operands_of_every_size(name):
    for xs in everywhere(name, 15, seed=1):
        z, leaves = on_values(name, xs)
        z.backward()
        for method in METHODS:
            for leaf, one in zip(leaves, graph_derivatives(z, leaves, method), strict=True):
                assert one.verdict(leaf.grad) != "differs", (xs, one)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(TABLE)), st.integers(0, 10**9), st.sampled_from([1.5, 3.0, 6.0]))
def test_the_error_is_honest(name, seed, within):
    for xs in moderate(name, 1, seed, within):
        z, leaves = on_values(name, xs)
        if at_kink(name, xs) or not math.isfinite(z.data):
            continue
        for method in METHODS:
            for i, one in enumerate(graph_derivatives(z, leaves, method)):
                true = exact(name, xs, i)
                if one.reason in ("", "cancellation") and true is not None and not mp.isnan(true):
                    assert abs(one.slope - true) <= one.error + 1e-300, (xs, i, one)


# --------------------------------------------------------------------------------- cancellation and noise


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (lambda x: (1e16 + x) - 1e16, 1.0, 1.0), (lambda x: (x + 1e12) - 1e12, 0.3, 1.0),
        (lambda x: engine.sqrt(x + 1) - engine.sqrt(x), 1e16, -2.5e-25), (lambda x: x + 1e16, 0.3, 1.0),
        (lambda x: (1e16 * x + x) - 1e16 * x, 0.0, 1.0), (lambda x: engine.sin(1e15 * x), 1.0, -5.13e14),
        (lambda x: engine.sum([x, 1e16, -1e16]), 0.3, 1.0), (lambda x: engine.dot([x, x], [1e15, -1e15], x), 0.3, 1.0),
        (lambda x: engine.sin(x), 1e17, -0.886),
    ],
)  # fmt: skip
def test_lost_digits_give_a_wide_error_and_no_verdict(function, x, slope):
    one = found(function, x)
    assert one.verdict(slope) == one.verdict(-slope) == "unsure"
    assert one.reason or abs(one.slope - slope) <= one.error


def test_what_is_cancelled_at_small_steps_only_is_judged():
    one = found(lambda x: 1 - engine.cos(x), 1e-8)
    assert one.slope == pytest.approx(1e-8, rel=1e-4)
    assert abs(one.slope - 1e-8) <= one.error


def test_the_noise_of_one_path_does_not_hide_another():
    x, y = Value(0.3), Value(0.7)
    noisy, clear = central_differences((x + 1e14) - 1e14 + engine.sin(y), [x, y])
    assert noisy.reason == "cancellation"
    assert (clear.reason, clear.verdict(math.cos(0.7))) == ("", "agrees")


def test_the_scale_at_which_it_could_be_judged():
    x = Value(1.0)
    scale = judging_scale((x + 1e14) - 1e14, [x], 0)
    assert 10 < scale < 1e10
    assert not found(lambda x: (x + 1e14) - 1e14, scale).reason
    y = Value(0.0)
    assert judging_scale(engine.relu(y), [y], 0) is None


# --------------------------------------------------------------------------------- the complex step among them


def test_the_complex_step_where_all_is_analytic():
    one = found(lambda x: engine.tanh(x) * engine.exp(x), 0.5, "auto")
    assert one.method == "complex step"
    assert one.error < 1e-13
    assert found(lambda x: engine.sigmoid(x), 0.5, "auto").method == "differences"


def test_it_judges_where_digits_cancel():
    assert found(lambda x: (1e16 + x) - 1e16, 1.0, "auto").verdict(1.0) == "agrees"
    assert found(engine.sin, 1e17, "auto").verdict(math.cos(1e17)) == "agrees"


def test_it_loses_where_the_differences_contradict_it():
    """A rule that looks at what it is given and lies to the complex step."""

    def value(xp, x):
        return xp.sin(x) if isinstance(x, float | np.ndarray) else xp.cos(x)

    operation = unary("planted", "", value, lambda xp, z, x: (xp.cos(x),))
    try:
        one = found(operation, 0.3, "auto")
        assert (one.method, one.verdict(math.cos(0.3))) == ("differences", "agrees")
    finally:
        del TABLE["planted"]


def test_a_method_that_does_not_exist_and_a_rule_that_ends_it():
    x = Value(0.5)
    with pytest.raises(ValueError, match='"auto", "differences" or "complex", not \'magic\''):
        graph_derivatives(x * x, [x], "magic")
    with pytest.raises(ValueError, match="ends at relu: maximum is not analytic"):
        graph_derivatives(engine.relu(x), [x], "complex")


# --------------------------------------------------------------------------------- graphs and leaves


def test_a_network_and_its_parameters():
    model = MLP(3, [8, 8, 1], activation="tanh", seed=1)
    loss = engine.mean([(model([0.1 * i, -0.2, 0.3]) - i) ** 2 for i in range(4)])
    parameters = list(model.parameters())
    loss.backward()
    for method in METHODS:
        for leaf, one in zip(parameters, graph_derivatives(loss, parameters, method), strict=True):
            assert one.verdict(leaf.grad) == "agrees"
            assert one.error <= 1e-9 * max(1.0, abs(leaf.grad))


def test_leaves_given_twice_not_at_all_or_without_a_path():
    x, y = Value(2.0), Value(3.0)
    assert [d.slope for d in graph_derivatives(x * x, [x, y, x])] == pytest.approx([4.0, 0.0, 4.0])
    assert graph_derivatives(x * x, []) == []
    assert graph_derivatives(x, [x])[0].slope == pytest.approx(1.0)


def test_a_user_s_rule_for_single_numbers():
    operation = unary(
        "planted",
        "",
        lambda xp, x: math.sin(x) if x > 0 else float(x) * 2,
        lambda xp, z, x: (math.cos(x) if x > 0 else 2.0,),
    )
    try:
        for x, slope in [(0.7, math.cos(0.7)), (-0.7, 2.0)]:
            for method in METHODS:
                assert found(lambda x: operation(x) + operation(x), x, method).verdict(2 * slope) == "agrees"
        assert found(operation, 0.0).reason == "kink"
    finally:
        del TABLE["planted"]


def test_it_is_the_same_from_run_to_run():
    x = Value(0.3)
    root = engine.exp(engine.sin(x) * 3) / x
    assert graph_derivatives(root, [x]) == graph_derivatives(root, [x])


# --------------------------------------------------------------------------------- second derivatives


@pytest.mark.parametrize(
    "name", ["mul", "div", "pow", "hypot", "atan2", "logaddexp", "tanh", "gelu", "softplus", "erf"]
)
def test_second_derivatives_are_those_of_mpmath(name):
    for xs in moderate(name, 3):
        xs = [abs(x) + 0.1 for x in xs]
        z, leaves = on_values(name, xs)
        for i, row in enumerate(graph_second_derivatives(z, leaves)):
            for j, one in enumerate(row):
                orders = [(k == i) + (k == j) for k in range(len(xs))]
                true = exact_derivative(name, xs, orders)
                assert not one.reason
                assert abs(one.slope - true) <= one.error
                assert one.error <= 1e-7 * max(1.0, abs(true))


def test_second_derivatives_of_a_graph_are_symmetric():
    rng = random.Random(0)
    xs = [Value(rng.uniform(-1, 1)) for _ in range(4)]
    hessian = graph_second_derivatives(engine.logsumexp([xs[0] * xs[1], xs[2], xs[3] * xs[0]]) * xs[1], xs)
    slopes = np.array([[d.slope for d in row] for row in hessian])
    np.testing.assert_allclose(slopes, slopes.T, atol=1e-11)
