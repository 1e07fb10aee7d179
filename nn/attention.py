"""Attention: each query is answered by a mean of values, weighted by how well its key fits.

    weights = softmax(q·kᵀ / √E)        one row for each query, positive and 1 in sum
    out     = weights · v

Glossary: L queries; S keys, each with its value; E how many features a query and a key have, Ev a value; N examples;
H heads; score q·k/√E. A mask says which key takes part in which answer, as an addend to its score: 0 where it takes
part, −inf where it does not. What does not take part is left out of the softmax, so that no −inf is ever computed with.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from engine import Value, dot, mean, softmax
from engine.nested import shape as shape_of
from nn.init import Rng, Seed, generator
from nn.linear import Linear
from nn.masks import both, causal, leaves_out, mask_of, plus
from nn.module import Module, Tensor
from nn.options import from_0_to_1, switch
from nn.regularization import Dropout
from nn.shapes import Shape, checked, constant, count, over, written

Matrix = list[list[Value]]
Drop = Callable[[list[Value]], list[Value]]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    is_causal: bool = False,
    need_weights: bool = False,
    *,
    attn_mask: Any = None,
    scale: Any = None,
    dropout_p: float = 0.0,
    seed: Seed = None,
) -> Any:
    """softmax(q·kᵀ·scale + attn_mask)·v, scale = 1/√E if it is not given (Vaswani et al. 2017).

    Takes query (..., L, E), key (..., S, E), value (..., S, Ev), the same axes before each; gives (..., L, Ev),
    and with need_weights a pair: that, and the weights (..., L, S).

    With is_causal query i sees the keys 0 to i. attn_mask has the shape (L, S), or one that NumPy would stretch to
    (..., L, S): of bools, True takes part; or of numbers or Values that are added to the scores. The weight of what
    is left out is 0. So is the answer to a query for which nothing takes part, as in PyTorch. Both may be given.
    With dropout_p each weight is dropped with that probability, drawn from the seed; give 0 in evaluation.

    Raises:
        ValueError: for shapes that do not go together; or if all scores of a query are −inf, by overflow or by Values
            that are added (a plain −inf is left out).
        TypeError: for a mask that holds neither bools nor floats, or one that stands in the place of is_causal.

    >>> out, weights = scaled_dot_product_attention([[1.0], [2.0]], [[0.5], [0.0]], [[3.0], [5.0]], True, True)
    >>> [round(p.data, 4) for p in weights[0]], [round(p.data, 4) for p in weights[1]]
    ([1.0, 0.0], [0.7311, 0.2689])
    >>> [round(row[0].data, 4) for row in out]
    [3.0, 3.5379]
    """
    name = "scaled_dot_product_attention"
    if not isinstance(is_causal, bool | np.bool_):
        raise TypeError(f"{name} takes a mask by keyword, attn_mask=..., and is_causal is True or False")
    q, axes = checked(name, query, ("L", "E"), None, "query")
    *lead, n_queries, features = shape_of(q) or ()
    k, _ = checked(name, key, (*lead, "S", features), 0, "key")
    *_, n_keys, _ = shape_of(k) or ()
    v, _ = checked(name, value, (*lead, n_keys, "Ev"), 0, "value")
    shape = (*lead, n_queries, n_keys)
    mask = mask_of(name, "attn_mask", attn_mask, True, shape, stretch=True)
    if is_causal:
        mask = both(mask, causal(n_queries, n_keys))
    scale = 1.0 / math.sqrt(features) if scale is None else scale
    drop = Dropout(dropout_p, seed=seed)

    def one(q: Matrix, k: Matrix, v: Matrix, mask: list[list[Any]]) -> tuple[Matrix, Matrix]:
        return _attention(q, k, v, mask, scale, drop)

    pairs = _over(one, axes, q, k, v, mask.tolist())
    out = over(lambda pair: pair[0], pairs, axes)
    return (out, over(lambda pair: pair[1], pairs, axes)) if need_weights else out


def _attention(
    q: Matrix, k: Matrix, v: Matrix, mask: list[list[Any]], scale: Any, drop: Drop | None = None
) -> tuple[Matrix, Matrix]:
    """(softmax(q·kᵀ·scale + mask)·v, the weights) for q (L, E), k (S, E), v (S, Ev)."""
    columns = list(zip(*v, strict=True))
    out, weights = [], []
    for i, (query, addends) in enumerate(zip(q, mask, strict=True)):
        kept = [j for j, addend in enumerate(addends) if not leaves_out(addend)]
        scores = [plus(dot(query, k[j]) * scale, addends[j]) for j in kept]
        if kept and all(score.data == -math.inf for score in scores):
            why = "by overflow or a mask of Values; leave keys out by bools or plain -inf"
            raise ValueError(f"all scores of query {i} are -inf, {why}")
        ps = softmax(scores) if kept else []
        ps = drop(ps) if drop else ps
        taken = dict(zip(kept, ps, strict=True))
        weights.append([taken[j] if j in taken else constant(0.0) for j in range(len(k))])
        out.append([dot(ps, [column[j] for j in kept]) if kept else constant(0.0) for column in columns])
    return out, weights


# ------------------------------------------------------------------------------ several heads


class MultiheadAttention(Module):
    """concat(head₁, ..., head_H)·W_outᵀ + b_out, head = attention(W_q·q + b_q, W_k·k + b_k, W_v·v + b_v).

    Each head attends with embed_dim / num_heads of the features. Takes query (L, embed_dim), key (S, kdim) and
    value (S, vdim); a batch of them is (L, N, embed_dim), ... as in PyTorch, and a list of examples,
    (N, L, embed_dim), ..., needs batch_first=True. kdim and vdim are embed_dim if they are not given.

    Gives a pair: the output, shaped as the query, and the weights (L, S) or (N, L, S), the mean over the heads, or
    with average_attn_weights=False (H, L, S) or (N, H, L, S); with need_weights=False None.

    key_padding_mask (S,) or (N, S) and attn_mask (L, S) or (N·H, L, S) are as in PyTorch: of bools, and True is left
    out; or of floats or Values, which are added to the scores. With is_causal query i sees the keys 0 to i; it
    needs no mask beside it. A query for which nothing takes part has the weights 0 and the output b_out.

    In training each weight is dropped with the probability `dropout`. in_proj_weight is W_q, W_k, W_v one below the
    other, (3·embed_dim, embed_dim); with a kdim or vdim of its own they are q_proj_weight, k_proj_weight and
    v_proj_weight. They begin in U(−a, a) with a = √(6/(rows + columns)), W_out in U(±1/√embed_dim), biases at 0.
    (Vaswani et al. 2017.)

    Raises:
        ValueError: for shapes that do not go together, if num_heads does not divide embed_dim, or for add_bias_kv or
            add_zero_attn, which are not built.
        TypeError: for a mask that holds neither bools nor floats.

    >>> layer = MultiheadAttention(6, 2, seed=0)
    >>> x = [[0.1] * 6, [0.2] * 6, [0.3] * 6]
    >>> out, weights = layer(x, x, x, is_causal=True)
    >>> shape_of(out), shape_of(weights)
    ((3, 6), (3, 3))
    >>> [p.data for p in weights[0]]
    [1.0, 0.0, 0.0]
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        seed: Seed = None,
    ) -> None:
        if add_bias_kv or add_zero_attn:
            raise ValueError("MultiheadAttention adds no keys of its own; leave add_bias_kv and add_zero_attn False")
        self.embed_dim, self.num_heads = count("embed_dim", embed_dim), count("num_heads", num_heads)
        self.kdim = embed_dim if kdim is None else count("kdim", kdim)
        self.vdim = embed_dim if vdim is None else count("vdim", vdim)
        if embed_dim % num_heads:
            raise ValueError(f"num_heads divides embed_dim: {num_heads} heads cannot share {embed_dim} features")
        bias, self.batch_first = switch("bias", bias), switch("batch_first", batch_first)
        rng = generator(seed)
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = _uniform(rng, 3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = _uniform(rng, embed_dim, embed_dim)
            self.k_proj_weight = _uniform(rng, embed_dim, self.kdim)
            self.v_proj_weight = _uniform(rng, embed_dim, self.vdim)
        self.in_proj_bias = [Value(0.0) for _ in range(3 * embed_dim)] if bias else None
        seed = rng if isinstance(rng, random.Random) else None
        self.drop = Dropout(dropout, seed=seed)
        self.out_proj = Linear(embed_dim, embed_dim, bias, seed=seed)
        for b in self.out_proj.bias or []:
            b.data = 0.0

    @property
    def dropout(self) -> float:
        """The probability with which a weight is dropped."""
        return self.drop.p

    @dropout.setter
    def dropout(self, p: float) -> None:
        self.drop.p = from_0_to_1("dropout", p)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """(output, weights)."""
        alone = is_alone(query)
        q = self._examples(query, "query", ("L", self.embed_dim), alone)
        n, n_queries = len(q), len(q[0])
        k = self._examples(key, "key", ("S", self.kdim), alone, n)
        n_keys = len(k[0])
        v = self._examples(value, "value", (n_keys, self.vdim), alone, n)
        shape = (n, self.num_heads, n_queries, n_keys)
        of_pairs = mask_of(self, "attn_mask", attn_mask, False, shape[2:], (n * self.num_heads, *shape[2:]))
        if of_pairs.ndim == 3:
            of_pairs = of_pairs.reshape(shape)
        of_keys = mask_of(self, "key_padding_mask", key_padding_mask, False, (n_keys,) if alone else (n, n_keys))
        mask = both(of_pairs, of_keys.reshape(n, 1, 1, n_keys))
        if is_causal:
            mask = both(mask, causal(n_queries, n_keys))
        masks = np.broadcast_to(mask, shape).tolist()
        answers = [self._answered(*example) for example in zip(q, k, v, masks, strict=True)]
        out = [answer for answer, _ in answers]
        weights = None
        if need_weights:
            weights = [self._averaged(heads) if average_attn_weights else heads for _, heads in answers]
        if alone:
            return out[0], weights and weights[0]
        return self._ordered(out), weights

    def _answered(self, query: Matrix, key: Matrix, value: Matrix, mask: list[Any]) -> tuple[Matrix, list[Matrix]]:
        """(output, the weights of each head) for one example that is checked already; mask (H, L, S)."""
        q, k, v = (self._projected(i, x) for i, x in enumerate((query, key, value)))
        size = self.embed_dim // self.num_heads
        outs, weights = [], []
        for h in range(self.num_heads):
            own = slice(h * size, (h + 1) * size)
            q_h, k_h, v_h = ([row[own] for row in x] for x in (q, k, v))
            out, ps = _attention(q_h, k_h, v_h, mask[h], 1.0 / math.sqrt(size), self.drop)
            outs.append(self.name_nodes(out, f"heads[{h}].out"))
            weights.append(self.name_nodes(ps, f"heads[{h}].weights"))
        joined = [[v for head in heads for v in head] for heads in zip(*outs, strict=True)]
        return [self.out_proj(row) for row in joined], weights

    def _projected(self, i: int, x: Matrix) -> Matrix:
        """W·x + b for each row, of the query (i = 0), the key (1) or the value (2)."""
        name, rows = "qkv"[i], slice(i * self.embed_dim, (i + 1) * self.embed_dim)
        same = hasattr(self, "in_proj_weight")
        weight = self.in_proj_weight[rows] if same else getattr(self, f"{name}_proj_weight")
        biases: Sequence[Value | None] = self.in_proj_bias[rows] if self.in_proj_bias else [None] * self.embed_dim
        out = [[dot(w, row, b) for w, b in zip(weight, biases, strict=True)] for row in x]
        return self.name_nodes(out, name)  # type: ignore[no-any-return]

    def _averaged(self, heads: list[Matrix]) -> Matrix:
        """The mean of the heads' weights."""
        rows = ([mean(ps) for ps in zip(*row, strict=True)] for row in zip(*heads, strict=True))
        return self.name_nodes(list(rows), "weights")  # type: ignore[no-any-return]

    def _examples(self, x: Any, what: str, shape: Shape, alone: bool, n: int | str = "N") -> list[Matrix]:
        """x as a list of checked examples."""
        x = checked_sequence(self, x, what, shape, self.batch_first, alone, n)
        return [x] if alone else self._ordered(x)

    def _ordered(self, x: Any) -> Any:
        """A batch in PyTorch's order of axes as a list of examples, and the other way round."""
        return x if self.batch_first else [list(rows) for rows in zip(*x, strict=True)]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """out_proj, and those of a subclass: in PyTorch the dropout of the weights is no part of its own."""
        return ((name, part) for name, part in super().named_children() if part is not self.drop)

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}"


