"""Watch it: the backward pass in the terminal, on a web page, as moving pictures, and folded (8 seconds).

A neuron with weight decay: L = (o − 1)² + 0.1·w1², with o = tanh(w1·x1 + w2·x2 + b). The weight w1 reaches L on two
ways, three edges in all, so its gradient is a sum. That sum is what most home-made backpropagation gets wrong.
"""

from pathlib import Path

from engine import Value, tanh, topological_sort
from nn import MLP
from viz import backprop_page, draw, print_backprop, save_steps


def neuron_with_decay() -> Value:
    """The loss, as a graph."""
    x1, x2 = Value(2.0, "x1"), Value(0.5, "x2")
    w1, w2, b = Value(-3.0, "w1"), Value(1.0, "w2"), Value(6.2, "b")
    o = tanh(w1 * x1 + w2 * x2 + b)
    o.name = "o"
    loss = (o - 1) ** 2 + 0.1 * (w1 * w1)
    loss.name = "L"
    return loss


def network() -> Value:
    """The loss of one example of a network with 337 parameters, after backward()."""
    model = MLP(2, [16, 16, 1], seed=1337)
    loss: Value = (1 - model([0.5, -1.0])).relu()
    loss.backward()
    return loss


def main(output: Path) -> None:
    """Print the pass; save the page, the frames and the drawings in `output`."""
    loss = neuron_with_decay()
    print("\nIn the terminal, print_backprop(loss):\n")
    print_backprop(loss)

    print("\nThe same to click through, with the chain rule written out; then as a quiz; then as moving pictures:\n")
    page = backprop_page(loss, title="A neuron with weight decay")
    print(f"  {page.save(output / '03_neuron.html')}")
    quiz = backprop_page(loss, title="A neuron with weight decay: what comes next?", quiz=True)
    print(f"  {quiz.save(output / '03_quiz.html')}")
    print(f"  {save_moving_pictures(loss, output)}")

    large = network()
    count = len(topological_sort(large))
    print(
        f"\nA network of 337 parameters has {count} nodes. In the picture it folds; on the page a click unfolds it:\n"
    )
    for name in ("03_folded.svg", "03_folded.html"):
        print(f"  {save_folded(large, output / name)}")
    print("\nOpen the .html files in a browser: the arrow keys step. Next: engine/steps.py, which tells all this.")


def save_folded(loss: Value, path: Path) -> Path:
    """The network with a card for each layer."""
    return draw(loss, title="337 parameters", engine="plain").save(path)


def save_moving_pictures(loss: Value, output: Path) -> Path:
    """As a GIF, or as one SVG for each step where what makes a GIF is not installed."""
    try:
        return save_steps(loss, output / "03_steps.gif")
    except RuntimeError:
        return save_steps(loss, output / "03_steps")


if __name__ == "__main__":
    main(Path())
