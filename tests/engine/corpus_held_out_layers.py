"""Models of the held-out corpus: normalisation, convolutions with pooling, recurrent networks.

Glossary: xhat the normalised input; k, K kernels; i, f, o, g the gates of an LSTM, r, z, n those of a GRU; a d in
front is the derivative of the loss.
"""

from typing import Any

import numpy as np

import engine
from engine import dot, mean, relu, sigmoid, sqrt, tanh, var

from .corpus_held_out_models import held
from .corpus_models import normal, parameters, sigma, transposed

EPS = 1e-5

# --------------------------------------------------------------------------------------------- normalisation


def squares(outputs: Any, goals: Any) -> Any:
    """½ Σ (p − t)²."""
    return engine.sum([(p - t) ** 2 for p, t in zip(outputs, goals, strict=True)]) / 2


def normed_loss(Y: Any, X: Any, gamma: Any, beta: Any, w: Any) -> Any:
    """Batch normalisation, relu, a linear neuron; ½ Σ (p − y)² / N."""
    columns = []
    for column, g, b in zip(transposed(X), gamma, beta, strict=True):
        mu, std = mean(column), sqrt(var(column) + EPS)
        columns.append([relu(g * ((x - mu) / std) + b) for x in column])
    return squares([dot(w, row) for row in transposed(columns)], Y) / len(Y)


def normed(Y, X, gamma, beta, w):
    N = X.shape[0]
    mu = X.mean(axis=0)
    xc = X - mu
    v = np.mean(xc**2, axis=0)
    std = np.sqrt(v + EPS)
    xhat = xc / std
    out = gamma * xhat + beta
    a = np.maximum(0, out)
    p = a @ w

    dp = (p - Y) / N
    dw = a.T @ dp
    da = np.outer(dp, w)
    dout = da * (out > 0)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dxc = dxhat / std
    dstd = -np.sum(dxhat * xc / std**2, axis=0)
    dv = dstd / (2 * std)
    dxc += 2 / N * xc * dv
    dmu = dxc.sum(axis=0)
    dX = dxc - dmu / N
    return dX, dgamma, dbeta, dw


def inference_loss(m: Any, v: Any, Y: Any, X: Any, gamma: Any, beta: Any, w: Any) -> Any:
    """The same with running statistics m and v, which are constants."""
    outputs = []
    for x in X:
        xhat = [(a - mu) / (s + EPS) ** 0.5 for a, mu, s in zip(x, m, v, strict=True)]
        outputs.append(dot(w, [relu(g * h + b) for g, h, b in zip(gamma, xhat, beta, strict=True)]))
    return squares(outputs, Y) / len(Y)


def inference(m, v, Y, X, gamma, beta, w):
    istd = 1 / np.sqrt(v + EPS)
    xhat = (X - m) * istd
    out = gamma * xhat + beta
    a = np.maximum(out, 0)
    dp = (a @ w - Y) / len(Y)
    dout = dp[:, None] * w * (out > 0)
    return dout * gamma * istd, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0), a.T @ dp


def layernorm_loss(T: Any, X: Any, g: Any, b: Any, W: Any) -> Any:
    """Each row normalised, then a linear layer; ½ Σ (p − t)²."""
    total = 0
    for x, t in zip(X, T, strict=True):
        mu, std = mean(x), sqrt(var(x) + EPS)
        h = [gain * (v - mu) / std + bias for v, gain, bias in zip(x, g, b, strict=True)]
        total = total + squares([dot(row, h) for row in W], t)
    return total


def layernorm(T, X, g, b, W):
    D = X.shape[1]
    mu = X.mean(axis=1, keepdims=True)
    rstd = 1 / np.sqrt(X.var(axis=1, keepdims=True) + EPS)
    n = (X - mu) * rstd
    h = n * g + b
    dp = h @ W.T - T
    dW = dp.T @ h
    dh = dp @ W
    db = dh.sum(axis=0)
    dg = (dh * n).sum(axis=0)
    dn = dh * g
    dX = rstd * (dn - dn.sum(axis=1, keepdims=True) / D - n * (dn * n).sum(axis=1, keepdims=True) / D)
    return dX, dg, db, dW


def rmsnorm_loss(R: Any, x: Any, g: Any) -> Any:
    """Σ r g x / √(mean x² + eps)."""
    rms = sqrt(mean([v * v for v in x]) + EPS)
    return engine.sum([r * gain * v / rms for r, gain, v in zip(R, g, x, strict=True)])


