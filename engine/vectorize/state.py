"""What a trace could change in a model, put back; and what a user could change in it later, told."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from engine.value import Value


def modules_of(*roots: Any) -> list[Any]:
    """The objects whose attributes are the state: the roots, and within them whatever has parameters(); each once.

    Of a function that is a root, they are looked for in the names that it uses.
    """
    found: dict[int, Any] = {}
    stack = [thing for root in roots for thing in (root, _used_by(root))][::-1]
    while stack:
        thing = stack.pop()
        if isinstance(thing, list | tuple | dict):
            inside = thing.values() if isinstance(thing, dict) else thing
            stack += [part for part in inside if type(part) is not Value][::-1]
        elif id(thing) not in found and _is_module(thing):
            found[id(thing)] = thing
            stack += list(vars(thing).values())[::-1]
    return list(found.values())


def _is_module(thing: Any) -> bool:
    return hasattr(thing, "__dict__") and not isinstance(thing, type) and callable(getattr(thing, "parameters", None))


def _used_by(root: Any) -> list[Any]:
    """The instance of a method; what a function has by its names."""
    if isinstance(root, MethodType):
        return [root.__self__]
    if not isinstance(root, FunctionType):
        return []
    names = inspect.getclosurevars(root)
    return [*names.nonlocals.values(), *names.globals.values()]


@contextmanager
def kept(modules: Iterable[Any], parameters: Sequence[Value]) -> Iterator[list[Any]]:
    """Whatever happens inside, attributes, buffers, parameters, gradients and random generators are as before after it.

    Gives a list, which at the end holds the buffers that were written.
    """
    attributes = [(vars(module), dict(vars(module))) for module in modules]
    things = [thing for _, before in attributes for thing in before.values()]
    buffers = [(thing, thing.copy()) for thing in things if isinstance(thing, np.ndarray)]
    states: list[tuple[Any, Any]] = [(random.setstate, random.getstate()), (np.random.set_state, np.random.get_state())]
    states += [(thing.setstate, thing.getstate()) for thing in things if isinstance(thing, random.Random)]
    streams = [thing.bit_generator for thing in things if isinstance(thing, np.random.Generator)]
    at = [stream.state for stream in streams]
    numbers = [(p, p._data, p._grad, p.requires_grad) for p in parameters]
    written: list[Any] = []
    try:
        yield written
    finally:
        for now, before in attributes:
            replaced = [name for name in before if now.get(name) is not before[name]]
            if replaced or len(now) != len(before):
                written += [before[name] for name in replaced if isinstance(before[name], np.ndarray)]
                now.clear()
                now.update(before)
        for array, copy in buffers:
            if array.tobytes() != copy.tobytes():
                written.append(array)
                array[...] = copy
        for put, state in states:
            put(state)
        for stream, state in zip(streams, at, strict=True):
            stream.state = state
        for p, number, gradient, wanted in numbers:
            if p.requires_grad != wanted:
                p.requires_grad = wanted
            p._data, p._grad = number, gradient


class Remembered:
    """A model as it was when it was traced; a call raises a RuntimeError that names what is different now.

    Compared are its parts and their modes, which parameters it has and in what order, and the numbers of its buffers,
    but for those that the forward pass itself writes.
    """

    def __init__(self, roots: Sequence[Any], parameters: Callable[[], list[Value]], written: Sequence[Any]) -> None:
        self._roots, self._find = roots, parameters
        self._parameters, self._parts = parameters(), modules_of(*roots)
        self._training = [getattr(part, "training", None) for part in self._parts]
        passed = {id(array) for array in written}
        self._buffers = [
            {name: array.copy() for name, array in _buffers(part).items() if id(array) not in passed}
            for part in self._parts
        ]

    def __call__(self) -> None:
        """Raise the error, or do nothing."""
        change = self._of_parameters() or self._of_parts()
        if change:
            raise RuntimeError(f"the model was changed since it was traced: {change}; trace again")

    def _of_parameters(self) -> str:
        now = self._find()
        if len(now) != len(self._parameters):
            return f"it has {len(now)} parameters, and had {len(self._parameters)}"
        for i, (before, p) in enumerate(zip(self._parameters, now, strict=True)):
            if p is not before:
                return f"parameter {i} is another Value: {p!r}, where {before!r} was"
        return ""

    def _of_parts(self) -> str:
        parts = modules_of(*self._roots)
        if len(parts) != len(self._parts):
            return f"it has {len(parts)} parts, and had {len(self._parts)}"
        for part, before, mode, buffers in zip(parts, self._parts, self._training, self._buffers, strict=True):
            if part is not before:
                return f"{_said(part)} is where {_said(before)} was"
            training = getattr(part, "training", None)
            if training != mode:
                return f"{_said(part)} was in {_mode(mode)} mode, and is in {_mode(training)} mode"
            arrays = _buffers(part)
            for name, array in buffers.items():
                now = arrays.get(name)
                if now is None or now.shape != array.shape or now.tobytes() != array.tobytes():
                    return f"{name} of {_said(part)}, of which the program holds the numbers, has others"
        return ""


def _buffers(part: Any) -> dict[str, Any]:
    return {name: a for name, a in vars(part).items() if isinstance(a, np.ndarray) and a.dtype != object}


def _mode(training: Any) -> str:
    return "training" if training else "evaluation"


def _said(part: Any) -> str:
    path = getattr(part, "_path", "")
    return f"{type(part).__name__}{f' {path!r}' if path else ''}"
