"""Models of the held-out corpus: networks and losses; more in `corpus_held_out_layers`.

They are written in other styles than those of `corpus_models`: W of shape (out, in) as in PyTorch, the loss a sum over
the batch as often as a mean, other activations, losses and penalties. Glossary: X, Y examples and targets; U before
and H after the activation, P the prediction; gW is dL/dW, and G a gradient on its way back.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import engine
from engine import dot, elu, leaky_relu, log, logsumexp, mean, relu, silu, softmax, softplus, sqrt, take, tanh

from .corpus_models import Gradient, Model, normal, parameters, sigma

NET = ("W1", "b1", "W2", "b2")


def linear(x: Any, W: Any, b: Any) -> list[Any]:
    """W x + b for one example, W of shape (out, in)."""
    return [dot(row, x, bias) for row, bias in zip(W, b, strict=True)]


def penalty(*matrices: Any) -> Any:
    """Σ w² over all entries."""
    return engine.sum([w**2 for W in matrices for row in W for w in row])


def held(name: str, f: Callable[..., Any], backward: Gradient, names: Any, inputs: Any, *data: Any) -> Model:
    """A model whose loss takes the data first, as lists."""
    f = partial(f, *(d.tolist() for d in data))
    return Model(f"held out, {name}", f, tuple(inputs), tuple(names), backward, data)


def softmax_rows(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


# ------------------------------------------------------------------------------------------ squared errors


def swish_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """½ Σ (p − y)², a sum over batch and outputs."""
    errors = []
    for x, y in zip(X, Y, strict=True):
        hidden = [silu(u) for u in linear(x, W1, b1)]
        errors += [(p - t) ** 2 for p, t in zip(linear(hidden, W2, b2), y, strict=True)]
    return 0.5 * engine.sum(errors)


def swish(X, Y, W1, b1, W2, b2):
    U = X @ W1.T + b1
    S = sigma(U)
    H = U * S
    P = H @ W2.T + b2
    G2 = P - Y
    gW2 = G2.T @ H
    gb2 = G2.sum(0)
    GH = G2 @ W2
    G1 = GH * (S + H * (1 - S))
    gW1 = G1.T @ X
    gb1 = G1.sum(0)
    return gW1, gb1, gW2, gb2


def softplus_loss(X: Any, Y: Any, V: Any, c: Any, w: Any, d: Any) -> Any:
    """The mean of ½ (p − y)², one output, its weights a vector."""
    total = 0
    for x, y in zip(X, Y, strict=True):
        h = [softplus(a) for a in linear(x, V, c)]
        total = total + (dot(w, h) + d - y) ** 2 / 2
    return total / len(X)


def softplus_net(X, Y, V, c, w, d):
    n = len(X)
    gV, gc, gw, gd = np.zeros_like(V), np.zeros_like(c), np.zeros_like(w), 0.0
    for x, y in zip(X, Y, strict=True):
        a = V @ x + c
        h = np.log1p(np.exp(a))
        e = w @ h + d - y
        gd += e / n
        gw += e * h / n
        back = e * w * sigma(a) / n
        gc += back
        gV += np.outer(back, x)
    return gV, gc, gw, gd


def leaky_loss(X: Any, Y: Any, W1: Any, W2: Any, W3: Any) -> Any:
    """Three layers without biases; the mean over batch and outputs."""
    errors = []
    for x, y in zip(X, Y, strict=True):
        for W in (W1, W2):
            x = [leaky_relu(dot(row, x)) for row in W]
        errors += [(dot(row, x) - t) ** 2 for row, t in zip(W3, y, strict=True)]
    return mean(errors)


def slope(U):
    return np.where(U > 0, 1.0, 0.01)


def leaky(X, Y, W1, W2, W3):
    U1 = X @ W1.T
    H1 = U1 * slope(U1)
    U2 = H1 @ W2.T
    H2 = U2 * slope(U2)
    P = H2 @ W3.T
    G = 2 * (P - Y) / Y.size
    gW3 = G.T @ H2
    G = (G @ W3) * slope(U2)
    gW2 = G.T @ H1
    G = (G @ W2) * slope(U1)
    gW1 = G.T @ X
    return gW1, gW2, gW3


def residual_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any) -> Any:
    """x + W2 tanh(W1 x + b1), and the block once more with the same weights; ½ Σ (· − y)² / m."""
    errors = []
    for x, y in zip(X, Y, strict=True):
        for _ in range(2):
            x = [v + dot(row, [tanh(u) for u in linear(x, W1, b1)]) for v, row in zip(x, W2, strict=True)]
        errors.append(engine.sum([(v - t) ** 2 for v, t in zip(x, y, strict=True)]) / 2)
    return mean(errors)


def residual(X, Y, W1, b1, W2):
    T1 = np.tanh(X @ W1.T + b1)
    X1 = X + T1 @ W2.T
    T2 = np.tanh(X1 @ W1.T + b1)
    X2 = X1 + T2 @ W2.T

    G = (X2 - Y) / len(X)
    gW2 = G.T @ T2
    D2 = (G @ W2) * (1 - T2**2)
    gW1 = D2.T @ X1
    gb1 = D2.sum(axis=0)
    G = G + D2 @ W1
    gW2 += G.T @ T1
    D1 = (G @ W2) * (1 - T1**2)
    gW1 += D1.T @ X
    gb1 += D1.sum(axis=0)
    return gW1, gb1, gW2


def dropout_loss(X: Any, Y: Any, M: Any, W1: Any, b1: Any, W2: Any) -> Any:
    """Inverted dropout, keep probability ½, with the masks M given; ½ mean over the batch."""
    total = 0
    for x, y, mask in zip(X, Y, M, strict=True):
        h = [tanh(u) * m / KEEP for u, m in zip(linear(x, W1, b1), mask, strict=True)]
        total = total + engine.sum([(dot(row, h) - t) ** 2 for row, t in zip(W2, y, strict=True)])
    return total / (2 * len(X))


def dropout(X, Y, M, W1, b1, W2):
    m = X.shape[0]
    H = np.tanh(X @ W1.T + b1)
    D = H * M / KEEP
    G = (D @ W2.T - Y) / m
    gW2 = G.T @ D
    GD = G @ W2
    GH = GD * M / KEEP
    G1 = GH * (1 - H * H)
    return [G1.T @ X, G1.sum(axis=0), gW2]


KEEP = 0.5
MASKS = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 0.0]])

# fmt: off
SWISH = held("swish, a sum", swish_loss, swish, NET,
             parameters(101, (3, 2), (3,), (3, 3), (3,)), normal(102, 6, 2), normal(103, 6, 3))
SOFTPLUS = held("softplus, one by one", softplus_loss, softplus_net, ("V", "c", "w", "d"),
                (*parameters(104, (4, 3), (4,), (4,)), 0.3), normal(105, 7, 3), normal(106, 7))
LEAKY = held("leaky relu, three layers", leaky_loss, leaky, ("W1", "W2", "W3"),
             parameters(107, (4, 3), (4, 4), (2, 4)), normal(108, 6, 3), normal(109, 6, 2))
RESIDUAL = held("residual, twice", residual_loss, residual, ("W1", "b1", "W2"),
                parameters(110, (4, 3), (4,), (3, 4)), normal(111, 5, 3), normal(112, 5, 3))
DROPOUT = held("dropout", dropout_loss, dropout, ("W1", "b1", "W2"),
               parameters(113, (4, 3), (4,), (2, 4)), normal(114, 6, 3), normal(115, 6, 2), MASKS)
# fmt: on

# ------------------------------------------------------------------------------------ softmax cross-entropy

DECAY = 0.2


def elu_ce_loss(X: Any, t: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """logsumexp(z) − z[t], the mean, and λ/2 Σ w²."""
    losses = []
    for x, label in zip(X, t, strict=True):
        z = linear([elu(u) for u in linear(x, W1, b1)], W2, b2)
        losses.append(logsumexp(z) - take(z, label))
    return mean(losses) + DECAY / 2 * penalty(W1, W2)


def elu_ce(X, t, W1, b1, W2, b2):
    N = X.shape[0]
    U = X @ W1.T + b1
    H = np.where(U > 0, U, np.expm1(U))
    Q = softmax_rows(H @ W2.T + b2)
    Q[range(N), t] -= 1
    Q = Q / N
    gW2 = Q.T @ H + DECAY * W2
    gb2 = Q.sum(axis=0)
    back = Q @ W2
    back *= np.where(U > 0, 1, H + 1)
    gW1 = back.T @ X + DECAY * W1
    gb1 = back.sum(axis=0)
    return gW1, gb1, gW2, gb2


def smoothed_loss(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """−Σ y log softmax(z), a sum over the batch, smoothed targets, and λ Σ w² of the last layer."""
    total = 0
    for x, y in zip(X, Y, strict=True):
        p = softmax(linear([tanh(u) for u in linear(x, W1, b1)], W2, b2))
        total = total - dot(y, [log(q) for q in p])
    return total + DECAY * penalty(W2)


def smoothed(X, Y, W1, b1, W2, b2):
    H = np.tanh(np.einsum("ni,oi->no", X, W1) + b1)
    P = softmax_rows(np.einsum("ni,oi->no", H, W2) + b2)
    dZ = P - Y
    gW2 = np.einsum("no,ni->oi", dZ, H) + 2 * DECAY * W2
    gb2 = np.einsum("no->o", dZ)
    dU = np.einsum("no,oi->ni", dZ, W2) * (1 - H**2)
    gW1 = np.einsum("no,ni->oi", dU, X)
    gb1 = np.einsum("no->o", dU)
    return [gW1, gb1, gW2, gb2]


def classes_loss(X: Any, t: Any, W: Any, b: Any) -> Any:
    """Logistic regression with several classes: the mean of logsumexp(z) − z[t], and λ/2 Σ w²."""
    scores = [linear(x, W, b) for x in X]
    return mean([logsumexp(z) - z[k] for z, k in zip(scores, t, strict=True)]) + DECAY / 2 * penalty(W)


def classes(X, t, W, b):
    n, k = len(X), len(b)
    onehot = np.eye(k)[t]
    error = softmax_rows(X @ W.T + b) - onehot
    return [error.T @ X / n + DECAY * W, error.mean(axis=0)]


def embedding_loss(words: Any, t: Any, E: Any, W: Any) -> Any:
    """The mean of a sentence's rows of E, a softmax on it; the mean over the sentences."""
    losses = []
    for sentence, label in zip(words, t, strict=True):
        bag = [mean([E[word][k] for word in sentence]) for k in range(len(E[0]))]
        z = [dot(row, bag) for row in W]
        losses.append(logsumexp(z) - z[label])
    return mean(losses)


