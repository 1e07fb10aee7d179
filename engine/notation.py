"""How a formula looks: as plain text that Python can read, or as MathML, which browsers set like a printed page.

A term is a text and how tightly it binds; a notation puts terms together, with parentheses only where they are
needed. `engine.formula` walks the graph and asks a notation for each node, so every form of a formula comes
from the same walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from engine.operation import TABLE, Operation

PRODUCT, SIGN, POWER, ATOM = 2, 3, 4, 5  # how tightly: see Operation.binds
Term = tuple[str, int]


def number_text(x: float) -> str:
    """All digits of a number, without the .0 of a whole one.

    >>> number_text(-2.0), number_text(0.1)
    ('-2', '0.1')
    """
    return str(int(x)) if x == x // 1 and abs(x) < 1e15 else repr(x)


class Notation:
    """Plain text, as Python would have it."""

    def name(self, label: str) -> Term:
        """A leaf with a name, or a term that has a line of its own."""
        return label, ATOM

    def number(self, x: float) -> Term:
        """A constant."""
        text = number_text(x)
        return text, SIGN if text.startswith("-") else ATOM

    def operation(self, op: Operation, operands: Sequence[Term]) -> Term:
        """An operation applied to terms."""
        return op.write(self.bracketed(op, operands)), op.binds

    def definition(self, label: str, text: str) -> str:
        """A line of its own: label = text."""
        return f"{label} = {text}"

    def where(self, text: str, definitions: Sequence[str]) -> str:
        """A formula and the definitions it needs, on one line."""
        return f"{text} with {', '.join(definitions)}"

    def bracketed(self, op: Operation, operands: Sequence[Term]) -> list[str]:
        """The operands' texts, in parentheses where they bind less tightly than the operation.

        In a - (b - c) and (a ** b) ** c, the operand that is not read first needs to bind more tightly.
        """
        first = 1 if op.name == "pow" else 0
        return [
            text if op.binds == ATOM or binds > op.binds or (binds == op.binds and i == first) else self.brackets(text)
            for i, (text, binds) in enumerate(operands)
        ]

    def brackets(self, text: str) -> str:
        """The text in parentheses."""
        return f"({text})"

    def length(self, text: str) -> int:
        """How many characters a reader sees."""
        return len(text)


class MathML(Notation):
    """MathML Core: fractions, powers and roots as in a book, names with their indices set low.

    Text becomes the content of `<mi>` and `<mtext>` only, escaped. `number` may be given to write numbers shorter.
    Of a list of more than seven terms it shows the beginning and the end. The result is what belongs inside a
    `<math>` element.
    """

    def __init__(self, number: Callable[[float], str] = number_text, times: str = "·") -> None:
        self._number, self._times = number, times

    def name(self, label: str) -> Term:
        """w1, w_1 and w[1] are a w with a low 1; layers[2].w[1] has a high (2) as well.

        Other names of several letters stand upright, and what is no name at all is text.
        """
        path, _, own = label.rpartition(".") if _PATH.fullmatch(label) else ("", "", label)
        high = f"<mrow>{_mo('(')}{_listed(list(map(_mn_or_mi, _indices(path))))}{_mo(')')}</mrow>" if path else ""
        base, low = _mi(own) if own.isidentifier() else f"<mtext>{escape(own)}</mtext>", ""
        if match := _INDEXED.fullmatch(own):
            base, low = _mi(match[1]), _mn_or_mi(next(part for part in match.groups()[1:] if part))
        if high and low:
            return f"<msubsup>{base}{low}{high}</msubsup>", POWER
        if high:
            return f"<msup>{base}{high}</msup>", POWER
        return f"<msub>{base}{low}</msub>" if low else base, ATOM

    def number(self, x: float) -> Term:
        text = self._number(x).replace("-", "−")
        if text.startswith("−"):
            return f"{_mo('−')}<mn>{escape(text[1:])}</mn>", SIGN
        return f"<mn>{escape(text)}</mn>", ATOM

    def operation(self, op: Operation, operands: Sequence[Term]) -> Term:
        return _SET.get(op.name, MathML._called)(self, op, operands)

    def definition(self, label: str, text: str) -> str:
        return _row(self.name(label)[0], _mo("="), text)

    def where(self, text: str, definitions: Sequence[str]) -> str:
        return _row(text, "<mtext>\u00a0with\u00a0</mtext>", _mo(",").join(definitions))

    def brackets(self, text: str) -> str:
        return _row(_mo("("), text, _mo(")"))

    def length(self, text: str) -> int:
        return len(re.sub(r"<[^>]*>", "", text))

    def _called(self, op: Operation, operands: Sequence[Term]) -> Term:
        return _row(_mi(op.name), self.brackets(_listed([text for text, _ in operands]))), ATOM

    # Below, one setter for each operation that mathematics writes in a way of its own.

    def _infix(self, op: Operation, operands: Sequence[Term]) -> Term:
        signs = {"add": "+", "sub": "−", "mul": self._times, "sum": "+", "prod": self._times}
        binds = {"sum": 1, "prod": PRODUCT}.get(op.name, op.binds)
        texts = [
            self.brackets(text) if own < binds or (i and (own == binds or _is_signed(text))) else text
            for i, (text, own) in enumerate(operands)
        ]
        if len(texts) < 2:
            return self._called(op, operands)
        return _row(_mo(signs[op.name]).join(_shown(texts))), binds

    def _neg(self, op: Operation, operands: Sequence[Term]) -> Term:
        text, binds = operands[0]
        return _row(_mo("−"), text if binds > SIGN else self.brackets(text)), SIGN

    def _fraction(self, op: Operation, operands: Sequence[Term]) -> Term:
        return f"<mfrac>{_row(operands[0][0])}{_row(operands[1][0])}</mfrac>", POWER

    def _power(self, op: Operation, operands: Sequence[Term]) -> Term:
        (base, binds), (exponent, _) = operands
        return f"<msup>{_row(base) if binds == ATOM else self.brackets(base)}{_row(exponent)}</msup>", POWER

    def _exp(self, op: Operation, operands: Sequence[Term]) -> Term:
        return f"<msup><mi>e</mi>{_row(operands[0][0])}</msup>", POWER

    def _root(self, op: Operation, operands: Sequence[Term]) -> Term:
        inside = _row(operands[0][0])
        return (f"<msqrt>{inside}</msqrt>" if op.name == "sqrt" else f"<mroot>{inside}<mn>3</mn></mroot>"), ATOM

    def _abs(self, op: Operation, operands: Sequence[Term]) -> Term:
        return _row(_mo("|"), operands[0][0], _mo("|")), ATOM

    def _relation(self, op: Operation, operands: Sequence[Term]) -> Term:
        (left, _), (right, _) = operands
        return _row(_mo("["), left, _mo(op.symbol), right, _mo("]")), ATOM  # Iverson's bracket: 1 where it holds

    def _dot(self, op: Operation, operands: Sequence[Term]) -> Term:
        n = len(operands) // 2
        pairs = [self._infix(TABLE["mul"], pair)[0] for pair in zip(operands[:n], operands[n : 2 * n], strict=True)]
        if len(operands) % 2:
            pairs.append(operands[-1][0])
        if not pairs:
            return "<mn>0</mn>", ATOM
        pairs = [self.brackets(text) if i and _is_signed(text) else text for i, text in enumerate(pairs)]
        return _row(_mo("+").join(_shown(pairs))), 1

    def _indexed(self, op: Operation, operands: Sequence[Term]) -> Term:
        *xs, (index, _) = operands
        called = self.brackets(_listed([text for text, _ in xs]))
        return f"<msub>{_row('' if op.name == 'take' else _mi(op.name), called)}{_row(index)}</msub>", ATOM


_Setter = Callable[[MathML, Operation, Sequence[Term]], Term]
_SET: dict[str, _Setter] = {
    **dict.fromkeys(("add", "sub", "mul", "sum", "prod"), MathML._infix),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), MathML._relation),
    **dict.fromkeys(("take", "softmax", "log_softmax"), MathML._indexed),
    "neg": MathML._neg, "div": MathML._fraction, "pow": MathML._power, "exp": MathML._exp,
    "sqrt": MathML._root, "cbrt": MathML._root, "abs": MathML._abs, "dot": MathML._dot,
}  # fmt: skip

_PATH = re.compile(r"([^\W\d]\w*(\[\d+\])*\.)+[^\W\d]\w*(\[\d+\])*")  # layers[0].neurons[3].w[1]
_INDEXED = re.compile(r"([^\W\d_]+)(?:_?(\d+)|\[(\d+)\]|_([^\W\d_]+))")  # w1, w_1, w[1], w_max

_LONG = 7  # of a longer list, the beginning and the end are shown


def _shown(texts: list[str]) -> list[str]:
    return texts if len(texts) <= _LONG else [*texts[:4], _mo("⋯"), *texts[-2:]]


def _listed(texts: Sequence[str]) -> str:
    return _mo(",").join(_shown(list(texts)))


def _indices(path: str) -> list[str]:
    """layers[2].cell -> 2, cell: the indices of each part of a path, or its name where it has none."""
    return [index for part in path.split(".") for index in (re.findall(r"\[(\d+)\]", part) or [part])]


def _is_signed(text: str) -> bool:
    """Whether it begins with a minus sign, which does not stand beside another sign: a + (−b)."""
    return re.match(r"(<mrow>)*<mo>−", text) is not None


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _mi(name: str) -> str:
    return f"<mi>{escape(name)}</mi>"


def _mn_or_mi(text: str) -> str:
    return f"<mn>{text}</mn>" if text.isdigit() else _mi(text)


def _mo(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


PLAIN = Notation()
