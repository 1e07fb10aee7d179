"""What a plot is given, checked: arrays of numbers, and arrays by name. nan and inf are welcome, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from viz.plots import palette

Array = npt.NDArray[Any]

FAR = 1e100  # numbers beyond it are left out
NEAR = 1e-100  # and those below it are 0 on a logarithmic scale


def numbers(what: str, given: Any, *, dimensions: tuple[int, ...] = (1,)) -> Array:
    """The given numbers as floats, with one of these numbers of dimensions (none: with any), and not empty.

    >>> numbers("losses", ["low", "high"])
    Traceback (most recent call last):
    TypeError: losses: expected numbers, not 'low'
    """
    try:
        array = np.asarray(given)
    except ValueError:
        raise ValueError(f"{what}: expected an array, not lists of different lengths") from None
    if array.dtype.kind not in "biufO":
        raise TypeError(f"{what}: expected numbers, not {_first(array)!r}")
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{what}: expected numbers, not {_shown(given)}") from None
    if dimensions and array.ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise ValueError(f"{what}: expected {wanted} dimension{'s' * (wanted != '1')}, not shape {array.shape}")
    if not array.size:
        raise ValueError(f"{what}: there are no numbers in it (shape {array.shape})")
    return array


def named(what: str, given: Any, of: str) -> dict[str, Any]:
    """A mapping of names to something, with at least one entry; names become text.

    >>> named("norms", [1.0], "layer names to arrays")
    Traceback (most recent call last):
    TypeError: norms: expected a mapping of layer names to arrays, not list
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"{what}: expected a mapping of {of}, not {type(given).__name__}")
    if not given:
        raise ValueError(f"{what}: the mapping of {of} is empty")
    return {str(name): item for name, item in given.items()}


def lines(what: str, given: Any, of: str) -> dict[str, Array]:
    """A mapping of names to arrays of one dimension, no more than can be told apart."""
    items = named(what, given, of)
    if len(items) > palette.MOST:
        raise ValueError(f"{what}: {len(items)} lines cannot be told apart; give {palette.MOST} at most")
    return {name: numbers(f"{what}[{name!r}]", item) for name, item in items.items()}


def drawable(array: Array) -> npt.NDArray[np.bool_]:
    """What can be drawn: all but nan, inf, and what is so far out that matplotlib's own arithmetic overflows."""
    with np.errstate(invalid="ignore"):
        return np.abs(array) <= FAR


def finite(array: Array) -> Array:
    """The array with nan in the place of what cannot be drawn, which leaves it out."""
    return np.where(drawable(array), array, np.nan)


def left_out(*arrays: Array) -> str:
    """A sentence on what is not drawn; "" where everything is.

    >>> left_out(np.array([1.0, np.inf]))
    '1 value is inf or nan and left out'
    """
    count = sum(int(array.size - drawable(array).sum()) for array in arrays)
    is_far = any(bool((np.isfinite(array) & ~drawable(array)).any()) for array in arrays)
    what = f"inf, nan or beyond {FAR:.0e}" if is_far else "inf or nan"
    return f"{count:,} value{' is' if count == 1 else 's are'} {what} and left out" if count else ""


def spans_decades(*arrays: Array, decades: float = 2.0, least: float = 0.0) -> bool:
    """Whether all that is finite is positive, and differs by so many decades that it wants a logarithmic scale.

    `least` is the share of the numbers that must be so far below the greatest; 0: one of them.
    """
    known = np.concatenate([array[drawable(array)].ravel() for array in arrays])
    if not known.size or known.min() < NEAR:
        return False
    return bool(np.log10(known.max()) - np.log10(np.quantile(known, least)) >= decades)


def _first(array: Array) -> Any:
    return array.ravel()[0].item() if array.size else array.dtype.name


def _shown(given: Any) -> str:
    return type(given).__name__ if not isinstance(given, list | tuple) or not given else repr(given)[:40]
