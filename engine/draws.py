"""Random numbers in a forward pass: masks, noise. Each is a leaf of the graph, and who drew it can be asked.

A graph that is computed again needs them drawn again. `recorded_draws` says which leaves were drawn, and how:

    with recorded_draws() as draws:
        loss = model(x)
    for leaf, sample in draws:
        leaf.data = sample()        # another mask
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine.value import Value

Sample = Callable[[], float]  # one that also has many(count), a list of as many as single calls would give, is faster

_RECORDED: ContextVar[list[tuple[Value, Sample]] | None] = ContextVar("draws", default=None)


def drawn(sample: Sample, name: str | None = None) -> Value:
    """A leaf with the number that `sample()` gives; it takes no gradient."""
    leaf = Value(sample(), name, requires_grad=False)
    recorded = _RECORDED.get()
    if recorded is not None:
        recorded.append((leaf, sample))
    return leaf


@contextmanager
def recorded_draws() -> Iterator[list[tuple[Value, Sample]]]:
    """A list of (leaf, sample) for each number that is drawn inside.

    >>> import random
    >>> with recorded_draws() as draws:
    ...     noise = drawn(random.Random(0).random)
    >>> draws[0][0] is noise, draws[0][1]()
    (True, 0.7579544029403025)
    """
    draws: list[tuple[Value, Sample]] = []
    token = _RECORDED.set(draws)
    try:
        yield draws
    finally:
        _RECORDED.reset(token)


def samples(sample: Sample, count: int) -> list[float]:
    """As many numbers as asked for, as one call after the other gives them.

    >>> import random
    >>> samples(random.Random(0).random, 2)
    [0.8444218515250481, 0.7579544029403025]
    """
    many = getattr(sample, "many", None)
    return [sample() for _ in range(count)] if many is None else many(count)
