"""compare, as somebody meets it who derived a gradient by hand: each mistake is named, each right gradient passes."""

import math
import re
from itertools import chain

import numpy as np
import pytest

from engine import (
    Value,
    check_grads,
    compare,
    compare_function,
    dot,
    exp,
    log,
    maximum,
    mean,
    sigmoid,
    softmax,
    sum,
    tanh,
)
from nn import MLP

RNG = np.random.default_rng(3)


def said(report, *words):
    """Whether the report says that something is wrong, in these words."""
    return not report and all(re.search(word, report.verdict, re.IGNORECASE | re.DOTALL) for word in words)


def all_scaled(c):
    return lambda gradients: [c * np.asarray(g) for g in gradients]


# ------------------------------------------------------------------- five functions, written in five ways

X5, Y5 = RNG.normal(size=(5, 3)), np.array([1.0, 0, 0, 1, 1])


def one_neuron(w, b):
    return (tanh(w * 1.7 + b) + 0.4) ** 2


def one_neuron_gradient(w, b, activation=True):
    a = np.tanh(w * 1.7 + b)
    dz = 2 * (a + 0.4) * ((1 - a * a) if activation else 1.0)
    return dz * 1.7, dz


def logistic(w, b):
    total = 0
    for x, y in zip(X5, Y5, strict=True):
        p = sigmoid(dot(w, x, b))
        total = total - (y * log(p) + (1 - y) * log(1 - p))
    return total / 5


def logistic_gradient(w, b):
    error = 1 / (1 + np.exp(-(X5 @ w + b))) - Y5
    return [X5.T @ error / 5, error.sum() / 5]


X6, T6 = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))


def least_squares(W, b):
    total = 0
    for i in range(6):
        for k in range(2):
            z = b[k]
            for j in range(3):
                z = z + X6[i, j] * W[j][k]
            total = total + (z - T6[i, k]) ** 2
    return total / 6


def least_squares_gradient(W, b):
    error = X6 @ np.asarray(W) + b - T6
    return [2 * X6.T @ error / 6, 2 * error.sum(0) / 6]


def cubed(W):
    return sum(tanh(dot([row[k] for row in W], x)) ** 3 for x in X5 for k in range(3))


def cubed_gradient(W):
    A = np.tanh(X5 @ W)
    return [X5.T @ (3 * A**2 * (1 - A**2))]


XN, TN = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))


def network(W1, b1, W2, b2):
    loss = 0
    for x, t in zip(XN, TN, strict=True):
        h = [tanh(dot(row, x, b)) for row, b in zip(W1, b1, strict=True)]
        loss = loss + sum((dot(row, h, b) - u) ** 2 for row, b, u in zip(W2, b2, t, strict=True))
    return loss / 5


def network_gradient(W1, b1, W2, b2, slip=""):
    A = np.tanh(XN @ W1.T + b1)
    do = 2 * (A @ W2.T + b2 - TN) / 5
    dA = do @ (W2.T if slip == "W2 transposed" else W2)
    dz = dA if slip == "activation" else dA * (1 - A * A)
    db1 = {"dA": dA.sum(0), "mean": dz.mean(0), "not summed": dz}.get(slip, dz.sum(0))
    return [dz.T @ XN, db1, do.T @ A, do.sum(0)]


NEURON = one_neuron, (0.7, -0.3), one_neuron_gradient
LOGISTIC = logistic, [np.array([0.3, -0.8, 0.5]), 0.2], logistic_gradient
SQUARES = least_squares, [RNG.normal(size=(3, 2)), RNG.normal(size=2)], least_squares_gradient
CUBED = cubed, [RNG.normal(size=(3, 3))], cubed_gradient
NETWORK = network, [RNG.normal(size=s) for s in ((3, 3), 3, (3, 3), 3)], network_gradient
MODELS = {"neuron": NEURON, "logistic": LOGISTIC, "squares": SQUARES, "cubed": CUBED, "network": NETWORK}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@every_model
def test_right_gradients_are_right(model):
    f, inputs, gradient = model
    right = gradient(*inputs)
    nested = [np.asarray(item).tolist() for item in inputs]
    assert compare(f, inputs, gradient)
    assert compare(f, inputs, right)
    assert compare(f, inputs, tuple(right))
    assert compare(f, nested, [np.asarray(g).tolist() for g in right])
    assert check_grads(f, nested)


