"""Neuron, Layer, MLP: what they compute, how they begin, what they refuse."""

import math
import random
import statistics

import numpy as np
import pytest

from engine import TABLE, Value, topological_sort
from nn import INITS, MLP, Layer, Neuron, named_activation

UNARY = [op.name for op in TABLE.values() if op.operands[0] == "x" and len(op.operands) == 1]


def test_a_neuron_is_a_dot_product_and_an_activation():
    neuron = Neuron(2, "tanh", seed=0)
    w0, w1, b = neuron.parameters()
    out = neuron([0.5, Value(-1.0, "x1")])
    assert out.data == math.tanh(math.fsum([w0.data * 0.5, -w1.data, b.data]))
    assert (out.name, out.parents[0].name, out.parents[0].op) == ("out", "z", TABLE["dot"])


def test_an_mlp_is_numpys_matrix_products():
    model = MLP(3, [5, 4, 2], seed=7)
    state = model.state_dict()
    x = np.array([0.3, -1.2, 2.0])
    for i in range(3):
        x = state[f"layers.{i}.weight"] @ x + state[f"layers.{i}.bias"]
        x = np.maximum(x, 0) if i < 2 else x
    assert [v.data for v in model([0.3, -1.2, 2.0])] == pytest.approx(x, rel=1e-14)


def test_gradients_are_numpys():
    model = MLP(3, [5, 1], activation="tanh", seed=7)
    x = np.array([0.3, -1.2, 2.0])
    model(x).backward()
    state, gradients = model.state_dict(), model.grad_dict()
    hidden = np.tanh(state["layers.0.weight"] @ x + state["layers.0.bias"])
    delta = state["layers.1.weight"][0] * (1 - hidden**2)
    np.testing.assert_allclose(gradients["layers.1.weight"][0], hidden, rtol=1e-14)
    np.testing.assert_allclose(gradients["layers.0.weight"], np.outer(delta, x), rtol=1e-13)
    np.testing.assert_allclose(gradients["layers.0.bias"], delta, rtol=1e-13)


def test_the_last_layer_is_linear_and_one_neuron_gives_a_value():
    model = MLP(2, [3, 1], seed=0)
    assert [layer.neurons[0].activation for layer in model.layers] == ["relu", "linear"]
    assert type(model([1.0, 2.0])) is Value
    assert len(MLP(2, [3, 2], seed=0)([1.0, 2.0])) == 2
    assert type(MLP(2, [1, 1, 1], seed=0)([1.0, 2.0])) is Value  # a hidden layer of one, too


@pytest.mark.parametrize("name", UNARY)
def test_every_operation_of_one_operand_is_an_activation(name):
    label, function = named_activation(name)
    assert label == name
    assert function(Value(0.5 if name != "acosh" else 1.5)).op.name == name


def test_a_function_can_be_an_activation():
    neuron = Neuron(1, activation=lambda z: z * z, seed=0)
    assert neuron([3.0]).data == (neuron.w[0].data * 3.0) ** 2


def test_seeds_reproduce_and_none_is_the_global_random():
    numbers = [p.data for p in MLP(2, [3, 1], seed=5).parameters()]
    assert numbers == [p.data for p in MLP(2, [3, 1], seed=5).parameters()]
    assert numbers != [p.data for p in MLP(2, [3, 1], seed=6).parameters()]
    state = random.getstate()
    random.seed(5)
    assert numbers == [p.data for p in MLP(2, [3, 1]).parameters()]
    random.setstate(state)
    assert numbers == [p.data for p in MLP(2, [3, 1], seed=random.Random(5)).parameters()]


