"""Small helpers of compiled source that are about shapes alone."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a NumPy array


def join(*parts: Array) -> Array:
    """The parts one after the other along their first axis; along the others they broadcast.

    >>> join(np.array([[1.0], [2.0]]), np.array([[3.0, 4.0]])).tolist()
    [[1.0, 1.0], [2.0, 2.0], [3.0, 4.0]]
    """
    rest = parts[0].shape[1:]
    if all(part.shape[1:] == rest for part in parts):
        return np.concatenate(parts)
    rest = np.broadcast_shapes(*(part.shape[1:] for part in parts))
    return np.concatenate([np.broadcast_to(part, (len(part), *rest)) for part in parts])


def spread(x: Array, n: int) -> Array:
    """x, n times, along a new first axis.

    >>> spread(np.array([1.0, 2.0]), 3).tolist()
    [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
    """
    result = np.empty((n, *x.shape), x.dtype)
    result[...] = x
    return result


def repeated(x: Array, n: int) -> Array:
    """x, n times, along a new last axis: what is the same for all examples.

    >>> repeated(np.array([1.0, 2.0]), 2).tolist()
    [[1.0, 1.0], [2.0, 2.0]]
    """
    return np.repeat(np.asarray(x)[..., None], n, -1)


def masked(mask: Array, x: Array, fill: float) -> Array:
    """x where the mask, truths, is true, else `fill`.

    >>> masked(np.array([True, False]), np.array([1.0, 2.0]), -np.inf).tolist()
    [1.0, -inf]
    """
    result = np.empty(x.shape, x.dtype)
    result.fill(fill)
    try:
        np.copyto(result, x, where=mask)
    except ValueError:  # the mask has axes that x repeats
        return np.where(mask, x, fill)
    return result


def as_index(x: Array) -> Array:
    """Whole numbers as integers.

    Raises:
        TypeError: if one is not whole; it names the example.
    """
    if x.dtype.kind in "iu":
        return x
    places = np.zeros(x.shape, np.intp)
    finite = np.isfinite(x)
    places[finite] = x[finite].astype(np.intp)
    if not (places == x).all():
        where = tuple(np.argwhere(places != x)[0].tolist())
        raise TypeError(f"an index is a whole number, not {float(x[where])!r} (example {where[-1] if where else 0})")
    return places
