"""Module: parameters found and named, modes, saving and loading all or nothing."""

import copy
import pickle

import numpy as np
import pytest

import nn
from engine import Value
from nn import (
    MLP,
    Conv1d,
    Embedding,
    Flatten,
    Identity,
    Layer,
    LayerNorm,
    Linear,
    Module,
    Neuron,
    PReLU,
    ReLU,
    Sequential,
    Softmax,
)


class Two(Module):
    """Parameters in every place an attribute can hold them."""

    def __init__(self):
        self.scale = Value(2.0)
        self.table = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
        self.parts = {"a": Neuron(1, seed=0), "b": [Layer(2, 2, seed=1)]}
        self.size = 3
        self.named = Value(1.0, "mine")


def test_parameters_are_found_named_and_ordered():
    two = Two()
    names = [name for name, _ in two.named_parameters()]
    assert names == [
        "scale", "table[0][0]", "table[0][1]", "table[1][0]", "table[1][1]",
        "parts['a'].w[0]", "parts['a'].b",
        "parts['b'][0].neurons[0].w[0]", "parts['b'][0].neurons[0].w[1]", "parts['b'][0].neurons[0].b",
        "parts['b'][0].neurons[1].w[0]", "parts['b'][0].neurons[1].w[1]", "parts['b'][0].neurons[1].b",
        "named",
    ]  # fmt: skip
    assert [p.name for p in two.parameters()] == [*names[:-1], "mine"]


def test_a_part_takes_its_name_from_the_whole():
    class Whole(Module):
        def __init__(self, net):
            self.net = net

    net = MLP(1, [1], seed=0)
    net.layers[0].neurons[0].b.name = "bias of the user"
    assert net.parameters()[0].name == "layers[0].neurons[0].w[0]"
    Whole(net)
    assert net.parameters()[0].name == "net.layers[0].neurons[0].w[0]"
    assert net.parameters()[1].name == "bias of the user"
    assert net([1.0]).name == "net.layers[0].neurons[0].z"


def test_a_shared_parameter_counts_once():
    class Tied(Module):
        def __init__(self):
            self.a = Value(1.0)
            self.b = [self.a, Value(2.0)]

    assert len(Tied().parameters()) == 2


def test_modes_reach_all_parts():
    two = Two()
    assert two.eval() is two
    assert [module.training for _, module in two.named_modules()] == [False] * 5
    assert all(module.training for _, module in two.train().named_modules())


def test_a_shared_module_is_told_once():
    shared = Neuron(1)
    names = [name for name, _ in Sequential(shared, Sequential(shared)).named_modules()]
    assert names == ["", "layers[0]", "layers[1]"]


def test_zero_grad_and_freezing():
    model = MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()
    assert all(p.has_grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())
    model.layers[0].requires_grad_(False)
    model([1.0, 2.0]).backward()
    assert [p.has_grad for p in model.parameters()] == [False] * 6 + [True] * 3


def test_state_travels_under_pytorchs_names_and_shapes():
    model, other = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    state = model.state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        "layers.0.weight": (3, 2), "layers.0.bias": (3,), "layers.1.weight": (1, 3), "layers.1.bias": (1,),
    }  # fmt: skip
    assert state["layers.0.weight"][2, 1] == model.layers[0].neurons[2].w[1].data
    other.load_state_dict(state)
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]
    assert set(Two().state_dict()) == {
        "scale", "table", "named", "parts.a.w", "parts.a.b", "parts.b.0.weight", "parts.b.0.bias",
    }  # fmt: skip


def test_gradients_have_the_form_of_the_state():
    model = MLP(2, [3, 1], seed=0)
    model([1.0, 2.0]).backward()
    gradients = model.grad_dict()
    assert gradients["layers.1.bias"].tolist() == [1.0]
    assert gradients["layers.0.weight"][1, 0] == model.layers[0].neurons[1].w[0].grad


class Loose(Module):
    """Parameters in a dict, and in lists beside other things."""

    def __init__(self):
        self.scales = {"a": Value(1.0), "b": [Value(2.0), Value(3.0)]}
        self.mixed = [Value(4.0), Neuron(1), None]


class Headed(Sequential):
    def __init__(self):
        super().__init__(Neuron(1))
        self.head, self.scale = Neuron(1), Value(1.0)


class Gated(Layer):
    def __init__(self):
        super().__init__(1, 2)
        self.gate, self.scale = Neuron(1), Value(1.0)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (Two, {"scale", "table", "named", "parts.a.w", "parts.a.b", "parts.b.0.weight", "parts.b.0.bias"}),
        (Loose, {"scales.a", "scales.b", "mixed.0", "mixed.1.w", "mixed.1.b"}),
        (Headed, {"0.w", "0.b", "head.w", "head.b", "scale"}),
        (Gated, {"weight", "bias", "gate.w", "gate.b", "scale"}),
        (lambda: Neuron(1, PReLU()), {"w", "b", "function.weight"}),
        (lambda: Layer(1, 2, PReLU()), {"weight", "bias", "activation.weight"}),
    ],
)
def test_what_is_trained_is_saved(build, names):
    model, other = build(), build()
    for i, parameter in enumerate(model.parameters()):
        parameter.data = float(i)
    assert set(model.state_dict()) == set(model.grad_dict()) == names
    other.load_state_dict(model.state_dict())
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]


