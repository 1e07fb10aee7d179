"""What depends on nothing becomes a number; what depends on parameters alone is known."""

import builtins
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Value, exp, log_softmax, softmax, sum, take, tanh
from engine.vectorize.columns import CONSTANT, DOT, INPUT, PARAMETER, SOFTMAX, check
from engine.vectorize.fold import depends, fold
from engine.vectorize.fuse import fuse
from engine.vectorize.trace import trace

from .interpreter import count, wanted


def leaves(*numbers):
    return [Value(number) for number in numbers]


def folded(roots, inputs=(), parameters=()):
    graph = fuse(trace(roots, inputs, parameters))
    result, varies = fold(graph)
    check(result)
    assert len(varies) == len(result)
    assert wanted(result) == pytest.approx(wanted(graph), rel=1e-14)
    return result, varies


def test_what_depends_on_constants_alone_is_a_number():
    x, a, b = leaves(2.0, 3.0, 4.0)
    scale = exp(a * b - 12.0) + tanh(Value(0.0))
    graph, varies = folded([x * scale], [x])
    assert (len(graph), graph.number.tolist()) == (3, [2.0, 1.0, 2.0])
    assert varies.tolist() == [2, 0, 2]


def test_a_constant_has_the_number_that_was_traced():
    x, a = leaves(0.5, 0.1)
    s = sum([a] * 10)  # 1.0, rounded once; one after the other they are 0.9999999999999999
    graph, _ = folded([x * s], [x])
    assert graph.number[graph.code == CONSTANT].tolist() == [1.0]


def test_what_varies():
    x, w, c = leaves(2.0, 3.0, 4.0)
    graph, varies = folded([x * tanh(w * c) + w], [x], [w])
    of = {str(name): int(v) for name, v in zip(graph.code.tolist(), varies.tolist(), strict=True) if name < 0}
    assert of == {str(INPUT): 2, str(PARAMETER): 1, str(CONSTANT): 0}
    computed = [(graph.ops[c].name, v) for c, v in zip(graph.code.tolist(), varies.tolist(), strict=True) if c >= 0]
    assert computed == [("mul", 1), ("tanh", 1), ("mul", 2), ("add", 2)]


def test_a_list_of_constants_leaves_its_entries():
    x, i = leaves(2.0, 1.0)
    c = leaves(0.5, -1.0, 3.0)
    graph, _ = folded([x * softmax(c)[2], x + log_softmax(c, -2)], [x])
    assert count(graph, SOFTMAX) == 0
    assert sorted(graph.number[graph.code == CONSTANT]) == sorted(
        [softmax([0.5, -1.0, 3.0], 2), log_softmax([0.5, -1.0, 3.0], 1)]
    )
    graph, _ = folded([x * softmax(c, i)], [x, i])  # the entry is chosen by an input
    assert (count(graph, SOFTMAX), count(graph, "take")) == (0, 1)
    assert wanted(graph, [2.0, 0.0]) == [2.0 * softmax([0.5, -1.0, 3.0], 0)]


def test_shares_of_constants_are_numbers():
    x = Value(2.0)
    exps = [exp(c) for c in leaves(0.5, -1.0, 3.0)]
    total = builtins.sum(exps)
    graph, _ = folded([x * (exps[0] / total)], [x])
    assert len(graph) == 3


def test_a_constant_root():
    x, c = leaves(2.0, 3.0)
    graph, varies = folded([c * c + c, x, take([x, c], 1)], [x])
    assert graph.number[graph.roots].tolist() == [12.0, 2.0, 3.0]
    assert varies[graph.roots].tolist() == [0, 2, 0]


def test_nothing_to_fold_gives_the_same_graph():
    x, w = leaves(2.0, 3.0)
    graph = fuse(trace([x * w + 1.0], [x], [w]))
    assert fold(graph)[0] is graph


def test_a_dead_branch_goes_with_its_leaves():
    x, w, c = leaves(2.0, 3.0, 4.0)
    unused = w * c
    graph, _ = folded([x + take([c * c, unused], 0)], [x], [w])
    assert not np.any(graph.code == PARAMETER)


def test_wide_and_deep():
    x, w, c = leaves(0.5, 0.25, 0.125)
    z, k = x, w
    for _ in range(20_000):
        z, k = tanh(z), tanh(k)
    wide = builtins.sum(tanh(x * float(i)) * (c + float(i)) for i in range(3_000))
    graph, varies = folded([z + k + wide], [x], [w])
    # i and c + i for each i; w and its chain; x, its chain, x·i and tanh(x·i) for each i, two sums
    assert np.bincount(varies).tolist() == [6_000, 20_001, 26_003]
    assert not np.any(graph.code[varies == 0] != CONSTANT)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_depends_as_the_definition_says(seed, n):
    draw = random.Random(seed)
    nodes = leaves(0.5, -0.5, 0.25, 1.0)
    kinds = {nodes[0]: 2, nodes[1]: 1, nodes[2]: 1, nodes[3]: 0}
    for _ in range(n):
        chosen = [draw.choice(nodes[-8:]) for _ in range(draw.choice([1, 2, 3, 5]))]
        node = tanh(chosen[0]) if len(chosen) == 1 else chosen[0] * chosen[1] if len(chosen) == 2 else sum(chosen)
        kinds[node] = builtins.max(kinds[v] for v in chosen)
        nodes.append(node)
    graph = trace(nodes, nodes[:1], nodes[1:3])
    assert depends(graph)[graph.roots].tolist() == [kinds[node] for node in nodes]
    result, varies = fold(graph)
    check(result)
    assert np.all((varies == 0) == (result.code == CONSTANT))
    assert wanted(result) == wanted(graph) == [node.data for node in nodes]
    assert count(result, DOT) == 0
