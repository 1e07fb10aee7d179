"""Sums of products are found however they were written, and stay the same numbers."""

import builtins
import random
import time
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Value, dot, log_softmax, maximum, minimum, relu, softmax, sum, take, tanh
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, LOG_SOFTMAX, SOFTMAX
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.schedule import schedule
from engine.vectorize.trace import trace

from .interpreter import count, wanted


def leaves(n, seed=0):
    draw = random.Random(seed)
    return [Value(draw.uniform(-2, 2)) for _ in range(n)]


def fused(*roots, inputs=(), parameters=(), exact=True):
    """The graph after `fuse`; its numbers are those before, bit for bit."""
    graph = trace(roots, inputs, parameters)
    result = fuse(graph)
    before, after = wanted(graph), wanted(result)
    assert before == after if exact else before == pytest.approx(after, rel=1e-13, abs=1e-13)
    return result


def shape(graph, root=0):
    """(products, all terms) of a root that is a DOT."""
    node = int(graph.roots[root])
    assert graph.ops[graph.code[node]] is DOT
    pairs = int(graph.pairs[node])
    return pairs, len(graph.parents(node)) - pairs


# ------------------------------------------------------------------------------- chains


W, X, B = leaves(5, 1), leaves(5, 2), Value(0.25)


def leftwards():
    z = W[0] * X[0]
    for w, x in zip(W[1:], X[1:], strict=True):
        z = z + w * x
    return z + B


def rightwards():
    z = W[0] * X[0] + B
    for w, x in zip(W[1:], X[1:], strict=True):
        z = w * x + z
    return z


@pytest.mark.parametrize("written", [
    leftwards,
    rightwards,
    lambda: builtins.sum(w * x for w, x in zip(W, X, strict=True)) + B,
    lambda: B + builtins.sum(w * x for w, x in zip(W, X, strict=True)),
    lambda: builtins.sum((w * x for w, x in zip(W, X, strict=True)), B),
    lambda: sum([w * x for w, x in zip(W, X, strict=True)]) + B,
    lambda: sum([*(w * x for w, x in zip(W, X, strict=True)), B]),
    lambda: dot(W, X) + B,
    lambda: dot(W, X, B),
], ids=range(9))  # fmt: skip
def test_a_neuron_however_it_is_written(written):
    graph = fused(written(), inputs=X, parameters=[*W, B], exact=False)
    assert shape(graph) == (5, 6)
    assert len(graph) == 12
    w, x, b = np.split(graph.number[graph.parents(int(graph.roots[0]))], [5, 10])
    assert sorted(zip(w, x, strict=True)) == sorted((a.data, c.data) for a, c in zip(W, X, strict=True))
    assert b == B.data


@pytest.mark.parametrize("written", [leftwards, lambda: builtins.sum(w * x for w, x in zip(W, X, strict=True)) + B])
def test_terms_keep_their_order(written):
    graph = fused(written(), inputs=X, parameters=[*W, B])  # bit for bit
    w, x, _ = np.split(graph.number[graph.parents(int(graph.roots[0]))], [5, 10])
    assert w.tolist() == [v.data for v in W]
    assert x.tolist() == [v.data for v in X]


def test_operands_of_a_product_keep_their_places():
    a, b, c, d = leaves(4)
    graph = fused(a * b + d * c, inputs=[a, b, c, d])
    assert graph.number[graph.parents(int(graph.roots[0]))].tolist() == [a.data, d.data, b.data, c.data]


def test_few_terms_stay_as_they_are():
    a, b, c = leaves(3)
    for y in (a + b, a * b + c, c + a * b, a + a):
        graph = fused(y, inputs=[a, b, c])
        assert count(graph, DOT) == 0
        assert count(graph, "add") == 1


@pytest.mark.parametrize(("written", "expected"), [
    (lambda a, b, c, d: a + b + c, (0, 3)),
    (lambda a, b, c, d: a * b + c * d, (2, 2)),
    (lambda a, b, c, d: a * b + c + d, (1, 3)),
    (lambda a, b, c, d: 0 + a, (0, 1)),
    (lambda a, b, c, d: 0 + a * b, (1, 1)),
    (lambda a, b, c, d: a + 0.0, (0, 1)),
    (lambda a, b, c, d: sum([a, b]), (0, 2)),
    (lambda a, b, c, d: sum([a]), (0, 1)),
    (lambda a, b, c, d: sum([a * b, c]), (1, 2)),
    (lambda a, b, c, d: dot([a], [b]), (1, 1)),
    (lambda a, b, c, d: a * a + b * b, (2, 2)),
    (lambda a, b, c, d: dot([a, b], [c, d]) + dot([a, c], [b, d]) + a, (0, 3)),
    (lambda a, b, c, d: dot([a, b], [c, d], a) + b, (2, 4)),
    (lambda a, b, c, d: (a + b) + (c + d), (0, 3)),  # of a balanced tree the first half
], ids=range(14))  # fmt: skip
def test_what_becomes_a_dot(written, expected):
    numbers = leaves(4)
    assert shape(fused(written(*numbers), inputs=numbers, exact=False)) == expected


