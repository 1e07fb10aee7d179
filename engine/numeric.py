"""Derivatives of a recorded graph from numbers alone: the reference for its gradients.

    x = Value(2.0)
    (d,) = graph_derivatives(x * x, [x])
    d.slope, d.error, d.verdict(4.0)          # 4.0, about 1e-15, "agrees"

The graph is computed again with NumPy (`engine.replay`) for the central differences of `engine.differences`. How far
rounding moves it is measured, by shaking the last digits of all numbers on the way. Where all rules on the way
are analytic as computed, the complex step is a third opinion: Im f(x + ih)/h takes no difference and loses no digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np

from engine.backward import between, values
from engine.differences import EPS, ROOM, Difference, differences
from engine.graph import topological_sort
from engine.operation import Library
from engine.replay import columns, computed, replay_gradients, replayed
from engine.value import Value
from engine.xp import analytic
from engine.xp.analytic import Analytic, parts, stepped

__all__ = [
    "Difference", "central_differences", "differences", "graph_derivatives", "graph_second_derivatives",
    "judging_scale",
]  # fmt: skip

SHAKES = 5  # how often the complex step is taken: once as it is, and with shaken digits
BATCH = 128  # leaves
UNDERFLOW = 1e-290  # an imaginary part below has lost digits, or will soon

_library = Library(analytic)


def central_differences(root: Value, leaves: Sequence[Value]) -> list[Difference]:
    """∂root/∂leaf for each leaf by central differences, on the graph computed again with NumPy.

    >>> x, y = Value(2.0), Value(-1.0)
    >>> [round(d.slope, 6) for d in central_differences(x * y, [x, y])]
    [-1.0, 2.0]
    """
    return graph_derivatives(root, leaves, "differences")


def graph_derivatives(root: Value, leaves: Sequence[Value], method: str = "auto") -> list[Difference]:
    """∂root/∂leaf for each leaf, from numbers alone.

    method  "differences"; "complex" for the complex step; "auto" for the complex step where every rule on the way
            is analytic as computed and the differences do not contradict it, else the differences

    Raises:
        ValueError: for another method; with "complex", where a rule ends it, naming the operation and why.
        RuntimeError: if a node's data was changed since it was used.

    >>> x = Value(0.5, name="x")
    >>> [d.method for d in graph_derivatives(x.tanh() * x, [x])]
    ['complex step']
    """
    if method not in ("auto", "differences", "complex"):
        raise ValueError(f'method is "auto", "differences" or "complex", not {method!r}')
    once = list(dict.fromkeys(leaves))
    root = _opened(root, once)
    x, found = np.array([leaf.data for leaf in once]), []
    for first in range(0, len(once), BATCH):  # what a batch does not move is not computed again
        found += _of_graph(root, once, x, range(first, min(first + BATCH, len(once))))
    if method != "differences":
        try:
            found = [_merged(a, b, method) for a, b in zip(found, _complex_steps(root, once), strict=True)]
        except EndOfStepError as end:
            if method == "complex":
                raise ValueError(f"the complex step ends at {end}") from end
    known = dict(zip(once, found, strict=True))
    return [known[leaf] for leaf in leaves]


def graph_second_derivatives(root: Value, leaves: Sequence[Value]) -> list[list[Difference]]:
    """H[i][j] = ∂²root/∂leafᵢ∂leafⱼ: central differences of the engine's gradient.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[round(d.slope, 6) for d in row] for row in graph_second_derivatives(x * x * y, [x, y])]
    [[6.0, 4.0], [4.0, 0.0]]
    """
    once = list(dict.fromkeys(leaves))

    def gradients(points: Any) -> Any:
        return replay_gradients(root, once, points)

    def noise(points: Any) -> Any:
        return np.abs(replay_gradients(root, once, points, _Shake()) - gradients(points))

    width = 2 * len(topological_sort(root))
    rows = differences(gradients, [leaf.data for leaf in once], noise, width=width)
    place = {leaf: i for i, leaf in enumerate(once)}
    return [[rows[place[a]][place[b]] for b in leaves] for a in leaves]


def judging_scale(root: Value, leaves: Sequence[Value], i: int) -> float | None:
    """About which |leafᵢ| the derivative can be judged, all leaves being multiplied by the same power of ten.

    The nearest of |x|·10^±1, ±2, ..., ±16; None where none of them will do.

    >>> x = Value(1.0)
    >>> judging_scale((x + 1e14) - 1e14, [x], 0)
    10000.0
    """
    x = np.array([leaf.data for leaf in leaves])
    for exponent in (sign * size for size in range(1, 17) for sign in (1, -1)):
        scaled = x * 10.0**exponent
        (found,) = _of_graph(root, leaves, scaled, [i])
        if not found.reason and found.error <= 1e-3 * abs(found.slope):
            return abs(float(scaled[i]))
    return None


def _of_graph(root: Value, leaves: Sequence[Value], x: Any, only: Sequence[int] | None = None) -> list[Difference]:
    """The differences at x, of some of the leaves; the others stand still."""
    moving = list(range(len(leaves)) if only is None else only)
    still = {leaf: np.float64(x[i]) for i, leaf in enumerate(leaves) if i not in set(moving)}
    chosen = [leaves[i] for i in moving]
    way = set(between(chosen, [root]))  # the others keep the numbers that they have
    if np.array_equal(x, [leaf.data for leaf in leaves]):
        still |= {node: np.float64(node.data) for node in topological_sort(root) if node not in way}

    def f(points: Any) -> Any:
        return np.broadcast_to(replayed(root, still | columns(chosen, points), computed), len(points))

    def noise(points: Any) -> Any:
        """How far f moves when the last digits of all numbers that depend on the moved leaf are shaken."""
        numbers = {leaf: _Tracked(c, c != c[0]) for leaf, c in columns(chosen, points).items() if np.ndim(c)}
        for tracked in numbers.values():
            tracked.moved[0] = True  # the point itself counts as moved, for the slopes to either side
        end = replayed(root, still | columns(chosen, points) | numbers, _tracked(_Shake()))
        return np.abs((end.number if isinstance(end, _Tracked) else end) - f(points))

    return differences(f, x[moving], noise, width=len(way))


class _Shake:
    """Changes the last digit or two of each number of an array at random."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def __call__(self, number: Any) -> Any:
        shape = np.shape(number)
        return number * (1 + EPS * np.array([-2, -1, 1, 2])[self.random.integers(0, 4, shape)]) if shape else number


