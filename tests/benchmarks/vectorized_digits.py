"""The digits of scikit-learn: 64-32-10, relu, softmax cross-entropy, batches of 64, Adam."""

from __future__ import annotations

import itertools

import numpy as np

import nn
from engine import Value, vectorize
from tests.benchmarks.timing import Peer, asked, in_turns, lacks, ratio, table
from tests.benchmarks.vectorized_moons import agree, mlp

SIZES = (64, 32, 10)
BATCH = 64
RATE = 1e-3  # Adam's default, everywhere


def digits():
    """Images (1797, 64), from 0 to 1, and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 16.0, data.target.astype(np.int64)


def batches(images, classes):
    """Those of one epoch, without the rest that does not fill one."""
    order = np.random.default_rng(0).permutation(len(images))
    return [(images[part], classes[part]) for part in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)]


def start(seed=0):
    """Weights (outputs, inputs) and biases of the two layers: Glorot's, as scikit-learn's."""
    rng = np.random.default_rng(seed)
    arrays = []
    for nin, nout in itertools.pairwise(SIZES):
        bound = (6.0 / (nin + nout)) ** 0.5
        arrays += [rng.uniform(-bound, bound, (nout, nin)), rng.uniform(-bound, bound, nout)]
    return arrays


def traced(arrays, epoch):
    """nn.MLP and nn.cross_entropy for one image, vectorized for a batch."""
    parameters, model = mlp(arrays)
    x, t = [Value(0.5) for _ in range(SIZES[0])], Value(3.0, "class")
    program = vectorize(nn.cross_entropy(model(x), t), inputs=[x, t], parameters=parameters)
    adam = nn.Adam(parameters, lr=RATE)
    turn = itertools.cycle(epoch)

    def run(batch=epoch[0]):
        return program.value_and_grad(*batch)

    def step():
        _, gradient = run(next(turn))
        program.parameters[:] = adam.update(program.parameters, gradient)

    return Peer(run, run, step)


ONE, ALL = "PyTorch eager, one thread", "PyTorch eager, a thread for each core"


def main():
    """Measure and print."""
    if lacks("sklearn", "the whole table, with its data"):
        return
    from tests.benchmarks import peers_numpy_digits, peers_sklearn

    (images, classes), arrays = digits(), start()
    epoch = batches(images, classes)
    found = {"NumPy by hand": peers_numpy_digits.digits(arrays, epoch)}
    if not lacks("torch", "PyTorch"):
        from tests.benchmarks import peers_torch

        found[ONE] = peers_torch.digits(arrays, epoch)
    found["ours"] = traced(arrays, epoch)
    agree(found)
    learners = peers_sklearn.digits(images, classes)
    steps = {name: peer.step for name, peer in found.items()} | {name: fit for name, (fit, _) in learners.items()}
    times = in_turns(steps, 11, 0.02)
    if ONE in found:  # where other programs use the cores too, its threads wait for each other
        with peers_torch.all_cores():
            times |= in_turns({ALL: found[ONE].step}, 11, 0.02)
    for name, (_, count) in learners.items():
        times[name] = [seconds / count for seconds in times[name]]
    table("digits, 64-32-10, batches of 64: one step", times, ONE if ONE in times else "NumPy by hand", "µs")
    print()
    for peer in (ONE, ALL, *learners):
        asked(f"ours / {peer}", ratio(times, "ours", peer), 1.5, least=False)
