"""The exact answers: every operation of the table in mpmath, by its definition, to a thousand digits.

With that many digits no form is better than another: 1 / (1 + e⁻ˣ) is right at x = 750 too. A new operation needs
one line in `EXACT`. Its derivatives come from central differences, which that many digits make exact as well.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import mpmath as mp

import engine
from engine import TABLE, Value
from engine.rules import split

DIGITS = 1200  # enough for atan at 1e300, whose slope is 1e-600, and the step, which is 1e-482
STEP = mp.mpf(2) ** -1600  # so small that the slope of ∛x at 0 comes out beyond 2¹⁰²⁴, the end of floats
INDEXED = ("softmax", "log_softmax", "take")  # the last operand is a place in the list of the others

Exact = Callable[..., mp.mpf]

SCALE, ALPHA = "1.0507009873554804934193349852946", "1.6732632423543772848170429916717"  # of selu, as published


def _pow(x: mp.mpf, y: mp.mpf) -> mp.mpf:
    return x**y if x > 0 or y == mp.floor(y) else mp.mpf(0) if x == 0 and y > 0 else mp.nan


def _cbrt(x: mp.mpf) -> mp.mpf:
    return mp.sign(x) * mp.cbrt(abs(x))


def _sigmoid(x: mp.mpf) -> mp.mpf:
    return 1 / (1 + mp.exp(-x))


def _softplus(x: mp.mpf) -> mp.mpf:
    return mp.log(1 + mp.exp(x))


def _normal(x: mp.mpf) -> mp.mpf:
    return (1 + mp.erf(x / mp.sqrt(2))) / 2


def _elu(x: mp.mpf, alpha: mp.mpf) -> mp.mpf:
    return x if x > 0 else alpha * (mp.exp(x) - 1)


def _logsumexp(*xs: mp.mpf) -> mp.mpf:
    return mp.log(mp.fsum(map(mp.exp, xs)))


def _products(*operands: mp.mpf) -> list[mp.mpf]:
    n = len(operands) // 2
    return [w * x for w, x in zip(operands[:n], operands[n : 2 * n], strict=True)] + list(operands[2 * n :])


def _mean(*xs: mp.mpf) -> mp.mpf:
    return mp.fsum(xs) / len(xs)


def _product_rule(f: Exact) -> Exact:
    """The larger term of (x·f)′ = f + x·f′, for an f that rises from 0 to 1."""
    return lambda x: max(f(x), -x * mp.diff(f, x)) if -5 < x < 0 else abs(x) * sys.float_info.min


# fmt: off
EXACT: dict[str, Exact] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": _pow,
    "abs": lambda x: abs(x),
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "log": mp.log,
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sqrt": mp.sqrt,
    "cbrt": _cbrt,
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "erf": mp.erf,
    "erfc": lambda x: 1 - mp.erf(x),
    "maximum": lambda x, y: max(x, y),
    "minimum": lambda x, y: min(x, y),
    "where": lambda condition, x, y: x if condition else y,
    "clip": lambda x, low, high: min(max(x, low), high),
    "greater": lambda x, y: mp.mpf(x > y),
    "greater_equal": lambda x, y: mp.mpf(x >= y),
    "less": lambda x, y: mp.mpf(x < y),
    "less_equal": lambda x, y: mp.mpf(x <= y),
    "equal": lambda x, y: mp.mpf(x == y),
    "not_equal": lambda x, y: mp.mpf(x != y),
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": _elu,
    "selu": lambda x: mp.mpf(SCALE) * _elu(x, mp.mpf(ALPHA)),
    "gelu": lambda x: x * _normal(x),
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: -_softplus(-x),
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "mish": lambda x: x * mp.tanh(_softplus(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "logaddexp": _logsumexp,
    "dot": lambda *operands: mp.fsum(_products(*operands)),
    "sum": lambda *xs: mp.fsum(xs),
    "var": lambda *xs: mp.fsum((x - _mean(*xs)) ** 2 for x in xs) / len(xs),
    "take": lambda *operands: operands[round(operands[-1])],
    "softmax": lambda *operands: mp.exp(operands[round(operands[-1])] - _logsumexp(*operands[:-1])),
    "log_softmax": lambda *operands: operands[round(operands[-1])] - _logsumexp(*operands[:-1]),
    "mean": _mean,
    "prod": lambda *xs: mp.fprod(xs),
    "max": lambda *xs: max(xs),
    "min": lambda *xs: min(xs),
    "logsumexp": _logsumexp,
}

# Next to a zero that comes from terms taking each other away, a relative error means little; nor does it where a
# factor is subnormal (below 2e-308 floats have fewer digits). There the error is measured in the last place of these.
TERMS: dict[str, Exact] = {
    "dot":       lambda *operands: max(map(abs, _products(*operands))),  # each product is rounded
    "gelu":      lambda x: abs(x) * sys.float_info.min,                  # x·Φ: Φ is subnormal at -37.5
    "logaddexp": lambda x, y: abs(max(x, y)),                            # max + log1p(...)
    "logsumexp": lambda *xs: abs(max(xs)),
}
SLOPE_TERMS: dict[str, Exact] = {
    "gelu": _product_rule(_normal),                               # 0 at -0.75
    "mish": _product_rule(lambda x: mp.tanh(_softplus(x))),       # 0 at -1.19
    "pow":  lambda x, y: abs(y) * sys.float_info.min,             # y·x**(y−1)
    "silu": _product_rule(_sigmoid),                              # 0 at -1.28
}
# fmt: on


def exact(name: str, operands: Sequence[float]) -> mp.mpf:
    """The value of an operation."""
    with mp.workdps(DIGITS):
        return EXACT[name](*map(mp.mpf, operands))


def term(table: dict[str, Exact], name: str, operands: Sequence[float]) -> float:
    """The largest term, 0.0 where the table has none."""
    return float(table[name](*map(mp.mpf, operands))) if name in table else 0.0


def exact_slope(name: str, operands: Sequence[float], i: int) -> mp.mpf | None:
    """∂z/∂(operand i), None at the edge of the domain. At a kink it is the mean of the two sides' slopes."""
    with mp.workdps(DIGITS):
        xs = list(map(mp.mpf, operands))
        h = STEP * min(abs(xs[i]) or 1, 1)
        right, left = (EXACT[name](*xs[:i], xs[i] + step, *xs[i + 1 :]) for step in (h, -h))
        return (right - left) / (2 * h) if _real(right) and _real(left) else None


