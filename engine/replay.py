"""A recorded graph, computed again with other numbers: by NumPy, for many sets of numbers at once.

    value = replay(loss, {w: np.array([0.9, 1.0, 1.1])})                   # the loss for three values of w
    slopes = replay_gradients(loss, [w], np.array([[0.9], [1.0], [1.1]]))  # and its gradient at each

The forward pass shares the table's value rules with the engine and nothing of its backward pass, so that what is
learned from it of a derivative is a second opinion: see `engine.numeric`. A rule that does not take arrays (it
calls math.sin, or asks `if x > 0`) is run element by element.

Glossary: k sets of numbers; n leaves; points an array (k, n), one row a set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.backward import require_unchanged
from engine.graph import topological_sort
from engine.operation import Operation, arrays
from engine.value import Value

Look = Callable[[Any], Any]


def replay(root: Value, numbers: Mapping[Value, Any]) -> Any:
    """The number of `root` when the given leaves hold the given numbers: floats, or arrays of one shape.

    Outside the domain of an operation the result is nan; nothing is raised, since one entry of an array must
    not hide the others.

    Raises:
        RuntimeError: if a node's data was changed since it was used.

    >>> x = Value(3.0)
    >>> replay(x * x + 1, {x: np.array([0.0, 1.0, 2.0])}).tolist()
    [1.0, 2.0, 5.0]
    """
    return replayed(root, {node: np.float64(number) for node, number in numbers.items()}, computed)


def replayed(root: Value, numbers: Mapping[Value, Any], compute: Callable[[Operation, Sequence[Any]], Any]) -> Any:
    """The same, each operation done by `compute(op, operands)`; the numbers may be of any kind that it takes."""
    order = topological_sort(root)
    left = dict.fromkeys(order, 0)  # how often a number is still needed: then it is forgotten
    for node in order:
        for parent in node.parents:
            left[parent] += 1
    known: dict[Value, Any] = {}
    with np.errstate(all="ignore"):
        for node in order:
            require_unchanged(node)
            if node in numbers:
                known[node] = numbers[node]
                continue
            if node.op is None:
                known[node] = np.float64(node.data)
                continue
            known[node] = compute(node.op, [known[parent] for parent in node.parents])
            for parent in node.parents:
                left[parent] -= 1
                if not left[parent]:
                    known.pop(parent, None)
    return known[root]


def replay_gradients(root: Value, leaves: Sequence[Value], points: Any, look: Look = lambda number: number) -> Any:
    """∂root/∂leaf for each leaf, at each of k sets of numbers: (k, n) points give (k, n) slopes.

    The engine's backward pass on arrays: the rules of the table, each multiplied along its edge. `look` sees each
    number that an operation or an edge gives, and may change it (this is how rounding errors are measured).

    Raises:
        RuntimeError: if a node's data was changed since it was used.

    >>> x, y = Value(3.0), Value(5.0)
    >>> replay_gradients(x * y, [x, y], np.array([[3.0, 5.0], [1.0, 2.0]])).tolist()
    [[5.0, 3.0], [2.0, 1.0]]
    """
    points = np.asarray(points, float)
    numbers: dict[Value, Any] = columns(leaves, points)
    results: dict[Value, Any] = {}  # as the rules may use them: of max it is one of the operands, to the last digit
    given, order = set(leaves), topological_sort(root)
    gradients: dict[Value, Any] = {root: np.float64(1.0)}
    with np.errstate(all="ignore"):
        for node in order:
            require_unchanged(node)
            if node not in numbers:
                operands = [numbers[parent] for parent in node.parents]
                results[node] = np.float64(node.data) if node.op is None else computed(node.op, operands)
                numbers[node] = results[node] if node.op is None else look(results[node])
        for node in reversed(order):
            if node.op is None or node in given or node not in gradients:
                continue
            gradient, z = gradients.pop(node), results.pop(node)
            slopes = computed_slopes(node.op, z, [numbers[parent] for parent in node.parents])
            for parent, slope in zip(node.parents, slopes, strict=True):
                if parent.requires_grad:
                    share = look(gradient * slope)
                    gradients[parent] = look(gradients[parent] + share) if parent in gradients else share
    result = np.zeros(points.shape)
    for i, leaf in enumerate(leaves):
        result[:, i] = gradients.get(leaf, 0.0)
    return result


def columns(leaves: Sequence[Value], points: Any) -> dict[Value, Any]:
    """The number of each leaf: its column of the points, or one float where all the points have the same."""
    return {
        leaf: column[0] if len(column) and np.all(column == column[0]) else column
        for leaf, column in zip(leaves, np.ascontiguousarray(points.T), strict=True)
    }


# ------------------------------------------------------------------------- one operation on arrays


def computed(op: Operation, operands: Sequence[Any]) -> Any:
    """z for arrays of operands: the rule on NumPy, or, where it takes single numbers only, element by element."""
    shape = np.broadcast_shapes(*map(np.shape, operands))
    try:
        if np.prod(shape) == 1:
            return np.reshape(op.value(arrays, *_singles(operands)), shape)[()]
        z = op.value(arrays, *operands)
        if np.shape(z) != shape:
            raise TypeError("a rule that reduces, as by np.mean: it takes single numbers only")
        return z
    except (TypeError, ValueError, ArithmeticError):
        return _each(lambda *numbers: (op.evaluate(numbers),), operands, 1)[0]


def computed_slopes(op: Operation, z: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """∂z/∂x for each operand, for arrays of them."""
    shape = np.broadcast_shapes(np.shape(z), *map(np.shape, operands))
    try:
        if np.prod(shape) == 1:
            return [np.reshape(slope, shape)[()] for slope in op.partials(arrays, *_singles([z, *operands]))]
        return op.partials(arrays, z, *operands)  # type: ignore[no-any-return]
    except (TypeError, ValueError, ArithmeticError):
        return _each(lambda z, *numbers: op.slopes(z, numbers), [z, *operands], len(operands))


def _singles(operands: Sequence[Any]) -> list[Any]:
    """Arrays of one element as NumPy's scalars, which `if` and `math` take."""
    return [np.float64(np.reshape(operand, ())[()]) for operand in operands]


def _each(function: Callable[..., Sequence[float]], operands: Sequence[Any], count: int) -> list[Any]:
    """The function (of floats, of `count` results) element by element; nan where it has no value."""
    spread = np.broadcast_arrays(*operands)
    results = np.full((count, spread[0].size), np.nan)
    for i, numbers in enumerate(zip(*(part.ravel().tolist() for part in spread), strict=True)):
        try:
            results[:, i] = function(*numbers)
        except (ValueError, ArithmeticError):
            continue
    return [row.reshape(spread[0].shape)[()] for row in results]
