"""What is printed, evaluated again, gives the same number."""

import ast
import math
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, formula
from engine.formula import FORMS, derivative_formula, local_derivatives
from engine.latex import LaTeX
from engine.notation import PLAIN

from . import latex_reader, mathml_reader
from .exact import INDEXED, at_kink, moderate, on_values

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
        try:
            node = binary(x, y)
        except engine.DomainError:  # 0 ** -1
            continue
        if -4 < node.data < 4:
            nodes.append(node)
    return nodes


def text_evaluated(text, names):
    """What Python makes of a formula, with the functions of the engine and a number for each leaf."""
    known = {name: getattr(engine, name) for name in TABLE} | {"inf": math.inf, "nan": math.nan} | names
    *definitions, result = text.splitlines()
    for line in definitions:
        exec(line, known)
    return eval(result, known)


EVALUATED = {"text": text_evaluated, "latex": latex_reader.evaluated, "mathml": mathml_reader.evaluated}


@given(graphs())
def test_the_text_gives_the_number(nodes):
    names = {node.name: node.data for node in nodes if node.name}
    assert text_evaluated(formula(nodes[-1]), names) == nodes[-1].data


@settings(deadline=None)
@given(graphs(), st.sampled_from(NAMES))
def test_the_text_of_the_derivative_gives_the_gradient(nodes, name):
    names = {node.name: node.data for node in nodes if node.name}
    (leaf,) = (node for node in nodes if node.name == name)
    nodes[-1].backward()
    assume(math.isfinite(leaf.grad))  # at a pole of the derivative there is no number to write
    sizes = sum(abs(path.product) for path in engine.explain(nodes[-1], leaf, most=10**4).paths)  # some cancel
    slope = text_evaluated(derivative_formula(nodes[-1], leaf), names)
    assert slope == pytest.approx(leaf.grad, rel=1e-12, abs=1e-12 * sizes)


# ------------------------------------------------------------------- the whole table, in every form


def operation_at(name, xs):
    """An operation with its leaves named, and the number of each name."""
    z, leaves = on_values(name, xs)
    for i, leaf in enumerate(leaves):
        leaf.name = f"x{i}"
    return z, leaves, {leaf.name: leaf.data for leaf in leaves}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TABLE)
def test_every_operation_gives_its_number_in_every_form(name, form):
    for xs in moderate(name, 6):
        z, _, names = operation_at(name, xs)
        got = EVALUATED[form](formula(z, form=form), names)
        assert got == z.data if form == "text" else got == pytest.approx(z.data, rel=1e-12, abs=1e-12)
        bare, _ = on_values(name, xs)  # with the numbers in the place of names, negative ones among them
        assert EVALUATED[form](formula(bare, form=form), {}) == pytest.approx(z.data, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TABLE)
def test_every_derivative_gives_its_number_in_every_form(name, form):
    for xs in moderate(name, 6):
        z, leaves, names = operation_at(name, xs)
        slopes = z.local_derivatives()
        for leaf, slope in zip(leaves, slopes, strict=name not in INDEXED):
            got = EVALUATED[form](derivative_formula(z, leaf, form=form), names)
            assert got == pytest.approx(slope, rel=1e-12, abs=0, nan_ok=True), leaf.name


@pytest.mark.parametrize(("form", "notation"), [("text", PLAIN), ("latex", LaTeX())])
@pytest.mark.parametrize("name", TABLE)
def test_every_rule_that_is_shown_gives_its_number(name, form, notation):
    """`local_derivatives` writes each rule on one line, as the textbook has it (MathML: see test_mathml)."""
    for xs in moderate(name, 3):
        if at_kink(name, xs):
            continue
        z, leaves, names = operation_at(name, xs)
        rules = local_derivatives(z, lambda node: node.name or "z", notation)
        for rule, slope in zip(rules, z.local_derivatives()[: len(leaves)], strict=name not in INDEXED):
            if math.isnan(slope) or " with " in rule:
                continue
            assert EVALUATED[form](rule, names | {"z": z.data}) == pytest.approx(slope, rel=1e-8, abs=1e-8), rule


# ------------------------------------------------------------------- trees, and the parentheses they need


def trees(kinds):
    """Nested operations (^ is a power, n is neg, | abs, e exp, t tanh) over the leaves a, b, c and numbers."""
    leaves = st.sampled_from(["a", "b", "c", 2.0, 0.5, 3.0, -1.5])
    return st.recursive(leaves, lambda inner: st.tuples(st.sampled_from(kinds), inner, inner), max_leaves=9)


def built(tree, leaves):
    """The graph of a tree, each term used once; trees without a value are thrown away."""
    if not isinstance(tree, tuple):
        return leaves.get(tree, tree)
    kind, x, y = tree[0], built(tree[1], leaves), built(tree[2], leaves)
    try:
        node = BUILD[kind](x, y)
    except (ArithmeticError, ValueError):
        node = math.nan
    assume(not isinstance(node, complex) and 1e-6 < abs(float(node)) < 1e6)
    return node


