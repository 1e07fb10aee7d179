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
        return ops.abs(self)

    def exp(self) -> Self:
        return ops.exp(self)

    def log(self) -> Self:
        return ops.log(self)

    def sqrt(self) -> Self:
        return ops.sqrt(self)

    def sin(self) -> Self:
        return ops.sin(self)

    def cos(self) -> Self:
        return ops.cos(self)

    def tan(self) -> Self:
        return ops.tan(self)

    def tanh(self) -> Self:
        return ops.tanh(self)

    def sigmoid(self) -> Self:
        return ops.sigmoid(self)

    def relu(self) -> Self:
        return ops.relu(self)

    def gelu(self) -> Self:
        return ops.gelu(self)

    def silu(self) -> Self:
        return ops.silu(self)

    def softplus(self) -> Self:
        return ops.softplus(self)

    def leaky_relu(self, negative_slope: Any = 0.01) -> Self:
        return ops.leaky_relu(self, negative_slope)  # type: ignore[no-any-return]

    def elu(self, alpha: Any = 1.0) -> Self:
        return ops.elu(self, alpha)  # type: ignore[no-any-return]

    def clip(self, min: Any = -inf, max: Any = inf) -> Self:
        return ops.clip(self, min, max)  # type: ignore[no-any-return]
