"""The arrays of a call: their shapes, their kinds, and what is said of others."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.vectorize.batches import Item

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
kinds = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_])


@given(shapes, st.integers(0, 3), kinds, st.sampled_from([np.float64, np.float32]))
def test_real_numbers_of_the_right_shape_are_taken(shape, batch, kind, dtype):
    given_array = np.ones((batch, *shape), kind)
    taken = Item("x", "X", shape).taken(given_array, dtype)
    assert taken.dtype == dtype
    assert np.array_equal(taken, given_array)
    assert (taken is given_array) == (kind == dtype)  # nothing is copied without need


@given(shapes, shapes)
def test_another_shape_is_refused(shape, other):
    assume(not other or other[1:] != shape)
    with pytest.raises(ValueError, match=re.escape(f"the array given has shape {other}")):
        Item("x", "X", shape).taken(np.ones(other), np.float64)


@pytest.mark.parametrize(("shape", "said"), [((), "(batch,)"), ((2,), "(batch, 2)"), ((2, 3), "(batch, 2, 3)")])
def test_the_shape_that_is_wanted_is_named(shape, said):
    with pytest.raises(ValueError, match=re.escape(f"X has the shape {said}, and")):
        Item("x", "X", shape).taken(np.ones((4, 5, 6, 7)), np.float64)
    with pytest.raises(ValueError, match=re.escape(f"X has the shape {said}, and the rows of the list differ")):
        Item("x", "X", shape).taken([[1.0], [1.0, 2.0]], np.float64)


def test_lists_and_single_numbers():
    assert Item("x", "X", (2,)).taken([[1, 2], [3, 4]], np.float32).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match=re.escape("has shape ()")):
        Item("x", "X", ()).taken(1.0, np.float64)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([None]), np.array([{}])])
@pytest.mark.parametrize("whole", [False, True])
def test_what_is_no_number_is_refused(array, whole):
    with pytest.raises(TypeError, match=r"X is an array of (real|whole) numbers, not of"):
        Item("x", "X", (), whole).taken(array, np.float64)


# ------------------------------------------------------------------------------- indices


@given(st.lists(st.integers(-50, 50), min_size=1), st.sampled_from([np.int64, np.int32, np.float64, np.float32]))
def test_whole_numbers_become_integers(places, kind):
    taken = Item("i", "i", (), whole=True).taken(np.array(places, kind), np.float64)
    assert taken.dtype.kind == "i"
    assert taken.tolist() == places


@pytest.mark.parametrize("wrong", [0.5, -1.25, np.nan, np.inf, -np.inf])
def test_an_index_that_is_not_whole_names_its_example(wrong):
    array = np.array([[1.0, 2.0], [0.0, wrong]])
    with pytest.raises(TypeError, match=re.escape(f"I is an index: a whole number, not {wrong!r} (example 1)")):
        Item("i", "I", (2,), whole=True).taken(array, np.float64)


# ------------------------------------------------------------------------------- drawn numbers


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_numbers_are_drawn_example_by_example(batch):
    drawn = iter(range(100))
    item = Item("m", "M", (2,), samples=[lambda: float(next(drawn)), lambda: -float(next(drawn))])
    array = item.drawn(batch, np.float32)
    assert array.dtype == np.float32
    assert array.tolist() == [[2.0 * i, -2.0 * i - 1.0] for i in range(batch)]
