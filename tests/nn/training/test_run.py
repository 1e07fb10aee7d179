"""The loop of a training: its batches, its signals, its callbacks, what it measures and what it saves."""

import os
import signal
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.examples import Examples
from nn.training.run import Plan

ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 3


def perceptron(*, dropout=0.0, norm=False):
    return nn.Sequential(
        nn.Linear(3, 4, seed=0), nn.BatchNorm1d(4) if norm else nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, 3, seed=1)
    )


def trained(model=None, x=X, y=Y, **options):
    given = {"loss": nn.cross_entropy, "epochs": 2, "batch_size": 4, "seed": 0, "progress": False}
    return nn.fit(perceptron() if model is None else model, x, y, **{**given, **options})


def bits(history):
    arrays = {**history.model.state_dict(), **dict(history), "steps": history.steps}
    return {name: np.asarray(array).tobytes() for name, array in arrays.items()}


@given(
    n=st.integers(1, 30), size=st.integers(1, 12), epoch=st.integers(0, 3), shuffle=st.booleans(), drop=st.booleans()
)
def test_batches_have_each_example_once_or_leave_out_the_last_ones(n, size, epoch, shuffle, drop):
    plan = Plan(
        examples=Examples(np.arange(float(n))), validation=None, epochs=4, batch_size=size, shuffle=shuffle,
        drop_last=drop, schedule_each="epoch", metrics=None, seed=3, progress=False, checkpoint=None, told={},
    )  # fmt: skip
    batches = plan.batches(epoch)
    assert len(batches) == plan.steps
    places = np.concatenate(batches)
    left = n % size if drop and n > size else 0
    assert len(places) == len(set(places.tolist())) == n - left
    assert all(len(batch) == size for batch in batches[:-1])
    assert shuffle or places.tolist() == list(range(n - left))
    np.testing.assert_array_equal(places, np.concatenate(plan.batches(epoch)))


# ------------------------------------------------------------------------------ changes by callbacks


class Tempered(nn.Module):
    """Logits divided by a temperature: a number, or an entry of a buffer."""

    def __init__(self, buffer):
        self.layer, self.temperature = nn.Linear(3, 3, seed=0), np.ones(1) if buffer else 1.0

    def forward(self, x):
        t = self.temperature
        return [v / (t if isinstance(t, float) else float(t[0])) for v in self.layer(x)]


def heat(run):
    run.model.temperature *= 2.0


def shift(run):
    run.model[0].bias[0].data += 1.0


FACTOR = {"now": 1.0}


def annealed(out, t):
    return FACTOR["now"] * nn.cross_entropy(out, t)


@ENGINES
def test_a_number_that_the_loss_reads_may_change_after_an_epoch(engine):
    FACTOR["now"] = 1.0
    history = trained(
        loss=annealed, engine=engine, epochs=3, optimizer=lambda ps: nn.SGD(ps, lr=0.0),
        callbacks=[lambda run: FACTOR.update(now=2.0 * FACTOR["now"])],
    )  # fmt: skip
    np.testing.assert_allclose(history["loss"] / history["loss"][0], [1.0, 2.0, 4.0], rtol=1e-12)


