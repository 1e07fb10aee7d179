"""The library `xp` for plain Python floats: `math`, and what `math` lacks.

A rule of the table (`engine.ops`) calls these as `xp.exp(x)`, `xp.where(c, a, b)`, `xp.sum(xs)`. What is
missing here, such as `sigmoid`, comes from the table itself.

Functions may raise `OverflowError`, `ValueError` or `ZeroDivisionError`, as `math` does:
`Operation.evaluate` decides what that means. Sums are exact up to the last rounding.
"""

# ruff: noqa: F401, I001  (the names of the library are part of this one)
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, erf, erfc, exp, expm1
from math import frexp, fsum, hypot, inf, isfinite, ldexp, log, log1p, log2, log10, nan, pi
from math import cbrt as _cbrt
from math import pow as _pow
from math import sin, sinh, sqrt, tan, tanh
from operator import mul
from typing import Any

abs = abs

# ------------------------------------------------------------------ choosing


def where(condition: float, a: float, b: float) -> float:
    """`a` where the condition is not 0, else `b`."""
    return a if condition else b


def greater(x: float, y: float) -> float:
    """1.0 if x > y, else 0.0."""
    return 1.0 if x > y else 0.0


def greater_equal(x: float, y: float) -> float:
    """1.0 if x >= y, else 0.0."""
    return 1.0 if x >= y else 0.0


def less(x: float, y: float) -> float:
    """1.0 if x < y, else 0.0."""
    return 1.0 if x < y else 0.0


def less_equal(x: float, y: float) -> float:
    """1.0 if x <= y, else 0.0."""
    return 1.0 if x <= y else 0.0


def equal(x: float, y: float) -> float:
    """1.0 if x == y, else 0.0."""
    return 1.0 if x == y else 0.0


def not_equal(x: float, y: float) -> float:
    """1.0 if x != y, else 0.0."""
    return 1.0 if x != y else 0.0


