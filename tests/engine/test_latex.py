"""LaTeX is balanced and inert, an outside program sets it, and read again it gives the number."""

import logging
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, formula
from engine.formula import derivative_formula, local_derivatives
from engine.latex import LaTeX
from engine.notation import ATOM, POWER, PRODUCT, SIGN

from ..viz.hostile import NAMES as HOSTILE
from .exact import moderate, on_values
from .latex_reader import Reader, as_read, evaluated, tokens
from .test_formula import BINARY, built, trees
from .test_mathml import MORE

NAMES = ["a", "b1", "c_2", "d[3]", "weight", "x_out", "layers[0].w[1]", "net.b", "theta", "e"]


@st.composite
def graphs(draw):
    nodes = [Value(draw(st.floats(-1.5, 1.5).filter(lambda x: abs(x) > 0.01)), name) for name in NAMES]
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from([*BINARY, *MORE]))
        node = kind(draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes)))
        if 1e-3 < abs(node.data) < 4:
            nodes.append(node)
    return nodes


@settings(deadline=None)
@given(graphs())
def test_a_formula_read_again_gives_the_number(nodes):
    names = {node.name: node.data for node in nodes if node.name}
    assert evaluated(formula(nodes[-1], form="latex"), names) == pytest.approx(nodes[-1].data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "value"),
    [("a - b - c", 2 - (3 - 5)), ("-a^{2}", 4.0), (r"a \cdot b + c", 16.0), (r"(a + b) \cdot c", 17.0)],
)
def test_the_reader_would_notice_a_missing_bracket(wrong, value):
    assert Reader(wrong, {"a": 2.0, "b": 3.0, "c": 5.0}).line() != value


@pytest.mark.parametrize(
    "wrong", ["a + -b", "a^{2}^{3}", "(a", r"\left(a)", r"\input{a}", "a b", r"\frac{a}b", "$", "%"]
)
def test_the_reader_refuses_what_is_no_formula(wrong):
    with pytest.raises(AssertionError):
        Reader(wrong, {"a": 2.0, "b": 3.0}).line()


# ----------------------------------------------------------------------- outside programs


@pytest.fixture(scope="module")
def typeset():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    logging.getLogger("matplotlib.mathtext").setLevel(logging.ERROR)  # its fonts lack many letters
    parser = mathtext.MathTextParser("path")
    return lambda text: parser.parse(f"${text}$")


@pytest.mark.parametrize("name", TABLE)
def test_matplotlib_sets_every_operation_and_its_derivatives(name, typeset):
    z, leaves = on_values(name, moderate(name, 1)[0])
    for leaf, called in zip(leaves, ("x", "w[1]", "x_max", "layers[2].w[1]", "loss"), strict=False):
        leaf.name = called
    for line in formula(z, form="latex").splitlines():
        typeset(line)
    for leaf in leaves:
        for line in derivative_formula(z, leaf, form="latex").splitlines():
            typeset(line)


@settings(deadline=None, max_examples=40)
@given(trees("+-*/^n"))
def test_sympy_reads_the_same_number(tree):
    pytest.importorskip("lark")
    parse_latex = pytest.importorskip("sympy.parsing.latex").parse_latex
    leaves = {name: Value(number, name) for name, number in zip("abc", (0.7, 1.3, 2.1), strict=True)}
    root = built(tree, leaves)
    if isinstance(root, Value):
        read = parse_latex(formula(root, form="latex"), backend="lark")
        got = complex(read.evalf(30, subs={name: leaf.data for name, leaf in leaves.items()}))
        assert got == pytest.approx(root.data, rel=1e-9, abs=1e-9)


def test_sympy_differentiates_alike():
    pytest.importorskip("lark")
    parse_latex = pytest.importorskip("sympy.parsing.latex").parse_latex
    a, b, c = Value(0.7, "a"), Value(1.3, "b"), Value(2.1, "c")
    for root in (
        (a * b - c) ** 2 / b, a / (b - c / a), (a + b) * (a - c) ** 3, -(a**2) + b * a, engine.sqrt(a * b + c) * a,
        1 / (1 + a * a), (a * b) ** 3 - b**4,
    ):  # fmt: skip
        for leaf in engine.leaves(root):
            if leaf.name:
                lines = derivative_formula(root, leaf, form="latex").splitlines()
                ours = parse_latex(lines.pop(), backend="lark")
                while lines:
                    name, text = lines.pop().split(" = ")
                    ours = ours.subs(parse_latex(name, backend="lark"), parse_latex(text, backend="lark"))
                theirs = parse_latex(formula(root, form="latex"), backend="lark").diff(leaf.name)
                assert (ours - theirs).simplify() == 0


