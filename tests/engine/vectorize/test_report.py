"""What is told of a program: the numbers are those of its statements."""

import numpy as np

from engine.operation import TABLE
from engine.vectorize.arrays import Array, ArrayProgram, Statement, View
from engine.vectorize.columns import DOT, JOIN
from engine.vectorize.report import report

ARRAYS = (
    Array("parameters", "parameters", (6,), varies=False),
    Array("input", "x", (3,), varies=True),
    Array("result", "z", (2, 2), varies=True, real=np.array([[True, False], [True, True]])),
    Array("result", "a", (2, 2), varies=True),
    Array("result", "all", (7,), varies=True),
    Array("result", "loss", (), varies=True),
)
GATHER = View(1, (2, 2), (1, 1), 0, 0, np.array([[0, 2], [2, 1]]))
STATEMENTS = (
    Statement(2, DOT, (), ((View(0, (3, 2, 2), (1, 3, 0), 0, 1), View(1, (3, 2, 2), (1, 0, 0), 0, 1)),)),
    Statement(3, TABLE["mul"], (View(2, (2, 2), (2, 1)), GATHER)),
    Statement(4, JOIN, (View(1, (3,), (1,), 0, 1), View(3, (4,), (1,), 0, 1))),
    Statement(5, DOT, (View(4, (7,), (1,), 0, 1), GATHER)),
)
REPORT = report(1234, 0, ArrayProgram(ARRAYS, STATEMENTS, ((5, 0),)))


def test_the_numbers_are_those_of_the_statements():
    assert (REPORT.nodes, REPORT.operations) == (1234, 4)
    assert REPORT.kinds == {"dot": 2, "mul": 1, "join": 1}
    assert REPORT.gathers == (("a", "x"), ("loss", "x"))
    assert REPORT.single == ("loss",)
    assert REPORT.padded == (("z", 3, 4),)


def test_it_can_be_read():
    first, *others = str(REPORT).splitlines()
    assert first.startswith("1,234 nodes became 4 array operations: 2 dot, 1 join, 1 mul")
    assert "z is a rectangle of 4, 3 of them nodes" in others
    assert sum("x by an index" in line for line in others) == 2
    assert any(line.endswith("are single numbers: loss") for line in others)


def test_of_very_many_some_are_named():
    arrays = (ARRAYS[0], *(Array("result", f"s{i}", (), varies=False) for i in range(20)))
    statements = tuple(Statement(i + 1, DOT, (View(0, (6,), (1,), 0, 1),)) for i in range(20))
    last = str(report(40, 0, ArrayProgram(arrays, statements, ((20, 0),)))).splitlines()[-1]
    assert last.startswith("20 ")
    assert ("s7 ..." in last, "s8" in last) == (True, False)


def test_nothing_at_all():
    assert str(report(1, 0, ArrayProgram(ARRAYS[:2], (), ((1, 0),)))) == "1 nodes became 0 array operations: none"
