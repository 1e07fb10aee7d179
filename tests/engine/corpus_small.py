"""Small models whose gradients students write by hand: one layer, one loss, a few steps of a recurrent network."""

from functools import partial
from typing import Any

import numpy as np

import engine
from engine import dot, exp, log, mean, sigmoid, softmax, softplus, tanh, where

from .corpus_models import Model, by_hand, normal, parameters, sigma, transposed

TARGETS = np.array([1.0, 0.0, 0.0, 1.0, 1.0])

# --------------------------------------------------------------------------------------- binary cross-entropy


def bce_loss(p: Any) -> Any:
    """The mean of −(y log ŷ + (1 − y) log(1 − ŷ)), of probabilities ŷ."""
    return -mean([log(q) if y else log(1 - q) for q, y in zip(p, TARGETS, strict=True)])


def bce(y_hat):
    m = len(TARGETS)
    dy_hat = (y_hat - TARGETS) / (y_hat * (1 - y_hat)) / m
    return [dy_hat]


def bce_logits_loss(z: Any) -> Any:
    """The same of logits: softplus(z) − y·z."""
    return mean([softplus(v) - y * v for v, y in zip(z, TARGETS, strict=True)])


def bce_logits(z):
    m = len(TARGETS)
    a = sigma(z)
    dz = (a - TARGETS) / m
    return [dz]


BCE = Model("binary cross-entropy of probabilities", bce_loss, (sigma(normal(61, 5)),), ("y_hat",), bce)
BCE_LOGITS = Model("binary cross-entropy of logits", bce_logits_loss, (normal(62, 5),), ("z",), bce_logits)

# ---------------------------------------------------------------------------------------- logistic regression

LAMBDA = 0.3


def logistic_loss(X: Any, w: Any, b: Any) -> Any:
    """Mean cross-entropy and λ/2m ‖w‖², as in Ng's course."""
    m = len(X)
    loss = 0
    for x, y in zip(X, TARGETS, strict=True):
        a = sigmoid(sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b)
        loss = loss - (y * log(a) + (1 - y) * log(1 - a))
    return loss / m + LAMBDA / (2 * m) * sum(wi**2 for wi in w)


def logistic(X, w, b):
    m = len(X)
    a = sigma(X @ w + b)
    dz = a - TARGETS
    dw = X.T @ dz / m + LAMBDA / m * w
    db = np.sum(dz) / m
    return [dw, db]


LOGISTIC_X = normal(63, 5, 3)
LOGISTIC = Model(
    "logistic regression", partial(logistic_loss, LOGISTIC_X.tolist()), (*parameters(64, (3,)), 0.2), ("w", "b"),
    logistic, (LOGISTIC_X,),
)  # fmt: skip

# ----------------------------------------------------------------------------- softmax, layer norm, attention

SOFTMAX_R, LAYERNORM_R, ATTENTION_R = normal(65, 4), normal(66, 3, 4), normal(67, 2)


def softmax_loss(z: Any) -> Any:
    return dot(softmax(z), SOFTMAX_R.tolist())


def softmax_backward(z):
    s = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    jacobian = np.diag(s) - np.outer(s, s)
    return jacobian @ SOFTMAX_R


def layernorm_loss(X: Any, gamma: Any, beta: Any) -> Any:
    """Σ r·(γ·(x − mean)/std + β)², the mean and the std of each row."""
    loss = 0
    for row, weights in zip(X, LAYERNORM_R, strict=True):
        mu, std = mean(row), (engine.var(row) + 1e-5).sqrt()
        for x, g, b, r in zip(row, gamma, beta, weights, strict=True):
            loss = loss + r * ((x - mu) / std * g + b) ** 2
    return loss


