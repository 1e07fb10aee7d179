from math import inf

from .case import Case


def with_masks(name, *args, **options):
    """PyTorch's layer, called with masks that are lists."""

    def made(torch):
        layer = getattr(torch.nn, name)(*args, **options)
        own = layer.forward
        layer.forward = lambda *inputs, **call: own(*inputs, **{key: as_mask(torch, x) for key, x in call.items()})
        return layer

    return made


def as_mask(torch, x):
    """A list as a tensor of bools or float64; what is no list, as it is."""
    if not isinstance(x, list):
        return x
    return torch.tensor(x, dtype=torch.bool if isinstance(x[0][0], bool) else torch.float64)


def masked(layer, args, options, **more):
    """A row whose call has masks."""
    return Case(layer, args, options, torch=with_masks(layer, *args, **options), **more)


def attention(args, options=None, **more):
    """A row for self-attention, 3 positions of 6 features; in a batch of 2."""
    middle = 2 if (options or {}).get("batch_first") else 3
    batched = None if middle == 2 else [(3, 2, 6)] * 3
    return masked("MultiheadAttention", args, options or {}, shapes=[(3, 6)] * 3, batched=batched, **more)


def block(args, options=None, **more):
    """A row for a transformer block, 3 positions of 4 features; in a batch of 2."""
    options = {"dropout": 0.0} | (options or {})
    batched = None if options.get("batch_first") else [(3, 2, 4)]
    return masked("TransformerEncoderLayer", (4, *args), options, shapes=[(3, 4)], batched=batched, **more)


CAUSAL = [[False, True, True], [False, False, True], [False, False, False]]  # PyTorch: True is left out
ADDED = [[0.0, -0.5, -inf], [1.5, 0.0, 0.25], [-inf, 0.0, -1.0]]

CASES = [
    attention((6, 2)),
    attention((6, 3), {"batch_first": True}),
    attention((6, 1), {"bias": False}),
    attention((6, 6), {"batch_first": True}, call={"average_attn_weights": False}),
    attention((6, 2), call={"attn_mask": CAUSAL}),
    attention((6, 2), {"batch_first": True}, call={"attn_mask": ADDED}),
    attention((6, 2), {"dropout": 0.4}, random=True),
    Case(
        "MultiheadAttention",
        (6, 2),
        {"kdim": 3, "vdim": 5},
        shapes=[(2, 6), (4, 3), (4, 5)],
        batched=[(2, 3, 6), (4, 3, 3), (4, 3, 5)],
    ),
    Case(
        "MultiheadAttention",
        (4, 2),
        {"kdim": 3, "bias": False, "batch_first": True},
        shapes=[(1, 4), (3, 3), (3, 4)],
    ),
    block((2, 5)),
    block((1, 3), {"batch_first": True, "norm_first": True}),
    block((4, 2), {"activation": "gelu", "bias": False, "layer_norm_eps": 1e-3}),
    block((2, 3), {"batch_first": True}, call={"src_mask": CAUSAL}),
    block((2, 3), {"norm_first": True}, call={"src_mask": ADDED, "is_causal": False}),
    block((2, 3), {"dropout": 0.3}, random=True),
]
