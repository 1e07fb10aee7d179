"""The backward pass as a sequence of events, one for each edge, to be stepped through.

    for step in backward_steps(loss):
        print(step)          # ∂L/∂w += ∂L/∂z · ∂z/∂w = -0.5 × 2 = -1

The events are those of `Value.backward`: the same order, the same rules, the same sums, to the last bit. They
change nothing, so they can be kept, replayed, and read backwards. `explain` turns the sum around: it
writes a gradient as the sum over the paths that lead from a node to the loss.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from engine.formula import Labels, as_node, local_derivatives
from engine.graph import topological_sort
from engine.value import Value


def short(x: float) -> str:
    """A number to four digits, for reading.

    >>> short(-0.5), short(2.0), short(1 / 3)
    ('-0.5', '2', '0.3333')
    """
    return f"{x:.4g}"


def _factor(x: float) -> str:
    return f"({short(x)})" if x < 0 else short(x)


class _Texts:
    """What the events of one pass share: the labels, and each node's local derivatives, written once."""

    def __init__(self, root: Value) -> None:
        self.root = root
        self._rules: dict[Value, list[str]] = {}

    @cached_property
    def label(self) -> Labels:
        labels = Labels(self.root)
        for node in topological_sort(self.root):  # so that v1, v2, ... count in the order of computation
            labels(node)
        return labels

    def rule(self, node: Value, position: int) -> str:
        if node not in self._rules:
            self._rules[node] = local_derivatives(node, self.label)
        return self._rules[node][position]


@dataclass(frozen=True)
class Step:
    """One edge of the backward pass: `node` passes its gradient on to `parent`.

    node, parent     the edge; `position` says which operand of the node the parent is
    upstream         ∂L/∂node, complete by now
    local            ∂node/∂parent
    product          upstream · local
    before, total    the running sum of ∂L/∂parent, without and with the product
    number           counts the steps of the pass from 1
    """

    number: int
    node: Value
    parent: Value
    position: int
    upstream: float
    local: float
    product: float
    before: float
    total: float
    _texts: _Texts = field(repr=False, compare=False)

    @property
    def rule(self) -> str:
        """The local derivative in symbols, as the table has it: for o = tanh(n), ∂o/∂n is 1 - o ** 2."""
        return self._texts.rule(self.node, self.position)

    @property
    def chain_rule(self) -> str:
        """The chain rule in symbols: ∂L/∂w += ∂L/∂z · ∂z/∂w."""
        label = self._texts.label
        loss, node, parent = label(self._texts.root), label(self.node), label(self.parent)
        return f"∂{loss}/∂{parent} += ∂{loss}/∂{node} · ∂{node}/∂{parent}"

    @property
    def numbers(self) -> str:
        """The same in numbers: -0.5 × 2 = -1."""
        return f"{short(self.upstream)} × {_factor(self.local)} = {short(self.product)}"

    @property
    def text(self) -> str:
        """The chain rule in symbols and in numbers, and the sum where something was there already."""
        total = f"; {short(self.before)} + {_factor(self.product)} = {short(self.total)}" if self.before else ""
        return f"{self.chain_rule} = {self.numbers}{total}"

    def __str__(self) -> str:
        return self.text


def backward_steps(loss: Value) -> Iterator[Step]:
    """The events of `loss.backward()`, in order, without changing any gradient.

    Sums begin at 0 (a leaf's earlier gradient is not counted), and edges into constants are left out:
    nothing is learned there. Folding the events gives what backward() gives, bit for bit:

    >>> x, w = Value(2.0, "x"), Value(-3.0, "w")
    >>> loss = x * w + w
    >>> gradient = {step.parent: step.total for step in backward_steps(loss)}
    >>> loss.backward()
    >>> gradient[w] == w.grad and gradient[x] == x.grad
    True
    >>> print(*backward_steps(loss), sep="\\n")
    ∂L/∂v1 += ∂L/∂L · ∂L/∂v1 = 1 × 1 = 1
    ∂L/∂w += ∂L/∂L · ∂L/∂w = 1 × 1 = 1
    ∂L/∂x += ∂L/∂v1 · ∂v1/∂x = 1 × (-3) = -3
    ∂L/∂w += ∂L/∂v1 · ∂v1/∂w = 1 × 2 = 2; 1 + 2 = 3

    Raises:
        TypeError: if `loss` is not a Value.
    """
    texts = _Texts(as_node(loss))
    gradients = defaultdict(float, {loss: 1.0})
    number = 0
    for node in reversed(topological_sort(loss)):
        upstream = gradients[node]
        for position, (parent, local) in enumerate(zip(node.parents, node.local_derivatives(), strict=True)):
            before, product = gradients[parent], upstream * local
            gradients[parent] = before + product
            if parent.requires_grad:
                number += 1
                yield Step(number, node, parent, position, upstream, local, product, before, before + product, texts)


