"""Models whose gradients students write by hand: batch normalisation, a convolution, an LSTM step.

Glossary: R, S fixed numbers that weigh the outputs; mu, var the mean and variance of a batch; x_hat the normalised
input; F kernels of C channels; i, f, o, g the gates of an LSTM.
"""

from typing import Any

import numpy as np

import engine
from engine import dot, mean, sigmoid, tanh, var

from .corpus_models import Model, normal, parameters, sigma, transposed

EPS = 1e-5

# ---------------------------------------------------------------------------------------- batch normalisation


def batchnorm_loss(X: Any, gamma: Any, beta: Any) -> Any:
    terms = []
    for column, g, b, r in zip(transposed(X), gamma, beta, transposed(BN_R), strict=True):
        mu, width = mean(column), engine.sqrt(var(column) + EPS)
        terms += [weight * (g * ((x - mu) / width) + b) for x, weight in zip(column, r, strict=True)]
    return engine.sum(terms)


def batchnorm(X, gamma, beta):
    """Back along the graph, one step for each operation."""
    N = X.shape[0]
    mu = X.mean(axis=0)
    xmu = X - mu
    var = (xmu**2).mean(axis=0)
    sqrtvar = np.sqrt(var + EPS)
    ivar = 1 / sqrtvar
    xhat = xmu * ivar

    dout = BN_R
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu = dxhat * ivar
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / sqrtvar
    dxmu += 2 * xmu * dvar / N
    dmu = -np.sum(dxmu, axis=0)
    dx = dxmu + dmu / N
    return [dx, dgamma, dbeta]


def batchnorm_squares_loss(X: Any, gamma: Any, beta: Any) -> Any:
    """The mean of (out − t)², everything written out."""
    loss, n = 0, len(X)
    for column, g, b, goals in zip(transposed(X), gamma, beta, transposed(BN_T), strict=True):
        mu = sum(column) / n
        variance = sum((x - mu) * (x - mu) for x in column) / n
        for x, t in zip(column, goals, strict=True):
            out = g * (x - mu) / (variance + EPS) ** 0.5 + b
            loss = loss + (out - t) ** 2
    return loss / (n * len(gamma))


def batchnorm_squares(X, gamma, beta):
    """By the one formula for dx."""
    N, D = X.shape
    mu = np.mean(X, axis=0)
    var = np.var(X, axis=0)
    x_hat = (X - mu) / np.sqrt(var + EPS)
    out = gamma * x_hat + beta

    dout = 2 * (out - BN_T) / (N * D)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / (N * np.sqrt(var + EPS)) * (N * dout - dbeta - x_hat * dgamma)
    return [dx, dgamma, dbeta]


def around_one(seed: int, n: int) -> np.ndarray:
    """Gains that are not all alike."""
    return 1 + 0.4 * normal(seed, n)


BN_R, BN_T = normal(31, 5, 3), normal(32, 4, 4)
BN_NAMES = ("X", "gamma", "beta")

BATCHNORM = Model(
    "batch norm", batchnorm_loss, (1.5 * normal(33, 5, 3) + 0.5, around_one(34, 3), normal(35, 3)), BN_NAMES, batchnorm
)
BATCHNORM_SQUARE = Model(
    "batch norm, square",
    batchnorm_squares_loss,
    (2 * normal(36, 4, 4) - 0.3, around_one(37, 4), normal(38, 4)),
    BN_NAMES,
    batchnorm_squares,
)

# -------------------------------------------------------------------------------------------------- convolution


def conv_loss(x: Any, kernel: Any, bias: Any) -> Any:
    """Weighed outputs of a valid convolution: one `dot` for each."""
    height, width = len(kernel[0][0]), len(kernel[0][0][0])
    terms = []
    for taps, b, weights in zip(kernel, bias, CONV_R, strict=True):
        flat = [w for channel in taps for row in channel for w in row]
        for i, line in enumerate(weights):
            for j, weight in enumerate(line):
                patch = [v for channel in x for row in channel[i : i + height] for v in row[j : j + width]]
                terms.append(weight * dot(flat, patch, b))
    return engine.sum(terms)


