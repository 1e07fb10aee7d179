"""Groups of parameters: which tensor a parameter is an entry of, so what a step moves; and what groups are given."""

import copy

import numpy as np
import pytest

import nn
from engine import Value
from engine.nested import flat
from nn.param_groups import _tensors, moving

from .test_layers import CASES


class Net(nn.Module):
    """Tensors of every form, with names that differ in little."""

    def __init__(self):
        self.blocks = [nn.Linear(2, 2, seed=0), nn.Linear(2, 2, seed=1)]
        self.heads = {"a": nn.MLP(2, [2, 2], seed=2), 0: nn.Linear(2, 2, seed=3)}
        self.neurons = [nn.Linear(2, 1, seed=4), nn.Linear(2, 1, seed=5)]
        self.one = nn.Neuron(2, seed=6)
        self.scale, self.row, self.rows = Value(1.0), [Value(1.0), Value(2.0)], [[Value(1.0)], [Value(2.0)]]


MODELS = {
    **{case.layer: case for case in CASES},
    "MLP": lambda: nn.MLP(2, [3, 1, 2], seed=0),
    "BayesLinear": lambda: nn.BayesLinear(2, 3, seed=0),
    "Net": Net,
}


def built(model):
    return model() if callable(model) else model.build()


def partition(tensors):
    """Which entries stand together."""
    rows = {}
    for i, tensor in enumerate(tensors):
        rows.setdefault(tensor, []).append(i)
    return sorted(rows.values())


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("copies", [1, 2])
def test_tensors_are_those_that_are_saved(model, copies):
    """Also where an optimizer has two models, whose parameters bear the same names."""
    models = [built(model)]
    models += [copy.deepcopy(models[0]) for _ in range(copies - 1)]
    saved = {v: (i, name) for i, m in enumerate(models) for name, tensor in m.named_tensors() for v in flat(tensor)}
    params = [v for m in models for v in m.parameters()]
    assert partition(_tensors(params)) == partition([saved[v] for v in params])
    assert models[0].parameters() == [v for _, v in models[0].named_parameters()]


def test_a_parameter_without_an_index_is_alone():
    for names in ((None, None), ("w", "w"), ("a", "b"), ("", "")):
        values = [Value(1.0, name) for name in names]
        values[0].grad = 1.0
        assert moving(values) == [0]


def test_a_frozen_entry_stays_where_its_tensor_moves():
    values = [Value(1.0, f"w[{i}]") for i in range(3)]
    values[1].requires_grad = False
    values[2].grad = 1.0
    assert moving(values) == [0, 2]


def test_the_names_are_read_again_where_they_have_changed(monkeypatch):
    read = []
    monkeypatch.setattr("nn.param_groups._tensors", lambda params: read.append(1) or _tensors(params))
    w = [Value(0.0, "w[0]"), Value(0.0, "w[1]"), Value(0.0, "v[0]")]
    optimizer = nn.SGD(w, lr=1.0, momentum=0.5)
    w[0].grad = w[1].grad = -1.0
    optimizer.step()
    w[1].grad = None
    optimizer.step()  # w[1] goes on by its momentum
    assert [v.data for v in w] == [2.5, 1.5, 0.0]
    assert len(read) == 1
    w[1].name = "v[1]"
    optimizer.step()
    assert [v.data for v in w] == [4.25, 1.5, 0.0]
    assert len(read) == 2


# ------------------------------------------------------------------------------ PyTorch's numbers


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def in_torch(torch, ours, theirs):
    state = ours.state_dict()
    theirs = theirs.double()
    names = dict(zip(theirs.state_dict(), state, strict=True))
    theirs.load_state_dict({name: torch.tensor(state[own]) for name, own in names.items()})
    return theirs


def side_by_side(torch, ours, theirs, losses):
    """AdamW on both, each with its own losses; then all numbers of both."""
    optimizers = (
        nn.AdamW([p for model in ours for p in model.parameters()], lr=0.1, weight_decay=0.1),
        torch.optim.AdamW([p for model in theirs for p in model.parameters()], lr=0.1, weight_decay=0.1),
    )
    for mine, other in losses:
        for loss, optimizer in zip((mine, other), optimizers, strict=True):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
    for mine, other in zip(ours, theirs, strict=True):
        for a, b in zip(mine.state_dict().values(), other.state_dict().values(), strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-11, atol=1e-13)


