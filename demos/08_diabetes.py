"""How a disease will go, and how sure that is: least squares and maximum likelihood, beside scikit-learn (15 seconds).

From ten measurements of a patient it is predicted how far the diabetes will have gone a year later. First the mean of
the squared errors is minimised: by a line, whose coefficients are known from linear algebra, too, and by a network.

A squared error is a likelihood in disguise, that of a normal distribution with the same deviation σ for everybody:

    −ln N(y; μ, σ²) = (y − μ)²/(2σ²) + ln σ + ln √(2π)

But some are harder to predict than others. So the last network gives each patient a μ and a σ² of their own, both found
by maximum likelihood (Nix & Weigend 1994). How likely patients are whom it has never seen, and how many of them are
within σ and 2σ, tells whether it knows what it does not know.
"""

from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import nn
from demos.data import Measured, Split, diabetes, split, standardized
from demos.figures import entitle, save_figure, unless_interrupted
from engine import Value, softplus
from viz.plots import plot_uncertainty

Array = npt.NDArray[np.float64]

# ------------------------------------------------------------------------------ the models


def network(inputs: int, outputs: int, rng: Random) -> nn.Module:
    """inputs → 16 → outputs."""
    return nn.Sequential(nn.Linear(inputs, 16, seed=rng), nn.ReLU(), nn.Linear(16, outputs, seed=rng))


class MeanAndVariance(nn.Module):
    """The mean of a normal distribution, and its variance ln(1 + eˢ), which is above 0 for any s."""

    def __init__(self, inputs: int, rng: Random) -> None:
        self.both = network(inputs, 2, rng)

    def forward(self, x: Any) -> list[Value]:
        """[μ, σ²] of one patient."""
        mean, s = self.both(x)
        return [mean, softplus(s)]


def surprise(output: Any, target: Any) -> Value:
    """−ln N(target; μ, σ²)."""
    mean, variance = output
    loss: Value = nn.gaussian_nll_loss(mean, target, variance, full=True)
    return loss


# ------------------------------------------------------------------------------ their training


def line(parts: Split, steps: int) -> nn.History:
    """w·x + b by gradient descent with Nesterov's momentum, on all examples at once."""
    model = nn.Linear(parts.X.shape[1], 1, seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.97, nesterov=True)
    history = nn.fit(
        model, parts.X, parts.y[:, None], loss=nn.mse_loss, optimizer=optimizer, epochs=steps, batch_size=len(parts.y),
        progress=False,
    )  # fmt: skip
    return unless_interrupted(history)


def train(model: Any, parts: Split, y: Array, loss: Any, epochs: int, seed: int) -> nn.History:
    """AdamW; a fifth of the patients is kept to validate, and training ends 20 epochs after their best."""
    history = nn.fit(
        model, parts.X, y, loss=loss, optimizer=lambda ps: nn.AdamW(ps, lr=0.003, weight_decay=1.0), epochs=epochs,
        validation=0.2, callbacks=[nn.EarlyStopping(patience=20)], seed=seed, progress=False,
    )  # fmt: skip
    return unless_interrupted(history)


# ------------------------------------------------------------------------------ how good they are


class Judged(NamedTuple):
    """What predictions are worth on patients held out.

    explained  R² = 1 − Σ(y − μ)²/Σ(y − ȳ)²
    surprise   the mean of −ln N(y; μ, σ²), in nats; nan without a σ
    within_1   the share with |y − μ| < σ
    within_2   and with |y − μ| < 2σ
    """

    explained: float
    surprise: float = np.nan
    within_1: float = np.nan
    within_2: float = np.nan


def judged(y: Array, mean: Array, variance: Array | float = np.nan) -> Judged:
    """What these means, and variances if there are any, are worth."""
    explained = 1.0 - np.sum((y - mean) ** 2) / np.sum((y - y.mean()) ** 2)
    off = abs(y - mean) / np.sqrt(variance)
    if np.isnan(off).any():
        return Judged(float(explained))
    surprises = (off**2 + np.log(2.0 * np.pi * variance)) / 2.0
    return Judged(float(explained), float(surprises.mean()), float(np.mean(off < 1.0)), float(np.mean(off < 2.0)))


def by_scikit_learn(X: Array, y: Array, seed: int) -> dict[str, Any]:  # noqa: N803
    """What is trained there on the same examples."""
    from sklearn.linear_model import LinearRegression, RidgeCV
    from sklearn.neural_network import MLPRegressor

    models = {
        "LinearRegression": LinearRegression(),
        "RidgeCV": RidgeCV(np.logspace(-2, 3, 20)),
        "MLPRegressor, 16": MLPRegressor(hidden_layer_sizes=(16,), alpha=1.0, max_iter=3000, random_state=seed),
    }
    return {name: model.fit(X, y) for name, model in models.items()}


# ------------------------------------------------------------------------------ the lesson


