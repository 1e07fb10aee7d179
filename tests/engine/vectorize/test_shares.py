"""Softmax and log-sum-exp, as people write them out."""

import builtins
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Value, exp, log, log_softmax, logsumexp, max, softmax, sum, take
from engine.vectorize import shares
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, LOG_SOFTMAX, SHARES, check
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.shares import equal_rows
from engine.vectorize.trace import trace

from .interpreter import count, wanted


def leaves(n, seed=0):
    draw = random.Random(seed)
    return [Value(draw.uniform(-2, 2)) for _ in range(n)]


def fused(*roots, inputs=(), parameters=()):
    graph = trace(roots, inputs, parameters)
    result = fuse(graph)
    assert wanted(result) == pytest.approx(wanted(graph), rel=1e-13, abs=1e-14)
    return result


# ------------------------------------------------------------------------------- softmax


def plain(xs):
    exps = [exp(x) for x in xs]
    total = builtins.sum(exps)
    return [e / total for e in exps]


def shifted(xs):
    """microgpt's: the largest is read as a number."""
    largest = builtins.max(x.data for x in xs)
    exps = [(x - largest).exp() for x in xs]
    total = builtins.sum(exps)
    return [e / total for e in exps]


def with_a_node(xs):
    largest = max(xs)
    exps = [(x - largest).exp() for x in xs]
    return [e / sum(exps) for e in exps]


def plus(xs):
    shift = -max(xs)
    exps = [exp(shift + x) for x in xs]
    total = sum(exps)
    return [e / total for e in exps]


def twice(xs):
    largest = builtins.max(x.data for x in xs)
    total = builtins.sum((x - largest).exp() for x in xs)
    return [(x - largest).exp() / total for x in xs]


def each_its_own(xs):
    return [exp(x) / builtins.sum(exp(y) for y in xs) for x in xs]


def by_reciprocal(xs):
    exps = [exp(x) for x in xs]
    inverse = 1 / builtins.sum(exps)
    return [e * inverse for e in exps]


def by_power(xs):
    exps = [exp(x) for x in xs]
    inverse = builtins.sum(exps) ** -1
    return [inverse * e for e in exps]


def without_zero(xs):
    exps = [exp(x) for x in xs]
    total = exps[0]
    for e in exps[1:]:
        total = total + e
    return [e / total for e in exps]


WRITTEN = [plain, shifted, with_a_node, plus, twice, each_its_own, by_reciprocal, by_power, without_zero]


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("softmax", WRITTEN)
def test_softmax_however_it_is_written(softmax, n):
    x = leaves(n)
    graph = fused(*softmax(x), inputs=x)
    assert (count(graph, SHARES), count(graph, ELEMENT), len(graph)) == (1, n, 2 * n + 1)
    assert graph.place[graph.roots].tolist() == list(range(n))
    (shares,) = {int(graph.parents(root)[0]) for root in graph.roots.tolist()}
    assert graph.place[graph.parents(shares)].tolist() == list(range(n))


@pytest.mark.parametrize("softmax", [shifted, with_a_node, twice, plain])
def test_softmax_of_one(softmax):
    """The first position of attention."""
    x = Value(0.5)
    z = x * x
    graph = fused(*softmax([z]), inputs=[x])
    assert (count(graph, SHARES), count(graph, ELEMENT), len(graph)) == (1, 1, 4)


def test_of_a_single_sum_nobody_knows_the_shift():
    a, b = leaves(2)
    graph = fused(*plain([a + b]), inputs=[a, b])
    assert count(graph, "add") == 1  # as of plain([a + b, c + d])
    graph = fused(*plain([a + 3.0]), inputs=[a, b])
    assert count(graph, "add") == 0


def test_a_frozen_maximum_is_gone():
    x = leaves(5)
    result = fused(*shifted(x), inputs=x)
    assert not np.any(result.code == CONSTANT)
    others = [3.0, 900.0, -900.0, 899.0, 0.25]  # the traced maximum would overflow
    exps = np.exp(np.array(others) - 900.0)
    assert wanted(result, others) == pytest.approx(list(exps / exps.sum()), rel=1e-13)


def test_a_tied_list_reads_the_first_place():
    a, b = leaves(2)
    graph = fused(*plain([a, b, a]), inputs=[a, b])
    assert count(graph, ELEMENT) == 2
    assert graph.place[graph.roots].tolist() == [0, 1, 0]


def test_differences_with_different_shifts_are_shares_of_the_differences():
    x, c = leaves(3), leaves(3, 1)
    graph = fused(*plain([a - b for a, b in zip(x, c, strict=True)]), inputs=[*x, *c])
    assert (count(graph, SHARES), count(graph, "sub")) == (1, 3)


