"""How weights begin: the laws they are drawn from, and PyTorch's fans and gains."""

import inspect
import math
import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value
from engine.nested import flat, rebuilt
from engine.nested import shape as shape_of
from nn import INITS, MLP, Layer, Linear, init

SHAPES = [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1), (4, 3, 2), (2, 5, 3, 3)]
OF_WEIGHTS = [
    init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_, init.orthogonal_,
]  # fmt: skip
DRAWN = [init.uniform_, init.normal_, init.trunc_normal_, *OF_WEIGHTS]


def weight(*shape):
    return rebuilt(np.zeros(shape), [Value(0.5) for _ in range(math.prod(shape))])


def numbers(tensor):
    return np.reshape([v.data for v in flat(tensor)], shape_of(tensor))


def within(sample, mean, std):
    """The mean and the standard deviation of a large sample, each to 5 of its own standard errors."""
    n, sample = len(sample), np.asarray(sample)
    fourth = np.mean((sample - sample.mean()) ** 4)
    assert abs(sample.mean() - mean) <= 5.0 * std / math.sqrt(n)
    assert abs(sample.var() - std**2) <= 5.0 * math.sqrt((fourth - std**4) / n)


# ------------------------------------------------------------------------------ what all of them keep


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
def test_the_seed_says_all(draw):
    """In place, the same for the same seed, a generator goes on, and None draws from the global one."""
    tensor = weight(3, 4)
    leaves = flat(tensor)
    assert draw(tensor, seed=3) is tensor
    assert flat(tensor) == leaves
    first = numbers(tensor)
    np.testing.assert_array_equal(numbers(draw(weight(3, 4), seed=3)), first)
    assert not np.any(numbers(draw(weight(3, 4), seed=4)) == first)
    rng = random.Random(3)
    np.testing.assert_array_equal(numbers(draw(weight(3, 4), seed=rng)), first)
    assert not np.any(numbers(draw(weight(3, 4), seed=rng)) == first)
    random.seed(3)
    np.testing.assert_array_equal(numbers(draw(weight(3, 4))), first)


def test_names_arguments_and_defaults_are_pytorchs():
    torch = pytest.importorskip("torch")
    for ours in [*DRAWN, init.constant_, init.zeros_, init.ones_, init.eye_, init.calculate_gain]:
        theirs = inspect.signature(getattr(torch.nn.init, ours.__name__)).parameters
        mine = inspect.signature(ours).parameters
        assert {n: p.default for n, p in mine.items() if n != "seed"} == {
            n: p.default for n, p in theirs.items() if n != "generator"
        }


@pytest.mark.parametrize("tensor", [[1.0, 2.0], np.zeros((2, 2)), [Value(1.0) * 2.0], None, [[Value(1.0)], [None]]])
def test_only_parameters_are_set(tensor):
    for set_ in [init.ones_, *DRAWN]:
        with pytest.raises(TypeError, match="a leaf Value, or lists of them"):
            set_(tensor)


@pytest.mark.parametrize("tensor", [[], [[]], [[Value(1.0)], [Value(1.0), Value(2.0)]]])
def test_rows_of_one_length(tensor):
    with pytest.raises(ValueError, match="rows of one length"):
        init.zeros_(tensor)


@pytest.mark.parametrize("draw", OF_WEIGHTS, ids=lambda draw: draw.__name__)
def test_a_bias_has_no_fans(draw):
    bias = weight(3)
    with pytest.raises(ValueError, match=r"has shape \(3,\); use uniform_"):
        draw(bias)
    assert [b.data for b in bias] == [0.5] * 3
    with pytest.raises(ValueError, match=r"give the whole weight, as layer\.weight or as named_tensors"):
        draw(bias[0])


# ------------------------------------------------------------------------------ of any shape


