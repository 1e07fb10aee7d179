"""Numbers with all their digits, and how tightly terms bind."""

import math

import pytest

from engine import TABLE
from engine.latex import LaTeX
from engine.mathml import MathML
from engine.notation import ATOM, PLAIN, SIGN, number_text


@pytest.mark.parametrize(
    ("x", "text"),
    [(2.0, "2"), (-2.0, "-2"), (0.1, "0.1"), (1e20, "1e+20"), (-1e-7, "-1e-07"), (math.inf, "inf"), (-math.inf, "-inf"),
     (math.nan, "nan"), (0.0, "0"), (-0.0, "-0.0"), (123456789.0, "123456789")],
)  # fmt: skip
def test_a_number_has_all_its_digits(x, text):
    assert number_text(x) == text
    assert PLAIN.number(x) == (text, SIGN if text.startswith("-") else ATOM)


@pytest.mark.parametrize("binds", range(1, ATOM + 1))
@pytest.mark.parametrize("name", TABLE)
def test_what_is_typeset_has_the_same_parentheses(name, binds):
    operands = "abc" if TABLE[name].any_number else TABLE[name].operands
    (mathml, tight), (latex, as_tight) = (
        notation.operation(TABLE[name], [(notation.name(operand)[0], binds) for operand in operands])
        for notation in (MathML(), LaTeX())
    )
    assert mathml.count("(") == latex.count("(")
    assert tight == as_tight


def test_what_goes_into_a_fraction_a_root_or_an_exponent_needs_no_parentheses():
    loose = [("a + b", 1), ("c + d", 1)]
    assert LaTeX().operation(TABLE["div"], loose)[0] == r"\frac{a + b}{c + d}"
    assert LaTeX().operation(TABLE["pow"], loose)[0] == "(a + b)^{c + d}"
    assert LaTeX().operation(TABLE["sqrt"], loose[:1])[0] == r"\sqrt{a + b}"
    assert PLAIN.operation(TABLE["div"], loose)[0] == "(a + b) / (c + d)"
