"""Normalization by its laws: mean 0, variance 1, blind to shift and scale; running statistics; what it refuses."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import nn
from engine import Value, check_grads, dot, no_grad, topological_sort
from engine.nested import flat

from .case import as_leaves, data, weights

# Whole numbers: what is asked of digits is asked below, of numbers made for it.
TABLES = st.tuples(st.integers(2, 6), st.integers(1, 3)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(-50, 50).map(float))
)
ROWS = arrays(float, st.integers(2, 8), elements=st.integers(-50, 50).map(float))

# How each layer is made for a table (n, C), and over which axis of it the numbers share a mean.
OVER = {
    "BatchNorm1d": (lambda n, c, **options: nn.BatchNorm1d(c, **options), 0),
    "LayerNorm": (lambda n, c, **options: nn.LayerNorm(c, **options), 1),
    "GroupNorm": (lambda n, c, **options: nn.GroupNorm(1, c, **options), 1),
}
each_layer = pytest.mark.parametrize("layer", OVER)


def built(layer, table, **options):
    make, axis = OVER[layer]
    return make(*table.shape, **options), axis


# ------------------------------------------------------------------------------ laws


@each_layer
@given(table=TABLES)
def test_the_mean_is_0_and_the_variance_nearly_1(layer, table):
    norm, axis = built(layer, table)
    out, variance = data(norm(table)), table.var(axis)
    np.testing.assert_allclose(out.mean(axis), 0.0, atol=1e-13)
    np.testing.assert_allclose(out.var(axis), variance / (variance + norm.eps), atol=1e-13)


@given(x=ROWS)
def test_rms_norm_makes_the_mean_square_1(x):
    square = np.mean(x**2)
    np.testing.assert_allclose(
        np.mean(data(nn.RMSNorm(len(x), eps=0.5)(x)) ** 2), square / (square + 0.5), rtol=1e-13, atol=0
    )


@each_layer
@given(table=TABLES, shift=st.integers(-1000, 1000), scale=st.floats(0.1, 10.0))
def test_shift_and_scale_of_the_input_do_not_matter(layer, table, shift, scale):
    norm, axis = built(layer, table, eps=0.0)
    if np.any(table.var(axis) == 0.0):
        table = table + np.add.outer(np.arange(len(table)), np.arange(table.shape[1]))
    if np.any(table.var(axis) == 0.0):
        return  # one number alone has nothing to be compared with
    np.testing.assert_allclose(data(norm(scale * (table + shift))), data(norm(table)), atol=1e-11)


@given(x=ROWS, scale=st.floats(0.1, 10.0))
def test_rms_norm_is_blind_to_scale(x, scale):
    x[0] = 1.0
    norm = nn.RMSNorm(len(x), eps=0.0)
    np.testing.assert_allclose(data(norm(scale * x)), data(norm(x)), rtol=1e-13)


@given(x=ROWS)
def test_the_gradient_is_orthogonal_to_shift_and_scale(x):
    """Of a function that is blind to both (eps = 0): Σ ∂L/∂xᵢ = 0 and Σ xᵢ·∂L/∂xᵢ = 0."""
    x[:2] = 51.0, 52.0  # no two like these
    leaves, norm = as_leaves(x), nn.LayerNorm(len(x), eps=0.0)
    dot(weights(len(x)), norm(leaves)).backward()
    slopes = np.array([v.grad for v in leaves])
    size = np.sum(np.abs(slopes)) + 1.0
    assert abs(np.sum(slopes)) <= 1e-13 * size
    assert abs(np.sum(x * slopes)) <= 1e-12 * size * np.max(np.abs(x))


@pytest.mark.parametrize("number", [0.0, 3.0, -1e8])
@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm1d(2), (4, 2)),
        (nn.BatchNorm2d(2), (2, 2, 2, 2)),
        (nn.LayerNorm(3), (2, 3)),
        (nn.LayerNorm(1), (2, 1)),
        (nn.GroupNorm(1, 2), (2, 2, 3)),
    ],
    ids=repr,
)
def test_constant_numbers_give_the_bias(norm, shape, number):
    norm = copy.deepcopy(norm)
    bias = np.arange(1.0, 1.0 + len(flat(norm.bias)))
    norm.load_state_dict(norm.state_dict() | {"bias": bias})
    leaves = as_leaves(np.full(shape, number))
    out = norm(leaves)
    last = isinstance(norm, nn.LayerNorm)
    channels = data(out) if last else np.moveaxis(data(out), 1, -1)
    assert np.all(channels == bias)
    numbers = flat(out)
    dot(weights(len(numbers)), numbers).backward()
    assert np.all(np.isfinite([v.grad for v in flat(leaves)]))


@pytest.mark.parametrize(
    ("norm", "axis"), [(nn.BatchNorm1d(4), 0), (nn.LayerNorm(4), 1), (nn.GroupNorm(1, 4), 1)], ids=repr
)
def test_a_large_offset_costs_no_digits(norm, axis):
    """In 1e8 + k the numbers k are exact, and so is their mean; E[x²] − E[x]² would leave nothing of the variance."""
    k = np.array([[0.0, 3.0, -2.0, 7.0], [1.0, -4.0, 8.0, 3.0], [-6.0, 2.0, 5.0, -1.0], [1.0, 3.0, 1.0, -5.0]])
    norm = copy.deepcopy(norm)
    np.testing.assert_allclose(data(norm(1e8 + k)), data(norm(k)), rtol=1e-15, atol=1e-16)


def test_a_group_of_all_is_a_layer_and_a_group_of_one_a_channel():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    np.testing.assert_allclose(data(nn.GroupNorm(1, 4)(x)), data(nn.LayerNorm((4, 3))(x)), rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(data(nn.GroupNorm(4, 4)(x)), data(nn.LayerNorm(3)(x)), rtol=1e-15, atol=1e-16)


def test_a_batch_of_one_image_is_normalized_by_its_pixels():
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 2))
    np.testing.assert_allclose(data(nn.BatchNorm2d(2)(x)), data(nn.GroupNorm(2, 2)(x)), rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm1d(2), nn.LayerNorm(2), nn.RMSNorm(2, eps=1e-3), nn.GroupNorm(1, 2)], ids=repr
)
def test_derivatives_of_first_and_second_order(norm):
    def loss(x, weight):
        part = copy.deepcopy(norm)
        part.weight = weight
        numbers = flat(part(x))
        return dot(weights(len(numbers)), [v * v for v in numbers])

    assert check_grads(loss, [[[0.3, -1.2], [0.8, 0.4], [-0.6, 0.9]], [1.5, -0.7]], order=2)


# ------------------------------------------------------------------------------ one example


def test_one_example_in_evaluation_is_a_batch_of_one():
    rng = np.random.default_rng(0)
    for norm, shape in [
        (nn.BatchNorm1d(3), (3,)),
        (nn.BatchNorm2d(3), (3, 2, 2)),
        (nn.GroupNorm(1, 3), (3,)),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()), (3, 2, 2)),
    ]:
        x = rng.normal(size=(2, *shape))
        norm(x)  # running statistics of their own
        norm.eval()
        np.testing.assert_array_equal(data(norm(x[0])), data(norm(x))[0])


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(3), nn.GroupNorm(1, 3), nn.LayerNorm(2)], ids=repr)
def test_one_signal_in_a_model_is_a_batch_of_one(norm):
    """Of (C, length) the first axis is no batch, and where C is the length nothing else would tell."""

    class Signal(nn.Identity):
        example_axes = 2

    model, x = nn.Sequential(Signal(), copy.deepcopy(norm)), np.random.default_rng(0).normal(size=(4, 3, 2))
    model(x)
    model.eval()
    np.testing.assert_array_equal(data(model(x[0])), data(model(x))[0])


def test_evaluation_is_the_formula_with_the_running_statistics():
    norm = nn.BatchNorm1d(2, eps=0.25)
    norm.load_state_dict({
        "weight": [2.0, -1.0], "bias": [0.5, 3.0], "running_mean": [1.0, 10.0], "running_var": [0.75, 3.75],
        "num_batches_tracked": 7,
    })  # fmt: skip
    assert data(norm.eval()([3.0, 14.0])).tolist() == [4.5, 1.0]
    leaf = next(v for v in topological_sort(norm([3.0, 14.0])[1]) if v.name == "running_mean[1]")
    assert not leaf.requires_grad


def test_without_running_statistics_evaluation_uses_the_batch():
    norm = nn.BatchNorm1d(2, track_running_stats=False)
    x = [[1.0, 5.0], [3.0, 2.0]]
    np.testing.assert_array_equal(data(norm(x)), data(norm.eval()(x)))
    with pytest.raises(ValueError, match="more than one number"):
        norm([1.0, 5.0])


# ------------------------------------------------------------------------------ running statistics


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])
def test_running_statistics_by_hand(momentum):
    norm, batches = nn.BatchNorm1d(2, momentum=momentum), np.random.default_rng(0).normal(size=(4, 3, 2))
    mean, variance = np.zeros(2), np.ones(2)
    for k, batch in enumerate(batches):
        norm(batch)
        f = 1.0 / (k + 1) if momentum is None else momentum
        mean, variance = (1 - f) * mean + f * batch.mean(0), (1 - f) * variance + f * batch.var(0, ddof=1)
    np.testing.assert_allclose(norm.running_mean, mean, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(norm.running_var, variance, rtol=1e-14)
    assert norm.state_dict()["num_batches_tracked"] == 4
    if momentum is None:  # the mean of all batches
        np.testing.assert_allclose(norm.running_mean, batches.mean((0, 1)), rtol=1e-14)
        np.testing.assert_allclose(norm.running_var, batches.var(1, ddof=1).mean(0), rtol=1e-14)


def test_they_follow_in_training_alone_and_under_no_grad_too():
    norm, batch = nn.BatchNorm2d(1), np.random.default_rng(0).normal(size=(2, 1, 2, 2))
    with no_grad():
        norm(batch)
    once = norm.state_dict()
    assert once["num_batches_tracked"] == 1
    np.testing.assert_allclose(once["running_mean"], 0.1 * batch.mean(), rtol=1e-14)
    norm.eval()(batch)
    assert all(np.array_equal(array, once[name]) for name, array in norm.state_dict().items())


@pytest.mark.parametrize(
    ("norm", "x"),
    [
        (nn.BatchNorm1d(2), [[1.0, 2.0]]),
        (nn.BatchNorm1d(2), [1.0, 2.0]),
        (nn.BatchNorm1d(2), [[[1.0], [2.0]]]),
        (nn.BatchNorm2d(1), [[[[1.0]]]]),
        (nn.GroupNorm(2, 2), [[1.0, 2.0]]),
    ],
    ids=str,
)
def test_one_number_by_itself_is_not_normalized(norm, x):
    before = norm.state_dict()
    with pytest.raises(ValueError, match=r"Norm.* takes the mean of more than one number, and got shape \(1, "):
        norm(x)
    assert all(np.array_equal(array, before[name]) for name, array in norm.state_dict().items())


def test_the_numbers_of_a_failing_call_do_not_count():
    norm = nn.BatchNorm1d(1, eps=0.0)
    with pytest.raises(ZeroDivisionError):
        norm([[1.0], [1.0]])
    assert norm.state_dict()["num_batches_tracked"] == 0


# ------------------------------------------------------------------------------ the graph


def test_a_mean_and_a_variance_are_one_named_node_each():
    norm = nn.BatchNorm2d(2)
    out = flat(norm(as_leaves(np.random.default_rng(0).normal(size=(3, 2, 2, 2)))))
    nodes = {node for value in out for node in topological_sort(value)}
    found = {
        (node.name, node.op.name, len(node.parents)) for node in nodes if node.op and node.op.name in ("mean", "var")
    }
    assert found == {(f"{name}[{c}]", name, 12) for name in ("mean", "var") for c in range(2)}
    assert sum(node.op is not None and node.op.name in ("mean", "var") for node in nodes) == 4


def test_a_frozen_layer_passes_gradients_on():
    norm = nn.LayerNorm(3).requires_grad_(False)
    x = [Value(1.0), Value(2.0), Value(4.0)]
    dot(weights(3), norm(x)).backward()
    assert all(v.grad != 0.0 for v in x)
    assert not any(p.has_grad for p in norm.parameters())


@pytest.mark.parametrize(
    "text",
    [
        "BatchNorm1d(3)", "BatchNorm1d(3, 0.1, None, False)", "BatchNorm2d(3, bias=False)",
        "BatchNorm2d(3, track_running_stats=False)", "LayerNorm(3)", "LayerNorm((2, 3), bias=False)",
        "LayerNorm([2, 3], elementwise_affine=False)", "RMSNorm(3)", "RMSNorm((2, 3), 0.1, False)",
        "GroupNorm(2, 4)", "GroupNorm(1, 4, affine=False)",
    ],
)  # fmt: skip
def test_it_is_printed_as_in_pytorch(text):
    torch = pytest.importorskip("torch")
    assert repr(eval(f"nn.{text}")) == repr(eval(f"torch.nn.{text}", {"torch": torch}))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.BatchNorm1d(0), ValueError, "num_features is at least 1"),
        (lambda: nn.BatchNorm1d(2.0), TypeError, "num_features is a whole number"),
        (lambda: nn.BatchNorm1d(2, eps=-1.0), ValueError, "eps is a number from 0 up"),
        (lambda: nn.BatchNorm2d(2, momentum=1.5), ValueError, "momentum is a number from 0 to 1"),
        (lambda: nn.BatchNorm2d(2, momentum=float("nan")), ValueError, "momentum is a number from 0 to 1"),
        (lambda: nn.LayerNorm(()), ValueError, "normalized_shape is a whole number or several"),
        (lambda: nn.LayerNorm((2, 0)), ValueError, "normalized_shape is at least 1"),
        (lambda: nn.RMSNorm(2, eps=float("nan")), ValueError, "eps is a number from 0 up"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "3 does not divide 4"),
        (lambda: nn.GroupNorm(2, 4)([[[1.0]], [[2.0], [3.0]]]), ValueError, "rows of different lengths"),
        (lambda: nn.BatchNorm1d(2)([[[1.0, 2.0]]]), ValueError, r"\(batch, 2, length\), and got shape \(1, 1, 2\)"),
        (lambda: nn.BatchNorm2d(2)([[1.0, 2.0]]), ValueError, r"\(2, height, width\) or \(batch, 2, height, width\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(3), nn.LayerNorm(3), nn.RMSNorm(3), nn.GroupNorm(1, 3)], ids=repr)
def test_a_weight_of_another_size_cuts_nothing_off(norm):
    norm.weight = norm.weight[:2]
    with pytest.raises(ValueError, match="shorter"):
        norm([[1.0, 2.0, 3.0], [3.0, 2.0, 5.0]])


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2), (4, 3, 2, 2)])
def test_one_example_is_known_by_its_channels(shape):
    x = np.random.default_rng(0).normal(size=shape)
    norm = nn.GroupNorm(2, 4)
    if len(shape) > 1:
        np.testing.assert_array_equal(data(norm(x)), data(norm(x[None]))[0])
    if len(shape) < 3:
        norm = nn.BatchNorm1d(4).eval()
        np.testing.assert_array_equal(data(norm(x)), data(norm(x[None]))[0])


def test_where_a_shape_could_be_either_the_first_axis_is_the_batch_as_in_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(4, 4, 3))
    for name, args in (("GroupNorm", (2, 4)), ("BatchNorm1d", (4,))):
        theirs = getattr(torch.nn, name)(*args).double()(torch.tensor(x))
        np.testing.assert_allclose(data(getattr(nn, name)(*args)(x)), theirs.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_nodes_of_a_batch_are_named_as_those_of_one_example():
    norm = nn.BatchNorm1d(2).eval()
    assert [v.name for row in norm([[1.0, 2.0], [3.0, 4.0]]) for v in row] == ["out[0]", "out[1]"] * 2
    assert [v.name for v in norm([1.0, 2.0])] == ["out[0]", "out[1]"]
