"""Masks of attention: which key takes part in the answer to which query.

A mask is read as an addend to each score: 0 where the key takes part, −inf where it does not, or what the user
wants added. A plain number belongs to the structure: what it leaves out is never computed. A Value is data.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value
from engine.nested import flat
from engine.nested import shape as shape_of
from nn.module import Module
from nn.shapes import called, constant, written

Mask = npt.NDArray[np.object_]  # of addends: plain floats, or Values


def mask_of(
    module: Module | str, what: str, given: Any, takes_part: bool, *shapes: tuple[int, ...], stretch: bool = False
) -> Mask:
    """What a mask adds to each score: of bools, nothing where they are `takes_part`, else −inf.

    It has one of the shapes, or with `stretch` one that NumPy would stretch to the first.
    """
    if given is None:
        return np.full(shapes[0], 0.0, dtype=object)
    got, entries = shape_of(given), flat(given)
    if got is None or not (got in shapes or (stretch and _stretches(got, shapes[0]))):
        found = "rows of different lengths" if got is None else f"shape {written(got)}"
        raise ValueError(f"{called(module)} takes {what} of shape {' or '.join(map(written, shapes))}, and got {found}")
    addends = np.empty(len(entries), dtype=object)
    addends[:] = _each_addend(module, what, entries, takes_part)
    return np.broadcast_to(addends.reshape(got), shapes[0]) if stretch else addends.reshape(got)


def _each_addend(module: Module | str, what: str, entries: list[Any], takes_part: bool) -> list[Any]:
    bools = sum(isinstance(entry, bool | np.bool_) for entry in entries)
    if bools == len(entries):
        return [0.0 if bool(entry) is takes_part else -math.inf for entry in entries]
    if bools or all(isinstance(entry, int | np.integer) for entry in entries):
        kind = "takes part" if takes_part else "is left out"
        raise TypeError(
            f"{called(module)} takes {what} of bools (True {kind}) or of floats (added to the scores), not ints or both"
        )
    return [entry if isinstance(entry, Value) else constant(entry).data for entry in entries]


def causal(n_queries: int, n_keys: int) -> Mask:
    """The mask in which query i sees the keys 0 to i."""
    return np.where(np.tri(n_queries, n_keys, dtype=bool), 0.0, -math.inf).astype(object)


def leaves_out(addend: Any) -> bool:
    """Whether it is a plain −inf; that of a Value is a number like others, which may be another next time."""
    return not isinstance(addend, Value) and addend == -math.inf


def plus(a: Any, b: Any) -> Any:
    """a + b; what leaves out, leaves out whatever is added, and a plain 0 adds no node."""
    if leaves_out(a) or leaves_out(b):
        return -math.inf
    if not isinstance(a, Value) and a == 0.0:
        return b
    return a if not isinstance(b, Value) and b == 0.0 else a + b


both = np.frompyfunc(plus, 2, 1)  # of two masks: what both leave in, with what both add


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether NumPy stretches this shape to that one; a single number is no mask."""
    fits = (size in (1, wanted) for size, wanted in zip(shape[::-1], to[::-1], strict=False))
    return 0 < len(shape) <= len(to) and all(fits)
