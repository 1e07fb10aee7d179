"""BayesLinear: each weight has a mean and a spread, learned both, instead of one number.

    loss = nn.mse_loss(model(x), y) / (2 * noise**2) + layer.kl() / examples

Glossary: μ, σ mean and standard deviation of a weight; ρ what σ is computed from; ε noise; s the prior's deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine import Value, dot, log, softplus, sum
from engine.draws import drawn
from engine.nested import flat, paths, rebuilt
from nn.init import Seed, generator
from nn.module import Module, Tensor
from nn.options import above_0
from nn.shapes import count, over_batch

_RHO = -3.0  # where ρ begins: σ = softplus(−3) = 0.049, small beside the prior


class BayesLinear(Module):
    """y = W·x + b with w = μ + σ·ε, σ = ln(1 + e^ρ), ε from N(0, 1): "Bayes by Backprop" (Blundell et al. 2015).

    Takes (in_features,), or any number of axes before it; gives (..., out_features). In training each call draws its
    weights once, the same for the whole batch, and gradients reach μ and ρ through the sample. In evaluation the
    weights are their means. The parameters are weight_mu and weight_rho, (out_features, in_features), bias_mu and
    bias_rho, (out_features,). Means begin in U(−a, a), a = 1/√in_features, each σ at 0.049; the draws follow from
    `seed`, too.

    The prior of each weight is N(0, prior_std²). `kl()` is to be added to the loss: for a mean over m examples kl()/m
    beside the negative log-likelihood.

    Raises:
        ValueError: for an input of another shape, a size below 1, or a prior_std not above 0.

    >>> layer = BayesLinear(2, 1, seed=0)
    >>> layer([1.0, 2.0])[0].data == layer([1.0, 2.0])[0].data
    False
    >>> layer = layer.eval()
    >>> layer([1.0, 2.0])[0].data == layer([1.0, 2.0])[0].data
    True
    """

    example_axes = 1

    @property
    def joins_batch(self) -> bool:
        """Whether a batch shares its weights: in training, where they are drawn once for all of it."""
        return self.training

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, prior_std: float = 1.0, seed: Seed = None
    ) -> None:
        self.in_features, self.out_features = count("in_features", in_features), count("out_features", out_features)
        self.prior_std = above_0("prior_std", prior_std)
        rng, a = generator(seed), 1.0 / math.sqrt(in_features)
        self.rng: Any = None if seed is None else rng  # the global `random`, a module, has no copy
        self.weight_mu = [[Value(rng.uniform(-a, a)) for _ in range(in_features)] for _ in range(out_features)]
        self.weight_rho = [[Value(_RHO) for _ in range(in_features)] for _ in range(out_features)]
        self.bias_mu = [Value(rng.uniform(-a, a)) for _ in range(out_features)] if bias else None
        self.bias_rho = [Value(_RHO) for _ in range(out_features)] if bias else None

    def forward(self, x: Any) -> Any:
        """W·x + b; in training with weights drawn anew."""
        weight, bias = self.sample() if self.training else (self.weight_mu, self.bias_mu)
        biases: Sequence[Value | None] = bias or [None] * self.out_features

        def one(example: list[Value]) -> list[Value]:
            out = [dot(row, example, b) for row, b in zip(weight, biases, strict=True)]
            self.name_nodes(out, "out")
            return out

        return over_batch(self, x, (self.in_features,), one, axes=None)

    def sample(self) -> tuple[list[list[Value]], list[Value] | None]:
        """(weight, bias) with every number drawn anew, μ + σ·ε; the bias is None where there is none.

        >>> weight, bias = BayesLinear(2, 3, seed=0).sample()
        >>> len(weight), len(weight[0]), len(bias)
        (3, 2, 3)
        """
        weight = self._sample("weight", self.weight_mu, self.weight_rho)
        return weight, None if self.bias_mu is None else self._sample("bias", self.bias_mu, self.bias_rho)

    def kl(self) -> Value:
        """KL(N(μ, σ²) ‖ N(0, s²)) = Σ ln(s/σ) + (σ² + μ²)/(2s²) − ½ over all weights and biases; at least 0.

        >>> layer = BayesLinear(2, 1, seed=0)
        >>> for p in layer.parameters():
        ...     p.data = 0.0 if "_mu" in p.name else math.log(math.expm1(1.0))  # σ = 1, as in the prior
        >>> abs(layer.kl().data) < 1e-15
        True
        """
        means = flat([self.weight_mu, self.bias_mu or []])
        sigmas = self._sigmas("weight", self.weight_rho) + self._sigmas("bias", self.bias_rho or [])
        s = self.prior_std
        logarithms = len(sigmas) * math.log(s) - sum([log(sigma) for sigma in sigmas])  # s/σ could overflow
        squares = (dot(sigmas, sigmas) + dot(means, means)) * (0.5 / s / s)
        return self.name_nodes(logarithms + squares - 0.5 * len(means), "kl")  # type: ignore[no-any-return]

    def _sample(self, name: str, mus: Tensor, rhos: Tensor) -> Any:
        places = paths(mus, self.place(f"{name}_eps"))
        gauss = _Gauss(self)
        noise = [drawn(gauss, place) for place in places]
        rows = zip(flat(mus), self._sigmas(name, rhos), noise, strict=True)
        return self.name_nodes(rebuilt(mus, [mu + sigma * eps for mu, sigma, eps in rows]), name)

    def _sigmas(self, name: str, rhos: Tensor) -> list[Value]:
        sigmas = [softplus(rho) for rho in flat(rhos)]
        self.name_nodes(rebuilt(rhos, sigmas), f"{name}_sigma")
        return sigmas

    def extra_repr(self) -> str:
        """Its sizes, and the prior."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias_mu is not None}"
        return f"{sizes}, prior_std={self.prior_std}"


class _Gauss:
    """Draws from N(0, 1)."""

    def __init__(self, layer: BayesLinear) -> None:
        self._layer = layer

    def __call__(self) -> float:
        return generator(self._layer.rng).gauss(0.0, 1.0)

    def many(self, count: int) -> list[float]:
        """So many of them: the first, the second, ..."""
        gauss = generator(self._layer.rng).gauss
        return [gauss(0.0, 1.0) for _ in range(count)]