@pytest.mark.parametrize(
    ("init", "spread"),
    [("uniform", 1 / math.sqrt(3)), ("he", math.sqrt(2 / 50)), ("xavier", math.sqrt(2 / (50 + 40)))],
)
def test_weights_begin_with_the_spread_of_their_rule(init, spread):
    layer = Layer(50, 40, init=init, seed=0)
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    assert statistics.pstdev(weights) == pytest.approx(spread, rel=0.05)
    assert statistics.fmean(weights) == pytest.approx(0.0, abs=0.1 * spread)
    assert all(neuron.b.data == 0.0 for neuron in layer.neurons)
    assert init in INITS


def test_a_layer_makes_one_constant_of_an_input_for_all_its_neurons():
    out = Layer(1, 3, "linear", seed=0)([2.0])
    assert len({node for v in out for node in topological_sort(v) if not node.requires_grad}) == 1


@pytest.mark.parametrize("part", [Neuron(2, seed=0), Layer(2, 3, seed=0), MLP(2, [3, 1], seed=0)], ids=repr)
def test_wrong_input_is_refused_with_both_numbers(part):
    with pytest.raises(ValueError, match="takes 2 inputs, and got 3"):
        part([1.0, 2.0, 3.0])
    for bad in (None, "ab", 3.0, {1.0, 2.0}, {1.0: 0, 2.0: 0}, np.array(3.0)):
        with pytest.raises(TypeError, match="list of 2"):
            part(bad)
    for bad in (["a", 1.0], [None, 1.0], [1j, 1.0]):
        with pytest.raises(TypeError, match="expected a number or a Value"):
            part(bad)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Neuron(0), ValueError, "nin is at least 1"),
        (lambda: Layer(2, -1), ValueError, "nout is at least 1"),
        (lambda: MLP(2, []), ValueError, "size of each layer"),
        (lambda: MLP(2, 3), ValueError, "size of each layer"),
        (lambda: MLP(2.5, [1]), TypeError, "whole number"),
        (lambda: MLP(2, [1], activation="rely"), ValueError, "did you mean relu"),
        (lambda: MLP(2, [1], activation="hypot"), ValueError, "no activation 'hypot'"),
        (lambda: MLP(2, [1], init="kaiming"), ValueError, "there are: uniform, he, xavier"),
        (lambda: MLP(2, [1], seed="1"), TypeError, "seed"),
    ],
)
def test_what_cannot_be_built_says_why(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_parts_print_what_they_are():
    assert repr(MLP(2, [16, 16, 1], seed=0)) == "MLP(2, [16, 16, 1], activation='relu')"
    assert repr(Layer(2, 3, "tanh", seed=0)) == "Layer(2, 3, activation='tanh')"
    assert repr(Neuron(2, seed=0)) == "Neuron(2, activation='relu')"


def test_a_batch_is_a_list_of_examples():
    x = [[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]]
    for part in (
        Neuron(2, seed=0),
        Layer(2, 3, seed=0),
        Layer(2, 1, seed=0),
        MLP(2, [3, 1], seed=0),
        MLP(2, [3, 2], seed=0),
    ):
        expected = [part(row) for row in x]
        for given in (x, np.array(x), tuple(map(tuple, x)), [[Value(v) for v in row] for row in x]):
            assert str(part(given)) == str(expected)


def test_softmax_is_over_the_outputs_of_a_layer():
    layer = Layer(2, 3, "softmax", seed=0)
    out = layer([0.5, -1.0])
    assert sum(v.data for v in out) == pytest.approx(1.0, abs=1e-15)
    assert [v.name for v in out] == ["out[0]", "out[1]", "out[2]"]
    assert repr(layer) == "Layer(2, 3, activation='softmax')"
    logs = Layer(2, 3, "log_softmax", seed=0)([0.5, -1.0])
    np.testing.assert_allclose([v.data for v in logs], np.log([v.data for v in out]), rtol=1e-14)
    with pytest.raises(ValueError, match="softmax needs all the outputs of a layer"):
        Neuron(2, "softmax")
    assert repr(MLP(2, [3, 2], "softmax", seed=0)) == "MLP(2, [3, 2], activation='softmax')"
