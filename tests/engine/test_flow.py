"""Each disease of a gradient is planted and found; the healthy are left alone."""

import random
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest

import engine
import nn
from engine import TABLE, Value, topological_sort
from engine.health import gradient_flow


def batch(model, examples=20, seed=0):
    """The mean squared error on inputs of unit size."""
    rng = random.Random(seed)
    points = [(rng.gauss(0.0, 1.0), rng.gauss(0.0, 1.0)) for _ in range(examples)]
    return engine.sum([(model(point) - (point[0] - point[1])) ** 2 for point in points]) * (1.0 / examples)


def scaled(model, factor):
    for p in model.parameters():
        p.data *= factor
    return model


# ------------------------------------------------------------------------- gradient sizes


def test_sizes_are_those_of_backward():
    model = nn.MLP(2, [3, 2, 1], seed=0)
    loss = batch(model)
    flow = gradient_flow(loss)
    loss.backward()
    for of, layer in zip(model.layers, flow.layers, strict=True):
        gradients = np.array([p.grad for p in of.parameters()])
        data = np.array([p.data for p in of.parameters()])
        assert layer.parameters == layer.arrived == len(data)
        assert layer.rms == pytest.approx(sqrt(np.mean(gradients**2)), rel=1e-14)
        assert layer.largest == np.abs(gradients).max()
        assert layer.zeros == np.mean(gradients == 0)
        assert layer.ratio == pytest.approx(layer.rms / sqrt(np.mean(data**2)), rel=1e-14)
    assert [layer.name for layer in flow.layers] == ["layers[0]", "layers[1]", "layers[2]"]
    assert gradient_flow(model).layers == flow.layers


def test_layers_stand_in_order_with_a_penalty_too():
    model = nn.MLP(2, [3, 3, 1], seed=0)
    for loss in (
        batch(model) + 0.1 * engine.sum([p * p for p in model.parameters()]),
        0.1 * engine.sum([p * p for p in reversed(model.parameters())]) + batch(model),
    ):
        assert [layer.name for layer in gradient_flow(loss).layers] == ["layers[0]", "layers[1]", "layers[2]"]


