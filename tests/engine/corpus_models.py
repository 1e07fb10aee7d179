"""Models whose gradients students write by hand: two-layer networks; more in `corpus_layers` and `corpus_small`.

Each is written twice. `f` is the loss, in the engine's operations, of nested lists of Values: with n-ary nodes (`dot`,
`mean`) in some, by hand (`sum(w * x for ...)`) in others. `backward` is the gradient in NumPy, a forward pass that
keeps what the backward pass needs. A mistake is one line of it changed:

    MSE_TANH.slip("dA2 = 2 * (A2 - Y) / m", "dA2 = 2 * (A2 - Y)")

Glossary: X, Y the examples and their targets (rows, or columns as in Ng's course), m how many; W, b weights and biases;
Z before and A after the activation; dZ is dL/dZ.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import engine
from engine import dot, exp, log, log_softmax, mean, relu, sigmoid, tanh

Gradient = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A loss `f(*inputs)`, and the right gradient `backward(*data, *inputs)`: one array for each input."""

    name: str
    f: Callable[..., Any]
    inputs: tuple[Any, ...]
    names: tuple[str, ...]
    backward: Gradient
    data: tuple[Any, ...] = ()

    def gradient(self, *inputs: Any) -> Any:
        """The right gradient."""
        return self.backward(*self.data, *inputs)

    def slip(self, *changes: str) -> Gradient:
        """The same gradient with slips in it: `right, wrong` in turn, each `right` found once in the source."""
        source = inspect.getsource(self.backward)
        for right, wrong in zip(changes[::2], changes[1::2], strict=True):
            assert source.count(right) == 1, f"{self.name}: {right!r} is there {source.count(right)} times"
            source = source.replace(right, wrong)
        namespace = dict(self.backward.__globals__)
        exec(source, namespace)
        return partial(namespace[self.backward.__name__], *self.data)

    def at(self, *inputs: Any) -> "Model":
        """The model at other inputs."""
        return replace(self, inputs=inputs)


def normal(seed: int, *shape: int) -> np.ndarray:
    """Seeded normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def parameters(seed: int, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Seeded normal arrays, smaller than the data."""
    rng = np.random.default_rng(seed)
    return tuple(0.7 * rng.normal(size=shape) for shape in shapes)


def transposed(rows: Any) -> list[list[Any]]:
    """The columns of a list of rows."""
    return [list(column) for column in zip(*rows, strict=True)]


def layer(x: Any, W: Any, b: Any) -> list[Any]:
    """x W + b, for one example, W of shape (in, out): a `dot` for each neuron."""
    return [dot(w, x, bias) for w, bias in zip(transposed(W), b, strict=True)]


def by_hand(x: Any, W: Any, b: Any) -> list[Any]:
    """W x + b, for one example, W of shape (out, in), b a column of shape (out, 1): products and sums."""
    return [sum(w * v for w, v in zip(row, x, strict=True)) + bias[0] for row, bias in zip(W, b, strict=True)]


NET = ("W1", "b1", "W2", "b2")

# -------------------------------------------------------------------------------------- mean squared error


def tanh_mse_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    losses = []
    for x, y in zip(X, Y, strict=True):
        a1 = [tanh(z) for z in layer(x, W1, b1)]
        a2 = layer(a1, W2, b2)
        losses.append(engine.sum([(a - t) ** 2 for a, t in zip(a2, y, strict=True)]))
    return mean(losses)


def tanh_mse(X, Y, W1, b1, W2, b2):
    m = len(X)
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    A2 = A1 @ W2 + b2

    dA2 = 2 * (A2 - Y) / m
    dW2 = A1.T @ dA2
    db2 = np.sum(dA2, axis=0)
    dA1 = dA2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return [dW1, db1, dW2, db2]


def sigmoid_mse_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """Nielsen's quadratic cost, 1/2m Σ ‖y − a‖²; a column for each example, both layers sigmoids."""
    loss = 0
    for x, y in zip(transposed(X), transposed(Y), strict=True):
        a1 = [1 / (1 + exp(-z)) for z in by_hand(x, W1, b1)]
        a2 = [1 / (1 + exp(-z)) for z in by_hand(a1, W2, b2)]
        loss = loss + sum((t - a) * (t - a) for a, t in zip(a2, y, strict=True)) / 2
    return loss / len(X[0])


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


