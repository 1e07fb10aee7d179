"""Rows gathered at constant positions, and their gradients scattered back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vectorize.rows import Index, gather, scatter
from tests.engine.vectorize.fixed import frozen, same


def added_one_by_one(g, index):
    rows = np.zeros((index.n + 1, *g.shape[index.array.ndim :]))
    np.add.at(rows, index.array, g)
    return rows[:-1]


@given(st.data(), st.integers(1, 6), st.sampled_from([(), (1,), (3,), (2, 5)]))
def test_scatter_adds_what_gather_read(data, n, rest):
    shape = data.draw(st.sampled_from([(4,), (2, 3), (1,), (2, 2, 2), (40,), (0,)]))
    size = math.prod(shape)
    index = Index(
        np.reshape(data.draw(st.lists(st.integers(0, n), min_size=size, max_size=size)), shape).astype(int), n
    )
    x, g = (
        frozen(np.arange(n * math.prod(rest)).reshape(n, *rest) + 1.0),
        np.random.default_rng(n).normal(size=(*shape, *rest)),
    )
    padded = np.concatenate([x, np.full((1, *rest), -7.0)])
    assert same(gather(x, index, -7.0), padded[index.array])
    np.testing.assert_allclose(scatter(frozen(g), index), added_one_by_one(g, index), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("rest", [(1,), (64,), (3, 8)])
@pytest.mark.parametrize("places", [
    np.random.default_rng(0).permutation(20), np.arange(20).repeat(3).reshape(3, 20), np.zeros(9, int),
    np.arange(18)[:, None] + np.arange(3), np.arange(6)[::-1], np.array([[20, 0], [20, 20], [19, 0]]),
    np.concatenate([np.zeros(50, int), np.arange(20)]), np.full(4, 20), np.array([3, 9, 4]),
    np.array([7, 5, 7, 6, 6, 5]), np.array([[2, 8, 20], [8, 2, 19]]),
], ids=["permutation", "thrice", "one row", "windows", "some rows", "padded", "one row often", "padding", "gaps",
        "a stretch twice", "gaps, padded"])  # fmt: skip
def test_each_plan_of_scatter(places, rest):
    index = Index(places, 20)
    g = np.random.default_rng(0).normal(size=(*places.shape, *rest))
    np.testing.assert_allclose(scatter(frozen(g), index), added_one_by_one(g, index), rtol=1e-13, atol=1e-14)
    assert scatter(frozen(g, np.float32), index).dtype == np.float32


@pytest.mark.parametrize("places", [[-1, 0], [0, 4]])
def test_a_position_that_is_no_row_is_an_error(places):
    with pytest.raises(IndexError, match="positions among 3 rows go from 0 to 3"):
        Index(places, 3)
