"""Σ left · right, written: a matrix product, an inner product, or a contraction told by letters; and backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.vectorize.arrays import ArrayProgram, Shape, View
from engine.vectorize.code import PRODUCT, Code
from engine.vectorize.gradients import Gradients
from engine.vectorize.names import Names
from engine.vectorize.writer import expanded, reshaped

LETTERS = "ijklmnopqrstuvwxyzacdefgh"  # of the axes in an einsum; b is the batch


class Products(Gradients):
    """A writer of products. Each gives its code, and what to do with the gradient of its result."""

    def __init__(self, program: ArrayProgram, names: Names, tensor_names: Any) -> None:
        super().__init__(program, names, tensor_names)
        self._mask_of: dict[View, str] = {}

    def _product(self, left: View, right: View, varies: bool) -> tuple[Code, Callable[[str], None]]:
        """Σ left · right over their lists: elementwise where these have one entry, else a contraction."""
        if not left.listed and not right.listed:
            return self._times(left, right, varies)
        left, right = expanded(left), expanded(right)
        return (
            self._matmul(left, right, varies) or self._inner(left, right, varies) or self._einsum(left, right, varies)
        )

    def _times(self, left: View, right: View, varies: bool) -> tuple[Code, Callable[[str], None]]:
        a, b = (self.factor(view, varies) for view in (left, right))
        same = left.key() == right.key()

        def backward(gradient: str) -> None:
            g = self._code(gradient)
            if same:
                self._give_spread(left, 2.0 * g * a, varies)
                return
            self._give_spread(left, g * b, varies)
            self._give_spread(right, g * a, varies)

        return Code(f"{a} * {b}", PRODUCT), backward

    def _matmul(self, left: View, right: View, varies: bool) -> tuple[Code, Callable[[str], None]] | None:
        """W @ x: every axis of the grid is one of W's or one of x's, W's first; None where it is not so."""
        x_varies = self.arrays[right.array].varies
        if self.arrays[left.array].varies or left.mask is not None or right.mask is not None or varies > x_varies:
            return None
        listed = range(left.listed)
        rows = [i for i in range(left.listed, len(left.shape)) if left.strides[i] and left.shape[i] > 1]
        columns = [i for i in range(left.listed, len(left.shape)) if right.strides[i] and left.shape[i] > 1]
        if rows + columns != [i for i in range(left.listed, len(left.shape)) if left.shape[i] > 1]:
            return None
        w, x = _axes(left, [*rows, *listed]), _axes(right, [*listed, *columns])
        if len(self.read(w).kept) + len(self.read(x).kept) != len(w.shape) + len(x.shape):
            return None  # a list of one entry
        n, k, m = (math.prod([left.shape[i] for i in axes]) for axes in (rows, listed, columns))
        across = bool(len(columns) + x_varies)
        matrix, inner = self.own(w, unnamed="w"), self.own(x)
        if len(w.shape) > len(rows[:1]) + 1:
            sizes = (n, k) if rows else (k,)
            matrix = self.named(reshaped(matrix, sizes, False), f"{matrix}_{len(sizes)}d", sizes, False)
        if len(columns) + x_varies > 1 or len(listed) > 1:
            flat = f"{inner}.reshape({k}, -1)" if len(columns) + x_varies else reshaped(inner, (k,), False)
            shown = ", ".join([str(k), *([flattened(m, x_varies)] if across else [])])
            inner = self.named(flat, f"{inner}_{1 + across}d", shown, False)
        text = Code(f"{matrix} @ {inner}", PRODUCT)
        same = not rows and not columns and left.key() == right.key()
        result = tuple(left.shape[i] for i in (*rows, *columns))
        if len(rows) > 1 or len(columns) + x_varies > 1:
            text = Code(reshaped(f"({text})", result, varies))

        def backward(gradient: str) -> None:
            if len(rows) > 1 or len(columns) + x_varies > 1:
                sizes = [*([str(n)] if rows else []), *(["-1"] if across else [])]
                flat = f"{gradient}.reshape({', '.join(sizes)})"
                shape = [*([str(n)] if rows else []), *([flattened(m, x_varies)] if across else [])]
                gradient = self.named(flat, f"{gradient}_2d", ", ".join(shape), False)
            if same:
                self._give(w, self._as(2.0 * Code(gradient) * Code(matrix), w.shape, len(w.shape) > 1, x_varies))
                return
            if left.array in self._moves:
                if not rows:
                    dw = f"{inner} @ {gradient}" if across else f"{inner} * {gradient}"
                else:
                    dw = f"{gradient} @ {inner}.T" if across else f"{gradient}[:, None] * {inner}"
                self._give(w, self._as(Code(dw, PRODUCT), w.shape, len(w.shape) > len(rows[:1]) + 1, False))
            if right.array in self._moves:
                if rows:
                    dx = f"{matrix}.T @ {gradient}"
                else:
                    dx = f"{matrix}[:, None] * {gradient}" if across else f"{matrix} * {gradient}"
                several = len(columns) + x_varies > 1 or len(listed) > 1
                self._give(x, self._as(Code(dx, PRODUCT), x.shape, several, x_varies))

        return text, backward

    def _as(self, text: Code, shape: Shape, several: bool, varies: bool) -> Code:
        return Code(reshaped(f"({text})", shape, varies)) if several else text

    def _inner(self, left: View, right: View, varies: bool) -> tuple[Code, Callable[[str], None]] | None:
        """Both factors along all axes: (a * b).sum(axis=0). Else None."""
        axes = tuple(i for i, n in enumerate(left.shape) if n > 1)
        if left.mask is not None or right.mask is not None or any(self.read(v).kept != axes for v in (left, right)):
            return None
        if self.arrays[left.array].varies != self.arrays[right.array].varies:
            return None
        if len(axes) == left.listed == 1 and not self.arrays[left.array].varies:
            return None  # w @ w
        a, b = self.own(left), self.own(right)
        first = sum(n > 1 for n in left.shape[: left.listed])
        over = "0" if first == 1 else f"({', '.join(map(str, range(first)))})"
        column = f"[{', '.join(['...', 'None'])}]" if varies and not self.arrays[left.array].varies else ""
        same = left.key() == right.key()

        def backward(gradient: str) -> None:
            if column:
                gradient = f"{gradient}.sum(axis=-1)"
            for view, factor in ((left, b), (right, a)):
                if view.array in self._moves:
                    self._give(view, (2.0 * Code(gradient) if same else Code(gradient)) * Code(factor))
                if same:
                    break

        return Code(f"({a} * {b}).sum(axis={over}){column}"), backward

    def _einsum(self, left: View, right: View, varies: bool) -> tuple[Code, Callable[[str], None]]:
        """Any other contraction, its axes told by letters."""
        left, right, a, b = self._masked(left, right)
        kept = [self.read(view).kept for view in (left, right)]
        letters = [
            "".join(LETTERS[i] for i in axes) + ("b" if self.arrays[view.array].varies else "")
            for axes, view in zip(kept, (left, right), strict=True)
        ]
        grid = [i for i in range(left.listed, len(left.shape)) if i in kept[0] or i in kept[1]]
        result = "".join(LETTERS[i] for i in grid) + ("b" if "b" in "".join(letters) else "")
        text = f'einsum("{letters[0]},{letters[1]}->{result}", {a}, {b})'
        missing = ["None" if i not in grid else ":" for i in range(left.listed, len(left.shape))]
        while missing and missing[0] == "None":
            missing.pop(0)
        if varies and "b" not in result and missing:
            missing.append("None")
        if "None" in missing:
            text += f"[{', '.join(missing)}]"
        same = left.key() == right.key() and a == b

        def backward(gradient: str) -> None:
            if not {left.array, right.array} & self._moves:
                return
            sums = [i - left.listed for i in range(left.listed, len(left.shape)) if i not in grid]
            if varies and "b" not in result:
                sums.append(len(left.shape) - left.listed)
            if sums:
                axes = str(sums[0]) if len(sums) == 1 else f"({', '.join(map(str, sums))})"
                gradient = self.named(
                    f"{gradient}.sum(axis={axes})", gradient, left.shape[left.listed :], "b" in result
                )
            for view, own, other, factor in ((left, letters[0], letters[1], b), (right, letters[1], letters[0], a)):
                if view.array in self._moves:
                    share = Code(f'einsum("{result},{other}->{own}", {gradient}, {factor})')
                    mask = self._mask_of.get(view)
                    self._give(view, 2.0 * share if same else Code(f"masked({mask}, {share}, 0.0)") if mask else share)
                if same:
                    break

        return Code(text), backward

    def _masked(self, left: View, right: View) -> tuple[View, View, str, str]:
        """Both factors, one of them 0 where the lists have no entry."""
        mask = left.mask if left.mask is not None else right.mask
        texts = [self.own(left), self.own(right)]
        if mask is None:
            return left, right, texts[0], texts[1]
        for view in (left, right):
            zero = self.arrays[view.array].zero
            if (
                zero is not None
                and np.append(zero.reshape(-1), True)[np.broadcast_to(view.places(), mask.shape)[~mask]].all()
            ):
                return left, right, texts[0], texts[1]
        needs = {i for i, n in enumerate(mask.shape) if n > 1 and (mask != mask.take([0], i)).any()}
        if not needs <= set(self.read(left).kept):
            left = expanded(left, listed_only=False)
            texts[0] = self.own(left)
        kept = self.read(left).kept
        short = mask[tuple(slice(None) if i in kept else 0 for i in range(mask.ndim))]
        varies = self.arrays[left.array].varies
        name = self.mask(short, varies)
        shape = tuple(left.shape[i] for i in kept)
        self._mask_of[left] = name
        texts[0] = self.named(f"masked({name}, {texts[0]}, 0.0)", f"{texts[0]}_there", shape, varies)
        return left, right, texts[0], texts[1]


def flattened(m: int, varies: bool) -> str:
    """The length of an axis that is made of others, and perhaps of the batch."""
    return f"{m}·batch" if varies and m > 1 else "batch" if varies else str(m)


def _axes(view: View, order: Sequence[int]) -> View:
    """The view with some of its axes, in another order; the others it repeats."""
    shape = tuple(view.shape[i] for i in order)
    strides = tuple(view.strides[i] for i in order)
    if view.index is None:
        return View(view.array, shape, strides, view.offset)
    index = view.index.transpose(*order, *(i for i in range(view.index.ndim) if i not in order))
    return View(view.array, shape, strides, index=index.reshape(index.shape[: len(order)]))
