"""The digits in NumPy, backpropagation by hand: an image is a row, as the data comes. And Adam for one flat array."""

from __future__ import annotations

import itertools

import numpy as np

from tests.benchmarks.peers_numpy_moons import views
from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_digits import BATCH, RATE
from tests.benchmarks.vectorized_moons import flat


def adam(p, rate, betas=(0.9, 0.999), eps=1e-8):
    """The function that moves p against a gradient, in place, and needs the gradient no more afterwards."""
    m, v, (b1, b2), steps = np.zeros_like(p), np.zeros_like(p), betas, itertools.count(1)

    def update(g):
        t = next(steps)
        np.multiply(m, b1, out=m)
        np.add(m, g * (1.0 - b1), out=m)
        np.multiply(v, b2, out=v)
        np.multiply(g, g, out=g)
        np.add(v, g * (1.0 - b2), out=v)
        root = np.sqrt(v)
        root *= (1.0 - b2**t) ** -0.5
        root += eps
        np.divide(m, root, out=root)
        root *= rate / (1.0 - b1**t)
        np.subtract(p, root, out=p)

    return update


def digits(arrays, epoch):
    """A batch a step."""
    p = flat(arrays)
    g, shapes = np.zeros_like(p), [array.shape for array in arrays]
    w1, b1, w2, b2 = views(p, shapes)
    dw1, db1, dw2, db2 = views(g, shapes)
    update, turn, rows = adam(p, RATE), itertools.cycle(epoch), np.arange(BATCH)

    def run(batch=epoch[0]):
        x, classes = batch
        a = x @ w1.T
        a += b1
        np.maximum(a, 0.0, out=a)
        z = a @ w2.T
        z += b2
        z -= np.maximum.reduce(z, 1, keepdims=True)
        q = np.exp(z)
        total = np.add.reduce(q, 1, keepdims=True)
        loss = (np.add.reduce(np.log(total), None) - np.add.reduce(z[rows, classes])) / BATCH
        q /= total
        q[rows, classes] -= 1.0
        q *= 1.0 / BATCH
        np.matmul(q.T, a, out=dw2)
        np.add.reduce(q, 0, out=db2)
        da = q @ w2
        da *= a > 0.0
        np.matmul(da.T, x, out=dw1)
        np.add.reduce(da, 0, out=db1)
        return loss

    def step():
        run(next(turn))
        update(g)

    return Peer(lambda: (run(), g.copy()), run, step)
