"""What `lift` gives: a program of arrays, as plain data.

An Array has axes of its own, and where `varies` one more, the last, along which the examples of a batch lie.
A View says how a statement reads an array: entry (i, j, ...) of the view is entry
offset + i·strides[0] + j·strides[1] + ... of the array (its own axes, flattened), or an entry of `index`.

    z = W @ x + b         Statement(target=z, op=DOT, products=((W, x),), operands=(b,))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.operation import Operation
from engine.vectorize.columns import JOIN, LISTS, Form, Ints

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Array:
    """A source or a result.

    kind     "parameters", "input", "index" (an input that only points into lists), "constant" or "result"
    name     its name in the source
    shape    its own axes
    varies   whether it has the axis of the examples
    numbers  of a constant, its entries
    real     of a result, which entries are nodes of the graph (the others only make it rectangular); None for all
    zero     entries that are 0 whatever the numbers, or None for none
    """

    kind: str
    name: str
    shape: Shape
    varies: bool
    numbers: Numbers | None = None
    real: Mask | None = None
    zero: Mask | None = None

    @property
    def size(self) -> int:
        """How many entries it has, of one example."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class View:
    """How a statement reads an array.

    array    which one
    shape    first `listed` axes along the operands of a list, then the axes of the statement's result
    strides  how far apart the entries are along each axis; 0 where the view repeats itself
    offset   where it begins
    listed   how many axes run along the list
    index    (shape) the places, where they follow no pattern; the size of the array stands for "none"
    mask     (shape) which entries are there, of lists of different lengths; None for all
    """

    array: int
    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0
    listed: int = 0
    index: Ints | None = None
    mask: Mask | None = None

    def places(self) -> Ints:
        """(shape) the place of each entry in the array."""
        if self.index is not None:
            return self.index
        places = np.full((), self.offset, np.int64)
        for size, stride in zip(self.shape, self.strides, strict=True):
            places = places[..., None] + stride * np.arange(size)
        return places

    def key(self) -> tuple[Any, ...]:
        """Equal for views that read the same."""
        index = None if self.index is None else self.index.tobytes()
        mask = None if self.mask is None else self.mask.tobytes()
        return self.array, self.shape, self.strides, self.offset, self.listed, index, mask


Operand = View | float


@dataclass(frozen=True, eq=False)
class Statement:
    """One array operation: target = op(operands).

    Of an operation with one or two operands these are views, or numbers that are the same everywhere. Of an
    operation on a list each operand is a stretch of the list; `index` is what take takes. Of a DOT, `products` are
    the stretches of its two lists, and the operands what is added: a stretch, or a single term (listed = 0).
    """

    target: int
    op: Operation | Form
    operands: tuple[Operand, ...]
    products: tuple[tuple[View, View], ...] = ()
    index: View | None = None
    names: tuple[Sequence[str | None] | None, ...] = ()  # of the nodes of each operand, where a message may need them

    def views(self) -> list[View]:
        """All that the statement reads."""
        operands = [*self.operands, *(view for pair in self.products for view in pair), self.index]
        return [view for view in operands if isinstance(view, View)]


@dataclass(frozen=True, eq=False)
class ArrayProgram:
    """Arrays, the statements that make them in order, and where the wanted nodes are."""

    arrays: tuple[Array, ...]
    statements: tuple[Statement, ...]
    roots: tuple[tuple[int, int], ...]  # (array, place) of each
    skips: bool = False  # whether products with the constant 0 were left out

    @property
    def padded(self) -> bool:
        """Whether some entries are no nodes of the graph: rectangles, lists with gaps."""
        if any(array.real is not None for array in self.arrays):
            return True
        return any(
            view.mask is not None
            or (view.index is not None and bool((view.index == self.arrays[view.array].size).any()))
            for s in self.statements
            for view in s.views()
        )

    def varies(self, root: tuple[int, int]) -> bool:
        """Whether a wanted node differs from example to example."""
        return self.arrays[root[0]].varies


def check(program: ArrayProgram) -> None:
    """Raise an AssertionError, which says what, if a view leaves its array, shapes differ, or the order is wrong."""
    arrays, made = program.arrays, {i for i, a in enumerate(program.arrays) if a.kind != "result"}
    assert arrays[0].kind == "parameters", "the first array is not that of the parameters"
    assert len({a.name for a in arrays}) == len(arrays), "two arrays have one name"
    for a in arrays:
        assert (a.kind == "constant") == (a.numbers is not None), f"{a.name}: only a constant has numbers"
        assert a.numbers is None or (a.numbers.shape == a.shape and not a.varies), f"{a.name}: numbers of another shape"
        assert all(m is None or m.size == a.size for m in (a.real, a.zero)), f"{a.name}: a mask of another shape"
    for s in program.statements:
        target, views = arrays[s.target], [x for x in s.operands if isinstance(x, View)]
        factors = [view for pair in s.products for view in pair]
        index = [s.index] if s.index is not None else []
        assert s.target not in made, f"{target.name} is made twice, or is a source"
        for v in (*views, *factors, *index):
            assert v.array in made, f"{target.name} reads what is not made yet"
            _check_view(v, arrays[v.array], target.name)
        varies = any(arrays[v.array].varies for v in (*views, *factors, *index))
        assert target.varies == varies, f"{target.name} varies, or does not"
        for left, right in s.products:
            assert left.shape == right.shape, f"{target.name}: factors of different shapes"
            assert left.listed == right.listed, f"{target.name}: factors with lists of different lengths"
        long = sum(math.prod(v.shape[: v.listed]) for v in views)
        for v in (*views, *factors, *index):
            grid = v.shape[v.listed :]
            fits = (long, *grid) if s.op in LISTS or s.op is JOIN else grid
            assert fits == target.shape, f"{target.name} has another shape than what it reads"
        reads = [v.strides[v.listed :] for v in (*views, *factors, *index)]
        if s.op is not JOIN:
            own = range(1 if s.op in LISTS else 0, len(target.shape))
            assert all(target.shape[i] > 1 for i in own), f"{target.name} has an axis of length 1"
            assert all(any(along) for along in zip(*reads, strict=True)), f"{target.name} repeats itself along an axis"
        made.add(s.target)
    assert len(made) == len(arrays), "a result that no statement makes"
    assert all(0 <= place < arrays[array].size for array, place in program.roots), "a root beyond its array"


def _check_view(view: View, array: Array, name: str) -> None:
    assert len(view.strides) == len(view.shape) >= view.listed, f"{name}: a view with an axis too many"
    assert view.mask is None or view.mask.shape == view.shape, f"{name}: a mask of another shape"
    places = np.broadcast_to(view.places(), view.shape)
    none = 1 if view.listed and view.index is not None else 0  # of a list some places may be missing
    assert places.min(initial=0) >= 0, f"{name} reads before the beginning of {array.name}"
    assert places.max(initial=-1) < array.size + none, f"{name} reads beyond the end of {array.name}"