def test_sums_of_nothing():
    a = Value(2.0)
    zero = Value(0.0) + Value(0.0)
    graph = fused(zero, a, inputs=[a])
    assert shape(graph) == (0, 0)
    folded, _ = fold(graph)
    assert wanted(folded) == [0.0, 2.0]


def test_a_sum_used_twice_stays_a_sum():
    a, b, c, d = leaves(4)
    s = a * b + c * d
    graph = fused(s + a + b, s, s.tanh(), inputs=[a, b, c, d])
    assert shape(graph, 0) == (0, 3)
    assert shape(graph, 1) == (2, 2)


def test_a_root_inside_a_chain_stays():
    a, b, c, d = leaves(4)
    s = a + b
    graph = fused(s + c + d, s, inputs=[a, b, c, d])
    assert shape(graph, 0) == (0, 3)
    assert count(graph, "add") == 1


def test_a_product_used_twice_or_wanted_is_a_single_term():
    a, b, c = leaves(3)
    p = a * b
    assert shape(fused(p + p + c, inputs=[a, b, c])) == (0, 3)
    assert shape(fused(p + b + c, p, inputs=[a, b, c])) == (0, 3)
    graph = fused(p + a * c + b * c, p.tanh(), inputs=[a, b, c], exact=False)
    assert shape(graph) == (2, 3)


def test_squares_and_tied_weights():
    a, b = leaves(2)
    graph = fused(a * a + b * b + a * b, inputs=[a, b])
    assert shape(graph) == (3, 3)
    assert graph.parents(int(graph.roots[0])).tolist() == [0, 1, 0, 0, 1, 1]


def test_a_wide_chain_of_two_halves_makes_two_sums():
    a = leaves(8)
    data, penalty = builtins.sum(x.tanh() for x in a), builtins.sum(x * x for x in a)
    graph = fused(data + penalty, inputs=a, exact=False)
    assert shape(graph) == (0, 9)
    assert count(graph, DOT) == 2


def test_names_stay():
    a, b, c, d = leaves(4)
    z = a * b + c * d
    z.name = "z"
    a.name = "a"
    graph = fused(z, inputs=[a, b, c, d])
    assert graph.names[int(graph.roots[0])] == "z"
    assert graph.names[0] == "a"


# ------------------------------------------------------------------------------- constants


def test_equal_constants_are_one():
    a = Value(2.0)
    graph = fused(a * 3.0 - (a - 3.0), a - 0.0, a - Value(-0.0), inputs=[a])
    assert sorted(graph.number[graph.code == CONSTANT].tolist()) == [0.0, 0.0, 3.0]


def test_any_nan_is_nan():
    a = Value(2.0)
    negative = float(np.copysign(nan, -1.0))
    graph = fuse(trace([maximum(a, nan), minimum(a, Value(negative))], [a], []))
    assert np.count_nonzero(graph.code == CONSTANT) == 1


# ------------------------------------------------------------------------------- lists of the table


def test_softmax_is_one_list():
    x = leaves(4)
    graph = fused(*softmax(x), *softmax(x), inputs=x)
    assert (count(graph, SOFTMAX), count(graph, ELEMENT), len(graph)) == (1, 4, 9)
    graph = fused(*log_softmax(x), softmax(x, 1), log_softmax(x[::-1], -1), inputs=x)
    assert (count(graph, SOFTMAX), count(graph, LOG_SOFTMAX), count(graph, ELEMENT)) == (1, 2, 6)


def test_an_index_that_is_given_takes_from_the_list():
    x, i = leaves(4), Value(2.0)
    p = softmax(x)
    for roots in ([log_softmax(x, i)], [softmax(x, i), p[1].tanh()], [p[3].tanh(), softmax(x, i), softmax(x, 3)]):
        before = trace(roots, [*x, i], [])
        graph = fuse(before)
        assert (count(graph, ELEMENT), count(graph, "take")) == (4, 1)
        for index in (0.0, 1.0, 3.0, -1.0):
            inputs = [0.5, -1.0, 2.0, 0.0, index]
            assert wanted(before, inputs) == wanted(graph, inputs)


def test_taking_a_known_entry_is_that_entry():
    x = leaves(4)
    y = [v.tanh() for v in x]
    graph = fused(take(y, 2), take(y, -1) * 2, take([take(y, 0), y[1]], 0), inputs=x)
    assert (count(graph, "take"), count(graph, "tanh")) == (0, 3)


