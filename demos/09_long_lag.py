"""A long lag: an RNN forgets what an LSTM and a GRU remember, and the gradient shows why (90 seconds).

The adding problem (Hochreiter & Schmidhuber 1997): of 50 numbers two are marked, one in each half; at the end their sum
is asked for. Each step of a sequence is a pair (number from −1 to 1, mark 0 or 1). Who forgets does best to say 0
always; the mean squared error is then the variance of the sum, 2/3.

To learn what to keep, a network must feel how the answer changes with its state at the first mark. That gradient is a
product of as many factors as there are steps between: of an RNN each is a matrix Wᵀ·diag(1 − h²), and the product
fades. In the LSTM the memory is c' = f·c + i·g and its factor the gate f, in the GRU z; gates can learn to be 1.

All weights begin as in PyTorch; 12 hidden units; Adam with the rate 0.01, gradients clipped to the norm 1, 12 epochs of
2,000 sequences in batches of 32. The plain RNN is not lost for ever: with rates of 0.003 and 0.001 and five times
the steps it began to learn in 3 of 6 trials, down to errors of 0.13 to 0.45. The formulas of all three stand in
nn/recurrent.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from demos.figures import entitle, save_figure, unless_interrupted
from engine import Value, recording, topological_sort
from viz.plots import plot_gradients
from viz.plots.palette import look

Array = npt.NDArray[np.float64]
Recurrent = type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]

NETWORKS: dict[str, tuple[Recurrent, str]] = {"RNN": (nn.RNN, "h"), "LSTM": (nn.LSTM, "c"), "GRU": (nn.GRU, "h")}


class Adder(nn.Module):
    """A recurrent network over the sequence (length, 2), and a linear neuron on its last state: one number."""

    def __init__(self, kind: Recurrent, hidden: int, rng: Random) -> None:
        self.memory, self.readout = kind(2, hidden, seed=rng), nn.Linear(hidden, 1, seed=rng)

    def forward(self, x: Any) -> Value:
        """The answer."""
        output, _ = self.memory(x)
        (answer,) = self.readout(output[-1])
        return answer  # type: ignore[no-any-return]


def sequences(count: int, length: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sequences (count, length, 2), and the sum of the two marked numbers of each (count,)."""
    numbers, marks = rng.uniform(-1.0, 1.0, (count, length)), np.zeros((count, length))
    each, half = np.arange(count), length // 2
    marks[each, rng.integers(0, half, count)] = 1.0
    marks[each, rng.integers(half, length, count)] = 1.0
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1)


def gradient_over_time(model: Adder, state: str, x: Array) -> Array:
    """‖∂answer/∂s_t‖ for each step t of one sequence, (length,); s_t is the state h_t, of an LSTM c_t."""
    with recording():
        answer = model(x.tolist())
        answer.backward()
    nodes = {node.name: node for node in topological_sort(answer)}
    model.zero_grad()
    units = range(model.memory.hidden_size)
    return np.array([hypot(*(nodes[f"memory.l0.steps[{t}].{state}[{i}]"].grad for i in units)) for t in range(len(x))])


@dataclass
class Found:
    """What was seen of one network, from all seeds: errors on sequences held out, and gradients over time."""

    errors: list[Array] = field(default_factory=list)  # after each epoch, (epochs,)
    before: list[Array] = field(default_factory=list)  # training, (length,)
    after: list[Array] = field(default_factory=list)

    @property
    def error(self) -> float:
        """The last, of the worst seed."""
        return max(float(errors[-1]) for errors in self.errors)


def main(
    output: Path,
    length: int = 50,
    hidden: int = 12,
    count: int = 2000,
    epochs: int = 12,
    seeds: Sequence[int] = (0, 1, 2),
    progress: bool = True,
) -> None:
    """Train each network from each seed; save the picture in `output`."""
    rng = np.random.default_rng(0)
    x, y = sequences(count, length, rng)
    held_out = sequences(500, length, rng)
    guess = float(np.mean(held_out[1] ** 2))
    print(f"\nThe sum of the two marked numbers among {length}. To say 0 always makes an error of {guess:.3f}.\n")

    found = {name: Found() for name in NETWORKS}
    for name, (kind, state) in NETWORKS.items():
        for seed in seeds:
            model, seen = Adder(kind, hidden, Random(seed)), found[name]
            seen.before += [gradient_over_time(model, state, one) for one in held_out[0][:5]]
            history = nn.fit(
                model, x, y, loss=nn.mse_loss, optimizer=lambda ps: nn.Adam(ps, lr=0.01), epochs=epochs, batch_size=32,
                validation=held_out, callbacks=[nn.ClipGradNorm(1.0)], seed=seed, progress=progress,
            )  # fmt: skip
            unless_interrupted(history)
            seen.after += [gradient_over_time(model, state, one) for one in held_out[0][:5]]
            seen.errors.append(history["val_loss"])
            error, parameters = history["val_loss"][-1], len(model.parameters())
            print(f"  {name:4} seed {seed}   {parameters:4} parameters   error {error:.4f}   {history.seconds:3.0f} s")

    print(f"\n{save_figure(output / '09_long_lag.png', lambda figure: draw(figure, found, guess), (13.0, 4.2))}")
    report(found)


def report(found: dict[str, Found]) -> None:
    """How much of the gradient is left at the first step, and the errors."""
    print("\nThe gradient at the first step as a part of that at the last, and the error of the worst seed:\n")
    print(f"  {'':5}{'before training':>16}{'after':>10}{'error':>10}")
    for name, seen in found.items():
        before, after = (median[0] / median[-1] for median in (typical(seen.before), typical(seen.after)))
        print(f"  {name:5}{before:16.0e}{after:10.2g}{seen.error:10.4f}")


def typical(norms: list[Array]) -> Array:
    """The median over sequences and seeds, at each time."""
    return np.array(np.median(norms, axis=0))


def draw(figure: Any, found: dict[str, Found], guess: float) -> None:
    """The errors over the epochs, and the gradients over time, before and after."""
    learning, before, after = figure.subplots(1, 3)
    for k, (name, seen) in enumerate(found.items()):
        epochs = np.arange(1, len(seen.errors[0]) + 1)
        lines = learning.plot(epochs, np.transpose(seen.errors), **look(k).line())
        lines[0].set_label(name)
    learning.axhline(guess, color="#64748b", linewidth=1, zorder=0)
    learning.annotate("to say 0 always", (1, guess), (0, 4), textcoords="offset points", fontsize=9)
    learning.set(xlabel="epoch", ylabel="mean squared error, held out (log scale)", yscale="log")
    learning.legend(frameon=False, fontsize=9, handlelength=3.2)
    entitle(learning, "Learning, a line for each seed")
    for ax, when in ((before, "before"), (after, "after")):
        norms = {name: typical(getattr(seen, when)) for name, seen in found.items()}
        plot_gradients(norms, unit="step t of the sequence", ax=ax)
        ax.set_ylabel("‖∂answer / ∂state at t‖ (log scale)")
        ax.get_legend().remove()
        entitle(ax, f"Gradient {when} training")
    after.sharey(before)


if __name__ == "__main__":
    main(Path())
