"""What the vectorizer finds in scalar code as people write it, and how much it makes of it.

Each case is a loss over plain Values, in a small and a larger width. Lifted, it is right, and its array operations do
not grow with the width; a vectorizer that goes node by node, or row by row, is told by both numbers.
"""

import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from engine import (
    Program,
    Value,
    dot,
    exp,
    log,
    logsumexp,
    max,
    mean,
    relu,
    sqrt,
    take,
    tanh,
    vectorize,
    vectorize_model,
)

from .test_program import Loss, assert_agrees, leaves, numbers, traced

Built = tuple[Any, Loss, list[Any]]  # parameters, the loss, the shapes of its inputs


def weights(*shape: int, seed: int = 1) -> Any:
    return leaves(0.5 * numbers(*shape, seed=seed))


def product(ws: Any, xs: Any) -> Any:
    return sum(w * x for w, x in zip(ws, xs, strict=True))


def matvec(W: Any, x: Any) -> list[Any]:
    return [product(row, x) for row in W]


def written_softmax(zs: list[Value]) -> list[Value]:
    """As in microgpt: with a shift that tracing freezes, and that cancels."""
    shift = max([z.data for z in zs])
    exps = [exp(z - shift) for z in zs]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: list[Value]) -> list[Value]:
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


# ------------------------------------------------------------------------------ the cases


def chain(n: int) -> Built:
    W, b, v = weights(n, n), weights(n, seed=2), weights(n, seed=3)

    def loss_of(x: Any) -> Value:
        hidden = [tanh(product(row, x) + c) for row, c in zip(W, b, strict=True)]
        return product(v, hidden)

    return [W, b, v], loss_of, [(n,)]


def chain_from_bias(n: int) -> Built:
    W, b, v = weights(n, n), weights(n, seed=2), weights(n, seed=3)

    def neuron(row: Any, c: Value, x: Any) -> Value:
        total = c
        for w, u in zip(row, x, strict=True):
            total = total + u * w  # operands turned round, and the bias first
        return relu(total)

    def loss_of(x: Any) -> Value:
        return product(v, [neuron(row, c, x) for row, c in zip(W, b, strict=True)])

    return [W, b, v], loss_of, [(n,)]


def dots(n: int) -> Built:
    W, b = weights(n, n), weights(n, seed=2)

    def loss_of(x: Any) -> Value:
        hidden = [tanh(dot(row, x, c)) for row, c in zip(W, b, strict=True)]
        return dot(hidden, hidden)

    return [W, b], loss_of, [(n,)]


def cross_entropy(n: int) -> Built:
    W = weights(n, 4)

    def loss_of(x: Any, t: Any) -> Value:
        return -sum(s * log(p) for s, p in zip(t, written_softmax(matvec(W, x)), strict=True))

    return W, loss_of, [(4,), (n,)]


def log_of_sum(n: int) -> Built:
    W = weights(n, 4)

    def loss_of(x: Any) -> Value:
        zs = matvec(W, x)
        shift = max([z.data for z in zs])
        return log(sum(exp(z - shift) for z in zs)) + shift + logsumexp(zs)

    return W, loss_of, [(4,)]


def means(n: int) -> Built:
    W = weights(n, 4)

    def loss_of(x: Any) -> Value:
        hs = [tanh(z) for z in matvec(W, x)]
        centre = sum(hs) / len(hs)
        return sum((h - centre) ** 2 for h in hs) / n + mean(hs)

    return W, loss_of, [(4,)]


def norms(n: int) -> Built:
    W, V = weights(n, n), weights(n, n, seed=2)

    def loss_of(x: Any) -> Value:
        y = matvec(V, rmsnorm(matvec(W, rmsnorm(x))))
        length = sqrt(sum(v * v for v in y))
        return sum(v / length for v in y) + length

    return [W, V], loss_of, [(n,)]


def attention(length: int) -> Built:
    """Causal, one head, keys and values in lists that grow."""
    Q, K, V = (weights(4, 4, seed=s) for s in (1, 2, 3))

    def loss_of(tokens: Any) -> Value:
        keys, values, loss = [], [], Value(0.0)
        for x in tokens:
            q = matvec(Q, x)
            keys.append(matvec(K, x))
            values.append(matvec(V, x))
            shares = written_softmax([product(q, k) / 2.0 for k in keys])
            out = [product(shares, [v[j] for v in values]) for j in range(4)]
            loss = loss + sum(tanh(o) for o in out)
        return loss / length

    return [Q, K, V], loss_of, [(length, 4)]


def convolution(size: int) -> Built:
    """3 × 3 windows; at the border only what there is."""
    kernel, bias = weights(3, 3), Value(0.2)

    def loss_of(image: Any) -> Value:
        out = []
        for r in range(size):
            for c in range(size):
                z = bias
                for i in range(3):
                    for j in range(3):
                        if 0 <= r + i - 1 < size and 0 <= c + j - 1 < size:
                            z = z + kernel[i][j] * image[r + i - 1][c + j - 1]
                out.append(tanh(z))
        return sum(out) / len(out)

    return [kernel, bias], loss_of, [(size, size)]


