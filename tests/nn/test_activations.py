"""Activations: slopes at their kinks, digits, the laws of softmax, and how they are found by name."""

import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value, gelu, relu, topological_sort
from nn.activations import ACTIVATIONS, named_activation

from .case import as_leaves, data

KINKS = {
    "ReLU": [0.0],
    "LeakyReLU": [0.0],
    "ELU": [0.0],
    "SELU": [0.0],
    "Hardtanh": [-1.0, 1.0],
    "ReLU6": [0.0, 6.0],
    "Hardswish": [-3.0, 3.0],
    "Softplus": [20.0, 20.0 + 1e-14],
    "PReLU": [0.0],
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in KINKS.items() for place in places])
def test_the_slope_at_a_kink_is_pytorchs(name, place):
    torch = pytest.importorskip("torch")
    ours, theirs = Value(place), torch.tensor(place, dtype=torch.float64, requires_grad=True)
    layer = getattr(torch.nn, name)().double()
    out, expected = getattr(nn, name)()(ours), layer(theirs)
    out.backward()
    expected.backward()
    assert out.data == pytest.approx(expected.item(), rel=1e-15)
    assert ours.grad == pytest.approx(theirs.grad.item(), rel=1e-15)


@pytest.mark.parametrize(("place", "slope"), [(-3.0, 0.0), (3.0, 0.0), (0.0, 1.0 / 6.0), (2.9, 1.0 / 6.0)])
def test_the_slope_of_hardsigmoid(place, slope):
    x = Value(place)
    nn.Hardsigmoid()(x).backward()
    assert x.grad == slope


@pytest.mark.parametrize(
    "name", ["ReLU", "Hardtanh", "ReLU6", "Hardsigmoid", "Hardswish", "Softplus", "GELU", "Softmax"]
)
def test_nan_is_not_swallowed(name):
    out = getattr(nn, name)()([math.nan, 1.0])
    assert math.isnan(out[0].data)


# ------------------------------------------------------------------------------ digits


@given(st.floats(-40.0, 40.0))
def test_gelu_by_tanh_keeps_its_digits(x):
    with mpmath.workdps(400):
        u = mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * mpmath.mpf(x) ** 3)
        wanted = float(x * (1 + mpmath.tanh(u)) / 2)
    # the exponent 2u is a rounded number, and e^2u has its error |2u| times
    assert nn.GELU("tanh")(x).data == pytest.approx(wanted, rel=4e-16 * (2 + abs(float(2 * u))), abs=1e-300)


@given(st.floats(-700.0, 700.0), st.floats(0.1, 10.0))
def test_softplus_without_a_threshold_has_all_its_digits(x, beta):
    with mpmath.workdps(400):
        wanted = float(mpmath.log1p(mpmath.exp(mpmath.mpf(beta * x))) / beta)
    assert nn.Softplus(beta, math.inf)(x).data == pytest.approx(wanted, rel=1e-14, abs=1e-300)
    linear = nn.Softplus(beta)(x).data
    assert abs(linear - wanted) <= 2.1e-9 / beta + 1e-14 * abs(wanted)


@pytest.mark.parametrize("name", ["Sigmoid", "LogSigmoid", "Tanh", "SiLU", "Mish", "Softplus", "GELU", "SELU", "ELU"])
def test_far_numbers_stay_finite(name):
    xs = [Value(x) for x in (-1000.0, 1000.0, 0.0)]
    for x, out in zip(xs, getattr(nn, name)()(xs), strict=True):
        out.backward()
        assert math.isfinite(out.data)
        assert math.isfinite(x.grad)


# ------------------------------------------------------------------------------ softmax

rows = st.lists(st.floats(-700.0, 700.0), min_size=1, max_size=5)


@given(rows, st.floats(-1000.0, 1000.0))
def test_softmax_is_a_distribution_and_does_not_see_a_shift(xs, shift):
    ps = data(nn.Softmax()(xs))
    assert np.all(ps >= 0.0)
    assert math.fsum(ps) == pytest.approx(1.0, abs=1e-15)
    assert data(nn.Softmax()([x + shift for x in xs])) == pytest.approx(ps, rel=1e-11)
    assert np.exp(data(nn.LogSoftmax()(xs))) == pytest.approx(ps, rel=1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(-3, 2))
def test_softmax_is_1_in_sum_along_its_axis(a, b, c, dim):
    x = np.sin(np.arange(a * b * c)).reshape(a, b, c)
    assert data(nn.Softmax(dim)(x)).sum(axis=dim) == pytest.approx(1.0, rel=1e-15)


def test_softmax_asks_for_its_axis():
    batch = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\): say along which axis; the last is dim=-1"):
        nn.Softmax()(batch)
    with pytest.raises(
        ValueError, match=r"LogSoftmax\(dim=3\) takes a shape with the axis 3, and got shape \(2, 3, 4\)"
    ):
        nn.LogSoftmax(3)(batch)
    with pytest.raises(ValueError, match="rows of different lengths"):
        nn.Softmax(0)([[1.0], [1.0, 2.0]])


def test_each_output_of_softmax_is_one_node():
    out = nn.Softmax()(as_leaves(np.zeros(3)))
    assert [(v.op.name, v.name) for v in out] == [("softmax", f"out[{i}]") for i in range(3)]


# ------------------------------------------------------------------------------ any shape


def test_any_shape_comes_back_in_its_form():
    assert isinstance(nn.Tanh()(0.5), Value)
    assert nn.Tanh()(Value(0.5)).name == "out"
    ragged = nn.ReLU()([1.0, (2.0, [-3.0])])
    assert [ragged[0].data, ragged[1][0].data, ragged[1][1][0].data] == [1.0, 2.0, 0.0]
    with pytest.raises(TypeError, match="None"):
        nn.ReLU()([None])


