"""Source written for arrays: forward it computes what plain loops compute, backward what numeric differences say."""

import ast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import TABLE
from engine.vectorize.arrays import ArrayProgram, Statement, View
from engine.vectorize.columns import DOT

from .drawn import SOURCES, W, X, agrees, bound, programs, result


@settings(max_examples=60)
@given(programs())
def test_drawn_programs(program):
    agrees(program)


@settings(max_examples=20)
@given(programs(varies=False))
def test_programs_of_parameters_alone(program):
    agrees(program)


@settings(max_examples=20)
@given(programs())
def test_every_name_is_given_once(program):
    tree = ast.parse(bound(program).source)
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    assert len(stored) == len(set(stored))


@given(st.integers(1, 5))
def test_a_batch_of_any_length(batch):
    """w₀·x₀₀: its mean, and the mean of x₀₀."""
    program = ArrayProgram(
        (*SOURCES, result("z")), (Statement(3, TABLE["mul"], (at(0, 0), at(1, 0))),), ((3, 0), (3, 0))
    )
    some = np.concatenate([X, X])[:batch]
    value, gradient = bound(program).run(W, some, "gradient")
    np.testing.assert_allclose(value, W[0] * some[:, 0, 0].mean())
    np.testing.assert_allclose(gradient, np.eye(len(W))[0] * some[:, 0, 0].mean())


def at(array, place):
    return View(array, (), (), place)


def test_what_no_parameter_moves_has_the_gradient_0():
    program = ArrayProgram((*SOURCES, result("z")), (Statement(3, TABLE["sin"], (at(1, 4),)),), ((3, 0), (1, 0)))
    agrees(program)
    assert "zeros(8)" in bound(program).source


def test_statements_that_nobody_needs_are_not_written():
    statements = (Statement(3, TABLE["sin"], (at(0, 1),)), Statement(4, DOT, (at(0, 2), -1.0)))
    program = ArrayProgram((*SOURCES, result("unused", False), result("z", False)), statements, ((4, 0), (4, 0)))
    agrees(program)
    assert "unused" not in bound(program).source
