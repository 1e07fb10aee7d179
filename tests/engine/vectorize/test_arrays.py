"""Programs of arrays as data, and the checker, which notices what is planted."""

from dataclasses import replace

import numpy as np
import pytest

from engine import tanh
from engine.vectorize.arrays import Array, ArrayProgram, Statement, View, check

from .drafts import Draft, linear
from .lifted import lifted


def test_the_places_of_a_view():
    assert View(0, (2, 3), (10, -1), 7).places().tolist() == [[7, 6, 5], [17, 16, 15]]
    assert View(0, (), (), 4).places() == 4
    assert View(0, (2,), (1,), 9, 0, np.array([5, 3])).places().tolist() == [5, 3]  # an index says all


def test_views_that_read_the_same_have_one_key():
    index, mask = np.array([0, 1]), np.array([True, False])
    views = [
        View(0, (2,), (1,)), View(1, (2,), (1,)), View(0, (2,), (1,), 1), View(0, (2,), (2,)),
        View(0, (2,), (1,), 0, 1), View(0, (2,), (1,), 0, 0, index), View(0, (2,), (1,), 0, 0, index[::-1]),
        View(0, (2,), (1,), mask=mask),
    ]  # fmt: skip
    assert len({view.key() for view in views}) == len(views)
    assert replace(views[5]).key() == views[5].key()


def test_the_size_is_that_of_one_example():
    assert Array("input", "x", (2, 3), varies=True).size == 6
    assert Array("input", "x", (), varies=True).size == 1


def program():
    """h = tanh(W·x + b), three of two."""
    d = Draft(0)
    x, W, b = d.x(2), d.w(3, 2), d.w(3)
    return lifted([tanh(z) for z in linear(W, x, b)], d.inputs, d.parameters)


def changed(at, **fields):
    """The program with one statement changed."""
    whole = program()
    statements = list(whole.statements)
    statements[at] = replace(statements[at], **fields)
    return replace(whole, statements=tuple(statements))


def with_array(at, **fields):
    whole = program()
    arrays = list(whole.arrays)
    arrays[at] = replace(arrays[at], **fields)
    return replace(whole, arrays=tuple(arrays))


def beyond(view):
    return replace(view, offset=view.offset + 100)


(W, X), B = program().statements[0].products[0], program().statements[0].operands[0]
Z = program().statements[1].operands[0]

MISTAKES = {
    "beyond the end": lambda: changed(0, products=((beyond(W), X),)),
    "before the beginning": lambda: changed(0, products=((W, replace(X, offset=-1)),)),
    "factors of different shapes": lambda: changed(0, products=((W, View(1, (2,), (1,), 0, 1)),)),
    "lists of different lengths": lambda: changed(0, products=((W, replace(X, listed=0)),)),
    "another shape": lambda: changed(1, operands=(View(2, (2,), (1,)),)),
    "a view with an axis too many": lambda: changed(1, operands=(replace(Z, strides=(1, 1)),)),
    "a mask of another shape": lambda: changed(1, operands=(replace(Z, mask=np.ones(2, bool)),)),
    "not made yet": lambda: replace(program(), statements=program().statements[::-1]),
    "made twice": lambda: changed(1, target=2),
    "is a source": lambda: changed(1, target=0),
    "no statement makes": lambda: replace(program(), statements=program().statements[:1]),
    "varies, or does not": lambda: with_array(3, varies=False),
    "one name": lambda: with_array(3, name="x0"),
    "that of the parameters": lambda: with_array(0, kind="input"),
    "only a constant has numbers": lambda: with_array(1, numbers=np.zeros(2)),
    "reads beyond the end of x0": lambda: changed(1, operands=(View(1, (3,), (1,), 0, 0, np.array([0, 1, 2])),)),
    "a root beyond its array": lambda: replace(program(), roots=((3, 3),)),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_noticed(said):
    check(program())
    with pytest.raises(AssertionError, match=said):
        check(MISTAKES[said]())


def test_a_list_may_have_places_that_are_missing():
    arrays = (Array("parameters", "parameters", (3,), varies=False), Array("result", "s", (2,), varies=False))
    index = np.array([[0, 1], [2, 3]])
    listed = Statement(1, program().statements[0].op, (View(0, (2, 2), (1, 1), 0, 1, index),))
    check(ArrayProgram(arrays, (listed,), ((1, 0),)))
    with pytest.raises(AssertionError, match="beyond the end"):
        check(ArrayProgram((replace(arrays[0], shape=(2,)), arrays[1]), (listed,), ((1, 0),)))
