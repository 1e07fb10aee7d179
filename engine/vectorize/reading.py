"""How a view is written as code: a slice, a reshape, a transpose.

    q.reshape(4, 4, 8, -1)[:, :, 0:3].transpose(0, 2, 1, 3)

The code gives the axes of the view that are not repeated, in their order, and last the axis of the examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from engine.vectorize.arrays import Array, Shape, View
from engine.vectorize.grids import contiguous


@dataclass(frozen=True)
class Reading:
    """The code of a view.

    code     the expression
    kept     which axes of the view it has
    shape    how long they are
    back     the way back, from a gradient to one of the array's shape: code with {} for the gradient; None where the
             view leaves out or repeats entries, or follows an index
    """

    code: str
    kept: tuple[int, ...]
    shape: Shape
    back: str | None = None


@dataclass(frozen=True)
class _Part:
    """A piece of an axis of the view that stays within one axis of the array."""

    axis: int
    size: int
    stride: int


def reading(name: str, array: Array, view: View) -> Reading | None:
    """The code that reads a view of the array called `name`; None if only an index can say it."""
    kept = tuple(i for i, (n, s) in enumerate(zip(view.shape, view.strides, strict=True)) if n > 1 and s)
    shape = tuple(view.shape[i] for i in kept)
    strides = tuple(view.strides[i] for i in kept)
    if view.index is not None or any(stride < 0 for stride in strides):
        return None
    batch = (-1,) if array.varies else ()
    if view.offset == 0 and _size(shape) == array.size and strides == contiguous(shape):
        same = shape == array.shape
        return Reading(name if same else _reshaped(name, (*shape, *batch)), kept, shape,
                       "{}" if same else _reshaped("{}", (*array.shape, *batch)))  # fmt: skip
    parts = _parts(array.shape, view.offset, kept, shape, strides)
    if parts is None:
        return None
    cut = _cut(array.shape, view.offset, parts)
    if cut is None:
        return None
    before, finer, items = cut
    ordered = sorted(parts, key=lambda part: -part.stride)
    wanted = sorted(ordered, key=lambda part: (part.axis, -part.stride))
    order = tuple(ordered.index(part) for part in wanted)
    code = name + _indexed(before)
    if finer != tuple(_length(item, n) for item, n in zip(before, array.shape, strict=True)):
        code = _reshaped(code, (*finer, *batch))
    code += _indexed(items)
    last = (len(order),) if array.varies else ()
    moved = order != tuple(range(len(order)))
    if moved:
        code += f".transpose({', '.join(map(str, (*order, *last)))})"
    if len(parts) > len(kept):
        code = _reshaped(code, (*shape, *batch))
    back = None
    if _size(shape) == array.size:
        back = "{}"
        if len(parts) > len(kept):
            back = _reshaped(back, (*(part.size for part in wanted), *batch))
        if moved:
            inverse = [order.index(i) for i in range(len(order))]
            back += f".transpose({', '.join(map(str, (*inverse, *last)))})"
        if tuple(part.size for part in ordered) != array.shape:
            back = _reshaped(back, (*array.shape, *batch))
    return Reading(code, kept, shape, back)


def _parts(source: Shape, offset: int, axes: Shape, shape: Shape, strides: Shape) -> list[_Part] | None:
    """The axes of the view, cut where they cross from one axis of the array to the one before it."""
    steps = contiguous(source)
    parts: list[_Part] = []
    for axis, size, stride in zip(axes, shape, strides, strict=True):
        while True:
            inside = [j for j, t in enumerate(steps) if t <= stride < t * source[j] and stride % t == 0]
            if not inside:
                return None
            j = inside[0]
            start = offset // steps[j] % source[j]
            if start + (size - 1) * stride // steps[j] < source[j]:
                parts.append(_Part(axis, size, stride))
                break
            count, rest = divmod(steps[j] * source[j], stride)
            if rest or size % count or start * steps[j] >= stride:
                return None
            parts.append(_Part(axis, count, stride))
            size, stride = size // count, stride * count
    return parts


def _cut(source: Shape, offset: int, parts: list[_Part]) -> tuple[list[str], Shape, list[str]] | None:
    """(what is taken of each axis at first, the finer axes that then are made, what is taken of these)."""
    before: list[str] = []
    finer: list[int] = []
    items: list[str] = []
    for size, step in zip(source, contiguous(source), strict=True):
        start = offset // step % size
        within = sorted((p for p in parts if step <= p.stride < step * size), key=lambda p: -p.stride)
        if not within:
            before.append(":")
            finer.append(size)
            items.append(str(start))
            continue
        if len(within) == 1:
            [part] = within
            jump = part.stride // step
            before.append(":")
            finer.append(size)
            items.append(_slice(start, part.size, jump, size))
            continue
        jumps = [part.stride // step for part in within]
        if any(a % b for a, b in pairwise(jumps)):
            return None
        low = min(start, size - within[0].size * jumps[0])
        high, rest = low + within[0].size * jumps[0], start - low
        if low < 0:
            return None
        before.append(":" if (low, high) == (0, size) else f"{low}:{high}")
        finer.append(within[0].size)
        items.append(":")
        for part, jump, wide in zip(within[1:], jumps[1:], jumps, strict=False):
            begin, rest = divmod(rest, jump)
            if begin + part.size > wide // jump:
                return None
            finer.append(wide // jump)
            items.append(_slice(begin, part.size, 1, wide // jump))
        if jumps[-1] > 1:
            finer.append(jumps[-1])
            items.append(str(rest))
    return before, tuple(finer), items


def _slice(start: int, size: int, step: int, whole: int) -> str:
    if (start, size, step) == (0, whole, 1):
        return ":"
    return f"{start}:{start + (size - 1) * step + 1}" + (f":{step}" if step > 1 else "")


def _length(item: str, whole: int) -> int:
    if item == ":":
        return whole
    low, high = item.split(":")
    return int(high) - int(low)


def _indexed(items: list[str]) -> str:
    while items and items[-1] == ":":
        items = items[:-1]
    return f"[{', '.join(items)}]" if items else ""


def _reshaped(code: str, shape: Shape) -> str:
    return f"{code}.reshape({', '.join(map(str, shape)) if shape else '()'})"


def _size(shape: Shape) -> int:
    result = 1
    for n in shape:
        result *= n
    return result
