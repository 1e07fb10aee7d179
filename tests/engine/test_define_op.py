"""A user's operation is an operation: differentiated, checked, drawn, written, run on arrays."""

from collections.abc import Iterator

import numpy as np
import pytest

from engine import (
    TABLE,
    DomainError,
    Value,
    check_grads,
    define_op,
    derivative_formula,
    formula,
    grad,
    locate,
    replay,
    tanh,
)
from viz import draw


@pytest.fixture(autouse=True)
def clean_table() -> Iterator[None]:
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)


def bump():
    """exp(−x²), written with the library."""
    return define_op("bump", lambda xp, x: xp.exp(-x * x), lambda xp, z, x: -2.0 * x * z)


def test_of_numbers_and_of_values():
    f = bump()
    assert f(0.5) == np.exp(-0.25)
    x = Value(0.5, "x")
    f(x).backward()
    assert x.grad == pytest.approx(-np.exp(-0.25), rel=1e-15)
    assert TABLE["bump"] is f.op
    assert "user's operation" in f.op.doc


def test_it_is_differentiated_twice_and_checked():
    f = bump()
    second = grad(grad(f))
    assert second(0.5) == pytest.approx((4 * 0.25 - 2) * np.exp(-0.25), rel=1e-13)
    report = check_grads(lambda x, y: f(x * y) + f(x), [0.5, -1.2], order=2)
    assert report, report
    assert len(report.entries) == 6


def test_it_is_drawn_and_written_and_replayed():
    f = bump()
    x, w = Value(2.0, "x"), Value(0.25, "w")
    z = f(w * x)
    assert formula(z) == "bump(w * x)"
    assert "bump" in formula(z, form="latex")
    assert "bump" in formula(z, form="mathml")
    written = "v1 = w * x\nv2 = bump(v1)\n-2 * (1 - tanh(v2) ** 2) * v1 * v2 * x"
    assert derivative_formula(tanh(z), w) == written
    assert ">bump<" in draw(z).svg
    np.testing.assert_allclose(replay(z, {w: np.array([0.25, 0.5])}), np.exp(-np.array([0.25, 1.0])), rtol=1e-15)


def test_several_operands_lists_and_defaults():
    area = define_op("area", lambda xp, a, b=2.0: a * b, lambda xp, z, a, b: (b, a))
    assert area(3.0) == 6.0
    assert check_grads(area, [3.0, 4.0])
    norm = define_op(
        "norm", lambda xp, *xs: xp.sqrt(xp.sum([x * x for x in xs])), lambda xp, z, *xs: tuple(x / z for x in xs)
    )
    assert norm([3.0, 4.0]) == 5.0
    assert check_grads(lambda v: norm(v), [np.array([3.0, 4.0, -1.0])])


def test_the_order_of_the_table_is_understood():
    f = define_op("twice", "2x.", lambda xp, x: 2.0 * x, lambda xp, z, x: (2.0,))
    assert f(3.0) == 6.0
    assert f.op.doc == "2x."


def test_domain_errors_name_it():
    f = define_op(
        "half_log", lambda xp, x: 0.5 * xp.log(x), lambda xp, z, x: 0.5 / x, domain=lambda x: x > 0, needs="x > 0"
    )
    with pytest.raises(DomainError, match="half_log needs x > 0"):
        f(-1.0)


def test_a_wrong_rule_is_located():
    f = define_op("swish", lambda xp, x: x * xp.sigmoid(x), lambda xp, z, x: xp.sigmoid(x))
    report = locate(lambda x: tanh(f(x) * x), [0.7])
    assert not report
    assert report.causes[0].operations == ("swish",)
    assert "∂swish/∂x" in report.verdict
    assert not check_grads(lambda x: tanh(f(x) * x), [0.7])


def test_digits_that_cancel_inside_a_rule_are_seen():
    for exponent in range(5, 17):
        shift = 10.0**exponent + 0.3
        f = define_op("shifted", lambda xp, x, s=shift: (x + s) - s, lambda xp, z, x, s: (1.0, 0.0), replace=True)
        report = check_grads(lambda x, f=f: f(x), [0.7])
        assert not report.wrong, (exponent, report)


def test_rules_with_branches_are_not_opened():
    """The value compares plain numbers: a graph of it would freeze the branch, and miss the kink."""
    f = define_op("ramp", lambda xp, x: x if x > 0 else 0.0 * x, lambda xp, z, x: xp.greater(x, 0.0))
    assert check_grads(f, [0.0]).causes[0].kind == "kink"
    assert check_grads(f, [1e-3])


@pytest.mark.parametrize("name", ["", "two words", "class", "3d", 7, None])
def test_names_are_python_names(name):
    with pytest.raises(ValueError, match="Python name"):
        define_op(name, lambda xp, x: x, lambda xp, z, x: 1.0)


def test_names_that_are_taken():
    with pytest.raises(ValueError, match="already"):
        define_op("tanh", lambda xp, x: x, lambda xp, z, x: 1.0)
    with pytest.raises(ValueError, match="engine's own"):
        define_op("tanh", lambda xp, x: x, lambda xp, z, x: 1.0, replace=True)
    bump()
    with pytest.raises(ValueError, match="already"):
        bump()
    define_op("bump", lambda xp, x: x, lambda xp, z, x: 1.0, replace=True)
    assert TABLE["bump"].value(None, 3.0) == 3.0


def test_rules_must_fit():
    with pytest.raises(TypeError, match="value takes the library and the operands"):
        define_op("f", lambda x: x, lambda xp, z, x: 1.0)
    with pytest.raises(TypeError, match=r"lambda xp, z, x, y"):
        define_op("f", lambda xp, x, y: x * y, lambda xp, z, x: (1.0,))
    with pytest.raises(TypeError, match="two rules"):
        define_op("f", lambda xp, x: x, None)
    f = define_op("f", lambda xp, x, y: x * y, lambda xp, z, x, y: (y,))
    with pytest.raises(ValueError, match="2 operands and 1 partials"):
        f(Value(1.0), Value(2.0)).backward()
    assert "f" in TABLE
