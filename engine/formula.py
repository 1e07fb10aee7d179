"""A graph written out as text.

    z = w1 * x1 + w2 * x2 + b
    tanh(z)

Each operation says how it is written (`written` and `binds` in the table); parentheses stand only where
they are needed. A node with a name, a node used more than once and a term that grows long get a line of
their own, so the text stays in proportion to the graph: sixty doublings are sixty lines, not 2^60 terms.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.backward import values
from engine.graph import edges, topological_sort
from engine.operation import DomainError, Operation, as_float
from engine.value import Value

LONGEST_TERM = 72
ATOM = 5  # names, calls and numbers; see Operation.binds
Term = tuple[str, int]  # the text, and how tightly it binds


def formula(root: Value) -> str:
    """The computation of `root`, one definition a line, the result last.

    Raises:
        TypeError: if `root` is not a Value.

    >>> x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(1.0, "b")
    >>> formula((w * x + b).tanh() ** 2)
    'tanh(w * x + b) ** 2'
    >>> d = w - x
    >>> print(formula(d * d))
    v1 = w - x
    v1 * v1
    """
    return "\n".join(_lines(as_node(root)))


def as_node(root: Any) -> Value:
    """`root` itself, if it is a Value.

    Raises:
        TypeError: if it is not; a list of Values has no single derivative.
    """
    if not isinstance(root, Value):
        raise TypeError(f"expected one Value, for example the loss, not {root!r}")
    return root


def number_text(x: float) -> str:
    """All digits of a number, without the .0 of a whole one."""
    return str(int(x)) if x == x // 1 and abs(x) < 1e15 else repr(x)


class Labels:
    """A text for each node of a graph, no two alike but for equal constants, made as they are asked for.

    A node's own name (a second "x" becomes "x_2"); the number, for a constant; L for a root without a
    name; else v1, v2, ... in the order of asking.

    >>> x = Value(2.0, "x")
    >>> y = x * x
    >>> label = Labels(y + 1)
    >>> label(x), label(y)
    ('x', 'v1')
    """

    def __init__(self, root: Value) -> None:
        self._root = root
        self._taken = {node.name for node in topological_sort(root) if node.name}
        self._asked: Counter[str] = Counter()  # how many nodes of a name have been asked for
        self._next: Counter[str] = Counter()  # the next number to try after a prefix
        self._label: dict[Value, str] = {}

    def __call__(self, node: Value) -> str:
        if node not in self._label:
            self._label[node] = self._new(node)
        return self._label[node]

    def _new(self, node: Value) -> str:
        if node.name:
            self._asked[node.name] += 1
            return node.name if self._asked[node.name] == 1 else self._unused(f"{node.name}_", first=2)
        if not node.requires_grad:
            return number_text(node.data)
        return "L" if node is self._root and "L" not in self._taken else self._unused("v", first=1)

    def _unused(self, prefix: str, first: int) -> str:
        number = max(first, self._next[prefix])
        while f"{prefix}{number}" in self._taken:
            number += 1
        self._next[prefix] = number + 1
        return f"{prefix}{number}"


def local_derivatives(node: Value, label: Labels) -> list[str]:
    """∂node/∂parent for each operand, as the textbook writes it: 1 - o ** 2 for o = tanh(n).

    It is the rule of the table itself, run on symbols.
    """
    if node.op is None:
        return []
    for stand_in in (None, 0.5, 1.5):  # at a pole of the derivative itself, the text is found beside it
        try:
            return [_one_line(partial) for partial in _symbolic_partials(node.op, node, label, stand_in)]
        except DomainError:
            continue
    return ["?"] * len(node.parents)


def _symbolic_partials(op: Operation, node: Value, label: Labels, stand_in: float | None) -> Any:
    def symbol(of: Value) -> Value:
        return Value(of.data if stand_in is None else stand_in, label(of))

    symbols = {parent: symbol(parent) if parent.requires_grad else parent.data for parent in node.parents}
    rule = op.textbook or op.partials
    return rule(values, symbol(node), *(symbols[parent] for parent in node.parents))


def _one_line(partial: Any) -> str:
    if not isinstance(partial, Value):
        return number_text(as_float(partial))
    lines = _lines(partial, tidy=True)
    return lines[0] if len(lines) == 1 else f"{lines[-1]} with {', '.join(lines[:-1])}"


# ----------------------------------------------------------------- from a graph to lines


def _lines(root: Value, tidy: bool = False) -> list[str]:
    uses = Counter(parent for parent, _, _ in edges(root))
    label = Labels(root)
    terms: dict[Value, Term] = {}
    lines = []
    for node in topological_sort(root):
        if node.op is None:
            text = label(node) if node.name else number_text(node.data)
            terms[node] = (text, 3 if text.startswith("-") and not node.name else ATOM)
            continue
        text, _ = terms[node] = _term(node.op, [terms[parent] for parent in node.parents], tidy)
        if node is not root and (node.name or uses[node] > 1 or len(text) > LONGEST_TERM):
            lines.append(f"{label(node)} = {text}")
            terms[node] = (label(node), ATOM)
    result = terms[root][0]
    return [*lines, f"{root.name} = {result}" if root.name and root.op else result]


def _term(op: Operation, operands: list[Term], tidy: bool) -> Term:
    if tidy and (simpler := _tidied(op, operands)):
        return simpler
    # a - (b - c), (a ** b) ** c: the operand that is not read first needs to bind more tightly
    first = 1 if op.name == "pow" else 0
    texts = [
        text if op.binds == ATOM or binds > op.binds or (binds == op.binds and i == first) else f"({text})"
        for i, (text, binds) in enumerate(operands)
    ]
    return op.write(texts), op.binds


def _tidied(op: Operation, operands: list[Term]) -> Term | None:
    texts = [text for text, _ in operands]
    if op.name == "mul" and "1" in texts:  # 1 * x -> x
        return operands[1 - texts.index("1")]
    if op.name == "pow" and texts[1] == "1":  # x ** 1 -> x
        return operands[0]
    return None
