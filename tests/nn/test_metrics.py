"""Accuracy and confusion matrix against scikit-learn's, and what is no class of such outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from nn import metrics


@st.composite
def several(draw):
    """Outputs (n, k), and a class for each."""
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.normal(size=(n, k)), rng.integers(0, k, n)


@given(several())
def test_several_classes(drawn):
    outputs, true = drawn
    said, k = outputs.argmax(axis=1), outputs.shape[1]
    assert metrics.accuracy(outputs, true) == pytest.approx(sklearn.accuracy_score(true, said))
    expected = sklearn.confusion_matrix(true, said, labels=range(k))
    np.testing.assert_array_equal(metrics.confusion_matrix(outputs, true), expected)


@given(several(), st.sampled_from(["numbers", "floats", "a column", "one-hot", "a list"]))
def test_classes_may_be_written_in_many_ways(drawn, form):
    outputs, true = drawn
    written = {
        "numbers": true, "floats": true.astype(float), "a column": true[:, None],
        "one-hot": np.eye(outputs.shape[1])[true], "a list": true.tolist(),
    }  # fmt: skip
    assert metrics.accuracy(outputs, written[form]) == metrics.accuracy(outputs, true)


@given(several(), st.sampled_from([0, -1]), st.booleans(), st.floats(-1.0, 1.0))
def test_two_classes_by_a_threshold(drawn, negative, column, threshold):
    outputs, true = drawn[0][:, :1], drawn[1] % 2
    said = (outputs[:, 0] > threshold).astype(int)
    targets = np.where(true, 1, negative)
    outputs, targets = (outputs, targets[:, None]) if column else (outputs[:, 0], targets)
    assert metrics.accuracy(outputs, targets, threshold) == pytest.approx(sklearn.accuracy_score(true, said))
    expected = sklearn.confusion_matrix(true, said, labels=[0, 1])
    np.testing.assert_array_equal(metrics.confusion_matrix(outputs, targets, threshold), expected)


@given(several())
def test_the_matrix_counts_each_example_once_and_the_right_ones_on_its_diagonal(drawn):
    matrix = metrics.confusion_matrix(*drawn)
    assert matrix.dtype == np.int64
    assert matrix.sum() == len(drawn[1])
    assert np.trace(matrix) / matrix.sum() == pytest.approx(metrics.accuracy(*drawn))


def test_of_two_largest_the_first_wins_and_the_threshold_itself_says_no():
    assert metrics.accuracy([[1.0, 1.0]], [0]) == 1.0
    assert metrics.accuracy([0.5], [0], threshold=0.5) == 1.0


def test_shares_of_classes_count_by_the_largest():
    assert metrics.accuracy([[0.1, 0.9]], [[0.4, 0.6]]) == 1.0


def test_of_no_examples_it_is_nan():
    assert np.isnan(metrics.accuracy(np.empty((0, 3)), np.empty(0, int)))


NONE = {
    "a class too large": ([[0.1, 0.9]], [2], "0 to 1"),
    "a class below 0": ([[0.1, 0.9]], [-1], "0 to 1"),
    "a share of a class": ([[0.1, 0.9]], [0.5], "0 to 1"),
    "shares that are no shares": ([[0.1, 0.9]], [[0.5, 0.9]], "sum 1"),
    "a number for one output": ([0.5], [0.7], "0 and 1"),
    "three classes of one output": ([0.5, 0.5, 0.5], [-1, 0, 1], "0 and 1"),
    "fewer targets": ([0.5, 0.5], [1], r"\(2,\) and \(1,\)"),
    "an image": (np.zeros((2, 3, 3)), [0, 1], r"\(2, 3, 3\)"),
    "no outputs of each": (np.zeros((2, 0)), [0, 1], r"\(2, 0\)"),
    "a matrix for one output": ([0.5, 0.5], [[0, 1], [1, 0]], r"\(2, 2\)"),
    "nan": ([0.5], [np.nan], "0 and 1"),
}


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_class_is_told(what):
    outputs, targets, message = NONE[what]
    assert not metrics.are_classes(outputs, targets)
    for measure in (metrics.accuracy, metrics.confusion_matrix):
        with pytest.raises(ValueError, match=message):
            measure(outputs, targets)


def test_floats_beside_several_outputs_may_be_measured_numbers():
    outputs = np.zeros((2, 2))
    assert metrics.are_classes(outputs, [0, 1])
    assert not metrics.are_classes(outputs, [0.0, 1.0])
    assert metrics.are_classes(outputs, np.eye(2))
    assert metrics.are_classes([0.2, 0.9], [0.0, 1.0])
