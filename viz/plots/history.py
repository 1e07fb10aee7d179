"""How a training went: loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import Array, drawable, finite, left_out, named, numbers, spans_decades

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_SECOND = "accuracy"  # drawn beside the loss, on an axis of its own


def plot_history(history: Mapping[str, npt.ArrayLike], *, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Loss and accuracy over the epochs, in training and, where there is one, in validation.

    history  names to arrays with one number an epoch, as `nn.fit` gives: "loss", "accuracy", and with a validation
             "val_loss", "val_accuracy". A dict will do
    metric   draw this one alone, as metric="loss"; None: the loss, and on a second axis the accuracy

    The dotted line marks the best epoch: `history.best_epoch` (counted from 0) if there is such an attribute, else the
    one of the least validation loss (with metric="accuracy": of the highest validation accuracy). A loss whose numbers
    differ by two decades has a logarithmic scale. The Axes that are returned are those of the loss.

    Raises:
        TypeError: if it is not a mapping, or holds anything but numbers.
        ValueError: if there is no such metric, or there are no epochs yet.
        ModuleNotFoundError: without matplotlib.
    """
    arrays = _chosen(history, metric)
    shown = [name for name in arrays if not name.startswith("val_")]
    ax = canvas.axes(ax, "Performance over the epochs")
    handles: list[Artist] = []
    names: list[str] = []
    for k, name in enumerate(shown):
        axis = ax if k == 0 else _beside(ax)
        parts = {
            role: arrays[key] for role, key in (("training", name), ("validation", f"val_{name}")) if key in arrays
        }
        for j, (role, array) in enumerate(parts.items()):
            look = replace(palette.look(2 * k + j), color=palette.COLORS[k], dash=palette.DASHES[j])
            line, _ = canvas.curve(axis, np.arange(1.0, len(array) + 1), array, look, j, len(parts))
            handles.append(line)
            names.append(f"{name}, {role}")
        _scale(axis, name, list(parts.values()), palette.COLORS[k] if len(shown) > 1 else None)
    canvas.counted(ax, "epoch", max(map(len, arrays.values())))
    best = _best(history, arrays, shown[0])
    if best is not None:
        handles.append(ax.axvline(best + 1, color=palette.FAINT, linestyle=":", linewidth=1.4, zorder=1))
        names.append(f"best: epoch {best + 1}")
    below = canvas.legend_below(ax, handles, names)
    canvas.note(ax, left_out(*arrays.values()), below=below)
    return ax


def _chosen(history: Any, metric: str | None) -> dict[str, Array]:
    """What is to be drawn: a metric and its validation, or the loss and the accuracy with theirs."""
    if isinstance(history, Mapping) and not history:
        raise ValueError("history: there are no epochs yet; a training that ends in its first has none")
    items = named("history", history, "metric names to arrays")
    own = [name for name in items if not name.startswith("val_")] or list(items)
    if metric is not None and metric not in items:
        raise ValueError(f"history has no {metric!r}; it has {', '.join(map(repr, items))}")
    first = metric or ("loss" if "loss" in items else own[0])
    shown = [first] if metric or _SECOND not in items or first == _SECOND else [first, _SECOND]
    return {
        key: np.atleast_1d(numbers(f"history[{key!r}]", items[key], dimensions=(0, 1)))
        for name in shown
        for key in (name, f"val_{name}")
        if key in items
    }


def _beside(ax: Axes) -> Axes:
    """A second axis, on the right."""
    axis: Axes = ax.twinx()
    axis.spines[["top", "left", "bottom"]].set_visible(False)
    axis.spines["right"].set_visible(True)
    axis.spines["right"].set_color("#94a3b8")
    axis.tick_params(labelsize=9)
    return axis


def _scale(axis: Axes, name: str, arrays: list[Array], color: str | None) -> None:
    """The axis of a metric: its name, in the colour of its lines; percent for a share, decades for a wide loss."""
    from matplotlib.ticker import PercentFormatter

    known = np.concatenate([array[drawable(array)] for array in arrays])
    label = name
    if name.endswith(_SECOND) and known.size and known.min() >= 0 and known.max() <= 1:
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        label = f"{name} (share that is right)"
    elif spans_decades(*arrays):
        axis.set_yscale("log")
        label = f"{name} (log scale)"
    axis.set_ylabel(canvas.plain(label), fontsize=10, color=color or axis.yaxis.label.get_color())
    if color:
        axis.tick_params(axis="y", which="both", colors=color)


def _best(history: Any, arrays: dict[str, Array], name: str) -> int | None:
    """The best epoch, from 0, where there is one."""
    judged = finite(arrays.get(f"val_{name}", np.empty(0)))
    best = getattr(history, "best_epoch", None)
    if best is None and drawable(judged).any() and name in ("loss", _SECOND):
        best = int(np.nanargmin(judged) if name == "loss" else np.nanargmax(judged))
    return best if best is not None and 0 <= best < len(arrays[name]) else None