def rmsnorm(R, x, g):
    d = len(x)
    rms = np.sqrt(np.mean(x * x) + EPS)
    s = np.sum(R * g * x)
    dx = R * g / rms - x * s / (d * rms**3)
    dg = R * x / rms
    return dx, dg


def gains(seed: int, n: int) -> np.ndarray:
    """Gains that are not all alike."""
    return 1 + 0.4 * normal(seed, n)


NORMED = held(
    "batch norm and relu",
    normed_loss,
    normed,
    ("X", "gamma", "beta", "w"),
    (1.4 * normal(201, 6, 3) - 0.2, gains(202, 3), 0.5 * normal(203, 3), normal(204, 3)),
    normal(205, 6),
)
INFERENCE = held(
    "batch norm in inference",
    inference_loss,
    inference,
    ("X", "gamma", "beta", "w"),
    (normal(206, 5, 3), gains(207, 3), 0.5 * normal(208, 3), normal(209, 3)),
    normal(210, 3),
    gains(211, 3) ** 2,
    normal(212, 5),
)
LAYERNORM_NET = held(
    "layer norm",
    layernorm_loss,
    layernorm,
    "XgbW",
    (normal(213, 4, 4), gains(214, 4), normal(215, 4), normal(216, 4, 4)),
    normal(217, 4, 4),
)
RMSNORM = held("rms norm", rmsnorm_loss, rmsnorm, "xg", (2 * normal(218, 5), gains(219, 5)), normal(220, 5))

# ----------------------------------------------------------------------------------------------- convolutions


def window(x: Any, i: int, j: int, size: int) -> list[Any]:
    """The entries of all channels in a square window, in order."""
    return [v for channel in x for row in channel[i : i + size] for v in row[j : j + size]]


def strided_loss(t: Any, x: Any, k: Any, b: Any, W: Any) -> Any:
    """A convolution of stride 2, relu, a dense layer; ½ Σ (p − t)²."""
    size = len(k[0][0])
    steps = range(0, len(x[0]) - size + 1, 2)
    patches = [window(x, i, j, size) for i in steps for j in steps]
    h = [relu(dot(window(taps, 0, 0, size), patch, bias)) for taps, bias in zip(k, b, strict=True) for patch in patches]
    return squares([dot(row, h) for row in W], t)


def strided(t, x, k, b, W):
    size, out = k.shape[2], (x.shape[1] - k.shape[2]) // 2 + 1
    z = np.zeros((len(k), out, out))
    for i in range(out):
        for j in range(out):
            patch = x[:, 2 * i : 2 * i + size, 2 * j : 2 * j + size]
            z[:, i, j] = np.tensordot(k, patch, axes=3) + b
    h = np.maximum(z, 0)

    dp = W @ h.ravel() - t
    dW = np.outer(dp, h.ravel())
    dh = (dp @ W).reshape(h.shape)
    dz = dh * (z > 0)
    db = dz.sum(axis=(1, 2))
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(out):
        for j in range(out):
            si, sj = 2 * i, 2 * j
            dk += dz[:, i, j][:, None, None, None] * x[:, si : si + size, sj : sj + size]
            dx[:, si : si + size, sj : sj + size] += np.tensordot(dz[:, i, j], k, axes=1)
    return dx, dk, db, dW


def pooled_loss(t: Any, x: Any, k: Any, b: Any, W: Any) -> Any:
    """A convolution of one channel, 2×2 max pooling, a dense layer; ½ Σ (p − t)²."""
    size, h = len(k[0]), []
    for taps, bias in zip(k, b, strict=True):
        flat = [w for row in taps for w in row]
        n = len(x) - size + 1
        z = [[dot(flat, window([x], i, j, size), bias) for j in range(n)] for i in range(n)]
        h += [engine.max(window([z], i, j, 2)) for i in range(0, n, 2) for j in range(0, n, 2)]
    return squares([dot(row, h) for row in W], t)


