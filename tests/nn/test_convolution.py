"""Convolutions: the laws that hold for all sizes, the sizes that are refused, what a drawing shows.

That their numbers are PyTorch's, in every option, is held by the rows of cases_convolution.py.
"""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import nn
from engine import formula
from nn.windows import Axis, turned, windows

from .case import as_leaves, data

few = settings(max_examples=25)


def of_each_axis(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw, groups=2, biased=(False, True)):
    """(a Conv2d with seeded weights, an image it takes, a source of more numbers)."""
    g = draw(st.integers(1, groups))
    conv = nn.Conv2d(
        g * draw(st.integers(1, 2)),
        g * draw(st.integers(1, 2)),
        kernel_size=draw(of_each_axis(1, 3)),
        stride=draw(of_each_axis(1, 3)),
        padding=draw(of_each_axis(0, 2)),
        dilation=draw(of_each_axis(1, 2)),
        groups=g,
        bias=draw(st.sampled_from(biased)),
        seed=draw(st.integers(0, 99)),
    )
    sizes = draw(of_each_axis(1, 6))
    spans = zip(sizes, conv.padding, conv.dilation, conv.kernel_size, strict=True)
    assume(all(n + 2 * p > d * (k - 1) for n, p, d, k in spans))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return conv, rng.normal(size=(conv.in_channels, *sizes)), rng


