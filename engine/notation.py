"""How a formula looks: as plain text that Python can read, or typeset, with fractions, powers and roots.

A term is a text and how tightly it binds; a notation puts terms together, with parentheses only where they are
needed. `engine.formula` walks the graph and asks a notation for each node, so every form of a formula comes
from the same walk. What LaTeX (`engine.latex`) and MathML (`engine.mathml`) share is here: `Typeset`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import copysign

from engine.operation import TABLE, Operation

PRODUCT, SIGN, POWER, ATOM = 2, 3, 4, 5  # how tightly: see Operation.binds
Term = tuple[str, int]


def number_text(x: float) -> str:
    """All digits of a number, without the .0 of a whole one.

    >>> number_text(-2.0), number_text(0.1)
    ('-2', '0.1')
    """
    whole = x == x // 1 and abs(x) < 1e15 and (x != 0 or copysign(1.0, x) > 0)  # -0.0 keeps its sign as a float
    return str(int(x)) if whole else repr(x)


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

        In a - (b - c) and (a ** b) ** c, the operand that is not read first needs to bind more tightly; an exponent
        may have a sign: a ** -b.
        """
        if op.binds == ATOM:
            return [text for text, _ in operands]
        first, least = (1, SIGN) if op.name == "pow" else (0, op.binds)
        return [
            text if binds > op.binds or (i == first and binds >= least) else self.brackets(text)
            for i, (text, binds) in enumerate(operands)
        ]

    def brackets(self, text: str) -> str:
        """The text in parentheses."""
        return f"({text})"

    def length(self, text: str) -> int:
        """How many characters a reader sees."""
        return len(text)


PLAIN = Notation()


# ----------------------------------------------------------------------------------- as in a book


