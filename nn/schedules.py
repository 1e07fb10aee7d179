"""Schedules: how the learning rate changes from epoch to epoch.

    schedule = StepLR(optimizer, step_size=30, gamma=0.1)
    for epoch in range(100):
        ...
        schedule.step()

A schedule makes the new rate of a group from the rate that the group has, as PyTorch's do, so that two schedules on
one optimizer multiply, and a rate set by hand in between is where it goes on from.

This file has the schedules with one formula; those that watch or that change their formula are in cycles.py.

Glossary: an epoch is what lies between two calls of `step`; lr the rate of a group now, base its rate at epoch 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nn.optimizers import Optimizer
from nn.options import above_0_to_1, from_0, from_0_to_1, number, shown
from nn.param_groups import Group
from nn.shapes import count


class LRScheduler:
    """What all schedules share: it counts epochs and sets the rate of every group. A subclass gives `rate`.

    `last_epoch` is the epoch now, 0 at first. Given to a new schedule it continues a training after that epoch; the
    groups of the optimizer must know their `initial_lr`, as they do after its `load_state_dict`.

    Raises:
        TypeError: for what is no Optimizer, or an option of the wrong type.
        ValueError: for an option out of its range, or a training to be continued whose groups have no initial_lr.

    >>> from engine import Value
    >>> from nn import SGD
    >>> class Harmonic(LRScheduler):
    ...     def rate(self, lr, base):
    ...         return base / (1 + self.last_epoch)
    >>> schedule = Harmonic(SGD([Value(1.0)], lr=0.5))
    >>> schedule.step()
    >>> schedule.optimizer.lr
    0.25
    """

    apart: tuple[str, ...] = ("optimizer", "beginning")  # attributes that are not saved
    beginning = False  # whether the schedule is at its first epoch, which nothing has led to

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = an_optimizer(self, optimizer)
        self.last_epoch = count("last_epoch", last_epoch, -1)
        self.widen()
        self.check()
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"last_epoch={last_epoch} continues a training, and param_groups[{i}] has no initial_lr; "
                    "load the optimizer's state first, or begin with last_epoch=-1"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.begin()

    # ------------------------------------------------------------------- what a subclass says

    def rate(self, lr: float, base: float) -> float:
        """The rate of a group at `last_epoch`, from the rate lr that it has and its rate base at epoch 0."""
        raise NotImplementedError(f"{type(self).__name__} needs a rate(lr, base)")

    def check(self) -> None:
        """Refuse options that cannot be, by a ValueError or TypeError."""

    def widen(self) -> None:
        """Make NumPy's numbers among the options, which may be narrow, Python's."""
        vars(self).update(LRScheduler.state_dict(self))

    # ------------------------------------------------------------------------------ counting

    def get_lr(self) -> list[float]:
        """The rate of each group at `last_epoch`."""
        return [self.rate(group["lr"], base) for group, base in self.groups_with("base_lrs", self.base_lrs)]

    def step(self) -> None:
        """Go to the next epoch."""
        self.last_epoch += 1
        self.set_lr(self.get_lr())

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as this schedule has set it last."""
        return list(self._last_lr)

    def set_lr(self, rates: Sequence[float]) -> None:
        """Give each group its rate."""
        for group, rate in self.groups_with("get_lr()", rates):
            group["lr"] = rate
        self._last_lr = list(rates)

    def begin(self) -> None:
        """Go to the first epoch."""
        self.beginning = True
        self.step()
        self.beginning = False

    def begin_again(self) -> None:
        """Go to epoch 0, whatever the rates are now."""
        for group, base in self.groups_with("base_lrs", self.base_lrs):
            group["lr"] = base
        self.last_epoch = -1
        self.begin()

    def unstep(self) -> None:
        """Count an epoch less."""
        self.last_epoch -= 1

    def groups_with(self, name: str, numbers: Sequence[Any]) -> list[tuple[Group, Any]]:
        """Each group of parameters with its number."""
        groups = self.optimizer.param_groups
        if len(numbers) != len(groups):
            raise ValueError(f"{name} has {len(numbers)} entries, and the optimizer has {len(groups)} groups")
        return list(zip(groups, numbers, strict=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, lr={self._last_lr})"

    # ------------------------------------------------------------------------ saving, loading

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands, and its options: numbers, words and lists of them, as `json.dumps` takes them.

        The rates are the optimizer's; they are saved with it.
        """
        return {name: _copied(x) for name, x in vars(self).items() if name not in self.apart}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` was called. Numbers and lists of them may come as arrays, as a file gives them.

        Raises:
            ValueError: for the state of another schedule, or an option that cannot be. Nothing is changed then.
        """
        own = LRScheduler.state_dict(self)
        if not isinstance(state, Mapping) or set(state) != set(own):
            raise ValueError(f"this is no state of {type(self).__name__}; it has {', '.join(own)}")
        before = dict(vars(self))
        vars(self).update({name: _as_own(own[name], x) for name, x in state.items()})
        try:
            count("last_epoch", self.last_epoch, -1)
            for name in {"base_lrs", "_last_lr"} & set(own):
                for i, (_, rate) in enumerate(self.groups_with(name, per_group(name, getattr(self, name)))):
                    number(f"{name}[{i}]", rate)
            self.check()
        except (TypeError, ValueError) as error:
            vars(self).update(before)
            raise ValueError(f"the state does not fit {type(self).__name__}: {error}. Nothing was changed") from None


class StepLR(LRScheduler):
    """lr ← γ·lr after every step_size epochs.

    >>> from engine import Value
    >>> from nn import SGD
    >>> schedule = StepLR(SGD([Value(1.0)], lr=1.0), step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     schedule.step()
    ...     print(schedule.get_last_lr())
    [1.0]
    [0.5]
    [0.5]
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """step_size is at least 1, gamma from 0 up."""
        count("step_size", self.step_size)
        from_0("gamma", self.gamma)

    def rate(self, lr: float, base: float) -> float:
        """γ·lr at every step_size-th epoch."""
        return lr if self.last_epoch == 0 or self.last_epoch % self.step_size else lr * self.gamma


class MultiStepLR(LRScheduler):
    """lr ← γ·lr at each of the milestones; one that stands twice counts twice."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = list(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """The milestones are epochs in their order, gamma from 0 up."""
        ordered("milestones", self.milestones)
        from_0("gamma", self.gamma)

    def rate(self, lr: float, base: float) -> float:
        """γ·lr at a milestone."""
        return lr * self.gamma ** self.milestones.count(self.last_epoch)


class ConstantLR(LRScheduler):
    """factor·lr for the first total_iters epochs, then lr."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3.0, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """The factor is above 0 and at most 1, total_iters at least 1."""
        above_0_to_1("factor", self.factor)
        count("total_iters", self.total_iters)

    def rate(self, lr: float, base: float) -> float:
        """lr·factor at epoch 0, and lr/factor at epoch total_iters."""
        return lr * {0: self.factor, self.total_iters: 1.0 / self.factor}.get(self.last_epoch, 1.0)


class LinearLR(LRScheduler):
    """base·f, where f goes from start_factor to end_factor in total_iters equal steps: a warm-up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3.0,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """The factors are at most 1, the first above 0; total_iters is at least 1."""
        above_0_to_1("start_factor", self.start_factor)
        from_0_to_1("end_factor", self.end_factor)
        count("total_iters", self.total_iters)

    def rate(self, lr: float, base: float) -> float:
        """lr·f(k)/f(k − 1) at epoch k; f(k)/f(k − 1) = 1 + (f(k) − f(k − 1))/f(k − 1), with n times both parts."""
        k, n = self.last_epoch, self.total_iters
        if k == 0:
            return lr * self.start_factor
        if self.beginning or k > n:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * max(0.0, 1.0 + rise / (n * self.start_factor + (k - 1) * rise))  # rounding stops at 0


class ExponentialLR(LRScheduler):
    """lr ← γ·lr after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """Gamma is from 0 up."""
        from_0("gamma", self.gamma)

    def rate(self, lr: float, base: float) -> float:
        """γ·lr."""
        return lr if self.beginning else lr * self.gamma


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base − eta_min)·(1 + cos(π·k/T_max))/2 at epoch k: half a wave down, and up again after T_max.

    (Loshchilov & Hutter 2017, without restarts.)
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:  # noqa: N803
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """T_max is at least 1, eta_min from 0 up."""
        count("T_max", self.T_max)
        from_0("eta_min", self.eta_min)

    def rate(self, lr: float, base: float) -> float:
        """What lr is above eta_min, times w(k)/w(k − 1) with w(k) = 1 + cos(π·k/T); from w = 0 up, the first part."""
        k, T, low = self.last_epoch, self.T_max, self.eta_min  # noqa: N806
        if self.beginning:
            return lr
        if (k - 1 - T) % (2 * T) == 0:
            return lr + (base - low) * (1.0 - math.cos(math.pi / T)) / 2.0
        return (1.0 + math.cos(math.pi * k / T)) / (1.0 + math.cos(math.pi * (k - 1) / T)) * (lr - low) + low


class LambdaLR(LRScheduler):
    """base·f(k) at epoch k, with one function f, or a list with one for each group. Functions are not saved.

    >>> from engine import Value
    >>> from nn import SGD
    >>> schedule = LambdaLR(SGD([Value(1.0)], lr=0.5), lambda epoch: 0.5**epoch)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    apart = (*LRScheduler.apart, "lr_lambdas")

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(an_optimizer(self, optimizer).param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, Sequence) else [lr_lambda] * groups
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """One function for each group."""
        for _, f in self.groups_with("lr_lambda", self.lr_lambdas):
            if not callable(f):
                raise TypeError(f"lr_lambda is a function of the epoch, or a list of them, not {f!r}")

    def get_lr(self) -> list[float]:
        """base·f(k)."""
        factors = [number("what lr_lambda returns", f(self.last_epoch)) for f in self.lr_lambdas]
        return [base * factor for base, factor in zip(self.base_lrs, factors, strict=True)]


# ------------------------------------------------------------------------------ what is given


def an_optimizer(schedule: LRScheduler, given: Any) -> Optimizer:
    """The same, if it is an Optimizer; else a TypeError."""
    if not isinstance(given, Optimizer):
        raise TypeError(f"{type(schedule).__name__} changes the rates of an Optimizer, not of {shown(given)}")
    return given


def per_group(name: str, given: Any) -> list[Any]:
    """The list, if it is one; else a TypeError."""
    if not isinstance(given, list | tuple):
        raise TypeError(f"{name} is a list with a number for each group, not {shown(given)}")
    return list(given)


def ordered(name: str, milestones: Any) -> None:
    """Refuse what is no list of epochs in their order."""
    if not isinstance(milestones, list):
        raise TypeError(f"{name} is a list of epochs, not {milestones!r}")
    for milestone in milestones:
        count(f"a milestone of {milestones}", milestone, 0)
    if milestones != sorted(milestones):
        raise ValueError(f"{name} stand in the order of time, not as {milestones}")


def _copied(x: Any) -> Any:
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return x.copy()
    return [_copied(part) for part in x] if isinstance(x, list) else x


def _as_own(own: Any, x: Any) -> Any:
    """An array as a list, or the number it has, unless the schedule's own is an array, too."""
    return _copied(x.tolist() if isinstance(x, np.ndarray) and not isinstance(own, np.ndarray) else x)
