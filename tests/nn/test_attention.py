"""Attention: PyTorch's numbers, laws, what it refuses. Its masks are in test_masks.py."""

import math
import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import leaves, sum, topological_sort
from engine.draws import recorded_draws
from engine.nested import flat

from .agreement import arrays, close, grads, total
from .case import as_leaves, data, weights

INF = math.inf
numbers = st.floats(-8.0, 8.0)
seeds = st.integers(0, 2**32 - 1)


def torch_loss(torch, tensors):
    joined = torch.cat([t.reshape(-1) for t in tensors])
    return (joined * torch.tensor(weights(len(joined)), dtype=torch.float64)).sum()


# ------------------------------------------------------------------------------ against PyTorch

ROWS = [[True, False, True, True], [False] * 4, [False, False, True, False]]
ADDED = [[0.0, -INF, 1.5, -2.0], [0.25, 3.0, 0.0, 0.0], [-INF, -INF, -INF, 0.5]]
ATTENTION = {
    "plain": ([(3, 2), (4, 2), (4, 5)], {}),
    "one key": ([(3, 2), (1, 2), (1, 1)], {}),
    "scaled": ([(3, 2), (4, 2), (4, 1)], {"scale": 0.3}),
    "batch": ([(2, 3, 4), (2, 5, 4), (2, 5, 2)], {}),
    "heads": ([(2, 3, 3, 1), (2, 3, 2, 1), (2, 3, 2, 2)], {"is_causal": True}),
    "causal": ([(4, 2), (4, 2), (4, 3)], {"is_causal": True}),
    "causal, more queries": ([(4, 2), (2, 2), (2, 3)], {"is_causal": True}),
    "causal, more keys": ([(2, 2), (4, 2), (4, 3)], {"is_causal": True}),
    "bools, nothing in row 1": ([(3, 2), (4, 2), (4, 5)], {"attn_mask": ROWS}),
    "added": ([(3, 2), (4, 2), (4, 5)], {"attn_mask": ADDED}),
    "stretched": ([(2, 3, 2), (2, 4, 2), (2, 4, 1)], {"attn_mask": [[[True, True, False, True]], [[True] * 4]]}),
    "stretched to heads": ([(2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 1)], {"attn_mask": ADDED}),
}


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize("size", [1.0, 6.0])
def test_scaled_dot_product_attention_is_pytorchs(name, size):
    torch = pytest.importorskip("torch")
    shapes, options = ATTENTION[name]
    given = arrays(5, *shapes)
    given[0] *= size
    ours = [as_leaves(x) for x in given]
    theirs = [torch.tensor(x, requires_grad=True) for x in given]
    theirs_options = dict(options)
    if "attn_mask" in options:
        mask = torch.tensor(options["attn_mask"])
        theirs_options["attn_mask"] = mask if mask.dtype == torch.bool else mask.double()
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, **theirs_options)
    out = nn.scaled_dot_product_attention(*ours, **options)
    close(data(out), expected.detach().numpy())
    total(out).backward()
    torch_loss(torch, [expected]).backward()
    for mine, their in zip(ours, theirs, strict=True):
        close(grads(mine), their.grad.numpy())


def test_sure_attention_keeps_its_digits():
    """Where one weight is nearly 1 the textbook's p·(g − Σ g·p) loses all digits; ours keeps them."""
    mpmath = pytest.importorskip("mpmath")
    q, k, v = arrays(5, (4, 2), (4, 2), (4, 3))
    q *= 60.0
    ours = as_leaves(q)
    total(nn.scaled_dot_product_attention(ours, k, v)).backward()
    with mpmath.workdps(80):
        given_q, given_k, given_v = (mpmath.matrix(x.tolist()) for x in (q, k, v))
        slopes = mpmath.matrix(np.reshape(weights(12), (4, 3)).tolist()) * given_v.T  # ∂loss/∂weights
        for i in range(4):
            powers = [mpmath.exp(x / mpmath.sqrt(2)) for x in given_q[i, :] * given_k.T]
            ps = [x / mpmath.fsum(powers) for x in powers]
            mean = mpmath.fsum(p * g for p, g in zip(ps, slopes[i, :], strict=True))
            of_scores = mpmath.matrix([[p * (g - mean) for p, g in zip(ps, slopes[i, :], strict=True)]])
            exact = of_scores * given_k / mpmath.sqrt(2)
            scale = max(map(abs, of_scores)) * np.abs(k).max()
            for e in range(2):
                assert abs(ours[i][e].grad - exact[0, e]) <= 1e-12 * scale


