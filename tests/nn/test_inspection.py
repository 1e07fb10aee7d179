"""What the layers give: the numbers of the layers called one after the other, in one shape for both engines."""

import types

import numpy as np
import pytest

import nn
from engine import Value
from nn.inspection import layers_of

ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))


@ENGINES
def test_each_layer_gives_what_the_next_one_takes(engine):
    model = nn.Sequential(nn.Linear(3, 4, seed=0), nn.BatchNorm1d(4), nn.Dropout(), nn.ReLU(), nn.Linear(4, 2, seed=1))
    model(X.tolist())
    found, numbers = nn.layer_outputs(model, X, engine=engine), X
    assert list(found) == [f"layers[{i}]" for i in range(5)]
    for layer, outputs in zip(model, found.values(), strict=True):
        numbers = layer.predict(numbers)
        np.testing.assert_allclose(outputs, numbers, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(numbers, model.predict(X), rtol=1e-12)


@ENGINES
def test_images_have_the_example_first_and_no_batch_of_one(engine):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, seed=0), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 3, seed=1)
    )
    shapes = [a.shape for a in nn.layer_outputs(model, RNG.normal(size=(4, 1, 4, 4)), engine=engine).values()]
    assert shapes == [(4, 2, 2, 2), (4, 2, 2, 2), (4, 2, 1, 1), (4, 2), (4, 3)]


def test_nested_models_are_opened_and_other_modules_are_whole():
    model = nn.Sequential(nn.MLP(3, [4, 2], seed=0), nn.Sequential(nn.Tanh(), nn.Linear(2, 1, seed=0)), nn.Tanh())
    assert list(layers_of(model)) == [
        "layers[0].layers[0]", "layers[0].layers[1]", "layers[1].layers[0]", "layers[1].layers[1]", "layers[2]",
    ]  # fmt: skip
    assert list(nn.layer_outputs(model, X)) == list(layers_of(model))


class Twice(nn.Module):
    """One layer, called two times."""

    def __init__(self):
        self.layer = nn.Linear(3, 3, seed=0)

    def forward(self, x):
        return self.layer(self.layer(x))


@ENGINES
def test_of_a_layer_that_is_called_twice_the_last_counts(engine):
    np.testing.assert_allclose(nn.layer_outputs(Twice(), X, engine=engine)["layer"], Twice().predict(X), rtol=1e-12)


class Either(nn.Module):
    """One of two layers."""

    def __init__(self):
        self.one, self.other = nn.Linear(3, 3, seed=0), nn.Linear(3, 3, seed=1)

    def forward(self, x):
        return self.one(x) if float(x[0]) > 0.0 else self.other(x)


@ENGINES
def test_a_layer_that_some_examples_do_not_reach_is_told(engine):
    model = Either()
    with pytest.raises(RuntimeError, match="called for some examples and not for others"):
        nn.layer_outputs(model, X, engine=engine)
    assert all("forward" not in vars(module) for module in model.modules())


class Centred(nn.Module):
    """A layer on x − the mean of the batch."""

    def __init__(self):
        self.scale, self.layer = Value(1.0), nn.Linear(3, 3, seed=0)

    def forward(self, x):
        means = [sum(column) / len(x) for column in zip(*x, strict=True)]
        return [self.layer([self.scale * (v - m) for v, m in zip(row, means, strict=True)]) for row in x]


@pytest.mark.parametrize("model", [Centred(), nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False))])
def test_outputs_that_depend_on_each_other_are_refused(model):
    with pytest.raises(ValueError, match="depends on the others"):
        nn.layer_outputs(model, X)


def test_a_forward_of_the_instance_is_still_there():
    model = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Tanh())
    own = types.MethodType(lambda self, x: [v * 2.0 for v in x], model[1])
    model[1].forward = own
    found = nn.layer_outputs(model, X)
    np.testing.assert_allclose(found["layers[1]"], 2.0 * found["layers[0]"], rtol=1e-12)
    assert model[1].forward is own
    assert "forward" not in vars(model[0])


def test_modes_and_methods_are_put_back_where_it_fails():
    model = nn.Sequential(nn.Linear(3, 2, seed=0), nn.Dropout())
    with pytest.raises(ValueError, match="at least one"):
        nn.layer_outputs(model, np.empty((0, 3)))
    with pytest.raises(ValueError, match="takes shape"):
        nn.layer_outputs(model, X[:, :2])
    assert all(module.training and "forward" not in vars(module) for module in model.modules())
