"""Examples: arrays and rows of the same numbers, what is taken, what is refused and in which words."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value
from nn.examples import Examples, most_unlike

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6) % 3


@given(
    shape=st.lists(st.integers(1, 3), max_size=3),
    places=st.lists(st.integers(0, 4), min_size=1, max_size=6),
    whole=st.booleans(),
)
def test_rows_and_arrays_are_the_same_numbers(shape, places, whole):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (5, *shape)) if whole else rng.normal(size=(5, *shape))
    examples = Examples((x, X[:5]), Y[:5])
    first, second, targets = examples.arrays(places)
    np.testing.assert_array_equal(first, x[places])
    assert first.dtype == (np.int64 if whole else np.float64)
    rows = examples.rows(places)
    assert [inputs[0] for inputs, _ in rows] == first.tolist()
    assert [inputs[1] for inputs, _ in rows] == second.tolist()
    assert [t for _, t in rows] == targets.tolist() == examples.targets_at(places).tolist()
    some = examples.at(places)
    assert len(some) == len(places)
    assert some.rows(slice(None)) == rows


def test_without_targets_they_are_none():
    examples = Examples(X)
    assert examples.rows([1]) == [(([2.0, 3.0],), None)]
    assert examples.targets_at([1]) is None
    assert len(examples.arrays([1])) == 1


class Frame:
    """What has __array__, as a table of pandas."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)

    def __len__(self):
        return len(self.array)


READ_ONLY = X.copy()
READ_ONLY.flags.writeable = False
FORMS = {
    "an array": X,
    "lists": X.tolist(),
    "tuples in a list": [tuple(row) for row in X.tolist()],
    "arrays in a list": list(X),
    "the order of Fortran": np.asfortranarray(X),
    "every other row": np.repeat(X, 2, axis=0)[::2],
    "turned round": X[::-1].copy()[::-1],
    "read-only": READ_ONLY,
    "float32": X.astype(np.float32),
    "whole numbers": X.astype(np.uint8),
    "fractions": [[Fraction(int(v)) for v in row] for row in X],
    "objects": X.astype(object),
    "a table": Frame(X),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_the_data(form):
    [array] = Examples(FORMS[form]).arrays(slice(None))
    assert array.dtype in (np.float64, np.int64)
    np.testing.assert_array_equal(array, X)


def test_they_are_a_copy():
    x = X.copy()
    examples = Examples(x)
    x[:] = 0.0
    np.testing.assert_array_equal(examples.arrays(slice(None))[0], X)


def test_truths_are_0_and_1_and_stay_whole():
    assert Examples(X, Y > 0).rows([0, 1]) == [(([0.0, 1.0],), 0), (([2.0, 3.0],), 1)]


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**70])
def test_a_whole_number_that_int64_does_not_hold_is_a_float(number):
    assert Examples([[number]]).rows([0]) == [(([float(number)],), None)]
    if number < 2**64:
        assert Examples(np.array([[number]], np.uint64)).rows([0]) == [(([float(number)],), None)]


def test_examples_of_several_lengths_are_rows_and_no_array():
    examples = Examples([[1.0], [2.0, 3.0], [4.0]], [0, 1, 0])
    assert examples.rows([1, 0]) == [(([2.0, 3.0],), 1), (([1.0],), 0)]
    assert examples.at([2, 1]).rows(slice(None)) == [(([4.0],), 0), (([2.0, 3.0],), 1)]
    with pytest.raises(ValueError, match=r'X differ in shape \(\(1,\), \(2,\)\).*engine="scalar"'):
        examples.arrays([0])


REFUSED = {
    "a word": ("abc", TypeError, "not 'abc'"),
    "a number": (3.0, TypeError, "not 3.0"),
    "a dict": ({"a": [1.0]}, TypeError, "a dict|'a'"),
    "a set": ({1.0}, TypeError, "one entry for each example"),
    "a generator": ((x for x in X), TypeError, r"give list\(X\)"),
    "words": ([["a"], ["b"]], TypeError, "real numbers"),
    "complex numbers": (X + 1j, TypeError, "complex128"),
    "days": (np.zeros((2, 1), "M8[D]"), TypeError, "datetime64"),
    "Values": ([[Value(1.0)], ["a"]], TypeError, "real numbers"),
    "lengths within one example": ([[[1.0], [1.0, 2.0]], [[1.0], [1.0]]], TypeError, "different lengths within"),
    "masked entries": (np.ma.masked_array(X, mask=X > 3.0), ValueError, "masked"),
    "as many of each": ((X, X[:4]), ValueError, r"X\[0\] has 6, X\[1\] has 4"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_data_is_told(what):
    given, kind, message = REFUSED[what]
    with pytest.raises(kind, match=message):
        Examples(given)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("ragged", [False, True])
def test_nan_and_inf_are_counted_and_the_first_is_named(bad, ragged):
    x = [[0.0], [bad], [1.0], [bad, bad] if ragged else [bad]]
    with pytest.raises(ValueError, match=r"X holds nan or inf in 2 of 4 examples, first in X\[1\]"):
        Examples(x).require_finite()
    Examples(X, Y).require_finite()


@given(st.integers(0, 5), st.integers(0, 1))
def test_the_digest_tells_every_number_the_shape_and_the_kind_apart(i, j):
    digest = Examples(X, Y).digest()
    assert digest == Examples(X.tolist(), Y.tolist()).digest()
    other = X.copy()
    other[i, j] += 2.0**-40
    for changed in (Examples(other, Y), Examples(X.reshape(6, 1, 2), Y), Examples(X.astype(int), Y), Examples(X)):
        assert changed.digest() != digest
    assert Examples([[1.0], [2.0, 3.0]]).digest() != Examples([[1.0, 2.0], [3.0]]).digest()


def test_the_most_unlike_example_is_the_one_with_a_number_of_its_own():
    x, t = np.zeros((9, 3)), np.zeros(9)
    x[:, 0], x[4, 2], t[7] = np.arange(9) / 100.0, 1e-6, 1e-9
    assert most_unlike([x[:, :2]]) == 8
    assert most_unlike([x]) == 4
    assert most_unlike([x[:, :1] * 0.0, t]) == 7
    assert most_unlike([x[:1]]) == 0
    x[5] = np.nan, np.inf, 1e308  # which are no measure
    assert most_unlike([x]) in range(9)
