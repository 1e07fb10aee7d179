"""A network that says how sure it is: Bayesian regression on data with a gap (20 seconds).

In a Bayesian network each weight is a distribution N(μ, σ²) instead of a number, and μ and σ are learned (Bayes by
Backprop; Blundell et al. 2015). The loss is that of the data, and what the weights have learned from them:

    mean of (y − ŷ)² / (2·noise²)  +  KL(weights ‖ prior) / (number of examples)

Each network drawn from these distributions is one opinion. Where there are data, all say nearly the same; elsewhere
nothing holds them together. Two things are uncertain, and they are not the same: the noise of a single measurement,
which more data do not change, and the spread of the opinions, which they do.

Distributions of single weights see one explanation of the data and its near neighbours, and may be too sure between
data (Foong et al. 2020, "On the expressiveness of approximate inference in Bayesian neural networks"). So five fits
are made, each from a seed of its own: alone their bands are 2.2 to 4.0 times as wide in the gap as at the data, and
all together 4.9 times. A weight is drawn in nn/bayes.py.
"""

from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from demos.figures import entitle, save_figure, unless_interrupted
from engine import Value, relu, sum, vectorize_model
from viz.plots import plot_uncertainty

Array = npt.NDArray[np.float64]

NOISE = 0.1  # the standard deviation of a measurement
DATA, GAP, OUTSIDE = (0.8, 2.6), (0.0, 0.4), (3.0, 3.5)  # from |x| to |x|


def truth(x: Array) -> Array:
    """What is measured: x + 0.8·sin(2.5·x), a wave on a line."""
    return x + 0.8 * np.sin(2.5 * x)


