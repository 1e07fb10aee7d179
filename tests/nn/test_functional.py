"""Layers without parameters as functions: PyTorch's names and numbers, and Values where a Value is given."""

import inspect

import numpy as np
import pytest

import nn
import nn.functional as F  # noqa: N812
from engine import Value

from .case import data


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_numbers_along_an_axis_are_pytorchs(name, dim):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    theirs = getattr(torch.nn.functional, name)(torch.tensor(x), dim)
    np.testing.assert_allclose(data(getattr(nn, name)(x, dim)), theirs.numpy(), rtol=1e-13)


def test_an_axis_must_be_clear():
    with pytest.raises(ValueError, match="along which axis"):
        nn.softmax(np.zeros((2, 2, 2)))


def test_one_hot_of_any_shape():
    classes = np.array([[0, 2], [1, 1]])
    np.testing.assert_array_equal(nn.one_hot(classes, 3), np.eye(3)[classes])
    assert nn.one_hot(1.0, 2) == [0.0, 1.0]


def test_one_hot_of_a_value_is_computed_again_with_it():
    from engine.replay import replay

    place = Value(1.0)
    second = nn.one_hot(place, 3)[1]
    assert (second.data, replay(second, {place: 2.0})) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("bad", "error"), [(3, IndexError), (-1, IndexError), (0.5, TypeError), (True, TypeError), ("1", TypeError),
                       (float("nan"), TypeError), (None, TypeError), (Value(1.5), TypeError)],
)  # fmt: skip
def test_what_is_no_class_is_refused(bad, error):
    with pytest.raises(error):
        nn.one_hot([bad], 3)


ELEMENTWISE = [
    "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "logsigmoid", "tanh", "softplus",
    "softsign", "hardtanh", "hardsigmoid", "hardswish",
]  # fmt: skip
OPTIONS = {"leaky_relu": [0.2], "elu": [0.5], "softplus": [2.0, 1.0], "hardtanh": [-0.5, 0.25]}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activation_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(0.0, 3.0, size=(2, 3))
    for options in ([], OPTIONS.get(name, [])):
        ours, theirs = getattr(F, name)(x, *options), getattr(torch.nn.functional, name)(torch.tensor(x), *options)
        np.testing.assert_allclose(data(ours), theirs.numpy(), rtol=1e-13, atol=1e-15)


def test_the_losses_are_here_too():
    functions = [name for name, item in vars(nn).items() if inspect.isfunction(item) and "loss" in item.__module__]
    assert [name for name in functions if not hasattr(F, name)] == ["bce_with_logits", "hinge"]  # not PyTorch's names


@pytest.mark.parametrize(
    ("name", "instead"),
    [("CrossEntropyLoss", "nn.cross_entropy"), ("Parameter", "a Value"), ("clip_grad_norm_", "nn.clip_grad_norm")],
)
def test_what_has_another_form_here_is_told(name, instead):
    with pytest.raises(AttributeError, match=f"write .*{instead}"):
        getattr(nn, name)
    with pytest.raises(AttributeError, match=r"no attribute 'Nothing'$"):
        nn.Nothing  # noqa: B018
