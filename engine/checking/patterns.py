"""Patterns of wrong numbers: what a gradient looks like that was transposed, not summed, or multiplied by m.

Each pattern makes, from the right gradient, the array that the mistake would have given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import isfinite, log, pi

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Closeness:
    """When two numbers count as the same: |a − b| <= relative · max(|a|, |b|) + absolute."""

    relative: float
    absolute: float

    def same(self, a: Floats, b: Floats) -> bool:
        """Whether two arrays of one shape agree everywhere."""
        if a.shape != b.shape:
            return False
        with np.errstate(invalid="ignore", over="ignore"):
            return bool(np.all(np.abs(a - b) <= self.relative * np.maximum(np.abs(a), np.abs(b)) + self.absolute))


@dataclass(frozen=True, eq=False)
class Pattern:
    """The array that a mistake would give: `kind` and `text` as in a Cause."""

    kind: str
    text: str
    array: Floats


# ------------------------------------------------------------------------ one factor for all


LENGTH = "the length of"  # of an input: a weaker reason to take a number for that of a batch


def named_factor(c: float, sizes: dict[int, str], is_single: bool) -> list[tuple[str, str]]:
    """(kind, text) of what multiplies a gradient by c, each cause that has this number; [] if c is no known factor.

    sizes       the whole numbers that a mean may have divided by, and where each comes from
    is_single   of a single number any mistake is a factor: then only known factors are named
    """
    sign = [("sign", "it has the wrong sign")] if c < 0 else []
    c = abs(c)
    found: list[tuple[str, str]] = []

    def equals(number: float) -> bool:
        return abs(c - number) <= 1e-7 * number

    is_known = any(equals(m) or equals(1 / m) for m in sizes if m > 1)
    for m, origin in sizes.items():
        of = f"(m = {m}: {origin})"
        if m < 2 or (not (equals(m) or equals(1 / m)) and (is_known or origin.startswith(LENGTH))):
            continue
        if equals(m):
            text = f"a constant factor {m}: sum instead of mean, the 1/m is missing {of}"
            found.append(("sum instead of mean", text))
        elif equals(1 / m):
            text = f"a constant factor 1/{m}: mean instead of sum, a 1/m too much {of}"
            found.append(("mean instead of sum", text))
        elif m > 2 and (equals(m / (m - 1)) or equals((m - 1) / m)):
            found.append(("factor", f"a constant factor {_fraction(c)}: m − 1 and m are confused {of}"))
        elif m > 2 and equals(2 * m):
            text = f"a constant factor {c:.6g}: the factor 1/m is missing {of}, and there is a 2 too much"
            found.append(("sum instead of mean", text))
        elif m > 4 and equals(m / 2):
            text = f"a constant factor {c:.6g}: the factor 1/m is missing {of}, and the 2 of a square"
            found.append(("sum instead of mean", text))
        elif m > 4 and equals(2 / m):
            text = f"a constant factor {_fraction(c)}: divided by m once too often {of}, and there is a 2 too much"
            found.append(("mean instead of sum", text))
        elif m > 2 and equals(1 / (2 * m)):
            text = (
                f"a constant factor {_fraction(c)}: divided by m once too often {of}, and the 2 of a square is missing"
            )
            found.append(("mean instead of sum", text))
    if equals(2):
        found.append(("factor", "a constant factor 2, twice too large (the derivative of ½x² is x, that of x² is 2x)"))
    if equals(0.5):
        text = "a constant factor 1/2, half of what it should be: a 2 is missing (x² has the derivative 2x)"
        found.append(("factor", text))
    if any(equals(k) for k in range(2, 11)):
        found.append(("accumulated", f"gradients accumulated over {round(c)} calls: zero_grad was forgotten, and "
                      f"{'an earlier call was' if equals(2) else 'earlier calls were'} added"))  # fmt: skip
    for number, text in (
        (log(10), "ln 10: a logarithm to base 10 was taken for the natural one"),
        (log(2), "ln 2: a logarithm to base 2 was taken for the natural one"),
        (180 / pi, "180/π: degrees for radians"),
    ):
        if equals(number) or equals(1 / number):
            found.append(("factor", f"a constant factor {c:.6g}, from {text}"))
    if not found and not (sign and equals(1)) and not is_single:
        found.append(("factor", f"a constant factor {_fraction(c)}"))
    return sign + found


def common_factor(given: Floats, right: Floats, close: Closeness) -> float | None:
    """The c with given = c · right, other than 1, or None."""
    squares = float(np.sum(right * right))
    if not squares or not isfinite(squares):
        return None
    c = float(np.sum(given * right)) / squares
    largest = int(np.argmax(np.abs(right)))
    exact = float(given.flat[largest] / right.flat[largest])
    c = exact if abs(exact - c) <= 1e-9 * abs(c) else c
    if not c or abs(c - 1) < 1e-12:
        return None
    loose = Closeness(max(close.relative, 1e-9), close.absolute * max(1.0, abs(c)))
    return c if loose.same(given, c * right) else None


def _fraction(c: float) -> str:
    for denominator in range(1, 65):
        numerator = c * denominator
        if abs(numerator - round(numerator)) < 1e-7 * max(1.0, numerator) and 0 < round(numerator) < 1000:
            return f"{round(numerator)}/{denominator}" if denominator > 1 else str(round(numerator))
    return f"{c:.10g}"


# ------------------------------------------------------------------------ entries in other places


def moved(right: Floats) -> Iterator[Pattern]:
    """The right numbers in other places of the same array."""
    if right.ndim >= 2:
        for axes in permutations(range(right.ndim)):
            if axes != tuple(range(right.ndim)) and np.transpose(right, axes).shape == right.shape:
                text = "transposed" if right.ndim == 2 else f"transposed: its axes are in the order {axes}"
                yield Pattern("transposed", text, np.transpose(right, axes))
        yield Pattern("permuted", "permuted: reshaped in the wrong order, columns before rows",
                      right.ravel(order="F").reshape(right.shape))  # fmt: skip
        yield Pattern("permuted", "permuted: reshaped in the wrong order, columns before rows",
                      right.ravel().reshape(right.shape, order="F"))  # fmt: skip
        last = tuple(range(right.ndim - 2, right.ndim))
        yield Pattern("flipped", "flipped: each matrix is rotated by 180°, as a kernel is between correlation and "
                      "convolution", np.flip(right, last))  # fmt: skip
    for axis in range(right.ndim):
        if right.shape[axis] > 2 or right.ndim > 1:
            yield Pattern("flipped", f"flipped along axis {axis}", np.flip(right, axis))
        for by in (1, -1):
            lines = ("rows", "columns")[axis] if axis < 2 and right.ndim > 1 else "entries"
            text = f"shifted by one along axis {axis}: its {lines} are permuted"
            turned = np.roll(right, by, axis)
            yield Pattern("shifted", text, turned)
            edge = [slice(None)] * right.ndim
            edge[axis] = slice(0, 1) if by == 1 else slice(-1, None)
            empty = turned.copy()
            empty[tuple(edge)] = 0.0
            yield Pattern("shifted", f"{text}, with 0 at the end", empty)
    for by in (1, -1):
        yield Pattern("shifted", "shifted by one entry", np.roll(right, by))


def reshaped(right: Floats, shape: tuple[int, ...]) -> Iterator[Pattern]:
    """Patterns of another shape than the right gradient's."""
    if right.ndim >= 2:
        for axes in permutations(range(right.ndim)):
            turned = np.transpose(right, axes)
            if turned.shape == shape and shape != right.shape:
                yield Pattern("transposed", "transposed", turned)
    if int(np.prod(shape)) == right.size:
        yield Pattern("shape", "the numbers are right, the shape is not", right.reshape(shape))
        if right.T.shape != shape:
            yield Pattern("transposed", "transposed, and of another shape", right.T.reshape(shape))


