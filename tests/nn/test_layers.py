"""Every layer keeps the same promises: PyTorch's numbers, one example or a batch, names, shapes, no branch on data."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import nn
from engine import dot, topological_sort
from engine.draws import recorded_draws
from engine.nested import flat
from engine.replay import replay
from nn.shapes import written

from .case import as_leaves, data, outputs, weights

FAMILIES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES = [case for family in FAMILIES for case in importlib.import_module(f".{family}", __package__).CASES]
both_modes = pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
one_or_many = pytest.mark.parametrize("batch", [False, True], ids=["example", "batch"])
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def ready(case, training, batch):
    """The layer in its mode, the inputs as arrays; or the row is left out, where it promises nothing."""
    if not batch and not case.example:
        pytest.skip("it takes batches")
    layer = case.build().train(training)
    return layer, case.numbers(batch)


def loss_of(out):
    values = outputs(out)
    return dot(weights(len(values)), values)


# ------------------------------------------------------------------------------ PyTorch's numbers


def close(ours, theirs):
    """Equal to 1e-12 of the number, or of the largest beside it."""
    theirs = np.asarray(theirs)
    scale = np.maximum(np.abs(theirs), np.max(np.abs(theirs), initial=0.0))
    assert np.shape(ours) == theirs.shape
    assert np.all(np.abs(ours - theirs) <= 1e-12 * scale + 1e-300)


def in_torch(case):
    """PyTorch's layer with the same arguments (or the function that the row gives), in float64."""
    torch = pytest.importorskip("torch")
    if case.torch is None and not hasattr(torch.nn, case.layer):
        pytest.skip("PyTorch has no such layer; it has tests of its own")
    theirs = case.torch(torch) if case.torch else getattr(torch.nn, case.layer)(*case.args, **case.options)
    return theirs.double() if isinstance(theirs, torch.nn.Module) else theirs


def parts(out):
    """The tensors or lists in what a layer gives: (output, (h, c)) has three."""
    return [part for inner in out for part in parts(inner)] if isinstance(out, tuple) else [out]


@every_case
@one_or_many
@both_modes
def test_the_numbers_are_pytorchs(case, training, batch):
    torch = pytest.importorskip("torch")
    if training and case.random:
        pytest.skip("what it draws is its own")
    theirs = in_torch(case)
    layer, arrays = ready(case, training, batch)
    if isinstance(theirs, torch.nn.Module):
        theirs.train(training).load_state_dict({k: torch.tensor(v) for k, v in layer.state_dict().items()})
    whole = [array.dtype.kind in "iub" for array in arrays]  # indices stay plain numbers, and take no gradient
    ours_in = [array.tolist() if w else as_leaves(array) for array, w in zip(arrays, whole, strict=True)]
    theirs_in = [torch.tensor(array, requires_grad=not w) for array, w in zip(arrays, whole, strict=True)]

    out, expected = layer(*ours_in, **case.call), parts(theirs(*theirs_in, **case.call))
    for ours, tensor in zip(parts(data(out)), expected, strict=True):
        close(ours, tensor.detach().numpy())

    loss_of(out).backward()
    numbers = torch.cat([tensor.reshape(-1) for tensor in expected])
    (numbers * torch.tensor(weights(len(numbers)), dtype=torch.float64)).sum().backward()
    for ours, tensor, w in zip(ours_in, theirs_in, whole, strict=True):
        if not w:
            close(np.reshape([float(v.grad) for v in flat(ours)], tensor.shape), gradient(tensor))
    if isinstance(theirs, torch.nn.Module):
        grads, state = layer.grad_dict(), layer.state_dict()
        for name, parameter in theirs.named_parameters():
            close(grads[name], gradient(parameter))
        for name, tensor in theirs.state_dict().items():  # running statistics, too
            close(state[name], tensor.numpy())


def gradient(tensor):
    """Its gradient as an array; 0 where none has arrived."""
    return np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()


