"""What ports of tutorials and a strict reader found: each was a wrong number once, or a late error."""

import os
import random
import signal

import numpy as np
import pytest

import nn
from engine import Value, grad

from .acceptance import close, run

X = np.random.default_rng(0).normal(size=(10, 3))
BOTH = pytest.mark.parametrize("engine", ["vectorized", "scalar"])


@BOTH
def test_images_of_one_channel_are_flattened_as_a_batch(engine):
    """Flatten takes a batch; of one image it would flatten the pixels, and keep the channel."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, seed=0))
    images, y = X[:, :2, None, None] * np.ones((10, 2, 1, 2)), np.arange(10) % 3
    images = images.reshape(10, 1, 2, 2)
    expected = nn.cross_entropy(model(images), y).data
    assert model.predict(images, engine=engine).shape == (10, 3)
    history, _ = run(model, images, y, loss=nn.cross_entropy, engine=engine, batch_size=10)
    assert history.steps[0] == pytest.approx(expected, rel=1e-12)


class TwoHeads(nn.Module):
    """Two outputs, of different widths."""

    def __init__(self):
        self.a, self.b = nn.Linear(3, 4, seed=0), nn.Linear(3, 2, seed=1)

    def forward(self, x):
        return self.a(x), self.b(x)


def of_a_batch(outputs, targets):
    return nn.cross_entropy(outputs[0], [a for a, _ in targets]) + nn.cross_entropy(outputs[1], [b for _, b in targets])


def of_an_example(output, target):
    return nn.cross_entropy(output[0], target[0]) + nn.cross_entropy(output[1], target[1])


@BOTH
@pytest.mark.parametrize("loss", [of_a_batch, of_an_example])
@pytest.mark.parametrize("n", [2, 10])  # as many examples as outputs, and more
def test_a_model_may_have_several_outputs(engine, loss, n):
    y = np.stack([np.arange(n) % 4, np.arange(n) % 2], axis=1)
    expected = of_a_batch(TwoHeads()(X[:n].tolist()), y.tolist()).data
    history, _ = run(TwoHeads(), X[:n], y, loss=loss, engine=engine, batch_size=n)
    assert history.steps[0] == pytest.approx(expected, rel=1e-12)
    assert TwoHeads().evaluate(X[:n], y, loss=loss, engine=engine)["loss"] == pytest.approx(expected, rel=1e-12)
    a, b = TwoHeads().predict(X[:n], engine=engine)
    np.testing.assert_allclose(a[0], [v.data for v in TwoHeads()(X[0])[0]], rtol=1e-12)
    assert (a.shape, b.shape) == ((n, 4), (n, 2))
    assert [part.shape for part in TwoHeads().predict(X[:0], engine=engine)] == [(0, 4), (0, 2)]


class Slope(nn.Module):
    """u'(x) + u(x) for a network u: a derivative by the input, as in a differential equation."""

    def __init__(self):
        self.u = nn.Sequential(nn.Linear(1, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))

    def forward(self, x):
        return grad(lambda v: self.u([v])[0])(x[0]) + self.u(x)[0]


def test_a_derivative_by_the_input_keeps_the_weights():
    x, loss = np.linspace(0.0, 1.0, 5)[:, None], lambda out: out * out
    close(*(run(Slope(), x, loss=loss, engine=engine) for engine in ("vectorized", "scalar")))


class Clamped(nn.Module):
    """min(max(w·x, −3), 3), as Python has it: two branches that a trace takes one way."""

    def __init__(self):
        self.w = Value(0.1)

    def forward(self, x):
        return min(max(self.w * x, -3.0), 3.0) * 1.0


def test_a_branch_that_only_training_reaches_is_told():
    x = np.linspace(0.5, 1.0, 8)
    with pytest.raises(ValueError, match=r"Python `if`.*engine=.scalar."):
        run(Clamped(), x, 50.0 * x, loss=nn.mse_loss, optimizer=lambda ps: nn.SGD(ps, lr=0.3), epochs=20)


@BOTH
def test_what_is_frozen_is_not_remembered_either(engine):
    """Thawed after two epochs, a layer moves as it does where an optimizer skips it: as in PyTorch."""

    def frozen_at_first(r):
        r.model[0].requires_grad_(r.epoch >= 1)

    model = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Linear(2, 1, seed=1))
    by_hand = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Linear(2, 1, seed=1))
    model[0].requires_grad_(False)
    run(
        model, X, X[:, :1], loss=nn.mse_loss, optimizer=lambda ps: nn.Adam(ps, lr=0.1), engine=engine, epochs=4,
        batch_size=10, callbacks=[frozen_at_first],
    )  # fmt: skip
    optimizer = nn.Adam(by_hand.parameters(), lr=0.1)
    for epoch in range(4):
        by_hand[0].requires_grad_(epoch >= 2)
        optimizer.zero_grad()
        nn.mse_loss(by_hand(X), X[:, :1]).backward()
        optimizer.step()
    for name, numbers in by_hand.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], numbers, rtol=1e-10, err_msg=name)


