"""The leanest plain scalar engine: what a program over single numbers costs, and the baseline of the GPT.

A node has its number, its gradient, its parents and the local derivatives, which are stored when it is made; no
closures, no names, no checks. The gradients of leaves are set to 0 by whoever updates them.
"""

from __future__ import annotations

import gc
import itertools
import math

import numpy as np

from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_gpt import BETAS, EPS, RATE, Numbers, matrices
from tests.benchmarks.vectorized_gpt import gpt as program


class Scalar:
    """A number that remembers what it was computed from."""

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    def __add__(self, other):
        if type(other) is Scalar:
            return Scalar(self.data + other.data, (self, other), (1.0, 1.0))
        return Scalar(self.data + other, (self,), (1.0,))

    __radd__ = __add__

    def __sub__(self, other):
        if type(other) is Scalar:
            return Scalar(self.data - other.data, (self, other), (1.0, -1.0))
        return Scalar(self.data - other, (self,), (1.0,))

    def __mul__(self, other):
        if type(other) is Scalar:
            return Scalar(self.data * other.data, (self, other), (other.data, self.data))
        return Scalar(self.data * other, (self,), (other,))

    __rmul__ = __mul__

    def __truediv__(self, other):
        if type(other) is Scalar:
            z = self.data / other.data
            return Scalar(z, (self, other), (1.0 / other.data, -z / other.data))
        return Scalar(self.data / other, (self,), (1.0 / other,))

    def __pow__(self, power):
        return Scalar(self.data**power, (self,), (power * self.data ** (power - 1.0),))

    def __neg__(self):
        return Scalar(-self.data, (self,), (-1.0,))

    def exp(self):
        """eˣ."""
        z = math.exp(self.data)
        return Scalar(z, (self,), (z,))

    def log(self):
        """ln x."""
        return Scalar(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self):
        """max(0, x)."""
        return Scalar(self.data, (self,), (1.0,)) if self.data > 0.0 else Scalar(0.0, (self,), (0.0,))

    def backward(self):
        """Add ∂self/∂node to the gradient of every node behind it."""
        order, seen, stack = [], set(), [self]
        while stack:
            node = stack.pop()
            if node is None:  # all parents of the node below are in the order
                order.append(stack.pop())
            elif node not in seen:
                seen.add(node)
                if node.parents:
                    stack += (node, None)
                    stack += node.parents
        self.grad = 1.0
        for node in reversed(order):
            gradient = node.grad
            for parent, slope in zip(node.parents, node.slopes):  # noqa: B905  (strict costs time)
                parent.grad += gradient * slope


SCALARS = Numbers(Scalar.exp, Scalar.log, Scalar.relu, lambda xs, i: xs[i], lambda x: x.data)


def gpt(numbers, batches, collector=True):
    """One name a step; Adam as a loop over the parameters. The collector looks for cycles, which nodes do not have."""
    parameters = list(map(Scalar, numbers.tolist()))
    weights, names = matrices(parameters), batches[:, 0].tolist()
    turn = itertools.cycle(names)
    m, v = [0.0] * len(parameters), [0.0] * len(parameters)
    (b1, b2), steps = BETAS, itertools.count(1)

    def run(ids=names[0]):
        if not collector:
            gc.disable()
        for p in parameters:
            p.grad = 0.0
        loss = program(ids[:-1], ids[1:], weights, SCALARS)
        loss.backward()
        gc.enable()
        return loss.data

    def step():
        run(next(turn))
        t = next(steps)
        c1, c2 = 1.0 - b1**t, 1.0 - b2**t
        for i, p in enumerate(parameters):
            g = p.grad
            m[i] = mi = b1 * m[i] + (1.0 - b1) * g
            v[i] = vi = b2 * v[i] + (1.0 - b2) * g * g
            p.data -= RATE * (mi / c1) / ((vi / c2) ** 0.5 + EPS)

    return Peer(lambda: (run(), np.array([p.grad for p in parameters])), run, step)
