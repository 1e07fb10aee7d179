"""Patterns in places: nested loops found in a list of integers.

The places 0 1 2 3 8 9 10 11 are a loop of two steps of 8 around one of four steps of 1. Where the places that a
group of nodes reads have such a pattern, reading them is a slice, a transpose or a broadcast; else it is a gather.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.vectorize.arrays import Shape
from engine.vectorize.columns import Ints

Loop = tuple[int, tuple[int, ...]]  # how many steps, and how long each is, in every list of places


def loops(places: Ints) -> list[Loop] | None:
    """The nested loops, outermost first, that give k lists of m places at once, as (k, m); None if there are none.

    >>> loops(np.array([[0, 1, 2, 3, 8, 9, 10, 11]]))
    [(2, (8,)), (4, (1,))]
    >>> loops(np.array([[0, 0, 1, 1], [0, 1, 0, 1]]))
    [(2, (1, 0)), (2, (0, 1))]
    >>> loops(np.array([[0, 1, 3]])) is None
    True
    """
    found: list[Loop] = []
    k, m = places.shape
    while m > 1:
        steps = places[:, 1:] - places[:, :-1]
        step = steps[:, 0]
        breaks = np.flatnonzero((steps != step[:, None]).any(axis=0))
        run = int(breaks[0]) + 1 if len(breaks) else m
        if m % run:
            return None
        blocks = places.reshape(k, m // run, run)
        if len(breaks) and (blocks != blocks[:, :, :1] + step[:, None, None] * np.arange(run)).any():
            return None
        found.append((run, tuple(step.tolist())))
        places, m = blocks[:, :, 0], m // run
    return found[::-1]


def fit(shape: Shape, at: Ints, places: Ints) -> tuple[int, tuple[int, ...]] | None:
    """(offset, strides) with place = offset + Σ strides·coordinates for the entries `at` of a grid, or None.

    The grid may have entries that nobody asks for; where nothing says how far apart two neighbours are, it is 0.

    >>> fit((2, 3), np.arange(6), np.array([7, 6, 5, 17, 16, 15]))
    (7, (10, -1))
    >>> fit((2, 2), np.array([0, 2, 3]), np.array([0, 2, 3]))
    (0, (2, 1))
    """
    if len(at) == math.prod(shape) and (at[1:] > at[:-1]).all():
        whole = places.reshape(shape)
        first = whole[(0,) * len(shape)]
        expected = first
        strides = []
        for axis, size in enumerate(shape):
            step = int(whole[tuple(int(a == axis) for a in range(len(shape)))] - first) if size > 1 else 0
            strides.append(step)
            expected = expected[..., None] + step * np.arange(size)
        return (int(first), tuple(strides)) if (whole == expected).all() else None
    grid = np.full(math.prod(shape), -1, np.int64)
    grid[at] = places
    grid = grid.reshape(shape)
    strides = [_step(grid, axis) for axis in range(len(shape))]
    reached = sum((c * s for c, s in zip(np.unravel_index(at, shape), strides, strict=True)), np.zeros_like(at))
    offset = places - reached
    return (int(offset[0]), tuple(strides)) if (offset == offset[0]).all() else None


def _step(grid: Ints, axis: int) -> int:
    """How far apart two neighbours along an axis are, from the first pair that is there."""
    left, right = (np.moveaxis(grid, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
    there = (left >= 0) & (right >= 0)
    return int((right - left)[there][0]) if there.any() else 0


def span(offset: int, shape: Shape, strides: Sequence[int]) -> tuple[int, int]:
    """The smallest and the largest place that a view reads.

    >>> span(7, (2, 3), (10, -1))
    (5, 17)
    """
    reach = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    return offset + sum(min(r, 0) for r in reach), offset + sum(max(r, 0) for r in reach)


def split(shape: Shape, strides: Sequence[int], source: Shape) -> Shape:
    """The grid with its axes cut where they cross from one row of the source to the next.

    >>> split((128,), (1,), (16, 8))
    (16, 8)
    """
    result: list[int] = []
    steps = contiguous(source)
    for size, stride in zip(shape, strides, strict=True):
        parts: list[int] = []
        for wide in sorted(s for s in steps if abs(stride) < s):
            cut, rest = divmod(wide, abs(stride)) if stride else (0, 1)
            inner = math.prod(parts) if parts else 1
            if not rest and inner < cut < size and size % cut == 0 and cut % inner == 0:
                parts.insert(0, cut // inner)
        inner = math.prod(parts) if parts else 1
        result += [size // inner, *parts] if size // inner > 1 or not parts else parts
    return tuple(result)


def contiguous(shape: Shape) -> tuple[int, ...]:
    """The strides of an array whose entries lie one after the other.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return tuple(strides)


def completed(keys: Ints) -> tuple[Shape, Ints] | None:
    """A grid for rows of different lengths, as position t sees the positions 0 ... t: (shape, where each entry lies).

    The first list of places says which row; within a row the others go as in the longest row, only not as far.

    >>> completed(np.array([[0, 1, 1, 2, 2, 2], [5, 5, 6, 5, 6, 7]]))
    ((3, 3), array([0, 3, 4, 6, 7, 8]))
    """
    m = keys.shape[1]
    starts = np.flatnonzero(np.append(True, keys[0, 1:] != keys[0, :-1]))
    lengths = np.diff(np.append(starts, m))
    rows, longest = len(starts), int(lengths.max())
    if rows * longest > 3 * m + 64:
        return None
    row = np.repeat(np.arange(rows), lengths)
    column = np.arange(m) - starts[row]
    outer = loops(keys[:, starts])
    within = keys - keys[:, starts[row]]
    pattern = within[:, row == np.argmax(lengths)]
    inner = loops(pattern)
    if outer is None or inner is None or (within != pattern[:, column]).any():
        return None
    shape = tuple(size for size, _ in (*outer, *inner))
    return shape, row * longest + column


def box(source: Shape, places: Ints) -> tuple[Shape, Ints] | None:
    """The smallest box with all the places in it: (its shape, where in it each is); None if most of it is empty.

    >>> box((3, 4), np.array([4, 5, 8, 9, 10]))
    ((2, 3), array([0, 1, 3, 4, 5]))
    """
    coordinates = np.array(np.unravel_index(places, source)).reshape(len(source), -1)
    low = coordinates.min(axis=1, keepdims=True)
    sizes = coordinates.max(axis=1) - low[:, 0] + 1
    if np.prod(sizes) > 3 * len(places):
        return None
    long = sizes > 1
    shape = tuple(sizes[long].tolist())
    return shape, np.ravel_multi_index(tuple((coordinates - low)[long]), shape) if shape else np.zeros(1, np.int64)