@every_model
@pytest.mark.parametrize(
    ("c", "words"),
    [
        (-1, ["wrong sign"]),
        (2, ["factor 2", "accumulated", "zero_grad"]),
        (0.5, ["1/2"]),
        (1.25, ["5/4"]),
    ],
)
def test_a_constant_factor(model, c, words):
    f, inputs, gradient = model
    report = compare(f, inputs, all_scaled(c)(gradient(*inputs)))
    if model is NEURON and c == 1.25:  # of single numbers any mistake is a factor
        words = []
    assert said(report, *words)


@pytest.mark.parametrize(("model", "m"), [(LOGISTIC, 5), (SQUARES, 6), (NETWORK, 5)])
def test_the_batch_size_as_a_factor(model, m):
    f, inputs, gradient = model
    right = gradient(*inputs)
    summed, averaged = compare(f, inputs, all_scaled(m)(right)), compare(f, inputs, all_scaled(1 / m)(right))
    assert said(summed, "sum instead of mean", str(m))
    assert summed.causes[0].kind == "sum instead of mean"
    assert said(averaged, "mean instead of sum|1/m|1/" + str(m))


def changed(model, item, change):
    f, inputs, gradient = model
    given = list(gradient(*inputs))
    given[item] = change(np.array(given[item], float))
    return compare(f, inputs, given)


def set_at(place, number):
    def change(g):
        g[place] = number
        return g

    return change


@pytest.mark.parametrize(
    ("model", "item", "change", "words"),
    [
        (SQUARES, 0, np.transpose, ["W: .*transposed"]),
        (CUBED, 0, np.transpose, ["transposed"]),
        (NETWORK, 2, np.transpose, ["W2: .*transposed"]),
        (CUBED, 0, lambda g: -g.T, ["transposed", "sign"]),
        (LOGISTIC, 0, lambda g: np.roll(g, 1), ["w: .*shifted by one"]),
        (SQUARES, 0, lambda g: np.roll(g, 1, 0), ["shifted by one"]),
        (CUBED, 0, lambda g: np.roll(g, -1, 1), ["shifted by one"]),
        (LOGISTIC, 0, lambda g: g[[1, 0, 2]], ["w: .*permuted"]),
        (CUBED, 0, lambda g: g.ravel()[[4, 8, 0, 1, 7, 2, 6, 3, 5]].reshape(3, 3), ["permuted"]),
        (NETWORK, 1, lambda g: g[[0, 2, 1]], ["b1: .*permuted"]),
        (SQUARES, 0, lambda g: g * [[1], [1.5], [1]], ["row 1"]),
        (SQUARES, 0, lambda g: np.add(g, [0, 0.1]), ["column 1"]),
        (SQUARES, 0, set_at((2, 0), 9.0), [r"W\[2\]\[0\]"]),
        (LOGISTIC, 0, lambda g: g * [1, 1, 1.3], [r"w\[2\]"]),
        (NETWORK, 2, lambda g: np.add(g, [[1], [0], [2]]), ["W2: .*rows 0, 2"]),
        (LOGISTIC, 0, lambda g: g[:, None], ["shape"]),
        (SQUARES, 0, np.ravel, ["shape"]),
        (NETWORK, 1, lambda g: g[:2], ["b1: .*shape"]),
        (LOGISTIC, 0, np.zeros_like, ["w: no gradient"]),
        (SQUARES, 1, np.zeros_like, ["b: no gradient"]),
        (LOGISTIC, 1, np.zeros_like, ["b: no gradient"]),
        (LOGISTIC, 0, set_at(1, math.nan), ["nan", r"w\[1\]"]),
        (CUBED, 0, set_at((1, 2), math.inf), ["inf", r"\[1\]\[2\]"]),
        (NETWORK, 3, set_at(0, math.nan), ["b2: .*nan"]),
        (LOGISTIC, 1, lambda g: -g, ["b: .*sign"]),
        (NETWORK, 2, lambda g: 3 * g, ["W2: .*3"]),
        (CUBED, 0, lambda g: g + 0.5, ["wrong"]),
    ],
)
def test_a_mistake_in_one_input(model, item, change, words):
    report = changed(model, item, change)
    assert said(report, *words)


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ("W2 transposed", ["W2", "transposed"]),
        ("activation", ["activation derivative", "tanh"]),
        ("dA", ["b1: .*(wrong variable|activation)", "tanh"]),
        ("mean", ["b1: ", "mean instead of sum|1/5|1/m"]),
        ("not summed", ["b1: ", "not summed", "shape"]),
    ],
)
def test_a_slip_in_backpropagation(slip, words):
    report = compare(network, NETWORK[1], lambda *inputs: network_gradient(*inputs, slip=slip))
    assert said(report, *words)