def maximum(x: float, y: float) -> float:
    """The larger of two; nan if either is."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """The smaller of two; nan if either is."""
    return x if x <= y or x != x else y


def max(xs: Sequence[float]) -> float:
    """The largest; nan if one of them is."""
    best = xs[0]
    for x in xs:
        if not x <= best:
            best = x
            if best != best:
                break
    return best


def min(xs: Sequence[float]) -> float:
    """The smallest; nan if one of them is."""
    return -max([-x for x in xs])


def take(xs: Sequence[float], index: float) -> float:
    """`xs[index]`; an index that is not a whole number in range is an error, never another entry."""
    i = _whole(index)
    if not -len(xs) <= i < len(xs):
        raise IndexError(f"take: index {i} is out of range for {len(xs)} values; give one from 0 to {len(xs) - 1}")
    return xs[i]


def _whole(index: float) -> int:
    if not isfinite(index) or index != int(index):
        raise TypeError(f"take: the index must be a whole number, not {index}")
    return int(index)


def one_hot(index: float, n: int) -> tuple[float, ...]:
    """1.0 at `index` (which may count from the end, as in a list), 0.0 elsewhere."""
    hot = _whole(index) % n
    return tuple(1.0 if i == hot else 0.0 for i in range(n))


# ---------------------------------------------------------------- sums, rounded once


def sum(xs: Iterable[float]) -> float:
    """x₀ + x₁ + ..., rounded once (`math.fsum`), also where a partial sum overflows."""
    xs = tuple(xs)
    try:
        total = fsum(xs)
    except (OverflowError, ValueError):
        total = nan
    return total if isfinite(total) else _sum_exactly(xs)


def dot(ws: Sequence[float], xs: Sequence[float], bias: float | None = None) -> float:
    """w₀·x₀ + w₁·x₁ + ... + bias: each product rounded, their sum rounded once."""
    terms = map(mul, ws, xs)
    try:
        total = fsum(terms) if bias is None else fsum((*terms, bias))
    except (OverflowError, ValueError):
        total = nan
    if isfinite(total):
        return total
    if not all(map(isfinite, (*ws, *xs))):
        return _sum_exactly((*map(mul, ws, xs), *(() if bias is None else (bias,))))
    products = [Fraction(w) * Fraction(x) for w, x in zip(ws, xs, strict=True)]  # finite, where w * x overflows
    if bias is not None and not isfinite(bias):
        return bias
    return _rounded(Fraction(bias or 0) + _total(products))


def mean(xs: Sequence[float]) -> float:
    """(x₀ + ... + xₙ₋₁) / n, also where the sum overflows."""
    average = sum(xs) / len(xs)
    if isfinite(average) or not all(map(isfinite, xs)):
        return average
    return _rounded(_total(map(Fraction, xs)) / len(xs))


def var(xs: Sequence[float]) -> float:
    """Σ (xᵢ − mean)² / n, in two passes: the second takes away what rounding left in the mean."""
    return sum([d * d for d in centred(xs)]) / len(xs)


def centred(xs: Sequence[float]) -> list[float]:
    """xᵢ − mean, with the rounding error of the mean (what it lacks, n times over) put back."""
    m, n = mean(xs), len(xs)
    lacking = sum((*xs, *(-m,) * n)) / n
    return [x - m - lacking for x in xs]


def _sum_exactly(xs: Sequence[float]) -> float:
    if all(map(isfinite, xs)):
        return _rounded(_total(map(Fraction, xs)))
    total = 0.0
    for x in xs:  # an inf or a nan among them: their IEEE sum, whatever the finite ones do
        total += x if not isfinite(x) else 0.0
    return total


def _total(terms: Iterable[Fraction]) -> Fraction:
    total = Fraction(0)
    for term in terms:
        total += term
    return total


def _rounded(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


# ----------------------------------------------------------------- products


def prod(xs: Sequence[float]) -> float:
    """x₀ · x₁ · ..., mantissas and exponents apart, so that only the result can overflow or underflow."""
    return _assembled(_running_products(xs)[-1])


def prod_of_others(xs: Sequence[float]) -> list[float]:
    """For each i, the product of all but xᵢ; exact at zeros, where dividing the product by xᵢ is not."""
    before = _running_products(xs)
    after = _running_products(xs[::-1])[::-1]
    return [_assembled((a[0] * b[0], a[1] + b[1])) for a, b in zip(before[:-1], after[1:], strict=True)]


def _running_products(xs: Sequence[float]) -> list[tuple[float, int]]:
    """(mantissa, exponent) of the products of the first 0, 1, 2, ... numbers."""
    mantissa, exponent = 1.0, 0
    products = [(mantissa, exponent)]
    for m, e in map(frexp, xs):
        mantissa, carry = frexp(mantissa * m)
        exponent += e + carry
        products.append((mantissa, exponent))
    return products


def _assembled(product: tuple[float, int]) -> float:
    try:
        return ldexp(*product)
    except OverflowError:
        return inf if product[0] > 0 else -inf


# ------------------------------------------------------------------- powers


def cbrt(x: float) -> float:
    """∛x; a step of Newton's method takes the 3 ulp that some C libraries are off down to 1."""
    z = _cbrt(x)
    return z - (z - x / z / z) / 3.0 if z and isfinite(z) else z


def pow(x: float, y: float) -> float:
    """x ** y, and as there a ZeroDivisionError for a negative power of 0; a ValueError where it is complex."""
    try:
        return _pow(x, y)
    except ValueError:
        if x == 0.0:
            raise ZeroDivisionError("0 to a negative power") from None
        raise


