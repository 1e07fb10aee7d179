"""What a program refuses, and in which words: what was given, what was expected, which node, which example.

Examples are counted from 0, as a user indexes them: "example 3" is X[3].
"""

import math
import re
from typing import Any

import numpy as np
import pytest

import nn
from engine import DomainError, Value, asin, exp, greater, log, sqrt, take, tanh, vectorize, vectorize_model, where

from .test_program import leaves, numbers

# --------------------------------------------------------------------- what does not make a program


def small() -> tuple[Value, Value, Value, Value]:
    """w, x, t and the loss (w·x − t)²."""
    w, x, t = Value(0.5, "w"), Value(1.0, "x"), Value(2.0, "t")
    return w, x, t, (w * x - t) ** 2


def test_an_input_that_the_graph_does_not_contain_is_named():
    w, x, t, loss = small()
    with pytest.raises(ValueError, match="'stranger'"):
        vectorize(loss, inputs=[x, t, Value(3.0, "stranger")], parameters=[w])


def test_a_nameless_input_that_the_graph_does_not_contain_is_told_by_its_place():
    w, x, t, loss = small()
    with pytest.raises(ValueError, match=r"inputs\[2\]"):
        vectorize(loss, inputs=[x, t, [Value(3.0), Value(4.0)]], parameters=[w])


def test_a_parameter_that_the_graph_does_not_contain_is_named():
    w, x, t, loss = small()
    with pytest.raises(ValueError, match="'stranger'"):
        vectorize(loss, inputs=[x, t], parameters=[w, Value(3.0, "stranger")])


def test_an_item_may_hold_numbers_that_the_loss_does_not_need():
    w, x = Value(0.5, "w"), leaves([1.0, 2.0, 3.0], "x")
    program = vectorize(w * x[0] + x[2], inputs=[x], parameters=[w])
    X = numbers(4, 3)
    np.testing.assert_allclose(program(X), 0.5 * X[:, 0] + X[:, 2], rtol=1e-13)


@pytest.mark.parametrize("which", ["inputs", "parameters", "both"])
def test_a_leaf_given_twice_is_named(which):
    w, x, t, loss = small()
    inputs, parameters = {
        "inputs": ([x, t, x], [w]),
        "parameters": ([x, t], [w, [w]]),
        "both": ([x, t, w], [w]),
    }[which]
    with pytest.raises(ValueError, match="'x'" if which == "inputs" else "'w'"):
        vectorize(loss, inputs=inputs, parameters=parameters)


def test_a_parameter_that_was_computed_is_no_leaf():
    w, x, _, _ = small()
    computed = 2 * w
    computed.name = "twice"
    with pytest.raises((ValueError, TypeError), match=r"(?s)(leaf.*'twice'|'twice'.*leaf)"):
        vectorize(computed * x, inputs=[x], parameters=[computed])


@pytest.mark.parametrize("wrong", [1.0, None, "w", np.ones(2)])
def test_what_is_no_value_is_refused(wrong):
    w, x, t, loss = small()
    with pytest.raises(TypeError, match="Value"):
        vectorize(loss, inputs=[x, t], parameters=[w, wrong])
    with pytest.raises(TypeError, match="Value"):
        vectorize(loss, inputs=[x, t, wrong], parameters=[w])
    for loss_given in (wrong, [loss]):
        with pytest.raises(TypeError, match="Value"):
            vectorize(loss_given, inputs=[x, t], parameters=[w])


@pytest.mark.parametrize("dtype", [complex, np.int64, bool, object, str, "float99", np.float16])
def test_a_dtype_that_a_program_does_not_compute_with(dtype):
    w, x, t, loss = small()
    with pytest.raises((TypeError, ValueError), match="float64"):
        vectorize(loss, inputs=[x, t], parameters=[w], dtype=dtype)


# ------------------------------------------------------------------------------ what is no batch


@pytest.fixture
def program() -> Any:
    w, t, xs = Value(0.5, "w"), Value(0.3, "t"), leaves([0.1, 0.2], "x")
    y = w * xs[0] - xs[1]
    return vectorize((y - t) ** 2, inputs=[xs, t], parameters=[w], outputs=y)