BUILD = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "^": lambda x, y: x**2 if not isinstance(y, Value) else abs(x) ** y, "n": lambda x, y: -x, "|": lambda x, y: abs(x),
    "e": lambda x, y: engine.exp(x), "t": lambda x, y: engine.tanh(x),
}  # fmt: skip
NUMBERS = {"a": 0.7, "b": -1.3, "c": 2.1}


@settings(deadline=None)
@given(trees("+-*/^n|et"), st.sampled_from("abc"))
def test_a_tree_gives_its_number_in_every_form(tree, of):
    leaves = {name: Value(number, name) for name, number in NUMBERS.items()}
    root = built(tree, leaves)
    assume(isinstance(root, Value))
    assert text_evaluated(formula(root), NUMBERS) == root.data
    for form in ("latex", "mathml"):
        assert EVALUATED[form](formula(root, form=form), NUMBERS) == pytest.approx(root.data, rel=1e-9, abs=1e-12)
    root.backward()
    assume(math.isfinite(leaves[of].grad))
    slope, scale = leaves[of].grad, sum(abs(path.product) for path in engine.explain(root, leaves[of], most=99).paths)
    for form in FORMS:
        got = EVALUATED[form](derivative_formula(root, leaves[of], form=form), NUMBERS)
        assert got == pytest.approx(slope, rel=1e-12 if form == "text" else 1e-9, abs=1e-11 * scale), form


def pairs_of_parentheses(text):
    """Where parentheses open and close that are not those of a call."""
    opened = []
    for i, character in enumerate(text):
        if character == "(":
            opened.append(i)
        elif character == ")":
            start = opened.pop()
            if not re.search(r"\w$", text[:start]):
                yield start, i


@settings(deadline=None)
@given(trees("+-*/^n|t"))
def test_no_pair_of_parentheses_can_go(tree):
    root = built(tree, {name: Value(number, name) for name, number in NUMBERS.items()})
    assume(isinstance(root, Value))
    for line in formula(root).splitlines():
        for start, end in pairs_of_parentheses(line):
            without = f"{line[:start]}{line[start + 1 : end]}{line[end + 1 :]}"
            try:
                same = ast.dump(ast.parse(without)) == ast.dump(ast.parse(line))
            except SyntaxError:
                same = False
            assert not same, (line, without)


