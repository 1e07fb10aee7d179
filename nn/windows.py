"""Windows that slide over an image: which numbers of the input each of them sees.

Along one axis, tap t of the window of output o falls on the place

    o·stride − before + t·dilation

of the input, and is left out where that is in the padding. The windows of an image are those of its axes, crossed.
Places and taps are then counted row by row, so that a channel and a kernel can be flat lists. Convolution and
pooling read the table of windows forwards, a transposed convolution reads it backwards.

Glossary: a tap is an entry of the kernel; a place is an index into the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from nn.module import Module
from nn.shapes import called, count

Sizes = tuple[int, ...]


class Window(NamedTuple):
    """What one output sees: which taps, and on which places they fall."""

    taps: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """How windows lie along one axis: `taps` entries, `dilation` apart, `stride` from one window to the next.

    `before` and `after` say how much padding there is.
    """

    taps: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """How many numbers a window reaches over, from its first tap to its last."""
        return (self.taps - 1) * self.dilation + 1

    def outputs(self, n: int, ceil: bool = False) -> int:
        """How many windows n numbers have, 0 or less if not one fits.

        With `ceil` the last one may reach past the padding at the end, but not begin there.

        >>> Axis(taps=2, stride=2).outputs(5), Axis(taps=2, stride=2).outputs(5, ceil=True)
        (2, 3)
        """
        room = self.before + n + self.after - self.span
        if not ceil:
            return room // self.stride + 1
        last = -(-room // self.stride)
        return last if last * self.stride >= n + self.before else last + 1

    def on(self, n: int, outputs: int) -> list[list[tuple[int, int]]]:
        """(tap, place) of the taps of each window that fall on the n numbers."""
        return [
            [(t, place) for t in range(self.taps) if 0 <= (place := start + t * self.dilation) < n]
            for start in range(-self.before, outputs * self.stride - self.before, self.stride)
        ]


Axes = tuple[Axis, ...]
Table = tuple[Window, ...]


@lru_cache(maxsize=32)  # every example of a batch asks again
def windows(axes: Axes, sizes: Sizes, outputs: Sizes) -> Table:
    """The window of each output, row by row, over an image of these sizes.

    >>> windows((Axis(taps=3, before=1, after=1),), (4,), (4,))[0]
    Window(taps=(1, 2), places=(0, 1))
    """
    table = [[(0, 0)]]
    for axis, n, m in zip(axes, sizes, outputs, strict=True):
        table = [
            [(tap * axis.taps + t, place * n + p) for tap, place in outer for t, p in inner]
            for outer in table
            for inner in axis.on(n, m)
        ]
    return _as_windows(table)


@lru_cache(maxsize=32)
def turned(axes: Axes, sizes: Sizes, outputs: Sizes) -> Table:
    """The table backwards: for each number of the image, the outputs (now the places) whose windows see it.

    >>> turned((Axis(taps=2),), (3,), (2,))
    (Window(taps=(0,), places=(0,)), Window(taps=(1, 0), places=(0, 1)), Window(taps=(1,), places=(1,)))
    """
    table: list[list[tuple[int, int]]] = [[] for _ in range(prod(sizes))]
    for output, window in enumerate(windows(axes, sizes, outputs)):
        for tap, place in zip(*window, strict=True):
            table[place].append((tap, output))
    return _as_windows(table)


def _as_windows(table: list[list[tuple[int, int]]]) -> Table:
    return tuple(Window(tuple(tap for tap, _ in pairs), tuple(place for _, place in pairs)) for pairs in table)


# ------------------------------------------------------------------------------ sizes


def for_each_axis(name: str, n: Any, axes: int, least: int = 1) -> Sizes:
    """A size for all axes, or one for each: 3 is (3, 3) for two axes.

    Raises:
        TypeError: if it is neither a whole number nor a tuple of them.
        ValueError: if there are more or fewer than axes, or one is less than `least`.
    """
    sizes = n if isinstance(n, tuple | list) else (n,) * axes
    if len(sizes) != axes:
        raise ValueError(f"{name} is one whole number{', or one for each axis' * (axes > 1)}, not {n!r}")
    return tuple(count(name, size, least) for size in sizes)


def fitting(module: Module, axes: Axes, sizes: Sizes, ceil: bool = False) -> Sizes:
    """How many windows there are along each axis of an image of these sizes.

    Raises:
        ValueError: if not one fits; it names the span of the windows and the size of the padded image.
    """
    outputs = tuple(axis.outputs(n, ceil) for axis, n in zip(axes, sizes, strict=True))
    if min(outputs) < 1:
        spans = tuple(axis.span for axis in axes)
        padded = tuple(axis.before + n + axis.after for axis, n in zip(axes, sizes, strict=True))
        raise ValueError(
            f"{called(module)} has windows over {spans} numbers, and none fits in the padded input of {padded}; "
            "take a smaller kernel or dilation, more padding or a larger input"
        )
    return outputs


# ------------------------------------------------------------------------------ nested lists


def sizes_of(channel: Sequence[Any]) -> Sizes:
    """(height, width) of nested lists that are known to be full.

    >>> sizes_of([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (2, 3)
    """
    sizes = []
    while isinstance(channel, list):
        sizes.append(len(channel))
        channel = channel[0]
    return tuple(sizes)


def flattened(channel: list[Any], axes: int) -> list[Any]:
    """The numbers of nested lists with so many axes, row by row.

    >>> flattened([[1.0, 2.0], [3.0, 4.0]], 2)
    [1.0, 2.0, 3.0, 4.0]
    """
    for _ in range(axes - 1):
        channel = [number for row in channel for number in row]
    return channel


def in_rows(numbers: list[Any], sizes: Sizes) -> list[Any]:
    """The same back: a flat list as nested lists of these sizes.

    >>> in_rows([1.0, 2.0, 3.0, 4.0], (2, 2))
    [[1.0, 2.0], [3.0, 4.0]]
    """
    for n in reversed(sizes[1:]):
        numbers = [numbers[i : i + n] for i in range(0, len(numbers), n)]
    return numbers