@dataclass(frozen=True)
class _Tracked:
    """A number for each point, and in which of the points it depends on what was moved there."""

    number: Any
    moved: Any


def _tracked(shake: _Shake) -> Callable[..., Any]:
    """Operations on tracked numbers. The result is shaken; of a list also the operands, as it may cancel inside."""

    def compute(op: Any, operands: Sequence[Any]) -> Any:
        plain = [x.number if isinstance(x, _Tracked) else x for x in operands]
        masks = [x.moved for x in operands if isinstance(x, _Tracked)]
        z = computed(op, plain)
        if not masks:
            return z
        moved = np.logical_or.reduce(masks)
        shaken = shake(np.broadcast_to(z, moved.shape))
        if op.any_number:
            loose = [x if _may_be_index(x, len(plain)) else shake(np.broadcast_to(x, moved.shape)) for x in plain]
            shaken = shaken + (computed(op, loose) - z)
        return _Tracked(np.where(moved, shaken, z), moved)

    return compute


def _may_be_index(x: Any, n: int) -> bool:
    return np.ndim(x) == 0 and bool(abs(x) <= n) and float(x).is_integer()


def _opened(root: Value, leaves: Sequence[Value]) -> Value:
    """The graph with the rules of users' operations written out as nodes: digits that cancel inside one are seen then.

    Only rules that the complex step can pass: these have no branch that a graph would freeze.
    """
    order = topological_sort(root)
    if all(
        node.op is None or TABLE_MODULE in (node.op.value.__module__, node.op.partials.__module__) for node in order
    ):
        return root
    twins: dict[Value, Value] = {}
    given = set(leaves)
    for node in order:
        parents = [twins[parent] for parent in node.parents]
        if node.op is None or node in given:
            twins[node] = node
        elif node.op.value.__module__ != TABLE_MODULE and (inside := _inside(node, parents)) is not None:
            twins[node] = inside
        else:
            is_same = all(a is b for a, b in zip(parents, node.parents, strict=True))
            twins[node] = node if is_same else Value.record(node.op, parents)
    return twins[root]


