"""Callbacks: each does in `fit` what its function does by hand, and takes up again what it has saved."""

import math
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value

NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6)


def run_with(gradient, epoch=0):
    return types.SimpleNamespace(gradient=np.array(gradient, float), epoch=epoch)


@given(NUMBERS, st.floats(0.0, 1e3))
def test_clipping_is_that_of_the_functions(numbers, most):
    for callback, by_hand in (
        (nn.ClipGradNorm(most), nn.clip_grad_norm),
        (nn.ClipGradValue(most), nn.clip_grad_value),
    ):
        ps = [Value(0.0) for _ in numbers]
        for p, number in zip(ps, numbers, strict=True):
            p.grad = number
        by_hand(ps, most)
        run = run_with(numbers)
        callback.on_gradient(run)
        np.testing.assert_allclose(run.gradient, [p.grad for p in ps], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("numbers", [[1e200, 1e200], [1e-200, 1e-200], [0.0, 0.0]])
def test_norms_neither_overflow_nor_vanish(numbers):
    run = run_with(numbers)
    nn.ClipGradNorm(1.0).on_gradient(run)
    expected = np.array(numbers) / 1e200 / math.sqrt(2.0) if numbers[0] > 1.0 else numbers
    np.testing.assert_allclose(run.gradient, expected, rtol=1e-6)


@pytest.mark.parametrize("numbers", [[math.nan, 1.0], [math.inf, 1.0]])
def test_what_is_not_finite_stays_so_and_ends_training(numbers):
    run = run_with(numbers)
    nn.ClipGradNorm(1.0).on_gradient(run)
    assert np.isnan(run.gradient[0])


@pytest.mark.parametrize("kind", [nn.ClipGradNorm, nn.ClipGradValue])
@pytest.mark.parametrize(("given", "error"), [(-1.0, ValueError), (math.nan, ValueError), ("1", TypeError)])
def test_a_bound_is_a_number_from_0_up(kind, given, error):
    with pytest.raises(error, match="a number from 0 up"):
        kind(given)


def recorded(epochs=((0, [3.0, 4.0, 5.0]), (0, [0.0, 1.0, 2.0]), (1, [6.0, 8.0, 1.0]))):
    model = nn.Module()
    model.w, model.b = [Value(1.0), Value(1.0)], Value(1.0)
    recorder = nn.RecordGradients()
    optimizer = nn.SGD(model.parameters())
    recorder.on_begin(types.SimpleNamespace(optimizer=optimizer, model=model, epoch=0, step=0))
    for epoch, gradient in epochs:
        recorder.on_gradient(run_with(gradient, epoch))
    return recorder, list(model.state_dict())


def test_norms_are_recorded_for_each_tensor_step_and_epoch():
    recorder, names = recorded()
    assert list(recorder.norms) == names == ["w", "b"]
    np.testing.assert_allclose(recorder.norms["w"], [5.0, 1.0, 10.0])
    np.testing.assert_allclose(recorder.norms["b"], [5.0, 2.0, 1.0])
    np.testing.assert_allclose(recorder.of_epochs()["w"], [3.0, 10.0])


def test_what_was_recorded_is_taken_up_again():
    whole, _ = recorded()
    part, _ = recorded([])
    assert part.norms["w"].shape == (0,)
    part.load_state_dict(whole.state_dict())
    for name, norms in whole.norms.items():
        np.testing.assert_array_equal(part.norms[name], norms)
        np.testing.assert_array_equal(part.of_epochs()[name], whole.of_epochs()[name])
    empty, _ = recorded([])
    empty.load_state_dict(recorded([])[0].state_dict())
    assert empty.norms["b"].tolist() == []


@pytest.mark.parametrize(
    ("monitor", "mode", "expected"),
    [(None, None, "min"), ("loss", None, "min"), ("val_accuracy", None, "max"), ("val_accuracy", "min", "min")],
)
def test_an_accuracy_is_best_where_it_is_greatest(monitor, mode, expected):
    assert nn.BestModel(monitor, mode).mode == expected
    assert not nn.BestModel(monitor, mode).stopped


def test_they_print_as_they_are_made():
    assert repr(nn.BestModel()) == "BestModel(monitor=None, mode='min')"
    assert repr(nn.ClipGradNorm(2)) == "ClipGradNorm(2.0)"
    assert repr(nn.ClipGradValue(0.5)) == "ClipGradValue(0.5)"