def measurements(count: int, within: tuple[float, float], rng: np.random.Generator) -> tuple[Array, Array]:
    """So many x with |x| in a range, on both sides of 0, and what was measured there, with its noise."""
    x = rng.uniform(*within, count) * np.where(np.arange(count) < count // 2, -1.0, 1.0)
    return x, truth(x) + rng.normal(0.0, NOISE, count)


class BayesianNetwork(nn.Module):
    """1 → hidden → hidden → 1, with relu between; every weight a distribution, its prior N(0, 1)."""

    def __init__(self, hidden: int, rng: Random) -> None:
        sizes = (1, hidden, hidden, 1)
        self.layers = [nn.BayesLinear(n, m, seed=rng) for n, m in pairwise(sizes)]

    def forward(self, x: Any) -> Any:
        """A batch (n, 1) through weights that are drawn once for all of it."""
        *hidden, last = self.layers
        for layer in hidden:
            x = [[relu(v) for v in row] for row in layer(x)]
        return last(x)

    def kl(self) -> Value:
        """How far the distributions of the weights are from the prior, in nats."""
        total: Value = sum([layer.kl() for layer in self.layers])
        return total


def train(model: BayesianNetwork, x: Array, y: Array, epochs: int, seed: int, progress: bool) -> nn.History:
    """Adam on the loss above, the rate on a cosine from 0.02 to 0."""

    def loss(outputs: Any, targets: Any) -> Value:
        total: Value = nn.mse_loss(outputs, targets) / (2 * NOISE**2) + model.kl() / len(x)
        return total

    history = nn.fit(
        model, x[:, None], y[:, None], loss=loss, optimizer=lambda ps: nn.Adam(ps, lr=0.02), epochs=epochs,
        batch_size=len(x), schedule=lambda o: nn.CosineAnnealingLR(o, T_max=epochs), seed=seed, progress=progress,
    )  # fmt: skip
    return unless_interrupted(history)


def draw_networks(model: BayesianNetwork, x: Array, count: int) -> Array:
    """What so many networks, drawn from the posterior, say at the places x: (count, len(x)).

    The program is traced with all places as one example, and draws its weights anew for each example.
    """
    places = x[:, None]
    program = vectorize_model(model.train(), lambda outputs: outputs[0][0], (places.tolist(),))
    return program.predict(np.tile(places, (count, 1, 1)))[:, :, 0]


def main(
    output: Path,
    hidden: int = 12,
    count: int = 100,
    epochs: int = 2500,
    fits: int = 5,
    draws: int = 200,
    progress: bool = True,
) -> None:
    """Fit, draw, measure; save the picture in `output`."""
    rng = np.random.default_rng(0)
    x, y = measurements(count, DATA, rng)
    grid = np.linspace(-3.5, 3.5, 141)
    print(f"\n{count} measurements with the noise {NOISE}, where {DATA[0]} < |x| < {DATA[1]}, and none elsewhere.\n")
    opinions = []
    for seed in range(fits):
        model = BayesianNetwork(hidden, Random(seed))
        history = train(model, x, y, epochs, seed, progress)
        opinions.append(draw_networks(model, grid, draws // fits))
        loss, seconds = history["loss"][-1], history.seconds
        print(f"  fit {seed + 1}   loss {loss:.2f}   {ratios(grid, opinions[-1])}   {seconds:.1f} s")

    def draw(figure: Any) -> None:
        draw_band(figure, grid, opinions, (x, y))

    print(f"\n{save_figure(output / '11_uncertainty.png', draw, (11.0, 4.2))}")
    report(grid, np.concatenate(opinions), rng)


def spread(x: Array, opinions: Array, where: tuple[float, float]) -> float:
    """The standard deviation of the opinions (draws, len(x)), its mean over a range of |x|."""
    inside = (abs(x) >= where[0]) & (abs(x) <= where[1])
    return float(opinions.std(axis=0, ddof=1)[inside].mean())


def ratios(x: Array, opinions: Array) -> str:
    """The spread in the gap and outside, against that where data are."""
    gap, outside = (spread(x, opinions, where) / spread(x, opinions, DATA) for where in (GAP, OUTSIDE))
    return f"band {gap:.1f} times as wide in the gap, {outside:.1f} times outside"


def report(x: Array, opinions: Array, rng: np.random.Generator) -> None:
    """The noise and the spread, and how many new measurements fall within two standard deviations of both together."""
    print("\nThe noise (aleatoric) stays, however much is measured; the spread (epistemic) is what data take away.")
    print("A normal error is within 2 deviations 95% of the time; without data a band warns and promises nothing.")
    print(f"\nAll {len(opinions)} networks: {ratios(x, opinions)}.\n")
    print(f"  {'':12}{'|x|':>10}{'noise':>8}{'spread':>8}{'both':>8}{'new measurements within 2 · both':>35}")
    for name, where in {"at the data": DATA, "in the gap": GAP, "outside": OUTSIDE}.items():
        wide = spread(x, opinions, where)
        new, measured = measurements(2000, where, rng)
        deviation = np.sqrt(np.interp(new, x, opinions.std(axis=0, ddof=1)) ** 2 + NOISE**2)
        share = np.mean(abs(measured - np.interp(new, x, opinions.mean(axis=0))) < 2 * deviation)
        said = f"{where[0]:g} to {where[1]:g}"
        print(f"  {name:12}{said:>10}{NOISE:8.2f}{wide:8.2f}{np.hypot(NOISE, wide):8.2f}{share:35.0%}")


def draw_band(figure: Any, x: Array, opinions: list[Array], data: tuple[Array, Array]) -> None:
    """The band of all networks; and its width, that of each fit, and the noise."""
    left, right = figure.subplots(1, 2)
    plot_uncertainty(x, np.concatenate(opinions), data=data, truth=truth, ax=left)
    left.set_ylim(-5.0, 5.0)
    for k, one in enumerate(opinions):
        right.plot(x, one.std(axis=0, ddof=1), color="#94a3b8", linewidth=1, label=None if k else "one fit alone")
    right.plot(x, np.concatenate(opinions).std(axis=0, ddof=1), color="#0b57a4", linewidth=2.2, label="all networks")
    right.axhline(NOISE, color="#a63a00", linestyle=(0, (5, 2)), label="noise of a measurement")
    right.plot(data[0], np.zeros_like(data[0]), "|", color="#1f2937", label="data", clip_on=False)
    right.set(xlabel="x", ylabel="standard deviation", xlim=(x[0], x[-1]), ylim=(0.0, None))
    entitle(right, "Spread and noise")
    right.legend(frameon=False, fontsize=9)


if __name__ == "__main__":
    main(Path())
