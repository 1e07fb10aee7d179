"""Is my gradient right? And if not, what is wrong with it? (3 seconds).

You derived a gradient on paper, or wrote backpropagation in NumPy. A checker that says "not close" leaves you where you
were. This one runs the backward pass again with each mistake that people make, and sees whose numbers are yours.
"""

from pathlib import Path
from typing import Any

import numpy as np

from engine import (
    Value,
    check_grads,
    compare,
    define_op,
    derivative_formula,
    dot,
    locate,
    log,
    mean,
    relu,
    sigmoid,
    sum,
    tanh,
    trace_nonfinite,
)
from engine.operation import TABLE

Array = Any  # a NumPy array, or nested lists of Values

TARGETS = [1.0, 0.0, 0.0, 1.0, 1.0]
X = np.array([[0.5, -1.2], [1.5, 0.3], [-0.7, 0.8], [0.1, -0.4], [-1.1, 1.3]])


def cross_entropy(predictions: Array) -> Value:
    """L = −1/m Σ y·ln ŷ + (1 − y)·ln(1 − ŷ), for Values."""
    terms = [y * log(p) + (1 - y) * log(1 - p) for p, y in zip(predictions, TARGETS, strict=True)]
    result: Value = -mean(terms)
    return result


def network(w: Array, b: Array, v: Array) -> Value:
    """The mean squared error of a network with one hidden layer, for Values: ŷ = v · tanh(W x + b)."""
    errors = []
    for x, y in zip(X.tolist(), TARGETS, strict=True):
        hidden = [tanh(dot(row, x, bias)) for row, bias in zip(w, b, strict=True)]
        errors.append((dot(v, hidden) - y) ** 2)
    result: Value = mean(errors)
    return result


def by_hand(w: Array, b: Array, v: Array, mistake: str = "") -> list[Array]:
    """Its gradient in NumPy, as one would write it; with a mistake, if one is named."""
    y, m = np.array(TARGETS), len(TARGETS)
    h = np.tanh(X @ w.T + b)
    d_out = 2 * (h @ v - y) / (1 if mistake == "1/m" else m)
    d_h = np.outer(d_out, v)
    d_z = d_h if mistake == "tanh'" else d_h * (1 - h**2)
    d_w = X.T @ d_z if mistake == "transposed" else d_z.T @ X
    return [d_w, d_z if mistake == "not summed" else d_z.sum(axis=0), h.T @ d_out]


def main(output: Path) -> None:
    """Print the lesson."""
    rng = np.random.default_rng(4)
    inputs = [rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=3)]

    heading("1. A gradient by hand, and the engine's")
    print("  The loss is a function of Values, the gradient is NumPy, as one writes it. They agree:\n")
    print(indented(str(compare(network, inputs, by_hand))))

    heading("2. Four mistakes")
    for mistake in ("1/m", "tanh'", "transposed", "not summed"):
        report = compare(network, inputs, lambda w, b, v, mistake=mistake: by_hand(w, b, v, mistake))
        print(f"  {mistake:11} {report.verdict}\n")

    heading("3. Two slips from published derivations")
    prediction, y = np.array([0.8, 0.3, 0.1, 0.6, 0.9]), np.array(TARGETS)
    print("  The mean binary cross-entropy. Its derivative is often given as (ŷ − y) / (ŷ(1 − ŷ)):\n")
    print(indented(str(compare(cross_entropy, [prediction], (prediction - y) / (prediction * (1 - prediction))))))
    print("\n  ... and as ŷ − y, which is a derivative, but with respect to what the sigmoid was given:\n")
    print(f"  {compare(cross_entropy, [prediction], prediction - y).verdict}")

    heading("4. What is no mistake: a kink, and numbers that have lost their digits")
    print(f"  {check_grads(relu, [0.0]).verdict}\n")
    print(f"  {check_grads(lambda x: abs(x + 1e15) - 1e15, [1.0]).verdict}")

    heading("5. A rule of your own, and where it is wrong")
    swish = define_op(
        "swish",
        lambda xp, x: x * xp.sigmoid(x),
        lambda xp, z, x: xp.sigmoid(x) * (1.0 + x * xp.sigmoid(x)),
        replace=True,
    )
    print("  swish(x) = x·σ(x), and its derivative, so it is said, σ(x)·(1 + x·σ(x)):\n")
    print(f"  {locate(lambda w, x: tanh(swish(w * x)), [0.5, 2.0]).verdict}")
    del TABLE["swish"]

    heading("6. The derivative, written out")
    x, w, b = Value(2.0, "x"), Value(-1.0, "w"), Value(0.5, "b")
    loss = (sigmoid(w * x + b) - 1) ** 2
    print(f"  L      = {loss.data:.6f}")
    print(indented(derivative_formula(loss, w)))

    heading("7. Where the first nan came from")
    scores = [Value(800.0, "a"), Value(1.0, "b")]
    powers = [score.exp() for score in scores]
    shares = [power / sum(powers) for power in powers]
    print(indented(str(trace_nonfinite(shares[0]))))
    print("\nNext: engine/checking, where a mistake is one line of a table (blunders.py).")


def heading(text: str) -> None:
    """A line of its own, with air above."""
    print(f"\n{text}\n")


def indented(text: str) -> str:
    """Each line two spaces in."""
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    main(Path())
