"""Tensors: what is one, its numbers as an array, and which numbers may take their place."""

import numpy as np
import pytest

from engine import Value
from nn.tensors import as_array, fitting, is_tensor, tensors_in


def test_a_tensor_is_leaves_in_lists():
    assert is_tensor(Value(1.0))
    assert is_tensor([[Value(1.0)], [Value(2.0)]])
    for other in (Value(1.0) * 2, [], [[]], [Value(1.0), 2.0], 1.0, None, np.array(1.0)):
        assert not is_tensor(other)


def test_lists_and_dicts_of_other_things_hold_tensors():
    a, b = Value(1.0), [Value(2.0)]
    assert list(tensors_in("x", {"a": a, "rest": [None, b]})) == [("x.a", a), ("x.rest.1", b)]


def test_numbers_are_read_in_the_shape_of_the_tensor():
    tensor = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    np.testing.assert_array_equal(as_array(tensor, lambda v: v.data), [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="rows of different lengths"):
        as_array([[Value(1.0)], []], lambda v: v.data)


@pytest.mark.parametrize("number", [0.5, 1e300, float("inf"), float("nan"), 2**63])
def test_a_count_takes_whole_numbers_that_it_can_hold(number):
    faults = []
    fitting("steps", number, np.array(3), faults)
    assert faults == ["'steps' counts, and has numbers that are not whole"]


def test_numbers_take_the_kind_of_what_is_there():
    faults = []
    assert fitting("steps", np.float32(7), np.array(3), faults).dtype == np.int64
    assert fitting("w", [1, 2], [Value(0.0), Value(0.0)], faults).dtype == np.float64
    assert faults == []
