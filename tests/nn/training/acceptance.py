"""What the acceptance tests of `fit` share: short runs, how their results are compared, models and data."""

import collections

import numpy as np

import nn
from engine import Value, mean
from engine.nested import flat


def run(model, x, y=None, **options):
    """(history, numbers of the model) of a short silent run."""
    history = nn.fit(model, x, y, **{"epochs": 5, "batch_size": 4, "seed": 3, "progress": False, **options})
    return history, history.model.state_dict()


def close(one, other, tolerance=1e-10):
    """Two results of `run`, the same to rounding: every entry of the history, every step, every parameter."""
    (history, numbers), (others, their_numbers) = one, other
    assert list(history) == list(others)
    assert list(numbers) == list(their_numbers)
    pairs = {name: (history[name], others[name]) for name in history}
    pairs |= {f"number {name}": (numbers[name], their_numbers[name]) for name in numbers}
    for name, (ours, theirs) in ({"steps": (history.steps, others.steps)} | pairs).items():
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


def digest(history):
    """All that a run gave, bit for bit: a dict of bytes."""
    numbers = {name: np.asarray(array).tobytes() for name, array in history.model.state_dict().items()}
    entries = {f"history {name}": np.asarray(history[name]).tobytes() for name in history}
    said = f"{history.epochs} {history.best_epoch} {history.stopped}".encode()
    return numbers | entries | {"steps": np.asarray(history.steps).tobytes(), "said": said}


def numbers(n, features, seed=0):
    """(n, features) numbers from N(0, 1)."""
    return np.random.default_rng(seed).normal(size=(n, features))


def classes(n, k, seed=1):
    """n classes of k, each there at least once."""
    return np.random.default_rng(seed).permutation(np.arange(n) % k)


def orders(n, epochs, seed):
    """Which example each step takes in batches of one, (epochs, n): read from the losses of a model that stands still.

    The loss of example i is i².
    """
    history = nn.fit(
        Line(0.0, 0.0), np.zeros(n), np.arange(n, dtype=float), loss=nn.mse_loss, seed=seed, progress=False,
        epochs=epochs, batch_size=1, optimizer=lambda ps: nn.SGD(ps, lr=0.0),
    )  # fmt: skip
    return np.sqrt(history.steps).round().astype(int).reshape(epochs, n)


class Line(nn.Module):
    """y = slope·x + offset, of one number x."""

    def __init__(self, slope=0.5, offset=0.0):
        self.slope, self.offset = Value(slope), Value(offset)

    def forward(self, x):
        return self.slope * x + self.offset


class Slope(nn.Module):
    """y = w·x: one parameter."""

    def __init__(self, w=0.0):
        self.w = Value(w)

    def forward(self, x):
        return self.w * x


class Weights:
    """A callback that keeps the parameters after each step."""

    def __init__(self):
        self.seen = []

    def on_step(self, run):
        self.seen.append(np.array(run.parameters, dtype=float))


class LastOfBatch(nn.Module):
    """A sequence classifier as one writes it in PyTorch: it takes a batch (n, length, features), and no example."""

    def __init__(self, cells, head):
        self.cells, self.head = cells, head

    def forward(self, x):
        out, _ = self.cells(x)
        return self.head([steps[-1] for steps in out])


class LastOfOne(LastOfBatch):
    """The same for one example (length, features), and no batch."""

    def forward(self, x):
        out, _ = self.cells(x)
        return self.head(out[-1])


class TwoInputs(nn.Module):
    """Logits from two inputs of different widths."""

    def __init__(self, rng=None):
        self.left, self.right = nn.Linear(2, 3, seed=rng), nn.Linear(4, 3, seed=rng)

    def forward(self, a, b):
        return np.add(self.left(a), self.right(b)).tolist()


class TwoHeads(nn.Module):
    """Of its two heads only the first is used."""

    def __init__(self):
        self.body, self.head = nn.Linear(2, 3, seed=0), nn.Linear(3, 1, seed=1)
        self.unused = nn.Linear(3, 1, seed=2)

    def forward(self, x):
        return self.head(self.body(x))


def mean_square(out):
    """A loss without a target."""
    return mean([v * v for v in flat(out)])


def mean_output(out):
    """The mean of the outputs: a Slope on x = 1 then has the gradient 1, so that w falls by the rate at each step."""
    return mean(flat(out))


def perceptron(rng=None):
    """Two numbers in, three logits out."""
    return nn.Sequential(nn.Linear(2, 4, seed=rng), nn.Tanh(), nn.Linear(4, 3, seed=rng))


def with_dropout(rng=None):
    """The same with dropout, whose masks follow from the seed of `fit`."""
    return nn.Sequential(nn.Linear(2, 6, seed=rng), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3, seed=rng))


def batch_normed(rng=None):
    """The same with batch norm; no bias before it, whose gradient would be rounding alone."""
    return nn.Sequential(
        nn.Linear(2, 4, bias=False, seed=rng), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, 3, seed=rng)
    )


def convolutional(rng=None, lib=nn, dropout=0.25):
    """Images (1, 4, 4) to three logits; `lib` may be torch.nn."""
    seed = {"seed": rng} if lib is nn else {}
    layers = [
        lib.Conv2d(1, 2, 3, padding=1, bias=False, **seed), lib.BatchNorm2d(2), lib.ReLU(), lib.MaxPool2d(2),
        lib.Flatten(), lib.Dropout(dropout), lib.Linear(8, 3, **seed),
    ]  # fmt: skip
    return lib.Sequential(*layers)


def copied(model):
    """The numbers of a model as they are now, and its modes."""
    return (
        {name: array.tobytes() for name, array in model.state_dict().items()},
        [module.training for module in model.modules()],
    )


def counts(items):
    """How often each item is there."""
    return dict(collections.Counter(items))
