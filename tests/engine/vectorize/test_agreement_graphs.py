"""Programs of any graph agree with the scalar engine: graphs at random over the whole table, and structured ones.

The structured ones are written as people write them, over single Values; see `drafts`. Their sizes are drawn.
"""

import math

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from engine import TABLE, Value, topological_sort
from engine.nested import flat
from engine.operation import apply
from engine.vectorize import vectorize

from ..exact import INDEXED, inside
from .agreement import Tally, agree
from .drafts import FAMILIES, Draft

ROWS = 3
some = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

# ------------------------------------------------------------------------- at random over the whole table

numbers = st.one_of(
    st.floats(-3.0, 3.0, allow_subnormal=False),
    st.integers(-2, 2).map(float),
    st.floats(-1e3, 1e3, allow_subnormal=False),
)


class Pool:
    """Nodes to choose operands from, each with its number in every row."""

    def __init__(self, data):
        self.data, self.nodes, self.columns = data, [], []

    def leaf(self, constant=False):
        column = [self.data.draw(numbers) for _ in range(1 if constant else ROWS)] * (ROWS if constant else 1)
        return self.add(Value(column[0], requires_grad=not constant), column)

    def add(self, node, column):
        self.nodes.append(node)
        self.columns.append(column)
        return node

    def grow(self, name, bold):
        """One operation more, if it has a value in every row; a bold one only in the row that is traced."""
        op, draw = TABLE[name], self.data.draw
        if name == "take" and bold:
            return  # what a constant index leaves out is not computed by a program, and so does not leave a domain
        count = draw(st.integers(1, 5)) if op.any_number else len(op.operands)
        places = [draw(st.integers(0, len(self.nodes) - 1)) for _ in range(count)]
        operands, columns = [self.nodes[i] for i in places], [self.columns[i] for i in places]
        if name in INDEXED:
            index = [float(draw(st.integers(-count, count - 1)))] * ROWS
            operands, columns = [*operands, int(index[0])], [*columns, index]
        rows = list(zip(*columns, strict=True))
        if not all(has_value(name, row) for row in rows[: 1 if bold else ROWS]):
            return
        results = [op.evaluate(row) if has_value(name, row) else math.nan for row in rows]
        self.add(apply(op, operands), results)


def has_value(name, row):
    return not all(map(math.isfinite, row)) or inside(name, row)


def drawn_graph(data, bold):
    """A graph of up to 25 operations, and rows for its inputs."""
    pool = Pool(data)
    inputs = [pool.leaf() for _ in range(data.draw(st.integers(1, 4)))]
    weights = [pool.leaf(constant=True) for _ in range(data.draw(st.integers(1, 4)))]
    parameters = [pool.add(Value(w.data), [w.data] * ROWS) for w in weights]
    names = [*TABLE, *4 * [name for name, op in TABLE.items() if op.domain]] if bold else list(TABLE)
    for name in data.draw(st.lists(st.sampled_from(names), min_size=5, max_size=25)):
        pool.grow(name, bold)
    ends = [pool.nodes[-1 - data.draw(st.integers(0, min(5, len(pool.nodes) - 1)))] for _ in range(3)]
    loss = parameters[0] * (ends[0] + inputs[0]) + ends[1] * ends[2]
    within = set(topological_sort(loss))
    x, p = [v for v in inputs if v in within], [v for v in parameters if v in within]
    rows = [[[pool.columns[pool.nodes.index(v)][k] for v in x]] for k in range(ROWS)]
    return loss, x, p, rows, [node for node in ends if node in within]


@some
@given(st.data())
def test_any_graph(data):
    loss, x, p, rows, outputs = drawn_graph(data, bold=False)
    other = [data.draw(st.sampled_from([v.data, 0.5 * v.data + 0.25])) for v in p]
    tally = Tally()
    agree(
        loss,
        [x],
        [p],
        rows,
        outputs=outputs,
        points=[[v.data for v in p], other],
        batches=(1, 3),
        make=vectorize,
        tally=tally,
    )
    event(f"unsure: {tally.unsure > 0}")
    event(f"eased: {tally.eased > 0}")


@some
@given(st.data())
def test_any_graph_whose_examples_may_leave_the_domain(data):
    loss, x, p, rows, _ = drawn_graph(data, bold=True)
    tally = Tally()
    agree(loss, [x], [p], rows, batches=(3,), make=vectorize, tally=tally)
    event(f"errors: {tally.errors}")


# ------------------------------------------------------------------------- as people write them


each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)


def judged(family, d, batches):
    """Compare the family's graph, with the parameters that it has and with others."""
    loss, outputs = family(d)
    rows, tally = [d.row() for _ in range(ROWS)], Tally()
    here = [v.data for v in flat(d.parameters)]
    points = [here, [d.rng.gauss(0.0, 0.7) for _ in here]]
    agree(
        loss, d.inputs, d.parameters, rows, outputs=outputs, points=points, batches=batches, make=vectorize, tally=tally
    )
    assert tally.unsure < tally.rows
    return tally


@each_family
@settings(some, max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_a_structured_graph(family, seed):
    event(f"eased: {judged(family, Draft(seed), (1, 3)).eased > 0}")


@each_family
def test_a_larger_one(family):
    """Where arrays are long enough for BLAS, and for other ways to do the same."""
    judged(family, Draft(11, scale=3), (1, 40))
