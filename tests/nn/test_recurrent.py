"""Recurrent cells, and what sequences have of them: their formulas, their gates at the ends, what they refuse."""

import math
import statistics

import numpy as np
import pytest

import nn
from engine import Value, dot

from .case import data, outputs, weights
from .states import CELLS, SEQUENCES, flat_states, named_in, numbers

every_layer = pytest.mark.parametrize("make", [*CELLS, *SEQUENCES], ids=lambda c: c.__name__)


# ------------------------------------------------------------------------------ the formulas, in NumPy


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def rnn(of_x, of_h, h):
    return (np.tanh(of_x[0] + of_h[0]),)


def lstm(of_x, of_h, h, c):
    i, f, g, o = of_x + of_h
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(of_x, of_h, h):
    r, z = sigmoid(of_x[:2] + of_h[:2])
    return ((1.0 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h,)


@pytest.mark.parametrize(("make", "formula"), [*zip(CELLS, [rnn, lstm, gru], strict=True)])
def test_a_step_is_the_textbooks(make, formula):
    cell = make(2, 3, seed=0)
    state, x = cell.state_dict(), numbers(2)
    states = [numbers(3, seed=k) for k in range(1 + (make is nn.LSTMCell))]
    of_x = (state["weight_ih"] @ x + state["bias_ih"]).reshape(-1, 3)  # a row a gate
    of_h = (state["weight_hh"] @ states[0] + state["bias_hh"]).reshape(-1, 3)
    after = flat_states(cell(x, tuple(states) if len(states) > 1 else states[0]))
    for ours, theirs in zip(after, formula(of_x, of_h, *states), strict=True):
        np.testing.assert_allclose(data(ours), theirs, rtol=1e-13)


# ------------------------------------------------------------------------------ gates at their ends


def loaded(layer, tensors):
    """A layer with these numbers in place of some of its own."""
    layer.load_state_dict(layer.state_dict() | tensors)
    return layer


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gru_keeps_its_state_where_z_is_1_and_forgets_it_where_z_is_0(sign):
    cell = nn.GRUCell(2, 3, seed=0)
    bias = cell.state_dict()["bias_ih"]
    bias[3:6] = 1000.0 * sign  # the gates r, z, n
    loaded(cell, {"bias_ih": bias})
    x, h = numbers(2), numbers(3)
    out = cell(x, h)
    after = data(out)
    assert named_in(out[0])["z[0]"] == (sign > 0)
    if sign > 0:
        np.testing.assert_array_equal(after, h)
    else:
        state = cell.state_dict()
        r = 1 / (1 + np.exp(-(state["weight_ih"] @ x + bias + state["weight_hh"] @ h + state["bias_hh"])[:3]))
        of_h = state["weight_hh"][6:] @ h + state["bias_hh"][6:]
        np.testing.assert_allclose(after, np.tanh(state["weight_ih"][6:] @ x + bias[6:] + r * of_h), rtol=1e-14)


def test_an_lstm_keeps_c_where_it_forgets_nothing_and_lets_nothing_in():
    cell = nn.LSTMCell(2, 3, seed=0)
    bias = cell.state_dict()["bias_hh"]
    bias[:3], bias[3:6] = -1000.0, 1000.0  # the gates i, f, g, o
    loaded(cell, {"bias_hh": bias})
    c = numbers(3)
    _, after = cell(numbers(2), (numbers(3, seed=1), c))
    np.testing.assert_array_equal(data(after), c)
    gates = named_in(after[0])
    assert (gates["i[0]"], gates["f[0]"]) == (0.0, 1.0)


def test_a_gru_that_hardly_lets_anything_in_keeps_the_digits_of_it():
    mpmath = pytest.importorskip("mpmath")
    cell = nn.GRUCell(1, 1, bias=False)
    cell.load_state_dict({"weight_ih": [[0.0], [30.0], [0.5]], "weight_hh": [[0.0], [0.0], [0.0]]})
    (h,) = cell([1.0])  # z = 1 − 9.4e-14
    with mpmath.workdps(40):
        exact = mpmath.tanh(mpmath.mpf(0.5)) / (1 + mpmath.exp(30))
        assert abs(h.data - exact) < 1e-15 * exact


# ------------------------------------------------------------------------------ parameters


@every_layer
def test_both_biases_have_their_gradients(make):
    layer = make(2, 3, seed=0)
    out = layer(numbers(4, 2))
    out = outputs(out if make in SEQUENCES else layer(numbers(4, 2, seed=1), out))  # the second step: c is not 0
    dot(weights(len(out)), out).backward()
    grads = [array for name, array in layer.grad_dict().items() if "bias" in name]
    shared = 6 if make in (nn.GRUCell, nn.GRU) else len(grads[0])  # n's second bias is seen through r
    assert np.all(grads[0] != 0)
    np.testing.assert_array_equal(grads[0][:shared], grads[1][:shared])
    assert not np.any(grads[0][shared:] == grads[1][shared:])


@every_layer
def test_weights_and_biases_begin_in_pytorchs_range(make):
    state = make(30, 25, seed=0).state_dict()
    for array in state.values():
        assert np.all(np.abs(array) <= 0.2)
        assert np.max(np.abs(array)) > 0.15
    every = np.concatenate([array.ravel() for array in state.values()])
    assert statistics.pstdev(every) == pytest.approx(0.2 / math.sqrt(3), rel=0.05)
    again, other = make(30, 25, seed=0).state_dict(), make(30, 25, seed=1).state_dict()
    assert all(np.array_equal(again[name], array) for name, array in state.items())
    assert not any(np.array_equal(other[name], array) for name, array in state.items())


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("RNNCell", (2, 3), {}),
        ("RNNCell", (2, 3, False, "relu"), {}),
        ("LSTMCell", (2, 3, False), {}),
        ("GRUCell", (2, 3), {}),
        ("RNN", (2, 3, 1, "relu"), {}),
        ("LSTM", (2, 3, 2), {"bias": False, "batch_first": True, "dropout": 0.5, "bidirectional": True}),
        ("GRU", (2, 3), {"bidirectional": True}),
    ],
)
def test_it_is_printed_as_pytorch_prints_it(name, args, options):
    torch = pytest.importorskip("torch")
    assert repr(getattr(nn, name)(*args, **options)) == repr(getattr(torch.nn, name)(*args, **options))


