"""The derivative of a graph as a graph that reads well: the table's rules run on Values, and the products tidied.

On the way down each node has a `Product`: a number, factors above the fraction line and factors below it. What
arrives at a node over several paths is summed. Where the textbook's form of a rule has the digits it is used, else the
rule itself; the derivative is checked against the numbers of the backward pass before it is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import isfinite
from operator import mul
from typing import Any

from engine.backward import values
from engine.graph import topological_sort
from engine.operation import DomainError
from engine.value import Value

DIGITS_LOST = 5e-13  # what the textbook's forms together may lose, relative to the derivative


def gradient(loss: Value, w: Value) -> Value | float:
    """∂loss/∂w as a graph over the nodes of the loss, or as a float where it depends on none of them.

    Raises:
        DomainError: where a local derivative has no value.
    """
    order = topological_sort(loss)
    way = {w}  # the nodes computed from w
    for node in order:
        if not way.isdisjoint(node.parents):
            way.add(node)
    if loss not in way:
        return 0.0
    order = [node for node in order if node in way]
    number = _number(order, way)
    try:
        written = _Sweep(order, way).gradient(w)
        if _close(written, number, 2 * DIGITS_LOST):
            return written
    except DomainError:
        pass  # an overflow in what was gathered below a fraction line, or no derivative at all: see once more
    return _Sweep(order, way, careful=True).gradient(w)


def is_constant(node: Value, number: float | None = None) -> bool:
    """Whether a node is a plain number met in arithmetic (this one, if given), not a variable of that value."""
    return node.op is None and not node.requires_grad and not node.name and number in (None, node.data)


def _number(order: Sequence[Value], way: set[Value]) -> float:
    """∂loss/∂w on floats, along the same edges."""
    gradients = defaultdict(float, {order[-1]: 1.0})
    for node in reversed(order):
        for parent, slope in zip(node.parents, node.local_derivatives(), strict=True):
            if parent in way:
                gradients[parent] += gradients[node] * slope
    return gradients[order[0]]


def _close(written: Any, number: float, tolerance: float) -> bool:
    x = float(written)
    return x == number or abs(x - number) <= tolerance * abs(number) or (x != x and number != number)


@dataclass
class Product:
    """number · above[0] · above[1] · ... / (below[0] · below[1] · ...)."""

    number: float = 1.0
    above: list[Value] = field(default_factory=list)
    below: list[Value] = field(default_factory=list)

    def multiply(self, factor: Any, whole: set[Value]) -> None:
        """Take in a local derivative, taken apart at products, quotients and signs, but for the nodes in `whole`."""
        stack = [(factor, True)]
        while stack:
            x, is_above = stack.pop()
            name = "" if not isinstance(x, Value) or x in whole or x.op is None else x.op.name
            if not isinstance(x, Value) or is_constant(x):  # 2 * (x * 3) -> 6 * x
                self.number = self.number * float(x) if is_above else self.number / float(x)
            elif name == "mul":
                stack += ((parent, is_above) for parent in reversed(x.parents))
            elif name == "div":  # a * (1 / b) -> a / b
                stack += ((x.parents[1], not is_above), (x.parents[0], is_above))
            elif name == "neg":  # a * -b -> -a * b
                self.number = -self.number
                stack.append((x.parents[0], is_above))
            elif name == "pow" and is_constant(x.parents[1], 1.0):  # x ** 1 -> x
                stack.append((x.parents[0], is_above))
            else:
                (self.above if is_above else self.below).append(x)

    def value(self) -> Value | float:
        """The product as one node, or as a float."""
        number, above, below = self.number, list(self.above), list(self.below)
        if below and abs(number) < 1.0 and number and (1.0 / number).is_integer():  # 0.5 / x -> 1 / (2 * x)
            below, number = [Value(abs(1.0 / number), requires_grad=False), *below], 1.0 if number > 0 else -1.0
        if number == -1.0 and above:
            above[0] = -above[0]
        elif number != 1.0:
            above = [Value(number, requires_grad=False), *above]
        if not above:
            above = [Value(1.0, requires_grad=False)]
        result = reduce(mul, above)
        if below:
            result = result / reduce(mul, below)
        return result if below or self.above else number

    def copy(self) -> Product:
        """Another product of the same factors."""
        return Product(self.number, [*self.above], [*self.below])

    def shared(self) -> Product:
        """The same with one factor, for several edges to share; the number stays apart."""
        if len(self.above) + len(self.below) <= 1:
            return self
        rest = Product(1.0, self.above, self.below).value()
        return Product(self.number, [rest])  # type: ignore[list-item]  # there are factors, so it is a Value


def _sum(products: Sequence[Product]) -> Product | None:
    """What arrived over several paths, as one product; equal terms are counted: x + x -> 2 * x."""
    if len(products) == 1:
        return products[0] if products[0].number else None
    terms: dict[tuple[Any, ...], Product] = {}
    for product in products:
        key = (tuple(product.above), tuple(product.below))
        if key in terms:
            terms[key].number += product.number
        else:
            terms[key] = Product(product.number, product.above, product.below)
    first, *others = sorted(terms.values(), key=lambda term: term.number < 0)  # -a + b -> b - a
    if not others:
        return first if first.number else None
    total: Any = first.value()
    for term in others:
        if term.number < 0:
            total = total - Product(-term.number, term.above, term.below).value()
        elif term.number:
            total = total + term.value()
    return Product(1.0, [total])


class _Sweep:
    """Backpropagation over the nodes from w (first in `order`) to the loss (last), on products.

    A careful sweep multiplies in the order of the backward pass, with the rules that it uses.
    """

    def __init__(self, order: Sequence[Value], way: set[Value], careful: bool = False) -> None:
        self._order, self._way, self._careful = order, way, careful
        self._whole = set(topological_sort(order[-1]))
        self._tolerance = max(DIGITS_LOST / len(order), 1e-14)

    def gradient(self, w: Value) -> Value | float:
        arrived: defaultdict[Value, list[Product]] = defaultdict(list, {self._order[-1]: [Product()]})
        for node in reversed(self._order[1:]):
            upstream = _sum(arrived.pop(node)) if node in arrived else None
            if upstream is None:
                continue
            local = self._local(node)
            if len(local) > 1:
                upstream = upstream.shared()
            for parent, partial in local:
                mine = upstream if len(local) == 1 else upstream.copy()
                arrived[parent].append(self._times(mine, partial))
        total = _sum(arrived[w]) if arrived[w] else None
        return 0.0 if total is None else total.value()

    def _times(self, upstream: Product, partial: Any) -> Product:
        if self._careful:
            value = upstream.value()
            share = value if not isinstance(partial, Value) and partial == 1.0 else value * partial
            return Product(1.0, [share]) if isinstance(share, Value) else Product(share)
        upstream.multiply(partial, self._whole)
        return upstream

    def _local(self, node: Value) -> list[tuple[Value, Any]]:
        """∂node/∂parent for the parents on the way; what is always 0 is left out."""
        op, slopes = node.op, node.local_derivatives()
        assert op is not None
        partials: Any = None
        if op.textbook and not self._careful:
            try:
                partials = op.textbook(values, node, *(x.data if is_constant(x) else x for x in node.parents))
            except DomainError:  # of a slope that may not even be asked for: x ** 2 at -1 has no log(x)
                partials = None
            if partials and not all(
                _close(partial, slope, self._tolerance)
                for parent, partial, slope in zip(node.parents, partials, slopes, strict=True)
                if parent in self._way
            ):
                partials = None
        if partials is None:
            try:
                partials = op.partials(values, node, *node.parents)
            except DomainError:
                wanted = [slope for parent, slope in zip(node.parents, slopes, strict=True) if parent in self._way]
                if not all(map(isfinite, wanted)):
                    raise
                partials = slopes  # the pole is another operand's: 0 ** y has the slope 0 in y, and none in 0
        return [
            (parent, partial)
            for parent, partial in zip(node.parents, partials, strict=True)
            if parent in self._way and (isinstance(partial, Value) or partial != 0.0)
        ]