# ------------------------------------------------------------------------------ helpers


def is_alone(x: Any) -> bool:
    """Whether x is one sequence, and not a batch of them."""
    return len(shape_of(x) or ()) != 3


def checked_sequence(
    module: Module, x: Any, what: str, shape: Shape, batch_first: bool, alone: bool, n: int | str = "N"
) -> Tensor:
    """x as nested lists of Values, if it is a sequence of this shape, (L, E), or a batch of n of them.

    Raises:
        ValueError: if the shape of x is another; it names both.
        TypeError: for what holds no numbers.
    """
    length, features = shape
    batch = (n, length, features) if batch_first else (length, n, features)
    if alone and n == "N":  # nothing has said yet which it is
        what += f" of shape {written(batch)} or, alone,"
    return checked(module, x, shape if alone else batch, 0, what)[0]


def _over(forward: Callable[..., Any], axes: int, *trees: Any) -> Any:
    """forward of the parts of several nested lists that lie below so many axes, side by side."""
    return [_over(forward, axes - 1, *parts) for parts in zip(*trees, strict=True)] if axes else forward(*trees)


def _uniform(rng: Rng, rows: int, columns: int) -> Matrix:
    """A matrix from U(−a, a), a = √(6/(rows + columns)) (Glorot & Bengio 2010)."""
    a = math.sqrt(6.0 / (rows + columns))
    return [[Value(rng.uniform(-a, a)) for _ in range(columns)] for _ in range(rows)]