CHANGES = {
    "an option": (lambda: Tempered(False), heat, nn.Adam),
    "a buffer": (lambda: Tempered(True), heat, nn.Adam),
    "a weight of no optimizer": (perceptron, shift, lambda ps: nn.SGD(ps[16:], lr=0.1)),
    "the mode of a norm": (lambda: perceptron(norm=True), lambda run: run.model[1].eval() and None, nn.Adam),
    "no more dropout": (lambda: perceptron(dropout=0.5), lambda run: setattr(run.model[2], "p", 0.0), nn.Adam),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_callback_changes_in_the_model_counts_from_then_on(what):
    make, change, optimizer = CHANGES[what]
    ends = {}
    for engine in ("scalar", "vectorized"):
        ends[engine] = trained(
            make(), engine=engine, epochs=3, callbacks=[change], validation=(X, Y), optimizer=optimizer
        )
    unchanged = trained(make(), epochs=3, validation=(X, Y), optimizer=optimizer)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(ends["vectorized"][name], ends["scalar"][name], rtol=1e-10)
    assert ends["vectorized"].steps[-1] != unchanged.steps[-1]


def test_a_plateau_is_one_of_the_validation_loss_whatever_else_is_watched():
    options = {"validation": (X, Y), "epochs": 6, "schedule": lambda o: nn.ReduceLROnPlateau(o, patience=0)}
    alone = trained(**options)
    watched = trained(**options, callbacks=[nn.EarlyStopping(50, monitor="val_accuracy", restore_best=False)])
    np.testing.assert_array_equal(watched["lr"], alone["lr"])
    assert (np.diff(alone["val_loss"]) < 0.0).all()
    assert (alone["lr"] == 0.001).all()


# ------------------------------------------------------------------------------ Ctrl-C, errors


class Strike:
    """Ctrl-C at a step, so many times."""

    def __init__(self, step, times=1):
        self.step, self.times = step, times

    def on_step(self, run):
        self.step -= 1
        if self.step == 0:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@ENGINES
def test_a_second_ctrl_c_is_as_always_and_the_model_has_the_numbers_of_the_step(engine):
    handler, model = signal.getsignal(signal.SIGINT), perceptron()
    steps = []

    class Keep:
        def on_step(self, run):
            steps.append(run.parameters.copy())

    with pytest.raises(KeyboardInterrupt):
        trained(model, engine=engine, callbacks=[Keep(), Strike(2, times=2)])
    assert signal.getsignal(signal.SIGINT) is handler
    assert [p.data for p in model.parameters()] == steps[1].tolist()
    assert not any(p.has_grad for p in model.parameters())


def test_ctrl_c_within_a_fit_of_a_callback_ends_that_one():
    handler, said = signal.getsignal(signal.SIGINT), []
    history = trained(callbacks=[lambda run: said.append(trained(callbacks=[Strike(1)]).stopped)])
    assert said == ["interrupted in epoch 1, after 1 of its 3 steps"] * 2
    assert history.stopped == "finished after 2 epochs"
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_fit_of_a_callback_disturbs_nothing():
    alone = trained(perceptron(dropout=0.5))
    nested = trained(perceptron(dropout=0.5), callbacks=[lambda run: trained(perceptron(dropout=0.5), seed=5) and None])
    assert bits(nested) == bits(alone)


@ENGINES
@pytest.mark.parametrize("hook", ["on_begin", "on_gradient", "on_step", "on_epoch", "on_end"])
def test_an_error_in_a_hook_leaves_handler_modes_and_gradients(hook, engine):
    def fail(run):
        raise ArithmeticError(hook)

    model, handler = perceptron(dropout=0.5), signal.getsignal(signal.SIGINT)
    model[2].eval()
    callback = type("Failing", (), {hook: staticmethod(fail)})()
    with pytest.raises(ArithmeticError, match=hook):
        trained(model, engine=engine, callbacks=[callback])
    assert signal.getsignal(signal.SIGINT) is handler
    assert [module.training for module in model.modules()] == [True, True, True, False, True]
    assert not any(p.has_grad for p in model.parameters())


def test_a_gradient_of_another_shape_is_told():
    class Cut:
        def on_gradient(self, run):
            run.gradient = run.gradient[:3]

    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        trained(callbacks=[Cut()])


# ------------------------------------------------------------------------------ checkpoints


class Killed(Exception):  # noqa: N818
    """What kills a run."""


def killer(epoch):
    def kill(run):
        if run.epoch == epoch:
            raise Killed

    return kill


def killed_and_resumed(path, make, callbacks, **options):
    """(a whole run, one that was killed after two epochs and goes on)."""
    whole = trained(make(), callbacks=callbacks(), **options)
    with pytest.raises(Killed):
        trained(make(), callbacks=[killer(2), *callbacks()], checkpoint=path, **options)
    return whole, trained(make(), callbacks=callbacks(), checkpoint=path, **options)


def half_frozen():
    model = perceptron(norm=True, dropout=0.2)
    for p in model[0].parameters():
        p.requires_grad = False
    return model


def thaw(run):
    if run.epoch == 1:
        for p in run.model[0].parameters():
            p.requires_grad = True
        run.model[1].eval()


@ENGINES
def test_what_a_callback_has_thawed_is_thawed_after_a_restart(engine, tmp_path):
    whole, resumed = killed_and_resumed(tmp_path / "run", half_frozen, lambda: [thaw], engine=engine, epochs=5)
    assert bits(resumed) == bits(whole)
    assert not resumed.model[1].training


@ENGINES
def test_a_callback_has_its_own_state_whatever_stands_before_it(engine, tmp_path):
    options = {"engine": engine, "epochs": 7, "validation": 0.3, "optimizer": lambda ps: nn.Adam(ps, lr=0.3)}
    whole, resumed = killed_and_resumed(
        tmp_path / "run", perceptron, lambda: [nn.EarlyStopping(3), nn.RecordGradients()], **options
    )
    assert bits(resumed) == bits(whole)
    assert resumed.stopped == whole.stopped


def test_the_columns_keep_their_order(tmp_path):
    whole, resumed = killed_and_resumed(tmp_path / "run", perceptron, list, epochs=4, validation=0.3)
    assert list(resumed) == list(whole) == ["loss", "accuracy", "val_loss", "val_accuracy", "lr"]
    assert str(resumed) == str(whole)


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "schedule",
    [lambda o: nn.OneCycleLR(o, max_lr=0.1, total_steps=12), lambda o: nn.ReduceLROnPlateau(o, patience=0)],
    ids=["one cycle", "plateau"],
)
def test_schedules_go_on_in_the_middle_of_an_epoch(schedule, step, tmp_path):
    options = {"epochs": 4, "schedule": schedule, "validation": (X, Y), "optimizer": lambda ps: nn.AdamW(ps, lr=0.05)}
    whole = trained(perceptron(dropout=0.5), **options)
    trained(perceptron(dropout=0.5), callbacks=[Strike(step)], checkpoint=tmp_path / "run", **options)
    assert bits(trained(perceptron(dropout=0.5), checkpoint=tmp_path / "run", **options)) == bits(whole)


