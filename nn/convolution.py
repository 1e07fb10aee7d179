"""Convolutions: a small kernel slides over a sequence or an image, and each output number is one dot product.

    conv = Conv2d(1, 8, kernel_size=3, padding=1)
    out = conv(image)               # (1, height, width) -> (8, height, width), as nested lists

The kernel is not flipped: what libraries for networks call a convolution is the cross-correlation of mathematics.
Where a window reaches into the padding, the products with its zeros are left out; `nn.windows` says which those are.
The arithmetic of sizes is that of Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning".

Glossary: x an input channel, W a kernel, b a bias; i counts input channels, o output channels, k and l taps.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any, ClassVar

from engine import Value, dot
from nn.init import Rng, Seed, generator
from nn.module import Module, Tensor
from nn.shapes import called, constant, count, over_batch
from nn.windows import (
    Axes,
    Axis,
    Sizes,
    Table,
    fitting,
    flattened,
    for_each_axis,
    in_rows,
    sizes_of,
    turned,
    windows,
)

Channels = list[list[Value]]  # each channel, or each kernel, as a flat list


class _Convolution(Module):
    """What the convolutions share: all, but for the number of axes and what the transposed one does otherwise."""

    channel_axes: ClassVar[tuple[str, ...]]
    transposed = False  # whether the first axis of the weight is that of the input channels

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        seed: Seed = None,
    ) -> None:
        axes = len(self.channel_axes)
        if padding_mode != "zeros":
            raise ValueError(f"padding is with zeros, padding_mode='zeros', and not with {padding_mode!r}")
        self.in_channels, self.out_channels = count("in_channels", in_channels), count("out_channels", out_channels)
        self.kernel_size = for_each_axis("kernel_size", kernel_size, axes)
        self.stride = for_each_axis("stride", stride, axes)
        self.padding = padding if isinstance(padding, str) else for_each_axis("padding", padding, axes, least=0)
        self.dilation = for_each_axis("dilation", dilation, axes)
        self.groups = count("groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}: "
                "each group takes an equal part of both"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"padding is a number, one for each axis, 'same' or 'valid', not {padding!r}")
        if padding == "same" and self.stride != (1,) * axes:
            raise ValueError(f"padding='same' needs stride=1, and got {stride}; give the padding in numbers")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        rng, a = generator(seed), 1.0 / sqrt(prod(shape[1:]))
        self.weight = _uniform(rng, a, shape)
        self.bias = _uniform(rng, a, (out_channels,)) if bias else None

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, (self.in_channels, *self.channel_axes), self.of_one)

    def of_one(self, x: list[Any]) -> list[Any]:
        """The same for one example that is checked already."""
        axes, sizes = self._windows(), sizes_of(x[0])
        outputs = fitting(self, axes, sizes)
        return self._grouped(x, self.weight, windows(axes, sizes, outputs), outputs)

    def _windows(self) -> Axes:
        sizes = list(zip(self.kernel_size, self.stride, self.dilation, strict=True))
        if isinstance(self.padding, str):
            whole = [(k - 1) * d if self.padding == "same" else 0 for k, _, d in sizes]
            padding = [(p // 2, p - p // 2) for p in whole]  # the odd one at the end
        else:
            padding = [(p, p) for p in self.padding]
        return tuple(Axis(k, s, *p, d) for (k, s, d), p in zip(sizes, padding, strict=True))

    def _grouped(self, x: list[Any], rows: Sequence[Any], table: Table, outputs: Sizes) -> list[Any]:
        """Each output channel from the input channels of its group; rows[o] holds a kernel for each of these."""
        channels = [flattened(channel, len(self.channel_axes)) for channel in x]
        kernels = [[flattened(kernel, len(self.channel_axes)) for kernel in row] for row in rows]
        biases: Sequence[Value | None] = self.bias or [None] * self.out_channels
        n, m = self.in_channels // self.groups, self.out_channels // self.groups
        out = []
        for g in range(self.groups):
            mine = slice(g * m, (g + 1) * m)
            out += _convolved(channels[g * n : (g + 1) * n], kernels[mine], biases[mine], table)
        named: list[Any] = self.name_nodes([in_rows(channel, outputs) for channel in out], "out")
        return named

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        axes = len(self.channel_axes)
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": (0,) * axes, "dilation": (1,) * axes, "output_padding": (0,) * axes, "groups": 1}
        for name, size in usual.items():
            if getattr(self, name, size) != size:
                said.append(f"{name}={getattr(self, name)}")
        return ", ".join([*said, *(["bias=False"] if self.bias is None else [])])


class Conv1d(_Convolution):
    """outₒ[t] = bₒ + Σᵢ Σₖ Wₒᵢ[k] · xᵢ[t·stride − padding + k·dilation].

    Takes (in_channels, length), or a batch of these; gives (out_channels, length′) with

        length′ = ⌊(length + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1

    padding is a number of zeros at either end, "valid" for none, or "same" for so many that the length stays (with an
    odd number, the odd one at the end). With groups, each part of the input channels makes its own part of the output
    channels. The weight has shape (out_channels, in_channels / groups, kernel_size). Weights and biases begin in
    U(−a, a) with a = 1/√(in_channels / groups · kernel_size), as in PyTorch.

    Raises:
        ValueError: for an input of another shape, or one in which no window fits; for sizes below 1, groups that do not
            divide the channels, padding="same" with a stride.

    Waibel et al. 1989, "Phoneme recognition using time-delay neural networks".

    >>> layer = Conv1d(1, 1, 2, bias=False, seed=0)
    >>> _ = layer.load_state_dict({"weight": [[[-1.0, 1.0]]]})
    >>> [[value.data for value in channel] for channel in layer([[1.0, 4.0, 9.0, 16.0]])]
    [[3.0, 5.0, 7.0]]
    """

    channel_axes = ("length",)
    example_axes = 2


class Conv2d(_Convolution):
    """outₒ[r, c] = bₒ + Σᵢ Σₖ Σₗ Wₒᵢ[k, l] · xᵢ[r·stride − padding + k·dilation, c·stride − padding + l·dilation].

    Takes (in_channels, height, width), or a batch of these; gives (out_channels, height′, width′), where

        size′ = ⌊(size + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1

    Each size is a number, or a pair for the two axes. The padding is zeros; "valid" stands for none, "same" for so much
    that height and width stay (with an odd number, the odd one at the end). With groups, each part of the input
    channels makes its own part of the output channels. The weight has shape (out_channels, in_channels / groups,
    *kernel_size). Weights and biases begin in U(−a, a) with a = 1/√(weights of an output channel), as in PyTorch.

    Raises:
        ValueError: for an input of another shape, or one in which no window fits; for sizes below 1, groups that do not
            divide the channels, padding="same" with a stride.

    LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition".

    >>> layer = Conv2d(1, 8, 3, padding=1, seed=0)
    >>> layer
    Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> out = layer([[[0.0] * 5] * 4])
    >>> len(out), len(out[0]), len(out[0][0]), out[7][3][4].name
    (8, 4, 5, 'out[7][3][4]')
    """

    channel_axes = ("height", "width")
    example_axes = 3


class ConvTranspose2d(_Convolution):
    """outₒ[r, c] = bₒ + Σᵢ Σ Wᵢₒ[k, l] · xᵢ[r′, c′], over the taps with r = r′·stride − padding + k·dilation, and so c.

    The transposed map of a Conv2d of the same sizes: where that reads from a place, this writes to it. So it makes
    images larger. Takes (in_channels, height, width), or a batch of these; gives (out_channels, height′, width′), where

        size′ = (size − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1

    A Conv2d with a stride makes the same size of several; `output_padding` chooses among them, or at a call
    `output_size`, a pair (height′, width′). The weight has shape (in_channels, out_channels / groups, *kernel_size).
    Weights and biases begin in U(−a, a) with a = 1/√(out_channels / groups · the kernel's size), as in PyTorch.

    Raises:
        ValueError: for an input of another shape; for sizes below 1, groups that do not divide the channels, an output
            padding that is not less than the stride or the dilation, an output size that no such convolution has.

    Zeiler et al. 2010, "Deconvolutional networks".

    >>> layer = ConvTranspose2d(1, 1, 2, stride=2, bias=False, seed=0)
    >>> _ = layer.load_state_dict({"weight": [[[[1.0, 2.0], [3.0, 4.0]]]]})
    >>> [[value.data for value in row] for row in layer([[[1.0, 10.0]]])[0]]
    [[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]
    """

    channel_axes = ("height", "width")
    example_axes = 3
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: str = "zeros",
        *,
        seed: Seed = None,
    ) -> None:
        padding = for_each_axis("padding", padding, len(self.channel_axes), least=0)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, seed=seed
        )
        self.output_padding = for_each_axis("output_padding", output_padding, len(self.channel_axes), least=0)
        for more, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if more >= max(s, d):
                raise ValueError(
                    f"output_padding={output_padding} must be less than the stride or the dilation, "
                    f"which are {self.stride} and {self.dilation}"
                )

    def forward(self, x: Any, output_size: Sequence[int] | None = None) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(
            self, x, (self.in_channels, *self.channel_axes), lambda example: self.of_one(example, output_size)
        )

    def of_one(self, x: list[Any], output_size: Sequence[int] | None = None) -> list[Any]:
        """The same for one example that is checked already."""
        axes, sizes = self._windows(), sizes_of(x[0])
        outputs = self._outputs(axes, sizes, output_size)
        n = self.in_channels // self.groups
        parts = [self.weight[i : i + n] for i in range(0, self.in_channels, n)]  # of each group
        rows = [column for part in parts for column in zip(*part, strict=True)]  # as in Conv2d: a row an output channel
        return self._grouped(x, rows, turned(axes, outputs, sizes), outputs)

    def _outputs(self, axes: Axes, sizes: Sizes, output_size: Sequence[int] | None) -> Sizes:
        least = tuple((n - 1) * a.stride + a.span - a.before - a.after for a, n in zip(axes, sizes, strict=True))
        if output_size is None:
            outputs = tuple(n + more for n, more in zip(least, self.output_padding, strict=True))
            if min(outputs) < 1:
                raise ValueError(f"{called(self)} cuts the whole output of an input of {sizes} away; take less padding")
            return outputs
        outputs = for_each_axis("output_size", output_size, len(axes))
        most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
        if not all(low <= n <= high for low, n, high in zip(least, outputs, most, strict=True)):
            raise ValueError(
                f"{called(self)} makes of {sizes} an output of {least} to {most}, and output_size is {outputs}"
            )
        return outputs


# ------------------------------------------------------------------------------ the work


def _convolved(channels: Channels, kernels: list[Channels], biases: Sequence[Value | None], table: Table) -> Channels:
    """For each kernel its output channel: in each window one dot product over all channels."""
    seen = [[channel[place] for channel in channels for place in window.places] for window in table]
    out = []
    for planes, b in zip(kernels, biases, strict=True):
        weights = {taps: [plane[tap] for plane in planes for tap in taps] for taps in {w.taps: None for w in table}}
        out.append([_dot(weights[window.taps], xs, b) for window, xs in zip(table, seen, strict=True)])
    return out


def _dot(ws: list[Value], xs: list[Value], b: Value | None) -> Value:
    out: Value = dot(ws, xs, b) if ws or b is not None else constant(0.0)  # a window may see padding alone
    return out


def _uniform(rng: Rng, a: float, shape: Sequence[int]) -> Tensor:
    """Numbers drawn from U(−a, a), in nested lists of a shape."""
    return [_uniform(rng, a, shape[1:]) for _ in range(shape[0])] if shape else Value(rng.uniform(-a, a))
