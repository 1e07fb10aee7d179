"""The helpers of compiled source that are about shapes alone."""

import math

import numpy as np
import pytest

from engine.vectorize.stacking import as_index, join, masked, repeated, spread


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shapes", [
    [(2, 3), (1, 3)], [(2, 1), (1, 3)], [(2, 1, 1), (3, 4, 1), (1, 1, 5)], [(1,), (2,)], [(2, 3)], [(0, 3), (2, 3)],
], ids=str)  # fmt: skip
def test_join_stacks_the_parts_and_broadcasts_the_rest(shapes, dtype):
    parts = [np.random.default_rng(i).normal(size=shape).astype(dtype) for i, shape in enumerate(shapes)]
    rest = np.broadcast_shapes(*(shape[1:] for shape in shapes))
    joined = join(*parts)
    assert joined.dtype == dtype
    assert joined.shape == (sum(shape[0] for shape in shapes), *rest)
    begin = 0
    for part in parts:
        assert np.array_equal(joined[begin : begin + len(part)], np.broadcast_to(part, (len(part), *rest)))
        begin += len(part)
    assert not any(np.shares_memory(joined, part) for part in parts)


@pytest.mark.parametrize(
    "x", [np.float32(2.0), np.arange(3.0), np.arange(6.0).reshape(2, 3)], ids=["one", "list", "rows"]
)
def test_spread_and_repeated_are_copies_along_a_new_axis(x):
    first, last = spread(x, 4), repeated(x, 4)
    assert first.shape == (4, *x.shape)
    assert last.shape == (*x.shape, 4)
    assert first.dtype == last.dtype == x.dtype
    assert all(np.array_equal(row, x) for row in first)
    assert all(np.array_equal(last[..., i], x) for i in range(4))
    first[0] = -1.0
    assert np.array_equal(first[1], x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("mask", "shape"), [
    ((4, 2, 1), (4, 2, 5)), ((4, 2, 1), (4, 1, 5)), ((4, 2, 1), (1, 2, 1)), ((4,), (4,)), ((4, 1), (4, 3)),
    ((4, 2, 1), (5,)),
], ids=str)  # fmt: skip
def test_masked_is_where(mask, shape, dtype):
    rng = np.random.default_rng(0)
    there, x = rng.integers(0, 2, mask).astype(bool), rng.normal(size=shape).astype(dtype)
    x.flags.writeable = False
    for fill in (-math.inf, 0.0):
        got = masked(there, x, fill)
        assert got.dtype == dtype
        assert np.array_equal(got, np.where(there, x, fill))


def test_masked_hides_inf_and_nan_and_says_nothing():
    x = np.array([math.nan, math.inf, -math.inf, math.nan])
    with np.errstate(all="raise"):
        got = masked(np.array([False, False, False, True]), x, 0.0)
    assert np.array_equal(got, [0.0, 0.0, 0.0, math.nan], equal_nan=True)


def test_masked_of_turned_axes():
    x = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)
    there = (x % 2 == 0)[..., :1]
    assert np.array_equal(masked(there, x, -1.0), np.where(there, x, -1.0))


@pytest.mark.parametrize(
    "x", [np.array([0.0, 3.0, -2.0]), np.array([1, 2], np.uint8), np.array([2.0], np.float32)], ids=str
)
def test_whole_numbers_are_an_index(x):
    index = as_index(x)
    assert index.dtype.kind in "iu"
    assert np.array_equal(index, x)


@pytest.mark.parametrize("wrong", [0.5, math.nan, math.inf])
def test_an_index_that_is_not_whole_names_its_example(wrong):
    with pytest.raises(TypeError, match=rf"a whole number, not {wrong!r} \(example 2\)"):
        as_index(np.array([[1.0, 2.0, wrong]]))