def conv(x, kernel, bias):
    """x (C, H, W), kernel (F, C, HH, WW), bias (F,)."""
    F, _, HH, WW = kernel.shape
    dout = CONV_R
    dx = np.zeros_like(x)
    dkernel = np.zeros_like(kernel)
    dbias = np.zeros_like(bias)
    for f in range(F):
        for i in range(dout.shape[1]):
            for j in range(dout.shape[2]):
                dbias[f] += dout[f, i, j]
                dkernel[f] += dout[f, i, j] * x[:, i : i + HH, j : j + WW]
                dx[:, i : i + HH, j : j + WW] += dout[f, i, j] * kernel[f]
    return [dx, dkernel, dbias]


def conv_padded_loss(x: Any, kernel: Any, bias: Any) -> Any:
    """½ Σ (out − t)² of a convolution padded by one, out of the size of x; products and sums."""
    channels, height, width = len(x), len(x[0]), len(x[0][0])
    loss = 0
    for f, taps in enumerate(kernel):
        for i in range(height):
            for j in range(width):
                out = bias[f]
                for c in range(channels):
                    for p in range(3):
                        for q in range(3):
                            row, column = i + p - 1, j + q - 1
                            if 0 <= row < height and 0 <= column < width:
                                out = out + x[c][row][column] * taps[c][p][q]
                loss = loss + 0.5 * (out - CONV_T[f, i, j].item()) ** 2
    return loss


def conv_padded(x, kernel, bias):
    """Forward by patches; dx is the full convolution of dout with the rotated kernel."""
    _, H, W = x.shape
    F = len(kernel)
    xpad = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((F, H, W))
    for i in range(H):
        for j in range(W):
            out[:, i, j] = np.tensordot(kernel, xpad[:, i : i + 3, j : j + 3], axes=3) + bias

    dout = out - CONV_T
    dbias = dout.sum(axis=(1, 2))
    dkernel = np.zeros_like(kernel)
    for p in range(3):
        for q in range(3):
            dkernel[:, :, p, q] = np.einsum("fij,cij->fc", dout, xpad[:, p : p + H, q : q + W])
    dpad = np.pad(dout, ((0, 0), (1, 1), (1, 1)))
    rotated = kernel[:, :, ::-1, ::-1]
    dx = np.zeros_like(x)
    for i in range(H):
        for j in range(W):
            dx[:, i, j] = np.einsum("fpq,fcpq->c", dpad[:, i : i + 3, j : j + 3], rotated)
    return [dx, dkernel, dbias]


CONV_R, CONV_T = normal(41, 3, 4, 3), normal(42, 2, 4, 4)
CONV_NAMES = ("x", "kernel", "bias")

CONV = Model("convolution", conv_loss, (normal(43, 2, 6, 4), *parameters(44, (3, 2, 3, 2), (3,))), CONV_NAMES, conv)
CONV_PADDED = Model(
    "convolution, padded", conv_padded_loss, (normal(45, 2, 4, 4), *parameters(46, (2, 2, 3, 3), (2,))), CONV_NAMES,
    conv_padded,
)  # fmt: skip

# --------------------------------------------------------------------------------------------------- LSTM step


