"""The lines of a program as text: aligned comments, long lines cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.vectorize.writer import Line, Written


@dataclass(frozen=True)
class Function:
    """The function of the source: its arguments, its first lines, the others."""

    arguments: tuple[str, ...]
    head: Sequence[Line]
    written: Written

    def text(self, checked: bool = False) -> str:
        """The source; with every domain checked, where that is wanted."""
        written = self.written
        every = [*self.head, *written.lines]
        width = max((n for n in (len(line.name) + len(line.code) + 3 for line in every) if n < 76), default=0)
        wanted = ", ".join([*(f'"{asked}"' for asked in written.asked[:-1]), f'else "{written.asked[-1]}"'])
        lines = [
            f'def program({", ".join(("parameters", *self.arguments))}, wanted="{written.asked[-1]}"):',
            f'    """What is wanted: {wanted}: the mean loss and its gradient."""',
        ]
        lines += [_aligned(line, width) for line in self.head]
        lines.append("    # forward")
        for i, line in enumerate(written.lines):
            lines += self._returns(i)
            if checked and line.check is not None:
                lines.append(f"    check({', '.join(map(str, (line.check[0], *line.check[1])))})")
            lines.append(_aligned(line, width))
        lines += self._returns(len(written.lines))
        return "\n".join(lines) + "\n"

    def _returns(self, i: int) -> list[str]:
        """What may be returned before line i."""
        written, lines = self.written, []
        for asked, stop, code in zip(written.asked, written.stops, written.returns, strict=True):
            if stop == i and asked == written.asked[-1]:
                lines.append(f"    return {code}")
            elif stop == i:
                lines += [f'    if wanted == "{asked}":', f"        return {code}"]
                lines += ["    # backward"] if asked == "losses" else []
        return lines


def _aligned(line: Line, width: int) -> str:
    text = f"{line.name} = {line.code}"
    if len(text) > LONGEST:
        text = _wrapped(line)
    return f"    {text:<{width}}  {'# ' + line.comment if line.comment else ''}".rstrip()


LONGEST = 110  # characters of a line


def _wrapped(line: Line) -> str:
    """A long line in several: cut behind the commas or before the + signs of its outermost parentheses."""
    code = line.code if line.code.endswith(")") and not _outer(line.code, " + ") else f"({line.code})"
    open_at = _last_open(code)
    inside, rest, closing = code[open_at + 1 : -1], code[: open_at + 1], ")"
    while inside.startswith("(") and _last_open(inside) == 0:
        inside, rest, closing = inside[1:-1], rest + "(", closing + ")"
    pieces = _cut(inside, ", ") if _outer(inside, ", ") else _cut(inside, " + ")
    sign = ", " if _outer(inside, ", ") else " + "
    lines, current = [], ""
    for i, piece in enumerate(pieces):
        piece += (sign.rstrip() if sign == ", " else "") if i < len(pieces) - 1 else ""
        piece = ("+ " if sign == " + " and i else "") + piece
        if current and len(current) + len(piece) > LONGEST - 10:
            lines.append(current.rstrip())
            current = ""
        current += piece + " "
    lines.append(current.rstrip())
    return f"{line.name} = {rest}\n" + "".join(f"        {text}\n" for text in lines) + f"    {closing}"


def _last_open(code: str) -> int:
    """Where the parenthesis that is closed last was opened."""
    depth = 0
    for i in range(len(code) - 1, -1, -1):
        depth += (code[i] == ")") - (code[i] == "(")
        if not depth:
            return i
    return 0


def _outer(code: str, sign: str) -> bool:
    return len(_cut(code, sign)) > 1


def _cut(code: str, sign: str) -> list[str]:
    """The code cut at a sign that stands in no parentheses and no string."""
    pieces, depth, start, quoted = [], 0, 0, False
    for i, c in enumerate(code):
        quoted ^= c == '"'
        depth += (c in "([") - (c in ")]")
        if not depth and not quoted and code.startswith(sign, i):
            pieces.append(code[start:i])
            start = i + len(sign)
    return [*pieces, code[start:]]
