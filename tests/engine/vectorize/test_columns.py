"""A graph as columns: what the checker of the columns notices."""

from dataclasses import replace

import numpy as np
import pytest

from engine import Value, exp, softmax, tanh
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, LISTS, Form, check
from engine.vectorize.fuse import fuse
from engine.vectorize.trace import trace


def graph():
    """A layer, a softmax of it, written out: leaves, DOT, a list, its ELEMENTs, tanh."""
    x, w = [Value(0.5, "x0"), Value(-0.2, "x1")], [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    z = [a * x[0] + b * x[1] + 0.5 for a, b in w]
    return fuse(trace([tanh(p) for p in softmax(z)], x, [v for row in w for v in row]))


def places(made, op):
    return np.flatnonzero(made.code == made.ops.index(op))


def test_a_graph_of_every_form_is_right():
    made = graph()
    check(made)
    assert DOT in made.ops
    assert ELEMENT in made.ops
    assert set(made.ops) & set(LISTS)


def test_forms_are_told_apart_by_what_they_are():
    assert Form("dot") == DOT
    assert len({DOT, ELEMENT, *LISTS}) == 2 + len(LISTS)


def test_a_graph_is_printed_node_by_node():
    x = Value(2.0, "x")
    assert str(trace([exp(x * 3.0)], [x], [])).splitlines() == [
        "0: input 0 = 2.0  # x", "1: constant 0 = 3.0", "2: mul(0, 1)", "3: exp(2)",
    ]  # fmt: skip
    assert len(str(graph()).splitlines()) == len(graph())


def the_list(made):
    return made.parent[made.first[places(made, ELEMENT)[0]]]


def put(column, where, what):
    changed = column.copy()
    changed[where] = what
    return changed


MISTAKES = {
    "the columns differ in length": lambda g: replace(g, names=g.names[1:]),
    "first does not span parent": lambda g: replace(g, parent=g.parent[1:]),
    "first decreases": lambda g: replace(g, first=put(g.first, -2, g.first[-1] + 1)),
    "a parent does not come before its node": lambda g: replace(g, parent=put(g.parent, -1, len(g) - 1)),
    "a root is no node": lambda g: replace(g, roots=g.roots + len(g)),
    "a code has no operation": lambda g: replace(g, code=put(g.code, -1, 99)),
    "a leaf has parents": lambda g: replace(g, code=put(g.code, places(g, DOT)[0], CONSTANT)),
    "an operation has two codes": lambda g: replace(g, ops=(*g.ops, g.ops[0])),
    "an operation does not occur": lambda g: replace(g, ops=(*g.ops, Form("none"))),
    "a DOT has more products than parents": lambda g: replace(g, pairs=put(g.pairs, places(g, DOT)[0], 9)),
    "products of what is no DOT": lambda g: replace(g, pairs=put(g.pairs, the_list(g), 1)),
    "an ELEMENT of what is no list": lambda g: replace(g, parent=put(g.parent, g.first[places(g, ELEMENT)[0]], 0)),
    "an ELEMENT beyond its list": lambda g: replace(g, place=put(g.place, places(g, ELEMENT)[0], 2)),
    "a list used as a number": lambda g: replace(g, parent=put(g.parent, g.first[places(g, tanh.op)[-1]], the_list(g))),
    "a list as a root": lambda g: replace(g, roots=np.append(g.roots, the_list(g))),
    "a place of what has none": lambda g: replace(g, place=put(g.place, places(g, DOT)[0], 1)),
    "a node that nobody uses": lambda g: replace(g, roots=g.roots[:1]),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_noticed(said):
    with pytest.raises(AssertionError, match=said):
        check(MISTAKES[said](graph()))
