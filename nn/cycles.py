"""Schedules of several phases, and one that watches a metric: OneCycleLR, SequentialLR, ReduceLROnPlateau.

The simple ones, and what all share, are in schedules.py.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine import Value
from nn.optimizers import Optimizer
from nn.options import above_0, choice, from_0, from_0_below_1, from_0_to_1, number, switch
from nn.schedules import LRScheduler, an_optimizer, ordered
from nn.shapes import count

Phase = tuple[float, str, str, str, str]  # its last step, rate from and to, momentum from and to


class OneCycleLR(LRScheduler):
    """From max_lr/div_factor up to max_lr, and down to that start over final_div_factor; a call of `step` a batch.

    The way up takes the part pct_start of all steps, on a cosine or a line. With cycle_momentum the momentum (β₁
    where there are betas) falls from max_momentum to base_momentum as the rate rises, and rises as it falls. In
    three phases it comes down as long as it went up, and takes the rest of the steps for the end.

    The steps are total_steps, or epochs times steps_per_epoch; max_lr and the momenta are a number, or one for each
    group. As in PyTorch one step more than there are rates is let pass, for loops that call `step` after the last
    batch; on a line, the rate it sets may lie below 0, and no optimizer takes a step with that. (Smith & Topin 2019.)

    Raises:
        TypeError, ValueError: for an option that cannot be, an optimizer without momentum where it is to cycle, and
            a step beyond the total.

    >>> from nn import SGD
    >>> optimizer = SGD([Value(1.0)], lr=0.1, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear")
    >>> for _ in range(4):
    ...     schedule.step()
    ...     print(f"{optimizer.lr:.6f} {optimizer.param_groups[0]['momentum']:.2f}")
    0.520000 0.90
    1.000000 0.85
    0.500002 0.90
    0.000004 0.95
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = an_optimizer(self, optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = count("epochs", epochs) * count("steps_per_epoch", steps_per_epoch)
        self.total_steps, self.pct_start, self.anneal_strategy = total_steps, pct_start, anneal_strategy
        self.cycle_momentum, self.three_phase = cycle_momentum, three_phase
        self.check()
        tops = _each(self, "max_lr", max_lr, from_0)
        above_0("div_factor", div_factor), above_0("final_div_factor", final_div_factor)
        lows = _each(self, "base_momentum", base_momentum, from_0_below_1)
        highs = _each(self, "max_momentum", max_momentum, from_0_below_1)
        for i, (group, top, low, high) in enumerate(zip(optimizer.param_groups, tops, lows, highs, strict=True)):
            if last_epoch == -1:
                start = top / div_factor
                group |= {"initial_lr": start, "max_lr": top, "min_lr": start / final_div_factor}
                if cycle_momentum:
                    group |= {"max_momentum": high, "base_momentum": low}
            elif "max_lr" not in group or (cycle_momentum and "max_momentum" not in group):
                raise ValueError(f"last_epoch={last_epoch} continues a cycle that param_groups[{i}] has not begun")
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        """There is a step, a part of them leads up, and what is to cycle is there."""
        count("total_steps", self.total_steps)
        from_0_to_1("pct_start", self.pct_start)
        choice("anneal_strategy", self.anneal_strategy, ("cos", "linear"))
        switch("cycle_momentum", self.cycle_momentum)
        switch("three_phase", self.three_phase)
        if self.cycle_momentum and not {"momentum", "betas"} & set(self.optimizer.defaults):
            raise ValueError(f"{type(self.optimizer).__name__} has no momentum to cycle; set cycle_momentum=False")

    def phases(self) -> list[Phase]:
        """Each phase: its last step, and the names of the rates and momenta it begins and ends with."""
        up, last = float(self.pct_start * self.total_steps), self.total_steps - 1.0
        rise: Phase = (up - 1.0, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if not self.three_phase:
            return [rise, (last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        fall: Phase = (2.0 * up - 2.0, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        return [rise, fall, (last, "initial_lr", "min_lr", "max_momentum", "max_momentum")]

    def now(self) -> tuple[float, Phase]:
        """How much of its phase is done at `last_epoch`, and the phase."""
        k, phases, start = self.last_epoch, self.phases(), 0.0
        if k > self.total_steps:
            raise ValueError(f"OneCycleLR was made for {self.total_steps} steps, and this is step {k}")
        for phase in phases:
            if k <= phase[0] or phase is phases[-1]:
                break
            start = phase[0]
        return (k - start) / (phase[0] - start) if phase[0] != start else 1.0, phase  # one of no length is over

    def between(self, a: float, b: float, part: float) -> float:
        """The number after that part of the way from a to b."""
        if self.anneal_strategy == "linear":
            return (b - a) * part + a
        return b + (a - b) / 2.0 * (math.cos(math.pi * part) + 1.0)

    def get_lr(self) -> list[float]:
        """The rate after a part of the phase."""
        part, (_, a, b, _, _) = self.now()
        groups = self.groups_with("base_lrs", self.base_lrs)
        return [self.between(group[a], group[b], part) for group, _ in groups]

    def set_lr(self, rates: Sequence[float]) -> None:
        """Give each group its rate, and its momentum."""
        super().set_lr(rates)
        if self.cycle_momentum:
            part, (_, _, _, a, b) = self.now()
            for group in self.optimizer.param_groups:
                momentum = self.between(group[a], group[b], part)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum


class SequentialLR(LRScheduler):
    """One schedule after the other: schedulers[i + 1] begins at epoch milestones[i], from the rates of epoch 0.

    Raises:
        TypeError: for what is no schedule.
        ValueError: for no schedule, one of another optimizer or one that needs a metric, or not one milestone less.

    >>> from nn import SGD, ConstantLR, ExponentialLR
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> warm_up, fall = ConstantLR(optimizer, factor=0.25), ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = SequentialLR(optimizer, [warm_up, fall], milestones=[2])
    >>> for _ in range(4):
    ...     print(optimizer.lr)
    ...     schedule.step()
    0.25
    0.25
    1.0
    0.5
    """

    apart = (*LRScheduler.apart, "schedulers")

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Iterable[LRScheduler],
        milestones: Iterable[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = an_optimizer(self, optimizer)
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        self.last_epoch = count("last_epoch", last_epoch, -1)
        self.widen()
        self.check()
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for schedule in self.schedulers:
            schedule.unstep()
        self.begin()

    def check(self) -> None:
        """Schedules of one optimizer, and milestones between them."""
        if not self.schedulers:
            raise ValueError("SequentialLR needs at least one schedule")
        for i, schedule in enumerate(self.schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"schedulers[{i}] is {schedule!r}, and no schedule")
            if isinstance(schedule, ReduceLROnPlateau):
                raise ValueError(f"schedulers[{i}] is a ReduceLROnPlateau, which needs a metric at each step")
            if schedule.optimizer is not self.optimizer:
                raise ValueError(f"schedulers[{i}], {schedule!r}, is a schedule of another optimizer")
        ordered("milestones", self.milestones)
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"between {len(self.schedulers)} schedules lie {len(self.schedulers) - 1} milestones, "
                f"not {len(self.milestones)}"
            )

    def get_lr(self) -> list[float]:
        """The rate of each group, by the schedule whose turn it is."""
        return self.schedulers[bisect_right(self.milestones, self.last_epoch)].get_lr()

    def step(self) -> None:
        """Go to the next epoch; at a milestone, to the next schedule."""
        self.last_epoch += 1
        i = bisect_right(self.milestones, self.last_epoch)
        if i and self.milestones[i - 1] == self.last_epoch:
            self.schedulers[i].begin_again()
        else:
            self.schedulers[i].step()
        self._last_lr = self.schedulers[i].get_last_lr()

    def begin(self) -> None:
        """Begin with the first schedule, or the one that begins at epoch 0."""
        self.last_epoch += 1
        first = self.schedulers[bisect_right(self.milestones, 0)]
        first.begin()
        self._last_lr = first.get_last_lr()

    def begin_again(self) -> None:
        """Begin with the first schedule at its epoch 0."""
        self.last_epoch = 0
        first = self.schedulers[bisect_right(self.milestones, 0)]
        first.begin_again()
        self._last_lr = first.get_last_lr()

    def unstep(self) -> None:
        """Count an epoch less, in all schedules."""
        self.last_epoch -= 1
        for schedule in self.schedulers:
            schedule.unstep()

    def state_dict(self) -> dict[str, Any]:
        """Where each schedule stands."""
        return super().state_dict() | {"schedulers": [schedule.state_dict() for schedule in self.schedulers]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state_dict` was called, in every schedule; on any error in none."""
        before = self.state_dict()
        parts = state.get("schedulers") if isinstance(state, Mapping) else None
        if not isinstance(parts, list) or len(parts) != len(self.schedulers):
            raise ValueError(f"this is no state of a SequentialLR of {len(self.schedulers)} schedules")
        try:
            for schedule, part in zip(self.schedulers, parts, strict=True):
                schedule.load_state_dict(part)
            super().load_state_dict({name: x for name, x in state.items() if name != "schedulers"})
        except ValueError:
            for schedule, part in zip(self.schedulers, before["schedulers"], strict=True):
                schedule.load_state_dict(part)
            raise


class ReduceLROnPlateau(LRScheduler):
    """lr ← factor·lr when a metric has not become better for more than `patience` epochs.

    Better than the best so far is, by threshold_mode and mode ("min" or "max"): "rel", best·(1 ∓ threshold);
    "abs", best ∓ threshold. After it has reduced the rate it waits `cooldown` epochs. No rate falls below min_lr (a
    number, or one for each group) or by eps or less.

    Raises:
        TypeError, ValueError: for an option that cannot be, or a metric that is no number.

    >>> from nn import SGD
    >>> schedule = ReduceLROnPlateau(SGD([Value(1.0)], lr=1.0), factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0, 2.0]:
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = an_optimizer(self, optimizer)
        self.mode, self.factor, self.patience, self.threshold = mode, factor, patience, threshold
        self.threshold_mode, self.cooldown, self.eps = threshold_mode, cooldown, eps
        self.min_lr = list(min_lr) if isinstance(min_lr, Sequence) else min_lr
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self.widen()
        self.check()
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def check(self) -> None:
        """Every option in its range, and every count."""
        choice("mode", self.mode, ("min", "max"))
        choice("threshold_mode", self.threshold_mode, ("rel", "abs"))
        from_0_below_1("factor", self.factor)
        from_0("threshold", self.threshold)
        from_0("eps", self.eps)
        for name in ("patience", "cooldown", "num_bad_epochs", "cooldown_counter"):
            count(name, getattr(self, name), 0)
        number("best", self.best, "a number", lambda x: True)
        _each(self, "min_lr", self.min_lr, from_0)

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Take the metric of an epoch, a number or a Value; reduce the rates if that is due."""
        given = metrics.data if isinstance(metrics, Value) else metrics
        metric = number("the metric", given, "a number", lambda x: True)
        self.last_epoch += 1
        better = self.is_better(metric)
        self.best = metric if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            self.set_lr(self.get_lr())
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float]:
        """The rates once reduced."""
        least = _each(self, "min_lr", self.min_lr, from_0)
        reduced = [
            (group["lr"], max(group["lr"] * self.factor, low)) for group, low in self.groups_with("min_lr", least)
        ]
        return [new if old - new > self.eps else old for old, new in reduced]

    def is_better(self, metric: float) -> bool:
        """Whether the metric is better than the best by more than the threshold."""
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "rel":
            return sign * metric > sign * (self.best * (1.0 + sign * self.threshold))
        return sign * metric > sign * (self.best + sign * self.threshold)


def _each(schedule: LRScheduler, name: str, given: Any, kind: Any) -> list[float]:
    """A number for each group, checked: from one number for all, or a list."""
    if not isinstance(given, list | tuple):
        return [kind(name, given)] * len(schedule.optimizer.param_groups)
    return [kind(f"{name}[{i}]", x) for i, (_, x) in enumerate(schedule.groups_with(name, given))]
