"""Derivatives of functions: against mpmath, SymPy and PyTorch, in both directions, nested."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, exp, nested, sin, sqrt, tanh
from engine.derivatives import grad, hessian, hvp, jacobian, jvp, vjp

from .exact import EXACT, INDEXED, applied, at_kink, moderate

NUMBERS = st.floats(-2.0, 2.0)


def nested_grad(f, orders):
    """∂^(Σ orders) f / Π ∂xᵢ^orderᵢ, by nesting."""
    for i, order in enumerate(orders):
        for _ in range(order):
            f = grad(f, i)
    return f


def relative(got, true):
    return float(abs(mp.mpf(got) - true) / abs(true)) if true else abs(got)


def close(got, want, rel=1e-12):
    return np.asarray(got, float) == pytest.approx(np.asarray(want, float), rel=rel, abs=rel)


# --------------------------------------------------------------------------- higher derivatives


def orders_of(count):
    """Orders 1 to 5 of one operand; of several, all mixed ones up to the third, in the first three operands."""
    if count == 1:
        return [(k,) for k in range(1, 6)]
    firsts = [o for o in itertools.product(range(4), repeat=min(count, 3)) if 1 <= sum(o) <= 3]
    return [o + (0,) * (count - len(o)) for o in firsts]


def of_first(name, xs):
    """The operation, and its definition in mpmath, as functions of all operands but an index."""
    rest = xs[len(xs) - (name in INDEXED) :]
    return lambda *zs: applied(name, [*zs, *rest]), lambda *zs: EXACT[name](*zs, *rest), xs[: len(xs) - len(rest)]


@pytest.mark.parametrize("name", list(TABLE))
def test_every_operation_to_high_order(name):
    """Against mpmath at 50 digits."""
    for operands in moderate(name, 3, seed=4):
        if at_kink(name, operands) or (name == "pow" and operands[0] <= 0):
            continue
        f, exact, xs = of_first(name, operands)
        for orders in orders_of(len(xs)):
            got = nested_grad(f, orders)(*xs)
            with mp.workdps(50):
                true = mp.diff(exact, tuple(map(mp.mpf, xs)), orders)
                true = true if abs(true) > 1e-25 else 0  # what 50 digits leave of a 0
                assert relative(got, true) <= 1e-10, (xs, orders, got, float(true))


SINGLE = {
    "x**x": lambda m, x: x**x,
    "exp(sin x)": lambda m, x: m.exp(m.sin(x)),
    "log(1 + x²)": lambda m, x: m.log(1 + x * x),
    "x·exp(−x²)": lambda m, x: x * m.exp(-x * x),
    "tanh(x³)": lambda m, x: m.tanh(x**3),
    "sqrt(1 + x)/cos x": lambda m, x: m.sqrt(1 + x) / m.cos(x),
    "atan(2/x)": lambda m, x: m.atan(2 / x),
    "sinh(x)·log(x)": lambda m, x: m.sinh(x) * m.log(x),
    "x**2.5 − 3/x": lambda m, x: x**2.5 - 3 / x,
    "2**x·sin(5x)": lambda m, x: 2**x * m.sin(5 * x),
}


@pytest.mark.parametrize("name", SINGLE)
def test_functions_to_the_fifth_derivative(name):
    f = SINGLE[name]
    for x in (0.3, 0.7, 1.3):
        for order in range(1, 6):
            with mp.workdps(50):
                true = mp.diff(lambda z: f(mp, z), mp.mpf(x), order)
                assert relative(nested_grad(lambda z: f(engine, z), (order,))(x), true) <= 1e-10, (x, order)


def test_the_fifth_derivative_of_tanh():
    fifth = sympy.lambdify("x", sympy.diff(sympy.tanh(sympy.Symbol("x")), "x", 5), "mpmath")
    with mp.workdps(50):
        for x in (-20.0, -5.0, -2.5, -1.0, -0.1, 0.0, 1e-3, 0.5, 1.7, 3.0, 5.0, 20.0):
            assert relative(nested_grad(tanh, (5,))(x), fifth(mp.mpf(x))) <= 1e-10


SEVERAL = {
    "x·sin(yz)": lambda m, x, y, z: x * m.sin(y * z),
    "exp(xy)/z": lambda m, x, y, z: m.exp(x * y) / z,
    "log(x + y² + z³)": lambda m, x, y, z: m.log(x + y**2 + z**3),
    "x**y·tanh z": lambda m, x, y, z: x**y * m.tanh(z),
    "sqrt(x² + y² + z²)": lambda m, x, y, z: m.sqrt(x * x + y * y + z * z),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_hessians_and_mixed_third_derivatives_against_sympy(name):
    f, point = SEVERAL[name], [0.7, 1.3, 0.4]
    xs = sympy.symbols("x y z", positive=True)
    at = dict(zip(xs, map(sympy.Float, point, itertools.repeat(60)), strict=True))

    def true(*by):
        return float(sympy.diff(f(sympy, *xs), *(xs[i] for i in by)).evalf(50, subs=at))

    want = [[true(i, j) for j in range(3)] for i in range(3)]
    assert close(hessian(lambda p: f(engine, *p))(point), want)
    assert close(hessian(lambda x, y, z: f(engine, x, y, z), (0, 1, 2))(*point), want)
    assert close(nested_grad(lambda x, y, z: f(engine, x, y, z), (1, 1, 1))(*point), true(0, 1, 2))
    third = jacobian(hessian(lambda p: f(engine, *p)))(point)
    assert close(third, [[[true(i, j, k) for k in range(3)] for j in range(3)] for i in range(3)])


def rosenbrock(x):
    return engine.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in itertools.pairwise(x))


def test_the_hessian_of_rosenbrock():
    assert hessian(rosenbrock)([1.0, 1.0]) == [[802.0, -400.0], [-400.0, 200.0]]
    xs = sympy.symbols("a b c d")
    f = sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(xs))
    point = [-1.2, 1.0, 0.5, 3.0]
    want = np.array(sympy.hessian(f, xs).subs(dict(zip(xs, point, strict=True))), float)
    assert close(hessian(rosenbrock)(point), want)


def test_the_jacobian_of_softmax():
    x = np.array([0.5, -1.0, 3.0, 0.0])
    p = np.exp(x) / np.exp(x).sum()
    got = jacobian(engine.softmax)(x)
    assert isinstance(got, np.ndarray)
    assert close(got, np.diag(p) - np.outer(p, p))


# --------------------------------------------------------------------------- a network, and PyTorch


def mlp_loss(p, batch):
    """Mean squared error of a 2-8-1 network; p holds 33 numbers in W1, b1, w2, b2."""
    W1, b1, w2, b2 = p
    errors = [
        engine.dot(w2, [tanh(engine.dot(row, x, b)) for row, b in zip(W1, b1, strict=True)], b2) - t for x, t in batch
    ]
    return engine.mean([e * e for e in errors])


def network(seed=0):
    rng = np.random.default_rng(seed)
    parameters = [rng.normal(size=(8, 2)), rng.normal(size=8), rng.normal(size=8), 0.3]
    return parameters, [(row[:2], row[2]) for row in rng.normal(size=(5, 3)).tolist()]


def test_the_hessian_of_a_network_against_pytorch():
    torch = pytest.importorskip("torch")
    parameters, batch = network()
    x, t = (torch.tensor(column, dtype=torch.float64) for column in zip(*batch, strict=True))

    def loss(W1, b1, w2, b2):
        return ((torch.tanh(x @ W1.T + b1) @ w2 + b2 - t) ** 2).mean()

    tensors = tuple(torch.tensor(p, dtype=torch.float64) for p in parameters)
    want = torch.autograd.functional.hessian(loss, tensors)
    got = hessian(mlp_loss)(parameters, batch=batch)
    for i, j in itertools.product(range(4), repeat=2):
        assert np.shape(got[i][j]) == tuple(want[i][j].shape)
        assert close(got[i][j], want[i][j])


def test_a_hessian_is_symmetric_and_times_a_vector_is_hvp():
    parameters, batch = network(1)
    form = [p.tolist() if isinstance(p, np.ndarray) else p for p in parameters]
    numbers = nested.flat(form)

    def loss(p):
        return mlp_loss(nested.rebuilt(form, p), batch)

    H = np.array(hessian(loss)(numbers))
    v = np.random.default_rng(2).normal(size=len(numbers))
    assert np.abs(H - H.T).max() <= 1e-14 * np.abs(H).max()
    assert close(hvp(loss, numbers, v.tolist()), H @ v)
    assert close(jacobian(grad(loss))([Value(x) for x in numbers]), H)  # by graphs alone


def test_a_hessian_of_more_inputs_than_one_sweep_carries():
    x = np.linspace(-1.0, 1.0, 300)
    H = hessian(lambda x: engine.sum(a * a * b for a, b in itertools.pairwise(x)))(x)
    want = np.diag(np.append(2 * x[1:], 0.0)) + np.diag(2 * x[:-1], 1) + np.diag(2 * x[:-1], -1)
    assert H.shape == (300, 300)
    assert close(H, want)


# --------------------------------------------------------------------------- forward and backward


def vector_function(x, y):
    return [x[0] * sin(y) + x[1] ** 2, {"p": (exp(x[0] - x[1]), y)}, [3.0, tanh(x[0] * y)]]


@settings(max_examples=40)
@given(st.tuples(*[NUMBERS] * 3), st.tuples(*[NUMBERS] * 3), st.tuples(*[NUMBERS] * 5))
def test_jvp_and_vjp_are_adjoint(x, v, u):
    """⟨J·v, u⟩ = ⟨v, Jᵀ·u⟩."""
    cotangent = [u[0], {"p": (u[1], u[2])}, [u[3], u[4]]]
    value, Jv = jvp(vector_function, ([x[0], x[1]], x[2]), ([v[0], v[1]], v[2]))
    same, pullback = vjp(vector_function, [x[0], x[1]], x[2])
    (a, b), c = pullback(cotangent)
    left = math.fsum(p * q for p, q in zip(nested.flat(Jv), u, strict=True))
    right = math.fsum((v[0] * a, v[1] * b, v[2] * c))
    assert value == same
    assert left == pytest.approx(right, rel=1e-12, abs=1e-12)


@settings(max_examples=30)
@given(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(NUMBERS, min_size=4, max_size=4))
def test_hvp_is_the_hessian_times_the_direction(x, v):
    H = np.array(hessian(rosenbrock)(x))
    assert hvp(rosenbrock, x, v) == pytest.approx((H @ v).tolist(), rel=1e-12, abs=1e-9)
    assert hvp(rosenbrock, (np.array(x),), (np.array(v),)) == pytest.approx(H @ v, rel=1e-12, abs=1e-9)


def test_forward_mode_gives_the_columns_of_the_jacobian():
    def f(x):
        return [x[0] * x[1], sin(x[1]) / x[2], x[2]]

    x = [0.5, 1.5, -2.0]
    columns = [jvp(f, x, e)[1] for e in np.eye(3).tolist()]
    assert close(np.transpose(columns), jacobian(f)(x))
    assert close(jacobian(f)(x), [[1.5, 0.5, 0], [0, math.cos(1.5) / -2, -math.sin(1.5) / 4], [0, 0, 1]])


def test_hvp_of_several_arguments():
    assert hvp(lambda x, y: x**2 * y, (3.0, 5.0), (1.0, 2.0)) == (22.0, 6.0)
    assert hvp(lambda x: x**3, 2.0, 10.0) == hvp(lambda x: x**3, (2.0,), (10.0,)) == 120.0


def test_a_pullback_can_be_called_again():
    _, pullback = vjp(lambda x: x[0] * x[1], [2.0, 5.0])
    assert pullback(1.0) == pullback(1.0) == ([5.0, 2.0],)
    assert pullback(np.float64(3.0)) == ([15.0, 6.0],)
    assert grad(lambda c: pullback(c * c)[0][0])(3.0) == 30.0
    _, pullback = vjp(lambda x: [x, x], 2.0)  # one node twice
    assert pullback([1.0, 10.0]) == (11.0,)


def test_forward_mode_nests():
    def derivative(f):
        return lambda x: jvp(f, x, 1.0)[1]

    assert derivative(derivative(derivative(lambda x: x**4)))(2.0) == 48.0
    assert grad(derivative(grad(lambda x: x**4)))(2.0) == 48.0
    assert derivative(lambda x: hvp(lambda y: y**5, x, 1.0))(2.0) == 240.0
    assert grad(lambda x: vjp(lambda y: y**3 * x, x)[1](1.0)[0])(2.0) == 36.0
    assert grad(lambda x: hessian(lambda y: y**3 * x)(x))(2.0) == 24.0


def test_along_a_direction_of_0_nothing_moves():
    """√x has an infinite slope at 0, but f(x, y) does not change with x when x stays."""
    assert jvp(lambda x, y: sqrt(x) + y, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)


# --------------------------------------------------------------------------- perturbation confusion


@pytest.mark.parametrize(
    ("f", "x", "want"),
    [
        (lambda x: x * grad(lambda y: x * y)(x), 3.0, 6.0),
        (lambda x: x * grad(lambda y: x + y)(1.0), 3.0, 1.0),  # Siskind and Pearlmutter 2005
        (lambda x: x * grad(lambda y: x * y)(2.0), 3.0, 6.0),
        (lambda x: x * jvp(lambda y: x + y, 1.0, 1.0)[1], 3.0, 1.0),
        (lambda x: grad(lambda y: y * y * x)(x), 3.0, 12.0),
        (lambda x: grad(lambda x: x**3)(x) * x, 2.0, 36.0),  # one name for both
        (lambda x: grad(lambda y: grad(lambda z: x * y * z)(y) * x)(x), 2.0, 4.0),
        (lambda x: jvp(lambda y: jvp(lambda z: x * y * z, y, x)[1], x, 1.0)[1], 2.0, 4.0),
        (lambda x: vjp(lambda y: x * y, x)[1](x)[0], 3.0, 6.0),
        (lambda x: grad(lambda y: x)(x) + x, 3.0, 1.0),
        (lambda x: hessian(lambda y: x * y * y)(x), 3.0, 2.0),
        (lambda x: hvp(lambda y: x * y * y * y, x, x), 2.0, 6.0 * 3.0 * 4.0),
        (lambda x: sum(jacobian(lambda y: [x * y[0], y[1] * y[0]])([x, x])[1]), 3.0, 2.0),
    ],
)
def test_no_perturbation_confusion(f, x, want):
    assert grad(f)(x) == want
    assert jvp(f, x, 1.0)[1] == want


def test_the_very_value_of_the_outer_function():
    x = Value(3.0)
    inner = grad(lambda y: x * y)(x)
    assert (inner.data, grad(lambda y: x * y * y)(x).data) == (3.0, 18.0)
    inner.backward()
    assert x.grad == 1.0


# --------------------------------------------------------------------------- poles and kinks


def test_infinite_slopes():
    """With numbers and with graphs alike; beyond a pole a graph gives nan, never a wrong number."""
    x = Value(0.0)
    assert grad(sqrt)(0.0) == grad(sqrt)(x).data == math.inf
    assert math.isnan(grad(grad(sqrt))(0.0))
    assert math.isnan(hessian(sqrt)(0.0))
    assert grad(lambda x, y: sqrt(x) + y * y, 1)(0.0, 3.0) == 6.0
    H = hessian(lambda p: sqrt(p[0]) + p[1] ** 3)([0.0, 2.0])
    assert (H[0][1], H[1][0], H[1][1]) == (0.0, 0.0, 12.0)
    assert math.isnan(H[0][0])


def test_second_derivatives_at_kinks():
    for f in (
        engine.relu,
        engine.abs,
        engine.leaky_relu,
        lambda x: engine.maximum(x, 0.0),
        lambda x: engine.max([x, -x]),
    ):
        assert grad(grad(f))(0.0) == hessian(f)(0.0) == 0.0


def test_a_cubic_at_the_seam_of_a_power():
    assert [nested_grad(lambda x: x**3, (k,))(0.0) for k in range(1, 6)] == [0.0, 0.0, 6.0, 0.0, 0.0]


def test_gradients_are_those_of_backward():
    for name in TABLE:
        for operands in moderate(name, 2):
            f, _, xs = of_first(name, operands)
            leaves = list(map(Value, xs))
            f(*leaves).backward()
            assert grad(f, tuple(range(len(xs))))(*xs) == tuple(leaf.grad for leaf in leaves)
