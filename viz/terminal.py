"""Backpropagation told in a terminal, by the same events as the web page (`viz.story`).

    print_backprop(loss)            forward, backward, and the leaves beside NumPy's central differences
    text = backprop_text(loss)      the same as one string

Colour is a help and never the only sign: what is upstream, local or a contribution is said by its place.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import compress
from math import isnan
from typing import TextIO

from engine import Difference, Value
from engine.formula import local_derivatives
from viz import text
from viz.story import Event, Story, factor

# The roles, in colours that are read on black and on white.
_CODES = {"value": "38;5;32", "upstream": "38;5;166", "local": "38;5;134", "contribution": "38;5;28", "heading": "1"}
_CODE = re.compile(r"\x1b\[[\d;]*m")

_BESIDE = 52  # columns; a formula or a chain rule as long as this still has something on its right
_LONGEST_LABEL = 28
_NARROWEST = 80

# What turns the direction of a line, or breaks it, would make a terminal show another text than there is.
_TURNS = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x2028, 0x202F), *range(0x2066, 0x206A)], "�")

# For a stream that cannot hold our signs, as one in ASCII.
_PLAIN = str.maketrans(
    {"∂": "d", "·": "*", "×": "x", "−": "-", "∞": "inf", "…": "~", "–": "-", "≥": ">=", "≤": "<=", "≠": "!="}
)


def print_backprop(loss: Value, *, file: TextIO | None = None, color: bool | str = "auto", width: int = 100) -> None:
    """Print the forward and the backward pass of a graph, edge by edge, and the leaves beside NumPy's opinion.

    file   where to; None for standard output
    color  True, False, or "auto": on a terminal, unless the environment variable NO_COLOR is set
    width  columns, at least 80; what is longer goes on below or is shortened in the middle

    Raises:
        TypeError: if `loss` is not a Value.
        ValueError: for a graph of more than 2,000 nodes, and for another `color`.
        RuntimeError: if a node's data was changed since it was used.
    """
    if not (isinstance(color, bool) or color == "auto"):
        raise ValueError(f"color is True, False or 'auto', not {color!r}")
    stream = sys.stdout if file is None else file
    told = backprop_text(loss, color=_wants_color(stream) if isinstance(color, str) else color, width=width)
    stream.write(_writable(told, getattr(stream, "encoding", None)))


def backprop_text(loss: Value, *, color: bool = False, width: int = 100) -> str:
    """What `print_backprop` prints.

    Raises:
        TypeError: if `loss` is not a Value.
        ValueError: for a graph of more than 2,000 nodes.
        RuntimeError: if a node's data was changed since it was used.

    >>> x = Value(3.0, "x")
    >>> print(backprop_text(x * x))
    forward: each node is computed from its operands
    <BLANKLINE>
       1  L = x * x  = 3 * 3  = 9
    <BLANKLINE>
    backward: upstream × local = contribution; what arrives at a node is added up
    <BLANKLINE>
       2  ∂L/∂L = 1
    <BLANKLINE>
       3  ∂L/∂x += ∂L/∂L · ∂L/∂x     local  ∂L/∂x = x = 3
                 = 1 × 3 = 3         sum    ∂L/∂x = 0 + 3 = 3
    <BLANKLINE>
       4  ∂L/∂x += ∂L/∂L · ∂L/∂x     local  ∂L/∂x = x = 3
                 = 1 × 3 = 3         sum    ∂L/∂x = 3 + 3 = 6
    <BLANKLINE>
    leaves: the gradient, and (f(x + h) − f(x − h)) / 2h as NumPy computes it
    <BLANKLINE>
       leaf  data  gradient  central difference  verdict
       x        3         6                   6  agrees
    <BLANKLINE>
    """
    told = "\n".join([*_Teller(Story(loss), width).lines(), ""])
    return told if color else _CODE.sub("", told)


class _Teller:
    """The lines of a story. All of them have colours; whoever wants none takes them away at the end."""

    def __init__(self, story: Story, width: int) -> None:
        self.story, self.width = story, max(width, _NARROWEST)
        self.labels = [_fitting(_clean(label), _LONGEST_LABEL) for label in story.labels]
        self.rules: dict[Value, list[str]] = {}

    def label(self, node: Value) -> str:
        return self.labels[self.story.index[node]]

    def lines(self) -> Iterator[str]:
        story = self.story
        if story.first_backward:
            yield _heading("forward", "each node is computed from its operands")
            yield from self.forward()
        roles = f"{_paint('upstream')} × {_paint('local')} = {_paint('contribution')}"
        yield _heading("backward", f"{roles}; what arrives at a node is added up")
        yield from self.backward()
        if story.differences:
            yield _heading("leaves", "the gradient, and (f(x + h) − f(x − h)) / 2h as NumPy computes it")
            yield from self.leaves()
        else:
            yield "no leaf takes a gradient"

    # ------------------------------------------------------------------ forward

    def forward(self) -> Iterator[str]:
        """Formula, numbers and value in three columns; a long formula has them in three lines."""
        events = self.story.events[: self.story.first_backward]
        rows = [self.computed(event) for event in events]
        short = [max(map(_columns, row)) <= _BESIDE // 2 for row in rows]
        formula, numbers = (max((_columns(row[i]) for row in compress(rows, short)), default=0) for i in (0, 1))
        yield ""
        for number, (row, is_short) in enumerate(zip(rows, short, strict=True), 1):
            if is_short:
                yield f"{_count(number)}{_filled(row[0], formula)}  = {_filled(row[1], numbers)}  = {row[2]}"
            else:
                yield _count(number) + _fitting(row[0], self.width - 6)
                yield from (f"{' ' * 8}= {_fitting(part, self.width - 10)}" for part in row[1:])
        yield ""

    def computed(self, event: Event) -> tuple[str, str, str]:
        node = self.story.nodes[event.node]
        formula = node.op.write([self.label(parent) for parent in node.parents])  # type: ignore[union-attr]
        value = _paint("value", text.number(node.data))
        return f"{self.labels[event.node]} = {_clean(formula)}", _clean(self.story.filled(event)), value

    # ----------------------------------------------------------------- backward

    def backward(self) -> Iterator[str]:
        """For each edge the chain rule, in symbols and in numbers; beside it the local derivative and the sum."""
        events = self.story.events[self.story.first_backward :]
        blocks = [(self.chain(event), self.beside(event)) for event in events]
        wide = [max(map(_columns, left)) for left, _ in blocks]
        at = max((w for w in wide if w <= _BESIDE), default=0) + 5
        yield ""
        for number, (w, (left, right)) in enumerate(zip(wide, blocks, strict=True), self.story.first_backward + 1):
            lines = left
            if right and w + 5 <= at and at + max(map(_columns, right)) + 6 <= self.width:
                lines = [_filled(a, at) + b for a, b in zip(left, right, strict=True)]
            elif right:
                lines = [*left, *(f"  {line}" for line in right)]
            for margin, line in zip([_count(number), *[" " * 6] * len(lines)], lines, strict=False):
                yield margin + _fitting(line, self.width - 6)
            yield ""

    def chain(self, event: Event) -> list[str]:
        loss, name = self.labels[-1], self.labels[event.node]
        if event.step is None:
            return [f"∂{loss}/∂{name} = {_paint('upstream', '1')}"]
        step, to = event.step, self.label(event.step.parent)
        sums = f"∂{loss}/∂{to}"
        product = f"{_paint('upstream', f'∂{loss}/∂{name}')} · {_paint('local', f'∂{name}/∂{to}')}"
        upstream, local = _paint("upstream", text.number(step.upstream)), _paint("local", factor(step.local))
        numbers = f"= {upstream} × {local} = {_paint('contribution', text.number(step.product))}"
        if _columns(f"{sums} += {product}") > self.width - 6:
            return [sums, f"  += {product}", f"   {numbers}"]
        return [f"{sums} += {product}", " " * (_columns(sums) + 2) + numbers]

    def beside(self, event: Event) -> list[str]:
        step = event.step
        if step is None:
            return []
        loss, name, to = self.labels[-1], self.labels[event.node], self.label(step.parent)
        if step.node not in self.rules:
            self.rules[step.node] = local_derivatives(step.node, self.label)
        rule, number = _clean(self.rules[step.node][step.position]), _paint("local", text.number(step.local))
        derivative = f"{_paint('local', f'∂{name}/∂{to}')} = "
        room = self.width - 6 - _columns(f"  local  {derivative} = {number}")
        if rule.replace("-", "−") != _CODE.sub("", number):
            derivative += f"{_fitting(rule, max(room, 12))} = "
        product = _paint("contribution", factor(step.product))
        total = f"∂{loss}/∂{to} = {text.number(step.before)} + {product} = {text.number(step.total)}"
        return [f"local  {derivative}{number}", f"sum    {total}"]

    # ------------------------------------------------------------------- leaves

    def leaves(self) -> Iterator[str]:
        """A table: what backward() finds for each leaf, and what NumPy thinks of it."""
        gradients = self.story.gradients()
        rows = [("leaf", "data", "gradient", "central difference", "verdict")]
        for i, difference in self.story.differences.items():
            gradient = gradients.get(i, 0.0)
            data = _paint("value", text.number(self.story.nodes[i].data))
            numbers = _paint("upstream", _digits(gradient)), _digits(difference.slope)
            rows.append((self.labels[i], data, *numbers, _verdict(difference, gradient)))
        widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
        yield ""
        for leaf, *columns, verdict in rows:
            padded = [" " * (w - _columns(n)) + n for n, w in zip(columns, widths[1:4], strict=True)]
            yield _fitting("  ".join([f"   {_filled(leaf, widths[0])}", *padded, verdict]), self.width)


def _verdict(difference: Difference, gradient: float) -> str:
    verdict = difference.verdict(gradient)
    if verdict != "unsure":
        return verdict
    return "unsure: a kink" if difference.kink else "unsure: no number" if isnan(difference.slope) else "unsure"


def _digits(x: float) -> str:
    """Eight digits, enough to see two ways of computing a number agree."""
    return f"{x:.8g}".replace("-", "−").replace("inf", "∞") if x else "0"


# ------------------------------------------------------------------- lines of text


def _heading(name: str, rest: str) -> str:
    return f"{_paint('heading', name)}: {rest}"


def _count(number: int) -> str:
    return f"{number:4}  "


def _paint(role: str, content: str = "") -> str:
    return f"\x1b[{_CODES[role]}m{content or role}\x1b[0m"


def _clean(content: str) -> str:
    """The text with nothing left in it that a terminal would obey."""
    return text.visible(content).translate(_TURNS)


def _columns(line: str) -> int:
    """How many columns of a terminal a line takes, colours not counted."""
    return sum(map(_advance, _CODE.sub("", line)))


def _advance(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _filled(line: str, columns: int) -> str:
    return line + " " * (columns - _columns(line))


def _fitting(line: str, columns: int) -> str:
    """The line, without its colours and its middle where it is too long."""
    longest = columns
    while _columns(line) > columns:
        line = text.shortened(_CODE.sub("", line), longest)
        longest -= 1
    return line


# ---------------------------------------------------------------------- the stream


def _wants_color(stream: TextIO) -> bool:
    """Whether a stream is a terminal and nothing speaks against colour (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _writable(content: str, encoding: str | None) -> str:
    """The text with other signs in the place of those that an encoding lacks."""
    lacking = {c for c in set(content) if not _encodable(c, encoding or "utf-8")}
    return content.translate({ord(c): _PLAIN.get(ord(c), "?") for c in lacking})


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
