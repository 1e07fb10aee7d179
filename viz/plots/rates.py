"""Learning rates: over time as curves, by layer as a radar chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import NEAR, Array, drawable, finite, left_out, lines, named, numbers, spans_decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.projections.polar import PolarAxes


def plot_learning_rates(
    rates: npt.ArrayLike | Mapping[str, Any], *, ax: Axes | None = None, unit: str = "epoch"
) -> Axes:
    """A learning rate over time as a curve, or the rates of several layers as a radar chart.

    rates  an array: one schedule over time;
           names to arrays: several, a curve each;
           layer names to one number each: a radar chart, on polar axes;
           names to such mappings: a radar chart with a line for each, as {"SGD": {...}, "Adam": {...}}
    unit   what an entry of an array stands for, written at the axis: "epoch", "step"

    The scale is logarithmic where a tenth of the rates is two decades below the greatest, and none is 0; in a radar
    chart where they differ by one decade, with a rate of 0 in the middle.

    Raises:
        TypeError: for anything but numbers; or if `ax` is not polar for a radar chart, or polar for curves.
        ValueError: for no rates, and in a radar chart for lines that do not name the same layers, or a rate below 0.
        ModuleNotFoundError: without matplotlib.
    """
    if not isinstance(rates, Mapping):
        return _curves({"": numbers("rates", rates)}, ax, unit)
    items = named("rates", rates, "names to learning rates")
    if all(isinstance(item, Mapping) for item in items.values()):
        return _radar({name: _spokes(f"rates[{name!r}]", item) for name, item in items.items()}, ax)
    if all(np.ndim(item) == 0 for item in items.values()):
        return _radar({"": _spokes("rates", items)}, ax)
    return _curves(lines("rates", items, "names to learning rates"), ax, unit)


def _curves(arrays: dict[str, Array], ax: Axes | None, unit: str) -> Axes:
    """A line each; one that stays where it is for most of the time goes in steps."""
    ax = canvas.axes(ax, "Learning rate" if len(arrays) == 1 else "Learning rates")
    handles = []
    for k, array in enumerate(arrays.values()):
        every = max(1, len(array) // 8)
        (line,) = ax.plot(np.arange(1, len(array) + 1), finite(array), **palette.look(k).line())
        line.set_markevery(((k * every) // len(arrays), every))
        if 2 * np.sum(array[1:] == array[:-1]) >= len(array) - 1 > 0:
            line.set_drawstyle("steps-mid")
        handles.append(line)
    is_wide = spans_decades(*arrays.values(), least=0.1)
    if is_wide:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=min(0.0, *(float(np.nanmin(finite(a), initial=0.0)) for a in arrays.values())))
    canvas.counted(ax, unit, max(map(len, arrays.values())))
    ax.set_ylabel("learning rate" + (" (log scale)" if is_wide else ""))
    if list(arrays) != [""]:
        canvas.legend(ax, handles, list(arrays), outside=len(arrays) > 3)
    canvas.note(ax, left_out(*arrays.values()))
    return ax


# ------------------------------------------------------------------------------------------------ radar


def _spokes(what: str, given: Any) -> dict[str, float]:
    """Layer names to one rate each."""
    items = named(what, given, "layer names to one learning rate each")
    rates = {name: float(numbers(f"{what}[{name!r}]", item, dimensions=(0,))) for name, item in items.items()}
    for name, rate in rates.items():
        if rate < 0:
            raise ValueError(f"{what}[{name!r}]: a learning rate in a radar chart is 0 or more, not {rate:.3g}")
    return rates


def _radar(sets: dict[str, dict[str, float]], ax: Axes | None) -> Axes:
    """One spoke a layer, one closed line a set; on a logarithmic scale a rate of 0 is in the middle."""
    layers = list(next(iter(sets.values())))
    for name, rates in sets.items():
        if list(rates) != layers:
            raise ValueError(
                f"rates[{name!r}] names the layers {list(rates)}, the first {layers}: they must be the same"
            )
    values = {name: np.array(list(rates.values())) for name, rates in sets.items()}
    polar = cast("PolarAxes", canvas.axes(ax, "Learning rates by layer", size=(6.4, 4.4), polar=True))
    known = np.concatenate(list(values.values()))
    is_log = spans_decades(known[~(known < NEAR)], decades=1.0)
    middle = _rings(polar, known, is_log)
    polar.set_rlabel_position(180.0 / max(2, len(layers)))
    angles = 2 * np.pi * np.arange(len(layers)) / len(layers)
    polar.set_theta_zero_location("N")
    polar.set_theta_direction(-1)
    handles = []
    for k, array in enumerate(values.values()):
        around, height = np.append(angles, angles[0]), np.maximum(finite(np.append(array, array[0])), middle)
        handles += polar.plot(around, height, **palette.look(k).line(), zorder=3, clip_on=False)
        if drawable(height).all():
            polar.fill(around, height, color=palette.look(k).color, alpha=0.1, linewidth=0)
    polar.set_xticks(angles, [canvas.plain(name, 28) for name in layers])
    for label, angle in zip(polar.get_xticklabels(), angles, strict=True):
        side = np.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
        label.set_color(canvas.ink(polar))
    if list(sets) != [""]:
        canvas.legend(polar, handles, list(sets), loc="upper left", bbox_to_anchor=(-0.55, 1.05))
    said = "from the middle outwards: learning rate" + (" (log scale)" if is_log else "")
    canvas.note(polar, said, "0 is in the middle" if is_log and (known < NEAR).any() else "", left_out(known), below=34)
    return polar


def _rings(ax: PolarAxes, rates: Array, is_log: bool) -> float:
    """The radial axis: decades from below the least to above the greatest, or from 0; gives the rate in the middle."""
    from matplotlib.ticker import MaxNLocator

    known = rates[drawable(rates) & (rates >= NEAR)]
    middle = 0.0
    if is_log:
        low, high = np.floor(np.log10(known.min()) - 0.3), np.ceil(np.log10(known.max()))
        ax.set_rscale("log")
        middle = float(10.0**low)
        ax.set_rlim(middle, 10.0**high)
        step = max(1, round((high - low) / 4))
        ax.set_rticks(10.0 ** np.arange(low + 1, high + 1, step))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.set_rlim(0, 1.1 * known.max() if known.size else 1.0)
    ax.grid(True, color="#cbd5e1", linewidth=0.8)
    ax.tick_params(axis="y", labelsize=8)
    return middle
