"""What a classifier says in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from viz.plots import canvas, palette
from viz.plots.data import Array, drawable, left_out, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_decision_boundary(
    predict: Callable[[Array], Any] | Any,
    X: npt.ArrayLike,  # noqa: N803
    y: npt.ArrayLike,
    *,
    threshold: float | None = None,
    margin: float | None = None,
    names: tuple[str, str] = ("x₀", "x₁"),
    resolution: int = 240,
    ax: Axes | None = None,
) -> Axes:
    """The regions of a classifier's answers, the boundaries between them, and the examples.

    predict     a function from points (m, 2), or an object with such a method `predict`, as a model, to
                classes (m,): integers, text, or the numbers that `y` has;
                scores (m,) or (m, 1) of two classes: above the threshold it is the greater class of `y`;
                scores or probabilities (m, k) of k classes, the column being the place in the sorted classes: the
                greatest counts
    X, y        the examples (n, 2), and their classes (n,)
    threshold   of scores; None: predict.decision_threshold(X), if it is an object that has this method, as a model; of
                others 0.5 if all scores lie within 0 and 1, else 0
    margin      dotted lines of the score, so far from the threshold on both sides; None: 0.4 around 0.5 (from 10 % to
                90 %), 1 around 0; 0: none
    names       what stands at the axes
    resolution  points of the grid along each side

    Classes differ by marker and colour, and regions by a tint, which is lighter and darker by turns. Examples that are
    nan or inf are left out, and said.

    Raises:
        TypeError: for a `predict` that is neither, or for anything but numbers.
        ValueError: for other shapes than these, of what is given or of what `predict` gives.
        ModuleNotFoundError: without matplotlib.
    """
    points, labels = _examples(X, y)
    known = drawable(points).all(axis=1)
    if labels.dtype.kind == "f":
        known &= drawable(labels)
    if not known.any():
        raise ValueError("X: no example is finite")
    points, labels, said = points[known], labels[known], [left_out(points)]
    grid = _grid(points, resolution)
    answers = _answers(predict, np.stack([axis.ravel() for axis in grid], axis=1))
    is_score = answers.ndim == 1 and not _are_classes(answers, labels)
    classes = _classes(labels, answers, is_score)
    ax = canvas.axes(ax, "Decision boundary")
    ax.grid(False)
    shape = grid[0].shape
    if is_score:
        threshold = _told(predict, points) if threshold is None else threshold
        said.append(_scores(ax, grid, answers.reshape(shape), threshold, margin))
    else:
        regions = answers.argmax(axis=1) if answers.ndim == 2 else np.searchsorted(classes, answers)
        _regions(ax, grid, regions.reshape(shape), len(classes))
    _scatter(ax, points, labels, classes)
    ax.set(xlim=(grid[0][0, 0], grid[0][0, -1]), ylim=(grid[1][0, 0], grid[1][-1, 0]))
    ax.set(xlabel=canvas.plain(names[0]), ylabel=canvas.plain(names[1]))
    canvas.note(ax, *said)
    return ax


# ----------------------------------------------------------------------------------------- what is given


def _examples(X: Any, y: Any) -> tuple[Array, npt.NDArray[Any]]:  # noqa: N803
    """Points (n, 2) and their classes (n,)."""
    points = numbers("X", X, dimensions=(2,))
    labels = _array(y)
    if points.shape[1] != 2:
        raise ValueError(f"X: a boundary is drawn in the plane, for examples (n, 2), not {points.shape}")
    if labels.shape == (len(points), 1):
        labels = labels[:, 0]
    if labels.shape != (len(points),):
        raise ValueError(f"y: expected a class for each of the {len(points)} examples, not shape {labels.shape}")
    return points, labels


def _array(given: Any) -> npt.NDArray[Any]:
    """Numbers or text; Values are taken for their numbers."""
    array: npt.NDArray[Any] = np.asarray(given)
    if array.dtype == object:
        array = np.array(array.tolist())
    return array.astype(np.float64) if array.dtype == object else array


def _grid(points: Array, resolution: int) -> tuple[Array, Array]:
    """Points all over the examples and a little farther."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, 0.1 * (high - low), 1.0)
    sides = [np.linspace(a, b, resolution) for a, b in zip(low - room, high + room, strict=True)]
    x, y = np.meshgrid(*sides)
    return x, y


def _answers(predict: Any, points: Array) -> npt.NDArray[Any]:
    """What the classifier says of each point: (m,), or (m, k) with k of 2 and more."""
    method = getattr(predict, "predict", None)
    ask = method if callable(method) else predict
    if not callable(ask):
        raise TypeError(f"predict: expected a function, or an object with predict, not {type(predict).__name__}")
    answers = _array(ask(points))
    if answers.ndim not in (1, 2) or len(answers) != len(points) or not answers.size:
        raise ValueError(f"predict: expected ({len(points)},) or ({len(points)}, classes) back, not {answers.shape}")
    return answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers


def _told(predict: Any, points: Array) -> float | None:
    """What the object itself says the threshold is: logits may all lie within 0 and 1, and are cut at 0."""
    method = getattr(predict, "decision_threshold", None)
    return float(method(points)) if callable(method) else None


