"""The function under test and its inputs: numbers become Values, the function is called, its graph is kept.

Glossary: an item is one argument of f, a tree of numbers or Values; a leaf is one of them, a Value in the graph.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.functions import dot
from engine.graph import topological_sort
from engine.nested import Tree, flat, paths, rebuilt, shape
from engine.operation import Operation, as_float
from engine.value import Value

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recorded:
    """One call of f. `root` is None where f gave plain numbers; `number` is what it gave."""

    root: Value | None
    leaves: list[Value]
    number: float


class Inputs:
    """The arguments of f, as `check_grads` takes them.

    items    one tree for each argument
    names    their names: those of f's parameters, or of a module's tensors
    numbers  all leaves in one array

    A leaf that is a Value already (a module's parameter) is used as it is, and given back as it was; a frozen one
    is a constant. Each number becomes a new Value for each call.

    Raises:
        TypeError: where f cannot take so many arguments, or a leaf is no number.
    """

    def __init__(self, f: Callable[..., Any], inputs: Any, *, seed: int = 0) -> None:
        if not callable(f):
            raise TypeError(f"expected a function and its inputs, not {f!r}; as in check_grads(lambda x: x * x, [3.0])")
        self.f, self._seed = f, seed
        arguments = _arguments(f, inputs)
        self.items, self.names = arguments.items, arguments.names
        self._call, self._order = arguments.call, arguments.order
        self._slots = [
            (path, leaf)
            for item, name in zip(self.items, self.names, strict=True)
            for path, leaf in zip(paths(item, name), flat(item), strict=True)
        ]
        free = [not (isinstance(leaf, Value) and not leaf.requires_grad) for _, leaf in self._slots]
        self._free = [i for i, is_free in enumerate(free) if is_free]
        self.paths = [self._path(i) for i in self._free]
        self.numbers: Floats = np.array([_number(*self._slots[i]) for i in self._free], float)
        counts = [len(flat(item)) for item in self.items]
        owner = np.repeat(np.arange(len(counts)), counts)
        self.item_of: list[int] = [int(owner[i]) for i in self._free]

    def _path(self, i: int) -> str:
        path, leaf = self._slots[i]
        return leaf.name if isinstance(leaf, Value) and leaf.name else path

    def slots_of(self, item: int) -> list[int]:
        """The places of an item's leaves among `numbers`."""
        return [i for i, owner in enumerate(self.item_of) if owner == item]

    def shape_of(self, item: int) -> tuple[int, ...]:
        """The shape of an item; of one that is ragged, or has frozen leaves, as a plain list."""
        size, found = len(self.slots_of(item)), shape(self.items[item])
        return (size,) if found is None or int(np.prod(found)) != size else found

    def regrouped(self, gradient: Any) -> Any:
        """A gradient with one number for each single parameter, in a list or by name, as one for each item."""
        order = self._order
        if order is None:
            return gradient
        if isinstance(gradient, dict):
            by_name = {leaf.name: leaf for leaf in order}
            if set(gradient) != set(by_name):
                return gradient
            order, gradient = [by_name[name] for name in gradient], list(gradient.values())
        is_list = isinstance(gradient, list | tuple | np.ndarray) and len(gradient) == len(order)
        if not is_list or any(shape(number) != () for number in gradient):
            return gradient
        number_of = {id(leaf): number for leaf, number in zip(order, gradient, strict=True)}
        return [rebuilt(item, [number_of[id(leaf)] for leaf in flat(item)]) for item in self.items]

    def arrays(self) -> list[Any]:
        """The items as NumPy arrays of floats, numbers as floats: what a NumPy function of the user's receives."""
        result = []
        for item in self.items:
            leaves = [leaf.data if isinstance(leaf, Value) else as_float(leaf) for leaf in flat(item)]
            form = shape(item)  # None of a ragged list, or a dict; () of a number
            result.append(rebuilt(item, leaves) if form is None else np.reshape(leaves, form) if form else leaves[0])
        return result

    # ------------------------------------------------------------------------ calling f

    def outputs(self, numbers: Floats | None = None) -> tuple[Tree, list[Value]]:
        """What f gives, and the leaves it was called with."""
        numbers = self.numbers if numbers is None else numbers
        leaves: dict[int, Value] = {}
        arguments: list[Any] = [leaf for _, leaf in self._slots]
        for i, number in zip(self._free, numbers.tolist(), strict=True):
            path, leaf = self._slots[i]
            arguments[i] = leaves[i] = leaf if isinstance(leaf, Value) else Value(number, path)
        with self._holding(numbers):
            rest = iter(arguments)
            trees = [rebuilt(item, [next(rest) for _ in flat(item)]) for item in self.items]
            return self._call(trees), [leaves[i] for i in self._free]

    def record(self, numbers: Floats | None = None) -> Recorded:
        """f at the inputs, or at other numbers. Of a list of results, their sum with seeded weights.

        Raises:
            TypeError: where f gives neither a Value, nor numbers, nor lists of these.
        """
        out, leaves = self.outputs(numbers)
        results = flat(out)
        if out is None or not results:
            raise TypeError("f returned None; does it lack its return?" if out is None else "f returned no number")
        root = results[0]
        if len(results) > 1:  # no entry of a gradient can hide behind another: the weights are no simple fractions
            weights = np.random.default_rng(self._seed).uniform(0.5, 1.5, len(results))
            root = dot([float(w) for w in weights], results)
        if isinstance(root, Value):
            return Recorded(root if root.requires_grad else None, leaves, root.data)
        return Recorded(None, leaves, as_float(root))

    def at(self, points: Floats) -> Floats:
        """f at many points, one a row; nan where it has no value (where an index is none, too)."""
        numbers = np.full(len(points), np.nan)
        for i, point in enumerate(points):
            try:
                numbers[i] = self.record(point).number
            except (ArithmeticError, ValueError, IndexError, TypeError):
                continue
        return numbers

    @contextmanager
    def _holding(self, numbers: Floats) -> Any:
        """While f runs, the Values that the user gave hold these numbers."""
        given = [self._slots[i][1] for i in self._free]
        before = [(leaf, leaf.data) for leaf in given if isinstance(leaf, Value)]
        for leaf, number in zip(given, numbers.tolist(), strict=True):
            if isinstance(leaf, Value):
                leaf.data = number
        try:
            yield
        finally:
            for leaf, number in before:
                leaf.data = number


def _number(path: str, leaf: Any) -> float:
    try:
        return leaf.data if isinstance(leaf, Value) else as_float(leaf)
    except TypeError as error:
        raise TypeError(f"{path}: {error}") from None


@dataclass(frozen=True, eq=False)
class _Arguments:
    """The items, their names, how f is called with them, and the order in which the user gave single parameters."""

    items: list[Tree]
    names: list[str]
    call: Callable[[list[Tree]], Any]
    order: list[Value] | None = None


def _arguments(f: Callable[..., Any], inputs: Any) -> _Arguments:
    if isinstance(inputs, list | tuple) and len(inputs) == 1 and hasattr(inputs[0], "named_parameters"):
        inputs = inputs[0]
    if hasattr(inputs, "named_parameters"):
        named = dict(inputs.named_parameters())
        tensors = dict(inputs.named_tensors()) if hasattr(inputs, "named_tensors") else {}
        if {id(leaf) for leaf in flat(list(tensors.values()))} != {id(leaf) for leaf in named.values()}:
            tensors = _grouped(list(named.values()), list(named))
        call = (lambda _: f()) if _takes(f, 0) else (lambda _: f(inputs))
        return _Arguments(list(tensors.values()), list(tensors), call, list(named.values()))
    is_array_of_items = isinstance(inputs, np.ndarray) and inputs.ndim > 0 and not _takes(f, 1)
    items = list(inputs) if isinstance(inputs, list | tuple) or is_array_of_items else [inputs]
    if _takes(f, len(items)):
        return _Arguments(items, _names(f, len(items)), lambda trees: f(*trees))
    if items and all(isinstance(leaf, Value) for leaf in flat(items)) and _takes(f, 0):
        if all(isinstance(item, Value) for item in items):
            tensors = _grouped(items, [item.name or f"inputs[{i}]" for i, item in enumerate(items)])
            return _Arguments(list(tensors.values()), list(tensors), lambda _: f(), items)
        return _Arguments(items, [f"inputs[{i}]" for i in range(len(items))], lambda _: f())
    if _takes(f, 1):  # a vector, given as a plain list
        return _Arguments([items], _names(f, 1), lambda trees: f(trees[0]))
    raise TypeError(
        f"f{inspect.signature(f)} does not take {len(items)} argument{'s' * (len(items) != 1)}; "
        "give one item for each argument of f"
    )


def _grouped(leaves: list[Value], names: list[str]) -> dict[str, Tree]:
    """Parameters by what they are called without the numbers of neurons and entries: layers[0].neurons.w."""
    groups: dict[str, list[Value]] = {}
    for leaf, name in zip(leaves, names, strict=True):
        first, dot_, rest = name.partition(".")
        inner = re.sub(r"\[.*?\]", "", rest)
        stem = f"{first}.{inner}" if dot_ else first.partition("[")[0]
        groups.setdefault(stem, []).append(leaf)
    return {stem: group if len(group) > 1 else group[0] for stem, group in groups.items()}


def _takes(f: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(f).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a function of C tells nothing
        return True
    return True


def _names(f: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError:
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    stem = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return names + [f"{stem}[{i}]" for i in range(count - len(names))]


# ------------------------------------------------------------------------ is the graph the function?


@dataclass(frozen=True)
class Frozen:
    """What a recorded graph does not follow: a branch of Python's `if`, or a number that was read out of a Value."""

    kind: str  # "branch" or "number"
    op: Operation | None
    text: str


def frozen_part(inputs: Inputs, recorded: Recorded) -> Frozen | None:
    """What differs between the graph at the inputs and the graphs of f a little beside them; None if nothing does."""
    random = np.random.default_rng(0)
    x = inputs.numbers
    for _ in range(2):
        signs = random.choice((-1.0, 1.0), x.shape)
        for sign in (-1.0, 1.0):
            moved = x + sign * signs * 1e-6 * np.where(np.abs(x) > 0, np.abs(x), 1.0)
            try:
                other = inputs.record(moved)
            except (ArithmeticError, ValueError, IndexError, TypeError):
                return Frozen("branch", None, "beside the inputs f has no value")
            if found := _difference(recorded, other):
                return found
    return None


def _difference(one: Recorded, other: Recorded) -> Frozen | None:
    if one.root is None or other.root is None:
        return None if one.root is other.root and one.number == other.number else Frozen("number", None, "all of f")
    a, b = topological_sort(one.root), topological_sort(other.root)
    place = {node: i for i, node in enumerate(a)}
    other_place = {node: i for i, node in enumerate(b)}
    used_by = {parent: node for node in reversed(a) for parent in node.parents}
    free = dict(zip(one.leaves, other.leaves, strict=True))
    for node, twin in zip(a, b, strict=False):
        is_same = node.op is twin.op and free.get(node, twin) is twin
        if not is_same or [place[p] for p in node.parents] != [other_place[p] for p in twin.parents]:
            return Frozen("branch", node.op, "an if chose another branch")
        if node.op is None and node not in free and node.data != twin.data and node.data == node.data:
            child = used_by.get(node)
            op = child.op if child is not None else None
            where = f"in `{op.name}` " if op else ""
            return Frozen("number", op, f"the constant {node.data:.4g} {where}follows the inputs")
    return Frozen("branch", None, "the graphs differ in size") if len(a) != len(b) else None