def permuted(given: Floats, right: Floats, close: Closeness) -> tuple[str, str] | None:
    """(kind, text) if the entries are the right ones in another order."""
    if right.size < 2 or not close.same(np.sort(given, axis=None), np.sort(right, axis=None)):
        return None
    for axis, name in ((0, "rows"), (1, "columns")):
        if right.ndim == 2 and right.shape[axis] > 1:
            order = _matching(np.moveaxis(given, axis, 0), np.moveaxis(right, axis, 0), close)
            if order:
                return "permuted", f"permuted: its {name} are those numbered {order} of the right gradient"
    return "permuted", "permuted: the entries are the right ones in another order"


def _matching(given: Floats, right: Floats, close: Closeness) -> list[int] | None:
    order = []
    for row in given:
        found = [i for i in range(len(right)) if i not in order and close.same(row, right[i])]
        if not found:
            return None
        order.append(found[0])
    return order


# ------------------------------------------------------------------------ of the wrong variable


def through_activation(x: Floats, right: Floats) -> Iterator[Pattern]:
    """dL/dz for dL/da, where the input a = f(z) was made by an activation that is no part of the graph; and the
    other way round, where the input is z."""
    wrong = "with respect to the wrong variable: this is"

    def of_z(name: str, array: Floats) -> Pattern:
        text = f"{wrong} dL/dz, z what {name} was given, and dL/da was asked for: the derivative of {name} is in it"
        return Pattern("wrong variable", text, array)

    if np.all((x > 0) & (x < 1)):
        yield of_z("sigmoid", right * x * (1 - x))
        for axis in range(x.ndim):
            if x.shape[axis] > 1 and np.allclose(np.sum(x, axis), 1.0, atol=1e-6):
                yield of_z("softmax", x * (right - np.sum(right * x, axis, keepdims=True)))
    if np.all(np.abs(x) < 1):
        yield of_z("tanh", right * (1 - x * x))
    if np.all(x >= 0):
        yield of_z("relu", right * (x > 0))
    if np.all(x > 0):
        yield of_z("exp", right * x)
    e = np.exp(-np.abs(x))
    for name, slope in (("sigmoid", e / (1 + e) ** 2), ("tanh", 4 * e * e / (1 + e * e) ** 2)):
        if np.all(slope > 1e-12):
            text = f"{wrong} dL/da, a = {name}(z), and dL/dz was asked for"
            yield Pattern(
                "wrong variable", f"{text}: an activation derivative is missing, that of {name}", right / slope
            )
            text = f"an activation derivative too much: that of {name} is there once too often"
            yield Pattern("activation derivative", text, right * slope)


