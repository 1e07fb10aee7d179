"""Tensors, nested lists of Values as a module's attributes hold them, and how numbers get out of them and in.

    as_array(weight, lambda v: v.data)      # the numbers of a weight
    fitting("weight", numbers, weight, [])  # others that may take their place, checked

A tensor is a leaf Value, or lists of tensors of one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value

Tensor = Any  # a Value, or a nested list of Values of one shape
Array = npt.NDArray[Any]


def is_objects(item: Any) -> bool:
    """Whether it is an array, but not of numbers: Values that were computed, say."""
    return isinstance(item, np.ndarray) and item.dtype == object


def is_tensor(item: Any) -> bool:
    """Whether it is a parameter: a leaf Value, or a list of such, that is not empty."""
    if isinstance(item, Value):
        return not item.parents
    return isinstance(item, list | tuple) and bool(item) and all(map(is_tensor, item))


def has_numbers(item: Any) -> bool:
    """Whether something that is no Value is in the place of one: a number, an array, or an empty list, bias * 0."""
    if isinstance(item, list | tuple):
        return not item or any(map(has_numbers, item))
    return isinstance(item, Real | np.ndarray)


def tensors_in(name: str, item: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in an attribute, with PyTorch's names: the attribute's own, or scales.a for one in a dict."""
    if is_tensor(item):
        yield name, item
    elif isinstance(item, list | tuple | dict):
        for key, part in item.items() if isinstance(item, dict) else enumerate(item):
            yield from tensors_in(f"{name}.{key}", part)


def as_array(tensor: Tensor, read: Callable[[Value], float]) -> npt.NDArray[np.float64]:
    """`read` of each Value, in an array of the tensor's shape.

    Raises:
        ValueError: for rows of different lengths.
    """

    def nested(part: Tensor) -> Any:
        return read(part) if isinstance(part, Value) else [nested(inner) for inner in part]

    try:
        return np.array(nested(tensor), dtype=np.float64)
    except ValueError:
        raise ValueError("a list of parameters has rows of different lengths; give each row an attribute") from None


def fitting(name: str, numbers: npt.ArrayLike, own: Tensor | Array, faults: list[str]) -> Any:
    """The numbers as an array of the shape and kind of the module's own, or a fault that says why not."""
    array, own = _array_or_none(numbers), own if isinstance(own, np.ndarray) else as_array(own, lambda v: v.data)
    if array is None or array.dtype.kind not in "fiub":
        faults.append(f"{name!r} is not an array of real numbers")
        return None
    if array.shape != own.shape:
        faults.append(f"{name!r} has shape {array.shape}, and the model's is {own.shape}")
        return None
    with np.errstate(invalid="ignore"):  # what an integer cannot hold becomes another, and is found
        cast = array.astype(own.dtype)
    if own.dtype.kind in "iub" and np.any(cast != array):
        faults.append(f"{name!r} counts, and has numbers that are not whole")
    return cast


def _array_or_none(numbers: npt.ArrayLike) -> Array | None:
    try:
        return np.asarray(numbers)
    except ValueError:
        return None
