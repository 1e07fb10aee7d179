"""What an operation is: a record with its rule, and the function that applies it.

    sin = op("sin", "sin(x)", lambda xp, x: xp.sin(x), lambda xp, z, x: (xp.cos(x),))

`op` files the record in `TABLE` under its name and returns the function `sin(x)`. The rules are run with
four libraries in the place of `xp`: floats, arrays, Values, and (through Values) text. The table itself
is in `engine.ops`; read that next.

Glossary: x, y operands; xs a list of operands; z the result; xp the library that computes a rule.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from numbers import Real
from types import ModuleType
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from engine.xp import arrays as _arrays
from engine.xp import floats as _floats

Rule = Callable[..., Any]
Number = float | Fraction | np.floating[Any] | np.integer[Any] | np.bool_


class DomainError(ValueError):
    """A finite operand for which the operation has no real value, as in log(-0.3)."""


class DivisionByZeroError(DomainError, ZeroDivisionError):
    """A division of a finite number by 0."""


class Recorder:
    """Whatever wants to be asked when an operation is applied to it. `engine.Value` is one.

    `record(op, operands)` gives the result; at least one of the operands is a Recorder.
    """

    __slots__ = ()

    @staticmethod
    def record(op: Operation, operands: Sequence[Any]) -> Any:
        raise NotImplementedError("a Recorder says how an operation on it is recorded")


# ------------------------------------------------------------------- the record


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of the table.

    name      as users call it
    doc       the formula, the range, the rule at a kink, the source
    value     value(xp, x, ...) gives the result z
    partials  partials(xp, z, x, ...) gives ∂z/∂x for each operand, in a form that keeps the digits
    textbook  the same in the form of a textbook, for display; None where `partials` is that form
    symbol    the label in a drawing
    written   how it is written: a template of the operands, or a function of them; None for name(x, y)
    binds     how tightly it is written: 1 sums, 2 products, 3 signs, 4 powers, 5 names and calls
    domain    domain(x, ...) says whether finite operands have a real value; None for all of them
    needs     the domain in words, and what to do instead
    kinks     kinks(x, ...) gives the quantities whose zeros are kinks or jumps; None where it is smooth
    operands  the names of the operands; a name with a star takes any number
    """

    name: str
    doc: str
    value: Rule
    partials: Rule
    textbook: Rule | None = None
    symbol: str = ""
    written: str | Callable[..., str] | None = None
    binds: int = 5
    domain: Callable[..., Any] | None = None
    needs: str = ""
    kinks: Callable[..., Sequence[Any]] | None = None
    operands: tuple[str, ...] = field(default=())

    @property
    def any_number(self) -> bool:
        """Whether the operation takes a list."""
        return any(name.startswith("*") for name in self.operands)

    def evaluate(self, numbers: Sequence[float], operands: Sequence[Any] = ()) -> float:
        """z for floats: the rule on `math`; inf or nan where IEEE arithmetic gives them.

        Python's `math` raises both where the mathematics has no value and where a float has no room. The
        first is a DomainError, which names the operands (nodes may be given for their names); the second,
        and whatever begins with an inf or a nan, is computed by NumPy's rules.
        """
        try:
            return self.value(floats, *numbers)  # type: ignore[no-any-return]
        except (ArithmeticError, ValueError) as error:
            if self.domain and all(map(isfinite, numbers)) and not self.domain(*numbers):
                kind = DivisionByZeroError if isinstance(error, ZeroDivisionError) else DomainError
                raise kind(self._outside(numbers, operands)) from None
            with np.errstate(all="ignore"):
                return float(self.value(arrays, *map(np.float64, numbers)))

    def slopes(self, z: float, numbers: Sequence[float]) -> Sequence[float]:
        """∂z/∂x for each operand, on floats; inf or nan where IEEE arithmetic gives them."""
        try:
            return self.partials(floats, z, *numbers)  # type: ignore[no-any-return]
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return [float(d) for d in self.partials(arrays, np.float64(z), *map(np.float64, numbers))]

    def write(self, operands: Sequence[str]) -> str:
        """The operation applied to operands that are texts."""
        if callable(self.written):
            return self.written(*operands)
        if self.written:
            return self.written.format(*operands)
        inside = ", ".join(operands)
        return f"{self.name}([{inside}])" if self.any_number else f"{self.name}({inside})"

    def _outside(self, numbers: Sequence[float], operands: Sequence[Any]) -> str:
        call = self.write([f"({x!r})" if self.binds < 5 and x < 0 else repr(x) for x in numbers])
        names = [repr(name) for name in (getattr(operand, "name", None) for operand in operands) if name]
        nodes = f" (node{'s' * (len(names) > 1)} {', '.join(names)})" if names else ""
        needs, _, cure = self.needs.partition("; ")
        return f"{call}: {self.name} needs {needs}{nodes}{'; ' + cure if cure else ''}"

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