WRONG = {
    "three numbers for two": (numbers(5, 3), numbers(5), r"\(5, 3\)"),
    "an axis too many": (numbers(5, 2, 1), numbers(5), r"\(5, 2, 1\)"),
    "no batch axis": (numbers(2), numbers(5), r"\(2,\)"),
    "turned": (numbers(2, 5), numbers(5), r"\(2, 5\)"),
    "a column for the targets": (numbers(5, 2), numbers(5, 1), r"\(5, 1\)"),
    "a number for the targets": (numbers(5, 2), 1.0, r"\(\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_shape_is_shown_beside_the_right_one(program, case):
    X, T, shown = WRONG[case]
    right = r"\(batch, 2\)" if np.shape(X) != (5, 2) else r"\(batch,\)"
    needed = (program.predict,) if np.shape(X) != (5, 2) else ()  # which needs no targets
    for call in (program, program.value_and_grad, *needed):
        with pytest.raises(ValueError, match=f"(?s){shown}.*{right}|{right}.*{shown}"):
            call(X, T)


def test_batches_of_different_lengths_are_not_broadcast(program):
    for m, n in ((5, 4), (5, 1), (1, 5)):
        with pytest.raises(ValueError, match=rf"(?s){m}.*{n}"):
            program(numbers(m, 2), numbers(n))


def test_the_number_of_arrays_is_that_of_the_inputs(program):
    X, T = numbers(5, 2), numbers(5)
    for given in ((), (X,), (X, T, T)):
        with pytest.raises((TypeError, ValueError), match=rf"(?s)2.*{len(given)}|{len(given)}.*2"):
            program.value_and_grad(*given)


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones((3, 2), complex),
        np.full((3, 2), "1.5"),
        np.array([[1.0, None]] * 3),
        np.full((3, 2), np.datetime64("2020-01-01")),
        None,
        "text",
        [[1.0, 2.0], [Value(1.0), 2.0], [3.0, 4.0]],
        [[1.0, 2.0], [3.0], [4.0, 5.0]],
    ],
    ids=["complex", "text", "objects", "dates", "None", "str", "Values", "ragged"],
)
def test_what_is_no_array_of_numbers(program, wrong):
    with pytest.raises((TypeError, ValueError), match=r"number|float|shape"):
        program(wrong, numbers(3))


def test_the_mean_of_no_examples_is_refused(program):
    with pytest.raises(ValueError, match="example"):
        program.value_and_grad(np.zeros((0, 2)), np.zeros(0))


def test_predict_needs_outputs():
    w, x, t, loss = small()
    with pytest.raises((ValueError, TypeError, RuntimeError), match="outputs"):
        vectorize(loss, inputs=[x, t], parameters=[w]).predict(np.ones(3), np.ones(3))


# ------------------------------------------------------------------------- outside of a domain