def _are_classes(answers: npt.NDArray[Any], labels: npt.NDArray[Any]) -> bool:
    """Whether these are classes and no scores: integers and text are; floats where they are all among the labels."""
    if answers.dtype.kind != "f":
        return True
    return labels.dtype.kind in "biuf" and bool(np.isin(answers, labels.astype(answers.dtype)).all())


def _classes(labels: npt.NDArray[Any], answers: npt.NDArray[Any], is_score: bool) -> npt.NDArray[Any]:
    """All classes in order: those of the labels, those that were answered, and those that have a column."""
    classes: npt.NDArray[Any] = np.unique(labels)
    if answers.ndim == 2 and len(classes) != answers.shape[1]:
        count = answers.shape[1]
        if labels.dtype.kind not in "biu" or classes[0] < 0 or classes[-1] >= count:
            raise ValueError(
                f"predict gives {count} scores a point; y has the {len(classes)} classes {_listed(classes)}"
            )
        classes = np.arange(count)
    elif is_score and len(classes) > 2:
        raise ValueError(f"predict gives one score, which tells 2 classes apart; y has {len(classes)}")
    elif answers.ndim == 1 and not is_score:
        if (answers.dtype.kind in "US") != (labels.dtype.kind in "US"):
            raise ValueError(f"predict gives classes as {answers[0]!r}, y as {labels[0]!r}: they must be of one kind")
        classes = np.unique(np.concatenate([classes, np.unique(answers)]))
    if len(classes) > palette.MOST:
        raise ValueError(f"{len(classes)} classes cannot be told apart; there may be {palette.MOST}")
    return classes


def _listed(classes: npt.NDArray[Any]) -> str:
    shown = ", ".join(map(str, classes[:6].tolist()))
    return shown if len(classes) <= 6 else f"{shown}, ..."


# ----------------------------------------------------------------------------------------- what is drawn


def _regions(ax: Axes, grid: tuple[Array, Array], regions: Array, count: int) -> None:
    """A tint for each class, and lines between."""
    for k in range(count):
        share = (regions == k).astype(np.float64)
        if share.any():
            tint = palette.TINTS[k % len(palette.TINTS)]
            ax.contourf(*grid, share, levels=[0.5, 1.5], colors=[tint])
        if share.any() and not share.all():
            ax.contour(*grid, share, levels=[0.5], colors=[palette.INK], linewidths=1.3)


def _scores(ax: Axes, grid: tuple[Array, Array], scores: Array, threshold: float | None, margin: float | None) -> str:
    """Two tints, the boundary, and the margin as dotted lines; gives a sentence on them."""
    known = scores[drawable(scores)]
    if not known.size:
        return "the score is nan or inf everywhere"
    is_share = threshold == 0.5 or (threshold is None and known.min() >= 0 and known.max() <= 1)
    middle = threshold if threshold is not None else 0.5 if is_share else 0.0
    far = margin if margin is not None else 0.4 if is_share else 1.0
    shown = np.ma.masked_where(~drawable(scores), scores)
    low, high = min(float(known.min()), middle) - 1, max(float(known.max()), middle) + 1
    ax.contourf(*grid, shown, levels=[low, middle, high], colors=[palette.TINTS[1], palette.TINTS[0]])
    inner = [palette.PALE[1], palette.PALE[0]]
    if far > 0:
        ax.contourf(*grid, shown, levels=[middle - far, middle, middle + far], colors=inner)
    lines = {middle: "-", middle - far: ":", middle + far: ":"}
    levels = sorted(level for level in lines if known.min() < level < known.max())
    if levels:
        styles = [lines[level] for level in levels]
        widths = [1.8 if level == middle else 1.3 for level in levels]
        ax.contour(*grid, shown, levels=levels, colors=[palette.INK], linestyles=styles, linewidths=widths)
    count = scores.size - known.size
    said = f"solid: score {middle:.3g}" + (f", dotted: {middle - far:.3g} and {middle + far:.3g}" if far else "")
    return said.replace("-", "−") + (f"; {count:,} scores are inf or nan" if count else "")


def _scatter(ax: Axes, points: Array, labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> None:
    """The examples, by marker and colour; many of them smaller."""
    handles, names = [], []
    area = float(np.clip(9000 / len(points), 8, 42))
    for k, name in enumerate(classes.tolist()):
        chosen = points[labels == name]
        look = palette.look(_PAIR[k] if len(classes) <= 2 else k)
        options: dict[str, Any] = {"s": area, "marker": look.marker, "color": look.color, "zorder": 3}
        handles.append(ax.scatter(*chosen.T, **options, edgecolors=palette.PAPER, linewidths=0.6))
        names.append(_written(name))
    canvas.legend(ax, handles, names, title="class", title_fontsize=9, outside=True, handlelength=1.4)


def _written(name: Any) -> str:
    """The name of a class, a number with its proper minus."""
    return f"{name:g}".replace("-", "−") if isinstance(name, int | float) else str(name)


_PAIR = (1, 0)  # of two classes the lower is orange, the higher blue, as their tints are