def test_two_tensors_of_one_name_are_refused():
    model = Sequential({"a.b": Neuron(1), "a": Sequential({"b": Neuron(1)})})
    for use in (model.state_dict, model.grad_dict, lambda: model.load_state_dict({})):
        with pytest.raises(ValueError, match=r"two tensors of the name 'a\.b\.w'"):
            use()


def test_rows_of_different_lengths_have_no_array():
    class Ragged(Module):
        def __init__(self):
            self.rows = [[Value(1.0)], [Value(1.0), Value(2.0)]]

    with pytest.raises(ValueError, match="rows of different lengths"):
        Ragged().state_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("layers.0.bias"), "missing 'layers.0.bias'"),
        (lambda s: s.update(extra=np.zeros(1)), "unexpected 'extra'"),
        (lambda s: s.update({"layers.1.weight": np.zeros((3, 1))}), r"shape \(3, 1\), and the model's is \(1, 3\)"),
        (lambda s: s.update({"layers.1.bias": ["a"]}), "not an array of real numbers"),
        (lambda s: s.update({"layers.1.bias": [1j]}), "not an array of real numbers"),
        (lambda s: s.update({"layers.1.weight": [[1.0], [1.0, 2.0]]}), "not an array of real numbers"),
    ],
)
def test_loading_is_all_or_nothing(change, message):
    model = MLP(2, [3, 1], seed=0)
    before = [p.data for p in model.parameters()]
    state = MLP(2, [3, 1], seed=1).state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_a_model_of_its_own(duplicate):
    model = MLP(2, [3, 1], seed=0)
    other = duplicate(model)
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]
    assert [p.name for p in other.parameters()] == [p.name for p in model.parameters()]
    assert other([1.0, 2.0]).data == model([1.0, 2.0]).data
    other.parameters()[0].data = 9.0
    assert model.parameters()[0].data != 9.0


@pytest.mark.parametrize("bad", [None, [], "ab", np.zeros(2)])
def test_a_state_is_a_dict(bad):
    with pytest.raises(TypeError, match="a state is a dict of arrays"):
        Neuron(1).load_state_dict(bad)


def test_a_mask_loads_what_is_true_or_false():
    class Masked(Module):
        def __init__(self):
            self.mask = np.array([True, False])

    part = Masked()
    part.load_state_dict({"mask": [0.0, 1.0]})
    assert part.mask.tolist() == [False, True]
    with pytest.raises(ValueError, match="'mask' counts"):
        part.load_state_dict({"mask": [0.5, 1.0]})


class Counting(Module):
    """Buffers: numbers that are saved and not trained."""

    def __init__(self):
        self.weight = [Value(1.0)]
        self.mean = np.array([0.5, 1.5])
        self.calls = np.array(3)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("weight", np.array),
        ("weight", lambda _: np.ones((2, 3))),
        ("weight", lambda _: [[0.5] * 3] * 2),
        ("weight", lambda w: [w[0], [0.5, *w[1][1:]]]),
        ("bias", lambda b: b * 0),  # of a list: nothing is left
        ("bias", lambda _: 0.0),
    ],
)
def test_numbers_do_not_take_the_place_of_parameters(name, change):
    layer = Linear(3, 2, seed=0)
    before = getattr(layer, name)
    with pytest.raises(TypeError, match=f"^{name} (holds parameters, and plain numbers|is an array of Values)"):
        setattr(layer, name, change(before))
    assert getattr(layer, name) is before


def test_values_and_none_take_the_place_of_parameters():
    layer, x = Linear(3, 2, seed=0), [1.0, 2.0, 3.0]
    before = [v.data for v in layer(x)]
    layer.weight = [[2.0 * w for w in row] for row in layer.weight]  # computed, as in learning to learn
    assert [2 * v - b.data for v, b in zip(before, layer.bias, strict=True)] == pytest.approx(
        [v.data for v in layer(x)]
    )
    layer.bias = None
    assert list(layer.state_dict()) == []


def test_arrays_are_buffers():
    part = Counting()
    assert len(part.parameters()) == 1
    state = part.state_dict()
    assert list(state) == ["weight", "mean", "calls"]
    assert (state["calls"].dtype, state["calls"].shape) == (np.int64, ())
    state["mean"][0] = 9.0
    assert part.mean[0] == 0.5, "the state is a copy"
    part.load_state_dict(state | {"calls": np.float32(7)})
    assert (part.mean[0], part.calls, part.calls.dtype) == (9.0, 7, np.int64)
    assert list(part.grad_dict()) == ["weight"]
    with pytest.raises(ValueError, match="'calls' counts, and has numbers that are not whole"):
        part.load_state_dict(state | {"calls": 0.5})
    with pytest.raises(ValueError, match="missing 'mean'"):
        part.load_state_dict({"weight": [1.0], "calls": 1})


