"""Programs of arrays, drawn: any views of any arrays, those too that no graph of this size would give.

What is written for them is compared with plain loops: forward, and by numeric differences backward.
"""

import math

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from engine import TABLE
from engine.vectorize.arrays import Array, ArrayProgram, Statement, View, check
from engine.vectorize.batches import Item
from engine.vectorize.bind import Function, Unit
from engine.vectorize.columns import DOT, JOIN, LOG_SOFTMAX, SHARES, SOFTMAX
from engine.vectorize.compiler import _head
from engine.vectorize.emit import emit
from engine.vectorize.grids import span
from engine.vectorize.grouping import gathered
from engine.vectorize.names import Names

from .lifted import computed

PARAMETERS, BATCH = 8, 3
RNG = np.random.default_rng(0)
W, X = RNG.normal(size=PARAMETERS), RNG.normal(size=(BATCH, 2, 3))
SOURCES = (
    Array("parameters", "parameters", (PARAMETERS,), varies=False),
    Array("input", "x", (2, 3), varies=True),
    Array("constant", "c1", (3,), varies=False, numbers=RNG.normal(size=3)),
)
LISTS = (TABLE["logsumexp"], TABLE["mean"], TABLE["prod"], SHARES, SOFTMAX, LOG_SOFTMAX)
ELEMENTWISE = tuple(TABLE[name] for name in ("mul", "add", "sub", "sin", "tanh", "atan2"))


def result(name, varies=True, shape=()):
    return Array("result", name, shape, varies)


