"""Do two graphs compute the same? They were traced from one model with two examples; where they differ, it branched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.operation import Operation
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, INPUT, PARAMETER, Graph

_SHOWN = 3  # operands of a node in a message
Pair = tuple[int, int]  # two nodes that stand at one place of the graphs
_KINDS = {INPUT: "input", PARAMETER: "parameter"}


@dataclass(frozen=True)
class Difference:
    """Where two graphs part, in words.

    where    the name of the node, or of one that it leads to; "" if none has a name
    one      what stands there in the first graph
    other    what stands there in the second
    within   of a constant, what is computed with it
    numbers  of a constant, the two numbers
    """

    where: str
    one: str
    other: str
    within: str = ""
    numbers: tuple[float, float] = (0.0, 0.0)

    @property
    def constant(self) -> bool:
        """Whether it is a number, and nothing else."""
        return bool(self.within)


def same_columns(one: Graph, other: Graph) -> bool:
    """Whether the graphs are the same, node by node, and so are their constants, bit by bit."""
    if len(one) != len(other) or one.ops != other.ops:
        return False
    columns = ((one.code, other.code), (one.first, other.first), (one.parent, other.parent), (one.pairs, other.pairs),
               (one.place, other.place), (one.roots, other.roots))  # fmt: skip
    if not all(np.array_equal(a, b) for a, b in columns):
        return False
    constant = one.code == CONSTANT
    return bool(one.number[constant].tobytes() == other.number[constant].tobytes())


def difference(one: Graph, other: Graph) -> Difference | None:
    """The first difference, from the roots down; None where both compute the same, in whatever order they stand.

    >>> from engine import Value, exp, tanh
    >>> from engine.vectorize.trace import trace
    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> difference(trace([w * tanh(x)], [x], [w]), trace([w * exp(x)], [x], [w]))
    Difference(where='', one='tanh(x)', other='exp(x)', within='', numbers=(0.0, 0.0))
    """
    if same_columns(one, other):
        return None
    if len(one.roots) != len(other.roots):
        return Difference("", f"{len(one.roots) - 1} outputs", f"{len(other.roots) - 1} outputs")
    above: dict[Pair, Pair | None] = {}  # each pair that was met, and the pair that uses it
    roots: list[Pair] = list(zip(one.roots.tolist(), other.roots.tolist(), strict=True))
    stack: list[tuple[Pair, Pair | None]] = [(pair, None) for pair in reversed(roots)]
    while stack:
        pair, user = stack.pop()
        if pair in above:
            continue
        above[pair] = user
        if not _alike(one, other, *pair):
            return _told(one, other, pair, above)
        parents = zip(one.parents(pair[0]).tolist(), other.parents(pair[1]).tolist(), strict=True)
        stack += [(each, pair) for each in parents][::-1]
    return None


def _alike(one: Graph, other: Graph, i: int, j: int) -> bool:
    """Whether the two nodes are the same, their operands aside."""
    code, its = int(one.code[i]), int(other.code[j])
    if code < 0 or its < 0:
        if code != its or code != CONSTANT:
            return code == its and bool(one.place[i] == other.place[j])
        return one.number[i].tobytes() == other.number[j].tobytes() or bool(
            np.isnan(one.number[i]) and np.isnan(other.number[j])
        )
    return (
        one.ops[code] is other.ops[its]
        and len(one.parents(i)) == len(other.parents(j))
        and bool(one.pairs[i] == other.pairs[j])
        and bool(one.place[i] == other.place[j])
    )


def _told(one: Graph, other: Graph, pair: Pair, above: dict[Pair, Pair | None]) -> Difference:
    i, j = pair
    user = above[pair]
    where, at = _name(one, other, *pair), user
    while not where and at:
        where, at = _name(one, other, *at), above[at]
    if one.code[i] == CONSTANT == other.code[j]:
        numbers = float(one.number[i]), float(other.number[j])
        within = _written(one, user[0]) if user else "the loss"
        return Difference(where, repr(numbers[0]), repr(numbers[1]), within, numbers)
    if user and (one.code[i] < 0 and other.code[j] < 0):  # two leaves say more with what is done to them
        i, j = user
    texts = _written(one, i), _written(other, j)
    if texts[0] == texts[1]:  # a list, cut short
        texts = f"{texts[0]} ({len(one.parents(i))} operands)", f"{texts[1]} ({len(other.parents(j))} operands)"
    return Difference(where, *texts)


def _name(one: Graph, other: Graph, i: int, j: int) -> str:
    """The name of two nodes that stand at one place, if it is one they were given there."""
    name = one.names[i]
    return name if name and name == other.names[j] and one.code[i] >= 0 and other.code[j] >= 0 else ""


def _written(graph: Graph, i: int, deep: int = 2) -> str:
    """A node by its operation and its operands, each by its name if it has one; what lies deeper as three dots."""
    code = int(graph.code[i])
    if code < 0:
        return _leaf(graph, i)
    op, parents = graph.ops[code], graph.parents(i).tolist()
    if op is ELEMENT:
        return f"entry {graph.place[i]} of {_written(graph, parents[0], deep)}"
    loose = op is DOT or (isinstance(op, Operation) and op.binds < 5)
    texts = [_operand(graph, j, deep - 1, loose) for j in parents]
    if op is DOT:
        n = int(graph.pairs[i])
        products = [f"{w}*{x}" for w, x in zip(texts[:n], texts[n : 2 * n], strict=True)]
        return " + ".join(_cut(products + texts[2 * n :]))
    if isinstance(op, Operation) and len(parents) <= _SHOWN:
        return op.write(texts)
    return f"{op.name}({', '.join(_cut(texts))})"


def _operand(graph: Graph, i: int, deep: int, loose: bool) -> str:
    """An operand, in parentheses where it is a sum or product in another."""
    if graph.names[i] or graph.code[i] < 0:
        return _leaf(graph, i)
    if not deep:
        return "(...)" if loose else "..."
    op = graph.ops[graph.code[i]]
    text = _written(graph, i, deep)
    return f"({text})" if loose and (op is DOT or (isinstance(op, Operation) and op.binds < 5)) else text


def _leaf(graph: Graph, i: int) -> str:
    code, name = int(graph.code[i]), graph.names[i]
    return name or (repr(float(graph.number[i])) if code == CONSTANT else f"{_KINDS[code]} {graph.place[i]}")


def _cut(texts: list[str]) -> list[str]:
    return texts if len(texts) <= _SHOWN else [*texts[: _SHOWN - 1], "...", texts[-1]]
