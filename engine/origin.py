"""Where a number that is not finite was made, and why: the line of the user's code, and the reason in words.

A node does not remember its line: that would cost memory and time, for something that is seldom asked. Only
where a nan or an inf is born is the line written down, beside the graph, in a table that holds no node alive. To
have the line of every node, build the graph inside `with source_lines():`.

`engine.value` tells, `engine.health` asks.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any
from weakref import WeakKeyDictionary

from engine.operation import Operation

# ------------------------------------------------------------------------------ where


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of code; prints as model.py:12 in forward: h = exp(z).

    file      as Python names it; "<stdin>", "<string>" for code that has no file
    number    counts from 1
    function  the function it stands in, "<module>" outside of any
    text      the line itself, "" where the source is not at hand
    """

    file: str
    number: int
    function: str
    text: str

    def __str__(self) -> str:
        inside = "" if self.function.startswith("<") else f" in {self.function}"
        return f"{self.file}:{self.number}{inside}" + (f": {self.text}" if self.text else "")


watching = 0  # how many `watched` blocks are running, in all threads
_lock = threading.Lock()
_made: WeakKeyDictionary[Any, tuple[float, str, int, str]] = WeakKeyDictionary()  # the number, and its line


@contextmanager
def watched() -> Iterator[None]:
    """Inside, a line is noted for every node, not only for a nan or an inf; `engine.health.source_lines` uses it."""
    global watching
    with _lock:
        watching += 1
    try:
        yield
    finally:
        with _lock:
            watching -= 1


def note(node: Any, history: tuple[Any, ...] = ()) -> None:
    """Write down the line that makes a node, if its number is nan or inf and did not come from another node so."""
    if not watching and (isfinite(node._data) or _inherited(history)):
        return
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    if frame is not None:
        code = frame.f_code
        _made[node] = node._data, code.co_filename, frame.f_lineno, code.co_name


def line_of(node: Any, number: float) -> SourceLine | None:
    """The line that gave a node this number, or None where nobody noted it."""
    number_then, file, line, function = _made.get(node, (0.0, "", 0, ""))
    if not file or repr(number_then) != repr(number):  # repr, for nan is not nan
        return None
    return SourceLine(file, line, function, linecache.getline(file, line).strip())


