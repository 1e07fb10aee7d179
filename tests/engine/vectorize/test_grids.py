"""Nested loops, grids and boxes: what is planted is found, and what is found gives back the places."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vectorize.grids import box, completed, contiguous, fit, loops, span, split

sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
steps = st.integers(-6, 12)


def affine(shape, strides, offset=0):
    """(shape) the places offset + Σ strides·coordinates."""
    return offset + sum((s * c for s, c in zip(strides, np.indices(shape), strict=True)), np.zeros(shape, np.int64))


@st.composite
def nests(draw, k):
    """k lists of places at once, made by the same loops."""
    shape = draw(sizes)
    return np.array([affine(shape, [draw(steps) for _ in shape], draw(steps)).reshape(-1) for _ in range(k)])


# ------------------------------------------------------------------------------- loops


def unrolled(found, offsets):
    shape = tuple(n for n, _ in found)
    return np.array([
        affine(shape, [step[i] for _, step in found], offset).reshape(-1) for i, offset in enumerate(offsets)
    ])  # fmt: skip


@given(st.integers(1, 3).flatmap(nests))
def test_any_nested_loops_are_found(places):
    found = loops(places)
    assert found is not None
    assert np.array_equal(unrolled(found, places[:, 0]), places)
    assert all(n > 1 for n, _ in found)


@given(st.integers(1, 2).flatmap(lambda k: st.lists(st.lists(st.integers(0, 3), min_size=k, max_size=k), min_size=1)))
def test_loops_that_are_found_give_back_the_places(rows):
    places = np.array(rows).T
    found = loops(places)
    assert found is None or np.array_equal(unrolled(found, places[:, 0]), places)


def test_one_stretch_is_one_loop_however_it_was_nested():
    assert loops(np.arange(24).reshape(1, -1)) == [(24, (1,))]


def test_lists_must_have_the_same_loops():
    assert loops(np.array([[0, 1, 2, 3, 4, 5], [0, 1, 2, 9, 10, 11]])) == [(2, (3, 9)), (3, (1, 1))]
    assert loops(np.array([[0, 1, 5, 6, 10, 11], [0, 1, 2, 9, 10, 11]])) is None


# ------------------------------------------------------------------------------- affine maps on grids


@given(sizes, st.data())
def test_an_affine_map_of_a_whole_grid_is_found(shape, data):
    strides = tuple(data.draw(steps) if n > 1 else 0 for n in shape)
    assert fit(shape, np.arange(math.prod(shape)), affine(shape, strides, 90).reshape(-1)) == (90, strides)


@given(sizes, st.data())
def test_an_affine_map_of_a_part_of_a_grid_is_found(shape, data):
    strides = tuple(data.draw(steps) if n > 1 else 0 for n in shape)
    there = np.array(data.draw(st.lists(st.booleans(), min_size=math.prod(shape), max_size=math.prod(shape))), bool)
    there[0] = True
    at, places = np.flatnonzero(there), affine(shape, strides, 90).reshape(-1)
    found = fit(shape, at, places[at])
    grid = there.reshape(shape)
    told = [(np.delete(grid, 0, i) & np.delete(grid, -1, i)).any() for i in range(len(shape))]
    if all(told[i] or n == 1 for i, n in enumerate(shape)):
        assert found == (90, strides)
    elif found is not None:
        assert np.array_equal(affine(shape, found[1], found[0]).reshape(-1)[at], places[at])
        assert all(step == 0 for step, known in zip(found[1], told, strict=True) if not known)


@given(sizes, st.data())
def test_what_is_not_affine_is_not_found(shape, data):
    at = np.arange(math.prod(shape))
    places = affine(shape, [data.draw(steps) for _ in shape], 90).reshape(-1)
    if sum(n > 2 for n in shape):  # else any places are affine
        places[data.draw(st.sampled_from(at.tolist()))] += 1
        assert fit(shape, at, places) is None


@given(sizes, st.data())
def test_span_is_from_the_smallest_to_the_largest(shape, data):
    strides = [data.draw(steps) for _ in shape]
    places = affine(shape, strides, 5)
    assert span(5, shape, strides) == (places.min(), places.max())


@given(sizes)
def test_contiguous_is_numpys(shape):
    array = np.zeros(shape, np.int8)
    assert tuple(s for s, n in zip(contiguous(shape), shape, strict=True) if n > 1) == tuple(
        s for s, n in zip(array.strides, shape, strict=True) if n > 1
    )


@given(sizes, sizes, st.data())
def test_an_axis_that_is_cut_reads_the_same(shape, source, data):
    strides = [data.draw(st.integers(0, 12)) for _ in shape]
    finer = split(shape, strides, source)
    assert math.prod(finer) == math.prod(shape)
    assert fit(finer, np.arange(math.prod(finer)), affine(shape, strides).reshape(-1)) is not None


@given(sizes)
def test_a_whole_array_is_cut_into_its_axes(source):
    if source[0] > 1:
        assert tuple(n for n in split((math.prod(source),), (1,), source) if n > 1) == tuple(n for n in source if n > 1)


# ------------------------------------------------------------------------------- rows of different lengths, boxes


@given(st.data())
def test_rows_of_different_lengths_are_completed(data):
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    lengths = np.array(data.draw(st.lists(st.integers(1, columns), min_size=rows, max_size=rows)))
    lengths[data.draw(st.integers(0, rows - 1))] = columns
    strides = [(data.draw(st.integers(1, 5)), 0)] + [(data.draw(steps), data.draw(steps)) for _ in range(2)]
    whole = np.array([affine((rows, columns), s, 70).reshape(-1) for s in strides])
    there = (np.arange(columns) < lengths[:, None]).reshape(-1)
    found = completed(whole[:, there])
    assert found is not None
    shape, at = found
    assert math.prod(shape) == rows * columns
    assert np.array_equal(at, np.flatnonzero(there))


@pytest.mark.parametrize("keys", [
    [[0, 0, 1, 1, 1], [5, 6, 5, 7, 8]],  # the second row goes on otherwise than the first
    [[0, 1, 3], [5, 5, 5]],  # the rows do not begin in a pattern
    [[0] * 400 + list(range(1, 400)), [*range(400), *[0] * 399]],  # nearly all of the rectangle would be empty
], ids=["within", "beginnings", "emptiness"])  # fmt: skip
def test_rows_without_a_pattern_are_not(keys):
    assert completed(np.array(keys)) is None


@given(sizes, st.data())
def test_the_box_is_the_smallest_with_all_places_in_it(source, data):
    places = np.array(sorted(data.draw(st.sets(st.integers(0, math.prod(source) - 1), min_size=1))))
    where = np.unravel_index(places, source)
    inside = np.arange(math.prod(source)).reshape(source)[tuple(slice(c.min(), c.max() + 1) for c in where)].squeeze()
    found = box(source, places)
    if inside.size > 3 * len(places):
        assert found is None
    else:
        shape, at = found
        assert shape == inside.shape
        assert np.array_equal(inside.reshape(-1)[at], places)