def embedding(words, t, E, W):
    m, length = words.shape
    bag = E[words].mean(axis=1)
    dz = softmax_rows(bag @ W.T)
    dz[np.arange(m), t] -= 1
    dz /= m
    dW = dz.T @ bag
    dbag = dz @ W
    dE = np.zeros_like(E)
    np.add.at(dE, words, dbag[:, None, :] / length)
    return dE, dW


T3 = np.array([0, 2, 1, 2, 0, 1])
SMOOTH = 0.85 * np.eye(3)[T3] + 0.05
WORDS = np.array([[0, 2, 0], [1, 1, 3], [4, 0, 2], [3, 3, 3]])

# fmt: off
ELU_CE = held("elu, logsumexp, decay", elu_ce_loss, elu_ce, NET,
              parameters(121, (4, 2), (4,), (3, 4), (3,)), normal(122, 6, 2), T3)
SMOOTHED = held("tanh, softmax then log, a sum", smoothed_loss, smoothed, NET,
                parameters(123, (3, 3), (3,), (3, 3), (3,)), normal(124, 6, 3), SMOOTH)
CLASSES = held("several classes", classes_loss, classes, "Wb", parameters(125, (3, 3), (3,)), normal(126, 6, 3), T3)
EMBEDDING = held("embedding", embedding_loss, embedding, "EW",
                 parameters(127, (5, 3), (3, 3)), WORDS, np.array([0, 2, 1, 1]))
