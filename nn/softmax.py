"""Softmax and its logarithm: a list of any numbers becomes a distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import Value, log_softmax, softmax
from engine.nested import shape as shape_of
from nn.module import Module
from nn.shapes import over, values, whole


class Softmax(Module):
    """exp(xᵢ) / Σⱼ exp(xⱼ) along the axis `dim`: positive, and 1 in sum (Bridle 1990).

    dim=None is the last axis of a list or a matrix. For more, PyTorch guesses and warns; here it must be given.

    Raises:
        ValueError: for an input that has no such axis, or has more than two where dim is None.

    >>> [v.data for v in Softmax()([1000.0, 1000.0])]
    [0.5, 0.5]
    """

    function: Callable[[list[Value]], list[Value]] = staticmethod(softmax)

    def __init__(self, dim: int | None = None) -> None:
        self.dim = None if dim is None else whole("dim", dim)

    def forward(self, x: Any) -> Any:
        """The same numbers, each list along the axis as a whole."""
        x = values(x)
        shape = shape_of(x)
        if not shape or 0 in shape:
            found = "rows of different lengths" if shape is None else f"shape {shape}"
            raise ValueError(f"{self!r} takes a shape with at least one axis and no empty one, and got {found}")
        if self.dim is None and len(shape) > 2:
            raise ValueError(f"{self!r} of shape {shape}: say along which axis; the last is dim=-1")
        dim = -1 if self.dim is None else self.dim
        if not -len(shape) <= dim < len(shape):
            raise ValueError(f"{self!r} takes a shape with the axis {dim}, and got shape {shape}")
        axis = dim % len(shape)
        out = over(lambda part: _along_first(self.function, part, len(shape) - axis - 1), x, axis)
        return self.name_nodes(out, "out")

    def extra_repr(self) -> str:
        """Its axis."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """xᵢ − ln Σⱼ exp(xⱼ) along the axis `dim`, at most 0: ln softmax, finite also where softmax is 0 (Bridle 1990).

    >>> [v.data for v in LogSoftmax()([0.0, -1000.0])]
    [0.0, -1000.0]
    """

    function = staticmethod(log_softmax)


def _along_first(function: Callable[[list[Value]], list[Value]], x: Any, below: int) -> Any:
    """The function along the first axis of x, which has so many axes below it."""
    if not below:
        return function(x)
    columns = [_along_first(function, [part[i] for part in x], below - 1) for i in range(len(x[0]))]
    return [list(row) for row in zip(*columns, strict=True)]
