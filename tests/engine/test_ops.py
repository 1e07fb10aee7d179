"""One body over the whole table: every operation, its value, its slopes, in all the ways it is run."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import engine
from engine import TABLE, DomainError, Value
from engine.operation import arrays

from .exact import (
    EXACT,
    INDEXED,
    SLOPE_TERMS,
    TERMS,
    applied,
    at_kink,
    everywhere,
    exact,
    exact_derivative,
    exact_slope,
    inside,
    moderate,
    on_values,
    term,
    ulps,
)

every_operation = pytest.mark.parametrize("name", TABLE)


def test_every_operation_has_its_exact_answer():
    lacking, gone = TABLE.keys() - EXACT.keys(), EXACT.keys() - TABLE.keys()
    assert not lacking, f"add to EXACT in tests/engine/exact.py the definition in mpmath of {sorted(lacking)}"
    assert not gone, f"remove from EXACT in tests/engine/exact.py, as the table no longer has them: {sorted(gone)}"


# --------------------------------------------------------------------------- to the last digit


@every_operation
def test_value_and_slopes_are_within_4_ulp_of_the_exact_answer(name):
    op = TABLE[name]
    for xs in everywhere(name, 30) + moderate(name, 10):
        z = op.evaluate(xs)
        assert ulps(z, exact(name, xs), term(TERMS, name, xs)) <= 4, (xs, z)
        if at_kink(name, xs):
            continue  # test_numerics has the rule there
        for i, slope in enumerate(op.slopes(z, xs)):
            true = exact_slope(name, xs, i)
            if true is not None:
                assert ulps(slope, true, term(SLOPE_TERMS, name, xs)) <= 4, (xs, i, slope)


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.textbook])
def test_textbook_form_is_the_form_that_runs(name):
    shown = replace(TABLE[name], partials=TABLE[name].textbook)
    for xs in moderate(name, 30):
        z = shown.evaluate(xs)
        assert shown.slopes(z, xs) == pytest.approx(TABLE[name].slopes(z, xs), rel=1e-9, abs=1e-9, nan_ok=True), xs


# --------------------------------------------------------------------------- run on arrays

# NumPy adds a list up in its own order: its error is measured in the last place of the sum of the absolute terms.
SUMS = {
    "sum": lambda *xs: sum(map(abs, xs)),
    "mean": lambda *xs: sum(map(abs, xs)) / len(xs),
    "dot": lambda *operands: (
        sum(abs(w * x) for w, x in zip(operands[:2], operands[2:4], strict=True)) + abs(operands[4])
    ),
}
SLOPE_SUMS = {"var": lambda *xs: max(map(abs, xs))}


def gap(got, want, *terms):
    """How far two floats are apart, in units in the last place of the larger, or of a term if that is larger."""
    if got == want or (math.isnan(got) and math.isnan(want)):
        return 0.0
    return abs(got - want) / math.ulp(max(abs(got), abs(want), *terms))


def on_arrays(name, points):
    """The value and the slopes of a whole list of operands at once, as lists of floats."""
    columns = [np.array(column) for column in zip(*points, strict=True)]
    if name in INDEXED:
        columns[-1] = columns[-1][0] if name != "take" else columns[-1]
    with np.errstate(all="ignore"):
        z = TABLE[name].value(arrays, *columns)
        slopes = TABLE[name].partials(arrays, z, *columns)
    as_lists = [np.broadcast_to(column, len(points)).tolist() for column in (z, *slopes)]
    return as_lists[0], list(zip(*as_lists[1:], strict=True))


@every_operation
def test_arrays_give_what_floats_give(name):
    op, points = TABLE[name], everywhere(name, 100) + moderate(name, 100)
    for xs, z, slopes in zip(points, *on_arrays(name, points), strict=True):
        want = op.evaluate(xs)
        assert gap(z, want, term(TERMS, name, xs), term(SUMS, name, xs)) <= 4, xs
        terms = term(SLOPE_TERMS, name, xs), term(SLOPE_SUMS, name, xs)
        for slope, true in zip(slopes, op.slopes(want, xs), strict=True):
            assert gap(slope, true, *terms) <= 8, xs


# --------------------------------------------------------------------------- run on Values


def gradient(y, leaves):
    """The derivatives of y, as Values that can be differentiated again; 0.0 where there is none."""
    for x in leaves:
        x.grad = None
    if isinstance(y, Value):
        y.backward(create_graph=True)
    return [x.grad for x in leaves]


@every_operation
def test_rules_on_values_give_the_slopes_and_the_slopes_of_the_slopes(name):
    for xs in moderate(name, 4):
        if at_kink(name, xs):
            continue
        z, leaves = on_values(name, xs)
        slopes = gradient(z, leaves)
        want = TABLE[name].slopes(z.data, xs)[: len(leaves)]
        assert list(map(float, slopes)) == pytest.approx(want, rel=1e-12, abs=1e-14), xs

        for i, slope in enumerate(slopes):
            for j, second in enumerate(gradient(slope, leaves)):
                orders = [(i == k) + (j == k) for k in range(len(xs))]
                true = float(exact_derivative(name, xs, orders))
                assert float(second) == pytest.approx(true, rel=1e-9, abs=1e-12), (xs, orders)


# Of one operand and smooth around 0: all but ∛x (a vertical tangent) and softsign (|x|, a kink of its slope).
SMOOTH = [
    name
    for name, op in TABLE.items()
    if len(op.operands) == 1 and not (op.any_number or op.kinks or name in ("cbrt", "softsign"))
]


@pytest.mark.parametrize("name", SMOOTH)
def test_four_derivatives_are_exact_where_an_inner_abs_or_where_has_its_kink(name):
    for x in (0.0, 0.7, -1.3):
        if not (inside(name, [x - 0.1]) and inside(name, [x + 0.1])):
            continue
        z, leaves = on_values(name, [x])
        for order in (1, 2, 3, 4):
            (z,) = gradient(z, leaves)
            true = float(exact_derivative(name, [x], [order]))
            assert float(z) == pytest.approx(true, rel=1e-9, abs=1e-12), (x, order)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("base", [0.0, -2.0, 1.5])
def test_four_derivatives_of_a_whole_power(base, exponent):
    x = Value(base)
    z = x**exponent
    for order in (1, 2, 3, 4):
        (z,) = gradient(z, [x])
        left = exponent - order
        assert float(z) == (math.perm(exponent, order) * base**left if left >= 0 else 0.0)


# --------------------------------------------------------------------------- outside the domain, and beyond it


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.domain])
def test_a_finite_operand_outside_the_domain_is_an_error_that_names_it(name):
    op = TABLE[name]
    candidates = product((-8.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0), repeat=len(op.operands))
    outside = [xs for xs in candidates if not inside(name, xs)]
    assert outside
    for xs in outside:
        leaves = [Value(x, name=f"p{i}") for i, x in enumerate(xs)]
        with pytest.raises(DomainError) as caught:
            applied(name, leaves)
        message = str(caught.value)
        assert isinstance(caught.value, ValueError)
        assert f"{name} needs {op.needs.partition('; ')[0]}" in message
        assert all(repr(x) in message for x in xs), message
        assert all(repr(leaf.name) in message for leaf in leaves), message
        with pytest.raises(DomainError, match=name):
            applied(name, xs)


# What may stay a number although an operand is nan: a choice that does not take it, a comparison (false),
# 1 ** nan = nan ** 0 = 1, and hypot(inf, nan) = inf.
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}
SHRUGS = COMPARISONS | {"where", "take", "leaky_relu", "elu", "pow", "hypot"}


@every_operation
def test_inf_and_nan_pass_through(name):
    op = TABLE[name]
    count = 2 if op.any_number else len(op.operands)
    points = [list(xs) for xs in product((math.inf, -math.inf, math.nan, 1.0, 0.0, -2.5), repeat=count)]
    if name in INDEXED:
        points = [[*xs, 1.0] for xs in points]
    points = [xs for xs in points if not all(map(math.isfinite, xs))]
    for xs, z, slopes in zip(points, *on_arrays(name, points), strict=True):
        got = op.evaluate(xs)
        assert got == z or (math.isnan(got) and math.isnan(z)), (xs, got, z)
        assert math.isnan(got) or name in SHRUGS or not any(map(math.isnan, xs)), xs
        assert len(op.slopes(got, xs)) == len(slopes)


OVERFLOWS = [
    ("exp", [1000.0], math.inf),
    ("expm1", [1000.0], math.inf),
    ("cosh", [-1000.0], math.inf),
    ("sinh", [-1000.0], -math.inf),
    ("add", [1e308, 1e308], math.inf),
    ("sub", [-1e308, 1e308], -math.inf),
    ("mul", [1e200, -1e200], -math.inf),
    ("div", [1e200, 1e-200], math.inf),
    ("pow", [1e200, 2.0], math.inf),
    ("pow", [-1e200, 3.0], -math.inf),
    ("pow", [1e-200, -2.0], math.inf),
    ("hypot", [1.7e308, 1.7e308], math.inf),
    ("sum", [1e308, 1e308, -1.0], math.inf),
    ("dot", [1e200, 1.0, -1e200, 1.0], -math.inf),
    ("prod", [1e200, -1e200], -math.inf),
]


@pytest.mark.parametrize(("name", "operands", "result"), OVERFLOWS)
def test_overflow_is_inf_as_in_numpy(name, operands, result):
    assert applied(name, operands) == result
    assert applied(name, list(map(Value, operands))).data == result


# --------------------------------------------------------------------------- the functions


@every_operation
def test_function_gives_a_float_for_numbers_and_a_value_for_values(name):
    for xs in moderate(name, 5):
        z, _ = on_values(name, xs)
        number = applied(name, [*xs[:-1], int(xs[-1])] if name in INDEXED else xs)
        assert type(number) is float
        assert type(z) is Value
        assert z.op is TABLE[name]
        assert z.data == number == TABLE[name].evaluate(xs)


def test_every_function_is_in_the_engine_under_its_name():
    assert all(callable(getattr(engine, name)) for name in TABLE)
