"""Every layer, every loss and whole models, as programs: the numbers and gradients of the scalar engine.

The rows are those that test_layers.py compares with PyTorch. A layer's inputs are inputs of the program (indices too),
each shifted by a parameter, so that the slopes of a layer without parameters are compared as well; what is drawn is
drawn again for each example. One example of a program is one of the layer, or a whole batch.
"""

import random

import numpy as np
import pytest

import nn
from engine import Value, topological_sort
from engine.draws import recorded_draws
from engine.nested import flat, rebuilt
from engine.vectorize import vectorize, vectorize_model

from ..engine.vectorize.agreement import Tally, agree
from .case import as_leaves, data, outputs
from .test_class_losses import ROWS as CLASS_LOSSES
from .test_layers import CASES, loss_of
from .test_losses import ROWS as LOSSES

ROWS = 3


def drawn_again(draws, rows):
    """The leaves that were drawn, and numbers for them in each row."""
    return [leaf for leaf, _ in draws], [[sample() for _, sample in draws] for _ in range(rows)]


def within(loss, leaves):
    """The leaves that the loss was computed from."""
    found = set(topological_sort(loss))
    return [leaf for leaf in leaves if leaf in found]


def moved(array, rng):
    """Leaves for an array of numbers; and the same, each plus a parameter of its own, but for whole numbers."""
    leaves = as_leaves(np.asarray(array, float))
    if array.dtype.kind in "iub":
        return leaves, leaves, []
    shifts = [Value(rng.uniform(-0.2, 0.2)) for _ in flat(leaves)]
    return leaves, rebuilt(leaves, [x + s for x, s in zip(flat(leaves), shifts, strict=True)]), shifts


# ------------------------------------------------------------------------- layers

# In training where that is another computation; a batch as one example, and one example where the layer takes it.
SETTINGS = [
    pytest.param(case, training, batch, id=f"{case} {'training' * training} {'batch' * batch}")
    for case in CASES
    for training in ([False, True] if case.random or case.joint else [False])
    for batch in ([False, True] if case.example else [True])
]


@pytest.mark.parametrize(("case", "training", "batch"), SETTINGS)
def test_a_layer(case, training, batch):
    rng = random.Random(7)
    layer = case.build().train(training)
    state = layer.state_dict()
    parts = [moved(array, rng) for array in case.numbers(batch)]
    with recorded_draws() as draws:
        out = layer(*(given for _, given, _ in parts), **case.call)
    layer.load_state_dict(state)  # running statistics as before
    loss = loss_of(out)
    rows = [case.numbers(batch, seed=2 + k) for k in range(ROWS)]
    inputs = [leaves for leaves, _, _ in parts]
    parameters = within(loss, [*layer.parameters(), *(shift for _, _, shifts in parts for shift in shifts)])
    leaves, drawn = drawn_again(draws, ROWS)
    tally = Tally()
    agree(
        loss, inputs, parameters, rows, outputs=outputs(out), draws=leaves, drawn=drawn, batches=(1, ROWS),
        make=vectorize, tally=tally,
    )  # fmt: skip
    assert not tally.unsure
    assert not tally.eased


# ------------------------------------------------------------------------- losses


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("row", [*LOSSES, *CLASS_LOSSES])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
def test_a_loss(row, reduction):
    name, arrays, options = (LOSSES | CLASS_LOSSES)[row]
    options = {key: option for key, option in options.items() if key != "frozen"}
    inputs = [as_leaves(np.asarray(array, float)) for array in arrays]
    scale = [Value(1.0) for _ in flat(inputs[0])]
    x = rebuilt(inputs[0], [v * s for v, s in zip(flat(inputs[0]), scale, strict=True)])
    out = getattr(nn, name)(x, *inputs[1:], reduction=reduction, **options)
    loss = loss_of(out)
    rows = [arrays, [a[::-1] if a.ndim else a for a in arrays], [a * 0.9 if a.dtype.kind == "f" else a for a in arrays]]
    near = [1.0 + 0.01 * k / len(scale) for k in range(len(scale))]
    tally = Tally()
    agree(
        loss, inputs, within(loss, scale), [[np.asarray(a, float) for a in row] for row in rows], outputs=outputs(out),
        points=[[1.0] * len(scale), near][: 1 + ("p" not in name)], batches=(1, ROWS), make=vectorize, tally=tally,
    )  # fmt: skip
    assert tally.unsure < tally.rows


