"""What all plots share: the axes they draw on, their dress, titles, legends and curves.

Every function gives the Axes it drew on. With `ax=` they are yours. Without, they are new, in a Figure that pyplot does
not know: it needs no `plt.close` and goes away with the last reference to it. A notebook shows such Axes when they are
the last expression of a cell; `ax.figure.savefig("loss.png")` saves them. For a window, make the axes by pyplot:

    _, ax = plt.subplots(layout="constrained")
    plot_history(history, ax=ax)
    plt.show()
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.plots import palette
from viz.plots.data import Array, drawable, finite
from viz.plots.palette import Look

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.4, 4.0)  # inches
_MANY = 200  # a curve of more points is drawn as the medians of its parts
_PARTS = 80
_SHARP = 200  # dots an inch in a notebook, shown at half the size


def axes(ax: Axes | None, title: str, *, size: tuple[float, float] = SIZE, polar: bool = False) -> Axes:
    """The axes to draw on, with a title; new ones for None.

    Raises:
        ModuleNotFoundError: without matplotlib.
        TypeError: for an `ax` that is no Axes, or whose projection is not the one of the plot.
    """
    try:
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as fault:
        raise ModuleNotFoundError(
            'plots are drawn by matplotlib: pip install "chainrule[plots]"', name="matplotlib"
        ) from fault
    if ax is None:
        room = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=size, dpi=100, facecolor=palette.PAPER, layout=room)
        ax = figure.add_subplot(projection="polar" if polar else None)
        vars(ax)["_repr_png_"] = partial(_png, figure)  # how a notebook shows them
    if not isinstance(ax, Axes):
        several = isinstance(ax, np.ndarray | list | tuple)
        hint = "; give one of them" if several else "; plt.subplots() makes one, and None is a new one"
        raise TypeError(f"ax is what to draw on, an Axes of matplotlib, not {type(ax).__name__}{hint}")
    if polar != (ax.name == "polar"):
        wanted = "polar Axes, as plt.subplots(subplot_kw={'projection': 'polar'})" if polar else "plain Axes"
        raise TypeError(f"this plot is drawn on {wanted}, not on those of projection {ax.name!r}")
    _dress(ax)
    look: dict[str, Any] = {"fontsize": 12, "fontweight": "bold", "pad": 10}
    if is_own(ax):
        look["color"] = palette.INK
    ax.set_title(plain(title), **look)
    return ax


def _png(figure: Figure) -> tuple[bytes, dict[str, int]]:
    """The picture for a notebook, sharp, and the size at which to show it."""
    page = BytesIO()
    figure.savefig(page, format="png", dpi=_SHARP)
    content = page.getvalue()
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    return content, {"width": width // 2, "height": height // 2}


def is_own(ax: Axes) -> bool:
    """Whether we have made these axes: they look the same whatever style is set for others."""
    return "_repr_png_" in vars(ax)


def ink(ax: Axes) -> Any:
    """The colour of words on these axes: ours, or that of the user's style."""
    return ax.xaxis.label.get_color()


def _dress(ax: Axes) -> None:
    """A light grid behind, no frame above and on the right; on axes of our own, our colours as well."""
    ax.set_axisbelow(True)
    if ax.name != "polar":
        ax.grid(True, color=palette.GRID, linewidth=0.8, alpha=1 if is_own(ax) else 0.5)
        ax.spines[["top", "right"]].set_visible(False)
    if is_own(ax):
        ax.set_facecolor(palette.PAPER)
        ax.tick_params(which="both", colors=palette.FAINT, labelsize=9)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set_color(palette.INK)
            axis.label.set_fontsize(10)
        for spine in ax.spines.values():
            spine.set_color("#94a3b8")


# ------------------------------------------------------------------------------------------------ words


def plain(name: str, most: int = 48) -> str:
    """A name as text, which matplotlib never reads as mathematics; a long one is cut in the middle.

    >>> print(plain("cost in $, or $_2"))
    cost in \\$, or \\$_2
    """
    name = name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"
    return name.replace("$", r"\$")


def extent(ax: Axes) -> tuple[float, float]:
    """Width and height of the axes in points, before a layout engine makes room for words around them."""
    figure: Any = ax.get_figure()
    box = ax.get_window_extent()
    return 72 * box.width / figure.dpi, 72 * box.height / figure.dpi


