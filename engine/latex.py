"""Formulas as LaTeX, for papers, notebooks and web pages: each line is what belongs between two dollar signs.

Only commands that LaTeX with amsmath, MathJax, KaTeX and Matplotlib all know are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.notation import ATOM, POWER, PRODUCT, SIGN, Term, Typeset, number_text
from engine.operation import Operation


class LaTeX(Typeset):
    r"""LaTeX's mathematical mode. A name is text: whatever it contains, no command comes out of it.

    >>> latex = LaTeX()
    >>> latex.name("layers[2].w[1]")[0], latex.name("theta_max")[0], latex.name("loss")[0]
    ('w_{1}^{(2)}', '\\theta_{\\mathrm{max}}', '\\mathrm{loss}')
    >>> latex.number(2.5e-20)[0]
    '2.5 \\times 10^{-20}'
    """

    def number(self, x: float) -> Term:
        text = number_text(x)
        minus, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        if digits == "nan":
            return r"\mathrm{nan}", ATOM
        if digits == "inf":
            return rf"{minus}\infty", SIGN if minus else ATOM
        mantissa, _, exponent = digits.partition("e")
        if not exponent:
            return text, SIGN if minus else ATOM
        power = f"10^{{{int(exponent)}}}"
        if mantissa == "1":
            return minus + power, SIGN if minus else POWER
        return rf"{minus}{mantissa} \times {power}", PRODUCT

    def variable(self, own: str) -> str:
        if own in _GREEK:
            return f"\\{_GREEK[own]}"
        if own.isascii() and own.isalpha() and len(own) == 1:
            return own
        if own.isascii() and own.isidentifier():
            return rf"\mathrm{{{_escaped(own)}}}"
        return _text(own)

    def numeral(self, digits: str) -> str:
        return digits if digits.isascii() else _text(digits)

    def scripts(self, base: str, low: str, high: str) -> str:
        return base + (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")

    def where(self, text: str, definitions: Sequence[str]) -> str:
        return text + r"\text{ with }" + self.sign(",").join(definitions)

    def length(self, text: str) -> int:
        return len(re.sub(r"\\[a-zA-Z]+|[{}\\^_]", "", text))

    def definition(self, label: str, text: str) -> str:
        return f"{self.name(label)[0]} = {text}"

    def sign(self, sign: str) -> str:
        return _SIGNS.get(sign, sign)

    def row(self, *parts: str) -> str:
        text = "".join(parts)
        return "-" + text.removeprefix(" - ") if text.startswith(" - ") else text  # a sign, not a difference

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\frac" in text else f"({text})"  # tall ones grow

    def bars(self, text: str) -> str:
        return rf"\left|{text}\right|"

    def function(self, op: Operation) -> str:
        return _FUNCTIONS.get(op.name) or rf"\operatorname{{{_escaped(op.name)}}}"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def exponential(self, exponent: str) -> str:
        return rf"\mathrm{{e}}^{{{exponent}}}"  # upright, as a variable e is not

    def root(self, inside: str, degree: int) -> str:
        return rf"\sqrt{{{inside}}}" if degree == 2 else rf"\sqrt[3]{{{inside}}}"

    def is_signed(self, text: str) -> bool:
        return text.startswith("-")


_SIGNS = {
    "+": " + ", "−": " - ", "=": " = ", ",": ", ", "·": r" \cdot ", "×": r" \times ", "⋯": r"\cdots",
    ">": " > ", "≥": r" \geq ", "<": " < ", "≤": r" \leq ", "≠": r" \neq ",
}  # fmt: skip

_FUNCTIONS = {
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "max", "min")},
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "log2": r"\log_{2}", "log10": r"\log_{10}",
    "maximum": r"\max", "minimum": r"\min",
}  # fmt: skip

# A Greek letter, as a word or as the letter itself. LaTeX has no command for those that look like Latin ones.
_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_WORDS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = {name: word for letter, word in zip(_LETTERS, _WORDS.split(), strict=True) for name in (letter, word)}

_COMMANDS = {"\\": r"\backslash", "^": r"\hat{\ }", "~": r"\sim"}  # text cannot hold these, mathematics can


def _escaped(text: str) -> str:
    """Text with a backslash before what LaTeX gives a meaning; what cannot be printed is a blank or �."""
    shown = (c if c.isprintable() else " " if c.isspace() else "�" for c in text)
    return "".join(f"\\{c}" if c in "{}$&#%_" else c for c in shown)


def _text(text: str) -> str:
    r"""\text{...}, left for a moment where a character cannot stand in it."""
    parts = re.split(r"([\\^~])", text)
    return "".join(_COMMANDS.get(part) or rf"\text{{{_escaped(part)}}}" for part in parts if part) or r"\text{}"
