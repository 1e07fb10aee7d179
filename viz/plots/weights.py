"""The weights of a model: how they are spread, or one tensor as a heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.plots import canvas, palette, ridges
from viz.plots.data import Array, drawable, finite, left_out, named, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADING = 2  # lines of entries between rows of images, in which their numbers stand
_CLEAR = 0.04  # of the greatest: what is nearer to 0 is as good as white
_SIGNED = 2500  # so many entries still have room for a minus each


def plot_weights(
    weights: Any, *, name: str | None = None, image: tuple[int, int] | None = None, ax: Axes | None = None
) -> Axes:
    """One tensor as a heat map with its colours around 0; several as distributions, one a row.

    weights  a model (what has a `state_dict()`), a mapping of names to arrays, or an array
    name     draw this tensor of the model alone, as a heat map
    image    (height, width): each row of the tensor is an image of that shape, as the weights (16, 64) of a layer over
             images of 8 by 8; they are drawn as tiles

    A tensor (out, in) has a row for each output; (n,) is one row; the kernels (out, in, height, width) of a convolution
    are tiles, a row of them for each output. The colours are symmetric around 0, and where there is room a minus stands
    on what is negative (but for what is as good as 0), so that a print in grey tells the sign as well. Entries that are
    nan or inf are crossed.

    Beside distributions stand their standard deviation and the share of exact zeros.

    Raises:
        TypeError: for anything else than a model, a mapping or numbers.
        ValueError: for a name that is not there, no tensors, or an image that the rows do not have.
        ModuleNotFoundError: without matplotlib.
    """
    tensors = _tensors(weights, name)
    if len(tensors) == 1:
        ((title, tensor),) = tensors.items()
        return _map(ax, title, tensor, image)
    if image is not None:
        raise ValueError(f"image is for one tensor; give name=, one of {', '.join(map(repr, tensors))}")
    columns = {
        "std": [f"{np.nanstd(finite(t)):.2g}" if drawable(t).any() else "–" for t in tensors.values()],
        "zero": [f"{100 * (t == 0).mean():.0f} %" for t in tensors.values()],
        "shape": [" × ".join(map(str, t.shape)) or "1" for t in tensors.values()],
    }
    ax = canvas.axes(ax, "Weights by tensor", size=ridges.size(len(tensors)))
    outside = ridges.ridges(ax, tensors, columns, {})
    ax.set_xlabel("weight")
    canvas.note(ax, outside, left_out(*tensors.values()))
    return ax


def _tensors(weights: Any, name: str | None) -> dict[str, Array]:
    """The tensors by name."""
    if callable(getattr(weights, "state_dict", None)):
        weights = weights.state_dict()
    if not isinstance(weights, Mapping):
        if name is not None:
            raise TypeError(f"name= chooses among the tensors of a model or a mapping, not of {type(weights).__name__}")
        return {"": numbers("weights", weights, dimensions=())}
    items = named("weights", weights, "names to arrays")
    if name is not None:
        if name not in items:
            raise ValueError(f"there is no tensor {name!r}; there are {', '.join(map(repr, items))}")
        items = {name: items[name]}
    return {key: numbers(f"weights[{key!r}]", item, dimensions=()) for key, item in items.items()}


def _arranged(name: str, tensor: Array, image: tuple[int, int] | None, fill: float) -> Array:
    """The tensor as one matrix; what stands between tiles is `fill`."""
    if image is not None:
        rows = np.atleast_2d(tensor)
        if rows.ndim != 2 or rows.shape[1] != image[0] * image[1]:
            raise ValueError(
                f"{name or 'weights'} of shape {tensor.shape} has no rows that are images of shape {image}"
            )
        columns = _columns(len(rows))
        empty = np.full((-len(rows) % columns, rows.shape[1]), fill)
        return _tiled(np.concatenate([rows, empty]).reshape(-1, columns, *image), fill, _HEADING)
    if tensor.ndim <= 2:
        return np.atleast_2d(tensor)
    if tensor.ndim == 3:
        tensor = tensor[:, :, None, :]
    return _tiled(tensor.reshape(tensor.shape[0], -1, *tensor.shape[-2:]), fill)


def _columns(count: int) -> int:
    """How many tiles stand side by side: a wide picture, its last row as full as can be."""
    rows = max(1, round(math.sqrt(count / 2.5)))
    return -(-count // rows)


def _tiled(tiles: Array, fill: float, gap: int = 1) -> Array:
    """Tiles (rows, columns, height, width) in one matrix, with a line between, and above them a gap."""
    apart = np.pad(tiles, ((0, 0), (0, 0), (gap, 0), (0, 1)), constant_values=fill)
    rows, columns, height, width = apart.shape
    return apart.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)[1:, :-1]


def _map(ax: Axes | None, name: str, tensor: Array, image: tuple[int, int] | None) -> Axes:
    """The heat map of one tensor."""
    matrix = _arranged(name, finite(tensor), image, np.nan)
    is_entry = _arranged(name, np.ones_like(tensor), image, 0.0) == 1
    height = float(np.clip(1.2 + 4.6 * matrix.shape[0] / matrix.shape[1], 2.2, 6.4))
    ax = canvas.axes(ax, f"Weights: {name}" if name else "Weights", size=(6.4, height))
    from matplotlib.colors import LinearSegmentedColormap

    most = float(np.nanmax(np.abs(matrix), initial=0.0)) or 1.0
    colors = LinearSegmentedColormap.from_list("chainrule", palette.DIVERGING)
    is_wide = matrix.shape[1] > 6 * matrix.shape[0] or matrix.shape[0] > 6 * matrix.shape[1]
    shown = ax.imshow(
        matrix, cmap=colors, vmin=-most, vmax=most, interpolation="nearest", aspect="auto" if is_wide else "equal"
    )
    ax.grid(False)
    if matrix.size <= _SIGNED:
        _marks(ax, matrix < -_CLEAR * most, matrix / most, "_")
    _marks(ax, is_entry & np.isnan(matrix), matrix / most, "x")
    figure: Any = ax.get_figure()
    bar = figure.colorbar(shown, ax=ax, shrink=0.9, pad=0.03)
    bar.set_label("weight", color=canvas.ink(ax))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, colors=canvas.ink(ax))
    _entries(ax, tensor, image)
    canvas.note(ax, left_out(tensor))
    return ax


def _marks(ax: Axes, chosen: Array, strength: Array, marker: str) -> None:
    """A mark on each chosen entry, white on what is dark."""
    rows, columns = np.nonzero(chosen)
    tone = [palette.PAPER if abs(strength[i, j]) > 0.45 else palette.INK for i, j in zip(rows, columns, strict=True)]
    width, height = canvas.extent(ax)
    size = min(60.0, (0.4 * min(width / chosen.shape[1], height / chosen.shape[0])) ** 2)
    ax.scatter(columns, rows, marker=marker, s=size, c=tone, linewidths=0.8)


def _entries(ax: Axes, tensor: Array, image: tuple[int, int] | None) -> None:
    """What rows and columns stand for; tiles have no numbers at the axes."""
    from matplotlib.ticker import MaxNLocator

    if image is not None or tensor.ndim > 2:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_xlabel("each tile is a row of the tensor, by number" if image else "input, a tile each")
        if not image:
            ax.set_ylabel("output")
            return
        columns = _columns(len(np.atleast_2d(tensor)))
        for k in range(len(np.atleast_2d(tensor))):
            place = (k % columns * (image[1] + 1) - 0.5, k // columns * (image[0] + _HEADING) + _HEADING - 1.6)
            ax.annotate(str(k), place, va="bottom", fontsize=8, color=palette.FAINT, annotation_clip=False)
        return
    for axis, label in ((ax.xaxis, "input"), (ax.yaxis, "output")):
        axis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        axis.set_label_text(label if tensor.ndim == 2 else "")
    if tensor.ndim < 2:
        ax.set_yticks([])
        ax.set_xlabel("entry")
