"""Five epochs beside PyTorch, in the same order of the examples and from the same numbers: the same losses to 1e-10.

The order is read off a run of `fit` with the same seed on a model that stands still.
"""

import random
import re

import numpy as np
import pytest

import nn

from .acceptance import classes, convolutional, numbers, orders, run

torch = pytest.importorskip("torch")
F = torch.nn.functional

X, Y = numbers(10, 2), classes(10, 3)
IMAGES = np.random.default_rng(4).normal(size=(10, 1, 4, 4))
WORDS = np.random.default_rng(6).integers(0, 4, (10, 3))  # of 6 words: two are never there
WEIGHT = [0.2, 1.0, 3.0]
EPOCHS, SEED = 5, 11


def trained_by_torch(model, x, y, loss, optimizer, *, order, size, schedule=None, each="epoch", clip=None):
    """(loss of each step, norm of each tensor's gradient at each step) of the plain loop; the model is trained."""
    losses, norms = [], []
    for row in order:
        for start in range(0, len(row), size):
            batch = row[start : start + size]
            out = loss(model(torch.tensor(x[batch])), torch.tensor(y[batch]))
            optimizer.zero_grad()
            out.backward()
            norms.append({name: float(p.grad.norm()) for name, p in model.named_parameters() if p.grad is not None})
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            losses.append(out.item())
            if schedule and each == "step":
                schedule.step()
        if schedule and each == "epoch":
            schedule.step()
    return np.array(losses), norms


def beside(build, x, y, loss, optimizer, *, size=4, schedule=None, each="epoch", clip=None, engine="vectorized"):
    """Train both, compare every step, the epochs and all the numbers; (our history, their model)."""
    random.seed(SEED)
    ours, theirs = build(nn), build(torch.nn).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    their_optimizer = optimizer(torch.optim, theirs.parameters())
    order = orders(len(y), EPOCHS, SEED) if size < len(y) else np.tile(np.arange(len(y)), (EPOCHS, 1))
    their_losses, norms = trained_by_torch(
        theirs, x, y, lambda out, t: loss(F, out, t), their_optimizer, order=order, size=size, each=each, clip=clip,
        schedule=schedule and schedule(torch.optim.lr_scheduler, their_optimizer),
    )  # fmt: skip
    recorder = nn.RecordGradients()
    history, state = run(
        ours, x, y, loss=lambda out, t: loss(nn, out, t), optimizer=lambda ps: optimizer(nn, ps), engine=engine,
        epochs=EPOCHS, batch_size=size, seed=SEED, callbacks=[recorder, *([nn.ClipGradNorm(clip)] if clip else [])],
        schedule=schedule and (lambda o: schedule(nn, o)),
    )  # fmt: skip
    np.testing.assert_allclose(history.steps, their_losses, rtol=1e-10, atol=1e-10)
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(state[name], tensor.numpy(), rtol=1e-9, atol=1e-10, err_msg=name)
    for path, measured in recorder.norms.items():
        name = re.sub(r"^layers\[(\d+)\]", r"\1", path)  # PyTorch's name, or Python's path
        wanted = [at.get(name, 0.0) for at in norms]
        np.testing.assert_allclose(measured, wanted, rtol=1e-8, atol=1e-10, err_msg=name)
    return history, theirs


def perceptron(lib):
    return lib.Sequential(lib.Linear(2, 5), lib.Tanh(), lib.Linear(5, 3))


def cross_entropy(lib, out, t):
    return lib.cross_entropy(out, t)


ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
SIZES = pytest.mark.parametrize("size", [10, 4, 3])


@ENGINES
@SIZES
def test_a_perceptron_with_adam(size, engine):
    beside(perceptron, X, Y, cross_entropy, lambda lib, ps: lib.Adam(ps, lr=0.02), size=size, engine=engine)


@ENGINES
def test_a_regression_with_adamw_and_a_schedule(engine):
    def build(lib):
        return lib.Sequential(lib.Linear(2, 4), lib.ReLU(), lib.Linear(4, 1))

    beside(
        build, X, X[:, :1] * X[:, 1:], lambda lib, out, t: lib.mse_loss(out, t),
        lambda lib, ps: lib.AdamW(ps, lr=0.05, weight_decay=0.1),
        schedule=lambda lib, o: lib.StepLR(o, step_size=2, gamma=0.3), engine=engine,
    )  # fmt: skip


@ENGINES
@pytest.mark.parametrize("size", [10, 4])
def test_a_convolutional_network_with_batch_norm(size, engine):
    """The running means and variances are PyTorch's, too, and what the network gives in evaluation."""
    history, theirs = beside(
        lambda lib: convolutional(lib=lib, dropout=0.0), IMAGES, Y, cross_entropy,
        lambda lib, ps: lib.SGD(ps, lr=0.05, momentum=0.9, nesterov=True), size=size, engine=engine,
    )  # fmt: skip
    expected = theirs.eval()(torch.tensor(IMAGES)).detach().numpy()
    np.testing.assert_allclose(history.model.predict(IMAGES), expected, rtol=1e-9, atol=1e-9)