def test_constants():
    np.testing.assert_array_equal(numbers(init.constant_(weight(2, 3), -2)), np.full((2, 3), -2.0))
    np.testing.assert_array_equal(numbers(init.zeros_(weight(2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(numbers(init.ones_(weight(4))), np.ones(4))
    assert init.ones_(Value(0.0)).data == 1.0
    for rows, columns in product((1, 2, 4), repeat=2):
        np.testing.assert_array_equal(numbers(init.eye_(weight(rows, columns))), np.eye(rows, columns))
    with pytest.raises(ValueError, match="two axes"):
        init.eye_(weight(3))


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(0, 99))
def test_uniform_keeps_its_bounds(a, width, seed):
    drawn = numbers(init.uniform_(weight(20), a, a + width, seed=seed))
    assert np.all((a <= drawn) & (drawn <= a + width))


def test_uniform_and_normal_have_their_moments():
    within(numbers(init.uniform_(weight(20_000), 1.0, 4.0, seed=0)), 2.5, 3.0 / math.sqrt(12.0))
    within(numbers(init.normal_(weight(20_000), -1.0, 0.3, seed=0)), -1.0, 0.3)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (1, 0.5, 1, 9),
        (0, 1, 3, 3.5),
        (0, 1, 8, 99),
        (0, 1, -99, -8),
        (0, 0.02, -2, 2),
        (5, 2, -1e9, 1e9),
    ],
)
def test_the_truncated_normal_is_that_of_scipy(mean, std, a, b):
    stats = pytest.importorskip("scipy.stats")
    drawn = numbers(init.trunc_normal_(weight(2_000), mean, std, a, b, seed=1))
    assert np.all((a <= drawn) & (drawn <= b))
    law = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda w: init.uniform_(w, 1.0, 0.0), "a <= b"),
        (lambda w: init.uniform_(w, 0.0, math.inf), "b is a finite number, not inf"),
        (lambda w: init.normal_(w, math.nan), "mean is a finite number"),
        (lambda w: init.normal_(w, 0.0, -1.0), "std is at least 0"),
        (lambda w: init.trunc_normal_(w, 0.0, 1.0, 2.0, 1.0), "nothing between"),
        (lambda w: init.trunc_normal_(w, 0.0, 1.0, 50.0, 60.0), "nothing between"),
        (lambda w: init.trunc_normal_(w, 0.0, 0.0), "nothing between"),
        (lambda w: init.constant_(w, math.nan), "val is a finite number"),
        (lambda w: init.constant_(w, "1"), "val is a finite number"),
        (lambda w: init.xavier_normal_(w, math.inf), "gain is a finite number"),
        (lambda w: init.kaiming_normal_(w, mode="fan"), "mode is 'fan_in' or 'fan_out', not 'fan'"),
        (lambda w: init.kaiming_normal_(w, nonlinearity="gelu"), "no gain is known for 'gelu'; there are: linear"),
        (lambda w: init.kaiming_normal_(w, a=math.nan), "slope"),
    ],
)
def test_bad_options_change_nothing(call, said):
    tensor = weight(2, 2)
    with pytest.raises(ValueError, match=said):
        call(tensor)
    assert np.all(numbers(tensor) == 0.5)


# ------------------------------------------------------------------------------ fans and gains


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_spread_is_pytorchs(shape):
    """By PyTorch's own fans: the bound of a uniform law and the spread of a normal one."""
    torch = pytest.importorskip("torch")
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    kaiming = {"fan_in": math.sqrt(2.0 / fan_in), "fan_out": math.sqrt(2.0 / fan_out)}
    spreads = [(init.xavier_uniform_, init.xavier_normal_, {"gain": 3.0}, 3.0 * math.sqrt(2.0 / (fan_in + fan_out)))]
    spreads += [(init.kaiming_uniform_, init.kaiming_normal_, {"mode": mode}, std) for mode, std in kaiming.items()]
    for uniform, normal, options, std in spreads:
        rng = random.Random(0)
        repeats = 6_000 // math.prod(shape)
        sample = np.concatenate([numbers(uniform(weight(*shape), **options, seed=rng)).ravel() for _ in range(repeats)])
        bound = math.sqrt(3.0) * std * (1.0 + 1e-15)
        assert 0.998 * bound < np.max(np.abs(sample)) <= bound
        within(sample, 0.0, std)
        sample = np.concatenate([numbers(normal(weight(*shape), **options, seed=rng)).ravel() for _ in range(repeats)])
        within(sample, 0.0, std)


