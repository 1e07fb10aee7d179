"""Chains of + and ×, however they were written, become DOT: Σ wᵢ·xᵢ + Σ sⱼ.

    ((0 + w0*x0) + w1*x1) + b          ->  DOT([w0, w1], [x0, x1], b)
    dot([w0, w1], [x0, x1]) + b        ->  DOT([w0, w1], [x0, x1], b)
    (a + b) + c                        ->  DOT([], [], a, b, c)
    0 + e                              ->  DOT([], [], e)
    a + b                              stays

A chain is found by its links: each `add` of it has the next shorter one as an operand, and is its only user.
The terms keep the order in which they were added, the products apart from the rest.
"""

from __future__ import annotations

import numpy as np

from engine import ops
from engine.operation import TABLE
from engine.vectorize.columns import CONSTANT, DOT, Graph, Ints
from engine.vectorize.rewrite import Bools, Rewrite, code_of, numbering, operand, owners, spread


def fuse_chains(graph: Graph) -> Graph:
    """The graph with a DOT for each chain of at least three terms, or two products, or with a 0 in it."""
    n, code = len(graph), graph.code
    change = Rewrite(graph)
    uses = np.bincount(graph.parent, minlength=n)
    uses[graph.roots] += 2  # a root is wanted for itself
    once = uses == 1
    adds = _free_adds(graph)
    in_table = (code == code_of(graph, TABLE["sum"])) | (code == code_of(graph, TABLE["dot"]))
    inner = _inner(graph, adds, in_table, once)
    top = _tops(n, adds, inner)

    linked = in_table.copy()
    linked[adds] = True
    members = np.flatnonzero(linked)
    members = members[np.argsort(top[members], kind="stable")]  # chain after chain, the deepest link first
    begins = np.diff(top[members], prepend=-1) != 0
    tops, chain_of = top[members][begins], numbering(begins)
    chain, w, x = _terms(graph, members, chain_of, inner)

    # 0 + a -> a, and remember that it was a sum
    zero = (x < 0) & (code[w] == CONSTANT) & (graph.number[w] == 0.0)
    is_sum = np.zeros(len(tops), bool)
    is_sum[chain[zero]] = True
    is_sum[chain_of[in_table[members]]] = True
    chain, w, x = chain[~zero], w[~zero], x[~zero]

    # ... + mul(w, x) -> ... + w·x
    products = np.flatnonzero((x < 0) & (code[w] == code_of(graph, ops.mul.op)) & once[w])
    multiplied = w[products]
    w[products], x[products] = operand(graph, multiplied, 0), operand(graph, multiplied, 1)

    pairs = np.bincount(chain[x >= 0], minlength=len(tops))
    terms = np.bincount(chain, minlength=len(tops))
    becomes = is_sum | (terms >= 3) | (pairs >= 2)
    here = becomes[chain]
    rows, count = _rows(numbering(becomes)[chain[here]], w[here], x[here], pairs[becomes], terms[becomes])
    change.replace(tops[becomes], DOT, rows, count, pairs=pairs[becomes])
    inside = becomes[chain_of] & (members != tops[chain_of])
    change.drop(members[inside])
    change.drop(multiplied[becomes[chain[products]]])
    return change.finish()


def _free_adds(graph: Graph) -> Ints:
    """The adds that may be links. Those of a log-sum-exp wait for the pass that knows it: engine.vectorize.shares.

    log Σ exp(x − c) + c,   log Σ exp(x − c) + −(y − c),   (log Σ exp(x − c) − y) + c
    """
    code = graph.code
    exp, log, sub, neg = (code_of(graph, function.op) for function in (ops.exp, ops.log, ops.sub, ops.neg))
    adds = np.flatnonzero(code == code_of(graph, ops.add.op))
    logs = np.flatnonzero(code == log)
    if not len(logs) or not len(adds):
        return adds
    total = operand(graph, logs, 0)
    last = graph.parent[np.maximum(graph.first[total + 1] - 1, 0)]
    term = np.where(code[last] == exp, last, operand(graph, total, 0))
    shifted = operand(graph, term, 0)
    shift = np.full(len(graph), -1)  # of log Σ exp(x − c): c
    is_shifted = (code[total] >= 0) & (code[term] == exp) & (code[shifted] == sub)
    shift[logs] = np.where(is_shifted, operand(graph, shifted, 1), -1)

    waits = np.zeros(len(adds), bool)
    p, q = operand(graph, adds, 0), operand(graph, adds, 1)
    for a, b in ((p, q), (q, p)):
        minus = operand(graph, b, 0)
        is_minus = (code[b] == neg) & (code[minus] == sub) & (operand(graph, minus, 1) == shift[a])
        inside = np.where(code[a] == sub, shift[operand(graph, a, 0)], -1)
        waits |= (shift[a] == b) | ((shift[a] >= 0) & is_minus) | (inside == b)
    free: Ints = adds[~waits]
    return free


def _inner(graph: Graph, adds: Ints, in_table: Bools, once: Bools) -> Ints:
    """(n,) the operand that an add continues: a sum that nobody else uses. -1 where there is none.

    Of two such operands it is the first; of two sums of the table none.
    """
    link = in_table.copy()
    link[adds] = True
    link &= once
    p, q = operand(graph, adds, 0), operand(graph, adds, 1)
    continued = np.where(link[p], p, np.where(link[q], q, -1))
    continued[link[p] & in_table[p] & link[q] & in_table[q]] = -1
    inner = np.full(len(graph), -1)
    inner[adds] = continued
    return inner


def _tops(n: int, adds: Ints, inner: Ints) -> Ints:
    """(n,) the last add of the chain of each link: every round doubles how far each one sees."""
    top = np.arange(n)
    linked = inner[adds] >= 0
    active = inner[adds[linked]]
    top[active] = adds[linked]
    while len(active):
        further = top[top[active]]
        moved = further != top[active]
        top[active] = further
        active = active[moved]
    return top


def _terms(graph: Graph, members: Ints, chain_of: Ints, inner: Ints) -> tuple[Ints, Ints, Ints]:
    """The terms of all chains, in order: the chain, and w and x of a product, or the term and -1."""
    first = graph.first[members]
    count = graph.first[members + 1] - first
    owner, at = owners(count), spread(first, count)
    w, x = graph.parent[at], np.full(len(at), -1)
    kept = w != inner[members][owner]
    is_dot = graph.code[members] == code_of(graph, TABLE["dot"])
    if is_dot.any():
        half, rank = (count // 2)[owner], at - first[owner]
        of_dot = is_dot[owner]
        is_w = of_dot & (rank < half)
        x[is_w] = graph.parent[(at + half)[is_w]]
        kept &= ~(of_dot & (rank >= half) & (rank < 2 * half))
    return chain_of[owner[kept]], w[kept], x[kept]


def _rows(chain: Ints, w: Ints, x: Ints, pairs: Ints, terms: Ints) -> tuple[Ints, Ints]:
    """The parents of each DOT, all w, all x, the rest; and how many."""
    count = terms + pairs
    begin, before = np.cumsum(count) - count, np.cumsum(terms) - terms
    rows = np.empty(int(count.sum()), np.int64)
    product = x >= 0
    earlier: Ints = np.cumsum(product) - product  # products before each term, of all chains
    ahead = np.cumsum(pairs) - pairs
    rank = earlier - ahead[chain]
    rows[(begin[chain] + rank)[product]] = w[product]
    rows[((begin + pairs)[chain] + rank)[product]] = x[product]
    rank = np.arange(len(chain)) - before[chain] - rank
    rows[((begin + 2 * pairs)[chain] + rank)[~product]] = w[~product]
    return rows, count
