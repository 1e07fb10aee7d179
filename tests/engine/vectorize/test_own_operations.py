"""Operations of one's own in a program; and numbers that are not finite beside a 0."""

import math

import numpy as np
import pytest

from engine import TABLE, Value, define_op, dot, sum, vectorize, vectorize_model


@pytest.fixture
def defined():
    """define_op, for the time of a test."""
    before = dict(TABLE)
    yield define_op
    for name in [name for name in TABLE if name not in before]:
        del TABLE[name]


def square(defined, name, **more):
    return defined(name, lambda xp, x: x * x, lambda xp, z, x: 2.0 * x, **more)


@pytest.mark.parametrize("name", ["join", "shares", "gather", "batch", "full", "parameters", "reshape", "inf", "cube"])
def test_an_operation_may_have_the_name_of_something_in_source(defined, name):
    f, w, x = square(defined, name), Value(2.0), Value(1.0)
    value, gradient = vectorize(f(w * x), [x], [w]).value_and_grad([1.0, 3.0])
    assert (value, gradient.tolist()) == (20.0, [20.0])


def test_a_rule_that_reduces_is_run_number_by_number(defined):
    level = defined("level", lambda xp, x: np.mean(x) * 2.0, lambda xp, z, x: 2.0)
    x = Value(1.0)
    assert vectorize(level(x), [x], [])([1.0, 2.0, 3.0]).tolist() == [2.0, 4.0, 6.0]


def test_a_constant_rule_has_its_value_for_each_example(defined):
    three = defined("three", lambda xp, x: 3.0, lambda xp, z, x: 0.0)
    x = Value(1.0)
    assert vectorize(three(x) + x, [x], [])([1.0, 2.0]).tolist() == [4.0, 5.0]


def test_an_operation_on_a_list_of_parameters_alone(defined):
    peak = defined("peak", lambda xp, *xs: xs[0] - 2.0 * xs[-1], lambda xp, z, *xs: (1.0, 0.0, -2.0))
    w, x = [Value(1.0), Value(2.0), Value(3.0)], Value(1.0)
    value, gradient = vectorize(peak(w) * x, [x], w).value_and_grad([2.0])
    assert (value, gradient.tolist()) == (-10.0, [2.0, 0.0, -4.0])


def test_two_operations_of_one_name_are_refused(defined):
    f = square(defined, "foo")
    g = defined("foo", lambda xp, x: x * x * x, lambda xp, z, x: 3.0 * x * x, replace=True)
    x = Value(2.0)
    with pytest.raises(ValueError, match="two operations of the name 'foo'"):
        vectorize(f(x) + g(x), [x], [])


def test_a_frozen_parameter_has_the_gradient_0_also_beside_an_inf():
    w, v, x = Value(1.0, requires_grad=False), Value(3.0), Value(2.0)
    _, gradient = vectorize(w * x + v * v, [x], [w, v]).value_and_grad([math.inf])
    assert gradient.tolist() == [0.0, 6.0]


def test_a_product_with_0_does_not_hide_what_is_not_finite():
    x = [Value(1.0), Value(3.0), Value(2.0)]
    program = vectorize(dot([0.0, 1.0, 0.0], x), [x], [])
    assert program([[1.0, 3.0, 2.0]]).tolist() == [3.0]
    assert np.isnan(program([[math.nan, 3.0, 2.0]])).all()
    assert np.isnan(program([[math.inf, 3.0, 2.0]])).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_choice_by_python_is_refused_whatever_the_weights(seed):
    rng = np.random.default_rng(seed)
    w = [[Value(v) for v in row] for row in rng.normal(size=(3, 3)).tolist()]

    def model(x):
        return max([dot(row, x) for row in w], key=lambda z: z.data)

    with pytest.raises(ValueError, match="another example"):
        vectorize_model(model, lambda y, t: (y - t) ** 2, (rng.normal(size=3), 0.5), parameters=w)


def test_sums_of_many_terms_compile():
    w, x = Value(0.5), Value(0.3)
    h = x
    for _ in range(300):
        h = h * w + x
    value, gradient = vectorize(sum([h, h]), [x], [w]).value_and_grad([0.3])
    h.backward()
    assert value == pytest.approx(2 * h.data, rel=1e-13)
    assert gradient[0] == pytest.approx(2 * w.grad, rel=1e-12)