def note(ax: Axes, *sentences: str, below: int = 44) -> None:
    """What must be said beside the picture, in small letters so many points below it."""
    text = "; ".join(sentence for sentence in sentences if sentence)
    if text:
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        letters = max(24, int(extent(ax)[0] / 4.1))
        words = plain(textwrap.fill(text[0].upper() + text[1:], letters), 400)
        ax.annotate(words, (0, 0), (0, -below), ha="left", va="top", fontsize=8, color=palette.FAINT, **place)


def legend_below(ax: Axes, handles: Sequence[Artist], names: Sequence[str], *, columns: int = 3) -> int:
    """A legend below the axes, where it covers nothing; gives how far below it a note has room, in points."""
    from matplotlib.transforms import ScaledTranslation

    figure: Any = ax.get_figure()
    widest = 45.0 + 5.2 * max(map(len, names))
    columns = int(np.clip(extent(ax)[0] * 1.5 // widest, 1, columns))
    place = ax.transAxes + ScaledTranslation(0, -40 / 72, figure.dpi_scale_trans)
    anchor: dict[str, Any] = {"bbox_to_anchor": (0.5, 0.0), "bbox_transform": place}
    legend(ax, handles, names, loc="upper center", ncols=columns, borderaxespad=0.0, columnspacing=1.4, **anchor)
    return 50 + 16 * -(-len(handles) // columns)


def legend(ax: Axes, handles: Sequence[Artist], names: Sequence[str], *, outside: bool = False, **options: Any) -> None:
    """A legend; outside, on the right, where the figure makes room for it: our own, and one with a layout engine.

    Names are set afterwards, since matplotlib leaves out those that begin with an underscore.
    """
    figure: Any = ax.get_figure()
    if outside and figure.figure.get_layout_engine() is not None:
        place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    else:
        count = sum(np.size(line.get_xdata()) for line in ax.lines)
        place = {"loc": "best" if count < 20_000 else "upper right"}
    look: dict[str, Any] = {"fontsize": 9, "handlelength": 3.2, "frameon": True, "framealpha": 0.9, "edgecolor": "none"}
    if is_own(ax):
        look |= {"labelcolor": palette.INK, "facecolor": palette.PAPER}
    box = ax.legend(handles, [str(k) for k in range(len(names))], **look | place | options)
    box.get_title().set_color(ink(ax))
    for text, name in zip(box.get_texts(), names, strict=True):
        text.set_text(plain(name))


# ------------------------------------------------------------------------------------------------ curves


def counted(ax: Axes, unit: str, count: int) -> None:
    """Whole numbers at the x axis, which counts epochs or steps from 1."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    ax.set_xlabel(plain(unit))
    if count == 1:
        ax.set_xlim(0, 2)


def curve(ax: Axes, x: Array, y: Array, look: Look, k: int = 0, count: int = 1) -> tuple[Artist, bool]:
    """A line with some markers, those of its neighbours not at the same places; whether it was shortened.

    Of more than 200 points the medians of 80 parts are drawn, and behind them the band from least to greatest. A line
    that ends with inf or nan ends with a cross.
    """
    y = finite(y)
    shortened = len(y) > _MANY
    last = np.flatnonzero(drawable(y))[-1:]
    if len(last) and last[0] < len(y) - 1:
        ax.plot(x[last], y[last], "x", color=look.color, markersize=10, markeredgewidth=2.5, zorder=4)
    if shortened:
        edges = np.linspace(0, len(y), _PARTS + 1).astype(int)
        parts = [(x[a:b], y[a:b][drawable(y[a:b])]) for a, b in pairwise(edges)]
        x = np.array([part.mean() for part, _ in parts])
        least, y, most = (
            np.array([f(part) if len(part) else np.nan for _, part in parts]) for f in (np.min, np.median, np.max)
        )
        ax.fill_between(x, least, most, color=look.color, alpha=0.13, linewidth=0)
    step = max(1, len(y) // 8)
    (line,) = ax.plot(x, y, **look.line(), markevery=((k * step) // max(count, 1), step), zorder=3)
    return line, shortened


def end(array: Array) -> float:
    """Where a curve ends, without its last swings; one without any point is below all others."""
    known = array[drawable(array)]
    return float(np.median(known[-max(1, len(known) // 20) :])) if known.size else -np.inf


SHORTENED = "lines are medians over parts of the run, bands reach from least to greatest"
