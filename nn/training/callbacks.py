"""What may happen during training besides: clipping, stopping, keeping the best, recording.

A callback is any object that has some of these, each called with the run:

    on_begin(run)     before the first step
    on_gradient(run)  a gradient is there, and may be changed in place: run.gradient
    on_step(run)      the parameters have moved: run.parameters
    on_epoch(run)     an epoch is over, the model has its numbers, run.history its row; run.stop("why") ends training
    on_end(run)       training is over, unless it was interrupted

or a function, which is called after each epoch and stops training if it gives True. What it changes in the model
besides the parameters, a mode or an option, counts from the next epoch on. With state_dict() and
load_state_dict(arrays) a callback is kept in a checkpoint. EarlyStopping is one, in regularization.py.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.nested import flat
from nn.options import number
from nn.regularization import EarlyStopping

Array = npt.NDArray[np.float64]


class BestModel(EarlyStopping):
    """At the end the model has the numbers of its best epoch; training goes on to its last.

    `monitor` is what is measured, as in History: "val_loss" if there is validation, else "loss"; the least is best, of
    an accuracy the greatest, or what `mode` says.

    >>> BestModel(monitor="val_accuracy")
    BestModel(monitor='val_accuracy', mode='max')
    """

    def __init__(self, monitor: str | None = None, mode: Literal["min", "max"] | None = None) -> None:
        super().__init__(sys.maxsize, mode=mode, monitor=monitor)

    def __repr__(self) -> str:
        return f"BestModel(monitor={self.monitor!r}, mode={self.mode!r})"


class ClipGradNorm:
    """g ← g · min(1, max_norm/(‖g‖ + 1e-6)), ‖g‖ = √(Σ gᵢ²) over all parameters: nn.clip_grad_norm in `fit`.

    Raises:
        TypeError, ValueError: for a max_norm that is no number from 0 up.
    """

    def __init__(self, max_norm: float) -> None:
        self.max_norm = number("max_norm", max_norm, "a number from 0 up", lambda x: x >= 0.0)

    def on_gradient(self, run: Any) -> None:
        """Scale the gradient."""
        scale = self.max_norm / (_norm(run.gradient) + 1e-6)
        if not scale >= 1.0:  # smaller, or nan
            with np.errstate(invalid="ignore"):  # inf · 0 is nan, and ends training
                run.gradient *= scale

    def __repr__(self) -> str:
        return f"ClipGradNorm({self.max_norm})"


class ClipGradValue:
    """g ← min(max(g, −clip_value), clip_value) for each parameter by itself: nn.clip_grad_value in `fit`.

    Raises:
        TypeError, ValueError: for a clip_value that is no number from 0 up.
    """

    def __init__(self, clip_value: float) -> None:
        self.clip_value = number("clip_value", clip_value, "a number from 0 up", lambda x: x >= 0.0)

    def on_gradient(self, run: Any) -> None:
        """Clip the gradient."""
        np.clip(run.gradient, -self.clip_value, self.clip_value, out=run.gradient)

    def __repr__(self) -> str:
        return f"ClipGradValue({self.clip_value})"


class RecordGradients:
    """The Euclidean norm of each tensor's gradient at each step, before any clipping that stands behind it.

    norms  the name of the tensor, as in model.state_dict() -> array (steps,)

    >>> import nn
    >>> recorder = nn.RecordGradients()
    >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))
    >>> history = nn.fit(
    ...     model, [[1.0, 2.0], [3.0, 4.0]], [[1.0], [0.0]], loss=nn.mse_loss, epochs=3, seed=0,
    ...     callbacks=[recorder], progress=False,
    ... )
    >>> list(recorder.norms), recorder.of_epochs()["0.weight"].shape
    (['0.weight', '0.bias', '2.weight', '2.bias'], (3,))
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._starts: list[npt.NDArray[np.int64]] = []
        self._rows: list[list[float]] = []
        self._epochs: list[int] = []  # in which each step was

    def on_begin(self, run: Any) -> None:
        """See which parameters belong to which tensor; begin anew, unless a checkpoint goes on."""
        if run.epoch == run.step == 0:
            self._rows, self._epochs = [], []
        of_model = {id(v): name for name, tensor in run.model.named_tensors() for v in flat(tensor)}
        names = [of_model.get(id(v), v.name or "a parameter of the loss") for v in run.optimizer.parameters]
        self._names = list(dict.fromkeys(names))
        self._starts = [np.flatnonzero(np.array(names) == name) for name in self._names]

    def on_gradient(self, run: Any) -> None:
        """Take in one more step."""
        self._rows.append([_norm(run.gradient[places]) for places in self._starts])
        self._epochs.append(run.epoch)

    @property
    def norms(self) -> dict[str, Array]:
        """The norm of each tensor's gradient at each step."""
        table = np.array(self._rows, np.float64).reshape(len(self._rows), len(self._names))
        return {name: table[:, i].copy() for i, name in enumerate(self._names)}

    def of_epochs(self) -> dict[str, Array]:
        """Their means over the steps of each epoch."""
        epochs = np.array(self._epochs)
        return {
            name: np.array([norms[epochs == epoch].mean() for epoch in np.unique(epochs)])
            for name, norms in self.norms.items()
        }

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """What was recorded."""
        return {"rows": np.array(self._rows, np.float64), "epochs": np.array(self._epochs, np.int64)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self._rows, self._epochs = np.asarray(state["rows"]).tolist(), np.asarray(state["epochs"]).tolist()


def _norm(numbers: Array) -> float:
    """√(Σ x²), which neither overflows nor vanishes before the numbers do."""
    largest = float(np.max(np.abs(numbers), initial=0.0))
    return largest * float(np.linalg.norm(numbers / largest)) if 0.0 < largest < np.inf else largest
