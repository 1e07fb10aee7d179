"""The examples that a model is trained with or asked about: checked, taken apart, put in batches.

examples = Examples(X, y)           # arrays or lists, the first axis the example
examples.arrays([3, 1, 4])          # their arrays, for a program
examples.rows([3, 1, 4])            # ((x,), t) of each as numbers in lists, for the scalar engine
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.nested import shape as shape_of
from nn.options import shown

Array = npt.NDArray[Any]
Row = tuple[tuple[Any, ...], Any]  # (what the model is called with, the target)


class Examples:
    """X and y, of which X[i] and y[i] are one example.

    X is an array or a list; a tuple of them, for a model that takes several arguments. y may be None: no targets.
    Examples of one shape are kept as an array; those that differ in shape as a list.

    inputs   the arrays of X, one for each argument of the model
    targets  the array of y, or None

    Raises:
        TypeError: for what holds no real numbers.
        ValueError: if there are not equally many of each.

    >>> examples = Examples([[1, 2], [3, 4]], [0, 1])
    >>> len(examples), examples.rows([1])
    (2, [(([3, 4],), 1)])
    """

    def __init__(self, X: Any, y: Any = None) -> None:  # noqa: N803
        several = isinstance(X, tuple) and len(X) > 0 and all(isinstance(x, list | tuple | np.ndarray) for x in X)
        names = [f"X[{i}]" for i in range(len(X))] if several else ["X"]
        given = list(X) if several else [X]
        self.inputs: list[Array | list[Any]] = [_column(name, x) for name, x in zip(names, given, strict=True)]
        self.targets = None if y is None else _column("y", y)
        lengths = {name: len(x) for name, x in zip([*names, "y"], self.columns, strict=False)}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {n}" for name, n in [*lengths.items()][-4:])
            cure = "; X is a tuple only of an array for each argument of the model" if len(names) > 2 else ""
            raise ValueError(f"there is one target for each example, and {said}{cure}")

    @property
    def columns(self) -> list[Array | list[Any]]:
        """The inputs, and the targets if there are any."""
        return self.inputs if self.targets is None else [*self.inputs, self.targets]

    def __len__(self) -> int:
        return len(self.inputs[0])

    def at(self, places: npt.ArrayLike) -> Examples:
        """Some of them, as Examples."""
        inputs = tuple(_taken(x, places) for x in self.inputs)
        return Examples(inputs, self.targets_at(places))

    def targets_at(self, places: npt.ArrayLike) -> Any:
        """The targets of some of them, or None."""
        return None if self.targets is None else _taken(self.targets, places)

    def arrays(self, places: Any) -> list[Array]:
        """An array for each input, and one for the targets: those of some examples.

        Raises:
            ValueError: for examples that differ in shape.
        """
        for name, column in zip(self._names(), self.columns, strict=True):
            if not isinstance(column, np.ndarray):
                sizes = sorted({str(shape_of(x)) for x in column})
                raise ValueError(
                    f"the examples in {name} differ in shape ({', '.join(sizes[:4])}{', ...' * (len(sizes) > 4)}), and "
                    'a program has one; pad them, or take engine="scalar"'
                )
        return [column[places] for column in self.columns]

    def rows(self, places: npt.ArrayLike | slice) -> list[Row]:
        """((the inputs,), the target) of some examples, as numbers in nested lists; without targets it is None."""
        columns = [_listed(_taken(column, places)) for column in self.columns]
        inputs = list(zip(*columns[: len(self.inputs)], strict=True))
        targets = columns[-1] if self.targets is not None else [None] * len(inputs)
        return list(zip(inputs, targets, strict=True))

    def require_finite(self) -> None:
        """Refuse nan and inf: no training can make up for them.

        Raises:
            ValueError: it names the first, and says how many examples have one.
        """
        for name, column in zip(self._names(), self.columns, strict=True):
            if isinstance(column, np.ndarray) and np.isfinite(column).all():
                continue
            bad = [i for i, x in enumerate(column) if not np.isfinite(x).all()]
            if bad:
                raise ValueError(
                    f"{name} holds nan or inf in {len(bad)} of {len(column)} examples, first in {name}[{bad[0]}]; "
                    "leave those examples out, or put numbers in their place"
                )

    def digest(self) -> str:
        """A checksum of all numbers and shapes."""
        total = sha256()
        for column in self.columns:
            for x in [column] if isinstance(column, np.ndarray) else map(np.asarray, column):
                total.update(f"{x.shape}{x.dtype.str}".encode())
                total.update(np.ascontiguousarray(x).tobytes())
        return total.hexdigest()

    def _names(self) -> list[str]:
        names = [f"X[{i}]" for i in range(len(self.inputs))] if len(self.inputs) > 1 else ["X"]
        return names if self.targets is None else [*names, "y"]


def most_unlike(arrays: Sequence[Array]) -> int:
    """The place of the example that is farthest from the first, in one of its numbers, measured by how these spread.

    A trace with both is the one that is likeliest to tell what it would freeze. Of many examples some are looked at.

    >>> most_unlike([np.array([[0.0, 1.0], [0.1, 5.0], [0.0, 1.0]])])
    1
    """
    places = np.unique(np.linspace(0, len(arrays[0]) - 1, 5000).round().astype(np.int64))
    farthest = np.zeros(len(places))
    with np.errstate(all="ignore"):
        for array in arrays:
            table = array[places].reshape(len(places), -1).astype(np.float64)
            away, spread = np.abs(table - table[0]), table.std(axis=0)
            away = np.nan_to_num(away / np.where(spread > 0.0, spread, 1.0), nan=0.0, posinf=0.0)
            farthest = np.maximum(farthest, away.max(axis=1, initial=0.0))
    return int(places[farthest.argmax()])


def _column(name: str, given: Any) -> Array | list[Any]:
    """One array with the example first, or a list of arrays where the examples differ in shape."""
    if isinstance(given, str | bytes | dict) or not hasattr(given, "__len__") or np.ndim(_safe(given)) == 0:
        cure = f"; of what is gone through but once, give list({name})" if hasattr(given, "__next__") else ""
        raise TypeError(f"{name} is an array or a list with one entry for each example, not {shown(given)}{cure}")
    if not isinstance(given, np.ndarray) and shape_of(given) is None and not hasattr(given, "__array__"):
        return [_numbers(f"{name}[{i}]", x) for i, x in enumerate(given)]
    return _numbers(name, given)


def _safe(given: Any) -> Any:
    """Nested lists of one shape as they are; of several, their length is all that matters here."""
    return given if isinstance(given, np.ndarray) or shape_of(given) is not None else [0.0] * len(given)


def _numbers(name: str, given: Any) -> Array:
    """An array of float64 or of whole numbers."""
    if np.ma.is_masked(given):
        raise ValueError(f"{name} has masked entries, which are no numbers; leave those examples out, or fill them")
    try:
        array = np.asarray(given)
    except ValueError:
        raise TypeError(f"{name} has rows of different lengths within one example") from None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)  # Fractions, Decimals, Python's large integers
        except (TypeError, ValueError):
            raise TypeError(f"{name} holds real numbers, and got {shown(given)}; of Values give their data") from None
    if array.dtype.kind not in "fiub":
        cure = "; give numbers for classes: np.unique(y, return_inverse=True)[1]" * (array.dtype.kind in "US")
        raise TypeError(f"{name} holds real numbers, and got an array of {array.dtype}{cure}")
    whole = array.dtype.kind != "f" and not (array.dtype == np.uint64 and np.any(array > np.iinfo(np.int64).max))
    return array.astype(np.int64 if whole else np.float64)


def _taken(column: Array | list[Any], places: Any) -> Any:
    if isinstance(column, np.ndarray) or isinstance(places, slice):
        return column[places]
    return [column[i] for i in places]


def _listed(column: Array | Sequence[Any]) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else [x.tolist() for x in column]
