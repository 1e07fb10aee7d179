"""What a run of `fit` means: one seed, all put back, what stays, when it stops, what a callback sees."""

import math
import random

import numpy as np
import pytest

import nn
from engine import Value, dot
from engine.nested import flat

from .acceptance import (
    Line,
    Slope,
    TwoHeads,
    Weights,
    batch_normed,
    classes,
    copied,
    counts,
    digest,
    mean_output,
    numbers,
    orders,
    perceptron,
    run,
    with_dropout,
)

X, Y = numbers(10, 2), classes(10, 3)
ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
OPTIONS = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.Adam(ps, lr=0.05)}

# ------------------------------------------------------------------------------ one seed


@ENGINES
@pytest.mark.parametrize("validation", [None, 0.2])
def test_one_seed_gives_the_same_bits(engine, validation):
    options = OPTIONS | {"engine": engine, "validation": validation}
    runs = []
    for before in (1, 2):
        random.seed(before)
        np.random.seed(before)
        runs.append(digest(run(with_dropout, X, Y, **options)[0]))
    assert runs[0] == runs[1]
    other = digest(run(with_dropout, X, Y, **options | {"seed": 4})[0])
    assert all(other[name] != runs[0][name] for name in ("steps", "0.weight", "3.weight"))


@ENGINES
def test_the_global_random_numbers_are_left_alone(engine):
    states = random.getstate(), np.random.get_state()[1].tobytes()
    run(with_dropout, X, Y, engine=engine, validation=0.2, **OPTIONS)
    run(nn.Sequential(nn.BayesLinear(2, 3, seed=1), nn.Dropout(0.5)), X, Y, engine=engine, **OPTIONS)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == states


def test_without_a_seed_the_order_is_another_each_time():
    model = perceptron(random.Random(0)).state_dict()
    steps = []
    for _ in range(2):
        start = perceptron()
        start.load_state_dict(model)
        steps.append(run(start, X, Y, seed=None, **OPTIONS)[0].steps)
    assert (steps[0] != steps[1]).any()


def test_an_epoch_is_each_example_once_in_an_order_of_its_own():
    order = orders(12, 4, seed=0)
    assert all(counts(row) == dict.fromkeys(range(12), 1) for row in order.tolist())
    assert len({tuple(row) for row in order.tolist()}) == 4
    assert (orders(12, 4, seed=1) != order).any()


@ENGINES
def test_masks_are_drawn_anew_for_each_example_and_step(engine):
    """Dropout alone, on three ones: the loss 1·m₀ + 2·m₁ + 4·m₂ tells the mask."""

    def told(out):
        values = flat(out)
        return dot([(1.0, 2.0, 4.0)[i % 3] for i in range(len(values))], values) / (len(values) / 3)

    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    model.load_state_dict({"0.weight": np.zeros((3, 3)), "0.bias": np.ones(3)})
    options = {"batch_size": 1, "epochs": 3, "optimizer": lambda ps: nn.SGD(ps, lr=0.0), "engine": engine}
    steps = run(model, np.ones((40, 3)), loss=told, **options)[0].steps
    assert set(steps) == set(range(0, 16, 2))  # all eight masks, each m 0 or 2
    assert (steps[:40] != steps[40:80]).any()
    np.testing.assert_allclose(steps.mean(), 7.0, atol=1.3)  # 3 σ


# ------------------------------------------------------------------------------ what stays


@ENGINES
def test_modes_are_put_back_and_training_is_in_training_mode(engine):
    model = batch_normed(random.Random(0)).eval()
    model[1].train()
    modes = copied(model)[1]
    _, after = run(model, X, Y, engine=engine, validation=(X, Y), **OPTIONS)
    assert copied(model)[1] == modes
    assert after["1.num_batches_tracked"] == 5 * 3  # batch norm has seen each batch once, and nothing else


@ENGINES
def test_frozen_parameters_and_those_of_no_optimizer_stay(engine):
    model = with_dropout(random.Random(0))
    model[3].bias[0].requires_grad = False
    before = model.state_dict()
    optimizer = nn.AdamW(model[3].parameters(), lr=0.1, weight_decay=0.5)
    _, after = run(model, X, Y, engine=engine, loss=nn.cross_entropy, optimizer=optimizer)
    assert (after["0.weight"] == before["0.weight"]).all()
    assert (after["0.bias"] == before["0.bias"]).all()
    assert (after["3.weight"] != before["3.weight"]).all()
    assert (after["3.bias"] != before["3.bias"]).tolist() == [False, True, True]


@ENGINES
def test_what_the_loss_does_not_reach_stays_with_weight_decay_too(engine):
    model = TwoHeads()
    before = model.state_dict()
    _, after = run(
        model, X, X[:, :1], loss=nn.mse_loss, engine=engine, optimizer=lambda ps: nn.AdamW(ps, lr=0.1, weight_decay=0.5)
    )
    for name, array in after.items():
        assert (array == before[name]).all() == name.startswith("unused.")


