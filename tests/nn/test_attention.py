"""Attention and the transformer's block: masks in every form, laws, what they refuse."""

import math
import random
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
import nn
from engine import Value, dot, leaves, sum, topological_sort
from engine.nested import flat
from engine.nested import shape as shape_of
from nn.draws import recorded_draws

from .case import as_leaves, data, weights

INF = math.inf
numbers = st.floats(-8.0, 8.0)
seeds = st.integers(0, 2**32 - 1)


def arrays(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def close(ours, theirs):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-12 * np.max(np.abs(theirs), initial=0.0) + 1e-300)


def grads(tree):
    return np.reshape([v.grad for v in flat(tree)], shape_of(tree))


def loss(tree):
    """The product of all the numbers with fixed ones."""
    entries = flat(tree)
    return dot(weights(len(entries)), entries)


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
    loss(out).backward()
    torch_loss(torch, [expected]).backward()
    for mine, their in zip(ours, theirs, strict=True):
        close(grads(mine), their.grad.numpy())


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


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_blocks_padding_is_pytorchs(norm_first):
    torch = pytest.importorskip("torch")
    layer = nn.TransformerEncoderLayer(4, 2, 3, batch_first=True, norm_first=norm_first, seed=1).eval()
    theirs = torch.nn.TransformerEncoderLayer(4, 2, 3, batch_first=True, norm_first=norm_first, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    (x,) = arrays(3, (2, 3, 4))
    padding = np.array([[False, False, True], [False, True, False]])
    mask = np.triu(np.ones((3, 3), bool), 1)
    expected = theirs.eval()(torch.tensor(x), torch.tensor(mask), torch.tensor(padding), is_causal=True)
    close(data(layer(x, mask, padding)), expected.detach().numpy())
    close(data(layer(x, None, padding, is_causal=True)), expected.detach().numpy())


def test_sure_attention_keeps_its_digits():
    """Where one weight is nearly 1 the textbook's p·(g − Σ g·p) loses all digits; ours keeps them."""
    mpmath = pytest.importorskip("mpmath")
    q, k, v = arrays(5, (4, 2), (4, 2), (4, 3))
    q *= 60.0
    ours = as_leaves(q)
    loss(nn.scaled_dot_product_attention(ours, k, v)).backward()
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
    loss(out[1]).backward()
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


# ------------------------------------------------------------------------------ masks that leave out all, or are Values


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
    loss(out).backward()
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


def test_the_seed_gives_the_masks():
    x = arrays(0, (3, 4))[0]
    first, second, other = (nn.TransformerEncoderLayer(4, 2, 3, seed=seed) for seed in (5, 5, 6))
    other.load_state_dict(first.state_dict())
    a, b, c = (data(layer(x)) for layer in (first, second, other))
    np.testing.assert_array_equal(a, b)
    assert np.any(a != c)
    assert np.any(a != data(first(x)))  # the next call draws anew
    with recorded_draws() as draws:
        first(x)
    assert len(draws) == 2 * 9 + 2 * 12 + 9  # weights of two heads, both outputs, the hidden layer


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
    named = {v.name for v in topological_sort(loss(block(x)))}
    assert named >= {
        "self_attn.q[1][3]", "self_attn.k[0][0]", "self_attn.v[1][2]", "self_attn.heads[1].weights[0][1]",
        "self_attn.heads[0].out[1][1]", "self_attn.out_proj.out[3]", "attended[1][0]", "linear1.out[2]",
        "hidden[0][2]", "linear2.out[3]", "fed_forward[1][3]",
    }  # fmt: skip
    layer = nn.MultiheadAttention(4, 2, seed=0)
    assert layer(x, x, x)[1][1][0].name == "weights[1][0]"


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "silu"])
def test_a_block_takes_activations_by_name_and_functions(name):
    x = arrays(0, (2, 4))[0]
    by_name = nn.TransformerEncoderLayer(4, 2, 3, 0.0, name, seed=0)
    by_function = nn.TransformerEncoderLayer(4, 2, 3, 0.0, getattr(engine, name), seed=0)
    np.testing.assert_array_equal(data(by_name(x)), data(by_function(x)))


def test_blocks_stand_one_after_the_other():
    blocks = [nn.TransformerEncoderLayer(4, 2, 3, batch_first=True, seed=i).eval() for i in range(3)]
    x = arrays(0, (2, 3, 4))[0]
    expected = x
    for block in blocks:
        expected = data(block(expected))
    np.testing.assert_allclose(data(nn.Sequential(*blocks)(x)), expected, rtol=1e-12)
    assert all(a.state_dict().keys() == b.state_dict().keys() for a, b in pairwise(blocks))


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
    with pytest.raises(TypeError, match="positional"):
        nn.MultiheadAttention(6, 2, 0.0, True, False)
    with pytest.raises(TypeError, match="add_zero_attn"):
        nn.MultiheadAttention(6, 2, add_zero_attn=True)


def test_an_error_says_where_the_layer_is():
    model = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 3, seed=0))
    message = r"TransformerEncoderLayer\(d_model=4.*\) \(at layers\[0\]\) takes src of shape \(L, N, 4\) or, alone,"
    with pytest.raises(ValueError, match=message):
        model([[1.0, 2.0, 3.0]])
