"""Levels: what can be computed at the same time."""

import builtins
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Value, levels, sum, tanh
from engine.vectorize.columns import ELEMENT, SHARES
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.schedule import climb, schedule
from engine.vectorize.trace import trace


def by_definition(graph):
    heights = []
    for i, code in enumerate(graph.code.tolist()):
        below = [heights[parent] for parent in graph.parents(i).tolist()]
        heights.append(0 if code < 0 else max(below, default=0) + (graph.ops[code] is not ELEMENT))
    return heights


def test_an_mlp_has_two_levels_a_layer():
    x = [Value(0.1 * i) for i in range(3)]
    h, parameters = x, []
    for _ in range(2):
        rows = [[Value(0.3 * i) for i in range(len(h) + 1)] for _ in range(4)]
        parameters += [w for row in rows for w in row]
        h = [tanh(builtins.sum((w * v for w, v in zip(row, h, strict=False)), row[-1])) for row in rows]
    graph, _ = fold(fuse(trace(h, x, parameters)))
    assert np.bincount(schedule(graph)).tolist() == [len(x) + len(parameters), 4, 4, 4, 4]


def test_an_entry_has_the_level_of_its_list():
    x = [Value(0.1 * i) for i in range(3)]
    exps = [v.exp() for v in x]
    total = builtins.sum(exps)
    graph = fuse(trace([tanh(e / total) for e in exps], x, []))
    at = schedule(graph)
    assert at[graph.code == graph.ops.index(SHARES)].tolist() == [1]
    assert at[graph.code == graph.ops.index(ELEMENT)].tolist() == [1, 1, 1]
    assert at[graph.roots].tolist() == [2, 2, 2]


def test_a_leaf_alone():
    x = Value(1.0)
    assert schedule(trace([x], [x], [])).tolist() == [0]


def test_a_sum_of_nothing_is_computed():
    assert schedule(fuse(trace([Value(0.0) + 0.0], [], []))).tolist() == [1]


def test_climb_keeps_what_a_node_has_at_least():
    x = Value(1.0)
    graph = trace([tanh(x * x) + x], [x], [])  # x, mul, tanh, add
    least = np.array([5, 0, 1, 9])
    assert climb(graph, least, np.zeros(4, np.int64)).tolist() == [5, 0, 1, 9]  # leaves are in `least` already
    assert climb(graph, least, np.array([0, 3, 4, 2])).tolist() == [5, 3, 7, 11]


def test_the_levels_of_the_engine_itself():
    x = z = Value(0.5)
    for i in range(200):
        z = tanh(z) if i % 3 else z * x + 1.0
    graph = trace([z], [x], [])
    assert np.bincount(schedule(graph)).tolist()[1:] == [len(level) for level in levels(z)][1:]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_levels_as_the_definition_says(seed, n):
    draw = random.Random(seed)
    nodes = [Value(draw.uniform(-1, 1)) for _ in range(3)]
    inputs = nodes[:2]
    for _ in range(n):
        chosen = [draw.choice(nodes[-9:]) for _ in range(draw.choice([1, 2, 2, 3, 6]))]
        exps = [tanh(v).exp() for v in chosen]
        total = builtins.sum(exps)
        nodes += draw.choice([[tanh(chosen[0])], [chosen[0] + chosen[-1]], [sum(chosen)], [e / total for e in exps]])
    graph = trace(nodes[-5:], inputs, [])
    for stage in (graph, fuse(graph), fold(fuse(graph))[0]):
        assert schedule(stage).tolist() == by_definition(stage)


def test_a_deep_chain():
    x = z = Value(0.5)
    for _ in range(100_000):
        z = tanh(z)
    assert schedule(trace([z], [x], [])).tolist() == list(range(100_001))
