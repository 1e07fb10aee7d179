"""Rows of an array, gathered at positions that are constant, and the gradients of such rows, scattered back.

Adding into repeated rows one by one (`np.add.at`) is slow, and which row is read how often is known in advance: an
`Index` plans it once, and each call is then two or three array operations.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

Array = Any  # a NumPy array


class Index:
    """Constant positions in the rows 0..n−1 of an array, and n itself for padding: for `gather` and `scatter`.

    array   the positions, of any shape
    n       how many rows there are
    pads    which of the positions, made flat, are padding

    How to sum what was gathered is found out once, here: `scatter` says how.

    Raises:
        IndexError: for a position outside 0..n.

    >>> index = Index([[0, 1], [1, 2]], 3)
    >>> gather(np.array([10.0, 20.0, 30.0]), index).tolist()
    [[10.0, 20.0], [20.0, 30.0]]
    >>> scatter(np.array([[1.0, 2.0], [3.0, 4.0]]), index).tolist()
    [1.0, 5.0, 4.0]
    """

    __slots__ = ("_layers", "_order", "_places", "_readers", "_sizes", "_starts", "_unread", "array", "n", "pads")

    def __init__(self, array: Any, n: int) -> None:
        self.array, self.n = np.array(array, np.intp), n
        flat = self.array.reshape(-1)
        if len(flat) and not (flat.min() >= 0 and flat.max() <= n):
            raise IndexError(
                f"positions among {n} rows go from 0 to {n}, which is padding; here {flat.min()} to {flat.max()}"
            )
        self.pads = np.flatnonzero(flat == n)
        counts = np.bincount(flat, minlength=n + 1)[:n]
        order = flat.argsort(kind="stable")[: len(flat) - len(self.pads)]  # the readers of row 0, of row 1, ...
        read = counts > 0
        self._unread = None if read.all() else _slice_or_places(np.flatnonzero(~read))
        self._sizes: list[int] = []
        self._readers = None  # (k, n): the readers of each row, where all that are read have k
        most = counts.max(initial=0)
        if most and (counts[read] == most).all():
            self._readers = np.zeros((most, n), np.intp)
            self._readers[:, read] = order.reshape(-1, most).T
            return
        rows = np.argsort(-counts, kind="stable")  # those with most readers first; those that are not read last
        ends = counts.cumsum()
        place = np.empty_like(rows)
        place[rows] = np.arange(n)
        turn = np.arange(len(order)) - np.repeat(ends - counts, counts)  # a row's first, second, ... reader
        by_turn = np.lexsort((place[flat[order]], turn))
        self._order, self._starts = order, (ends - counts)[read]
        self._layers, self._sizes = order[by_turn], np.bincount(turn).tolist()
        self._places = np.where(read, place, 0), (read.cumsum() - 1).clip(0)  # of a row's sum: by layers, by segments


def _slice_or_places(places: Array) -> Any:
    """Places that rise, as a slice if they follow each other."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places


def gather(x: Array, index: Index, fill: float = 0.0) -> Array:
    """The rows of x, of shape (n, ...), at the index; `fill` where it is padding. Shape: index.shape + x.shape[1:]."""
    if not len(index.pads):
        return x.take(index.array, 0)
    rows = x.take(index.array, 0, None, "clip")
    rows.reshape(-1, *x.shape[1:])[index.pads] = fill
    return rows


def scatter(g: Array, index: Index) -> Array:
    """The backward rule of `gather`: for each of the n rows the sum of the g that read it.

    If all rows that are read are read k times, k rows of readers are added. Else the longer rows are added in layers
    (the first readers of all rows, their second readers, ...), and the shorter ones as segments of the sorted g.
    """
    shape = index.array.shape
    rest = g.shape[len(shape) :]
    if len(shape) != 1:
        g = g.reshape(index.array.size, *rest)
    readers, sizes = index._readers, index._sizes
    if readers is not None:
        sums = g.take(readers[0], 0) if len(readers) == 1 else np.add.reduce(g.take(readers, 0))
    elif not sizes:  # nothing but padding
        return np.zeros((index.n, *rest), g.dtype)
    elif len(sizes) <= 32 and prod(rest) >= 8:
        terms = g.take(index._layers, 0)
        sums, end = terms[: sizes[0]], sizes[0]
        for size in sizes[1:]:
            sums[:size] += terms[end : end + size]
            end += size
        sums = sums.take(index._places[0], 0)
    else:
        sums = np.add.reduceat(g.take(index._order, 0), index._starts, 0)
        if index._unread is not None:
            sums = sums.take(index._places[1], 0)
    if index._unread is not None:
        sums[index._unread] = 0.0
    return sums
