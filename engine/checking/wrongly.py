"""Local derivatives that are wrong: taken at another place, of another formula, of a matrix that was turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.checking.blunders import BLUNDERS, Blunder
from engine.checking.roles import Edge, operand_numbers
from engine.operation import TABLE, Operation, floats

FAILURES = (ArithmeticError, ValueError, TypeError, AttributeError, IndexError)

OF_RESULT: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda z: z * (1 - z),
    "tanh": lambda z: 1 - z * z,
    "relu": lambda z: float(z > 0),
}


ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish", "softsign", "exp",
)  # fmt: skip


def slope_of(name: str) -> Callable[[float], float]:
    """f' of an activation of the table, with the usual parameters."""
    op = TABLE[name]
    usual = {"leaky_relu": (0.01,), "elu": (1.0,)}.get(name, ())

    def slope(x: float) -> float:
        return float(op.slopes(op.evaluate((x, *usual)), (x, *usual))[0])

    return slope


def turns(title: str, places: npt.NDArray[np.int64]) -> Iterator[tuple[str, str, npt.NDArray[np.int64]]]:
    """(kind, text, the places in another order) of an input turned in the backward pass."""
    if places.ndim == 0:
        return
    if places.ndim < 2:
        yield "flipped", f"{title} is flipped in the backward pass", places[::-1]
        return
    wrongly = "in the backward pass, or is not where it should be"
    for a, b in combinations(range(places.ndim), 2):
        turned = np.swapaxes(places, a, b)
        if turned.shape == places.shape:
            axes = "" if places.ndim == 2 else f" in axes {a} and {b}"
            yield "transposed", f"{title} is transposed{axes} {wrongly}", turned
    last = (places.ndim - 2, places.ndim - 1)
    yield "flipped", f"{title} is flipped (rotated by 180°) {wrongly}", np.flip(places, last)
    for axis in range(places.ndim):
        yield "flipped", f"{title} is flipped along axis {axis} {wrongly}", np.flip(places, axis)


def of_whole(op: Operation, by_hand: str) -> Iterator[tuple[str, str, Callable[[float, float, float], float]]]:
    """(kind, text, the wrong slope from x, z and the gradient that arrives) for a function written by hand."""

    def at_result(x: float, z: float, u: float) -> float:
        return op.slopes(op.evaluate((z,)), (z,))[0]

    def of_operand(x: float, z: float, u: float) -> float:
        return (op.textbook or op.partials)(floats, x, x)[0]  # type: ignore[no-any-return]

    yield "activation derivative", f"an activation derivative is missing: that of {by_hand}", lambda x, z, u: 1.0
    where = f"the derivative of {by_hand} is taken at the wrong place"
    yield "wrong place", f"{where}: at its result", at_result
    yield "wrong place", f"{where}: its formula in the result was given the operand", of_operand
    for other in ACTIVATIONS:
        if other != op.name:
            of_other = slope_of(other)

            def of_another(x: float, z: float, u: float, slope: Callable[[float], float] = of_other) -> float:
                return slope(x)

            text = f"the activation derivative is wrong: that of {other} stands for that of {by_hand}"
            yield "wrong rule", text, of_another
    for text, wrong in BLUNDERS.get(op.name, ()):

        def blunder(x: float, z: float, u: float, wrong: Blunder = wrong) -> float:
            return wrong(z, (x,), op.slopes(z, (x,)), 0, u)

        yield "wrong rule", f"the derivative of {by_hand} is wrong: {text}", blunder


def safe(slope: Callable[[Edge], float], edge: Edge) -> float:
    """The slope of an edge, or nan where it cannot be computed."""
    return number_or_nan(slope, edge)


def number_or_nan(compute: Callable[..., float], *operands: Any) -> float:
    """What it computes, or nan."""
    try:
        return float(compute(*operands))
    except FAILURES:
        return float("nan")


def slope_at(edge: Edge, x: float) -> float:
    """f'(x) for another x, the other operands as they are."""
    node, position = edge
    assert node.op is not None
    numbers = list(operand_numbers(node))
    numbers[position] = x
    return float(node.op.slopes(node.op.evaluate(numbers), numbers)[position])


def formula_of_result(edge: Edge, z: float) -> float:
    """Of a rule in the result z, such as 1 − z², the same with another number in the place of z."""
    node, position = edge
    assert node.op is not None
    rule = node.op.textbook or node.op.partials
    return float(rule(floats, z, *operand_numbers(node))[position])


def ratio(c: float) -> str:
    """A factor for reading: 2, or 1/5."""
    return f"{c:.4g}" if c >= 1 else f"1/{1 / c:.4g}"
