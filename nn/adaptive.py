"""Optimizers that suit the step to each parameter by the size of its gradients: Adagrad, RMSprop, Adadelta.

The family of Adam, which has momentum besides, is in adam.py; what all optimizers share is in optimizers.py.

Glossary: p numbers of the parameters, g their gradients, v a sum or mean of g², t how many steps were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optimizers import Optimizer
from nn.options import Options
from nn.param_groups import Array, State


class Adagrad(Optimizer):
    """v ← v + g², p ← p − lr·g/(√v + ε): large steps where gradients are rare or small.

    The rate itself falls as lr/(1 + (t − 1)·lr_decay); v begins at initial_accumulator_value.
    (Duchi, Hazan & Singer 2011.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.

    >>> from engine import Value
    >>> p = Value(1.0)
    >>> optimizer = Adagrad([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()  # the first step has the length lr, whatever the gradient
    >>> round(p.data, 9)
    0.75
    """

    memory = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def first(self, name: str, o: Options) -> float:
        """What the sum begins with."""
        return o.initial_accumulator_value

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr/(1 + (t − 1)·decay)·g/(√v + ε)."""
        v = state["sum"] = state["sum"] + g * g
        lr = o.lr / (1.0 + (state["steps"] - 1.0) * o.lr_decay)
        return p - lr * g / (np.sqrt(v) + o.eps)


class RMSprop(Optimizer):
    """v ← α·v + (1 − α)·g², p ← p − lr·g/(√v + ε).

    Centered: v less the square of the mean gradient, m ← α·m + (1 − α)·g, stands under the root; the variance.
    With momentum μ: b ← μ·b + g/(√v + ε), p ← p − lr·b. (Hinton 2012, lecture 6; centered: Graves 2013.)

    Rounding can make v − m² negative where a gradient hardly varies, and PyTorch's root then is nan; here it is 0.

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    memory = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·g/(√v + ε)."""
        v = state["square_avg"] = o.alpha * state["square_avg"] + (1.0 - o.alpha) * g * g
        if o.centered:
            m = state["grad_avg"] = o.alpha * state["grad_avg"] + (1.0 - o.alpha) * g
            v = np.maximum(v - m * m, 0.0)
        d = g / (np.sqrt(v) + o.eps)
        if o.momentum:
            d = state["momentum_buffer"] = o.momentum * state["momentum_buffer"] + d
        return p - o.lr * d


class Adadelta(Optimizer):
    """v ← ρ·v + (1 − ρ)·g², d = g·√(u + ε)/√(v + ε), u ← ρ·u + (1 − ρ)·d², p ← p − lr·d.

    The step has the unit of the parameter, so that it needs hardly a rate. (Zeiler 2012.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    memory = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·d."""
        v = state["square_avg"] = o.rho * state["square_avg"] + (1.0 - o.rho) * g * g
        d = np.sqrt(state["acc_delta"] + o.eps) / np.sqrt(v + o.eps) * g
        state["acc_delta"] = o.rho * state["acc_delta"] + (1.0 - o.rho) * d * d
        return p - o.lr * d