def by_definition(conv, x):
    """The sum over all taps, on an image with its padding written out."""
    weight, bias = conv.state_dict()["weight"], conv.state_dict().get("bias", np.zeros(conv.out_channels))
    (top, left), (s, t), (d, e) = conv.padding, conv.stride, conv.dilation
    padded = np.pad(x, [(0, 0), (top, top), (left, left)])
    o, n, kh, kw = weight.shape
    m = conv.out_channels // conv.groups
    rows = range(0, padded.shape[1] - d * (kh - 1), s)
    columns = range(0, padded.shape[2] - e * (kw - 1), t)
    out = np.zeros((o, len(rows), len(columns)))
    for c, (i, r), (j, q) in itertools.product(range(o), enumerate(rows), enumerate(columns)):
        seen = padded[c // m * n : (c // m + 1) * n, r : r + d * (kh - 1) + 1 : d, q : q + e * (kw - 1) + 1 : e]
        out[c, i, j] = np.sum(weight[c] * seen) + bias[c]
    return out


def transposed(conv):
    """The ConvTranspose2d of the same sizes and with the same weight."""
    back = nn.ConvTranspose2d(
        conv.out_channels, conv.in_channels, conv.kernel_size, conv.stride, conv.padding,
        groups=conv.groups, bias=False, dilation=conv.dilation,
    )  # fmt: skip
    back.load_state_dict(conv.state_dict())
    return back


# ------------------------------------------------------------------------------ laws


@few
@given(convolutions())
def test_a_convolution_is_its_sum_over_taps(made):
    conv, x, _ = made
    np.testing.assert_allclose(data(conv(x)), by_definition(conv, x), rtol=1e-12, atol=1e-13)


@few
@given(convolutions(biased=[False]), st.floats(-2, 2))
def test_a_convolution_is_linear_in_the_input(made, a):
    conv, x, rng = made
    y = rng.normal(size=x.shape)
    np.testing.assert_allclose(data(conv(a * x + y)), a * data(conv(x)) + data(conv(y)), rtol=1e-12, atol=1e-12)


@few
@given(convolutions(), st.floats(-2, 2))
def test_a_convolution_is_linear_in_weight_and_bias(made, a):
    conv, x, rng = made
    first = conv.state_dict()
    second = {name: rng.normal(size=array.shape) for name, array in first.items()}
    outs = []
    for state in (first, second, {name: a * first[name] + second[name] for name in first}):
        conv.load_state_dict(state)
        outs.append(data(conv(x)))
    np.testing.assert_allclose(outs[2], a * outs[0] + outs[1], rtol=1e-12, atol=1e-12)


@few
@given(convolutions(biased=[False]))
def test_the_transposed_convolution_is_the_adjoint(made):
    """⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩ with the same weight."""
    conv, x, rng = made
    out = data(conv(x))
    y = rng.normal(size=out.shape)
    back = transposed(conv)
    x_of_y = data(back(y, output_size=x.shape[1:]))
    assert np.sum(out * y) == pytest.approx(np.sum(x * x_of_y), rel=1e-11, abs=1e-12)


@few
@given(convolutions(biased=[False]))
def test_the_gradient_of_a_convolution_is_the_transposed_one(made):
    conv, x, rng = made
    leaves = as_leaves(x)
    out = conv(leaves)
    y = rng.normal(size=np.shape(data(out)))
    for value, slope in zip(np.ravel(out), y.ravel(), strict=True):
        if value.parents:
            (value * slope).backward()
    back = transposed(conv)
    grads = np.reshape([value.grad for value in np.ravel(leaves)], x.shape)
    np.testing.assert_allclose(grads, data(back(y, output_size=x.shape[1:])), rtol=1e-11, atol=1e-12)


@few
@given(convolutions(), of_each_axis(0, 2))
def test_a_convolution_commutes_with_shifts(made, shift):
    """An image moved by whole strides, with zeros behind it, gives the output moved by as many."""
    conv, x, _ = made
    (down, right), (s, t) = shift, conv.stride
    moved = np.pad(x, [(0, 0), (down * s, 0), (right * t, 0)])
    out = data(conv(x))
    np.testing.assert_array_equal(data(conv(moved))[:, down:, right:], out)


@few
@given(st.integers(1, 3), st.integers(1, 3), of_each_axis(1, 4), st.booleans(), st.integers(0, 99))
def test_a_1x1_convolution_is_linear_for_each_pixel(n, m, sizes, bias, seed):
    conv, linear = nn.Conv2d(n, m, 1, bias=bias, seed=seed), nn.Linear(n, m, bias=bias)
    state = conv.state_dict()
    linear.load_state_dict(state | {"weight": state["weight"].reshape(m, n)})
    x = np.random.default_rng(seed).normal(size=(n, *sizes))
    pixels = data(linear(np.moveaxis(x, 0, -1)))
    np.testing.assert_array_equal(np.moveaxis(data(conv(x)), 0, -1), pixels)


@few
@given(
    st.integers(1, 2), st.integers(1, 3), st.integers(3, 8), st.integers(1, 3), st.integers(0, 2), st.integers(0, 99)
)
def test_along_one_axis_it_is_a_convolution_of_one_row(n, k, length, stride, padding, seed):
    line = nn.Conv1d(n, 2, k, stride, padding, seed=seed)
    image = nn.Conv2d(n, 2, (1, k), (1, stride), (0, padding))
    image.load_state_dict({name: np.expand_dims(a, 2) if a.ndim > 1 else a for name, a in line.state_dict().items()})
    x = np.random.default_rng(seed).normal(size=(n, length))
    np.testing.assert_array_equal(data(line(x)), data(image(x[:, None]))[:, 0])


@few
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 7))
def test_padding_same_keeps_the_size(kernel, dilation, length):
    conv = nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation, seed=0)
    assert np.shape(data(conv(np.ones((1, length))))) == (1, length)


@few
@given(convolutions(groups=1), st.integers(2, 3))
def test_groups_are_convolutions_side_by_side(made, groups):
    part, x, rng = made
    whole = nn.Conv2d(
        groups * part.in_channels, groups * part.out_channels, part.kernel_size, part.stride, part.padding,
        part.dilation, groups, part.bias is not None,
    )  # fmt: skip
    state = {name: rng.normal(size=array.shape) for name, array in whole.state_dict().items()}
    whole.load_state_dict(state)
    xs = rng.normal(size=(groups, *x.shape))
    parts = []
    for g in range(groups):
        part.load_state_dict({name: np.split(array, groups)[g] for name, array in state.items()})
        parts.append(data(part(xs[g])))
    np.testing.assert_array_equal(data(whole(np.concatenate(xs))), np.concatenate(parts))


