"""Pass 6: the program of arrays, written as source: forward, and backward by the chain rule on arrays.

    hidden_z = hidden_W @ x + hidden_b                # (16, batch)
    d_hidden_W = d_hidden_z @ x.T                     # (16, 2)

Every name is given once. Backward, the statements are taken in reverse; each adds to the gradients of the arrays that
it reads, and when an array's turn comes all its contributions are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.operation import Operation
from engine.vectorize.arrays import ArrayProgram, Mask, Operand, Shape, Statement, View
from engine.vectorize.code import Code, called, code, slope_codes, value_code
from engine.vectorize.columns import DOT, JOIN, LOG_SOFTMAX, PADDED
from engine.vectorize.grids import fit
from engine.vectorize.grouping import gathered
from engine.vectorize.names import Names
from engine.vectorize.products import Products
from engine.vectorize.writer import Line as Line
from engine.vectorize.writer import Written, expanded, reshaped


def emit(
    program: ArrayProgram,
    names: Names,
    tensor_names: Any,
    loss: bool,
    outputs: Shape | None,
    careful: bool = False,
    trainable: Mask | None = None,
) -> Written:
    """The function of a program: its outputs, of this shape; with a loss (the first root) the losses, the gradient.

    `trainable` says which parameters take a gradient, where not all do.
    """
    emitter = _Emitter(program, names, tensor_names, careful)
    first, others = program.roots[:loss], program.roots[loss:]
    shown = None
    if outputs is not None:
        emitter.forward(others)
        shown = emitter.outputs(others, outputs)
        emitter.out.stop("outputs", shown)
    for root in first:
        emitter.forward([root])
        varies = program.varies(root)
        code = emitter.root(root)
        emitter.out.stop("losses", code if varies else f"repeated({code}, batch)")
        gradient = emitter.backward(root)
        if trainable is not None:
            emitter.out.constants["trainable"] = trainable
            gradient = f"masked(trainable, {gradient}, 0.0)"
        result = f"{code}.sum() / batch, {gradient}" if varies else f"{code}, {gradient}"
        if shown is not None:
            emitter.out.stop("all", f"{result}, {shown}")
        emitter.out.stop("gradient", result)
    return emitter.out


class _Emitter(Products):
    """Forward, then backward."""

    def __init__(self, program: ArrayProgram, names: Names, tensor_names: Any, careful: bool) -> None:
        super().__init__(program, names, tensor_names)
        self._careful = careful  # then also slopes that are always 0 are multiplied: inf · 0 is nan
        self._steps: list[tuple[Statement, Callable[[str], None]]] = []  # what to do backward
        self._done: set[int] = set()
        self._number = {id(s): i for i, s in enumerate(program.statements)}

    def forward(self, roots: Sequence[tuple[int, int]]) -> None:
        """The statements that the roots need."""
        needed = {array for array, _ in roots}
        statements = []
        for s in reversed(self.program.statements):
            if s.target in needed and s.target not in self._done:
                statements.append(s)
                needed.update(view.array for view in s.views())
        self._done.update(s.target for s in statements)
        for s in reversed(statements):
            if any(view.array in self._moves for view in s.views()):
                self._moves.add(s.target)
            self._statement(s)

    def root(self, root: tuple[int, int]) -> str:
        """The code of a wanted node."""
        return self.own(View(root[0], (), (), root[1]))

    def outputs(self, roots: Sequence[tuple[int, int]], shape: Shape) -> str:
        """The code of all the roots as one array, the batch first."""
        arrays = {array for array, _ in roots}
        if len(arrays) == 1:
            places = np.array([place for _, place in roots]).reshape(shape)
            fitted = fit(shape, np.arange(places.size), places.reshape(-1))
            array = arrays.pop()
            view = gathered(array, places, 0) if fitted is None else View(array, shape, fitted[1], fitted[0])
            view, varies = expanded(view, listed_only=False), self.arrays[array].varies
            text = self.own(view)
            text = text if self.read(view).shape == shape else reshaped(text, shape, varies)
        else:
            varies = any(self.arrays[array].varies for array in arrays)
            rows = [f"{self.root(root)}[None{', None' * (varies and not self.program.varies(root))}]" for root in roots]
            text = self.named(f"join({', '.join(rows)})", "outputs", (len(rows),), varies)
            text = text if len(shape) == 1 else reshaped(text, shape, varies)
        if not varies:
            text = f"repeated({text}, batch)"
        if not shape:
            return text
        return (
            f"{text}.T"
            if len(shape) == 1
            else f"{text}.transpose({', '.join(map(str, (len(shape), *range(len(shape)))))})"
        )

    def backward(self, root: tuple[int, int]) -> str:
        """The gradient of the mean of the root over the batch: of all parameters, flat."""
        array, place = root
        varies = self.arrays[array].varies
        if array not in self._moves:
            return self.line("gradient", f"zeros({self.arrays[0].size})", (self.arrays[0].size,), False)
        seed = self.names.new("d_loss" if self.arrays[array].shape else f"d_{self.arrays[array].name}")
        self.line(seed, "1.0 / batch" if varies else "ones(())", (), False)
        if varies:
            self._uniform.add(seed)
        self._give(View(array, (), (), place), self._code(seed))
        for s, step in reversed(self._steps):
            gradient = self._gradient(s.target)
            if gradient is not None and gradient in self._uniform and not self._elementwise_only(s):
                varies = self.arrays[s.target].varies
                gradient = self.line(self.names.new(gradient), self._full(self._code(gradient), varies), (), varies)
            if gradient is not None:
                step(gradient)
        gradient = self._gradient(0, "gradient")
        if gradient is None:
            size = self.arrays[0].size
            return self.line("gradient", f"zeros({size})", (size,), False)
        return gradient

    @staticmethod
    def _elementwise_only(s: Statement) -> bool:
        """Whether a gradient that is one number will do for it."""
        if isinstance(s.op, Operation):
            return not s.op.any_number
        square = len(s.products) == 1 and not s.operands and s.products[0][0].key() == s.products[0][1].key()
        return s.op is DOT and (square or not any(view.listed for view in s.views()))

    # ------------------------------------------------------------------------ statements

    def _statement(self, s: Statement) -> None:
        if s.op is DOT:
            self._dot(s)
        elif s.op is JOIN:
            self._join(s)
        elif isinstance(s.op, Operation) and not s.op.any_number:
            self._elementwise(s, s.op)
        else:
            self._list(s)

    def _elementwise(self, s: Statement, op: Operation) -> None:
        target = self.arrays[s.target]
        operands = [self._operand(x, target.varies) for x in s.operands]
        check = (self._number[id(s)], tuple(map(str, operands))) if op.domain else None
        z = self.line(target.name, value_code(op, operands), target.shape, target.varies, check)

        def backward(gradient: str) -> None:
            slopes: Any = None
            for j, x in enumerate(s.operands):
                if isinstance(x, View) and x.array in self._moves:
                    slopes = slopes or slope_codes(op, Code(z, uniform=not target.varies), operands)
                    slope = code(0.0) if slopes[j] is None and self._careful else slopes[j]
                    if slope is not None:
                        g = self._code(gradient)
                        self._give_spread(x, -g if slope.text == "-1.0" else g * slope, target.varies)

        self._steps.append((s, backward))

    def _operand(self, x: Operand, varies: bool) -> Code:
        return self.factor(x, varies) if isinstance(x, View) else code(x)

    # ------------------------------------------------------------------------ lists

    def _stretch(self, view: View, fill: float, varies: bool) -> tuple[View, str]:
        """A stretch of a list as an array with the list along its first axis."""
        view = expanded(view)
        text = self.spread(view, varies)
        grid = view.shape[view.listed :]
        if view.listed != 1:
            kept = self.read(view).kept
            sizes = [n if i in kept else 1 for i, n in enumerate(view.shape)][view.listed :]
            text = reshaped(text, (self._length(view), *sizes), varies or self.arrays[view.array].varies)
        if view.mask is not None:
            mask = self.mask(view.mask.reshape(self._length(view), *grid), varies)
            text = f"masked({mask}, {text}, {fill!r})"
        if view.index is not None and (view.index == self.arrays[view.array].size).any() and fill != 0.0:
            text = self._filled(view, fill, varies)
        return view, text

    def _filled(self, view: View, fill: float, varies: bool) -> str:
        """The gather of a stretch with gaps, these filled with another number than 0."""
        array = self.arrays[view.array]
        places = np.broadcast_to(view.places(), view.shape)
        name = self.index(np.ascontiguousarray(places), array.size)
        column = "[..., None]" if varies and not array.varies else ""
        return f"gather({self.rows(array.name, array.shape, array.varies)}, {name}, {fill!r}){column}"

    def _length(self, view: View) -> int:
        return math.prod(view.shape[: view.listed])

    def _list(self, s: Statement) -> None:
        target = self.arrays[s.target]
        fill = PADDED.get(s.op.name, 0.0)
        pieces = [self._stretch(x, fill, target.varies) for x in s.operands if isinstance(x, View)]
        x = pieces[0][1] if len(pieces) == 1 else f"join({', '.join(text for _, text in pieces)})"
        grid = pieces[0][0].shape[pieces[0][0].listed :]
        longest = sum(self._length(view) for view, _ in pieces)
        beside = target.varies and not any(self.arrays[view.array].varies for view, _ in pieces)
        shown = (longest, *grid, *[1] * beside)
        x = self.named(x, f"{target.name}_of", shown, target.varies and not beside)
        more = [self._index_code(s.index, target.varies)] if s.index is not None else []
        check = (self._number[id(s)], (x, *more)) if more or getattr(s.op, "domain", None) else None
        z, code = target.name, f"{called(s.op)}({', '.join([x, *more])})"
        absent = pieces[0][0].mask if s.op is LOG_SOFTMAX and len(pieces) == 1 else None
        if absent is not None:  # where there is no entry it is −inf, and 0 to those who read it
            z = self.line(self.names.new(f"{target.name}_padded"), code, target.shape, target.varies)
            code = f"masked({self.mask(absent.reshape(target.shape), target.varies)}, {z}, 0.0)"
        self.line(target.name, code, target.shape, target.varies, check)

        def backward(gradient: str) -> None:
            if absent is not None:
                mask = self.mask(absent.reshape(target.shape), target.varies)
                gradient = self.named(f"masked({mask}, {gradient}, 0.0)", gradient, target.shape, target.varies)
            inside = (gradient, *more, x) if more else (gradient, z, x)
            dx = f"{called(s.op)}_backward({', '.join(inside)})"
            if not any(view.array in self._moves for view, _ in pieces):
                return
            if more and len(pieces) == 1:  # take gives it in the shape in which it read the list
                view = pieces[0][0]
                dx = reshaped(dx, self.read(view).shape, self.arrays[view.array].varies)
                self._give(view, Code(dx))
                return
            dx = self.line(self.names.new(f"d_{x}"), dx, (longest, *grid), target.varies)
            self._split(dx, pieces, target.varies)

        self._steps.append((s, backward))

    def _index_code(self, view: View, varies: bool) -> str:
        """An index, as integers."""
        text = self.spread(view, varies)
        if self.arrays[view.array].kind == "index":
            return text
        return self.named(f"as_index({text})", "index", self.read(view).shape, varies)

    def _split(self, dx: str, pieces: Sequence[tuple[View, str]], varies: bool) -> None:
        """The gradient of a list, given to its stretches."""
        begin = 0
        for view, _ in pieces:
            end = begin + self._length(view)
            part = dx if len(pieces) == 1 else f"{dx}[{begin}:{end}]"
            begin = end
            if view.listed != 1:
                part = reshaped(part, view.shape, varies)
            self._give_spread(view, Code(part), varies)

    def _join(self, s: Statement) -> None:
        target = self.arrays[s.target]
        pieces = [self._stretch(x, 0.0, target.varies) for x in s.operands if isinstance(x, View)]
        self.line(target.name, f"join({', '.join(text for _, text in pieces)})", target.shape, target.varies)
        self._steps.append((s, lambda gradient: self._split(gradient, pieces, target.varies)))

    # ------------------------------------------------------------------------ sums of products

    def _dot(self, s: Statement) -> None:
        target = self.arrays[s.target]
        terms: list[Code] = []
        steps: list[Callable[[str], None]] = []
        for left, right in s.products:
            text, step = self._product(left, right, target.varies)
            terms.append(text)
            steps.append(step)
        for x in s.operands:
            text, step = self._term(x, target.shape, target.varies)
            terms.append(text)
            steps.append(step)
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        self.line(target.name, total, target.shape, target.varies)

        def backward(gradient: str) -> None:
            for step in steps:
                step(gradient)

        self._steps.append((s, backward))

    def _term(self, x: Operand, grid: Shape, varies: bool) -> tuple[Code, Callable[[str], None]]:
        """What is added: a number, an array, or a stretch to be summed."""
        if not isinstance(x, View):
            return code(x), lambda gradient: None
        if not x.listed:
            text = Code(self.spread(x, varies))
            return text, lambda gradient: self._give_spread(x, self._code(gradient), varies)
        view, stretch = self._stretch(x, 0.0, varies)
        long = self._length(view)

        def backward(gradient: str) -> None:
            if view.array in self._moves:
                whole = Code(f"spread({gradient}, {long})")
                if view.mask is not None:
                    whole = Code(f"masked({self.mask(view.mask.reshape(long, *grid), varies)}, {whole}, 0.0)")
                if view.listed != 1:
                    whole = Code(reshaped(str(whole), view.shape, varies))
                self._give_spread(view, whole, varies)

        return Code(f"{stretch}.sum(axis=0)"), backward
