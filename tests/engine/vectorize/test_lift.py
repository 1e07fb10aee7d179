"""Arrays found in graphs: they are consistent, compute what the nodes compute, and are as few as they should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from engine import Value, dot, exp, max, relu, softmax, take, tanh
from engine.nested import flat
from engine.vectorize import compiler, vectorize_model
from engine.vectorize.arrays import check
from engine.vectorize.columns import DOT, JOIN

from .drafts import FAMILIES, Draft, linear
from .lifted import lifted, numbers


def arrays_of(loss, outputs, d):
    """The program of a draft; it must compute what the Values hold."""
    roots = [loss, *flat(outputs)]
    program = lifted(roots, d.inputs, d.parameters)
    got = numbers(program, d.inputs, d.parameters)
    np.testing.assert_allclose(got, [root.data for root in roots], rtol=1e-9, atol=1e-11)
    return program


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@settings(max_examples=12)
@given(st.integers(0, 2**20), st.integers(1, 2))
def test_arrays_compute_what_the_nodes_compute(family, seed, scale):
    d = Draft(seed, scale)
    arrays_of(*family(d), d)


def statements(program):
    return [s.op.name for s in program.statements]


def gathers(program):
    return [view for s in program.statements for view in s.views() if view.index is not None]


# ------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize("how", [0, 1, 2, 3])
def test_a_layer_is_one_product_of_views(how):
    d = Draft(0)
    x, W, b = d.x(3), d.w(4, 3), d.w(4)
    program = arrays_of(z := linear(W, x, b, how)[0], linear(W, x, b, how), d)
    [s] = program.statements
    [(w, v)], [c] = s.products, s.operands
    assert (s.op, w.shape, w.strides, w.offset) == (DOT, (3, 4), (1, 3), 0)  # the list first, then the grid
    assert (v.strides, c.strides, c.offset) == ((1, 0), (1,), 12)
    assert program.roots[0] == program.roots[1], z


def test_the_same_layer_for_several_rows_is_one_product():
    d = Draft(0)
    xs, W = d.x(5, 3), d.w(4, 3)
    program = arrays_of(xs[0][0], [linear(W, row) for row in xs], d)
    [s] = program.statements
    assert program.arrays[s.target].shape == (4, 5)
    assert not gathers(program)


def test_attention_over_the_positions_before_is_a_rectangle():
    d = Draft(0)
    q, k = d.x(4, 2), d.x(4, 2)
    rows = [[dot(q[t], k[s]) for s in range(t + 1)] for t in range(4)]
    program = arrays_of(q[0][0], [softmax(row) for row in rows], d)
    products, shares = program.statements
    assert program.arrays[products.target].real.sum() == 10
    assert program.arrays[products.target].size == 16
    assert shares.operands[0].mask.sum() == 10
    assert not gathers(program)


def test_windows_with_a_border_share_their_weights():
    d = Draft(0)
    x, w = d.x(6), d.w(3)
    ys = [sum((w[j] * x[i + j - 1] for j in range(3) if 0 <= i + j - 1 < 6), 0.0) for i in range(6)]
    program = arrays_of(ys[0], ys, d)
    assert len(program.statements) == 1
    [(weights, _)] = program.statements[0].products
    assert (weights.index, weights.mask) == (None, None)


def test_nodes_of_other_tensors_are_other_arrays():
    d = Draft(0)
    x, w, v = d.x(3), d.w(3), d.w(3)
    program = arrays_of(x[0], [tanh(a) for a in [*w, *v]], d)
    assert statements(program) == ["tanh", "tanh"]


def test_lists_that_jump_between_many_arrays_are_joined():
    d = Draft(0)
    parts = [[f(v) for v in d.x(2)] for f in (tanh, exp, relu, abs, lambda v: v**2, lambda v: v**3, lambda v: 1 / v)]
    mixed = [part[0] for part in parts] + [part[1] for part in parts]
    program = arrays_of(max(mixed), take(mixed, d.index(14)), d)
    assert JOIN in [s.op for s in program.statements]


def test_a_node_that_is_computed_twice_is_stored_once():
    d = Draft(0)
    x = d.x(3)
    program = arrays_of(x[0], [tanh(v) for v in [*x, *x, x[1]]], d)
    [s] = program.statements
    assert program.arrays[s.target].size == 3


def test_forty_inputs_are_told_apart():
    """The arrays 29, 3 and 2, 4 are not the same pair."""
    d = Draft(0)
    xs = [d.x(1)[0] for _ in range(40)]
    arrays_of(sum(xs), [xs[28] * xs[2], xs[1] * xs[3]], d)


@pytest.mark.parametrize("how", [0, 3])
def test_the_number_of_statements_does_not_depend_on_the_sizes(how):
    def count(n, m):
        d = Draft(0)
        z = linear(d.w(m, n), d.x(n), d.w(m), how)
        h = softmax([relu(v) for v in z])
        return len(arrays_of(sum(linear(d.w(m, m), h, None, how)), h, d).statements)

    assert count(2, 3) == count(5, 7) == count(9, 4)


def test_roots_may_be_leaves_and_constants():
    x, w = Value(2.0), Value(3.0)
    roots = [x + w, x, w, Value(4.0), Value(2.0) * Value(4.0)]
    program = lifted(roots, [x], [w])
    assert numbers(program, [x], [w]) == [5.0, 2.0, 3.0, 4.0, 8.0]


LAYERS = {
    "MLP": lambda: nn.MLP(4, [5, 3, 1], seed=0),
    "softmax": lambda: nn.Sequential(nn.Linear(4, 3, seed=0), nn.Softmax(dim=-1), nn.Linear(3, 1, seed=1)),
    "layer norm": lambda: nn.Sequential(nn.Linear(4, 3, seed=0), nn.LayerNorm(3), nn.Linear(3, 1, seed=1)),
    "dropout": lambda: nn.Sequential(nn.Linear(4, 6, seed=0), nn.Dropout(0.5, seed=1), nn.Linear(6, 1, seed=2)),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_the_arrays_of_a_model_are_consistent(layer, monkeypatch):
    found = []

    def lift(*args, **more):
        found.append(compiler_lift(*args, **more))
        check(found[-1])
        return found[-1]

    compiler_lift = compiler.lift
    monkeypatch.setattr(compiler, "lift", lift)
    vectorize_model(LAYERS[layer](), lambda y, t: (flat([y])[0] - t) ** 2, ([0.1, -0.2, 0.3, 0.4], 0.5))
    assert found
