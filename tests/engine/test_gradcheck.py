"""check_grads and locate, as a user meets them: kinks, lost digits, wrong rules, forms of input, errors, reports."""

import math
import random
import re
from functools import partial

import numpy as np
import pytest

import engine
from engine import (
    Value,
    check_grads,
    compare,
    compare_function,
    cos,
    dot,
    exp,
    locate,
    maximum,
    no_grad,
    relu,
    sin,
    sqrt,
    sum,
    tanh,
)
from engine.operation import TABLE, op, unary
from nn import MLP


def said(report, *words):
    return all(re.search(word, report.verdict, re.IGNORECASE | re.DOTALL) for word in words)


@pytest.fixture
def define():
    """Operations of the user's, taken out of the table again."""
    before = set(TABLE)
    yield lambda name, value, partials: unary(name, "of a test.", value, partials)
    for name in set(TABLE) - before:
        del TABLE[name]


# ------------------------------------------------------------------- what is right


class Product:
    def __call__(self, x, y):
        return x * y

    def square(self, x):
        return x * x


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x: x * x, 3),
        (lambda x: x * x, [np.float32(3)]),
        (lambda x: x * x, [np.array(2.0)]),
        (lambda v: v[0] * v[1] ** 2, [np.array([2, 3])]),
        (lambda A, b: A[0][1] * A[1][0] + b, [[[1.0, 2.0], [3.0, 4.0]], 2.0]),
        (lambda A: A[0][1] * A[1][0], [[[1.0, 2.0], [3.0]]]),
        (lambda P: tanh(P["w"] * P["b"][0]), [{"w": 1.0, "b": [2.0]}]),
        (lambda x, y: [[x * y, x], [y]], [0.4, 0.5]),
        (lambda *xs: sum(x * x for x in xs), [1.0, 2.0, 3.0]),
        (Product(), [2.0, 3.0]),
        (Product().square, [2.0]),
        (partial(Product(), y=2.0), [2.0]),
        (lambda x, n=3: x**n, [2.0]),
        (tanh, [0.3]),
        (MLP(2, [2, 2], "tanh", seed=0), [np.array([0.3, 0.4])]),
        (lambda x, y: x * 2, [0.5, 0.7]),
    ],
)
def test_inputs_and_functions_of_many_forms(f, inputs):
    assert check_grads(f, inputs)
    assert check_grads(f, inputs, order=2, seed=3)
    assert locate(f, inputs)


@pytest.mark.parametrize("method", ["auto", "differences", "complex"])
def test_every_method_gives_the_same_verdict(method):
    assert check_grads(lambda x: exp(x) * sin(x), [0.3], method=method)


# ------------------------------------------------------------------- a rule that is wrong


def test_a_rule_that_is_off_by_a_millionth(define):
    wrong = define("sin_w", lambda xp, x: xp.sin(x), lambda xp, z, x: (xp.cos(x) * (1 + 1e-6),))
    for x in np.linspace(-3, 3, 20):
        assert not check_grads(wrong, [x])
        assert said(locate(lambda x: tanh(wrong(x) * 0.3) + x, [x]), "sin_w")
    assert said(check_grads(lambda x, y: tanh(wrong(x) * y) + y, [0.7, 0.2]), "sin_w")
    assert not compare(sin, [0.7], [math.cos(0.7) * (1 + 1e-6)])
    assert compare(wrong, [0.7], [math.cos(0.7)])  # theirs is right, the engine's is not


def test_a_small_gradient_that_is_wrong_by_all_of_itself(define):
    tiny = define("tiny_w", lambda xp, x: 1e-6 * x, lambda xp, z, x: (2e-6,))
    assert said(check_grads(tiny, [1.0]), "tiny_w")
    assert not compare(lambda x: 1e-6 * x, [1.0], [2e-6])
    assert not compare(lambda x: 1e-6 * x, [1.0], [0.0])
    assert said(compare(lambda x, y: 1e-6 * x + y * y, [1.0, 1000.0], [2e-6, 2000.0]), "x: ")


def test_swapped_partials_are_located(define):
    two = op("mul_w", "of a test.", lambda xp, x, y: x * y, lambda xp, z, x, y: (x, y))
    for report in (locate(lambda x, y: two(x, y) + x, [2.0, 3.0]), check_grads(lambda x, y: two(x, y), [2.0, 3.0])):
        assert not report
        assert said(report, "mul_w")
        assert "mul_w" in report.causes[0].operations


