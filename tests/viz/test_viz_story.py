"""A story is the forward and the backward pass, told in order, and nothing else."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import TABLE, Value, tanh, topological_sort
from nn import MLP
from viz.story import LONGEST, Story
from viz.text import visible

from ..engine.exact import moderate, on_values
from .hostile import NAMES


def neuron() -> Value:
    x, w, b = Value(2.0, "x"), Value(-0.5, "w"), Value(0.25, "b")
    return tanh(w * x + b)


@st.composite
def losses(draw):
    """A loss over a random graph: shared nodes, frozen leaves, constants, names that repeat."""
    names = st.sampled_from([None, "x", "y", "a.w", "b.w", "v1", "L", "3"])
    leaf = st.builds(Value, st.floats(-2, 2), names, requires_grad=st.booleans())
    nodes = draw(st.lists(leaf, min_size=1, max_size=4))
    kinds = [
        lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: -a, lambda a, b: tanh(a),
        lambda a, b: engine.maximum(a, b), lambda a, b: engine.dot([a, b], [b, 2.0], a), lambda a, b: a**2,
        lambda a, b: engine.softmax([a, b])[0], lambda a, b: a / (1 + b * b), lambda a, b: engine.sum([a, b, a]),
        lambda a, b: engine.take([a, b], 1), lambda a, b: engine.where(engine.greater(a, b), a, 3.0),
    ]  # fmt: skip
    for _ in range(draw(st.integers(0, 15))):
        kind, a, b = draw(st.sampled_from(kinds)), draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        nodes.append(kind(a, b))
        nodes[-1].name = draw(names)
    return nodes[-1]


def same(a: float, b: float) -> bool:
    return a.hex() == b.hex() or (math.isnan(a) and math.isnan(b))


def assert_gradients_are_those_of_backward(loss: Value) -> None:
    story = Story(loss)
    told = story.gradients()
    loss.backward()
    for i, node in enumerate(story.nodes):
        if i in told:
            assert same(told[i], node.grad) or not node.requires_grad
        else:
            assert not node.requires_grad or node.grad == 0.0


# --------------------------------------------------------------------------------- the events


@settings(deadline=None)
@given(losses())
def test_folding_the_events_gives_backward_bit_for_bit(loss):
    assert_gradients_are_those_of_backward(loss)


@pytest.mark.parametrize("name", TABLE)
def test_so_it_does_for_every_operation(name):
    for xs in moderate(name, 5):
        z, _ = on_values(name, xs)
        assert_gradients_are_those_of_backward(z * z)


@settings(deadline=None)
@given(losses())
def test_events_come_in_order(loss):
    """All nodes are computed, operands first; the loss gets its 1; a gradient is passed on when it is complete."""
    story = Story(loss)
    kinds = [event.kind for event in story.events]
    assert kinds == sorted(kinds, key=["forward", "seed", "backward"].index)
    assert kinds.count("seed") == 1
    assert kinds[story.first_backward] == "seed"

    known = {i for i, node in enumerate(story.nodes) if not node.op}
    complete = {story.first_backward: len(story.nodes) - 1}
    for number, event in enumerate(story.events):
        node = story.nodes[event.node]
        if event.kind == "forward":
            assert {story.index[parent] for parent in node.parents} <= known
            known.add(event.node)
        elif event.step:
            assert event.step.node is node
            assert story.last_into[event.node] < number
            complete[number] = story.index[event.step.parent]
    assert known == set(range(len(story.nodes)))
    assert story.last_into == {node: number for number, node in complete.items()}


@settings(deadline=None)
@given(losses())
def test_the_gradients_so_far_grow_with_the_events(loss):
    story = Story(loss)
    assert story.gradients(0) == story.gradients(story.first_backward) == {}
    assert story.gradients(story.first_backward + 1) == {len(story.nodes) - 1: 1.0}
    for told, event in enumerate(story.events, 1):
        if event.step:
            assert same(story.gradients(told)[story.index[event.step.parent]], event.step.total)
    assert repr(story.gradients(len(story.events))) == repr(story.gradients())


def test_a_story_changes_nothing():
    loss = neuron()
    Story(loss)
    assert not any(node.has_grad for node in topological_sort(loss))
    loss.backward()
    before = [node.grad for node in topological_sort(loss)]
    Story(loss)
    assert [node.grad for node in topological_sort(loss)] == before


def test_a_leaf_alone_is_a_short_story():
    story = Story(Value(3.0, "x"))
    assert [story.line(event) for event in story.events] == ["∂x/∂x = 1"]
    assert story.differences[0].verdict(1.0) == "agrees"


def test_where_no_leaf_takes_a_gradient_there_is_no_second_opinion():
    story = Story(Value(3.0, requires_grad=False) * 2)
    assert story.differences == {}
    assert story.gradients() == {2: 1.0}


def test_each_leaf_has_a_second_opinion():
    x, frozen = Value(2.0, "x"), Value(5.0, "frozen", requires_grad=False)
    story = Story(x * frozen + engine.take([x, 1.0], Value(0.0, "index")))
    gradients = story.gradients()
    verdicts = {story.labels[i]: opinion.verdict(gradients[i]) for i, opinion in story.differences.items()}
    assert verdicts == {"x": "agrees", "index": "unsure"}


# --------------------------------------------------------------------------------- the labels


@settings(deadline=None)
@given(losses())
def test_labels_are_unique_but_for_equal_constants(loss):
    story = Story(loss)
    assert len(story.labels) == len(story.nodes)
    assert all(story.label(node) == label for node, label in zip(story.nodes, story.labels, strict=True))
    named = [
        label for node, label in zip(story.nodes, story.labels, strict=True) if node.op or node.requires_grad
    ]  # fmt: skip
    assert len(set(named)) == len(named)


def test_labels_are_names_or_count_in_the_order_of_computation():
    assert Story(neuron()).labels == ["w", "x", "v1", "b", "v2", "L"]
    x = Value(2.0, "L")
    assert Story(x * 3).labels == ["L", "3", "v1"]
    assert Story(Value(1.0, "v1") * Value(2.0)).labels == ["v1", "v2", "L"]


def test_a_path_is_as_short_as_can_be():
    model = MLP(2, [2, 1], seed=1)
    story = Story(model([0.5, -1.0]))
    label = story.label
    assert label(model.layers[0].neurons[1].w[0]) == "neurons[1].w[0]"
    assert label(model.layers[0].neurons[0].w[0]) == "layers[0].neurons[0].w[0]"
    assert label(model.layers[1].neurons[0].w[0]) == "layers[1].neurons[0].w[0]"
    w = Value(1.0, "layers[0].neurons[3].w[1]")
    assert Story(w * 2).labels[0] == "w[1]"


def test_a_sentence_with_dots_is_no_path():
    assert Story(Value(1.0, "mean of a.b. and c") * 2).labels[0] == "mean of a.b. and c"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hostile_names_are_visible_text(name):
    story = Story(Value(0.5, name) * 2)
    lines = [story.line(event) + story.code(event) for event in story.events]
    assert all(visible(line) == line for line in [*lines, *story.labels])
    assert visible(name).endswith(story.labels[0])


def test_names_that_look_alike_when_visible_are_still_told_apart_by_their_index():
    x, y = Value(1.0, "\0"), Value(2.0, "␀")
    story = Story(x * y)
    assert (story.index[x], story.index[y]) == (0, 1)


# --------------------------------------------------------------------------------- the text


def test_lines_in_symbols_and_numbers():
    story = Story(neuron())
    assert [story.line(event) for event in story.events] == [
        "v1 = w * x = (−0.5) * 2 = −1",
        "v2 = v1 + b = (−1) + 0.25 = −0.75",
        "L = tanh(v2) = tanh(−0.75) = −0.6351",
        "∂L/∂L = 1",
        "∂L/∂v2 += ∂L/∂L · ∂L/∂v2 = 1 × 0.5966 = 0.5966",
        "∂L/∂v1 += ∂L/∂v2 · ∂v2/∂v1 = 0.5966 × 1 = 0.5966",
        "∂L/∂b += ∂L/∂v2 · ∂v2/∂b = 0.5966 × 1 = 0.5966",
        "∂L/∂w += ∂L/∂v1 · ∂v1/∂w = 0.5966 × 2 = 1.193",
        "∂L/∂x += ∂L/∂v1 · ∂v1/∂x = 0.5966 × (−0.5) = −0.2983",
    ]


def test_a_sum_is_shown_where_something_was_there_already():
    x = Value(-2.0, "x")
    story = Story(x * x)
    assert story.line(story.events[-1]).endswith(" = 1 × (−2) = −2; −2 + (−2) = −4")


@settings(deadline=None)
@given(losses())
def test_the_code_of_a_story_computes_its_gradients(loss):
    """Run as Python, the lines of the backward pass give the gradients to the last bit."""

    class Grad:
        grad = 0.0

    story = Story(loss)
    boxes = {label: Grad() for label in story.labels}
    for event in story.events[story.first_backward :]:
        line, names = story.code(event), {}
        for k, label in enumerate(sorted(boxes, key=len, reverse=True)):
            line, names[f"_{k}_"] = line.replace(f"{label}.grad", f"_{k}_.grad"), boxes[label]
        exec(line, names | {"inf": math.inf, "nan": math.nan})
    for i, gradient in story.gradients().items():
        assert same(boxes[story.labels[i]].grad, gradient)


def test_the_forward_code_is_the_formula():
    story = Story(neuron())
    assert [story.code(event) for event in story.events[:4]] == [
        "v1 = w * x", "v2 = v1 + b", "L = tanh(v2)", "L.grad = 1.0",
    ]  # fmt: skip


# --------------------------------------------------------------------------------- what has no story


@pytest.mark.parametrize("bad", [[Value(1.0)], 3.0, None, "loss"])
def test_only_a_value_has_a_story(bad):
    with pytest.raises(TypeError, match="one Value"):
        Story(bad)


def test_a_graph_of_more_than_2000_nodes_is_refused_with_what_to_do():
    a = x = Value(1.0, "x")
    for _ in range(LONGEST - 1):
        a = a + x
    assert len(Story(a).nodes) == LONGEST
    with pytest.raises(ValueError, match=r"2,001 nodes.*single example.*draw\(\)"):
        Story(a + x)


def test_data_changed_since_it_was_used_is_an_error():
    x = Value(2.0, "x")
    loss = x * x
    x.data = 3.0
    with pytest.raises(RuntimeError, match="compute the graph again"):
        Story(loss)
