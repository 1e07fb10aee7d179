"""Malignant or benign: logistic regression and a small network, beside scikit-learn's (25 seconds).

Both models give a logit z, and say that the tumour is malignant with the probability p = 1/(1 + e⁻ᶻ). Both are trained
by the binary cross-entropy −ln p of what was true. Logistic regression has z = w·x + b and a single minimum:

    mean of the cross-entropy  +  ‖w‖²/(2·n)

for n examples. scikit-learn finds it, too, in its own way, so the coefficients must be the same. A network has many
minima, and from some epoch on it learns its examples by heart; a share of them, held back, tells when to stop.
"""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from demos.data import Measured, Split, breast_cancer, split, standardized
from demos.figures import entitle, save_figure, unless_interrupted
from engine.nested import flat
from viz.plots import plot_history
from viz.plots.palette import COLORS

Array = npt.NDArray[np.float64]


def logistic_regression(parts: Split, epochs: int) -> nn.History:
    """w and b by gradient descent with Nesterov's momentum, on all examples at once."""
    n, features = parts.X.shape
    model = nn.Linear(features, 1, seed=0)
    decayed = {"params": list(flat(model.weight)), "weight_decay": 1 / n}  # the slope of ‖w‖²/(2·n) is w/n
    optimizer = nn.SGD([decayed, {"params": model.bias}], lr=0.3, momentum=0.95, nesterov=True)
    history = nn.fit(
        model, parts.X, parts.y[:, None], loss=nn.bce_with_logits, optimizer=optimizer, epochs=epochs, batch_size=n,
        progress=False,
    )  # fmt: skip
    return unless_interrupted(history)


def network(rng: Random) -> nn.Module:
    """30 → 16 → 1."""
    return nn.Sequential(nn.Linear(30, 16, seed=rng), nn.ReLU(), nn.Linear(16, 1, seed=rng))


def train(parts: Split, epochs: int, seed: int) -> nn.History:
    """AdamW; a fifth of the examples is kept to validate, and training ends 20 epochs after their best."""
    history = nn.fit(
        network, parts.X, parts.y[:, None], loss=nn.bce_with_logits,
        optimizer=lambda ps: nn.AdamW(ps, lr=0.003, weight_decay=1.0), epochs=epochs, validation=0.2,
        callbacks=[nn.EarlyStopping(patience=20)], seed=seed, progress=False,
    )  # fmt: skip
    return unless_interrupted(history)


def main(output: Path, epochs: int = 300, descent: int = 1500, splits: int = 10) -> None:
    """Train on several splits; show the first in detail, and the means of all; the pictures are in `output`."""
    data = breast_cancer()
    names = ("logistic regression", "  scikit-learn's", "network 30-16-1", "  scikit-learn's ")
    measured = []
    for seed in range(splits):
        parts = standardized(split(data, seed, classes=True))
        linear, deep = logistic_regression(parts, descent), train(parts, epochs, seed)
        theirs, theirs_deep = by_scikit_learn(parts, seed)
        if seed == 0:
            show(output, data, parts, linear, deep, theirs)
            print("\nThe share that is right, on one split after the other:\n")
            print("  split" + "".join(f"{name.strip():>22}" for name in names))
        measured.append([judged(linear, parts), judged_there(theirs, parts), judged(deep, parts),
                         judged_there(theirs_deep, parts)])  # fmt: skip
        print(f"  {seed + 1:5}" + "".join(f"{right:22.1%}" for right, _ in measured[-1]))

    print(f"\nThe means over these {splits}, each with {len(parts.y_test)} tumours held out:\n")
    print(f"  {'':22}{'right':>8}{'log loss':>10}")
    for name, (right, loss) in zip(names, np.mean(measured, axis=0), strict=True):
        print(f"  {name:22}{right:8.1%}{loss:10.3f}")


def show(output: Path, data: Measured, parts: Split, linear: nn.History, deep: nn.History, theirs: Any) -> None:
    """What came out of one split."""
    sick = int(parts.y_test.sum())
    print(f"\n{len(parts.y)} tumours to learn from; {len(parts.y_test)} are held out, {sick} of them malignant.\n")
    weights = linear.model.state_dict()["weight"][0]
    print(f"Logistic regression, {linear.epochs} steps of gradient descent in {linear.seconds:.1f} s.")
    print(f"Its coefficients differ from scikit-learn's by {np.max(abs(weights - theirs.coef_[0])):.0e} at most.\n")
    print(f"The network:\n\n{deep}\n")
    for name, history in (("Logistic regression", linear), ("The network", deep)):
        [[right, alarm], [missed, found]] = history.model.confusion_matrix(parts.X_test, parts.y_test)
        print(f"{name} finds {found} of {sick} and misses {missed}; it alarms {alarm} of {right + alarm} for nothing.")

    def draw(figure: Any) -> None:
        draw_weights(figure.subplots(), data.features, weights, theirs.coef_[0])

    print(f"\n{save_figure(output / '07_breast_cancer_weights.png', draw, (7.2, 6.4))}")
    print(save_figure(output / "07_breast_cancer_history.png", lambda f: plot_history(deep, ax=f.subplots())))


def by_scikit_learn(parts: Split, seed: int) -> tuple[Any, Any]:
    """(LogisticRegression, MLPClassifier) of the same sizes, trained on the same examples."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    linear = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(parts.X, parts.y)
    return linear, MLPClassifier((16,), max_iter=3000, random_state=seed).fit(parts.X, parts.y)


def judged(history: nn.History, parts: Split) -> tuple[float, float]:
    """(the share that is right, the mean of the cross-entropy) of what is held out."""
    found = history.model.evaluate(parts.X_test, parts.y_test[:, None], loss=nn.bce_with_logits)
    return found["accuracy"], found["loss"]


def judged_there(model: Any, parts: Split) -> tuple[float, float]:
    """The same of a model of scikit-learn."""
    from sklearn.metrics import log_loss

    return model.score(parts.X_test, parts.y_test), log_loss(parts.y_test, model.predict_proba(parts.X_test))


def draw_weights(ax: Any, features: list[str], ours: Array, theirs: Array) -> None:
    """The coefficients in order, ours as bars and those of scikit-learn as points."""
    order = np.argsort(ours)
    rows = np.arange(len(ours))
    ax.barh(rows, ours[order], color=np.where(ours[order] > 0, COLORS[1], COLORS[0]), label="gradient descent")
    ax.plot(theirs[order], rows, "k|", markersize=9, label="scikit-learn")
    ax.set_yticks(rows, [features[i] for i in order], fontsize=8)
    ax.set_xlabel("coefficient, for a feature of standard deviation 1: benign < 0 < malignant")
    ax.legend(loc="lower right", frameon=False)
    entitle(ax, "What speaks for a malignant tumour")


if __name__ == "__main__":
    main(Path())
