"""Central differences of any function, each with a bound on its own error.

    (d,) = differences(lambda points: points[:, 0] ** 2, [2.0])
    d.slope, d.error, d.verdict(4.0)          # 4.0, about 1e-13, "agrees"

(f(x + h) − f(x − h)) / 2h is wrong by truncation where h is large and by rounding where it is small. Here h runs down
a ladder from max(1, |x|)·0.118 to the spacing of the floats; neighbouring steps are extrapolated to h → 0 (Richardson
1911; Ridders 1982); each result has an estimate of both errors; and the best one wins among those that no
finer step contradicts. What cannot be judged says why. `engine.numeric` asks this of recorded graphs.

Glossary: k levels of the ladder, coarse to fine; c inputs at a time; m outputs of f; n inputs of f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isfinite, nan
from typing import Any

import numpy as np

EPS = 2.0**-52
TINY = 2.0**-1071  # a few of the smallest floats: what underflow may take away
FIRST = (5**0.5 - 2) / 2  # the first step, 0.118: of irregular digits, so that no rounding repeats
ORDERS = 4  # plain, and three extrapolations
ROOM = 2**23  # how many numbers are held at a time

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Difference:
    """What numbers alone say of one derivative.

    slope   the derivative
    error   how far off it may be: truncation and rounding
    step    the h it comes from
    scale   |f| / max(1, |x|), f the largest it met: beside a slope of this size, an error can be called large or small
    rise    |f(x ± h) − f(x)| / h, the larger: 0 where f is seen not to move at all
    kink    whether f has a kink or a jump at x, as far as floats can tell
    left    the slope to the left, and
    right   the slope to the right, at the best step for them
    method  "differences" or "complex step"
    reason  "" if it can be judged, else "kink", "cancellation" (rounding hides the slope), "not finite" (f or its
            slope), "edge" (of the domain: f is nan on one side)
    """

    slope: float
    error: float
    step: float
    scale: float
    rise: float
    kink: bool
    left: float
    right: float
    method: str = "differences"
    reason: str = ""

    def verdict(self, gradient: float) -> str:
        """What it says of a gradient: "agrees", "differs", or, where it cannot be judged, "unsure".

        >>> differences(lambda points: points[:, 0] ** 2, [3.0])[0].verdict(6.0)
        'agrees'
        """
        if self.reason or not isfinite(gradient):
            return "unsure"
        rounding = 1e-14 * abs(gradient)  # of the gradient itself, which is a sum of products
        if abs(gradient - self.slope) > self.error + rounding + 1e-300:
            return "differs"
        seen = max(1e-3 * abs(self.slope), 1e-3 * abs(gradient), 1e-9 * self.rise)
        return "agrees" if self.error <= seen or gradient == self.slope else "unsure"


# ------------------------------------------------------------------------------- of any function


def differences(f: Function, x: Any, noise: float | Function = 0.0, *, width: int = 1) -> list[Any]:
    """∂f/∂xᵢ for each of n inputs by central differences with an error-controlled step.

    f       maps k points, an array (k, n), to k numbers, or to (k, m) for m outputs; nan outside its domain
    x       the point, n numbers
    noise   how far off f may be beyond its last digit, a number or a function of the points as f is
    width   how many numbers f holds for a point, if more than n: it bounds the memory used

    Returns:
        n Differences; of m outputs, n lists of m.

    >>> [round(d.slope, 12) for d in differences(lambda p: p[:, 0] * p[:, 1], [2.0, -1.0])]
    [-1.0, 2.0]
    """
    x = np.asarray(x, float).ravel()
    results: list[Any] = []
    with np.errstate(all="ignore"):
        steps = _ladder(x)
        chunk = max(1, ROOM // (2 * len(steps) * max(len(x), width, 1)))
        for first in range(0, len(x), chunk):
            some = np.arange(first, min(first + chunk, len(x)))
            h = steps[:, some]
            c, k = len(some), len(steps)
            points = np.tile(x, (2 * k * c + 1, 1))
            moved = points[1:].reshape(2, k, c, len(x))
            places = np.stack([x[some] + h, x[some] - h])
            moved[:, :, np.arange(c), some] = places
            values = np.asarray(f(points), float)
            shaken = np.asarray(noise(points) if callable(noise) else noise, float)
            shape = (2, k, c, *values.shape[1:])
            many = (2, k, c, values[0].size)
            centre = values[0].reshape(1, -1)
            loose = np.broadcast_to(shaken[(...,) + (None,) * (values.ndim - shaken.ndim)], values.shape)[1:]
            found = _judged(x[some], places, centre, values[1:].reshape(many), loose.reshape(many))
            results += [column if len(shape) > 3 else column[0] for column in found]
    return results


def _ladder(x: Any) -> Any:
    """Steps (k, n) from max(1, |x|)·0.118 down to the spacing of floats, each half of the one before; 0 where it ends.

    Below |x| = 2⁻⁵⁰ it has a gap: down from 0.118 and then down from 0.118·|x|.
    """
    size = np.abs(x)
    top = np.maximum(1.0, size) * FIRST
    is_tiny = (size < 2.0**-50) & (size > 0.0)
    depth = np.where(size == 0.0, 72.0, np.where(is_tiny, 100.0, 50.0 + np.log2(np.maximum(top / size, 1.0))))
    k = np.arange(np.ceil(np.max(depth, where=np.isfinite(depth), initial=50.0)))[:, None]
    steps = np.where(is_tiny & (k >= 50), size * FIRST * 0.5 ** (k - 50), top * 0.5**k)
    steps = (x + steps) - x  # what the arithmetic makes of them
    return np.where((k < depth) & (steps >= np.spacing(size)), steps, 0.0)


def _judged(x: Any, places: Any, centre: Any, values: Any, noise: Any) -> list[list[Difference]]:
    """The Differences from f at the places (2, k, c), values (2, k, c, m); centre is f(x), (1, m)."""
    above, below = values
    up, down = ((places[0] - x)[..., None], (x - places[1])[..., None])
    half = np.broadcast_to((places[0] - places[1])[..., None] / 2, above.shape)
    fresh = np.concatenate([np.full((1, *half.shape[1:]), True), half[1:] < half[:-1]]) & (up > 0) & (down > 0)
    slope = np.where(fresh, (above - below) / (2 * half), nan)
    right, left = np.where(fresh, (above - centre) / up, nan), np.where(fresh, (centre - below) / down, nan)
    ok = np.isfinite(slope) & np.isfinite(right) & np.isfinite(left)

    # Rounding: four units in the last place of f, what the way to f adds, and the step, which is not quite symmetric.
    size = np.maximum(np.maximum(np.abs(above), np.abs(below)), np.abs(centre))
    rough = _roughness(above, half), _roughness(below, half)
    known = _widest(np.max(noise, axis=0))
    shaken = known + _floor(rough, ok)
    loose = (4 * EPS * size + 2 * shaken + TINY) / half
    rounding = loose + 2 * EPS * np.abs(slope) + np.abs(up - down) / half * np.abs(right - left)

    estimates, errors = _extrapolated(np.where(ok, slope, nan), half, rounding)
    lowest = _over_finer(np.minimum, np.where(ok, slope + 2 * rounding, inf), inf)
    highest = _over_finer(np.maximum, np.where(ok, slope - 2 * rounding, -inf), -inf)
    far = np.stack([np.abs(_coarser(slope, order) - estimate) for order, estimate in enumerate(estimates)])
    consistent = (estimates - errors - far <= lowest) & (estimates + errors + far >= highest)
    trusted = np.where(consistent, errors, inf)

    jump = np.where(ok, np.abs(right - left), nan)
    significant = jump > 16 * loose
    results = []
    for i in range(x.size):
        column = []
        for j in range(above.shape[2]):
            at = (slice(None), i, j)
            every = (slice(None), slice(None), i, j)
            best = trusted if np.any(np.isfinite(trusted[every])) else errors
            order, level = np.unravel_index(np.argmin(best[every]), best[every].shape)
            top = int(level - order)
            kinked = _kink(jump[at], significant[at], left[at], right[at], above[at], below[at], centre[0, j], top)
            first = max(0, top - 1 if not kinked else int(np.flatnonzero(significant[at])[-1]) - 8)
            moves = np.maximum(np.abs(above[at] - centre[0, j]), np.abs(below[at] - centre[0, j]))
            one = Difference(
                slope=float(estimates[order, level, i, j]),
                error=float(errors[order, level, i, j]),
                step=float(half[top, i, j]),
                scale=float(np.max(size[at][top : level + 1])) / max(1.0, abs(float(x[i]))),
                rise=float(moves[top] / half[top, i, j]),
                kink=kinked,
                left=_one_sided(left[at][first:], loose[at][first:]),
                right=_one_sided(right[at][first:], loose[at][first:]),
            )
            sides = (above[at], below[at])
            reason = _reason(one, centre[0, j], sides, fresh[at], slope[at], 2 * known[at] / half[at])
            is_lost = not one.rise and one.error * half[level, i, j] > 1e4 * EPS * size[level, i, j] + 1e-300
            fine = 30 * EPS * size[at] + 8 * known[at]
            unresolved = all(_is_staircase(side[at], top, fine) for side in rough)
            if not reason and (unresolved or is_lost):
                reason = "cancellation"
            one = replace(one, slope=nan, error=inf) if reason in ("edge", "not finite") else one
            column.append(replace(one, reason=reason))
        results.append(column)
    return results


def _extrapolated(slope: Any, half: Any, rounding: Any) -> tuple[Any, Any]:
    """Neville's extrapolation of the slopes in h² to h = 0: estimates and errors (orders, k, c, m).

    The error is three times the change from the level before: enough also where it falls as √h, as beside a pole of f″.
    """
    estimates = [slope]
    errors = [rounding + 3 * np.abs(slope - _coarser(slope))]
    for order in range(1, min(ORDERS, len(slope))):
        last = estimates[-1]
        estimate = last + (last - _coarser(last)) / ((_coarser(half, order) / half) ** 2 - 1)
        estimates.append(estimate)
        errors.append(2 * rounding + 3 * np.abs(estimate - _coarser(estimate)))
    error = np.stack(errors)
    return np.stack(estimates), np.where(np.isfinite(error), error, inf)


def _coarser(array: Any, by: int = 1) -> Any:
    """At each level, what is there `by` levels above."""
    return np.concatenate([np.full((by, *array.shape[1:]), nan), array[: len(array) - by]])


def _over_finer(choose: Any, array: Any, end: float) -> Any:
    """For each level the least (or largest) of all finer ones."""
    over = choose.accumulate(array[::-1])[::-1]
    return np.concatenate([over[1:], np.full((1, *array.shape[1:]), end)])


def _roughness(values: Any, half: Any) -> Any:
    """How far f at h, 2h and 4h, all to one side, is from a straight line: 3h²f″ where f is smooth."""
    near, far = _coarser(values) - values, _coarser(values, 2) - _coarser(values)
    width, wide = _coarser(half) - half, _coarser(half, 2) - _coarser(half)
    return np.abs(far - near * (wide / width))


def _floor(rough: tuple[Any, Any], ok: Any) -> Any:
    """The roughness that is left at the three finest levels: rounding that no shaking shows, or waves unresolved."""
    finest = ok & (np.cumsum(ok[::-1], axis=0)[::-1] <= 3)
    left = np.where(finest & np.isfinite(rough[0] + rough[1]), np.minimum(*rough), 0.0)
    return np.max(left, axis=0) / 2


def _widest(noise: Any) -> Any:
    """The noise of a level: the largest on it and on the two to either side, as one sample may be small by chance."""
    noise = np.where(np.isfinite(noise), noise, 0.0)
    padded = np.concatenate([noise[:1]] * 2 + [noise] + [noise[-1:]] * 2)
    return np.max([padded[i : i + len(noise)] for i in range(5)], axis=0)


def _one_sided(slopes: Any, loose: Any) -> float:
    """The slope to one side: at the level where it changes least from the one before, rounding counted."""
    doubt = np.abs(np.diff(slopes)) + 2 * loose[1:]
    finite = np.isfinite(doubt)
    return float(slopes[1:][np.argmin(np.where(finite, doubt, inf))]) if np.any(finite) else nan


def _kink(jump: Any, significant: Any, left: Any, right: Any, above: Any, below: Any, centre: float, top: int) -> bool:
    """Whether the slopes to the left and to the right go on differing as the step shrinks.

    Of a smooth function their difference is h·f″, and halves from level to level. `top` is the coarsest level that
    the estimate uses: where it is finer than all differences that can be seen, the kink is beside x.
    """
    seen = np.flatnonzero(significant)
    if not len(seen) or seen[-1] == 0 or seen[-1] < top:
        return False
    k = seen[-1]
    if not jump[k] > 0.75 * jump[k - 1]:
        return False
    slopes_settle = abs(left[k] - left[k - 1]) + abs(right[k] - right[k - 1]) <= 0.5 * jump[k]
    values_settle = max(abs(above[k] - above[k - 1]), abs(below[k] - below[k - 1])) <= 0.45 * max(
        abs(above[k] - centre), abs(below[k] - centre)
    )
    return bool(slopes_settle or values_settle)


def _is_staircase(rough: Any, top: int, least: Any) -> bool:
    """Whether f, straight at the steps used, is equally rough at most coarser ones: a staircase of roundings.

    Where a function turns, its roughness falls by 4 from level to level; a kink or a pole beside x is to one side of
    it; the roughness of roundings is the same until the step is narrower than a stair, and then it is gone.
    """
    used = top + 2  # the finest level whose roughness is seen over the steps used
    coarse = np.flatnonzero(rough[:used] > 100 * np.max(rough[used : used + 2], initial=0.0) + least[:used])
    if not len(coarse) or coarse[-1] + 1 >= len(rough):
        return False
    k = coarse[-1]
    window = rough[max(0, k - 11) : k + 1]
    return bool(rough[k] > 30 * rough[k + 1] and np.sum((window > rough[k] / 8) & (window < rough[k] * 8)) >= 4)


def _reason(one: Difference, centre: float, sides: tuple[Any, Any], fresh: Any, slopes: Any, noise: Any) -> str:
    """Why it cannot be judged, or ""."""
    if not isfinite(centre):
        return "not finite"
    finest = np.flatnonzero(fresh)[-8:]
    there = [bool(np.all(np.isfinite(side[finest[-4:]]))) for side in sides]
    if not len(finest) or not all(there):
        return "edge" if len(finest) and any(there) else "not finite"
    if one.kink:
        return "kink"
    growth = np.abs(slopes[finest])
    grows = growth[1:] > 1.1 * growth[:-1] + 2 * noise[finest[1:]]
    if len(growth) == 8 and np.all(grows) and not one.error <= 1e-3 * abs(one.slope):
        return "not finite"
    hidden = one.error > 1e-3 * abs(one.slope) and one.error > 1e-9 * one.rise and one.rise > 0
    return "cancellation" if hidden or not isfinite(one.error) else ""
