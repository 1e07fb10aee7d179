"""Pooling: the laws that hold for all sizes, ties, the sizes that are refused.

That the numbers are PyTorch's, in every option, is held by the rows of cases_pooling.py.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from engine import tanh

from .case import as_leaves, data

few = settings(max_examples=25)


def of_each_axis(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def pools(draw, pool=None):
    """(a pool, an image it takes)."""
    name = pool or draw(st.sampled_from(["MaxPool2d", "AvgPool2d"]))
    kernel = draw(of_each_axis(1, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    made = getattr(nn, name)(kernel, draw(of_each_axis(1, 3)), padding, ceil_mode=draw(st.booleans()))
    sizes = tuple(draw(st.integers(k, 6)) for k in kernel)
    return made, np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, *sizes))


# ------------------------------------------------------------------------------ laws


@few
@given(pools("MaxPool2d"))
def test_a_monotone_function_may_come_before_or_after_the_maximum(made):
    pool, x = made
    before, after = pool(np.exp(x)), np.exp(data(pool(x)))
    np.testing.assert_array_equal(data(before), after)


@few
@given(pools("AvgPool2d"), st.floats(-5, 5))
def test_the_average_of_a_constant_image_is_the_constant(made, c):
    pool, x = made
    pool.count_include_pad = False
    np.testing.assert_allclose(data(pool(np.full(x.shape, c))), c, rtol=1e-15)


@few
@given(pools("AvgPool2d"), st.floats(-2, 2))
def test_the_average_is_linear(made, a):
    pool, x = made
    y = np.cos(x)
    np.testing.assert_allclose(data(pool(a * x + y)), a * data(pool(x)) + data(pool(y)), rtol=1e-12, atol=1e-14)


@few
@given(pools())
def test_a_pool_treats_each_channel_alike(made):
    pool, x = made
    together = data(pool(x))
    for c in range(2):
        np.testing.assert_array_equal(data(pool(x[c : c + 1])), together[c : c + 1])


@few
@given(pools("AvgPool2d"))
def test_the_average_is_a_convolution_with_equal_weights(made):
    pool, x = made
    pool.ceil_mode = False
    rows, columns = pool.kernel_size
    conv = nn.Conv2d(2, 2, pool.kernel_size, pool.stride, pool.padding, groups=2, bias=False)
    conv.load_state_dict({"weight": np.full((2, 1, rows, columns), 1 / (rows * columns))})
    np.testing.assert_allclose(data(pool(x)), data(conv(x)), rtol=1e-13, atol=1e-15)


@few
@given(pools())
def test_slopes_of_a_window_add_up_to_one(made):
    """Both are means with weights: a constant added to the image is added to the output."""
    pool, x = made
    if isinstance(pool, nn.AvgPool2d):
        pool.count_include_pad = False
    leaves = as_leaves(x)
    out = pool(leaves)
    for value in np.ravel(out):
        value.backward()
    total = sum(value.grad for value in np.ravel(leaves))
    assert total == pytest.approx(np.size(out), rel=1e-13)


@few
@given(of_each_axis(1, 4), st.integers(0, 99))
def test_the_global_average_is_one_window_over_all(sizes, seed):
    x = np.random.default_rng(seed).normal(size=(2, *sizes))
    overall = data(nn.GlobalAvgPool2d()(x))
    np.testing.assert_array_equal(overall, data(nn.AvgPool2d(sizes)(x)).reshape(2))
    np.testing.assert_allclose(overall, x.mean((1, 2)), rtol=1e-14, atol=1e-16)


# ------------------------------------------------------------------------------ its graph


def test_the_first_of_equal_numbers_has_the_whole_gradient():
    x = as_leaves(np.array([[[0.0, 2.0], [2.0, 2.0]]]))
    nn.MaxPool2d(2)(x)[0][0][0].backward()
    assert [value.grad for row in x[0] for value in row] == [0.0, 1.0, 0.0, 0.0]


def test_an_output_is_one_node():
    x = [[[tanh(v) for v in row] for row in channel] for channel in as_leaves(np.ones((1, 4, 4)))]
    for pool, op in ((nn.MaxPool2d(2), "max"), (nn.AvgPool2d(2), "mean")):
        out = pool(x)[0][1][0]
        assert (out.op.name, out.parents) == (op, (x[0][2][0], x[0][2][1], x[0][3][0], x[0][3][1]))
        assert out.name == "out[0][1][0]"


def test_where_the_padding_counts_the_sum_is_a_node_too():
    out = nn.AvgPool2d(2, 1, 1)(as_leaves(np.array([[[6.0]]])))[0][0][0]
    total, n = out.parents
    assert (out.data, total.name, total.op.name, n.data) == (1.5, "sum", "sum", 4.0)


def test_nan_is_not_hidden():
    x = np.array([[[1.0, float("nan")], [3.0, 4.0]]])
    assert np.isnan(data(nn.MaxPool2d(2)(x))).all()
    assert np.isnan(data(nn.AvgPool2d(2)(x))).all()


def test_padding_is_never_the_largest():
    assert np.all(data(nn.MaxPool2d(3, 1, 1)(np.full((1, 2, 2), -5.0))) == -5.0)


# ------------------------------------------------------------------------------ what it says


@pytest.mark.parametrize(
    ("pool", "args", "options"),
    [
        ("MaxPool2d", (2,), {}),
        ("MaxPool2d", ((2, 3), 1, (0, 1), 2), {"ceil_mode": True}),
        ("AvgPool2d", (3, (1, 2)), {}),
    ],
)
def test_it_prints_as_pytorchs(pool, args, options):
    torch = pytest.importorskip("torch")
    assert repr(getattr(nn, pool)(*args, **options)) == repr(getattr(torch.nn, pool)(*args, **options))


@pytest.mark.parametrize(
    ("pool", "args", "options", "error", "message"),
    [
        ("MaxPool2d", (3, 2, 2), {}, ValueError, "padding=2 is more than half of kernel_size=3"),
        ("AvgPool2d", ((4, 1),), {"padding": (2, 1)}, ValueError, r"padding=\(2, 1\) is more than half"),
        ("MaxPool2d", (0,), {}, ValueError, "kernel_size is at least 1, not 0"),
        ("AvgPool2d", (2, 0), {}, ValueError, "stride is at least 1, not 0"),
        ("MaxPool2d", (2,), {"dilation": 1.5}, TypeError, "dilation is a whole number, not 1.5"),
        ("AvgPool2d", (2,), {"divisor_override": 0}, ValueError, "divisor_override is at least 1, not 0"),
        ("MaxPool2d", (2, 2, 0, 1, True), {}, ValueError, "leave return_indices=False"),
    ],
)
def test_impossible_sizes_are_refused(pool, args, options, error, message):
    with pytest.raises(error, match=message):
        getattr(nn, pool)(*args, **options)


def test_an_image_below_the_window_is_refused():
    with pytest.raises(
        ValueError, match=r"windows over \(3, 3\) numbers, and none fits in the padded input of \(2, 5\)"
    ):
        nn.AvgPool2d(3)(np.zeros((1, 2, 5)))
    assert data(nn.AvgPool2d(3, ceil_mode=True)(np.ones((1, 2, 5)))).tolist() == [[[1.0, 1.0]]]


def test_a_window_that_sees_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing but padding"):
        nn.MaxPool2d(2, 1, 1, dilation=3)(np.zeros((1, 2, 2)))