@pytest.mark.parametrize("init", ["he", "xavier", "uniform"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_no_false_alarm(init, activation):
    for seed in range(20):
        model = nn.MLP(2, [16, 16, 1], activation=activation, init=init, seed=seed)
        loss = batch(model, seed=seed)
        flow = gradient_flow(loss)
        truly_dead = {}
        for node in topological_sort(loss):
            if node.op is TABLE["relu"]:
                truly_dead.setdefault(node.name.removesuffix(".out"), []).append(node.data)
        truly_dead = sorted(name for name, outs in truly_dead.items() if not any(outs))
        assert sorted(flow.dead) == truly_dead
        assert flow.healthy == (not truly_dead)
        loss.backward()
        of_model = gradient_flow(model)
        assert set(truly_dead) <= set(of_model.dead)
        for verdict in (*flow.verdicts, *of_model.verdicts):
            assert "dead" in verdict or "healthy" in verdict


@pytest.mark.parametrize(
    ("activation", "init", "factor"),
    [("tanh", "xavier", 0.1), ("sigmoid", "xavier", 1.0), ("sigmoid", "uniform", 0.5), ("linear", "xavier", 0.1)],
)
def test_vanishing(activation, init, factor):
    for seed in range(3):
        model = scaled(nn.MLP(2, [6] * 9 + [1], activation=activation, init=init, seed=seed), factor)
        loss = batch(model)
        flow = gradient_flow(loss)
        assert "vanishing gradient: its rms falls from" in flow.verdict
        assert "in layers[9]" in flow.verdict
        assert "in layers[0]" in flow.verdict
        assert not flow.healthy
        loss.backward()
        assert "vanishing" in gradient_flow(model).verdict


def test_saturated():
    model = scaled(nn.MLP(2, [6, 6, 1], activation="tanh", init="uniform", seed=0), 200.0)
    flow = gradient_flow(batch(model))
    assert flow.saturated
    assert "saturated" in flow.verdict
    model = nn.MLP(2, [3, 1], activation="sigmoid", seed=0)
    model.layers[0].neurons[1].b.data = 30.0
    flow = gradient_flow(batch(model))
    assert flow.saturated == ("layers[0].neurons[1]",)
    assert flow.verdicts == [
        "layers[0].neurons[1] is saturated: its sigmoid had a slope below 0.001 of its largest in all 20 examples"
    ]


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_exploding(activation):
    model = scaled(nn.MLP(2, [8] * 8 + [1], activation=activation, init="uniform", seed=0), 5.0)
    loss = batch(model)
    assert "exploding gradient" in gradient_flow(loss).verdict
    loss.backward()
    assert "exploding gradient" in gradient_flow(model).verdict


def test_exploding_towards_the_first_layer():
    """A chain of large weights: ∂L/∂w₁ is the product of all the others."""
    ws = [Value(0.001, "w0"), *(Value(10.0, f"w{i}") for i in range(1, 8))]
    x = Value(1e-4, requires_grad=False)
    for w in ws:
        x = w * x
    flow = gradient_flow(x)
    assert [layer.name for layer in flow.layers] == [f"w{i}" for i in range(8)]
    assert flow.verdicts[0].startswith("exploding gradient: its rms grows from 0.1 in w7 to 1000 in w0")


def test_dead_relu():
    model = nn.MLP(2, [4, 3, 1], seed=0)
    model.layers[0].neurons[3].b.data = -100.0
    loss = batch(model)
    flow = gradient_flow(loss)
    assert flow.dead == ("layers[0].neurons[3]",)
    assert "layers[0].neurons[3] is a dead ReLU: its input was below 0 in all 20 examples" in flow.verdicts
    loss.backward()
    flow = gradient_flow(model)
    assert flow.dead == ("layers[0].neurons[3]",)
    assert "layers[0].neurons[3] looks dead" in flow.verdict


def test_a_whole_layer_dead():
    model = nn.MLP(2, [4, 4, 1], seed=0)
    for neuron in model.layers[1].neurons:
        neuron.b.data = -100.0
    loss = batch(model)
    flow = gradient_flow(loss)
    assert len(flow.dead) == 4
    assert "4 units of layers[1] are dead ReLUs" in flow.verdict
    assert "layers[0]: all 12 gradients are exactly 0" in flow.verdict
    assert "vanishing" not in flow.verdict


def test_too_few_examples_to_call_a_relu_dead():
    model = nn.MLP(2, [8, 1], seed=0)
    assert gradient_flow(batch(model, examples=1)).healthy
    assert gradient_flow(batch(model, examples=1)).dead == ()


def test_dead_in_a_network_written_by_hand():
    def neuron(ws, b, xs):
        return sum((w * x for w, x in zip(ws, xs, strict=True)), b)

    hidden, out = nn.MLP(2, [3, 1], seed=0).layers
    hidden.neurons[1].b.data = -50.0
    rng, losses = random.Random(0), []
    for _ in range(10):
        xs = [rng.gauss(0.0, 1.0), rng.gauss(0.0, 1.0)]
        score = neuron(out.neurons[0].w, out.neurons[0].b, [neuron(n.w, n.b, xs).relu() for n in hidden.neurons])
        losses.append((1 - 0.0 * score - 2).relu())  # a hinge that is 0 everywhere is no dead neuron
        losses.append(score * score)
    assert gradient_flow(engine.sum(losses)).dead == ("layers[0].neurons[1]",)


def test_detached_in_a_graph():
    model = nn.MLP(2, [3, 2, 1], seed=0)
    hidden = [h.detach() for h in model.layers[0]([1.0, 2.0])]
    loss = model.layers[2](model.layers[1](hidden)) ** 2
    flow = gradient_flow(loss)
    assert "layers[0] is detached: layers[0].neurons[0].out" in flow.verdict
    loss.backward()
    flow = gradient_flow(model)
    assert "layers[0] is detached: no gradient has arrived at its 9 parameters" in flow.verdict
    assert "none" in str(flow)


def test_a_frozen_layer_is_asked_for_nothing():
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    model.layers[0].requires_grad_(False)
    batch(model).backward()
    flow = gradient_flow(model)
    assert flow.healthy
    assert [layer.name for layer in flow.layers] == ["layers[1]"]
    assert gradient_flow(model.requires_grad_(False)).verdicts[0].startswith("nothing learns")


def test_before_backward():
    flow = gradient_flow(nn.MLP(2, [3, 1], seed=0))
    assert "no gradient has arrived at any parameter: call loss.backward() first" in flow.verdict
    assert not flow.healthy


def test_nan_and_inf_in_gradients():
    model = nn.MLP(2, [3, 1], seed=0)
    model.layers[1].neurons[0].w[0].data = nan
    loss = batch(model)
    for flow in (gradient_flow(loss), (loss.backward(), gradient_flow(model))[1]):
        assert "nan or inf; trace_nonfinite(loss) says where" in flow.verdict
        assert "healthy" not in flow.verdict
        assert isnan(flow.layers[0].rms)
        assert flow.layers[0].nonfinite > 0


def test_gradients_that_are_graphs():
    model = nn.MLP(1, [2, 1], activation="tanh", seed=0)
    loss = (model([0.5]) - 1) ** 2
    plain = gradient_flow(loss)
    loss.backward(create_graph=True)
    assert [layer.rms for layer in gradient_flow(model).layers] == pytest.approx([layer.rms for layer in plain.layers])
    model.zero_grad()
    loss.zero_grad()


def test_a_minimum():
    x = Value(0.0, "x")
    assert "every gradient is exactly 0" in gradient_flow(x * x).verdict
    assert "nothing learns" in gradient_flow(Value(1.0, requires_grad=False) * 2).verdict


def test_extreme_sizes_do_not_overflow():
    x, y = Value(1e-170, "x[0]"), Value(1e-170, "x[1]")
    flow = gradient_flow(x * 1e200 + y * 1e200)
    assert flow.layers[0].rms == pytest.approx(1e200)
    assert flow.layers[0].ratio == inf
    assert flow.layers[0].data == pytest.approx(1e-170)


def test_the_table_is_aligned():
    lines = str(gradient_flow(batch(nn.MLP(2, [16, 16, 1], activation="tanh", seed=0)))).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4] == ""
    assert lines[5].startswith("healthy")
