"""Several distributions one above the other, the first on top: a histogram a row, and columns of words beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from viz.plots import canvas, palette
from viz.plots.data import Array, drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 0.88  # of a row
_TAILS = 0.001  # the share of a row's values, on either side, that may lie outside
_SPIKE = 0.05  # the share of exact zeros from which they are drawn by themselves


def size(rows: int) -> tuple[float, float]:
    """Of a figure for so many rows, in inches."""
    return canvas.SIZE[0], min(12.0, max(2.4, 1.3 + 0.6 * rows))


def ridges(
    ax: Axes,
    rows: Mapping[str, Array],
    columns: Mapping[str, Sequence[str]],
    bounds: Mapping[str, tuple[float, float]],
) -> str:
    """Draw them on axes; gives sentences on bars and on what lies outside, or "".

    Each histogram is as high as its row. Many exact zeros (relu) would flatten the rest: they are a dark bar of their
    own, as high as the row. What lies beyond a row's bounds is a light bar at either end, cut at the row's height.
    """
    known = {name: array[drawable(array)].ravel() for name, array in rows.items()}
    low, high = _range(list(known.values()))
    outside = sum(int(((values < low) | (values > high)).sum()) for values in known.values())
    places = len(known) - 1.0 - np.arange(len(known))
    spikes = 0
    ax.grid(False)
    ax.grid(True, axis="x", color=palette.GRID, linewidth=0.8)
    for base, (name, values) in zip(places, known.items(), strict=True):
        is_spike = bool(values.size) and bool(np.mean(values == 0) > _SPIKE)
        inside = values[(values >= low) & (values <= high) & ~((values == 0) & is_spike)]
        ax.axhline(base, color="#94a3b8", linewidth=0.8, zorder=1)
        if inside.size:
            _hill(ax, inside, float(base), bounds.get(name))
        spikes += is_spike
        if is_spike:
            _bar(ax, 0.0, float(base), _HEIGHT, palette.COLORS[2])
    ax.set_xlim(low, high)
    ax.set_ylim(0, len(known))
    ax.set_yticks(places + 0.35, [canvas.plain(name, 28) for name in known])
    ax.tick_params(axis="y", length=0, labelcolor=canvas.ink(ax))
    ax.spines["left"].set_visible(False)
    _words(ax, places + 0.35, columns)
    said = ["dark bar: exact zeros"] if spikes else []
    said += ["light bars: saturated"] if bounds else []
    said += [f"{outside:,} far value{' lies' if outside == 1 else 's lie'} outside the picture"] if outside else []
    return "; ".join(said)


def _hill(ax: Axes, values: Array, base: float, bounds: tuple[float, float] | None) -> None:
    """The outline of a histogram over its line, filled; what is beyond the bounds is a bar at either end."""
    edges = _edges(values, bounds)
    counts = np.histogram(values, edges)[0]
    inner = counts[1:-1] if bounds else counts
    heights = np.minimum(counts / max(1, inner.max()), 1.0) * _HEIGHT
    ax.stairs(base + heights, edges, baseline=base, fill=True, color=palette.TINTS[0], linewidth=0)
    ax.stairs(base + heights, edges, baseline=base, color=palette.COLORS[0], linewidth=1.2)
    if bounds:
        for end, height in ((edges[0], heights[0]), (edges[-1], heights[-1])):
            _bar(ax, float(end), base, height, palette.COLORS[1])


def _bar(ax: Axes, x: float, base: float, height: float, color: str) -> None:
    ax.plot([x, x], [base, base + height], color=color, linewidth=4, solid_capstyle="butt", zorder=3)


def _edges(values: Array, bounds: tuple[float, float] | None) -> Array:
    """The bins of a histogram: more for more values; where there are bounds, these are edges, too."""
    if bounds:
        low = -1.0 if bounds[0] < 0 else 0.0
        return np.linspace(low, 1.0, round((1.0 - low) / (1.0 - bounds[1])) + 1)
    low, high = float(values.min()), float(values.max())
    room = 1e-3 * max(abs(low), abs(high), 1e-3) if high == low else 0.0
    count = int(np.clip(1.5 * np.sqrt(len(values)), 8, 60))
    return np.linspace(low - room, high + room, count + 1)


def _range(rows: list[Array]) -> tuple[float, float]:
    """From the least to the greatest value of any row, without its tails; a little wider."""
    filled = [values for values in rows if values.size]
    if not filled:
        return -1.0, 1.0
    low = min(float(np.quantile(values, _TAILS)) for values in filled)
    high = max(float(np.quantile(values, 1 - _TAILS)) for values in filled)
    margin = 0.04 * (high - low) or 0.5 * max(abs(low), 1.0)
    return low - margin, high + margin


def _words(ax: Axes, places: Array, columns: Mapping[str, Sequence[str]]) -> None:
    """Columns of words on the right of the axes, flush right, with headings; their widths in points."""
    x = 8.0
    for heading, words in columns.items():
        x += 5.6 * max(len(word) for word in [heading, *words])
        cells = [(place, word, canvas.ink(ax)) for place, word in zip(places.tolist(), words, strict=True)]
        for place, word, color in [(float(ax.get_ylim()[1]), heading, palette.FAINT), *cells]:
            ax.annotate(
                word, (1.0, place), (x, -3), xycoords=("axes fraction", "data"), textcoords="offset points",
                ha="right", va="baseline", fontsize=9, color=color, annotation_clip=False,
            )  # fmt: skip
        x += 12.0
