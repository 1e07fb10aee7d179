"""Losses: how far an output is from its target, under torch.nn.functional's names and with its numbers.

    loss = nn.mse_loss(model(x), target)
    loss.backward()

Inputs and targets are Values, or nested lists (or arrays) of Values or numbers. A loss for each entry (or for each
example, where a class is wanted) is averaged with reduction="mean", added up with "sum", and kept with "none", in lists
like the input's.

Glossary: x an entry of the input, t the one of the target, p a probability.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import engine
from engine import Value, equal, log, minimum, relu, softplus, where
from engine.nested import flat, rebuilt
from engine.nested import shape as shape_of
from engine.operation import Operation, apply, as_float
from nn.options import above_0, choice, from_0
from nn.shapes import over, values, written

Reduced = Any  # a Value; with reduction="none" nested lists of them
REDUCTIONS = ("mean", "sum", "none")


# ------------------------------------------------------------------- differences


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Reduced:
    """(x − t)², the squared error (Legendre 1805), times `weight` (of the input's shape, or one that fits).

    The mean is then Σ w(x − t)² / Σ w.

    Raises:
        ValueError: for an unknown reduction, or a target of another shape: as in all losses; both shapes are named.

    >>> mse_loss([1.0, 2.0], [1.0, 4.0]).data
    2.0
    """
    loss = _weighted(lambda x, t: (x - t) ** 2)
    return _each("mse_loss", loss, input, target, reduction=reduction, over_weight=True, weight=weight)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Reduced:
    """|x − t|, the absolute error (Boscovich 1757). At 0 the slope is 0. `weight` is as in mse_loss."""
    loss = _weighted(lambda x, t: abs(x - t))
    return _each("l1_loss", loss, input, target, reduction=reduction, over_weight=True, weight=weight)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Reduced:
    """d²/2 for d = |x − t| ≤ δ, beyond it the straight line δ(d − δ/2) (Huber 1964), times `weight`.

    As in PyTorch the mean is one over all entries, whatever their weights.

    Raises:
        ValueError: for a delta that is not above 0.

    >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="sum").data
    2.625
    """
    delta = above_0("delta", delta)
    loss = _weighted(lambda x, t: _huber(x, t, delta))
    return _each("huber_loss", loss, input, target, reduction=reduction, weight=weight)


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Reduced:
    """huber_loss with δ = β, divided by β; for β = 0 it is l1_loss (Girshick 2015).

    Raises:
        ValueError: for beta < 0.
    """
    if from_0("beta", beta) == 0:
        return l1_loss(input, target, reduction=reduction)
    return _each("smooth_l1_loss", lambda x, t: _huber(x, t, beta) / beta, input, target, reduction=reduction)


def hinge(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Reduced:
    """max(0, margin − t·x), for targets −1 and 1: 0 for whoever is right by the margin (Cortes & Vapnik 1995).

    Raises:
        ValueError: for another target than −1 and 1.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="sum").data
    2.5
    """
    for t in map(_float, flat(target)):
        if abs(t) != 1.0:
            raise ValueError(f"hinge takes targets -1 and 1, and got {t}; for 0 and 1 give 2 * target - 1")
    return _each("hinge", lambda x, t: relu(margin - t * x), input, target, reduction=reduction)


def _weighted(loss: Callable[[Value, Any], Any]) -> Callable[[Value, Any, Any], Any]:
    """The loss of an entry times its weight, where there is one."""
    return lambda x, t, w: loss(x, t) if w is None else w * loss(x, t)


def _huber(x: Value, t: Any, delta: float) -> Any:
    """c²/2 + δ·(d − c) with c = min(d, δ): both branches in one formula, and no square of a d that is far.

    At d = ∞ the slope is δ, since no factor is infinite.
    """
    d = abs(x - t)
    c = minimum(d, delta)
    return 0.5 * c * c + delta * (d - c)


# ------------------------------------------------------------------- probabilities of yes and no

_SMALLEST = float(np.float32(1e-12))  # as PyTorch has it, in single precision


def _log_from(xp: Any, logarithm: Callable[[Any], Any], x: Any, pole: float) -> Any:
    """max(logarithm(x), −100), also at the pole, where the logarithm itself is −∞."""
    there = xp.equal(x, pole)
    return xp.where(there, -100.0, xp.maximum(logarithm(xp.where(there, pole + 1.0, x)), -100.0))


# PyTorch's slope in p is (p − t) / (p(1 − p)) with a divisor of at least 1e-12, which is not the slope of what the
# logarithms clamped at −100 give. So the loss is an operation of its own.
_BINARY_CROSS_ENTROPY = Operation(
    "binary_cross_entropy",
    "−t·ln p − (1 − t)·ln(1 − p), with logarithms of at least −100.",
    lambda xp, p, t: (t - 1.0) * _log_from(xp, xp.log1p, -p, -1.0) - t * _log_from(xp, xp.log, p, 0.0),
    lambda xp, z, p, t: (
        (p - t) / xp.maximum(p * (1.0 - p), _SMALLEST),
        _log_from(xp, xp.log1p, -p, -1.0) - _log_from(xp, xp.log, p, 0.0),
    ),
    textbook=lambda xp, z, p, t: ((p - t) / (p * (1 - p)), xp.log(1 - p) - xp.log(p)),
    symbol="BCE",
    domain=lambda p, t: (p >= 0) & (p <= 1),
    needs="a probability, 0 <= p <= 1; from logits use bce_with_logits",
    operands=("p", "t"),
)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Reduced:
    """−t·ln p − (1 − t)·ln(1 − p), for probabilities p, times `weight` (of the input's shape, or one that fits).

    As in PyTorch the logarithms are at least −100, and the slope (p − t) / (p(1 − p)) has a divisor of at least 1e-12,
    so that p = 0 and p = 1 give numbers. From logits use `bce_with_logits`: it keeps all digits.

    Raises:
        DomainError: for p outside [0, 1].
        ValueError: for a target outside [0, 1], or a weight whose shape does not fit.

    >>> binary_cross_entropy([0.0, 1.0], [0.0, 1.0]).data, binary_cross_entropy(0.0, 1.0).data
    (0.0, 100.0)
    """

    for t in map(_float, flat(target)):
        if t < 0.0 or t > 1.0:
            raise ValueError(f"binary_cross_entropy takes targets from 0 to 1, and got {t}")

    def loss(p: Value, t: Any, w: Any) -> Value:
        z: Value = apply(_BINARY_CROSS_ENTROPY, (p, t))
        return z if w is None else w * z

    return _each("binary_cross_entropy", loss, input, target, reduction=reduction, weight=weight)


def bce_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Reduced:
    """t·ln(1 + e⁻ˣ) + (1 − t)·ln(1 + eˣ): binary_cross_entropy of p = sigmoid(x), to the last digit for every x.

    `weight` is a factor for each loss, `pos_weight` one for its first term (t = 1). Their shapes are the input's or fit
    it, as (classes,) fits (batch, classes).

    Raises:
        ValueError: for a weight whose shape does not fit.

    >>> bce_with_logits([1000.0, -40.0, -1000.0], [1.0, 0.0, 1.0], reduction="none")
    [Value(0.0), Value(4.248354255291589e-18), Value(1000.0)]
    """

    def loss(x: Value, t: Any, w: Any, yes: Any) -> Value:
        z: Value = engine.dot([t if yes is None else yes * t, 1.0 - t], [softplus(-x), softplus(x)])
        return z if w is None else w * z

    return _each("bce_with_logits", loss, input, target, reduction=reduction, weight=weight, pos_weight=pos_weight)


binary_cross_entropy_with_logits = bce_with_logits  # the name in PyTorch


# ------------------------------------------------------------------- distributions

# The variance is kept from 0 and passes its gradient on where it was, as in PyTorch.
_AT_LEAST = Operation(
    "at_least",
    "max(x, least), with slope 1 everywhere.",
    lambda xp, x, least: xp.maximum(x, least),
    lambda xp, z, x, least: (1.0, 0.0),
    symbol="max",
    operands=("x", "least"),
)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Reduced:
    """(ln v + (t − x)²/v) / 2 with v = max(var, eps): −ln of the normal density, full=True with its ln(2π)/2.

    `var` is one number, or has the shape of the input, or lacks its last axis, or has it as 1. As in PyTorch a variance
    below eps has the gradient of one at eps (Nix & Weigend 1994).

    Raises:
        ValueError: for a negative variance, one whose shape does not fit, or an eps that is not above 0.
    """
    eps, rest = above_0("eps", eps), 0.5 * math.log(2.0 * math.pi)
    at_least_0("gaussian_nll_loss", "variances", var)
    shape, own = shape_of(values(input)), shape_of(var)
    if shape and own == shape[:-1]:
        var = over(lambda v: [v], var, len(own))  # one for each row, which NumPy would take for one for each column
    elif shape and own not in (shape, (*shape[:-1], 1), ()):
        wanted = f"shape {written(shape)}, {written((*shape[:-1], 1))} or {written(shape[:-1])}"
        raise ValueError(f"gaussian_nll_loss takes a var of {wanted}, and got {said(own)}")

    def loss(x: Value, t: Any, v: Any) -> Value:
        v = apply(_AT_LEAST, (v, eps))
        z: Value = 0.5 * (log(v) + (x - t) ** 2 / v)
        return z + rest if full else z

    return _each("gaussian_nll_loss", loss, input, target, reduction=reduction, var=var)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Reduced:
    """t·(ln t − x), where x is the logarithm of the model's probability (Kullback & Leibler 1951); 0 for t = 0.

    With log_target the target is a logarithm, too: eᵗ·(t − x). The divergence itself is the sum over the classes,
    averaged over examples: reduction="batchmean". As in PyTorch, "mean" divides by the number of classes, too.

    Raises:
        ValueError: for a target below 0 that is no logarithm.

    >>> half = math.log(0.5)
    >>> kl_div([[half, half]], [[1.0, 0.0]], reduction="batchmean").data == math.log(2.0)
    True
    """

    if not log_target:
        at_least_0("kl_div", "probabilities as targets", target)

    def loss(x: Value, t: Any) -> Any:
        return engine.exp(t) * (t - x) if log_target else t * (log(where(equal(t, 0.0), 1.0, t)) - x)

    if reduction != "batchmean":
        return _each("kl_div", loss, input, target, reduction=reduction, reductions=(*REDUCTIONS, "batchmean"))
    total = _each("kl_div", loss, input, target, reduction="sum")
    shape = shape_of(values(input))
    return total / shape[0] if shape else total


# ------------------------------------------------------------------- shapes and reductions


def _each(
    name: str,
    loss: Callable[..., Any],
    input: Any,
    target: Any,
    *,
    reduction: str,
    reductions: Sequence[str] = REDUCTIONS,
    over_weight: bool = False,
    **weights: Any,
) -> Reduced:
    """loss(x, t, and one of each of the weights, None where none are given) for each entry, reduced.

    With `over_weight` the mean divides by the sum of `weight`, if that is given.
    """
    choice("reduction", reduction, reductions)
    input, targets = values(input), [_number(t) for t in flat(target)]
    shape, other = shape_of(input), shape_of(target)
    if shape is None or shape != other:
        raise ValueError(f"{name} takes an input and a target of one shape, and got {said(shape)} and {said(other)}")
    if 0 in shape:
        raise ValueError(f"{name} takes at least one number, and got shape {written(shape)}")
    each = [_spread(name, key, weight, shape) for key, weight in weights.items()]
    losses = [loss(*row) for row in zip(flat(input), targets, *each, strict=True)]
    if reduction == "none":
        return rebuilt(input, losses)
    if reduction == "mean" and over_weight and weights["weight"] is not None:
        return engine.sum(losses) / engine.sum(each[0])
    return engine.mean(losses) if reduction == "mean" else engine.sum(losses)


def _spread(name: str, key: str, weight: Any, shape: tuple[int, ...]) -> list[Any]:
    """The weights as a flat list with one for each entry: repeated along the axes that they lack, as in NumPy."""
    if weight is None:
        return [None] * math.prod(shape)
    own, numbers = shape_of(weight), [_number(w) for w in flat(weight)]
    try:
        if own is None:
            raise ValueError
        return np.broadcast_to(np.array(rebuilt(weight, numbers), dtype=object), shape).ravel().tolist()
    except ValueError:
        raise ValueError(f"{name}: {key} of {said(own)} does not fit an input of {said(shape)}") from None


def at_least_0(name: str, what: str, numbers: Any) -> None:
    """Nothing, if no number is negative.

    Raises:
        ValueError: for one that is.
    """
    for number in map(_float, flat(numbers)):
        if number < 0:
            raise ValueError(f"{name} takes {what} of at least 0, and got {number}")


def _number(entry: Any) -> Any:
    """A Value as it is, a plain number as a float; what else there is, is refused with the next step."""
    return entry if isinstance(entry, Value) else as_float(entry)


def _float(entry: Any) -> float:
    return entry.data if isinstance(entry, Value) else as_float(entry)


def said(shape: tuple[int, ...] | None) -> str:
    """A shape in a message; None is that of ragged lists."""
    return "rows of different lengths" if shape is None else f"shape {written(shape)}"