class Typeset(Notation, ABC):
    """A formula as in a book: what every such notation has in common.

    Names have their indices set low, and the operations that mathematics writes in a way of its own have a setter
    each: fractions, powers, roots, |x|, Iverson's brackets. The contents of a fraction, of a root and of an
    exponent need no parentheses. Of a list of more than seven terms the beginning and the end are shown.

    A notation says how the pieces are put together; the signs are Unicode's own ("−", "·", "≥").
    """

    times = "·"
    dots = "⋯"

    @abstractmethod
    def variable(self, own: str) -> str:
        """A letter or a word; escaped, whatever it contains."""

    @abstractmethod
    def numeral(self, digits: str) -> str:
        """An index that is a number."""

    @abstractmethod
    def scripts(self, base: str, low: str, high: str) -> str:
        """A base with a low index and a high one; either may be empty."""

    @abstractmethod
    def sign(self, sign: str) -> str:
        """An operator, a comma or a bracket."""

    @abstractmethod
    def row(self, *parts: str) -> str:
        """Parts that stand side by side."""

    @abstractmethod
    def function(self, op: Operation) -> str:
        """The name of an operation."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """One above the other."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """A base and an exponent."""

    @abstractmethod
    def exponential(self, exponent: str) -> str:
        """The number e to an exponent."""

    @abstractmethod
    def root(self, inside: str, degree: int) -> str:
        """The square root, or the cube root."""

    @abstractmethod
    def is_signed(self, text: str) -> bool:
        """Whether it begins with a minus sign, which does not stand beside another sign: a + (−b)."""

    # ------------------------------------------------------------------- names, calls, definitions

    def name(self, label: str) -> Term:
        """w1, w_1 and w[1] are a w with a low 1; layers[2].w[1] has a high (2) as well.

        Other names of several letters stand upright, and what is no name at all is text.
        """
        path, _, own = label.rpartition(".") if _PATH.fullmatch(label) else ("", "", label)
        high = self.brackets(self.listed([self._index(index) for index in _indices(path)])) if path else ""
        low = ""
        if match := _INDEXED.fullmatch(own):
            own, low = match[1], self._index(next(part for part in match.groups()[1:] if part))
        return self.scripts(self.variable(own), low, high), POWER if high else ATOM

    def _index(self, text: str) -> str:
        return self.numeral(text) if text.isdecimal() else self.variable(text)

    def operation(self, op: Operation, operands: Sequence[Term]) -> Term:
        return _SET.get(op.name, Typeset._called)(self, op, operands)

    def definition(self, label: str, text: str) -> str:
        return self.row(self.name(label)[0], self.sign("="), text)

    def brackets(self, text: str) -> str:
        return self.row(self.sign("("), text, self.sign(")"))

    def bars(self, text: str) -> str:
        """The text between vertical bars."""
        return self.row(self.sign("|"), text, self.sign("|"))

    def listed(self, texts: Sequence[str]) -> str:
        """a, b, c."""
        return self.sign(",").join(self._shown(texts))

    def _shown(self, texts: Sequence[str]) -> list[str]:
        return [*texts] if len(texts) <= _LONG else [*texts[:4], self.sign(self.dots), *texts[-2:]]

    def _called(self, op: Operation, operands: Sequence[Term]) -> Term:
        return self.row(self.function(op), self.brackets(self.listed([text for text, _ in operands]))), ATOM

    # Below, one setter for each operation that mathematics writes in a way of its own.

    def _infix(self, op: Operation, operands: Sequence[Term]) -> Term:
        signs = {"add": "+", "sub": "−", "mul": self.times, "sum": "+", "prod": self.times}
        binds = {"sum": 1, "prod": PRODUCT}.get(op.name, op.binds)
        texts = [
            self.brackets(text) if own < binds or (i and (own == binds or self.is_signed(text))) else text
            for i, (text, own) in enumerate(operands)
        ]
        if len(texts) < 2:
            return self._called(op, operands)
        return self.row(self.sign(signs[op.name]).join(self._shown(texts))), binds

    def _neg(self, op: Operation, operands: Sequence[Term]) -> Term:
        text, binds = operands[0]
        return self.row(self.sign("−"), text if binds > SIGN else self.brackets(text)), SIGN

    def _fraction(self, op: Operation, operands: Sequence[Term]) -> Term:
        return self.fraction(operands[0][0], operands[1][0]), POWER

    def _power(self, op: Operation, operands: Sequence[Term]) -> Term:
        (base, binds), (exponent, _) = operands
        return self.power(self.row(base) if binds == ATOM else self.brackets(base), exponent), POWER

    def _exp(self, op: Operation, operands: Sequence[Term]) -> Term:
        return self.exponential(operands[0][0]), POWER

    def _root(self, op: Operation, operands: Sequence[Term]) -> Term:
        return self.root(operands[0][0], 2 if op.name == "sqrt" else 3), ATOM

    def _abs(self, op: Operation, operands: Sequence[Term]) -> Term:
        return self.bars(operands[0][0]), ATOM

    def _relation(self, op: Operation, operands: Sequence[Term]) -> Term:
        (left, _), (right, _) = operands
        return self.row(self.sign("["), left, self.sign(op.symbol), right, self.sign("]")), ATOM  # 1 where it holds

    def _dot(self, op: Operation, operands: Sequence[Term]) -> Term:
        n = len(operands) // 2
        pairs = [self._infix(TABLE["mul"], pair)[0] for pair in zip(operands[:n], operands[n : 2 * n], strict=True)]
        if len(operands) % 2:
            pairs.append(operands[-1][0])
        if not pairs:
            return self.number(0.0)
        pairs = [self.brackets(text) if i and self.is_signed(text) else text for i, text in enumerate(pairs)]
        return self.row(self.sign("+").join(self._shown(pairs))), 1

    def _indexed(self, op: Operation, operands: Sequence[Term]) -> Term:
        *xs, (index, _) = operands
        called = self.brackets(self.listed([text for text, _ in xs]))
        return self.scripts(self.row("" if op.name == "take" else self.function(op), called), self.row(index), ""), ATOM


_Setter = Callable[[Typeset, Operation, Sequence[Term]], Term]
_SET: dict[str, _Setter] = {
    **dict.fromkeys(("add", "sub", "mul", "sum", "prod"), Typeset._infix),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), Typeset._relation),
    **dict.fromkeys(("take", "softmax", "log_softmax"), Typeset._indexed),
    "neg": Typeset._neg, "div": Typeset._fraction, "pow": Typeset._power, "exp": Typeset._exp,
    "sqrt": Typeset._root, "cbrt": Typeset._root, "abs": Typeset._abs, "dot": Typeset._dot,
}  # fmt: skip

_PATH = re.compile(r"([^\W\d]\w*(\[\d+\])*\.)+[^\W\d]\w*(\[\d+\])*")  # layers[0].neurons[3].w[1]
_INDEXED = re.compile(r"([^\W\d_]+)(?:_?(\d+)|\[(\d+)\]|_([^\W\d_]+))")  # w1, w_1, w[1], w_max

_LONG = 7  # of a longer list, the beginning and the end are shown


def _indices(path: str) -> list[str]:
    """layers[2].cell -> 2, cell: the indices of each part of a path, or its name where it has none."""
    return [index for part in path.split(".") for index in (re.findall(r"\[(\d+)\]", part) or [part])]