SMOOTH = {  # rules that are right, and end the complex step without saying so
    "np_abs": (lambda xp, x: xp.exp(-np.abs(x)), lambda xp, z, x: (-z if x > 0 else z,)),
    "abs": (lambda xp, x: x * abs(x), lambda xp, z, x: (2 * abs(x),)),
    "math": (lambda xp, x: math.sin(x), lambda xp, z, x: (xp.cos(x),)),
    "if": (lambda xp, x: x * x if x > 0 else x * 3, lambda xp, z, x: (2 * x if x > 0 else 3.0,)),
    "where": (lambda xp, x: xp.where(x > 0, x * x, x * 3), lambda xp, z, x: (xp.where(x > 0, 2 * x, 3.0),)),
    "comparison": (lambda xp, x: x * (x > 0) + 0.1 * x * (x <= 0), lambda xp, z, x: (1.0 if x > 0 else 0.1,)),
    "real": (lambda xp, x: x * np.real(x), lambda xp, z, x: (2 * x,)),
    "softplus": (
        lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-abs(x))),
        lambda xp, z, x: (1 / (1 + xp.exp(-x)),),
    ),
    "sign": (lambda xp, x: np.sign(x) * x * x, lambda xp, z, x: (2 * abs(x),)),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("x", [0.7, -1.3])
def test_the_complex_step_is_never_silently_wrong(define, name, x):
    value, partials = SMOOTH[name]
    right = define("right_w", value, partials)
    wrong = define("wrong_w", value, lambda xp, z, x: (partials(xp, z, x)[0] * 1.001,))
    assert check_grads(lambda x: right(x) * 2 + x, [x])
    assert said(check_grads(lambda x: wrong(x) * 2 + x, [x]), "wrong_w")
    with pytest.raises(ValueError, match="right_w"):
        check_grads(right, [x], method="complex")


# ------------------------------------------------------------------- detached


def without_recording(x):
    with no_grad():
        a = tanh(x)
    return a * x


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x: Value(x.data) * 2.0, [0.5]),
        (lambda x: Value(math.sin(float(x))), [0.5]),
        (lambda x: math.sin(float(x)), [0.5]),
        (lambda x: x * x.data, [0.5]),
        (lambda x, y: x.detach() * y, [0.5, 0.7]),
        (lambda v: sum(tanh(u.detach()) for u in v) + v[0], [np.array([0.5, 0.7])]),
        (lambda v: tanh(dot([u.item() for u in v], [1.0, 2.0])) + 0 * v[0], [[0.5, 0.7]]),
        (without_recording, [0.5]),
    ],
)
def test_a_gradient_that_was_cut_off(f, inputs):
    report = check_grads(f, inputs)
    assert not report
    assert said(report, "detached")


# ------------------------------------------------------------------- kinks, lost digits, nan


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (relu, [0.0]),
        (abs, [0.0]),
        (lambda x, y: maximum(x, y) * 2, [1.0, 1.0]),
        (lambda v: sum(relu(u) * 3 for u in v), [[0.0, 1.0, -1.0]]),
        (lambda v: engine.max(v), [[0.7, 0.7, 0.1]]),
        (lambda x: 3 * x if x > 0 else x, [0.0]),
        (lambda x: relu(x - 1e8), [1e8]),
    ],
)
def test_a_kink_is_no_failure(f, inputs):
    report = check_grads(f, inputs)
    assert report
    assert said(report, "kink")


@pytest.mark.parametrize("x", [1e-3, 1e-9, -1e-9, 1e-12])
def test_a_kink_nearby_is_no_failure(x):
    assert check_grads(relu, [x])
    assert check_grads(abs, [x])
    assert check_grads(lambda x: maximum(x, 0.1 * x), [x])


def test_the_gradients_that_a_kink_allows():
    for allowed in (0.0, 0.5, 1.0):
        assert said(compare(relu, [0.0], [allowed]), "kink")
        assert compare(relu, [0.0], [allowed])
    for wrong in (5.0, -0.1, 1.1, math.nan):
        assert not compare(relu, [0.0], [wrong])
    assert not compare(abs, [0.0], [1.5])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: (1 - cos(x)) / x**2, 1e-9),
        (lambda x: (exp(x) - 1) / x, 1e-12),
        (lambda x: sqrt(x * x + 1) - x, 1e9),
    ],
)
def test_cancellation_names_a_scale_that_would_do(f, x):
    report = check_grads(f, [x])
    assert not report
    assert said(report, "cancellation: cannot be judged at this scale", r"at about \S+ it could be judged")
    assert not report.wrong


