"""The graphs that are looked at in a browser. Each call makes a new one."""

import math

import engine
from engine import TABLE, Value, tanh
from nn import MLP
from tests.engine.exact import moderate, on_values


def neuron() -> Value:
    """That of the first lesson."""
    x1, x2, w1, w2, b = (Value(v, n) for v, n in [(2.0, "x1"), (0.5, "x2"), (-3.0, "w1"), (1.0, "w2"), (6.2, "b")])
    p1, p2 = w1 * x1, w2 * x2
    n = p1 + p2 + b
    o = tanh(n)
    p1.name, p2.name, n.name, o.name = "p1", "p2", "n", "o"
    return o


def square() -> Value:
    """Two edges between the same two nodes."""
    x = Value(3.0, "x")
    y = x * x
    y.name = "y"
    return y


def shared() -> Value:
    """A term that many others use, and a leaf that is used at three depths."""
    a, b = Value(1.1, "a"), Value(-0.7, "b")
    c = a * b + a
    d = c * c + engine.sin(c) / (1 + c * c)
    return engine.dot([a, c, d], [d, b, c], a) ** 2 + d


def endless() -> Value:
    """Gradients that are inf, −inf, nan, 0 and −0 if it comes to that."""
    x, y, z, w = Value(math.inf, "x"), Value(-2.0, "y"), Value(math.nan, "z"), Value(-0.0, "w")
    return engine.sum([x * y, z * Value(1e-308, "tiny"), w * Value(0.0, "zero"), Value(1e300, "big") ** 2, -x])


def frozen() -> Value:
    """A leaf that takes no gradient beside a constant and one that does."""
    x, w = Value(2.0, "x", requires_grad=False), Value(0.1, "w")
    return (x * w - 0.3) ** 2


def leaf() -> Value:
    """Nothing is computed."""
    return Value(1.5, "alone")


def network() -> Value:
    """With layers and neurons, which are drawn in boxes; about 60 nodes."""
    return (MLP(2, [4, 4, 1], seed=3)([0.5, -1.0]) - 1) ** 2


def everything() -> Value:
    """Each operation of the table, twice: more than 300 nodes."""
    return engine.sum([on_values(name, operands)[0] for name in TABLE for operands in moderate(name, 2)])


LOSSES = (neuron, square, shared, endless, frozen, leaf, network, everything)