# ------------------------------------------------------------------------------ laws


@given(seeds, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_weights_are_positive_and_sum_to_1(seed, queries, keys, features, causal):
    q, k, v = arrays(seed, (queries, features), (keys, features), (keys, 1))
    out, ps = map(data, nn.scaled_dot_product_attention(q, k, v, causal, True))
    seen = np.tri(queries, keys, dtype=bool) if causal else np.ones((queries, keys), bool)
    assert np.array_equal(ps > 0.0, seen)
    np.testing.assert_allclose(ps.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(out, ps @ v, rtol=1e-13, atol=1e-15)
    assert np.all((out <= v.max() + 1e-14) & (out >= v.min() - 1e-14))  # a mean lies among the values


@given(seeds, st.permutations(range(4)))
def test_keys_and_values_have_no_order_and_queries_keep_theirs(seed, order):
    q, k, v = arrays(seed, (4, 3), (4, 3), (4, 2))
    out = data(nn.scaled_dot_product_attention(q, k, v))
    np.testing.assert_allclose(
        data(nn.scaled_dot_product_attention(q, k[order], v[order])), out, rtol=1e-12, atol=1e-14
    )
    np.testing.assert_array_equal(data(nn.scaled_dot_product_attention(q[order], k, v)), out[order])


@given(st.lists(numbers, min_size=2, max_size=2), st.lists(numbers, min_size=3, max_size=3), numbers)
def test_equal_keys_give_the_mean_and_a_shift_of_all_scores_changes_nothing(query, values, shift):
    v = [[number] for number in values]
    (out,) = nn.scaled_dot_product_attention([query], [[0.5, -2.0]] * 3, v)[0]
    assert out.data == pytest.approx(np.mean(values), rel=1e-14, abs=1e-14)
    k = [[1.0, 0.0], [0.0, 1.0], [-1.0, 2.0]]
    (plain,) = nn.scaled_dot_product_attention([query], k, v)[0]
    (moved,) = nn.scaled_dot_product_attention([query], k, v, attn_mask=[[shift] * 3])[0]
    assert moved.data == pytest.approx(plain.data, rel=1e-12, abs=1e-12)


def test_weights_are_the_closed_form():
    q, k = [[2.0, -1.0]], [[0.5, 1.0], [3.0, 0.0]]
    _, ps = nn.scaled_dot_product_attention(q, k, [[1.0], [0.0]], need_weights=True)
    assert ps[0][1].data == pytest.approx(1.0 / (1.0 + math.exp((0.0 - 6.0) / math.sqrt(2.0))), rel=1e-15)


@pytest.mark.parametrize("layer", ["attention", "heads", "block", "block, norm first"])
def test_a_causal_answer_does_not_reach_later_positions(layer):
    made = {
        "attention": lambda x: nn.scaled_dot_product_attention(x, x, x, True),
        "heads": lambda x: nn.MultiheadAttention(4, 2, seed=0)(x, x, x, is_causal=True)[0],
        "block": lambda x: nn.TransformerEncoderLayer(4, 2, 3, seed=0)(x, is_causal=True),
        "block, norm first": lambda x: nn.TransformerEncoderLayer(4, 2, 3, norm_first=True, seed=0)(x, is_causal=True),
    }[layer]
    x = as_leaves(arrays(0, (4, 4))[0])
    out = made(x)
    for i, row in enumerate(out):
        reached = set(leaves(sum(row)))
        assert reached >= set(flat(x[: i + 1]))
        assert not reached & set(flat(x[i + 1 :]))
    total(out[1]).backward()
    assert not any(v.has_grad for v in flat(x[2:]))


@given(seeds, st.booleans())
def test_one_head_without_projections_is_attention(seed, causal):
    layer = nn.MultiheadAttention(3, 1)
    identity = np.eye(3)
    layer.load_state_dict(
        {
            "in_proj_weight": np.concatenate([identity] * 3),
            "in_proj_bias": np.zeros(9),
            "out_proj.weight": identity,
            "out_proj.bias": np.zeros(3),
        }
    )
    x = arrays(seed, (2, 3), (4, 3), (4, 3))
    ours = layer(*x, is_causal=causal)
    for a, b in zip(ours, nn.scaled_dot_product_attention(*x, causal, True), strict=True):
        np.testing.assert_array_equal(data(a), data(b))


def test_axes_of_a_batch():
    x = arrays(0, (2, 3, 4))[0]
    first, second = (nn.MultiheadAttention(4, 2, batch_first=batch_first, seed=0) for batch_first in (True, False))
    out, ps = map(data, first(x, x, x))
    turned = x.transpose(1, 0, 2)
    for mine, theirs in zip((out.transpose(1, 0, 2), ps), map(data, second(turned, turned, turned)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


# ------------------------------------------------------------------------------ dropout


def test_dropout_drops_weights_in_training_alone():
    layer = nn.MultiheadAttention(4, 1, dropout=0.5, seed=0)
    x = arrays(0, (4, 4))[0]
    _, ps = layer.eval()(x, x, x)
    whole = data(ps)
    layer.train()
    draws = [data(layer(x, x, x)[1]) for _ in range(400)]
    for ps in draws[:50]:
        assert np.all((ps == 0.0) | np.isclose(ps, 2.0 * whole, rtol=1e-15))
    shares = np.mean([ps == 0.0 for ps in draws])
    assert abs(shares - 0.5) < 5 * 0.5 / math.sqrt(6400)
    spread = whole / math.sqrt(400)
    assert np.all(np.abs(np.mean(draws, axis=0) - whole) < 5 * spread)  # the mean is kept


def test_dropout_is_a_number_and_can_be_changed():
    layer, x = nn.MultiheadAttention(4, 2, 0.5, seed=0), arrays(0, (3, 4))[0]
    assert layer.dropout == 0.5
    layer.dropout = 0
    with recorded_draws() as draws:
        layer(x, x, x)
    assert not draws
    with pytest.raises(ValueError, match=r"dropout .* from 0 to 1, not 2"):
        layer.dropout = 2


def test_a_subclass_may_say_forward_anew():
    class SelfAttention(nn.MultiheadAttention):
        def forward(self, x):
            return super().forward(x, x, x, need_weights=False)[0]

    x = arrays(0, (3, 4))[0]
    plain = nn.MultiheadAttention(4, 2, seed=0)
    np.testing.assert_array_equal(data(SelfAttention(4, 2, seed=0)(x)), data(plain(x, x, x)[0]))


def test_the_parts_of_a_subclass_are_saved_with_it():
    class Normed(nn.MultiheadAttention):
        def __init__(self):
            super().__init__(4, 2, 0.5, seed=0)
            self.norm = nn.LayerNorm(4)

    assert [name for name, _ in Normed().named_children()] == ["out_proj", "norm"]
    assert Normed().state_dict().keys() >= {"out_proj.weight", "norm.weight", "norm.bias"}


# ------------------------------------------------------------------------------ how they begin, what they are


def test_how_weights_begin():
    layer = nn.MultiheadAttention(40, 4, seed=3)
    state = layer.state_dict()
    bound = math.sqrt(6 / (40 + 120))
    ws = state["in_proj_weight"]
    assert 0.99 * bound < np.abs(ws).max() <= bound
    assert ws.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert 0.95 / math.sqrt(40) < np.abs(state["out_proj.weight"]).max() <= 1 / math.sqrt(40)
    assert not state["in_proj_bias"].any()
    assert not state["out_proj.bias"].any()
    apart = nn.MultiheadAttention(6, 2, kdim=30, seed=0).state_dict()
    for name, columns in (("q", 6), ("k", 30), ("v", 6)):
        assert np.abs(apart[f"{name}_proj_weight"]).max() <= math.sqrt(6 / (6 + columns))


@pytest.mark.parametrize(
    "make", [partial(nn.MultiheadAttention, 4, 2), partial(nn.TransformerEncoderLayer, 4, 2, 3)], ids=["heads", "block"]
)
def test_seeds_reproduce_and_none_is_the_global_random(make):
    def made(**seed):
        return [p.data for p in make(**seed).parameters()]

    assert made(seed=5) == made(seed=5) != made(seed=6)
    state = random.getstate()
    random.seed(5)
    assert made() == made(seed=5)
    random.setstate(state)


def test_names_in_a_drawing():
    block = nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0, seed=0)
    x = as_leaves(arrays(0, (2, 4))[0])
    named = {v.name for v in topological_sort(total(block(x)))}
    assert named >= {
        "self_attn.q[1][3]", "self_attn.k[0][0]", "self_attn.v[1][2]", "self_attn.heads[1].weights[0][1]",
        "self_attn.heads[0].out[1][1]", "self_attn.out_proj.out[3]", "attended[1][0]", "linear1.out[2]",
        "hidden[0][2]", "linear2.out[3]", "fed_forward[1][3]",
    }  # fmt: skip
    layer = nn.MultiheadAttention(4, 2, seed=0)
    assert layer(x, x, x)[1][1][0].name == "weights[1][0]"


# ------------------------------------------------------------------------------ what they refuse


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3,), (4, 2), (4, 2)], r"query of shape \(L, E\) .*got shape \(3,\)"),
        ([(3, 2), (4, 3), (4, 2)], r"key of shape \(S, 2\), and got shape \(4, 3\)"),
        ([(3, 2), (4, 2), (5, 2)], r"value of shape \(4, Ev\), and got shape \(5, 2\)"),
        ([(2, 3, 2), (3, 4, 2), (3, 4, 2)], r"key of shape \(2, S, 2\), and got shape \(3, 4, 2\)"),
        ([(2, 3, 2), (4, 2), (4, 2)], r"key of shape \(2, S, 2\), and got shape \(4, 2\)"),
    ],
)
def test_shapes_that_do_not_go_together(shapes, message):
    with pytest.raises(ValueError, match=message):
        nn.scaled_dot_product_attention(*arrays(0, *shapes))