def numbers_read(node: Any) -> tuple[float, ...]:
    """The numbers that a node read from its operands; () of a leaf."""
    history = node._history or ()
    return tuple(history[len(history) // 2 : -1])


def _inherited(history: tuple[Any, ...]) -> bool:
    """Whether a computed operand is nan already, or for an inf not finite. A leaf is a beginning itself."""
    if not history:
        return False
    passes_on = isnan if isnan(history[-1]) else _not_finite
    half = len(history) // 2
    return any(passes_on(x) and parent._history for parent, x in zip(history[:half], history[half:-1], strict=True))


def _not_finite(x: float) -> bool:
    return not isfinite(x)


# The same prefix as in every code object of ours, however the packages were found.
_ROOT = os.path.dirname(os.path.dirname(note.__code__.co_filename))
_OURS = tuple(os.path.join(_ROOT, package, "") for package in ("engine", "nn", "viz"))

# -------------------------------------------------------------------------------- why

_MOST = 72  # characters of an operation written out with its numbers
_CURES = {
    "exp": "use logsumexp, log_softmax or bce_with_logits",
    "expm1": "use softplus or logsumexp",
    "prod": "add logarithms instead",
    "pow": "work with logarithms, or scale the base",
}


def brief(x: float) -> str:
    """A number to four digits: 1000, 1e308, -0.5.

    >>> brief(1e308), brief(-0.5)
    ('1e308', '-0.5')
    """
    return f"{x:.4g}".replace("e+", "e")


def why(op: Operation, z: float, numbers: Sequence[float]) -> str:
    """Why an operation on these numbers gave nan or inf.

    >>> from engine import TABLE
    >>> why(TABLE["add"], float("inf"), [1e308, 1e308])
    '1e308 + 1e308 overflows: 1.8e308 is the largest float'
    >>> why(TABLE["sub"], float("nan"), [float("inf"), float("inf")])
    'inf - inf is nan'
    """
    written = _written(op, numbers)
    if not all(map(isfinite, numbers)):
        return f"{written} is {brief(z)}{_term(op, numbers)}"
    if isnan(z):
        return f"{written} is nan{_term(op, numbers) or ', though its operands are finite'}"
    cure = f"; {_CURES[op.name]}" if op.name in _CURES else ""
    return f"{written} overflows{_term(op, numbers)}: 1.8e308 is the largest float{cure}"


def why_gradient(op: Operation, numbers: Sequence[float], upstream: float, local: float, before: float) -> str:
    """Why upstream · local, added to what had arrived before, is nan or inf (all earlier gradients are finite)."""
    product = upstream * local
    chain = f"{brief(upstream)} × {_signed(local)} = {brief(product)}"
    if isnan(local):
        return f"{_written(op, numbers)} has no slope here: {chain}"
    if not isfinite(local):
        slope = f"{_written(op, numbers)} has the slope {brief(local)}: {chain}"
        cure = f"; keep the operand of {op.name} away from there"
        if upstream == 0.0:
            cure += " before the operation: a where that does not choose the result does not switch its slope off"
        return slope + cure
    if not isfinite(product):
        return f"{chain} overflows: 1.8e308 is the largest float"
    return f"{chain} arrives where {brief(before)} had arrived: the sum overflows"


def _signed(x: float) -> str:
    return f"({brief(x)})" if x < 0 else brief(x)


def _written(op: Operation, numbers: Sequence[float]) -> str:
    written = op.write([_signed(x) if op.binds < 5 else brief(x) for x in numbers])
    if len(written) <= _MOST:
        return written
    largest = max(numbers, key=lambda x: inf if isnan(x) else abs(x))
    return f"{op.name} of {len(numbers)} numbers (the largest is {brief(largest)})"


def _term(op: Operation, numbers: Sequence[float]) -> str:
    """What goes wrong inside a dot product or a sum."""
    terms = list(numbers)
    if op.name == "dot":
        half = len(numbers) // 2
        ws, xs, bias = numbers[:half], numbers[half : 2 * half], list(numbers[2 * half :])
        for w, x in zip(ws, xs, strict=True):
            if isfinite(w) and isfinite(x) and not isfinite(w * x):
                return f" ({brief(w)} × {_signed(x)} = {brief(w * x)})"
            if isnan(w * x) and not (isnan(w) or isnan(x)):
                return f" ({brief(w)} × {_signed(x)} is nan)"
        terms = [w * x for w, x in zip(ws, xs, strict=True)] + bias
    if op.name in ("dot", "sum", "mean") and inf in terms and -inf in terms:
        return " (inf - inf)"
    return ""


# ------------------------------------------------------------------------- which module

_PATH = re.compile(r"[^\W\d]\w*(\[[^\]]*\])*(\.[^\W\d]\w*(\[[^\]]*\])*)*")
_NEURON = re.compile(r"(^|\.)neurons\[\d+\]$")


def path_of(name: str | None) -> str:
    """The module that a name belongs to, "" for none.

    >>> path_of("layers[0].neurons[3].w[1]"), path_of("x"), path_of("3.14")
    ('layers[0].neurons[3]', '', '')
    """
    path = (name or "").rpartition(".")[0]
    return path if _PATH.fullmatch(path) else ""


def layer_of(name: str | None) -> str:
    """The layer that a parameter belongs to; of one outside a module, its own name without an index.

    >>> layer_of("layers[0].neurons[3].w[1]"), layer_of("neurons[3].b"), layer_of("W[0][1]")
    ('layers[0]', 'neurons', 'W')
    """
    path = path_of(name)
    if path:
        return _NEURON.sub("", path) or "neurons"
    return (name or "").partition("[")[0] or "(without a name)"


def module_near(node: Any) -> str:
    """The path of a node, or, if it has no name, that of the nearest parameters it was computed from."""
    near, seen = [node], {node}
    while near:
        paths = {path_of(n.name) for n in near} - {""}
        if paths:
            return paths.pop() if len(paths) == 1 else ""
        below = dict.fromkeys(parent for n in near if not n.name for parent in n.parents)
        near = [parent for parent in below if parent not in seen]
        seen.update(near)
    return ""


def counted(count: int, what: str, many: str = "") -> str:
    """So many of something.

    >>> counted(1, "node"), counted(1200, "node")
    ('1 node', '1,200 nodes')
    """
    return f"{count:,} {what if count == 1 else many or what + 's'}"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are.

    >>> some("abc"), some("abcde")
    ('a, b, c', 'a, b, c and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
