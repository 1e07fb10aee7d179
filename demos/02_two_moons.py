"""Two moons: a network of 337 scalar parameters learns to tell them apart (10 seconds).

micrograd's demo. The score of a point should be positive for one moon and negative for the other, by a margin of
1: the loss is the mean of max(0, 1 − y·score), the hinge of a support vector machine, plus a little weight decay.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from demos.data import moons
from engine import Value, no_grad, recording, sum
from nn import MLP
from viz import draw

Points = npt.NDArray[np.float64]


def loss_and_accuracy(model: MLP, points: Points, labels: Points) -> tuple[Value, float]:
    """The loss to minimize, and the share of the points that have the right sign."""
    scores = [model(point) for point in points]
    hinges = [(1 - y * score).relu() for y, score in zip(labels, scores, strict=True)]
    decay = sum(p * p for p in model.parameters())
    right = [(y > 0) == (score > 0) for y, score in zip(labels, scores, strict=True)]
    return sum(hinges) / len(hinges) + 1e-4 * decay, float(np.mean(right))


def train(model: MLP, points: Points, labels: Points, steps: int = 100) -> float:
    """Gradient descent, the rate going from 1 to 0.1; gives the accuracy of the trained model."""
    for k in range(steps):
        with recording():
            loss, accuracy = loss_and_accuracy(model, points, labels)
            model.zero_grad()
            loss.backward()
        rate = 1.0 - 0.9 * k / steps
        for p in model.parameters():
            p.data -= rate * p.grad
        if k % 10 == 0 or k == steps - 1:
            print(f"  step {k:3}   loss {loss.data:.4f}   accuracy {accuracy:6.1%}   {'█' * round(30 * accuracy)}")
    with no_grad():
        return loss_and_accuracy(model, points, labels)[1]


def scores_on_grid(model: MLP, x: Points, y: Points) -> Points:
    """The score of each point of a grid, shape (len(y), len(x))."""
    with no_grad():
        return np.array([[model([a, b]).data for a in x] for b in y])


def main(output: Path, steps: int = 100) -> None:
    """Train, and show the boundary: in the terminal, and as a picture in `output`."""
    points, labels = moons()
    model = MLP(2, [16, 16, 1], seed=1337)
    print(f"\n{model}, {len(model.parameters())} parameters, {len(points)} points\n")
    accuracy = train(model, points, labels, steps)
    print(f"\nIt tells {accuracy:.0%} of the points apart. Where it draws the line (# and . are its answers,")
    print("O and x the points):\n")
    print_map(model, points, labels)
    print(f"\n{save_map(model, points, labels, output / '02_moons.png')}")
    print(f"\nA network of the same kind, small enough to look at: {save_small_network(output / '02_network.svg')}")


def print_map(model: MLP, points: Points, labels: Points) -> None:
    """The plane as text, 72 columns by 24 rows."""
    x, y = np.linspace(-1.5, 2.5, 72), np.linspace(1.5, -1.0, 24)
    rows = [["#" if score > 0 else "." for score in row] for row in scores_on_grid(model, x, y)]
    for (a, b), label in zip(points, labels, strict=True):
        rows[int(np.argmin(abs(y - b)))][int(np.argmin(abs(x - a)))] = "O" if label > 0 else "x"
    print("\n".join("  " + "".join(row) for row in rows))


def save_map(model: MLP, points: Points, labels: Points, path: Path) -> str:
    """The plane as a picture; says where it is, or what it takes to have one."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return 'For the picture, install matplotlib: pip install "chainrule[plots]"'
    x, y = np.linspace(-1.5, 2.5, 81), np.linspace(-1.0, 1.5, 51)
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    scores = scores_on_grid(model, x, y)
    axes.contourf(x, y, scores, levels=[-1e9, 0, 1e9], colors=["#f6d9c6", "#cfe0f3"])
    axes.contour(x, y, scores, levels=[-1, 0, 1], colors="#444444", linestyles=["dotted", "solid", "dotted"])
    for label, marker, colour in ((-1, "x", "#a63a00"), (1, "o", "#0b57a4")):
        x0, x1 = points[labels == label].T
        axes.scatter(x0, x1, marker=marker, color=colour, s=28, label=f"y = {label:+d}")
    axes.set(xlabel="$x_0$", ylabel="$x_1$", title="The boundary (solid) and the margin (dotted)")
    axes.legend()
    partial = path.with_name(path.name + ".part")
    try:
        figure.savefig(partial, dpi=150, format="png")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return f"saved: {path}"


def save_small_network(path: Path) -> Path:
    """The graph of 3 hidden neurons and 1 output neuron at one point, with its gradients."""
    model = MLP(2, [3, 1], seed=1)
    score = model([1.0, -2.0])
    score.backward()
    return draw(score, title="MLP(2, [3, 1]) at the point (1, −2)").save(path)


if __name__ == "__main__":
    main(Path())
