"""Lists as matrices of places: a run gives back the lists that it was made of."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.vectorize.runs import Run, aligned, numbered, padded, run_of

lists = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=5)


def joined(rows):
    """(all places one after the other, how many in each row)."""
    return np.array([place for row in rows for place in row], np.int64), np.array([len(row) for row in rows], np.int64)


def unpacked(run):
    """The lists of a run, without what is missing."""
    rows = run.key[:, None] + run.pattern if run.pattern is not None else run.rows[run.key]
    rows = [row[:n].tolist() for row, n in zip(rows, run.lengths, strict=True)]
    return [[place for place in row if place != run.missing] for row in rows]


@given(lists)
def test_padded_rows(rows):
    matrix = padded(*joined(rows), -7)
    assert matrix.tolist() == [row + [-7] * (max(map(len, rows)) - len(row)) for row in rows]


@given(lists)
def test_a_run_gives_back_the_lists(rows):
    run = run_of(3, *joined(rows), 10)
    assert unpacked(run) == rows
    assert (run.longest, run.ragged) == (max(map(len, rows)), len({len(row) for row in rows}) > 1)
    chosen = np.array([len(rows) - 1, 0])
    assert unpacked(run.taking(chosen)) == [rows[-1], rows[0]]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.data())
def test_rows_that_are_moved_as_a_whole_have_a_pattern(row, data):
    moves = data.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, len(row))), min_size=1, max_size=5))
    run = run_of(0, *joined([[place + by for place in row[:n]] for by, n in moves]), 15)
    assert run.pattern is not None
    assert run.key.tolist() == [row[0] + by for by, _ in moves]


def test_rows_that_go_other_ways_are_numbered():
    run = run_of(0, *joined([[4, 5, 6], [0, 2], [4, 5, 6], [1, 2, 3]]), 8)
    assert run.pattern is None
    assert run.key.tolist() == [0, 1, 0, 2]
    assert run.rows.tolist() == [[4, 5, 6], [0, 2, 8], [1, 2, 3]]  # 8 is the size of the array: none


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=8))
def test_different_rows_are_numbered_as_they_come(rows):
    number, different = numbered(np.array(rows))
    assert [tuple(row) for row in different.tolist()] == list(dict.fromkeys(rows))
    assert [tuple(row) for row in different[number].tolist()] == rows


# ------------------------------------------------------------------------------- products with gaps


def products(left, right):
    """What is multiplied in each node, whatever the order; a place of `missing` is no factor."""
    rows = []
    for a, b in zip(unfilled(left), unfilled(right), strict=True):
        pairs = [(i, j) for i, j in zip(a, b, strict=True) if left.missing != i and right.missing != j]
        rows.append(Counter(pairs))
    return rows


def unfilled(run):
    rows = run.key[:, None] + run.pattern if run.pattern is not None else run.rows[run.key]
    return [row[:n].tolist() for row, n in zip(rows, run.lengths, strict=True)]


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 3), st.integers(1, 6))
def test_windows_with_a_border_are_aligned(channels, kernel, padding, length):
    """W[c, j] · x[i + j] where x has such an entry: the rows of W whole, and x told entry by entry."""
    left, right = [], []
    for c in range(channels):
        for i in range(-padding, length + padding - kernel + 1):
            inside = [j for j in range(kernel) if 0 <= i + j < length]
            left.append([c * kernel + j for j in inside])
            right.append([i + j for j in inside])
    kept = [k for k, row in enumerate(left) if row]
    left, right = [left[k] for k in kept], [right[k] for k in kept]
    if not any(len(row) == kernel for row in left):
        return
    (a, lengths), (b, _) = joined(left), joined(right)
    found = aligned(run_of(0, a, lengths, channels * kernel), a, run_of(1, b, lengths, length), b, length)
    assert found is not None
    w, x = found
    assert w.pattern.tolist() == list(range(kernel))
    assert not w.ragged
    assert products(w, x) == [Counter(zip(*pair, strict=True)) for pair in zip(left, right, strict=True)]


@given(lists, st.data())
def test_what_is_aligned_multiplies_the_same(left, data):
    right = [[data.draw(st.integers(0, 5)) for _ in row] for row in left]
    (a, lengths), (b, _) = joined(left), joined(right)
    found = aligned(run_of(0, a, lengths, 10), a, run_of(1, b, lengths, 6), b, 6)
    if found is not None:
        assert products(*found) == [Counter(zip(*pair, strict=True)) for pair in zip(left, right, strict=True)]


def test_what_lies_in_no_row_is_not_aligned():
    a, b = joined([[0, 1, 2], [3, 4]]), joined([[0, 1, 2], [0, 1]])
    assert aligned(run_of(0, *a, 5), a[0], run_of(1, *b, 3), b[0], 3) is None


def test_a_run_says_what_it_is():
    assert "array=2" in repr(Run(2, np.zeros(1, int), np.ones(1, int), np.zeros(1, int)))
