"""Losses of classes: how little probability the right one was given. Under torch.nn.functional's names.

    loss = nn.cross_entropy(logits, [2, 0, 1])                  # three examples, and the class of each
    loss = nn.cross_entropy(logits, [[0.1, 0.2, 0.7], ...])     # or a probability for each class

The classes are the only axis of one example and the second of a batch: (batch, classes) or, where every place has a
class of its own, (batch, classes, height, width).

Glossary: xs the numbers of one example, one for each class; y its class; w the weight of a class; places the shape of
the classes that are the targets: () for one example, (batch,) or (batch, height, width).
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

import engine
from engine import Value, dot, log_softmax, not_equal, take, where
from engine.nested import flat, rebuilt
from engine.nested import shape as shape_of
from engine.operation import as_float
from nn.losses import REDUCTIONS, Reduced, at_least_0, said
from nn.options import choice, from_0_to_1
from nn.shapes import checked, constant, values, written

IGNORE = -100  # PyTorch's default: no class has this index
Shape = tuple[int, ...]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = IGNORE,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Reduced:
    """−ln softmax(x)[y], of logits x and a class y; for probabilities t as targets −Σ t·ln softmax(x).

    It is finite for all logits. `weight` is a factor for each class. Examples whose class is ignore_index count
    nothing. The mean divides by the weights of the examples' classes; for probabilities by the number of examples.
    label_smoothing = ε takes the share ε of each target and gives it to all classes alike (Szegedy et al. 2016). A
    class is a whole number, or a Value that holds one, which may then be an input of a program.

    Raises:
        ValueError: for shapes that do not fit, a negative probability, or a mean of no examples.
        IndexError: for a class that there is not.

    >>> cross_entropy([1000.0, 0.0], 0).data, cross_entropy([1000.0, 0.0], 1).data
    (0.0, 1000.0)
    >>> cross_entropy([[0.0, 0.0], [1.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]]).data == engine.log(2.0)
    True
    """
    smooth = from_0_to_1("label_smoothing", label_smoothing)
    shape, places, rows = _examples("cross_entropy", input)
    n = len(rows[0])
    weights = _class_weights("cross_entropy", weight, n)
    if shape_of(target) == shape:
        if ignore_index != IGNORE:
            raise ValueError("cross_entropy: ignore_index is for targets that are classes, and these are probabilities")
        at_least_0("cross_entropy", "probabilities", target)
        _not_classes(shape, target)
        shares = [[(1.0 - smooth) * t + smooth / n for t in ts] for ts in _rows(target, len(shape))]
        losses = [
            -dot([w * s for w, s in zip(weights or [1.0] * n, share, strict=True)], log_softmax(xs))
            for xs, share in zip(rows, shares, strict=True)
        ]
        return _reduced(losses, [1.0] * len(losses), places, reduction)

    def loss(xs: list[Value], y: Any, w: Any) -> Any:
        if not smooth:
            return _times(w, -log_softmax(xs, y))
        logs = log_softmax(xs)
        return -dot([(1.0 - smooth) * w, smooth / n], [_entry(logs, y), dot(weights or [1.0] * n, logs)])

    wanted = f"shape {written(places)} (classes) or {written(shape)} (probabilities)"
    labels = _labels("cross_entropy", target, places, n, ignore_index, wanted)
    sizes = [_size(weights, y) for _, y in labels]
    losses = [_times(keep, loss(xs, y, w)) for xs, (keep, y), w in zip(rows, labels, sizes, strict=True)]
    return _reduced(losses, [_times(keep, w) for (keep, _), w in zip(labels, sizes, strict=True)], places, reduction)


def nll_loss(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = IGNORE, reduction: str = "mean"
) -> Reduced:
    """−x[y], of log-probabilities x and a class y: the negative log-likelihood.

    cross_entropy is nll_loss of log_softmax; `weight`, `ignore_index`, the mean and the errors are the same.

    >>> nll_loss([[-0.5, -1.0], [-2.0, -0.25]], [1, 0], reduction="none")
    [Value(1.0), Value(2.0)]
    """
    _, places, rows = _examples("nll_loss", input)
    weights = _class_weights("nll_loss", weight, len(rows[0]))
    wanted = f"shape {written(places)}"
    labels = _labels("nll_loss", target, places, len(rows[0]), ignore_index, wanted)
    sizes = [_times(keep, _size(weights, y)) for keep, y in labels]
    losses = [_times(size, -_entry(xs, y)) for xs, (_, y), size in zip(rows, labels, sizes, strict=True)]
    return _reduced(losses, sizes, places, reduction)


# ------------------------------------------------------------------- examples, weights, classes


def _examples(name: str, input: Any) -> tuple[Shape, Shape, list[list[Value]]]:
    """(shape, places, rows): a row for each place, with a number for each class."""
    input = values(input)
    shape = shape_of(input)
    if not shape or 0 in shape:
        raise ValueError(f"{name} takes an input of shape (classes,) or (batch, classes, ...), and got {said(shape)}")
    return shape, shape[:1] * (len(shape) > 1) + shape[2:], _rows(input, len(shape))


def _not_classes(shape: Shape, target: Any) -> None:
    """Refuse whole numbers as probabilities, unless they add up to 1: they are classes, and the input lacks an axis."""
    whole = all(isinstance(t, int | np.integer) for t in flat(target))
    if whole and any(builtins.sum(row) != 1 for row in _rows(target, len(shape))):
        raise ValueError(
            f"cross_entropy: targets of the input's shape {written(shape)} are probabilities, and these are whole "
            "numbers that do not add up to 1; for classes the input has an axis more, (batch, classes)"
        )


def _rows(x: Any, axes: int) -> list[list[Any]]:
    """A list over the classes for each place; x has so many axes."""
    return [row for example in (x if axes > 1 else [x]) for row in _rows_of_one(example, max(axes - 2, 0))]


def _rows_of_one(x: Any, below: int) -> list[list[Any]]:
    if not below:
        return [list(x)]
    return [row for i in range(len(x[0])) for row in _rows_of_one([part[i] for part in x], below - 1)]


def _class_weights(name: str, weight: Any, n: int) -> list[Any] | None:
    """A weight for each class, if there are any."""
    if weight is None:
        return None
    checked(name, weight, (n,), what="a weight")
    return flat(weight)


def _labels(name: str, target: Any, places: Shape, n: int, ignore_index: int, wanted: str) -> list[tuple[Any, Any]]:
    """(keep, y) for each place: keep is 1, or 0 where y is ignored; of a y that is a Value, the graph decides which.

    One example that stands alone has no choice to make: there a Value is its class.
    """
    if shape_of(target) != places:
        _ = [float(y) if isinstance(y, Value) else as_float(y) for y in flat(target)]  # None has no shape to tell of
        raise ValueError(f"{name} takes a target of {wanted}, and got {said(shape_of(target))}")
    nobody = as_float(ignore_index)
    labels: list[tuple[Any, Any]] = []
    for y in flat(target):
        number, traced = (y.data, bool(places)) if isinstance(y, Value) else (as_float(y), False)
        ignored = number == nobody and (traced or not isinstance(y, Value))
        if not ignored:
            _require_class(name, number, n)
        if traced:
            keep = not_equal(y, nobody)
            labels.append((keep, where(keep, y, 0.0)))
        else:
            labels.append((0.0, 0) if ignored else (1.0, y))
    return labels


def _require_class(name: str, y: float, n: int) -> None:
    if y != y // 1.0:
        raise TypeError(f"{name}: a class is a whole number, not {y}; probabilities have the shape of the input")
    if not 0 <= y < n:
        raise IndexError(f"{name}: class {y:g} is out of range for {n} classes; give one from 0 to {n - 1}")


def _entry(xs: list[Any], y: Any) -> Any:
    return take(xs, y) if isinstance(y, Value) else xs[int(y)]


def _size(weights: list[Any] | None, y: Any) -> Any:
    return _entry(weights, y) if weights else 1.0


def _times(factor: Any, x: Any) -> Any:
    """factor · x, without a node where one of them is the number 1, or the factor is the number 0."""
    if not isinstance(factor, Value) and factor in (0.0, 1.0):
        return x if factor else constant(0.0) if isinstance(x, Value) else 0.0
    return factor * x if isinstance(x, Value) or x != 1.0 else factor


def _reduced(losses: list[Any], sizes: list[Any], places: Shape, reduction: str) -> Reduced:
    """The losses, already times their sizes; the mean divides by the sizes."""
    choice("reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return rebuilt(np.empty(places), losses)
    if reduction == "sum":
        return engine.sum(losses)
    total = engine.sum(sizes)
    if not float(total):
        raise ValueError("the mean of no examples: all are ignored, or have weight 0; reduction='sum' gives 0")
    if all(not isinstance(size, Value) and size in (0.0, 1.0) for size in sizes):
        return engine.mean([loss for loss, size in zip(losses, sizes, strict=True) if size])
    return engine.sum(losses) / total
