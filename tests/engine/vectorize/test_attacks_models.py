"""Programs that once misled the vectorizer, or are of a shape that could: small, square, ragged; written as users do.

What they have in common: a list joins several sources, a little differently in each row; axes of equal length; matrices
used both ways; gradients that are part of the loss. Each is compared with the scalar engine at other rows and points.
"""

import builtins
import itertools
import random

import numpy as np
import pytest

import engine
from engine import (
    Value,
    exp,
    grad,
    hessian,
    log_softmax,
    logsumexp,
    mean,
    prod,
    relu,
    softmax,
    softplus,
    sqrt,
    take,
    tanh,
    var,
    vectorize,
)
from engine.nested import flat

from .agreement import Tally, agree
from .drafts import Draft, linear, shares

total = builtins.sum


def columns(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def product(xs, ys):
    return total(x * y for x, y in zip(xs, ys, strict=True))


def matmul(A, B):
    return [[product(row, column) for column in columns(B)] for row in A]


def squares(tree):
    return total(v * v for v in flat(tree))


def checked(draft, loss, outputs, parameters=None, seed=1):
    """The program of a draft agrees at five rows and two points; sizes of a batch are those of its axes, too."""
    rng = random.Random(seed)
    leaves = flat(draft.parameters if parameters is None else parameters)
    rows = [draft.row() for _ in range(5)]
    points = [[rng.gauss(0.0, 0.7) for _ in leaves] for _ in range(2)]
    tally = Tally()
    program = agree(loss, draft.inputs, leaves, rows, make=vectorize, outputs=outputs, points=points,
                    batches=(1, 2, 3, 5), tally=tally)  # fmt: skip
    assert tally.unsure == 0
    return program


# ------------------------------------------------------------- lists whose numbers come from several sources


def written_softmax(xs):
    exps = [exp(x) for x in xs]
    return [e / total(exps) for e in exps]


WEIGHED = {
    "sum": engine.sum,
    "mean": mean,
    "var": var,
    "prod": prod,
    "max": engine.max,
    "min": engine.min,
    "logsumexp": logsumexp,
    "softmax": lambda xs: product(softmax(xs), range(1, len(xs) + 1)),
    "log_softmax": lambda xs: product(log_softmax(xs), range(1, len(xs) + 1)),
    "one of a softmax": lambda xs: softmax(xs)[1],
    "written softmax": lambda xs: product(written_softmax(xs), range(1, len(xs) + 1)),
    "dot with itself": lambda xs: product(xs, xs[::-1]),
    "take": lambda xs: take(xs, 1),
}


@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.parametrize(
    "kinds", [("ppx", "cpp", "ccx"), ("xpc", "cxp", "pcx"), ("ppp", "xxp", "xcp", "ppx"), ("cx", "xc", "cp")]
)
def test_every_column_of_a_list_operation_may_mix_its_sources_differently(name, kinds):
    """Parameters, constants and inputs in one list: the gaps of one source must not count, nor move the others."""
    d = Draft(3)
    x, w, c = (iter(flat(leaves)) for leaves in (d.x(9), d.w(9), d.numbers((9,), lambda: d.rng.gauss(0.0, 1.0))))
    table = [[next({"x": x, "p": w, "c": c}[kind]) for kind in row] for row in kinds]
    found = [WEIGHED[name]([tanh(v) if i else v for v in column]) for i, column in enumerate(columns(table))]
    checked(d, product(found, range(1, 1 + len(found))) + 0.1 * squares([*d.inputs[0], *d.parameters[0]]), found)


def test_an_index_finds_its_entry_whichever_entries_are_constants():
    """All ways in which the entries of a table of 3 words are parameters or constants."""
    for mask in itertools.product([False, True], repeat=6):
        table = [[Value(10.0 * i + j) for j in range(2)] for i in range(3)]
        word = Value(1.0)
        found = [take(column, word) for column in columns(table)]
        trained = [v for v, is_parameter in zip(flat(table), mask, strict=True) if is_parameter]
        program = vectorize(found[0] + found[1] * 2.0, inputs=[word], parameters=trained)
        assert program([0.0, 1.0, 2.0]).tolist() == [2.0, 32.0, 62.0]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("steps", "n", "how"), [(3, 2, 4), (4, 3, 0), (3, 3, 2)])
