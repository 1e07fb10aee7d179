"""Options of optimizers and schedules: what each may be, and an error that names the one that is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from types import SimpleNamespace
from typing import Any

_SHOWN = 60  # signs of what was given, in a message


def shown(given: Any) -> str:
    """What was given, for a message: on one line, and of a long one the beginning and the type.

    >>> shown("0.1"), shown([0.5] * 100)
    ("'0.1'", '[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, ... (a list)')
    """
    line = " ".join(repr(given).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN].rstrip()} ... (a {type(given).__name__})"


def number(
    name: str, given: Any, kind: str = "a finite number", fits: Callable[[float], bool] = math.isfinite
) -> float:
    """The number as a float, if it is of the kind.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not of the kind; it names the option, the kind and what was given.

    >>> number("gamma", 1)
    1.0
    """
    if not isinstance(given, Real) or isinstance(given, bool):
        raise TypeError(f"{name} is {kind}, not {shown(given)}")
    if not fits(float(given)):
        raise ValueError(f"{name} is {kind}, not {shown(given)}")
    return float(given)


def from_0(name: str, given: Any) -> float:
    """A finite number, at least 0."""
    return number(name, given, "a number from 0 up", lambda x: 0.0 <= x < math.inf)


def above_0(name: str, given: Any) -> float:
    """A finite number greater than 0."""
    return number(name, given, "a number above 0", lambda x: 0.0 < x < math.inf)


def from_0_to_1(name: str, given: Any) -> float:
    """A number from 0 to 1."""
    return number(name, given, "a number from 0 to 1", lambda x: 0.0 <= x <= 1.0)


def above_0_to_1(name: str, given: Any) -> float:
    """A number above 0, and at most 1."""
    return number(name, given, "a number above 0 and at most 1", lambda x: 0.0 < x <= 1.0)


def from_0_below_1(name: str, given: Any) -> float:
    """A number from 0 up, and below 1."""
    return number(name, given, "a number from 0 up and below 1", lambda x: 0.0 <= x < 1.0)


def betas(name: str, given: Any) -> tuple[float, float]:
    """Two numbers from 0 up and below 1: how much of its past each of two running means keeps."""
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise TypeError(f"{name} is two numbers, such as (0.9, 0.999), not {shown(given)}")
    return from_0_below_1(f"{name}[0]", given[0]), from_0_below_1(f"{name}[1]", given[1])


def switch(name: str, given: Any) -> bool:
    """True or False."""
    if not isinstance(given, bool):
        raise TypeError(f"{name} is True or False, not {shown(given)}")
    return given


def choice(name: str, given: Any, among: Sequence[str]) -> str:
    """One of some words."""
    if given not in among:
        raise ValueError(f"{name} is {' or '.join(map(repr, among))}, not {shown(given)}")
    return str(given)


def unknown(name: str, given: Any) -> Any:
    """An option that only its optimizer knows: a number, True or False, None, or some numbers."""
    if isinstance(given, list | tuple) and given:
        return tuple(number(f"{name}[{i}]", x) for i, x in enumerate(given))
    return given if given is None or isinstance(given, bool) else number(name, given)


# what a schedule leaves in a group of parameters: where it began, and between which numbers it goes
SCHEDULED = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")

OPTIONS: dict[str, Callable[[str, Any], Any]] = {
    "lr": from_0,
    "momentum": from_0,
    "dampening": number,
    "weight_decay": from_0,
    "nesterov": switch,
    "lr_decay": from_0,
    "initial_accumulator_value": from_0,
    "eps": from_0,
    "alpha": from_0_to_1,
    "centered": switch,
    "rho": from_0_to_1,
    "betas": betas,
    "amsgrad": switch,
    "momentum_decay": from_0,
    "decoupled_weight_decay": switch,
    "maximize": switch,
    **dict.fromkeys(SCHEDULED, number),
}


class Options(SimpleNamespace):
    """The options of a group of parameters, as attributes: o.lr, o.betas."""

    lr: float
    momentum: float
    dampening: float
    weight_decay: float
    nesterov: bool
    lr_decay: float
    initial_accumulator_value: float
    eps: float
    alpha: float
    centered: bool
    rho: float
    betas: tuple[float, float]
    amsgrad: bool
    momentum_decay: float
    decoupled_weight_decay: bool
    maximize: bool


def option(name: str, given: Any) -> Any:
    """An option of an optimizer, checked by the last part of its name.

    Raises:
        TypeError, ValueError: for what it may not be; they name the option and what was given.

    >>> option("betas", [0.9, 0.99])
    (0.9, 0.99)
    """
    return OPTIONS.get(name.split(".")[-1], unknown)(name, given)
