"""Which nodes are alike: exactly those that read the same arrays in the same order."""

import math
from itertools import chain, groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vectorize.grouping import MOST_STRETCHES, alike, blocks, gathered, stretches_hash

kinds = st.integers(-40, 40)


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[kinds] * n), min_size=1, max_size=30)))
def test_groups_are_the_rows_that_are_equal(rows):
    groups = [group.tolist() for group in alike(np.array(rows))]
    assert groups == [[i for i, row in enumerate(rows) if row == one] for one in dict.fromkeys(rows)]


@pytest.mark.parametrize("rows", [[[29, 3], [2, 4]], [[127, 5, 2], [2, 5, 3]], [[-2, 0], [-29, 1]]])
def test_rows_that_a_sum_of_weights_confuses_are_told_apart(rows):
    """The weights 1, 27, 125 give both the same number: x28·x2 and x1·x3 of a graph with many inputs."""
    assert len(alike(np.array(rows))) == 2


@given(st.lists(kinds, min_size=1, max_size=30))
def test_numbers_are_grouped_too(numbers):
    groups = [group.tolist() for group in alike(np.array(numbers))]
    assert groups == [[i for i, number in enumerate(numbers) if number == one] for one in dict.fromkeys(numbers)]


@given(st.lists(st.lists(st.tuples(kinds, st.integers(1, 3)), max_size=4), min_size=1, max_size=6))
def test_lists_through_the_same_arrays_have_the_same_hash(stretches):
    lists = [[kind for kind, n in each for _ in range(n)] for each in stretches]
    hashes = stretches_hash(np.array([*chain(*lists)], np.int64), np.array(list(map(len, lists))))
    paths = [tuple(kind for kind, _ in groupby(each)) for each in lists]
    for one, path in zip(hashes, paths, strict=True):
        assert (hashes == one).tolist() == [other == path for other in paths]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_blocks_are_pieces_with_one_step_each(places):
    keys = np.sort(places)
    pieces = blocks(keys)
    if pieces is not None:
        assert (np.sum(pieces, axis=0) == 1).all()  # each entry lies in one piece
        assert np.array_equal(np.concatenate([keys[piece] for piece in pieces]), keys)
        assert all(len(np.unique(np.diff(np.unique(keys[piece])))) <= 1 for piece in pieces)


def test_a_few_blocks_are_found():
    [one, two] = blocks(np.array([0, 1, 1, 2, 3, 10, 12, 14]))
    assert (one.tolist(), two.tolist()) == ([True] * 5 + [False] * 3, [False] * 5 + [True] * 3)


def test_what_is_one_piece_or_very_many_is_left_alone():
    assert blocks(np.arange(9)) is None
    assert blocks(np.array([i * i for i in range(5 * MOST_STRETCHES)])) is None


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple))
def test_a_gather_reads_the_places(data, shape):
    short = tuple(n if data.draw(st.booleans()) else 1 for n in shape)
    places = st.lists(st.integers(0, 9), min_size=math.prod(short), max_size=math.prod(short))
    index = np.broadcast_to(np.reshape(data.draw(places), short), shape)
    view = gathered(4, index, 0)
    assert (view.array, view.shape) == (4, shape)
    assert np.array_equal(np.broadcast_to(view.places(), shape), index)
    assert view.index.size <= math.prod(short)
    assert all(step == 0 for step, n, m in zip(view.strides, shape, short, strict=True) if m < n)
