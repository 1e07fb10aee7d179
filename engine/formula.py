"""A graph written out, and its derivative: as plain text, as LaTeX or as MathML.

    z = w1 * x1 + w2 * x2 + b
    tanh(z)

Each operation says how it is written (`written` and `binds` in the table); parentheses stand only where
they are needed. A node with a name, a node used more than once and a term that grows long get a line of
their own, so the text stays in proportion to the graph: sixty doublings are sixty lines, not 2^60 terms.
What is written, evaluated again, gives the number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from engine.backward import values
from engine.graph import edges, topological_sort
from engine.latex import LaTeX
from engine.mathml import MathML
from engine.notation import PLAIN, Notation, Term, number_text
from engine.operation import DomainError, Operation, as_float
from engine.symbolic import gradient, is_constant
from engine.value import Value

LONGEST_TERM = 72
FORMS: dict[str, Notation] = {"text": PLAIN, "latex": LaTeX(), "mathml": MathML()}


def formula(root: Value, *, form: str = "text") -> str:
    """The computation of `root`, one definition a line, the result last.

    form  "text", which Python can read; "latex" (each line is what belongs between two dollar signs); or "mathml",
          which a browser sets as in a book (each line is what belongs inside a `<math>` element)

    Raises:
        TypeError: if `root` is not a Value.
        ValueError: for another form.

    >>> x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(1.0, "b")
    >>> formula((w * x + b).tanh() ** 2)
    'tanh(w * x + b) ** 2'
    >>> d = w - x
    >>> print(formula(d * d))
    v1 = w - x
    v1 * v1
    >>> print(formula((w - x) ** 2 / b.sqrt(), form="latex"))
    \\frac{(w - x)^{2}}{\\sqrt{b}}
    """
    return "\n".join(_lines(as_node(root), _notation(form)))


def derivative_formula(loss: Value, w: Value, *, form: str = "text") -> str:
    """∂loss/∂w written out by the chain rule, with the local derivatives of the textbook; the result last.

    Terms that the graph shares, or that have a name, are defined on lines of their own before. Only the paths that
    lead from `w` to the loss are walked; if there is none, the derivative is 0. `w` may be any node of the graph.

    Evaluated on the numbers of the leaves, the text gives `w.grad` to 1e-12 of it. Where the form of the textbook
    loses digits at these numbers (1 - tanh(20) ** 2 is 0), the form that the engine computes with stands instead.

    form  as in `formula`

    Raises:
        TypeError: if `loss` or `w` is not a Value.
        ValueError: for another form.
        DomainError: where the derivative has no value, as that of sqrt(x) at 0.

    >>> x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    >>> loss = ((w * x + b).tanh() - 1) ** 2
    >>> print(derivative_formula(loss, w))
    v1 = tanh(w * x + b)
    2 * (v1 - 1) * (1 - v1 ** 2) * x
    >>> print(derivative_formula(loss, w, form="latex"))
    v_{1} = \\tanh(w \\cdot x + b)
    2 \\cdot (v_{1} - 1) \\cdot (1 - v_{1}^{2}) \\cdot x
    """
    notation = _notation(form)
    result = gradient(as_node(loss), as_node(w))
    return "\n".join(_lines(result, notation, tidy=True)) if isinstance(result, Value) else notation.number(result)[0]


def _notation(form: str) -> Notation:
    if form not in FORMS:
        raise ValueError(f"form is one of {', '.join(map(repr, FORMS))}, not {form!r}")
    return FORMS[form]


def as_node(root: Any) -> Value:
    """`root` itself, if it is a Value.

    Raises:
        TypeError: if it is not; a list of Values has no single derivative.
    """
    if not isinstance(root, Value):
        raise TypeError(f"expected one Value, for example the loss, not {root!r}")
    return root


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


def local_derivatives(node: Value, label: Callable[[Value], str], notation: Notation = PLAIN) -> list[str]:
    """∂node/∂parent for each operand, as the textbook writes it: 1 - o ** 2 for o = tanh(n).

    It is the rule of the table itself, run on symbols.
    """
    if node.op is None:
        return []
    for stand_in in (None, 0.5, 1.5):  # at a pole of the derivative itself, the text is found beside it
        try:
            return [_one_line(partial, notation) for partial in _symbolic_partials(node.op, node, label, stand_in)]
        except DomainError:
            continue
    return [notation.name("?")[0]] * len(node.parents)


def _symbolic_partials(op: Operation, node: Value, label: Callable[[Value], str], stand_in: float | None) -> Any:
    def symbol(of: Value) -> Value:
        return Value(of.data if stand_in is None else stand_in, label(of))

    symbols = {parent: symbol(parent) if parent.requires_grad else parent.data for parent in node.parents}
    rule = op.textbook or op.partials
    return rule(values, symbol(node), *(symbols[parent] for parent in node.parents))


def _one_line(partial: Any, notation: Notation) -> str:
    if not isinstance(partial, Value):
        return notation.number(as_float(partial))[0]
    *definitions, line = _lines(partial, notation, tidy=True)
    return notation.where(line, definitions) if definitions else line


# ----------------------------------------------------------------- from a graph to lines


def _lines(root: Value, notation: Notation, tidy: bool = False) -> list[str]:
    """The definitions and the result. A tidy result is an expression, also where the root has a name."""
    uses = Counter(parent for parent, _, _ in edges(root))
    label = Labels(root)
    terms: dict[Value, Term] = {}
    lines = []
    for node in topological_sort(root):
        if node.op is None:
            terms[node] = notation.name(label(node)) if node.name else notation.number(node.data)
            continue
        operands = [terms[parent] for parent in node.parents]
        text, _ = terms[node] = (tidy and _tidied(node, operands)) or notation.operation(node.op, operands)
        if node is root:
            needs_line = bool(tidy and node.name)
        else:
            needs_line = bool(node.name) or uses[node] > 1 or notation.length(text) > LONGEST_TERM
        if needs_line:
            lines.append(notation.definition(label(node), text))
            terms[node] = notation.name(label(node))
    result = terms[root][0]
    return [*lines, notation.definition(root.name, result) if root.name and root.op and not tidy else result]


def _tidied(node: Value, operands: list[Term]) -> Term | None:
    for kind, position, number in _NOTHING:
        if node.op is not None and node.op.name == kind and is_constant(node.parents[position], number):
            return operands[1 - position]
    return None


_NOTHING = [  # an operation, an operand, and the number that changes nothing there: 1 * x -> x, x ** 1 -> x
    ("mul", 0, 1.0), ("mul", 1, 1.0), ("div", 1, 1.0), ("pow", 1, 1.0),
    ("add", 0, 0.0), ("add", 1, 0.0), ("sub", 1, 0.0),
]  # fmt: skip