def test_a_sum_that_is_wanted_too_stays():
    x = leaves(3)
    exps = [exp(v) for v in x]
    total = builtins.sum(exps)
    graph = fused(*(e / total for e in exps), total, inputs=x)
    assert (count(graph, SHARES), count(graph, DOT), count(graph, "exp")) == (1, 1, 3)


@pytest.mark.parametrize("written", [
    lambda x: exp(x[0]) / (exp(x[1]) + exp(x[2])),  # not in the list
    lambda x: exp(x[0]) / (exp(x[0]) + exp(x[1]) + 1e-8),  # one term is no exponential
    lambda x: exp(x[0] - 1.0) / (exp(x[0]) + exp(x[1])),  # another shift
    lambda x: exp(x[0]) / (exp(x[0] - 1.0) + exp(x[1] - 1.0)),
    lambda x: (exp(x[0]) + exp(x[1])) / exp(x[0]),
    lambda x: exp(x[0]) * (2 / (exp(x[0]) + exp(x[1]))),
    lambda x: exp(x[0]) * (exp(x[0]) + exp(x[1])) ** -2,
    lambda x: x[0] / (exp(x[0]) + exp(x[1])),
    lambda x: exp(x[0]) / (2 * exp(x[0]) + exp(x[1])),
], ids=range(9))  # fmt: skip
def test_what_is_no_softmax(written):
    x = leaves(3)
    graph = fused(written(x), inputs=x)
    assert count(graph, SHARES) == 0


# ------------------------------------------------------------------------------- log-sum-exp


def total_of(xs, c=None):
    return builtins.sum(exp(x if c is None else x - c) for x in xs)


def frozen(xs):
    return builtins.max(x.data for x in xs)


@pytest.mark.parametrize("written", [
    lambda x: log(total_of(x)),
    lambda x: log(total_of(x, frozen(x))) + frozen(x),
    lambda x: frozen(x) + log(total_of(x, frozen(x))),
    lambda x: (lambda c: log(total_of(x, c)) + c)(max(x)),
    lambda x: (lambda c: c + log(sum([exp(v - c) for v in x])))(max(x)),
    lambda x: (lambda c: c + log(exp(x[0] - c) + exp(x[1] - c) + exp(x[2] - c)))(max(x)),
    lambda x: logsumexp(x),
], ids=range(7))  # fmt: skip
def test_log_sum_exp_however_it_is_written(written):
    x = leaves(3)
    graph = fused(written(x), inputs=x)
    assert (count(graph, "logsumexp"), len(graph)) == (1, 4)
    assert not np.any(graph.code == CONSTANT)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_sums_of_log_sum_exps_are_alike(n):
    rows = [leaves(3, seed) for seed in range(n)]
    for shift in (frozen, max):

        def stable(row, shift=shift):
            c = shift(row)
            return log(total_of(row, c)) + c

        graph = fused(builtins.sum(stable(row) for row in rows), inputs=[x for row in rows for x in row])
        assert (count(graph, "logsumexp"), count(graph, DOT), len(graph)) == (n, 1, 4 * n + 1)
    graph = fused(builtins.sum(log(total_of(row)) for row in rows), inputs=[x for row in rows for x in row])
    assert (count(graph, "logsumexp"), count(graph, DOT), len(graph)) == (n, 1, 4 * n + 1)


def test_log_probabilities():
    x = leaves(3)
    for c in (frozen(x), max(x)):
        graph = fused((x[1] - c) - log(total_of(x, c)), inputs=x)
        assert (count(graph, LOG_SOFTMAX), len(graph)) == (1, 5)
    graph = fused(x[1] - log(total_of(x)), inputs=x)
    assert (count(graph, LOG_SOFTMAX), len(graph)) == (1, 5)
    graph = fused(log(total_of(x)) - x[1], inputs=x)
    assert (count(graph, "logsumexp"), len(graph)) == (1, 5)


