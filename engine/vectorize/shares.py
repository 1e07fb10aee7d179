"""Softmax and log-sum-exp as people write them out, found by what they divide by and what they take the logarithm of.

    exp(xₖ − c) / Σ exp(xⱼ − c)          ->  ELEMENT k of SHARES(x)       c: one node, as max(x), or a number, or absent
    log Σ exp(xⱼ − c) + c                ->  logsumexp(x)
    log Σ exp(xⱼ)                        ->  logsumexp(x)
    (xₖ − c) − log Σ exp(xⱼ − c)         ->  ELEMENT k of LOG_SOFTMAX(x); y − logsumexp(x) if y is not in the list
    log Σ exp(xⱼ − c) − (y − c)          ->  logsumexp(x) − y, and so −(y − c) + log Σ ..., log Σ ... − y + c

The shift c cancels, so the number that a stable softmax subtracts may be frozen: it is gone here. Exponentials
may be computed twice, for the numerator and for the sum: what is compared is what they are taken of.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine import ops
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, LOG_SOFTMAX, SHARES, Form, Graph, Ints
from engine.vectorize.rewrite import ABSENT, Rewrite, code_of, operand, owners, spread


def equal_rows(pool: Ints, start: Ints, count: Ints) -> Ints:
    """For each row (none empty) of the pool the number of the first row that equals it.

    >>> equal_rows(np.array([5, 6, 6, 5, 5, 6]), np.array([0, 2, 4]), np.array([2, 2, 2])).tolist()
    [0, 1, 0]
    """
    if not len(start):
        return start
    at, begin = spread(start, count), np.cumsum(count) - count
    hashed = _hashes(pool[at], at - np.repeat(start, count), begin)
    _, first, which = np.unique(hashed, return_index=True, return_inverse=True)
    like = first[which]
    fits = count == count[like]
    guess = np.where(fits, like, np.arange(len(start)))
    equal = np.logical_and.reduceat(pool[at] == pool[spread(start[guess], count)], begin)
    return np.where(equal & fits, like, np.arange(len(start)))  # of two rows that only hash alike, each its own


def _hashes(nodes: Ints, places: Ints, begin: Ints) -> npt.NDArray[np.uint64]:
    """One number for each row: a sum over its entries, each mixed with its place."""
    mixed = nodes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= places.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return np.add.reduceat(mixed, begin)


def one_of_each(change: Rewrite, nodes: Ints, lists: Ints, places: Ints) -> None:
    """Of several ELEMENTs that are the same entry of the same list the first stays."""
    if len(nodes):
        key = lists * (int(places.max()) + 1) + places
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        change.become(nodes, nodes[first][which])


class _Sums:
    """The sums Σ exp(xⱼ − c) of a graph.

    node     (m,) their nodes
    shift    (m,) c; -1 where there is none
    by       (m,) the operation of the shift: `sub` for xⱼ − c, `add` for xⱼ + c
    x        all the xⱼ, sum after sum; start, count: where those of a sum are
    leader   (m,) the first sum over the same x
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.exp, self.sub, self.add = (code_of(graph, function.op) for function in (ops.exp, ops.sub, ops.add))
        code, first, parent = graph.code, graph.first, graph.parent
        nodes = np.flatnonzero((code == self.add) | ((code == code_of(graph, DOT)) & (graph.pairs == 0)))
        nodes = nodes[first[nodes + 1] > first[nodes]]
        nodes = nodes[code[parent[first[nodes]]] == self.exp]
        count = first[nodes + 1] - first[nodes]
        if len(nodes):
            is_exp = code[parent[spread(first[nodes], count)]] == self.exp
            whole = np.logical_and.reduceat(is_exp, np.cumsum(count) - count)
            nodes, count = nodes[whole], count[whole]
        self.node, self.count, self.start = nodes, count, np.cumsum(count) - count
        self.x = operand(graph, parent[spread(first[nodes], count)], 0)
        self.shift, self.by = np.full(len(nodes), -1), np.full(len(nodes), ABSENT)
        if len(nodes):
            self._find_shifts()
        self.leader = equal_rows(self.x, self.start, self.count)
        owner = owners(count)
        key = owner * len(graph) + self.x
        self._order = np.argsort(key, kind="stable")
        self._key = key[self._order]
        self.which = np.full(len(graph), -1)  # the number of a node among the sums
        self.which[nodes] = np.arange(len(nodes))

    def _find_shifts(self) -> None:
        graph, owner = self.graph, owners(self.count)
        left, right = operand(graph, self.x, 0), operand(graph, self.x, 1)
        before = self.x.copy()
        for by, shift, rest in ((self.sub, right, left), (self.add, right, left), (self.add, left, right)):
            same = (graph.code[before] == by) & (shift == shift[self.start][owner])
            found = np.logical_and.reduceat(same, self.start)
            if by == self.add:  # of a single a + c nobody knows which is the shift, unless one is a number
                found &= (self.count > 1) | (graph.code[shift[self.start]] == CONSTANT)
            self.shift[found], self.by[found] = shift[self.start][found], by
            self.x = np.where(found[owner], rest, self.x)

    def unshifted(self, nodes: Ints, sums: Ints) -> Ints:
        """x of nodes that are x − c, c the shift of that sum; -1 of others."""
        shift, by = self.shift[sums], self.by[sums]
        left, right = operand(self.graph, nodes, 0), operand(self.graph, nodes, 1)
        fits = self.graph.code[nodes] == by
        x = np.where(fits & (right == shift), left, np.where(fits & (by == self.add) & (left == shift), right, -1))
        return np.where(shift < 0, nodes, x)

    def find(self, x: Ints, sums: Ints) -> Ints:
        """Where x stands in the list of that sum, the first place; -1 where it does not."""
        if not len(self._key):
            return np.full(len(x), -1)
        wanted = sums * len(self.graph) + x
        at = np.minimum(np.searchsorted(self._key, wanted), len(self._key) - 1)
        return np.where((x >= 0) & (self._key[at] == wanted), self._order[at] - self.start[sums], -1)

    def rows(self, sums: Ints) -> Ints:
        """The lists of these sums, one after the other."""
        return self.x[spread(self.start[sums], self.count[sums])]


