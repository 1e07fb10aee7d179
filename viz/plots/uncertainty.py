"""What a network knows and what it does not: a mean, and a band around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import Array, drawable, finite, left_out, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_uncertainty(
    x: npt.ArrayLike,
    samples: npt.ArrayLike | None = None,
    *,
    mean: npt.ArrayLike | None = None,
    std: npt.ArrayLike | None = None,
    data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    truth: npt.ArrayLike | Callable[[Array], Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A prediction over x with its uncertainty: the mean, and bands of one and two standard deviations.

    x          the places, shape (n,), in any order
    samples    predictions drawn at random, shape (draws, n), as those of a Bayesian network or an ensemble; the
               standard deviation is that of the draws (n − 1), so there are two of them at least
    mean, std  in their place: the mean and the standard deviation at each place
    data       (x, y) of the training examples
    truth      the values at x, shape (n,), or a function of x

    If the errors are normal, 68 % of the predictions are in the inner band and 95 % in the outer one.

    Raises:
        TypeError: for anything but numbers; for both samples and mean, or neither.
        ValueError: for shapes that do not go together, a single draw, and a standard deviation below 0.
        ModuleNotFoundError: without matplotlib.
    """
    places = numbers("x", x)
    middle, spread, dropped = _moments(places, samples, mean, std)
    true = None
    if truth is not None:
        true = _at("truth", truth(places) if callable(truth) else truth, places)
    points = _data(data)
    order = np.argsort(places, kind="stable")
    places, middle, spread = finite(places)[order], finite(middle)[order], finite(spread)[order]
    ax = canvas.axes(ax, "Prediction and its uncertainty")
    look = palette.look(0)
    bands = [
        ax.fill_between(
            places, middle - k * spread, middle + k * spread, color=shade, linewidth=0.8, edgecolor="#6f9bcb"
        )
        for k, shade in ((2, "#dbe7f5"), (1, "#a9c6e6"))
    ]
    (line,) = ax.plot(places, middle, color=look.color, linewidth=2.2, zorder=3)
    handles: list[Any] = [line, bands[1], bands[0]]
    names = ["mean", "± 1 standard deviation", "± 2 standard deviations"]
    if true is not None:
        handles += ax.plot(places, finite(true)[order], color=palette.COLORS[4], linestyle=(0, (5, 2)), zorder=4)
        names.append("truth")
    if points is not None:
        area = float(np.clip(4000 / len(points[0]), 8, 30))
        dots: dict[str, Any] = {
            "s": area,
            "color": palette.INK,
            "edgecolors": palette.PAPER,
            "linewidths": 0.6,
            "zorder": 5,
        }
        handles.append(ax.scatter(finite(points[0]), finite(points[1]), **dots))
        names.append("data")
    known = places[drawable(places)]
    if known.size and known[0] < known[-1]:
        ax.set_xlim(known[0], known[-1])
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    below = canvas.legend_below(ax, handles, names)
    canvas.note(ax, left_out(numbers("x", x), *dropped, *(points or ())), below=below)
    return ax


def _moments(places: Array, samples: Any, mean: Any, std: Any) -> tuple[Array, Array, list[Array]]:
    """Mean and standard deviation at each place, and what may have had nan or inf in it."""
    if (samples is None) == (mean is None) or (mean is None) != (std is None):
        raise TypeError("give samples of shape (draws, n), or both mean= and std= of shape (n,)")
    if samples is None:
        middle, spread = _at("mean", mean, places), _at("std", std, places)
        if (spread < 0).any():
            raise ValueError(f"std: a standard deviation is 0 or more, not {np.nanmin(spread):.3g}")
        return middle, spread, [middle, spread]
    draws = numbers("samples", samples, dimensions=(2,))
    if draws.shape[1] != len(places):
        raise ValueError(f"samples: expected shape (draws, {len(places)}), as x has {len(places)}, not {draws.shape}")
    if len(draws) < 2:
        raise ValueError("samples: the spread of one draw is not known; give two and more")
    known = finite(draws)
    count = drawable(known).sum(axis=0)
    with np.errstate(all="ignore"):
        middle = np.where(count > 0, np.nansum(known, axis=0) / count, np.nan)
        spread = np.sqrt(np.nansum((known - middle) ** 2, axis=0) / (count - 1))
    return middle, np.where(count > 1, spread, np.nan), [draws]


def _at(what: str, given: Any, places: Array) -> Array:
    """One number for each place."""
    array = numbers(what, given, dimensions=(1, 2))
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.shape != places.shape:
        raise ValueError(f"{what}: expected shape {places.shape}, as x has, not {array.shape}")
    return array


def _data(data: Any) -> tuple[Array, Array] | None:
    """The examples as two arrays; also of shape (n, 1)."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError("data: expected the pair (x, y) of the examples")
    x, y = (numbers(f"data[{k}]", item, dimensions=(1, 2)) for k, item in enumerate(data))
    if x.size != y.size or x.size != len(x) or y.size != len(y):
        raise ValueError(f"data: expected as many x as y, one number each; not shapes {x.shape} and {y.shape}")
    return x.ravel(), y.ravel()
