"""The two engines give the same step; a program holds nothing that has changed, and leaves the model as it was."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from engine import Value
from nn.calling import joined, way_of
from nn.examples import Examples
from nn.training.engines import Scalar, Vectorized, write

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(9, 3)), np.arange(9) % 3


def numbers_of(parameters):
    return np.array([p.data for p in parameters])


def made(kind, model, loss, x=X, y=Y, parameters=None):
    examples = Examples(x, y)
    way = way_of(model, examples)
    parameters = model.parameters() if parameters is None else parameters
    return kind(model, loss, examples, parameters, way, joined(model, loss, examples, way))


def weighted(out, t):
    return nn.cross_entropy(out, t, weight=[1.0, 2.0, 5.0])


MODELS = {
    "a perceptron": lambda: nn.Sequential(nn.Linear(3, 4, seed=0), nn.Tanh(), nn.Linear(4, 3, seed=1)),
    "neurons": lambda: nn.MLP(3, [4, 3], seed=0),
    "batch norm": lambda: nn.Sequential(nn.Linear(3, 4, seed=0), nn.BatchNorm1d(4), nn.Linear(4, 3, seed=1)),
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(3), nn.GELU(), nn.Linear(3, 3, seed=1)),
}


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(MODELS)),
    loss=st.sampled_from([nn.cross_entropy, weighted]),
    batches=st.lists(st.lists(st.integers(0, 8), min_size=2, max_size=5), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_a_step_is_the_same(name, loss, batches, seed):
    model = MODELS[name]()
    numbers = np.random.default_rng(seed).normal(size=len(model.parameters()))
    before = [p.data for p in model.parameters()]
    programs, scalar = made(Vectorized, model, loss), made(Scalar, model, loss)
    assert [p.data for p in model.parameters()] == before
    for places in batches:
        ours, theirs = programs.step(np.array(places), numbers), scalar.step(np.array(places), numbers)
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-10)
        np.testing.assert_allclose(ours.gradient, theirs.gradient, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(ours.outputs, theirs.outputs, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(ours.moved, theirs.moved)


@pytest.mark.parametrize("kind", [Scalar, Vectorized])
def test_the_loss_is_the_mean_and_its_gradient_the_quotient_of_differences(kind):
    model = MODELS["a perceptron"]()
    engine, numbers, places = made(kind, model, nn.cross_entropy), numbers_of(model.parameters()), np.arange(5)
    step = engine.step(places, numbers)
    out = step.outputs
    losses = np.log(np.exp(out).sum(axis=1)) - out[places, Y[places]]
    assert step.loss == pytest.approx(losses.mean(), rel=1e-12)
    for i in range(0, len(numbers), 5):
        to, h = np.eye(len(numbers))[i], 1e-5
        slope = (engine.step(places, numbers + h * to).loss - engine.step(places, numbers - h * to).loss) / (2.0 * h)
        assert step.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-9)


class Heads(nn.Module):
    """Of its two heads one is used, and of the other nothing moves."""

    def __init__(self):
        self.used, self.unused = nn.Linear(3, 3, seed=0), nn.Linear(3, 3, seed=1)

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize("kind", [Scalar, Vectorized])
def test_frozen_parameters_and_tensors_that_are_not_reached_do_not_move(kind):
    model = Heads()
    model.used.bias[1].requires_grad = False
    step = made(kind, model, nn.cross_entropy).step(np.arange(4), numbers_of(model.parameters()))
    expected = [p in model.used.parameters() and p.requires_grad for p in model.parameters()]
    assert step.moved.tolist() == expected
    assert not step.gradient[~step.moved].any()


class Followed(nn.Module):
    """It keeps a mean of its inputs by itself, in place or as a new array, or only looks at a buffer."""

    def __init__(self, how):
        self.w, self.how = Value(1.0), how
        self.seen = np.zeros(1)

    def forward(self, x):
        if self.how == "in place":
            self.seen += 1.0
        if self.how == "anew":
            self.seen = self.seen * 0.9 + 0.1
        return [self.w * v + float(self.seen[0] if self.how == "read" else 0.0) for v in x]


@pytest.mark.parametrize("how", ["in place", "anew"])
def test_a_buffer_that_the_forward_pass_writes_is_for_the_scalar_engine(how):
    model = nn.Sequential(nn.Tanh(), Followed(how))
    with pytest.raises(ValueError, match=r'layers\[1\]\.seen is changed by the forward pass.*engine="scalar"'):
        made(Vectorized, model, nn.cross_entropy)
    assert model[1].seen.tolist() == [0.0]
    made(Scalar, model, nn.cross_entropy).step(np.arange(2), numbers_of(model.parameters()))
    assert model[1].seen[0] > 0.0
    made(Vectorized, Followed("read"), nn.cross_entropy)


CHANGES = {
    "a mode": lambda model: model[1].eval(),
    "an option": lambda model: setattr(model[1], "p", 0.25),
    "a buffer": lambda model: model[2].seen.__setitem__(0, 3.0),
    "a buffer of another shape": lambda model: setattr(model[2], "seen", np.zeros(2)),
    "a parameter that is not trained": lambda model: setattr(model[0].bias[0], "data", 3.0),
    "one that is frozen": lambda model: setattr(model[3].bias[0], "requires_grad", False),
}


def several():
    return nn.Sequential(nn.Linear(3, 3, seed=0), nn.Dropout(0.5, seed=0), Followed("read"), nn.Linear(3, 3, seed=1))


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_what_a_program_holds_is_noticed(what):
    model = several()
    engine = made(Vectorized, model, nn.cross_entropy, parameters=model[3].parameters())
    engine.step(np.arange(4), numbers_of(model[3].parameters()))
    write(model[3].parameters(), np.zeros(len(model[3].parameters())))
    assert not engine.outdated
    CHANGES[what](model)
    assert engine.outdated
    assert not made(Scalar, model, nn.cross_entropy).outdated


def test_an_option_of_the_loss_is_held_too():
    class Scaled(nn.Module):
        def __init__(self):
            self.factor = 1.0

        def forward(self, out, t):
            return self.factor * nn.cross_entropy(out, t)

    loss = Scaled()
    engine = made(Vectorized, several(), loss)
    assert not engine.outdated
    loss.factor = 2.0
    assert engine.outdated


def test_running_statistics_are_followed_and_no_change():
    model = MODELS["batch norm"]()
    engine = made(Vectorized, model, nn.cross_entropy)
    engine.step(np.arange(4), numbers_of(model.parameters()))
    assert model[1].num_batches_tracked == 1
    assert not engine.outdated


def test_making_programs_draws_nothing_and_leaves_gradients():
    model = several()
    model[0].bias[0].grad = 4.0
    before = (random.getstate(), model[1].rng.getstate())
    made(Vectorized, model, nn.cross_entropy)
    assert (random.getstate(), model[1].rng.getstate()) == before
    assert [p.grad for p in model.parameters() if p.has_grad] == [4.0]
