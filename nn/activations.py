"""Activations by name: every operation of one operand in the engine's table, and "linear" for none."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import engine
from engine import TABLE, Value

Activation = Callable[[Value], Value]


def linear(z: Value) -> Value:
    """z itself."""
    return z


def named_activation(name: str | Activation | None) -> tuple[str, Activation]:
    """(name, function) of an activation given by name, as a function of one Value, or as None for linear.

    Raises:
        ValueError: if there is none of that name; it gives the nearest.

    >>> named_activation("relu")[1](Value(-2.0)).data
    0.0
    """
    if name is None or name == "linear":
        return "linear", linear
    if callable(name):
        return getattr(name, "__name__", type(name).__name__), name
    function: Any = getattr(engine, name, None) if name in TABLE else None
    try:
        function(0.5)
    except (TypeError, ValueError):
        known = ["linear", *(op.name for op in TABLE.values() if not op.any_number)]
        near = difflib.get_close_matches(str(name), known, 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; for example relu, tanh, sigmoid, linear"
        raise ValueError(f"there is no activation {name!r}{hint}") from None
    return name, function