@ENGINES
def test_data_are_left_as_they_are(engine):
    x, y = X.copy(), Y.copy()
    run(perceptron, x, y, engine=engine, validation=0.3, **OPTIONS)
    assert (x == X).all()
    assert (y == Y).all()


@ENGINES
def test_an_optimizer_goes_on_in_a_second_call(engine):
    """Two calls of 2 and 3 epochs, each epoch one batch of everything, are one of 5."""
    options = {"loss": nn.cross_entropy, "batch_size": 10, "engine": engine}
    model = perceptron(random.Random(0))
    adam = nn.Adam(model.parameters(), lr=0.05)
    losses = [run(model, X, Y, optimizer=adam, epochs=epochs, **options)[0]["loss"] for epochs in (2, 3)]
    whole, _ = run(perceptron(random.Random(0)), X, Y, epochs=5, **options | OPTIONS)
    np.testing.assert_allclose(np.concatenate(losses), whole["loss"], rtol=1e-10)


@ENGINES
def test_the_model_that_is_given_is_the_one_that_is_trained(engine):
    model = perceptron(random.Random(0))
    before = model.state_dict()
    history, after = run(model, X, Y, engine=engine, **OPTIONS)
    assert history.model is model
    assert all((after[name] != before[name]).all() for name in after)


# ------------------------------------------------------------------------------ when it stops


def path_of(w, rate, steps, target=-100.0):
    """w after each step of SGD on (w − target)², and its squared distance from 3.2: first down, then up."""
    ws = []
    for _ in range(steps):
        w -= rate * 2.0 * (w - target)
        ws.append(w)
    return ws, [(w - 3.2) ** 2 for w in ws]


def falling(**options):
    """A weight that falls from 5 toward −100 in training, where the validation wants 3.2."""
    return run(
        Slope(5.0), np.ones(4), np.full(4, -100.0), loss=nn.mse_loss, batch_size=4, epochs=30,
        optimizer=lambda ps: nn.SGD(ps, lr=0.001), validation=([1.0, 1.0], [3.2, 3.2]), **options,
    )[0]  # fmt: skip


WS, DISTANCES = path_of(5.0, 0.001, 30)
BEST = int(np.argmin(DISTANCES))


@ENGINES
@pytest.mark.parametrize("patience", [1, 4])
@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping(patience, restore, engine):
    history = falling(callbacks=[nn.EarlyStopping(patience=patience, restore_best=restore)], engine=engine)
    assert 3 < BEST < 20
    assert (history.best_epoch, history.epochs) == (BEST, BEST + 1 + patience)
    np.testing.assert_allclose(history["val_loss"], DISTANCES[: BEST + 1 + patience], rtol=1e-9)
    np.testing.assert_allclose(history.model.w.data, WS[BEST if restore else BEST + patience], rtol=1e-12)
    assert "val_loss" in history.stopped or "improve" in history.stopped.lower()


@ENGINES
def test_the_best_model_without_stopping(engine):
    history = falling(callbacks=[nn.BestModel()], engine=engine)
    assert (history.best_epoch, history.epochs) == (BEST, 30)
    np.testing.assert_allclose(history.model.w.data, WS[BEST], rtol=1e-12)


def test_without_validation_the_training_loss_is_watched():
    options = {"loss": nn.mse_loss, "batch_size": 4, "epochs": 30, "optimizer": lambda ps: nn.SGD(ps, lr=1.1)}
    history, _ = run(Slope(1.0), np.ones(4), np.zeros(4), callbacks=[nn.EarlyStopping(patience=3)], **options)
    assert history.epochs == 4  # it diverges from the first step on
    assert history.best_epoch == 0


def test_a_share_of_right_answers_is_better_where_it_is_larger():
    """Nobody says which way accuracy goes."""
    x = np.linspace(-1.0, 1.0, 12)[:, None]
    stopper = nn.EarlyStopping(patience=4, monitor="val_accuracy")
    history, _ = run(
        lambda rng: nn.Linear(1, 1, seed=rng), x, (x > 0).astype(float), validation=(x, (x > 0).astype(float)),
        loss=nn.bce_with_logits, epochs=40, optimizer=lambda ps: nn.SGD(ps, lr=0.3), callbacks=[stopper],
    )  # fmt: skip
    accuracy = history["val_accuracy"]
    assert history.best_epoch == int(np.argmax(accuracy))
    assert history.epochs == min(history.best_epoch + 5, 40)


def test_a_stopper_begins_anew_in_each_run():
    stopper = nn.EarlyStopping(patience=2)
    first, second = falling(callbacks=[stopper]), falling(callbacks=[stopper])
    assert digest(first) == digest(second)


def test_what_is_watched_must_be_there():
    with pytest.raises((ValueError, KeyError), match="val_f1"):
        falling(callbacks=[nn.EarlyStopping(monitor="val_f1")])