@few
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=4), st.lists(st.floats(-3, 3), min_size=1, max_size=4))
def test_a_transposed_convolution_multiplies_polynomials(p, q):
    layer = nn.ConvTranspose2d(1, 1, (1, len(q)), bias=False)
    layer.load_state_dict({"weight": np.reshape(q, (1, 1, 1, -1))})
    np.testing.assert_allclose(data(layer([[p]]))[0, 0], np.convolve(p, q), rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------------------ its graph


def test_an_output_is_one_dot_product_over_its_window():
    conv = nn.Conv2d(2, 3, 3, padding=1, seed=0)
    out = conv(as_leaves(np.ones((2, 4, 4))))
    assert {value.op.name for channel in out for row in channel for value in row} == {"dot"}
    assert len(out[0][1][1].parents) == 2 * (2 * 9) + 1
    assert len(out[0][0][0].parents) == 2 * (2 * 4) + 1  # at the corner four of nine taps see the image


def test_the_formula_of_an_output_can_be_read():
    conv = nn.Conv1d(1, 1, 2, seed=0)
    x = as_leaves(np.array([[1.0, 2.0, 3.0]]))
    for i, value in enumerate(x[0]):
        value.name = f"x{i}"
    out = conv(x)
    assert formula(out[0][1]) == "out[0][1] = dot([weight[0][0][0], weight[0][0][1]], [x1, x2], bias[0])"


def test_a_window_over_padding_alone_is_the_bias():
    conv = nn.Conv1d(1, 1, 1, padding=1, seed=0)
    left = conv([[5.0]])[0][0]
    left.backward()
    assert left.data == conv.bias[0].data
    assert (left.name, conv.bias[0].grad) == ("out[0][0]", 1.0)
    bare = nn.Conv1d(1, 1, 1, padding=1, bias=False, seed=0)
    assert bare([[5.0]])[0][0].data == 0.0


def test_frozen_weights_take_no_gradient():
    conv = nn.Conv2d(1, 1, 2, seed=0).requires_grad_(False)
    x = as_leaves(np.ones((1, 2, 2)))
    conv(x)[0][0][0].backward()
    assert x[0][0][0].grad == conv.weight[0][0][0][0].data
    assert not conv.weight[0][0][0][0].has_grad


# ------------------------------------------------------------------------------ how it begins


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [(nn.Conv1d(4, 60, 5, groups=2, seed=0), 10), (nn.Conv2d(3, 60, (2, 3), seed=0), 18),
     (nn.ConvTranspose2d(60, 4, (2, 3), groups=2, seed=0), 12)],
)  # fmt: skip
def test_weights_begin_as_in_pytorch(layer, fan_in):
    a = fan_in**-0.5
    for array in layer.state_dict().values():
        assert np.all(np.abs(array) < a)
    weight = layer.state_dict()["weight"]
    assert np.max(np.abs(weight)) > 0.97 * a
    assert abs(np.mean(weight)) < 4 * a / np.sqrt(3 * weight.size)
    assert np.var(weight) == pytest.approx(a**2 / 3, rel=0.2)


def test_the_seed_decides_the_weights():
    first, same, other = (nn.Conv2d(1, 2, 3, seed=seed).state_dict() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["weight"], same["weight"])
    assert not np.array_equal(first["weight"], other["weight"])


# ------------------------------------------------------------------------------ what it says


@pytest.mark.parametrize(
    ("layer", "args", "options"),
    [
        ("Conv1d", (1, 2, 3), {}),
        ("Conv2d", (2, 4, 3), {"padding": "same", "groups": 2, "bias": False, "dilation": 2}),
        ("Conv2d", (2, 4, (3, 1)), {"padding": (0, 1), "stride": (1, 2)}),
        ("ConvTranspose2d", (2, 4, 3, 2, 1, 1), {"groups": 2, "dilation": 2}),
    ],
)
def test_it_prints_as_pytorchs(layer, args, options):
    torch = pytest.importorskip("torch")
    assert repr(getattr(nn, layer)(*args, **options)) == repr(getattr(torch.nn, layer)(*args, **options))


