"""Views as code: slices, reshapes, transposes read the places of the view, and the way back is their inverse."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.vectorize.arrays import Array, View
from engine.vectorize.grids import contiguous, span
from engine.vectorize.reading import reading

BATCH = 2


def filled(shape, varies):
    """An array whose every entry is another number."""
    whole = (*shape, BATCH) if varies else shape
    return np.arange(math.prod(whole), dtype=float).reshape(whole)


def flat(numbers, shape, varies):
    """(entries,) or (entries, batch): the array with its own axes made one."""
    return numbers.reshape(math.prod(shape), *([BATCH] if varies else []))


def wanted(numbers, array, view):
    """What the view reads, without the axes that it repeats."""
    places = view.places()
    short = tuple(slice(None) if n > 1 and s else 0 for n, s in zip(view.shape, view.strides, strict=True))
    return flat(numbers, array.shape, array.varies)[places[short]]


def read(array, view):
    """Check the code, and its way back, on numbers; gives the Reading, or None."""
    found = reading("a", array, view)
    if found is None:
        return None
    numbers = filled(array.shape, array.varies)
    numbers.flags.writeable = False
    got = eval(found.code, {"a": numbers})
    want = wanted(numbers, array, view)
    assert got.shape == want.shape == (*found.shape, *([BATCH] if array.varies else []))
    assert np.array_equal(got, want), f"{found.code} of {array.shape} for {view}"
    assert found.shape == tuple(view.shape[i] for i in found.kept)
    if found.back is not None:
        assert got.size == numbers.size
        assert np.array_equal(eval(found.back.format("g"), {"g": got}), numbers)
    return found


sizes = st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple)
every_batch = pytest.mark.parametrize("varies", [False, True], ids=["no batch", "batch"])


@st.composite
def views(draw):
    """An array, and any affine view within it."""
    source, shape = draw(sizes), draw(sizes)
    size = math.prod(source)
    steps = st.one_of(st.integers(-size, size), st.sampled_from([0, *contiguous(source)]))
    strides = tuple(draw(steps) for _ in shape)
    low, high = span(0, shape, strides)
    assume(high - low < size)
    return source, View(0, shape, strides, draw(st.integers(-low, size - 1 - high)))


@every_batch
@given(views())
@example(((2, 6), View(0, (3, 2), (4, 1), 1)))
def test_the_code_reads_the_places(varies, drawn):
    source, view = drawn
    read(Array("result", "a", source, varies), view)


@st.composite
def slices(draw):
    """An array, and a view of it: a slice, its axes in any order, some repeated; and the array that NumPy gives."""
    source = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple))
    places = np.arange(math.prod(source)).reshape(source)
    for axis, n in enumerate(source):
        start, step = draw(st.integers(0, n - 1)), draw(st.integers(1, 2))
        places = places[(slice(None),) * axis + (slice(start, draw(st.integers(start + 1, n)), step),)]
    places = places.transpose(draw(st.permutations(range(places.ndim))))
    strides = [s // places.itemsize for s in places.strides]
    shape, begin = list(places.shape), int(places.flat[0])
    for _ in range(draw(st.integers(0, 1))):
        axis = draw(st.integers(0, len(shape)))
        shape.insert(axis, draw(st.integers(1, 3)))
        strides.insert(axis, 0)
    return source, View(0, tuple(shape), tuple(strides), begin)


@every_batch
@given(slices())
def test_slices_and_transposes_need_no_index(varies, drawn):
    source, view = drawn
    assert read(Array("result", "a", source, varies), view) is not None


@every_batch
@given(sizes, st.data())
def test_the_whole_array_in_another_shape_has_a_way_back(varies, shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    axes = tuple(np.arange(math.prod(shape)).reshape(shape).transpose(order).strides)
    view = View(0, tuple(shape[i] for i in order), tuple(s // 8 for s in axes))
    source = data.draw(st.sampled_from([shape, (math.prod(shape),), (1, *shape), (math.prod(shape[:2]), *shape[2:])]))
    found = read(Array("result", "a", source, varies), view)
    assert found is not None
    assert found.back is not None


@pytest.mark.parametrize(("source", "view", "code"), [
    ((6,), View(0, (6,), (1,)), "a"),
    ((12,), View(0, (3, 4), (4, 1)), "a.reshape(3, 4, -1)"),
    ((3, 4), View(0, (4, 3), (1, 4)), "a.transpose(1, 0, 2)"),
    ((3, 4), View(0, (3,), (4,), 2), "a[:, 2]"),
    ((3, 4), View(0, (3, 2), (4, 2), 1), "a[:, 1:4:2]"),
    ((3, 4), View(0, (7, 4), (0, 1), 4), "a[1]"),
    ((8,), View(0, (2, 3), (4, 1)), "a.reshape(2, 4, -1)[:, 0:3]"),
    ((4, 32), View(0, (4, 4, 3, 8), (8, 32, 0, 1)), "a.reshape(4, 4, 8, -1).transpose(1, 0, 2, 3)"),
    ((), View(0, (5,), (0,)), "a"),
], ids=lambda x: x if isinstance(x, str) else "")  # fmt: skip
def test_how_it_is_written(source, view, code):
    found = read(Array("result", "a", source, True), view)
    assert found.code == code


@pytest.mark.parametrize("view", [
    View(0, (3,), (-1,), 5), View(0, (3,), (1,), 0, 0, np.array([4, 1, 2])), View(0, (2, 2), (1, 1)),
], ids=["backwards", "index", "windows"])  # fmt: skip
def test_what_only_an_index_can_say(view):
    assert reading("a", Array("result", "a", (6,), False), view) is None
