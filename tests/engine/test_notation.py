"""MathML is well-formed, and says what was computed: read as a reader reads it, it gives the number again."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, formula
from engine.formula import local_derivatives
from engine.notation import ATOM, PLAIN, POWER, MathML, number_text

from .exact import INDEXED, at_kink, moderate, on_values
from .test_formula import BINARY

HTML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msup", "msub", "msubsup", "msqrt", "mroot"}
NAMES = ["a", "b1", "c_2", "d[3]", "weight", "x_out", "layers[0].w[1]", "net.b"]
HOSTILE = [
    "<b>", "</mi>", "</math><script>alert(1)</script>", "&", "&amp;", '"', "'", "a<b", "]]>", "<!--", "重み", "θ",
    "a b", "layers[0].w[1]", "w[1]x", "_", "__", "w_", "1", "-1", "", " ", "a_1_2", "W" * 200, "x_<i>", "w[<]",
]  # fmt: skip


# --------------------------------------------------------------------------------- a reader of MathML


class Name(str):
    """A variable or a function, as opposed to an operator."""


class Reader:
    """Evaluates MathML as the eye does: rows are invisible; only brackets, bars, fractions, roots and heights group."""

    def __init__(self, names):
        self.names = names

    def line(self, text):
        """The value of a line; a line of the form label = formula also gives the label its value."""
        items = self.items(parsed(text))
        if "with" in [str(item).strip() for item in items]:
            k = [str(item).strip() for item in items].index("with")
            for definition in split(items[k + 1 :]):
                self.names[definition[0]] = self.value(definition[2:])
            items = items[:k]
        if items[1:2] == ["="]:
            self.names[items[0]] = self.value(items[2:])
            return self.names[items[0]]
        return self.value(items)

    def items(self, part):
        """Operators as text, names as Name, and what stands for itself as a float."""
        children = list(part)
        if part.tag in ("math", "mrow"):
            ends = [children[0].text, children[-1].text] if children else []
            if ends == ["|", "|"]:
                return [abs(self.inside(children[1:-1]))]
            if ends == ["[", "]"]:
                return [self.relation(children[1:-1])]
            return [item for child in children for item in self.items(child)]
        if part.tag == "mo":
            return [part.text]
        if part.tag == "mn":
            return [float(part.text.replace("−", "-"))]
        if part.tag in ("mi", "mtext"):
            return [Name(part.text)]
        if part.tag == "mfrac":
            return [engine.div(*map(self.of, children))]
        if part.tag == "msqrt":
            return [engine.sqrt(self.inside(children))]
        if part.tag == "mroot":
            assert self.of(children[1]) == 3
            return [engine.cbrt(self.of(children[0]))]
        if part.tag == "msub" and children[0].tag == "mi":
            return [Name(f"{children[0].text}_{children[1].text}")]
        if part.tag == "msubsup" or (part.tag == "msup" and children[1][:1] and children[1][0].text == "("):
            return [Name(" ".join("".join(child.itertext()) for child in children))]  # w with a low 1 and a high (0)
        if part.tag == "msub":
            return [self.entry(self.items(children[0]), self.of(children[1]))]
        assert part.tag == "msup", part.tag
        return self.power(self.items(children[0]), children[1])

    def of(self, part):
        return self.value(self.items(part))

    def inside(self, parts):
        return self.value([item for part in parts for item in self.items(part)])

    def relation(self, parts):
        items = [item for part in parts for item in self.items(part)]
        (k,) = [i for i, item in enumerate(items) if not isinstance(item, float) and item in SIGNS]
        return SIGNS[items[k]](self.value(items[:k]), self.value(items[k + 1 :]))

    def power(self, base, exponent):
        """What is raised is what stands left of the exponent: a name, a number, a bracket, a call."""
        if base == ["e"]:
            return [engine.exp(self.of(exponent))]
        start = len(base) - 1
        if base[-1] == ")":
            start = opening(base)
            start -= start > 0 and isinstance(base[start - 1], Name)
        return [*base[:start], engine.pow(self.value(base[start:]), self.of(exponent))]

    def entry(self, items, index):
        """(a, b)₁, or softmax(a, b)₁."""
        start = opening(items)
        xs = [self.value(item) for item in split(items[start + 1 : -1])]
        assert start in (0, 1)
        return engine.take(xs, index) if start == 0 else getattr(engine, items[0])(xs)[int(index)]

    # sums of products of factors; a sign stands at the beginning only

    def value(self, items):
        left = [*items]
        result = self.sum(left)
        assert not left, f"{items}: {left} is left over"
        return result

    def sum(self, left):
        sign = -1.0 if left[0] == "−" else 1.0
        if left[0] == "−":
            left.pop(0)
        terms = [sign * self.product(left)]
        while left and left[0] in ("+", "−"):
            sign = -1.0 if left.pop(0) == "−" else 1.0
            terms.append(sign * self.product(left))
        return math.fsum(terms) if len(terms) > 2 else sum(terms)

    def product(self, left):
        result = self.factor(left)
        while left and left[0] in ("·", "×"):
            left.pop(0)
            result *= self.factor(left)
        return result

    def factor(self, left):
        item = left.pop(0)
        if isinstance(item, float):
            return item
        if item == "(":
            (bracket,) = self.arguments(left)
            return bracket
        assert isinstance(item, Name), f"{item!r} stands where a number should"
        if left and left[0] == "(":
            left.pop(0)
            xs = self.arguments(left)
            return getattr(engine, item)(xs) if TABLE[item].any_number else getattr(engine, item)(*xs)
        return self.names[item]

    def arguments(self, left):
        """All up to the closing bracket, separated by commas."""
        end = closing(left)
        inside = left[:end]
        del left[: end + 1]
        return [self.value(part) for part in split(inside)]


SIGNS = {TABLE[name].symbol: getattr(engine, name)
         for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")}  # fmt: skip


def opening(items):
    """Where the bracket opens that the last item closes."""
    depth = 0
    for k in range(len(items) - 1, -1, -1):
        depth += (items[k] == ")") - (items[k] == "(")
        if depth == 0:
            return k
    raise AssertionError(f"brackets do not match: {items}")


def closing(items):
    """Where the bracket closes that stands open before the first item."""
    depth = 1
    for k, item in enumerate(items):
        depth += (item == "(") - (item == ")")
        if depth == 0:
            return k
    raise AssertionError(f"brackets do not match: {items}")


def split(items):
    """The parts between commas, but for those in brackets."""
    parts, depth = [[]], 0
    for item in items:
        depth += (item == "(") - (item == ")")
        if item == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def parsed(text):
    """The tree of a piece of MathML: XML, with the elements of MathML Core alone, and no attribute."""
    tree = ET.fromstring(f"<math>{text}</math>")
    assert {part.tag for part in tree.iter()} <= HTML
    assert not [part for part in tree.iter() if part.attrib]
    return tree


def read(root, names):
    """The number that the formula of a graph gives."""
    reader = Reader(dict(names))
    return [reader.line(line) for line in formula(root, form="mathml").splitlines()][-1]


def as_read(name):
    """The name by which a reader knows a variable: an index set low is an index, however it was written."""
    (item,) = Reader({}).items(parsed(MathML().name(name)[0]))
    return item


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
    names = {as_read(node.name): node.data for node in nodes if node.name}
    assert read(nodes[-1], names) == pytest.approx(nodes[-1].data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", TABLE)
def test_every_operation_of_the_table_gives_its_number(name):
    for xs in moderate(name, 10):
        z, leaves = on_values(name, xs)
        for i, leaf in enumerate(leaves):
            leaf.name = f"x{i}"
        names = {f"x_{i}": leaf.data for i, leaf in enumerate(leaves)}
        assert read(z, names) == pytest.approx(z.data, rel=1e-12, abs=1e-12)
        bare, _ = on_values(name, xs)  # with the numbers in the place of names, negative ones among them
        assert read(bare, {}) == pytest.approx(z.data, rel=1e-12, abs=1e-12)


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


@pytest.mark.parametrize(
    ("x", "text"),
    [(2.0, "2"), (-2.0, "-2"), (0.1, "0.1"), (1e20, "1e+20"), (-1e-7, "-1e-07"), (math.inf, "inf"), (-math.inf, "-inf"),
     (math.nan, "nan"), (0.0, "0"), (123456789.0, "123456789")],
)  # fmt: skip
def test_a_number_has_all_its_digits(x, text):
    assert number_text(x) == text
    assert PLAIN.number(x)[0] == text
    tree = parsed(MathML().number(x)[0])
    shown = "".join(tree.itertext()).replace("−", "-")
    assert float(shown) == x or math.isnan(x)


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


def test_another_form_is_an_error_that_names_the_forms():
    with pytest.raises(ValueError, match="'text', 'mathml', not 'latex'"):
        formula(Value(1.0), form="latex")
