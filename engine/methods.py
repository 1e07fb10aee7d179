"""The usual functions as methods: x.tanh() is tanh(x). All others are functions of the engine."""

from __future__ import annotations

from math import inf
from typing import Any, Self

from engine import ops
from engine.operation import Recorder


class Methods(Recorder):
    """What `engine.Value` can be asked for by method; each is the function of the same name.

    >>> from engine import Value
    >>> Value(-2.0).relu().data
    0.0
    """

    __slots__ = ()

    def abs(self) -> Self:
        """|x|."""
        return ops.abs(self)

    def exp(self) -> Self:
        """eˣ."""
        return ops.exp(self)

    def log(self) -> Self:
        """ln x."""
        return ops.log(self)

    def sqrt(self) -> Self:
        """√x."""
        return ops.sqrt(self)

    def sin(self) -> Self:
        """sin x, x in radians."""
        return ops.sin(self)

    def cos(self) -> Self:
        """cos x, x in radians."""
        return ops.cos(self)

    def tan(self) -> Self:
        """tan x, x in radians."""
        return ops.tan(self)

    def tanh(self) -> Self:
        """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)."""
        return ops.tanh(self)

    def sigmoid(self) -> Self:
        """1 / (1 + e⁻ˣ)."""
        return ops.sigmoid(self)

    def relu(self) -> Self:
        """max(0, x)."""
        return ops.relu(self)

    def gelu(self) -> Self:
        """x · Φ(x)."""
        return ops.gelu(self)

    def silu(self) -> Self:
        """x · sigmoid(x)."""
        return ops.silu(self)

    def softplus(self) -> Self:
        """ln(1 + eˣ)."""
        return ops.softplus(self)

    def leaky_relu(self, negative_slope: Any = 0.01) -> Self:
        """x for x > 0, else slope · x."""
        return ops.leaky_relu(self, negative_slope)  # type: ignore[no-any-return]

    def elu(self, alpha: Any = 1.0) -> Self:
        """x for x > 0, else α(eˣ − 1)."""
        return ops.elu(self, alpha)  # type: ignore[no-any-return]

    def clip(self, min: Any = -inf, max: Any = inf) -> Self:
        """x kept within min and max."""
        return ops.clip(self, min, max)  # type: ignore[no-any-return]
