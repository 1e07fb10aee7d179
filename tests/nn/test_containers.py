"""Sequential and Flatten: one example or a batch of them, PyTorch's names in files, Python's paths in drawings."""

import copy
import pickle

import numpy as np
import pytest

import nn
from engine import Value


class Double(nn.Module):
    def __call__(self, x):
        return [2 * v for v in x]


def image(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape) / 10


def test_parts_run_one_after_the_other():
    first, second = nn.Linear(2, 3, seed=0), nn.Linear(3, 1, seed=1)
    model = nn.Sequential(first, second)
    x = [0.5, -1.0]
    assert model(x)[0].data == second(first(x))[0].data
    assert [list(model), len(model), model[1]] == [[first, second], 2, second]


def test_names_are_paths_in_python_and_pytorchs_in_files():
    class Net(nn.Module):
        def __init__(self):
            self.net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1)))

    model = Net()
    assert [p.name for p in model.parameters()][::2] == [
        "net.layers[0].weight[0][0]",
        "net.layers[1].layers[0].weight[0][0]",
    ]
    assert list(model.state_dict()) == ["net.0.weight", "net.0.bias", "net.1.0.weight", "net.1.0.bias"]
    assert model.net.layers[1].layers[0].weight[0][0] is model.parameters()[2]


def test_parts_may_have_names():
    model = nn.Sequential({"hidden": nn.Linear(1, 2), "out": nn.Linear(2, 1)})
    assert list(model.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert "(hidden): Linear(in_features=1" in repr(model)
    assert model.out is model[1]
    assert not hasattr(model, "head")


def test_a_named_part_can_be_put_in_the_place_of_another():
    model = nn.Sequential({"layers": nn.Flatten(), "training": nn.Linear(2, 3), "out": nn.Linear(3, 1)})
    model.out = head = nn.Linear(3, 2, seed=0)
    assert (model[2], len(model), len(model([[1.0, 2.0]])[0])) == (head, 3, 2)
    assert head.weight[0][0].name == "layers[2].weight[0][0]"
    assert model.eval().training is False  # what a module has of its own stays its own
    setattr(model, "0", nn.Identity())
    model.names[0] = "first"
    model.first = nn.Linear(2, 2)
    assert model.example_axes == 1
    with pytest.raises(TypeError, match="the part 'out' of a Sequential is a module, not 3"):
        model.out = 3
    other = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    assert repr(other) == repr(model)


def test_a_part_can_be_put_in_the_place_of_another_by_its_number():
    model = nn.Sequential(nn.Flatten(0), nn.Linear(4, 3), nn.Linear(3, 5))
    model[-1] = head = nn.Linear(3, 2, seed=0)
    assert (model[2], len(model), len(model([1.0, 2.0, 3.0, 4.0]))) == (head, 3, 2)
    assert model.state_dict()["2.weight"].shape == (2, 3)
    assert head.weight[0][0].name == "layers[2].weight[0][0]"
    model[0] = nn.Identity()
    assert model.example_axes == 1
    with pytest.raises(IndexError):
        model[3] = head
    with pytest.raises(TypeError, match="the part '2' of a Sequential is a module, not 'x'"):
        model[2] = "x"
    with pytest.raises(TypeError, match="the place in a Sequential is a whole number"):
        model[:2] = head
    assert model[2] is head


def test_some_of_the_parts_are_a_sequential_of_the_same_modules():
    model = nn.Sequential({"conv": nn.Conv2d(1, 2, 2), "flat": nn.Flatten(), "head": nn.Linear(8, 3)})
    features, tail = model[:-1], model[1:]
    assert isinstance(features, nn.Sequential)
    assert ([*features], [*tail]) == ([*model][:2], [*model][1:])
    assert list(features.state_dict()) == ["conv.weight", "conv.bias"]
    assert list(tail.state_dict()) == ["head.weight", "head.bias"]
    assert model.head.weight[0][0].name == "layers[2].weight[0][0]", "they keep their place in the whole"
    x = image(1, 3, 3)
    assert [v.data for v in model.head(features(x))] == [v.data for v in model(x)]
    assert (len(model[3:]), model[3:](2.0)) == (0, 2.0)


@pytest.mark.parametrize(
    ("part", "cure"),
    [
        (abs, "of a function make a Module"),
        (nn.ReLU, r"make one of this class: ReLU\(\.\.\.\)"),
        ([nn.ReLU()], r"give what is in it: Sequential\(\*modules\)"),
    ],
)
def test_a_part_that_is_no_module_is_refused(part, cure):
    with pytest.raises(TypeError, match=f"part 1 is .*{cure}"):
        nn.Sequential(nn.Linear(1, 1), part)


def test_flatten_sees_the_same_axes_alone_and_in_a_batch():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, seed=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3, seed=1))
    x = image(2, 1, 6, 6)
    together = model(x)
    assert [[v.data for v in row] for row in together] == [[v.data for v in model(one)] for one in x]
    assert model.example_axes == 3
    nested = nn.Sequential(*model.layers[:3], nn.Sequential(*model.layers[3:]))
    assert [v.data for v in nested(x[0])] == [v.data for v in model(x[0])]


