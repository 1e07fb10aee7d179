"""The library `xp` for NumPy arrays: NumPy's names where they differ from the table's, and what NumPy lacks.

The same rules that run on floats run on whole arrays through it, element by element. It also computes
the rare scalar that Python's floats refuse: NumPy's give inf or nan where `math` raises.

An n-ary function takes a list of arrays of one shape, and works across the list.
"""

# ruff: noqa: F401, I001  (the names of the library are part of this one)
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import abs, cbrt, cos, cosh, exp, expm1, hypot, log, log1p, log2, log10, maximum, minimum
from numpy import arccos as acos
from numpy import arccosh as acosh
from numpy import arcsin as asin
from numpy import arcsinh as asinh
from numpy import arctan as atan
from numpy import arctan2 as atan2
from numpy import arctanh as atanh
from numpy import power as pow
from numpy import sin, sinh, sqrt, tan, tanh

from engine.xp.floats import ROOT_HALF, ROOT_HALF_REST, two_product

Array = Any  # a NumPy array or scalar

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def erf(x: Array) -> Array:
    """The error function, element by element."""
    return np.asarray(_erf(x), float)[()]


def erfc(x: Array) -> Array:
    """1 − erf(x) without its cancellation, element by element."""
    return np.asarray(_erfc(x), float)[()]


# ------------------------------------------------------------------ choosing


def where(condition: Array, a: Array, b: Array) -> Array:
    """`a` where the condition is not 0, else `b`."""
    return np.where(np.asarray(condition) != 0, np.asarray(a), np.asarray(b))[()]


def greater(x: Array, y: Array) -> Array:
    """1.0 where x > y, else 0.0."""
    return np.where(np.greater(x, y), 1.0, 0.0)[()]


def greater_equal(x: Array, y: Array) -> Array:
    """1.0 where x >= y, else 0.0."""
    return np.where(np.greater_equal(x, y), 1.0, 0.0)[()]


def less(x: Array, y: Array) -> Array:
    """1.0 where x < y, else 0.0."""
    return np.where(np.less(x, y), 1.0, 0.0)[()]


def less_equal(x: Array, y: Array) -> Array:
    """1.0 where x <= y, else 0.0."""
    return np.where(np.less_equal(x, y), 1.0, 0.0)[()]


def equal(x: Array, y: Array) -> Array:
    """1.0 where x == y, else 0.0."""
    return np.where(np.equal(x, y), 1.0, 0.0)[()]


def not_equal(x: Array, y: Array) -> Array:
    """1.0 where x != y, else 0.0."""
    return np.where(np.not_equal(x, y), 1.0, 0.0)[()]


def max(xs: Sequence[Array]) -> Array:
    """The largest of the list; nan if one of them is."""
    return np.max(np.stack(xs), axis=0)


def min(xs: Sequence[Array]) -> Array:
    """The smallest of the list; nan if one of them is."""
    return np.min(np.stack(xs), axis=0)


def take(xs: Sequence[Array], index: Array) -> Array:
    """`xs[index]`, each element with its own index."""
    i = np.asarray(index)
    if np.any(i != np.floor(i)):
        raise TypeError(f"take: the index must be a whole number, not {index}")
    return np.take_along_axis(np.stack(xs), i.astype(int)[None], axis=0)[0]


def one_hot(index: Array, n: int) -> Array:
    """1.0 at `index` (which may count from the end, as in a list), 0.0 elsewhere."""
    return tuple(np.where(np.asarray(index) % n == i, 1.0, 0.0)[()] for i in range(n))


# ------------------------------------------------------- sums, means, products


def sum(xs: Sequence[Array]) -> Array:
    """x₀ + x₁ + ... across the list."""
    return np.sum(np.stack(xs), axis=0)


def dot(ws: Sequence[Array], xs: Sequence[Array], bias: Array | None = None) -> Array:
    """w₀·x₀ + w₁·x₁ + ... + bias."""
    total = np.sum(np.stack(ws) * np.stack(xs), axis=0)
    return total if bias is None else total + bias


def mean(xs: Sequence[Array]) -> Array:
    """(x₀ + ... + xₙ₋₁) / n."""
    return np.mean(np.stack(xs), axis=0)


def var(xs: Sequence[Array]) -> Array:
    """Σ (xᵢ − mean)² / n."""
    return np.var(np.stack(xs), axis=0)


def centred(xs: Sequence[Array]) -> Array:
    """xᵢ − mean."""
    stacked = np.stack(xs)
    return stacked - np.mean(stacked, axis=0)


def prod(xs: Sequence[Array]) -> Array:
    """x₀ · x₁ · ..."""
    return np.prod(np.stack(xs), axis=0)


def prod_of_others(xs: Sequence[Array]) -> Array:
    """For each i, the product of all but xᵢ."""
    stacked = np.stack(xs)
    one = np.ones_like(stacked[:1])
    before = np.cumprod(np.concatenate((one, stacked[:-1])), axis=0)
    after = np.cumprod(np.concatenate((one, stacked[:0:-1])), axis=0)[::-1]
    return before * after


# ------------------------------------------------------- powers, the bell curve


def power_slope(z: Array, x: Array, y: Array) -> Array:
    """∂(x**y)/∂x = y·x**(y−1); for a y that is not whole y·z/x, as y − 1 would round."""
    by_quotient = (y != np.floor(y)) & (x != 0.0) & (np.abs(z) > 1e-290) & np.isfinite(z)
    quotient = y * (z / np.where(by_quotient, x, 1.0))
    return np.where(y == 0.0, 0.0, np.where(by_quotient, quotient, y * np.power(x, y - 1.0)))[()]


def exponent_slope(z: Array, x: Array, y: Array) -> Array:
    """∂(x**y)/∂y = z·ln(x); 0 at x = 0, nan for x < 0."""
    return np.where(x == 0.0, 0.0, z * np.log(np.where(x == 0.0, 1.0, x)))[()]


def exp_minus_square(x: Array, scale: float = 1.0) -> Array:
    """exp(−scale·x²), with the rounding error of x² put back."""
    x = np.clip(x, -40.0, 40.0)
    square, error = two_product(x, x)
    return np.exp(-scale * square) * (1.0 - scale * error)


def normal_distribution(x: Array) -> Array:
    """Φ(x) = erfc(−x/√2) / 2, with the rounding error of x/√2 put back."""
    x = np.clip(x, -40.0, 40.0)
    u, error = two_product(x, ROOT_HALF)
    return 0.5 * erfc(-u) + (error + x * ROOT_HALF_REST) * np.exp(-u * u) / math.sqrt(math.pi)


# ------------------------------------------------------ the exponential family


def logsumexp(xs: Sequence[Array]) -> Array:
    """log Σ exp(xᵢ), shifted by the largest."""
    stacked = np.stack(xs)
    top = np.max(stacked, axis=0)
    shift = np.where(np.isfinite(top), top, 0.0)
    return shift + np.log(np.sum(np.exp(stacked - shift), axis=0))


def softmax(xs: Sequence[Array]) -> Array:
    """exp(xᵢ) / Σ exp(xⱼ), shifted by the largest."""
    stacked = np.stack(xs)
    exps = np.exp(stacked - np.max(stacked, axis=0))
    return exps / np.sum(exps, axis=0)


def log_softmax(xs: Sequence[Array]) -> Array:
    """xᵢ − log Σ exp(xⱼ), shifted by the largest."""
    shifted = np.stack(xs) - np.max(np.stack(xs), axis=0)
    return shifted - np.log(np.sum(np.exp(shifted), axis=0))