def power_slope(z: float, x: float, y: float) -> float:
    """∂(x**y)/∂x = y·x**(y−1); y·z/x where y − 1 would round, as it does unless y is whole and below 2⁵³."""
    if y == 0.0:
        return 0.0
    if x != 0.0 and ((y != y // 1.0 and 1e-290 < abs(z) < inf) or abs(y) > 2.0**53):
        return y * (z / x)
    return y * pow(x, y - 1.0)


def exponent_slope(z: float, x: float, y: float) -> float:
    """∂(x**y)/∂y = z·ln(x); 0 at x = 0, nan for x < 0."""
    return z * log(x) if x > 0.0 else 0.0 if x == 0.0 else nan


# ------------------------------------------- the bell curve: rounding errors of its argument put back


def two_product(x: Any, y: Any) -> tuple[Any, Any]:
    """x·y and its rounding error, so that their sum is exact (Dekker 1971)."""
    high_x = 134217729.0 * x - (134217729.0 * x - x)
    high_y = 134217729.0 * y - (134217729.0 * y - y)
    low_x, low_y = x - high_x, y - high_y
    product = x * y
    return product, ((high_x * high_y - product) + high_x * low_y + low_x * high_y) + low_x * low_y


def exp_minus_square(x: float, scale: float = 1.0) -> float:
    """exp(−scale·x²). Without the rounding error of x² it would be 100 ulp off at x = 10."""
    if not -40.0 < x < 40.0:
        return 0.0 if x == x else nan
    square, error = two_product(x, x)
    return float(exp(-scale * square) * (1.0 - scale * error))


ROOT_HALF, ROOT_HALF_REST = sqrt(0.5), -4.833646656726457e-17  # their sum is √½ to 32 digits


def normal_distribution(x: float) -> float:
    """Φ(x) = erfc(−x/√2) / 2."""
    if not -40.0 < x < 40.0:
        return 0.0 if x < 0 else 1.0 if x > 0 else nan
    u, error = two_product(x, ROOT_HALF)
    return float(0.5 * erfc(-u) + (error + x * ROOT_HALF_REST) * exp(-u * u) / sqrt(pi))


# ------------------------------------------- the exponential family: shifted by the largest


def _exp_of_difference(x: float, y: float) -> float:
    """exp(x − y), with the rounding error of the difference put back (Knuth's two-sum)."""
    d = x - y
    if not isfinite(d):
        return exp(d)
    back = d - x
    error = (x - (d - back)) - (y + back)
    return exp(d) * (1.0 + error)


def _shifted_exps(xs: Sequence[float]) -> tuple[int, list[float]]:
    """Where the largest is, and exp(x − largest) for each."""
    top = max(xs)
    return xs.index(top), [_exp_of_difference(x, top) for x in xs]


def logsumexp(xs: Sequence[float]) -> float:
    """log Σ exp(xᵢ) = m + log1p(Σ of the others' exp(xᵢ − m)), m the largest."""
    top = max(xs)
    if not isfinite(top):
        return top
    k, exps = _shifted_exps(xs)
    return top + log1p(fsum(exps[:k] + exps[k + 1 :]))


def softmax(xs: Sequence[float]) -> tuple[float, ...]:
    """exp(xᵢ) / Σ exp(xⱼ)."""
    return _softmax(tuple(xs))


def log_softmax(xs: Sequence[float]) -> tuple[float, ...]:
    """xᵢ − log Σ exp(xⱼ), kept to the last digit also where the probability is nearly 1."""
    return _log_softmax(tuple(xs))


# Each of the n outputs of one softmax, and later each one's slopes, asks for the whole: it is remembered.


@lru_cache(maxsize=32)
def _softmax(xs: tuple[float, ...]) -> tuple[float, ...]:
    if not isfinite(max(xs)):
        return (nan,) * len(xs)
    _, exps = _shifted_exps(xs)
    total = fsum(exps)
    return tuple(e / total for e in exps)


@lru_cache(maxsize=32)
def _log_softmax(xs: tuple[float, ...]) -> tuple[float, ...]:
    top = max(xs)
    if not isfinite(top):
        return (nan,) * len(xs)
    k, exps = _shifted_exps(xs)
    rest = log1p(fsum(exps[:k] + exps[k + 1 :]))
    return tuple(sum((x, -top, -rest)) for x in xs)  # rounded once