@every_case
def test_files_travel_both_ways(case):
    theirs = in_torch(case)
    if not hasattr(theirs, "state_dict"):
        pytest.skip("it is compared with a function")
    layer = case.build()
    state = theirs.state_dict()
    assert {k: v.shape for k, v in layer.state_dict().items()} == {k: tuple(v.shape) for k, v in state.items()}
    assert {k: v.dtype for k, v in layer.state_dict().items()} == {k: v.numpy().dtype for k, v in state.items()}
    layer.load_state_dict({k: v.numpy() for k, v in state.items()})
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, state[name].numpy())


# ------------------------------------------------------------------------------ one example, or a batch


@every_case
@both_modes
def test_a_batch_is_its_examples(case, training):
    if not case.example or (training and (case.joint or case.random)) or case.batched is not None:
        pytest.skip("its examples see one another, draw, or have other shapes in a batch")
    layer, arrays = ready(case, training, True)
    together = parts(data(layer(*(a.tolist() for a in arrays), **case.call)))
    for i in range(3):
        alone = parts(data(layer(*(a[i].tolist() for a in arrays), **case.call)))
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_array_equal(a[i], b)


@every_case
def test_arrays_and_lists_of_numbers_are_the_same_input(case):
    layer, arrays = ready(case, False, True)
    as_arrays = parts(data(layer(*arrays, **case.call)))
    as_lists = parts(data(layer(*(a.tolist() for a in arrays), **case.call)))
    for a, b in zip(as_arrays, as_lists, strict=True):
        np.testing.assert_array_equal(a, b)


@every_case
def test_a_wrong_shape_is_told_with_both_shapes(case):
    if case.wrong is None:
        pytest.skip("it takes any shape")
    layer, arrays = ready(case, False, True)
    bad = np.zeros(case.wrong, dtype=arrays[0].dtype)
    with pytest.raises(ValueError, match=rf"{case.layer}.* takes .*shape .*and got .*{re.escape(written(bad.shape))}"):
        layer(bad, *arrays[1:], **case.call)


# ------------------------------------------------------------------------------ names and print


@every_case
@both_modes
def test_nodes_are_named_by_their_place(case, training):
    class Whole(nn.Module):
        def __init__(self, part):
            self.part = part

    layer, arrays = ready(case, training, True)
    Whole(layer)
    whole = [a.dtype.kind in "iub" for a in arrays]
    given = [a.tolist() if w else as_leaves(a) for a, w in zip(arrays, whole, strict=True)]
    out = outputs(layer(*given, **case.call))
    mine = set(flat(given))
    for value in out:
        if value in mine or not value.parents:
            continue
        assert value.name is not None, "an output has no name"
        assert value.name.startswith("part."), value.name
    for parameter in layer.parameters():
        assert parameter.name.startswith("part.")


@every_case
def test_it_says_what_it_is(case):
    layer = case.build()
    text = repr(layer)
    assert text.startswith(f"{case.layer}(")
    for size in case.args:
        if isinstance(size, int) and not isinstance(size, bool):
            assert str(size) in text


# ------------------------------------------------------------------------------ the vectorizer can take it


@every_case
@both_modes
def test_no_branch_is_frozen(case, training):
    """The graph of one input, computed again with the numbers of another, is the graph of that other."""
    layer, arrays = ready(case, training, not case.example)
    state = layer.state_dict()
    first, second = arrays, case.numbers(not case.example, seed=2)
    graphs = []
    for numbers in (first, second):
        inputs = [as_leaves(array) for array in numbers]
        layer.load_state_dict(state)  # running statistics as before
        with recorded_draws() as draws:
            loss = loss_of(layer(*inputs, **case.call))
        graphs.append((loss, [*flat(inputs), *(leaf for leaf, _ in draws)]))
    (loss, given), (other, other_given) = graphs
    assert structure(loss) == structure(other)
    numbers = {leaf: v.data for leaf, v in zip(given, other_given, strict=True)}
    assert float(replay(loss, numbers)) == pytest.approx(other.data, rel=1e-11, abs=1e-13)


def structure(loss):
    """The operations of a graph in order, each with the places of its operands."""
    order = topological_sort(loss)
    place = {v: i for i, v in enumerate(order)}
    return [(v.op.name if v.op else "leaf", [place[parent] for parent in v.parents]) for v in order]
