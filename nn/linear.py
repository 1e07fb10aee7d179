"""Linear: a matrix and a bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine import Value, dot
from nn.init import Seed, generator
from nn.module import Module
from nn.shapes import count, over_batch


class Linear(Module):
    """y = W·x + b, W of shape (out_features, in_features).

    Takes (in_features,), or any number of axes before it, as (batch, in_features); gives (..., out_features).
    Weights and biases begin in U(−a, a) with a = 1/√in_features, as in PyTorch.

    Raises:
        ValueError: for an input of another shape, or a size below 1.

    >>> layer = Linear(3, 2, seed=0)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> len(layer([1.0, 2.0, 3.0])), len(layer([[1.0, 2.0, 3.0]] * 5))
    (2, 5)
    >>> layer([1.0, 2.0, 3.0])[1].name
    'out[1]'
    """

    example_axes = 1

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, seed: Seed = None) -> None:
        self.in_features, self.out_features = count("in_features", in_features), count("out_features", out_features)
        rng, a = generator(seed), 1.0 / math.sqrt(in_features)
        self.weight = [[Value(rng.uniform(-a, a)) for _ in range(in_features)] for _ in range(out_features)]
        self.bias = [Value(rng.uniform(-a, a)) for _ in range(out_features)] if bias else None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, (self.in_features,), self.of_one, axes=None)

    def of_one(self, x: list[Value]) -> list[Value]:
        """The same for one example that is checked already."""
        biases: Sequence[Value | None] = self.bias or [None] * self.out_features
        out = [dot(row, x, b) for row, b in zip(self.weight, biases, strict=True)]
        self.name_nodes(out, "out")
        return out

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
