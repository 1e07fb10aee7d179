"""Right gradients, written in many ways: a checker must call none of them wrong.

Other algebra, other orders of summation, other forms of the answer (nested lists, a tuple, one bare array), float32,
scales from 1e-6 to 1e6, and gradients that are zero because they should be.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .corpus_layers import (
    BATCHNORM,
    BATCHNORM_SQUARE,
    BN_R,
    CONV,
    CONV_PADDED,
    CONV_R,
    CONV_T,
    EPS,
    LSTM,
    LSTM_GATES,
)
from .corpus_models import (
    CE_RELU,
    CE_SQUARE,
    CE_TANH,
    MSE_LOOP,
    MSE_RELU,
    MSE_SIGMOID,
    MSE_SQUARE,
    MSE_TANH,
    Model,
    sigma,
)
from .corpus_small import (
    ATTENTION,
    BCE,
    BCE_LOGITS,
    GRU,
    HUBER,
    LAYERNORM,
    LAYERNORM_R,
    LOGISTIC,
    RNN,
    SOFTMAX,
    SOFTMAX_R,
    TARGETS,
)


@dataclass(frozen=True, eq=False)
class Right:
    """In `model`, `gradient` is right to `tolerance`: a function of the inputs, or the numbers themselves."""

    id: str
    model: Model
    gradient: Any
    tolerance: float = 1e-12  # in parts of the largest entry


# ------------------------------------------------------------------------------------------- other algebra


def network_by_einsum(X, Y, W1, b1, W2, b2):
    a = np.tanh(np.einsum("mi,ij->mj", X, W1) + b1)
    out = np.einsum("mj,jk->mk", a, W2) + b2
    d = (out - Y) * (2 / len(X))
    slope = 1 / np.cosh(np.einsum("mi,ij->mj", X, W1) + b1) ** 2
    hidden = np.einsum("mk,jk,mj->mj", d, W2, slope)
    return (
        np.einsum("mi,mj->ij", X, hidden),
        np.einsum("mj->j", hidden),
        np.einsum("mj,mk->jk", a, d),
        np.einsum("mk->k", d),
    )


def network_from_the_last_example(X, Y, W1, b1, W2, b2):
    """Example by example, the last one first, divided by m at the end."""
    grads = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for x, y in zip(X[::-1], Y[::-1], strict=True):
        a = np.tanh(x @ W1 + b1)
        d = a @ W2 + b2 - y
        hidden = (1 - a) * (1 + a) * (W2 @ d)
        for g, term in zip(grads, (np.outer(x, hidden), hidden, np.outer(a, d), d), strict=True):
            g += term
    return [2 * g / len(X) for g in grads]


def sigmoid_network_by_exponentials(X, Y, W1, b1, W2, b2):
    e1 = np.exp(-(W1 @ X + b1))
    a1 = 1 / (1 + e1)
    e2 = np.exp(-(W2 @ a1 + b2))
    a2 = 1 / (1 + e2)
    d2 = (a2 - Y) * e2 / (1 + e2) ** 2 / X.shape[1]
    d1 = W2.T @ d2 * e1 * a1**2
    ones = np.ones((X.shape[1], 1))
    return [d1 @ X.T, d1 @ ones, d2 @ a1.T, d2 @ ones]


def softmax_network_at_once(X, Y, W1, b1, W2, b2):
    """dZ2 = A2 − Y, the softmax shifted by its maximum."""
    a1 = np.tanh(W1 @ X + b1)
    z2 = W2 @ a1 + b2
    p = np.exp(z2 - z2.max(axis=0))
    d2 = (p / p.sum(axis=0) - Y) / Y.shape[1]
    d1 = W2.T @ d2 * (1 - a1**2)
    return [d1 @ X.T, d1.sum(axis=1, keepdims=True), d2 @ a1.T, d2.sum(axis=1, keepdims=True)]


def batchnorm_by_jacobian(X, gamma, beta):
    """dx = (I − 1/N − x̂x̂ᵀ/N) dx̂ / std, a matrix for each column."""
    N = len(X)
    xhat = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    dx = np.empty_like(X)
    for j in range(X.shape[1]):
        jacobian = np.eye(N) - 1 / N - np.outer(xhat[:, j], xhat[:, j]) / N
        dx[:, j] = jacobian @ (BN_R[:, j] * gamma[j]) / np.sqrt(X[:, j].var() + EPS)
    return [dx, np.einsum("nd,nd->d", BN_R, xhat), BN_R.sum(axis=0)]


def conv_by_taps(x, kernel, bias):
    """One tap of the kernels after the other, the last one first."""
    dx, dkernel = np.zeros_like(x), np.empty_like(kernel)
    _, H, W = CONV_R.shape
    for p in reversed(range(kernel.shape[2])):
        for q in reversed(range(kernel.shape[3])):
            dkernel[:, :, p, q] = np.tensordot(CONV_R, x[:, p : p + H, q : q + W], axes=([1, 2], [1, 2]))
            dx[:, p : p + H, q : q + W] += np.tensordot(kernel[:, :, p, q], CONV_R, axes=(0, 0))
    return dx, dkernel, CONV_R.sum(axis=(1, 2))


def conv_by_columns(x, kernel, bias):
    """im2col: one matrix product, and col2im."""
    C, H, W = x.shape
    xpad = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(xpad, (3, 3), axis=(1, 2))
    columns = patches.transpose(1, 2, 0, 3, 4).reshape(H * W, -1)
    flat = kernel.reshape(len(kernel), -1)
    dout = (columns @ flat.T + bias).T.reshape(-1, H, W) - CONV_T
    dcolumns = (flat.T @ dout.reshape(len(kernel), -1)).reshape(C, 3, 3, H, W)
    dpad = np.zeros_like(xpad)
    for p in range(3):
        for q in range(3):
            dpad[:, p : p + H, q : q + W] += dcolumns[:, p, q]
    dkernel = (dout.reshape(len(kernel), -1) @ columns).reshape(kernel.shape)
    return [dpad[:, 1:-1, 1:-1], dkernel, dout.sum(axis=2).sum(axis=1)]


def bce_by_terms(p):
    return (1 - TARGETS) / (1 - p) / 5 - TARGETS / p / 5


def softmax_by_differences(z):
    """s (r − Σ s r)."""
    s = 1 / np.exp(z[None, :] - z[:, None]).sum(axis=1)
    return s * (SOFTMAX_R - s @ SOFTMAX_R)


def layernorm_by_rows(X, gamma, beta):
    dX, dgamma, dbeta = np.zeros_like(X), 0, 0
    for i, x in enumerate(X):
        std = np.sqrt(np.mean((x - np.mean(x)) ** 2) + EPS)
        xhat = (x - np.mean(x)) / std
        d = 2 * LAYERNORM_R[i] * (gamma * xhat + beta)
        dgamma, dbeta = dgamma + d * xhat, dbeta + d
        centred = d * gamma - np.mean(d * gamma)
        dX[i] = (centred - xhat * np.mean(xhat * centred)) / std
    return [dX, dgamma, dbeta]


# ----------------------------------------------------------------------------------------- other forms


def lists(model: Model) -> Any:
    """The gradient as nested lists: numbers, not a function."""
    return [np.asarray(g).tolist() for g in model.gradient(*model.inputs)]


def rounded(model: Model) -> Callable[..., Any]:
    """The gradient, cast to float32 at the end."""
    return lambda *inputs: [np.asarray(g).astype(np.float32) for g in model.gradient(*inputs)]


def single(model: Model) -> Model:
    """The model in float32 throughout: its inputs, its data, and so its gradient."""
    data = tuple(d.astype(np.float32) if d.dtype == float else d for d in model.data)
    inputs = tuple(x.astype(np.float32) for x in model.inputs)
    f = partial(model.f.func, *(d.tolist() for d in data)) if isinstance(model.f, partial) else model.f
    return replace(model, f=f, inputs=inputs, data=data)


def scaled(model: Model, *scales: float) -> Model:
    """The model with its inputs times these."""
    return model.at(*(s * x for s, x in zip(scales, model.inputs, strict=True)))


def shifted_logits(by: float) -> Model:
    """Logits so large that sigmoids are near 0 and 1."""
    return BCE_LOGITS.at(BCE_LOGITS.inputs[0] + by)


def dead() -> Model:
    """Every hidden neuron off: W1 and b1 have no gradient, and should have none."""
    W1, b1, W2, b2 = MSE_RELU.inputs
    return MSE_RELU.at(W1, b1 - 20, W2, b2)


def at_the_minimum() -> Model:
    """Targets that are met, almost: gradients of 1e-9."""
    X, _ = MSE_TANH.data
    W1, b1, W2, b2 = MSE_TANH.inputs
    Y = np.tanh(X @ W1 + b1) @ W2 + b2 + 1e-9
    return replace(MSE_TANH, f=partial(MSE_TANH.f.func, X.tolist(), Y.tolist()), data=(X, Y))


def of(model: Model, gradient: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient of the same data and inputs."""
    return partial(gradient, *model.data)


