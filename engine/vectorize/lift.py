"""Pass 5: nodes of equal level and equal kind become one array operation.

The nodes of a group are sorted by what they read, and the places that they read are looked at: as nested loops they
are a grid, and every operand is a view of an array: a slice, a transpose, a broadcast. What has no pattern is a gather.
Rows of different lengths, as when position t attends to the positions before it, become a rectangle with a mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.operation import Operation
from engine.vectorize import grids
from engine.vectorize.arrays import Array, ArrayProgram, Operand, Shape, Statement, View
from engine.vectorize.columns import DOT, ELEMENT, JOIN, LISTS, PADDED, Form, Graph, Ints
from engine.vectorize.grouping import MIXED, MOST_STRETCHES, alike, blocks, stretches, stretches_hash, within_reason
from engine.vectorize.names import Names
from engine.vectorize.placing import Placing, Source
from engine.vectorize.rewrite import spread
from engine.vectorize.runs import Run, aligned, run_of

WITH_INDEX = ("take",)  # their last operand says which of the others


def lift(graph: Graph, levels: Ints, sources: Sequence[Source], names: Names, rectangles: bool = True) -> ArrayProgram:
    """The graph as a program of arrays. `sources` are the parameters, then the inputs in the order of their places.

    With `rectangles` lists of different lengths are filled up, and a triangle becomes a square; else every entry of
    an array is a node of the graph.
    """
    return _Lifting(graph, levels, sources, names, rectangles).program()


class _Lifting(Placing):
    """Level by level, operation by operation."""

    def program(self) -> ArrayProgram:
        """Level by level, operation by operation."""
        graph = self.graph
        last = len(graph.ops)
        codes = np.array([last if op is ELEMENT else i for i, op in enumerate(graph.ops)] + [-1], np.int64)
        code = np.where(graph.code < 0, -1, codes[np.maximum(graph.code, -1)])
        order = np.lexsort((code, self.levels))
        order = order[graph.code[order] >= 0]
        changed = np.flatnonzero(np.diff(self.levels[order]) | np.diff(code[order])) + 1
        for nodes in np.split(order, changed) if len(order) else ():
            op = graph.ops[graph.code[nodes[0]]]
            if op is ELEMENT:
                self._place_elements(nodes)
            elif op is DOT:
                self._dots(nodes)
            elif isinstance(op, Form) or op.any_number:
                self._lists(op, nodes)
            else:
                self._elementwise(op, nodes)
        roots = tuple(self._root(int(r)) for r in graph.roots)
        return ArrayProgram(tuple(self.arrays), tuple(self.statements), roots, self.skips)

    def _root(self, node: int) -> tuple[int, int]:
        if self.array[node] < 0:
            return self._constant_array(self.graph.number[node].reshape(()), 0).array, 0
        return int(self.array[node]), int(self.place[node])

    # ------------------------------------------------------------------ elementwise operations

    def _elementwise(self, op: Operation, nodes: Ints) -> None:
        if len(nodes) == 1:
            self._single(op, nodes)
            return
        first, parent = self.graph.first, self.graph.parent
        parents = parent[first[nodes][:, None] + np.arange(first[nodes[0] + 1] - first[nodes[0]])]
        for group in alike(self.kind[parents]):
            self._elementwise_group(op, nodes[group], parents[group])

    def _single(self, op: Operation, nodes: Ints) -> None:
        """A node that is alone at its level: the short way, for long chains."""
        graph, node = self.graph, int(nodes[0])
        parents = graph.parent[graph.first[node] : graph.first[node + 1]].tolist()
        operands = tuple(
            View(int(self.array[p]), (), (), int(self.place[p])) if self.array[p] >= 0 else float(graph.number[p])
            for p in parents
        )
        names: tuple[list[str | None] | None, ...] = ()
        if op.domain is not None:
            names = tuple([graph.names[p]] if graph.names[p] else None for p in parents)
        self._store(op, (), np.zeros(1, np.int64), nodes, operands, names=names)

    def _elementwise_group(self, op: Operation, nodes: Ints, parents: Ints, whole: bool = False) -> None:
        arrays = self.array[parents[0]]
        read = [j for j in range(parents.shape[1]) if arrays[j] >= 0]
        by_size = sorted(read, key=lambda j: (not self.arrays[arrays[j]].varies, -self.arrays[arrays[j]].size))
        keys = np.array([self.place[parents[:, j]] for j in by_size])
        fixed = [self.place[parents[:, j]] for j in range(parents.shape[1]) if arrays[j] < 0]
        keys, nodes, parents, at_node = self._sorted(keys, nodes, parents, extra=fixed)
        grid = self._grid(keys, [int(arrays[j]) for j in by_size])
        if grid is None:
            parts = None if whole else blocks(keys[0])
            if parts is not None:
                for part in [(self._all[p[at_node]], self._all_parents[p[at_node]]) for p in parts]:
                    self._elementwise_group(op, *part, whole=True)
                return
            grid = (keys.shape[1],), np.arange(keys.shape[1])
        shape, at = grid
        operands = [self._operand(int(arrays[j]), shape, at, parents[:, j]) for j in range(parents.shape[1])]
        names = self._operand_names(op, shape, at, parents)
        self._store(op, shape, at[at_node], self._all, tuple(operands), names=names)

    def _operand_names(
        self, op: Operation, shape: Shape, at: Ints, parents: Ints
    ) -> tuple[list[str | None] | None, ...]:
        """For each operand the names of its nodes, where the operation has a domain that they may leave."""
        if op.domain is None:
            return ()
        result: list[list[str | None] | None] = []
        for column in parents.T.tolist():
            found: list[str | None] = [None] * math.prod(shape)
            for place, node in zip(at.tolist(), column, strict=True):
                found[place] = self.graph.names[node]
            result.append(found if any(found) else None)
        return tuple(result)

    def _operand(self, array: int, shape: Shape, at: Ints, parents: Ints) -> Operand:
        if array < 0:
            return self._constant(shape, at, self.graph.number[parents])
        return self._view(array, shape, at, self.place[parents])

    # ------------------------------------------------------------------ operations on lists

    def _lists(self, op: Operation | Form, nodes: Ints) -> None:
        graph = self.graph
        begin, counts = graph.first[nodes], graph.first[nodes + 1] - graph.first[nodes]
        index = None
        if op.name in WITH_INDEX and op not in LISTS:
            index, counts = graph.parent[graph.first[nodes + 1] - 1], counts - 1
        edges = spread(begin, counts)
        kinds = self.kind[graph.parent[edges]]
        signature = stretches_hash(kinds, counts)
        # A gap inside a list moves the places behind it, and changes a mean: only one stretch may end early.
        single = stretches(kinds, counts) == 1
        free = single if op in LISTS else np.full(len(nodes), op.name in PADDED)
        free &= self.rectangles
        signature = np.column_stack((
            signature, np.where(free, 0, counts), np.where(free, 0, stretches_hash(kinds, counts, exact=True))
        ))  # fmt: skip
        if index is not None:
            signature = np.column_stack((signature, self.kind[index]))
        for group in alike(signature):
            for part in within_reason(group, counts[group]):
                self._list_group(op, nodes[part], begin[part], counts[part], None if index is None else index[part])

    def _list_group(self, op: Operation | Form, nodes: Ints, begin: Ints, counts: Ints, index: Ints | None) -> None:
        runs = self._runs(self.graph.parent[spread(begin, counts)], counts)
        keys = [run.key for run in runs]
        arrays = [run.array if run.pattern is not None else -1 for run in runs]
        if index is not None and self.array[index[0]] >= 0:
            keys.append(self.place[index])
            arrays.append(int(self.array[index[0]]))
        lengths = [run.lengths for run in runs]
        order = np.arange(len(nodes))
        sorted_keys, chosen, _, at_node = self._sorted(np.array(keys), order, None, extra=lengths)
        every = nodes[self._all]
        grid = self._grid(sorted_keys, arrays) or ((len(chosen),), np.arange(len(chosen)))
        shape, at = grid
        operands = tuple(self._piece(run.taking(chosen), shape, at) for run in runs)
        view = None
        if index is not None:
            found = self._operand(int(self.array[index[0]]), shape, at, index[chosen])
            view = found if isinstance(found, View) else self._constant_array(np.full((1,) * len(shape), found), 0)
        self._store(op, shape, at[at_node], every, operands, index=view)

    def _piece(self, run: Run, shape: Shape, at: Ints) -> View:
        if run.array >= 0:
            return self._stretch(run, shape, at)
        numbers = np.zeros((run.longest, math.prod(shape)))
        there = np.ones(numbers.shape, bool)
        there[:, at] = np.arange(run.longest)[:, None] < run.lengths
        numbers[:, at] = self._numbers(run)
        view = self._constant_array(numbers.reshape(run.longest, *shape), 1)
        return replace(view, mask=there.reshape(view.shape)) if run.ragged else view

    def _numbers(self, run: Run) -> np.ndarray:
        """(longest, m) the constants of a run."""
        nodes = run.key + run.pattern[:, None] if run.pattern is not None else run.rows[run.key].T  # type: ignore[index]
        return self.graph.number[np.minimum(nodes, len(self.graph) - 1)]

    def _runs(self, parents: Ints, counts: Ints) -> list[Run]:
        """The stretches of the lists of a group: each of them in one array."""
        ends = np.cumsum(counts)
        first = parents[: counts[0]]
        cuts = np.flatnonzero(np.diff(self.array[first])) + 1
        if len(cuts) == 0:
            return [self._run(parents, counts)]
        if len(cuts) >= MOST_STRETCHES:
            return [self._joined(parents, counts)]
        kinds = self.array[parents]
        node = np.repeat(np.arange(len(counts)), counts)
        new = np.append(True, (kinds[1:] != kinds[:-1]) | (node[1:] != node[:-1]))
        number = np.cumsum(new) - 1
        begins = ends - counts
        number -= number[begins][node]
        return [
            self._run(parents[number == r], np.bincount(node[number == r], minlength=len(counts)))
            for r in range(len(cuts) + 1)
        ]

    def _run(self, parents: Ints, counts: Ints) -> Run:
        array = int(self.array[parents[0]])
        return run_of(array, self.place[parents], counts, self.arrays[array].size if array >= 0 else len(self.graph))

    def _joined(self, parents: Ints, counts: Ints) -> Run:
        """A run in an array that joins all those that the lists read, one after the other."""
        used = np.unique(self.array[parents])
        constants = np.unique(parents[self.array[parents] < 0])
        begins = np.zeros(len(self.arrays) + 1, np.int64)
        operands: list[View] = []
        end = 0
        for array in used.tolist():
            begins[array] = end
            if array < 0:
                operands.append(self._constant_array(self.graph.number[constants], 1))
                end += len(constants)
            else:
                size = self.arrays[array].size
                operands.append(View(array, (size,), (1,), 0, 1))
                end += size
        places = np.where(self.array[parents] < 0, np.searchsorted(constants, parents), self.place[parents])
        varies = any(self.arrays[view.array].varies for view in operands)
        self.arrays.append(Array("result", self.names.new("", "joined"), (end,), varies))
        self.statements.append(Statement(len(self.arrays) - 1, JOIN, tuple(operands)))
        return run_of(len(self.arrays) - 1, places + begins[self.array[parents]], counts, end)

    # ------------------------------------------------------------------ dot products and sums

    def _dots(self, nodes: Ints) -> None:
        graph = self.graph
        begin, pairs = graph.first[nodes], graph.pairs[nodes]
        singles = graph.first[nodes + 1] - begin - 2 * pairs
        left = graph.parent[spread(begin, pairs)]
        right = graph.parent[spread(begin + pairs, pairs)]
        added = graph.parent[spread(begin + 2 * pairs, singles)]
        if self.rectangles:
            left, right, pairs = self._without_zeros(left, right, pairs)
        # constants first, then parameters, then what varies: W @ x, however it was written
        rank_left, rank_right = self._rank(left), self._rank(right)
        swap = rank_left > rank_right
        left, right = np.where(swap, right, left), np.where(swap, left, right)
        signature = np.column_stack((
            stretches_hash(self.kind[left] * MIXED[1] + self.kind[right], pairs, exact=not self.rectangles),
            stretches_hash(self.kind[added], singles, exact=not self.rectangles),
        ))  # fmt: skip
        begins = [np.append(0, np.cumsum(c)) for c in (pairs, singles)]
        lengths = pairs + singles
        for group in (part for whole in alike(signature) for part in within_reason(whole, lengths[whole])):
            pick = [spread(b[:-1][group], c[group]) for b, c in zip(begins, (pairs, singles), strict=True)]
            self._dot_group(nodes[group], left[pick[0]], right[pick[0]], pairs[group], added[pick[1]], singles[group])

    def _without_zeros(self, left: Ints, right: Ints, pairs: Ints) -> tuple[Ints, Ints, Ints]:
        """Products with the constant 0, as a padded convolution has them, become gaps: all windows are alike then."""
        constant, number = self.array < 0, self.graph.number
        leaf = self.graph.code < 0  # what was computed may leave a domain on the way, and stays
        zero = constant[left] & (number[left] == 0.0) & leaf[right]
        zero |= constant[right] & (number[right] == 0.0) & leaf[left]
        node = np.repeat(np.arange(len(pairs)), pairs)
        rest = pairs - np.bincount(node[zero], minlength=len(pairs))
        stays = ~zero | (rest[node] == 0)  # one that has no other products keeps these
        self.skips |= not stays.all()
        return left[stays], right[stays], np.where(rest > 0, rest, pairs)

    def _rank(self, nodes: Ints) -> Ints:
        arrays, which = np.unique(self.array[nodes], return_inverse=True)
        ranks = [-1 if a < 0 else a + len(self.arrays) * self.arrays[a].varies for a in arrays.tolist()]
        return np.array(ranks, np.int64)[which.reshape(-1)]

    def _dot_group(self, nodes: Ints, left: Ints, right: Ints, pairs: Ints, added: Ints, singles: Ints) -> None:
        products = self._product_runs(left, right, pairs) if pairs[0] else []
        terms = self._runs(added, singles) if singles[0] else []
        keyed = [run for pair in products for run in pair] + terms
        keys = np.array([run.key for run in keyed])
        lengths = [run.lengths for run in keyed if run.ragged]
        order = np.arange(len(nodes))
        arrays = [run.array if run.pattern is not None else -1 for run in keyed]
        sorted_keys, chosen, _, at_node = self._sorted(keys, order, None, extra=lengths)
        every = nodes[self._all]
        grid = self._grid(sorted_keys, arrays)
        if grid is None:
            parts = blocks(sorted_keys[0])
            if parts is not None and len(parts) < len(nodes):
                for part in [self._all[p[at_node]] for p in parts]:
                    self._dot_part(nodes, part, left, right, pairs, added, singles)
                return
            grid = (len(chosen),), np.arange(len(chosen))
        shape, at = grid
        shape, at = self._rows_first(shape, at, products, chosen)
        if not (at[1:] > at[:-1]).all():
            resort = np.argsort(at)
            rank = np.argsort(resort)
            at, chosen, at_node = at[resort], chosen[resort], rank[at_node]
        factors = tuple(self._factors(a.taking(chosen), b.taking(chosen), shape, at) for a, b in products)
        operands: list[Operand] = []
        for run in terms:
            operands += self._terms(run.taking(chosen), shape, at)
        self._store(DOT, shape, at[at_node], every, tuple(operands), products=factors)

    def _dot_part(
        self, nodes: Ints, part: Ints, left: Ints, right: Ints, pairs: Ints, added: Ints, singles: Ints
    ) -> None:
        """A group again with some of its nodes."""
        part = np.sort(part)
        of_pairs = spread((np.cumsum(pairs) - pairs)[part], pairs[part])
        of_singles = spread((np.cumsum(singles) - singles)[part], singles[part])
        self._dot_group(nodes[part], left[of_pairs], right[of_pairs], pairs[part], added[of_singles], singles[part])

    def _product_runs(self, left: Ints, right: Ints, pairs: Ints) -> list[tuple[Run, Run]]:
        """The stretches of both lists, cut where either changes its array."""
        kinds = self.array[left] * MIXED[1] + self.array[right]
        cuts = int(np.count_nonzero(np.diff(kinds[: pairs[0]])))
        if cuts >= MOST_STRETCHES:
            return [(self._joined(left, pairs), self._joined(right, pairs))]
        node = np.repeat(np.arange(len(pairs)), pairs)
        new = np.append(True, (kinds[1:] != kinds[:-1]) | (node[1:] != node[:-1]))
        number = np.cumsum(new) - 1
        number -= number[np.cumsum(pairs) - pairs][node]
        result = []
        for r in range(cuts + 1):
            here = number == r
            counts = np.bincount(node[here], minlength=len(pairs))
            a, b = self._run(left[here], counts), self._run(right[here], counts)
            if a.ragged and a.array >= 0 and b.array >= 0 and not self.arrays[a.array].varies:
                size = self.arrays[b.array].size
                a, b = aligned(a, self.place[left[here]], b, self.place[right[here]], size) or (a, b)
            result.append((a, b))
        return result

    def _rows_first(self, shape: Shape, at: Ints, products: list[tuple[Run, Run]], chosen: Ints) -> tuple[Shape, Ints]:
        """The axes of a matrix product in the order of its result: shared, those of W alone, those of x alone."""
        if not products or len(shape) < 2:
            return shape, at
        left, right = (grids.fit(shape, at, run.taking(chosen).key) for run in products[0])
        if left is None or right is None:
            return shape, at
        a, b = left[1], right[1]
        axes = sorted(range(len(shape)), key=lambda i: (not (a[i] and b[i]), not a[i]))
        places = np.unravel_index(at, shape)
        shape = tuple(shape[i] for i in axes)
        return shape, np.ravel_multi_index(tuple(places[i] for i in axes), shape)

    def _factors(self, a: Run, b: Run, shape: Shape, at: Ints) -> tuple[View, View]:
        """Both views of a product, their lists along the same axes."""
        if a.longest == 1 and b.longest == 1 and a.pattern is not None and b.pattern is not None:
            return self._factor(a, shape, at, []), self._factor(b, shape, at, [])
        if a.pattern is not None and b.pattern is not None and min(a.array, b.array) >= 0:
            both = grids.loops(np.array([a.pattern, b.pattern])) if a.longest > 1 else None
            if both is not None:
                one, other = ([(n, step[i]) for n, step in both] for i in (0, 1))
                x, y = self._factor(a, shape, at, one), self._factor(b, shape, at, other)
                if len(both) == 1 or (x.index is None and y.index is None):
                    return x, y
        x, y = self._factor(a, shape, at, None), self._factor(b, shape, at, None)
        return x, y

    def _factor(self, run: Run, shape: Shape, at: Ints, axes: list[tuple[int, int]] | None) -> View:
        if run.array < 0:
            view = self._piece(run, shape, at)
            return view if axes is None or axes else replace(
                view, shape=view.shape[1:], strides=view.strides[1:], listed=0, mask=None
            )  # fmt: skip
        return self._stretch(run, shape, at, axes)

    def _terms(self, run: Run, shape: Shape, at: Ints) -> list[Operand]:
        """What is added: a term, a stretch to be summed, or a number."""
        if run.array >= 0:
            return [self._stretch(run, shape, at, [] if run.longest == 1 else None)]
        there = np.arange(run.longest)[:, None] < run.lengths
        return [self._constant(shape, at, np.where(there, self._numbers(run), 0.0).sum(axis=0))]