# ------------------------------------------------------------------------------ paths


@dataclass(frozen=True)
class Path:
    """One way from a node to the loss.

    nodes      from the node to the loss
    locals     the local derivative of each edge
    product    ∏ locals, what this way adds to the gradient
    """

    nodes: tuple[Value, ...]
    locals: tuple[float, ...]
    product: float


@dataclass(frozen=True)
class Explanation:
    """∂loss/∂of as a sum over paths; print it.

    gradient     the whole sum
    count        how many paths there are, exactly
    paths        the largest of them, by size
    rest         what all others add together
    """

    loss: Value
    of: Value
    gradient: float
    count: int
    paths: tuple[Path, ...]
    rest: float

    def __str__(self) -> str:
        texts = _Texts(self.loss)
        label = texts.label
        paths = "1 path" if self.count == 1 else f"{self.count} paths"
        derivative = f"∂{label(self.loss)}/∂{label(self.of)}"
        if not self.count:
            return f"{derivative} = 0: no path leads from {label(self.of)} to {label(self.loss)}"
        lines = [f"{derivative} = {short(self.gradient)}, the sum over {paths}"]
        for path in self.paths:
            lines.append("  " + _shortened([label(node) for node in path.nodes], " → "))
            if path.locals:
                product = _shortened([_factor(slope) for slope in path.locals], " × ")
                lines.append(f"      {product} = {short(path.product)}")
        if self.count > len(self.paths):
            lines.append(f"  {self.count - len(self.paths)} more paths add {short(self.rest)}")
        return "\n".join(lines + self._where(label))

    def _where(self, label: Labels) -> list[str]:
        """Definitions of the nodes without a name that the lines above mention."""
        shown = {node for path in self.paths for node in (*path.nodes[:HEAD], *path.nodes[-TAIL:])}
        lines = [
            f"  {label(node)} = {node.op.write([label(parent) for parent in node.parents])}"
            for node in topological_sort(self.loss)
            if node in shown and node.op and not (node.name or node is self.loss)
        ]
        return ["where", *lines] if lines else []


HEAD, TAIL = 5, 4  # of a long path, so many of its beginning and of its end are written


def _shortened(texts: list[str], sign: str) -> str:
    if len(texts) > HEAD + TAIL + 1:
        texts = [*texts[:HEAD], f"({len(texts) - HEAD - TAIL} more)", *texts[-TAIL:]]
    return sign.join(texts)


def explain(loss: Value, of: Value, *, most: int = 8) -> Explanation:
    """∂loss/∂of as the sum over all paths from `of` to `loss` of the product of the local derivatives.

    The paths are counted by dynamic programming, so 60 doublings, which have 2^60, take no time; the `most`
    largest are written out, the rest are summed.

    Raises:
        TypeError: if `loss` or `of` is not a Value.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> y.name = "y"
    >>> print(explain(y, x))
    ∂y/∂x = 6, the sum over 2 paths
      x → y
          3 = 3
      x → y
          3 = 3
    """
    order = topological_sort(as_node(loss))
    on_the_way = {as_node(of)}
    for node in order:
        if not on_the_way.isdisjoint(node.parents):
            on_the_way.add(node)

    # From the loss downwards: for each node, its gradient, the number of its paths to the loss, and the
    # largest of them as chains of links (size, product, local, node, rest of the chain).
    gradients = defaultdict(float, {loss: 1.0})
    counts = defaultdict(int, {loss: 1})
    largest: dict[Value, list[_Link]] = defaultdict(list)
    largest[loss] = [_Link(1.0, 1.0, loss, None)]
    for node in reversed(order):
        for parent, local in zip(node.parents, node.local_derivatives(), strict=True):
            gradients[parent] += gradients[node] * local
            if parent in on_the_way and node in on_the_way:
                counts[parent] += counts[node]
                links = [_Link(link.product * local, local, parent, link) for link in largest[node]]
                largest[parent] = heapq.nlargest(most, largest[parent] + links, key=lambda link: abs(link.product))
    if of not in counts:
        return Explanation(loss, of, 0.0, 0, (), 0.0)
    paths = tuple(link.path() for link in largest[of])
    rest = gradients[of] - sum(path.product for path in paths)
    return Explanation(loss, of, gradients[of], counts[of], paths, rest if counts[of] > len(paths) else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    product: float
    local: float
    node: Value
    above: _Link | None

    def path(self) -> Path:
        nodes, slopes = [self.node], []
        link = self
        while link.above is not None:
            slopes.append(link.local)
            link = link.above
            nodes.append(link.node)
        return Path(tuple(nodes), tuple(slopes), self.product)
