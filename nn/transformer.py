"""The transformer's block: the positions look at one another, then each is worked on by itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from engine import Value
from nn.activations import Activation, named_activation
from nn.attention import MultiheadAttention, checked_sequence, is_alone
from nn.init import Seed, generator
from nn.linear import Linear
from nn.module import Module, Tensor
from nn.normalization import LayerNorm
from nn.options import switch
from nn.regularization import Dropout
from nn.shapes import count


class TransformerEncoderLayer(Module):
    """x ← norm1(x + attention(x)), out = norm2(x + W₂·f(W₁·x + b₁) + b₂), f the activation.

    With norm_first: x ← x + attention(norm1(x)), out = x + W₂·f(W₁·norm2(x) + b₁) + b₂ (Xiong et al. 2020).
    attention(x) is `MultiheadAttention` of nhead heads, with x as query, key and value.

    Takes a sequence (L, d_model); a batch of them is (L, N, d_model) as in PyTorch, and a list of examples,
    (N, L, d_model), needs batch_first=True. Gives the same shape. In training the weights of attention, its output, f
    and the output of W₂ are dropped with the probability `dropout`.

    Called with is_causal=True it is a decoder's block without an encoder, as in GPT: position i sees 0 to i. src_mask
    and src_key_padding_mask are the attn_mask and key_padding_mask of `MultiheadAttention` (True is left out). The
    activation is any name that a neuron takes, or a function of one Value, as `PReLU()` is. (Vaswani et al. 2017.)

    Raises:
        ValueError: for an input of another shape, or if nhead does not divide d_model.

    >>> block = TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, seed=0)
    >>> batch = [[[0.5, -1.0, 2.0, 0.0]] * 3] * 5
    >>> out = block(batch, is_causal=True)
    >>> len(out), len(out[0]), len(out[0][0])
    (5, 3, 4)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation | None = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        seed: Seed = None,
    ) -> None:
        rng = generator(seed)
        seed = rng if isinstance(rng, random.Random) else None
        count("d_model", d_model), count("nhead", nhead)  # or the parts would tell of them under their own names
        self.batch_first, self.norm_first = switch("batch_first", batch_first), switch("norm_first", norm_first)
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, seed=seed)
        self.linear1 = Linear(d_model, count("dim_feedforward", dim_feedforward), bias, seed=seed)
        self.dropout = Dropout(dropout, seed=seed)
        self.linear2 = Linear(dim_feedforward, d_model, bias, seed=seed)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout, seed=seed)
        self.dropout2 = Dropout(dropout, seed=seed)
        _, self.activation = named_activation(activation)  # a function or, with weights of its own, a part

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """Both parts, one after the other."""
        shape = ("L", self.self_attn.embed_dim)
        x = checked_sequence(self, src, "src", shape, self.batch_first, is_alone(src))

        def attended(x: Tensor) -> Tensor:
            out, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(out)

        if self.norm_first:
            x = self._sum(x, attended(self.norm1(x)), "attended")
            return self._sum(x, self._fed_forward(self.norm2(x)), "out")
        x = self.norm1(self._sum(x, attended(x), "attended"))
        return self.norm2(self._sum(x, self._fed_forward(x), "fed_forward"))

    def _fed_forward(self, x: Tensor) -> Tensor:
        """W₂·f(W₁·x + b₁) + b₂ at each position."""
        hidden = self.name_nodes(_each(self.activation, self.linear1(x)), "hidden")
        return self.dropout2(self.linear2(self.dropout(hidden)))

    def _sum(self, x: Tensor, y: Tensor, name: str) -> Tensor:
        """x + y, entry by entry: what goes past a part, and what it adds."""
        return self.name_nodes(_each(Value.__add__, x, y), name)

    def extra_repr(self) -> str:
        """Its sizes, and where it normalizes."""
        return f"d_model={self.self_attn.embed_dim}, nhead={self.self_attn.num_heads}, norm_first={self.norm_first}"


def _each(function: Callable[..., Value], *trees: Tensor) -> Tensor:
    """function of the entries of nested lists, side by side."""
    if isinstance(trees[0], list):
        return [_each(function, *parts) for parts in zip(*trees, strict=True)]
    return function(*trees)
