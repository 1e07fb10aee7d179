"""Adam and its family: AdamW, NAdam, RAdam, Adamax.

All keep m, the mean of past gradients, and v, that of their squares; both begin at 0, and 1 − β**t corrects for it.

Glossary: p numbers of the parameters, g their gradients, (b1, b2) the betas, t how many steps were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optimizers import Optimizer
from nn.options import Options
from nn.param_groups import Array, State

Betas = tuple[float, float]


class Adam(Optimizer):
    """m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − lr·m̂/(√v̂ + ε), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

    amsgrad takes the largest v there was. (Kingma & Ba 2015; amsgrad: Reddi, Kale & Kumar 2018.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.

    >>> from engine import Value
    >>> p = Value(1.0)
    >>> optimizer = Adam([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()  # the first step has the length lr, whatever the gradient
    >>> round(p.data, 6)
    0.75
    """

    memory = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·m̂/(√v̂ + ε)."""
        t, (b1, b2) = state["steps"], o.betas
        m = state["exp_avg"] = b1 * state["exp_avg"] + (1.0 - b1) * g
        v = state["exp_avg_sq"] = b2 * state["exp_avg_sq"] + (1.0 - b2) * g * g
        if o.amsgrad:
            v = state["max_exp_avg_sq"] = np.maximum(state["max_exp_avg_sq"], v)
        return p - o.lr / (1.0 - b1**t) * m / (np.sqrt(v) / np.sqrt(1.0 - b2**t) + o.eps)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p·(1 − lr·λ) before its step. (Loshchilov & Hutter 2019.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: p ← p − lr·(μ′·m/(1 − Πμ·μ′) + (1 − μ)·g/(1 − Πμ))/(√v̂ + ε).

    m, v and v̂ as in Adam. The momentum grows with the steps: μ = β₁·(1 − ½·0.96^(t·ψ)), with ψ the
    momentum_decay; μ′ is that of the next step, Πμ the product of all up to this one. (Dozat 2016.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    memory = ("exp_avg", "exp_avg_sq", "mu_product")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def first(self, name: str, o: Options) -> float:
        """The product of no factors is 1."""
        return 1.0 if name == "mu_product" else 0.0

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·(μ′·m/(1 − Πμ·μ′) + (1 − μ)·g/(1 − Πμ))/(√v̂ + ε)."""
        t, (b1, b2) = state["steps"], o.betas
        mu = b1 * (1.0 - 0.5 * 0.96 ** (t * o.momentum_decay))
        mu_next = b1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * o.momentum_decay))
        product = state["mu_product"] = state["mu_product"] * mu
        m = state["exp_avg"] = b1 * state["exp_avg"] + (1.0 - b1) * g
        v = state["exp_avg_sq"] = b2 * state["exp_avg_sq"] + (1.0 - b2) * g * g
        ahead = mu_next / (1.0 - product * mu_next) * m + (1.0 - mu) / (1.0 - product) * g
        return p - o.lr * ahead / (np.sqrt(v / (1.0 - b2**t)) + o.eps)


class RAdam(Optimizer):
    """Adam whose step waits until v can be trusted: p ← p − lr·m̂·r·√(1 − β₂ᵗ)/(√v + ε), and p − lr·m̂ before.

    ρ∞ = 2/(1 − β₂) − 1 and ρ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ) say how many gradients v is a mean of. From ρ > 5 on
    r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ)) makes up for their small number. (Liu et al. 2020.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    memory = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·m̂, times r·√(1 − β₂ᵗ)/(√v + ε) where ρ > 5."""
        t, (b1, b2) = state["steps"], o.betas
        m = state["exp_avg"] = b1 * state["exp_avg"] + (1.0 - b1) * g
        v = state["exp_avg_sq"] = b2 * state["exp_avg_sq"] + (1.0 - b2) * g * g
        step = o.lr / (1.0 - b1**t) * m
        most = 2.0 / (1.0 - b2) - 1.0
        rho = most - 2.0 * t * b2**t / (1.0 - b2**t)
        if np.max(rho) <= 5.0:
            return p - step
        r = np.sqrt((rho - 4.0) * (rho - 2.0) * most / ((most - 4.0) * (most - 2.0) * rho))
        return p - step * np.where(rho > 5.0, r * np.sqrt(1.0 - b2**t) / (np.sqrt(v) + o.eps), 1.0)


class Adamax(Optimizer):
    """m ← β₁·m + (1 − β₁)·g, u ← max(β₂·u, |g| + ε), p ← p − lr/(1 − β₁ᵗ)·m/u: Adam in the norm of the largest.

    (Kingma & Ba 2015, section 7.)

    Raises:
        TypeError, ValueError: for what is no parameter or option, as every optimizer.
    """

    memory = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr/(1 − β₁ᵗ)·m/u."""
        t, (b1, b2) = state["steps"], o.betas
        m = state["exp_avg"] = b1 * state["exp_avg"] + (1.0 - b1) * g
        u = state["exp_inf"] = np.maximum(b2 * state["exp_inf"], np.abs(g) + o.eps)
        return p - o.lr / (1.0 - b1**t) * m / u
