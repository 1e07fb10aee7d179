"""Optimizers compared: their losses over time, or their paths over the contours of a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import Array, drawable, finite, left_out, lines, named, numbers, spans_decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Limits = tuple[tuple[float, float], tuple[float, float]]

_GRID = 161  # points along each side, for a function of arrays
_GRID_OF_NUMBERS = 61  # and for one of single numbers


def plot_optimizers(
    curves: Mapping[str, npt.ArrayLike],
    *,
    function: Callable[[Any, Any], Any] | None = None,
    minimum: tuple[float, float] | None = None,
    limits: Limits | None = None,
    unit: str = "step",
    ax: Axes | None = None,
) -> Axes:
    """Several optimizers on one task.

    Without a function, `curves` is names to losses, one number a step: a curve each. The scale is logarithmic where
    the losses differ by two decades and none is 0 or less.

    With a function f(x, y) of two variables, `curves` is names to paths of shape (steps, 2): each is drawn over the
    contours of f, from the ring at its start to the large marker at its end. f may take arrays, or single numbers; a
    Value that it gives is taken for its number. Contours are closer to the lowest point than far from it, each
    enclosing the square of a number of steps as much as the first.

    minimum  (x, y), marked by a cross
    limits   ((x from, to), (y from, to)) of the picture; else it holds all paths
    unit     what an entry stands for, written at the axis: "step", "epoch"

    A path is drawn up to its first nan or inf, where it ends in a cross.

    Raises:
        TypeError: if it is not a mapping, holds anything but numbers, or `function` cannot be called.
        ValueError: for nothing to draw, a path of another shape, a function that gives other than one number.
        ModuleNotFoundError: without matplotlib.
    """
    if function is None:
        return _losses(lines("curves", curves, "optimizer names to losses"), unit, ax)
    if not callable(function):
        raise TypeError(f"function: expected a function of two variables, not {type(function).__name__}")
    paths = {}
    for name, item in named("curves", curves, "optimizer names to paths").items():
        paths[name] = numbers(f"curves[{name!r}]", item, dimensions=(2,))
        if paths[name].shape[1] != 2:
            raise ValueError(f"curves[{name!r}]: a path has shape (steps, 2), not {paths[name].shape}")
    return _paths(paths, function, minimum, limits, ax)


def _losses(arrays: dict[str, Array], unit: str, ax: Axes | None) -> Axes:
    ax = canvas.axes(ax, "Optimizers on one task")
    shortened = False
    drawn = []
    for k, (name, array) in enumerate(arrays.items()):
        line, is_shortened = canvas.curve(ax, np.arange(1.0, len(array) + 1), array, palette.look(k), k, len(arrays))
        shortened |= is_shortened
        drawn.append((canvas.end(array), line, name))
    drawn.sort(key=lambda item: -item[0])
    is_wide = spans_decades(*arrays.values())
    if is_wide:
        ax.set_yscale("log")
    canvas.counted(ax, unit, max(map(len, arrays.values())))
    ax.set_ylabel("loss" + (" (log scale)" if is_wide else ""))
    canvas.legend(ax, [line for _, line, _ in drawn], [name for _, _, name in drawn], outside=True)
    canvas.note(ax, canvas.SHORTENED if shortened else "", left_out(*arrays.values()))
    return ax


# ------------------------------------------------------------------------------------------------ paths


def _paths(
    paths: dict[str, Array],
    function: Callable[[Any, Any], Any],
    minimum: tuple[float, float] | None,
    limits: Limits | None,
    ax: Axes | None,
) -> Axes:
    (x0, x1), (y0, y1) = limits or _limits(list(paths.values()), minimum)
    ground = _ground(function, (x0, x1), (y0, y1))
    ax = canvas.axes(ax, "Paths of the optimizers")
    ax.grid(False)
    _contours(ax, *ground)
    handles = []
    starts = set()
    for k, path in enumerate(paths.values()):
        look = palette.look(k)
        known = drawable(path).all(axis=1)
        length = len(path) if known.all() else int(np.argmin(known))
        x, y = path[:length].T if length else (np.array([np.nan]), np.array([np.nan]))
        if length:
            starts.add((float(x[0]), float(y[0])))
        ax.plot(x, y, color=palette.PAPER, linewidth=3.2, alpha=0.7, zorder=3)
        options = look.line() | {"markersize": 4.5, "linewidth": 1.6}
        step = max(1, len(x) // 12)
        ax.plot(x, y, **options, markevery=((k * step) // len(paths), step), zorder=4)
        big = {"markersize": 12, "markeredgewidth": 1.4, "zorder": 6}
        ax.plot(x[-1:], y[-1:], linestyle="", **look.point() | big)
        if length < len(path):
            ax.plot(x[-1:], y[-1:], "x", color=palette.PAPER, markersize=7, markeredgewidth=2, zorder=7)
        handles += ax.plot([], [], **look.line())
    names = list(paths)
    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": palette.INK, "linestyle": ""}
    for start in sorted(starts):
        rings = ax.plot(*start, **ring, markersize=12, markeredgewidth=2, zorder=5)
    if starts:
        handles += rings
        names.append("start")
    if minimum is not None:
        handles += ax.plot(*minimum, "+", color=palette.INK, markersize=13, markeredgewidth=2.2, zorder=8)
        names.append("minimum")
    ax.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x", ylabel="y")
    canvas.legend(ax, handles, names, outside=True)
    canvas.note(ax, "the large marker is a path's end", left_out(*paths.values()))
    return ax


def _limits(paths: list[Array], minimum: tuple[float, float] | None) -> Limits:
    """All points of the paths and the minimum, with a margin; neither side less than a quarter of the other."""
    points = np.concatenate([*paths, np.array([minimum] if minimum else []).reshape(-1, 2)])
    points = points[drawable(points).all(axis=1)]
    if not len(points):
        raise ValueError("curves: no path has a point that is finite")
    low, high = points.min(axis=0), points.max(axis=0)
    sides = high - low
    sides = np.maximum(sides, 0.25 * sides.max() if sides.max() > 0 else 1.0)
    middle = (low + high) / 2
    (x0, y0), (x1, y1) = middle - 0.6 * sides, middle + 0.6 * sides
    return (float(x0), float(x1)), (float(y0), float(y1))


def _ground(
    function: Callable[[Any, Any], Any], x: tuple[float, float], y: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """The function on a grid: all at once if it takes arrays, else number by number."""
    grid = np.meshgrid(np.linspace(*x, _GRID), np.linspace(*y, _GRID))
    try:
        with np.errstate(all="ignore"):
            z = np.asarray(function(*grid), dtype=np.float64)
        if z.shape == grid[0].shape:
            return grid[0], grid[1], finite(z)
    except Exception:  # it takes single numbers; if it is broken, it will say so below
        pass
    grid = np.meshgrid(np.linspace(*x, _GRID_OF_NUMBERS), np.linspace(*y, _GRID_OF_NUMBERS))
    heights = []
    for a, b in zip(grid[0].ravel().tolist(), grid[1].ravel().tolist(), strict=True):
        height = function(a, b)
        if np.ndim(height):
            raise ValueError(f"function({a:.3g}, {b:.3g}): expected one number, not shape {np.shape(height)}")
        heights.append(float(height))
    return grid[0], grid[1], finite(np.array(heights).reshape(grid[0].shape))


def _contours(ax: Axes, x: Array, y: Array, z: Array) -> None:
    """Filled contours; from the lowest point up, the k-th at k⁴ of the height: near the bottom they show the valley."""
    if not drawable(z).any():
        return
    from matplotlib.colors import LinearSegmentedColormap

    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    if not high > low:
        return
    levels = np.unique(low + (high - low) * np.linspace(0, 1, 15) ** 4)
    if len(levels) < 15:
        return  # as good as flat
    colors = LinearSegmentedColormap.from_list("chainrule", palette.GROUND)
    ax.contourf(x, y, z, levels=levels, cmap=colors, norm=_by_rank(levels))
    ax.contour(x, y, z, levels=levels[1:-1], colors="#94a3b8", linewidths=0.6)


def _by_rank(levels: Array) -> Any:
    """A scale on which all levels are equally far apart."""
    from matplotlib.colors import BoundaryNorm

    return BoundaryNorm(levels, 256)
