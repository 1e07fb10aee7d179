"""Corners where a program once said something else than its graph: many arrays, names, rectangles, results, inputs."""

import numpy as np
import pytest

from engine import Value, exp, softmax, sqrt, take, tanh, vectorize
from engine.nested import flat

from .agreement import Tally, agree


def letters(i):
    return f"{chr(97 + i % 26)}{chr(97 + i // 26)}"


def leaves(*names, number=0.5):
    return [Value(number + 0.1 * i, name) for i, name in enumerate(names)]


# ------------------------------------------------------------------------- groups


@pytest.mark.parametrize(("i", "j"), [(27, 0), (28, 1), (29, 2)])
def test_nodes_of_other_arrays_are_no_group_however_many_arrays_there_are(i, j):
    xs = [leaves(f"{letters(k)}[0]", f"{letters(k)}[1]", number=k) for k in range(30)]
    a, b = xs[i][0] - xs[j][1], xs[i - 27][0] - xs[j + 1][1]
    loss = a * a + b * b + sum(x[0] * x[1] for x in xs)
    program = vectorize(loss, inputs=xs, parameters=[])
    assert program(*[[[v.data for v in x]] for x in xs])[0] == pytest.approx(loss.data, rel=1e-13)


def test_a_permuted_sum_of_squares_of_parameters_alone():
    ws = leaves("w[0]", "w[1]", "w[2]", "w[3]")
    s = [tanh(w) for w in ws]
    loss = s[0] * s[0] + s[2] * s[2] + s[1] * s[1] + s[3] * s[3]
    value, gradient = vectorize(loss, inputs=[], parameters=ws).value_and_grad()
    loss.backward()
    assert value == pytest.approx(loss.data, rel=1e-15)
    assert gradient == pytest.approx([w.grad for w in ws], rel=1e-14)


# ------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("one", "other"), [("x", "𝐱"), ("µ", "μ"), ("fi", "ﬁ"), ("X", "𝒳"), ("x2", "x²"), ("½", "__debug__")]
)
def test_names_that_python_reads_alike_stay_apart(one, other):
    x, t, w = Value(0.3, one), Value(0.7, other), Value(2.0, "w")
    program = vectorize(w * x - t, inputs=[x, t], parameters=[w])
    assert program([1.0, 2.0], [10.0, 20.0]).tolist() == [-8.0, -16.0]


@pytest.mark.parametrize(
    "name", ["softmax_backward", "sin_slope0", "lambda", "len", "a\n    import os", "'\"#", "w" * 999]
)
def test_a_name_is_text_whatever_it_says(name):
    xs, w = leaves(f"{name}[0]", f"{name}[1]"), Value(2.0, name)
    agree(softmax([w * x for x in xs])[0] * w, [xs], [w], [[np.array([0.3, -0.7])]], make=vectorize, tally=Tally())


@pytest.mark.parametrize("name", ["T", "reshape", "sum", "axis"])
def test_outputs_do_not_ask_for_an_input_that_is_named_as_a_method(name):
    xs, t, w = leaves("x[0]", "x[1]"), Value(0.5, name), Value(2.0, "w")
    ys = [w * x for x in xs]
    program = vectorize((ys[0] + ys[1] - t) ** 2, inputs=[xs, t], parameters=[w], outputs=ys)
    assert program.predict([[1.0, 2.0]]).tolist() == [[2.0, 4.0]]


# ------------------------------------------------------------------------- what a rectangle computes too much


@pytest.mark.parametrize(
    ("f", "x", "w"),
    [
        (lambda a, b: sqrt(a + b), [2.0, 0.5, 0.9], [0.2, 0.6, -0.7]),
        (lambda a, b: exp(a * b), [800.0, 0.5, 0.1], [0.01, 1.0, 2.0]),
    ],
    ids=["outside its domain", "overflow"],
)
def test_what_fills_a_triangle_up_leaves_no_nan_in_the_gradient(f, x, w):
    xs, ws = [Value(1.0) for _ in x], [Value(0.5) for _ in w]
    loss = sum(f(xs[i], ws[j]) for i in range(3) for j in range(i + 1))
    agree(loss, [xs], ws, [[np.array(x)]], points=[w], make=vectorize, tally=Tally())


# ------------------------------------------------------------------------- results, inputs, depth


def test_results_are_no_views_of_what_was_given():
    xs, ws = leaves("x[0]", "x[1]"), leaves("w[0]", "w[1]")
    program = vectorize(xs[0] * ws[0] + xs[1] * ws[1], inputs=[xs], parameters=ws, outputs=[*xs, *ws])
    alone = vectorize(xs[0], inputs=[xs], parameters=[], outputs=xs)
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    for result in (program.predict(given), alone.predict(given), alone(given)):
        result[...] = 9.0
    assert given.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert program.parameters.tolist() == [v.data for v in flat(ws)]


def test_inputs_that_folding_takes_away_are_still_numbers():
    x, t, u, w = leaves("x", "t", "u", "w")
    program = vectorize(w * x * take([Value(5.0), t, u], 0), inputs=[x, t, u], parameters=[w])
    assert program([1.0], [0.5], [0.25]) == pytest.approx([5.0 * w.data])


def test_a_parameter_that_is_used_thousands_of_times_in_a_row():
    x, w = Value(1.0, "x"), Value(0.999, "w")
    h = x
    for _ in range(3000):
        h = h * w
    value, gradient = vectorize(h, inputs=[x], parameters=[w]).value_and_grad([2.0, 4.0])
    assert value == pytest.approx(3.0 * 0.999**3000, rel=1e-11)
    assert gradient == pytest.approx([3.0 * 3000 * 0.999**2999], rel=1e-11)