def test_parentheses_only_where_they_are_needed():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(4.0, "c")
    for value, text in [
        (a + b + c, "a + b + c"), (a + (b + c), "a + (b + c)"), (a - (b - c), "a - (b - c)"),
        ((a - b) - c, "a - b - c"), (a * (b + c), "a * (b + c)"), (a * b + c, "a * b + c"),
        (a / (b / c), "a / (b / c)"),
        (a / b / c, "a / b / c"),
        ((a**b) ** c, "(a ** b) ** c"), (a ** (b ** (c / 4)), "a ** b ** (c / 4)"), (-(a**2), "-a ** 2"),
        ((-a) ** 2, "(-a) ** 2"), (a**-b, "a ** -b"), (a**-2, "a ** -2"), (a ** (b * c / 9), "a ** (b * c / 9)"),
        (engine.neg(-a), "--a"), (-(a * b), "-(a * b)"),
        (a * -b, "a * -b"), ((a + b) ** 2, "(a + b) ** 2"), (a * -3.0, "a * -3"),
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


# ------------------------------------------------------------------- derivatives


def neuron():
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    return x, w, b, ((w * x + b).tanh() - 1) ** 2


def test_the_derivative_of_a_neuron_reads_as_in_the_textbook():
    _, w, _, loss = neuron()
    assert derivative_formula(loss, w) == "v1 = tanh(w * x + b)\n2 * (v1 - 1) * (1 - v1 ** 2) * x"
    assert derivative_formula(loss, w, form="latex").splitlines() == [
        r"v_{1} = \tanh(w \cdot x + b)", r"2 \cdot (v_{1} - 1) \cdot (1 - v_{1}^{2}) \cdot x"
    ]  # fmt: skip
    names = {"x": 2.0, "w": -3.0, "b": 6.5}
    loss.backward()
    for form, evaluated in EVALUATED.items():
        assert evaluated(derivative_formula(loss, w, form=form), names) == pytest.approx(w.grad, rel=1e-12, abs=0)


def test_a_named_term_is_used_and_defined_before():
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    z = w * x + b
    z.name = "z"
    a = engine.sigmoid(z)
    a.name = "a"
    assert derivative_formula(a**2, w) == "z = w * x + b\na = sigmoid(z)\n2 * a * a * (1 - a) * x"
    assert derivative_formula(a**2, z) == "z = w * x + b\na = sigmoid(z)\n2 * a * a * (1 - a)"
    assert derivative_formula(z * a, a) == "z = w * x + b\nz"  # a name alone is an expression still


def test_a_derivative_is_tidy():
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(5.0, "c")
    for root, text in [
        (a, "1"), (a * 1, "1"), (a + b, "1"), (b - a, "-1"), (a * b, "b"), (a**2, "2 * a"), (a * a, "2 * a"),
        (a**3, "3 * a ** 2"), (2 * (3 * a) * b, "6 * b"), (a / b, "1 / b"), (b / a, "-b / a ** 2"), (b - a * c, "-c"),
        (a * b + a * c, "c + b"), (a * b - a * c, "b - c"), (c * b - a * c + a * b, "b - c"), (a - a, "0"),
        (a * b - b * a + a * c, "c"), (0 * a * b, "0"), (engine.take([a, b], 1) * b, "0"),
        (engine.sqrt(a), "1 / (2 * sqrt(a))"), (engine.log(a) * b, "b / a"),
        (engine.log(engine.log(a)), "1 / (log(a) * a)"),
        ((a - c) ** 2 / 2, "a - c"), (-engine.log(a), "-1 / a"), (engine.exp(a), "exp(a)"), (a * b.detach(), "b"),
        (engine.mean([a, b]), "0.5"), (engine.relu(a), "greater(a, 0)"), (engine.take([a, b], 0) * b, "b"),
        (engine.cos(a), "-sin(a)"), (b * c, "0"), (engine.greater(a, b), "0"), (0 * a, "0"),
    ]:  # fmt: skip
        assert derivative_formula(root, a) == text


def test_only_paths_from_the_variable_are_written():
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(5.0, "c")
    text = derivative_formula(engine.sin(a) + engine.tanh(b) * engine.exp(c), a)
    assert text == "cos(a)"
    assert derivative_formula(a * b, c) == "0"
    assert derivative_formula(a * b, c, form="latex") == "0"
    assert derivative_formula(a * b, c, form="mathml") == "<mn>0</mn>"


def test_where_the_textbook_loses_digits_the_engine_form_stands():
    for f, x, textbook, precise in [
        (engine.tanh, 20.0, "tanh(x) ** 2", "sigmoid"), (engine.sigmoid, 40.0, "1 - v1", "sigmoid(-x)"),
        (engine.gelu, -10.0, "1 + erf", "erfc"), (engine.asin, 1 - 1e-9, "x ** 2", "1 + x"),
    ]:  # fmt: skip
        near, far = Value(0.5, "x"), Value(x, "x")
        assert textbook in derivative_formula(f(near), near)
        loss = f(far)
        loss.backward()
        text = derivative_formula(loss, far)
        assert textbook not in text
        assert precise in text
        assert text_evaluated(text, {"x": x}) == pytest.approx(far.grad, rel=1e-12, abs=0)
    x = Value(20.0, "x")
    assert derivative_formula(engine.sqrt(engine.tanh(x)), x) == (  # the one rule, and not the other
        "v1 = 2 * x\n2 * sigmoid(v1) * sigmoid(-v1) / sqrt(tanh(x))"
    )


def test_what_overflows_below_a_fraction_line_is_divided_by_in_turn():
    x = Value(1e-200, "x")
    loss = engine.log(x) * 1e-300 / Value(1e-200, "y")
    loss.backward()
    got = text_evaluated(derivative_formula(loss, x), {"x": 1e-200, "y": 1e-200})
    assert got == pytest.approx(x.grad, rel=1e-12, abs=0) == pytest.approx(1e100)


def test_no_derivative_is_an_error_that_says_where():
    x = Value(0.0, "x")
    with pytest.raises(engine.DomainError, match="divisor other than 0"):
        derivative_formula(engine.sqrt(x), x)


def test_a_derivative_stays_in_proportion_to_the_graph():
    a = y = Value(1.0, "a")
    for _ in range(60):
        y = y + y
    assert derivative_formula(y, a) == repr(2.0**60)
    assert len(derivative_formula(y * y, a)) < 2000
    y = a
    for _ in range(60):
        y = y * y
    assert len(derivative_formula(y, a)) < 3000
    assert text_evaluated(derivative_formula(y, a), {"a": 1.0}) == 2.0**60


def test_a_long_chain_does_not_recurse():
    a = y = Value(0.5, "a")
    for _ in range(10_000):
        y = engine.sin(y)
    y.backward()
    text = derivative_formula(y, a)
    assert len(text) < 50 * 10_000
    assert text_evaluated(text, {"a": 0.5}) == pytest.approx(a.grad, rel=1e-12, abs=0)


def test_a_derivative_is_of_values():
    x = Value(2.0, "x")
    for loss, w in ((x, 2.0), (2.0, x), ([x], x), (x, "x")):
        with pytest.raises(TypeError, match="one Value"):
            derivative_formula(loss, w)
    with pytest.raises(ValueError, match="'text', 'latex', 'mathml', not 'html'"):
        derivative_formula(x, x, form="html")
    with pytest.raises(ValueError, match="'text', 'latex', 'mathml', not 'html'"):
        formula(x, form="html")


def test_writing_a_derivative_changes_nothing():
    _, w, _, loss = neuron()
    loss.backward()
    before = [(node, node.data, node.grad) for node in engine.topological_sort(loss)]
    derivative_formula(loss, w)
    assert [(node, node.data, node.grad) for node in engine.topological_sort(loss)] == before
