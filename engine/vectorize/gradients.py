"""Gradients on their way back: each reader of an array adds its contribution, and then they are summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.vectorize.arrays import ArrayProgram, View
from engine.vectorize.code import ATOM, Code
from engine.vectorize.columns import Ints
from engine.vectorize.names import Names
from engine.vectorize.writer import Writer, kept_places, reshaped

MOST_TERMS = 32  # of a sum in one line


class Gradients(Writer):
    """A writer that collects contributions to the gradients of arrays."""

    def __init__(self, program: ArrayProgram, names: Names, tensor_names: Any) -> None:
        super().__init__(program, names, tensor_names)
        self._whole: dict[int, list[Code]] = {}  # contributions to the gradient of a whole array
        self._parts: dict[int, list[tuple[Ints, Code]]] = {}  # and to some of its entries
        self._moves = {0}  # the arrays that depend on the parameters
        self._uniform: set[str] = set()  # gradients that are one number for all examples

    def factor(self, view: View, varies: bool) -> Code:
        """A view beside others of its grid, as code."""
        return Code(self.spread(view, varies), uniform=not self.arrays[view.array].varies)

    def _code(self, gradient: str) -> Code:
        """The name of a gradient as code."""
        return Code(gradient, uniform=gradient in self._uniform)

    def _full(self, gradient: Code, varies: bool) -> Code:
        """A number that stands for all examples, as an array."""
        return Code(f"full({'batch' if varies else '()'}, {gradient})") if gradient.uniform else gradient

    def _give(self, view: View, gradient: Code) -> None:
        """A contribution to what the view reads; the gradient has the axes that the view does not repeat."""
        if view.array not in self._moves:
            return
        found = self.read(view)
        if self.arrays[view.array].shape:
            gradient = self._full(gradient, self.arrays[view.array].varies)
        if (
            not view.array
            and not gradient.text.isidentifier()
            and self.labels.get(view.key(), "parameters") != "parameters"
        ):
            wish = f"d_{self.labels[view.key()]}"
            gradient = Code(self.line(self.names.new(wish), gradient, found.shape, False))
        if found.back is None:
            self._parts.setdefault(view.array, []).append(self._in_order(view, gradient))
        else:
            back = gradient if found.back == "{}" else Code(found.back.format(gradient.within(ATOM)))
            self._whole.setdefault(view.array, []).append(back)

    def _give_spread(self, view: View, gradient: Code, varies: bool) -> None:
        """The same from a gradient with all axes of the grid: summed over those that the view repeats."""
        if view.array not in self._moves:
            return
        kept = self.read(view).kept
        axes = [i for i in range(len(view.shape)) if i not in kept]
        if varies and not self.arrays[view.array].varies:
            axes.append(-1 if not axes else len(view.shape))
        if axes and gradient.uniform:
            gradient, axes = gradient * Code("batch", uniform=True), []
        if axes:
            inside = axes[0] if len(axes) == 1 else f"({', '.join(map(str, axes))})"
            gradient = Code(f"{gradient.within(ATOM)}.sum(axis={inside})")
        self._give(view, gradient)

    def _in_order(self, view: View, gradient: Code) -> tuple[Ints, Code]:
        """The places of a view and its gradient, with axes in the order in which the array has them."""
        places = kept_places(view)
        steps = [int(np.diff(places.take([0, 1], i), axis=i).flat[0]) for i in range(places.ndim)]
        order = sorted(range(places.ndim), key=lambda i: -steps[i])
        if view.index is not None or order == list(range(places.ndim)):
            return places, gradient
        last = [places.ndim] if self.arrays[view.array].varies else []
        moved = Code(f"{gradient.within(ATOM)}.transpose({', '.join(map(str, [*order, *last]))})")
        return places.transpose(order), moved

    def _gradient(self, array: int, name: str = "") -> str | None:
        """The name of the gradient of an array, all contributions added; None if there are none."""
        of = self.arrays[array]
        terms = self._whole.pop(array, [])
        parts = sorted(self._parts.pop(array, []), key=lambda part: int(part[0].min()))
        if parts:
            parts = self._without_gaps(parts, of.size) if not of.varies else parts
            places = np.concatenate([p.reshape(-1) for p, _ in parts])
            rows = [reshaped(c.within(ATOM), (p.size,), of.varies) if p.ndim != 1 else c.within(ATOM) for p, c in parts]
            joined = rows[0] if len(rows) == 1 else f"concatenate(({', '.join(rows)}))"
            in_order = len(places) == of.size and bool((places == np.arange(of.size)).all())
            if len(rows) > 1 and (terms or not in_order):
                joined = self.named(joined, "parts", (len(places),), of.varies)
            once = len(places) == of.size == len(np.unique(places[places < of.size]))  # each entry, and no gaps
            if not in_order and once:
                order = np.argsort(places)
                joined = f"{joined}.take({self.constant('order', order, ('order', order.tobytes()))}, 0)"
            elif not in_order:
                joined = f"scatter({joined}, {self.index(places, of.size)})"
            terms.append(Code(joined if len(of.shape) == 1 else reshaped(joined, of.shape, of.varies)))
        if not terms:
            return None
        while len(terms) > MOST_TERMS:  # some at a time: Python's compiler does not take a line of a thousand signs
            some = _sum(terms[:MOST_TERMS])
            terms[:MOST_TERMS] = [Code(self.line(self.names.new(f"d_{of.name}"), some, of.shape, of.varies))]
        total = _sum(terms)
        if total.text.isidentifier() and not name:
            return total.text
        name = name or self.names.new(f"d_{of.name}")
        if total.uniform:
            self._uniform.add(name)
        return self.line(name, total, of.shape, of.varies and not total.uniform)

    def _without_gaps(self, parts: list[tuple[Ints, Code]], size: int) -> list[tuple[Ints, Code]]:
        """Zeros where stretches that follow one another leave something out; others as they are."""
        whole: list[tuple[Ints, Code]] = []
        end = 0
        for places, gradient in [*parts, (np.arange(size, size), Code(""))]:
            first = int(places.flat[0]) if places.size else size
            if first < end or (places.reshape(-1) != first + np.arange(places.size)).any():
                return parts
            if first > end:
                whole.append((np.arange(end, first), Code(f"zeros({first - end})")))
            if places.size:
                whole.append((places, gradient))
            end = first + places.size
        return whole


def _sum(terms: list[Code]) -> Code:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