def batch_norm(batch: int) -> Built:
    """The whole batch is one example."""
    W, gain = weights(3, 2), weights(3, seed=2)

    def loss_of(X: Any, t: Any) -> Value:
        rows = [matvec(W, x) for x in X]
        columns = list(zip(*rows, strict=True))
        centres = [sum(column) / batch for column in columns]
        stds = [
            sqrt(sum((z - m) ** 2 for z in column) / batch + 1e-5) for column, m in zip(columns, centres, strict=True)
        ]
        out = [sum(tanh((z - m) / s * g) for z, m, s, g in zip(r, centres, stds, gain, strict=True)) for r in rows]
        return sum((y - u) ** 2 for y, u in zip(out, t, strict=True)) / batch

    return [W, gain], loss_of, [(batch, 2), (batch,)]


def recurrent(n: int) -> Built:
    W, U, b, v = weights(n, 3), weights(n, n, seed=2), weights(n, seed=3), weights(n, seed=4)

    def loss_of(steps: Any) -> Value:
        h: list[Any] = [Value(0.0) for _ in range(n)]
        for x in steps:
            h = [tanh(product(w, x) + product(u, h) + c) for w, u, c in zip(W, U, b, strict=True)]
        return product(v, h)

    return [W, U, b, v], loss_of, [(4, 3)]


CASES: dict[str, tuple[Callable[[int], Built], int, int]] = {
    "sum(w*x) + b": (chain, 4, 12),
    "b + x*w + ...": (chain_from_bias, 4, 12),
    "dot": (dots, 4, 16),
    "softmax": (cross_entropy, 4, 24),
    "logsumexp": (log_of_sum, 4, 24),
    "mean and variance": (means, 4, 24),
    "norms": (norms, 4, 12),
    "attention": (attention, 3, 8),
    "convolution": (convolution, 4, 8),
    "batch norm": (batch_norm, 4, 20),
    "recurrent": (recurrent, 4, 12),
}


def compiled(built: Built, seed: int = 9) -> Program:
    parameters, loss_of, shapes = built
    return traced(loss_of, parameters, *(numbers(*shape, seed=seed + i) for i, shape in enumerate(shapes)))


def counted(program: Program) -> tuple[int, int]:
    """(nodes, array operations), as the report says them: "1,234 nodes ... 56 array operations"."""
    text = str(program.report())
    found = re.search(r"([\d,]+) nodes.*?([\d,]+) array operations", text, re.DOTALL)
    assert found, text
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


# ----------------------------------------------------------------------------------- right, and small


@pytest.mark.parametrize("name", CASES)
def test_it_is_right(name):
    build, *sizes = CASES[name]
    for size in sizes:
        parameters, loss_of, shapes = built = build(size)
        batches = [numbers(4, *shape, seed=20 + i) for i, shape in enumerate(shapes)]
        assert_agrees(compiled(built), loss_of, parameters, *batches)


@pytest.mark.parametrize("name", CASES)
def test_its_array_operations_do_not_grow_with_the_width(name):
    build, small, large = CASES[name]
    programs = [compiled(build(width)) for width in (small, large)]
    (few, before), (many, after) = map(counted, programs)
    assert many >= 2 * few  # the scalar program did grow
    assert after <= 1.25 * before + 2
    assert after <= many / 8
    assert after <= 150
    lines = [len(program.source.splitlines()) for program in programs]  # the same of the text, whatever the report says
    assert lines[1] <= 1.25 * lines[0] + 4


def test_what_has_no_pattern_falls_back_and_the_report_says_so():
    ws, draw = weights(12), random.Random(3)
    wiring = [(draw.randrange(12 + i), draw.randrange(12 + i), draw.random() < 0.5) for i in range(60)]

    def loss_of(x: Any) -> Value:
        nodes = [w * u for w, u in zip(ws, x, strict=True)]
        for i, j, times in wiring:
            nodes.append(tanh(nodes[i] * nodes[j]) if times else relu(nodes[i]) - nodes[j])
        return sum(nodes)

    program = traced(loss_of, ws, numbers(12))
    assert_agrees(program, loss_of, ws, numbers(5, 12))
    assert counted(program)[1] > counted(compiled(chain(12)))[1]
    assert str(program.report()) == str(traced(loss_of, ws, numbers(12)).report())


# --------------------------------------------------------------------------- shifts that cancel


def brier(n: int) -> Built:
    """The squared error of a softmax."""
    W = weights(n, 4)

    def loss_of(x: Any, t: Any) -> Value:
        return sum((p - s) ** 2 for p, s in zip(written_softmax(matvec(W, x)), t, strict=True))

    return W, loss_of, [(4,), (n,)]


@pytest.mark.parametrize("build", [brier, log_of_sum])
def test_a_frozen_shift_does_not_bound_the_numbers_of_another_example(build):
    parameters, loss_of, shapes = built = build(6)
    for row in parameters:
        row[0].data = 1.0
    X, *rest = (numbers(5, *shape, seed=30 + i) for i, shape in enumerate(shapes))
    X[1:4, 0] = 5000.0, -5000.0, 700.0  # with the shift that was traced, each exp would be inf, or each 0
    assert_agrees(compiled(built), loss_of, parameters, X, *rest)


