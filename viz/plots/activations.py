"""How the activations of each layer are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, ridges
from viz.plots.data import Array, drawable, left_out, named, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where the slope has fallen to 6 % of its greatest: tanh' = 1 − tanh², sigmoid' = s·(1 − s).
_BOUNDS = {"tanh": (-0.97, 0.97), "sigmoid": (0.015, 0.985)}


def plot_activations(
    activations: Mapping[str, npt.ArrayLike],
    *,
    saturates: Mapping[str, str | None] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How the activations of each layer are spread, and the shares of what is dead, zero or saturated.

    activations  layer names to arrays, first axis the example, as `nn.layer_outputs(model, X)` gives
    saturates    layer names to "tanh", "sigmoid" or None (it does not saturate); others are told by their values

    Each entry of an array's other axes is a unit. In the columns beside:

    zero       the share of the activations that are exactly 0; from 5 % on they are a bar of their own in the picture,
               since they would flatten the rest
    dead       how many units are 0 for every example: no gradient comes through a relu there
    saturated  the share of the activations where the slope is below 6 % of its greatest: |a| > 0.97 for tanh, below
               0.015 or above 0.985 for a sigmoid; light bars at the ends. A layer is taken for a sigmoid if all its
               values lie within 0 and 1, none of them 0, and for tanh if they lie within −1 and 1, some below 0; a
               layer that happens to look like that is excepted by saturates={"name": None}

    Raises:
        TypeError: if it is not a mapping, or holds anything but numbers.
        ValueError: for no layers, no numbers, or an unknown name or kind in `saturates`.
        ModuleNotFoundError: without matplotlib.
    """
    items = named("activations", activations, "layer names to arrays")
    rows = {name: numbers(f"activations[{name!r}]", item, dimensions=()) for name, item in items.items()}
    kinds = _kinds(rows, dict(saturates or {}))
    columns: dict[str, list[str]] = {"zero": [], "dead": [], "saturated": []}
    for name, array in rows.items():
        units = array.reshape(len(array) if array.ndim else 1, -1)
        dead = int((units == 0).all(axis=0).sum())
        columns["zero"].append(_share(units == 0, units))
        columns["dead"].append(f"{dead:,} of {units.shape[1]:,}")
        kind = kinds[name]
        if kind is None:
            columns["saturated"].append("–")
        else:
            low, high = _BOUNDS[kind]
            columns["saturated"].append(_share((units < low) | (units > high), units))
    ax = canvas.axes(ax, "Activations by layer", size=ridges.size(len(rows)))
    bounds = {name: _BOUNDS[kind] for name, kind in kinds.items() if kind}
    outside = ridges.ridges(ax, rows, columns, bounds)
    ax.set_xlabel("activation")
    canvas.note(ax, outside, left_out(*rows.values()))
    return ax


def _kinds(rows: dict[str, Array], said: dict[str, str | None]) -> dict[str, str | None]:
    """How each layer saturates: as was said, or as its values look."""
    for name, kind in said.items():
        if name not in rows:
            raise ValueError(f"saturates names {name!r}; the layers are {', '.join(map(repr, rows))}")
        if kind is not None and kind not in _BOUNDS:
            raise ValueError(f"saturates[{name!r}]: expected 'tanh', 'sigmoid' or None, not {kind!r}")
    return {name: said[name] if name in said else _look(array[drawable(array)]) for name, array in rows.items()}


def _look(values: Array) -> str | None:
    if not values.size or np.abs(values).max() > 1:
        return None
    if values.min() < 0:
        return "tanh"
    return "sigmoid" if values.min() > 0 else None


def _share(chosen: Array, of: Array) -> str:
    """A share of the finite numbers, in percent: neither 0 nor 100 unless it is."""
    known = drawable(of)
    if not known.any():
        return "–"
    share = 100 * float((chosen & known).sum() / known.sum())
    return "< 1 %" if 0 < share < 1 else "> 99 %" if 99 < share < 100 else f"{share:.0f} %"