def pooled(t, x, k, b, W):
    F, size, n = len(k), k.shape[1], len(x) - k.shape[1] + 1
    z = np.array([[[np.sum(x[i : i + size, j : j + size] * f) for j in range(n)] for i in range(n)] for f in k])
    z += b[:, None, None]
    blocks = z.reshape(F, n // 2, 2, n // 2, 2)
    h = blocks.max(axis=(2, 4))

    dp = W @ h.ravel() - t
    dW = np.outer(dp, h.ravel())
    dh = (dp @ W).reshape(h.shape)
    mask = blocks == h[:, :, None, :, None]
    dz = (mask * dh[:, :, None, :, None]).reshape(z.shape)
    db = dz.sum(axis=(1, 2))
    dk, dx = np.zeros_like(k), np.zeros_like(x)
    for f in range(F):
        for i in range(n):
            for j in range(n):
                dk[f] += dz[f, i, j] * x[i : i + size, j : j + size]
                dx[i : i + size, j : j + size] += dz[f, i, j] * k[f]
    return dx, dk, db, dW


def sequence_loss(t: Any, x: Any, K: Any, b: Any, W: Any) -> Any:
    """A convolution along time, K (filters, channels, taps), tanh, the mean over time, a dense layer."""
    taps, h = len(K[0][0]), []
    for kernel, bias in zip(K, b, strict=True):
        flat = [w for row in kernel for w in row]
        patches = [[v for channel in x for v in channel[s : s + taps]] for s in range(len(x[0]) - taps + 1)]
        h.append(mean([tanh(dot(flat, patch, bias)) for patch in patches]))
    return squares([dot(row, h) for row in W], t)


def sequence(t, x, K, b, W):
    F, _, taps = K.shape
    steps = x.shape[1] - taps + 1
    a = np.zeros((F, steps))
    for s in range(steps):
        a[:, s] = np.tanh(np.einsum("fct,ct->f", K, x[:, s : s + taps]) + b)
    h = a.mean(axis=1)

    dp = W @ h - t
    dW = np.outer(dp, h)
    dh = W.T @ dp
    da = np.repeat(dh[:, None], steps, axis=1) / steps
    dz = da * (1 - a**2)
    db = dz.sum(axis=1)
    dx, dK = np.zeros_like(x), np.zeros_like(K)
    for s in range(steps):
        dK += dz[:, s, None, None] * x[:, s : s + taps]
        dx[:, s : s + taps] += np.einsum("f,fct->ct", dz[:, s], K)
    return dx, dK, db, dW


XKBW = ("x", "k", "b", "W")
STRIDED = held(
    "convolution, stride 2",
    strided_loss,
    strided,
    XKBW,
    (normal(221, 2, 5, 5), *parameters(222, (2, 2, 3, 3), (2,), (2, 8))),
    normal(223, 2),
)
POOLED = held(
    "convolution, max pooling",
    pooled_loss,
    pooled,
    XKBW,
    (normal(224, 6, 6), *parameters(225, (2, 3, 3), (2,), (2, 8))),
    normal(226, 2),
)
SEQUENCE = held(
    "convolution along time", sequence_loss, sequence, ("x", "K", "b", "W"),
    (normal(227, 2, 7), *parameters(228, (3, 2, 3), (3,), (2, 3))), normal(229, 2),
)  # fmt: skip

# ------------------------------------------------------------------------------------------ recurrent networks


def lstm_loss(xs: Any, t: Any, Wf: Any, Wi: Any, Wg: Any, Wo: Any, h: Any, c: Any) -> Any:
    """Two steps, four matrices on [h, x] without biases; ½ Σ (h − t)² of the last h."""
    for x in xs:
        hx = [*h, *x]
        f, i, o = ([sigmoid(dot(row, hx)) for row in W] for W in (Wf, Wi, Wo))
        g = [tanh(dot(row, hx)) for row in Wg]
        c = [a * b + d * e for a, b, d, e in zip(f, c, i, g, strict=True)]
        h = [a * tanh(b) for a, b in zip(o, c, strict=True)]
    return squares(h, t)


def lstm(xs, t, Wf, Wi, Wg, Wo, h, c):
    H, cache = len(h), []
    for x in xs:
        hx = np.concatenate([h, x])
        f, i, g, o = sigma(Wf @ hx), sigma(Wi @ hx), np.tanh(Wg @ hx), sigma(Wo @ hx)
        c_prev, c = c, f * c + i * g
        h = o * np.tanh(c)
        cache.append((hx, f, i, g, o, c_prev, c))

    dWf, dWi, dWg, dWo = (np.zeros_like(W) for W in (Wf, Wi, Wg, Wo))
    dh, dc = h - t, np.zeros_like(c)
    for hx, f, i, g, o, c_prev, c in reversed(cache):
        tc = np.tanh(c)
        do = dh * tc * o * (1 - o)
        dc = dc + dh * o * (1 - tc**2)
        df = dc * c_prev * f * (1 - f)
        di = dc * g * i * (1 - i)
        dg = dc * i * (1 - g**2)
        dWf += np.outer(df, hx)
        dWi += np.outer(di, hx)
        dWg += np.outer(dg, hx)
        dWo += np.outer(do, hx)
        dhx = Wf.T @ df + Wi.T @ di + Wg.T @ dg + Wo.T @ do
        dh = dhx[:H]
        dc = dc * f
    return dWf, dWi, dWg, dWo, dh, dc


def peephole_loss(R: Any, x: Any, c: Any, W: Any, pi: Any, pf: Any, po: Any) -> Any:
    """One step with peepholes, W (4 n, inputs) stacked i, f, g, o; Σ r h."""
    n = len(c)
    z = [dot(row, x) for row in W]
    i = [sigmoid(a + p * b) for a, p, b in zip(z[:n], pi, c, strict=True)]
    f = [sigmoid(a + p * b) for a, p, b in zip(z[n : 2 * n], pf, c, strict=True)]
    g = [tanh(a) for a in z[2 * n : 3 * n]]
    new = [a * b + d * e for a, b, d, e in zip(f, c, i, g, strict=True)]
    o = [sigmoid(a + p * b) for a, p, b in zip(z[3 * n :], po, new, strict=True)]
    return engine.sum([r * a * tanh(b) for r, a, b in zip(R, o, new, strict=True)])


def peephole(R, x, c, W, pi, pf, po):
    zi, zf, zg, zo = np.split(W @ x, 4)
    i, f, g = sigma(zi + pi * c), sigma(zf + pf * c), np.tanh(zg)
    new = f * c + i * g
    o = sigma(zo + po * new)
    y = np.tanh(new)

    do = R * y * o * (1 - o)
    dnew = R * o * (1 - y**2) + do * po
    di = dnew * g * i * (1 - i)
    df = dnew * c * f * (1 - f)
    dg = dnew * i * (1 - g**2)
    dz = np.concatenate([di, df, dg, do])
    dc = dnew * f + di * pi + df * pf
    return W.T @ dz, dc, np.outer(dz, x), di * c, df * c, do * new


def gru_loss(xs: Any, R: Any, h: Any, Wr: Any, Wz: Any, Wn: Any, Un: Any) -> Any:
    """Two steps as in PyTorch: n = tanh(Wn x + r * Un h), h' = (1 − z) n + z h; Wr and Wz on [x, h]; Σ r h."""
    for x in xs:
        xh = [*x, *h]
        r, z = ([sigmoid(dot(row, xh)) for row in W] for W in (Wr, Wz))
        n = [tanh(dot(w, x) + a * dot(u, h)) for w, u, a in zip(Wn, Un, r, strict=True)]
        h = [(1 - a) * b + a * v for a, b, v in zip(z, n, h, strict=True)]
    return dot(R, h)


def gru(xs, R, h, Wr, Wz, Wn, Un):
    D, cache = xs.shape[1], []
    for x in xs:
        xh = np.concatenate([x, h])
        r, z = sigma(Wr @ xh), sigma(Wz @ xh)
        n = np.tanh(Wn @ x + r * (Un @ h))
        cache.append((x, h, xh, r, z, n))
        h = (1 - z) * n + z * h

    dWr, dWz, dWn, dUn = (np.zeros_like(W) for W in (Wr, Wz, Wn, Un))
    dh = R.copy()
    for x, h, xh, r, z, n in cache[::-1]:
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * (Un @ h) * r * (1 - r)
        dWn += np.outer(dn, x)
        dUn += np.outer(dn * r, h)
        dWr += np.outer(dr, xh)
        dWz += np.outer(dz, xh)
        dh = dh * z + Un.T @ (dn * r) + (Wr.T @ dr + Wz.T @ dz)[D:]
    return dh, dWr, dWz, dWn, dUn


LSTM_STEPS = held(
    "LSTM, two steps", lstm_loss, lstm, ("Wf", "Wi", "Wg", "Wo", "h", "c"),
    parameters(231, (3, 5), (3, 5), (3, 5), (3, 5), (3,), (3,)), normal(232, 2, 2), normal(233, 3),
)  # fmt: skip
PEEPHOLE = held(
    "LSTM with peepholes", peephole_loss, peephole, ("x", "c", "W", "pi", "pf", "po"),
    (normal(234, 2), normal(235, 3), *parameters(236, (12, 2), (3,), (3,), (3,))), normal(237, 3),
)  # fmt: skip
GRU_STEPS = held(
    "GRU, two steps", gru_loss, gru, ("h", "Wr", "Wz", "Wn", "Un"),
    parameters(238, (3,), (3, 5), (3, 5), (3, 2), (3, 3)), normal(239, 2, 2), normal(240, 3),
)  # fmt: skip

LAYERS = [NORMED, INFERENCE, LAYERNORM_NET, RMSNORM, STRIDED, POOLED, SEQUENCE, LSTM_STEPS, PEEPHOLE, GRU_STEPS]