def exact_derivative(name: str, operands: Sequence[float], orders: Sequence[int]) -> mp.mpf:
    """A higher derivative, at operands of everyday size: orders (1, 1) means ∂²z/∂x∂y."""
    with mp.workdps(50):
        return mp.diff(EXACT[name], tuple(map(mp.mpf, operands)), tuple(orders))


def _real(z: mp.mpf) -> bool:
    return isinstance(z, mp.mpf) and not mp.isnan(z)


BEYOND = mp.mpf(2) ** 1024  # the first number that is inf as a float


def ulps(got: float, true: mp.mpf, term: float = 0.0) -> float:
    """How far `got` is from the truth, in units in the last place of the truth, or of a term if that is larger."""
    if math.isnan(got) or mp.isnan(true):
        return 0.0 if math.isnan(got) and mp.isnan(true) else math.inf
    with mp.workdps(DIGITS):
        true = max(min(true, BEYOND), -BEYOND)
        error = abs((math.copysign(1, got) * BEYOND if math.isinf(got) else mp.mpf(got)) - true)
        unit = math.ulp(min(float(max(abs(true), term)), sys.float_info.max))
        return float(error / unit)


# ------------------------------------------------------------------------------- operands to try


def applied(name: str, operands: Sequence[Any]) -> Any:
    """The operation, as users call it: `engine.dot(ws, xs, bias)`, `engine.take(xs, index)`, `engine.sum(xs)`."""
    function = getattr(engine, name)
    if name == "dot":
        return function(*split(operands))
    if name == "take":
        return function(operands[:-1], operands[-1])
    if name in INDEXED:
        return function(operands[:-1])[int(operands[-1])]
    return function(operands) if TABLE[name].any_number else function(*operands)


def on_values(name: str, operands: Sequence[float]) -> tuple[Value, list[Value]]:
    """The result as a Value, and the leaves that have slopes (an index has none)."""
    leaves = list(map(Value, operands[:-1] if name in INDEXED else operands))
    return applied(name, [*leaves, int(operands[-1])] if name in INDEXED else leaves), leaves


def moderate(name: str, n: int = 12, seed: int = 0, within: float = 3.0) -> list[list[float]]:
    """Operands of everyday size, away from the edges of the domain."""
    rng = random.Random(f"{name} {seed}")
    return list(islice(_allowed(name, rng, lambda: rng.uniform(-within, within)), n))


BY_HAND = [
    0.0,
    1e-300,
    1e-20,
    1e-8,
    0.3,
    0.5,
    1 - 2**-53,
    1.0,
    1 + 2**-52,
    2.0,
    3.0,
    10.0,
    20.0,
    40.0,
    700.0,
    1e8,
    1e200,
]


def everywhere(name: str, n: int = 60, seed: int = 0) -> list[list[float]]:
    """Operands of every size, from 1e-300 to 1e300 (1e-100 to 1e100 in a list), each with its own size and sign."""
    rng = random.Random(f"{name} {seed}")
    size = 100 if TABLE[name].any_number else 300

    def one() -> float:
        if rng.random() < 0.2:
            return rng.choice((-1, 1)) * rng.choice(BY_HAND) + 0.0  # mpmath has no -0.0
        if rng.random() < 0.6:
            return rng.uniform(-1, 1) * rng.choice((1, 5, 50, 750))
        return rng.choice((-1, 1)) * 10 ** (rng.uniform(-1, 1) * rng.choice((20, size)))

    by_hand = [[sign * x + 0.0] for x in BY_HAND for sign in (1, -1)] if _count(name) == 1 else []
    drawn = _allowed(name, rng, one)
    return [xs for xs in by_hand if inside(name, xs)] + list(islice(drawn, n))


def inside(name: str, operands: Sequence[float]) -> bool:
    """Whether the operation has a value there."""
    domain = TABLE[name].domain
    return domain is None or bool(domain(*operands))


def at_kink(name: str, operands: Sequence[float]) -> bool:
    """Whether the slopes there are a matter of a rule."""
    kinks = TABLE[name].kinks
    return kinks is not None and 0 in kinks(*operands)


def _allowed(name: str, rng: random.Random, draw: Callable[[], float]) -> Iterator[list[float]]:
    while True:
        xs = [draw() for _ in range(_count(name))]
        if name in INDEXED:
            xs[-1] = 1.0
        if inside(name, xs):
            yield xs


def _count(name: str) -> int:
    return 5 if TABLE[name].any_number else len(TABLE[name].operands)
