"""The library `xp` of the complex step: numbers x + i·y with a y so small that y² is nothing beside x.

A rule that is computed by analytic functions alone carries the imaginary part along: Im f(x + ih)/h is f′(x), with
no difference taken and so no digit lost (Squire and Trapp 1998). Whatever else a rule does to such a number ends
it with NotAnalyticError or another TypeError, never with a number: abs, a comparison, `if`, float, maximum, where
with a condition that depends on it, erf (NumPy has no complex one), NumPy's own functions, math's. So whether the
complex step is valid is decided by how a rule is computed, not by its mathematics.

The real parts are those of `engine.xp.arrays`, nan outside of a domain. The imaginary parts come from NumPy's complex
functions; they are nan at a branch point, where a slope is not finite, and where y is no longer small.

Glossary: x, y the real and the imaginary part; z a number; xs a list of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np

from engine.xp import arrays as _arrays

arrays: Any = _arrays

SMALL = 1e-9  # y beside the distance to the next singularity: its square is below the last digit


class NotAnalyticError(TypeError):
    """Something was done to a number of the complex step that is not an analytic function of it."""


def _ends(what: str) -> Callable[..., NoReturn]:
    def method(*_: Any) -> NoReturn:
        raise NotAnalyticError(f"{what} is not analytic")

    return method


class Analytic:
    """x + i·y, for arrays x and y. It has + − × / and powers; anything else is NotAnalyticError or a TypeError."""

    __slots__ = ("_x", "_y")
    __array_ufunc__ = None  # NumPy's functions refuse it, and its numbers and arrays leave the operators to us
    __hash__: ClassVar[Any] = None

    def __init__(self, x: Any, y: Any) -> None:
        self._x, self._y = x, y

    def __add__(self, other: Any) -> Any:
        parts = _parts(other)
        return NotImplemented if parts is None else Analytic(self._x + parts[0], self._y + parts[1])

    def __sub__(self, other: Any) -> Any:
        parts = _parts(other)
        return NotImplemented if parts is None else Analytic(self._x - parts[0], self._y - parts[1])

    def __rsub__(self, other: Any) -> Any:
        parts = _parts(other)
        return NotImplemented if parts is None else Analytic(parts[0] - self._x, parts[1] - self._y)

    def __mul__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None:
            return NotImplemented
        x, y = parts
        return Analytic(self._x * x, self._y * x + self._x * y)  # and −y·y, which is nothing

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if _parts(other) is None else _divided(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if _parts(other) is None else _divided(other, self)

    def __pow__(self, other: Any) -> Any:
        return NotImplemented if _parts(other) is None else pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return NotImplemented if _parts(other) is None else pow(other, self)

    def __neg__(self) -> Analytic:
        return Analytic(-self._x, -self._y)

    def __pos__(self) -> Analytic:
        return self

    __radd__, __rmul__ = __add__, __mul__
    __abs__ = _ends("abs")
    __bool__ = _ends("bool (if, and, or, not)")
    __float__, __int__, __complex__, __index__ = map(_ends, ("float", "int", "complex", "an index"))
    __round__, __floor__, __ceil__, __trunc__ = map(_ends, ("round", "floor", "ceil", "trunc"))
    __floordiv__, __rfloordiv__, __mod__, __rmod__ = map(_ends, ("//", "//", "%", "%"))
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _ends("a comparison")
    __array__ = _ends("a NumPy array")


def stepped(x: Any, y: Any) -> Analytic:
    """The number x + i·y."""
    return Analytic(np.asarray(x, float), np.asarray(y, float))


def parts(z: Any) -> tuple[Any, Any]:
    """(x, y) of a number of the complex step, (x, 0) of a plain one.

    Raises:
        NotAnalyticError: for what is neither.
    """
    found = _parts(z)
    if found is None:
        raise NotAnalyticError(f"a {type(z).__name__} is no number of the complex step")
    return found


def _parts(z: Any) -> tuple[Any, Any] | None:
    if isinstance(z, Analytic):
        return z._x, z._y
    if isinstance(z, (bool, int, float, np.bool_, np.integer, np.floating)):
        return np.float64(z), 0.0
    if isinstance(z, np.ndarray) and z.dtype.kind in "biuf":
        return z.astype(float), 0.0
    return None


def _divided(a: Any, b: Any) -> Analytic:
    (x, y), (u, v) = parts(a), parts(b)
    return Analytic(x / u, _small(((x + 1j * y) / (u + 1j * v)).imag, v, u))


def _small(imaginary: Any, y: Any, distance: Any) -> Any:
    """The imaginary part, nan unless y is small beside the distance to the next singularity."""
    return np.where(np.abs(y) <= SMALL * np.abs(distance), imaginary, np.nan)


# ------------------------------------------------------------------------- functions of one number


def _function(real: Any, complex_: Any, distance: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of the real part by `real`, of the imaginary part by `complex_`; distance to its singularities."""

    def function(z: Any) -> Any:
        if not isinstance(z, Analytic):
            return real(z)
        value = real(z._x)
        imaginary = complex_(z._x + 1j * z._y).imag
        return Analytic(value, np.where(np.isnan(value), np.nan, _small(imaginary, z._y, distance(z._x))))

    function.__doc__ = f"{real.__name__} of a number of the complex step; of a plain number as in `engine.xp.arrays`."
    return function