def lstm_loss(x: Any, h: Any, c: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    """Gates i, f, o, g side by side in one matrix, as in cs231n; Σ r·h' + Σ s·c'."""
    n = len(h)
    w = [[*wx, *wh] for wx, wh in zip(transposed(Wx), transposed(Wh), strict=True)]
    a = [dot(row, [*x, *h], bias) for row, bias in zip(w, b, strict=True)]
    i, f, o = ([sigmoid(z) for z in a[k * n : (k + 1) * n]] for k in range(3))
    g = [tanh(z) for z in a[3 * n :]]
    new_c = [f[k] * c[k] + i[k] * g[k] for k in range(n)]
    new_h = [o[k] * tanh(new_c[k]) for k in range(n)]
    return dot(new_h, LSTM_R.tolist()) + dot(new_c, LSTM_S.tolist())


def lstm(x, h, c, Wx, Wh, b):
    n = len(h)
    a = x @ Wx + h @ Wh + b
    i, f, o = sigma(a[:n]), sigma(a[n : 2 * n]), sigma(a[2 * n : 3 * n])
    g = np.tanh(a[3 * n :])
    next_c = f * c + i * g
    tanh_c = np.tanh(next_c)

    dnext_h, dnext_c = LSTM_R, LSTM_S
    do = dnext_h * tanh_c
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    df = dc * c
    di = dc * g
    dg = dc * i
    dprev_c = dc * f
    da = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    dx = Wx @ da
    dprev_h = Wh @ da
    dWx = np.outer(x, da)
    dWh = np.outer(h, da)
    db = da
    return [dx, dprev_h, dprev_c, dWx, dWh, db]


def lstm_gates_loss(x: Any, h: Any, c: Any, Wf: Any, bf: Any, Wi: Any, bi: Any, Wg: Any, bg: Any, Wo: Any, bo: Any):
    """A matrix for each gate, on [h, x], as in Ng's and Olah's; ½ Σ h'² + Σ s·c'."""
    joined = [*h, *x]

    def gate(W: Any, b: Any) -> list[Any]:
        return [sum(w * v for w, v in zip(row, joined, strict=True)) + bias for row, bias in zip(W, b, strict=True)]

    loss = 0
    for zf, zi, zg, zo, old, s in zip(gate(Wf, bf), gate(Wi, bi), gate(Wg, bg), gate(Wo, bo), c, GATES_S, strict=True):
        new = zf.sigmoid() * old + zi.sigmoid() * zg.tanh()
        out = zo.sigmoid() * new.tanh()
        loss = loss + 0.5 * out**2 + s * new
    return loss


def lstm_gates(x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo):
    concat = np.concatenate([h, x])
    ft = sigma(Wf @ concat + bf)
    it = sigma(Wi @ concat + bi)
    cct = np.tanh(Wg @ concat + bg)
    ot = sigma(Wo @ concat + bo)
    c_next = ft * c + it * cct
    h_next = ot * np.tanh(c_next)

    dh_next, dc_next = h_next, GATES_S
    dot_ = dh_next * np.tanh(c_next) * ot * (1 - ot)
    dc = dc_next + ot * (1 - np.tanh(c_next) ** 2) * dh_next
    dcct = dc * it * (1 - cct**2)
    dit = dc * cct * it * (1 - it)
    dft = dc * c * ft * (1 - ft)
    dWf, dWi, dWg, dWo = (np.outer(d, concat) for d in (dft, dit, dcct, dot_))
    dbf, dbi, dbg, dbo = dft, dit, dcct, dot_
    dconcat = Wf.T @ dft + Wi.T @ dit + Wg.T @ dcct + Wo.T @ dot_
    dh, dx = dconcat[: len(h)], dconcat[len(h) :]
    dc_prev = dc * ft
    return [dx, dh, dc_prev, dWf, dbf, dWi, dbi, dWg, dbg, dWo, dbo]


LSTM_R, LSTM_S, GATES_S = normal(51, 2), normal(52, 2), normal(53, 3)
STATE = ("x", "h", "c")

LSTM = Model(
    "LSTM", lstm_loss, (normal(54, 3), *parameters(55, (2,), (2,), (3, 8), (2, 8), (8,))), (*STATE, "Wx", "Wh", "b"),
    lstm,
)  # fmt: skip
LSTM_GATES = Model(
    "LSTM, gate by gate",
    lstm_gates_loss,
    (normal(56, 2), *parameters(57, (3,), (3,), *[(3, 5), (3,)] * 4)),
    (*STATE, "Wf", "bf", "Wi", "bi", "Wg", "bg", "Wo", "bo"),
    lstm_gates,
)

LAYERS = [BATCHNORM, BATCHNORM_SQUARE, CONV, CONV_PADDED, LSTM, LSTM_GATES]
