"""Which nodes are alike, and how lists go through arrays."""

from __future__ import annotations

import numpy as np

from engine.vectorize.arrays import View
from engine.vectorize.columns import Ints

MIXED = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64).astype(np.int64) | 1
MOST_STRETCHES = 8  # a list that jumps between arrays more often is gathered from all of them, joined


def alike(signatures: Ints) -> list[Ints]:
    """The numbers of the rows that are equal, for each different row; in the order in which they come.

    >>> alike(np.array([[1, 2], [3, 4], [1, 2]]))
    [array([0, 2]), array([1])]
    """
    columns = signatures.reshape(len(signatures), -1)
    if (columns == columns[0]).all():
        return [np.arange(len(columns))]
    order = np.lexsort(columns.T[::-1])
    changed = (columns[order[1:]] != columns[order[:-1]]).any(axis=1)
    groups = np.split(order, np.flatnonzero(changed) + 1)
    return sorted(groups, key=lambda group: int(group[0]))


def stretches_hash(kinds: Ints, counts: Ints, exact: bool = False) -> Ints:
    """For each list, a number for the arrays that it goes through; with `exact` also for how long it stays in each."""
    if not len(kinds):
        return np.zeros(len(counts), np.int64)
    node = np.repeat(np.arange(len(counts)), counts)
    new = np.append(True, (kinds[1:] != kinds[:-1]) | (node[1:] != node[:-1])) | exact
    number = np.cumsum(new)
    begins = np.minimum(np.cumsum(counts) - counts, len(kinds) - 1)
    number = number - number[begins][node] + 1
    mixed = (kinds * MIXED[0] + 12345) * (2 * number + 1) * MIXED[2]
    mixed ^= mixed >> 31
    result = np.zeros(len(counts), np.int64)
    np.add.at(result, node[new], (mixed * MIXED[1])[new])
    return result


def stretches(kinds: Ints, counts: Ints) -> Ints:
    """How many stretches each list has.

    >>> stretches(np.array([1, 1, 2, 5, 5]), np.array([3, 2]))
    array([2, 1])
    """
    node = np.repeat(np.arange(len(counts)), counts)
    new = np.append(True, (kinds[1:] != kinds[:-1]) | (node[1:] != node[:-1]))[: len(kinds)]
    return np.bincount(node[new], minlength=len(counts))


def within_reason(group: Ints, lengths: Ints) -> list[Ints]:
    """The group, or its lists of each length apart, where filling all up to the longest would waste most of the work.

    >>> within_reason(np.array([5, 6, 7]), np.array([1, 2, 3]))
    [array([5, 6, 7])]
    """
    if len(group) * int(lengths.max()) <= 4 * int(lengths.sum()) + 256:
        return [group]
    return [group[part] for part in alike(lengths)]


def blocks(keys: Ints) -> list[np.ndarray] | None:
    """The sorted keys cut where their step changes, if that gives a few pieces: which entries are in each."""
    different = np.unique(keys)
    if len(different) < 3:
        return None
    steps = np.diff(different)
    edges, i = [0], 0
    while i < len(steps):
        j = i
        while j < len(steps) and steps[j] == steps[i]:
            j += 1
        edges.append(j + 1)
        i = j + 1
        if len(edges) > MOST_STRETCHES + 1:
            return None
    if edges[-1] < len(different):
        edges.append(len(different))
    if len(edges) < 3:
        return None
    of = np.searchsorted(edges, np.searchsorted(different, keys), side="right")
    return [of == e for e in range(1, len(edges))]


def gathered(array: int, index: Ints, listed: int) -> View:
    """The view of places that follow no pattern; axes along which they are the same are kept short."""
    shape = index.shape
    strides = []
    for axis in range(index.ndim):
        head = index.take([0], axis)
        same = index.shape[axis] > 1 and bool((index == head).all())
        index = head if same else index
        strides.append(0 if same else 1)
    return View(array, shape, tuple(strides), 0, listed, index)