def test_a_missing_activation_derivative():
    slip = one_neuron_gradient(0.7, -0.3, activation=False)
    assert said(compare(one_neuron, [0.7, -0.3], slip), "activation", "tanh")
    W = CUBED[1][0]
    assert said(compare(cubed, [W], X5.T @ (3 * np.tanh(X5 @ W) ** 2)), "activation", "tanh")
    p = 1 / (1 + math.exp(-0.9))
    assert said(compare(lambda z: (sigmoid(z) - 0.3) ** 2, [0.9], [2 * (p - 0.3)]), "activation", "sigmoid")


def test_the_derivative_with_respect_to_another_variable():
    dW1, db1, dW2, db2 = network_gradient(*NETWORK[1])
    assert said(compare(network, NETWORK[1], [dW2, db1, dW1, db2]), "W1: .*wrong variable.*W2", "W2: .*W1")
    assert said(compare(network, NETWORK[1], [dW1, db2, dW2, db2]), "b1: .*wrong variable.*b2")
    assert said(compare(one_neuron, [0.7, -0.3], one_neuron_gradient(0.7, -0.3)[::-1]), "w: .*wrong variable.*b")


# ------------------------------------------------------------------- paths


def residual(x, W, t):
    h = [tanh(v) for v in x]
    return sum((xi + dot(row, h) - ti) ** 2 for xi, row, ti in zip(x, W, t, strict=True))


def test_a_missing_path_is_named():
    def several(x):
        a = tanh(x)
        return a * x + sigmoid(a)

    a = math.tanh(0.8)
    p, da = 1 / (1 + math.exp(-a)), 1 - a * a
    through_tanh, direct, through_sigmoid = da * 0.8, a, p * (1 - p) * da
    assert compare(several, 0.8, through_tanh + direct + through_sigmoid)
    assert said(compare(several, [0.8], [through_tanh + direct]), "path|missing", "sigmoid")
    assert said(compare(several, [0.8], [through_tanh + through_sigmoid]), "path", "mul")
    assert said(compare(several, [0.8], [direct]), "path", "tanh")

    x, W, t = np.array([0.3, -0.9, 1.4]), RNG.normal(size=(3, 3)), np.array([1.0, 0.2, -0.4])
    e = 2 * (x + W @ np.tanh(x) - t)
    branch = (W.T @ e) * (1 - np.tanh(x) ** 2)
    assert compare(lambda x: residual(x, W, t), [x], e + branch)
    assert said(compare(lambda x: residual(x, W, t), [x], branch), "path is missing", "add")
    assert said(compare(lambda x: residual(x, W, t), [x], e), "path is missing", "tanh")


