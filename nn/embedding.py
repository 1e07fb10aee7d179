"""Embedding: a table with a row of numbers for each word, and the index of a word looks its row up."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine import Value, take
from engine.nested import shape as shape_of
from nn.init import Seed, generator
from nn.module import Module
from nn.shapes import called, count


class Embedding(Module):
    """weight[index], weight of shape (num_embeddings, embedding_dim): the same as one_hot(index)·weight.

    Takes an index from 0 to num_embeddings − 1, or a list, matrix, ... of them, (...); gives (..., embedding_dim).
    For a plain number these are the parameters of the row themselves. For a Value they are computed (`take`), so that
    a program can have the index as its input; no gradient reaches an index.

    Weights begin in N(0, 1). The row `padding_idx` begins at 0 and never takes a gradient; counted from the end if it
    is negative, as in PyTorch. (Bengio et al. 2003.)

    Raises:
        IndexError: for an index that is out of range, a negative one too.
        TypeError: for an index that is not a whole number.
        ValueError: for a size below 1, a padding_idx that is no row, rows of indices of different lengths, or a
            max_norm, which is not built.

    >>> layer = Embedding(10, 3, seed=0)
    >>> layer
    Embedding(10, 3)
    >>> [v.name for v in layer(7)]
    ['weight[7][0]', 'weight[7][1]', 'weight[7][2]']
    >>> rows = layer([[1, 2, 3, 4], [5, 6, 7, 8]])
    >>> len(rows), len(rows[0]), len(rows[0][0])
    (2, 4, 3)
    """

    example_axes = 1  # in a Sequential: a context of several words; a batch is a list of these

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        *,
        seed: Seed = None,
    ) -> None:
        if max_norm is not None:
            raise ValueError(f"Embedding keeps the rows as they are; leave max_norm=None, and not {max_norm!r}")
        self.num_embeddings = rows = count("num_embeddings", num_embeddings)
        self.embedding_dim = count("embedding_dim", embedding_dim)
        self.padding_idx = None if padding_idx is None else _row("padding_idx", padding_idx, rows)
        rng = generator(seed)
        self.weight = [[Value(rng.gauss(0.0, 1.0)) for _ in range(embedding_dim)] for _ in range(rows)]
        for v in self._padding():
            v.data = 0.0

    @classmethod
    def from_pretrained(cls, embeddings: npt.ArrayLike, freeze: bool = True, padding_idx: int | None = None) -> Self:
        """An embedding with the rows of this matrix as its weight; frozen, unless `freeze` is False.

        Raises:
            ValueError: for anything but a matrix.

        >>> [v.data for v in Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])(1)]
        [3.0, 4.0]
        """
        matrix = np.asarray(embeddings, dtype=np.float64)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                f"from_pretrained takes a matrix (num_embeddings, embedding_dim), not shape {matrix.shape}"
            )
        layer = cls(matrix.shape[0], matrix.shape[1], padding_idx, seed=0)
        layer.load_state_dict({"weight": matrix})
        return layer.requires_grad_(not freeze)

    def forward(self, input: Any) -> Any:
        """The rows of these indices."""
        self._padding()
        if shape_of(input) is None:
            raise ValueError(f"{called(self)} takes indices of any shape (...), and got rows of different lengths")
        return self.name_nodes(self._looked_up(input), "out")

    def _looked_up(self, index: Any) -> Any:
        if isinstance(index, np.ndarray):
            index = index.tolist()
        if isinstance(index, list | tuple | range):
            return [self._looked_up(part) for part in index]
        row = self._checked(index)
        if not isinstance(index, Value):
            return list(self.weight[row])
        return [take(column, index) for column in zip(*self.weight, strict=True)]

    def _checked(self, index: Any) -> int:
        """The number of the row that is asked for."""
        number = index.data if isinstance(index, Value) else index
        kinds = int | float | np.integer | np.floating
        if isinstance(number, bool) or not isinstance(number, kinds) or not float(number).is_integer():
            raise TypeError(
                f"{called(self)} takes indices, whole numbers from 0 to {self.num_embeddings - 1}, not {index!r}"
            )
        if not 0 <= number < self.num_embeddings:
            raise IndexError(f"{called(self)} has the rows 0 to {self.num_embeddings - 1}, and was asked for {index!r}")
        return int(number)

    def _padding(self) -> list[Value]:
        """The row for padding, frozen: a model that is thawed as a whole must not thaw it."""
        padding = [] if self.padding_idx is None else self.weight[self.padding_idx]
        for v in padding:
            v.requires_grad = False
        return padding

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


def _row(name: str, index: Any, rows: int) -> int:
    """The row of that index; a negative one counts from the end."""
    row = count(name, index, -rows)
    if row >= rows:
        raise ValueError(f"{name} is one of the {rows} rows, at most {rows - 1}, not {row}")
    return row % rows
