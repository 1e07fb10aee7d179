"""Layers without parameters as functions, and the losses, under torch.nn.functional's names.

    import nn.functional as F

    loss = F.cross_entropy(model(F.relu(x)), target)

An activation here takes numbers in any shape; `engine.relu` and its like take a single one.
"""

from __future__ import annotations

from typing import Any

from engine import Value, equal
from nn import activations as layers
from nn.attention import scaled_dot_product_attention as scaled_dot_product_attention
from nn.class_losses import cross_entropy as cross_entropy
from nn.class_losses import nll_loss as nll_loss
from nn.losses import binary_cross_entropy as binary_cross_entropy
from nn.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from nn.losses import gaussian_nll_loss as gaussian_nll_loss
from nn.losses import huber_loss as huber_loss
from nn.losses import kl_div as kl_div
from nn.losses import l1_loss as l1_loss
from nn.losses import mse_loss as mse_loss
from nn.losses import smooth_l1_loss as smooth_l1_loss
from nn.module import Tensor
from nn.shapes import count
from nn.softmax import LogSoftmax, Softmax

# ------------------------------------------------------------------- along an axis


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


# ------------------------------------------------------------------- of each number


def relu(input: Any) -> Tensor:
    """max(0, x) of each number.

    >>> [v.data for v in relu([-1.0, 2.0])]
    [0.0, 2.0]
    """
    return layers.ReLU()(input)


def relu6(input: Any) -> Tensor:
    """min(max(0, x), 6)."""
    return layers.ReLU6()(input)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Tensor:
    """x for x > 0, else negative_slope · x."""
    return layers.LeakyReLU(negative_slope)(input)


def elu(input: Any, alpha: float = 1.0) -> Tensor:
    """x for x > 0, else alpha · (eˣ − 1)."""
    return layers.ELU(alpha)(input)


def selu(input: Any) -> Tensor:
    """λ · elu(x, α), with λ = 1.0507 and α = 1.6733."""
    return layers.SELU()(input)


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x · Φ(x); with approximate="tanh" the formula by tanh."""
    return layers.GELU(approximate)(input)


def silu(input: Any) -> Tensor:
    """x · sigmoid(x)."""
    return layers.SiLU()(input)


def mish(input: Any) -> Tensor:
    """x · tanh(ln(1 + eˣ))."""
    return layers.Mish()(input)


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return layers.Sigmoid()(input)


def logsigmoid(input: Any) -> Tensor:
    """−ln(1 + e⁻ˣ)."""
    return layers.LogSigmoid()(input)


def tanh(input: Any) -> Tensor:
    """The hyperbolic tangent of x."""
    return layers.Tanh()(input)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(βx)) / β, and x itself where βx is above the threshold."""
    return layers.Softplus(beta, threshold)(input)


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|)."""
    return layers.Softsign()(input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x kept within min_val and max_val."""
    return layers.Hardtanh(min_val, max_val)(input)


def hardsigmoid(input: Any) -> Tensor:
    """relu6(x + 3) / 6."""
    return layers.Hardsigmoid()(input)


def hardswish(input: Any) -> Tensor:
    """x · relu6(x + 3) / 6."""
    return layers.Hardswish()(input)
