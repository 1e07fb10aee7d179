"""A graph lifted, and its arrays computed by plain loops: what `emit` writes as code must give the same."""

from __future__ import annotations

from itertools import chain

import numpy as np

from engine.nested import flat, shape
from engine.operation import Operation
from engine.operation import arrays as library
from engine.vectorize.arrays import View, check
from engine.vectorize.columns import DOT, JOIN, LISTS, SHARES, SOFTMAX
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.lift import lift
from engine.vectorize.names import Names
from engine.vectorize.placing import Source
from engine.vectorize.schedule import schedule
from engine.vectorize.trace import trace


def lifted(roots, inputs, parameters):
    """The program of arrays, checked, for items of the inputs and tensors of the parameters."""
    tensors = [flat(tensor) for tensor in parameters]
    graph, _ = fold(fuse(trace(roots, [leaf for item in inputs for leaf in flat(item)], [*chain(*tensors)])))
    belongs = np.repeat(np.arange(len(tensors)), [len(tensor) for tensor in tensors])
    sources = [Source("parameters", "parameters", (len(belongs),), belongs)]
    sources += [Source("input", f"x{i}", shape(item)) for i, item in enumerate(inputs)]
    names = Names({source.name for source in sources})
    program = lift(graph, schedule(graph), sources, names)
    check(program)
    return program


def numbers(program, inputs, parameters):
    """The numbers of the roots, from those that the Values hold."""
    return computed(program, [[leaf.data for leaf in flat(item)] for item in (parameters, *inputs)])


def computed(program, given):
    """The numbers of the roots for one example: `given` are the parameters, then the inputs, each flat."""
    known = [
        np.array(given[i]) if i < len(given) else np.zeros(0) if a.numbers is None else a.numbers.reshape(-1)
        for i, a in enumerate(program.arrays)
    ]
    with np.errstate(all="ignore"):
        for s in program.statements:
            known[s.target] = _result(s, program.arrays[s.target], known)
    return [float(known[array][place]) for array, place in program.roots]


def _read(view, known):
    """(list, grid) the entries, and which of them are there."""
    array = known[view.array]
    places = np.broadcast_to(view.places(), view.shape).reshape(-1)
    there = places < len(array)
    if view.mask is not None:
        there = there & view.mask.reshape(-1)
    grid = int(np.prod(view.shape[view.listed :]))
    return np.append(array, np.nan)[places].reshape(-1, grid), there.reshape(-1, grid)


def _result(s, target, known):
    if s.op is JOIN:
        return np.concatenate([_read(view, known)[0].reshape(-1) for view in s.operands])
    if s.op is DOT:
        total = np.zeros(target.size)
        for left, right in s.products:
            (a, one), (b, other) = _read(left, known), _read(right, known)
            total += np.where(one & other, a * b, 0.0).sum(axis=0)
        for x in s.operands:
            x, there = _read(x, known) if isinstance(x, View) else (np.array([[x]]), True)
            total += np.where(there, x, 0.0).sum(axis=0)
        return total
    if isinstance(s.op, Operation) and not s.op.any_number:
        operands = [_read(x, known)[0][0] if isinstance(x, View) else np.float64(x) for x in s.operands]
        return np.broadcast_to(s.op.value(library, *operands), target.size)
    return _lists(s, target, known)


def _lists(s, target, known):
    """An operation on lists, column after column, without what is missing in each."""
    pieces = [_read(view, known) for view in s.operands]
    xs, there = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    index = _read(s.index, known)[0][0] if s.index is not None else None
    results = []
    for j in range(xs.shape[1]):
        column = xs[there[:, j], j]
        if s.op in LISTS:
            shares = np.exp(column - column.max())
            shares /= shares.sum()
            result = np.zeros(len(xs))
            result[there[:, j]] = shares if s.op in (SHARES, SOFTMAX) else np.log(shares)
            results.append(result)
        else:
            more = [] if index is None else [float(index[j % len(index)])]
            results.append(s.op.value(library, *column, *more) if len(column) else np.nan)
    return np.array(results).T.reshape(-1) if s.op in LISTS else np.array(results).reshape(target.size)
