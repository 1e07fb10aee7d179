"""The two engines give the same history and the same parameters over 5 epochs, to 1e-10, whatever the model."""

import random

import numpy as np
import pytest

import nn
from engine import Value, dot

from .acceptance import (
    LastOfBatch,
    LastOfOne,
    Line,
    Slope,
    TwoHeads,
    TwoInputs,
    Weights,
    batch_normed,
    classes,
    close,
    convolutional,
    mean_output,
    mean_square,
    numbers,
    perceptron,
    run,
    with_dropout,
)

X, Y = numbers(10, 2), classes(10, 3)
IMAGES = np.random.default_rng(4).normal(size=(9, 1, 4, 4))
SEQUENCES = np.random.default_rng(5).normal(size=(6, 3, 2))
WORDS = np.random.default_rng(6).integers(0, 5, (9, 3))


def weighted(output, target):
    return nn.cross_entropy(output, target, weight=[0.2, 1.0, 3.0])


def smoothed(output, target):
    return nn.cross_entropy(output, target, label_smoothing=0.1)


def gaussian(out, t):
    """−ln N(t | mean, e^s) of outputs (mean, s), for one example or a batch."""
    rows = out if isinstance(out[0], list) else [out]
    targets = t if isinstance(out[0], list) else [t]
    means, variances = [mu for mu, _ in rows], [s.exp() for _, s in rows]
    return nn.gaussian_nll_loss(means, targets, variances)


def adam(ps):
    return nn.Adam(ps, lr=0.02)


def momentum(ps):
    return nn.SGD(ps, lr=0.05, momentum=0.9)