TABLE_MODULE = "engine.ops"


def _inside(node: Value, parents: Sequence[Value]) -> Value | None:
    """What an operation computes, as nodes; None where its rule cannot be run so, or has branches."""
    assert node.op is not None
    try:
        node.op.value(_library, *(stepped(parent.data, 1e-40) for parent in parents))
        inside = node.op.value(values, *parents)
    except Exception:  # whatever a rule says to a number of a kind that it does not know
        return None
    is_same = isinstance(inside, Value) and abs(inside.data - node.data) <= 8 * EPS * abs(node.data)
    return inside if is_same else None


# ------------------------------------------------------------------------------- the complex step


class EndOfStepError(Exception):
    """A rule that the complex step cannot pass: the operation, and what ended it."""


def _complex_steps(root: Value, leaves: Sequence[Value]) -> list[tuple[float, float, float]]:
    """(slope, error, step) for each leaf: Im f(x + ih)/h, the leaves of a chunk in one sweep.

    There is no truncation, as h² is nothing beside x². The error is what shaken last digits do to the slope, and
    what underflow may have taken from it.
    """
    chunk = max(1, ROOM // (2 * SHAKES * len(topological_sort(root))))
    results: list[tuple[float, float, float]] = []
    for first in range(0, len(leaves), chunk):
        some = leaves[first : first + chunk]
        x = np.array([leaf.data for leaf in some])
        h = np.where(x == 0.0, 1e-60, 1e-40 * np.minimum(1.0, np.abs(x)))
        h[(np.abs(x) < 1e-200) & (x != 0.0)] = nan
        numbers = {leaf: stepped(x[i], _row(i, h, SHAKES)) for i, leaf in enumerate(some)}
        _, imaginary = parts(replayed(root, numbers, _analytic(_Shake())))
        with np.errstate(all="ignore"):
            slopes = np.broadcast_to(imaginary, (len(some), SHAKES)) / h[:, None]
            shaken = np.max(np.abs(slopes - slopes[:, :1]), axis=1)
            errors = 4 * shaken + 16 * EPS * np.abs(slopes[:, 0]) + UNDERFLOW / h
        results += zip(slopes[:, 0].tolist(), errors.tolist(), h.tolist(), strict=True)
    return results


def _row(i: int, h: Any, width: int) -> Any:
    """The imaginary parts of leaf i: h in its own row, 0 in the rows of the others."""
    imaginary = np.zeros((len(h), width))
    imaginary[i] = h[i]
    return imaginary


def _analytic(shake: _Shake) -> Callable[..., Any]:
    """Operations on numbers of the complex step; the first column is exact, the others are shaken."""

    def shaken(z: Any) -> Any:
        if not isinstance(z, Analytic):
            return z
        both = [np.array(part) for part in np.broadcast_arrays(*parts(z))]
        for part in both:
            if part.ndim == 2:
                part[:, 1:] = shake(part[:, 1:])
        x, y = both
        return stepped(x, np.where((y != 0.0) & (np.abs(y) < UNDERFLOW), nan, y))

    def compute(op: Any, operands: Sequence[Any]) -> Any:
        if not any(isinstance(x, Analytic) for x in operands):
            return computed(op, operands)
        try:
            return shaken(stepped(*parts(op.value(_library, *(map(shaken, operands) if op.any_number else operands)))))
        except Exception as error:  # whatever a rule says to a number of a kind that it does not know
            raise EndOfStepError(f"{op.name}: {error}") from error

    return compute


def _merged(one: Difference, other: tuple[float, float, float], method: str) -> Difference:
    """The differences and the complex step together: the differences win where both are sure and disagree."""
    slope, error, step = other
    sure = error <= 1e-6 * abs(slope) or error <= 1e-9 * one.rise
    better = replace(one, slope=slope, error=error, step=step, method="complex step", kink=False)
    if method == "complex":
        return replace(better, reason="" if sure else "cancellation" if isfinite(error) else "not finite")
    if not sure or one.reason not in ("", "cancellation"):
        return one
    if not one.reason and abs(slope - one.slope) > error + one.error:
        return one
    return replace(better, reason="")