# ------------------------------------------------------------------------------ what they refuse


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.GRUCell(2, 3)(numbers(5, 2), numbers(4, 3)), r"hx of shape \(5, 3\), and got shape \(4, 3\)"),
        (lambda: nn.RNNCell(2, 3)(numbers(2), numbers(2)), r"hx of shape \(3,\), and got shape \(2,\)"),
        (lambda: nn.RNNCell(2, 3)(numbers(5, 2), numbers(3)), r"hx of shape \(5, 3\), and got shape \(3,\)"),
        (lambda: nn.LSTMCell(2, 3)(numbers(2), numbers(3)), r"pair \(h, c\), and got 3 parts"),
        (lambda: nn.LSTMCell(2, 3)(numbers(2), Value(1.0)), r"pair \(h, c\), and got Value"),
        (lambda: nn.LSTMCell(2, 3)(numbers(2), (numbers(3), numbers(2))), r"c of shape \(3,\), and got shape \(2,\)"),
        (lambda: nn.RNN(2, 3)(numbers(4, 2), numbers(3)), r"hx of shape \(1, 3\), and got shape \(3,\)"),
        (lambda: nn.GRU(2, 3, 2)(numbers(4, 5, 2), numbers(2, 4, 3)), r"\(2, 5, 3\), and got shape \(2, 4, 3\)"),
        (
            lambda: nn.GRU(2, 3, batch_first=True)(numbers(4, 5, 2), numbers(4, 1, 3)),
            r"\(1, 4, 3\), and got shape \(4, 1, 3\)",
        ),
        (
            lambda: nn.LSTM(2, 3)(numbers(4, 2), (numbers(1, 3), numbers(1, 1, 3))),
            r"c of shape \(1, 3\), and got shape \(1, 1, 3\)",
        ),
        (
            lambda: nn.LSTM(2, 3)(numbers(4, 3)),
            r"LSTM\(2, 3\) takes shape \(length, 2\) or \(length, batch, 2\), and got shape \(4, 3\)",
        ),
        (
            lambda: nn.LSTM(2, 3, batch_first=True)(numbers(4)),
            r"takes shape \(length, 2\) or \(batch, length, 2\), and got shape \(4,\)",
        ),
        (lambda: nn.RNN(2, 3)([]), r"got shape \(0,\); a sequence has at least one step"),
        (lambda: nn.RNN(2, 3, batch_first=True)([[], []]), "at least one step"),
        (lambda: nn.GRU(1, 3, batch_first=True)([[[1.0]], [[1.0], [2.0]]]), "different lengths one by one"),
        (lambda: nn.RNN(2, 3, nonlinearity="sigmoid"), "'tanh' or 'relu', not 'sigmoid'"),
        (lambda: nn.RNNCell(2, 3, nonlinearity="gelu"), "'tanh' or 'relu', not 'gelu'"),
        (lambda: nn.LSTM(2, 3, 2, dropout=1.5), "dropout is a probability, from 0 to 1, not 1.5"),
        (lambda: nn.GRU(2, 3, 2, dropout=math.nan), "dropout is a probability"),
        (lambda: nn.GRU(2, 3, 0), "num_layers is at least 1"),
        (lambda: nn.GRUCell(0, 3), "input_size is at least 1"),
        (lambda: nn.LSTM(2, 0), "hidden_size is at least 1"),
    ],
)
def test_a_mistake_is_told_with_both_shapes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LSTM(2, 3, 2, "relu"), "bias is True or False, not 'relu'"),
        (lambda: nn.GRU(2, 3, batch_first=1), "batch_first is True or False"),
        (lambda: nn.RNN(2, 3, 2, dropout="a"), "dropout is a probability, from 0 to 1, not 'a'"),
        (lambda: nn.RNNCell(2, 3, "relu"), "bias is True or False"),
        (lambda: nn.LSTM(2, 3, proj_size=2), "proj_size"),
        (lambda: nn.RNN(2.0, 3), "input_size is a whole number"),
        (lambda: nn.GRU(2, 3)([["a", 1.0]]), "number or a Value"),
        (lambda: nn.LSTMCell(2, 3)(numbers(2), "hc"), "number or a Value"),
    ],
)
def test_another_kind_is_a_type_error(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_the_place_of_a_part_is_told():
    class Whole(nn.Module):
        def __init__(self):
            self.memory = nn.GRU(2, 3)

            self.cell = nn.LSTMCell(2, 3)

    with pytest.raises(ValueError, match=r"\(at memory\) takes shape"):
        Whole().memory(numbers(3))
    with pytest.raises(ValueError, match=r"\(at cell\) takes hx as a pair"):
        Whole().cell(numbers(2), numbers(3))
