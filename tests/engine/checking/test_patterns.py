"""Each pattern of wrong numbers is told from the right ones, for random arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checking import patterns
from engine.checking.diagnosis import Case, diagnose
from engine.checking.patterns import Closeness

CLOSE = Closeness(1e-7, 1e-12)
SHAPES = [(4,), (3, 4), (4, 4), (2, 3, 3)]


def array(seed, shape):
    return np.random.default_rng(seed).normal(size=shape)


def kinds(given_, right, numbers=None):
    numbers = array(99, right.shape) * 5 if numbers is None else numbers
    case = Case("g", numbers, given_, right, 1e-9 * np.abs(right), CLOSE)
    return [cause.kind for cause in diagnose([case], None)]


@given(st.integers(0, 10**6), st.sampled_from(SHAPES))
def test_the_right_gradient_has_no_cause(seed, shape):
    right = array(seed, shape)
    assert kinds(right.copy(), right) == []


@given(st.integers(0, 10**6), st.sampled_from(SHAPES))
def test_every_moved_pattern_is_named(seed, shape):
    right = array(seed, shape)
    for pattern in patterns.moved(right):
        if not np.allclose(pattern.array, right):
            found = kinds(pattern.array, right)
            assert {"transposed", "flipped", "shifted", "permuted"} & set(found), pattern.text


@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.sampled_from([-1.0, 2.0, 0.5, -3.0, 0.1, 1.01]))
def test_factors(seed, shape, c):
    right = array(seed, shape)
    found = kinds(c * right, right)
    assert ("sign" in found) == (c < 0)
    assert c == -1.0 or {"factor", "accumulated", "sum instead of mean", "mean instead of sum"} & set(found)


@given(st.integers(0, 10**6))
def test_rows_and_columns_are_named(seed):
    right = array(seed, (4, 3))
    wrong = right.copy()
    wrong[2] *= -1.7
    assert patterns.some_entries(wrong != right, "W") == "only row 2 of W"
    wrong = right.copy()
    wrong[:, [0, 2]] += 1
    assert patterns.some_entries(wrong != right, "W") == "only columns 0, 2 of W"


@given(st.integers(0, 10**6))
def test_unrelated_numbers_are_not_explained(seed):
    right, other = array(seed, (3, 4)), array(seed + 1, (3, 4)) + 0.1
    assert kinds(other, right) == ["unexplained"]


@pytest.mark.parametrize(("c", "kind"), [(5.0, "sum instead of mean"), (0.2, "mean instead of sum")])
def test_the_length_of_a_batch_is_recognised(c, kind):
    assert kind in [kind for kind, _ in patterns.named_factor(c, {5: "the mean has 5 terms"}, is_single=False)]


def test_two_causes_of_one_number_are_both_named():
    found = [kind for kind, _ in patterns.named_factor(2.0, {2: "the mean has 2 terms"}, is_single=False)]
    assert {"factor", "accumulated", "sum instead of mean"} <= set(found)


def test_a_single_number_has_only_known_factors():
    assert patterns.named_factor(1.2345, {}, is_single=True) == []
    assert patterns.named_factor(180 / np.pi, {}, is_single=True)[0][1].endswith("degrees for radians")


@pytest.mark.parametrize(
    ("shape", "kind"), [((4, 3), "transposed"), ((12,), "shape"), ((3, 1, 4), "shape"), ((7,), "shape")]
)
def test_wrong_shapes_have_a_cause(shape, kind):
    right = array(3, (3, 4))
    given_ = right.T if kind == "transposed" else np.resize(right, shape)
    assert kinds(given_, right)[0] == kind
