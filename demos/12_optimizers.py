"""Optimizers compared: a badly scaled bowl, the same bowl turned, and Rosenbrock's valley (15 seconds).

The gradient points down the steepest slope, which is seldom where the minimum is. On a bowl that is 100 times as curved
along one axis as along the other, a rate that is safe on the steep axis is slow on the flat one. Momentum adds up what
one gradient after the other agrees on. Adagrad, RMSprop and Adam divide each coordinate by the size of its own
gradients: that makes the bowl round, but not once it is turned by 45° and its axes are no longer the coordinates.

Each optimizer gets the best of the rates 0.001, 0.002, 0.005, 0.01, ..., 1 for each task: the one with which it takes
the fewest steps until it is within 0.01 of the minimum and stays there; or if it never is, the one that ends nearest.
At last a schedule: where batches tilt the bowl at random, a constant rate never comes to rest. In nn/optimizers.py an
optimizer is one rule on arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot, inf, isfinite, sqrt
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from demos.figures import entitle, save_figure
from engine import Value
from viz.plots import plot_learning_rates, plot_optimizers

Number = Any  # a Value or a float; for the contours an array
Array = npt.NDArray[np.float64]
Make = Callable[..., nn.Optimizer]
Schedule = Callable[[nn.Optimizer], nn.LRScheduler]

NEAR, FAR = 0.01, 1000.0  # of the minimum: arrived, and given up
RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
OPTIMIZERS: dict[str, Make] = {
    "SGD": nn.SGD,
    "momentum": lambda ps, lr: nn.SGD(ps, lr, momentum=0.9),
    "Nesterov": lambda ps, lr: nn.SGD(ps, lr, momentum=0.9, nesterov=True),
    "Adagrad": nn.Adagrad,
    "RMSprop": nn.RMSprop,
    "Adam": nn.Adam,
}


# ------------------------------------------------------------------------------ the tasks


def bowl(x: Number, y: Number) -> Number:
    """(x² + 100·y²) / 2, of curvatures 1 and 100."""
    return (x * x + 100 * y * y) / 2


def turned_bowl(x: Number, y: Number) -> Number:
    """The bowl, turned by 45°."""
    return bowl((x + y) / sqrt(2), (y - x) / sqrt(2))


def rosenbrock(x: Number, y: Number) -> Number:
    """(1 − x)² + 100·(y − x²)²: a bent valley, steep across and nearly flat along (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


@dataclass(frozen=True)
class Task:
    """A function of x and y to be minimised.

    limits  what part of the plane to draw, ((x from, to), (y from, to))
    noise   the standard deviation of what is added to each slope, anew at each step
    """

    name: str
    function: Callable[[Number, Number], Number]
    start: tuple[float, float]
    minimum: tuple[float, float]
    limits: tuple[tuple[float, float], tuple[float, float]]
    noise: float = 0.0


TASKS = [
    Task("bowl", bowl, (-4.0, 1.0), (0.0, 0.0), ((-5.0, 2.0), (-1.5, 1.5))),
    Task("turned bowl", turned_bowl, (-5 / sqrt(2), -3 / sqrt(2)), (0.0, 0.0), ((-4.5, 1.5), (-4.0, 1.5))),
    Task("Rosenbrock", rosenbrock, (-1.2, 1.0), (1.0, 1.0), ((-1.7, 1.7), (-0.8, 1.7))),
]


# ------------------------------------------------------------------------------ a descent, and the best of several


@dataclass(frozen=True)
class Descent:
    """One optimizer on its way.

    path       where it was, (steps + 1, 2)
    losses     the function there, (steps + 1,)
    distances  how far it was from the minimum, (steps + 1,)
    rates      the rate of each step, (steps,)
    settled    after how many steps it is near the minimum and stays there; None if it is not at the end
    """

    path: Array
    losses: Array
    distances: Array
    rates: Array
    settled: int | None


def descend(
    task: Task, make: Make, rate: float, steps: int, schedule: Schedule | None = None, seed: int = 0
) -> Descent:
    """The loop as one writes it, with a schedule of the rate if there is one; the seed is that of the noise."""
    rng = Random(seed)
    x, y = Value(task.start[0], "x"), Value(task.start[1], "y")
    optimizer = make([x, y], lr=rate)
    scheduled = schedule(optimizer) if schedule else None
    path, rates = [task.start], list[float]()
    while len(rates) < steps and hypot(x.data, y.data) < FAR:
        loss = task.function(x, y)
        if task.noise:
            loss = loss + rng.gauss(0.0, task.noise) * x + rng.gauss(0.0, task.noise) * y
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append((x.data, y.data))
        rates.append(optimizer.lr)
        if scheduled:
            scheduled.step()
    points = np.array(path)
    distances = np.hypot(*(points - task.minimum).T)
    after = int(np.flatnonzero(~(distances < NEAR))[-1]) + 1  # nan is not near
    return Descent(points, task.function(*points.T), distances, np.array(rates), after if after < len(path) else None)


def best(descents: list[Descent]) -> Descent:
    """The one that settles first; if none does, the one that ends nearest."""

    def merit(descent: Descent) -> tuple[float, float]:
        end = descent.distances[-1]
        return inf if descent.settled is None else descent.settled, end if isfinite(end) else inf

    return min(descents, key=merit)


# ------------------------------------------------------------------------------ the lesson


def main(output: Path, steps: int = 2000) -> None:
    """Compare the optimizers, then schedules; save two pictures in `output`."""
    found = {task.name: compare(task, steps if task.name == "Rosenbrock" else steps // 2) for task in TASKS}
    print(f"\n{save_figure(output / '12_optimizers.png', lambda figure: draw_descents(figure, found), (13.0, 8.0))}")
    rates, distances = compare_schedules(replace(TASKS[0], noise=1.0), 2 * steps)
    drawn = save_figure(
        output / "12_schedules.png", lambda figure: draw_schedules(figure, rates, distances), (11.0, 4.2)
    )
    print(f"\n{drawn}")
    print(f"\n{measured(found)}")


def compare(task: Task, steps: int) -> dict[str, Descent]:
    """A table of the optimizers on one task, each with its best rate."""
    x, y = task.start
    print(f"\n{task.name}, from ({x:.3g}, {y:.3g}): {steps} steps with each of {len(RATES)} rates\n")
    print(f"  {'':10}{'best rate':>10}{f'steps to {NEAR}':>16}{'distance at the end':>22}")
    found = {}
    for name, make in OPTIMIZERS.items():
        found[name] = one = best([descend(task, make, rate, steps) for rate in RATES])
        print(f"  {name:10}{one.rates[0]:10g}{one.settled or 'never':>16}{one.distances[-1]:22.1e}")
    return found


def compare_schedules(
    task: Task, steps: int, rate: float = 0.015, seeds: int = 4
) -> tuple[dict[str, Array], dict[str, Array]]:
    """SGD with several schedules on a noisy task: the rates, and how far it is from the minimum, in the mean."""
    schedules: dict[str, Schedule | None] = {
        "constant": None,
        "StepLR": lambda optimizer: nn.StepLR(optimizer, steps // 5, gamma=0.3),
        "CosineAnnealingLR": lambda optimizer: nn.CosineAnnealingLR(optimizer, T_max=steps),
        "OneCycleLR": lambda optimizer: nn.OneCycleLR(optimizer, rate, total_steps=steps, cycle_momentum=False),
    }
    print(f"\nThe {task.name} with noise in its slopes, SGD with the rate {rate}, {steps} steps: distance at the end\n")
    rates, distances = {}, {}
    for name, schedule in schedules.items():
        descents = [descend(task, nn.SGD, rate, steps, schedule, seed) for seed in range(seeds)]
        rates[name] = descents[0].rates
        distances[name] = np.mean([descent.distances for descent in descents], axis=0)
        end = distances[name][-steps // 50 :].mean()
        print(f"  {name:20}{end:.3f}   (the mean of the last steps, and of {seeds} seeds)")
    return rates, distances


def measured(found: dict[str, dict[str, Descent]]) -> str:
    """What the tables say, in a few lines."""

    def steps(task: str, name: str) -> str:
        settled = found[task][name].settled
        return "never" if settled is None else f"{settled:,}"

    lines = [f"Steps until within {NEAR} of the minimum:\n", f"  {'':10}{'bowl':>8}{'turned':>8}{'Rosenbrock':>12}"]
    lines += [
        f"  {name:10}{steps('bowl', name):>8}{steps('turned bowl', name):>8}{steps('Rosenbrock', name):>12}"
        for name in OPTIMIZERS
    ]
    blind = [name for name in OPTIMIZERS if steps("bowl", name) == steps("turned bowl", name)]
    return "\n".join([*lines, f"\nThe turn makes no difference to {', '.join(blind) or 'none'}."])


# ------------------------------------------------------------------------------ pictures


def draw_descents(figure: Any, found: dict[str, dict[str, Descent]]) -> None:
    """For each task the losses, and below them the paths; one legend for all."""
    for task, above, below in zip(TASKS, *figure.subplots(2, len(TASKS)), strict=True):
        losses = {name: np.maximum(descent.losses, 1e-12) for name, descent in found[task.name].items()}  # 0 has no log
        plot_optimizers(losses, ax=above).set(ylim=(1e-10, 1e4))
        paths = {name: descent.path for name, descent in found[task.name].items()}
        plot_optimizers(paths, function=task.function, minimum=task.minimum, limits=task.limits, ax=below)
        legend = below.get_legend()
        handles, names = legend.legend_handles, [text.get_text() for text in legend.get_texts()]
        for ax, what in ((above, "loss"), (below, "path")):
            entitle(ax, f"{task.name}: {what}")
            ax.get_legend().remove()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, handlelength=3.2)
    figure.get_layout_engine().set(h_pad=0.2, w_pad=0.1)


def draw_schedules(figure: Any, rates: dict[str, Array], distances: dict[str, Array]) -> None:
    """The rates over time, and how far from the minimum they lead."""
    left, right = figure.subplots(1, 2)
    plot_learning_rates(rates, unit="step", ax=left)
    plot_optimizers(distances, ax=right)
    left.get_legend().remove()
    entitle(right, "SGD on a noisy bowl")
    right.set_ylabel("distance from the minimum (log scale)")


if __name__ == "__main__":
    main(Path())
