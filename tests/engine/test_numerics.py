"""Where a naive formula overflows or loses digits, one line each; and the rule at every kink, edge and pole.

The exact numbers come from mpmath (`exact.py`). Values and slopes are taken as users take them: through Value.
"""

import math
import random

import pytest

import engine
from engine import TABLE, DivisionByZeroError, DomainError, Value

from .exact import SLOPE_TERMS, TERMS, at_kink, exact, exact_slope, on_values, term, ulps

inf, nan = math.inf, math.nan


def value_and_slopes(name, operands):
    z, leaves = on_values(name, operands)
    z.backward()
    return z.data, [x.grad for x in leaves]


# --------------------------------------------------------------------------- hard numbers

_entries = random.Random(0)
SPREAD = [[_entries.uniform(-1000, 1000) for _ in range(5)] for _ in range(6)] + [[999.7, 123.4, 998.31]]
LISTS = [
    *([1000.0, 1000.0], [-1000.0, -1000.0], [1000.0, -1000.0], [1000.0, 999.0, 998.0]),
    *([1e308, 1e308], [1e308, -1e308], [-1e308, -1e308, 0.0], [0.0, -40.0], [-0.0, -745.0, -800.0]),
    *SPREAD,
]

HARD = [
    *(("sigmoid", [x]) for x in (750.0, -750.0, 40.0, -40.0, 37.0)),  # the slope at 40: 4.2e-18, where z(1 − z) is 0
    *(("softplus", [x]) for x in (1000.0, -1000.0, -700.0, 40.0)),
    *(("log_sigmoid", [x]) for x in (1000.0, -1000.0, 700.0, -40.0)),
    *(("logsumexp", xs) for xs in LISTS),
    *((name, [*xs, i]) for xs in LISTS for i in range(len(xs)) for name in ("softmax", "log_softmax")),
    *(("logaddexp", xs) for xs in LISTS if len(xs) == 2),
    *((name, [x]) for name in ("log1p", "expm1", "sinh", "tanh", "asinh", "atanh", "erf") for x in (1e-20, -1e-20)),
    *(("tanh", [x]) for x in (20.0, -20.0, 350.0)),  # the slope at 20: 1.7e-17, where 1 − z² is 0
    *(("gelu", [x]) for x in (-10.0, -30.0, -38.0, 10.0, 1e-20)),
    *((name, [x]) for name in ("silu", "mish", "selu") for x in (-735.0, -715.0, -40.0, 40.0, 1e-20)),
    *(("elu", [x, 1.0]) for x in (-40.0, 40.0, 1e-20, -1e-20)),
    *(("erfc", [x]) for x in (10.0, 26.0, -10.0)),
    *(("hypot", xs) for xs in ([1e200, 1e200], [3e-200, 4e-200], [1e308, 1.0], [1.5e308, -1.5e308])),
    *(("atan2", xs) for xs in ([1e200, 1e200], [1e-200, 1e-200], [1e-200, -1.0])),
    *(("div", xs) for xs in ([1e-200, 1e-200], [1.0, 1e-200], [1e-300, 3e200], [6.0, 3.0], [1.0, 3.0])),
    *(("pow", xs) for xs in ([-2.0, 0.0], [2.0, 0.0], [3.0, 0.1], [1e-200, 0.3], [1e300, 1.02], [1.0000001, 1e9])),
    *((name, [x]) for name in ("asin", "acos", "atanh") for x in (1 - 2**-53, 2**-53 - 1)),
    *(("acosh", [x]) for x in (1 + 2**-52, 1e300)),
    *(("sum", xs) for xs in ([1e308, 1e308, -1e308], [1e16, 1.0, -1e16], [0.1] * 10)),
    *(("mean", xs) for xs in ([1e308, 1e308], [1e16, 1.0, -1e16])),
    *(
        ("dot", xs)
        for xs in ([1e308, 1e308, 1e308, 1, 1, -1], [1e16, 1, -1e16, 1, 1, 1], [1e200, 1e200, 1e200, -1e200, 3])
    ),
    *(
        ("var", xs)
        for xs in ([1e8, 1e8 + 1, 1e8 + 2], [1e15, 1e15 + 1, 1e15 + 3], [5.0, 5.0], [-1e-9, 100.0, -250.0, 7.0])
    ),
    *(
        ("prod", xs)
        for xs in ([2.0, 0.0, 5.0], [0.0, 0.0, 5.0], [1e200, 1e200, 1e-200, 1e-200], [1e-200, 1e-200, 1e250])
    ),
]


@pytest.mark.parametrize(("name", "operands"), HARD)
def test_hard_numbers_are_within_4_ulp(name, operands):
    z, slopes = value_and_slopes(name, operands)
    assert ulps(z, exact(name, operands), term(TERMS, name, operands)) <= 4
    if not at_kink(name, operands):
        for i, slope in enumerate(slopes):
            true = exact_slope(name, operands, i)
            assert true is None or ulps(slope, true, term(SLOPE_TERMS, name, operands)) <= 4, (i, slope)


def test_a_list_of_probabilities_adds_up_to_one():
    for xs in LISTS:
        assert math.fsum(engine.softmax(xs)) == pytest.approx(1.0, rel=1e-15)


# --------------------------------------------------------------------------- powers


def test_two_to_the_x():
    x = Value(10.0)
    z = 2**x
    z.backward()
    assert z.data == 1024.0
    assert x.grad == 1024 * math.log(2)


def test_cube_of_a_negative_number():
    x = Value(-2.0)
    z = x**3
    z.backward()
    assert (z.data, x.grad) == (-8.0, 12.0)


