"""Right gradients of the held-out models in other algebra than the models' own: a checker must accuse none of them."""

from functools import partial
from typing import Any

import numpy as np

from .corpus_held_out_layers import (
    EPS,
    GRU_STEPS,
    INFERENCE,
    LAYERNORM_NET,
    LAYERS,
    LSTM_STEPS,
    NORMED,
    PEEPHOLE,
    POOLED,
    RMSNORM,
    SEQUENCE,
    STRIDED,
)
from .corpus_held_out_models import (
    CLASSES,
    COSINE,
    DECAY,
    DIVERGENCE,
    DROPOUT,
    ELU_CE,
    EMBEDDING,
    FACTORS,
    FOCAL,
    HINGE,
    KEEP,
    LEAKY,
    MODELS,
    RESIDUAL,
    SMOOTHED,
    SOFTPLUS,
    SWISH,
    softmax_rows,
)
from .corpus_models import Gradient, Model, sigma
from .corpus_right import Right

# ---------------------------------------------------------------------------------------- networks and losses


def swish_one_by_one(X, Y, W1, b1, W2, b2):
    """swish' = s (1 + u (1 − s)); nested lists."""
    total = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for x, y in zip(X, Y, strict=True):
        u = W1 @ x + b1
        s = sigma(u)
        error = W2 @ (u * s) + b2 - y
        delta = (error @ W2) * s * (1 + u * (1 - s))
        for sum_, g in zip(total, (np.outer(delta, x), delta, np.outer(error, u * s), error), strict=True):
            sum_ += g
    return [g.tolist() for g in total]


def softplus_all_at_once(X, Y, V, c, w, d):
    """softplus' = 1 − exp(−softplus)."""
    H = np.logaddexp(0, X @ V.T + c)
    e = (H @ w + d - Y) / len(Y)
    back = np.outer(e, w) * (1 - np.exp(-H))
    return back.T @ X, back.sum(axis=0), H.T @ e, e.sum()


def leaky_quotients(X, Y, W1, W2, W3):
    """leaky relu' = h/u."""
    U1 = X @ W1.T
    H1 = np.maximum(U1, 0.01 * U1)
    U2 = H1 @ W2.T
    H2 = np.maximum(U2, 0.01 * U2)
    G3 = (H2 @ W3.T - Y) * 2 / (len(Y) * Y.shape[1])
    G2 = G3 @ W3 * H2 / U2
    G1 = G2 @ W2 * H1 / U1
    return np.einsum("no,ni->oi", G1, X), np.einsum("no,ni->oi", G2, H1), np.einsum("no,ni->oi", G3, H2)


def residual_stacked(X, Y, W1, b1, W2):
    """Both blocks' examples one above the other; tanh' = 1/cosh²."""
    U = X @ W1.T + b1
    X1 = X + np.tanh(U) @ W2.T
    U1 = X1 @ W1.T + b1
    G = (X1 + np.tanh(U1) @ W2.T - Y) / len(X)
    D = (G @ W2) / np.cosh(U1) ** 2
    before = G + D @ W1
    D = np.vstack([(before @ W2) / np.cosh(U) ** 2, D])
    return D.T @ np.vstack([X, X1]), D.sum(axis=0), np.vstack([before, G]).T @ np.tanh(np.vstack([U, U1]))


def dropout_scaled(X, Y, M, W1, b1, W2):
    """The mask and 1/keep taken together; 1 − h² as a product."""
    H, scale = np.tanh(X @ W1.T + b1), M / KEEP
    G = ((scale * H) @ W2.T - Y) / len(X)
    G1 = scale * (G @ W2) * (1 - H) * (1 + H)
    return G1.T @ X, np.ones(len(X)) @ G1, np.dot(G.T, scale * H)


