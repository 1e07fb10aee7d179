"""A neuron by hand: every multiplication of its backward pass, checked with NumPy (2 seconds).

A neuron weighs its inputs, adds a bias, and squashes the sum: o = tanh(w1·x1 + w2·x2 + b). How does o change if
one of the five numbers changes a little? That is a derivative, and backpropagation finds all five in one go.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import Value, backward_steps, explain, tanh
from viz import draw


def neuron(x: npt.NDArray[np.float64]) -> float:
    """The same neuron as a function in NumPy."""
    x1, x2, w1, w2, b = x
    return float(np.tanh(w1 * x1 + w2 * x2 + b))


def main(output: Path) -> None:
    """Print the lesson; save its picture in `output`."""
    heading("1. Forward: compute, and remember how")
    x1, x2 = Value(2.0, "x1"), Value(0.5, "x2")
    w1, w2, b = Value(-3.0, "w1"), Value(1.0, "w2"), Value(6.2, "b")

    p1 = w1 * x1
    p2 = w2 * x2
    s = p1 + p2
    n = s + b
    o = tanh(n)
    p1.name, p2.name, s.name, n.name, o.name = "p1", "p2", "s", "n", "o"

    print(f"  p1 = w1 * x1 = {w1.data:g} * {x1.data:g} = {p1.data:g}")
    print(f"  p2 = w2 * x2 = {w2.data:g} * {x2.data:g} = {p2.data:g}")
    print(f"  s  = p1 + p2 = {p1.data:g} + {p2.data:g} = {s.data:g}")
    print(f"  n  = s + b   = {s.data:g} + {b.data:g} = {n.data:g}")
    print(f"  o  = tanh(n) = tanh({n.data:g}) = {o.data:.4g}")

    heading("2. Backward: from o to the leaves, one edge at a time")
    print("  The gradient of a node is ∂o/∂node: how much o changes when the node does. That of o itself is 1.")
    print("  Each edge multiplies what arrives by its local derivative: the chain rule.\n")
    for step in backward_steps(o):
        local = f"∂{step.node.name}/∂{step.parent.name} = {step.rule}"
        print(f"  {step.number}.  {step.text:60}  where {local}")

    heading("3. The same from backward(), beside NumPy's central differences")
    o.backward()
    leaves = (x1, x2, w1, w2, b)
    point = np.array([leaf.data for leaf in leaves])
    print(f"  {'':4}{'backward()':>22}{'central difference':>22}{'they differ by':>17}")
    for i, leaf in enumerate(leaves):
        h = np.zeros(5)
        h[i] = np.finfo(float).eps ** (1 / 3) * max(1.0, abs(point[i]))
        up, down = point + h, point - h
        numeric = (neuron(up) - neuron(down)) / (up[i] - down[i])
        print(f"  {leaf.name:4}{leaf.grad:22.15f}{numeric:22.15f}{abs(leaf.grad - numeric):17.1e}")

    heading("4. Why w1 has the gradient it has")
    print(indented(str(explain(o, w1))))

    heading("5. The picture")
    picture = draw(o).save(output / "01_neuron.svg")
    print(f"  saved: {picture}   (open it in a browser)")
    print("\nNext: read engine/value.py, where a Value remembers; then python -m demos 2 trains a network of them.")


def heading(text: str) -> None:
    """A line of its own, with air above."""
    print(f"\n{text}\n")


def indented(text: str) -> str:
    """Each line two spaces in."""
    return "\n".join(f"  {line}" for line in text.splitlines())


if __name__ == "__main__":
    main(Path())