def _real_cbrt(z: Any) -> Any:
    """∛z beside the real root: that times exp(i·φ/3), φ the angle of z from the side of the axis where it lies."""
    side = np.where(z.real < 0, -1.0, 1.0)
    return arrays.cbrt(z.real) * np.exp(1j * np.log(side * z).imag / 3.0)


def _tanh(z: Any) -> Any:
    """(1 − e)/(1 + e), e = exp(−2z), on the side where e ≤ 1."""
    sign = np.where(z.real < 0, -1.0, 1.0)
    e = np.exp(-2.0 * sign * z)
    return sign * (1.0 - e) / (1.0 + e)


def _from_0(x: Any) -> Any:
    return x


def _from_1(x: Any) -> Any:
    return 1.0 - np.abs(x)


def _nowhere(x: Any) -> Any:
    return 1.0


exp = _function(arrays.exp, np.exp, _nowhere)
expm1 = _function(arrays.expm1, np.exp, _nowhere)
log = _function(arrays.log, np.log, _from_0)
log1p = _function(arrays.log1p, lambda z: np.log(1.0 + z), lambda x: 1.0 + x)
log2 = _function(arrays.log2, np.log2, _from_0)
log10 = _function(arrays.log10, np.log10, _from_0)
sqrt = _function(arrays.sqrt, np.sqrt, _from_0)
cbrt = _function(arrays.cbrt, _real_cbrt, _from_0)
sin = _function(arrays.sin, np.sin, _nowhere)
cos = _function(arrays.cos, np.cos, _nowhere)
tan = _function(arrays.tan, np.tan, _nowhere)
asin = _function(arrays.asin, np.arcsin, _from_1)
acos = _function(arrays.acos, np.arccos, _from_1)
atan = _function(arrays.atan, np.arctan, _nowhere)
sinh = _function(arrays.sinh, np.sinh, _nowhere)
cosh = _function(arrays.cosh, np.cosh, _nowhere)
tanh = _function(arrays.tanh, _tanh, _nowhere)
asinh = _function(arrays.asinh, np.arcsinh, _nowhere)
acosh = _function(arrays.acosh, np.arccosh, _from_1)
atanh = _function(arrays.atanh, np.arctanh, _from_1)


# ------------------------------------------------------------------------- functions of two numbers


def pow(a: Any, b: Any) -> Any:
    """a ** b = exp(b·ln a); of a negative a for a whole b that is not stepped; at a = 0 for a constant b >= 1 or 0."""
    (x, y), (u, v) = parts(a), parts(b)
    if not isinstance(a, Analytic) and not isinstance(b, Analytic):
        return arrays.pow(x, u)
    value = arrays.pow(x, u)
    fixed = np.asarray(v) == 0.0
    turn = _small(np.log(np.abs(x) + 1j * np.where(x < 0, -1.0, 1.0) * y).imag, y, x)  # of ln a
    imaginary = np.where(u == 0.0, 0.0, value * u * turn) + np.where(fixed, 0.0, value * v * np.log(x))
    at_0 = np.where(fixed, np.where(u == 1.0, y, np.where((u == 0.0) | (u > 1.0), 0.0, np.nan)), np.nan)
    return Analytic(value, np.where(x == 0.0, at_0, imaginary))


power = pow


def hypot(a: Any, b: Any) -> Any:
    """√(a² + b²): its imaginary part is that of a² + b² over 2·√, divided first, so that nothing overflows."""
    (x, y), (u, v) = parts(a), parts(b)
    value = arrays.hypot(x, u)
    if not isinstance(a, Analytic) and not isinstance(b, Analytic):
        return value
    return Analytic(value, _small(x / value * y + u / value * v, np.abs(y) + np.abs(v), value))