@ENGINES
def test_a_function_that_says_true_stops(engine):
    history, _ = run(perceptron, X, Y, engine=engine, callbacks=[lambda run: run.epoch >= 2], **OPTIONS)
    assert history.epochs in (2, 3)
    assert history.stopped


# ------------------------------------------------------------------------------ callbacks


class Diary:
    """Writes down what it was called for."""

    def __init__(self):
        self.said = []

    def on_begin(self, run):
        self.said.append("begin")

    def on_gradient(self, run):
        self.said.append("gradient")

    def on_step(self, run):
        assert math.isfinite(run.loss)
        self.said.append("step")

    def on_epoch(self, run):
        self.said.append("epoch")

    def on_end(self, run):
        self.said.append("end")


@ENGINES
def test_a_callback_is_called_in_order(engine):
    diary = Diary()
    run(perceptron, X, Y, engine=engine, epochs=2, batch_size=5, callbacks=[diary], **OPTIONS)
    epoch = ["gradient", "step", "gradient", "step", "epoch"]
    assert diary.said == ["begin", *epoch, *epoch, "end"]


@ENGINES
def test_a_callback_may_change_the_gradient(engine):
    class Reverse:
        def on_gradient(self, run):
            run.gradient *= -2.0

    weights = Weights()
    run(
        Slope(0.0), np.ones(4), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=3, engine=engine,
        callbacks=[Reverse(), weights],
    )  # fmt: skip
    np.testing.assert_array_equal(np.ravel(weights.seen), [2.0, 4.0, 6.0])


@ENGINES
def test_after_an_epoch_the_model_has_the_numbers_of_the_epoch(engine):
    seen = []

    def look(run):
        seen.append((run.model.w.data, float(run.model(2.0)), run.parameters[0]))

    run(
        Slope(0.0), np.ones(4), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=2, callbacks=[look],
        engine=engine,
    )  # fmt: skip
    assert seen == [(-1.0, -2.0, -1.0), (-2.0, -4.0, -2.0)]


@ENGINES
def test_a_callback_may_set_the_weights(engine):
    """A weight that is held above −1.5: what a callback does to the model counts, as in Keras and PyTorch."""

    def hold(run):
        run.model.w.data = max(run.model.w.data, -1.5)

    history, _ = run(
        Slope(0.0), np.ones(4), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=4, callbacks=[hold],
        engine=engine,
    )  # fmt: skip
    np.testing.assert_array_equal(history["loss"], [0.0, -1.0, -1.5, -1.5])
    assert history.model.w.data == -1.5


@ENGINES
def test_a_callback_may_freeze_a_weight_and_thaw_it(engine):
    seen = []

    def from_the_second_to_the_fourth(run):
        slope, offset = run.model.slope, run.model.offset
        seen.append((slope.data, offset.data))
        slope.requires_grad = len(seen) not in (2, 3)

    run(
        Line(0.0, 0.0), np.ones(4), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=1.0), epochs=5, engine=engine,
        callbacks=[from_the_second_to_the_fourth],
    )  # fmt: skip
    assert seen == [(-1.0, -1.0), (-2.0, -2.0), (-2.0, -3.0), (-2.0, -4.0), (-3.0, -5.0)]


@ENGINES
def test_a_callback_may_run_the_model(engine):
    """What it evaluates in between changes nothing of the training."""
    plain = digest(run(batch_normed, X, Y, engine=engine, **OPTIONS)[0])

    def look(run):
        run.model.predict(X)
        run.model.accuracy(X, Y)

    assert digest(run(batch_normed, X, Y, engine=engine, callbacks=[look], **OPTIONS)[0]) == plain


@ENGINES
def test_the_norms_of_gradients(engine):
    recorder = nn.RecordGradients()
    run(
        Slope(0.0), np.ones(6), loss=mean_output, optimizer=lambda ps: nn.SGD(ps, lr=0.1), epochs=3, engine=engine,
        callbacks=[recorder],
    )  # fmt: skip
    np.testing.assert_allclose(recorder.norms["w"], np.ones(6))
    np.testing.assert_allclose(recorder.of_epochs()["w"], np.ones(3))


def test_a_model_without_an_optimizer_is_trained_by_adam():
    _, default = run(perceptron, X, Y, loss=nn.cross_entropy)
    _, adam = run(perceptron, X, Y, loss=nn.cross_entropy, optimizer=nn.Adam)
    assert all((default[name] == adam[name]).all() for name in adam)


def test_a_parameter_is_a_value_still():
    model = perceptron(random.Random(0))
    ids = list(map(id, model.parameters()))
    run(model, X, Y, **OPTIONS)
    assert list(map(id, model.parameters())) == ids
    assert all(isinstance(p, Value) and isinstance(p.data, float) for p in model.parameters())
