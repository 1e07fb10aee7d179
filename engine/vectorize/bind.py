"""Source becomes functions: every name in it is looked up in an array library, and what goes wrong is told by name.

A program runs inside `np.errstate` with raise: the processor itself notices when a finite number leaves a domain (√−1,
1/0, ln 0). Only then is the batch computed once more, carefully, to say which node and which example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from engine.operation import DomainError, Operation, arrays
from engine.replay import computed, computed_slopes
from engine.vectorize import kernels, stacking
from engine.vectorize.arrays import Mask
from engine.vectorize.code import called
from engine.vectorize.layout import Function

Array = Any


@dataclass(frozen=True)
class Domain:
    """What a statement with a domain needs to name a node that leaves it.

    op      the operation
    real    (entries,) which entries are nodes; None for all
    names   for each operand the names of its nodes, (entries,); None where they have none
    shape   the own axes of the result
    varies  whether it differs from example to example
    """

    op: Operation
    real: Mask | None
    names: tuple[Sequence[str | None] | None, ...]
    shape: tuple[int, ...]
    varies: bool


class Unit:
    """A function of array code, with the names that it uses; compiled when it is first called."""

    def __init__(
        self, function: Function, domains: dict[int, Domain], ops: Sequence[Operation], dtype: Any, checked: bool
    ) -> None:
        self.asked = function.written.asked
        self._function, self._checked = function, checked
        self._domains = domains
        space = _Namespace({called(op): op for op in ops})
        for name, thing in function.written.constants.items():
            space[name] = _constant(thing, dtype)
        space["full"] = lambda n, x: np.full(n, x, dtype)
        space["zeros"], space["ones"] = (lambda n: np.zeros(n, dtype)), (lambda n: np.ones(n, dtype))
        space["check"] = self._check
        self._space, self._name = space, "<program, checked>" if checked else "<program>"

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self._function.text(self._checked)

    @cached_property
    def run(self) -> Callable[..., Any]:
        """The function."""
        return self._space.defined(self.source, self._name)

    def _check(self, statement: int, *operands: Array) -> None:
        """Raise what the scalar engine would raise for the first example that leaves the domain."""
        domain = self._domains[statement]
        op = domain.op
        if op.domain is None:  # take: its index
            _check_index(op, *operands)
            return
        size = (
            (*domain.shape, max((np.shape(x)[-1] for x in operands if np.ndim(x)), default=1))
            if domain.varies
            else domain.shape
        )
        spread = [np.broadcast_to(x, size) for x in operands]
        finite = np.logical_and.reduce([np.isfinite(x) for x in spread])
        wrong = finite & ~np.asarray(op.domain(*spread), bool)
        if domain.real is not None:
            real = np.reshape(domain.real, domain.shape)
            wrong = wrong & (real[..., None] if domain.varies else real)
        if not wrong.any():
            return
        where = np.argwhere(np.moveaxis(wrong, -1, 0) if domain.varies else wrong)[0].tolist()
        example, own = (where[0], where[1:]) if domain.varies else (None, where)
        place = int(np.ravel_multi_index(own, domain.shape)) if own else 0
        at = (*own, example) if domain.varies else tuple(own)
        numbers = [float(x[at]) for x in spread]
        named = [_Named(names[place]) if names is not None else None for names in domain.names]
        try:
            op.evaluate(numbers, named)
        except DomainError as error:
            kind, message = type(error), str(error)
        else:
            kind, message = DomainError, op._outside(numbers, named)
        raise kind(message if example is None else f"{message} (example {example})") from None


class Bound:
    """The function of a program, and its careful counterparts.

    Where a batch gives an inf or a nan, or the processor reports that a finite number has left a domain, it is computed
    once more by a careful function: it has only what was asked for, no rectangles larger than the lists in them, and
    looks at every domain. So inf and nan are where the scalar engine has them, and its errors name node and example.
    """

    def __init__(
        self, fast: Unit, careful: Callable[[str], Unit], needed: Sequence[int], dtype: Any, apart: bool, watchful: bool
    ) -> None:
        self._fast, self._make_careful, self._dtype = fast, careful, np.dtype(dtype)
        self._careful: dict[str, Unit] = {}
        self._apart = apart  # whether the fast one computes more than was asked for, whose nan may reach a gradient
        self._watchful = watchful  # whether the fast one leaves out products with 0, which only finite numbers allow
        self.needed = list(needed)
        self.source = fast.source
        fast.run  # noqa: B018  (compiled now: a program is ready when it is there)

    def __contains__(self, asked: str) -> bool:
        return asked in self._fast.asked

    def run(self, wanted: str, parameters: Array, batch: Sequence[Array | None]) -> Any:
        """Call the function of the source; if anything is not finite, look again, carefully."""
        if self._watchful and not all(np.isfinite(x).all() for x in (parameters, *batch) if x is not None):
            return self._run_carefully(wanted, parameters, batch)
        try:
            with np.errstate(divide="raise", invalid="raise", over="ignore", under="ignore"):
                result = self._fast.run(parameters, *batch, wanted)
                if type(result) is tuple:
                    value, gradient, *outputs = result
                    finite = isfinite(value) and (not self._apart or isfinite(gradient.dot(gradient)))
                    finite = finite and (not outputs or np.isfinite(outputs[0]).all())
                else:
                    finite = np.isfinite(result).all()
        except (FloatingPointError, IndexError):
            finite = False
        if not finite:
            return self._run_carefully(wanted, parameters, batch)
        if wanted == "gradient" and gradient.dtype is self._dtype:
            return result
        return self._in_its_own(result, (parameters, *batch))

    def _run_carefully(self, wanted: str, parameters: Array, batch: Sequence[Array | None]) -> Any:
        if wanted not in self._careful:
            self._careful[wanted] = self._make_careful(wanted)
        with np.errstate(all="ignore"):
            result = self._careful[wanted].run(parameters, *batch, wanted)
        return self._in_its_own(result, (parameters, *batch))

    def _in_its_own(self, result: Any, given: Sequence[Array | None]) -> Any:
        """A result, or the parts of one, in the program's kind of float and in memory that is theirs alone."""
        if type(result) is not tuple:
            return self._own(result, given)
        value, gradient, *outputs = result
        return value, gradient.astype(self._dtype), *(self._own(array, given) for array in outputs)

    def _own(self, result: Array, given: Sequence[Array | None]) -> Array:
        """The result in the program's kind of float, and in memory of its own: an output may be an input."""
        shared = any(array is not None and np.may_share_memory(result, array) for array in given)
        return result.astype(self._dtype, copy=shared)


