"""History: what training measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SHOWN = 12  # epochs that a table shows; of more, the first and the last


class History(Mapping[str, Array]):
    """A number for each epoch under each name: "loss", "lr", and what else was measured; each an array (epochs,).

    "accuracy" and own metrics are there if they were measured, and with validation "val_loss", "val_accuracy", ... The
    loss of an epoch is the mean over its examples, each at the step that it was in; "lr" the rate of its last step.
    dict(history) is a dict of arrays.

    epochs      how many there are
    steps       the loss of each step, an array
    monitor     which of the names says how good an epoch is: "val_loss" if there is one, else "loss"; or what an
                EarlyStopping watches
    best_epoch  the epoch, from 0, where it is best, the first of several; -1 before the first
    stopped     why training ended, in words
    seconds     how long the last call of fit took
    model       the trained model

    >>> history = History()
    >>> history.add({"loss": 0.5, "lr": 0.1})
    >>> history.add({"loss": 0.25, "lr": 0.1})
    >>> history["loss"].tolist(), history.epochs, history.best_epoch
    ([0.5, 0.25], 2, 1)
    >>> print(history)
    epoch     loss       lr
        1      0.5      0.1
        2     0.25      0.1  best
    """

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.stopped = ""
        self.seconds = 0.0
        self._columns: dict[str, list[float]] = {}
        self._steps: list[float] = []
        self._watched: tuple[str | None, str, int] = None, "min", -1

    def watch(self, monitor: str | None, mode: str, best: int = -1) -> None:
        """Let that say how good an epoch is, the least ("min") or the greatest ("max"); and which was best so far."""
        self._watched = monitor, mode, best

    def add(self, row: Mapping[str, float]) -> None:
        """Take in one more epoch.

        Raises:
            ValueError: if it has other names than the epochs before.
        """
        if self._columns and set(row) != set(self._columns):
            raise ValueError(
                f"each epoch has a number for {', '.join(self._columns)}, and this one for {', '.join(row)}"
            )
        for name, number in row.items():
            self._columns.setdefault(name, []).append(float(number))

    def add_step(self, loss: float) -> None:
        """Take in the loss of one more step."""
        self._steps.append(loss)

    def last(self, name: str) -> float:
        """The number of the last epoch.

        Raises:
            KeyError: if nothing of that name was measured; it lists what was.
        """
        if name not in self._columns:
            raise KeyError(f"{name!r} was not measured; there are: {', '.join(self._columns) or 'no epochs yet'}")
        return self._columns[name][-1]

    @property
    def epochs(self) -> int:
        """How many whole epochs there are."""
        return max(map(len, self._columns.values()), default=0)

    @property
    def steps(self) -> Array:
        """The loss of each step."""
        return np.array(self._steps, np.float64)

    @property
    def monitor(self) -> str:
        """Which number says how good an epoch is."""
        return self._watched[0] or ("val_loss" if "val_loss" in self._columns else "loss")

    @property
    def best_epoch(self) -> int:
        """The epoch, from 0, with the best of `monitor`; where an EarlyStopping watches it, the one that it took."""
        if self._watched[2] >= 0:
            return self._watched[2]
        numbers = np.array(self._columns.get(self.monitor, []))
        if self._watched[1] == "max":
            numbers = -numbers
        return int(np.nanargmin(numbers)) if np.isfinite(numbers).any() else -1

    def load(self, columns: Mapping[str, npt.ArrayLike], steps: npt.ArrayLike) -> None:
        """Go on from these numbers."""
        self._columns = {name: np.asarray(column, np.float64).tolist() for name, column in columns.items()}
        self._steps = np.asarray(steps, np.float64).tolist()

    def __getitem__(self, name: str) -> Array:
        if name not in self._columns:
            raise KeyError(f"{name!r} was not measured; there are: {', '.join(self._columns) or 'no epochs yet'}")
        return np.array(self._columns[name], np.float64)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return set(self) == set(other) and all(np.array_equal(self[k], other[k], equal_nan=True) for k in self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self._columns:
            return "<History of 0 epochs>"
        ends = ", ".join(
            f"{name} {written(name, xs[0])} to {written(name, xs[-1])}" for name, xs in self._columns.items()
        )
        return f"<History of {self.epochs} epoch{'s' * (self.epochs != 1)}: {ends}>"

    def __str__(self) -> str:
        """A table, a line an epoch; the best is marked, and why it ended stands below."""
        width = {name: max(len(name), 7) for name in self._columns}
        head = "  ".join(["epoch", *(f"{name:>{width[name]}}" for name in self._columns)])
        lines = [head if self._columns else "no epochs"]
        before = -1
        for i in self._shown():
            if i > before + 1:
                lines.append("  ...")
            cells = (f"{written(name, self._columns[name][i]):>{width[name]}}" for name in self._columns)
            lines.append("  ".join([f"{i + 1:5}", *cells]) + ("  best" if i == self.best_epoch else ""))
            before = i
        return "\n".join([*lines, *([self.stopped] if self.stopped else [])])

    def _shown(self) -> list[int]:
        n = self.epochs
        if n <= _SHOWN:
            return list(range(n))
        half = _SHOWN // 2
        return sorted({*range(half), *range(n - half, n), max(self.best_epoch, 0)})


def written(name: str, number: float) -> str:
    """A number of that name as a table and a bar show it: accuracies as per cent."""
    return f"{number:.1%}" if name.endswith("accuracy") else f"{number:.4g}"