def test_the_rate_is_that_of_the_last_step():
    history, _ = run(
        nn.Linear(3, 1, seed=0), X, X[:, :1], loss=nn.mse_loss, batch_size=5, epochs=4,
        optimizer=lambda ps: nn.SGD(ps, lr=0.1),
        schedule=lambda o: nn.OneCycleLR(o, 0.1, total_steps=8, cycle_momentum=False),
    )  # fmt: skip
    optimizer = nn.SGD([Value(0.0)], lr=0.1)
    schedule = nn.OneCycleLR(optimizer, 0.1, total_steps=8, cycle_momentum=False)
    rates = []
    for _ in range(8):
        rates.append(optimizer.lr)
        schedule.step()
    np.testing.assert_array_equal(history["lr"], rates[1::2])


def test_the_best_epoch_is_the_one_that_is_restored():
    stopper = nn.EarlyStopping(patience=30, min_delta=0.05)
    history, _ = run(nn.Linear(3, 1, seed=0), X, X[:, :1], loss=nn.mse_loss, epochs=30, callbacks=[stopper])
    assert history.best_epoch == stopper.best_epoch < int(np.argmin(history["loss"]))


def test_a_recorder_begins_anew_in_each_run():
    recorder = nn.RecordGradients()
    for width in (2, 3):
        run(nn.Linear(3, width, seed=0), X, X[:, :width], loss=nn.mse_loss, epochs=1, callbacks=[recorder])
        assert [len(norms) for norms in recorder.norms.values()] == [3, 3]


def test_what_cannot_be_watched_is_told_before_the_first_step():
    with pytest.raises(ValueError, match="there is no validation"):
        run(nn.Linear(3, 1), X, X[:, :1], loss=nn.mse_loss, callbacks=[nn.EarlyStopping(monitor="val_loss")])
    with pytest.raises(ValueError, match='mode="min" or mode="max"'):
        nn.BestModel(monitor="val_f1")


def test_another_clipping_is_another_training(tmp_path):
    options = {"loss": nn.mse_loss, "checkpoint": tmp_path / "run.safetensors"}
    run(nn.Linear(3, 1, seed=0), X, X[:, :1], callbacks=[nn.ClipGradNorm(1.0)], **options)
    with pytest.raises(ValueError, match="callbacks"):
        run(nn.Linear(3, 1, seed=0), X, X[:, :1], callbacks=[nn.ClipGradNorm(0.1)], **options)


@pytest.mark.parametrize(
    ("model", "y", "cure"), [(nn.Linear(3, 1), X[:, 0], r"y\[:, None\]"), (nn.MLP(3, [1]), X[:, :1], r"y\[:, 0\]")]
)
def test_a_column_beside_a_row_is_told_with_the_cure(model, y, cure):
    with pytest.raises(ValueError, match=cure):
        run(model, X, y, loss=nn.mse_loss)


def test_a_model_in_evaluation_mode_is_trained_and_put_back():
    model = nn.Sequential(nn.Linear(3, 8, seed=0), nn.Dropout(0.5), nn.Linear(8, 1, seed=1))
    other = nn.Sequential(nn.Linear(3, 8, seed=0), nn.Dropout(0.5), nn.Linear(8, 1, seed=1))
    one, _ = run(model.eval(), X, X[:, :1], loss=nn.mse_loss)
    two, _ = run(other, X, X[:, :1], loss=nn.mse_loss)
    assert one == two
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize(
    ("loss", "last", "threshold"),
    [(nn.mse_loss, [], 0.5), (nn.bce_with_logits, [], 0.0), (nn.binary_cross_entropy, [nn.Sigmoid()], 0.5)],
)
def test_yes_begins_where_the_loss_is_undecided(loss, last, threshold):
    y = (X[:, :1] > 0).astype(float)
    model = nn.Sequential(nn.Linear(3, 1, seed=3), *last)
    history, _ = run(model, X, y, loss=loss, epochs=1, optimizer=lambda ps: nn.SGD(ps, lr=0.0))
    assert history["accuracy"][0] == np.mean((model.predict(X) > threshold) == y)


def test_classes_are_not_taken_for_probabilities():
    with pytest.raises(ValueError, match="an axis more"):
        nn.cross_entropy([0.1, 0.2, 0.3], [0, 1, 1])
    assert nn.cross_entropy([0.1, 0.2, 0.3], [0, 1, 0]).data == nn.cross_entropy([0.1, 0.2, 0.3], 1).data


def test_nobody_elses_random_numbers_are_touched():
    random.seed(5)
    expected = random.Random(5).random()
    run(nn.Sequential(nn.Linear(3, 1, seed=0), nn.Dropout(0.5)), X, X[:, :1], loss=nn.mse_loss)
    assert random.random() == expected


class InterruptedAtItsEnd:
    """Ctrl-C in the very last step: there is nothing left to interrupt."""

    def on_step(self, run):
        if len(run.history.steps) == 6:
            os.kill(os.getpid(), signal.SIGINT)


@BOTH
def test_a_run_that_is_interrupted_in_its_last_step_has_finished(engine):
    options = {"loss": nn.mse_loss, "batch_size": 5, "epochs": 3, "engine": engine}
    best = nn.BestModel(monitor="lr", mode="max")  # the first epoch is best, and is restored at the end
    history, state = run(
        nn.Linear(3, 1, seed=0), X, X[:, :1], callbacks=[InterruptedAtItsEnd(), best], **options
    )  # fmt: skip
    other, expected = run(nn.Linear(3, 1, seed=0), X, X[:, :1], callbacks=[best], **options)
    assert history.stopped == f"interrupted in the last step: {other.stopped}"
    assert all((state[name] == expected[name]).all() for name in state)
