"""The arrays made so far, where in them each node lies, and how places become views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.operation import Operation
from engine.vectorize import grids
from engine.vectorize.arrays import Array, Numbers, Operand, Shape, Statement, View
from engine.vectorize.columns import CONSTANT, INPUT, LISTS, PARAMETER, Form, Graph, Ints
from engine.vectorize.grouping import gathered
from engine.vectorize.names import Names, common_name
from engine.vectorize.runs import Run


@dataclass(frozen=True)
class Source:
    """An input of the program, or the parameters: its name, the shape of one example, what tells its tensors apart."""

    kind: str
    name: str
    shape: Shape
    tensors: Ints | None = None  # (entries,) of the parameters: nodes that read different tensors are no group


class Placing:
    """What lifting knows at any time.

    arrays   all arrays; the parameters are the first
    array    (n,) in which array each node lies; -1 for a constant
    place    (n,) where in it; of a constant the first node with the same number
    kind     (n,) the array again, but below -1 a tensor of the parameters: nodes of other kinds are no group
    """

    def __init__(self, graph: Graph, levels: Ints, sources: Sequence[Source], names: Names, rectangles: bool) -> None:
        self.graph, self.levels, self.names, self.rectangles = graph, levels, names, rectangles
        self.arrays = [Array(s.kind, s.name, s.shape, s.kind != "parameters") for s in sources]
        self.statements: list[Statement] = []
        self.skips = False
        n = len(graph)
        self.array = np.full(n, -1, np.int64)  # -1: a constant
        self.place = np.zeros(n, np.int64)
        self.kind = np.full(n, -1, np.int64)  # the array again, or below -1 a tensor of the parameters
        self._place_leaves(sources)

    def _place_leaves(self, sources: Sequence[Source]) -> None:
        graph = self.graph
        parameters = np.flatnonzero(graph.code == PARAMETER)
        self.array[parameters], self.place[parameters] = 0, graph.place[parameters]
        tensors = sources[0].tensors
        self.kind[parameters] = -2 - (tensors[graph.place[parameters]] if tensors is not None else 0)
        inputs = np.flatnonzero(graph.code == INPUT)
        begins = np.cumsum([0, *(math.prod(s.shape) for s in sources[1:])])
        constants = np.flatnonzero(graph.code == CONSTANT)
        _, chosen, same = np.unique(graph.number[constants].view(np.int64), return_index=True, return_inverse=True)
        self.place[constants] = constants[chosen][same.reshape(-1)]  # a constant is told by its number
        item = np.searchsorted(begins, graph.place[inputs], side="right") - 1
        self.array[inputs] = self.kind[inputs] = item + 1
        self.place[inputs] = graph.place[inputs] - begins[item]

    def _place_elements(self, nodes: Ints) -> None:
        lists = self.graph.parent[self.graph.first[nodes]]
        self.array[nodes] = self.kind[nodes] = self.array[lists]
        arrays, which = np.unique(self.array[lists], return_inverse=True)
        steps = np.array([math.prod(self.arrays[a].shape[1:]) for a in arrays.tolist()])
        self.place[nodes] = self.graph.place[nodes] * steps[which.reshape(-1)] + self.place[lists]

    # ------------------------------------------------------------------ sorting and grids

    def _sorted(
        self, keys: Ints, nodes: Ints, parents: Ints | None, extra: Sequence[Ints] = ()
    ) -> tuple[Ints, Ints, Ints, Ints]:
        """Sorted by the keys, nodes that compute the same only once; and for each node of all which of these it is."""
        every = np.array([*keys, *extra]) if len(extra) else keys
        order = np.lexsort(every[::-1]) if every.shape[1] > 1 else np.zeros(1, np.int64)
        every = every[:, order]
        new = np.append(True, (every[:, 1:] != every[:, :-1]).any(axis=0))
        self._all = nodes[order]
        self._all_parents = parents[order] if parents is not None else self._all
        chosen = order[new]
        return keys[:, chosen], nodes[chosen], self._all_parents[new], np.cumsum(new) - 1

    def _grid(self, keys: Ints, arrays: Sequence[int]) -> tuple[Shape, Ints] | None:
        """A grid on which the nodes lie, and where on it; None if there is no pattern."""
        m = keys.shape[1]
        found = grids.loops(keys)
        if found is not None:
            return self._finer(tuple(size for size, _ in found), keys, arrays), np.arange(m)
        if not self.rectangles:
            return None
        if len(arrays) and (keys[0, 1:] > keys[0, :-1]).all() and arrays[0] >= 0:
            source = self.arrays[arrays[0]]
            box = grids.box(source.shape, keys[0]) if source.kind == "result" else None
            if box is not None and self._all_fit(*box, keys, arrays):
                return box
        if len(keys) > 1:
            rectangle = grids.completed(keys)
            if rectangle is not None and self._all_fit(*rectangle, keys, arrays):
                return rectangle
        return None

    def _finer(self, shape: Shape, keys: Ints, arrays: Sequence[int]) -> Shape:
        """The grid, cut further until no view crosses from one row of its array to the next."""
        at = np.arange(keys.shape[1])
        again = True
        while again:
            again = False
            for key, array in zip(keys, arrays, strict=True):
                fitted = grids.fit(shape, at, key) if array >= 0 else None
                finer = grids.split(shape, fitted[1], self.arrays[array].shape) if fitted else shape
                again |= finer != shape
                shape = finer
        return shape

    def _all_fit(self, shape: Shape, at: Ints, keys: Ints, arrays: Sequence[int]) -> bool:
        for key, array in zip(keys, arrays, strict=True):
            fitted = grids.fit(shape, at, key)
            if fitted is None:
                return False
            low, high = grids.span(fitted[0], shape, fitted[1])
            if low < 0 or (array >= 0 and high >= self.arrays[array].size):
                return False
        return True

    # ------------------------------------------------------------------ views

    def _view(self, array: int, shape: Shape, at: Ints, places: Ints) -> View:
        """The view of an array in which the entries `at` of the grid read the places."""
        fitted = grids.fit(shape, at, places)
        if fitted is not None:
            low, high = grids.span(fitted[0], shape, fitted[1])
            if low >= 0 and high < self.arrays[array].size:
                return View(array, shape, fitted[1], fitted[0])
        index = np.zeros(math.prod(shape), np.int64)
        index[at] = places
        return gathered(array, index.reshape(shape), 0)

    def _constant(self, shape: Shape, at: Ints, numbers: np.ndarray) -> Operand:
        """Numbers of the graph's own: one, if they are all the same, else an array of them."""
        if len(numbers) == 1 or (bits(numbers) == bits(numbers)[0]).all():
            return float(numbers[0])
        spread = np.full(math.prod(shape), numbers[0])
        spread[at] = numbers
        return self._constant_array(spread.reshape(shape), 0)

    def _constant_array(self, numbers: np.ndarray, listed: int) -> View:
        whole = numbers.shape
        for axis in range(numbers.ndim):
            head = numbers.take([0], axis)
            if (bits(numbers) == bits(head)).all():
                numbers = head
        strides = [s if n > 1 else 0 for n, s in zip(numbers.shape, grids.contiguous(numbers.shape), strict=True)]
        shape = tuple(n for n in numbers.shape if n > 1)
        self.arrays.append(Array("constant", self.names.new("", "c"), shape, False, numbers=numbers.reshape(shape)))
        return View(len(self.arrays) - 1, whole, tuple(strides), 0, listed)

    def _stretch(self, run: Run, shape: Shape, at: Ints, axes: list[tuple[int, int]] | None = None) -> View:
        """The view of a run: the axes of the list first (none of a single entry), then the grid's.

        Without given axes the list has one, and is a gather unless its entries are equally far apart.
        """
        longest, size = run.longest, self.arrays[run.array].size
        entries = math.prod(shape)
        if axes is None and run.pattern is not None:
            steps = np.diff(run.pattern)
            axes = [(longest, int(steps[0]) if longest > 1 else 0)] if (steps == steps[:1]).all() else None
        if run.pattern is not None:
            fitted = grids.fit(shape, at, run.key)
            if axes is not None and fitted is not None:
                listed = tuple(n for n, _ in axes)
                strides = (*(s for _, s in axes), *fitted[1])
                low, high = grids.span(fitted[0], (*listed, *shape), strides)
                if low >= 0 and high < size:
                    mask = None
                    if run.ragged:
                        reach = np.full(entries, longest, np.int64)
                        reach[at] = run.lengths
                        mask = (np.arange(longest)[:, None] < reach).reshape(*listed, *shape)
                    return View(run.array, (*listed, *shape), strides, fitted[0], len(listed), None, mask)
            places = run.key + run.pattern[:, None]
            places = np.where(np.arange(longest)[:, None] < run.lengths, places, size)
        else:
            assert run.rows is not None
            places = run.rows[run.key].T
        index = np.zeros((longest, entries), np.int64)
        index[:, at] = places
        if axes is not None and not axes:
            return gathered(run.array, index.reshape(shape), 0)
        return gathered(run.array, index.reshape(longest, *shape), 1)

    # ------------------------------------------------------------------ results

    def _store(
        self,
        op: Operation | Form,
        shape: Shape,
        at: Ints,
        nodes: Ints,
        operands: tuple[Operand, ...],
        products: tuple[tuple[View, View], ...] = (),
        index: View | None = None,
        names: tuple[list[str | None] | None, ...] = (),
    ) -> None:
        """The statement, its array, and where the nodes lie in it."""
        views = [v for v in (*operands, *(v for pair in products for v in pair), index) if isinstance(v, View)]
        varies = any(self.arrays[view.array].varies for view in views)
        size = math.prod(shape)
        real = None
        if size > 1 and (len(nodes) < size or len(np.unique(at)) < size):
            real = np.zeros(size, bool)
            real[at] = True
        zero = None
        whole = shape
        if op in LISTS:
            longest = sum(math.prod(v.shape[: v.listed]) for v in views)
            whole = (longest, *shape)
            masks = [v.mask for v in views if v.mask is not None]
            if len(views) == 1 and masks:
                zero = ~masks[0].reshape(whole)
            real = None if real is None else np.broadcast_to(real, (longest, size)).reshape(whole)
        named = [self.graph.names[nodes[0]], self.graph.names[nodes[-1]]]
        name = self.names.new(common_name(named), op.name)
        real = None if real is None else real.reshape(whole)
        self.arrays.append(Array("result", name, whole, varies, real=real, zero=zero))
        self.array[nodes] = self.kind[nodes] = len(self.arrays) - 1
        self.place[nodes] = at
        self.statements.append(Statement(len(self.arrays) - 1, op, operands, products, index, names))


def bits(numbers: Numbers) -> Ints:
    """The numbers as bits: of two zeros, or two nans, each is told."""
    return np.ascontiguousarray(numbers).view(np.int64)
