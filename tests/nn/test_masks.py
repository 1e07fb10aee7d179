"""Masks of attention: in every form PyTorch's, what leaves out all, Values, what is refused."""

import math
from collections import Counter

import numpy as np
import pytest

import nn
from engine import Value, sum, topological_sort
from engine.nested import flat

from .agreement import arrays, close, grads, total
from .case import as_leaves, data

INF = math.inf


# ------------------------------------------------------------------------------ against PyTorch


def masks_of_a_batch():
    """Keywords of a call with 2 examples of 3 positions and 2 heads; True is left out, as in PyTorch."""
    causal = np.triu(np.ones((3, 3), bool), 1)
    padding = np.array([[False, False, True], [False, True, False]])
    added = np.array([[0.0, 0.5, -INF], [-1.0, 0.0, 0.0]])
    per_head = np.stack([causal, causal.T, np.eye(3, dtype=bool), ~np.eye(3, dtype=bool)])
    of_floats = arrays(9, (4, 3, 3))[0]
    yield {"key_padding_mask": padding}
    yield {"key_padding_mask": added}
    yield {"attn_mask": per_head}
    yield {"attn_mask": of_floats}
    yield {"attn_mask": of_floats, "key_padding_mask": added}
    yield {"attn_mask": causal, "key_padding_mask": padding, "average_attn_weights": False}
    yield {"attn_mask": np.where(causal, -INF, 0.25), "key_padding_mask": added}
    yield {"attn_mask": causal, "is_causal": True}
    yield {"attn_mask": causal, "key_padding_mask": padding, "is_causal": True}


@pytest.mark.parametrize("call", list(masks_of_a_batch()), ids=lambda call: ", ".join(call))
@pytest.mark.parametrize("batch_first", [False, True])
def test_masks_of_a_batch_are_pytorchs(call, batch_first):
    torch = pytest.importorskip("torch")
    layer = nn.MultiheadAttention(4, 2, batch_first=batch_first, seed=1)
    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=batch_first, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    x = arrays(3, *[(2, 3, 4) if batch_first else (3, 2, 4)] * 3)
    own = {name: mask.tolist() if isinstance(mask, np.ndarray) else mask for name, mask in call.items()}
    out, ps = layer(*x, **own)
    for needed in (True, False):
        masks = {n: torch.tensor(mask) if isinstance(mask, np.ndarray) else mask for n, mask in call.items()}
        expected, expected_ps = theirs(*map(torch.tensor, x), need_weights=needed, **masks)
        close(data(out), expected.detach().numpy())
        if needed:
            close(data(ps), expected_ps.detach().numpy())
    again, none = layer(*x, need_weights=False, **own)
    assert none is None
    np.testing.assert_array_equal(data(again), data(out))


def test_masks_of_one_example_alone():
    torch = pytest.importorskip("torch")
    layer = nn.MultiheadAttention(4, 2, seed=1)
    theirs = torch.nn.MultiheadAttention(4, 2, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    x, k, v = arrays(3, (3, 4), (2, 4), (2, 4))
    per_head = [[[False, False], [True, False], [False, True]], [[True, False], [False, False], [False, False]]]
    for call in ({"key_padding_mask": [True, False]}, {"attn_mask": per_head}, {"key_padding_mask": [0.5, -INF]}):
        tensors = {n: torch.tensor(m) for n, m in call.items()}
        tensors = {n: m.double() if m.is_floating_point() else m for n, m in tensors.items()}
        expected = theirs(*map(torch.tensor, (x, k, v)), **tensors)
        for mine, their in zip(layer(x, k, v, **call), expected, strict=True):
            close(data(mine), their.detach().numpy())


# ------------------------------------------------------------------------------ leaving out all, and Values


def test_a_query_that_sees_nothing_answers_0():
    x = as_leaves(arrays(0, (2, 4))[0])
    out, ps = nn.scaled_dot_product_attention(x, x, x, False, True, attn_mask=[[True, False], [False, False]])
    assert data(out)[1].tolist() == [0.0] * 4
    assert data(ps).tolist() == [[1.0, 0.0], [0.0, 0.0]]
    layer = nn.MultiheadAttention(4, 2, seed=0)
    layer.out_proj.load_state_dict({"weight": np.eye(4), "bias": [1.0, 2.0, 3.0, 4.0]})
    out, ps = layer(x, x, x, key_padding_mask=[True, True])
    assert data(out).tolist() == [[1.0, 2.0, 3.0, 4.0]] * 2
    assert not data(ps).any()


def test_a_mask_of_values_is_data_and_learns():
    q, k, v = arrays(0, (2, 3), (4, 3), (4, 2))
    bias = as_leaves(np.zeros((2, 4)))
    bias[0][1].data = -INF
    out, ps = nn.scaled_dot_product_attention(q, k, v, False, True, attn_mask=bias)
    assert ps[0][1].data == 0.0
    assert ps[0][1].parents  # it may be another number next time
    total(out).backward()
    assert np.all(np.isfinite(grads(bias)))
    assert np.array_equal(grads(bias) != 0.0, [[True, False, True, True], [True] * 4])
    with pytest.raises(ValueError, match="all scores of query 1 are -inf"):
        nn.scaled_dot_product_attention(q, k, v, attn_mask=[[0.0] * 4, [Value(-INF)] * 4])


def test_what_is_masked_is_not_computed():
    x = as_leaves(arrays(0, (6, 2))[0])
    as_numbers = np.where(np.tri(6, dtype=bool), 0.0, -INF)
    for call in ({"is_causal": True}, {"attn_mask": as_numbers}, {"attn_mask": np.tri(6, dtype=bool)}):
        out = nn.scaled_dot_product_attention(x, x, x, **call)
        ops = Counter(v.op.name for v in topological_sort(sum(flat(out))) if v.op)
        assert ops == {"dot": 21 + 12, "mul": 21, "softmax": 21, "sum": 1}  # 21 pairs, 12 answers; a 0 adds no node


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([[True] * 3] * 2, ValueError, r"attn_mask of shape \(2, 4\), and got shape \(2, 3\)"),
        ([[[True] * 4] * 2], ValueError, r"attn_mask of shape \(2, 4\), and got shape \(1, 2, 4\)"),
        ([[True] * 4, [True] * 3], ValueError, "got rows of different lengths"),
        (True, ValueError, r"got shape \(\)"),
        ([[1, 0, 1, 1]] * 2, TypeError, "bools .*True takes part.* or of floats"),
        ([[True, 0.0, True, True]] * 2, TypeError, "bools .* or of floats"),
        ([["a"] * 4] * 2, TypeError, "'a'"),
    ],
)
def test_masks_that_are_refused(mask, error, message):
    with pytest.raises(error, match=message):
        nn.scaled_dot_product_attention(*arrays(0, (2, 3), (4, 3), (4, 1)), attn_mask=mask)
