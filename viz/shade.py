"""How large a gradient is, as something to see: a width, a length and a colour, on one logarithmic scale.

The largest gradient of a drawing has strength 1, the smallest the least strength, and 0 has none; the scale spans one
decade at least, and four at most. Lines become wider and darker, bars longer and darker, so that a print in
grey says the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, log10

from viz import style

_FEW, _MANY, _LEAST = 1.0, 4.0, 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """From the sizes of gradients to strengths; the smallest and the largest of them, without 0.

    >>> scale = Scale(0.001, 10.0)
    >>> [scale.strength(size) for size in (0.0, 1e-9, 0.1, 10.0, float("inf"))]
    [0.0, 0.1, 0.55, 1.0, 1.0]
    """

    smallest: float
    largest: float

    def strength(self, size: float) -> float:
        """0 for 0, else from 0.1 to 1; what is not finite is as strong as can be."""
        if not size:
            return 0.0
        if not isfinite(size):
            return 1.0
        top = log10(self.largest)
        decades = min(max(top - log10(self.smallest), _FEW), _MANY)
        return min(1.0, max(_LEAST, 1 + (1 - _LEAST) * (log10(size) - top) / decades))


def scale_of(sizes: Iterable[float | None]) -> Scale | None:
    """The scale of all gradients in a drawing; None where none has arrived, so that there is nothing to show."""
    arrived = [size for size in sizes if size is not None]
    finite = [size for size in arrived if size and isfinite(size)]
    return Scale(min(finite, default=1.0), max(finite, default=1.0)) if arrived else None


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a line is drawn: its width, its colour, whether it is dashed, as one on which a gradient of 0 goes back."""

    width: float
    color: str
    is_dashed: bool = False


def stroke(size: float | None, count: int, scale: Scale | None) -> Stroke:
    """The line for `count` edges with a gradient of this size; before it has arrived, a little wider for many.

    >>> stroke(None, 1, None)
    Stroke(width=1.4, color='#64748b', is_dashed=False)
    """
    if size is None or scale is None:
        return Stroke(style.WIDTH + min(0.4 * log10(count), 1.6), style.LINE)
    if not size:
        return Stroke(style.WIDTHS[0], style.ZERO, True)
    strength = scale.strength(size)
    thin, thick = style.WIDTHS
    return Stroke(thin + strength * (thick - thin), color(strength))


def arrow(stroke: Stroke) -> float:
    """The length of the arrow at the end of a line: a wider line has a larger one."""
    return style.ARROW + max(0.0, 1.5 * (stroke.width - style.WIDTH))


def color(strength: float) -> str:
    """A colour, the darker the stronger.

    >>> color(0.0), color(1.0)
    ('#e7bd97', '#7a2c05')
    """
    place = strength * (len(style.RAMP) - 1)
    k = min(int(place), len(style.RAMP) - 2)
    pairs = zip(_parts(style.RAMP[k]), _parts(style.RAMP[k + 1]), strict=True)
    return "#" + "".join(f"{round(a + (place - k) * (b - a)):02x}" for a, b in pairs)


def _parts(color: str) -> list[int]:
    """Red, green and blue."""
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]