def elu_ce_exponents(X, t, W1, b1, W2, b2):
    """elu' = exp(min(u, 0)); one-hot targets."""
    U = X @ W1.T + b1
    H = np.where(U > 0, U, np.exp(np.minimum(U, 0)) - 1)
    Q = (softmax_rows(H @ W2.T + b2) - np.eye(len(b2))[t]) / len(X)
    back = Q @ W2 * np.exp(np.minimum(U, 0))
    return DECAY * W1 + (X.T @ back).T, sum(back), DECAY * W2 + (H.T @ Q).T, sum(Q)


def smoothed_jacobians(X, Y, W1, b1, W2, b2):
    """Through dL/dp = −y/p and the softmax's Jacobian."""
    H = np.tanh(X @ W1.T + b1)
    P = softmax_rows(H @ W2.T + b2)
    dZ = np.array([(np.diag(p) - np.outer(p, p)) @ (-y / p) for p, y in zip(P, Y, strict=True)])
    dU = dZ @ W2 * (1 - H) * (1 + H)
    return dU.T @ X, dU.sum(axis=0), dZ.T @ H + DECAY * (W2 + W2), dZ.sum(axis=0)


def classes_one_by_one(X, t, W, b):
    dW, db = DECAY * W, np.zeros_like(b)
    for x, label in zip(X, t, strict=True):
        z = W @ x + b
        for k in range(len(b)):
            error = 1 / np.exp(z - z[k]).sum() - (k == label)
            dW[k] += error * x / len(X)
            db[k] += error / len(X)
    return dW, db


def embedding_counts(words, t, E, W):
    """The mean as a matrix product with the words' shares of a sentence."""
    shares = np.array([[np.mean(sentence == word) for word in range(len(E))] for sentence in words])
    dz = (softmax_rows(shares @ E @ W.T) - np.eye(len(W))[t]) / len(t)
    return shares.T @ dz @ W, dz.T @ shares @ E


def cosine_projected(u, v):
    """−(I − û ûᵀ) v̂ / |u|."""
    a, b = u / np.sqrt(u @ u), v / np.sqrt(v @ v)
    return -(np.eye(len(u)) - np.outer(a, a)) @ b / np.sqrt(u @ u), (np.outer(b, b) @ a - a) / np.sqrt(v @ v)


def hinge_loops(X, t, W):
    dW = 2 * DECAY * W
    for x, label in zip(X, t, strict=True):
        s = x @ W
        for j in range(len(s)):
            if j != label and s[j] - s[label] + 1 > 0:
                dW[:, j] += x / len(X)
                dW[:, label] -= x / len(X)
    return dW


def divergence_centred(q, z):
    """p (ln(p/q) − KL): the 1 of the product rule falls out."""
    p = softmax_rows(z)
    ratio = np.log(p / q)
    return p * (ratio - (p * ratio).sum(axis=1)[:, None]) / len(p)


def focal_closed(y, z):
    """± (1 − p)² (2 p ln p − (1 − p))."""
    s = 2 * y - 1
    p = sigma(s * z)
    return s * (1 - p) ** 2 * (2 * p * np.log(p) - 1 + p) / len(z)


def factors_one_by_one(R, seen, P, Q):
    dP, dQ = DECAY * P, DECAY * Q
    for u, i in zip(*np.nonzero(seen), strict=True):
        error = P[u] @ Q[i] - R[u, i]
        dP[u] += error * Q[i]
        dQ[i] += error * P[u]
    return dP, dQ


# ---------------------------------------------------------------------------------------------------- layers


def normed_formula(Y, X, gamma, beta, w):
    """The one formula for dX."""
    N, std = len(X), np.sqrt(X.var(axis=0) + EPS)
    xhat = (X - X.mean(axis=0)) / std
    out = gamma * xhat + beta
    dp = (np.maximum(out, 0) @ w - Y) / N
    dout = np.where(out > 0, np.outer(dp, w), 0)
    dbeta, dgamma = dout.sum(axis=0), np.einsum("nd,nd->d", dout, xhat)
    return gamma / (N * std) * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta, dp @ np.maximum(out, 0)


