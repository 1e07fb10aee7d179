"""A graph of Values as columns."""

import numpy as np
import pytest

from engine import Value, exp, sum, where
from engine.vectorize.columns import CONSTANT, INPUT, PARAMETER, check
from engine.vectorize.trace import trace

from .interpreter import wanted


def test_a_neuron_written_down():
    w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(0.5)
    graph = trace([(w * x + b).tanh()], [x], [w, b])
    check(graph)
    assert str(graph).splitlines() == [
        "0: parameter 0 = 2.0  # w", "1: input 0 = 3.0  # x", "2: mul(0, 1)",
        "3: parameter 1 = 0.5", "4: add(2, 3)", "5: tanh(4)",
    ]  # fmt: skip
    assert graph.roots.tolist() == [5]


def test_the_numbers_are_those_of_the_values():
    x = [Value(float(i)) for i in range(4)]
    nodes = [x[0] + x[1], x[2] * x[3], exp(x[1]), sum(x), where(x[0], x[1], x[2])]
    graph = trace(nodes, x, [])
    check(graph)
    assert graph.number[graph.roots].tolist() == wanted(graph) == [node.data for node in nodes]


def test_leaves_are_inputs_parameters_or_constants():
    x, w, c = Value(1.0), Value(2.0), Value(3.0)
    graph = trace([x * w * c * 4.0], [x], [w])
    assert graph.code[graph.code < 0].tolist() == [INPUT, PARAMETER, CONSTANT, CONSTANT]


def test_both_edges_of_a_square():
    x = Value(3.0)
    graph = trace([x * x], [x], [])
    assert graph.parents(1).tolist() == [0, 0]


def test_a_computed_input_is_a_leaf():
    x = Value(3.0)
    y = x * 2
    graph = trace([y + 1], [y], [])
    assert graph.code.tolist()[0] == INPUT
    assert x.data not in graph.number


def test_places_are_those_of_the_lists_given():
    x = [Value(float(i)) for i in range(5)]
    graph = trace([x[3] - x[1]], x, [])
    assert graph.place.tolist() == [3, 1, 0]


def test_a_root_may_be_a_leaf_or_stand_twice():
    x = Value(3.0)
    y = x + 1
    graph = trace([y, x, y], [x], [])
    check(graph)
    assert graph.roots[0] == graph.roots[2]
    assert graph.number[graph.roots].tolist() == [4.0, 3.0, 4.0]


def test_a_deep_graph():
    x = z = Value(1.0)
    for _ in range(30_000):
        z = z + x
    graph = trace([z], [x], [])
    assert len(graph) == 30_001
    assert graph.number[-1] == 30_001.0


def test_check_finds_what_is_wrong():
    x = Value(3.0)
    graph = trace([x * x + 1], [x], [])
    graph.parent[0] = 2
    with pytest.raises(AssertionError, match="before its node"):
        check(graph)
    graph.parent[0] = 0
    graph.place[2] = 1
    with pytest.raises(AssertionError, match="place"):
        check(graph)
    graph.place[2] = 0
    graph.code[-1] = 9
    with pytest.raises(AssertionError, match="no operation"):
        check(graph)
    assert np.all(graph.pairs == 0)
