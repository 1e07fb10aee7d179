"""Gradients on their way back: whatever reads an array, and however often, adds its share."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import TABLE
from engine.vectorize.arrays import ArrayProgram, Statement, View
from engine.vectorize.columns import DOT

from .drawn import PARAMETERS, SOURCES, agrees, bound, result


def read_by(*views):
    """The loss Σ sin(view) of several views of the parameters."""
    arrays, statements, sums = list(SOURCES), [], []
    for view in views:
        statements.append(Statement(len(arrays), TABLE["sin"], (view,)))
        sums.append(View(len(arrays), view.shape, (1,), 0, 1))
        arrays.append(result(f"s{len(arrays)}", False, view.shape))
    statements.append(Statement(len(arrays), DOT, tuple(sums)))
    arrays.append(result("loss", False))
    return ArrayProgram(tuple(arrays), tuple(statements), ((len(arrays) - 1, 0), (0, 0)))


@pytest.mark.parametrize("order", list(permutations([(0, 3), (3, 2), (5, 3)])))
def test_tensors_that_follow_one_another_are_joined(order):
    program = read_by(*(View(0, (n,), (1,), begin) for begin, n in order))
    agrees(program)
    source = bound(program).source
    assert "concatenate(" in source
    assert "scatter(" not in source


@pytest.mark.parametrize("stretches", [[(1, 3), (5, 2)], [(0, 2)], [(6, 2)], [(0, 3), (4, 4)]])
def test_parameters_that_nobody_reads_have_the_gradient_0(stretches):
    program = read_by(*(View(0, (n,), (1,), begin) for begin, n in stretches))
    agrees(program)
    assert "zeros(" in bound(program).source
    assert "scatter(" not in bound(program).source


def test_what_overlaps_is_added():
    program = read_by(View(0, (5,), (1,), 0), View(0, (5,), (1,), 3))
    agrees(program)
    assert "scatter(" in bound(program).source


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(2, 4), st.integers(1, 2)), min_size=1, max_size=6))
def test_any_readers(stretches):
    agrees(read_by(*(View(0, (n,), (step,), begin) for begin, n, step in stretches)))


def test_very_many_readers():
    agrees(read_by(*(View(0, (PARAMETERS,), (1,)) for _ in range(80))))
