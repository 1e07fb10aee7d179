"""Pass 2: many small operations become one that has a name: sums of products, softmax, log-sum-exp.

    fuse(graph) = shares(chains(lists(constants(graph))))

    constants   equal ones become one node
    lists       softmax([x0, ..., xn], i) for each i -> one SOFTMAX and its ELEMENTs; take([x0, ..., xn], 2) -> x2
    chains      Σ wᵢ·xᵢ + b, however it was written -> DOT (engine.vectorize.chains)
    shares      exp(xᵢ) / Σ exp(xⱼ) -> SHARES, log Σ exp(xⱼ) -> logsumexp (engine.vectorize.shares)

Each takes a graph and gives a graph, by array operations over its columns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.operation import TABLE, arrays
from engine.vectorize.chains import fuse_chains
from engine.vectorize.columns import CONSTANT, ELEMENT, LOG_SOFTMAX, SOFTMAX, Form, Graph, Ints
from engine.vectorize.rewrite import ABSENT, Floats, Rewrite, code_of, owners, spread
from engine.vectorize.shares import equal_rows, fuse_shares, one_of_each


def fuse(graph: Graph) -> Graph:
    """The same numbers from fewer nodes: see the head of this file.

    >>> from engine import Value
    >>> from engine.vectorize.trace import trace
    >>> w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    >>> print(fuse(trace([w[0] * x[0] + w[1] * x[1]], x, w)))
    0: parameter 0 = 2.0
    1: input 0 = 5.0
    2: parameter 1 = 3.0
    3: input 1 = 7.0
    4: dot(0, 2, 1, 3)
    """
    return fuse_shares(fuse_chains(_lists(_constants(graph))))


def _constants(graph: Graph) -> Graph:
    """Constants of the same bits become one node: the first."""
    constants = np.flatnonzero(graph.code == CONSTANT)
    numbers = np.where(np.isnan(graph.number[constants]), np.nan, graph.number[constants])
    _, chosen, which = np.unique(numbers.view(np.int64), return_index=True, return_inverse=True)
    one = np.arange(len(graph))
    one[constants] = constants[chosen][which]
    return replace(graph, parent=one[graph.parent], roots=one[graph.roots])


def _lists(graph: Graph) -> Graph:
    """What the table computes one entry at a time becomes a list; what is read from a list, that entry."""
    codes = {op: code_of(graph, TABLE[op]) for op in ("take", "softmax", "log_softmax", "mean")}
    if all(code == ABSENT for code in codes.values()):
        return graph
    change = Rewrite(graph)
    for op, form in (("softmax", SOFTMAX), ("log_softmax", LOG_SOFTMAX)):
        nodes = np.flatnonzero(graph.code == codes[op])
        if len(nodes):
            _list(change, nodes, op, form)
    # take([x0, ..., xn], 2) -> x2
    nodes = np.flatnonzero(graph.code == codes["take"])
    index = graph.parent[graph.first[nodes + 1] - 1]
    nodes = nodes[graph.code[index] == CONSTANT]
    change.become(nodes, graph.parent[graph.first[nodes] + _places(graph, nodes)])
    # mean([x]) -> x
    nodes = np.flatnonzero((graph.code == codes["mean"]) & (np.diff(graph.first) == 1))
    change.become(nodes, graph.parent[graph.first[nodes]])
    return change.finish()


def _places(graph: Graph, nodes: Ints) -> Ints:
    """Of nodes whose last operand is a constant index into the others: where it points, counted from the front."""
    last = graph.first[nodes + 1] - 1
    index = graph.number[graph.parent[last]].astype(np.int64)
    return index % (last - graph.first[nodes])


def _list(change: Rewrite, nodes: Ints, op: str, form: Form) -> None:
    """op(*xs, i) -> ELEMENT i of form(*xs); with an index that is computed, take of all the ELEMENTs."""
    graph = change.graph
    start, count = graph.first[nodes], np.diff(graph.first)[nodes] - 1  # of the xs
    same = equal_rows(graph.parent, start, count)
    leaders = np.unique(same)  # the first node of each list
    rows = graph.parent[spread(start[leaders], count[leaders])]
    lists = change.add(form, nodes[leaders], -2, rows, count[leaders], np.nan)
    of = lists[np.searchsorted(leaders, same)]

    fixed = graph.code[graph.parent[start + count]] == CONSTANT
    places = _places(graph, nodes[fixed])
    change.replace(nodes[fixed], ELEMENT, of[fixed], np.ones(len(places), np.int64), place=places)
    change.move(nodes[fixed], of[fixed], 1)
    one_of_each(change, nodes[fixed], of[fixed], places)
    if fixed.all():
        return

    # lists of which an entry is asked for by a computed index: all entries, the new ones and those that are there
    asked = np.unique(same[~fixed])
    size = count[asked]
    entry_of, entry = owners(size), spread(np.zeros(len(asked), np.int64), size)
    new = change.add(
        ELEMENT, of[asked][entry_of], 1, of[asked][entry_of], np.ones(len(entry), np.int64),
        _entries(graph, op, start[asked], size), entry,
    )  # fmt: skip
    begin = np.full(len(nodes), -1)
    begin[asked] = np.cumsum(size) - size
    there = np.flatnonzero(fixed)[begin[same[fixed]] >= 0]
    new[begin[same[there]] + _places(graph, nodes[there])] = change.alias[nodes[there]]
    moving = np.flatnonzero(~fixed)
    length = count[moving] + 1
    rows = np.empty(int(length.sum()), np.int64)
    ends = np.cumsum(length)
    last = np.zeros(len(rows), bool)
    last[ends - 1] = True
    rows[last] = graph.parent[start[moving] + count[moving]]
    rows[~last] = new[spread(begin[same[moving]], count[moving])]
    change.replace(nodes[moving], TABLE["take"], rows, length)


def _entries(graph: Graph, op: str, start: Ints, count: Ints) -> Floats:
    """The numbers of all the entries of some lists, when traced."""
    numbers = [np.zeros(0)]
    with np.errstate(all="ignore"):
        for i, n in zip(start.tolist(), count.tolist(), strict=True):
            numbers.append(getattr(arrays, op)(list(graph.number[graph.parent[i : i + n]])))
    return np.concatenate(numbers)
