"""What compiled source calls beyond operators and elementwise functions: operations on lists, gathers, contractions.

A list is the first axis of one array: x has the shape (n, ..., batch), and a result z the shape (..., batch). The
backward rule of an operation takes g = ∂L/∂z and gives ∂L/∂x, of x's shape. The mathematics, and the places of inf
and nan, are those of the table (`engine.ops`); float32 stays float32; no argument is changed.

For finite numbers no rule divides by 0 or takes inf − inf on its way. In the exponential family an entry may also be
−inf, which pads a list to its neighbours' length: its share is 0.

Call overhead decides on small arrays, so that a rule is as few calls as it can be: hence `ufunc.reduce`, which is
half the price of `np.sum`.

Glossary: x a list; z the result; p probabilities; g a gradient from above; n the length of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod as _size
from typing import Any

import numpy as np

from engine.operation import Operation
from engine.replay import computed, computed_slopes
from engine.vectorize.contraction import einsum as einsum  # part of what compiled source calls
from engine.vectorize.rows import Index as Index
from engine.vectorize.rows import gather as gather
from engine.vectorize.rows import scatter as scatter

Array = Any  # a NumPy array

_sum, _largest, _smallest, _product = np.add.reduce, np.maximum.reduce, np.minimum.reduce, np.multiply.reduce
_exp, _log1p, _expm1 = np.exp, np.log1p, np.expm1

# ------------------------------------------------------------------ the exponential family: shifted by the largest


def _exps(x: Array, top: Array) -> Array:
    """exp(x − top), with the rounding error of the difference put back (Knuth's two-sum).

    What lies far below the top, −inf too, is first lifted to where exp is 0 already: there inf − inf cannot occur.
    """
    x = np.maximum(x, np.minimum(4.0 * top, -1000.0))  # at most top − 746 for any top
    d = x - top
    back = d - x
    error = x  # from here in place: (x − (d − back)) − (top + back)
    error -= d - back
    back += top
    error -= back
    e = _exp(d, d)
    error *= e
    e += error
    return e


def _others(e: Array) -> Array:
    """Σ e without one of the largest, which are 1."""
    tops = np.floor(e)
    return _sum(e - tops) + (_sum(tops) - 1.0)


def softmax(x: Array) -> Array:
    """pᵢ = exp(xᵢ) / Σ exp(xⱼ), to a few ulp also where it is tiny."""
    p = _exps(x, _largest(x))
    p /= _sum(p)
    return p


def softmax_backward(g: Array, p: Array, x: Array) -> Array:
    """∂L/∂xᵢ = pᵢ(gᵢ·Σ_{j≠i} pⱼ − Σ_{j≠i} gⱼpⱼ) = pᵢ(gᵢ − Σ gⱼpⱼ), from g = ∂L/∂p.

    The same number may be taken from all of g. It is that of the pᵢ beyond ½, if there is one: then its own gⱼpⱼ is
    exactly 0, and nothing of the others' is lost in it.
    """
    g = g - _sum(g * np.rint(p))
    g -= _sum(g * p)
    g *= p
    return g


def shares(x: Array) -> Array:
    """pᵢ = exp(xᵢ) / Σ exp(xⱼ), as one writes it out: from exp(xᵢ − max)."""
    p = x - _largest(x)
    _exp(p, p)
    p /= _sum(p)
    return p


def shares_backward(g: Array, p: Array, x: Array) -> Array:
    """∂L/∂xᵢ = pᵢ(gᵢ − Σ gⱼpⱼ), from g = ∂L/∂p."""
    slopes = g - _sum(g * p)
    slopes *= p
    return slopes


def log_softmax(x: Array) -> Array:
    """zᵢ = xᵢ − ln Σ exp(xⱼ), kept to the last digit also where the probability is nearly 1."""
    top = _largest(x)
    z = x - top
    z -= _log1p(_others(_exps(x, top)))
    return z


def log_softmax_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = gᵢ·Σ_{j≠i} pⱼ − pᵢ·Σ_{j≠i} gⱼ, with Σ_{j≠i} pⱼ = 1 − exp(zᵢ).

    The gᵢ of a pᵢ beyond ½, if there is one, is kept apart from the others' sum, which could drown in it. And
    pᵢ = exp(zᵢ) has the rounding error of zᵢ: near e⁻⁷⁰⁰ a few parts in 10¹³.
    """
    if len(x) == 1:
        return g * 0.0  # also where z is nan: a list of one entry is a constant
    p = _exp(z)
    top = g * np.rint(p)
    rest = g - _sum(top)
    rest -= _sum(g - top)  # now −Σ_{j≠i} gⱼ
    rest *= p
    p = _expm1(z, p)
    p *= g
    rest -= p
    return rest


def logsumexp(x: Array) -> Array:
    """z = ln Σ exp(xᵢ) = m + log1p(Σ of the others' exp(xᵢ − m)), m the largest."""
    top = _largest(x)
    return np.fmax(top + _log1p(_others(_exps(x, top))), top)  # the top alone where it is not finite


def logsumexp_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = g·pᵢ."""
    p = softmax(x)
    p *= g
    return p


# ------------------------------------------------------------------ choosing


def relu(x: Array) -> Array:
    """max(0, x)."""
    return np.maximum(x, 0.0)


def max(x: Array) -> Array:
    """The largest of the list; nan if one of them is."""
    return _largest(x)


def max_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = g for the first xᵢ that equals z, 0 for the others."""
    hit = x == z
    if hit.size > 10_000 and len(hit) <= 16:  # row by row: argmax would transpose
        free = ~hit[0]
        for row in hit[1:]:
            np.logical_and(row, free, row)
            np.greater(free, row, free)
    else:
        hit &= _places(hit.shape) == hit.argmax(0)
    return g * hit


def min(x: Array) -> Array:
    """The smallest of the list; nan if one of them is."""
    return _smallest(x)


min_backward = max_backward


@lru_cache(maxsize=256)
def _places(shape: tuple[int, ...]) -> Array:
    """0, 1, 2, ... along the first axis of an array of that shape."""
    return np.arange(shape[0]).reshape(-1, *(1 for _ in shape[1:]))


# ------------------------------------------------------------------ means and products


def mean(x: Array) -> Array:
    """z = (x₀ + ... + xₙ₋₁) / n."""
    return _sum(x) / len(x)


def mean_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = g / n."""
    slopes = np.empty_like(x)
    slopes[...] = g / len(x)
    return slopes


def _centred(x: Array) -> Array:
    """xᵢ − mean, in two passes: the second takes away what rounding left in the mean."""
    d = x - _sum(x) / len(x)
    d -= _sum(d) / len(x)
    return d


def var(x: Array) -> Array:
    """z = Σ (xᵢ − mean)² / n."""
    d = _centred(x)
    d *= d
    return _sum(d) / len(x)


def var_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = 2g(xᵢ − mean) / n."""
    d = _centred(x)
    d *= g * (2.0 / len(x))
    return d


def prod(x: Array) -> Array:
    """z = x₀ · x₁ · ..., mantissas and exponents apart, so that only the result can overflow or underflow."""
    m, e = np.frexp(x)
    room = _room(m)
    while len(m) > room:  # n mantissas of at least ½ have a product of at least ½ⁿ
        starts = np.arange(0, len(m), room)
        m, carry = np.frexp(np.multiply.reduceat(m, starts))
        e = np.add.reduceat(e, starts) + carry
    return np.ldexp(_product(m), _sum(e))


def prod_backward(g: Array, z: Array, x: Array) -> Array:
    """∂L/∂xᵢ = g·Π_{j≠i} xⱼ, exact at zeros too: what stands before xᵢ times what stands after it."""
    m, e = np.frexp(x)
    before, after = np.empty_like(m), np.empty_like(m)
    if len(m) <= _room(m) and m.size < 4096:  # accumulate is slow on large arrays
        before[0] = after[-1] = 1.0
        np.multiply.accumulate(m[:-1], 0, None, before[1:])
        np.multiply.accumulate(m[:0:-1], 0, None, after[-2::-1])
        return g * np.ldexp(before * after, _sum(e) - e)
    exponents = _running(m, e, before) + _running(m[::-1], e[::-1], after[::-1])[::-1]
    return g * np.ldexp(before * after, exponents)


def _running(m: Array, e: Array, products: Array) -> Array:
    """Writes the mantissas of the products of the first 0, 1, 2, ... numbers, and gives their exponents."""
    exponents = np.zeros_like(e)
    products[0] = 1.0
    for i in range(1, len(m)):
        products[i], carry = np.frexp(products[i - 1] * m[i - 1])
        exponents[i] = exponents[i - 1] + e[i - 1] + carry
    return exponents


def _room(m: Array) -> int:
    """How many mantissas may be multiplied before their product could leave the normal numbers."""
    return 500 if m.dtype == np.float64 else 60


# ------------------------------------------------------------------ one entry of a list, by an index that is data


def take(x: Array, index: Array) -> Array:
    """z = x[index], for each place of x's further axes and each example by its own index.

    x has the shape (n, ...). The index, integers that may count from the end, broadcasts against x's further axes.

    Raises:
        IndexError: for an index beyond the list, as NumPy words it.

    >>> take(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])).tolist()
    [3.0, 2.0]
    """
    index = _wide(index)
    rows, offsets, shape = _taking(x.shape, index.shape)
    try:
        if rows is not None:
            return x.reshape(rows).take(index.reshape(-1), 0).T.copy().reshape(shape)
        return x.reshape(-1).take(index if offsets is None else index * offsets.size + offsets)
    except IndexError:
        np.arange(len(x)).take(index)  # its message has the index that was given
        raise


def take_backward(g: Array, index: Array, x: Array) -> Array:
    """∂L/∂x: each g goes to the entry that was taken, and is summed where x is broadcast."""
    index = _wide(index)
    offsets = _taking(x.shape, index.shape)[1]
    flat = index if offsets is None else index * offsets.size + offsets
    if g.shape == x.shape[1:]:  # each entry is taken once at most
        slopes = np.zeros(x.shape, g.dtype)
        slopes.reshape(-1)[flat] = g
        return slopes
    if flat.shape != g.shape:
        flat = np.broadcast_to(flat, g.shape)
    flat = flat.reshape(-1)
    try:
        slopes = np.bincount(flat, g.reshape(-1), x.size).reshape(x.shape)
    except ValueError:  # an index that counts from the end
        slopes = np.bincount(flat % x.size, g.reshape(-1), x.size).reshape(x.shape)
    return slopes if g.dtype == slopes.dtype else slopes.astype(g.dtype)


@lru_cache(maxsize=1024)
def _taking(x: tuple[int, ...], index: tuple[int, ...]) -> tuple[tuple[int, int] | None, Array | None, tuple[int, ...]]:
    """How x, of this shape, is read at an index of that one.

    In rows of this shape where x is the same along all the index's axes, and then the result's shape; else entry by
    entry of x made flat: at index · size + offsets, or at the index itself, if a row is one number.
    """
    size = _size(x[1:])
    own = x[1 : len(x) - len(index)]
    if size == 1 and len(index) >= len(x) - 1:
        return None, None, index
    offsets = np.arange(size).reshape(x[1:])
    alone = len(index) < len(x) and _size(own) == size
    return ((x[0], size), offsets, own + index) if alone else (None, offsets, ())


def _wide(index: Array) -> Array:
    """The index as NumPy's own kind of index, which can be multiplied and counted."""
    return index if index.dtype == np.intp else index.astype(np.intp)


# ------------------------------------------------------------------ any other operation on a list


def listed(op: Operation) -> tuple[Callable[..., Array], Callable[..., Array]]:
    """value(x) and backward(g, z, x) of any operation on a list: the rules of its entry in the table, on x's rows.

    A rule that takes single numbers only is run number by number.
    """

    def value(x: Array) -> Array:
        z = np.empty(x.shape[1:], x.dtype)
        z[...] = computed(op, list(x))
        return z

    def backward(g: Array, z: Array, x: Array) -> Array:
        slopes = np.empty_like(x)
        for i, slope in enumerate(computed_slopes(op, z, list(x))):
            slopes[i] = g * slope
        return slopes

    return value, backward
