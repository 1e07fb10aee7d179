"""What a layer takes is said in one place: the shape asked for, the shape given, the layer."""

import numpy as np
import pytest

import nn
from engine import Value
from nn.shapes import checked, constant, count, over_batch, values


def test_numbers_become_constants_and_values_stay():
    v = Value(1.0)
    out = values([v, 2, np.float32(0.5), (True, np.array([3.0, 4.0]))])
    assert out[0] is v
    assert [out[1].data, out[2].data, out[3][0].data, out[3][1][1].data] == [2.0, 0.5, 1.0, 4.0]
    assert not out[1].requires_grad
    assert values(np.array(2.0)).data == 2.0
    assert not constant(1).requires_grad


@pytest.mark.parametrize("bad", ["ab", [None], [1j], {"a": 1.0}, [["x"]]])
def test_what_holds_no_numbers_is_refused(bad):
    with pytest.raises(TypeError):
        values(bad)


@pytest.mark.parametrize(
    ("x", "shape", "axes", "message"),
    [
        ([1.0], (2,), 0, r"Layer takes shape \(2,\), and got shape \(1,\)"),
        ([[1.0]], (2,), 1, r"shape \(2,\) or \(batch, 2\), and got shape \(1, 1\)"),
        ([[[1.0, 2.0]]], (2,), 1, r"got shape \(1, 1, 2\)"),
        (1.0, (2,), None, r"shape \(2,\) or \(\.\.\., 2\), and got shape \(\)"),
        ([[1.0], [1.0, 2.0]], (2,), None, "got rows of different lengths"),
        ([], ("length",), 0, r"shape \(length,\), and got shape \(0,\)"),
        ([[]], ("length", 2), 0, r"shape \(length, 2\), and got shape \(1, 0\)"),
    ],
)
def test_another_shape_is_told_with_both(x, shape, axes, message):
    with pytest.raises(ValueError, match=message):
        checked("Layer", x, shape, axes)


@pytest.mark.parametrize("layer", [nn.LSTM(3, 3, seed=0), nn.GRU(3, 3, seed=0)])
def test_a_pair_that_is_passed_on_whole_is_told(layer):
    model = nn.Sequential(layer, nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"of the pair that an LSTM or attention gives, take the first$"):
        model(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"rows of different lengths$"):
        model[1]([[1.0, 2.0, 3.0], [1.0]])


def test_the_place_of_the_layer_is_told():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1))
    with pytest.raises(ValueError, match=r"Linear\(.*\) \(at layers\[1\]\) takes shape \(2,\) .* got shape \(1, 3\)"):
        model([[1.0, 2.0]])


def test_axes_before_the_shape_are_gone_through():
    def total(row):
        return sum(v.data for v in row)

    module = nn.Identity()
    assert over_batch(module, [1.0, 2.0], (2,), total) == 3.0
    assert over_batch(module, [[1.0, 2.0], [3.0, 4.0]], (2,), total) == [3.0, 7.0]
    assert over_batch(module, np.ones((2, 1, 3)), ("n",), total, axes=None) == [[3.0], [3.0]]


def test_sizes_are_whole_numbers():
    assert count("n", np.int64(3)) == 3
    for bad in (1.5, True, "3", None, np.array(2.5), np.array([1, 2])):
        with pytest.raises(TypeError, match="n is a whole number"):
            count("n", bad)
    with pytest.raises(ValueError, match="n is at least 1, not 0"):
        count("n", 0)