def test_log_softmax_shares_a_list():
    x = leaves(4)
    c = frozen(x)
    total = log(total_of(x, c))
    graph = fused(*((v - c) - total for v in x), inputs=x)
    assert (count(graph, LOG_SOFTMAX), count(graph, ELEMENT), len(graph)) == (1, 4, 9)
    assert graph.place[graph.roots].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("written", [
    lambda y, c, total: log(total) - (y - c),
    lambda y, c, total: log(total) + c - y,
    lambda y, c, total: log(total) - y + c,
    lambda y, c, total: c + (log(total) - y),
    lambda y, c, total: -(y - c) + log(total),
    lambda y, c, total: log(total) + -(y - c),
])  # fmt: skip
def test_cross_entropy_from_the_other_side(written):
    x = leaves(4)
    for c in (frozen(x), max(x)):
        graph = fused(written(x[2], c, total_of(x, c)), inputs=x)
        assert (count(graph, "logsumexp"), count(graph, "sub"), len(graph)) == (1, 1, 6)
        rows = [x, x[::-1]]
        graph = fused(builtins.sum(written(row[2], c, total_of(row, c)) for row in rows), inputs=x)
        assert (count(graph, "logsumexp"), count(graph, "sub"), count(graph, DOT), len(graph)) == (2, 2, 1, 9)


def test_a_shift_that_is_added_is_subtracted_again():
    x = leaves(3)
    c = -max(x)
    graph = fused(log(builtins.sum(exp(v + c) for v in x)) - c, inputs=x)
    assert (count(graph, "logsumexp"), len(graph)) == (1, 4)


def test_a_number_that_is_not_in_the_list():
    x, y = leaves(3), Value(0.75)
    c = max(x)
    graph = fused((y - c) - log(total_of(x, c)), inputs=[*x, y])
    assert (count(graph, "logsumexp"), count(graph, "sub"), len(graph)) == (1, 1, 6)
    assert graph.number[graph.parents(len(graph) - 1)] == pytest.approx([y.data, logsumexp([v.data for v in x])])


def test_a_shift_that_was_added():
    x, y = leaves(3), Value(0.75)
    c = -max(x)
    graph = fused((y + c) - log(builtins.sum(exp(v + c) for v in x)), inputs=[*x, y])
    assert (count(graph, "logsumexp"), count(graph, "sub"), len(graph)) == (1, 1, 6)
    assert graph.number[graph.parents(len(graph) - 1)] == pytest.approx([y.data, logsumexp([v.data for v in x])])


def test_a_log_sum_exp_that_is_wanted_too_is_there_once():
    x, y = leaves(3), Value(0.75)
    total = log(total_of(x))
    graph = fused(y - total, total - y, total.tanh(), inputs=[*x, y])
    assert count(graph, "logsumexp") == 1


@pytest.mark.parametrize("written", [
    lambda x, y, c: log(builtins.sum(exp(v + c) for v in x)) + c,
    lambda x, y, c: log(total_of(x, c)) - c,
    lambda x, y, c: (log(builtins.sum(exp(v + c) for v in x)) - y) + c,
    lambda x, y, c: (log(total_of(x, c)) - y) - c,
    lambda x, y, c: log(total_of(x, c)) + y,
    lambda x, y, c: log(total_of(x, c)) - (y + c),
    lambda x, y, c: log(total_of(x, c)) + (y - c),
    lambda x, y, c: (c - x[0]) - log(total_of(x, c)),
], ids=range(8))  # fmt: skip
def test_what_is_no_log_sum_exp(written):
    x, y = leaves(3), Value(0.75)
    for c in (max(x), Value(0.5)):
        graph = fused(written(x, y, c), inputs=[*x, y])
        assert (count(graph, "logsumexp"), count(graph, "log")) == (0, 1)


def test_a_shift_that_does_not_come_back_stays():
    x = leaves(3)
    graph = fused(log(total_of(x, 1.0)), log(total_of(x, 1.0)) + 2.0, inputs=x)
    assert (count(graph, "logsumexp"), count(graph, "log")) == (0, 2)


def test_one_of_everything_over_one_list():
    x = leaves(4)
    c = frozen(x)
    exps = [exp(v - c) for v in x]
    total = builtins.sum(exps)
    graph = fused(*(e / total for e in exps), log(total) + c, (x[3] - c) - log(total), total, inputs=x)
    assert [count(graph, form) for form in (SHARES, LOG_SOFTMAX, "logsumexp", DOT)] == [1, 1, 1, 1]
    folded, varies = fold(graph)
    check(folded)
    assert set(varies.tolist()) == {0, 2}