@pytest.mark.parametrize(
    ("layer", "args", "options", "error", "message"),
    [
        ("Conv2d", (3, 4, 1), {"groups": 2}, ValueError, "groups=2 must divide in_channels=3 and out_channels=4"),
        ("ConvTranspose2d", (4, 3, 1), {"groups": 2}, ValueError, "groups=2 must divide .* out_channels=3"),
        ("Conv2d", (1, 1, (1, 2, 3)), {}, ValueError, r"kernel_size is one whole number, or one for each axis, not"),
        ("Conv1d", (1, 1, (1, 2)), {}, ValueError, r"kernel_size is one whole number, not \(1, 2\)"),
        ("Conv2d", (1, 1, 0), {}, ValueError, "kernel_size is at least 1, not 0"),
        ("Conv2d", (0, 1, 1), {}, ValueError, "in_channels is at least 1, not 0"),
        ("Conv2d", (1, 1, 2.0), {}, TypeError, "kernel_size is a whole number, not 2.0"),
        ("Conv2d", (1, 1, 1, 0), {}, ValueError, "stride is at least 1"),
        ("Conv2d", (1, 1, 1, 1, -1), {}, ValueError, "padding is at least 0"),
        ("Conv2d", (1, 1, 1), {"dilation": (1, 0)}, ValueError, "dilation is at least 1"),
        ("Conv2d", (1, 1, 1), {"padding": "full"}, ValueError, "'same' or 'valid', not 'full'"),
        ("Conv2d", (1, 1, 1, 2), {"padding": "same"}, ValueError, "padding='same' needs stride=1, and got 2"),
        ("Conv2d", (1, 1, 1), {"padding_mode": "reflect"}, ValueError, "padding_mode='zeros', and not with"),
        ("ConvTranspose2d", (1, 1, 1), {"padding": "same"}, TypeError, "padding is a whole number, not 'same'"),
        ("ConvTranspose2d", (1, 1, 2, 2, 0, 2), {}, ValueError, "output_padding=2 must be less than the stride"),
    ],
)
def test_impossible_sizes_are_refused(layer, args, options, error, message):
    with pytest.raises(error, match=message):
        getattr(nn, layer)(*args, **options)


def test_an_image_below_the_kernel_is_refused():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, dilation=2, padding=1))
    with pytest.raises(ValueError, match=r"\(at layers\[0\]\) has windows over \(5, 5\) .* padded input of \(5, 4\)"):
        model(np.zeros((1, 3, 2)))
    assert np.shape(data(model(np.zeros((1, 3, 3))))) == (1, 1, 1)


def test_an_output_size_that_cannot_be_is_refused():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2)
    assert np.shape(data(layer(np.zeros((1, 2, 2)), output_size=(5, 6)))) == (1, 5, 6)
    with pytest.raises(ValueError, match=r"an output of \(5, 5\) to \(6, 6\), and output_size is \(5, 7\)"):
        layer(np.zeros((1, 2, 2)), output_size=(5, 7))
    with pytest.raises(ValueError, match=r"cuts the whole output .* away; take less padding"):
        nn.ConvTranspose2d(1, 1, 1, padding=1)(np.zeros((1, 2, 2)))


# ------------------------------------------------------------------------------ windows


@few
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))
def test_the_table_backwards_has_the_same_entries(taps, stride, before, dilation, n, m):
    axes = (Axis(taps, stride, before, before, dilation), Axis(2))
    forwards = windows(axes, (n, 2), (m, 1))
    backwards = turned(axes, (n, 2), (m, 1))
    entries = {(o, *entry) for o, window in enumerate(forwards) for entry in zip(*window, strict=True)}
    assert entries == {
        (o, tap, place) for place, window in enumerate(backwards) for tap, o in zip(*window, strict=True)
    }