def test_gains_are_pytorchs():
    torch = pytest.importorskip("torch")
    kinds = [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]
    for name in ["linear", *kinds, "sigmoid", "tanh", "relu", "leaky_relu", "selu"]:
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    for slope in (0, 0.2, 3, math.sqrt(5.0)):
        assert init.calculate_gain("leaky_relu", slope) == torch.nn.init.calculate_gain("leaky_relu", slope)


@pytest.mark.parametrize("slope", [True, "0.1", math.inf])
def test_a_slope_is_a_number(slope):
    with pytest.raises(ValueError, match="slope of leaky_relu is a finite number"):
        init.calculate_gain("leaky_relu", slope)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_the_gain_keeps_the_mean_square(name):
    """gain² · E[f(z)²] = 1 for z in N(0, 1)."""
    z = np.linspace(-12.0, 12.0, 200_001)
    f = np.maximum(z, 0.0) + (0.01 * np.minimum(z, 0.0) if name == "leaky_relu" else 0.0)
    mean_square = np.sum(f * f * np.exp(-z * z / 2.0)) * (z[1] - z[0]) / math.sqrt(2.0 * math.pi)
    assert init.calculate_gain(name) ** 2 * mean_square == pytest.approx(1.0, abs=1e-9)


# ------------------------------------------------------------------------------ orthogonal


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("gain", [1.0, -0.5])
def test_orthogonal_rows_or_columns(shape, gain):
    q = numbers(init.orthogonal_(weight(*shape), gain, seed=2)).reshape(shape[0], -1)
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), rtol=0.0, atol=1e-14)


def test_orthogonal_is_drawn_evenly():
    """Haar's measure: each entry has variance 1/n, the trace 1 (Diaconis & Shahshahani 1994), and half turn over.

    Without the signs of R, LAPACK's Q is not even: its diagonal leans to one side.
    """
    rng = random.Random(0)
    drawn = [numbers(init.orthogonal_(weight(4, 4), seed=rng)) for _ in range(2_000)]
    for i, j in product(range(4), repeat=2):
        within([q[i, j] for q in drawn], 0.0, 0.5)
    assert np.mean([np.linalg.det(q) > 0.0 for q in drawn]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([np.trace(q) ** 2 for q in drawn]) == pytest.approx(1.0, abs=5 * math.sqrt(2 / 2_000))


# ------------------------------------------------------------------------------ by name


@pytest.mark.parametrize(
    ("name", "std", "bounded"),
    [
        ("uniform", 1.0 / math.sqrt(3.0), True),
        ("he", math.sqrt(2.0 / 8), False),
        ("kaiming_normal", math.sqrt(2.0 / 8), False),
        ("kaiming_uniform", math.sqrt(2.0 / 8), True),
        ("xavier", math.sqrt(2.0 / (8 + 500)), True),
        ("xavier_uniform", math.sqrt(2.0 / (8 + 500)), True),
        ("xavier_normal", math.sqrt(2.0 / (8 + 500)), False),
    ],
)
def test_a_layer_begins_as_its_init_says(name, std, bounded):
    layer = Layer(8, 500, init=name, seed=0)
    sample = layer.state_dict()["weight"].ravel()
    within(sample, 0.0, std)
    assert (np.max(np.abs(sample)) <= math.sqrt(3.0) * std * (1.0 + 1e-15)) == bounded
    assert np.all(layer.state_dict()["bias"] == 0.0)


@pytest.mark.parametrize("name", ["kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal"])
def test_the_name_and_the_function_are_one_rule(name):
    layer, other = Layer(5, 4, init=name, seed=7), Layer(5, 4, seed=0)
    getattr(init, f"{name}_")(other.tensors()["weight"], seed=7)
    np.testing.assert_array_equal(other.state_dict()["weight"], layer.state_dict()["weight"])


def test_every_name_builds_an_mlp():
    for name in INITS:
        assert len(MLP(2, [3, 1], init=name, seed=0).parameters()) == 13


def test_layers_are_set_in_place():
    layer = Linear(3, 2, seed=0)
    nn.init.constant_(layer.weight, 0.25)
    nn.init.zeros_(layer.bias)
    assert [v.data for v in layer([1.0, 1.0, 2.0])] == [1.0, 1.0]