def test_a_forgotten_penalty():
    X, y, w = X5[:, :2], Y5, np.array([0.4, -1.2])

    def ridge(w):
        return sum((dot(w, row) - t) ** 2 for row, t in zip(X, y, strict=True)) / 5 + 0.3 * sum(v * v for v in w)

    data, penalty = 2 * X.T @ (X @ w - y) / 5, 2 * 0.3 * w
    assert compare(ridge, [w], data + penalty)
    assert said(compare(ridge, [w], data), "path is missing", "mul")
    assert said(compare(ridge, [w], penalty), "path is missing", "dot")
    assert said(compare(ridge, [w], data - penalty), "sign is wrong")


# ------------------------------------------------------------------- two published slips

TARGETS, GUESS = np.array([1.0, 0, 1, 1]), np.array([0.3, 0.6, 0.9, 0.2])
CLASSES = np.eye(3)[[0, 2, 1, 2]]
SHARES = RNG.dirichlet([1, 1, 1], size=4)


def cross_entropies(yhat):
    return [-(y * log(p) + (1 - y) * log(1 - p)) for y, p in zip(TARGETS, yhat, strict=True)]


def test_the_mean_binary_cross_entropy_without_its_mean():
    slip = (GUESS - TARGETS) / (GUESS * (1 - GUESS))
    for f in (lambda yhat: sum(cross_entropies(yhat)) / 4, lambda yhat: mean(cross_entropies(yhat))):
        assert compare(f, [GUESS], slip / 4)
        for given in (slip, [slip], lambda p: (p - TARGETS) / (p * (1 - p))):
            report = compare(f, [GUESS], given)
            assert said(report, "sum instead of mean", "1/m")


WRONG_VARIABLE = ["wrong variable", "dL/dz", "dL/da"]


def test_the_gradient_of_z_given_for_that_of_a_sigmoid():
    for f, a, y in [
        (lambda a: -log(a), 0.7, 1.0),
        (lambda a: -log(1 - a), 0.7, 0.0),
        (lambda a: -(0.3 * log(a) + 0.7 * log(1 - a)), 0.6, 0.3),
    ]:
        assert compare(f, [a], [(a - y) / (a * (1 - a))])
        report = compare(f, [a], [a - y])
        assert said(report, *WRONG_VARIABLE, "sigmoid")
    assert said(compare(lambda a: sum(cross_entropies(a)), [GUESS], [GUESS - TARGETS]), *WRONG_VARIABLE)
    assert said(compare(lambda a: mean(cross_entropies(a)), [GUESS], [(GUESS - TARGETS) / 4]), *WRONG_VARIABLE)
    both = compare(lambda a: mean(cross_entropies(a)), [GUESS], [GUESS - TARGETS])
    assert said(both, *WRONG_VARIABLE, "sum instead of mean")


@pytest.mark.parametrize("scale", [1, 4], ids=["sum", "mean"])
def test_the_gradient_of_z_given_for_that_of_a_softmax(scale):
    def by_products(a):
        return -sum(y * log(p) for y, p in zip(CLASSES.ravel(), chain(*a), strict=True)) / scale

    def by_index(a):
        return -sum(log(row[int(y.argmax())]) for y, row in zip(CLASSES, a, strict=True)) / scale

    for f in (by_products, by_index):
        assert compare(f, [SHARES], -CLASSES / SHARES / scale)
        report = compare(f, [SHARES], (SHARES - CLASSES) / scale)
        assert said(report, *WRONG_VARIABLE, "softmax")
    one = compare(lambda a: -log(a[0]), [SHARES[0]], SHARES[0] - CLASSES[0])
    assert said(one, *WRONG_VARIABLE, "softmax")


def test_the_gradient_of_a_given_for_that_of_z():
    z = np.array([0.2, -0.5, 1.0])
    p = np.exp(z) / np.exp(z).sum()
    assert compare(lambda z: -log(softmax(z)[0]), [z], p - [1, 0, 0])
    assert said(compare(lambda z: -log(softmax(z)[0]), [z], [-1 / p[0], 0, 0]), "wrong variable|activation", "softmax")


# ------------------------------------------------------------------- models, and NumPy functions of values


