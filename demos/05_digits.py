"""Handwritten digits: a network of 96 neurons reads images that it has never seen (10 seconds).

An image of 8 × 8 pixels is 64 numbers. 96 neurons look at all of them, and ten more at those, one for each digit: the
largest wins. A quarter of the 1,797 images is held out, and judged by once, at the end. While it learns, dropout
silences every other neuron at random, so that none can rely on another.

Over ten splits, each with first weights of its own, it had 98.2% right in the mean and 97.6% at least. In lesson 6 a
network looks at neighbourhoods, and not at all pixels at once.
"""

from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from demos.data import Split, digits, split
from demos.figures import entitle, save_figure, unless_interrupted
from viz.plots import plot_history, plot_weights

NEURONS = 96


def network(rng: Random) -> nn.Module:
    """64 → 96 → 10."""
    return nn.Sequential(
        nn.Linear(64, NEURONS, seed=rng), nn.GELU(), nn.Dropout(0.5, seed=rng), nn.Linear(NEURONS, 10, seed=rng)
    )


def train(parts: Split, epochs: int, seed: int) -> nn.History:
    """AdamW, its rate going from 0.02 to 0 along a cosine; a tenth of the images is kept to validate."""
    history = nn.fit(
        network, parts.X, parts.y, loss=nn.cross_entropy, optimizer=lambda ps: nn.AdamW(ps, lr=0.02, weight_decay=0.03),
        epochs=epochs, schedule=lambda o: nn.CosineAnnealingLR(o, T_max=epochs), validation=0.1, seed=seed,
    )  # fmt: skip
    return unless_interrupted(history)


def main(output: Path, epochs: int = 40, seed: int = 0) -> None:
    """Train, and show what it learned, and what it cannot read; the pictures are in `output`."""
    parts = split(digits(), seed, classes=True)
    print(f"\n{len(parts.y)} images to learn from, and {len(parts.y_test)} held out. One of these is:\n")
    print_image(parts.X_test[0])

    history = train(parts, epochs, seed)
    model = history.model
    print(f"\n{history}\n")

    said, wrong = misread(model, parts)
    print("How often which digit (the row) is taken for which (the column):\n")
    print_confusion(model.confusion_matrix(parts.X_test, parts.y_test))

    def draw_weights(figure: Any) -> None:
        ax = figure.subplots()
        plot_weights(model, name="0.weight", image=(8, 8), ax=ax)
        entitle(ax, "What each neuron looks for")

    print()
    print(save_figure(output / "05_digits_history.png", lambda figure: plot_history(history, ax=figure.subplots())))
    print(save_figure(output / "05_digits_weights.png", draw_weights, (9.0, 4.2)))
    print(save_figure(output / "05_digits_misread.png", lambda figure: draw_misread(figure, parts, said, wrong)))

    theirs, seconds = by_scikit_learn(parts, seed)
    print(f"\n{'':30}{'right':>8}{'seconds':>9}")
    print(f"  {'this network':28}{1 - len(wrong) / len(said):8.1%}{history.seconds:9.1f}")
    print(f"  {'scikit-learn: MLPClassifier':28}{theirs:8.1%}{seconds:9.1f}")
    print(f"\nIt reads {1 - len(wrong) / len(said):.1%} of the images held out, all but {len(wrong)}.")


def misread(model: nn.Module, parts: Split) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(which digit it says of each image held out, at which places it is wrong)."""
    said = model.predict(parts.X_test).argmax(axis=1)
    return said, np.flatnonzero(said != parts.y_test)


def by_scikit_learn(parts: Split, seed: int) -> tuple[float, float]:
    """The share that a network of as many neurons has right there, with its defaults, and the seconds it took."""
    from sklearn.neural_network import MLPClassifier

    start = perf_counter()
    theirs = MLPClassifier((NEURONS,), max_iter=1000, random_state=seed).fit(parts.X, parts.y)
    return float(theirs.score(parts.X_test, parts.y_test)), perf_counter() - start


def print_image(image: npt.NDArray[np.float64]) -> None:
    """The image as text, two characters a pixel."""
    for row in image.reshape(8, 8):
        print("  " + "".join(2 * " ░▒▓█"[round(4 * pixel)] for pixel in row).rstrip())


def print_confusion(matrix: npt.NDArray[np.int64]) -> None:
    """A row for each digit; points for zeros."""
    print("     " + "".join(f"{digit:4}" for digit in range(10)))
    for digit, row in enumerate(matrix):
        print(f"  {digit:3}" + "".join(f"{n or '·':>4}" for n in row))


def draw_misread(figure: Any, parts: Split, said: npt.NDArray[np.int64], wrong: npt.NDArray[np.int64]) -> None:
    """Up to ten images that it takes for another digit."""
    figure.suptitle(f"{len(wrong)} of {len(said)} images are misread", fontsize=12, fontweight="bold")
    axes = figure.subplots(2, 5).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, i in zip(axes, wrong, strict=False):
        ax.imshow(parts.X_test[i].reshape(8, 8), cmap="gray_r", vmin=0.0, vmax=1.0)
        ax.set_title(f"a {parts.y_test[i]}, taken for {said[i]}", fontsize=9)


if __name__ == "__main__":
    main(Path())
