"""Data for the lessons, made from a seed; nothing is downloaded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def moons(
    n: int = 100, noise: float = 0.1, seed: int = 1337
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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
