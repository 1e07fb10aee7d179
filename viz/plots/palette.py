"""How lines and points are told apart: each by colour, dash and marker, so that a print in grey says the same.

Six colours, dark and light by turns. Any two of them are at least 20 apart in CIE Lab (1976), for normal sight and for
protanopia, deuteranopia and tritanopia (Machado, Oliveira & Fernandes 2009, severity 1); neighbours differ by at least
20 in lightness; and each has a contrast of 3 : 1 and more to white. The tests measure it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from viz import style

COLORS = ("#0b57a4", "#e0761a", "#4a1766", "#23978a", "#8c1c13", "#9c7bea")
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", "*", ">", "p", "h")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)), (0, (9, 3)))
MOST = len(MARKERS) * len(DASHES)  # 12 and 5 have no common divisor: so many pairs, each once

# The ground of a region, by class: its colour, light enough for points to stand out, darker and lighter by turns.
TINTS = ("#b3cdec", "#fbe0c6", "#c9bade", "#cdeae6", "#e6b8b4", "#ebe4fb")
PALE = ("#d9e6f6", "#fdf1e4")  # the same, nearer to white

# From negative to positive, white at 0; and from low ground to high.
DIVERGING = ("#7a2c05", "#c8641a", "#f0b988", "#ffffff", "#93bbe4", "#2f74bb", "#06346b")
GROUND = ("#ffffff", "#f6f8fb", "#edf1f6", "#e3e9f0", "#d8e1ea", "#cdd8e4")

INK, FAINT, GRID, PAPER = style.INK, "#5b6b80", "#e2e8f0", style.PAPER
WIDTH, SIZE = 1.8, 5.5  # of a line and of a marker, in points


@dataclass(frozen=True, slots=True)
class Look:
    """How the line number k looks: no two of the first 60 have the same dash and the same marker.

    >>> look(1).marker, look(1).dash
    ('s', (0, (5, 2)))
    """

    color: str
    dash: Any
    marker: str

    def line(self) -> dict[str, Any]:
        """The options of `Axes.plot` for a line with markers."""
        return {"color": self.color, "linestyle": self.dash, "linewidth": WIDTH, **self.point()}

    def point(self) -> dict[str, Any]:
        """The options of `Axes.plot` for markers: white around them, so that they stand out where lines cross."""
        return {
            "marker": self.marker,
            "markersize": SIZE + (1.5 if self.marker in "*XP" else 0),
            "markerfacecolor": self.color,
            "markeredgecolor": PAPER,
            "markeredgewidth": 0.7,
        }


def look(k: int) -> Look:
    """The look of line k, counted from 0."""
    return Look(COLORS[k % len(COLORS)], DASHES[k % len(DASHES)], MARKERS[k % len(MARKERS)])