# name: (model of a random.Random, X, y, loss, further options)
MODELS = {
    "MLP of one output": (lambda rng: nn.MLP(2, [4, 1], seed=rng), X, X[:, 0] - X[:, 1], nn.mse_loss, {}),
    "MLP of classes": (
        lambda rng: nn.MLP(2, [4, 3], activation="tanh", seed=rng), X, Y, nn.cross_entropy, {"optimizer": momentum},
    ),
    "column of targets": (
        lambda rng: nn.Sequential(nn.Linear(2, 3, seed=rng), nn.GELU(), nn.Linear(3, 1, seed=rng)),
        X, X[:, :1], nn.huber_loss, {},
    ),
    "binary": (lambda rng: nn.MLP(2, [3, 1], seed=rng), X, Y % 2, nn.bce_with_logits, {}),
    "hinge": (lambda rng: nn.MLP(2, [3, 1], seed=rng), X, 2 * (Y % 2) - 1, nn.hinge, {}),
    "a line": (lambda rng: Line(rng.random()), X[:, 0], X[:, 1], nn.mse_loss, {"optimizer": momentum}),
    "dropout": (with_dropout, X, Y, nn.cross_entropy, {"optimizer": adam}),
    "dropout of its own seed": (
        lambda rng: nn.Sequential(nn.Linear(2, 6, seed=rng), nn.Dropout(0.4, seed=8), nn.Linear(6, 3, seed=rng)),
        X, Y, nn.cross_entropy, {"optimizer": adam},
    ),
    "CNN": (convolutional, IMAGES, Y[:9], nn.cross_entropy, {"optimizer": adam, "batch_size": 5}),
    "batch norm": (batch_normed, X, Y, nn.cross_entropy, {"optimizer": adam}),
    "LSTM on batches": (
        lambda rng: LastOfBatch(nn.LSTM(2, 2, batch_first=True, seed=rng), nn.Linear(2, 3, seed=rng)),
        SEQUENCES, Y[:6], nn.cross_entropy, {"optimizer": adam},
    ),
    "LSTM as long as it is wide": (
        lambda rng: LastOfBatch(nn.LSTM(2, 3, batch_first=True, seed=rng), nn.Linear(3, 3, seed=rng)),
        SEQUENCES, Y[:6], nn.cross_entropy, {"optimizer": adam},
    ),
    "GRU on one example": (
        lambda rng: LastOfOne(nn.GRU(2, 2, seed=rng), nn.Linear(2, 3, seed=rng)),
        SEQUENCES, Y[:6], nn.cross_entropy, {"optimizer": adam},
    ),
    "embedding": (
        lambda rng: nn.Sequential(nn.Embedding(5, 2, seed=rng), nn.Flatten(), nn.Linear(6, 3, seed=rng)),
        WORDS, Y[:9], nn.cross_entropy,
        {"optimizer": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)},
    ),
    "layer norm": (
        lambda rng: nn.Sequential(nn.Linear(2, 4, seed=rng), nn.LayerNorm(4), nn.SiLU(), nn.Linear(4, 3, seed=rng)),
        X, Y, nn.cross_entropy, {"optimizer": lambda ps: nn.AdamW(ps, lr=0.05)},
    ),
    "weights of classes": (perceptron, X, Y, weighted, {"optimizer": adam}),
    "label smoothing": (perceptron, X, Y, smoothed, {"optimizer": adam}),
    "soft targets": (perceptron, X, np.full((10, 3), 1 / 3), nn.cross_entropy, {"optimizer": adam}),
    "sum over the examples": (
        perceptron, X, Y, lambda y, t: nn.cross_entropy(y, t, reduction="sum"), {"optimizer": adam},
    ),
    "two inputs": (lambda rng: TwoInputs(rng), (X, numbers(10, 4, seed=9)), Y, nn.cross_entropy, {"optimizer": adam}),
    "no target": (perceptron, X, None, mean_square, {"optimizer": adam}),
    "a head that is not used": (
        lambda rng: TwoHeads(), X, X[:, :1], nn.mse_loss, {"optimizer": lambda ps: nn.AdamW(ps, weight_decay=0.5)},
    ),
    "Gaussian likelihood": (
        lambda rng: nn.MLP(2, [4, 2], activation="tanh", seed=rng), X, X[:, 0],
        gaussian, {"optimizer": adam},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model(name):
    make, x, y, loss, options = MODELS[name]
    close(*(run(make, x, y, loss=loss, engine=engine, **options) for engine in ("vectorized", "scalar")))


def test_a_penalty_on_the_weights():
    def trained(engine):
        model = perceptron(random.Random(0))
        return run(
            model, X, Y, loss=lambda y, t: nn.cross_entropy(y, t) + nn.l2_penalty(model, 0.01), engine=engine,
            optimizer=adam,
        )  # fmt: skip

    close(trained("vectorized"), trained("scalar"))


class Tied(nn.Module):
    """The next word of each: the table of the words is that of the answers, too."""

    def __init__(self, rng):
        self.words = nn.Embedding(5, 3, seed=rng)

    def forward(self, x):
        return [[[dot(row, word) for row in self.words.weight] for word in words] for words in self.words(x)]


def each_place(output, target):
    """As one flattens a batch of sequences in PyTorch."""
    return nn.cross_entropy([row for rows in output for row in rows], [y for ys in target for y in ys])


def test_a_class_for_each_place_and_weights_used_twice():
    options = {"loss": each_place, "optimizer": adam}
    one, other = (
        run(lambda rng: Tied(rng), WORDS, np.roll(WORDS, -1, 1), engine=e, **options) for e in ("vectorized", "scalar")
    )
    close(one, other)


class Residual(nn.Module):
    """The block of the README: arrays of Values, and a number of its own."""

    def __init__(self, rng):
        self.layers = [nn.Linear(2, 2, seed=rng), nn.Linear(2, 2, seed=rng)]
        self.scale = Value(0.5)

    def forward(self, x):
        for layer in self.layers:
            x = np.add(x, np.tanh(layer(x)))
        return x * np.array(self.scale)


def test_a_module_that_computes_with_arrays():
    options = {"loss": nn.mse_loss, "optimizer": adam}
    close(
        *(
            run(lambda rng: Residual(rng), X, X[:, ::-1], engine=engine, **options)
            for engine in ("vectorized", "scalar")
        )
    )


def test_it_learns_at_all():
    history, _ = run(perceptron, X, Y, loss=nn.cross_entropy, optimizer=lambda ps: nn.Adam(ps, lr=0.1), epochs=60)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_a_network_of_weights_with_a_spread():
    def trained(engine):
        model = nn.Sequential(nn.BayesLinear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))
        return run(
            model, X, X[:, :1], engine=engine, optimizer=adam,
            loss=lambda y, t: nn.mse_loss(y, t) + model[0].kl() / len(X),
        )  # fmt: skip

    close(trained("vectorized"), trained("scalar"))


def test_a_bias_before_batch_norm_changes_no_loss():
    """Its gradient is rounding, of which Adam makes whole steps; but batch norm takes the bias out again."""

    def make(rng):
        return nn.Sequential(nn.Linear(2, 4, seed=rng), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3, seed=rng))

    losses = [run(make, X, Y, loss=nn.cross_entropy, engine=e)[0]["loss"] for e in ("vectorized", "scalar")]
    np.testing.assert_allclose(*losses, rtol=1e-10)


# ------------------------------------------------------------------- optimizers and schedules

OPTIMIZERS = {
    "SGD": lambda ps: nn.SGD(ps, lr=0.1),
    "dampened": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.8, dampening=0.3, weight_decay=0.01),
    "nesterov": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.8, nesterov=True),
    "Adam": nn.Adam,
    "amsgrad": lambda ps: nn.Adam(ps, lr=0.05, amsgrad=True, weight_decay=0.1),
    "AdamW": lambda ps: nn.AdamW(ps, lr=0.05, weight_decay=0.3),
    "RMSprop": lambda ps: nn.RMSprop(ps, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda ps: nn.Adagrad(ps, lr=0.1, lr_decay=0.1),
    "Adadelta": nn.Adadelta,
    "NAdam": nn.NAdam,
    "RAdam": nn.RAdam,
    "Adamax": nn.Adamax,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name):
    options = {"loss": nn.cross_entropy, "optimizer": OPTIMIZERS[name]}
    close(*(run(perceptron, X, Y, engine=engine, **options) for engine in ("vectorized", "scalar")))