def test_a_layer_is_one_node_where_the_engine_has_one():
    for name in (
        "ReLU",
        "LeakyReLU",
        "ELU",
        "SELU",
        "GELU",
        "SiLU",
        "Mish",
        "Sigmoid",
        "LogSigmoid",
        "Tanh",
        "Softsign",
    ):
        x = Value(0.5)
        assert nn.activation(name)(x).parents[0] is x
    assert len(topological_sort(nn.PReLU()(Value(0.5)))) == 3


def test_prelu_has_a_slope_for_each_channel():
    layer = nn.PReLU(2, init=0.5)
    layer.weight[1].data = 0.1
    assert data(layer([-1.0, -1.0])).tolist() == [-0.5, -0.1]
    assert data(layer([[[-1.0], [-1.0]], [[1.0], [-2.0]]])).tolist() == [[[-0.5], [-0.1]], [[1.0], [-0.2]]]
    assert {name: array.shape for name, array in layer.state_dict().items()} == {"weight": (2,)}
    with pytest.raises(ValueError, match=r"takes shape \(2,\) or \(batch, 2, ...\), and got shape \(2, 3\)"):
        layer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"got shape \(\)"):
        layer(1.0)


def test_prelu_gives_a_lone_example_of_an_image_to_its_channels():
    model = nn.Sequential(nn.Conv2d(1, 2, 1, seed=0), nn.PReLU(2))
    image = np.arange(4.0).reshape(1, 2, 2)
    assert data(model(image)).tolist() == data(model([image]))[0].tolist()


# ------------------------------------------------------------------------------ by name


@pytest.mark.parametrize("name", ["hardtanh", "relu6", "hardsigmoid", "hardswish"])
def test_a_neuron_takes_them_by_name(name):
    neuron = nn.Neuron(1, activation=name, seed=0)
    neuron.w[0].data = 1.0
    expected = nn.activation(name)(2.5).data
    assert neuron([2.5]).data == expected == nn.named_activation(name)[1](Value(2.5)).data


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("relu", nn.ReLU),
        ("ReLU", nn.ReLU),
        ("leaky_relu", nn.LeakyReLU),
        ("gelu", nn.GELU),
        ("log_softmax", nn.LogSoftmax),
    ],
)
def test_a_layer_by_name(name, layer):
    assert type(nn.activation(name)) is layer


def test_every_layer_has_pytorchs_print():
    torch = pytest.importorskip("torch")
    for name in (
        "ELU",
        "GELU",
        "Hardtanh",
        "LeakyReLU",
        "Mish",
        "PReLU",
        "ReLU",
        "SELU",
        "Softmax",
        "Softplus",
        "Tanh",
    ):
        assert repr(nn.activation(name)) == repr(getattr(torch.nn, name)())
    assert repr(nn.activation("gelu", "tanh").train()) == "GELU(approximate='tanh')"


def test_a_layer_may_be_given_where_a_name_is_asked():
    label, function = nn.named_activation(nn.ELU(0.5))
    assert (label, function(Value(-1.0)).data) == ("ELU", 0.5 * math.expm1(-1.0))
    assert ACTIVATIONS["relu"] is relu
    assert ACTIVATIONS["gelu"] is gelu


FAULTS = [
    (lambda: nn.activation("reul"), "no activation 'reul'; did you mean relu"),
    (lambda: nn.activation("xyzzy"), "no activation 'xyzzy'; for example relu"),
    (lambda: nn.named_activation("hardtan"), "did you mean hardtanh"),
    (lambda: nn.GELU("fast"), "'none' or 'tanh', not by 'fast'"),
    (lambda: nn.Hardtanh(1.0, 1.0), "min_val < max_val, and got 1.0 and 1.0"),
    (lambda: nn.Softplus(0.0), "divides by beta"),
    (lambda: nn.PReLU(0), "num_parameters is at least 1"),
]


@pytest.mark.parametrize(("wrong", "text"), FAULTS)
def test_an_error_says_what_and_why(wrong, text):
    with pytest.raises(ValueError, match=text):
        wrong()


def test_an_operation_of_the_users_own_may_come_first():
    program = "import engine; engine.define_op('cube', lambda xp, x: x**3, lambda xp, z, x: 3 * x**2); import nn"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["ReLU", "SELU", "SiLU", "Mish", "ReLU6", "Hardsigmoid", "Hardswish"])
def test_in_place_is_taken_and_changes_nothing(name):
    x = [Value(-1.0), Value(2.0)]
    out = getattr(nn, name)(inplace=True)(x)
    assert str(out) == str(getattr(nn, name)()(x))
    assert [v.data for v in x] == [-1.0, 2.0]
    assert repr(getattr(nn, name)(True)) == f"{name}()"


def test_in_place_stands_last_as_in_pytorch():
    assert repr(nn.LeakyReLU(0.2, True)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(nn.ELU(0.5, inplace=True)) == "ELU(alpha=0.5)"
    assert repr(nn.Hardtanh(-2.0, 2.0, True)) == "Hardtanh(min_val=-2.0, max_val=2.0)"
    assert repr(nn.Dropout(0.2, True)) == "Dropout(p=0.2)"


@pytest.mark.parametrize(("name", "known"), [("logsigmoid", "log_sigmoid"), ("swish", "silu"), ("identity", "linear")])
def test_other_names_are_known(name, known):
    assert named_activation(name) == named_activation(known)