# ----------------------------------------------------------------------- names and numbers


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"), ("w1", "w_{1}"), ("w_1", "w_{1}"), ("w[1]", "w_{1}"), ("x_i", "x_{i}"),
        ("layers[2].w[1]", "w_{1}^{(2)}"), ("net.b", r"b^{(\mathrm{net})}"), ("x_max", r"x_{\mathrm{max}}"),
        ("loss", r"\mathrm{loss}"), ("alpha", r"\alpha"), ("α", r"\alpha"), ("theta_1", r"\theta_{1}"),
        ("θ2", r"\theta_{2}"), ("Sigma", r"\Sigma"), ("Alpha", r"\mathrm{Alpha}"),
        ("my_loss_2", r"\mathrm{my\_loss\_2}"),
        ("a b", r"\text{a b}"), ("50%", r"\text{50\%}"), ("a\nb", r"\text{a b}"), ("重み", r"\text{重み}"),
        ("\\alpha", r"\backslash\text{alpha}"), ("x^2", r"\text{x}\hat{\ }\text{2}"), ("{", r"\text{\{}"),
        ("$x$", r"\text{\$x\$}"), ("\0", r"\text{�}"), ("x'", r"\text{x'}"),
        ("0", r"\text{0}"), ("x٣", r"x_{\text{٣}}"),
    ],
)  # fmt: skip
def test_a_name(name, latex):
    assert LaTeX().name(name) == (latex, POWER if "^{(" in latex else ATOM)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_inert(name, typeset):
    """It is one name to the reader, in which no command stands; and the formula around it keeps its number."""
    as_read(name)
    x = Value(0.5, name)
    y = engine.tanh(x) * x + x**2
    for text in (formula(y, form="latex"), derivative_formula(y, x, form="latex")):
        for line in text.splitlines():
            assert line.isprintable()
            tokens(line)
            typeset(line)
    assert evaluated(formula(y, form="latex"), {name: 0.5}) == pytest.approx(y.data, rel=1e-12, abs=0)
    for rule in local_derivatives(engine.mish(x), lambda node: name, LaTeX()):
        typeset(rule)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_name_is_one_name(name):
    as_read(name)


@pytest.mark.parametrize(
    ("x", "latex", "binds"),
    [
        (2.0, "2", ATOM), (-0.1, "-0.1", SIGN), (1e-20, "10^{-20}", POWER), (-1e20, "-10^{20}", SIGN),
        (1.5e-7, r"1.5 \times 10^{-7}", PRODUCT), (-2.5e300, r"-2.5 \times 10^{300}", PRODUCT),
        (math.inf, r"\infty", ATOM), (-math.inf, r"-\infty", SIGN), (math.nan, r"\mathrm{nan}", ATOM),
    ],
)  # fmt: skip
def test_a_number(x, latex, binds):
    assert LaTeX().number(x) == (latex, binds)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_has_all_its_digits(x):
    shown = re.fullmatch(r"(-?)(?:([\d.]+)(?: \\times |$))?(?:10\^\{(-?\d+)\})?", LaTeX().number(x)[0])
    assert float(f"{shown[1]}{shown[2] or 1}e{shown[3] or 0}") == x


@settings(deadline=None)
@given(st.floats(1e-30, 1e30), st.sampled_from("+-*/^n"))
def test_a_number_of_any_size_takes_its_parentheses(x, kind):
    a = Value(1.5, "a")
    root = {"+": a + -x, "-": a - x, "*": a * -x, "/": a / x, "^": Value(x) ** 2, "n": x * -a}[kind]
    assert evaluated(formula(root, form="latex"), {"a": 1.5}) == pytest.approx(root.data, rel=1e-12, abs=0)


def test_tall_terms_have_tall_parentheses():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    assert formula((a / b) ** 2, form="latex") == r"\left(\frac{a}{b}\right)^{2}"
    assert formula((a + b) ** 2, form="latex") == "(a + b)^{2}"


def test_what_mathematics_writes_in_its_own_way():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    for root, latex in [
        (engine.exp(-a), r"\mathrm{e}^{-a}"), (engine.sqrt(a + b), r"\sqrt{a + b}"), (engine.cbrt(a), r"\sqrt[3]{a}"),
        (abs(a - b), r"\left|a - b\right|"), (engine.greater_equal(a, b), r"[a \geq b]"), (a * -b, r"a \cdot (-b)"),
        (engine.dot([a, b], [b, a], a), r"a \cdot b + b \cdot a + a"),
        (engine.asin(a / 4), r"\arcsin\left(\frac{a}{4}\right)"),
        (engine.softplus(a), r"\operatorname{softplus}(a)"),
        (engine.leaky_relu(a), r"\operatorname{leaky\_relu}(a, 0.01)"),
        (engine.log2(a), r"\log_{2}(a)"), (engine.maximum(a, b), r"\max(a, b)"), (2 ** (a - b), "2^{a - b}"),
        (engine.softmax([a, b])[1], r"\operatorname{softmax}(a, b)_{1}"), (-(a + b), "-(a + b)"),
        (a / b**2, r"\frac{a}{b^{2}}"),
    ]:  # fmt: skip
        assert formula(root, form="latex") == latex


def test_of_a_long_list_the_beginning_and_the_end_are_shown():
    xs = [Value(float(i), f"x{i}") for i in range(20)]
    assert formula(engine.sum(xs), form="latex") == r"x_{0} + x_{1} + x_{2} + x_{3} + \cdots + x_{18} + x_{19}"


def test_a_rule_on_one_line_says_what_its_terms_are():
    z = engine.mish(Value(0.5, "x"))
    assert LaTeX().where("a", ["b = 1", "c = 2"]) == r"a\text{ with }b = 1, c = 2"
    assert r"\tanh" in local_derivatives(z, lambda node: "x", LaTeX())[0]
