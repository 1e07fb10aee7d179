"""The arrays of a call: one for each item of the inputs, the batch as its first axis."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.draws import samples
from engine.vectorize.arrays import Shape

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Item:
    """An array of a call: an item of the inputs, or the numbers that are drawn.

    name      of the array in the source, with the batch last
    argument  of the array that is given, with the batch first
    shape     of one example
    whole     whether it only points into lists: an array of integers
    samples   of numbers that are drawn at each call: what draws each
    """

    name: str
    argument: str
    shape: Shape
    whole: bool = False
    samples: Sequence[Callable[[], float]] = field(default=())

    def taken(self, given: Any, dtype: Any) -> Array:
        """The given numbers as an array of the right shape and kind.

        Raises:
            ValueError: for another shape.
            TypeError: for what is not an array of real numbers, or of whole ones for an index.
        """
        array = given if type(given) is np.ndarray else self._array(given)
        if array.shape[1:] != self.shape or not array.ndim:
            raise ValueError(f"{self.argument} has {self._wanted()}, and the array given has shape {array.shape}")
        if self.whole:
            return self._indices(array)
        if array.dtype == dtype:
            return array
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{self.argument} is an array of real numbers, not of {array.dtype}")
        with np.errstate(all="ignore"):  # what float32 cannot hold is inf
            return array.astype(dtype)

    def _wanted(self) -> str:
        return f"the shape ({', '.join(['batch', *map(str, self.shape)])}{',' if not self.shape else ''})"

    def _array(self, given: Any) -> Array:
        try:
            return np.asarray(given)
        except ValueError:
            raise ValueError(
                f"{self.argument} has {self._wanted()}, and the rows of the list differ in length"
            ) from None

    def _indices(self, array: Array) -> Array:
        if array.dtype.kind in "iu":
            return array
        if array.dtype.kind != "f":
            raise TypeError(f"{self.argument} is an array of whole numbers, not of {array.dtype}")
        places = np.full(array.shape, 0)
        finite = np.isfinite(array)
        places[finite] = array[finite].astype(int)
        if not finite.all() or (places != array).any():
            example = int(np.argwhere(~finite | (places != array))[0][0])
            number = array[~finite | (places != array)][0].item()
            raise TypeError(f"{self.argument} is an index: a whole number, not {number!r} (example {example})")
        return places

    def drawn(self, batch: int, dtype: Any) -> Array:
        """Numbers drawn for each example, one example after the other."""
        runs = [(sample, len(list(same))) for sample, same in itertools.groupby(self.samples)]
        if len(runs) == 1:
            numbers = samples(self.samples[0], batch * len(self.samples))
        else:
            numbers = [x for _ in range(batch) for sample, count in runs for x in samples(sample, count)]
        return np.array(numbers, dtype).reshape(batch, len(self.samples))
