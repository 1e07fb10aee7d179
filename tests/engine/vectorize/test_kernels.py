"""The functions that compiled source calls, against the table's rules on floats."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import TABLE, define_op
from engine.vectorize import kernels
from engine.vectorize.kernels import listed, take, take_backward
from engine.xp import floats
from tests.engine.vectorize.fixed import frozen, same

EPS = 2.0**-52
SHARES = ["softmax", "log_softmax"]  # a list gives a list
ONES = ["logsumexp", "max", "min", "mean", "var", "prod"]  # a list gives one number
SCALES = {"softmax": 1e3, "log_softmax": 1e3, "logsumexp": 1e3, "var": 1e150}
RULES = {name: (getattr(kernels, name), getattr(kernels, name + "_backward")) for name in [*SHARES, *ONES]}


@st.composite
def lists(draw, name="", rows=7, special=()):
    """(n, batch) numbers of all the sizes for which the rule is made, with zeros and ties."""
    n, batch, top = draw(st.integers(1, rows)), draw(st.integers(1, 3)), SCALES.get(name, 1e300)
    number = st.floats(-5, 5) | st.floats(-top, top) | st.sampled_from([0.0, 1.0, -1.0, 37.0, 1e-300, *special])
    return frozen(draw(st.lists(st.lists(number, min_size=batch, max_size=batch), min_size=n, max_size=n)))


def gradients(draw, shape):
    size = math.prod(shape)
    number = st.just(0.0) | st.floats(1e-9, 3) | st.floats(-3, -1e-9)
    return frozen(draw(st.lists(number, min_size=size, max_size=size))).reshape(shape)


def table(name, x):
    """(the results, the slopes ∂zᵢ/∂xⱼ) of each list, a column of x, by the rules on floats: i is 0 for one result."""
    op, values, slopes = TABLE[name], [], []
    for xs in x.T.tolist():
        calls = [[*xs, float(i)] for i in range(len(xs))] if name in SHARES else [xs]
        values.append([op.evaluate(call) for call in calls])
        slopes.append([op.slopes(z, call)[: len(xs)] for z, call in zip(values[-1], calls, strict=True)])
    return np.array(values).T, np.array(slopes).transpose(1, 2, 0)


def backward_by_table(name, g, x):
    """(∂L/∂x, the sum of the absolute contributions)."""
    with np.errstate(all="ignore"):
        terms = (g if name in SHARES else g[None])[:, None] * table(name, x)[1]
    return terms.sum(0), np.abs(terms).sum(0)


# ------------------------------------------------------------------ operations on lists


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_values_are_the_tables(name, data):
    x = data.draw(lists(name))
    with np.errstate(over="ignore", under="ignore", divide="raise", invalid="raise"):
        got = RULES[name][0](x)
    want = table(name, x)[0] if name in SHARES else table(name, x)[0][0]
    ulp = {"max": 0, "min": 0, "mean": len(x), "var": 2 * len(x), "prod": len(x)}.get(name, 4)
    scale = np.abs(x).sum(0) / len(x) if name == "mean" else np.abs(want)
    if name == "var":  # what rounding leaves in the deviations of numbers that are nearly one
        scale = scale + EPS * np.abs(x).max(0) ** 2
    if name == "logsumexp":  # the largest and the logarithm may nearly cancel: -1 + ln 3
        scale = scale + np.abs(x.max(0))
    finite = np.isfinite(want)
    assert same(got[~finite], want[~finite])
    assert np.all(np.abs(got[finite] - want[finite]) <= (ulp * EPS * scale + 1e-323)[finite])


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_gradients_are_the_tables(name, data):
    x = data.draw(lists(name))
    value, backward = RULES[name]
    g = gradients(data.draw, x.shape if name in SHARES else x.shape[1:])
    with np.errstate(over="ignore", under="ignore", divide="raise", invalid="raise"):
        z = frozen(value(x))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # 0·inf, where a slope of prod overflows
        got = backward(g, z, x)
    want, contributions = backward_by_table(name, g, x)
    finite = np.isfinite(want)
    assert got.shape == x.shape
    assert same(got[~finite], want[~finite])
    tolerance = (5e-13 if name in ("log_softmax", "var") else 1e-15 * (4 + len(x))) * contributions + 1e-320
    if name == "var":
        tolerance = tolerance + 4 * EPS * np.abs(g) * np.abs(x).max(0)
    assert np.all(np.abs(got[finite] - want[finite]) <= tolerance[finite])


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_inf_and_nan_stand_where_the_table_has_them(name, data):
    x = data.draw(lists(name, special=(math.inf, math.inf, -math.inf, math.nan)))
    value, backward = RULES[name]
    with np.errstate(all="ignore"):
        z = value(x)
        want = table(name, x)[0] if name in SHARES else table(name, x)[0][0]
        for kind in (np.isnan, np.isposinf, np.isneginf):
            assert same(kind(z), kind(want)), (z, want)
        if name in ("max", "min"):
            g = frozen(np.full(x.shape[1:], 2.0))
            assert same(backward(g, z, x), backward_by_table(name, g, x)[0])


@pytest.mark.parametrize("name", ["softmax", "shares", "log_softmax", "logsumexp", "max"])
def test_minus_inf_pads_a_list(name):
    value, backward = getattr(kernels, name), getattr(kernels, name + "_backward")
    x, empty = np.random.default_rng(0).normal(size=(3, 2, 4)), np.full((2, 2, 4), -math.inf)
    x *= np.array([1.0, 1e3, 1e-3, 1e300])
    padded = frozen(np.concatenate([empty, x]))
    g = frozen(np.ones_like(padded) if name in ("softmax", "shares", "log_softmax") else np.ones((2, 4)))
    g = frozen(g * np.arange(4))
    with np.errstate(over="ignore", under="ignore", divide="raise", invalid="raise"):
        z, longer = value(frozen(x)), value(padded)
        assert same(longer if g.ndim == 2 else longer[2:], z)
        slopes = backward(g, longer, padded)
        if name == "log_softmax":
            assert np.all(longer[:2] == -math.inf)
        else:
            assert same(
                slopes, np.concatenate([0 * empty.clip(0), backward(g if g.ndim == 2 else g[2:], z, frozen(x))])
            )
            assert g.ndim == 2 or np.all(longer[:2] == 0)


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e3, 1e17, 1.7e308, -4e307])
def test_a_shift_of_a_list_is_no_change(shift):
    with np.errstate(over="ignore", divide="raise", invalid="raise"):
        p = kernels.softmax(frozen([[shift], [shift], [shift - 2000.0]]))
    assert p.sum() == pytest.approx(1.0)
    assert p[0] == p[1]
    assert shift in (1e17, 1.7e308, -4e307) or p[2] == 0.0


def test_softmax_to_the_last_digits_in_long_lists():
    x = frozen(np.random.default_rng(0).uniform(-700, 0, (1000, 3)))
    want = np.array([floats.softmax(xs) for xs in x.T.tolist()]).T
    assert np.all(np.abs(kernels.softmax(x) - want) <= 4 * EPS * want)


def test_shares_are_softmax_to_rounding():
    x, g = (frozen(a) for a in np.random.default_rng(0).normal(size=(2, 5, 3, 4)))
    p = kernels.shares(x)
    np.testing.assert_allclose(p, kernels.softmax(x), rtol=1e-14)
    np.testing.assert_allclose(kernels.shares_backward(g, p, x), kernels.softmax_backward(g, p, x), atol=1e-15)


@pytest.mark.parametrize("shape", [(12, 3), (12,), (3,), (2, 4, 5), (70, 2, 2), (4, 2, 2000)])
def test_max_gives_all_to_the_first(shape):
    x = frozen(np.random.default_rng(0).integers(0, 3, shape))
    for value, slopes in ((kernels.max, kernels.max_backward), (kernels.min, kernels.min_backward)):
        z = value(x)
        got = slopes(frozen(np.full(shape[1:], 2.0)), z, x)
        first = (x == z).argmax(0)
        assert same(got, 2.0 * (np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) == first))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_relu_is_the_tables(dtype):
    x = frozen([-1.0, -0.0, 0.0, 2.5, math.inf, -math.inf, math.nan, -1e-300], dtype)
    z = kernels.relu(x)
    assert z.dtype == dtype
    assert same(z, [TABLE["relu"].evaluate([number]) for number in x.tolist()])
    assert not np.signbit(z[:6]).any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [2, 61, 501, 1300])
def test_a_long_product_neither_overflows_nor_underflows_on_the_way(n, dtype):
    rng = np.random.default_rng(n)
    x = rng.uniform(0.5, 2.0, (n, 2))
    x[::2] *= 1e-30
    x[1::2] *= 1e30
    x = frozen(x[rng.permutation(n)], dtype)
    want = np.array([TABLE["prod"].evaluate(xs) for xs in x.T.astype(float).tolist()])
    others = np.array([TABLE["prod"].slopes(1.0, xs) for xs in x.T.astype(float).tolist()]).T
    limits = np.finfo(dtype)
    with np.errstate(over="ignore", under="ignore"):
        pairs = (kernels.prod(x), want), (kernels.prod_backward(dtype(1.0), None, x), others)
    for got, exact in pairs:
        assert got.dtype == dtype
        inside = (exact > limits.tiny) & (exact < limits.max)
        np.testing.assert_allclose(got[inside], exact[inside], rtol=2 * n * limits.eps)


def test_the_slopes_of_a_product_are_exact_at_zeros():
    x = frozen([[0.0, 0.0, 3.0], [2.0, 0.0, 2.0], [5.0, 5.0, 0.0]])
    assert kernels.prod_backward(frozen([1.0, 1.0, 10.0]), kernels.prod(x), x).tolist() == [
        [10.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 60.0],
    ]  # fmt: skip


@pytest.mark.parametrize("name", [*RULES, "shares"])
def test_a_large_array_is_its_columns(name):
    x = frozen(np.random.default_rng(2).integers(-3, 4, (5, 3000)))
    value, backward = getattr(kernels, name), getattr(kernels, name + "_backward")
    z = value(x)
    g = frozen(np.random.default_rng(3).normal(size=z.shape))
    some = (slice(None), slice(40, 60))
    few = value(frozen(x[some]))
    np.testing.assert_allclose(few, z[some[-z.ndim :]], rtol=1e-15)
    np.testing.assert_allclose(
        backward(frozen(g[some[-z.ndim :]]), few, frozen(x[some])), backward(g, z, x)[some], rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("name", [*RULES, "shares"])
def test_float32_stays_and_any_further_axes_are_lists_apart(name):
    value, backward = getattr(kernels, name), getattr(kernels, name + "_backward")
    x = np.random.default_rng(1).normal(size=(4, 3, 2, 5))
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-5)):
        y = frozen(x, dtype)
        z = value(y)
        slopes = backward(frozen(np.ones_like(z), dtype), z, y)
        assert z.dtype == slopes.dtype == dtype
        assert slopes.shape == x.shape
        flat = frozen(y.reshape(4, -1))
        np.testing.assert_allclose(z.reshape(*z.shape[:-3], -1), value(flat), rtol=tolerance)
        np.testing.assert_allclose(z, value(frozen(x)), rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------ take


TAKES = [  # the shapes of x and of the index
    ((5, 7), (7,)), ((5, 7), (1,)), ((5, 1), (7,)), ((5,), (7,)), ((5,), ()), ((5, 3, 1), (7,)), ((5, 3, 7), (3, 1)),
    ((5, 16, 8, 1), (8, 3)), ((5, 1, 1), (4, 3)), ((100, 6, 1), (9,)), ((100, 6, 9), (9,)), ((300, 4, 1, 1), (3, 9)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "places"), TAKES, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_take_and_its_backward_rule(shape, places, dtype):
    rng = np.random.default_rng(0)
    x, index = frozen(rng.normal(size=shape), dtype), frozen(rng.integers(-shape[0], shape[0], places), np.int64)
    z = take(x, index)
    spread = np.broadcast_to(x.reshape(*shape, *[1] * (z.ndim + 1 - x.ndim)), (shape[0], *z.shape))
    whole = np.broadcast_to(index % shape[0], z.shape)
    assert same(z, np.take_along_axis(spread, whole[None], 0)[0])
    g = frozen(rng.normal(size=z.shape), dtype)
    slopes = np.zeros(spread.shape, dtype)
    np.put_along_axis(slopes, whole[None], g[None], 0)
    while slopes.ndim > x.ndim:
        slopes = slopes.sum(1)
    lacking = tuple(i for i, n in enumerate(shape) if n == 1 and slopes.shape[i] != 1)
    got = take_backward(g, index, x)
    assert got.shape == shape
    assert got.dtype == dtype
    np.testing.assert_allclose(got, slopes.sum(lacking, keepdims=True), rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int32, np.uint64])
@pytest.mark.parametrize(("shape", "places"), TAKES[:8], ids=str)
def test_an_index_of_any_kind_of_integers(shape, places, kind):
    x, index = np.random.default_rng(0).normal(size=(200, *shape[1:])), np.full(places, 120)
    z = take(x, index)
    assert same(take(x, index.astype(kind)), z)
    assert same(take_backward(z, index.astype(kind), x), take_backward(z, index, x))


def test_the_gradient_of_an_entry_that_is_nan_is_its_own():
    x, index = np.zeros((4, 2, 1)), np.array([1, 3, 1])
    slopes = take_backward(np.array([[math.nan, 1.0, 1.0], [1.0, 1.0, math.inf]]), index, x)
    assert same(slopes[..., 0], [[0.0, 0.0], [math.nan, math.inf], [0.0, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize("shape", [(3, 1), (3, 2, 1)])
@pytest.mark.parametrize("place", [3, -4, 90])
def test_an_index_beyond_the_list_is_numpys_error(shape, place):
    with pytest.raises(IndexError, match=f"index {place} is out of bounds for axis 0 with size 3"):
        take(np.zeros(shape), np.array([0, place]))


# ------------------------------------------------------------------ any other operation


@pytest.mark.parametrize("name", ["sum", "mean", "var", "prod", "max", "logsumexp"])
@given(data=st.data())
def test_a_listed_operation_is_its_entry(name, data):
    x = data.draw(lists("softmax"))
    value, backward = listed(TABLE[name])
    z, g = value(x), gradients(data.draw, x.shape[1:])
    np.testing.assert_allclose(z, table(name, x)[0][0], rtol=1e-12, atol=1e-12)
    want, contributions = backward_by_table(name, g, x)
    tolerance = 1e-12 * contributions + 4 * EPS * np.abs(g) * np.abs(x).max(0) + 1e-300
    assert np.all(np.abs(backward(g, z, x) - want) <= tolerance)


@pytest.mark.parametrize(
    "rule", [lambda xp, *xs: xs[0] * xs[-1], lambda xp, *xs: xs[0] * xs[-1] if xs[0] > -99 else 0.0]
)
def test_a_users_operation_by_arrays_or_number_by_number(rule):
    def slopes(xp, z, *xs):
        return (xs[-1], *(0.0 for _ in xs[2:]), xs[0])

    try:
        value, backward = listed(define_op("ends", rule, slopes).op)
        x = frozen([[1.0, 2.0], [7.0, 7.0], [3.0, -4.0]], np.float32)
        z = value(x)
        assert z.tolist() == [3.0, -8.0]
        got = backward(frozen([1.0, 10.0], np.float32), z, x)
        assert z.dtype == got.dtype == np.float32
        assert got.tolist() == [[3.0, -40.0], [0.0, 0.0], [1.0, 20.0]]
    finally:
        TABLE.pop("ends", None)
