"""RNN, LSTM, GRU over sequences: steps, directions, layers and batches are what they say; dropout; the graph."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from engine import Value, dot, no_grad, topological_sort
from engine.draws import recorded_draws
from engine.nested import flat
from engine.nested import shape as shape_of

from .case import data, weights
from .states import KINDS, flat_states, numbers, same

every_kind = pytest.mark.parametrize("kind", KINDS)
few = settings(max_examples=20)
sizes = st.integers(1, 3)


# ------------------------------------------------------------------------------ laws


def cell_of(layer, row="l0"):
    """The cell with the numbers of one row of a layer."""
    cell = KINDS[type(layer).__name__](layer.input_size, layer.hidden_size, layer.bias)
    state = layer.state_dict()
    cell.load_state_dict({name: state[f"{name}_{row}"] for name in cell.state_dict()})
    return cell


@every_kind
@few
@given(length=st.integers(1, 5), inputs=sizes, hidden=sizes, bias=st.booleans(), start=st.booleans())
def test_a_sequence_is_its_cell_step_by_step(kind, length, inputs, hidden, bias, start):
    layer = getattr(nn, kind)(inputs, hidden, bias=bias, seed=0)
    cell, x = cell_of(layer), numbers(length, inputs)
    states = [numbers(1, hidden, seed=k) for k in range(1 + (kind == "LSTM"))]
    hx = None if not start else states[0] if len(states) == 1 else tuple(states)
    output, last = layer(x, hx)
    state = None if not start else states[0][0] if len(states) == 1 else tuple(s[0] for s in states)
    for t in range(length):
        state = cell(x[t], state)
        same(output[t], flat_states(state)[0])
    for ours, theirs in zip(flat_states(last), flat_states(state), strict=True):
        same(ours, [theirs])


@every_kind
@few
@given(length=st.integers(2, 5), inputs=sizes, hidden=sizes, cut=st.integers(1, 4))
def test_the_state_is_all_that_a_sequence_remembers(kind, length, inputs, hidden, cut):
    layer, x = getattr(nn, kind)(inputs, hidden, 2, seed=0), numbers(length, inputs)
    cut = min(cut, length - 1)
    whole, end = layer(x)
    first, state = layer(x[:cut])
    second, same_end = layer(x[cut:], state)
    same(first + second, whole)
    same(same_end, end)


@every_kind
@few
@given(length=st.integers(1, 4), inputs=sizes, hidden=sizes)
def test_the_second_direction_reads_the_sequence_backwards(kind, length, inputs, hidden):
    both = getattr(nn, kind)(inputs, hidden, bidirectional=True, seed=0)
    state, x = both.state_dict(), numbers(length, inputs)
    output, last = both(x)
    for row, (suffix, order) in enumerate([("", 1), ("_reverse", -1)]):
        alone = getattr(nn, kind)(inputs, hidden)
        alone.load_state_dict({name: state[name + suffix] for name in alone.state_dict()})
        expected, end = alone(x[::order])
        same([step[row * hidden : (row + 1) * hidden] for step in output], expected[::order])
        for ours, theirs in zip(flat_states(last), flat_states(end), strict=True):
            same([ours[row]], theirs)


@every_kind
def test_layers_stand_on_one_another(kind):
    deep, x = getattr(nn, kind)(2, 3, num_layers=3, seed=0), numbers(4, 2)
    state, track = deep.state_dict(), x
    for k in range(3):
        layer = getattr(nn, kind)(2 if k == 0 else 3, 3)
        layer.load_state_dict({name: state[name.replace("l0", f"l{k}")] for name in layer.state_dict()})
        track, _ = layer(track)
    same(deep(x)[0], track)


@every_kind
@few
@given(n=st.integers(1, 3), length=st.integers(1, 3), inputs=sizes, layers=st.integers(1, 2), both=st.booleans())
def test_a_batch_is_its_examples_and_batch_first_only_turns_it(kind, n, length, inputs, layers, both):
    options = {"num_layers": layers, "bidirectional": both, "seed": 0}
    first = getattr(nn, kind)(inputs, 2, batch_first=True, **options)
    second = getattr(nn, kind)(inputs, 2, **options)
    x, rows, ways = numbers(n, length, inputs), layers * (1 + both), 1 + both
    states = tuple(numbers(rows, n, 2, seed=k) for k in range(1 + (kind == "LSTM")))

    def given_as(parts):
        return parts if len(parts) > 1 else parts[0]

    output, last = first(x, given_as(states))
    assert shape_of(output) == (n, length, ways * 2)
    assert all(shape_of(state) == (rows, n, 2) for state in flat_states(last))
    turned, same_last = second(x.swapaxes(0, 1), given_as(states))
    same(turned, data(output).swapaxes(0, 1))
    same(same_last, last)
    for i in range(n):
        alone, end = first(x[i], given_as(tuple(s[:, i] for s in states)))
        same(output[i], alone)
        for ours, theirs in zip(flat_states(last), flat_states(end), strict=True):
            same(data(ours)[:, i], theirs)


@every_kind
def test_a_state_that_is_not_given_is_0(kind):
    layer, x = getattr(nn, kind)(2, 3, seed=0), numbers(2, 2)
    zero = np.zeros((1, 3))
    same(layer(x)[0], layer(x, (zero, zero) if kind == "LSTM" else zero)[0])


# ------------------------------------------------------------------------------ PyTorch's numbers


@every_kind
@pytest.mark.parametrize("scale", [0.4, 1.5])  # slopes that fade, and slopes that grow
def test_gradients_through_30_steps_are_pytorchs(kind, scale):
    torch = pytest.importorskip("torch")
    layer = getattr(nn, kind)(2, 4, seed=0)
    state = {name: scale * numbers(*array.shape, seed=7) for name, array in layer.state_dict().items()}
    layer.load_state_dict(state)
    theirs = getattr(torch.nn, kind)(2, 4).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    x = [[Value(v) for v in step] for step in numbers(30, 2).tolist()]
    given = torch.tensor(numbers(30, 2), requires_grad=True)
    ours, expected = layer(x)[0], theirs(given)[0]
    dot(weights(4), ours[-1]).backward()  # the last step alone: every slope comes the whole way
    (expected[-1] * torch.tensor(weights(4), dtype=torch.float64)).sum().backward()
    pairs = [(data(ours), expected.detach()), (np.reshape([v.grad for v in flat(x)], (30, 2)), given.grad)]
    pairs += [(layer.grad_dict()[name], p.grad) for name, p in theirs.named_parameters()]
    for a, b in pairs:
        np.testing.assert_allclose(a, b.numpy(), rtol=0, atol=1e-12 * float(b.abs().max()))


@every_kind
def test_dropping_all_between_layers_is_pytorchs(kind):
    torch = pytest.importorskip("torch")
    layer = getattr(nn, kind)(2, 3, 2, dropout=1.0, seed=0)
    theirs = getattr(torch.nn, kind)(2, 3, 2, dropout=1.0).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    x = numbers(4, 2)
    np.testing.assert_allclose(data(layer(x)[0]), theirs(torch.tensor(x))[0].detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------------------------ dropout


@every_kind
def test_dropout_acts_between_layers_in_training_alone(kind):
    def layer(dropout):
        return getattr(nn, kind)(2, 4, 3, dropout=dropout, bidirectional=True, batch_first=True, seed=0)

    some, none, x = layer(0.25), layer(0.0), numbers(3, 5, 2)
    with recorded_draws() as draws:
        output, _ = some(x)
    assert len(draws) == 3 * 5 * 8 * 2  # each example, step and entry, twice between three layers
    assert {leaf.data for leaf, _ in draws} == {0.0, 1 / 0.75}
    assert np.mean([leaf.data == 0 for leaf, _ in draws]) == pytest.approx(0.25, abs=0.1)
    assert not np.array_equal(data(output), data(none(x)[0]))
    same(layer(0.25)(x)[0], output)  # the same seed
    with recorded_draws() as draws:
        same(some.eval()(x)[0], none(x)[0])
    assert not draws


@every_kind
def test_dropout_with_one_layer_is_told_at_the_callers_line(kind):
    with pytest.warns(UserWarning, match="between layers") as told:
        getattr(nn, kind)(2, 3, dropout=0.5)
    assert told[0].filename == __file__


@every_kind
def test_dropout_can_be_changed(kind):
    layer, x = getattr(nn, kind)(2, 3, 2, dropout=0.5, seed=0), numbers(2, 2)
    layer.dropout = 0.0
    assert "dropout" not in repr(layer)
    same(layer(x)[0], layer(x)[0])
    with pytest.raises(ValueError, match="dropout is a probability, from 0 to 1, not 2"):
        layer.dropout = 2


@every_kind
def test_the_parts_of_a_subclass_are_saved_with_it(kind):
    class Tagger(getattr(nn, kind)):
        def __init__(self):
            super().__init__(2, 3, 2, dropout=0.5, seed=0)
            self.out = nn.Linear(3, 1, seed=0)

    tagger = Tagger()
    assert [name for name, _ in tagger.named_children()] == ["out"]
    assert tagger.state_dict().keys() - getattr(nn, kind)(2, 3, 2).state_dict().keys() == {"out.weight", "out.bias"}


@every_kind
def test_a_subclass_may_say_forward_anew(kind):
    class Outputs(getattr(nn, kind)):
        def forward(self, x):
            return super().forward(x)[0]

    x = numbers(4, 2)
    same(Outputs(2, 3, seed=0)(x), getattr(nn, kind)(2, 3, seed=0)(x)[0])


# ------------------------------------------------------------------------------ the graph


@every_kind
def test_a_gate_is_one_dot_product_a_unit(kind):
    hidden, steps = 3, 4
    layer = getattr(nn, kind)(2, hidden, seed=0)
    nodes = topological_sort(dot(weights(hidden), layer(numbers(steps, 2))[0][-1]))
    dots = [node for node in nodes if node.op and node.op.name == "dot" and node.name]
    products = {"RNN": 1, "LSTM": 4, "GRU": 4}[kind]  # of a GRU n has two, as r stands between them
    assert len(dots) == products * hidden * steps
    added = [node for node in nodes if (node.name or "").startswith("l0.b")]
    assert len(added) == {"RNN": 1, "LSTM": 4, "GRU": 2}[kind] * hidden  # for all steps together


@every_kind
def test_the_nodes_of_a_step_have_its_name(kind):
    class Whole(nn.Module):
        def __init__(self):
            self.memory = getattr(nn, kind)(1, 1, bidirectional=True, seed=0)

    whole = Whole()
    output, _ = whole.memory([[1.0], [2.0]])
    named = {node.name for v in output[1] for node in topological_sort(v) if node.name and node.op}
    gates = {"RNN": ["a", "h"], "LSTM": ["i", "f", "g", "o", "c", "h"], "GRU": ["r", "z", "n", "h"]}[kind]
    for gate in gates:
        assert f"memory.l0.steps[0].{gate}[0]" in named
        assert f"memory.l0_reverse.steps[1].{gate}[0]" in named


# ------------------------------------------------------------------------------ far out, and long


@every_kind
@pytest.mark.parametrize("size", [1e3, 1e300])
def test_large_inputs_give_finite_states_and_slopes(kind, size):
    layer = getattr(nn, kind)(1, 2, seed=0)
    x = [[Value(size)], [Value(-size)]]
    output, _ = layer(x)
    assert np.all(np.abs(data(output)) <= 1.0)
    dot(weights(4), flat(output)).backward()
    assert np.all(np.isfinite([v.grad for v in [*flat(x), *layer.parameters()]]))


@every_kind
def test_a_long_sequence_needs_no_deep_stack(kind):
    layer = getattr(nn, kind)(1, 1, seed=0)
    x = [[Value(1.0)] for _ in range(2000)]
    layer(x)[0][-1][0].backward()
    assert x[-1][0].grad != 0.0


# ------------------------------------------------------------------------------ as a part of a model


def test_an_lstm_is_a_part_of_a_sequential_model():
    class Last(nn.Module):
        def __call__(self, given):
            output, _ = given
            return output[-1] if len(shape_of(output)) == 2 else [example[-1] for example in output]

    model = nn.Sequential(nn.LSTM(2, 3, batch_first=True, seed=0), Last(), nn.Linear(3, 1, seed=1))
    x = numbers(4, 5, 2)
    together = model(x)
    assert shape_of(together) == (4, 1)
    for i in range(4):
        same(model(x[i]), together[i])


@every_kind
def test_training_reaches_every_number(kind):
    """The parity of three signs: the loss falls, which no frozen weight or state would let it do."""
    layer, head = getattr(nn, kind)(1, 4, batch_first=True, seed=1), nn.Linear(4, 1, seed=2)
    rng = random.Random(0)
    x = [[[rng.choice([-1.0, 1.0])] for _ in range(2)] for _ in range(6)]
    y = [math.prod(step[0] for step in example) for example in x]
    optimizer = nn.SGD([*layer.parameters(), *head.parameters()], lr=0.2)

    def loss():
        outs = [head(example[-1])[0] for example in layer(x)[0]]
        return sum((out - t) * (out - t) for out, t in zip(outs, y, strict=True)) / len(y)

    with no_grad():
        before = loss().data
    for _ in range(40):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().data < 0.5 * before