POWERS = [  # base, exponent, value, slope of the base, slope of the exponent
    (-2.0, 3.0, -8.0, 12.0, nan),  # a negative base has no slope in its exponent, and keeps its own
    (-2.0, -1.0, -0.5, -0.25, nan),
    (-3.0, 0.0, 1.0, 0.0, nan),
    (-3.0, 1e300, inf, -inf, nan),  # the exponent less 1 is odd, which a float cannot say
    (0.0, 0.0, 1.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 1.0, 0.0),
    (0.0, 2.5, 0.0, 0.0, 0.0),
    (0.0, 0.5, 0.0, inf, 0.0),
    (7.0, 0.0, 1.0, 0.0, math.log(7.0)),
]


@pytest.mark.parametrize(("base", "exponent", "value", "base_slope", "exponent_slope"), POWERS)
def test_powers_at_the_edges(base, exponent, value, base_slope, exponent_slope):
    z, slopes = value_and_slopes("pow", [base, exponent])
    assert [z, *slopes] == pytest.approx([value, base_slope, exponent_slope], rel=0, abs=0, nan_ok=True)


def test_a_mixed_derivative_of_a_power_at_exponent_0():
    x, y = Value(2.0), Value(0.0)
    (x**y).backward(create_graph=True)
    slope, y.grad = x.grad, None
    slope.backward()
    assert y.grad == 0.5  # ∂²(x**y)/∂x∂y = x**(y−1)·(1 + y·ln x)


# --------------------------------------------------------------------------- no value: a clear error

ERRORS = [
    (lambda: engine.log(Value(0.0, name="p")), r"log\(0\.0\): log needs x > 0 \(node 'p'\); .*bce_with_logits"),
    (lambda: engine.log(-0.3), r"log\(-0\.3\): log needs x > 0"),
    (lambda: engine.log2(Value(0.0)), "log2 needs x > 0"),
    (lambda: engine.log10(Value(-1.0)), "log10 needs x > 0"),
    (lambda: engine.log1p(Value(-1.0)), "log1p needs x > -1"),
    (lambda: engine.sqrt(Value(-1.0)), "sqrt needs x >= 0"),
    (lambda: engine.acosh(Value(0.5)), "acosh needs x >= 1"),
    (lambda: engine.atanh(Value(1.0)), "atanh needs -1 < x < 1"),
    (lambda: engine.asin(Value(1.5)), "asin needs -1 <= x <= 1"),
    (lambda: Value(-8.0) ** (1 / 3), r"\(-8\.0\) \*\* 0\.333.*: pow needs .*whole exponent for a negative base"),
]


@pytest.mark.parametrize(("compute", "message"), ERRORS)
def test_no_value_is_an_error(compute, message):
    with pytest.raises(DomainError, match=message):
        compute()


@pytest.mark.parametrize("compute", [lambda: 1 / Value(0.0), lambda: Value(0.0) ** -1, lambda: engine.div(1, 0)])
def test_division_by_zero_is_the_error_python_users_expect(compute):
    with pytest.raises(ZeroDivisionError) as caught:
        compute()
    assert isinstance(caught.value, DivisionByZeroError)


# --------------------------------------------------------------------------- kinks, ties and edges: the rule

RULES = [
    ("relu", [0.0], [0.0]),
    ("relu", [-0.0], [0.0]),
    ("abs", [0.0], [0.0]),
    ("leaky_relu", [0.0, 0.01], [0.01, 0.0]),
    ("elu", [0.0, 2.0], [2.0, 0.0]),
    ("selu", [0.0], [1.0507009873554805 * 1.6732632423543772]),
    ("maximum", [2.0, 2.0], [0.5, 0.5]),
    ("minimum", [2.0, 2.0], [0.5, 0.5]),
    ("max", [1.0, 3.0, 3.0], [0.0, 1.0, 0.0]),
    ("min", [3.0, 1.0, 1.0], [0.0, 1.0, 0.0]),
    ("where", [0.0, 5.0, 7.0], [0.0, 0.0, 1.0]),
    ("clip", [1.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    ("clip", [2.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    ("clip", [0.0, 1.0, 2.0], [0.0, 1.0, 0.0]),
    ("clip", [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]),  # min and max are swapped: max
    ("clip", [1.5, 1.5, 1.5], [1.0, 0.0, 0.0]),
    *(
        (name, [2.0, 2.0], [0.0, 0.0])
        for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
    ),
    ("hypot", [0.0, 0.0], [0.0, 0.0]),
    ("hypot", [0.0, -3.0], [0.0, -1.0]),
    ("atan2", [0.0, 0.0], [0.0, 0.0]),
    ("atan2", [0.0, -2.0], [-0.5, 0.0]),
    ("sqrt", [0.0], [inf]),
    ("cbrt", [0.0], [inf]),
    ("asin", [1.0], [inf]),
    ("asin", [-1.0], [inf]),
    ("acos", [1.0], [-inf]),
    ("acosh", [1.0], [inf]),
]


@pytest.mark.parametrize(("name", "operands", "want"), RULES)
def test_rule_at_a_kink(name, operands, want):
    _, slopes = value_and_slopes(name, operands)
    assert slopes == pytest.approx(want, rel=0, abs=0, nan_ok=True)


def test_every_kink_has_its_rule_here():
    kinked = {name for name, op in TABLE.items() if op.kinks}
    assert kinked == {name for name, operands, _ in RULES if at_kink(name, operands)}
