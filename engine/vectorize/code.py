"""The rules of the table, written as code: the fifth library in the place of `xp`.

>>> from engine.operation import TABLE
>>> x, z = Code("x"), Code("z")
>>> [str(slope) for slope in TABLE["sigmoid"].partials(rules, z, x)]
['sigmoid(x) * sigmoid(-x)']
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.operation import Operation
from engine.vectorize import kernels, stacking
from engine.vectorize.columns import Form
from engine.xp import arrays

LIBRARY = frozenset(name for library in (kernels, stacking, arrays) for name in dir(library))
NEEDED = LIBRARY | {  # names that source uses itself
    "parameters", "batch", "gradient", "wanted", "program", "parts", "trainable", "check", "inf", "nan", "len",
    "concatenate", "full", "ones", "zeros", "T", "reshape", "transpose", "take", "sum", "axis",
}  # fmt: skip

SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5  # how tightly an expression binds


class Code:
    """An expression.

    text     its text
    binds    how tightly it binds
    truth    whether it gives truths, which do not subtract
    uniform  whether it is one number, that stands for all examples
    """

    __slots__ = ("binds", "text", "truth", "uniform")
    __array_ufunc__ = None

    def __init__(self, text: str, binds: int = ATOM, truth: bool = False, uniform: bool = False) -> None:
        self.text, self.binds, self.truth, self.uniform = text, binds, truth, uniform

    def within(self, binds: int) -> str:
        """The text, in parentheses where it binds less tightly than that."""
        return self.text if self.binds >= binds else f"({self.text})"

    def number(self) -> Code:
        """The same, a number where it was a truth."""
        return Code(f"1.0 * {self.within(PRODUCT + 1)}", PRODUCT, uniform=self.uniform) if self.truth else self

    def __add__(self, other: Any) -> Code:
        return _infix("+", self, code(other), SUM)

    def __radd__(self, other: Any) -> Code:
        return _infix("+", code(other), self, SUM)

    def __sub__(self, other: Any) -> Code:
        return _infix("-", self, code(other), SUM)

    def __rsub__(self, other: Any) -> Code:
        return _infix("-", code(other), self, SUM)

    def __mul__(self, other: Any) -> Code:
        return _infix("*", self, code(other), PRODUCT)

    def __rmul__(self, other: Any) -> Code:
        return _infix("*", code(other), self, PRODUCT)

    def __truediv__(self, other: Any) -> Code:
        return _infix("/", self, code(other), PRODUCT)

    def __rtruediv__(self, other: Any) -> Code:
        return _infix("/", code(other), self, PRODUCT)

    def __pow__(self, other: Any) -> Code:
        other = code(other)
        return Code(f"{self.within(ATOM)} ** {other.within(SIGN)}", POWER, uniform=self.uniform and other.uniform)

    def __rpow__(self, other: Any) -> Code:
        return code(other) ** self

    def __neg__(self) -> Code:
        return Code(f"-{self.number().within(SIGN)}", SIGN, uniform=self.uniform)

    def __bool__(self) -> bool:
        raise TypeError("an expression is neither true nor false")

    def __str__(self) -> str:
        return self.text


def code(x: Any) -> Code:
    """A number as code; code as it is."""
    if isinstance(x, Code):
        return x
    return Code(repr(float(x)), ATOM if x >= 0 else SIGN, uniform=True)  # inf and nan are names


def _infix(sign: str, x: Code, y: Code, binds: int) -> Code:
    if sign == "*" and "1.0" in (x.text, y.text):  # 1 * x -> x
        return (y if x.text == "1.0" else x).number()
    if sign == "*" and y.text.startswith("1.0 / ") and y.binds == PRODUCT:  # x * (1 / y) -> x / y
        return Code(f"{x.number().within(PRODUCT)}{y.text[3:]}", PRODUCT, uniform=x.uniform and y.uniform)
    if binds == SUM or sign == "/":
        x, y = x.number(), y.number()
    tighter = binds if sign == "+" else binds + 1  # what the rule computes first stays first
    uniform = x.uniform and y.uniform
    return Code(f"{x.within(binds)} {sign} {y.within(tighter)}", binds, x.truth and y.truth, uniform)


_SIGNS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}


class _Rules:
    """The library: a function of the table is a call of it, a comparison is written with its sign."""

    def __getattr__(self, name: str) -> Callable[..., Code]:
        def call(*operands: Any) -> Code:
            if any(isinstance(x, list | tuple) for x in operands):
                raise TypeError("a list has no code of its own")
            if name in _SIGNS:
                x, y = map(code, operands)
                return Code(f"{x.within(SUM)} {_SIGNS[name]} {y.within(SUM)}", 0, True, x.uniform and y.uniform)
            if name == "pow":
                return code(operands[0]) ** code(operands[1])
            inside = [code(x) for x in operands]
            return Code(f"{name}({', '.join(map(str, inside))})", uniform=all(x.uniform for x in inside))

        return call


rules = _Rules()


def called(op: Operation | Form) -> str:
    """What an operation is called in source: its name, or another where that is a name that source needs.

    >>> from engine.operation import TABLE
    >>> called(TABLE["tanh"])
    'tanh'
    """
    own = isinstance(op, Form) or op.value.__module__ == "engine.ops"
    return op.name if own or op.name not in NEEDED else f"{op.name}_op"


def value_code(op: Operation, operands: Sequence[Code]) -> Code:
    """The operation applied to operands: x + y, exp(x)."""
    if isinstance(op.written, str) and op.binds < ATOM:
        result = op.value(rules, *operands)
        if isinstance(result, Code):
            return result.number()
    return Code(f"{called(op)}({', '.join(map(str, operands))})")


def slope_codes(op: Operation, z: Code, operands: Sequence[Code]) -> list[Code | None]:
    """∂z/∂x for each operand: the rule as code, or a call of a function of that name; None where it is always 0."""
    if op.name == "pow":
        power = _whole_power(operands)
        if power is not None:
            return [power, None]
    try:
        slopes = op.partials(rules, z, *operands)
        return [None if not isinstance(slope, Code) and slope == 0.0 else code(slope) for slope in slopes]
    except (TypeError, ValueError, ArithmeticError, AttributeError):  # a rule that calls math, or asks "if x > 0"
        inside, uniform = ", ".join(map(str, (z, *operands))), all(x.uniform for x in operands)
        return [Code(f"{called(op)}_slope{i}({inside})", uniform=uniform) for i in range(len(operands))]


def _whole_power(operands: Sequence[Code]) -> Code | None:
    """∂(x**n)/∂x = n·x**(n − 1) for a number n of which n − 1 has every digit; else None."""
    x, exponent = operands
    try:
        n = float(exponent.text)
    except ValueError:
        return None
    if n in (0.0, 1.0) or (n - 1.0) + 1.0 != n or abs(n) > 2.0**52:
        return None
    return n * x if n == 2.0 else n * x ** (n - 1.0)