@ENGINES
@SIZES
def test_weights_of_the_classes(size, engine):
    """The mean of a batch divides by the weights of its classes: it is no mean over the examples."""

    def loss(lib, out, t):
        return lib.cross_entropy(out, t, weight=WEIGHT if lib is nn else torch.tensor(WEIGHT, dtype=torch.float64))

    beside(perceptron, X, Y, loss, lambda lib, ps: lib.Adam(ps, lr=0.02), size=size, engine=engine)


@ENGINES
def test_examples_that_are_ignored_count_nothing(engine):
    y = np.where(np.arange(10) % 3 == 1, -100, Y)
    beside(perceptron, X, y, cross_entropy, lambda lib, ps: lib.Adam(ps, lr=0.02), size=5, engine=engine)


@ENGINES
def test_the_sum_is_no_mean(engine):
    beside(
        perceptron, X, Y, lambda lib, out, t: lib.cross_entropy(out, t, reduction="sum"),
        lambda lib, ps: lib.SGD(ps, lr=0.02), engine=engine,
    )  # fmt: skip


@ENGINES
def test_gradients_are_clipped_as_one_vector(engine):
    beside(perceptron, X, Y, cross_entropy, lambda lib, ps: lib.SGD(ps, lr=0.5), clip=0.1, engine=engine)


@ENGINES
def test_one_cycle_steps_with_the_batches(engine):
    beside(
        perceptron, X, Y, cross_entropy, lambda lib, ps: lib.SGD(ps, lr=0.1, momentum=0.9), each="step", engine=engine,
        schedule=lambda lib, o: lib.OneCycleLR(o, max_lr=0.3, total_steps=15),
    )  # fmt: skip


@ENGINES
def test_words_that_are_never_there_still_decay(engine):
    """The gradient of an embedding is 0 for them, and weight decay moves what has a gradient."""

    def build(lib):
        return lib.Sequential(lib.Embedding(6, 2), lib.Flatten(), lib.Linear(6, 3))

    optimizer = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}
    beside(build, WORDS, Y, cross_entropy, lambda lib, ps: lib.SGD(ps, **optimizer), engine=engine)


@ENGINES
def test_the_row_for_padding_stays(engine):
    def build(lib):
        return lib.Sequential(lib.Embedding(6, 2, padding_idx=0), lib.Flatten(), lib.Linear(6, 3))

    history, _ = beside(build, WORDS, Y, cross_entropy, lambda lib, ps: lib.SGD(ps, lr=0.1), engine=engine)
    np.testing.assert_array_equal(history.model.state_dict()["0.weight"][0], [0.0, 0.0])


@ENGINES
def test_a_head_without_a_gradient_stays_with_weight_decay_too(engine):
    def build(lib):
        class TwoHeads(lib.Module):
            def __init__(self):
                super().__init__()
                self.head, self.unused = lib.Linear(2, 1), lib.Linear(2, 1)

            def forward(self, x):
                return self.head(x)

        return TwoHeads()

    beside(
        build, X, X[:, :1], lambda lib, out, t: lib.mse_loss(out, t),
        lambda lib, ps: lib.AdamW(ps, lr=0.1, weight_decay=0.5), engine=engine,
    )  # fmt: skip


@ENGINES
def test_frozen_layers_stay_and_the_norm_is_that_of_the_others(engine):
    def build(lib):
        model = perceptron(lib)
        model[0].requires_grad_(False)
        return model

    def optimizer(lib, ps):
        return lib.SGD(ps, lr=0.5, momentum=0.9, weight_decay=0.1)

    beside(build, X, Y, cross_entropy, optimizer, clip=0.1, engine=engine)


def test_a_plateau_is_seen_on_the_validation_loss():
    random.seed(SEED)
    ours, theirs = perceptron(nn), perceptron(torch.nn).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    x, y = numbers(6, 2, seed=8), classes(6, 3, seed=9)
    sgd = torch.optim.SGD(theirs.parameters(), lr=1.0)
    options = {"factor": 0.5, "patience": 0, "threshold": 0.05}
    schedule, rates, losses = torch.optim.lr_scheduler.ReduceLROnPlateau(sgd, **options), [], []
    for _ in range(8):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.zero_grad()
        F.cross_entropy(theirs(torch.tensor(X)), torch.tensor(Y)).backward()
        sgd.step()
        losses.append(F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y)).item())
        schedule.step(losses[-1])
    history, _ = run(
        ours, X, Y, loss=nn.cross_entropy, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=8, batch_size=10,
        schedule=lambda o: nn.ReduceLROnPlateau(o, **options), validation=(x, y),
    )  # fmt: skip
    assert len(set(rates)) > 2
    np.testing.assert_allclose(history["val_loss"], losses, rtol=1e-10)
    np.testing.assert_array_equal(history["lr"], rates)
