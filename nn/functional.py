"""Layers without parameters as functions, under torch.nn.functional's names: softmax, log_softmax, one_hot.

Those of a single number are functions of `engine`: relu, gelu, tanh, ...
"""

from __future__ import annotations

from typing import Any

from engine import Value, equal
from nn.activations import LogSoftmax, Softmax
from nn.module import Tensor
from nn.shapes import count


def softmax(input: Any, dim: int | None = None) -> Tensor:
    """exp(xᵢ) / Σⱼ exp(xⱼ) along the axis `dim`: the layer `Softmax`, with its errors.

    >>> [[p.data for p in row] for row in softmax([[0.0, 0.0], [1000.0, 0.0]], dim=-1)]
    [[0.5, 0.5], [1.0, 0.0]]
    """
    return Softmax(dim)(input)


def log_softmax(input: Any, dim: int | None = None) -> Tensor:
    """xᵢ − ln Σⱼ exp(xⱼ) along the axis `dim`: the layer `LogSoftmax`, with its errors.

    >>> [v.data for v in log_softmax([0.0, -1000.0])]
    [0.0, -1000.0]
    """
    return LogSoftmax(dim)(input)


def one_hot(tensor: Any, num_classes: int) -> Tensor:
    """1 at the place that is the class, 0 elsewhere: (...) becomes (..., num_classes).

    Of plain classes plain numbers. Of a class that is a Value, comparisons, so that a program can have it as input.

    Raises:
        TypeError: for a class that is not a whole number.
        IndexError: for one outside 0 to num_classes − 1.

    >>> one_hot([2, 0], 3)
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    n = count("num_classes", num_classes)
    if hasattr(tensor, "tolist") and not isinstance(tensor, Value):
        tensor = tensor.tolist()
    if isinstance(tensor, list | tuple):
        return [one_hot(part, n) for part in tensor]
    number = tensor.data if isinstance(tensor, Value) else tensor
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number // 1:
        raise TypeError(f"a class is a whole number from 0 to {n - 1}, not {tensor!r}")
    if not 0 <= number < n:
        raise IndexError(f"class {number:g} is out of range for {n} classes; give one from 0 to {n - 1}")
    return [equal(tensor, float(i)) for i in range(n)]