TABLE: dict[str, Operation] = {}


def _named(name: str) -> Operation:
    return TABLE[name]


class Library:
    """The `xp` of a rule: the functions of one library, and for what it lacks the table's own rules."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._module, name, None)
        if function is None:
            if name not in TABLE:
                raise AttributeError(f"neither {self._module.__name__} nor the table of operations has {name!r}")
            listed = TABLE[name].any_number

            def function(*operands: Any) -> Any:
                return TABLE[name].value(self, *(operands[0] if listed else operands))

        setattr(self, name, function)
        return function


floats = Library(_floats)
arrays = Library(_arrays)


# --------------------------------------------------------------- plain numbers


def as_float(x: Any) -> float:
    """The float of a plain number: int, float, bool, NumPy scalar or Fraction.

    Raises:
        TypeError: for anything else, with what to do instead.
        OverflowError: for an int or Fraction beyond 1.8e308.
    """
    if type(x) is float:
        return x
    if isinstance(x, Real | np.bool_):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError("a number beyond the range of a float, 1.8e308") from None
    raise TypeError(f"expected a number or a Value, not {_described(x)}")


def _described(x: Any) -> str:
    kind = type(x).__name__
    if x is None:
        return "None; does a function lack its return?"
    if isinstance(x, (str, bytes)):
        return f"the {kind} {x!r}; convert it first: float({x!r})"
    if isinstance(x, (complex, np.complexfloating)):
        return f"the complex number {x!r}; the engine computes with real numbers: give its .real and .imag"
    if isinstance(x, (list, tuple, np.ndarray)) or hasattr(x, "__array__") or hasattr(x, "__iter__"):
        return f"a whole {kind}; a Value is one number: make one for each entry, as in [Value(v) for v in xs]"
    return f"a {kind}: {x!r}"


# ------------------------------------------------------------------- functions

R = TypeVar("R", bound=Recorder)


class Unary(Protocol):
    """f(x), of a Value or of a plain number."""

    op: Operation

    @overload
    def __call__(self, x: R) -> R: ...
    @overload
    def __call__(self, x: Number) -> float: ...


class Function(Protocol):
    """f(x, y, ...), of Values or plain numbers in any mixture."""

    op: Operation

    def __call__(self, *operands: Any, **named: Any) -> Any: ...


class Reduction(Protocol):
    """f(xs), of a list of Values or plain numbers in any mixture."""

    op: Operation

    @overload
    def __call__(self, xs: Sequence[R]) -> R: ...
    @overload
    def __call__(self, xs: Sequence[Any]) -> Any: ...


def apply(op: Operation, operands: Sequence[Any]) -> Any:
    """The operation on operands of any kind: recorded if one of them records, else a float."""
    for operand in operands:
        if isinstance(operand, Recorder):
            return operand.record(op, operands)
    return op.evaluate([as_float(x) for x in operands])


def listed(name: str, xs: Any, at_least: int = 1) -> list[Any]:
    """`xs` as a list, or an error that says what the function takes."""
    if isinstance(xs, (str, bytes, Recorder)) or not hasattr(xs, "__iter__"):
        raise TypeError(f"{name} takes one list of Values or numbers, not {xs!r}")
    items = list(xs)
    if len(items) < at_least:
        raise ValueError(f"{name} needs at least {at_least} value{'s' * (at_least > 1)}, and got {len(items)}")
    return items


def define(
    name: str,
    doc: str,
    value: Rule,
    partials: Rule,
    **more: Any,
) -> Operation:
    """File an operation in the table. The names of its operands are those of its value rule."""
    if name in TABLE:
        raise ValueError(f"there is an operation {name!r} already; choose another name")
    parameters = list(inspect.signature(value).parameters.values())[1:]
    operands = tuple("*" + p.name if p.kind is p.VAR_POSITIONAL else p.name for p in parameters)
    more.setdefault("symbol", name)
    TABLE[name] = Operation(name, doc, value, partials, operands=operands, **more)
    return TABLE[name]


def unary(name: str, doc: str, value: Rule, partials: Rule, **more: Any) -> Unary:
    """An operation of one operand, and its function."""
    record = define(name, doc, value, partials, **more)

    def function(x: Any) -> Any:
        return x.record(record, (x,)) if isinstance(x, Recorder) else record.evaluate((as_float(x),))

    return _published(function, record)  # type: ignore[no-any-return]


def op(name: str, doc: str, value: Rule, partials: Rule, **more: Any) -> Function:
    """An operation of several operands, and its function; a default of the rule is a default of the function."""
    record = define(name, doc, value, partials, **more)
    _, *parameters = inspect.signature(value).parameters.values()
    signature = inspect.Signature(parameters)

    def function(*operands: Any, **named: Any) -> Any:
        if named or len(operands) != len(parameters):
            try:
                bound = signature.bind(*operands, **named)
            except TypeError as error:
                raise TypeError(f"{name}{signature}: {error}") from None
            bound.apply_defaults()
            operands = bound.args
        return apply(record, operands)

    function.__signature__ = signature  # type: ignore[attr-defined]
    return _published(function, record)  # type: ignore[no-any-return]


def reduction(name: str, doc: str, value: Rule, partials: Rule, *, at_least: int = 1, **more: Any) -> Reduction:
    """An operation on a list of operands, and its function."""
    record = define(name, doc, value, partials, **more)

    def function(xs: Any) -> Any:
        return apply(record, listed(name, xs, at_least))

    return _published(function, record)  # type: ignore[no-any-return]


def define_op(
    name: str,
    value: Any,
    partials: Any,
    doc: Any = "",
    *,
    textbook: Rule | None = None,
    symbol: str = "",
    written: str | Callable[..., str] | None = None,
    binds: int = 5,
    domain: Callable[..., Any] | None = None,
    needs: str = "",
    kinks: Callable[..., Sequence[Any]] | None = None,
    replace: bool = False,
) -> Any:
    """Add an operation to the table, and get its function: at once differentiable, checkable, drawable and printable.

    value      value(xp, x, ...) gives the result, by the operators and functions of the library xp (xp.exp, xp.where,
               xp.sigmoid: any operation of the table); value(xp, *xs) makes an operation on a list
    partials   partials(xp, z, x, ...) gives a tuple with ∂z/∂x for each operand (of one operand: the number alone will
               do), by xp again, so that they can be differentiated, too
    doc        what it computes, for the reader; it may also stand second, as in the entries of the table
    replace    take the place of an earlier definition, as in a notebook's cell that is run again

    The other fields are those of `Operation`. Ask `check_grads` whether the partials are right.

    Raises:
        ValueError: for a name that is no Python name, or is taken.
        TypeError: if the two rules do not take the operands that they should.

    >>> cube = define_op("cube", lambda xp, x: x * x * x, lambda xp, z, x: 3.0 * x * x)
    >>> cube(2.0)
    8.0
    >>> del TABLE["cube"]
    """
    if isinstance(value, str):
        value, partials, doc = partials, doc, value
    if not (callable(value) and callable(partials)):
        raise TypeError(f"an operation has two rules, value and partials; {name} has {value!r} and {partials!r}")
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"the name of an operation is a Python name, such as 'softsquare', not {name!r}")
    if replace and name in TABLE:
        if TABLE[name].partials.__module__ != __name__:  # those of define_op are wrapped here
            raise ValueError(f"{name!r} is one of the engine's own operations; choose another name")
        del TABLE[name]
    operands = list(inspect.signature(value).parameters.values())[1:]
    if not operands or any(p.kind is p.KEYWORD_ONLY for p in operands):
        raise TypeError("value takes the library and the operands, as in lambda xp, x: x * xp.tanh(x)")
    is_list = any(p.kind is p.VAR_POSITIONAL for p in operands)
    try:
        inspect.signature(partials).bind("xp", "z", *(p.name for p in operands))
    except TypeError:
        names = ", ".join(str(p) for p in operands)
        raise TypeError(f"partials takes the library, the result, the operands: lambda xp, z, {names}: ...") from None

    def counted(xp: Any, z: Any, *xs: Any) -> Sequence[Any]:
        slopes = partials(xp, z, *xs)
        slopes = slopes if isinstance(slopes, tuple | list) else (slopes,)
        if len(slopes) != len(xs):
            raise ValueError(f"{name} has {len(xs)} operands and {len(slopes)} partials; give one for each, in order")
        return slopes

    doc = doc or f"{name}({', '.join(str(p) for p in operands)}), a user's operation."
    make: Callable[..., Any] = reduction if is_list else unary if len(operands) == 1 else op
    fields = {"textbook": textbook, "symbol": symbol or name, "written": written, "binds": binds}
    return make(name, doc, value, counted, **fields, domain=domain, needs=needs, kinks=kinks)


def _published(function: Any, record: Operation) -> Any:
    function.op = record
    function.__name__ = function.__qualname__ = record.name
    function.__module__ = "engine.ops"
    function.__annotations__ = {}  # they say Any; Unary, Function and Reduction say more
    needs = record.needs.partition("; ")[0]
    function.__doc__ = record.doc + (f"\n\nRaises:\n    DomainError: it needs {needs}.\n" if needs else "")
    return function
