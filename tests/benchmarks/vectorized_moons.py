"""micrograd's demo: two moons, 100 points, MLP(2, [16, 16, 1]) with relu, hinge loss and L2, a full step with SGD.

All peers begin with the same six arrays, a weight (outputs, inputs) and a bias (outputs,) for each layer, and share
the order of the gradient: these arrays one after the other, each row by row.
"""

from __future__ import annotations

import itertools

import numpy as np

import nn
from demos.data import moons
from engine import Value, vectorize
from tests.benchmarks.timing import Peer, asked, in_turns, lacks, ratio, table

SIZES = (2, 16, 16, 1)
DECAY = 1e-4
RATE = 0.1
POINTS, LABELS = moons(100, 0.1)


def start(seed=1337):
    """The numbers that all begin with: U(−1, 1) and 0, as micrograd's."""
    rng = np.random.default_rng(seed)
    pairs = itertools.pairwise(SIZES)
    return [array for nin, nout in pairs for array in (rng.uniform(-1.0, 1.0, (nout, nin)), np.zeros(nout))]


def flat(arrays):
    """One array, in the order that all peers share."""
    return np.concatenate([np.ravel(array) for array in arrays])


# ------------------------------------------------------------------------------- our rows


def mlp(arrays):
    """nn.MLP with these numbers: its parameters in the order of the arrays, and the model."""
    model = nn.MLP(arrays[0].shape[1], [array.size for array in arrays[1::2]], seed=0)
    parameters = [
        part for layer in model.layers for part in ([n.w for n in layer.neurons], [n.b for n in layer.neurons])
    ]
    for values, array in zip(parameters, arrays, strict=True):
        for value, number in zip(np.ravel(values), array.ravel().tolist(), strict=True):
            value.data = number
    return parameters, model


def formula(arrays):
    """The same, written by hand over Values."""
    parameters = [[Value(v) for v in a] if a.ndim == 1 else [[Value(v) for v in row] for row in a] for a in arrays]

    def dot(ws, xs):
        return sum(w * x for w, x in zip(ws, xs, strict=True))

    def score(x):
        w1, b1, w2, b2, w3, b3 = parameters
        x = [(dot(w, x) + b).relu() for w, b in zip(w1, b1, strict=True)]
        x = [(dot(w, x) + b).relu() for w, b in zip(w2, b2, strict=True)]
        return dot(w3[0], x) + b3[0]

    return parameters, score


def loss_of(parameters, score, x, t):
    """max(0, 1 − t·score) + 1e-4·Σp²: of one example; the mean over the batch keeps the L2 as it is."""
    return (1.0 - t * score(x)).relu() + DECAY * sum(p * p for part in parameters for p in np.ravel(part))


def traced(parameters, score):
    """One example, vectorized for all points."""
    x, t = [Value(0.5, "x0"), Value(-0.5, "x1")], Value(1.0, "t")
    program = vectorize(loss_of(parameters, score, x, t), inputs=[x, t], parameters=parameters)

    def run():
        return program.value_and_grad(POINTS, LABELS)

    def step():
        _, gradient = run()
        p = program.parameters
        p -= RATE * gradient

    return Peer(run, run, step)


# ------------------------------------------------------------------------------- the table


def peers():
    """All of them whose packages are there, by name."""
    from tests.benchmarks import peers_numpy_moons

    arrays, found = start(), {}
    if not lacks("micrograd", "micrograd"):
        from tests.benchmarks import peers_micrograd

        found["micrograd"] = peers_micrograd.moons(arrays)
    if not lacks("torch", "PyTorch"):
        from tests.benchmarks import peers_torch

        found["PyTorch eager"] = peers_torch.moons(arrays)
    found["NumPy by hand, x @ w.T"] = peers_numpy_moons.rows(arrays)
    found["NumPy by hand, w @ x"] = peers_numpy_moons.columns(arrays)
    found["ours, nn.MLP"] = traced(*mlp(arrays))
    found["ours, the formula over Values"] = traced(*formula(arrays))
    return found


def main():
    """Measure and print."""
    found = peers()
    agree(found)
    times = in_turns({name: peer.step for name, peer in found.items()}, 7, 0.02)
    hand = min((name for name in times if name.startswith("NumPy")), key=lambda name: min(times[name]))
    table("moons, 100 points, 337 parameters: one step", times, "micrograd" if "micrograd" in times else hand)
    print()
    for ours in ("ours, nn.MLP", "ours, the formula over Values"):
        asked(f"{ours} / {hand}", ratio(times, ours, hand), 1.3, least=False)
        asked(f"micrograd / {ours}", ratio(times, "micrograd", ours), 8000)
        asked(f"PyTorch eager / {ours}", ratio(times, "PyTorch eager", ours), 4)


def agree(found):
    """All gradients are the same, to 1e-10."""
    losses, gradients = zip(*(peer.gradient() for peer in found.values()), strict=True)
    for name, loss, gradient in zip(found, losses, gradients, strict=True):
        np.testing.assert_allclose(loss, losses[0], rtol=1e-10, atol=1e-10, err_msg=name)
        np.testing.assert_allclose(gradient, gradients[0], rtol=1e-10, atol=1e-10, err_msg=name)
