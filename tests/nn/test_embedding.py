"""Embedding: its rows, its padding, and the indices that it refuses."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value, dot, replay, sum
from engine.nested import flat

from .case import data


def test_a_plain_index_gives_the_parameters_themselves():
    layer = nn.Embedding(4, 2, seed=0)
    assert layer(3) == layer.weight[3]
    assert layer(3) is not layer.weight[3]  # a list of the caller's own
    assert layer([[1], [2]]) == [[layer.weight[1]], [layer.weight[2]]]
    assert layer(np.array([0, 3])) == [layer.weight[0], layer.weight[3]]
    assert layer(np.int64(2)) == layer.weight[2]
    assert layer(range(1, 3)) == layer.weight[1:3]  # the positions of a sequence
    assert layer([]) == []


def test_what_is_computed_is_named_by_its_place():
    out = nn.Embedding(4, 2, seed=0)([[Value(1.0), 2], [3, Value(1.0)]])
    assert [v.name for v in (out[0][0][1], out[0][1][1], out[1][1][0])] == [
        "out[0][0][1]",
        "weight[2][1]",
        "out[1][1][0]",
    ]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.booleans(), st.integers(0, 99))
def test_it_is_one_hot_times_weight(indices, as_values, seed):
    layer = nn.Embedding(5, 3, seed=seed)
    weight = layer.state_dict()["weight"]
    one_hot = np.eye(5)[indices]
    out = layer([Value(float(i)) for i in indices] if as_values else indices)
    np.testing.assert_array_equal(data(out), one_hot @ weight)
    slopes = np.random.default_rng(seed).normal(size=(len(indices), 3))
    dot(slopes.ravel().tolist(), flat(out)).backward()
    np.testing.assert_allclose(layer.grad_dict()["weight"], one_hot.T @ slopes, rtol=1e-14, atol=1e-15)


def test_the_index_can_be_the_input_of_a_program():
    layer = nn.Embedding(4, 2, seed=0)
    index = Value(1.0)
    out = sum(layer(index))
    weight = layer.state_dict()["weight"]
    for i in range(4):
        assert replay(out, {index: float(i)}) == pytest.approx(weight[i].sum(), rel=1e-15)
    out.backward()
    assert index.grad == 0.0


# ------------------------------------------------------------------------------ padding


@pytest.mark.parametrize("padding_idx", [2, -2])
@pytest.mark.parametrize("kind", [int, Value])
def test_padding_is_0_and_takes_no_gradient(padding_idx, kind):
    layer = nn.Embedding(4, 3, padding_idx, seed=0)
    assert layer.padding_idx == 2
    assert data(layer(2)).tolist() == [0.0] * 3
    others = nn.Embedding(4, 3, seed=0).state_dict()["weight"]
    np.testing.assert_array_equal(np.delete(layer.state_dict()["weight"], 2, 0), np.delete(others, 2, 0))
    sum(flat(layer([kind(1), kind(2), kind(2)]))).backward()
    assert layer.grad_dict()["weight"].tolist() == [[0.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]


def test_a_model_that_is_thawed_keeps_its_padding_frozen():
    model = nn.Sequential(nn.Embedding(4, 3, 2, seed=0))
    model.requires_grad_(False).requires_grad_(True)
    sum(flat(model([1, 2]))).backward()
    assert model.grad_dict()["0.weight"][1:3].tolist() == [[1.0] * 3, [0.0] * 3]
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    optimizer.step()
    assert model.state_dict()["0.weight"][2].tolist() == [0.0] * 3


# ------------------------------------------------------------------------------ what it refuses, how it begins


@pytest.mark.parametrize("kind", [int, Value, lambda i: [0, i], np.array], ids=["int", "Value", "list", "array"])
@pytest.mark.parametrize("index", [-1, 4, 10**6])
def test_an_index_out_of_range(kind, index):
    with pytest.raises(IndexError, match=rf"Embedding\(4, 2\) has the rows 0 to 3, and was asked for .*{index}"):
        nn.Embedding(4, 2, seed=0)(kind(index))


@pytest.mark.parametrize("index", [0.5, Value(1.25), math.nan, Value(math.inf), "a", None, True, np.bool_(True), 1j])
def test_an_index_that_is_no_whole_number(index):
    with pytest.raises(TypeError, match=r"Embedding\(4, 2\) takes indices, whole numbers from 0 to 3, not "):
        nn.Embedding(4, 2, seed=0)([0, index])


def test_an_error_says_where_the_layer_is():
    with pytest.raises(IndexError, match=r"\(at layers\[0\]\)"):
        nn.Sequential(nn.Embedding(4, 2, seed=0))([5])


def test_sizes_that_are_refused():
    with pytest.raises(ValueError, match="num_embeddings is at least 1"):
        nn.Embedding(0, 2)
    with pytest.raises(TypeError, match="embedding_dim is a whole number"):
        nn.Embedding(3, 2.0)
    for padding_idx in (4, -5):
        with pytest.raises(ValueError, match="padding_idx is"):
            nn.Embedding(4, 2, padding_idx)


def test_how_weights_begin():
    weight = nn.Embedding(200, 50, seed=1).state_dict()["weight"]
    assert abs(weight.mean()) < 5 / 100
    assert weight.std() == pytest.approx(1.0, rel=0.03)
    assert np.mean(np.abs(weight) < 1.0) == pytest.approx(0.6827, abs=0.02)  # as of a normal distribution
    state = random.getstate()
    random.seed(1)
    np.testing.assert_array_equal(nn.Embedding(200, 50).state_dict()["weight"], weight)
    random.setstate(state)


def test_from_pretrained_is_pytorchs():
    torch = pytest.importorskip("torch")
    matrix = np.random.default_rng(0).normal(size=(4, 3))
    for options in ({}, {"freeze": False}, {"padding_idx": -1, "freeze": False}):
        ours = nn.Embedding.from_pretrained(matrix, **options)
        theirs = torch.nn.Embedding.from_pretrained(torch.tensor(matrix), **options)
        np.testing.assert_array_equal(ours.state_dict()["weight"], theirs.state_dict()["weight"].numpy())
        out = sum(flat(ours([1, 3, 3])))
        assert repr(ours) == repr(theirs)
        if theirs.weight.requires_grad:
            out.backward()
            theirs(torch.tensor([1, 3, 3])).sum().backward()
            np.testing.assert_array_equal(ours.grad_dict()["weight"], theirs.weight.grad.numpy())
        else:
            assert not any(p.requires_grad for p in ours.parameters())
    with pytest.raises(ValueError, match=r"takes a matrix .*not shape \(4,\)"):
        nn.Embedding.from_pretrained([1.0, 2.0, 3.0, 4.0])


def test_ragged_indices_and_a_largest_norm_are_refused():
    with pytest.raises(ValueError, match="rows of different lengths"):
        nn.Embedding(6, 3)([[0, 1], [2]])
    with pytest.raises(ValueError, match="leave max_norm=None"):
        nn.Embedding(6, 3, None, 1.0)
