"""What is printed, evaluated again, gives the same number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, formula

NAMES = "abcd"
BINARY = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / (2 + y * y), lambda x, y: -x,
    lambda x, y: engine.abs(x) ** y, lambda x, y: x**2, lambda x, y: -(x**2), lambda x, y: (-x) ** 2, lambda x, y: 2**x,
    lambda x, y: engine.tanh(x), lambda x, y: engine.maximum(x, y), lambda x, y: engine.dot([x, y], [y, x], x),
    lambda x, y: engine.softmax([x, y])[1], lambda x, y: engine.mean([x, y, 3.5]), lambda x, y: engine.take([x, y], 1),
    lambda x, y: x - (y - x), lambda x, y: x - -1.5,
]  # fmt: skip


@st.composite
def graphs(draw):
    nodes = [Value(draw(st.floats(0.1, 1.5)), name) for name in NAMES]
    for _ in range(draw(st.integers(0, 12))):
        binary, x, y = draw(st.sampled_from(BINARY)), draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        node = binary(x, y)
        if -4 < node.data < 4:
            nodes.append(node)
    return nodes


@given(graphs())
def test_the_text_gives_the_number(nodes):
    *definitions, result = formula(nodes[-1]).splitlines()
    names = {name: getattr(engine, name) for name in engine.TABLE if hasattr(engine, name)}
    names |= {node.name: node.data for node in nodes if node.name}
    for line in definitions:
        name, text = line.split(" = ", 1)
        names[name] = eval(text, names)
    assert eval(result, names) == nodes[-1].data


def test_parentheses_only_where_they_are_needed():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(4.0, "c")
    for value, text in [
        (a + b + c, "a + b + c"), (a + (b + c), "a + (b + c)"), (a - (b - c), "a - (b - c)"),
        ((a - b) - c, "a - b - c"), (a * (b + c), "a * (b + c)"), (a * b + c, "a * b + c"),
        (a / (b / c), "a / (b / c)"),
        (a / b / c, "a / b / c"),
        ((a**b) ** c, "(a ** b) ** c"), (a ** (b ** (c / 4)), "a ** b ** (c / 4)"), (-(a**2), "-a ** 2"),
        ((-a) ** 2, "(-a) ** 2"), (a * -b, "a * -b"), ((a + b) ** 2, "(a + b) ** 2"), (a * -3.0, "a * -3"),
        (engine.tanh(a + b), "tanh(a + b)"), (engine.dot([a, b], [b, c], c), "dot([a, b], [b, c], c)"),
    ]:  # fmt: skip
        assert formula(value) == text


def test_shared_and_named_terms_get_a_line():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    d = a - b
    assert formula(d * d + a) == "v1 = a - b\nv1 * v1 + a"
    z = a * b
    z.name = "z"
    out = z.tanh()
    out.name = "out"
    assert formula(out) == "z = a * b\nout = tanh(z)"


def test_two_nodes_of_one_name_are_told_apart():
    x, y = Value(1.0, "x"), Value(2.0, "x")
    assert formula(x * y) == "x * x_2"
    assert formula(x * y * Value(3.0, "x_2")) == "x * x_3 * x_2"


def test_the_text_stays_in_proportion_to_the_graph():
    a = Value(1.0, "a")
    for _ in range(60):
        a = a + a
    assert len(formula(a)) < 2000
    a = Value(1.0, "a")
    for _ in range(20_000):
        a = a * 1.5
    assert len(formula(a)) < 20 * 20_000


def test_a_leaf_is_its_name_or_its_number():
    assert formula(Value(2.5, "x")) == "x"
    assert formula(Value(-2.0)) == "-2"
    assert formula(Value(2.5)) == "2.5"


def test_only_a_value_has_a_formula():
    with pytest.raises(TypeError, match="one Value"):
        formula(2.0)