# ------------------------------------------------------------------------------- any


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6), st.sampled_from(WRITTEN), st.integers(0, 5), st.data())
def test_any_softmax_gives_the_same_numbers(numbers, softmax, k, data):
    x = [Value(number) for number in numbers]
    p = softmax([v * 0.5 for v in x] if k % 2 else x)
    y = builtins.sum(a * b for a, b in zip(p, x, strict=True)) + log(p[k % len(p)])
    graph = trace([y, *p], x, [])
    result = fuse(graph)
    others = data.draw(st.lists(st.floats(-30, 30), min_size=len(x), max_size=len(x)))
    for given_numbers in (numbers, others):
        assert wanted(result, given_numbers) == pytest.approx(wanted(graph, given_numbers), rel=1e-12, abs=1e-13)
    assert count(result, SHARES) == (len(x) > 1 or softmax is not without_zero)  # exp(x) / exp(x) has no sum


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_lists_of_lists(seed, n):
    draw = random.Random(seed)
    index = [Value(float(draw.randrange(2))) for _ in range(2)]
    nodes = leaves(4, seed)
    given_leaves = [*index, *nodes]
    for _ in range(n):
        xs = draw.sample(nodes[-6:], draw.randint(2, 4))
        for chosen in (xs, xs, xs[::-1])[: draw.randint(1, 3)]:
            nodes += draw.choice([
                lambda chosen=chosen: softmax(chosen),
                lambda chosen=chosen: log_softmax(chosen),
                lambda chosen=chosen: draw.choice(WRITTEN)(chosen),
                lambda chosen=chosen: [softmax(chosen, draw.choice(index)), softmax(chosen, -1)],
                lambda chosen=chosen: [log_softmax(chosen, draw.choice([*index, 0, 1])), log(total_of(chosen))],
                lambda chosen=chosen: [take(chosen, draw.choice([*index, 0, -1])) * chosen[0] + chosen[1] * 2.0],
            ])()  # fmt: skip
    graph = trace(nodes[-3:], given_leaves, [])
    result = fuse(graph)
    folded, _ = fold(result)
    for _ in range(2):
        numbers = [float(draw.randrange(2)), float(draw.randrange(2)), *(draw.uniform(-1, 1) for _ in range(4))]
        expected = pytest.approx(wanted(graph, numbers), rel=1e-11, abs=1e-11)
        assert wanted(result, numbers) == expected
        assert wanted(folded, numbers) == expected


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), max_size=12))
def test_equal_rows(rows):
    lengths = np.array([len(row) for row in rows], np.int64)
    pool = np.array([7, *(x for row in rows for x in row)], np.int64)
    start = 1 + np.cumsum(lengths) - lengths
    assert equal_rows(pool, start, lengths).tolist() == [rows.index(row) for row in rows]


def test_rows_that_only_hash_alike(monkeypatch):
    monkeypatch.setattr(shares, "_hashes", lambda nodes, places, begin: np.zeros(len(begin), np.uint64))
    rows = np.array([5, 6, 5, 6, 6, 5, 5])
    assert equal_rows(rows, np.array([0, 2, 4, 6]), np.array([2, 2, 2, 1])).tolist() == [0, 0, 2, 3]


# ------------------------------------------------------------------------------- microgpt


def linear(x, w):
    return [builtins.sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def rmsnorm(x):
    ms = builtins.sum(xi * xi for xi in x) / len(x)
    scale = (ms + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def attention(q, keys, values):
    scores = [builtins.sum(a * b for a, b in zip(q, k, strict=True)) / len(q) ** 0.5 for k in keys]
    weights = shifted(scores)
    return [builtins.sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(len(q))]


def test_a_block_of_microgpt():
    positions, width, words = 3, 4, 6
    x = [leaves(width, t) for t in range(positions)]
    wq, wk, wv = ([leaves(width, 10 * m + i) for i in range(width)] for m in range(3))
    head = [leaves(width, 50 + i) for i in range(words)]
    keys, values, losses = [], [], []
    for t, row in enumerate(x):
        h = rmsnorm(row)
        keys.append(linear(h, wk))
        values.append(linear(h, wv))
        logits = linear(attention(linear(h, wq), keys, values), head)
        losses.append(-shifted(logits)[t].log())
    loss = (1 / positions) * builtins.sum(losses)
    flat = [p for matrix in (wq, wk, wv, head) for row in matrix for p in row]
    graph = fused(loss, inputs=[v for row in x for v in row], parameters=flat)
    assert count(graph, SHARES) == 2 * positions
    assert count(graph, ELEMENT) == positions * (positions + 1) // 2 + positions
    assert [count(graph, name) for name in ("exp", "add", "sub")] == [0, positions, 0]  # ms + 1e-5
    dots = np.flatnonzero(graph.code == graph.ops.index(DOT))
    assert len(dots) == positions * (1 + 3 * width + width + words) + positions * (positions + 1) // 2 + 1
    assert np.count_nonzero(graph.pairs[dots]) == len(dots) - 1  # all but the sum of the losses
