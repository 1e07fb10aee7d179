"""What a batch norm computed of its batch, told to whoever records it.

A program that runs in its place computes the statistics as well, and the running ones are to follow them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from engine import Value


class Statistics(NamedTuple):
    """What a batch norm computed in training: mean and variance of each channel, over so many numbers."""

    norm: Any
    means: list[Value]
    variances: list[Value]
    numbers: int


_RECORDED: ContextVar[list[Statistics] | None] = ContextVar("statistics", default=None)


@contextmanager
def recorded_statistics() -> Iterator[list[Statistics]]:
    """A list of the statistics that are computed inside, as Values: a program computes them again for each batch.

    >>> from nn import BatchNorm1d
    >>> norm = BatchNorm1d(1)
    >>> with recorded_statistics() as statistics:
    ...     out = norm([[1.0], [3.0]])
    >>> statistics[0].norm is norm, statistics[0].means[0].data, statistics[0].variances[0].data
    (True, 2.0, 1.0)
    """
    statistics: list[Statistics] = []
    token = _RECORDED.set(statistics)
    try:
        yield statistics
    finally:
        _RECORDED.reset(token)


def record(statistics: Statistics) -> None:
    """Tell of these, if somebody records them."""
    recorded = _RECORDED.get()
    if recorded is not None:
        recorded.append(statistics)
