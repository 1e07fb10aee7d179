"""The library `xp` for NumPy arrays: NumPy's names where they differ from the table's, and what NumPy lacks.

The same rules that run on floats run on whole arrays through it, element by element. It also computes
the rare scalar that Python's floats refuse: NumPy's give inf or nan where `math` raises.

An n-ary function takes a list of arrays of one shape (or numbers, which are the same for all), and works across it.
"""

# ruff: noqa: F401, I001  (the names of the library are part of this one)
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import abs, cos, cosh, exp, expm1, hypot, log, log1p, log2, log10, maximum, minimum
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


def _stacked(xs: Sequence[Array]) -> Array:
    """The list as one array, the list along its first axis."""
    return np.stack(np.broadcast_arrays(*xs))


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
    return np.max(_stacked(xs), axis=0)


def min(xs: Sequence[Array]) -> Array:
    """The smallest of the list; nan if one of them is."""
    return np.min(_stacked(xs), axis=0)


def take(xs: Sequence[Array], index: Array) -> Array:
    """`xs[index]`, each element with its own index; nan where the list has no such place."""
    *entries, i = np.broadcast_arrays(*xs, index)
    n = len(entries)
    there = (i == np.floor(i)) & (-n <= i) & (i < n)
    place = np.where(there, i, 0).astype(int)
    return np.where(there, np.take_along_axis(np.stack(entries), place[None], axis=0)[0], np.nan)[()]


def one_hot(index: Array, n: int) -> Array:
    """1.0 at `index` (which may count from the end, as in a list), 0.0 elsewhere."""
    return tuple(np.where(np.asarray(index) % n == i, 1.0, 0.0)[()] for i in range(n))


# ------------------------------------------------------- sums, means, products


def sum(xs: Sequence[Array]) -> Array:
    """x₀ + x₁ + ... across the list; the numbers that are the same for all are added first, once."""
    numbers = [x for x in xs if np.ndim(x) == 0]
    shaped = [x for x in xs if np.ndim(x) != 0]
    total = np.sum(np.array(numbers, float)) if numbers else np.float64(0.0)
    return total + np.sum(_stacked(shaped), axis=0) if shaped else total


def dot(ws: Sequence[Array], xs: Sequence[Array], bias: Array | None = None) -> Array:
    """w₀·x₀ + w₁·x₁ + ... + bias."""
    products = [w * x for w, x in zip(ws, xs, strict=True)]
    total = sum(products) if products else 0.0
    return total if bias is None else total + bias


def mean(xs: Sequence[Array]) -> Array:
    """(x₀ + ... + xₙ₋₁) / n."""
    return sum(xs) / len(xs)


def var(xs: Sequence[Array]) -> Array:
    """Σ (xᵢ − mean)² / n."""
    return np.mean(np.square(centred(xs)), axis=0)


def centred(xs: Sequence[Array]) -> Array:
    """xᵢ − mean, in two passes: the second takes away what rounding left in the mean."""
    stacked = _stacked(xs)
    deviations = stacked - np.mean(stacked, axis=0)
    return deviations - np.mean(deviations, axis=0)


def prod(xs: Sequence[Array]) -> Array:
    """x₀ · x₁ · ..., mantissas and exponents apart, so that only the result can overflow or underflow."""
    return np.ldexp(*_running_products(xs)[-1])


def prod_of_others(xs: Sequence[Array]) -> list[Array]:
    """For each i, the product of all but xᵢ."""
    before = _running_products(xs)
    after = _running_products(xs[::-1])[::-1]
    return [np.ldexp(a[0] * b[0], a[1] + b[1]) for a, b in zip(before[:-1], after[1:], strict=True)]


def _running_products(xs: Sequence[Array]) -> list[tuple[Array, Array]]:
    """(mantissa, exponent) of the products of the first 0, 1, 2, ... of the list."""
    mantissa, exponent = np.float64(1.0), np.int32(0)
    products = [(mantissa, exponent)]
    for m, e in map(np.frexp, xs):
        mantissa, carry = np.frexp(mantissa * m)
        exponent = exponent + e + carry
        products.append((mantissa, exponent))
    return products


# ------------------------------------------------------- powers, the bell curve


def cbrt(x: Array) -> Array:
    """∛x; a step of Newton's method takes the 3 ulp that some C libraries are off down to 1."""
    z = np.cbrt(x)
    good = np.isfinite(z) & (z != 0.0)
    nonzero = np.where(good, z, 1.0)
    return np.where(good, z - (z - x / nonzero / nonzero) / 3.0, z)[()]


def power_slope(z: Array, x: Array, y: Array) -> Array:
    """∂(x**y)/∂x = y·x**(y−1); y·z/x where y − 1 would round, as it does unless y is whole and below 2⁵³."""
    whole, room = y == np.floor(y), (np.abs(z) > 1e-290) & np.isfinite(z)
    by_quotient = (x != 0.0) & ((~whole & room) | (np.abs(y) > 2.0**53))
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


# ------------------------------------------------------ the exponential family: shifted by the largest


def _shifted(xs: Sequence[Array]) -> tuple[Array, tuple[Array, Array], Array, Array]:
    """m, the largest; xᵢ − m and its rounding error (Knuth's two-sum); exp(xᵢ − m); their sum without m's own 1."""
    stacked = _stacked(xs)
    top = np.max(stacked, axis=0)
    d = stacked - top
    back = d - stacked
    error = np.where(np.isinf(d) & np.isfinite(top), 0.0, (stacked - (d - back)) - (top + back))
    exps = np.exp(d) * (1.0 + error)
    others = exps.copy()
    np.put_along_axis(others, np.argmax(stacked, axis=0)[None], 0.0, axis=0)
    return top, (d, error), exps, np.sum(others, axis=0)


def logsumexp(xs: Sequence[Array]) -> Array:
    """log Σ exp(xᵢ) = m + log1p(Σ of the others' exp(xᵢ − m)), m the largest."""
    top, _, _, others = _shifted(xs)
    return np.where(np.isfinite(top), top + np.log1p(others), top)[()]


def softmax(xs: Sequence[Array]) -> Array:
    """exp(xᵢ) / Σ exp(xⱼ)."""
    _, _, exps, others = _shifted(xs)
    return exps / (1.0 + others)


def log_softmax(xs: Sequence[Array]) -> Array:
    """xᵢ − log Σ exp(xⱼ), kept to the last digit also where the probability is nearly 1."""
    _, (d, error), _, others = _shifted(xs)
    return d + (error - np.log1p(others))