def layernorm(X, gamma, beta):
    mu = X.mean(axis=1, keepdims=True)
    std = np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)
    xhat = (X - mu) / std
    dout = 2 * LAYERNORM_R * (gamma * xhat + beta)
    dgamma = (dout * xhat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dxhat = dout * gamma
    dX = (dxhat - dxhat.mean(axis=1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=1, keepdims=True)) / std
    return [dX, dgamma, dbeta]


def attention_loss(q: Any, K: Any, V: Any) -> Any:
    """Σ r·(softmax(K q / √d) V)."""
    weights = softmax([dot(key, q) / len(q) ** 0.5 for key in K])
    return sum(r * dot(weights, column) for r, column in zip(ATTENTION_R, transposed(V), strict=True))


def attention(q, K, V):
    d = len(q)
    scores = K @ q / np.sqrt(d)
    a = np.exp(scores) / np.exp(scores).sum()
    dV = np.outer(a, ATTENTION_R)
    da = V @ ATTENTION_R
    dscores = a * (da - np.sum(a * da))
    dq = K.T @ dscores / np.sqrt(d)
    dK = np.outer(dscores, q) / np.sqrt(d)
    return [dq, dK, dV]


SOFTMAX = Model("softmax", softmax_loss, (normal(68, 4),), ("z",), softmax_backward)
LAYERNORM = Model(
    "layer norm", layernorm_loss, (1.4 * normal(69, 3, 4), 1 + 0.3 * normal(70, 4), normal(71, 4)),
    ("X", "gamma", "beta"), layernorm,
)  # fmt: skip
ATTENTION = Model(
    "attention", attention_loss, (normal(72, 3), normal(73, 4, 3), normal(74, 4, 2)), ("q", "K", "V"), attention
)

# ----------------------------------------------------------------------------------------- regression with Huber

HUBER_X, HUBER_Y = normal(75, 6, 2), 2 * normal(76, 6)


def huber_loss(w: Any, b: Any) -> Any:
    """The mean of ½r² where |r| < 1, else |r| − ½."""
    losses = []
    for x, y in zip(HUBER_X.tolist(), HUBER_Y.tolist(), strict=True):
        r = dot(w, x, b) - y
        losses.append(where(abs(r) < 1, 0.5 * r * r, abs(r) - 0.5))
    return mean(losses)


def huber(w, b):
    r = HUBER_X @ w + b - HUBER_Y
    dr = np.where(np.abs(r) < 1, r, np.sign(r)) / len(r)
    return [HUBER_X.T @ dr, dr.sum()]


HUBER = Model("Huber regression", huber_loss, (*parameters(77, (2,)), 0.1), ("w", "b"), huber)

# ------------------------------------------------------------------------------------------ recurrent networks

RNN_X, RNN_R, GRU_R = normal(78, 3, 2), normal(79, 3, 4), normal(80, 3)


def rnn_loss(h0: Any, Wxh: Any, Whh: Any, bh: Any) -> Any:
    """Three steps of h = tanh(Wxh x + Whh h + bh), every h weighed."""
    h, loss = h0, 0
    for x, r in zip(RNN_X.tolist(), RNN_R.tolist(), strict=True):
        h = [tanh(dot([*wx, *wh], [*x, *h], b)) for wx, wh, b in zip(Wxh, Whh, bh, strict=True)]
        loss = loss + dot(h, r)
    return loss


def rnn(h0, Wxh, Whh, bh):
    hs = {-1: h0}
    for t in range(3):
        hs[t] = np.tanh(Wxh @ RNN_X[t] + Whh @ hs[t - 1] + bh)
    dWxh, dWhh, dbh = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(bh)
    dhnext = np.zeros_like(h0)
    for t in reversed(range(3)):
        dh = RNN_R[t] + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.outer(dhraw, RNN_X[t])
        dWhh += np.outer(dhraw, hs[t - 1])
        dhnext = Whh.T @ dhraw
    return [dhnext, dWxh, dWhh, dbh]


def gru_loss(x: Any, h: Any, Wz: Any, Wr: Any, Wh: Any) -> Any:
    """h' = (1 − z)·h + z·h~ (Cho's), no biases; Σ r·h'."""
    zero = [[0.0]] * len(h)
    z = [sigmoid(v) for v in by_hand([*h, *x], Wz, zero)]
    r = [sigmoid(v) for v in by_hand([*h, *x], Wr, zero)]
    reset = [a * b for a, b in zip(r, h, strict=True)]
    candidate = [(exp(2 * v) - 1) / (exp(2 * v) + 1) for v in by_hand([*reset, *x], Wh, zero)]
    new = [(1 - u) * old + u * n for u, old, n in zip(z, h, candidate, strict=True)]
    return sum(a * b for a, b in zip(new, GRU_R, strict=True))


def gru(x, h, Wz, Wr, Wh):
    n = len(h)
    hx = np.concatenate([h, x])
    z, r = sigma(Wz @ hx), sigma(Wr @ hx)
    rhx = np.concatenate([r * h, x])
    hh = np.tanh(Wh @ rhx)

    dnew = GRU_R
    dz = dnew * (hh - h) * z * (1 - z)
    dhh = dnew * z * (1 - hh**2)
    drhx = Wh.T @ dhh
    dr = drhx[:n] * h * r * (1 - r)
    dhx = Wz.T @ dz + Wr.T @ dr
    dh = dnew * (1 - z) + drhx[:n] * r + dhx[:n]
    dx = drhx[n:] + dhx[n:]
    return [dx, dh, np.outer(dz, hx), np.outer(dr, hx), np.outer(dhh, rhx)]


RNN = Model("RNN of three steps", rnn_loss, parameters(81, (4,), (4, 2), (4, 4), (4,)), ("h0", "Wxh", "Whh", "bh"), rnn)
GRU = Model("GRU", gru_loss, parameters(82, (2,), (3,), (3, 5), (3, 5), (3, 5)), ("x", "h", "Wz", "Wr", "Wh"), gru)

SMALL = [BCE, BCE_LOGITS, LOGISTIC, SOFTMAX, LAYERNORM, ATTENTION, HUBER, RNN, GRU]
