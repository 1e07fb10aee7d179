"""What the benchmarks of the engine measure."""

import inspect
import random

import micrograd.engine
import micrograd.nn

import engine
import nn
from demos.data import moons
from engine import Value, recording


def demo_steps():
    """One training step of micrograd's demo (moons, 100 points, 337 parameters), in four versions."""
    source = inspect.getsource(micrograd.nn).replace("from micrograd.engine import", "from engine import")
    by_hand = {}
    exec(compile(source, "micrograd's nn on our Value", "exec"), by_hand)
    models = {
        "micrograd": (micrograd.engine.Value, micrograd.nn.MLP),
        "by hand": (Value, by_hand["MLP"]),
        "nn.MLP": (Value, nn.MLP),
    }
    points, labels = moons(100, 0.1)

    def step(kind, model):
        scores = [model([kind(v) for v in point]) for point in points]
        hinges = [(1 + -y * score).relu() for y, score in zip(labels, scores, strict=True)]
        loss = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad

    def recorded(kind, model):
        with recording():
            step(kind, model)

    steps = {}
    for name, (kind, build) in models.items():
        random.seed(1337)
        model = build(2, [16, 16, 1])
        steps[name] = lambda kind=kind, model=model: step(kind, model)
        if kind is Value:
            steps[f"{name}, in recording()"] = lambda kind=kind, model=model: recorded(kind, model)
    return steps


def chain(n):
    """The end of a chain of n nodes, + and × in turn."""
    a, w, b = Value(1.0), Value(0.99), Value(1e-9)
    for _ in range(n // 2):
        a = a * w
        a = a + b
    return a


def operation_cases():
    """One recorded operation each."""
    x, y = Value(0.3), Value(0.7)
    ws, xs = [Value(0.1 * i) for i in range(16)], [Value(0.2 * i) for i in range(16)]
    return {
        "x + y": lambda: x + y,
        "x * y": lambda: x * y,
        "x / y": lambda: x / y,
        "tanh(x)": x.tanh,
        "relu(x)": x.relu,
        "dot of 16 and bias": lambda: engine.dot(ws, xs, y),
        "sum of 16": lambda: engine.sum(xs),
    }