class Classifier(nn.Module):
    """A layer and a softmax written out: two traces differ in the shift, and only there."""

    def __init__(self) -> None:
        self.layer = nn.Linear(3, 4, seed=0)

    def forward(self, x: Any) -> Any:
        return written_softmax(self.layer(x))


def test_vectorize_model_accepts_a_stable_softmax():
    model = Classifier()
    program = vectorize_model(model, lambda shares, t: 1.0 - take(shares, t), ([0.1, 0.2, 0.3], 2))
    X, T = numbers(6, 3) * 500.0, np.array([0, 1, 2, 3, 0, 1])
    shares = np.array([[s.data for s in model(x)] for x in X.tolist()])
    np.testing.assert_allclose(program.predict(X), shares, atol=1e-13)
    np.testing.assert_allclose(program(X, T), 1.0 - shares[np.arange(6), T], atol=1e-13)


# ----------------------------------------------------------------- models: what tracing must not do


def squared(y: Any, t: Any) -> Value:
    return (y[0] - t) ** 2


def with_dropout(seed: int | None = 5) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 16, seed=0), nn.Dropout(0.5, seed=seed), nn.Linear(16, 1, seed=1))


def test_masks_are_drawn_at_each_call_for_each_example_and_follow_the_seed():
    one, other = (vectorize_model(with_dropout(), squared, ([0.1, 0.2], 0.3)) for _ in range(2))
    X, T = np.ones((6, 2)), np.zeros(6)
    first, second = one(X, T), one(X, T)
    assert len(set(first)) > 1
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(other(X, T), first)
    np.testing.assert_array_equal(other(X, T), second)
    unseeded, losses = vectorize_model(with_dropout(None), squared, ([0.1, 0.2], 0.3)), []
    for _ in range(2):
        random.seed(7)  # the global one, which they follow then
        losses.append(unseeded(X, T))
    np.testing.assert_array_equal(*losses)


def test_draws_of_ones_own():
    w, x, noise = Value(2.0, "w"), Value(1.0, "x"), Value(0.5, "noise", requires_grad=False)
    ticks = iter(range(100))
    program = vectorize(w * x + noise, inputs=[x], parameters=[w], draws=[(noise, lambda: float(next(ticks)))])
    assert len({*program(np.zeros(3)), *program(np.zeros(2))}) == 5


def test_tracing_leaves_the_generators_where_they_were():
    model, untouched = with_dropout(), with_dropout()
    vectorize_model(model, squared, ([0.1, 0.2], 0.3))
    assert [v.data for v in model([1.0, 1.0])] == [v.data for v in untouched([1.0, 1.0])]
    state = random.getstate()
    vectorize_model(with_dropout(None), squared, ([0.1, 0.2], 0.3))
    assert random.getstate() == state


def test_a_batch_with_batch_norm_is_one_example():
    model, scalar = (nn.Sequential(nn.Linear(2, 3, seed=0), nn.BatchNorm1d(3), nn.Linear(3, 1, seed=1)) for _ in "ab")

    def loss_fn(ys: Any, ts: Any) -> Value:
        return sum((y[0] - t) ** 2 for y, t in zip(ys, ts, strict=True)) / len(ts)

    before = model.state_dict()
    X, T = numbers(2, 8, 2), numbers(2, 8, seed=1)
    program = vectorize_model(model, loss_fn, (X[0], T[0]))
    assert str(model.state_dict()) == str(before)
    assert not any(p.has_grad for p in model.parameters())
    assert_agrees(program, lambda x, t: loss_fn(scalar(x), t), scalar.parameters(), X, T)
    assert program.predict(X).shape == (2, 8, 1)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_an_example_may_be_lists_or_arrays(kind):
    model = nn.MLP(2, [3, 1], seed=0)
    program = vectorize_model(model, lambda y, t: (y - t[0] * t[1]) ** 2, (kind([0.1, 0.2]), kind([1.0, 2.0])))
    assert program.predict(numbers(5, 2)).shape == (5,)
    np.testing.assert_array_equal(program.parameters, [p.data for p in model.parameters()])
    assert program(numbers(5, 2), numbers(5, 2)).shape == (5,)


def classifier() -> tuple[nn.Module, Any, Any]:
    return nn.MLP(2, [5, 3], seed=0), ([0.1, 0.2], np.int64(2)), (numbers(6, 2), np.array([0, 1, 2, 2, 1, 0]))


def language_model() -> tuple[nn.Module, Any, Any]:
    model = nn.Sequential(nn.Embedding(7, 3, seed=0), nn.Flatten(0), nn.Linear(6, 7, seed=1))
    return model, ([1, 4], 2), (np.array([[0, 1], [6, 6], [3, 2]]), np.array([1, 0, 6]))


@pytest.mark.parametrize("made", [classifier, language_model])
def test_classes_and_words_are_integers(made):
    model, example, batch = made()
    program = vectorize_model(model, nn.cross_entropy, example)
    assert_agrees(program, lambda x, t: nn.cross_entropy(model(x), t), model.parameters(), *batch)