@pytest.mark.parametrize("engine", ["vectorized", "scalar"])
def test_groups_have_rates_of_their_own(engine):
    model = perceptron()
    groups = [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2].parameters()}]
    before = model.state_dict()
    _, after = run(model, X, Y, loss=nn.cross_entropy, optimizer=nn.Adam(groups, lr=0.05), engine=engine)
    for name, array in after.items():
        assert (array == before[name]).all() == name.startswith("0.")


SCHEDULES = {
    "StepLR": lambda o: nn.StepLR(o, 2, gamma=0.5),
    "cosine": lambda o: nn.CosineAnnealingLR(o, T_max=4),
    "warm-up": lambda o: nn.SequentialLR(o, [nn.LinearLR(o, total_iters=2), nn.ExponentialLR(o, 0.5)], [2]),
    "one cycle": lambda o: nn.OneCycleLR(o, max_lr=0.2, total_steps=15),
    "plateau": lambda o: nn.ReduceLROnPlateau(o, factor=0.3, patience=0, threshold=0.5),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("validation", [None, 0.2])
def test_a_schedule(name, validation):
    options = {
        "loss": nn.cross_entropy, "optimizer": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9),
        "schedule": SCHEDULES[name], "validation": validation, "epochs": 4 if validation else 5,
    }  # fmt: skip
    one, other = (run(perceptron, X, Y, engine=engine, **options) for engine in ("vectorized", "scalar"))
    close(one, other)
    assert len(set(one[0]["lr"])) > 1  # it did something


@pytest.mark.parametrize("engine", ["vectorized", "scalar"])
def test_the_rates_are_those_that_the_epochs_were_trained_with(engine):
    options = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.SGD(ps, lr=0.5), "engine": engine}
    history, _ = run(perceptron, X, Y, schedule=lambda o: nn.ExponentialLR(o, 0.5), epochs=3, **options)
    np.testing.assert_array_equal(history["lr"], [0.5, 0.25, 0.125])


@pytest.mark.parametrize("engine", ["vectorized", "scalar"])
@pytest.mark.parametrize(
    ("each", "rates"),
    [("epoch", [1.0, 1.0, 0.5, 0.5]), ("step", [1.0, 0.5, 0.25, 0.125]), (None, [1.0, 1.0, 0.5, 0.5])],
)
def test_a_schedule_can_step_with_each_batch(each, rates, engine):
    weights = Weights()
    run(
        Slope(0.0), np.ones(10), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=2, batch_size=5,
        schedule=lambda o: nn.ExponentialLR(o, 0.5), schedule_each=each, callbacks=[weights], engine=engine,
    )  # fmt: skip
    np.testing.assert_array_equal(-np.diff([0.0, *np.ravel(weights.seen)]), rates)


# ------------------------------------------------------------------- clipping and sizes of batches


@pytest.mark.parametrize("kind", ["norm", "value"])
def test_clipping(kind):
    clip = (lambda: nn.ClipGradNorm(0.05)) if kind == "norm" else (lambda: nn.ClipGradValue(0.01))
    options = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.SGD(ps, lr=0.1)}
    one, other = (run(perceptron, X, Y, engine=e, callbacks=[clip()], **options) for e in ("vectorized", "scalar"))
    close(one, other)
    free, _ = run(perceptron, X, Y, **options)
    assert free["loss"][-1] < one[0]["loss"][-1] - 1e-3  # the steps were smaller


@pytest.mark.parametrize("size", [1, 3, 9, 10, 64])
@pytest.mark.parametrize("loss", [nn.cross_entropy, weighted], ids=["mean", "weighted"])
def test_sizes_of_batches(size, loss):
    """10 examples: in batches of 3 and of 9 the last one holds a single example."""
    options = {"loss": loss, "batch_size": size, "optimizer": momentum}
    one, other = (run(perceptron, X, Y, engine=engine, **options) for engine in ("vectorized", "scalar"))
    close(one, other)
    assert len(one[0].steps) == 5 * -(-10 // size)


def test_validation_and_accuracy_too():
    for make, validation in ((with_dropout, 0.3), (batch_normed, (numbers(5, 2, seed=7), classes(5, 3)))):
        options = {"loss": nn.cross_entropy, "validation": validation, "optimizer": adam}
        one, other = (run(make, X, Y, engine=engine, **options) for engine in ("vectorized", "scalar"))
        assert list(one[0]) == list(other[0])
        assert {"loss", "accuracy", "val_loss", "val_accuracy", "lr"} <= set(one[0])
        close(one, other)