DOMAINS = {
    "log": (lambda p: log(p), -0.25),
    "log of zero": (lambda p: log(p), 0.0),
    "sqrt": (lambda p: sqrt(p), -4.0),
    "asin": (lambda p: asin(p), 1.5),
    "division": (lambda p: 3.0 / p, 0.0),
    "power": (lambda p: p**0.5, -2.0),
    "inverse": (lambda p: p**-1, 0.0),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_outside_of_a_domain_it_is_the_scalar_engines_error_with_the_example(name):
    rule, bad = DOMAINS[name]
    with pytest.raises(DomainError) as scalar:
        rule(Value(bad, "p"))
    said, _, _ = str(scalar.value).partition(" (node")  # log(-0.25): log needs x > 0
    w, x = Value(1.0, "w"), Value(1.0, "x")
    p = w * x
    p.name = "p"
    program = vectorize(rule(p) * 2.0, inputs=[x], parameters=[w], outputs=rule(p))
    X = np.array([1.0, 0.75, 0.5, bad, 1.0])
    for call in (program, program.value_and_grad, program.predict):
        with pytest.raises(DomainError) as raised:
            call(X)
        assert type(raised.value) is type(scalar.value)
        assert said in str(raised.value)
        assert "'p'" in str(raised.value)
        assert re.search(r"\bexample 3\b", str(raised.value))
    X[3] = 0.25
    assert np.all(np.isfinite(program(X)))


def test_the_node_is_named_within_a_lifted_group():
    ps, xs = leaves([1.0] * 6, "w"), leaves([1.0] * 6, "x")
    products = [w * x for w, x in zip(ps, xs, strict=True)]
    for i, product in enumerate(products):
        product.name = f"p[{i}]"
    program = vectorize(sum(log(p) for p in products), inputs=[xs], parameters=ps)
    X = np.ones((5, 6))
    X[2, 4] = -0.5
    with pytest.raises(DomainError, match=r"log\(-0.5\)") as raised:
        program.value_and_grad(X)
    assert "'p[4]'" in str(raised.value)
    assert re.search(r"\bexample 2\b", str(raised.value))


def test_a_parameter_outside_of_a_domain_is_nobodys_example():
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = vectorize(log(w) * x, inputs=[x], parameters=[w])
    program.parameters[0] = -3.0
    with pytest.raises(DomainError, match=r"log\(-3.0\): log needs x > 0.*'w'"):
        program.value_and_grad(np.ones(4))


def test_the_branch_not_taken_is_computed_too_as_in_the_scalar_engine():
    x = Value(1.0, "x")
    program = vectorize(where(greater(x, 0), log(x), 0.0), inputs=[x], parameters=[])
    with pytest.raises(DomainError, match=r"log\(-1.0\)"):
        program(np.array([1.0, -1.0]))


def test_nan_and_inf_given_as_data_propagate():
    w, x = Value(2.0, "w"), Value(1.0, "x")
    program = vectorize(log(x) * w + 1 / x, inputs=[x], parameters=[w])
    losses = program(np.array([1.0, np.nan, np.inf]))
    np.testing.assert_array_equal(losses, [1.0, np.nan, np.inf])
    mean, gradient = program.value_and_grad(np.array([1.0, np.nan]))
    assert math.isnan(mean)
    assert math.isnan(gradient[0])


def test_an_infinite_slope_is_no_error_as_in_the_scalar_engine():
    w, x = Value(1.0, "w"), Value(1.0, "x")
    mean, gradient = vectorize(sqrt(w * x), inputs=[x], parameters=[w]).value_and_grad(np.array([0.0]))
    (loss := sqrt(w * Value(0.0))).backward()
    assert mean == loss.data == 0.0
    np.testing.assert_array_equal(gradient, [w.grad])


# ------------------------------------------------------------------------------------- indices


@pytest.fixture
def table() -> Any:
    rows, index = leaves([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "table"), Value(0.0, "i")
    loss = take([row[0] for row in rows], index) * take([row[1] for row in rows], index)
    return vectorize(loss, inputs=[index], parameters=rows)


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, np.float64, list])
def test_an_index_is_an_integer_or_a_whole_float(table, kind):
    index = [2, 0, 2, 1] if kind is list else np.array([2, 0, 2, 1], kind)
    assert table(index).tolist() == [30.0, 2.0, 30.0, 12.0]
    assert table.value_and_grad(index)[1].tolist() == [0.5, 0.25, 1.0, 0.75, 3.0, 2.5]


def test_an_index_out_of_range_names_the_example(table):
    for call in (table, table.value_and_grad):
        with pytest.raises(IndexError, match="index 3 is out of range for 3 values") as raised:
            call(np.array([0, 1, 3, 2]))
        assert re.search(r"\bexample 2\b", str(raised.value))


def test_an_index_between_two_numbers_names_the_example(table):
    with pytest.raises(TypeError, match=r"whole number, not 1.5") as raised:
        table(np.array([0.0, 1.5, 2.0]))
    assert re.search(r"\bexample 1\b", str(raised.value))


# --------------------------------------------------------------------- changed since it was traced


class Net(nn.Module):
    """Two layers, dropout between them, and a constant."""

    def __init__(self) -> None:
        self.layers = [nn.Linear(2, 3, seed=0), nn.Linear(3, 1, seed=1)]
        self.drop = nn.Dropout(0.5, seed=2)

    def forward(self, x: Any) -> Value:
        for layer in self.layers[:-1]:
            x = self.drop([tanh(v) for v in layer(x)])
        return self.layers[-1](x)[0]


def refreshed(program: Any, *batch: Any) -> Any:
    """A step as a user writes it: read the Values, then compute."""
    program.pull()
    return program.value_and_grad(*batch)


def squared(y: Value, t: Value) -> Value:
    return (y - t) ** 2


