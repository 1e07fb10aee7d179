"""A function computed once, at nodes made for it alone, and the sweeps from these nodes to its result.

    at = computed(f, (2.0, [3.0, 4.0]), {}, argnums=1)
    at.output           # what f gave: Values
    at.pulled([at.output], [1.0])     # the gradient, a number for each number of the argument

`engine.derivatives` says what this is for.

Glossary: a root is a result, an input a node made for a number of the arguments; a pull is a reverse sweep, a push a
forward sweep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from operator import index
from typing import Any

import numpy as np

from engine.backward import Edges, between, forward_sweep, in_graphs_and_poles, in_numbers, reverse_sweep
from engine.nested import Tree, flat, paths, rebuilt, shape
from engine.operation import as_float
from engine.recording import recording
from engine.value import Value, _paused

DIRECTIONS = 128  # how many columns of a Hessian one forward sweep carries


@dataclass(frozen=True, slots=True)
class Mode:
    """values: whether the results are Values; graphs: whether these have a history."""

    values: bool
    graphs: bool

    @property
    def edges(self) -> Edges:
        """The sweeps that this takes: with graphs, or with numbers alone."""
        return in_graphs_and_poles if self.graphs else in_numbers

    def result(self, x: Any) -> Any:
        """A number or node of a sweep as the caller is to have it."""
        if not self.values:
            return _as_number(x)
        return x if self.graphs and isinstance(x, Value) else Value(_as_number(x), requires_grad=False)


class _Inside(threading.local):
    depth = 0  # how many derivatives are being computed


_inside = _Inside()


def mode_of(*trees: Tree) -> Mode:
    """Values for Values, and within another derivative; graphs, unless the caller records nothing."""
    values = _inside.depth > 0 or any(map(_holds_values, trees))
    return Mode(values, values and not _paused.depth)


def _holds_values(tree: Tree) -> bool:
    is_of_numbers = isinstance(tree, np.ndarray) and tree.dtype != object
    return not is_of_numbers and any(isinstance(leaf, Value) for leaf in flat(tree))


@contextmanager
def _recorded() -> Iterator[None]:
    """Inside, operations are recorded, also where the caller has paused that; what is within can pause it again."""
    depth, _paused.depth = _paused.depth, 0
    _inside.depth += 1
    try:
        with recording():
            yield
    finally:
        _paused.depth = depth
        _inside.depth -= 1


@dataclass(frozen=True, slots=True)
class Computed:
    """f computed at nodes of its own.

    output          what f gave
    inputs          the nodes, one for each number of the arguments that are differentiated by
    differentiated  these arguments, as they were given
    is_tuple        whether a tuple of them is wanted
    mode            what the results are made of
    """

    output: Tree
    inputs: list[Value]
    differentiated: tuple[Tree, ...]
    is_tuple: bool
    mode: Mode

    def with_mode(self, other: Mode) -> Computed:
        """The same for results that are Values if either mode says so."""
        values = self.mode.values or other.values
        mode = Mode(values, values and not _paused.depth)
        return Computed(self.output, self.inputs, self.differentiated, self.is_tuple, mode)

    def result(self, x: Any) -> Any:
        """A number or node as the caller is to have it."""
        return self.mode.result(x)

    def outputs(self) -> Tree:
        """What f gave, for the caller."""
        return rebuilt(self.output, [self.result(y) for y in flat(self.output)])

    def pulled(self, roots: Sequence[Any], cotangents: Sequence[Any], edges: Edges | None = None) -> list[Any]:
        """d(Σ cotangent · root)/d(input) for each input: a result, or with `edges` what the sweep along these gives."""
        own = edges is None
        edges = edges or self.mode.edges
        as_seed = _as_number if edges is in_numbers else _checked
        gradients: dict[Any, Any] = {}
        with _recorded():
            for root, cotangent in zip(roots, cotangents, strict=True):
                if isinstance(root, Value):
                    seed = as_seed(cotangent)
                    gradients[root] = gradients[root] + seed if root in gradients else seed
                else:
                    as_float(root)  # or an error that says what it is
            reverse_sweep(between(self.inputs, gradients), gradients, edges)
        found = [gradients.get(node, 0.0) for node in self.inputs]
        return [self.result(x) for x in found] if own else found

    def pushed(self, roots: Sequence[Any], directions: Sequence[Any]) -> list[Any]:
        """d(root) along the direction for each root, a result."""
        as_seed = _checked if self.mode.graphs else _as_number
        pairs = zip(self.inputs, map(as_seed, directions), strict=True)
        tangents = {node: seed for node, seed in pairs if isinstance(seed, Value) or seed}  # 0 leads nowhere
        with _recorded():
            forward_sweep(between(self.inputs, _values(roots)), tangents, self.mode.edges)
        return [self.result(tangents.get(root, 0.0) if isinstance(root, Value) else 0.0) for root in roots]

    def per_argument(self, leaves: Iterable[Any]) -> Any:
        """One number for each input, in the form of the arguments."""
        rest = iter(leaves)
        array = None if self.mode.values else np.array
        trees = tuple([rebuilt(tree, [next(rest) for _ in flat(tree)], array) for tree in self.differentiated])
        return trees if self.is_tuple else trees[0]

    def product(self, out: Tree, rows: Sequence[Sequence[Any]]) -> Any:
        """The form of `out`, with a row (one number for each input) in the place of each leaf."""
        if isinstance(out, tuple | dict) or _holds_blocks(out):
            return _in_parts(out, rows, self.product)
        blocks, start = [], 0
        for tree in self.differentiated:
            end = start + len(flat(tree))
            blocks.append(self._block(out, [row[start:end] for row in rows], tree))
            start = end
        return tuple(blocks) if self.is_tuple else blocks[0]

    def _block(self, out: Tree, rows: Sequence[Sequence[Any]], tree: Tree) -> Any:
        if isinstance(tree, dict) or _holds_blocks(tree):
            columns = [[row[j] for row in rows] for j in range(len(flat(tree)))]

            def columns_of(part: Tree, some: Sequence[Any]) -> Any:
                return self._block(out, [[column[i] for column in some] for i in range(len(rows))], part)

            return _in_parts(tree, columns, columns_of)
        is_array = isinstance(out, np.ndarray) or isinstance(tree, np.ndarray)
        out_shape, in_shape = shape(out), shape(tree)
        if is_array and not self.mode.values and out_shape is not None and in_shape is not None:
            return np.array(rows).reshape(out_shape + in_shape)[()]
        return rebuilt(out, [rebuilt(tree, row) for row in rows])


def computed(
    f: Callable[..., Tree],
    args: Sequence[Tree],
    named: dict[str, Any],
    argnums: int | tuple[int, ...],
    *others: Tree,
) -> Computed:
    """f at fresh nodes; `others` too may hold Values, which make graphs of the results."""
    positions = _positions(argnums, len(args))
    mode = mode_of(*args, *named.values(), *others)
    given, inputs = list(args), []
    with _recorded():
        for i in positions:
            leaves = _fresh(i, args[i], mode)
            given[i] = rebuilt(args[i], leaves)
            inputs += leaves
        output = f(*given, **named)
    return Computed(output, inputs, tuple([args[i] for i in positions]), isinstance(argnums, tuple), mode)


def _fresh(i: int, tree: Tree, mode: Mode) -> list[Value]:
    """A node for each leaf of argument i: a leaf of its own, or x · 1 where a graph is to lead back to x."""
    nodes = []
    for k, x in enumerate(flat(tree)):
        try:
            nodes.append(x * 1.0 if mode.graphs and isinstance(x, Value) else Value(_as_number(x)))
        except TypeError as error:
            raise TypeError(
                f"argument {i}{paths(tree, '')[k]}: {error}. A derivative is taken by numbers or Values, alone or in "
                "lists, tuples, dicts and arrays; for a model, by its parameters, as in loss.backward()"
            ) from None
    return nodes


def rows_forward(roots: Sequence[Any], inputs: Sequence[Value]) -> list[list[float]] | None:
    """d(root)/d(input), a row for each root, all inputs at once; None where 0 · inf may have made a nan of a 0."""
    rows = np.zeros((len(roots), len(inputs)))
    order = between(inputs, _values(roots))
    with np.errstate(all="ignore"):
        for start in range(0, len(inputs), DIRECTIONS):
            some = inputs[start : start + DIRECTIONS]
            tangents = forward_sweep(order, dict(zip(some, np.eye(len(some)), strict=True)), in_numbers)
            for row, root in zip(rows, roots, strict=True):
                row[start : start + DIRECTIONS] = tangents.get(root, 0.0) if isinstance(root, Value) else 0.0
    return rows.tolist() if np.isfinite(rows).all() else None


# ------------------------------------------------------------------------------------ forms


def _positions(argnums: Any, count: int) -> list[int]:
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    if not given or any(isinstance(i, bool) or not hasattr(i, "__index__") for i in given):
        raise TypeError(f"argnums is the position of an argument or a tuple of positions, not {argnums!r}")
    positions = [index(i) for i in given]
    if not all(-count <= i < count for i in positions):
        raise ValueError(f"argnums={argnums!r}: the function was called with {count} positional arguments, from 0 on")
    positions = [i % count for i in positions]
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums={argnums!r} names an argument twice; give each once")
    return positions


def same_form(name: str, tree: Tree, other: str, model: Tree) -> None:
    """Raises ValueError unless the two have the same form; lists, tuples and arrays count alike."""
    if paths(tree, "") != paths(model, ""):
        raise ValueError(f"{name} has {_form(tree)}, and {other} {_form(model)}; give a number for each number")


def _form(tree: Tree) -> str:
    whole = shape(tree)
    return f"the form {rebuilt(tree, repeat(0))}" if whole is None else f"shape {whole}"


def one_number(output: Any) -> Any:
    """What a function gave, if it is a Value or a number.

    Raises:
        TypeError: if it is not.
    """
    if isinstance(output, list | tuple | dict | np.ndarray):
        raise TypeError(
            f"expected a function that gives one number, and it gave a {type(output).__name__} with {_form(output)}; "
            "for the derivatives of several numbers use jacobian"
        )
    return _checked(output)


def _as_number(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x)


def _checked(x: Any) -> Value | float:
    return x if isinstance(x, Value) else as_float(x)


def _values(roots: Iterable[Any]) -> list[Value]:
    return [root for root in roots if isinstance(root, Value)]


def _holds_blocks(tree: Tree) -> bool:
    """Whether lists hold arrays or dicts, and so are no arrays themselves."""
    return isinstance(tree, list | tuple) and any(isinstance(x, dict | np.ndarray) or _holds_blocks(x) for x in tree)


def _in_parts(tree: Tree, items: Sequence[Any], visit: Callable[[Tree, Sequence[Any]], Any]) -> Any:
    """visit(part, its items) in the place of each part, with an item for each leaf of the tree."""
    rest = iter(items)
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    visited = [visit(tree[key], [next(rest) for _ in flat(tree[key])]) for key in keys]
    if isinstance(tree, dict):
        return dict(zip(keys, visited, strict=True))
    return tuple(visited) if isinstance(tree, tuple) else visited
