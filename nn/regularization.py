"""Regularization: dropout, penalties on the weights, gradients kept small, and stopping in time.

    loss = nn.mse_loss(model(x), y) + nn.l2_penalty(model, 1e-4)
    loss.backward()
    nn.clip_grad_norm(model, 1.0)
    optimizer.step()

Weight decay is an option of the optimizers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine import Value, clip, dot, pow, sum
from engine.draws import drawn
from engine.nested import flat, paths, rebuilt
from nn.init import Seed, generator
from nn.module import Arrays, Module
from nn.options import from_0, number, shown
from nn.shapes import count, values

Parameters = Module | Value | Iterable[Any]


class Dropout(Module):
    """y = x·m in training, m = 0 with probability p, else 1/(1 − p), so that the mean stays (Srivastava et al. 2014).

    Takes any shape, and draws a number m for each entry anew at each call; p is in [0, 1], and with p = 1 all is 0.
    In evaluation, and with p = 0, y is x. The masks follow from `seed`; without one they come from the global `random`.

    Raises:
        TypeError: for a p that is no number.
        ValueError: for a p outside [0, 1].

    >>> dropout = Dropout(0.5, seed=0)
    >>> [v.data for v in dropout([1.0, 2.0, 3.0, 4.0])]
    [2.0, 4.0, 0.0, 0.0]
    >>> [v.data for v in dropout.eval()([1.0, 2.0, 3.0, 4.0])]
    [1.0, 2.0, 3.0, 4.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False, *, seed: Seed = None) -> None:
        number("p", p, "a probability, from 0 to 1", lambda x: 0.0 <= x <= 1.0)
        self.p = p
        self.rng: Any = None if seed is None else generator(seed)  # the global `random`, a module, has no copy

    def forward(self, x: Any) -> Any:
        """x, with a mask on it in training."""
        x = values(x)
        if not self.training or self.p == 0.0:
            return x
        mask, places = _Mask(self), paths(x, self.place("mask"))
        out = [v * drawn(mask, place) for v, place in zip(flat(x), places, strict=True)]
        return self.name_nodes(rebuilt(x, out), "out")

    def extra_repr(self) -> str:
        """Its probability."""
        return f"p={self.p}"


class _Mask:
    """Draws 0 with probability p, else what makes up for it."""

    def __init__(self, dropout: Dropout) -> None:
        self._dropout = dropout

    def __call__(self) -> float:
        return self.many(1)[0]

    def many(self, count: int) -> list[float]:
        """So many of them: the first, the second, ..."""
        random, p = generator(self._dropout.rng).random, float(self._dropout.p)
        kept = 1.0 / (1.0 - p) if p < 1.0 else 0.0
        return [0.0 if random() < p else kept for _ in range(count)]


# ------------------------------------------------------------------------------ penalties


def l1_penalty(parameters: Parameters, factor: float = 1.0) -> Value:
    """factor · Σ |p|, to be added to a loss: it drives weights to 0 (Tibshirani 1996).

    `parameters` is a Module, or Values in lists however nested, as `layer.weight`; each counts once.

    Raises:
        TypeError: for what is no Value.
        ValueError: where there are no parameters.

    >>> l1_penalty([Value(3.0), Value(-4.0)], 0.5).data
    3.5
    """
    total: Value = sum([abs(p) for p in _some("l1_penalty", parameters)])
    return factor * total


def l2_penalty(parameters: Parameters, factor: float = 1.0) -> Value:
    """factor · Σ p², to be added to a loss: it keeps weights small (Hoerl & Kennard 1970).

    Its gradient is 2·factor·p: for SGD, weight_decay=2·factor does the same. `parameters` as in `l1_penalty`.

    Raises:
        TypeError: for what is no Value.
        ValueError: where there are no parameters.

    >>> l2_penalty([[Value(3.0)], [Value(-4.0)]], 0.5).data
    12.5
    """
    ps = _some("l2_penalty", parameters)
    total: Value = dot(ps, ps)
    return factor * total


# ------------------------------------------------------------------------------ gradients


