"""Data for the lessons: made from a seed, or brought by scikit-learn; nothing is downloaded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def moons(n: int = 100, noise: float = 0.1, seed: int = 1337) -> tuple[Array, Array]:
    """Two half circles that reach into each other: points (n, 2), and labels −1 or 1 (n,).

    The upper one has radius 1 around (0, 0), the lower one around (1, 0.5); the noise is normal.
    The points are those of scikit-learn's `make_moons`, up to their order and the random numbers.
    """
    rng = np.random.default_rng(seed)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    points = np.concatenate(
        [np.stack([np.cos(upper), np.sin(upper)], 1), np.stack([1 - np.cos(lower), 0.5 - np.sin(lower)], 1)]
    )
    labels = np.concatenate([-np.ones(n // 2), np.ones(n - n // 2)])
    return points + rng.normal(0.0, noise, points.shape), labels


# ------------------------------------------------------------------------------ measured


class Measured(NamedTuple):
    """Examples that were measured: X (n, features), y (n,), and what the columns of X are."""

    X: Array
    y: npt.NDArray[Any]
    features: list[str]


def digits() -> Measured:
    """1,797 digits written by 13 people, images of 8 × 8 pixels from 0 to 1 in a row; y is the digit.

    The test part of "Optical recognition of handwritten digits" (Alpaydin & Kaynak 1998), as scikit-learn brings it.
    """
    images = _brought("digits")
    return images._replace(X=images.X / 16)


def breast_cancer() -> Measured:
    """569 tumours, 30 measurements of the nuclei of their cells; y is 1 for a malignant one, else 0.

    "Breast cancer Wisconsin (diagnostic)" (Street, Wolberg & Mangasarian 1993), as scikit-learn brings it, but for the
    classes, which are 0 for malignant there.
    """
    tumours = _brought("breast_cancer")
    return tumours._replace(y=1 - tumours.y)


def diabetes() -> Measured:
    """442 patients, 10 measurements; y says how far the disease had gone a year later, from 25 to 346.

    From "Least angle regression" (Efron, Hastie, Johnstone & Tibshirani 2004), in the units of the measurements.
    """
    return _brought("diabetes", scaled=False)


def _brought(name: str, **options: Any) -> Measured:
    """A data set of scikit-learn.

    Raises:
        ModuleNotFoundError: without scikit-learn.
    """
    try:
        from sklearn import datasets
    except ImportError:
        said = name.replace("_", " ")
        raise ModuleNotFoundError(
            f'the data on {said} come with scikit-learn: pip install "chainrule[demos]"', name="sklearn"
        ) from None
    found = getattr(datasets, f"load_{name}")(**options)
    return Measured(found.data, found.target, list(found.feature_names))


# ------------------------------------------------------------------------------ held out


class Split(NamedTuple):
    """Examples to learn from, X (n, features) and y (n,), and those that are held out to judge by."""

    X: Array
    y: npt.NDArray[Any]
    X_test: Array
    y_test: npt.NDArray[Any]


def split(data: Measured, seed: int, share: float = 0.25, *, classes: bool = False) -> Split:
    """Hold out a share of the examples, at random; with `classes` the same share of each class.

    It is the split of scikit-learn's `train_test_split` with random_state=seed, so that others can repeat it.
    """
    from sklearn.model_selection import train_test_split

    X, X_test, y, y_test = train_test_split(  # noqa: N806
        data.X, data.y, test_size=share, random_state=seed, stratify=data.y if classes else None
    )
    return Split(X, y, X_test, y_test)


def standardized(parts: Split) -> Split:
    """(x − mean) / standard deviation of each feature, both of the part to learn from: what is held out stays unseen.

    Raises:
        ValueError: if a feature is the same for all examples to learn from.
    """
    mean, deviation = parts.X.mean(axis=0), parts.X.std(axis=0)
    if not deviation.all():
        constant = np.flatnonzero(deviation == 0).tolist()
        raise ValueError(f"the features {constant} do not vary, so they have no scale: leave them out")
    return parts._replace(X=(parts.X - mean) / deviation, X_test=(parts.X_test - mean) / deviation)
