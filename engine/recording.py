"""Pausing Python's cyclic collector while graphs are built."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0  # how many blocks are running
_was_enabled = False  # whether the collector was on before the first of them


@contextmanager
def recording() -> Iterator[None]:
    """Pause Python's cyclic collector while a graph is built and swept.

    A graph has no cycles, so the collector would only walk its nodes again and again: at a million nodes
    that nearly doubles the time. The collector belongs to the whole process: it is off while
    anyone is inside, and comes back, if it was on, when the last one leaves.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> with recording():
    ...     (x * x).backward()
    >>> x.grad
    4.0
    """
    global _inside, _was_enabled
    with _lock:
        if _inside == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _was_enabled:
                gc.enable()