def test_the_parameters_of_a_model():
    model, X, t = MLP(2, [3, 1], activation="tanh", seed=4), RNG.normal(size=(4, 2)), RNG.normal(size=4)

    def loss():
        return mean([(model(x) - u) ** 2 for x, u in zip(X.tolist(), t, strict=True)])

    def gradient(activation=True):
        (W1, b1, W2, b2) = model.state_dict().values()
        A = np.tanh(X @ W1.T + b1)
        do = 2 * (A @ W2.T + b2 - t[:, None]) / 4
        dz = (do @ W2) * ((1 - A * A) if activation else 1)
        rows = [(*w, b) for w, b in zip(dz.T @ X, dz.sum(0), strict=True)]
        return np.array([*chain(*rows), *(do.T @ A)[0], do.sum()])

    right = gradient()
    for inputs in (model, model.parameters()):
        assert check_grads(loss, inputs)
        assert compare(loss, inputs, right)
        assert compare(loss, inputs, list(right))
        assert said(compare(loss, inputs, -right), "sign")
        assert said(compare(loss, inputs, 4 * right), "sum instead of mean")
        assert said(compare(loss, inputs, gradient(activation=False)), "activation", "tanh")
    loss().backward()
    by_name = model.grad_dict()
    assert compare(loss, model, by_name)
    assert said(compare(loss, model, {**by_name, "layers.1.bias": [0.0]}), "no gradient", r"layers.1.bias")
    assert said(compare(loss, model, {**by_name, "layers.0.weight": by_name["layers.0.weight"].T}), "transposed")


def test_a_call_accumulated_for_real():
    w = Value(0.5, "w")
    for _ in range(2):
        ((w * 3 - 1) ** 2).backward()
    report = compare(lambda: (w * 3 - 1) ** 2, [w], [w.grad])
    assert said(report, "accumulated", "zero_grad", "factor 2|twice")
    assert {"factor", "accumulated"} <= {cause.kind for cause in report.causes}


W23, X3 = RNG.normal(size=(2, 3)), np.array([0.4, -1.1, 2.0])


def test_functions_of_the_same_values():
    def product(W, x):
        return [dot(row, x) for row in W]

    assert compare_function(lambda x: tanh(x) * x, lambda x: np.tanh(x) * x, 0.3)
    assert compare_function(product, lambda W, x: W @ x, [W23, X3])
    assert compare_function(lambda x: (x[0], [x[1], x[2]]), lambda x: (x[0], [x[1], x[2]]), [X3])
    assert compare_function(lambda W: [list(r) for r in W], lambda W: W, [W23])
    assert said(compare_function(product, lambda W, x: -W @ x, [W23, X3]), "sign")
    assert said(compare_function(product, lambda W, x: 2 * W @ x, [W23, X3]), "factor 2")
    assert said(compare_function(product, lambda W, x: (W @ x)[:, None], [W23, X3]), "shape")
    assert said(compare_function(lambda W: [list(r) for r in W], np.transpose, [W23]), "transposed")
    assert said(compare_function(lambda x: [exp(v) for v in x], lambda x: x + math.nan, [X3]), "nan")
    assert not compare_function(tanh, lambda x: np.tanh(x) * (1 + 1e-6), [0.4])
    assert not compare_function(lambda x: (x[0], [x[1], x[2]]), lambda x: (x[0], [x[1], -x[2]]), [X3])
    with pytest.raises(TypeError, match="return"):
        compare_function(tanh, lambda x: None, [0.4])


@pytest.mark.parametrize(("gradient", "is_right"), [(1.0, True), (1.5, True), (2.0, True), (3.0, False), (0.5, False)])
def test_at_a_tie_of_computed_numbers_only_the_slopes_between_the_sides_are_right(gradient, is_right):
    """Shaken digits decide the tie either way: that is no rounding error to be forgiven."""
    assert bool(compare(lambda x: maximum(x * 2, x + 1), [1.0], [gradient])) == is_right
