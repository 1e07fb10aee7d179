"""Normalization: numbers shifted to mean 0 and scaled to variance 1, then scaled and shifted by learned numbers.

The layers differ in which numbers share a mean: those of a channel over the whole batch (BatchNorm), those of one
example (LayerNorm, RMSNorm), or those of a group of its channels (GroupNorm).

Glossary: C channels; mean and var of the numbers that share them, std = √(var + eps).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value, dot, mean, sqrt, var
from engine.draws import drawn
from engine.nested import flat, rebuilt
from engine.nested import shape as shape_of
from nn.batch_statistics import Statistics, record
from nn.module import Module, Tensor
from nn.shapes import Shape, called, checked, count, over, over_batch, values, written


class _BatchNorm(Module):
    """What BatchNorm1d and BatchNorm2d share: all but the shapes they take."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        self.num_features, self.eps = count("num_features", num_features), _eps(eps)
        if momentum is not None and not 0.0 <= momentum <= 1.0:
            raise ValueError(f"momentum is a number from 0 to 1, or None for the mean of all batches, not {momentum!r}")
        self.momentum, self.affine, self.track_running_stats = momentum, affine, track_running_stats
        self.weight = _filled((num_features,), 1.0) if affine else None
        self.bias = _filled((num_features,), 0.0) if affine and bias else None
        self.running_mean: Any = np.zeros(num_features) if track_running_stats else None
        self.running_var: Any = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked: Any = np.zeros((), dtype=np.int64) if track_running_stats else None

    @property
    def joins_batch(self) -> bool:
        """Whether it normalizes by the batch: in training, and where it remembers nothing."""
        return self.training or self.running_mean is None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        x, axes = self._checked(x)
        return self.of_batch(x) if axes else self.of_batch([x])[0]

    def _checked(self, x: Any) -> tuple[Tensor, int]:
        """(x as nested lists of Values, 1 for a batch or 0 for one example); a subclass knows the shapes."""
        raise NotImplementedError

    def of_batch(self, x: list[Any]) -> list[Any]:
        """The same for a batch (batch, C, ...) that is checked already."""
        channels = [list(parts) for parts in zip(*x, strict=True)]
        if self.joins_batch:
            means, variances = self._of_batch(channels)
        else:
            means, variances = self._remembered("running_mean"), self._remembered("running_var")
        stds = self.name_nodes([sqrt(v + self.eps) for v in variances], "std")
        n = self.num_features
        rows = zip(channels, means, stds, _or_none(self.weight, n), _or_none(self.bias, n), strict=True)
        out = [_each(part, m, std, weight, bias) for part, m, std, weight, bias in rows]
        if self.training and self.running_mean is not None:
            self._track(means, variances, len(flat(channels[0])))
        return [self.name_nodes(list(parts), "out") for parts in zip(*out, strict=True)]

    def _of_batch(self, channels: list[Any]) -> tuple[list[Value], list[Value]]:
        numbers = [flat(part) for part in channels]
        _require_several(
            self, len(numbers[0]), [len(channels[0]), self.num_features, *(shape_of(channels[0][0]) or ())]
        )
        return self.name_nodes([mean(xs) for xs in numbers], "mean"), self.name_nodes(
            [var(xs) for xs in numbers], "var"
        )

    def _remembered(self, name: str) -> list[Value]:
        """A running statistic as leaves that take no gradient; a program reads them at each call."""
        place = self.place(name)
        return [drawn(partial(self._statistic, name, c), f"{place}[{c}]") for c in range(self.num_features)]

    def _statistic(self, name: str, channel: int) -> float:
        return float(getattr(self, name)[channel])

    def _track(self, means: list[Value], variances: list[Value], numbers: int) -> None:
        """Follow the batch, and say what it was to whoever records it."""
        record(Statistics(self, means, variances, numbers))
        self.follow([m.data for m in means], [v.data for v in variances], numbers)

    def follow(self, means: npt.ArrayLike, variances: npt.ArrayLike, numbers: int) -> None:
        """running ← (1 − f)·running + f·(the batch's), f the momentum, or 1/(batches so far) where that is None.

        `means` and `variances`, both of shape (C,), are those of a batch with so many numbers in each channel.
        """
        self.num_batches_tracked += 1
        f = 1.0 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased = np.asarray(variances) * (numbers / (numbers - 1))
        self.running_mean[...] = (1.0 - f) * self.running_mean + f * np.asarray(means)
        self.running_var[...] = (1.0 - f) * self.running_var + f * unbiased

    def extra_repr(self) -> str:
        """Its sizes and options, as PyTorch prints them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """y = (x − mean)/√(var + eps)·weight + bias, mean and var of each channel over the batch (Ioffe & Szegedy 2015).

    Takes (batch, C) or (batch, C, length), C = num_features; or one example, (C,) or (C, length), which is a batch of
    one. Where two axes could be either, they are (batch, C), as in PyTorch.

    The variance that normalizes is Σ(x − mean)²/n. In training the running statistics follow the batch's, under no_grad
    too: running ← (1 − momentum)·running + momentum·(the batch's), the variance there Σ(x − mean)²/(n − 1); with
    momentum=None they are the mean of all batches. In evaluation the running statistics normalize, or, with
    track_running_stats=False, the batch's as before. Without `affine` there is no weight and no bias, and `bias`
    leaves out the bias alone.

    Raises:
        ValueError: for another shape, a momentum outside [0, 1], or one number per channel where the batch normalizes.

    >>> norm = BatchNorm1d(2)
    >>> out = norm([[1.0, 10.0], [3.0, 50.0]])
    >>> [[round(v.data, 4) for v in row] for row in out]
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> norm.running_mean.tolist()
    [0.2, 3.0]
    """

    needs_batch = True  # of two axes the first is the batch

    def _checked(self, x: Any) -> tuple[Tensor, int]:
        """(x as nested lists of Values, 1 for a batch or 0 for one example)."""
        x = values(x)
        shape = shape_of(x) or ()
        if len(shape) > 2:
            return checked(self, x, ("batch", self.num_features, "length"))[0], 1
        if len(shape) == 2 and not _is_batch(shape, self.num_features):
            return x, 0
        return checked(self, x, (self.num_features,), axes=1)


class BatchNorm2d(_BatchNorm):
    """y = (x − mean)/√(var + eps)·weight + bias, mean and var of each channel over all pixels of the batch.

    Takes (batch, C, height, width), C = num_features, or one image (C, height, width), which is a batch of one. All
    else is as in BatchNorm1d (Ioffe & Szegedy 2015).

    Raises:
        ValueError: for another shape, a momentum outside [0, 1], or one number per channel where the batch normalizes.

    >>> norm = BatchNorm2d(1)
    >>> [[[[round(v.data, 4) for v in row] for row in c] for c in image] for image in norm([[[[1.0, 3.0]]]])]
    [[[[-1.0, 1.0]]]]
    """

    example_axes = 3

    def _checked(self, x: Any) -> tuple[Tensor, int]:
        """(x as nested lists of Values, 1 for a batch or 0 for one example)."""
        return checked(self, x, (self.num_features, "height", "width"), axes=1)


class LayerNorm(Module):
    """y = (x − mean)/√(var + eps)·weight + bias, mean and var of one example (Ba, Kiros & Hinton 2016).

    Takes (..., *normalized_shape), and normalizes over the axes of normalized_shape, an int or several; weight and bias
    have that shape. The variance is Σ(x − mean)²/n. Without `elementwise_affine` there is neither; `bias` leaves out
    the bias alone.

    Raises:
        ValueError: for an input of another shape, or a size below 1.

    >>> [round(v.data, 4) for v in LayerNorm(3)([1.0, 2.0, 3.0])]
    [-1.2247, 0.0, 1.2247]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape, self.eps = _sizes(normalized_shape), _eps(eps)
        self.elementwise_affine = elementwise_affine
        self.weight = _filled(self.normalized_shape, 1.0) if elementwise_affine else None
        self.bias = _filled(self.normalized_shape, 0.0) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, self.normalized_shape, self.of_one, axes=None)

    def of_one(self, x: list[Any]) -> list[Any]:
        """The same for one example that is checked already."""
        xs = flat(x)
        m, v = self.name_nodes(mean(xs), "mean"), self.name_nodes(var(xs), "var")
        std = self.name_nodes(sqrt(v + self.eps), "std")
        rows = zip(xs, _or_none(self.weight, len(xs)), _or_none(self.bias, len(xs)), strict=True)
        out = [_affine((number - m) / std, weight, bias) for number, weight, bias in rows]
        return self.name_nodes(rebuilt(x, out), "out")  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Its sizes and options, as PyTorch prints them."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = x/√(mean(x²) + eps)·weight: scaled, not shifted (Zhang & Sennrich 2019).

    Takes (..., *normalized_shape), and normalizes over the axes of normalized_shape, an int or several; the weight has
    that shape. eps=None is the spacing of floats at 1, 2.2e-16, as PyTorch has it for float64.

    Raises:
        ValueError: for an input of another shape, or a size below 1.

    >>> [round(v.data, 4) for v in RMSNorm(2)([3.0, 4.0])]
    [0.8485, 1.1314]
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        self.normalized_shape, self.eps = _sizes(normalized_shape), None if eps is None else _eps(eps)
        self.elementwise_affine = elementwise_affine
        self.weight = _filled(self.normalized_shape, 1.0) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, self.normalized_shape, self.of_one, axes=None)

    def of_one(self, x: list[Any]) -> list[Any]:
        """The same for one example that is checked already."""
        xs, eps = flat(x), float(np.finfo(float).eps) if self.eps is None else self.eps
        mean_square = self.name_nodes(dot(xs, xs) / len(xs), "mean_square")
        rms = self.name_nodes(sqrt(mean_square + eps), "rms")
        weights = _or_none(self.weight, len(xs))
        out = [_affine(number / rms, weight, None) for number, weight in zip(xs, weights, strict=True)]
        return self.name_nodes(rebuilt(x, out), "out")  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Its sizes and options, as PyTorch prints them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """y = (x − mean)/√(var + eps)·weight + bias, mean and var of each group of channels of an example (Wu & He 2018).

    Takes (batch, C, ...), C = num_channels, with any axes after the channels, or one example (C, ...). Where the shape
    could be either, the first axis is the batch, as in PyTorch.

    The channels are cut into num_groups groups of neighbours; weight and bias are one number per channel. One group
    normalizes as LayerNorm does, C groups each channel alone.

    Raises:
        ValueError: for another shape, groups that do not divide the channels, or one number per group in all.

    >>> norm = GroupNorm(2, 4)
    >>> [[round(v.data, 2) for v in row] for row in norm([[1.0, 3.0, 10.0, 90.0]])]
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    needs_batch = True  # of two axes or more the first is the batch

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        self.num_groups, self.num_channels = count("num_groups", num_groups), count("num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(f"num_groups divides num_channels, and {num_groups} does not divide {num_channels}")
        self.eps, self.affine = _eps(eps), affine
        self.weight = _filled((num_channels,), 1.0) if affine else None
        self.bias = _filled((num_channels,), 0.0) if affine and bias else None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        x = values(x)
        shape = shape_of(x) or ()
        batch = _is_batch(shape, self.num_channels)
        channels = ["batch", self.num_channels] if batch else [self.num_channels]
        wanted: Shape = [*channels, *["size"] * (len(shape) - len(channels))]
        x, _ = checked(self, x, wanted)
        _require_several(self, math.prod(shape) // self.num_groups, shape)
        return over(self.of_one, x, int(batch))

    def of_one(self, x: list[Any]) -> list[Any]:
        """The same for one example (C, ...) that is checked already."""
        size = self.num_channels // self.num_groups
        groups = [flat(x[first : first + size]) for first in range(0, self.num_channels, size)]
        means = self.name_nodes([mean(xs) for xs in groups], "mean")
        variances = self.name_nodes([var(xs) for xs in groups], "var")
        stds = self.name_nodes([sqrt(v + self.eps) for v in variances], "std")
        rows = enumerate(zip(x, _or_none(self.weight, len(x)), _or_none(self.bias, len(x)), strict=True))
        out = [_each(part, means[c // size], stds[c // size], weight, bias) for c, (part, weight, bias) in rows]
        return self.name_nodes(out, "out")  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Its sizes and options, as PyTorch prints them."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


# ------------------------------------------------------------------------------ what the layers share


def _is_batch(shape: Sequence[int], channels: int) -> bool:
    """Whether the first axis is the batch: it is, unless it alone can be that of the channels."""
    return len(shape) > 1 and not (shape[0] == channels != shape[1])


def _each(part: Tensor, m: Value, std: Value, weight: Value | None, bias: Value | None) -> Tensor:
    """(x − m)/std·weight + bias of every number in a nested list."""
    return rebuilt(part, [_affine((x - m) / std, weight, bias) for x in flat(part)])


def _affine(x: Value, weight: Value | None, bias: Value | None) -> Value:
    """x·weight + bias, of these what there is."""
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias


def _or_none(tensor: Tensor | None, n: int) -> list[Value | None]:
    """The n parameters in order; where there are none, n times None."""
    return [None] * n if tensor is None else flat(tensor)


def _require_several(module: Module, n: int, shape: Sequence[int]) -> None:
    """Refuse to normalize one number by itself: it would be 0 whatever it is."""
    if n == 1:
        cure = "; give a larger batch, or call eval()" if isinstance(module, _BatchNorm) and module.training else ""
        only = f"takes the mean of more than one number, and got shape {written(shape)}"
        raise ValueError(f"{called(module)} {only}{cure}")


def _filled(sizes: Sequence[int], number: float) -> Tensor:
    """Parameters of this shape, all with one number."""
    return [_filled(sizes[1:], number) for _ in range(sizes[0])] if sizes else Value(number)


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    given = normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if not given:
        raise ValueError("normalized_shape is a whole number or several, and got none")
    return tuple(count("normalized_shape", n) for n in given)


def _eps(eps: float) -> float:
    if not 0.0 <= eps < math.inf:
        raise ValueError(f"eps is a number from 0 up, not {eps!r}")
    return float(eps)
