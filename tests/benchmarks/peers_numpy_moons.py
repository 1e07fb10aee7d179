"""micrograd's demo in NumPy, backpropagation by hand: the yardstick, in two layouts.

Glossary: p all parameters, g their gradient, each one flat array with a view for every weight and bias; x the points,
t their labels; a1, a2 the hidden layers; dz the gradient of the loss by z.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_moons import DECAY, LABELS, POINTS, RATE, flat


def views(whole, shapes):
    """Parts of one flat array, in these shapes."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = np.split(whole, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def rows(arrays):
    """A point is a row: z = x @ w.T + b."""
    p, x, t, n = flat(arrays), np.ascontiguousarray(POINTS), LABELS[:, None], len(POINTS)
    g, shapes = np.zeros_like(p), [array.shape for array in arrays]
    w1, b1, w2, b2, w3, b3 = views(p, shapes)
    dw1, db1, dw2, db2, dw3, db3 = views(g, shapes)

    def run():
        a1 = np.maximum(x @ w1.T + b1, 0.0)
        a2 = np.maximum(a1 @ w2.T + b2, 0.0)
        hinge = np.maximum(1.0 - t * (a2 @ w3.T + b3), 0.0)
        loss = hinge.sum() / n + DECAY * p.dot(p)
        dz3 = (hinge > 0.0) * (t * (-1.0 / n))
        np.matmul(dz3.T, a2, out=dw3)
        np.add.reduce(dz3, 0, out=db3)
        dz2 = (dz3 @ w3) * (a2 > 0.0)
        np.matmul(dz2.T, a1, out=dw2)
        np.add.reduce(dz2, 0, out=db2)
        dz1 = (dz2 @ w2) * (a1 > 0.0)
        np.matmul(dz1.T, x, out=dw1)
        np.add.reduce(dz1, 0, out=db1)
        np.add(g, (2.0 * DECAY) * p, out=g)
        return loss

    return _peer(p, g, run)


def columns(arrays):
    """A point is a column: z = w @ x + b."""
    p, x, t, n = flat(arrays), np.ascontiguousarray(POINTS.T), LABELS, len(POINTS)
    g, shapes = np.zeros_like(p), [array.shape if array.ndim == 2 else (*array.shape, 1) for array in arrays]
    w1, b1, w2, b2, w3, b3 = views(p, shapes)
    dw1, db1, dw2, db2, dw3, db3 = views(g, shapes)

    def run():
        a1 = np.maximum(w1 @ x + b1, 0.0)
        a2 = np.maximum(w2 @ a1 + b2, 0.0)
        hinge = np.maximum(1.0 - t * (w3 @ a2 + b3), 0.0)
        loss = hinge.sum() / n + DECAY * p.dot(p)
        dz3 = (hinge > 0.0) * (t * (-1.0 / n))
        np.matmul(dz3, a2.T, out=dw3)
        np.add.reduce(dz3, 1, out=db3, keepdims=True)
        dz2 = (w3.T * dz3) * (a2 > 0.0)
        np.matmul(dz2, a1.T, out=dw2)
        np.add.reduce(dz2, 1, out=db2, keepdims=True)
        dz1 = (w2.T @ dz2) * (a1 > 0.0)
        np.matmul(dz1, x.T, out=dw1)
        np.add.reduce(dz1, 1, out=db1, keepdims=True)
        np.add(g, (2.0 * DECAY) * p, out=g)
        return loss

    return _peer(p, g, run)


def _peer(p, g, run):
    def step():
        run()
        np.subtract(p, RATE * g, out=p)

    return Peer(lambda: (run(), g.copy()), run, step)