def inference_folded(m, v, Y, X, gamma, beta, w):
    """Normalisation as one product and one sum: scale x + shift."""
    scale = gamma / (v + EPS) ** 0.5
    out = scale * X + (beta - scale * m)
    on = out > 0
    dp = ((out * on) @ w - Y) / len(Y)
    dshift = (dp[:, None] * on).sum(axis=0) * w
    dscale = (dp[:, None] * on * X).sum(axis=0) * w
    return dp[:, None] * on * w * scale, (dscale - m * dshift) / np.sqrt(v + EPS), dshift, dp @ (out * on)


def layernorm_projected(T, X, g, b, W):
    """One row after the other, with the Jacobian (I − 11ᵀ/D − n nᵀ/D) / std."""
    dX, dh_n, D = [], [], X.shape[1]
    std = np.sqrt(X.var(axis=1, keepdims=True) + EPS)
    n = (X - X.mean(axis=1, keepdims=True)) / std
    dp = (g * n + b) @ W.T - T
    for row, d, s in zip(n, dp, std[:, 0], strict=True):
        dX.append((np.eye(D) - 1 / D - np.outer(row, row) / D) @ (g * (W.T @ d)) / s)
        dh_n.append(W.T @ d * row)
    return np.array(dX), sum(dh_n), W.T @ dp.sum(axis=0), np.einsum("ni,nj->ij", dp, g * n + b)


def rmsnorm_projected(R, x, g):
    rms = np.sqrt((x @ x) / len(x) + EPS)
    unit = x / rms
    return (g * R - unit * np.mean(g * R * unit)) / rms, R * unit


def strided_dilated(t, x, k, b, W):
    """dx as a full convolution of dz, zeros between its entries."""
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[2:], axis=(1, 2))
    z = np.einsum("fcpq,cijpq->fij", k, windows[:, ::2, ::2]) + b[:, None, None]
    dp = W @ np.maximum(z, 0).reshape(-1) - t
    dz = np.where(z > 0, (W.T @ dp).reshape(z.shape), 0)
    spread = np.zeros((len(k), 3, 3))
    spread[:, ::2, ::2] = dz
    around = np.lib.stride_tricks.sliding_window_view(np.pad(spread, ((0, 0), (2, 2), (2, 2))), (3, 3), axis=(1, 2))
    dx = np.einsum("fcpq,fijpq->cij", k[:, :, ::-1, ::-1], around)
    dk = np.einsum("fij,cijpq->fcpq", dz, windows[:, ::2, ::2])
    return dx, dk, np.einsum("fij->f", dz), dp[:, None] * np.maximum(z, 0).reshape(1, -1)


