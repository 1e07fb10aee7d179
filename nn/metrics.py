"""How good outputs are: which class they say, how many are right, which are taken for which.

Glossary: outputs are (n, classes), a number for each class, of which the largest wins; or (n,) or (n, 1), one number,
which says yes above a threshold and no below. Targets are classes (n,), yes and no as 1 and 0 or as 1 and −1, or
(n, classes) with a 1 (or the largest share) at the class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def accuracy(outputs: npt.ArrayLike, targets: npt.ArrayLike, threshold: float = 0.0) -> float:
    """The share of the outputs that say the class of the target; nan of none.

    Raises:
        ValueError: if the outputs are not of classes, or the targets not classes of theirs.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    >>> accuracy([2.0, -1.0, 0.5], [1, 0, 0], threshold=0.0)
    0.6666666666666666
    """
    said, true = classes(outputs, targets, threshold)
    return float(np.mean(said == true)) if len(said) else float("nan")


def confusion_matrix(outputs: npt.ArrayLike, targets: npt.ArrayLike, threshold: float = 0.0) -> npt.NDArray[np.int64]:
    """C[i, j]: how many examples of class i are said to be of class j; shape (classes, classes).

    Of one output, class 0 is no and class 1 is yes.

    Raises:
        ValueError: as `accuracy`.

    >>> confusion_matrix([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 1, 0]).tolist()
    [[0, 1], [1, 1]]
    """
    said, true = classes(outputs, targets, threshold)
    n = max(2, np.shape(outputs)[1] if np.ndim(outputs) == 2 else 2)
    matrix = np.zeros((n, n), np.int64)
    np.add.at(matrix, (true, said), 1)
    return matrix


def are_classes(outputs: npt.ArrayLike, targets: npt.ArrayLike) -> bool:
    """Whether these targets are classes that such outputs can say.

    >>> are_classes([[0.1, 0.9]], [1]), are_classes([0.5], [1.0]), are_classes([0.5], [0.7])
    (True, True, False)
    """
    try:
        classes(outputs, targets, 0.0)
    except ValueError:
        return False
    outputs, targets = np.asarray(outputs), np.asarray(targets)
    counted = targets.dtype.kind in "iub"
    if outputs.ndim == 2 and outputs.shape[1] > 1 and targets.ndim == 1:
        return counted  # 0.0, 1.0, 2.0 may be measured just as well
    return True


def classes(
    outputs: npt.ArrayLike, targets: npt.ArrayLike, threshold: float = 0.0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(the class that each output says, the class that it is), both (n,).

    Raises:
        ValueError: if the outputs are not of classes, or the targets not classes of theirs.
    """
    out, true = np.asarray(outputs, np.float64), np.asarray(targets)
    if out.ndim == 0 or true.ndim == 0 or len(out) != len(true):
        raise ValueError(f"there is one target for each output, and the shapes are {out.shape} and {true.shape}")
    if out.ndim == 2 and out.shape[1] > 1:
        return out.argmax(axis=1), _of_several(true, out.shape)
    if out.ndim > 2 or (out.ndim == 2 and out.shape[1] == 0):
        raise ValueError(f"outputs of classes have the shape (n, classes), (n,) or (n, 1), and these {out.shape}")
    return (out.reshape(len(out)) > threshold).astype(np.int64), _of_one(true)


def _of_several(true: Array, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """The classes of targets beside outputs (n, classes)."""
    if true.shape == shape:
        if np.any(true < 0) or not np.allclose(true.sum(axis=1), 1.0):
            raise ValueError(f"targets of the shape {shape} are the shares of the classes, from 0 up, with the sum 1")
        return np.asarray(true.argmax(axis=1), np.int64)
    if true.shape not in ((shape[0],), (shape[0], 1)):
        raise ValueError(f"the targets of outputs {shape} have the shape ({shape[0]},) or {shape}, not {true.shape}")
    true = true.reshape(shape[0])
    whole = np.all(true == np.floor(true)) and np.all((true >= 0) & (true < shape[1]))
    if not whole:
        raise ValueError(f"the targets of outputs {shape} are classes from 0 to {shape[1] - 1}")
    return true.astype(np.int64)


def _of_one(true: Array) -> npt.NDArray[np.int64]:
    """The classes of targets beside one output: 1 or not."""
    if true.shape not in ((len(true),), (len(true), 1)):
        raise ValueError(f"the targets of one output have the shape ({len(true)},), not {true.shape}")
    true = true.reshape(len(true))
    if not (np.isin(true, (0, 1)).all() or np.isin(true, (-1, 1)).all()):
        raise ValueError("the targets of one output are 0 and 1, or -1 and 1")
    return (true > 0).astype(np.int64)
