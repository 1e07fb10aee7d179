"""The gallery of plots: each is drawn from a small training, done here (`python -m demos.gallery`, 15 seconds).

    python -m demos.gallery             saves plot_history.png, plot_activations.png, ... in output/
    python -m demos.gallery folder

Data: two moons, the 8 × 8 digits of scikit-learn (Alpaydin & Kaynak 1998), lesson 11's wave with a gap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import nn
from demos.data import digits, moons
from demos.figures import unless_interrupted
from engine import Value
from engine.files import write
from viz import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
Rule = Callable[[list[Value]], nn.Optimizer]

RULES: dict[str, Rule] = {
    "SGD": lambda ps: nn.SGD(ps, lr=0.1),
    "SGD, momentum": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9),
    "RMSprop": lambda ps: nn.RMSprop(ps, lr=0.01),
    "Adam": lambda ps: nn.Adam(ps, lr=0.01),
}


def make(folder: str | Path, *, epochs: int = 30) -> list[Path]:
    """Draw every plot of the gallery and save it in the folder, which must be there; gives the files.

    epochs  how long the networks on digits are trained; the others in proportion
    """
    X, y = shuffled_digits()  # noqa: N806
    saved = [
        *learning(X, y, epochs),
        *templates(X, y, epochs),
        *fading(X, y, epochs),
        *activations(X, y, epochs),
        *optimizers(epochs),
        *schedules(X, y, epochs),
        *boundary(epochs),
        *uncertainty(epochs),
    ]
    return [save(ax, Path(folder) / f"plot_{name}.png") for name, ax in saved]


# ------------------------------------------------------------------------------------------------ the plots


def fit(*given: Any, **options: Any) -> nn.History:
    """`nn.fit` without a bar; Ctrl-C ends the gallery, too."""
    return unless_interrupted(nn.fit(*given, progress=False, **options))


def learning(X: Array, y: Array, epochs: int) -> list[tuple[str, Axes]]:  # noqa: N803
    """A network with one hidden layer on 200 digits, which it learns by heart. And its weights."""
    history = fit(
        lambda rng: nn.MLP(64, [32, 10], seed=rng), X[:200], y[:200], loss=nn.cross_entropy,
        optimizer=lambda ps: nn.Adam(ps, lr=0.01), epochs=2 * epochs, validation=(X[200:600], y[200:600]), seed=0,
    )  # fmt: skip
    return [("history", plots.plot_history(history)), ("weights_spread", plots.plot_weights(history.model))]


def templates(X: Array, y: Array, epochs: int) -> list[tuple[str, Axes]]:  # noqa: N803
    """One linear layer on digits: the weights of a class are where its ink should be, and where not."""
    model = nn.Sequential(nn.Linear(64, 10, seed=0))
    fit(
        model, X[:600], y[:600], loss=nn.cross_entropy, optimizer=lambda ps: nn.AdamW(ps, lr=0.01, weight_decay=1.0),
        epochs=epochs, seed=0,
    )  # fmt: skip
    return [("weights", plots.plot_weights(model, name="0.weight", image=(8, 8)))]


def fading(X: Array, y: Array, epochs: int) -> list[tuple[str, Axes]]:  # noqa: N803
    """Five hidden layers with sigmoids: gradients fade on their way to the first."""

    def network(rng: Random) -> nn.Module:
        hidden = [part for n in (64, 16, 16, 16, 16) for part in (nn.Linear(n, 16, bias=False, seed=rng), nn.Sigmoid())]
        return nn.Sequential(*hidden, nn.Linear(16, 10, bias=False, seed=rng))

    recorder = nn.RecordGradients()
    fit(network, X[:400], y[:400], loss=nn.cross_entropy, epochs=epochs, callbacks=[recorder], seed=0)
    return [("gradients", plots.plot_gradients(recorder))]


def activations(X: Array, y: Array, epochs: int) -> list[tuple[str, Axes]]:  # noqa: N803
    """A relu that is dead in part, for its rate was too high, a tanh and a sigmoid."""
    layers = ("layers[1]", "layers[3]", "layers[5]")
    model = fit(
        lambda rng: nn.Sequential(
            nn.Linear(64, 32, seed=rng), nn.ReLU(), nn.Linear(32, 32, seed=rng), nn.Tanh(),
            nn.Linear(32, 16, seed=rng), nn.Sigmoid(), nn.Linear(16, 10, seed=rng),
        ),
        X[:600], y[:600], loss=nn.cross_entropy, optimizer=lambda ps: nn.Adam(ps, lr=0.01), epochs=max(1, epochs // 2),
        seed=0,
    ).model  # fmt: skip
    outputs = nn.layer_outputs(model, X[:300])
    shown = {f"{name} {kind}": outputs[name] for name, kind in zip(layers, ("ReLU", "Tanh", "Sigmoid"), strict=True)}
    return [("activations", plots.plot_activations(shown))]


def optimizers(epochs: int) -> list[tuple[str, Axes]]:
    """Four optimizers on two moons, and down a bowl that is 20 times as steep one way as the other."""
    X, y = moons()  # noqa: N806
    losses = {
        name: fit(
            lambda rng: nn.MLP(2, [8, 1], activation="tanh", seed=rng), X, (y > 0).astype(int),
            loss=nn.bce_with_logits, optimizer=rule, epochs=2 * epochs, seed=1,
        )["loss"]
        for name, rule in RULES.items()
    }  # fmt: skip

    def bowl(x: Any, y: Any) -> Any:
        return (x * x + 20 * y * y) / 2

    rules: dict[str, Rule] = {
        "SGD": lambda ps: nn.SGD(ps, lr=0.09),
        "SGD, momentum": lambda ps: nn.SGD(ps, lr=0.01, momentum=0.9),
        "RMSprop": lambda ps: nn.RMSprop(ps, lr=0.1),
        "Adam": lambda ps: nn.Adam(ps, lr=0.3),
    }
    paths = {name: descend(bowl, rule, 40) for name, rule in rules.items()}
    return [
        ("optimizers", plots.plot_optimizers(losses, unit="epoch")),
        ("optimizer_paths", plots.plot_optimizers(paths, function=bowl, minimum=(0.0, 0.0))),
    ]


def descend(f: Callable[[Value, Value], Value], rule: Rule, steps: int) -> Array:
    """The path from (−4, 1.5) down the function, shape (steps + 1, 2)."""
    x, y = Value(-4.0), Value(1.5)
    optimizer = rule([x, y])
    path = [(x.data, y.data)]
    for _ in range(steps):
        optimizer.zero_grad()
        f(x, y).backward()
        optimizer.step()
        path.append((x.data, y.data))
    return np.array(path)


class StepSizes:
    """A callback: how far each tensor moves in a step for the gradient it has, ‖Δp‖/‖g‖: the rate it really has."""

    def __init__(self, model: nn.Module) -> None:
        sizes = {name: np.size(array) for name, array in model.state_dict().items()}
        ends = np.cumsum(list(sizes.values()))
        self.places = {name: slice(end - sizes[name], end) for name, end in zip(sizes, ends, strict=True)}
        self.ratios: dict[str, list[float]] = {name: [] for name in sizes}

    def on_gradient(self, run: Any) -> None:
        """Remember where the step begins, and its gradient."""
        self.before, self.gradient = run.parameters.copy(), run.gradient.copy()

    def on_step(self, run: Any) -> None:
        """Measure it."""
        moved = run.parameters - self.before
        for name, place in self.places.items():
            self.ratios[name].append(float(np.linalg.norm(moved[place]) / np.linalg.norm(self.gradient[place])))


def schedules(X: Array, y: Array, epochs: int) -> list[tuple[str, Axes]]:  # noqa: N803
    """Four schedules over the epochs; and the rates that SGD and Adam really have in each layer."""
    made: dict[str, Callable[[nn.Optimizer], nn.LRScheduler]] = {
        "StepLR": lambda o: nn.StepLR(o, max(1, epochs // 3), gamma=0.4),
        "ExponentialLR": lambda o: nn.ExponentialLR(o, gamma=0.9),
        "CosineAnnealingLR": lambda o: nn.CosineAnnealingLR(o, T_max=epochs),
        "OneCycleLR": lambda o: nn.OneCycleLR(o, max_lr=0.1, total_steps=epochs),
    }
    rates = {}
    for name, schedule in made.items():
        optimizer = nn.SGD([Value(0.0)], lr=0.1)
        stepper = schedule(optimizer)
        rates[name] = [optimizer.lr]
        for _ in range(epochs - 1):
            optimizer.step()
            stepper.step()
            rates[name].append(optimizer.lr)
    real = {}
    for name in ("SGD", "Adam"):
        model = nn.Sequential(
            nn.Linear(64, 16, seed=0), nn.Tanh(), nn.Linear(16, 16, seed=1), nn.Tanh(), nn.Linear(16, 10, seed=2)
        )
        recorder = StepSizes(model)
        fit(
            model, X[:300], y[:300], loss=nn.cross_entropy, optimizer=RULES[name], epochs=max(1, epochs // 3),
            callbacks=[recorder], seed=0,
        )  # fmt: skip
        real[name] = {tensor: float(np.median(ratios)) for tensor, ratios in recorder.ratios.items()}
    return [
        ("learning_rates", plots.plot_learning_rates(rates)),
        ("learning_rates_radar", plots.plot_learning_rates(real)),
    ]


def boundary(epochs: int) -> list[tuple[str, Axes]]:
    """Two moons."""
    X, y = moons(200, noise=0.15)  # noqa: N806
    history = fit(
        lambda rng: nn.MLP(2, [16, 16, 1], activation="tanh", seed=rng), X, y, loss=nn.hinge,
        optimizer=lambda ps: nn.AdamW(ps, lr=0.02, weight_decay=0.01), epochs=3 * epochs, seed=0,
    )  # fmt: skip
    return [("decision_boundary", plots.plot_decision_boundary(history.model, X, y))]


def uncertainty(epochs: int) -> list[tuple[str, Axes]]:
    """Two of lesson 11's Bayesian networks: where there are no data they are less sure, and differ."""
    lesson = import_module("demos.11_uncertainty")
    x, y = lesson.measurements(100, lesson.DATA, np.random.default_rng(0))
    grid = np.linspace(-3.5, 3.5, 141)
    opinions = []
    for seed in (0, 1):
        model = lesson.BayesianNetwork(12, Random(seed))
        lesson.train(model, x, y, 80 * epochs, seed, progress=False)
        opinions.append(lesson.draw_networks(model, grid, 150))
    samples = np.concatenate(opinions)
    return [("uncertainty", plots.plot_uncertainty(grid, samples, data=(x, y), truth=lesson.truth))]


# ------------------------------------------------------------------------------------------------ data and files


def shuffled_digits() -> tuple[Array, Array]:
    """The digits in another order, always the same one: (1797, 64) and (1797,)."""
    images = digits()
    order = np.random.default_rng(0).permutation(len(images.y))
    return images.X[order], images.y[order]


def save(ax: Axes, path: Path) -> Path:
    """Save the picture as a PNG, one of more than 60 kB with 256 colours."""
    from PIL import Image

    page = BytesIO()
    figure: Any = ax.get_figure()
    figure.savefig(page, format="png", dpi=100)
    picture = Image.open(page).convert("RGB")
    for found in (picture, picture.quantize(256, dither=Image.Dither.NONE)):
        page = BytesIO()
        found.save(page, format="PNG", optimize=True)
        if page.tell() <= 60_000:
            break
    write(path, page.getvalue())
    return path


def main(arguments: list[str] | None = None) -> int:
    """Draw the gallery; says where it is."""
    given = sys.argv[1:] if arguments is None else arguments
    folder = Path(given[0] if given else "output")
    folder.mkdir(parents=True, exist_ok=True)
    print("Training small networks for the gallery; this takes some 15 seconds ...")
    try:
        for path in make(folder):
            print(f"  {path}")
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
