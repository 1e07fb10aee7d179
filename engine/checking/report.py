"""What a check found: an entry for each derivative, the causes of what is wrong, and both as text and as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

SHOWN = 12  # of the entries that are wrong, so many are printed
LONGEST = 110  # a verdict that is longer has a line for each cause


@dataclass(frozen=True)
class Cause:
    """What may have gone wrong.

    kind        one of KINDS, for programs
    text        the same for people, in a sentence without the point at its end
    where       the inputs that it explains; empty where it is about all of them
    operations  the operations of the graph that it is about
    """

    kind: str
    text: str
    where: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{', '.join(self.where)}: {self.text}" if self.where else self.text


KINDS = (
    "sign", "factor", "sum instead of mean", "mean instead of sum", "accumulated",
    "transposed", "flipped", "shifted", "permuted", "shape", "not summed", "rounded",
    "wrong variable", "activation derivative", "wrong place", "wrong rule", "path missing", "overwritten",
    "extra derivative", "some entries", "no gradient", "kink", "cancellation", "edge", "not finite", "unexplained",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One derivative.

    input       what it is the derivative with respect to: W[0][1]; of a second derivative both: W[0][1], b[2]
    given       the engine's number, or the user's
    reference   what it is compared with
    tolerance   how far apart they may be: the error of the reference, or the rounding of both
    step        the step of the difference quotient; 0 where none was taken
    verdict     "right", "wrong"; or "kink", "cancellation", "edge", "not finite", which are no failures of the gradient
    method      "differences", "complex step", "engine": where the reference comes from
    """

    input: str
    given: float
    reference: float
    tolerance: float
    step: float
    verdict: str
    method: str = "differences"

    @property
    def absolute(self) -> float:
        """|given − reference|."""
        return 0.0 if self.given == self.reference else abs(self.given - self.reference)

    @property
    def relative(self) -> float:
        """|given − reference| / max(|given|, |reference|)."""
        largest = max(abs(self.given), abs(self.reference))
        return self.absolute / largest if largest and isfinite(largest) else self.absolute


@dataclass(frozen=True)
class GradReport:
    """What a check says of a gradient; true where nothing is wrong and something could be judged.

    title     what was checked
    entries   one for each derivative, the worst first
    causes    what explains what is wrong, the likeliest first; and what could not be judged
    noun      what an entry is: a derivative, or a value

    Print it: it is short when all is well.
    """

    title: str
    entries: tuple[Entry, ...]
    causes: tuple[Cause, ...] = ()
    noun: str = "derivative"

    def __post_init__(self) -> None:
        order = {"wrong": 0, "not finite": 1, "cancellation": 2, "edge": 3, "kink": 4, "right": 5}
        ranked = sorted(self.entries, key=lambda entry: (order[entry.verdict], -_size(entry)))
        object.__setattr__(self, "entries", tuple(ranked))

    def __bool__(self) -> bool:
        verdicts = Counter(entry.verdict for entry in self.entries)
        judged = verdicts["right"] + verdicts["kink"]
        return not verdicts["wrong"] and (judged > 0 or not self.entries)

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """The entries that are wrong."""
        return tuple(entry for entry in self.entries if entry.verdict == "wrong")

    @property
    def verdict(self) -> str:
        """The whole in words."""
        sign = ": " if self._judgement in ("wrong", "cannot be judged", "right") else "; "
        causes = "; ".join(_told(self.causes)) or ("" if self else "no cause was found")
        return self._judgement + (sign + causes if causes else "")

    @property
    def _judgement(self) -> str:
        """The verdict without its causes."""
        counts = Counter(entry.verdict for entry in self.entries)
        if not self:
            return "wrong" if counts["wrong"] else "cannot be judged"
        if not self.entries:
            return "right: there is nothing to check"
        if not counts["right"]:
            return "right"
        worst = max(min(entry.relative, entry.absolute) for entry in self.entries if entry.verdict == "right")
        agree = "agrees" if counts["right"] == 1 else "agree"
        return f"right: {_counted(counts['right'], self.noun)} {agree}, the worst to {worst:.1g}"

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.verdict}"]
        if len(lines[0]) > LONGEST:
            lines = [f"{self.title}: {self._judgement}", *(f"  {text}" for text in _told(self.causes))]
        notable = [entry for entry in self.entries if entry.verdict != "right"]
        if notable:
            lines += ["", *_table([_HEAD, *map(_row, notable[:SHOWN])])]
            if len(notable) > SHOWN:
                lines.append(f"  ... and {len(notable) - SHOWN} more")
            others = len(self.entries) - len(notable)
            if others:
                lines.append(f"  {_counted(others, self.noun)} right")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<GradReport {self.title}: {self.verdict}>"

    def _repr_html_(self) -> str:
        notable = [entry for entry in self.entries if entry.verdict != "right"] or list(self.entries[:1])
        head = "".join(f"<th>{escape(text)}</th>" for text in _HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in _row(entry)) + "</tr>" for entry in notable[:SHOWN]
        )
        more = f"<p>... and {len(notable) - SHOWN} more</p>" if len(notable) > SHOWN else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}" if notable else ""
        return f"<div><p><strong>{escape(self.title)}</strong>: {escape(self.verdict)}</p>{table}</div>"


_HEAD = ("input", "given", "reference", "absolute", "relative", "step", "verdict")


def _told(causes: Sequence[Cause]) -> list[str]:
    """The causes in words. Those of the same inputs are alternatives: the numbers allow each."""
    texts: dict[tuple[str, ...], list[str]] = {}
    for cause in causes:
        texts.setdefault(cause.where, []).append(cause.text)
    return [(f"{', '.join(where)}: " if where else "") + ", or: ".join(told) for where, told in texts.items()]


def _size(entry: Entry) -> float:
    size = entry.relative
    return size if size == size else float("inf")


def _row(entry: Entry) -> tuple[str, ...]:
    step = f"{entry.step:.1e}" if entry.step else entry.method
    if entry.method.startswith("shape"):  # no number stands beside another
        return (entry.input, *("—",) * 4, step, entry.verdict)
    errors = (f"{error:.1e}" for error in (entry.absolute, entry.relative))
    return (entry.input, f"{entry.given:.10g}", f"{entry.reference:.10g}", *errors, step, entry.verdict)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            text.ljust(w) if i in (0, len(row) - 1) else text.rjust(w)
            for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"
