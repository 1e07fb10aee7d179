"""micrograd 0.1.0 on its own demo."""

from __future__ import annotations

import numpy as np
from micrograd.engine import Value
from micrograd.nn import MLP

from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_moons import DECAY, LABELS, POINTS, RATE, SIZES


def moons(arrays):
    """As the demo's notebook writes it."""
    model = MLP(SIZES[0], list(SIZES[1:]))
    parts = [part for layer in model.layers for part in ([n.w for n in layer.neurons], [n.b for n in layer.neurons])]
    parameters = [p for part in parts for p in np.ravel(part)]
    for p, number in zip(parameters, np.concatenate([array.ravel() for array in arrays]).tolist(), strict=True):
        p.data = number
    points, labels = POINTS.tolist(), LABELS.tolist()

    def run():
        scores = [model(list(map(Value, point))) for point in points]
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + DECAY * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        return loss.data

    def step():
        run()
        for p in model.parameters():
            p.data -= RATE * p.grad

    return Peer(lambda: (run(), np.array([p.grad for p in parameters])), run, step)
