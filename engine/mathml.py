"""Formulas as MathML, which browsers set like a printed page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from engine.notation import ATOM, SIGN, Term, Typeset, number_text
from engine.operation import Operation


class MathML(Typeset):
    """MathML Core: what belongs inside a `<math>` element.

    Text becomes the content of `<mi>` and `<mtext>` only, escaped. `number` may be given to write numbers shorter,
    `times` for another sign of multiplication.
    """

    def __init__(self, number: Callable[[float], str] = number_text, times: str = "·") -> None:
        self._number, self.times = number, times

    def number(self, x: float) -> Term:
        text = self._number(x).replace("-", "−")
        if text.startswith("−"):
            return f"{self.sign('−')}<mn>{escape(text[1:])}</mn>", SIGN
        return f"<mn>{escape(text)}</mn>", ATOM

    def variable(self, own: str) -> str:
        return f"<mi>{escape(own)}</mi>" if own.isidentifier() else f"<mtext>{escape(own)}</mtext>"

    def numeral(self, digits: str) -> str:
        return f"<mn>{digits}</mn>"

    def scripts(self, base: str, low: str, high: str) -> str:
        if low and high:
            return f"<msubsup>{base}{low}{high}</msubsup>"
        if high:
            return f"<msup>{base}{high}</msup>"
        return f"<msub>{base}{low}</msub>" if low else base

    def where(self, text: str, definitions: Sequence[str]) -> str:
        return self.row(text, "<mtext>\u00a0with\u00a0</mtext>", self.sign(",").join(definitions))

    def length(self, text: str) -> int:
        return len(re.sub(r"<[^>]*>", "", text))

    def sign(self, sign: str) -> str:
        return f"<mo>{escape(sign)}</mo>"

    def row(self, *parts: str) -> str:
        return f"<mrow>{''.join(parts)}</mrow>"

    def function(self, op: Operation) -> str:
        return f"<mi>{escape(op.name)}</mi>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{self.row(above)}{self.row(below)}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{self.row(exponent)}</msup>"

    def exponential(self, exponent: str) -> str:
        return self.power("<mi>e</mi>", exponent)

    def root(self, inside: str, degree: int) -> str:
        return f"<msqrt>{self.row(inside)}</msqrt>" if degree == 2 else f"<mroot>{self.row(inside)}<mn>3</mn></mroot>"

    def is_signed(self, text: str) -> bool:
        return re.match(r"(<mrow>)*<mo>−", text) is not None
