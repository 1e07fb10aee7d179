"""Source becomes functions: where its names come from, and what is said of operands outside a domain."""

import re

import numpy as np
import pytest

from engine import TABLE, DivisionByZeroError, DomainError, Value, define_op, div, log, sqrt, take, vectorize
from engine.vectorize import kernels, stacking
from engine.vectorize.code import LIBRARY


def program(f, *inputs):
    """f of inputs x of the given numbers, times a parameter."""
    xs = [Value(number, f"x{i}") for i, number in enumerate(inputs)]
    w = Value(1.0, "w")
    return vectorize(w * f(*xs), inputs=xs, parameters=[w])


def test_no_array_is_called_like_a_function_of_the_source():
    assert {"gather", "scatter", "einsum", "join", "spread", "shares", "shares_backward"} <= LIBRARY
    assert {n for n in dir(kernels) if n.endswith("_backward")} <= LIBRARY
    assert {"masked", "repeated", "as_index"} <= set(dir(stacking)) & LIBRARY


@pytest.mark.parametrize(("f", "good", "wrong", "kind", "said"), [
    (log, [1.0], [-0.5], DomainError, "log(-0.5): log needs x > 0 (node 'x0')"),
    (sqrt, [1.0], [-2.0], DomainError, "sqrt(-2.0): sqrt needs x >= 0 (node 'x0')"),
    (div, [1.0, 2.0], [3.0, 0.0], DivisionByZeroError, "a divisor other than 0 (nodes 'x0', 'x1')"),
])  # fmt: skip
@pytest.mark.parametrize("example", [0, 2])
def test_an_example_outside_the_domain_is_named(f, good, wrong, kind, said, example):
    made = program(f, *good)
    batch = np.array([good] * 3)
    batch[example] = wrong
    for call in (made, made.value_and_grad):
        with pytest.raises(kind, match=re.escape(said)) as caught:
            call(*batch.T)
        assert str(caught.value).endswith(f"(example {example})")
    assert made(*np.array([good] * 3).T).shape == (3,)  # it goes on


def test_the_message_is_that_of_the_scalar_engine():
    with pytest.raises(DomainError) as scalar:
        log(Value(-0.5, "x0"))
    with pytest.raises(DomainError) as batch:
        program(log, 1.0)([1.0, -0.5])
    assert str(batch.value) == f"{scalar.value} (example 1)"


def test_an_index_that_is_not_there_names_its_example():
    xs, i = [Value(1.0), Value(2.0)], Value(0.0)
    made = vectorize(take(xs, i), inputs=[xs, i], parameters=[])
    assert made(np.ones((2, 2)), [1, -2]).tolist() == [1.0, 1.0]
    for wrong in (2, -3):
        with pytest.raises(IndexError, match=r"\(example 1\)"):
            made(np.ones((2, 2)), [1, wrong])


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, 1e308])
def test_inf_and_nan_go_on_as_in_the_scalar_engine(x):
    made = program(lambda v: v * v - v, 1.0)
    want = Value(x) * Value(x) - Value(x)
    np.testing.assert_array_equal(made([1.0, x]), [0.0, want.data])


def test_an_operation_of_a_user_may_take_single_numbers_only():
    def value(xp, x, y):
        return x * y if x > y else y - x

    def partials(xp, z, x, y):
        return (y, x) if x > y else (-1.0, 1.0)

    steep = define_op("steep", value, partials)
    try:
        x, w = Value(2.0), Value(3.0)
        made = vectorize(steep(x, w), inputs=[x], parameters=[w])
        assert made([2.0, 4.0]).tolist() == [1.0, 12.0]
        assert made.value_and_grad([2.0, 4.0])[1].tolist() == [2.5]
    finally:
        del TABLE["steep"]


def test_float32_stays_float32():
    x, w = Value(2.0), Value(3.0)
    made = vectorize(log(x * w) / 3.0, inputs=[x], parameters=[w], dtype=np.float32)
    assert made([2.0]).dtype == np.float32
    assert made.value_and_grad([2.0])[1].dtype == np.float32
