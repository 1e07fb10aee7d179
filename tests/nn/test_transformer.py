"""The transformer's block: its padding, its draws, its activations, blocks on one another, what it refuses."""

from itertools import pairwise

import numpy as np
import pytest

import engine
import nn
from engine.draws import recorded_draws

from .agreement import arrays, close
from .case import data


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


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "silu"])
def test_a_block_takes_activations_by_name_and_functions(name):
    x = arrays(0, (2, 4))[0]
    by_name = nn.TransformerEncoderLayer(4, 2, 3, 0.0, name, seed=0)
    by_function = nn.TransformerEncoderLayer(4, 2, 3, 0.0, getattr(engine, name), seed=0)
    np.testing.assert_array_equal(data(by_name(x)), data(by_function(x)))


def test_an_activation_with_weights_is_saved_under_pytorchs_name():
    torch = pytest.importorskip("torch")
    layer = nn.TransformerEncoderLayer(4, 2, 3, 0.0, nn.PReLU(), seed=0)
    theirs = torch.nn.TransformerEncoderLayer(4, 2, 3, 0.0, torch.nn.PReLU()).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    x = arrays(0, (3, 4))[0]
    close(data(layer(x)), theirs(torch.tensor(x)).detach().numpy())


def test_blocks_stand_one_after_the_other():
    blocks = [nn.TransformerEncoderLayer(4, 2, 3, batch_first=True, seed=i).eval() for i in range(3)]
    x = arrays(0, (2, 3, 4))[0]
    expected = x
    for block in blocks:
        expected = data(block(expected))
    np.testing.assert_allclose(data(nn.Sequential(*blocks)(x)), expected, rtol=1e-12)
    assert all(a.state_dict().keys() == b.state_dict().keys() for a, b in pairwise(blocks))


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((0, 2), {}, "d_model is at least 1, not 0"),
        ((4, 0), {}, "nhead is at least 1, not 0"),
        ((4, 2, 0), {}, "dim_feedforward is at least 1, not 0"),
        ((4, 2.0), {}, "nhead is a whole number"),
        ((4, 2, 8), {"batch_first": "no"}, "batch_first is True or False"),
        ((4, 2, 8), {"norm_first": None}, "norm_first is True or False"),
    ],
)
def test_a_block_refuses_an_option_by_its_own_name(sizes, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        nn.TransformerEncoderLayer(*sizes, **options)


def test_only_an_error_writes_the_layer_out():
    class Block(nn.TransformerEncoderLayer):
        def __repr__(self):  # of a large block it looks through all weights, longer than the answer takes
            raise AssertionError("written")

    class Attention(nn.MultiheadAttention):
        __repr__ = Block.__repr__

    x = arrays(0, (3, 4))[0]
    block = Block(4, 2, 3, dropout=0.0, seed=0)
    block(x, src_key_padding_mask=[False, True, False], is_causal=True)
    Attention(4, 2, seed=0)(x, x, x, attn_mask=np.zeros((3, 3)))
    with pytest.raises(AssertionError, match="written"):
        block([[1.0, 2.0, 3.0]])


def test_an_error_says_where_the_layer_is():
    model = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 3, seed=0))
    message = r"TransformerEncoderLayer\(d_model=4.*\) \(at layers\[0\]\) takes src of shape \(L, N, 4\) or, alone,"
    with pytest.raises(ValueError, match=message):
        model([[1.0, 2.0, 3.0]])