def test_an_array_of_values_is_no_buffer_and_no_parameter():
    part = Counting()
    with pytest.raises(TypeError, match=r"weight is an array of Values; .* give array\.tolist\(\)"):
        part.weight = np.array([[Value(1.0), Value(2.0)]])
    assert len(part.parameters()) == 1
    part.seen = np.array([2 * part.weight[0]])  # computed, and kept to be looked at
    assert list(part.state_dict()) == ["weight", "mean", "calls"]


def test_a_module_prints_as_what_it_holds():
    class Net(Module):
        def __init__(self):
            self.first = Neuron(1)
            self.rest = [Neuron(2)]

        def extra_repr(self):
            return "for a test"

    assert repr(Net()).splitlines() == [
        "Net(",
        "  for a test",
        "  (first): Neuron(1, activation='relu')",
        "  (rest.0): Neuron(2, activation='relu')",
        ")",
    ]
    assert repr(Counting()) == "Counting()"


def test_nodes_take_names_from_their_place():
    class Net(Module):
        def __init__(self):
            self.part = Counting()

    part = Net().part
    x, mine = Value(1.0), Value(1.0) * 2
    mine.name = "mine"
    part.name_nodes([[x + 1, x], mine], "out")
    out = part.name_nodes([[x + 1, x], [mine]], "out")
    assert [v.name for v in (*out[0], *out[1])] == ["part.out[0][0]", None, "mine"]


def test_forward_is_what_it_computes_as_in_pytorch():
    class Twice(Module):
        def forward(self, x, times=2):
            return times * x

    assert Twice()(3.0) == 6.0
    assert Twice()(3.0, times=5) == 15.0


X = [Value(0.5), Value(-1.0)]


@pytest.mark.parametrize(
    ("layer", "args", "x"),
    [
        (Sequential, (Linear(2, 2, seed=0),), X),
        (Linear, (2, 2), X),
        (Layer, (2, 2), X),
        (MLP, (2, [2, 2]), X),
        (ReLU, (), X),
        (PReLU, (), X),
        (Softmax, (), X),
        (Flatten, (0,), [X]),
        (Identity, (), X),
        (Embedding, (3, 2), 1),
        (Conv1d, (1, 1, 1), [X]),
        (LayerNorm, (2,), X),
    ],
)
def test_a_subclass_may_say_it_anew_in_forward(layer, args, x):
    class Last(layer):
        def forward(self, x):
            return super().forward(x)[-1]

    model = Last(*args)
    assert str(model(x)) == str(layer.forward(model, x)[-1])


def test_a_module_without_a_call_says_so():
    with pytest.raises(NotImplementedError, match="__call__"):
        Two()(1.0)
    assert repr(Two()).splitlines()[:2] == ["Two(", "  (parts.a): Neuron(1, activation='relu')"]


def test_parts_are_gone_through_as_in_pytorch():
    torch = pytest.importorskip("torch")

    def build(lib):
        return lib.Sequential(lib.Linear(1, 1), lib.Sequential(lib.Tanh(), lib.Linear(1, 1)))

    def seen(model):
        names = []
        model.apply(lambda m: names.append(type(m).__name__))
        return names, *([type(m).__name__ for m in some] for some in (model.modules(), model.children()))

    ours, theirs = seen(build(nn)), seen(build(torch.nn))
    assert (sorted(ours[0]), *ours[1:]) == (sorted(theirs[0]), *theirs[1:])
    assert ours[0][-1] == theirs[0][-1] == "Sequential", "the whole comes last"


def test_a_part_of_a_state_is_loaded_if_one_says_so():
    model, other = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    part = {"layers.0.bias": [1.0, 2.0, 3.0], "head.bias": [0.0]}
    with pytest.raises(ValueError, match=r"missing 'layers\.0\.weight'.*unexpected 'head\.bias'"):
        model.load_state_dict(part)
    unmatched = model.load_state_dict(part, strict=False)
    assert unmatched.unexpected_keys == ["head.bias"]
    assert "layers.1.bias" in unmatched.missing_keys
    assert model.state_dict()["layers.0.bias"].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="shape"):
        other.load_state_dict({"layers.0.bias": [1.0]}, strict=False)


def test_gradients_may_become_0():
    model = MLP(1, [1], seed=0)
    model([2.0]).backward()
    model.zero_grad(set_to_none=False)
    assert [(p.grad, p.has_grad) for p in model.parameters()] == [(0.0, True)] * 2
    model.zero_grad()
    model.zero_grad(set_to_none=False)
    assert not any(p.has_grad for p in model.parameters())
