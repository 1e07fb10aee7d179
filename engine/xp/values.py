"""The library `xp` for Values: the engine's own functions, so that derivatives are graphs again."""

from collections.abc import Sequence
from math import nan
from typing import Any

from engine.functions import *  # noqa: F403
from engine.functions import equal, erfc, exp, log, mean, pow, sqrt, where

# The names that rules use and that are no operations of the table.


def one_hot(index: Any, n: int) -> tuple[float, ...]:
    """1.0 at `index` (which may count from the end, as in a list), 0.0 elsewhere."""
    hot = int(index) % n
    return tuple(1.0 if i == hot else 0.0 for i in range(n))


def centred(xs: Sequence[Any]) -> list[Any]:
    """xᵢ − mean."""
    m = mean(xs)
    return [x - m for x in xs]


def prod_of_others(xs: Sequence[Any]) -> list[Any]:
    """For each i, the product of all but xᵢ, from running products of those before and those after."""
    before, after = [1.0], [1.0]
    for x in xs[:-1]:
        before.append(before[-1] * x)
    for x in xs[:0:-1]:
        after.append(after[-1] * x)
    return [b * a for b, a in zip(before, reversed(after), strict=True)]


def power_slope(z: Any, x: Any, y: Any) -> Any:
    """∂(x**y)/∂x = y·x**(y−1), which is 0 for y = 0, also at x = 0."""
    if not y.requires_grad:
        return y * pow(x, y.data - 1.0) if y.data else 0.0
    origin = equal(x, 0.0) * equal(y, 0.0)
    return where(origin, 0.0, y * pow(where(origin, 1.0, x), y - 1.0))


def exponent_slope(z: Any, x: Any, y: Any) -> Any:
    """∂(x**y)/∂y = z·ln(x); 0 at x = 0, nan for x < 0."""
    if not y.requires_grad:
        return 0.0
    return z * log(x) if x.data > 0 else 0.0 if x.data == 0 else nan


def exp_minus_square(x: Any, scale: float = 1.0) -> Any:
    """exp(−scale·x²)."""
    return exp(-scale * x * x)


def normal_distribution(x: Any) -> Any:
    """Φ(x) = erfc(−x/√2) / 2."""
    return 0.5 * erfc(x / -sqrt(2.0))
