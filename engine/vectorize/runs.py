"""The lists that n-ary nodes read, as matrices of places: one row a node.

A run is a stretch of the list that lies in one array. Where the places of each row are those of the first row, moved
as a whole, the run has a pattern, and a row is known by where it begins; else each different row gets a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.vectorize.columns import Ints


@dataclass(frozen=True, eq=False)
class Run:
    """A stretch of the lists of m nodes, all of it in one array.

    array    which one; -1 for constants
    key      (m,) where the stretch of each node begins, or the number of its row
    lengths  (m,) how long it is
    pattern  (longest,) the places, from the beginning of a row on; or None, and then
    rows     (different rows, longest) the places; `missing`, the size of the array, where a row is shorter
    """

    array: int
    key: Ints
    lengths: Ints
    pattern: Ints | None
    rows: Ints | None = None
    missing: int = -1

    @property
    def longest(self) -> int:
        """The length of the longest row."""
        return int(self.lengths.max())

    @property
    def ragged(self) -> bool:
        """Whether the rows differ in length."""
        return bool((self.lengths != self.lengths[0]).any())

    def taking(self, nodes: Ints) -> Run:
        """The run of some of the nodes."""
        return replace(self, key=self.key[nodes], lengths=self.lengths[nodes])


def run_of(array: int, places: Ints, lengths: Ints, size: int) -> Run:
    """The run of m nodes whose places follow one another in `places`, in an array of `size` entries.

    >>> run_of(3, np.array([0, 1, 2, 8, 9, 10]), np.array([3, 3]), 16)
    Run(array=3, key=array([0, 8]), lengths=array([3, 3]), pattern=array([0, 1, 2]), rows=None, missing=-1)
    """
    matrix = padded(places, lengths, -1)
    there = matrix >= 0
    longest = int(np.argmax(lengths))
    pattern = matrix[longest] - matrix[longest, 0]
    if ((matrix == matrix[:, :1] + pattern) | ~there).all():
        return Run(array, matrix[:, 0], lengths, pattern)
    key, rows = numbered(np.where(there, matrix, size))
    return Run(array, key, lengths, None, rows, size)


def padded(places: Ints, lengths: Ints, filler: int) -> Ints:
    """(m, longest) with one row a node, the filler behind what is shorter."""
    longest = int(lengths.max())
    if len(places) == len(lengths) * longest:
        return places.reshape(len(lengths), longest)
    matrix = np.full((len(lengths), longest), filler, np.int64)
    matrix[np.arange(longest) < lengths[:, None]] = places
    return matrix


def numbered(matrix: Ints) -> tuple[Ints, Ints]:
    """(the number of each row, the different rows in the order in which they come)."""
    _, where, number = np.unique(matrix, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(where))
    return rank[number.reshape(-1)], matrix[np.sort(where)]


def aligned(left: Run, left_places: Ints, right: Run, right_places: Ints, size: int) -> tuple[Run, Run] | None:
    """Products of lists with gaps, as at the border of a convolution: both runs without them, or None.

    The longest left rows are rows of a matrix; each other left row lies in one of these. So the left list becomes
    the whole row, and the right one is told entry by entry which place it reads (of `size`), or that it has none there.
    """
    matrix = padded(left_places, left.lengths, -1)
    rows = numbered(matrix[left.lengths == left.longest])[1]
    pattern = rows[0] - rows[0, 0]
    if len(np.unique(rows)) != rows.size or (rows != rows[:, :1] + pattern).any():
        return None
    row_of, column_of = np.full(int(left_places.max()) + 1, -1), np.zeros(int(left_places.max()) + 1, np.int64)
    row_of[rows] = np.arange(len(rows))[:, None]
    column_of[rows] = np.arange(rows.shape[1])
    node = np.repeat(np.arange(len(matrix)), left.lengths)
    own = row_of[matrix[:, 0]]
    columns = column_of[left_places]
    twice = len(np.unique(node * rows.shape[1] + columns)) < len(node)
    if twice or (own < 0).any() or (row_of[left_places] != own[node]).any():
        return None
    spread = np.full((len(matrix), rows.shape[1]), size, np.int64)
    spread[node, columns] = right_places
    key, different = numbered(spread)
    whole = np.full(len(matrix), rows.shape[1])
    return Run(left.array, rows[own, 0], whole, pattern), Run(right.array, key, whole, None, different, size)