def test_flatten_alone_keeps_the_first_axis_as_pytorch_does():
    assert np.shape(nn.Flatten()(image(2, 3, 4))) == (2, 12)
    assert np.shape(nn.Flatten(0)(image(2, 3, 4))) == (24,)
    with pytest.raises(ValueError, match=r"Flatten\(0\)\), and got shape \(3,\)"):
        nn.Flatten()(image(3))
    with pytest.raises(ValueError, match="rows of different lengths"):
        nn.Flatten()([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("first", [nn.BatchNorm1d(3), nn.GroupNorm(1, 3), nn.PReLU(3)], ids=repr)
def test_what_reads_the_first_axis_as_the_batch_may_come_first(first):
    if isinstance(first, nn.PReLU):
        first.load_state_dict({"weight": [0.1, 0.2, 0.3]})
    else:
        first.load_state_dict(first.state_dict() | {"bias": [0.1, 0.2, 0.3]})
    model = nn.Sequential(first, nn.Conv1d(3, 2, 2, seed=0)).eval()
    x = image(2, 3, 3) - 0.5  # as many channels as numbers in each: the axes are not told by their sizes
    assert [str(model(one)) for one in x] == [str(part) for part in model(x)]


def test_modes_and_gradients_reach_the_parts():
    model = nn.Sequential(nn.Linear(1, 1, seed=0), Double()).eval()
    assert [part.training for part in model] == [False, False]
    model([3.0])[0].backward()
    assert model.grad_dict()["0.weight"].tolist() == [[6.0]]


def test_a_sequential_is_read_from_pytorch():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
    ours = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    ours.load_state_dict(theirs.state_dict())
    x = [0.3, -0.7]
    assert ours(x)[0].data == pytest.approx(theirs(torch.tensor(x, dtype=torch.float64)).item(), rel=1e-14)


def test_a_context_of_words_is_one_example():
    model = nn.Sequential(nn.Embedding(5, 2, seed=0), nn.Flatten(), nn.Linear(6, 1, seed=1))
    words = [[0, 1, 2], [4, 4, 3]]
    assert [row[0].data for row in model(words)] == [model(context)[0].data for context in words]
    model(words[0])[0].backward()
    assert [row[0].has_grad for row in model[0].weight] == [True, True, True, False, False]


def test_identity_is_what_it_is_given():
    x = [Value(1.0)]
    assert nn.Identity()(x) is x
    assert repr(nn.Identity(54, unused=True)) == "Identity()"


def test_a_part_may_be_put_at_the_end():
    model = nn.Sequential(nn.Linear(1, 2, seed=0)).append(nn.Tanh()).append(nn.Linear(2, 1, seed=1))
    assert [type(part).__name__ for part in model] == ["Linear", "Tanh", "Linear"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert model[2].bias[0].name == "layers[2].bias[0]"
    with pytest.raises(TypeError, match="Sequential takes modules"):
        model.append(abs)
