"""What it costs to make a program: seconds for each node of the graph, pass by pass, and the memory that stays."""

from __future__ import annotations

import contextlib
import gc
import importlib
import pkgutil
import random
import time
import tracemalloc
from unittest.mock import patch

import nn
from engine import Value, recording, topological_sort, vectorize
from tests.benchmarks import vectorized_gpt as names
from tests.benchmarks.timing import asked

PASSES = ("trace", "fuse", "fold", "schedule", "lift", "emit")
WIDTH = 32


def layers(n):
    """A graph of about n nodes: layers written by hand, WIDTH neurons each; (loss, inputs, parameters)."""
    rng = random.Random(0)
    x = inputs = [Value(rng.gauss(0.0, 1.0)) for _ in range(WIDTH)]
    parameters = []
    for _ in range(max(1, round(n / (WIDTH * (3 * WIDTH + 3))))):
        w = [[Value(rng.gauss(0.0, (2.0 / WIDTH) ** 0.5)) for _ in range(WIDTH)] for _ in range(WIDTH)]
        b = [Value(0.0) for _ in range(WIDTH)]
        parameters.append([w, b])
        x = [(sum(wi * xi for wi, xi in zip(row, x, strict=True)) + bi).relu() for row, bi in zip(w, b, strict=True)]
    return sum(x), [inputs], parameters


def gpt(length):
    """The GPT on a name of that length."""
    loss, parameters, tokens, targets = names.over_values(names.start(), names.documents(length)[0])
    return loss, [tokens, targets], parameters


def mlp():
    """nn.MLP(64, [256, 256, 10]) and nn.cross_entropy."""
    model, x, t = nn.MLP(64, [256, 256, 10], init="he", seed=0), [Value(0.5) for _ in range(64)], Value(3.0)
    return nn.cross_entropy(model(x), t), [x, t], model.parameters()


GRAPHS = {
    "layers by hand, 1e4": lambda: layers(1e4),
    "layers by hand, 1e5": lambda: layers(1e5),
    "layers by hand, 3e5": lambda: layers(3e5),
    "layers by hand, 1e6": lambda: layers(1e6),
    "GPT, 3 letters": lambda: gpt(3),
    "GPT, 7 letters": lambda: gpt(7),
    "GPT, 10 letters": lambda: gpt(10),
    "nn.MLP(64, [256, 256, 10])": mlp,
}


@contextlib.contextmanager
def timed_passes(seconds):
    """Add to `seconds` what each pass takes, wherever the vectorizer calls it from."""
    package = importlib.import_module("engine.vectorize")
    found = [
        importlib.import_module(f"engine.vectorize.{module.name}") for module in pkgutil.iter_modules(package.__path__)
    ]

    def timed(name, function):
        def call(*args, **named):
            start = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start

        return call

    with contextlib.ExitStack() as stack:
        for name in PASSES:
            for module in found:
                function = vars(module).get(name)
                if callable(function) and function.__module__ == f"engine.vectorize.{name}":
                    stack.enter_context(patch.object(module, name, timed(name, function)))
        yield


def compiled(graph, rounds=3):
    """(nodes, seconds of the quickest of some rounds, its seconds for each pass)."""
    with recording():
        loss, inputs, parameters = graph()
    count, best = len(topological_sort(loss)), (float("inf"), {})
    for _ in range(rounds if count < 500_000 else 2):
        seconds = {}
        gc.collect()
        with timed_passes(seconds):
            start = time.perf_counter()
            vectorize(loss, inputs=inputs, parameters=parameters)
            total = time.perf_counter() - start
        best = min(best, (total, seconds), key=lambda result: result[0])
    return count, *best


def memory(graph):
    """(nodes, bytes of the program, bytes of its parameters) when the graph is gone; their Values are not counted."""
    loss, inputs, parameters = graph()
    count = len(topological_sort(loss))
    gc.collect()
    tracemalloc.start()
    program = vectorize(loss, inputs=inputs, parameters=parameters)
    del loss, inputs
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return count, held, program.parameters.nbytes


def main():
    """Measure and print."""
    head = "".join(f"{name:>10}" for name in PASSES)
    print(f"\n{'µs a node, the quickest of three':<32}{'nodes':>10}{head}{'rest':>10}{'all':>10}")
    worst = 0.0
    for name, graph in GRAPHS.items():
        count, total, seconds = compiled(graph)
        each = [1e6 * seconds.get(part, 0.0) / count for part in PASSES]
        all_of_it = 1e6 * total / count
        worst = max(worst, all_of_it)
        row = "".join(f"{number:10.3f}" for number in (*each, all_of_it - sum(each), all_of_it))
        print(f"  {name:<30}{count:>10,}{row}")
    print()
    asked("µs a node, at worst", (worst, worst), 3, least=False)
    print(f"\n{'memory of a program, its graph deleted':<42}{'nodes':>10}{'bytes':>14}{'of them p':>14}{'a node':>10}")
    for name in ("layers by hand, 1e4", "layers by hand, 1e5", "GPT, 7 letters", "nn.MLP(64, [256, 256, 10])"):
        count, held, own = memory(GRAPHS[name])
        print(f"  {name:<40}{count:>10,}{held:>14,}{own:>14,}{held / count:10.1f}")
