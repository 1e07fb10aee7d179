"""The derivative as a graph: the sweep over products, the forms it chooses from, and what it costs."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import engine
from engine import Value, formula
from engine.symbolic import Product, _Sweep, gradient, is_constant

from .test_formula import NAMES, graphs


def test_a_constant_is_a_plain_number_met_in_arithmetic():
    x = Value(2.0, "x")
    plain = (x * 3).parents[1]
    assert is_constant(plain)
    assert is_constant(plain, 3.0)
    assert not is_constant(plain, 1.0)
    assert not any(map(is_constant, (x, Value(2.0), x * 3, x.detach())))  # a frozen variable has a name to keep


def test_a_product_is_taken_apart_and_put_together():
    x, y = Value(3.0, "x"), Value(5.0, "y")
    for factor, text in [
        (2 * (x * 3), "6 * x"), (-x * y, "-x * y"), (-(x * -y), "x * y"), (1 / y, "1 / y"),
        (x / (y * x), "x / (y * x)"),
        (x / (2 * y), "x / (2 * y)"), (2 / (x / y), "2 * y / x"), (x**1.0, "x"), (x**2, "x ** 2"), (-1 / y, "-1 / y"),
        (-0.5 / y, "-1 / (2 * y)"), (x / -4.0, "-0.25 * x"), (-x / (4 * y), "-x / (4 * y)"),
        (x + y, "x + y"), (0.3 * x / y, "0.3 * x / y"), (x * 0.5, "0.5 * x"),
    ]:  # fmt: skip
        product = Product()
        product.multiply(factor, set())
        assert formula(product.value()) == text
        assert product.value().data == pytest.approx(factor.data, rel=1e-15, abs=0)
        whole = Product()
        whole.multiply(factor, {factor})
        assert whole.value() is factor  # a node of the user's graph stays as it is


def test_a_product_of_numbers_is_a_number():
    product = Product()
    product.multiply(3.0, set())
    product.multiply(-2.0, set())
    assert product.value() == -6.0


@settings(deadline=None)
@given(graphs(), st.sampled_from(NAMES))
def test_a_careful_sweep_is_the_backward_pass(nodes, name):
    """Its rules and its order: what falls back on it has the digits of `backward`."""
    loss, leaf = nodes[-1], next(node for node in nodes if node.name == name)
    order = engine.topological_sort(loss)
    way = {leaf}
    for node in order:
        if not way.isdisjoint(node.parents):
            way.add(node)
    if loss in way:
        loss.backward()
        assume(math.isfinite(leaf.grad))
        sizes = sum(abs(path.product) for path in engine.explain(loss, leaf, most=10**4).paths)
        got = float(_Sweep([node for node in order if node in way], way, careful=True).gradient(leaf))
        assert got == pytest.approx(leaf.grad, rel=1e-13, abs=1e-13 * sizes)


def test_terms_that_cancel_keep_the_digits_of_the_backward_pass():
    x = Value(1.0 + 2.0**-30, "x")
    loss = x**3 / 3 - x**2 + x  # the slope is (x - 1)²: what is left of three terms
    loss.backward()
    assert float(gradient(loss, x)) == pytest.approx(x.grad, rel=1e-12, abs=0)


def test_the_graph_of_a_derivative_grows_with_the_graph():
    def size(n):
        a, b = Value(0.5, "a"), Value(0.25, "b")
        for _ in range(n):
            a, b = engine.tanh(a * b), engine.sin(a + b)
        loss = a * b
        return len(engine.topological_sort(gradient(loss, engine.leaves(loss)[0])))

    def comb(n):
        a = Value(0.5, "a")
        loss = a
        for i in range(n):
            loss = loss * engine.tanh(a * (1 + 1 / (i + 2)))
        return len(engine.topological_sort(gradient(loss, a)))

    assert size(200) < 2.2 * size(100)
    assert comb(200) < 2.2 * comb(100)


def test_what_does_not_depend_on_the_variable_is_a_number():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert gradient(y * y, x) == 0.0
    assert gradient(x, x) == 1.0
    assert gradient(3 * x + y, x) == 3.0
    assert gradient(x - x, x) == 0.0
    assert gradient(0 * x * y, x) == 0.0
    assert gradient(x * y - y * x, x) == 0.0
    assert gradient(engine.take([x, y], 1) * y, x) == 0.0


def test_a_pole_of_another_operand_is_no_error():
    x, y = Value(0.0, "x"), Value(0.5, "y")
    assert gradient(x**y, y) == 0.0
    with pytest.raises(engine.DomainError):
        gradient(x**y, x)


def test_numbers_that_overflow_when_gathered_are_multiplied_in_order():
    x, y = Value(2.0, "x"), Value(1e-300, "y")
    loss = x * 1e-200 * 1e-200 / y
    assert loss.data == 0.0
    assert float(gradient(loss, x)) == pytest.approx(1e-100, rel=1e-12, abs=0)