def test_cancellation_of_differences():
    report = check_grads(lambda x: (1e16 + x) - 1e16, [1.0], method="differences")
    assert said(report, "cannot be judged", "cancellation", "at about")
    assert check_grads(lambda x: (1e16 + x) - 1e16, [1.0])  # the complex step loses nothing


def test_nan_and_inf_say_where_they_began():
    assert said(check_grads(lambda x: exp(x * 1000) * 1.0, [1.0]), "inf", "exp")
    assert said(check_grads(lambda x: exp(x * 1000) - exp(x * 1000), [1.0]), "nan", "inf", "exp")
    assert said(check_grads(lambda v: sum(exp(u) for u in v), [[1.0, 1000.0]]), "inf", "exp")
    assert said(check_grads(lambda x: x * 2, [math.nan]), "nan", "x")
    assert said(check_grads(lambda x: sqrt(x), [0.0]), "inf", "sqrt")
    assert not check_grads(lambda x: x * 2, [math.nan])


# ------------------------------------------------------------------- nothing is changed, errors


def test_parameters_stay_as_they_were():
    model = MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()

    def state():
        return [(p.data, p.grad, p.name, p.requires_grad) for p in model.parameters()]

    before, calls = state(), iter(range(1000))

    def f():
        return model([1.0, 2.0])

    def failing():
        if next(calls) == 2:
            raise RuntimeError("the third call")
        return f()

    for check in (check_grads, locate, partial(check_grads, order=2)):
        check(f, model)
        assert state() == before
    compare(f, model.parameters(), [0.0] * len(before))
    compare_function(f, lambda *parameters: 1.0, model)
    with pytest.raises(RuntimeError, match="third"):
        check_grads(failing, model)
    assert state() == before


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check_grads(3, [1.0]), TypeError, "function"),
        (lambda: check_grads(lambda x, y: x, [1.0]), TypeError, "argument"),
        (lambda: check_grads(lambda: Value(1.0), [1.0]), TypeError, "argument"),
        (lambda: check_grads(lambda x: x * random.random(), [1.0]), ValueError, "seed"),
        (lambda: check_grads(lambda x: x, ["a"]), TypeError, "x: .*'a'"),
        (lambda: check_grads(lambda x: x, [None]), TypeError, "None"),
        (lambda: check_grads(lambda x: x, [1j]), TypeError, "complex"),
        (lambda: check_grads(lambda v: v[0], [np.array([1j])]), TypeError, "complex"),
        (lambda: check_grads(lambda x: None, [1.0]), TypeError, "return"),
        (lambda: check_grads(lambda x: x, [1.0], order=3), ValueError, "order"),
        (lambda: check_grads(lambda x: x, [1.0], method="magic"), ValueError, "method"),
        (lambda: check_grads(lambda x: 1 / 0, [1.0]), ZeroDivisionError, "zero"),
        (lambda: compare(lambda x: x, [1.0], "s"), TypeError, "gradient"),
        (lambda: compare(lambda x: x, [1.0], [1j]), TypeError, "complex"),
        (lambda: compare(lambda x: x, [1.0], lambda x: None), TypeError, "return"),
    ],
)
def test_errors_say_what_was_given(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ------------------------------------------------------------------- the report


def test_a_report_is_short_when_right_and_sorted_when_wrong():
    right = check_grads(lambda v: sum(u * u for u in v), [np.arange(1.0, 30)])
    assert len(str(right).splitlines()) <= 2
    factors = np.array([1, 1.1, 1, 5, 1, 1.01])
    wrong = compare(lambda v: sum(u * u for u in v), [np.arange(1.0, 7)], 2 * np.arange(1.0, 7) * factors)
    assert [e.input for e in wrong.entries][:3] == ["v[3]", "v[1]", "v[5]"]
    for column in ("input", "reference", "absolute", "relative", "step", "verdict"):
        assert column in str(wrong)
        assert column in wrong._repr_html_()
    assert wrong.verdict in repr(wrong)
    assert "\n" not in right.verdict + wrong.verdict


def test_names_are_text_in_html():
    w = Value(2.0, "<b>w</b>")
    html = compare(lambda: w * w, [w], [9.0])._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;w" in html


def test_a_large_wrong_gradient_prints_shortly():
    A, y = np.random.default_rng(0).normal(size=(12, 12)), np.arange(1.0, 13)
    report = compare(lambda A: sum(dot(row, y) ** 2 for row in A), [A], 2 * np.outer(A @ y, y).T)
    assert said(report, "transposed")
    assert len(str(report).splitlines()) < 30
    assert len(report._repr_html_()) < 10_000
