"""A layer as a row of a table: how it is made, what it takes. test_layers.py holds every row to the same promises.

A file `cases_<family>.py` has a list `CASES` of these rows; to add a layer is to add its rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import nn
from engine import Value, no_grad
from engine.nested import flat


@dataclass(frozen=True)
class Case:
    """One layer, built with the same arguments here and in PyTorch.

    layer     its name in nn and in torch.nn
    args      what it is built with, and `options` by keyword
    shapes    the shape of each input for one example; None for a list of them that `inputs` makes
    batched   the same for a batch, or None for 3 examples in front of each
    call      keywords of the call, here and in PyTorch
    inputs    makes the inputs from (shape, rng) where they are not plain numbers: integers for an embedding
    example   False where the layer does not take a single example (batch norm in training)
    joint     True where the examples of a batch see one another (batch norm), so that a batch is not its examples
    random    True where the layer draws in training: it is compared with PyTorch in evaluation mode alone
    wrong     a shape of the first input that it must refuse; None if it takes any
    torch     how PyTorch's is made and called, where it is another way: made(torch) gives a module or function
    """

    layer: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    shapes: Sequence[tuple[int, ...]] = ()
    batched: Sequence[tuple[int, ...]] | None = None
    call: dict[str, Any] = field(default_factory=dict)
    inputs: Callable[[tuple[int, ...], random.Random], Any] | None = None
    example: bool = True
    joint: bool = False
    random: bool = False
    wrong: tuple[int, ...] | None = (1,) * 7
    torch: Callable[[Any], Any] | None = None

    def __str__(self) -> str:
        said = [*(repr(a) for a in self.args), *(f"{k}={v!r}" for k, v in (self.options | self.call).items())]
        return f"{self.layer}({', '.join(said)}) on {' '.join(str(s).replace(' ', '') for s in self.shapes)}"

    def build(self, seed: int = 0) -> nn.Module:
        """The layer, with every parameter and buffer filled with seeded numbers (so that no 0 or 1 hides a mistake)."""
        layer: nn.Module = getattr(nn, self.layer)(*self.args, **self.options)
        rng = np.random.default_rng(seed)
        state = layer.state_dict()
        for name, array in state.items():
            if array.dtype.kind == "f":
                positive = "var" in name
                state[name] = rng.uniform(0.5, 1.5, array.shape) if positive else rng.normal(0.0, 0.7, array.shape)
        layer.load_state_dict(state)
        return layer

    def shapes_of(self, batch: bool) -> Sequence[tuple[int, ...]]:
        """The shapes of the inputs: of one example, or of a batch of three."""
        if not batch:
            return self.shapes
        return self.batched if self.batched is not None else [(3, *shape) for shape in self.shapes]

    def numbers(self, batch: bool, seed: int = 1) -> list[Any]:
        """The inputs as NumPy arrays."""
        rng = random.Random(seed)
        made = self.inputs or (
            lambda shape, rng: np.reshape([rng.gauss(0, 1) for _ in range(np.prod(shape, dtype=int))], shape)
        )
        return [np.asarray(made(shape, rng)) for shape in self.shapes_of(batch)]


def as_leaves(array: np.ndarray) -> Any:
    """Nested lists of Values with the numbers of an array."""
    return [as_leaves(part) for part in array] if array.ndim else Value(float(array))


def data(tree: Any) -> Any:
    """Nested lists of Values (or tuples of them) as arrays, a tuple as a tuple."""
    if isinstance(tree, tuple):
        return tuple(data(part) for part in tree)
    if isinstance(tree, np.ndarray):
        return tree
    with no_grad():
        return np.array(nested(tree, float))


def nested(tree: Any, read: Callable[[Any], Any]) -> Any:
    """Nested lists with `read` of each leaf."""
    return [nested(part, read) for part in tree] if isinstance(tree, list | tuple) else read(tree)


def outputs(out: Any) -> list[Value]:
    """All the Values of an output, in order."""
    return [v for v in flat(out) if isinstance(v, Value)]


def weights(n: int) -> list[float]:
    """n fixed numbers: the loss is their product with the outputs, so that every output has a slope of its own."""
    rng = random.Random(n)
    return [rng.uniform(-1.0, 1.0) for _ in range(n)]