def of_model(model: nn.Module) -> Any:
    return vectorize_model(model, squared, ([0.1, 0.2], 0.3))


CHANGES = {
    "a layer appended": lambda net: net.layers.append(nn.Linear(1, 1, seed=3)),
    "a layer removed": lambda net: net.layers.pop(0),
    "a layer replaced": lambda net: net.layers.__setitem__(0, nn.Linear(2, 3, seed=0)),
    "a parameter replaced": lambda net: net.layers[0].weight[1].__setitem__(0, Value(0.5)),
    "a parameter frozen": lambda net: setattr(net.layers[0].bias[0], "requires_grad", False),
    "eval after train": lambda net: net.eval(),
    "one part's mode": lambda net: net.drop.eval(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_changed_since_it_was_traced(change):
    net = Net()
    program = of_model(net)
    program.value_and_grad(numbers(3, 2), numbers(3))
    CHANGES[change](net)
    with pytest.raises(RuntimeError, match="trace again"):
        refreshed(program, numbers(3, 2), numbers(3))


def test_a_constant_leaf_changed_since_it_was_traced():
    w, x, c = Value(0.5, "w"), Value(1.0, "x"), Value(3.0, "rate")
    program = vectorize(w * x * c, inputs=[x], parameters=[w])
    c.data = 4.0
    with pytest.raises(RuntimeError, match="trace again"):
        refreshed(program, np.ones(2))


def test_other_numbers_in_the_parameters_are_no_change():
    net = Net().eval()
    program = of_model(net)
    for p in net.parameters():
        p.data = p.data / 2
    program.pull()
    y = net([0.3, -0.4]).data
    np.testing.assert_allclose(program.predict(np.array([[0.3, -0.4]])), [y], rtol=1e-13)


def test_a_graph_whose_data_was_changed_inside_is_refused():
    w, x = Value(0.5, "w"), Value(1.0, "x")
    inner = w * x
    inner.data = 7.0
    loss = inner + 1.0
    with pytest.raises(RuntimeError, match="again"):
        vectorize(loss, inputs=[x], parameters=[w])


# ------------------------------------------------------------------------- branches and constants


class Named(nn.Module):
    """A model that is one function of w and x."""

    def __init__(self, function: Any) -> None:
        self.gain, self.function = Value(0.8), function

    def forward(self, x: Any) -> Any:
        return self.function(self.gain, x)


FROZEN: dict[str, Any] = {
    "a branch": lambda w, x: tanh(w * x[0]) if x[0] > 0 else exp(w * x[1]),
    "a choice": lambda w, x: w * (x[0] if x[0] > x[1] else x[1]) + w * x[0] + x[1],
    "a number": lambda w, x: w * x[0] + w * x[1] * float(x[0]),
    "a whole number": lambda w, x: w * x[0] + w * x[1] + math.floor(100 * x[1].data),
    "a leaf": lambda w, x: w * x[0] * Value((w * x[1]).data + 1.0, "scale"),
    "a detached node": lambda w, x: w * x[0] + (w * x[1]).detach(),
}


@pytest.mark.parametrize("name", FROZEN)
def test_vectorize_model_refuses_what_it_would_freeze(name):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=r"where|example|constant|branch") as raised:
        vectorize_model(Named(FROZEN[name]), squared, ([0.5, -0.25], 1.0))
    if name == "a leaf":
        assert "'scale'" in str(raised.value)


def test_the_cure_that_the_refusal_names_is_accepted():
    def cured(w: Value, x: Any) -> Value:
        return where(greater(x[0], 0), tanh(w * x[0]), exp(w * x[1]))

    model = Named(cured)
    program = vectorize_model(model, squared, ([0.5, -0.25], 1.0))
    X = np.array([[0.5, -0.25], [-0.5, 0.75]])
    expected = [(cured(model.gain, x).data - 1.0) ** 2 for x in leaves(X)]
    np.testing.assert_allclose(program(X, np.ones(2)), expected, rtol=1e-13)


@pytest.mark.parametrize("example", [([0.1, 0.2],), (), None, ([0.1, 0.2], 0.3, 0.4)])
def test_an_example_is_x_and_t(example):
    with pytest.raises((TypeError, ValueError), match="example"):
        vectorize_model(nn.MLP(2, [1], seed=0), squared, example)