def pooled_argmax(t, x, k, b, W):
    """The winners' places remembered, as max pooling is usually written."""
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[1:])
    z = np.einsum("fpq,ijpq->fij", k, windows) + b[:, None, None]
    flat = z.reshape(2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(8, 4)
    winners = flat.argmax(axis=1)
    dp = W @ flat.max(axis=1) - t
    dz = np.zeros_like(flat)
    dz[np.arange(8), winners] = dp @ W
    dz = dz.reshape(2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(z.shape)
    dx = np.zeros_like(x)
    for p in range(3):
        for q in range(3):
            dx[p : p + 4, q : q + 4] += np.tensordot(k[:, p, q], dz, axes=1)
    return dx, np.einsum("fij,ijpq->fpq", dz, windows), dz.sum(axis=(1, 2)), np.outer(dp, flat.max(axis=1))


def sequence_columns(t, x, K, b, W):
    """im2col: a matrix with a column for each window."""
    C, L = x.shape
    places = np.array([[c * L + s + p for c in range(C) for p in range(3)] for s in range(L - 2)]).T
    columns, rows = x.ravel()[places], K.reshape(len(K), -1)
    a = np.tanh(rows @ columns + b[:, None])
    dp = W @ a.mean(axis=1) - t
    dz = (dp @ W)[:, None] * (1 - a) * (1 + a) / a.shape[1]
    dx = np.zeros(x.size)
    np.add.at(dx, places, rows.T @ dz)
    return (
        dx.reshape(x.shape),
        (dz @ columns.T).reshape(K.shape),
        dz @ np.ones(a.shape[1]),
        np.outer(dp, a.mean(axis=1)),
    )


def complex_step(loss, *arrays):
    """Im f(x + ih) / h for each entry: no algebra at all."""
    grads = []
    for k, array in enumerate(arrays):
        grad = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            moved = [np.array(a, complex) for a in arrays]
            moved[k][index] += 1e-30j
            grad[index] = loss(*moved).imag / 1e-30
        grads.append(grad)
    return grads


def lstm_complex(xs, t, *arrays):
    def loss(Wf, Wi, Wg, Wo, h, c):
        for x in xs:
            hx = np.concatenate([h, x])
            c = sigma(Wf @ hx) * c + sigma(Wi @ hx) * np.tanh(Wg @ hx)
            h = sigma(Wo @ hx) * np.tanh(c)
        return np.sum((h - t) ** 2) / 2

    return complex_step(loss, *arrays)


def peephole_complex(R, *arrays):
    def loss(x, c, W, pi, pf, po):
        zi, zf, zg, zo = (W @ x).reshape(4, -1)
        c = sigma(zf + pf * c) * c + sigma(zi + pi * c) * np.tanh(zg)
        return np.sum(R * sigma(zo + po * c) * np.tanh(c))

    return complex_step(loss, *arrays)


def gru_complex(xs, R, *arrays):
    def loss(h, Wr, Wz, Wn, Un):
        for x in xs:
            xh = np.concatenate([x, h])
            n = np.tanh(Wn @ x + sigma(Wr @ xh) * (Un @ h))
            h = n + sigma(Wz @ xh) * (h - n)
        return R @ h

    return complex_step(loss, *arrays)


def right(what: str, model: Model, backward: Gradient) -> Right:
    """A row of the table: another gradient for the model's data."""
    return Right(f"{model.name}: {what}", model, partial(backward, *model.data))


def numbers(model: Model) -> Any:
    """The right gradient itself, not the function."""
    return model.gradient(*model.inputs)


# fmt: off
HELD_OUT_RIGHT: list[Right] = [
    right("one by one", SWISH, swish_one_by_one),
    right("all at once", SOFTPLUS, softplus_all_at_once),
    right("h/u", LEAKY, leaky_quotients),
    right("stacked", RESIDUAL, residual_stacked),
    right("mask and scale together", DROPOUT, dropout_scaled),
    right("exp(min(u, 0))", ELU_CE, elu_ce_exponents),
    right("the softmax's Jacobian", SMOOTHED, smoothed_jacobians),
    right("one by one", CLASSES, classes_one_by_one),
    right("shares of words", EMBEDDING, embedding_counts),
    right("a projection", COSINE, cosine_projected),
    right("loops", HINGE, hinge_loops),
    right("centred", DIVERGENCE, divergence_centred),
    Right("Kullback-Leibler: the product rule's 1 left out", DIVERGENCE,
          DIVERGENCE.slip(" - np.log(q) + 1", " - np.log(q)")),
    right("closed form", FOCAL, focal_closed),
    right("one by one", FACTORS, factors_one_by_one),
    right("one formula", NORMED, normed_formula),
    right("folded", INFERENCE, inference_folded),
    right("a projection for each row", LAYERNORM_NET, layernorm_projected),
    right("a projection", RMSNORM, rmsnorm_projected),
    right("dilated", STRIDED, strided_dilated),
    right("argmax", POOLED, pooled_argmax),
    right("im2col", SEQUENCE, sequence_columns),
    right("complex step", LSTM_STEPS, lstm_complex),
    right("complex step", PEEPHOLE, peephole_complex),
    right("complex step", GRU_STEPS, gru_complex),
]
# fmt: on
HELD_OUT_RIGHT += [Right(f"{model.name}: its own", model, model.gradient) for model in MODELS + LAYERS]
HELD_OUT_RIGHT += [
    Right(f"{model.name}: numbers", model, numbers(model)) for model in (SWISH, FOCAL, STRIDED, GRU_STEPS)
]