# ------------------------------------------------------------------------- whole models


class Recurrent(nn.Module):
    """Words, or vectors, through a recurrent layer; the last step is the answer."""

    def __init__(self, layer, head, embedding=None):
        self.embedding, self.layer, self.head = embedding, layer, head

    def forward(self, x):
        out, _ = self.layer(self.embedding(x) if self.embedding else x)
        return self.head(out[-1])


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 3, 2), nn.GELU(),
        nn.GlobalAvgPool2d(), nn.Linear(3, 2),
    )  # fmt: skip


def batch_normed():
    """A network whose example is a whole batch."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def encoder():
    return nn.Sequential(
        nn.TransformerEncoderLayer(4, 2, dim_feedforward=5, dropout=0.0, batch_first=True),
        nn.LayerNorm(4),
        nn.Linear(4, 2),
    )


# (model, shape of x, shape of t, classes or None)
MODELS = {
    "perceptron": (lambda: nn.MLP(2, [4, 4, 1]), (2,), (), None),
    "convolutional": (cnn, (1, 4, 4), (), 2),
    "batch norm": (batch_normed, (5, 3), (5,), 2),
    "LSTM": (lambda: Recurrent(nn.LSTM(2, 3, num_layers=2), nn.Linear(3, 2)), (4, 2), (2,), None),
    "embedding and GRU": (lambda: Recurrent(nn.GRU(2, 3), nn.Linear(3, 3), nn.Embedding(5, 2)), "words", (), 3),
    "transformer": (encoder, (3, 4), (3, 2), None),
    "Bayesian": (lambda: nn.Sequential(nn.BayesLinear(2, 3), nn.Tanh(), nn.Linear(3, 1)), (2,), (1,), None),
    "dropout": (lambda: nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 1)), (2,), (1,), None),
}


def loss_and_rows(name):
    """(model, loss function, one example, rows) of a whole model."""
    build, shape, target, classes = MODELS[name]
    rng = np.random.default_rng(3)
    model = build()
    for parameter in model.parameters():
        parameter.data = rng.normal(0.0, 0.6)

    def numbers():
        x = rng.integers(0, 5, 3).astype(float) if shape == "words" else rng.normal(size=shape)
        t = rng.integers(0, classes, target).astype(float) if classes else rng.normal(size=target)
        return x, np.asarray(t)

    def loss_fn(y, t):
        return nn.cross_entropy(y, t) if classes else nn.mse_loss(y, t)

    return model, loss_fn, tuple(map(as_leaves, numbers())), [numbers() for _ in range(4)]


@pytest.mark.parametrize("name", MODELS)
def test_a_whole_model(name):
    model, loss_fn, (x, t), rows = loss_and_rows(name)
    with recorded_draws() as draws:
        y = model(x)
        loss = loss_fn(y, t) + nn.l2_penalty(model, 1e-3)
    leaves, drawn = drawn_again(draws, len(rows))
    tally = Tally()
    agree(
        loss, [x, t], model.parameters(), rows, outputs=flat(y), draws=leaves, drawn=drawn, batches=(1, 4),
        make=vectorize, tally=tally,
    )  # fmt: skip
    assert not tally.unsure
    assert not tally.eased


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("Bayesian", "dropout")])
def test_a_whole_model_that_is_traced_for_you(name):
    model, loss_fn, (x, t), rows = loss_and_rows(name)
    state = model.state_dict()
    loss = loss_fn(model(x), t)
    model.load_state_dict(state)
    example = data(x), data(t)
    agree(
        loss, [x, t], model.parameters(), rows, batches=(1, 4),
        make=lambda *_, **__: vectorize_model(model, loss_fn, example),
    )  # fmt: skip
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[key])  # tracing leaves running statistics alone
