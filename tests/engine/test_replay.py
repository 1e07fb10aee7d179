"""A graph computed again by NumPy, and its opinion of gradients. The checker is checked with planted mistakes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, central_differences, leaves, replay, topological_sort
from engine.operation import arrays
from engine.replay import replay_gradients
from nn import MLP

from .exact import INDEXED, everywhere, moderate, on_values

every_operation = pytest.mark.parametrize("name", TABLE)
SMOOTH = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1 + b * b), lambda a, b: -a,
    lambda a, b: a**2, lambda a, b: engine.tanh(a), lambda a, b: engine.exp(-(a**2)), lambda a, b: engine.sin(a),
    lambda a, b: engine.softplus(a), lambda a, b: engine.dot([a, b, 2.0], [b, 0.5, a], a),
    lambda a, b: engine.softmax([a, 1.0, b])[0], lambda a, b: engine.log_softmax([a, b])[1],
    lambda a, b: engine.logsumexp([a, 0.5, b]), lambda a, b: engine.var([a, b, 1.0]),
    lambda a, b: engine.mean([a, 2.0, b]), lambda a, b: engine.prod([a, b, 0.5]), lambda a, b: engine.take([a, b], 1),
]  # fmt: skip
KINKED = [
    lambda a, b: engine.relu(a), lambda a, b: abs(a), lambda a, b: engine.maximum(a, b),
    lambda a, b: engine.max([a, b, 0.0]), lambda a, b: engine.clip(a, -1.0, b), lambda a, b: engine.softsign(a),
    lambda a, b: engine.where(engine.greater(a, b), a * b, 2.0), lambda a, b: engine.hypot(a, b),
]  # fmt: skip


@st.composite
def graphs(draw, kinds=(*SMOOTH, *KINKED)):
    nodes = [Value(x) for x in draw(st.lists(st.floats(-2, 2), min_size=1, max_size=3))]
    for _ in range(draw(st.integers(1, 12))):
        kind, a, b = draw(st.sampled_from(kinds)), draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        node = kind(a, b)
        if abs(node.data) < 20:
            nodes.append(node)
    return nodes[-1]


def opinions(root):
    """(leaf, its gradient, NumPy's opinion) for each leaf that takes a gradient."""
    wanted = [leaf for leaf in leaves(root) if leaf.requires_grad]
    root.zero_grad()
    root.backward()
    return [(leaf, leaf.grad, d) for leaf, d in zip(wanted, central_differences(root, wanted), strict=True)]


def verdicts(root):
    return [opinion.verdict(gradient) for _, gradient, opinion in opinions(root)]


def verdict(function, x, gradient=None):
    """The verdict on the engine's gradient of a function at x, or on a planted one."""
    leaf = Value(x)
    ((_, found, opinion),) = opinions(function(leaf))
    return opinion.verdict(found if gradient is None else gradient)


# --------------------------------------------------------------------------------- replay


@settings(deadline=None)
@given(graphs())
def test_a_replay_gives_what_the_engine_gave(root):
    size = max(abs(node.data) for node in topological_sort(root))
    assert replay(root, {}) == pytest.approx(root.data, rel=1e-12, abs=1e-13 * size * size)


@every_operation
def test_so_it_does_for_every_operation(name):
    for xs in moderate(name, 20):
        z, _ = on_values(name, xs)
        assert replay(z, {}) == pytest.approx(z.data, rel=1e-14, abs=1e-14)


@settings(deadline=None)
@given(graphs(), st.data())
def test_other_numbers_give_what_the_engine_gives_for_them(root, data):
    """Many at once, as arrays, are the same as one after the other; and the numbers of the graph stay as they are."""
    wanted = [leaf for leaf in leaves(root) if leaf.requires_grad]
    columns = [data.draw(st.lists(st.floats(-2, 2), min_size=3, max_size=3)) for _ in wanted]
    before = [(node.data, node.has_grad) for node in topological_sort(root)]
    at_once = np.broadcast_to(replay(root, dict(zip(wanted, map(np.array, columns), strict=True))), 3)
    for k in range(3):
        alone = replay(root, {leaf: column[k] for leaf, column in zip(wanted, columns, strict=True)})
        assert at_once[k] == pytest.approx(alone, rel=1e-12, abs=1e-12)
    assert [(node.data, node.has_grad) for node in topological_sort(root)] == before


def test_a_node_inside_can_be_given_too():
    x = Value(3.0)
    y = x * x
    assert replay(y + x, {y: 1.0}) == 4.0
    assert replay(y, {y: np.array([5.0, 6.0])}).tolist() == [5.0, 6.0]


def test_outside_of_a_domain_is_nan_and_hides_no_other_entry():
    x, index = Value(2.0), Value(1.0)
    assert replay(x.log(), {x: np.array([-1.0, 1.0])}).tolist() == pytest.approx([math.nan, 0.0], nan_ok=True)
    taken = replay(engine.take([x, 5.0], index), {index: np.array([0.0, 0.5, 1.0, 2.0, -1.0])})
    assert taken.tolist() == pytest.approx([2.0, math.nan, 5.0, math.nan, 5.0], nan_ok=True)


def test_data_changed_since_it_was_used_is_an_error():
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    with pytest.raises(RuntimeError, match="compute the graph again"):
        replay(y, {})
    with pytest.raises(RuntimeError, match="compute the graph again"):
        central_differences(y, [x])


def test_a_long_chain_needs_no_recursion_and_keeps_no_number_longer_than_needed():
    x = y = Value(1.0)
    for _ in range(5000):
        y = y * 0.999 + 0.001
    assert replay(y, {x: np.ones(3)}).tolist() == pytest.approx([y.data] * 3)


# --------------------------------------------------------------------------------- rules of single numbers


@pytest.mark.parametrize(
    "rule",
    [
        lambda xp, x: math.sin(x), lambda xp, x: x * 2.0 if x > 0 else -x, lambda xp, x: float(x) ** 2,
        lambda xp, x: max(x, 0.5), lambda xp, x: math.log(x), lambda xp, x: math.exp(x) if x < 700 else math.inf,
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", [[0.3, -0.7, 2.0], [0.3], [-0.7], [[0.3, 2.0], [1.0, -3.0]]])
def test_a_rule_of_single_numbers_is_replayed_element_by_element(rule, column):
    op = engine.operation.unary("planted", "", rule, lambda xp, z, x: (1.0 if x > 0 else 2.0,))
    try:
        x, column = Value(0.5), np.array(column)
        wanted = [rule(None, one) if one > 0 or rule.__code__.co_names != ("math", "log") else math.nan
                  for one in column.ravel().tolist()]  # fmt: skip
        got = np.broadcast_to(replay(op(x), {x: column}), column.shape)
        np.testing.assert_allclose(got.ravel(), wanted, rtol=1e-15)
        slopes = replay_gradients(op(x) * 3.0, [x], column.reshape(-1, 1))
        assert slopes.ravel().tolist() == [3.0 if one > 0 else 6.0 for one in column.ravel()]
    finally:
        del TABLE["planted"]


# --------------------------------------------------------------------------------- gradients


@settings(deadline=None)
@given(graphs(), st.data())
def test_gradients_for_many_points_are_those_of_backward(root, data):
    wanted = [leaf for leaf in leaves(root) if leaf.requires_grad]
    columns = [data.draw(st.lists(st.floats(-2, 2), min_size=2, max_size=2)) for _ in wanted]
    points = np.array([[leaf.data for leaf in wanted], *zip(*columns, strict=True)])
    at_once = replay_gradients(root, wanted, points)
    root.zero_grad()
    root.backward()
    assert at_once.shape == points.shape
    assert at_once[0] == pytest.approx([leaf.grad for leaf in wanted], rel=1e-11, abs=1e-11)
    for point, row in zip(points, at_once, strict=True):
        assert replay_gradients(root, wanted, point[None])[0] == pytest.approx(row, rel=1e-11, abs=1e-11)


@every_operation
def test_so_they_are_for_every_operation(name):
    for xs in moderate(name, 5):
        z, wanted = on_values(name, xs)
        (z * 2.0).backward()
        got = replay_gradients(z * 2.0, wanted, np.array([[leaf.data for leaf in wanted]] * 2))
        for row in got:
            assert row == pytest.approx([leaf.grad for leaf in wanted], rel=1e-13, abs=1e-14, nan_ok=True)


def test_the_gradient_of_a_leaf_a_node_inside_and_nothing():
    x, y = Value(3.0), Value(5.0)
    z = x * x
    assert replay_gradients(x, [x, y], np.array([[1.0, 2.0]])).tolist() == [[1.0, 0.0]]
    assert replay_gradients(z * x, [z, x], np.array([[10.0, 2.0]])).tolist() == [[2.0, 10.0]]
    assert [node.has_grad for node in (x, y, z)] == [False] * 3


# --------------------------------------------------------------------------------- lists of numbers and arrays


@every_operation
def test_numbers_and_arrays_mix_in_every_operation(name):
    """Each operand in turn is an array while the others are numbers: the same as arrays of equal numbers."""
    rule = TABLE[name].value
    for xs in moderate(name, 3):
        many = next(iter(moderate(name, 1, seed=1)))
        for i in range(len(xs) - (name in INDEXED)):
            column = np.array([xs[i], many[i], xs[i]])
            mixed = [column if k == i else x for k, x in enumerate(map(np.float64, xs))]
            filled = [np.full(3, x) if np.ndim(x) == 0 else x for x in mixed]
            filled[len(xs) - 1 :] = [xs[-1]] if name in INDEXED and name != "take" else filled[len(xs) - 1 :]
            with np.errstate(all="ignore"):
                got, want = rule(arrays, *mixed), rule(arrays, *filled)
            np.testing.assert_allclose(np.broadcast_to(got, 3), want, rtol=1e-14, atol=1e-14)


def test_dot_of_arrays_numbers_and_nothing():
    column = np.arange(6.0).reshape(2, 3)
    assert arrays.dot([column, 2.0], [3.0, 4.0]).tolist() == (3 * column + 8).tolist()
    assert arrays.dot([1.0, 2.0], [3.0, 4.0], column).tolist() == (column + 11).tolist()
    assert arrays.dot([1.0, 2.0], [3.0, 4.0]) == 11.0
    assert arrays.dot([], [], column).tolist() == column.tolist()


# --------------------------------------------------------------------------------- the second opinion


@settings(deadline=None)
@given(graphs(SMOOTH))
def test_it_agrees_with_backward_on_smooth_graphs(root):
    """Except where a gradient is nearly 0 beside all higher ones, as that of x³ at 0, or all digits have cancelled."""
    for _, gradient, opinion in opinions(root):
        lost = opinion.reason == "cancellation" and abs(root.data) < 1e-9
        assert opinion.verdict(gradient) == "agrees" or abs(gradient) < 1e-6 or lost


def test_the_rounding_of_a_gradient_is_no_contradiction():
    """Found in 80,000 graphs: a slope known to 9e-17, and a gradient that is 1e-16 beside it, its last digits."""
    a, b, c, small = (Value(x) for x in (-0.8795014985124163, 0.5, 2.0, -8.473879082218357e-225))
    v1, v2 = a * a, a - engine.logsumexp([a, b, a])
    assert "differs" not in verdicts(engine.prod([engine.dot([v1, v2, c], [v2, b, v1], v1), small, b]))
    assert "differs" in verdict(lambda x: x * x, 3.0, 6.0 * (1.0 + 1e-9))


@settings(deadline=None)
@given(graphs())
def test_it_never_contradicts_backward(root):
    assert "differs" not in verdicts(root)


def test_it_agrees_with_backward_on_a_network():
    model = MLP(3, [8, 8, 1], activation="tanh", seed=1)
    loss = engine.mean([(model([0.1 * i, -0.2, 0.3]) - i) ** 2 for i in range(4)])
    assert set(verdicts(loss)) == {"agrees"}


@every_operation
def test_every_operation_is_right_and_would_be_noticed_if_it_were_not(name):
    for xs in moderate(name, 15):
        for _, gradient, opinion in opinions(on_values(name, xs)[0]):
            assert opinion.verdict(gradient) == "agrees", (xs, opinion)
            off = 2e-6 * max(1.0, abs(gradient), opinion.scale)
            assert opinion.verdict(gradient + off) == "differs", (xs, opinion)


@every_operation
def test_operands_of_every_size_give_no_false_alarm(name):
    for xs in everywhere(name, 60):
        assert "differs" not in verdicts(on_values(name, xs)[0]), xs


@pytest.mark.parametrize("scale", [1e-8, 1e-6, 1e-4, 1e-2, 1e2, 1e4, 1e6, 1e8])
def test_scales_of_operands_and_results_give_no_false_alarm(scale):
    for name in TABLE.keys() - set(INDEXED):
        for xs in moderate(name, 5):
            z, _ = on_values(name, xs)
            assert set(verdicts(z * scale)) == {"agrees"}, (name, xs)
            scaled = [scale * x for x in xs]
            if TABLE[name].domain is None or TABLE[name].domain(*scaled):
                assert "differs" not in verdicts(on_values(name, scaled)[0]), (name, scaled)


PLANTED = [
    ("a factor", lambda g: g * 2), ("half", lambda g: g / 2), ("the sign", lambda g: -g), ("no path", lambda g: 0.0),
    ("a part in a million", lambda g: g * (1 + 2e-6)), ("less by one part in a million", lambda g: g * (1 - 2e-6)),
]  # fmt: skip


@pytest.mark.parametrize("mistake", [mistake for _, mistake in PLANTED], ids=[name for name, _ in PLANTED])
def test_planted_mistakes_are_noticed(mistake):
    w, x, b = Value(-0.7), Value(1.3), Value(0.4)
    loss = (engine.tanh(w * x + b) - 1) ** 2 + 0.1 * w * w
    for _, gradient, opinion in opinions(loss):
        assert opinion.verdict(gradient) == "agrees"
        assert opinion.verdict(mistake(gradient)) == "differs"


def test_a_wrong_rule_is_noticed():
    """The opinion takes nothing from the partial derivatives of the table."""
    op = engine.operation.unary("wrong", "", lambda xp, x: xp.sin(x), lambda xp, z, x: (xp.sin(x),))
    try:
        assert verdict(op, 0.5) == "differs"
    finally:
        del TABLE["wrong"]


def test_where_a_function_turns_quickly_the_step_is_small():
    """The step that suits 1e8 is 606, and sin has 96 waves in it."""
    x = Value(1e8)
    ((_, gradient, opinion),) = opinions(engine.sin(x))
    assert opinion.step < 0.5
    assert opinion.slope == pytest.approx(gradient, abs=1e-5)
    assert opinion.verdict(-gradient) == "differs"
    assert verdict(lambda x: 1 / x, 1e-8) == "agrees"
    assert verdict(engine.log, 1e-8) == "agrees"


# --------------------------------------------------------------------------------- where there is no opinion


@pytest.mark.parametrize(
    "function", [engine.relu, abs, lambda x: engine.maximum(x, 0.0), lambda x: engine.max([x, -x])]
)
@pytest.mark.parametrize("gradient", [0.0, 0.5, 1.0, -1.0, 7.0])
def test_at_a_kink_it_is_unsure_whatever_the_gradient(function, gradient):
    assert verdict(function, 0.0, gradient) == "unsure"


@pytest.mark.parametrize("function", [engine.relu, abs, lambda x: engine.leaky_relu(x), lambda x: engine.clip(x, 0.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_beside_a_kink_it_never_contradicts(function, sign):
    for exponent in range(-18, 1):
        for digit in (1.0, 2.0, 4.0, 6.0, 8.0):
            assert verdict(function, sign * digit * 10.0**exponent) in ("agrees", "unsure")


@pytest.mark.parametrize("far", [1e-3, -1e-3, 0.1, -2.0])
def test_away_from_a_kink_it_is_sure(far):
    for function in (engine.relu, abs):
        assert verdict(function, far) == "agrees"
        assert verdict(function, far, 0.3) == "differs"


def test_a_jump_is_no_slope():
    assert verdict(lambda x: engine.greater(x, 0.0), 0.0) == "unsure"
    assert verdict(lambda x: engine.greater(x, 0.0), 1e-7) in ("agrees", "unsure")


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_nothing_can_be_said_of_nan_and_inf(x):
    assert verdict(lambda x: x * 2, x) == "unsure"


@pytest.mark.parametrize("gradient", [math.nan, math.inf, -math.inf])
def test_nothing_can_be_said_to_a_gradient_that_is_no_number(gradient):
    assert verdict(lambda x: x * 2, 1.0, gradient) == "unsure"


@pytest.mark.parametrize(
    ("function", "x"),
    [(engine.sqrt, 0.0), (engine.cbrt, 0.0), (engine.asin, 1.0), (engine.acosh, 1.0), (lambda x: x**0.5, 0.0)],
    ids=["sqrt", "cbrt", "asin", "acosh", "pow"],
)
def test_at_a_pole_of_the_slope_it_is_unsure(function, x):
    assert verdict(function, x) == "unsure"


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-6, 1e-7, 1e-9, 1e-12, 1e-15, 1e-100])
def test_near_a_pole_it_never_contradicts(distance):
    for function in (lambda x: 1 / x, lambda x: 1 / x**2, engine.log, engine.sqrt, engine.cbrt):
        assert verdict(function, distance) in ("agrees", "unsure")


def test_where_the_digits_cancelled_it_is_unsure():
    x = 0.3
    assert verdict(lambda x: (x + 1e12) - 1e12, x) == "unsure"
    assert verdict(lambda x: (x + 1e12) - 1e12, x, 5.0) == "unsure"
    assert verdict(engine.sin, 1e200) == "unsure"


def test_a_flat_function_is_not_a_doubtful_one():
    assert verdict(lambda x: x**2, 0.0) == "agrees"
    assert verdict(lambda x: x**3, 0.0) in ("agrees", "unsure")
    assert verdict(lambda x: engine.relu(x - 5), 1.0) == "agrees"
    assert verdict(lambda x: engine.relu(x - 5), 1.0, 0.1) == "differs"
    assert verdict(lambda x: x * 0 + 3, 1.0) == "agrees"


def test_a_leaf_without_a_path_has_slope_0():
    x, y = Value(1.0), Value(2.0)
    assert central_differences(x * 2, [y])[0].slope == 0.0


def test_it_is_the_same_from_run_to_run():
    x = Value(0.3)
    root = engine.exp(engine.sin(x) * 3) / x
    assert central_differences(root, [x]) == central_differences(root, [x])
