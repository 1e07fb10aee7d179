"""Sums of products: matrix products where they are, letters elsewhere, and the same numbers whatever the form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vectorize.arrays import ArrayProgram, Statement, View
from engine.vectorize.columns import DOT

from .drawn import SOURCES, Drawing, agrees, bound, result


def product(left, right, shape, mask=None):
    """Σ left · right, then the sum of its squares as the loss."""
    left, right = (View(v.array, v.shape, v.strides, v.offset, v.listed, v.index, mask) for v in (left, right))
    varies = 1 in (left.array, right.array)
    whole = View(3, (int(np.prod(shape)),), (1,), 0, 1)
    statements = (Statement(3, DOT, (), ((left, right),)), Statement(4, DOT, (), ((whole, whole),)))
    arrays = (*SOURCES, result("z", varies, shape), result("loss", varies))
    return ArrayProgram(arrays, statements, ((4, 0), (3, 0)))


FORMS = {
    "matrix times vector": (View(0, (3, 2), (1, 3), 0, 1), View(1, (3, 2), (1, 0), 3, 1), (2,), " @ x_part"),
    "matrix times matrix": (View(0, (3, 2, 2), (1, 3, 0), 0, 1), View(1, (3, 2, 2), (1, 0, 3), 0, 1), (2, 2), " @ "),
    "vector times matrix": (View(0, (2, 3), (1, 0), 2, 1), View(1, (2, 3), (3, 1), 0, 1), (3,), " @ "),
    "an inner product of what varies": (View(1, (3,), (1,), 0, 1), View(1, (3,), (1,), 3, 1), (), ".sum(axis=0)"),
    "a square of what varies": (View(1, (3, 2), (1, 3), 0, 1), View(1, (3, 2), (1, 3), 0, 1), (2,), ".sum(axis=0)"),
    "two vectors of parameters": (View(0, (4,), (1,), 0, 1), View(0, (4,), (1,), 4, 1), (), "@"),
    "a vector of parameters by itself": (View(0, (4,), (1,), 2, 1), View(0, (4,), (1,), 2, 1), (), "@"),
    "all pairs of rows": (View(1, (3, 2, 2), (1, 3, 0), 0, 1), View(1, (3, 2, 2), (1, 0, 3), 0, 1), (2, 2), "einsum("),
    "windows": (View(0, (2, 2), (1, 0), 0, 1), View(1, (2, 2), (1, 1), 0, 1), (2,), "gather("),
    "lists along two axes": (View(0, (2, 3), (3, 1), 1, 2), View(1, (2, 3), (3, 1), 0, 2), (), "reshape(6"),
    "single entries": (View(0, (2, 3), (3, 1)), View(1, (2, 3), (3, 1)), (2, 3), " * x"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form(form):
    left, right, shape, written = FORMS[form]
    program = product(left, right, shape)
    agrees(program)
    assert written in bound(program).source


@pytest.mark.parametrize("form", ["matrix times vector", "matrix times matrix", "vector times matrix"])
def test_matrices_are_multiplied_both_ways(form):
    """z = W @ x; d_W = d_z @ x.T; what is given has no gradient."""
    left, right, shape, _ = FORMS[form]
    source = bound(product(left, right, shape)).source
    assert "einsum" not in source
    assert source.count(" @ ") == 2


@pytest.mark.parametrize("listed", [1, 2])
@pytest.mark.parametrize("which", [(0, 1), (1, 1), (0, 0)])
def test_lists_of_different_lengths(which, listed):
    """The mask leaves out of each list what is beyond its end."""
    shape, strides = ((3, 2), (1, 2)) if listed == 1 else ((3, 1, 2), (1, 0, 2))
    views = [View(array, shape, strides, 0, listed) for array in which]
    agrees(product(*views, (2,), mask=np.array([[True, True], [True, False], [False, False]]).reshape(shape)))


@settings(max_examples=60)
@given(st.data())
def test_any_two_views(data):
    drawing = Drawing(data.draw)
    grid = drawing.shape(2)
    listed = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple))
    drawing.store(DOT, grid, (), [drawing.masked(drawing.view(grid, listed), drawing.view(grid, listed))])
    if drawing.statements:
        agrees(drawing.program())
