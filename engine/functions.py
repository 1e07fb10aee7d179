"""The functions of the engine: those of the table, and those that take or give lists.

All take Values or plain numbers, in any mixture: a Value among the operands gives a Value, plain numbers
alone give a float.

>>> sum([1.0, 2.0, 3.5])
6.5
>>> sigmoid(0)
0.5
"""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.operation import TABLE as _TABLE
from engine.operation import apply as _apply
from engine.operation import listed as _listed
from engine.ops import *  # noqa: F403


def dot(ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> Any:
    """w₀·x₀ + w₁·x₁ + ... + bias: a neuron before its activation, as one node.

    The products are rounded, their sum is rounded once.

    Raises:
        ValueError: if the lists differ in length.

    >>> dot([1.0, 2.0], [3.0, 4.0], 0.5)
    11.5
    """
    ws, xs = _listed("dot", ws, 0), _listed("dot", xs, 0)
    if len(ws) != len(xs):
        raise ValueError(f"dot: {len(ws)} weights and {len(xs)} inputs; give as many of each")
    return _apply(_TABLE["dot"], (*ws, *xs) if bias is None else (*ws, *xs, bias))


def sum(iterable: Iterable[Any], start: Any = 0) -> Any:
    """start + x₀ + x₁ + ..., as one node, rounded once. Of nothing at all: `start`.

    >>> sum([0.1] * 10)
    1.0
    """
    xs = _listed("sum", iterable, 0)
    plain_zero = isinstance(start, int) and start == 0
    return _apply(_TABLE["sum"], xs if plain_zero else [start, *xs])


def var(xs: Iterable[Any], ddof: int = 0) -> Any:
    """Σ (xᵢ − mean)² / (n − ddof): ddof=0 for a whole population, 1 for a sample (as in NumPy).

    Raises:
        ValueError: unless there are more than `ddof` values.

    >>> var([1.0, 2.0, 3.0, 4.0])
    1.25
    """
    xs = _listed("var", xs)
    if not len(xs) > ddof:
        raise ValueError(f"var needs more than ddof={ddof} values, and got {len(xs)}")
    population = _apply(_TABLE["var"], xs)
    return population * (len(xs) / (len(xs) - ddof)) if ddof else population


def take(xs: Iterable[Any], index: Any) -> Any:
    """xs[index], the index an int or a Value (which may then differ from example to example).

    Raises:
        IndexError: if the index is out of range.
        TypeError: if it is not a whole number.

    >>> take([10.0, 20.0, 30.0], 2)
    30.0
    """
    return _apply(_TABLE["take"], (*_listed("take", xs), index))


def softmax(xs: Iterable[Any], index: Any = None) -> Any:
    """exp(xᵢ) / Σ exp(xⱼ) for each i, as a list: positive, and 1 in sum. With an index only that one.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    return _each_or_one("softmax", xs, index)


def log_softmax(xs: Iterable[Any], index: Any = None) -> Any:
    """xᵢ − ln Σ exp(xⱼ) for each i, as a list. With an index (an int or a Value, as in `take`) only that one.

    Raises:
        IndexError: if the index is out of range.
        TypeError: if it is not a whole number.

    >>> log_softmax([0.0, -40.0])[0]
    -4.248354255291589e-18
    >>> log_softmax([0.0, -40.0], 1)
    -40.0
    """
    return _each_or_one("log_softmax", xs, index)


def _each_or_one(name: str, xs: Iterable[Any], index: Any) -> Any:
    xs, op = _listed(name, xs), _TABLE[name]
    return [_apply(op, (*xs, i)) for i in range(len(xs))] if index is None else _apply(op, (*xs, index))


# What `from engine.functions import *` brings: the functions alone.
globals()["__all__"] = [name for name in _TABLE if name in globals()]
