"""Numbers and gradients beside PyTorch's."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import nn
from engine import Value, dot, replay
from engine.nested import flat
from engine.nested import shape as shape_of

from .case import as_leaves, data, weights

REDUCTIONS = ("mean", "sum", "none")


def arrays(seed: int, *shapes: tuple[int, ...]) -> list[Any]:
    """Seeded numbers in these shapes."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def close(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    """Equal to 1e-12 of the number, or of the largest beside it."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    scale = np.maximum(np.abs(theirs), np.max(np.abs(theirs), initial=0.0))
    assert np.all(np.abs(ours - theirs) <= tolerance * scale + 1e-300), (ours, theirs)


def grads(tree: Any) -> Any:
    """The gradients of nested lists of Values, as an array."""
    return np.reshape([v.grad for v in flat(tree)], shape_of(tree))


def total(out: Any) -> Value:
    """One number of a loss; of reduction="none" the entries times fixed numbers."""
    values = flat(out)
    return dot(weights(len(values)), values)


def agree(name: str, *arrays: Any, frozen: tuple[Any, ...] = (), **options: Any) -> None:
    """The loss and its gradient with respect to every array, but those of names `frozen`, equal PyTorch's."""
    torch = pytest.importorskip("torch")
    theirs_of = getattr(torch.nn.functional, {"bce_with_logits": "binary_cross_entropy_with_logits"}.get(name, name))
    given = dict(enumerate(map(np.asarray, arrays))) | {k: v for k, v in options.items() if isinstance(v, np.ndarray)}
    smooth = {key: array.dtype.kind == "f" and key not in frozen for key, array in given.items()}
    ours = {key: as_leaves(array) if smooth[key] else array.tolist() for key, array in given.items()}
    theirs = {key: torch.tensor(array, requires_grad=smooth[key]) for key, array in given.items()}

    def called(loss: Any, inputs: Any) -> Any:
        rest = options | {key: inputs[key] for key in inputs if isinstance(key, str)}
        return loss(*(inputs[i] for i in range(len(arrays))), **rest)

    out, expected = called(getattr(nn, name), ours), called(theirs_of, theirs)
    close(data(out), expected.detach().numpy())
    total(out).backward()
    numbers = expected.reshape(-1)
    (numbers * torch.tensor(weights(len(numbers)), dtype=torch.float64)).sum().backward()
    for key in given:
        if smooth[key]:
            gradient = grads(ours[key])
            close(gradient, np.zeros_like(gradient) if theirs[key].grad is None else theirs[key].grad.numpy())


@st.composite
def distributions(draw: Any, n: int | None = None) -> list[float]:
    """Numbers from 0 to 1 with the sum 1."""
    n = n or draw(st.integers(2, 5))
    shares = draw(st.lists(st.floats(0.0, 1.0), min_size=n, max_size=n).filter(lambda ws: sum(ws) > 1e-3))
    return [share / math.fsum(shares) for share in shares]


def computes_again(name: str, arrays: tuple[Any, ...], options: dict[str, Any]) -> None:
    """The graph of one batch, computed again with the numbers of another, gives the loss of that other.

    The other has the examples in another order and, but for classes, other numbers: the order alone would leave
    the mean as it was.
    """
    options = {key: option for key, option in options.items() if key != "frozen"}
    others = [array[::-1] * (0.9 if array.dtype.kind == "f" else 1) for array in arrays]
    inputs = [as_leaves(np.asarray(array, float)) for array in arrays]
    loss, other = (getattr(nn, name)(*of, **options) for of in (inputs, [np.asarray(a, float) for a in others]))
    assert loss.data != other.data or loss.data == 0.0
    again = replay(loss, dict(zip(flat(inputs), map(float, flat(others)), strict=True)))
    assert again == pytest.approx(other.data, rel=1e-12)
