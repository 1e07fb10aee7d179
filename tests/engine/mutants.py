"""Rules with one mistake in them: every sign, factor and term of the table's source, changed one at a time.

    for mutant in mutants("tanh", [0]):
        print(mutant)          # tanh, term: without 4.0

A rule is read from engine/ops.py as a tree, together with the functions of engine/rules.py and engine/xp/floats.py
that it alone calls; a mutant is the same source with one node changed. So a new operation has its mutants at once.
"""

import ast
import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from types import ModuleType, SimpleNamespace
from typing import Any

from engine import TABLE, Operation, Value, ops, rules
from engine.xp import floats

from .exact import INDEXED, applied, moderate

Rule = Callable[..., Sequence[Any]]

# ------------------------------------------------------------------------ an operation as a function under test


def points(name: str, n: int, seed: int = 0) -> list[list[float]]:
    """Operands of everyday size: every index, both conditions, and whole exponents, also of negative numbers."""
    drawn = moderate(name, n, seed)
    for k, xs in enumerate(drawn):
        if name in INDEXED:
            xs[-1] = float(k % (len(xs) - 1))
        elif name == "where":
            xs[0] = float(k % 2)
        elif name == "pow" and k % 3:
            xs[0], xs[1] = abs(xs[0]) * (-1) ** k, float(k % 7 - 3)
    return drawn


def free(name: str, xs: Sequence[float]) -> list[int]:
    """The operands that it can be differentiated by: no index, no condition, no exponent of a negative number."""
    fixed = {len(xs) - 1} if name in INDEXED else {0} if name == "where" else set()
    if name == "pow" and xs[0] < 0:
        fixed = {1}
    return [i for i in range(len(xs)) if i not in fixed]


def alone(name: str, xs: Sequence[float]) -> Callable[..., Value]:
    """The operation as a function of its free operands; the others are as in xs."""

    def function(*operands: Any) -> Value:
        everything: list[Any] = list(xs)
        if name in INDEXED:
            everything[-1] = int(xs[-1])
        for i, operand in zip(free(name, xs), operands, strict=True):
            everything[i] = operand
        return applied(name, everything)

    return function


def numbers(name: str, xs: Sequence[float]) -> list[float]:
    """The free operands."""
    return [xs[i] for i in free(name, xs)]


def slopes(name: str, xs: Sequence[float], partials: Rule | None = None) -> list[float]:
    """The derivatives by the free operands, of the right rule or of another."""
    op = TABLE[name]
    with ruled(op, partials or op.partials):
        found = op.slopes(op.evaluate(xs), xs)
    if len(found) != len(xs):
        raise ValueError(f"{len(found)} partials of {len(xs)} operands")
    return [float(found[i]) for i in free(name, xs)]


# ------------------------------------------------------------------------ mistakes


@contextmanager
def ruled(op: Operation, partials: Rule) -> Iterator[None]:
    """Inside, the operation has another rule."""
    right = op.partials
    object.__setattr__(op, "partials", partials)  # the record is frozen
    try:
        yield
    finally:
        object.__setattr__(op, "partials", right)


def altered(name: str, i: int, change: Callable[[Any], Any]) -> Rule:
    """The rule with its i-th partial changed."""
    right = TABLE[name].partials
    return lambda xp, z, *xs: [change(d) if j == i else d for j, d in enumerate(right(xp, z, *xs))]


def _swapped(name: str, i: int, j: int) -> Rule:
    right = TABLE[name].partials

    def partials(xp: Any, z: Any, *xs: Any) -> Sequence[Any]:
        found = list(right(xp, z, *xs))
        found[i], found[j] = found[j], found[i]
        return found

    return partials


@dataclass(frozen=True)
class Mutant:
    """A rule with one mistake.

    kind    "sign", "factor" (× 1.0001), "term" (a term or factor dropped) or "swap" (of two partials)
    change  what was changed, in words and in the source
    """

    name: str
    kind: str
    change: str
    partials: Rule

    def __str__(self) -> str:
        return f"{self.name}, {self.kind}: {self.change}"


def mutants(name: str, operands: Sequence[int]) -> Iterator[Mutant]:
    """All mutants of an operation that is differentiated by these operands."""
    for i in operands:
        yield Mutant(name, "sign", f"of partial {i}", altered(name, i, lambda slope: -slope))
        yield Mutant(name, "factor", f"1.0001 in partial {i}", altered(name, i, lambda slope: slope * 1.0001))
    for i, j in combinations(operands, 2):
        yield Mutant(name, "swap", f"of partials {i} and {j}", _swapped(name, i, j))
    for module, function in _source(name):
        for kind, change, changed in _changed(function):
            yield Mutant(name, kind, change, _compiled(name, module, changed))


# ------------------------------------------------------------------------ where a rule is written

Function = ast.FunctionDef | ast.Lambda

