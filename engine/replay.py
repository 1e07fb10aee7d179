"""A recorded graph, computed again with other numbers: by NumPy, for many sets of numbers at once.

    value = replay(loss, {w: np.array([0.9, 1.0, 1.1])})          # the loss for three values of w

It shares the table's value rules with the engine and nothing of its backward pass, so that what it says of
a derivative is a second opinion: `central_differences` asks it for every leaf, in one sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan, nan
from typing import Any

import numpy as np

from engine.backward import require_unchanged
from engine.graph import topological_sort
from engine.operation import arrays
from engine.value import Value

EPS = 2.0**-52


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
    return _replayed(root, numbers, lambda number: number)


def _replayed(root: Value, numbers: Mapping[Value, Any], made: Callable[[Any], Any]) -> Any:
    """The same; `made` has a look at each number that is not a constant, and may change it."""
    order = topological_sort(root)
    left = dict.fromkeys(order, 0)  # how often a number is still needed: then it is forgotten
    for node in order:
        for parent in node.parents:
            left[parent] += 1
    known: dict[Value, Any] = {}
    with np.errstate(all="ignore"):
        for node in order:
            require_unchanged(node)
            if node in numbers or node.op is None:
                number = np.float64(numbers.get(node, node.data))
                known[node] = made(number) if node.requires_grad else number
                continue
            known[node] = made(node.op.value(arrays, *(known[parent] for parent in node.parents)))
            for parent in node.parents:
                left[parent] -= 1
                if not left[parent]:
                    known.pop(parent, None)
    return known[root]


@dataclass(frozen=True)
class Difference:
    """NumPy's opinion of one derivative.

    slope   (f(x + h) − f(x − h)) / ((x + h) − (x − h))
    step    h
    error   how far off it may be: truncation, from the same at 2h, and rounding, from shaken last digits
    scale   |f| / max(1, |x|), f the largest it met: beside a slope of this size, an error can be called large or small
    kink    whether the slopes to the left and to the right differ by more than the error
    """

    slope: float
    step: float
    error: float
    scale: float
    kink: bool

    def verdict(self, gradient: float) -> str:
        """What it says of a gradient: "agrees", "differs", or, at a kink, at a pole, beside an inf or nan, "unsure".

        >>> x = Value(3.0)
        >>> central_differences(x * x, [x])[0].verdict(6.0)
        'agrees'
        """
        is_vague = not self.error <= 1e-3 * max(abs(self.slope), abs(gradient), self.scale)
        if self.kink or is_vague or not isfinite(gradient):
            return "unsure"
        return "agrees" if abs(gradient - self.slope) <= self.error + 1e-300 else "differs"


def central_differences(root: Value, leaves: Sequence[Value]) -> list[Difference]:
    """∂root/∂leaf for each leaf by central differences, all of them in one sweep over the graph with NumPy.

    The step is eps^(1/3)·max(1, |x|), the best for a function as smooth as its argument is large (Nocedal and
    Wright, Numerical Optimization, section 8.1); or a much smaller one, where the function is seen to turn within
    the first, as sin does at 1e8 and 1/x at 1e-8.

    >>> x, y = Value(2.0), Value(-1.0)
    >>> [round(d.slope, 6) for d in central_differences(x * y, [x, y])]
    [-1.0, 2.0]
    """
    n = len(leaves)
    x = np.array([leaf.data for leaf in leaves])
    with np.errstate(all="ignore"):
        size = np.abs(x)
        coarse = EPS ** (1 / 3) * np.maximum(1.0, size)
        fine = np.minimum(coarse / 64, EPS ** (1 / 3) * np.where(size > 1.0, np.cbrt(size), np.where(x, size, 1.0)))
        steps = np.array([coarse, np.maximum(fine, 64 * np.spacing(size))])  # not lost beside x
        steps = (x + steps) - x  # what the arithmetic makes of them
        places = x + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None] * steps[:, None]  # steps × 5 × leaves
        numbers = {}
        for i, leaf in enumerate(leaves):
            numbers[leaf] = np.full((2, 5, n), leaf.data)
            numbers[leaf][:, :, i] = places[:, :, i]
        f = np.broadcast_to(np.asarray(replay(root, numbers), float), (2, 5, n))
        noise = _noise(root)
        return [_difference(places[:, :, i], f[:, :, i], steps[:, i], noise) for i in range(n)]


def _noise(root: Value) -> float:
    """By how much the number of `root` changes when the last digit of each number on the way is shaken."""
    random = np.random.default_rng(0)
    shaken = np.asarray(_replayed(root, {}, lambda number: number * (1 + EPS * random.choice((-1, 1), 8))))
    moved = np.abs(shaken - root.data)
    return float(np.max(moved, where=np.isfinite(moved), initial=0.0))


def _difference(x: Any, f: Any, steps: Any, noise: float) -> Difference:
    """The opinion from the coarse and the fine step together."""
    coarse, fine = (_at(*one, noise) for one in zip(x, f, steps, strict=True))
    if isnan(coarse.slope):  # f is not finite within the coarse step
        return fine
    if not np.max(np.abs(f[1])) > 1e-290:  # underflow, or nan
        return coarse
    if noise > 1e-3 * np.max(np.abs(f)):  # no digit of f can be relied on
        return replace(coarse, error=inf)
    rise, fine_rise = np.max(np.abs(np.diff(f)), axis=1) / steps
    if fine_rise > 2 * rise + 8 * noise / fine.step:  # there is more to see than the coarse step shows,
        is_seen = fine.error <= 0.05 * fine_rise  # and perhaps than the fine one does
        return fine if is_seen else replace(fine, error=inf)
    if coarse.kink or fine.kink:
        return fine
    return min(coarse, fine, key=lambda difference: difference.error)


def _at(x: Any, f: Any, step: float, noise: float) -> Difference:
    """The opinion from the numbers at x − 2h, x − h, x, x + h, x + 2h."""
    if not np.all(np.isfinite(f)):
        return Difference(nan, float(step), nan, nan, False)

    def slope(i: int, j: int) -> float:
        return float((f[j] - f[i]) / (x[j] - x[i]))

    central, wider, size = slope(1, 3), slope(0, 4), float(np.max(np.abs(f)))
    rounding = (4 * EPS * size + 4 * noise) / step
    error = 2 * abs(wider - central) + rounding
    left, right = slope(1, 2), slope(2, 3)
    # Of a smooth function, the slopes left and right differ by h·f″, those twice as wide by 2h·f″; at a kink by the
    # same, however small the step.
    jump, wide_jump = abs(right - left), abs(slope(2, 4) - slope(0, 2))
    kink = jump > 0.75 * wide_jump + 8 * rounding and jump > 1e-6 * max(abs(left), abs(right))
    return Difference(central, float(step), float(error), size / max(1.0, abs(float(x[2]))), bool(kink))