def fuse_shares(graph: Graph) -> Graph:
    """The graph with a SHARES for each sum of exponentials that something is divided by, and its log-sum-exps."""
    if code_of(graph, ops.exp.op) == ABSENT:
        return graph
    sums = _Sums(graph)
    if not len(sums.node):
        return graph
    change = Rewrite(graph)
    _divide(change, sums)
    _take_logarithms(change, sums)
    return change.finish()


def _divide(change: Rewrite, sums: _Sums) -> None:
    """exp(xₖ − c) / Σ exp(xⱼ − c), and exp(xₖ − c) · (1 / Σ), or Σ ** −1 -> ELEMENT k of SHARES(x)."""
    graph = change.graph
    code = graph.code
    div, mul, pow = (code_of(graph, function.op) for function in (ops.div, ops.mul, ops.pow))

    fixed = np.where(code == CONSTANT, graph.number, np.nan)  # nan, which equals nothing, of what is no constant

    nodes = np.flatnonzero(code == div)
    p, q = operand(graph, nodes, 0), operand(graph, nodes, 1)
    inverse = np.full(len(graph), -1)  # of 1 / Σ: which sum
    ones = fixed[p] == 1.0
    inverse[nodes[ones]] = sums.which[q[ones]]
    powers = np.flatnonzero(code == pow)
    base, exponent = operand(graph, powers, 0), operand(graph, powers, 1)
    inverse[powers] = np.where(fixed[exponent] == -1.0, sums.which[base], -1)

    products = np.flatnonzero(code == mul)
    a, b = operand(graph, products, 0), operand(graph, products, 1)
    swapped = inverse[a] >= 0
    a, b = np.where(swapped, b, a), np.where(swapped, a, b)

    nodes = np.concatenate([nodes, products])
    exps, of = np.concatenate([p, a]), np.concatenate([sums.which[q], inverse[b]])
    hit = (of >= 0) & (code[exps] == sums.exp)
    nodes, exps, of = nodes[hit], exps[hit], of[hit]
    x = sums.unshifted(operand(graph, exps, 0), of)
    listed = sums.find(x, of) >= 0
    _entries(change, sums, SHARES, nodes[listed], x[listed], of[listed])


