"""The table's rules as text: the text computes what the rules compute."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import TABLE
from engine.operation import arrays
from engine.vectorize.bind import _Namespace
from engine.vectorize.code import Code, code, rules, slope_codes, value_code

from ..exact import at_kink, everywhere, moderate

ELEMENTWISE = [name for name, op in TABLE.items() if not op.any_number]
every_elementwise = pytest.mark.parametrize("name", ELEMENTWISE)


def run(text, **operands):
    """What the text computes, with the names that a source has; None stands for a slope that is always 0."""
    if text is None:
        return 0.0
    space = _Namespace(TABLE)
    compiled = compile(str(text), "text", "eval")
    space.update({name: space._found(name) for name in compiled.co_names if name not in {**operands, **space}})
    with np.errstate(all="ignore"):
        return eval(compiled, {**space, **operands})


def operands_of(name):
    """(operand, row) everyday and extreme operands, kinks among them."""
    rows = moderate(name, 20) + everywhere(name, 40)
    return np.array(rows).T


def letters(xs):
    return dict(zip("xyuv", xs, strict=False))


@every_elementwise
def test_the_code_of_a_value_gives_the_value(name):
    op, xs = TABLE[name], operands_of(name)
    got = run(value_code(op, [Code(letter) for letter in letters(xs)]), **letters(xs))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, op.value(arrays, *xs))


@every_elementwise
def test_the_code_of_the_slopes_gives_the_partials(name):
    op, xs = TABLE[name], operands_of(name)
    with np.errstate(all="ignore"):
        z = op.value(arrays, *xs)
        want = op.partials(arrays, z, *xs)
    codes = slope_codes(op, Code("z"), [Code(letter) for letter in letters(xs)])
    assert len(codes) == len(op.operands)
    for text, slope in zip(codes, want, strict=True):
        got = np.broadcast_to(run(text, z=z, **letters(xs)), z.shape)
        np.testing.assert_allclose(got, np.broadcast_to(slope, z.shape), rtol=4e-15)


@every_elementwise
def test_an_operand_may_be_an_expression_or_a_number(name):
    """z = f(−a, b − c, 0.5): what is within keeps together."""
    op = TABLE[name]
    rows = [xs for xs in moderate(name, 20) if not at_kink(name, xs)]
    for xs in rows:
        texts = [Code("-a", 3), Code("b - c", 1), code(xs[2]) if len(xs) > 2 else Code("")][: len(xs)]
        names = {"a": -xs[0], "b": 4.0 * (xs[1] if len(xs) > 1 else 0.0), "c": 3.0 * (xs[1] if len(xs) > 1 else 0.0)}
        exact = [-names["a"], names["b"] - names["c"], *xs[2:]][: len(xs)]
        with np.errstate(all="ignore"):
            z = op.value(arrays, *map(np.float64, exact))
            want = [z, *op.partials(arrays, z, *map(np.float64, exact))]
        texts = [value_code(op, texts), *slope_codes(op, Code("z"), texts)]
        got = [run(text, z=z, **{n: np.float64(x) for n, x in names.items()}) for text in texts]
        np.testing.assert_allclose(np.array(got, float), np.array(want, float), rtol=4e-15)


@pytest.mark.parametrize("n", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 2.5, 2.0**53])
def test_powers_of_a_number_have_the_slope_of_the_textbook(n):
    """Where n − 1 keeps every digit, n·x**(n − 1); and the table's rule elsewhere, as for x**0 and x**1 at 0."""
    x = np.array([0.5, 1.0, 3.0, *([-2.0, 0.0] if n == int(n) and n >= 0 else [])])
    slope, _ = slope_codes(TABLE["pow"], Code("z"), [Code("x"), code(n)])
    with np.errstate(all="ignore"):
        z = x**n
        want = TABLE["pow"].partials(arrays, z, x, np.float64(n))[0]
    np.testing.assert_allclose(np.broadcast_to(run(slope, x=x, z=z), x.shape), want, rtol=4e-15)


# ------------------------------------------------------------------------------- parentheses


SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}
COMPARISONS = ("greater", "less", "equal")
NUMBERS = {"x": np.float64(0.7), "y": np.float64(-1.3), "z": np.float64(0.0)}


def larger(tree):
    """Trees of a tree: (sign, left, right), one of them perhaps a number; or ("-", tree)."""
    number, sign = st.sampled_from([2.0, -0.5, 1.0]), st.sampled_from([*SIGNS, *COMPARISONS])
    return st.one_of(*(st.tuples(sign, *pair) for pair in ((tree, tree), (tree, number), (number, tree))),
                     st.tuples(st.just("-"), tree))  # fmt: skip


def built(tree, leaf, compare):
    """The tree, computed with leaves and comparisons of a kind."""
    if not isinstance(tree, tuple):
        return leaf(tree) if isinstance(tree, str) else tree
    sign, *parts = tree
    xs = [built(part, leaf, compare) for part in parts]
    if len(xs) == 1:
        return -xs[0]
    return compare(sign, *xs) if sign in COMPARISONS else SIGNS[sign](*xs)


@given(st.recursive(st.sampled_from(list(NUMBERS)), larger, max_leaves=8))
def test_the_text_computes_in_the_order_of_the_expression(tree):
    """Parentheses stand where they must; a truth is a number where that matters."""
    text = built(tree, Code, lambda sign, a, b: getattr(rules, sign)(a, b))
    with np.errstate(all="ignore"):
        want = built(tree, NUMBERS.__getitem__, lambda sign, a, b: getattr(arrays, sign)(a, b))
    np.testing.assert_allclose(float(run(text, **NUMBERS)), want, rtol=1e-13)


@pytest.mark.parametrize(("text", "written"), [
    (Code("a - b", 1) - Code("c - d", 1), "a - b - (c - d)"), (Code("a + b", 1) * Code("c"), "(a + b) * c"),
    (1.0 * Code("x"), "x"), (Code("x") * (1.0 / Code("y")), "x / y"), (0.0 - (-Code("x")), "0.0 - -x"),
    ((-Code("x")) ** 2.0, "(-x) ** 2.0"), (-(Code("x") ** 2.0), "-x ** 2.0"), (2.0 ** -Code("x"), "2.0 ** -x"),
    (rules.greater(Code("x"), 0.0) - rules.less(Code("x"), 0.0), "1.0 * (x > 0.0) - 1.0 * (x < 0.0)"),
    (Code("g") * rules.greater(Code("x"), 0.0), "g * (x > 0.0)"), (code(-1.5) ** Code("x"), "(-1.5) ** x"),
], ids=str)  # fmt: skip
def test_how_it_is_written(text, written):
    assert str(text) == written


def test_code_is_neither_true_nor_false():
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(Code("x"))
    with pytest.raises(TypeError, match="a list"):
        rules.max([Code("x"), Code("y")])
