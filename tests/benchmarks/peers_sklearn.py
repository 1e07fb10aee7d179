"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from tests.benchmarks.vectorized_digits import BATCH, RATE, SIZES

EPOCHS = 5


def digits(images, classes):
    """{name: (function, how many steps it makes)}: epochs of fit, and partial_fit, which prepares each batch anew."""
    model = MLPClassifier(
        SIZES[1:-1], activation="relu", solver="adam", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE,
        max_iter=EPOCHS, n_iter_no_change=EPOCHS + 1, random_state=0,
    )  # fmt: skip
    online = MLPClassifier(SIZES[1:-1], alpha=0.0, batch_size=BATCH, learning_rate_init=RATE, random_state=0)
    online.partial_fit(images[:BATCH], classes[:BATCH], classes=range(SIZES[-1]))

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # five epochs are not all
            return model.fit(images, classes)

    def partial_fit():
        return online.partial_fit(images[:BATCH], classes[:BATCH])

    return {
        "scikit-learn's MLPClassifier, fit": (fit, EPOCHS * -(-len(images) // BATCH)),
        "scikit-learn's MLPClassifier, partial_fit": (partial_fit, 1),
    }