def sigmoid_mse(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = sigma(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigma(Z2)

    dZ2 = (A2 - Y) * sigma_prime(Z2)
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = (W2.T @ dZ2) * sigma_prime(Z1)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return [dW1, db1, dW2, db2]


def sigmoid_mse_loop(X, Y, W1, b1, W2, b2):
    """One example after the other, as in Nielsen's `update_mini_batch`."""
    m = X.shape[1]
    dW1, db1, dW2, db2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    for i in range(m):
        x, y = X[:, [i]], Y[:, [i]]
        z1 = W1 @ x + b1
        a1 = sigma(z1)
        z2 = W2 @ a1 + b2
        a2 = sigma(z2)
        delta = (a2 - y) * sigma_prime(z2)
        db2 += delta / m
        dW2 += np.dot(delta, a1.T) / m
        delta = np.dot(W2.T, delta) * sigma_prime(z1)
        db1 += delta / m
        dW1 += np.dot(delta, x.T) / m
    return [dW1, db1, dW2, db2]


def relu_mse_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """The mean over the batch and over the outputs, as np.mean and PyTorch's mse_loss have it."""
    errors = []
    for x, y in zip(X, Y, strict=True):
        hidden = [relu(z) for z in layer(x, W1, b1)]
        errors += [(a - t) ** 2 for a, t in zip(layer(hidden, W2, b2), y, strict=True)]
    return mean(errors)


def relu_mse(X, Y, W1, b1, W2, b2):
    z1 = X.dot(W1) + b1
    h = np.maximum(z1, 0)
    out = h.dot(W2) + b2

    dout = 2 * (out - Y) / out.size
    dW2 = h.T.dot(dout)
    db2 = dout.sum(axis=0)
    dh = dout.dot(W2.T)
    dz1 = dh * (z1 > 0)
    dW1 = X.T.dot(dz1)
    db1 = dz1.sum(axis=0)
    return dW1, db1, dW2, db2


def network(name: str, loss: Callable[..., Any], backward: Gradient, data: Any, inputs: Any) -> Model:
    """A model whose loss has the same data as its gradient."""
    return Model(name, partial(loss, *(d.tolist() for d in data)), inputs, NET, backward, data)


ROWS = parameters(1, (3, 4), (4,), (4, 2), (2,))
COLUMNS = parameters(2, (4, 3), (4, 1), (2, 4), (2, 1))
SQUARE = parameters(3, (3, 3), (3,), (3, 3), (3,))

MSE_TANH = network("tanh, MSE", tanh_mse_loss, tanh_mse, (normal(11, 5, 3), normal(12, 5, 2)), ROWS)
MSE_SQUARE = network("tanh, MSE, square", tanh_mse_loss, tanh_mse, (normal(13, 5, 3), normal(14, 5, 3)), SQUARE)
MSE_SIGMOID = network(
    "sigmoid, MSE", sigmoid_mse_loss, sigmoid_mse, (normal(15, 3, 5), sigma(normal(16, 2, 5))), COLUMNS
)
MSE_LOOP = replace(MSE_SIGMOID, name="sigmoid, MSE, one by one", backward=sigmoid_mse_loop)
MSE_RELU = network("relu, MSE", relu_mse_loss, relu_mse, (normal(17, 7, 3), normal(18, 7, 2)), ROWS)

# ------------------------------------------------------------------------------------ softmax cross-entropy

REG = 0.1


def relu_ce_loss(X: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """The mean cross-entropy and the weight decay of cs231n."""
    losses = []
    for x, label in zip(X, y, strict=True):
        scores = layer([relu(z) for z in layer(x, W1, b1)], W2, b2)
        losses.append(-log_softmax(scores)[label])
    decay = engine.sum([w * w for W in (W1, W2) for row in W for w in row])
    return mean(losses) + 0.5 * REG * decay


def relu_ce(X, y, W1, b1, W2, b2):
    N = len(X)
    z1 = X @ W1 + b1
    h1 = np.maximum(0, z1)
    scores = h1 @ W2 + b2
    exp_scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)

    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dW2 = h1.T @ dscores
    db2 = np.sum(dscores, axis=0)
    dh1 = dscores @ W2.T
    dh1[z1 <= 0] = 0
    dW1 = X.T @ dh1
    db1 = np.sum(dh1, axis=0)
    dW2 += REG * W2
    dW1 += REG * W1
    return [dW1, db1, dW2, db2]


def tanh_ce_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """−1/m Σ y·log(softmax), by exp, sum and log; a column for each example."""
    loss = 0
    for x, y in zip(transposed(X), transposed(Y), strict=True):
        a1 = [tanh(z) for z in by_hand(x, W1, b1)]
        powers = [exp(z) for z in by_hand(a1, W2, b2)]
        total = sum(powers)
        loss = loss - sum(t * log(p / total) for p, t in zip(powers, y, strict=True))
    return loss / len(X[0])


def tanh_ce(X, Y, W1, b1, W2, b2):
    """Through dL/dA2 and the softmax's own derivative, not by A2 − Y at once."""
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    E = np.exp(Z2)
    A2 = E / np.sum(E, axis=0)

    dA2 = -Y / A2
    dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0))
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return [dW1, db1, dW2, db2]


def sigmoid_ce_loss(X: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """logsumexp(scores) − scores[y], the mean over the batch."""
    losses = []
    for x, label in zip(X, y, strict=True):
        scores = layer([sigmoid(z) for z in layer(x, W1, b1)], W2, b2)
        losses.append(engine.logsumexp(scores) - scores[label])
    return mean(losses)


def sigmoid_ce(X, y, W1, b1, W2, b2):
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = sigma(z1)
    z2 = a1 @ W2 + b2
    p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)

    dz2 = (p - np.eye(p.shape[1])[y]) / m
    dW2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    da1 = dz2 @ W2.T
    dz1 = da1 * a1 * (1 - a1)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return [dW1, db1, dW2, db2]


LABELS = np.array([2, 0, 1, 1, 2])

CE_RELU = network(
    "relu, cross-entropy", relu_ce_loss, relu_ce, (normal(21, 5, 2), LABELS), parameters(4, (2, 4), (4,), (4, 3), (3,))
)
CE_TANH = network(
    "tanh, cross-entropy by hand",
    tanh_ce_loss,
    tanh_ce,
    (normal(22, 2, 5), np.eye(3)[LABELS].T),
    parameters(5, (4, 2), (4, 1), (3, 4), (3, 1)),
)
CE_SQUARE = network("sigmoid, cross-entropy, square", sigmoid_ce_loss, sigmoid_ce, (normal(23, 5, 3), LABELS), SQUARE)

NETWORKS = [MSE_TANH, MSE_SQUARE, MSE_SIGMOID, MSE_LOOP, MSE_RELU, CE_RELU, CE_TANH, CE_SQUARE]
