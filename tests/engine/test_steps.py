"""The events of a backward pass are the backward pass."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, backward_steps, explain, tanh, topological_sort
from nn import MLP


def neuron():
    """(w1, loss): a tanh neuron with weight decay, so that w1 reaches the loss on three paths."""
    x1, x2, w1, w2, b = (Value(v, n) for v, n in [(2.0, "x1"), (0.5, "x2"), (-3.0, "w1"), (1.0, "w2"), (6.2, "b")])
    o = tanh(x1 * w1 + x2 * w2 + b)
    o.name = "o"
    return w1, (o - 1) ** 2 + 0.1 * (w1 * w1)


def folded(loss):
    """The gradient of each node, from the events alone."""
    return {loss: 1.0} | {step.parent: step.total for step in backward_steps(loss)}


@st.composite
def losses(draw):
    """A loss over a random graph with many shared nodes and several kinds of operation."""
    nodes = [Value(x) for x in draw(st.lists(st.floats(-2, 2), min_size=1, max_size=4))]
    kinds = [
        lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: -a, lambda a, b: tanh(a),
        lambda a, b: engine.maximum(a, b), lambda a, b: engine.dot([a, b], [b, a], a),
        lambda a, b: engine.softmax([a, b])[0],
        lambda a, b: a / (1 + b * b), lambda a, b: engine.sum([a, b, a]), lambda a, b: a**2,
    ]  # fmt: skip
    for _ in range(draw(st.integers(1, 15))):
        kind, a, b = draw(st.sampled_from(kinds)), draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        nodes.append(kind(a, b))
    return nodes[-1]


@given(losses())
def test_folding_the_events_gives_backward_bit_for_bit(loss):
    gradients = folded(loss)
    loss.backward()
    for node in topological_sort(loss):
        if node.requires_grad:
            assert gradients[node].hex() == node.grad.hex() or math.isnan(node.grad)


def test_folding_a_network_gives_backward_bit_for_bit():
    model = MLP(3, [8, 8, 1], activation="tanh", seed=1)
    loss = engine.mean([(model([0.1 * i, -0.2, 0.3]) - i) ** 2 for i in range(5)])
    gradients = folded(loss)
    loss.backward()
    assert [gradients[p].hex() for p in model.parameters()] == [p.grad.hex() for p in model.parameters()]


def test_events_change_nothing_and_can_be_replayed():
    w1, loss = neuron()
    first = list(backward_steps(loss))
    assert not w1.has_grad
    loss.backward()
    assert list(backward_steps(loss)) == first
    assert first[-1].total == w1.grad


def test_an_event_holds_the_chain_rule_of_its_edge():
    _, loss = neuron()
    steps = list(backward_steps(loss))
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert step.node.parents[step.position] is step.parent
        assert step.product == step.upstream * step.local
        assert step.total == step.before + step.product
        assert step.parent.requires_grad
    through_tanh = next(step for step in steps if step.node.name == "o")
    assert through_tanh.rule == "1 - o ** 2"
    assert through_tanh.text == "∂L/∂v4 += ∂L/∂o · ∂o/∂v4 = -0.7913 × 0.6347 = -0.5022"


def test_an_edge_into_what_has_a_gradient_already_shows_the_sum():
    _, loss = neuron()
    assert [step.text.split("; ")[1:] for step in backward_steps(loss) if step.parent.name == "w1"] == [
        [], ["-0.3 + (-0.3) = -0.6"], ["-0.6 + (-1.004) = -1.604"],
    ]  # fmt: skip


def test_a_pole_of_the_derivative_is_written_all_the_same():
    x = Value(0.0, "x")
    (step,) = backward_steps(x.sqrt())
    assert (step.rule, step.local) == ("1 / (2 * L)", math.inf)


# --------------------------------------------------------------------------------- explain


def test_paths_add_up_to_the_gradient():
    w1, loss = neuron()
    why = explain(loss, w1)
    loss.backward()
    assert why.count == len(why.paths) == 3
    assert why.gradient == w1.grad
    assert why.rest == 0.0
    assert sum(path.product for path in why.paths) == pytest.approx(w1.grad, rel=1e-15)
    sizes = [abs(path.product) for path in why.paths]
    assert sizes == sorted(sizes, reverse=True)
    for path in why.paths:
        assert (path.nodes[0], path.nodes[-1]) == (w1, loss)
        assert math.prod(path.locals) == pytest.approx(path.product, rel=1e-15)
        assert all(a in b.parents for a, b in zip(path.nodes, path.nodes[1:], strict=False))


def test_the_explanation_names_shared_terms():
    w1, loss = neuron()
    text = str(explain(loss, w1))
    assert text.startswith("∂L/∂w1 = -1.604, the sum over 3 paths\n")
    assert "where\n" in text
    assert "= w1 * w1" in text


def test_sixty_doublings_have_2_to_the_60_paths():
    x = a = Value(1.0, "x")
    for _ in range(60):
        a = a + a
    why = explain(a, x, most=5)
    assert why.count == 2**60
    assert why.gradient == 2.0**60
    assert len(why.paths) == 5
    assert why.rest == 2.0**60 - 5
    assert "1152921504606846971 more paths add 1.153e+18" in str(why)


def test_no_path_is_said_so():
    x, y = Value(1.0, "x"), Value(2.0, "y")
    why = explain(x * 2, y)
    assert (why.count, why.gradient) == (0, 0.0)
    assert str(why) == "∂L/∂y = 0: no path leads from y to L"


def test_the_loss_explains_itself():
    x = Value(2.0, "x")
    why = explain(x, x)
    assert (why.count, why.gradient, why.paths[0].nodes) == (1, 1.0, (x,))


@pytest.mark.parametrize("bad", [[Value(1.0)], 3.0, None, "loss"])
def test_only_a_value_has_steps(bad):
    with pytest.raises(TypeError, match="one Value"):
        next(backward_steps(bad))
    with pytest.raises(TypeError, match="one Value"):
        explain(bad, Value(1.0))
    with pytest.raises(TypeError, match="one Value"):
        explain(Value(1.0), bad)
