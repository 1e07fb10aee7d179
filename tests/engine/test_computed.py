"""What derivatives take and give: forms, arguments, errors; and what they leave alone."""

import gc
import math
import weakref

import numpy as np
import pytest

import engine
from engine import Value, nested, no_grad, sin, tanh
from engine.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


def close(got, want, rel=1e-12):
    return np.asarray(got, float) == pytest.approx(np.asarray(want, float), rel=rel, abs=rel)


# --------------------------------------------------------------------------- forms and arguments


def test_the_gradient_has_the_form_of_the_argument():
    def total(x):
        return engine.sum(a * a for a in nested.flat(x))

    assert grad(total)(3) == 6.0
    assert grad(total)([1, 2.0]) == [2.0, 4.0]
    assert grad(total)([[1.0], [2.0, 3.0], []]) == [[2.0], [4.0, 6.0], []]
    assert grad(total)({"w": [1.0], "b": (2.0, 3.0)}) == {"w": [2.0], "b": (4.0, 6.0)}
    assert type(grad(total)(np.float32(3.0))) is float
    got = grad(total)(np.arange(6).reshape(2, 3))
    assert isinstance(got, np.ndarray)
    assert got.tolist() == [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]
    got = grad(total)([np.array([1.0, 2.0]), 3.0])
    assert isinstance(got[0], np.ndarray)
    assert (got[0].tolist(), got[1]) == ([2.0, 4.0], 6.0)


def test_an_array_reaches_the_function_as_nested_lists():
    def f(W):
        assert isinstance(W, list)
        assert isinstance(W[1][2], Value)
        return W[1][2] * 2.0

    assert grad(f)(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 2]]


def test_argnums_and_other_arguments():
    def f(x, y, *, scale=1.0):
        return x * y**2 * scale

    assert grad(f)(2.0, 3.0) == 9.0
    assert grad(f, 1)(2.0, 3.0) == grad(f, -1)(2.0, 3.0) == 12.0
    assert grad(f, (1, 0))(2.0, 3.0) == (12.0, 9.0)
    assert grad(f, (0,))(2.0, 3.0, scale=10.0) == (90.0,)
    assert value_and_grad(f, (0, 1))(2.0, 3.0) == (18.0, (9.0, 12.0))
    assert hessian(f, (0, 1))(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))
    assert jacobian(grad(f, (0, 1)), (0, 1))(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))
    assert grad(f)(Value(2.0), 3.0).data == grad(f)(2.0, Value(3.0)).data == 9.0
    untouched = object()
    assert grad(lambda x, other: x * (other is untouched))(2.0, untouched) == 1.0


def test_the_forms_of_jacobians_and_hessians():
    W, b = np.arange(1.0, 7.0).reshape(2, 3), [1.0, 2.0]

    def f(W, b):
        return [engine.dot(row, row, c) * c for row, c in zip(W, b, strict=True)]

    by_W, by_b = jacobian(f, (0, 1))(W, b)
    assert by_W.shape == (2, 2, 3)
    assert close(by_W, [[2 * W[0], 0 * W[0]], [0 * W[0], 4 * W[1]]])
    assert by_b == [[14.0 + 2.0, 0.0], [0.0, 77.0 + 4.0]]
    assert jacobian(lambda x: x * x)(3.0) == 6.0
    assert jacobian(lambda x: {"a": x[0], "b": [x[1], x[0] * x[1]]})([2.0, 3.0]) == {
        "a": [1.0, 0.0], "b": [[0.0, 1.0], [3.0, 2.0]]
    }  # fmt: skip
    assert jacobian(lambda p: [p["x"] * p["y"], p["x"]])({"x": 2.0, "y": 3.0}) == {"x": [3.0, 1.0], "y": [2.0, 0.0]}
    H = hessian(lambda W: W[0][1] * W[1][2] ** 2)(W)
    assert H.shape == (2, 3, 2, 3)
    assert (H[0, 1, 1, 2], H[1, 2, 0, 1], H[1, 2, 1, 2], np.count_nonzero(H)) == (12.0, 12.0, 4.0, 3)
    assert hessian(sin)(1.0) == -math.sin(1.0)
    blocks = hessian(lambda W, b: W[0][0] * b[1] * b[0], (0, 1))(W, b)
    assert (blocks[0][1].shape, blocks[1][0].shape) == ((2, 3, 2), (2, 2, 3))
    assert (blocks[0][1][0, 0].tolist(), blocks[1][0][0, 0, 0], blocks[1][1]) == ([2, 1], 2, [[0, 1], [1, 0]])


def test_results_of_values_are_graphs():
    x = Value(2.0, "x")
    slope = grad(lambda z: z**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)
    value, tangent = jvp(lambda z: z**3, x, 1.0)
    assert (value.data, tangent.data) == (8.0, 12.0)
    assert engine.formula(grad(lambda z: z**3)(x)) == engine.formula(tangent) == "3 * (x * 1) ** 2"
    assert all(isinstance(v, Value) for row in hessian(lambda p: p[0] * p[1])([x, 1.0]) for v in row)
    assert isinstance(grad(lambda z: 7.0)(x), Value)