# fmt: on

# ---------------------------------------------------------------------------------------------- small losses


def cosine_loss(u: Any, v: Any) -> Any:
    """1 − u·v / (|u| |v|)."""
    return 1 - dot(u, v) / (sqrt(dot(u, u)) * sqrt(dot(v, v)))


def cosine(u, v):
    nu, nv = np.linalg.norm(u), np.linalg.norm(v)
    c = u @ v / (nu * nv)
    du = -(v / (nu * nv) - c * u / nu**2)
    dv = -(u / (nu * nv) - c * v / nv**2)
    return du, dv


def hinge_loss(X: Any, t: Any, W: Any) -> Any:
    """The multiclass hinge loss of cs231n, W (in, classes): mean of Σ max(0, s_j − s_t + 1), and λ Σ w²."""
    losses = []
    for x, label in zip(X, t, strict=True):
        s = [dot(x, column) for column in zip(*W, strict=True)]
        losses += [relu(s[j] - s[label] + 1) for j in range(len(s)) if j != label]
    return engine.sum(losses) / len(X) + DECAY * penalty(W)


def hinge(X, t, W):
    n = len(X)
    scores = X @ W
    margins = scores - scores[np.arange(n), t][:, None] + 1
    margins[np.arange(n), t] = 0
    binary = (margins > 0).astype(float)
    binary[np.arange(n), t] = -binary.sum(axis=1)
    return X.T @ binary / n + 2 * DECAY * W