def atan2(a: Any, b: Any) -> Any:
    """The angle of the point (b, a): atan(a/b) or −atan(b/a), and a constant. It jumps at a = 0, b < 0."""
    (x, y), (u, v) = parts(a), parts(b)
    value = arrays.atan2(x, u)
    if not isinstance(a, Analytic) and not isinstance(b, Analytic):
        return value
    flat = np.abs(u) >= np.abs(x)
    above, below = np.where(flat, x + 1j * y, u + 1j * v), np.where(flat, u + 1j * v, x + 1j * y)
    imaginary = np.where(flat, 1.0, -1.0) * np.arctan(above / below).imag
    jumps = (x == 0.0) & (u <= 0.0)
    return Analytic(
        value, np.where(jumps, np.nan, _small(imaginary, np.abs(y) + np.abs(v), np.maximum(abs(x), abs(u))))
    )


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition, which is not stepped, is not 0, else `b`."""
    if isinstance(condition, Analytic):
        raise NotAnalyticError("where, with a condition that depends on the input, is not analytic")
    if not isinstance(a, Analytic) and not isinstance(b, Analytic):
        return arrays.where(condition, a, b)
    (x, y), (u, v) = parts(a), parts(b)
    return Analytic(arrays.where(condition, x, u), arrays.where(condition, y, v))


# ------------------------------------------------------------------------- functions of lists


def _lists(xs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    pairs = [parts(x) for x in xs]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _is_stepped(xs: Sequence[Any]) -> bool:
    return any(isinstance(x, Analytic) for x in xs)


def sum(xs: Sequence[Any]) -> Any:
    """x₀ + x₁ + ..."""
    if not _is_stepped(xs):
        return arrays.sum(xs)
    x, y = _lists(xs)
    return Analytic(arrays.sum(x), arrays.sum(y))


def dot(ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> Any:
    """w₀·x₀ + w₁·x₁ + ... + bias."""
    products = [w * x for w, x in zip(ws, xs, strict=True)]
    total = sum(products) if products else np.float64(0.0)
    return total if bias is None else total + bias


def mean(xs: Sequence[Any]) -> Any:
    """(x₀ + ... + xₙ₋₁) / n."""
    if not _is_stepped(xs):
        return arrays.mean(xs)
    x, y = _lists(xs)
    return Analytic(arrays.mean(x), arrays.mean(y))


def var(xs: Sequence[Any]) -> Any:
    """Σ (xᵢ − mean)² / n."""
    return mean([d * d for d in centred(xs)])


def centred(xs: Sequence[Any]) -> Any:
    """xᵢ − mean."""
    if not _is_stepped(xs):
        return arrays.centred(xs)
    x, y = _lists(xs)
    return [Analytic(u, v) for u, v in zip(arrays.centred(x), arrays.centred(y), strict=True)]


def prod(xs: Sequence[Any]) -> Any:
    """x₀ · x₁ · ...: its imaginary part is Σ yᵢ · (the product of the others)."""
    if not _is_stepped(xs):
        return arrays.prod(xs)
    x, y = _lists(xs)
    shares = [v * others for v, others in zip(y, arrays.prod_of_others(x), strict=True)]
    return Analytic(arrays.prod(x), arrays.sum(shares))


def prod_of_others(xs: Sequence[Any]) -> list[Any]:
    """For each i, the product of all but xᵢ."""
    return [prod([*xs[:i], *xs[i + 1 :]]) if len(xs) > 1 else np.float64(1.0) for i in range(len(xs))]


def take(xs: Sequence[Any], index: Any) -> Any:
    """`xs[index]`, the index one whole number that is not stepped."""
    if isinstance(index, Analytic):
        raise NotAnalyticError("an index that depends on the input is not analytic")
    place = float(index)
    if place != int(place) or not -len(xs) <= place < len(xs):
        return np.float64(np.nan)
    return xs[int(place)]


def __getattr__(name: str) -> Callable[..., Any]:
    """Everything else that `arrays` has: of plain numbers as there, of the complex step not at all."""
    function = vars(arrays).get(name)
    if name.startswith("_") or not callable(function):
        raise AttributeError(f"the complex step has no {name!r}")

    def plain(*operands: Any) -> Any:
        for operand in operands:
            if isinstance(operand, Analytic) or (isinstance(operand, (list, tuple)) and _is_stepped(operand)):
                raise NotAnalyticError(f"{name} is not analytic")
        return function(*operands)

    return plain