def test_functions_that_do_not_depend_on_their_argument():
    assert value_and_grad(lambda x: 7)(2.0) == (7.0, 0.0)
    assert grad(lambda x: Value(3.0) * 2)([1.0, 2.0]) == [0.0, 0.0]
    assert hessian(lambda x: x[0])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert jvp(lambda x: [1.0, x], 2.0, 3.0) == ([1.0, 2.0], [0.0, 3.0])
    assert vjp(lambda x: 1.0, 2.0)[1](5.0) == (0.0,)
    assert grad(grad(lambda x: 3.0 * x))(2.0) == 0.0


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grad(lambda x: [x, x])(1.0), TypeError, r"one number.*list with shape \(2,\).*use jacobian"),
        (lambda: grad(lambda x: None)(1.0), TypeError, "lack its return"),
        (lambda: grad(Value(1.0)), TypeError, r"grad\(f\)\(x\)"),
        (lambda: grad(sin)("1"), TypeError, r"argument 0: .*float\('1'\)"),
        (lambda: grad(lambda x: x[0])([1.0, None]), TypeError, r"argument 0\[1\]: "),
        (lambda: grad(lambda m: m)(engine.TABLE["sin"]), TypeError, r"argument 0: .*for a model, by its parameters"),
        (lambda: grad(sin, 1)(1.0), ValueError, "argnums=1: .* 1 positional"),
        (lambda: grad(sin, "x")(1.0), TypeError, "argnums is the position"),
        (lambda: grad(sin, (0, -1))(1.0), ValueError, "twice"),
        (lambda: jvp(sin, 1.0, [1.0]), ValueError, r"tangent has shape \(1,\), and the primal shape \(\)"),
        (lambda: jvp(engine.sum, np.ones((2, 2)), [1.0]), ValueError, r"shape \(1,\), and the primal shape \(2, 2\)"),
        (lambda: jvp(pow, (1.0, 2.0), (1.0,)), ValueError, r"shape \(1,\), and the primal shape \(2,\)"),
        (lambda: hvp(sin, {"a": 1.0}, 1.0), ValueError, r"shape \(\), and the primal the form {'a': 0}"),
        (lambda: vjp(sin, 1.0)[1]([1.0, 2.0]), ValueError, r"cotangent has shape \(2,\), and the output shape \(\)"),
        (lambda: jacobian(lambda x: ["no", x])(1.0), TypeError, r"the str 'no'"),
    ],
)
def test_errors_say_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --------------------------------------------------------------------------- what is left alone


def test_no_gradient_is_touched():
    x, w = Value(2.0), Value(3.0)
    x.grad = 5.0

    def f(z):
        return (z * w).tanh()

    for call in (grad, hessian, jacobian, lambda g: lambda z: jvp(g, z, 1.0), lambda g: lambda z: vjp(g, z)[1](1.0)):
        call(f)(x)
        call(f)(2.0)
    assert (x.grad, w.has_grad) == (5.0, False)
    y = f(x)
    assert not any(node.has_grad for node in engine.topological_sort(y) if node is not x)


def test_everything_is_freed_by_counting_references():
    seen = []

    def f(x):
        y = engine.mean([a * tanh(a) for a in x])
        seen.extend(map(weakref.ref, (y, *x, *y.parents)))
        return y

    gc.collect()
    gc.disable()
    try:
        numbers, nodes = [1.0, 2.0], [Value(1.0), Value(2.0)]
        for x in (numbers, np.array(numbers), nodes):
            grad(f)(x)
            grad(lambda x: grad(f)(x)[0])(x)
            hessian(f)(x)
            jacobian(lambda x: [f(x), f(x)])(x)
            jvp(f, x, [1.0, 2.0])
            hvp(f, x, [1.0, 2.0])
            vjp(f, x)[1](1.0)
        with pytest.raises(TypeError):
            grad(lambda x: [f(x)])(numbers)
        assert len(seen) > 50
        assert not [ref for ref in seen if ref() is not None]
    finally:
        gc.enable()


def chain(length):
    def f(x):
        for _ in range(length):
            x = x * 1.00001 + 1e-9
        return x

    return f


def test_deep_chains():
    assert grad(chain(100_000))(1.0) == pytest.approx(1.00001**100_000, rel=1e-9)
    assert jvp(chain(50_000), 1.0, 1.0)[1] == pytest.approx(1.00001**50_000, rel=1e-9)
    deep = chain(10_000)
    assert grad(grad(lambda x: deep(x) ** 2))(1.0) == pytest.approx(2 * 1.00001**20_000, rel=1e-9)
    assert hessian(lambda x: deep(x) ** 2)(1.0) == pytest.approx(2 * 1.00001**20_000, rel=1e-9)


def test_no_grad_of_the_caller_and_of_the_function():
    x = Value(2.0)
    with no_grad():
        assert grad(lambda z: z**3)(2.0) == hessian(lambda z: z**3)(2.0) == 12.0
        slope = grad(lambda z: z**3)(x)
        assert hvp(lambda z: z**3, x, Value(1.0)).data == 12.0
        assert vjp(lambda z: z**3, x)[1](Value(1.0))[0].data == 12.0
        assert (x * x).parents == ()  # still paused
    assert (slope.data, slope.parents, slope.requires_grad) == (12.0, (), False)

    def half_frozen(z):
        with no_grad():
            c = z * z
        return c * z

    assert grad(half_frozen)(3.0) == 9.0

    def outer(z):
        with no_grad():
            c = grad(lambda y: y**3)(z)
        return c * z

    assert grad(outer)(2.0) == 12.0


def test_an_error_in_the_function_leaves_things_as_they_were():
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: x / 0.0)(1.0)
    assert type(grad(sin)(1.0)) is float
    assert gc.isenabled()