def divergence_loss(q: Any, z: Any) -> Any:
    """KL(softmax(z) ‖ q), a row each, the mean over the rows."""
    rows = []
    for scores, goal in zip(z, q, strict=True):
        p = softmax(scores)
        rows.append(engine.sum([a * (log(a) - log(b)) for a, b in zip(p, goal, strict=True)]))
    return mean(rows)


def divergence(q, z):
    p = softmax_rows(z)
    dp = np.log(p) - np.log(q) + 1
    dz = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    return dz / len(z)


def focal_loss(y: Any, z: Any) -> Any:
    """−(1 − p)² log p, p the probability of the true class: the mean."""
    ps = [engine.sigmoid(a if label else -a) for a, label in zip(z, y, strict=True)]
    return mean([-((1 - p) ** 2) * log(p) for p in ps])


def focal(y, z):
    s = np.where(y == 1, 1, -1)
    p = sigma(s * z)
    dp = 2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p
    dz = dp * p * (1 - p) * s
    return dz / len(z)


def factors_loss(R: Any, seen: Any, P: Any, Q: Any) -> Any:
    """½ Σ (r − p·q)² over the ratings seen, and λ/2 (Σ p² + Σ q²)."""
    errors = [(R[u][i] - dot(P[u], Q[i])) ** 2 for u in range(len(P)) for i in range(len(Q)) if seen[u][i]]
    return engine.sum(errors) / 2 + DECAY / 2 * penalty(P, Q)


def factors(R, seen, P, Q):
    E = seen * (R - P @ Q.T)
    dP = -E @ Q + DECAY * P
    dQ = -E.T @ P + DECAY * Q
    return dP, dQ


SEEN = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1], [1, 1, 0, 0.0]])

COSINE = held("cosine", cosine_loss, cosine, "uv", (normal(131, 4), normal(132, 4)))
HINGE = held("hinge", hinge_loss, hinge, "W", parameters(133, (3, 3)), normal(134, 6, 3), T3)
DIVERGENCE = held(
    "Kullback-Leibler", divergence_loss, divergence, "z", (normal(135, 4, 3),), softmax_rows(normal(136, 4, 3))
)
FOCAL = held("focal", focal_loss, focal, "z", (normal(137, 5),), np.array([1, 0, 0, 1, 1]))
FACTORS = held("factors", factors_loss, factors, "PQ", parameters(138, (4, 2), (4, 2)), normal(139, 4, 4), SEEN)

MODELS = [SWISH, SOFTPLUS, LEAKY, RESIDUAL, DROPOUT, ELU_CE, SMOOTHED, CLASSES, EMBEDDING]
MODELS += [COSINE, HINGE, DIVERGENCE, FOCAL, FACTORS]