def test_a_model_that_no_gradient_reaches_stays_beside_one_of_the_same_names(torch):
    """Two embeddings: each has one tensor, weight."""
    ours = [nn.Embedding(3, 2, seed=0), nn.Embedding(3, 2, seed=1)]
    theirs = [in_torch(torch, model, torch.nn.Embedding(3, 2)) for model in ours]
    before = ours[1].state_dict()["weight"]

    def losses(word):
        def mine():
            a, b = ours[0](word)
            return a * b + a

        def other():
            a, b = theirs[0](torch.tensor(word))
            return a * b + a

        return mine, other

    side_by_side(torch, ours, theirs, [losses(word) for word in (1, 0, 1, 1)])
    np.testing.assert_array_equal(ours[1].state_dict()["weight"], before)


def test_the_neurons_of_a_layer_are_one_tensor(torch):
    """As where a network says the worth of each action, and the loss is of the one that was taken."""
    ours = nn.MLP(2, [3, 3], activation="tanh", seed=0)
    theirs = in_torch(torch, ours, torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)))
    x = [1.0, -2.0]

    def losses(action):
        return lambda: ours(x)[action] ** 2, lambda: theirs(torch.tensor(x, dtype=torch.float64))[action] ** 2

    side_by_side(torch, [ours], [theirs], [losses(action) for action in (0, 1, 0, 0, 2)])


# ------------------------------------------------------------------------------ what is given


def test_tensors_may_be_given_as_they_stand_in_a_module():
    layer = nn.Linear(3, 2, seed=0)
    for params in ([layer.weight, layer.bias], [{"params": [layer.weight, layer.bias]}], (layer.weight, layer.bias)):
        assert nn.SGD(params).parameters == layer.parameters()
    optimizer = nn.SGD([{"params": layer.weight, "weight_decay": 0.1}, {"params": layer.bias}])
    assert [len(group["params"]) for group in optimizer.param_groups] == [6, 2]
    with pytest.raises(ValueError, match="given twice"):
        nn.SGD([layer.weight, layer.weight[0]])


@pytest.mark.parametrize(
    "given",
    [
        lambda model: model,
        lambda model: [{"params": model[0]}],
        lambda model: model.state_dict(),
        lambda model: nn.MLP(2, [30, 1]),
    ],
)
def test_a_model_is_not_its_parameters(given):
    with pytest.raises(TypeError, match=r"; give model\.parameters\(\)") as error:
        nn.SGD(given(nn.Sequential(nn.Linear(30, 30))), lr=0.1)
    assert len(str(error.value)) < 200, "not all that was given"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda group: group.pop("momentum"), ValueError, r"param_groups\[0\] has lost momentum"),
        (lambda group: group.pop("params"), ValueError, r"param_groups\[0\] had 1 parameters, and now has None"),
        (lambda group: group.update(params=3), ValueError, "now has 3"),
        (lambda group: group.update(nesterov=True), ValueError, r"nesterov needs .* \(in param_groups\[0\]\)"),
    ],
)
def test_what_is_done_to_a_group_by_hand_is_checked_at_the_next_step(change, error, message):
    p = Value(1.0)
    p.grad = 1.0
    optimizer = nn.SGD([p])
    change(optimizer.param_groups[0])
    for _ in range(2):  # it is not taken for checked the second time
        with pytest.raises(error, match=message):
            optimizer.step()
    with pytest.raises(error, match=message):
        optimizer.state_dict()
    assert p.data == 1.0


def test_parameters_may_come_with_their_names_as_in_pytorch():
    model = nn.Linear(2, 1, seed=0)
    for params in (model.named_parameters(), model.named_tensors(), [{"params": model.named_parameters()}]):
        assert nn.SGD(params).parameters == model.parameters()