def right(what: str, model: Model, gradient: Any = None, tolerance: float = 1e-12) -> Right:
    """A row: the model's own gradient where no other is given."""
    return Right(f"{model.name}: {what}", model, model.gradient if gradient is None else gradient, tolerance)


PLAIN = [
    MSE_TANH, MSE_SQUARE, MSE_SIGMOID, MSE_LOOP, MSE_RELU, CE_RELU, CE_TANH, CE_SQUARE, BATCHNORM, BATCHNORM_SQUARE,
    CONV, CONV_PADDED, LSTM, LSTM_GATES, BCE, BCE_LOGITS, LOGISTIC, SOFTMAX, LAYERNORM, ATTENTION, HUBER, RNN, GRU,
]  # fmt: skip

RIGHT = [
    *(right("as in the corpus", model) for model in PLAIN),
    # ------------------------------------------------------------------------------------ other algebra
    right("einsum and 1/cosh²", MSE_TANH, of(MSE_TANH, network_by_einsum)),
    right("the last example first", MSE_TANH, of(MSE_TANH, network_from_the_last_example)),
    right("the last example first", MSE_SQUARE, of(MSE_SQUARE, network_from_the_last_example)),
    right("by exponentials", MSE_SIGMOID, of(MSE_SIGMOID, sigmoid_network_by_exponentials)),
    right("A2 - Y at once", CE_TANH, of(CE_TANH, softmax_network_at_once)),
    right("a Jacobian for each column", BATCHNORM, batchnorm_by_jacobian),
    right("tap by tap", CONV, conv_by_taps),
    right("im2col", CONV_PADDED, conv_by_columns),
    right("by two terms, a bare array", BCE, bce_by_terms),
    right("by differences, a bare array", SOFTMAX, softmax_by_differences),
    right("row by row", LAYERNORM, layernorm_by_rows),
    # -------------------------------------------------------------------------------------- other forms
    right("nested lists", MSE_TANH, lists(MSE_TANH)),
    right("nested lists", CONV, lists(CONV)),
    right("nested lists", LSTM_GATES, lists(LSTM_GATES)),
    right("a tuple of arrays", BATCHNORM, tuple(BATCHNORM.gradient(*BATCHNORM.inputs))),
    right("a bare array, not a function", BCE_LOGITS, (sigma(BCE_LOGITS.inputs[0]) - TARGETS) / 5),
    right("in Fortran's order", CE_TANH, lambda *inputs: [np.asfortranarray(g) for g in CE_TANH.gradient(*inputs)]),
    # ------------------------------------------------------------------------------------------ float32
    right("float32 at the end", MSE_TANH, rounded(MSE_TANH), 1e-6),
    right("float32 at the end", CE_RELU, rounded(CE_RELU), 1e-6),
    right("float32 at the end", CONV_PADDED, rounded(CONV_PADDED), 1e-6),
    right("float32 at the end", LSTM, rounded(LSTM), 1e-6),
    right("float32 throughout", single(MSE_SQUARE), tolerance=1e-5),
    right("float32 throughout", single(MSE_RELU), tolerance=1e-5),
    right("float32 throughout", single(CE_TANH), tolerance=1e-5),
    right("float32 inputs", single(BATCHNORM), tolerance=1e-5),
    # ------------------------------------------------------------------------------------------- scales
    right("all weights of 1e-6", scaled(MSE_TANH, 1e-6, 1e-6, 1e-6, 1e-6)),
    right("output weights of 1e6", scaled(MSE_TANH, 1, 1, 1e6, 1e6)),
    right("hidden neurons saturated", scaled(MSE_TANH, 10, 10, 1, 1)),
    right("weights of 1e3", scaled(MSE_RELU, 1e3, 1e3, 1e3, 1e3)),
    right("hidden weights of 1e-6", scaled(CE_RELU, 1e-6, 1e-6, 1, 1)),
    right("X of 1e6", scaled(BATCHNORM, 1e6, 1, 1)),
    right("X of 1e-1", scaled(BATCHNORM_SQUARE, 1e-1, 1, 1)),
    right("gamma of 1e-6", scaled(BATCHNORM, 1, 1e-6, 1)),
    right("x of 1e6, kernel of 1e-6", scaled(CONV, 1e6, 1e-6, 1)),
    right("everything of 1e-6", scaled(CONV, 1e-6, 1e-6, 1e-6)),
    right("c of 1e-6", scaled(LSTM, 1, 1, 1e-6, 1, 1, 1)),
    right("weights of 1e-6", scaled(LSTM, 1, 1, 1, 1e-6, 1e-6, 1e-6)),
    right("logits of 10", shifted_logits(10.0)),
    right("logits of -20", shifted_logits(-20.0)),
    right("z of 1e-6", scaled(SOFTMAX, 1e-6)),
    # ------------------------------------------------------------------------------- zero, and almost zero
    right("every neuron off", dead()),
    right("targets met within 1e-9", at_the_minimum(), tolerance=1e-6),  # a difference of numbers near 1
]
