"""The GPT in NumPy, backpropagation by hand, for a batch of names of one length.

Glossary: b names, n positions, N = b·n rows, c channels, h heads; x0, x1, x2 what runs past the two halves of the
block; y what their rmsnorm gives, s its scale; q, k, v query, key, value (b, h, n, c/h); a the shares of attention;
dx the gradient of the loss by x.
"""

from __future__ import annotations

import itertools

import numpy as np

from tests.benchmarks.peers_numpy_digits import adam
from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_gpt import BETAS, CHANNELS, EPS, HEADS, LETTERS, POSITIONS, RATE, SHAPES

SIZE = CHANNELS // HEADS
LATER = np.triu(np.full((POSITIONS, POSITIONS), -np.inf), 1)  # added to the scores of what comes later
LETTER = np.eye(LETTERS)


def views(whole):
    """The matrices in one flat array; those of query, key and value, which stand one after the other, as one."""
    shapes = list(SHAPES.values())
    shapes[2:5] = [(3 * CHANNELS, CHANNELS)]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(whole, ends[:-1]), shapes, strict=True)]


def rmsnorm(x):
    """y = x·s, s = 1/√(mean x² + 1e-5); and s."""
    s = (np.einsum("ij,ij->i", x, x)[:, None] * (1.0 / CHANNELS) + 1e-5) ** -0.5
    return x * s, s


def rmsnorm_slope(dy, y, s):
    """dx = s·(dy − y·mean(y·dy))."""
    return (dy - y * (np.einsum("ij,ij->i", dy, y)[:, None] * (1.0 / CHANNELS))) * s


def value_and_grad(ids, w, g):
    """The mean loss of the names ids (b, n + 1); the gradient goes into g."""
    wte, wpe, wqkv, wo, fc1, fc2, head = w
    dwte, dwpe, dwqkv, dwo, dfc1, dfc2, dhead = g
    b, n = ids.shape[0], ids.shape[1] - 1
    tokens, targets, rows = ids[:, :-1].ravel(), ids[:, 1:].ravel(), np.arange(b * n)

    e = (wte.take(tokens, 0).reshape(b, n, CHANNELS) + wpe[:n]).reshape(b * n, CHANNELS)
    x0, s0 = rmsnorm(e)
    y0, s1 = rmsnorm(x0)
    q, k, v = (y0 @ wqkv.T).reshape(b, n, 3, HEADS, SIZE).transpose(2, 0, 3, 1, 4)
    a = q @ k.swapaxes(2, 3)
    a *= SIZE**-0.5
    a += LATER[:n, :n]
    a -= np.maximum.reduce(a, 3, keepdims=True)
    np.exp(a, out=a)
    a /= np.add.reduce(a, 3, keepdims=True)
    o = (a @ v).transpose(0, 2, 1, 3).reshape(b * n, CHANNELS)
    x1 = o @ wo.T
    x1 += x0
    y1, s2 = rmsnorm(x1)
    z = y1 @ fc1.T
    np.maximum(z, 0.0, out=z)
    x2 = z @ fc2.T
    x2 += x1
    p = x2 @ head.T
    p -= np.maximum.reduce(p, 1, keepdims=True)
    np.exp(p, out=p)
    p /= np.add.reduce(p, 1, keepdims=True)
    loss = -np.add.reduce(np.log(p[rows, targets])) / (b * n)

    p[rows, targets] -= 1.0
    p *= 1.0 / (b * n)
    np.matmul(p.T, x2, out=dhead)
    dx2 = p @ head
    np.matmul(dx2.T, z, out=dfc2)
    dz = dx2 @ fc2
    dz *= z > 0.0
    np.matmul(dz.T, y1, out=dfc1)
    dx1 = rmsnorm_slope(dz @ fc1, y1, s2)
    dx1 += dx2
    np.matmul(dx1.T, o, out=dwo)
    do = (dx1 @ wo).reshape(b, n, HEADS, SIZE).transpose(0, 2, 1, 3)
    da = do @ v.swapaxes(2, 3)
    da -= np.einsum("bhij,bhij->bhi", da, a)[..., None]
    da *= a
    da *= SIZE**-0.5
    dqkv = np.empty((3, b, HEADS, n, SIZE))
    np.matmul(da, k, out=dqkv[0])
    np.matmul(da.swapaxes(2, 3), q, out=dqkv[1])
    np.matmul(a.swapaxes(2, 3), do, out=dqkv[2])
    flat = dqkv.transpose(1, 3, 0, 2, 4).reshape(b * n, 3 * CHANNELS)
    np.matmul(flat.T, y0, out=dwqkv)
    dx0 = rmsnorm_slope(flat @ wqkv, y0, s1)
    dx0 += dx1
    de = rmsnorm_slope(dx0, x0, s0)
    np.matmul(LETTER.take(tokens, 0).T, de, out=dwte)
    np.add.reduce(de.reshape(b, n, CHANNELS), 0, out=dwpe[:n])
    return loss


def gpt(numbers, batches):
    """One batch a step; Adam on the flat array, in place."""
    p, g, turn = numbers.copy(), np.zeros_like(numbers), itertools.cycle(batches)
    w, dw, update = views(p), views(g), adam(p, RATE, BETAS, EPS)

    def run(ids=batches[0]):
        return value_and_grad(ids, w, dw)

    def step():
        run(next(turn))
        update(g)

    return Peer(lambda: (run(), g.copy()), run, step)
