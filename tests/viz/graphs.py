"""Small graphs that several tests draw."""

from engine import Value, dot


def square() -> Value:
    x = Value(3.0, "x")
    return x * x


def network() -> Value:
    """Two inputs, layers of three neurons and one, and a loss."""
    values = [Value(0.5, "x[0]"), Value(-0.25, "x[1]")]
    for i, size in enumerate((3, 1)):
        outputs = []
        for j in range(size):
            path = f"layers[{i}].neurons[{j}]"
            w = [Value(0.1 * (j - k), f"{path}.w[{k}]") for k in range(len(values))]
            z = dot(w, values, Value(0.1, f"{path}.b"))
            z.name = f"{path}.z"
            outputs.append(z.relu())
            outputs[-1].name = f"{path}.out"
        values = outputs
    return (values[0] - 1) ** 2


def recurrent(steps: int, *, direct: bool = False) -> Value:
    """A cell with shared weights, applied at each step; unless it is direct, a gate outside of it stands between."""
    w, u, b = Value(0.6, "cell.w"), Value(-0.4, "cell.u"), Value(0.1, "cell.b")
    h = Value(0.5, "h")
    for t in range(steps):
        h = (w * Value(0.3 * t - 0.5, f"x[{t}]") + u * h + b).tanh()
        h.name = "cell.h"
        if not direct:
            h = h * 0.9
            h.name = f"h[{t}]"
    loss = (h - 1) ** 2
    loss.name = "L"
    return loss
