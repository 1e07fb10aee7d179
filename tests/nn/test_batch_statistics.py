"""The statistics of batch norm, recorded; and from the gradient of a program the same as those of a forward pass."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from nn.batch_statistics import recorded_statistics
from nn.calling import joined, way_of
from nn.examples import Examples
from nn.training.engines import Scalar, Vectorized


def batch(n, *shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, (n, *shape))


def test_they_are_those_of_the_batch():
    x, norm = batch(5, 3, 2), nn.BatchNorm1d(3)
    with recorded_statistics() as [*nothing]:
        pass
    assert nothing == []
    with recorded_statistics() as statistics:
        norm(x.tolist())
    [(of, means, variances, numbers)] = statistics
    assert of is norm
    assert numbers == 10
    np.testing.assert_allclose([m.data for m in means], x.mean(axis=(0, 2)), rtol=1e-14)
    np.testing.assert_allclose([v.data for v in variances], x.var(axis=(0, 2)), rtol=1e-13)


def test_only_training_is_recorded_and_only_inside():
    norm, found = nn.BatchNorm1d(1), []
    with recorded_statistics() as outer:
        norm([[1.0], [2.0]])
        with recorded_statistics() as inner:
            norm([[1.0], [2.0]])
        norm.eval()([[1.0], [2.0]])
        thread = threading.Thread(target=lambda: found.append(norm.train()([[1.0], [2.0]])))
        thread.start()
        thread.join()
    norm([[1.0], [2.0]])
    assert (len(outer), len(inner), len(found)) == (1, 1, 1)


def test_an_error_ends_the_recording():
    with pytest.raises(RuntimeError), recorded_statistics() as statistics:
        raise RuntimeError
    nn.BatchNorm1d(1)([[1.0], [2.0]])
    assert statistics == []


@settings(max_examples=12)
@given(
    sizes=st.lists(st.integers(2, 5), min_size=1, max_size=4),
    momentum=st.sampled_from([0.1, 0.5, None]),
    twice=st.booleans(),
)
def test_a_program_follows_as_the_forward_pass_does(sizes, momentum, twice):
    norm = nn.BatchNorm1d(2, momentum=momentum)
    again = norm if twice else nn.BatchNorm1d(2, momentum=momentum)
    model = nn.Sequential(nn.Linear(3, 2, seed=0), norm, nn.Tanh(), again)
    examples = Examples(batch(5, 3), batch(5, 2, seed=1))
    way = way_of(model, examples)
    assert joined(model, nn.mse_loss, examples, way)
    ends = []
    for kind in (Scalar, Vectorized):
        state = model.state_dict()
        engine = kind(model, nn.mse_loss, examples, model.parameters(), way, True)
        numbers = np.array([p.data for p in model.parameters()])
        steps = [engine.step(np.arange(size), numbers) for size in sizes]
        ends.append((steps, {name: array.copy() for name, array in model.state_dict().items()}))
        model.load_state_dict(state)
    (ours, statistics), (theirs, others) = ends
    for one, other in zip(ours, theirs, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-12)
        np.testing.assert_allclose(one.gradient, other.gradient, rtol=1e-9, atol=1e-12)
    for name, array in statistics.items():
        np.testing.assert_allclose(others[name], array, rtol=1e-12, atol=1e-14, err_msg=name)
    assert others["1.num_batches_tracked"] == len(sizes) * (2 if twice else 1)