# ------------------------------------------------------------------------------ what is measured


class Each(nn.Module):
    """A line on each entry of a list of any length."""

    def __init__(self):
        self.line = nn.Linear(2, 2, seed=0)

    def forward(self, x):
        return [self.line(row) for row in x]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_outputs_of_different_shapes_are_trained_on_and_not_measured(size, tmp_path):
    x = [[[float(i), 1.0]] * (2 + i % 3) for i in range(9)]
    y = [[i % 2] * (2 + i % 3) for i in range(9)]
    options = {
        "x": x, "y": y, "engine": "scalar", "batch_size": size, "epochs": 4, "metrics": {"mean": lambda o, t: o.mean()},
        "optimizer": lambda ps: nn.Adam(ps, lr=0.1),
    }  # fmt: skip
    whole = trained(Each(), **options)
    assert list(whole) == ["loss", "lr"]
    assert whole["loss"][-1] < whole["loss"][0]
    trained(Each(), checkpoint=tmp_path / "run", callbacks=[Strike(2)], **options)
    assert bits(trained(Each(), checkpoint=tmp_path / "run", **options)) == bits(whole)


def test_a_metric_is_one_of_an_epoch_also_in_a_bar(capsys):
    """One that is not made for a batch would end training, or not, by the clock."""
    asked = []

    def of_all(outputs, targets):
        asked.append(len(targets))
        return 0.5

    class Slow:
        def on_step(self, run):
            time.sleep(0.11)  # so that the bar is written at each step

    history = trained(metrics={"half": of_all}, progress=True, callbacks=[Slow()])
    assert asked == [12, 12]
    assert history["half"].tolist() == [0.5, 0.5]
    assert "half 0.5" in capsys.readouterr().err


@pytest.mark.parametrize(("said", "epochs"), [(True, 1), (np.True_, 1), (0.5, 2), (None, 2), (False, 2)])
def test_a_function_stops_by_true_alone(said, epochs):
    assert trained(callbacks=[lambda run: said]).epochs == epochs


def test_a_metric_may_look_at_the_model():
    seen = []

    def weight(outputs, targets):
        seen.append(model[0].weight[0][0].data)
        return seen[-1]

    model = perceptron()
    history = trained(model, metrics={"weight": weight}, epochs=3)
    assert history["weight"][-1] == model[0].weight[0][0].data
    assert len(set(history["weight"])) == 3


@ENGINES
def test_parameters_kept_by_a_callback_stay_as_they_were(engine):
    kept, copies = [], []

    class Keep:
        def on_step(self, run):
            kept.extend([run.parameters, run.gradient])
            copies.extend([run.parameters.copy(), run.gradient.copy()])

    trained(callbacks=[Keep()], engine=engine)
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_weights_shared_by_two_layers_are_one():
    class Tied(nn.Module):
        def __init__(self):
            self.one, self.other = nn.Linear(3, 3, seed=0), nn.Linear(3, 3, seed=1)
            self.other.weight = self.one.weight

        def forward(self, x):
            return self.other(self.one(x))

    ends = [trained(Tied(), engine=engine) for engine in ("scalar", "vectorized")]
    np.testing.assert_allclose(ends[0].steps, ends[1].steps, rtol=1e-11)
    for history in ends:
        numbers = history.model.state_dict()
        np.testing.assert_array_equal(numbers["one.weight"], numbers["other.weight"])
        assert not np.allclose(numbers["one.weight"], Tied().state_dict()["one.weight"], atol=1e-6)