class Drawing:
    """A program that grows by statements."""

    def __init__(self, draw, varies=True):
        self.draw, self.arrays, self.statements = draw, list(SOURCES), []
        self.readable = [0, 1, 2] if varies else [0, 2]

    def shape(self, at_most, least=2):
        return tuple(self.draw(st.lists(st.integers(least, 3), max_size=at_most)))

    def view(self, grid, listed=()):
        """Any view of any array: affine, or by an index."""
        array, shape = self.draw(st.sampled_from(self.readable)), (*listed, *grid)
        size = self.arrays[array].size
        if size > 1 and self.draw(st.integers(0, 3)) == 0:
            places = self.draw(st.lists(st.integers(0, size - 1), min_size=math.prod(shape), max_size=math.prod(shape)))
            return gathered(array, np.reshape(np.array(places, np.int64), shape), len(listed))
        strides, offset = [], self.draw(st.integers(0, size - 1))
        for n in shape:
            low, high = span(offset, shape[: len(strides)], strides)
            room = ((size - 1 - high) // (n - 1), -(low // (n - 1))) if n > 1 else (0, 0)
            strides.append(self.draw(st.sampled_from([0, room[0], room[1], min(1, room[0])])))
        return View(array, shape, tuple(strides), offset, len(listed))

    def masked(self, *views):
        """Perhaps lists of different lengths, none of them empty."""
        if self.draw(st.booleans()):
            return views
        listed = math.prod(views[0].shape[: views[0].listed])
        mask = np.array(self.draw(st.lists(st.booleans(), min_size=math.prod(views[0].shape), max_size=100)), bool)
        mask = mask[: math.prod(views[0].shape)].reshape(listed, -1)
        mask[0] = True
        mask = mask.reshape(views[0].shape)
        return tuple(
            View(v.array, v.shape, v.strides, v.offset, v.listed, v.index, None if mask.all() else mask) for v in views
        )

    def store(self, op, shape, operands=(), products=()):
        views = [v for v in (*operands, *(v for pair in products for v in pair)) if isinstance(v, View)]
        along = zip(*(v.strides[v.listed :] for v in views), strict=True)
        if op is not JOIN and not all(map(any, along)):
            return  # lift gives no result that repeats itself
        varies = any(self.arrays[v.array].varies for v in views)
        self.arrays.append(Array("result", f"a{len(self.arrays)}", shape, varies))
        self.statements.append(Statement(len(self.arrays) - 1, op, tuple(operands), tuple(products)))
        self.readable.append(len(self.arrays) - 1)

    def grow(self):
        kind, grid = self.draw(st.sampled_from(["each", "product", "product", "list", "join"])), self.shape(2)
        if kind == "each":
            op = self.draw(st.sampled_from(ELEMENTWISE))
            self.store(op, grid, [self.operand(grid, i) for i in range(len(op.operands))])
        elif kind == "list":
            op, listed = self.draw(st.sampled_from(LISTS)), self.draw(st.integers(2, 4))
            pieces = self.masked(self.view(grid, (listed,)))
            pieces += (self.view(grid, (2,)),) * self.draw(st.integers(0, 1))
            if op in (TABLE["mean"], TABLE["prod"], LOG_SOFTMAX):  # they have no gaps; of a log nobody reads them
                pieces = [View(v.array, v.shape, v.strides, v.offset, v.listed, v.index) for v in pieces]
            long = sum(v.shape[0] for v in pieces)
            self.store(op, grid if op in TABLE.values() else (long, *grid), pieces)
        elif kind == "join":
            some = self.draw(st.lists(st.sampled_from(self.readable), min_size=2, max_size=3))
            views = [View(i, (self.arrays[i].size,), (1,), 0, 1) for i in some]
            self.store(JOIN, (sum(v.shape[0] for v in views),), views)
        else:
            products = []
            for _ in range(self.draw(st.integers(0, 2))):
                listed = self.shape(2, least=1)
                pair = self.view(grid, listed), self.view(grid, listed)
                products.append(self.masked(*pair) if listed else pair)
            terms = [self.operand(grid, i) for i in range(self.draw(st.integers(0, 2)))]
            if self.draw(st.booleans()) or not products + terms:
                terms += self.masked(self.view(grid, (self.draw(st.integers(1, 3)),)))
            self.store(DOT, grid, terms, products)

    def operand(self, grid, i):
        return -1.5 if i and not self.draw(st.integers(0, 3)) else self.view(grid)

    def program(self):
        """The loss is made of the sines of all entries of all results; then come some of the entries."""
        sums = []
        for i in range(len(SOURCES), len(self.arrays)):
            self.store(TABLE["sin"], self.arrays[i].shape, [whole(i, self.arrays[i].shape)])
            sums.append(View(len(self.arrays) - 1, (self.arrays[i].size,), (1,), 0, 1))
        self.store(DOT, (), sums)
        for _ in range(self.draw(st.integers(0, 3))):  # what is one number for each example goes on
            loss, other = View(len(self.arrays) - 1, (), ()), self.operand((), 1)
            if self.draw(st.booleans()):
                self.store(DOT, (), [other], [(loss, self.view(()))])
            else:
                self.store(self.draw(st.sampled_from(ELEMENTWISE[:3])), (), [loss, other])
        last = len(self.arrays) - 1
        others = [(i, self.draw(st.integers(0, self.arrays[i].size - 1))) for i in self.readable]
        program = ArrayProgram(tuple(self.arrays), tuple(self.statements), ((last, 0), *others))
        check(program)
        return program


def whole(array, shape):
    return View(array, shape, tuple(math.prod(shape[i + 1 :]) for i in range(len(shape))))


def bound(program):
    """The function of its source."""
    names = Names({"parameters", "batch", "gradient", "wanted", *(a.name for a in program.arrays)})
    written = emit(program, names, lambda places, unnamed: unnamed, True, (len(program.roots) - 1,))
    items = [Item("x", "X", (2, 3))]
    ops = [s.op for s in program.statements if s.op in TABLE.values()]
    return Unit(Function(*_head(items, written, [0]), written), {}, ops, np.float64, False)


def losses(program, parameters):
    return np.array([computed(program, [parameters, x.reshape(-1)]) for x in X])


def differences(program):
    """The gradient of the mean loss, by central differences of the plain loops."""
    result = []
    for i in range(PARAMETERS):
        step = np.eye(PARAMETERS)[i] * 1e-5
        result.append((losses(program, W + step)[:, 0].mean() - losses(program, W - step)[:, 0].mean()) / 2e-5)
    return np.array(result)


@st.composite
def programs(draw, varies=True):
    drawing = Drawing(draw, varies)
    for _ in range(draw(st.integers(1, 3))):
        drawing.grow()
    assume(drawing.statements)
    return drawing.program()


def agrees(program):
    made, want = bound(program), losses(program, W)
    np.testing.assert_allclose(made.run(W, X, "losses"), want[:, 0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(made.run(W, X, "outputs"), want[:, 1:], rtol=1e-10, atol=1e-12)
    value, gradient = made.run(W, X, "gradient")
    assert value == pytest.approx(want[:, 0].mean(), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(gradient, differences(program), rtol=1e-5, atol=1e-6)