def _take_logarithms(change: Rewrite, sums: _Sums) -> None:
    """log Σ exp(xⱼ − c), and what is added to it or subtracted, by the log-sum-exp of the x."""
    graph = change.graph
    code, logsumexp = graph.code, ops.logsumexp.op
    logs = np.flatnonzero(code == code_of(graph, ops.log.op))
    logs = logs[sums.which[operand(graph, logs, 0)] >= 0]
    log_of = np.full(len(graph), -1)  # of log Σ: which sum
    log_of[logs] = sums.which[operand(graph, logs, 0)]
    a, p, q = _operands(graph, sums.add)
    a, p, q = np.concatenate([a, a]), np.concatenate([p, q]), np.concatenate([q, p])  # p + q and q + p
    s, u, v = _operands(graph, sums.sub)

    # log Σ exp(x) -> logsumexp(x)
    plain = logs[sums.shift[log_of[logs]] < 0]
    # log Σ exp(x − c) + c -> logsumexp(x),  log Σ exp(x + c) − c -> logsumexp(x)
    added = (log_of[p] >= 0) & (sums.shift[log_of[p]] == q) & (sums.by[log_of[p]] == sums.sub)
    taken = (log_of[u] >= 0) & (sums.shift[log_of[u]] == v) & (sums.by[log_of[u]] == sums.add)
    nodes = np.concatenate([plain, a[added], s[taken]])
    of = np.concatenate([log_of[plain], log_of[p[added]], log_of[u[taken]]])
    change.replace(nodes, logsumexp, sums.rows(of), sums.count[of])

    # (xₖ − c) − log Σ exp(x − c) -> ELEMENT k of LOG_SOFTMAX(x), or y − logsumexp(x) for a y − c not in the list
    after = log_of[v] >= 0
    nodes, of = s[after], log_of[v[after]]
    y = sums.unshifted(u[after], of)
    listed = sums.find(y, of) >= 0
    _entries(change, sums, LOG_SOFTMAX, nodes[listed], y[listed], of[listed])
    other = ~listed & (y >= 0) & (sums.shift[of] >= 0)
    _differences(change, sums, nodes[other], y[other], of[other], last=True)

    # log Σ exp(x − c) − (y − c) -> logsumexp(x) − y
    before = np.flatnonzero((log_of[u] >= 0) & ~after)
    of = log_of[u[before]]
    found = [(s[before], sums.unshifted(v[before], of), of)]
    # log Σ exp(x − c) + −(y − c) -> logsumexp(x) − y
    negated = np.flatnonzero((log_of[p] >= 0) & (code[q] == code_of(graph, ops.neg.op)))
    of = log_of[p[negated]]
    found.append((a[negated], sums.unshifted(operand(graph, q[negated], 0), of), of))
    # (log Σ exp(x − c) − y) + c -> logsumexp(x) − y
    inside = np.where(code[p] == sums.sub, log_of[operand(graph, p, 0)], -1)
    back = (inside >= 0) & (sums.shift[inside] == q) & (sums.by[inside] == sums.sub)
    found.append((a[back], operand(graph, p[back], 1), inside[back]))
    nodes, y, of = map(np.concatenate, zip(*found, strict=True))
    hit = (y >= 0) & (sums.shift[of] >= 0)
    _differences(change, sums, nodes[hit], y[hit], of[hit], last=False)


def _operands(graph: Graph, code: int) -> tuple[Ints, Ints, Ints]:
    """The nodes of an operation, their first operands, their second."""
    nodes = np.flatnonzero(graph.code == code)
    return nodes, operand(graph, nodes, 0), operand(graph, nodes, 1)


def _entries(change: Rewrite, sums: _Sums, form: Form, nodes: Ints, x: Ints, of: Ints) -> None:
    """Each node becomes the ELEMENT of that sum's list which is its x."""
    if not len(nodes):
        return
    leaders, which = np.unique(sums.leader[of], return_inverse=True)
    lists = change.add(form, sums.node[leaders], 1, sums.rows(leaders), sums.count[leaders], np.nan)[which]
    place = sums.find(x, of)
    change.replace(nodes, ELEMENT, lists, np.ones(len(nodes), np.int64), place=place)
    order = np.argsort(nodes)
    one_of_each(change, nodes[order], lists[order], place[order])


def _differences(change: Rewrite, sums: _Sums, nodes: Ints, y: Ints, of: Ints, last: bool) -> None:
    """Each node becomes y − logsumexp(x) (last), or logsumexp(x) − y, the x those of that sum."""
    if not len(nodes):
        return
    graph = change.graph
    leaders, which = np.unique(sums.leader[of], return_inverse=True)
    total, shift = sums.node[leaders], sums.shift[leaders]
    sign = np.where(sums.by[leaders] == sums.sub, 1.0, -1.0)
    with np.errstate(all="ignore"):
        number = np.log(graph.number[total]) + np.where(shift >= 0, sign * graph.number[shift], 0.0)
    new = change.add(ops.logsumexp.op, total, 1, sums.rows(leaders), sums.count[leaders], number)[which]
    pair = (y, new) if last else (new, y)
    change.replace(nodes, ops.sub.op, np.stack(pair, axis=1).ravel(), np.full(len(nodes), 2))
