"""What lines are written with: names for texts and constants, views in the axes that an operation needs."""

import numpy as np
from hypothesis import given

from engine.vectorize.arrays import ArrayProgram, View
from engine.vectorize.names import Names
from engine.vectorize.writer import Writer, expanded, kept_places, reshaped

from .drawn import SOURCES
from .test_reading import slices


def writer():
    return Writer(ArrayProgram(SOURCES, (), ()), Names({"x", "parameters", "c1"}), lambda places, unnamed: unnamed)


def test_a_text_has_one_name():
    out = writer()
    assert out.named("x", "y", (), True) == "x"  # a name already
    assert [out.named("x + 1.0", "y", (2, 3), True), out.named("x + 1.0", "z", (2, 3), True)] == ["y", "y"]
    [line] = out.out.lines
    assert (line.name, line.code, line.comment) == ("y", "x + 1.0", "(2, 3, batch)")


def test_a_constant_has_one_name():
    out = writer()
    places = np.array([3, 1])
    names = [out.index(p, n) for p, n in ((places, 6), (places.copy(), 6), (places, 7), (places[::-1].copy(), 6))]
    assert names == ["index1", "index1", "index2", "index3"]
    assert set(out.out.constants) == set(names)
    there = np.array([True, False])
    assert out.mask(there, False) == out.mask(there.copy(), False) != out.mask(there, True)


def test_shapes_are_written_as_tuples():
    out = writer()
    comments = [((), False), ((), True), ((4,), False), ((4,), True), ((4, 2), False)]
    for i, (shape, varies) in enumerate(comments):
        out.line(f"n{i}", "0.0", shape, varies)
    assert [line.comment for line in out.out.lines] == ["()", "(batch,)", "(4,)", "(4, batch)", "(4, 2)"]


def test_a_view_beside_others_has_axes_of_length_1():
    out = writer()
    rows = View(1, (2, 5), (3, 0))
    name = out.own(rows)
    assert out.spread(rows, True) == f"{name}[:, None]"
    assert out.spread(View(1, (5, 2), (0, 3)), True) == name  # axes in front need not be there
    assert out.spread(View(0, (3,), (1,), 4), True) == out.out.lines[-1].name  # a bias is a column
    assert out.out.lines[-1].code == "parameters[4:7].reshape(3, 1)"


@given(slices())
def test_an_expanded_view_reads_the_same_and_leaves_out_no_axis(drawn):
    source, view = drawn
    whole = np.arange(np.prod(source))
    want = whole[np.broadcast_to(view.places(), view.shape)]
    wide = expanded(view, listed_only=False)
    assert np.array_equal(np.broadcast_to(wide.places(), view.shape), want)
    assert all(step for step, n in zip(wide.strides, wide.shape, strict=True) if n > 1)
    short = tuple(slice(None) if n > 1 and s else 0 for n, s in zip(view.shape, view.strides, strict=True))
    assert np.array_equal(kept_places(view), want[short])


def test_a_shape_in_code():
    assert [reshaped("a", (), False), reshaped("a", (), True), reshaped("a", (2, 3), True)] == [
        "a.reshape(())", "a.reshape(-1)", "a.reshape(2, 3, -1)",
    ]  # fmt: skip
