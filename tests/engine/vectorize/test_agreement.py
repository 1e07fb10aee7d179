"""The judge of agreement notices mistakes: they are planted in a program's results, one after the other."""

import math

import numpy as np
import pytest

from engine import Value, log, tanh
from engine.vectorize import vectorize

from .agreement import agree
from .drafts import Draft, linear, squared


class Mistaken:
    """A program, and what somebody did to its results."""

    def __init__(self, program, losses=None, gradient=None):
        self.program, self.parameters = program, program.parameters
        self.losses, self.gradient = losses or (lambda x: x), gradient or (lambda x: x)

    def __call__(self, *arrays):
        return self.losses(self.program(*arrays))

    def predict(self, *arrays):
        return self.program.predict(*arrays)

    def value_and_grad(self, *arrays):
        mean_loss, gradient = self.program.value_and_grad(*arrays)
        return mean_loss, self.gradient(gradient)


def changed(place, how):
    def change(array):
        array = array.copy()
        array[place] = how(array[place])
        return array

    return change


MISTAKES = {
    "a factor of 1 + 1e-9 in a loss": {"losses": changed(1, lambda z: z * (1 + 1e-9))},
    "another example": {"losses": lambda z: np.roll(z, 1)},
    "nan for a number": {"losses": changed(0, lambda z: math.nan)},
    "a factor of 1 + 1e-9 in a gradient": {"gradient": changed(2, lambda g: g * (1 + 1e-9))},
    "a gradient that is summed, not averaged": {"gradient": lambda g: 7.0 * g},
    "another parameter": {"gradient": lambda g: np.roll(g, 1)},
    "a sign": {"gradient": changed(0, lambda g: -g)},
    "a gradient that is left out": {"gradient": changed(-1, lambda g: 0.0)},
    "inf for a number": {"gradient": changed(3, lambda g: math.inf)},
}


def example_of_a_mistake():
    d = Draft(3)
    x, W, b = d.x(3), d.w(2, 3), d.w(2)
    h = [tanh(z) for z in linear(W, x, b)]
    return squared(h, d.x(2)), d, h


@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_a_mistake_is_noticed(mistake):
    loss, d, h = example_of_a_mistake()
    rows = [d.row() for _ in range(7)]

    def make(*args, **options):
        return Mistaken(vectorize(*args, **options), **MISTAKES.get(mistake, {}))

    def judged():
        agree(loss, d.inputs, d.parameters, rows, outputs=h, batches=(7,), make=make)

    if mistake is None:
        return judged()
    with pytest.raises(AssertionError, match="by the scalar engine"):
        judged()
    return None


def test_a_term_that_is_dropped_is_noticed():
    loss, d, h = example_of_a_mistake()
    rows = [d.row() for _ in range(7)]
    lesser = loss - 1e-9 * h[0]
    with pytest.raises(AssertionError, match="by the scalar engine"):
        agree(loss, d.inputs, d.parameters, rows, make=lambda _, **options: vectorize(lesser, **options))


def test_an_error_that_does_not_come_is_noticed():
    x, p = Value(1.0, "x"), Value(1.0, "p")
    rows = [[1.0], [-1.0], [2.0]]
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        agree(p * log(x), [x], [p], rows, make=lambda _, **options: vectorize(p * log(abs(x)), **options))
