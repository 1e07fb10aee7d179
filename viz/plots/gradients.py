"""The gradients of each layer over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import NEAR, left_out, lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Recorder(Protocol):
    """What has recorded norms, as `nn.RecordGradients()` does."""

    @property
    def norms(self) -> Mapping[str, npt.ArrayLike]:
        """Layer names to arrays."""


def plot_gradients(
    norms: Mapping[str, npt.ArrayLike] | Recorder, *, ax: Axes | None = None, unit: str = "step"
) -> Axes:
    """The size of each layer's gradient over time, on a logarithmic scale: do they fade, or blow up?

    norms  layer names to arrays, one number a step: the norm of the layer's gradient; or an object that has recorded
           such `norms`, as nn.RecordGradients()
    unit   what a number stands for, written at the axis: "step", "epoch"

    The legend is in the order in which the lines end. A gradient of 0 has no place on this scale: it is a gap in the
    line, and said below. Of more than 200 steps the medians of 80 parts are drawn, with a band from least to greatest.

    Raises:
        TypeError: if it is not a mapping, or holds anything but numbers.
        ValueError: for a norm below 0, for no steps, and for more than 60 layers.
        ModuleNotFoundError: without matplotlib.
    """
    given = norms if isinstance(norms, Mapping) else getattr(norms, "norms", norms)
    arrays = lines("norms", given, "layer names to arrays")
    for name, array in arrays.items():
        if (array < 0).any():
            raise ValueError(f"norms[{name!r}]: the norm of a gradient is 0 or more, not {array.min():.3g}")
    ax = canvas.axes(ax, "Gradients by layer")
    ax.set_yscale("log", nonpositive="mask")
    drawn = []
    shortened = False
    for k, (name, array) in enumerate(arrays.items()):
        positive = np.where(array >= NEAR, array, np.nan)
        x = np.arange(1.0, len(array) + 1)
        line, is_shortened = canvas.curve(ax, x, positive, palette.look(k), k, len(arrays))
        shortened |= is_shortened
        drawn.append((canvas.end(positive), line, name))
    drawn.sort(key=lambda item: -item[0])
    canvas.legend(ax, [line for _, line, _ in drawn], [name for _, _, name in drawn], outside=True)
    canvas.counted(ax, unit, max(map(len, arrays.values())))
    ax.set_ylabel("norm of the gradient (log scale)")
    zeros = sum(int((array < NEAR).sum()) for array in arrays.values())
    said = f"{zeros:,} gradient{' is' if zeros == 1 else 's are'} 0 and not on this scale" if zeros else ""
    canvas.note(ax, canvas.SHORTENED if shortened else "", said, left_out(*arrays.values()))
    return ax
