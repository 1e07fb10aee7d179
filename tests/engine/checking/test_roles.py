"""Examples and neurons play the same part, whatever way the sums are written."""

import builtins

import pytest

from engine import Value, dot, mean, sum, tanh
from engine.checking.roles import Roles
from engine.checking.walks import neighbours, walk

X = [[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]]


def roles(loss):
    W = [[Value(0.1 * i + j, f"W[{i}][{j}]") for j in range(2)] for i in range(4)]
    v = [Value(0.3 * i - 0.5, f"v[{i}]") for i in range(4)]
    leaves = [w for row in W for w in row] + v
    return Roles(loss(W, v), leaves, [0] * 8 + [1] * 4, ["W", "v"])


def with_nodes(W, v):
    return mean([(dot(v, [tanh(dot(row, x)) for row in W]) - 1.0) ** 2 for x in X])


def with_python_sums(W, v):
    loss = 0
    for x in X:
        hidden = [builtins.sum(w * n for w, n in zip(row, x, strict=True)).tanh() for row in W]
        error = builtins.sum(a * b for a, b in zip(v, hidden, strict=True)) - 1.0
        loss = loss + error * error
    return loss / len(X)


def with_subtraction(W, v):
    loss = 0
    for x in X:
        loss = loss - sum([a * tanh(dot(row, x)) for a, row in zip(v, W, strict=True)])
    return loss


@pytest.mark.parametrize("loss", [with_nodes, with_python_sums, with_subtraction])
def test_all_neurons_of_all_examples_are_one_class(loss):
    sizes = [len(nodes) for nodes in roles(loss).classes() if nodes[0].op and nodes[0].op.name == "tanh"]
    assert sizes == [12]


def test_edges_of_one_part_are_one_group():
    groups = roles(with_nodes).groups()
    into_tanh = [edges for edges in groups if edges[0][0].op.name == "tanh"]
    assert {len(edges) for edges in into_tanh} == {12}
    weights = [edges for edges in groups if edges[0][0].op.name == "dot" and edges[0][0].parents[edges[0][1]].name]
    assert {len(edges) for edges in weights} >= {24, 12}


def test_nodes_used_differently_are_not_alike():
    a, b = Value(0.3, "a"), Value(0.7, "b")
    x, y = tanh(a), tanh(b)
    parts = Roles(x * x + y.exp(), [a, b], [0, 0], ["p"])
    tanhs = [nodes for nodes in parts.classes() if nodes[0] in (x, y)]
    assert len(tanhs) == 2


def test_walks_lead_to_the_same_place_from_each():
    parts = roles(with_nodes)
    tanhs = next(nodes for nodes in parts.classes() if nodes[0].op and nodes[0].op.name == "tanh")
    steps, there = next(iter(neighbours(parts, tanhs[0])))
    assert there is tanhs[0].parents[0]
    assert [walk(parts, node, steps) for node in tanhs] == [node.parents[0] for node in tanhs]
    assert walk(parts, parts.root, (("down", "exp", 0),)) is None
