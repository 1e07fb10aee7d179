"""MathML is well-formed, and says what was computed: read as a reader reads it, it gives the number again."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, formula
from engine.formula import local_derivatives
from engine.mathml import MathML
from engine.notation import ATOM, POWER

from .exact import INDEXED, at_kink, moderate, on_values
from .mathml_reader import Reader, evaluated, parsed
from .test_formula import BINARY

NAMES = ["a", "b1", "c_2", "d[3]", "weight", "x_out", "layers[0].w[1]", "net.b"]
HOSTILE = [
    "<b>", "</mi>", "</math><script>alert(1)</script>", "&", "&amp;", '"', "'", "a<b", "]]>", "<!--", "重み", "θ",
    "a b", "layers[0].w[1]", "w[1]x", "_", "__", "w_", "1", "-1", "", " ", "a_1_2", "W" * 200, "x_<i>", "w[<]",
]  # fmt: skip


# --------------------------------------------------------------------------------- the number again

MORE = [
    lambda x, y: x - (x - y), lambda x, y: x * (y + 1), lambda x, y: (x + 1) * y, lambda x, y: -(x + y),
    lambda x, y: engine.neg(-x), lambda x, y: x * -y, lambda x, y: x + -y, lambda x, y: x - -y,
    lambda x, y: x * (-2.0 * y), lambda x, y: x + -2.0 * y, lambda x, y: x - (-2.0) * y, lambda x, y: (-2.0 * x) ** 2,
    lambda x, y: (x * y) ** 2, lambda x, y: x / (y / (1 + x * x)), lambda x, y: (x / (2 + y * y)) ** 2,
    lambda x, y: engine.exp(-x) ** 2, lambda x, y: engine.sqrt(abs(x) + y * y) ** 3, lambda x, y: engine.cbrt(x - y),
    lambda x, y: abs(x - abs(y)), lambda x, y: engine.tanh(x) ** 2,
    lambda x, y: engine.where(engine.greater(x, y), x, y), lambda x, y: engine.less_equal(x + 1, -y) + x,
    lambda x, y: engine.sum([x, -y, -1.5, x - y, x * y]), lambda x, y: engine.sum([x]),
    lambda x, y: -engine.sum([x, y]), lambda x, y: x * engine.sum([x, y]), lambda x, y: engine.prod([x, -y, x + y]),
    lambda x, y: engine.prod([x]) ** 2, lambda x, y: engine.prod([x, y]) ** 2,
    lambda x, y: engine.dot([x, -y, -2.0], [y, x + y, -1.0], -x), lambda x, y: x - engine.dot([x], [y]),
    lambda x, y: 2 * engine.dot([x], [-3.0], y), lambda x, y: engine.dot([], [], x) + y,
    lambda x, y: engine.take([x, y, -x], 2) ** 2, lambda x, y: engine.softmax([x, -y])[0] ** 2,
    lambda x, y: engine.log_softmax([x, y, 1.0])[1] * y, lambda x, y: engine.max([x, y, -1.0]),
    lambda x, y: engine.logsumexp([x - y, y]), lambda x, y: engine.var([x, y]), lambda x, y: 2.0 ** (x - y),
    lambda x, y: 1e-7 * x + 1e20 * 0, lambda x, y: engine.exp(x - y) * x, lambda x, y: engine.hypot(x, -y),
]  # fmt: skip


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
def test_a_formula_read_as_mathml_gives_the_number(nodes):
    names = {node.name: node.data for node in nodes if node.name}
    assert evaluated(formula(nodes[-1], form="mathml"), names) == pytest.approx(nodes[-1].data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", TABLE)
def test_every_local_derivative_gives_its_number(name):
    """The rule that the page shows is the rule that runs."""
    for xs in moderate(name, 5):
        if at_kink(name, xs):
            continue
        z, leaves = on_values(name, xs)
        labels = {z: "z", **{leaf: f"x{i}" for i, leaf in enumerate(leaves)}}
        names = {"z": z.data, **{f"x_{i}": leaf.data for i, leaf in enumerate(leaves)}}
        rules = local_derivatives(z, lambda node: labels.get(node, "?"), MathML())  # noqa: B023
        slopes = z.local_derivatives()[: len(leaves)] if name in INDEXED else z.local_derivatives()
        for rule, slope in zip(rules, slopes, strict=False):
            if not math.isnan(slope):
                assert Reader(dict(names)).line(rule) == pytest.approx(slope, rel=1e-8, abs=1e-8), (name, rule)


@pytest.mark.parametrize(
    ("wrong", "value"),
    [("<mi>a</mi><mo>−</mo><mi>b</mi><mo>−</mo><mi>c</mi>", 2 - (3 - 5)),
     ("<mo>−</mo><msup><mi>a</mi><mn>2</mn></msup>", 4.0),
     ("<mi>a</mi><mo>·</mo><mi>b</mi><mo>+</mo><mi>c</mi>", 2 * (3 + 5)),
     ("<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mo>·</mo><mi>c</mi>", 25.0)],
)  # fmt: skip
def test_the_reader_would_notice_a_missing_bracket(wrong, value):
    assert Reader({"a": 2.0, "b": 3.0, "c": 5.0}).line(wrong) != value


def test_the_reader_takes_no_sign_after_a_sign():
    with pytest.raises(AssertionError):
        Reader({"a": 2.0}).line("<mi>a</mi><mo>+</mo><mo>−</mo><mi>a</mi>")


# --------------------------------------------------------------------------------- names, numbers, long lists


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_text(name):
    text, binds = MathML().name(name)
    shown = "".join(parsed(text).itertext())
    if name == "layers[0].w[1]":
        assert (shown, binds) == ("w1(0)", POWER)
    else:
        assert shown in (name, name.replace("_", ""), name.replace("[", "").replace("]", ""))
        assert binds == ATOM
    x = Value(0.5, name or None)
    for line in formula(engine.tanh(x) * x + x, form="mathml").splitlines():
        parsed(line)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_so_it_is_in_a_rule_and_where_something_is_defined(name):
    x = Value(0.5, "x")
    y = engine.mish(x) / (x * x)
    for node in (y, *y.parents):
        for rule in local_derivatives(node, lambda node: name, MathML()):
            parsed(rule)
    parsed(MathML().definition(name, "<mn>1</mn>"))
    parsed(MathML().where(*[MathML().name(name)[0], [MathML().definition(name, "<mn>1</mn>")]]))


@pytest.mark.parametrize(
    ("name", "mathml"),
    [
        ("x", "<mi>x</mi>"), ("loss", "<mi>loss</mi>"), ("w1", "<msub><mi>w</mi><mn>1</mn></msub>"),
        ("w_1", "<msub><mi>w</mi><mn>1</mn></msub>"), ("w[1]", "<msub><mi>w</mi><mn>1</mn></msub>"),
        ("v12", "<msub><mi>v</mi><mn>12</mn></msub>"), ("x_in", "<msub><mi>x</mi><mi>in</mi></msub>"),
        ("a b", "<mtext>a b</mtext>"), ("θ2", "<msub><mi>θ</mi><mn>2</mn></msub>"),
    ],
)  # fmt: skip
def test_an_index_is_set_low(name, mathml):
    assert MathML().name(name)[0] == mathml


@pytest.mark.parametrize("x", [2.0, -2.0, 0.1, 1e20, -1e-7, math.inf, -math.inf, math.nan, 0.0, 123456789.0])
def test_a_number_has_all_its_digits(x):
    shown = "".join(parsed(MathML().number(x)[0]).itertext()).replace("−", "-")
    assert float(shown) == x or (math.isnan(x) and shown == "nan")


def test_numbers_can_be_written_shorter():
    assert MathML(lambda x: f"{x:.2f}").number(-1 / 3) == ("<mo>−</mo><mn>0.33</mn>", 3)


def test_of_a_long_list_the_beginning_and_the_end_are_shown():
    xs = [Value(float(i), f"x{i}") for i in range(20)]
    for long in (engine.sum(xs), engine.max(xs), engine.dot(xs, xs), engine.softmax(xs)[3], engine.prod(xs)):
        shown = "".join(parsed(formula(long, form="mathml")).itertext())
        assert "⋯" in shown
        assert "x3" in shown
        assert "x19" in shown
        assert "x7" not in shown


def test_a_formula_as_in_a_book():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    assert formula((w + x) ** 2 / engine.sqrt(x), form="mathml") == (
        "<mfrac><mrow><msup><mrow><mo>(</mo><mrow><mi>w</mi><mo>+</mo><mi>x</mi></mrow><mo>)</mo></mrow><mrow><mn>2</mn>"
        "</mrow></msup></mrow><mrow><msqrt><mrow><mi>x</mi></mrow></msqrt></mrow></mfrac>"
    )
