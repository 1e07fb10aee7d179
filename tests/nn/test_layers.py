"""Every layer keeps the same promises: PyTorch's numbers, one example or a batch, names, shapes, no branch on data."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import nn
from engine import Value, dot, leaves, topological_sort
from engine.nested import flat
from engine.replay import replay
from nn.draws import recorded_draws
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


@every_case
@one_or_many
@both_modes
def test_the_numbers_are_pytorchs(case, training, batch):
    torch = pytest.importorskip("torch")
    if training and case.random:
        pytest.skip("what it draws is its own")
    if case.torch is None and not hasattr(torch.nn, case.layer):
        pytest.skip("PyTorch has no such layer; it has tests of its own")
    layer, arrays = ready(case, training, batch)
    theirs = case.torch(torch) if case.torch else getattr(torch.nn, case.layer)(*case.args, **case.options)
    if isinstance(theirs, torch.nn.Module):
        theirs = theirs.double().train(training)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in layer.state_dict().items()}, strict=True)
    whole = [array.dtype.kind in "iub" for array in arrays]
    ours_in = [array.tolist() if w else as_leaves(array) for array, w in zip(arrays, whole, strict=True)]
    theirs_in = [torch.tensor(array, requires_grad=not w) for array, w in zip(arrays, whole, strict=True)]

    out = layer(*ours_in, **case.call)
    expected = theirs(*theirs_in, **case.call)
    flattened = (
        [t.detach().numpy() for t in flat(expected)] if isinstance(expected, tuple) else [expected.detach().numpy()]
    )
    tensors = flat(expected) if isinstance(expected, tuple) else [expected]
    ours_out = flat_tuple(data(out))
    assert len(ours_out) == len(flattened)
    for a, b in zip(ours_out, flattened, strict=True):
        close(a, b)

    loss_of(out).backward()
    numbers = torch.cat([t.reshape(-1) for t in tensors if t is not None])
    (numbers * torch.tensor(weights(len(numbers)), dtype=torch.float64)).sum().backward()
    for mine, their, w in zip(ours_in, theirs_in, whole, strict=True):
        if not w:
            grad = np.zeros(their.shape) if their.grad is None else their.grad.numpy()
            close(np.reshape([float(v.grad) for v in flat(mine)], their.shape), grad)
    if isinstance(theirs, torch.nn.Module):
        grads = layer.grad_dict()
        for name, parameter in theirs.named_parameters():
            close(grads[name], np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.numpy())
        for name, array in layer.state_dict().items():  # running statistics, too
            close(array, theirs.state_dict()[name].numpy())


def flat_tuple(tree):
    return [part for inner in tree for part in flat_tuple(inner)] if isinstance(tree, tuple) else [tree]


@every_case
def test_files_travel_both_ways(case):
    torch = pytest.importorskip("torch")
    theirs = (
        case.torch(torch)
        if case.torch
        else getattr(torch.nn, case.layer, lambda *_, **__: None)(*case.args, **case.options)
    )
    if not isinstance(theirs, torch.nn.Module):
        pytest.skip("PyTorch has no such layer")
    layer = case.build()
    state = theirs.double().state_dict()
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
    together = flat_tuple(data(layer(*(a.tolist() for a in arrays), **case.call)))
    for i in range(3):
        alone = flat_tuple(data(layer(*(a[i].tolist() for a in arrays), **case.call)))
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_array_equal(a[i], b)


@every_case
def test_arrays_and_lists_of_numbers_are_the_same_input(case):
    layer, arrays = ready(case, False, True)
    as_arrays = flat_tuple(data(layer(*arrays, **case.call)))
    as_lists = flat_tuple(data(layer(*(a.tolist() for a in arrays), **case.call)))
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
    if any(a.dtype.kind in "iub" for a in arrays):
        inputs = [as_leaves(a) for a in arrays]
    else:
        inputs = [as_leaves(a) for a in arrays]
    state = layer.state_dict()
    with recorded_draws() as draws:
        loss = loss_of(layer(*inputs, **case.call))
    layer.load_state_dict(state)  # running statistics as before
    others = case.numbers(not case.example, seed=2)
    again = [as_leaves(a) for a in others]
    with recorded_draws() as redraws:
        expected = loss_of(layer(*again, **case.call)).data
    numbers = dict(zip(flat(inputs), [v.data for v in flat(again)], strict=True))
    assert len(draws) == len(redraws)
    numbers |= {leaf: other.data for (leaf, _), (other, _) in zip(draws, redraws, strict=True)}
    assert float(replay(loss, numbers)) == pytest.approx(expected, rel=1e-11, abs=1e-13)


@every_case
def test_every_input_and_parameter_is_reached(case):
    layer, arrays = ready(case, False, not case.example)
    inputs = [as_leaves(a) for a in arrays]
    loss = loss_of(layer(*inputs, **case.call))
    assert set(leaves(loss)) & set(flat(inputs)) or len(topological_sort(loss)) == 1
    assert all(isinstance(v, Value) for v in topological_sort(loss))