def test_a_mask_in_the_place_of_is_causal_is_refused():
    """PyTorch's fourth argument is the mask: it must not be taken for a True."""
    x = arrays(0, (2, 3))[0]
    for mask in ([[True, True], [True, True]], np.ones((2, 2), bool), None):
        with pytest.raises(TypeError, match=r"attn_mask=.*is_causal is True or False"):
            nn.scaled_dot_product_attention(x, x, x, mask)


def test_what_heads_refuse():
    layer = nn.MultiheadAttention(4, 2, seed=0)
    one, batch = arrays(0, (3, 4), (3, 2, 4))
    with pytest.raises(ValueError, match=r"key of shape \(S, 2, 4\), and got shape \(3, 4\)"):
        layer(batch, one, one)
    with pytest.raises(ValueError, match=r"key of shape \(S, 4\), and got shape \(3, 2, 4\)"):
        layer(one, batch, batch)
    with pytest.raises(ValueError, match=r"value of shape \(3, 4\), and got shape \(2, 4\)"):
        layer(one, one, one[:2])
    with pytest.raises(ValueError, match=r"attn_mask of shape \(3, 3\) or \(4, 3, 3\), and got shape \(2, 3, 3\)"):
        layer(batch, batch, batch, attn_mask=np.zeros((2, 3, 3), bool))
    with pytest.raises(ValueError, match=r"key_padding_mask of shape \(2, 3\), and got shape \(3,\)"):
        layer(batch, batch, batch, key_padding_mask=[True, False, False])
    with pytest.raises(TypeError, match="True is left out"):
        layer(one, one, one, key_padding_mask=[1, 0, 0])
    with pytest.raises(ValueError, match="4 heads cannot share 6 features"):
        nn.MultiheadAttention(6, 4)
    with pytest.raises(ValueError, match="num_heads is at least 1"):
        nn.MultiheadAttention(6, 0)
    with pytest.raises(TypeError, match="batch_first is True or False, not 'no'"):
        nn.MultiheadAttention(6, 2, batch_first="no")
    with pytest.raises(TypeError, match="bias is True or False, not 8"):
        nn.MultiheadAttention(6, 2, 0.0, 8)
    with pytest.raises(ValueError, match="add_zero_attn"):
        nn.MultiheadAttention(6, 2, add_zero_attn=True)


def test_weights_are_dropped_by_a_seed():
    q = np.random.default_rng(0).normal(size=(6, 4))
    _, kept = nn.scaled_dot_product_attention(q, q, q, need_weights=True)
    _, first = nn.scaled_dot_product_attention(q, q, q, need_weights=True, dropout_p=0.5, seed=1)
    _, again = nn.scaled_dot_product_attention(q, q, q, need_weights=True, dropout_p=0.5, seed=1)
    assert str(first) == str(again)
    factors = np.vectorize(float)(first) / np.vectorize(float)(kept)
    assert set(np.round(factors.ravel(), 12)) == {0.0, 2.0}


def test_what_is_not_built_is_refused_in_its_place():
    assert nn.MultiheadAttention(4, 2, 0.0, True, False, False, 3, 5, True).batch_first
    with pytest.raises(ValueError, match="leave add_bias_kv"):
        nn.MultiheadAttention(4, 2, 0.0, True, True)
