"""Early stopping: when it stops, the best model kept, its state saved and taken up again."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value


def stops_at(metrics, **options):
    stopper = nn.EarlyStopping(**options)
    for epoch, metric in enumerate(metrics):
        if stopper.step(metric):
            return epoch, stopper
    return None, stopper


@given(
    metrics=st.lists(st.integers(0, 6).map(float) | st.just(math.nan), max_size=12),
    patience=st.integers(1, 4),
    min_delta=st.sampled_from([0.0, 1.0, 2.5]),
    mode=st.sampled_from(["min", "max"]),
)
def test_it_stops_after_so_many_epochs_without_a_better_one(metrics, patience, min_delta, mode):
    sign, best, best_epoch, expected = (1.0 if mode == "min" else -1.0), math.inf, -1, None
    for epoch, metric in enumerate(metrics):
        if not math.isnan(metric) and best - sign * metric > min_delta:
            best, best_epoch = sign * metric, epoch
        if epoch - best_epoch >= patience:
            expected = epoch
            break
    stopped, stopper = stops_at(metrics, patience=patience, min_delta=min_delta, mode=mode)
    assert (stopped, stopper.best, stopper.best_epoch) == (expected, sign * best, best_epoch)
    assert stopper.stopped == (expected is not None)


def test_the_best_model_is_kept_and_restored():
    model, stopper = nn.Sequential(nn.Linear(1, 1, seed=0), nn.BatchNorm1d(1)), nn.EarlyStopping(patience=2)
    bias, numbers = model[0].bias[0], []
    for loss in (3.0, 1.0, 2.0, Value(math.nan)):
        bias.data = loss if isinstance(loss, float) else 9.0
        model([[1.0], [2.0]])
        numbers.append(model.state_dict())
        if stopper.step(loss, model):
            break
    assert len(numbers) == 4
    stopper.restore(model)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, numbers[1][name])
    with pytest.raises(ValueError, match="does not fit"):
        stopper.restore(nn.Linear(1, 1))


def test_there_must_be_a_best_model_to_restore():
    stopper = nn.EarlyStopping()
    stopper.step(1.0)
    with pytest.raises(RuntimeError, match=r"call step\(metric, model\)"):
        stopper.restore(nn.Linear(1, 1))


@pytest.mark.parametrize("cut", range(6))
def test_a_saved_one_goes_on_where_it_was(cut):
    metrics, model = [5.0, 4.0, 4.5, 3.0, 3.5, 3.6], nn.Linear(1, 1, seed=0)
    whole, first = nn.EarlyStopping(patience=2), nn.EarlyStopping(patience=2)
    second = nn.EarlyStopping(patience=2)
    answers, parts = [whole.step(m, model) for m in metrics], [first.step(m, model) for m in metrics[:cut]]
    state = {name: np.asarray(item) for name, item in first.state_dict().items()}  # as files hold it
    second.load_state_dict(state)
    parts += [second.step(m, model) for m in metrics[cut:]]
    assert parts == answers == [False] * 5 + [True]
    assert {k: np.asarray(v).tolist() for k, v in second.state_dict().items()} == {
        k: np.asarray(v).tolist() for k, v in whole.state_dict().items()
    }
    second.restore(nn.Linear(1, 1, seed=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("best"), "missing or unexpected: best"),
        (lambda s: s.update(wait=1), "missing or unexpected: wait"),
        (lambda s: s.update(epochs=1.5), "its epochs are whole numbers"),
        (lambda s: s.update(bad_epochs=math.nan), "its epochs are whole numbers"),
    ],
)
def test_a_state_of_something_else_is_refused(change, message):
    stopper = nn.EarlyStopping(patience=3)
    stopper.step(2.0)
    before = stopper.state_dict()
    state = before | {"best": 1.0}
    change(state)
    with pytest.raises(ValueError, match=message):
        stopper.load_state_dict(state)
    assert stopper.state_dict() == before


@pytest.mark.parametrize("metric", [Value(0.5), np.float32(0.5), np.array(0.5), 0.5])
def test_a_metric_is_a_number(metric):
    stopper = nn.EarlyStopping()
    stopper.step(metric)
    assert stopper.best == 0.5


@pytest.mark.parametrize("metric", ["0.5", [0.5], None])
def test_what_is_no_number_is_no_metric(metric):
    stopper = nn.EarlyStopping()
    with pytest.raises(TypeError, match="the metric is a number, not"):
        stopper.step(metric)
    assert (stopper.epochs, stopper.best) == (0, math.inf)


def test_it_says_what_it_is():
    assert repr(nn.EarlyStopping(3, 0.1, "max")) == "EarlyStopping(patience=3, min_delta=0.1, mode='max')"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "patience is at least 1"),
        ({"min_delta": -0.1}, "min_delta is a number from 0 up"),
        ({"min_delta": math.nan}, "min_delta is a number from 0 up"),
        ({"mode": "lower"}, 'mode is "min" or "max"'),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nn.EarlyStopping(**options)


def test_a_call_is_a_step():
    stopper = nn.EarlyStopping(patience=1)
    assert [stopper(loss) for loss in (2.0, 3.0)] == [False, True]
