"""micrograd's programs run on our Value: its own network code, its demo, its numbers."""

import inspect
import random
from operator import add, sub

import numpy as np
import pytest

import engine
import nn
from demos.data import moons

micrograd_engine = pytest.importorskip("micrograd.engine")
micrograd_nn = pytest.importorskip("micrograd.nn")


def ported():
    """micrograd's nn module, with its import changed."""
    source = inspect.getsource(micrograd_nn).replace("from micrograd.engine import", "from engine import")
    namespace = {}
    exec(compile(source, "ported", "exec"), namespace)
    return namespace["MLP"]


def demo(Value, MLP, steps):  # noqa: N803  (the names of the program that is run)
    """micrograd's demo: moons, hinge loss with L2, gradient descent. The losses, and the last accuracy."""
    random.seed(1337)
    X, y = moons(100, 0.1)  # noqa: N806
    model = MLP(2, [16, 16, 1])
    losses = []
    for k in range(steps):
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        hinges = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(hinges) * (1.0 / len(hinges))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        losses.append(total_loss.data)
    return losses, sum(accuracy) / len(accuracy)


def test_its_network_code_gives_the_same_numbers_on_our_value():
    """Same operations in the same order: the first losses agree to the last digits."""
    theirs, _ = demo(micrograd_engine.Value, micrograd_nn.MLP, 3)
    ours, _ = demo(engine.Value, ported(), 3)
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_our_network_begins_with_the_same_weights():
    theirs, _ = demo(micrograd_engine.Value, micrograd_nn.MLP, 2)
    ours, _ = demo(engine.Value, nn.MLP, 2)
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_its_demo_reaches_100_percent_on_ours():
    losses, accuracy = demo(engine.Value, nn.MLP, 100)
    assert accuracy == 1.0
    assert losses[-1] < 0.05 < losses[0]


@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_have_its_gradients(seed):
    """The same random expression, built by both, has the same value and gradients."""

    def cube(a, b):
        return (a * 0.1) ** 3

    def relu(a, b):
        return a.relu()

    def mul(a, b):
        return a * b * 0.5

    def div(a, b):
        return a / (b * b + 1)

    def build(Value):  # noqa: N803
        rng = random.Random(seed)
        nodes = [Value(rng.uniform(-2, 2)) for _ in range(4)]
        leaves = nodes[:]
        for _ in range(60):
            kind = rng.choice([add, mul, sub, cube, relu, div])
            nodes.append(kind(rng.choice(nodes), rng.choice(nodes)))
        root = sum(nodes)
        root.backward()
        return root.data, [leaf.grad for leaf in leaves]

    (ours, our_grads), (theirs, their_grads) = build(engine.Value), build(micrograd_engine.Value)
    assert ours == pytest.approx(theirs, rel=1e-11)
    assert our_grads == pytest.approx(their_grads, rel=1e-9)


def test_numpy_arrays_of_values_work_as_in_its_notebooks():
    weights = np.array([engine.Value(1.0), engine.Value(2.0)])
    total = (weights * 3.0).sum()
    total.backward()
    assert [w.grad for w in weights] == [3.0, 3.0]