def clip_grad_norm(
    parameters: Parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """g ← g · min(1, max_norm/(‖g‖ + 1e-6)) for all gradients as one vector; gives ‖g‖ as it was (Pascanu et al. 2013).

    ‖g‖ = (Σ |gᵢ|ᵖ)^(1/p) with p = norm_type > 0; inf for the largest |gᵢ|. `parameters` is a Module, or Values in lists
    however nested. Those without a gradient and those frozen stay out. Where the norm is inf or nan, so are gradients
    (inf becomes nan), as in PyTorch, or with error_if_nonfinite it is an error that changes nothing.

    Raises:
        ValueError: for a negative max_norm, or a norm_type not above 0.
        RuntimeError: for a norm of inf or nan, with error_if_nonfinite; it names the parameters.
        TypeError: for what is no Value, or a max_norm or norm_type that is no number.

    >>> p = Value(2.0)
    >>> (p * p).backward()
    >>> clip_grad_norm([p], 1.0), round(p.grad, 6)
    (4.0, 1.0)
    """
    most = number("max_norm", max_norm, "a number from 0 up", lambda x: x >= 0.0)
    order = float(norm_type)
    if not order > 0.0:
        raise ValueError(f"norm_type is a number above 0, or inf, not {norm_type!r}")
    reached = _reached("clip_grad_norm", parameters)
    norm = _norm([float(p.grad) for p in reached], order)
    if error_if_nonfinite and not math.isfinite(norm):
        bad = [p.name or repr(p) for p in reached if not math.isfinite(p.grad)]
        of = f"not finite: the gradient of {', '.join(bad[:6])}{', ...' * (len(bad) > 6)}" if bad else "beyond 1.8e308"
        raise RuntimeError(f"the norm of the gradients is {norm}, and no scale would help; {of}")
    scale = most / (norm + 1e-6)
    if not scale >= 1.0:  # smaller, or nan
        for p in reached:
            p.grad = float(p.grad) * scale
    return norm


def clip_grad_value(parameters: Parameters, clip_value: float) -> None:
    """g ← min(max(g, −clip_value), clip_value) for each gradient by itself.

    `parameters` is a Module, or Values in lists however nested. Those without a gradient and those frozen stay out.

    Raises:
        ValueError: for a negative clip_value.
        TypeError: for what is no Value, or a clip_value that is no number.

    >>> p = Value(-2.0)
    >>> (p * p).backward()
    >>> clip_grad_value([p], 1.0)
    >>> p.grad
    -1.0
    """
    most = number("clip_value", clip_value, "a number from 0 up", lambda x: x >= 0.0)
    for p in _reached("clip_grad_value", parameters):
        p.grad = clip(float(p.grad), -most, most)


def _norm(numbers: list[float], order: float) -> float:
    """(Σ |x|ᵖ)^(1/p), of numbers first divided by the largest, so that no power overflows."""
    largest = max((abs(x) for x in numbers), default=0.0)
    if any(math.isnan(x) for x in numbers):
        return math.nan
    if largest in (0.0, math.inf) or order == math.inf:
        return largest
    total = math.fsum((abs(x) / largest) ** order for x in numbers)
    return float(largest * pow(total, 1.0 / order))


def _listed(name: str, parameters: Parameters) -> list[Value]:
    """The Values in a Module or in nested lists, each once."""
    if isinstance(parameters, Module):
        return parameters.parameters()
    if isinstance(parameters, Iterable) and not isinstance(parameters, list | tuple | dict):
        parameters = list(parameters)
    found = flat(parameters)
    for p in found:
        if not isinstance(p, Value):
            raise TypeError(f"{name} takes a Module or Values in lists, and got {shown(p)}")
    return list(dict.fromkeys(found))


def _some(name: str, parameters: Parameters) -> list[Value]:
    found = _listed(name, parameters)
    if not found:
        raise ValueError(f"{name} needs at least one parameter, such as model.parameters()")
    return found


def _reached(name: str, parameters: Parameters) -> list[Value]:
    """Those that a gradient has reached, and that are not frozen."""
    return [p for p in _listed(name, parameters) if p.has_grad and p.requires_grad]


# ------------------------------------------------------------------------------ stopping in time


class EarlyStopping:
    """Stop when a metric has not improved for `patience` epochs in a row (Prechelt 1998).

        stopper = EarlyStopping(patience=3)
        for epoch in range(100):
            ...
            if stopper.step(validation_loss, model):
                break
        stopper.restore(model)

    or nn.fit(..., callbacks=[EarlyStopping(patience=3)]), which then watches `monitor`, a name in the History, and at
    the end restores the best model, unless restore_best is False.

    A metric improves where it is below best − min_delta, or with mode="max" above best + min_delta. nan never does.
    Without a mode a loss is to be small, an accuracy great; for another monitor give one. Given a model, `step` keeps a
    copy of its numbers at the best epoch.

    best         the best metric so far; inf (with "max" −inf) before the first
    best_epoch   which step had it, counted from 0; -1 before the first
    bad_epochs   how many steps there were since
    stopped      whether these are as many as `patience`

    Raises:
        ValueError: for a patience below 1, a negative min_delta, or another mode.

    >>> stopper = EarlyStopping(patience=2)
    >>> [stopper.step(loss) for loss in (3.0, 2.0, 2.5, 2.0)]
    [False, False, False, True]
    >>> stopper.best, stopper.best_epoch
    (2.0, 1)
    """

    def __init__(
        self,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] | None = None,
        *,
        monitor: str | None = None,
        restore_best: bool = True,
    ) -> None:
        self.patience = count("patience", patience)
        if mode is None:
            mode = _KNOWN.get((monitor or "loss").removeprefix("val_"))  # type: ignore[assignment]
        if mode is None:
            raise ValueError(f'is the least {monitor!r} best, or the greatest? Give mode="min" or mode="max"')
        if mode not in ("min", "max"):
            raise ValueError(f'mode is "min" or "max", not {mode!r}')
        self.monitor, self.restore_best = monitor, restore_best
        self.min_delta, self.mode = from_0("min_delta", min_delta), mode
        self._begin()

    def _begin(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.best_epoch, self.epochs, self.bad_epochs = -1, 0, 0
        self.best_state: Arrays | None = None

    @property
    def stopped(self) -> bool:
        """Whether there were `patience` epochs since the best."""
        return self.bad_epochs >= self.patience

    def __call__(self, metric: Any, model: Module | None = None) -> bool:
        """The same as `step`."""
        return self.step(metric, model)

    def step(self, metric: Any, model: Module | None = None) -> bool:
        """Take in the metric of one more epoch, a number or a Value; True where it is time to stop."""
        given = metric.item() if hasattr(metric, "item") else metric
        new = number("the metric", given, "a number", lambda x: True)
        better = new < self.best - self.min_delta if self.mode == "min" else new > self.best + self.min_delta
        if better:
            self.best, self.best_epoch, self.bad_epochs = new, self.epochs, 0
            self.best_state = None if model is None else model.state_dict()
        else:
            self.bad_epochs += 1
        self.epochs += 1
        return self.stopped

    def restore(self, model: Module) -> None:
        """Give the model the numbers that it had at the best epoch.

        Raises:
            RuntimeError: if `step` was not given the model then.
            ValueError: if the model is another.
        """
        if self.best_state is None:
            raise RuntimeError("the best model was not kept: call step(metric, model)")
        model.load_state_dict(self.best_state)

    def on_begin(self, run: Any) -> None:
        """Of `fit`: begin anew, unless a checkpoint goes on."""
        if run.epoch == run.step == 0:
            self._begin()
        if (self.monitor or "").startswith("val_") and not run.validated:
            raise ValueError(f"EarlyStopping watches {self.monitor!r}, and there is no validation=(X, y)")
        run.history.watch(self.monitor, self.mode, self.best_epoch)

    def on_epoch(self, run: Any) -> None:
        """Of `fit`: take in what the epoch measured, and stop if it is time."""
        name = self.monitor or run.history.monitor
        if self.step(run.metric(name), run.model if self.restore_best else None):
            run.stop(f"stopped early: {name} was best in epoch {self.best_epoch + 1} ({self.best:.4g})")
        run.history.watch(name, self.mode, self.best_epoch)

    def on_end(self, run: Any) -> None:
        """Of `fit`: give the model its best numbers."""
        if self.restore_best and self.best_state is not None:
            self.restore(run.model)

    def state_dict(self) -> dict[str, float | npt.NDArray[Any]]:
        """What it remembers, as numbers, and the best model's arrays under best_state.<name>."""
        kept = {f"best_state.{name}": array.copy() for name, array in (self.best_state or {}).items()}
        return {name: getattr(self, name) for name in _REMEMBERED} | kept

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; its patience, min_delta and mode stay.

        Raises:
            ValueError: for a missing or unexpected name, or a count that is not whole; nothing is changed.
        """
        kept = {name.removeprefix("best_state."): np.array(state[name]) for name in state if _is_kept(name)}
        wrong = sorted(set(_REMEMBERED) ^ {name for name in state if not _is_kept(name)})
        if wrong:
            raise ValueError(f"the state does not fit EarlyStopping: missing or unexpected: {', '.join(wrong)}")
        numbers = {name: float(state[name]) for name in _REMEMBERED}
        if any(not number.is_integer() for name, number in numbers.items() if name != "best"):
            raise ValueError(f"the state does not fit EarlyStopping: its epochs are whole numbers, not {numbers}")
        self.best = numbers.pop("best")
        self.best_epoch, self.epochs, self.bad_epochs = (int(number) for number in numbers.values())
        self.best_state = kept or None

    def __repr__(self) -> str:
        return f"EarlyStopping(patience={self.patience}, min_delta={self.min_delta}, mode={self.mode!r})"


_KNOWN = {"loss": "min", "accuracy": "max"}
_REMEMBERED = ("best", "best_epoch", "epochs", "bad_epochs")


def _is_kept(name: str) -> bool:
    return name.startswith("best_state.")
