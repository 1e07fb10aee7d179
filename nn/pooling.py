"""Pooling: each window of an image becomes one number, its largest or its mean. There is nothing to train.

    pool = MaxPool2d(2)
    out = pool(image)               # (channels, height, width) -> (channels, height/2, width/2), as nested lists

`nn.windows` says which numbers a window sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import Value, max, mean, sum
from nn.module import Module
from nn.shapes import called, count, over_batch
from nn.windows import Axes, Axis, Sizes, Table, fitting, flattened, for_each_axis, in_rows, sizes_of, windows

Size = int | Sequence[int]


class _Pool(Module):
    """What both pools share: sizes, and the walk over channels. Each says what becomes of a window."""

    example_axes = 3
    dilation: Size = 1

    def __init__(self, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool) -> None:
        self.kernel_size, self.padding, self.ceil_mode = kernel_size, padding, ceil_mode
        self.stride = kernel_size if stride is None else stride
        if any(2 * axis.before > axis.taps for axis in self._axes()):
            raise ValueError(f"padding={padding} is more than half of kernel_size={kernel_size}; take less padding")

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, ("channels", "height", "width"), self.of_one)

    def of_one(self, x: list[Any]) -> list[Any]:
        """The same for one example that is checked already."""
        axes, sizes = self._axes(), sizes_of(x[0])
        outputs = fitting(self, axes, sizes, self.ceil_mode)
        table = windows(axes, sizes, outputs)
        if not all(window.places for window in table):
            raise ValueError(
                f"{called(self)} has windows that see nothing but padding in an image of {sizes}; "
                "take less padding or a smaller dilation"
            )
        divisors = self._divisors(table, axes, sizes, outputs)
        out = []
        for channel in x:
            numbers = flattened(channel, 2)
            seen = [[numbers[place] for place in window.places] for window in table]
            out.append(in_rows([self._pooled(xs, n) for xs, n in zip(seen, divisors, strict=True)], outputs))
        self.name_nodes(out, "out")
        return out

    def _pooled(self, xs: list[Value], divisor: int) -> Value:
        """What becomes of the numbers of a window."""
        raise NotImplementedError

    def _divisors(self, table: Table, axes: Axes, sizes: Sizes, outputs: Sizes) -> list[int]:
        return [len(window.places) for window in table]

    def _axes(self) -> Axes:
        """The windows along height and width."""
        kernel, stride = for_each_axis("kernel_size", self.kernel_size, 2), for_each_axis("stride", self.stride, 2)
        padding, dilation = for_each_axis("padding", self.padding, 2, 0), for_each_axis("dilation", self.dilation, 2)
        return tuple(Axis(k, s, p, p, d) for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True))

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool):
    """out[c, i, j] = the largest x[c, i·stride − padding + k·dilation, j·stride − padding + l·dilation] over all k, l.

    Takes (channels, height, width), or a batch of these; gives (channels, height′, width′), where

        size′ = ⌊(size + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1

    with the ceiling ⌈⌉ for ceil_mode: then the last window may reach past the end, but not begin there. Each size is a
    number, or a pair for the two axes; a stride of None is the kernel size. Padding is never the largest. Where
    several are, the first (row by row) takes the whole gradient, as in PyTorch.

    Raises:
        ValueError: for an input of another shape, or one in which no window fits, or a window sees nothing but padding;
            for sizes below 1, a padding of more than half of the kernel, or return_indices=True, which is not built.

    Ranzato et al. 2007, "Unsupervised learning of invariant feature hierarchies".

    >>> pool = MaxPool2d(2)
    >>> pool
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    >>> [[value.data for value in row] for row in pool([[[1.0, 2.0, 0.0, 0.0], [4.0, 3.0, 0.0, 7.0]]])[0]]
    [[4.0, 7.0]]
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        if return_indices:
            raise ValueError("MaxPool2d gives no indices; leave return_indices=False")
        self.dilation = dilation
        super().__init__(kernel_size, stride, padding, ceil_mode)

    def _pooled(self, xs: list[Value], divisor: int) -> Value:
        largest: Value = max(xs)
        return largest

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class AvgPool2d(_Pool):
    """out[c, i, j] = the sum of x[c, i·stride − padding + k, j·stride − padding + l] over all k, l, divided by a count.

    The count is that of the window's numbers, the zeros of the padding included, or without them for
    count_include_pad=False; what reaches past the padding (see ceil_mode) never counts. Or it is divisor_override.

    Takes (channels, height, width), or a batch of these; gives (channels, height′, width′), where

        size′ = ⌊(size + 2·padding − kernel_size) / stride⌋ + 1

    with the ceiling ⌈⌉ for ceil_mode: then the last window may reach past the end, but not begin there. Each size is a
    number, or a pair for the two axes; a stride of None is the kernel size.

    Raises:
        ValueError: for an input of another shape, or one in which no window fits; for sizes below 1, or a padding of
            more than half of the kernel.

    LeCun et al. 1998, "Gradient-based learning applied to document recognition".

    >>> pool = AvgPool2d(2)
    >>> pool
    AvgPool2d(kernel_size=2, stride=2, padding=0)
    >>> [[value.data for value in row] for row in pool([[[1.0, 2.0, 0.0, 0.0], [4.0, 5.0, 0.0, 8.0]]])[0]]
    [[3.0, 2.0]]
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad
        self.divisor_override = None if divisor_override is None else count("divisor_override", divisor_override)

    def _pooled(self, xs: list[Value], divisor: int) -> Value:
        average: Value = mean(xs) if len(xs) == divisor else self.name_nodes(sum(xs), "sum") / divisor
        return average

    def _divisors(self, table: Table, axes: Axes, sizes: Sizes, outputs: Sizes) -> list[int]:
        if self.divisor_override is not None:
            return [self.divisor_override] * len(table)
        if self.count_include_pad:  # as if the padding were part of the image
            sizes = tuple(axis.before + n + axis.after for axis, n in zip(axes, sizes, strict=True))
            table = windows(tuple(Axis(axis.taps, axis.stride) for axis in axes), sizes, outputs)
        return super()._divisors(table, axes, sizes, outputs)


class GlobalAvgPool2d(Module):
    """out[c] = the mean of x[c] over height and width: one number a channel.

    Takes (channels, height, width), or a batch of these; gives (channels,).

    Raises:
        ValueError: for an input of another shape.

    Lin et al. 2013, "Network in network".

    >>> [value.data for value in GlobalAvgPool2d()([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 8.0]]])]
    [2.5, 2.0]
    """

    example_axes = 3

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        return over_batch(self, x, ("channels", "height", "width"), self.of_one)

    def of_one(self, x: list[Any]) -> list[Value]:
        """The same for one example that is checked already."""
        out: list[Value] = [mean(flattened(channel, 2)) for channel in x]
        self.name_nodes(out, "out")
        return out