def test_causal_attention_with_a_learned_key_at_either_end_of_each_list(steps, n, how, first):
    d = Draft(5)
    x, key, value, W = d.x(steps, n), d.w(n), d.w(n), d.w(n, n)
    keys, out = [linear(W, row) for row in x], []
    for t in range(steps):
        ks, vs = keys[: t + 1], x[: t + 1]
        ks, vs = ([key, *ks], [value, *vs]) if first else ([*ks, key], [*vs, value])
        scores = [product(x[t], k) for k in ks]
        ps = softmax(scores) if how == 4 else shares(scores, how)
        out.append([product(ps, column) for column in columns(vs)])
    checked(d, squares(out), out)


@pytest.mark.parametrize(("steps", "n"), [(3, 2), (4, 4)])
def test_running_means_that_begin_with_a_learned_state(steps, n):
    d = Draft(6)
    x, start, W = d.x(steps, n), d.w(n), d.w(n, n)
    h = [linear(W, row) for row in x]
    lists = [[[start[j], *(row[j] for row in h[:t]), x[t][j]] for j in range(n)] for t in range(steps)]
    means, spread = [[mean(xs) for xs in row] for row in lists], [[var(xs) for xs in row] for row in lists]
    checked(d, squares(means) + total(flat(spread)), [means, spread])


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_causal_attention_of_which_some_weights_are_constants(kept):
    d = Draft(10)
    x, Q, K, V = d.x(3, 3), d.w(3, 3), d.w(3, 3), d.w(3, 3)
    q, k, v = ([linear(W, row) for row in x] for W in (Q, K, V))
    out = []
    for t in range(3):
        ps = softmax([product(q[t], k[j]) - 0.5 * (t - j) for j in range(t + 1)])
        out.append([product(ps, [v[j][i] for j in range(t + 1)]) for i in range(3)])
    rng = random.Random(10)
    trained = [w for w in flat(d.parameters) if rng.random() < kept]
    rng.shuffle(trained)
    checked(d, squares(out), out, trained)


# ------------------------------------------------------------- windows, edges, graphs


@pytest.mark.parametrize("n", [3, 4])
def test_pooling_over_neighbours_where_there_are_any(n):
    d = Draft(7)
    x, w = d.x(n, n), d.w(n, n)
    scaled = [[a * b for a, b in zip(r, s, strict=True)] for r, s in zip(x, w, strict=True)]
    near = [range(max(0, i - 1), min(n, i + 2)) for i in range(n)]
    around = [[[scaled[a][b] for a in near[i] for b in near[j]] for j in range(n)] for i in range(n)]
    means, tops = [[mean(v) for v in row] for row in around], [[engine.max(v) for v in row] for row in around]
    checked(d, squares(means) + total(flat(tops)), [means, tops])