def over_axes(size: int, gradient: Floats, shape: tuple[int, ...], title: str) -> Iterator[Pattern]:
    """Sums of a longer gradient, of `title`, that have as many entries as are wanted: of another variable, or axis."""
    wrong = f"with respect to the wrong variable: this is the derivative with respect to {title}"
    if gradient.size > size and gradient.size % size == 0:
        table = gradient.reshape(-1, size)
        yield Pattern("wrong variable", f"{wrong}, summed over the examples", np.sum(table, 0).reshape(shape))
        yield Pattern("not summed", f"summed over the wrong axis: examples and entries of {title} are exchanged",
                      np.sum(gradient.reshape(size, -1), 1).reshape(shape))  # fmt: skip


def by_column(given: Floats, right: Floats, close: Closeness) -> Iterator[tuple[int, Floats]]:
    """(axis, factors) if the given gradient is the right one with a factor for each place along one axis."""
    if right.ndim < 2 or given.shape != right.shape:
        return
    for axis in range(right.ndim):
        others = tuple(i for i in range(right.ndim) if i != axis)
        with np.errstate(all="ignore"):
            factors = np.sum(given * right, others) / np.sum(right * right, others)
        spread = np.expand_dims(factors, others)
        loose = Closeness(max(close.relative, 1e-9), close.absolute * max(1.0, float(np.max(np.abs(factors)))))
        if np.isfinite(factors).all() and loose.same(given, spread * right):
            yield axis, factors


# ------------------------------------------------------------------------ only some entries


def some_entries(bad: npt.NDArray[np.bool_], title: str) -> str | None:
    """Which rows, columns or entries are wrong, where others are right."""
    if bad.all() or not bad.any() or bad.ndim == 0:
        return None
    if bad.ndim >= 2:
        for axis, name in ((0, "row"), (1, "column")):
            others = tuple(i for i in range(bad.ndim) if i != axis)
            lines = np.any(bad, axis=others)
            if np.array_equal(np.all(bad, axis=others), lines):
                return f"only {_numbered(name, np.flatnonzero(lines).tolist())} of {title}"
    places = [title + "".join(f"[{i}]" for i in place) for place in np.argwhere(bad)[:6].tolist()]
    more = int(bad.sum()) - len(places)
    text = f"only some entries: {', '.join(places)}{f' and {more} more' if more > 0 else ''}"
    rows = np.flatnonzero(np.any(bad, axis=tuple(range(1, bad.ndim)))).tolist() if bad.ndim >= 2 else []
    return f"{text} (in {_numbered('row', rows)})" if 0 < len(rows) < bad.shape[0] else text


def _numbered(noun: str, places: list[int]) -> str:
    return f"{noun}{'s' * (len(places) > 1)} {', '.join(map(str, places))}"