@dataclass(frozen=True)
class _Named:
    name: str | None


def _check_index(op: Operation, x: Array, index: Array) -> None:
    """Raise what the scalar engine would raise for the first example whose index is not in its list."""
    n = len(x)
    wrong = (index < -n) | (index >= n)
    if np.any(wrong):
        where = tuple(np.argwhere(np.moveaxis(wrong, -1, 0))[0].tolist() if np.ndim(wrong) else ())
        where = (*where[1:], *where[:1])
        try:
            op.evaluate([*[0.0] * n, int(index[where])])
        except IndexError as error:
            raise IndexError(f"{error} (example {where[-1] if where else 0})") from None


class _Namespace(dict[str, Any]):
    """The names that source may use: kernels, the functions of the array library, the rules of the table."""

    def __init__(self, ops: dict[str, Operation]) -> None:
        super().__init__(inf=inf, nan=nan, concatenate=np.concatenate)
        self._ops = ops

    def defined(self, source: str, file: str) -> Callable[..., Any]:
        """Run the source; gives its function."""
        compiled = compile(source, file, "exec")
        [function] = [c for c in compiled.co_consts if hasattr(c, "co_names")]
        for name in function.co_names:
            if name not in self and name not in ("len", "reshape", "transpose", "T"):
                self[name] = self._found(name)
        found: dict[str, Callable[..., Any]] = {}
        exec(compiled, self, found)
        return found["program"]

    def _found(self, name: str) -> Callable[..., Any]:
        op = self._ops.get(name.removesuffix("_backward"))
        if op is not None and op.any_number and (not hasattr(kernels, name) or op.value.__module__ != "engine.ops"):
            return kernels.listed(op)[name.endswith("_backward")]
        for library in (kernels, stacking):
            if hasattr(library, name):
                return getattr(library, name)  # type: ignore[no-any-return]
        stem, slope, number = name.rpartition("_slope")
        if slope and number.isdigit() and stem in self._ops:
            return _slope(self._ops[stem], int(number))
        if name in self._ops and self._ops[name].value.__module__ != "engine.ops":
            return _value(self._ops[name])
        return getattr(arrays, name)  # type: ignore[no-any-return]


def _value(op: Operation) -> Callable[..., Any]:
    """An operation that is not the engine's own: its rule may take single numbers only."""
    return lambda *operands: computed(op, operands)


def _slope(op: Operation, i: int) -> Callable[..., Any]:
    return lambda z, *operands: computed_slopes(op, z, operands)[i]


def _constant(thing: Any, dtype: Any) -> Any:
    if isinstance(thing, tuple):
        return kernels.Index(thing[1], thing[2])
    array = np.asarray(thing)
    return array.astype(dtype) if array.dtype.kind == "f" else array