@pytest.mark.parametrize("k", [2, 3])
def test_convolutions_over_zeros_at_the_edges_and_their_skip_connection(k):
    d = Draft(8)
    x, first, second = d.x(6), d.w(k), d.w(k)

    def convolved(xs, w):
        padded = [*[0.0] * (k // 2), *xs, *[0.0] * (k - 1 - k // 2)]
        return [tanh(product(w, padded[i : i + k])) for i in range(len(xs))]

    fine = convolved(x, first)
    coarse = [engine.max(fine[i : i + 2]) for i in range(0, 6, 2)]
    out = convolved([v + coarse[i // 2] for i, v in enumerate(fine)], second)
    checked(d, squares(out), out)


@pytest.mark.parametrize(("nodes", "n"), [(4, 2), (5, 3)])
def test_attention_over_the_neighbours_in_a_graph(nodes, n):
    d = Draft(9)
    near = [[j for j in range(nodes) if (i * j) % 3 != 1 or i == j] for i in range(nodes)]
    x, W, a, b = d.x(nodes, n), d.w(n, n), d.w(n), d.w(n)
    h, out = [linear(W, row) for row in x], []
    for i in range(nodes):
        ps = softmax([relu(product(a, h[i]) + product(b, h[j])) for j in near[i]])
        out.append([product(ps, [h[j][c] for j in near[i]]) for c in range(n)])
    checked(d, total(tanh(v) for v in flat(out)), out)


# ------------------------------------------------------------- square matrices, used in more than one way


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_matrix_and_its_transpose_its_diagonals_and_triangles(n):
    d = Draft(11)
    W, x = d.w(n, n), d.x(n)
    left, right = matmul(W, columns(W)), matmul(columns(W), W)
    skew = [[W[i][j] - W[j][i] for j in range(n)] for i in range(n)]
    upper = [product(W[i][i:], x[i:]) for i in range(n)]
    ends = total(W[i][i] + W[i][n - 1 - i] * x[i] for i in range(n))
    bowl = product(x, linear(left, x)) + squares(linear(right, x)) + total(tanh(v) for v in linear(skew, x))
    checked(d, bowl + squares(upper) + ends, [left, right, upper])


@pytest.mark.parametrize("n", [2, 3])
def test_cyclic_matrices_read_forwards_and_backwards(n):
    d = Draft(12)
    c, x = d.w(n), d.x(n)
    forwards = [product([c[(i - j) % n] for j in range(n)], x) for i in range(n)]
    backwards = [product([c[(i + j) % n] for j in range(n)], x) for i in range(n)]
    checked(d, product(forwards, [tanh(v) for v in backwards]), [forwards, backwards])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_cholesky_factor_and_its_solve(n):
    d = Draft(13)
    x, width, y = d.x(n, 2), d.w(), d.x(n)
    K = [[exp(-squares([p - q for p, q in zip(x[i], x[j], strict=True)]) / exp(width)) + 0.5 * (i == j)
          for j in range(n)] for i in range(n)]  # fmt: skip
    L = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = K[i][j] - product(L[i][:j], L[j][:j])
            L[i][j] = sqrt(rest) if i == j else rest / L[j][j]
    z = []
    for i in range(n):
        z.append((y[i] - product(L[i][:i], z)) / L[i][i])
    checked(d, squares(z) + total(engine.log(L[i][i]) for i in range(n)), z)


@pytest.mark.parametrize(("a", "b", "c"), [(2, 2, 2), (2, 3, 1)])
def test_a_tensor_with_a_factor_for_each_of_its_axes(a, b, c):
    d = Draft(14)
    core, A, B, C, x = d.w(a, b, c), d.w(2, a), d.w(3, b), d.w(2, c), d.x(2, 3, 2)
    out = [[[total(core[p][q][r] * u[p] * v[q] * w[r] for p in range(a) for q in range(b) for r in range(c))
             for w in C] for v in B] for u in A]  # fmt: skip
    checked(d, squares([s - t for s, t in zip(flat(out), flat(x), strict=True)]), out)


# ------------------------------------------------------------- derivatives as part of the loss


def energy(W, v):
    return lambda x: product(v, [softplus(z) for z in linear(W, x)]) + 0.5 * squares(x)


@pytest.mark.parametrize(("n", "width"), [(2, 2), (3, 3), (2, 4)])
def test_a_score_and_the_trace_of_a_hessian(n, width):
    d = Draft(15)
    x, W, v = d.x(n), d.w(width, n), d.w(width)
    slope, H = grad(energy(W, v))(x), hessian(energy(W, v))(x)
    checked(d, 0.5 * squares(slope) - total(H[i][i] for i in range(n)), [slope, H])


@pytest.mark.parametrize(("n", "width"), [(2, 2), (3, 2)])
def test_a_loss_after_a_step_of_descent(n, width):
    d = Draft(16)
    x, t, W, v = d.x(n), d.x(), d.w(width, n), d.w(width)

    def loss(W, v):
        return (product(v, [tanh(z) for z in linear(W, x)]) - t) ** 2

    slope_W, slope_v = grad(loss, argnums=(0, 1))(W, v)
    stepped = [[w - 0.1 * g for w, g in zip(r, s, strict=True)] for r, s in zip(W, slope_W, strict=True)]
    stepped_v = [w - 0.1 * g for w, g in zip(v, slope_v, strict=True)]
    checked(d, loss(stepped, stepped_v), [stepped, stepped_v])


# ------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name", ["lambda", "batch", "wanted", "join", "sum", "a b", 'a"b', "\n", "é", "1a", "#", "c1", "d_x"]
)
def test_a_name_is_only_a_name(name):
    x, w = [Value(1.0, name), Value(2.0, name)], [Value(0.5, name), Value(0.25, name)]
    h = tanh(product(w, x))
    h.name = name
    loss = exp(h) * w[0]
    loss.name = name
    program = vectorize(loss, inputs=[x], parameters=w, outputs=[h])
    loss.backward()
    assert np.allclose(program([[1.0, 2.0]] * 2), loss.data, rtol=1e-14)
    assert np.allclose(program.value_and_grad([[1.0, 2.0]])[1], [v.grad for v in w], rtol=1e-14)
