"""Contractions of two arrays: products of elements, summed over the axes that the result does not have.

How to compute one depends on its letters and sizes only. It is found out once for each, and kept as a function of the
two arrays: a call is then a look-up and three or four array operations.

Glossary, of the letters: stack those of both operands and the result; inner those of both that are summed; rows those
of a and the result; columns those of b and the result; lone those that one operand has and the result has not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

Array = Any  # a NumPy array
Shape = tuple[int, ...]
Contraction = Callable[[Array, Array], Array]

_sum = np.add.reduce
# measured, in products for each matrix of a stack
_TINY = 16  # up to here NumPy's einsum takes less than a call for each matrix
_LONG = 32  # and so it does if the last axis, along which it loops, is so long, and half of the products
_BLAS = 4096  # from here BLAS gains more than it costs to copy what lies apart in memory


def einsum(spec: str, a: Array, b: Array) -> Array:
    """The sum over the letters that are not in the result of the products of a's and b's elements.

    `spec` names the axes, as in NumPy: "htjb,hsjb->htsb". A letter stands once at most in an operand. It becomes a
    matrix product, or a stack of them; stacks of many tiny matrices are left to NumPy.

    Raises:
        ValueError: if the spec does not name two operands and a result in this way.

    >>> einsum("ij,jb->ib", np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    return _contraction(spec, a.shape, b.shape)(a, b)


@lru_cache(maxsize=4096)
def _contraction(spec: str, a: Shape, b: Shape) -> Contraction:
    operands, arrow, out = spec.partition("->")
    first, comma, second = operands.partition(",")
    if not (arrow and comma) or any(len(set(part)) < len(part) for part in (first, second, out)):
        raise ValueError(
            f"a contraction names two operands and a result, as 'ij,jb->ib', each letter once; not {spec!r}"
        )
    size_a, size_b = dict(zip(first, a, strict=True)), dict(zip(second, b, strict=True))
    inner = [c for c in first if c in size_b and c not in out]
    if any(size_a[c] != size_b[c] for c in inner):  # one of them is repeated
        return lambda a, b: np.einsum(spec, a, b)
    lone_a = tuple(i for i, c in enumerate(first) if c not in out and c not in size_b)
    lone_b = tuple(i for i, c in enumerate(second) if c not in out and c not in size_a)
    if lone_a or lone_b:
        left, right = (
            "".join(c for i, c in enumerate(s) if i not in t) for s, t in ((first, lone_a), (second, lone_b))
        )
        rest = _contraction(f"{left},{right}->{out}", tuple(size_a[c] for c in left), tuple(size_b[c] for c in right))
        return lambda a, b: rest(_sum(a, lone_a), _sum(b, lone_b))
    letters = _Letters(first, second, out, inner, size_a, size_b)
    if letters.looped():
        return lambda a, b: np.einsum(spec, a, b)
    if letters.turned():
        turned = _matrices(_Letters(second, first, out, inner, size_b, size_a))
        return lambda a, b: turned(b, a)
    return _matrices(letters)


class _Letters:
    """The letters of a contraction without lone ones, and their sizes."""

    def __init__(
        self, first: str, second: str, out: str, inner: list[str], size_a: dict[str, int], size_b: dict[str, int]
    ) -> None:
        self.first, self.second, self.out, self.inner = first, second, out, inner
        self.stack = [c for c in out if c in size_a and c in size_b]
        self.rows, self.columns = [c for c in out if c not in size_b], [c for c in out if c not in size_a]
        self.size_a, self.size_b = size_a, size_b
        self.sizes = {c: _widest(size_a.get(c, 1), size_b.get(c, 1)) for c in size_a | size_b}

    def count(self, letters: Sequence[str]) -> int:
        """How many elements axes of these letters have."""
        return prod(self.sizes[c] for c in letters)

    def products(self) -> int:
        """How many products each matrix of the stack takes."""
        return self.count(self.rows) * self.count(self.inner) * self.count(self.columns)

    def looped(self) -> bool:
        """Whether loops along the last axis take less than matrices: there are none, or they are tiny and many."""
        if not self.inner:
            return True
        last = self.out[-1:]
        along = self.sizes[last] if last and self.first[-1] == self.second[-1] == last else 1
        gain = 8 if not (self.rows and self.columns) else 2  # a vector gains little from BLAS
        products = self.products()
        return (along >= _LONG and gain * along >= products) or (products <= _TINY and self.count(self.stack) > 8)

    def turned(self) -> bool:
        """Whether b @ a has the axes in the result's order, rather than a @ b."""
        return bool(self.rows and self.columns) and self.out.index(self.rows[-1]) > self.out.index(self.columns[-1])


def _matrices(of: _Letters) -> Contraction:
    """(stack, rows, inner) @ (stack, inner, columns)."""
    turn_a = _order(of.stack + of.rows + of.inner, of.first)
    turn_b = _order(of.stack + of.inner + of.columns, of.second)
    made = of.stack + of.rows + of.columns
    if len(of.rows) == len(of.inner) == len(of.columns) == 1 and of.products() < _BLAS:
        size, place = tuple(of.sizes[c] for c in of.out), _order(made, of.out)

        def write(a: Array, b: Array) -> Array:
            """Written where it belongs, so that what reads the result finds it in order."""
            z = np.empty(size, a.dtype if a.dtype == b.dtype else np.result_type(a, b))
            np.matmul(a.transpose(turn_a), b.transpose(turn_b), z.transpose(place))
            return z

        return write
    rows, inner, columns = of.count(of.rows), of.count(of.inner), of.count(of.columns)
    shape_a = (*(of.size_a[c] for c in of.stack), rows, inner)
    shape_b = (*(of.size_b[c] for c in of.stack), inner, columns)
    shape, back = tuple(of.sizes[c] for c in made), _order(of.out, made)
    ready: Callable[[Array], Array] = _for_blas if of.products() >= _BLAS else lambda a: a

    def contract(a: Array, b: Array) -> Array:
        a, b = a.transpose(turn_a).reshape(shape_a), b.transpose(turn_b).reshape(shape_b)
        return (ready(a) @ ready(b)).reshape(shape).transpose(back)

    return contract


def _for_blas(a: Array) -> Array:
    """The stack of matrices, copied if neither rows nor columns lie together in memory."""
    return a if a.itemsize in a.strides[-2:] else np.ascontiguousarray(a)


def _order(letters: Sequence[str], of: Sequence[str]) -> Shape:
    """Where these letters, as far as they are there, stand in an operand."""
    return tuple(of.index(c) for c in letters if c in of)


def _widest(m: int, n: int) -> int:
    return n if m == 1 else m