def main(output: Path, epochs: int = 300, steps: int = 1000, splits: int = 10) -> None:
    """Train on several splits and show the means of what is measured; the picture is in `output`."""
    data = diabetes()
    print(f"\n{len(data.y)} patients; the state a year later is {data.y.mean():.0f} in the mean, ± {data.y.std():.0f}.")
    compare_lines(standardized(split(data, seed=0)), steps)
    print("\nR² on one split after the other:\n")
    print("  split      line   network   network: μ and σ²")
    results: dict[str, list[Judged]] = {}
    for seed in range(splits):
        for name, judgement in on_one_split(standardized(split(data, seed)), epochs, steps, seed).items():
            results.setdefault(name, []).append(judgement)
        r2 = [results[name][-1].explained for name in ("line", "network", "network: μ and σ²")]
        print(f"  {seed + 1:5}{r2[0]:10.3f}{r2[1]:10.3f}{r2[2]:20.3f}")

    print(f"\n{save_figure(output / '08_diabetes.png', lambda figure: draw_band(figure.subplots(), data, epochs))}")
    report(results)


def compare_lines(parts: Split, steps: int) -> None:
    """Gradient descent and linear algebra find the same line."""
    from sklearn.linear_model import LinearRegression

    ours = line(parts, steps)
    theirs = LinearRegression().fit(parts.X, parts.y).coef_
    differ = np.max(abs(ours.model.state_dict()["weight"][0] - theirs))
    print(f"\nThe line: {steps} steps of gradient descent in {ours.seconds:.1f} s. Its coefficients are from")
    print(f"{theirs.min():.1f} to {theirs.max():.1f}; those of LinearRegression differ by {differ:.0e} at most.")


def on_one_split(parts: Split, epochs: int, steps: int, seed: int) -> dict[str, Judged]:
    """Ours and theirs, each trained on the first part and judged by the other."""
    y, inputs = parts.y_test, parts.X.shape[1]
    model = line(parts, steps).model
    noise = np.mean((parts.y - model.predict(parts.X)[:, 0]) ** 2)  # the σ² of the greatest likelihood
    found = {"line": judged(y, model.predict(parts.X_test)[:, 0], noise)}

    average, unit = parts.y.mean(), parts.y.std()  # a network begins with numbers about 1, so it learns such
    scaled = (parts.y - average) / unit

    model = train(lambda rng: network(inputs, 1, rng), parts, scaled[:, None], nn.mse_loss, epochs, seed).model
    noise = np.mean((scaled - model.predict(parts.X)[:, 0]) ** 2)
    found["network"] = judged(y, average + unit * model.predict(parts.X_test)[:, 0], unit**2 * noise)

    model = train(lambda rng: MeanAndVariance(inputs, rng), parts, scaled, surprise, epochs, seed).model
    mean, variance = model.predict(parts.X_test).T
    found["network: μ and σ²"] = judged(y, average + unit * mean, unit**2 * variance)

    for name, theirs in by_scikit_learn(parts.X, scaled, seed).items():
        found[f"scikit-learn: {name}"] = judged(y, average + unit * theirs.predict(parts.X_test))
    return found


def report(results: dict[str, list[Judged]]) -> None:
    """The means over the splits."""
    print(f"\nThe means over {len(results['line'])} splits, of the patients held out:\n")
    print(f"  {'':32}{'R²':>6}{'−ln N(y)':>10}{'within σ':>10}{'within 2σ':>11}")
    for name, rows in results.items():
        mean = Judged(*np.mean(rows, axis=0))
        said = f"  {name:32}{mean.explained:6.3f}"
        if not np.isnan(mean.surprise):
            said += f"{mean.surprise:10.3f}{mean.within_1:10.1%}{mean.within_2:11.1%}"
        print(said)
    print(f"  {'a normal distribution has':32}{'':16}{0.6827:10.1%}{0.9545:11.1%}")
    one, own = (np.mean([row.surprise for row in results[name]]) for name in ("line", "network: μ and σ²"))
    print("\nBy a network that gives each patient a σ of their own, what became of them is, for each,")
    print(f"{np.exp(one - own):.2f} times as likely as by the line with one σ for all.")


def draw_band(ax: Any, data: Measured, epochs: int) -> None:
    """Mean and deviation from the body mass index alone: the band grows."""
    column = data.features.index("bmi")
    index = data.X[:, [column]]
    average, unit = index.mean(), index.std()
    state, spread = data.y.mean(), data.y.std()
    parts = Split((index - average) / unit, (data.y - state) / spread, index, data.y)
    history = train(lambda rng: MeanAndVariance(1, rng), parts, parts.y, surprise, epochs, seed=0)
    x = np.linspace(index.min(), index.max(), 100)
    mean, variance = history.model.predict((x[:, None] - average) / unit).T
    plot_uncertainty(x, mean=state + spread * mean, std=spread * np.sqrt(variance), data=(index, data.y), ax=ax)
    ax.set(xlabel="body mass index", ylabel="state a year later")
    entitle(ax, "From the body mass index alone: mean and deviation")


if __name__ == "__main__":
    main(Path())