_TREES = {module: ast.parse(inspect.getsource(module)) for module in (ops, rules, floats)}
_RULES: dict[str, ast.Lambda] = {
    call.args[0].value: call.args[3]
    for call in ast.walk(_TREES[ops])
    if isinstance(call, ast.Call) and len(call.args) == 4 and isinstance(call.args[0], ast.Constant)
}
_FUNCTIONS = {
    module: {node.name: node for node in _TREES[module].body if isinstance(node, ast.FunctionDef)}
    for module in (rules, floats)
}
_EXACT = ("two_product",)  # it gives nothing but a rounding error, below the last digit


def _source(name: str) -> list[tuple[ModuleType, Function]]:
    """The partials of an operation, and the functions that they call; what is an operation itself is none of them."""
    found: list[tuple[ModuleType, Function]] = [(ops, _RULES[name])]
    for module, function in found:  # which grows
        for node in ast.walk(function):
            match node:
                case ast.Attribute(value=ast.Name(id="rules"), attr=called):
                    home = rules
                case ast.Attribute(value=ast.Name(id="xp"), attr=called):
                    home = floats
                case ast.Call(func=ast.Name(id=called)):
                    home = module
                case _:
                    continue
            callee = _FUNCTIONS.get(home, {}).get(called)
            is_operation = home is floats and called in TABLE
            if callee and not is_operation and called not in _EXACT and (home, callee) not in found:
                found.append((home, callee))
    return found


# ------------------------------------------------------------------------ one change at a time


def _changed(function: Function) -> Iterator[tuple[str, str, Function]]:
    """(kind, change, the changed function) for each change of one node."""
    for k, node in enumerate(ast.walk(function)):
        for kind, change, make in _changes(node):
            twin = copy.deepcopy(function)
            old = list(ast.walk(twin))[k]
            yield kind, change, ast.fix_missing_locations(_Exchange(old, make(old)).visit(twin))


def _changes(node: ast.AST) -> Iterator[tuple[str, str, Callable[[Any], ast.AST]]]:
    match node:
        case ast.BinOp(a, ast.Add(), b):
            yield "sign", f"of {_text(b)}", lambda old: ast.BinOp(old.left, ast.Sub(), old.right)  # a + b  ->  a - b
            yield "term", f"without {_text(b)}", lambda old: old.left
            yield "term", f"without {_text(a)}", lambda old: old.right
        case ast.BinOp(a, ast.Sub(), b):
            yield "sign", f"of {_text(b)}", lambda old: ast.BinOp(old.left, ast.Add(), old.right)  # a - b  ->  a + b
            yield "term", f"without {_text(b)}", lambda old: old.left
            yield "term", f"without {_text(a)}", lambda old: ast.UnaryOp(ast.USub(), old.right)
        case ast.BinOp(a, ast.Mult(), b) if not isinstance(a, ast.Tuple):  # (1.0,) * n is no product
            yield "term", f"without {_text(b)}", lambda old: old.left  # a * b  ->  a
            yield "term", f"without {_text(a)}", lambda old: old.right
        case ast.BinOp(a, ast.Div(), b):
            yield "term", f"without / {_text(b)}", lambda old: old.left  # a / b  ->  a
            if _text(a) != "1.0":
                yield "term", f"without {_text(a)}", lambda old: ast.BinOp(ast.Constant(1.0), ast.Div(), old.right)
        case ast.UnaryOp(ast.USub(), a):
            yield "sign", f"of {_text(a)}", lambda old: old.operand  # -a  ->  a


_text = ast.unparse


class _Exchange(ast.NodeTransformer):
    """One node exchanged for another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


# ------------------------------------------------------------------------ a changed source, run


def _compiled(name: str, module: ModuleType, changed: Any) -> Rule:
    """The partials of an operation where a function is changed: they themselves, or one that they call."""
    if module is ops:
        return _evaluated(changed, vars(ops))
    body = [changed if getattr(node, "name", "") == changed.name else node for node in _TREES[module].body]
    own: dict[str, Any] = {"__name__": f"{module.__name__}, changed"}
    exec(compile(ast.Module(body, []), f"<{module.__name__}, changed>", "exec"), own)
    if module is rules:
        return _evaluated(_RULES[name], {**vars(ops), "rules": SimpleNamespace(**own)})
    helpers = {called: own[called] for called in _FUNCTIONS[floats] if called not in TABLE}
    right = TABLE[name].partials
    return lambda xp, z, *xs: right(_With(xp, helpers), z, *xs)


def _evaluated(rule: ast.Lambda, names: dict[str, Any]) -> Rule:
    return eval(compile(ast.Expression(rule), "<a rule, changed>", "eval"), names)


class _With:
    """A library with some functions of its own."""

    def __init__(self, xp: Any, own: dict[str, Any]) -> None:
        self._xp, self._own = xp, own

    def __getattr__(self, name: str) -> Any:
        return self._own[name] if name in self._own else getattr(self._xp, name)
