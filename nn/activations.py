"""Activations by name: every operation of one operand in the engine's table, and "linear" for none.

Those of a whole list, softmax and log_softmax, have a table of their own: a layer takes them, a neuron cannot.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

import engine
from engine import TABLE, Value, log_softmax, softmax

Activation = Callable[[Value], Value]


def linear(z: Value) -> Value:
    """z itself."""
    return z


def _of_one_operand(function: Any) -> bool:
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return len(needed) == 1 and needed[0].name == "x"


ACTIVATIONS: dict[str, Activation] = {"linear": linear} | {
    name: getattr(engine, name) for name in TABLE if _of_one_operand(getattr(engine, name))
}
OF_LISTS: dict[str, Callable[[list[Value]], list[Value]]] = {"softmax": softmax, "log_softmax": log_softmax}


def named_activation(name: str | Activation | None) -> tuple[str, Activation]:
    """(name, function) of an activation given by name, as a function of one Value, or as None for linear.

    Raises:
        ValueError: if there is none of that name; it gives the nearest.

    >>> named_activation("relu")[1](Value(-2.0)).data
    0.0
    """
    if name is None:
        return "linear", linear
    if callable(name):
        return getattr(name, "__name__", type(name).__name__), name
    if name in OF_LISTS:
        raise ValueError(f"{name} needs all the outputs of a layer: give it to a Layer or an MLP, not to a neuron")
    if name not in ACTIVATIONS:
        near = difflib.get_close_matches(str(name), [*ACTIVATIONS, *OF_LISTS], 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; for example relu, tanh, sigmoid, linear"
        raise ValueError(f"there is no activation {name!r}{hint}")
    return name, ACTIVATIONS[name]
