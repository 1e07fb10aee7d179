"""Walks: each node once, parents first, the same order every time."""

from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, edges, leaves, levels, topological_sort
from engine.backward import backward_order


@st.composite
def graphs(draw):
    """A root over a random graph; a node may be its own sibling, as in x * x."""
    nodes = [Value(float(i), f"x{i}") for i in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 20))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        nodes.append(a * b if draw(st.booleans()) else a + b)
    return nodes[-1]


@given(graphs())
def test_each_node_once_and_parents_first(root):
    order = topological_sort(root)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    assert all(place[parent] < place[node] for node in order for parent in node.parents)
    assert order == topological_sort(root)


@given(graphs())
def test_backward_takes_the_same_order(root):
    assert backward_order(root) == topological_sort(root)


def test_backward_takes_the_same_order_through_operations_of_any_number():
    x, y, z = (Value(v) for v in (0.1, 0.2, 0.3))
    root = engine.dot([x, y * z], [engine.sum([x, y, z]), y], engine.softmax([z, x])[1]).tanh()
    assert backward_order(root) == topological_sort(root)


@given(graphs())
def test_levels_are_longest_paths(root):
    rows = levels(root)
    level = {node: i for i, row in enumerate(rows) for node in row}
    assert sorted(level, key=id) == sorted(topological_sort(root), key=id)
    for node, i in level.items():
        assert i == 1 + max((level[parent] for parent in node.parents), default=-1)


def test_operands_stand_in_reading_order():
    a, b, c, d = (Value(1.0, name) for name in "abcd")
    assert [node.name for node in topological_sort((a * b) + (c * d)) if node.name] == ["a", "b", "c", "d"]


def test_edges_keep_both_of_x_times_x():
    x = Value(3.0)
    y = x * x
    assert list(edges(y)) == [(x, 0, y), (x, 1, y)]


def test_several_roots_share_what_they_share():
    x = Value(3.0)
    y, z = x + 1, x * 2
    order = topological_sort(y, z)
    assert order.count(x) == 1
    assert {y, z} <= set(order)
    assert [leaf.data for leaf in leaves(y, z)] == [3.0, 1.0, 2.0]


def test_a_long_chain_has_as_many_levels():
    a = Value(0.0)
    for _ in range(20_000):
        a = -a
    assert len(levels(a)) == 20_001