def test_a_product_that_was_taken_is_a_product():
    a, b, c, d = leaves(4)
    graph = fused(take([a * b, c.tanh()], 0) + c * d, inputs=[a, b, c, d])
    assert shape(graph) == (2, 2)


def test_taking_by_an_input_stays():
    x, i = leaves(4), Value(1.0)
    graph = fused(take(x, i), inputs=[*x, i])
    assert count(graph, "take") == 1


def test_a_deep_branch_that_nobody_takes_goes():
    x, z = Value(0.5), Value(0.5)
    for _ in range(5_000):
        z = tanh(z)
    graph = fused(take([x, z], 0), take([z, x], -1), inputs=[x])
    assert len(graph) == 1
    assert graph.roots.tolist() == [0, 0]


def test_wide_branches_that_nobody_takes_go():
    x = leaves(200)
    inner = [tanh(v) for v in x[1:]]
    unused = [relu(t * t) for t in inner]  # each t is lost twice, its x is still there
    graph = fused(take([x[0], *unused], 0), sum(x), inputs=x, exact=False)
    assert len(graph) == 201


def test_a_long_softmax_is_read_once():
    x = leaves(400)
    graph = fuse(trace(softmax(x), x, []))
    assert (len(graph), len(graph.parent)) == (801, 800)


# ------------------------------------------------------------------------------- any graph at all


@st.composite
def programs(draw):
    """Small whole numbers, so that every order of adding gives the same."""
    nodes = [Value(float(v)) for v in draw(st.lists(st.integers(-3, 3), min_size=2, max_size=6))]
    given = list(nodes)
    pick = st.integers(0, 30).map(lambda i: nodes[-1 - i % len(nodes)])
    small = pick.map(lambda node: node if not node.parents else maximum(minimum(node, 4.0), -4.0))
    steps = {
        "add": lambda: draw(pick) + draw(pick),
        "zero": lambda: 0 + draw(pick),
        "number": lambda: draw(pick) + float(draw(st.integers(-1, 1))),
        "product": lambda: draw(pick) + draw(small) * draw(small),
        "tail": lambda: draw(small) * draw(small) + draw(pick),
        "sub": lambda: draw(pick) - draw(pick),
        "relu": lambda: relu(draw(pick)),
        "sum": lambda: sum(draw(st.lists(pick, min_size=1, max_size=4))),
        "row": lambda: builtins.sum(draw(small) * draw(small) for _ in range(draw(st.integers(1, 4)))),
        "dot": lambda: dot([draw(small), draw(small)], [draw(small), draw(small)], draw(st.none() | pick)),
        "take": lambda: take([draw(pick), draw(pick), draw(pick)], draw(st.integers(-3, 2))),
        "choose": lambda: take([draw(pick), draw(pick)], maximum(minimum(draw(pick), 1.0), 0.0)),
    }
    for step in draw(st.lists(st.sampled_from([*steps, "add", "product", "row"]), min_size=1, max_size=20)):
        nodes.append(steps[step]())  # noqa: PERF401  (a step looks at the nodes before it)
    return given, [nodes[-1], *draw(st.lists(pick, max_size=2))]


@settings(max_examples=150, deadline=None)
@given(programs(), st.randoms(use_true_random=False))
def test_any_program_gives_the_same_numbers(program, draw):
    leaves, roots = program
    half = len(leaves) // 2
    graph = trace(roots, leaves[:half], leaves[half:])
    result = fuse(graph)
    folded, varies = fold(result)
    levels = schedule(folded)
    assert count(result, "sum") == 0
    for _ in range(3):
        numbers = [float(draw.randint(-3, 3)) for _ in leaves]
        given = numbers[:half], numbers[half:]
        expected = wanted(graph, *given)
        assert wanted(result, *given) == expected
        assert wanted(folded, *given) == expected
    assert len(varies) == len(levels) == len(folded)
    again = fuse(result)
    assert wanted(again) == wanted(result)


# ------------------------------------------------------------------------------- size


def test_a_graph_of_600_000_nodes():
    n = 300_000
    x, z = Value(0.5), Value(0.0)
    for _ in range(n):
        z = z + x * x
    begin = time.perf_counter()
    graph = trace([z.tanh()], [x], [])
    traced = time.perf_counter()
    result = fuse(graph)
    levels = schedule(fold(result)[0])
    took = time.perf_counter() - traced
    assert len(graph) == 2 * n + 3
    assert len(result) == 3
    assert levels.tolist() == [0, 1, 2]
    each = 1e6 / len(graph)
    print(f"\na node takes trace {(traced - begin) * each:.2f} µs; fuse, fold and schedule {took * each:.2f} µs")
