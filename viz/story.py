"""Backpropagation told step by step: the plain facts, for the web page, the terminal and the frames alike.

    forward    a node is computed from its operands          z = tanh(n) = tanh(0.7) = 0.6044
    seed       the loss gets its gradient                    ∂L/∂L = 1
    backward   a node passes its gradient on to an operand   ∂L/∂n += ∂L/∂z · ∂z/∂n = 1 × 0.6347 = 0.6347

A story changes nothing in the graph: the gradients in it are those of `engine.backward_steps`, which are those
of `backward()`, to the last bit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from engine import Difference, Step, Value, backward_steps, central_differences, topological_sort
from engine.formula import Labels, as_node
from viz import text
from viz.groups import split

LONGEST = 2000  # nodes; a story of more has no reader


@dataclass(frozen=True)
class Event:
    """One step of the story.

    kind  "forward", "seed" or "backward"
    node  the index of the node that is computed, or that passes its gradient on
    step  of a backward event: the edge, and all its numbers
    """

    kind: str
    node: int
    step: Step | None = None


class Story:
    """All that happens in one forward and one backward pass, in order.

    nodes    in topological order, the loss last; elsewhere they are given by their index here
    names    a text for each, no two alike but for equal constants: its name, or v1, v2, ..., L
    labels   the shortest ends of these that still tell the nodes apart
    events   forward, in the order of computation; the seed; backward, an event for each edge that matters

    Raises:
        TypeError: if `loss` is not a Value.
        ValueError: for a graph of more than 2,000 nodes.
        RuntimeError: if a node's data was changed since it was used.

    >>> x = Value(3.0, "x")
    >>> for event in (story := Story(x * x)).events:
    ...     print(story.line(event))
    L = x * x = 3 * 3 = 9
    ∂L/∂L = 1
    ∂L/∂x += ∂L/∂L · ∂L/∂x = 1 × 3 = 3
    ∂L/∂x += ∂L/∂L · ∂L/∂x = 1 × 3 = 3; 3 + 3 = 6
    """

    def __init__(self, loss: Value) -> None:
        self.nodes = topological_sort(as_node(loss))
        if len(self.nodes) > LONGEST:
            raise ValueError(
                f"this graph has {len(self.nodes):,} nodes, too many to be told step by step (up to {LONGEST:,}); "
                "take the loss of a single example or a smaller network, or use draw(), which folds large graphs"
            )
        self.index = {node: i for i, node in enumerate(self.nodes)}
        full = Labels(loss)
        self.names = [text.visible(full(node)) for node in self.nodes]
        self.labels = _shortest(self.names)
        steps = list(backward_steps(loss))
        forward = [Event("forward", i) for i, node in enumerate(self.nodes) if node.op]
        backward = [Event("backward", self.index[step.node], step) for step in steps]
        self.events = [*forward, Event("seed", len(self.nodes) - 1), *backward]
        self.first_backward = len(forward)
        self.differences: dict[int, Difference] = {}
        leaves = [node for node in self.nodes if not node.op and node.requires_grad]
        opinions = central_differences(loss, leaves) if leaves else []
        for leaf, opinion in zip(leaves, opinions, strict=True):
            self.differences[self.index[leaf]] = opinion

    def label(self, node: Value) -> str:
        """The label of a node."""
        return self.labels[self.index[node]]

    def name(self, node: Value) -> str:
        """The name of a node, in full."""
        return self.names[self.index[node]]

    @cached_property
    def first_edge(self) -> list[int]:
        """For each node the number of its first edge: edges are counted by node, and then by operand."""
        return [0, *accumulate(len(node.parents) for node in self.nodes)]

    @cached_property
    def last_into(self) -> dict[int, int]:
        """For each node, the number of the event that completes its gradient."""
        last = {len(self.nodes) - 1: self.first_backward}
        for number, event in enumerate(self.events):
            if event.step:
                last[self.index[event.step.parent]] = number
        return last

    def gradients(self, told: int | None = None) -> dict[int, float]:
        """The running gradients after the first `told` events; None for all of them."""
        found: dict[int, float] = {}
        for event in self.events[:told]:
            if event.kind == "seed":
                found[event.node] = 1.0
            elif event.step:
                found[self.index[event.step.parent]] = event.step.total
        return found

    def line(self, event: Event) -> str:
        """The event in one line, in symbols and in numbers."""
        node = self.nodes[event.node]
        name = self.labels[event.node]
        if event.kind == "seed":
            return f"∂{name}/∂{name} = 1"
        if event.step is None:
            return f"{self.code(event)} = {self.filled(event)} = {text.number(node.data)}"
        step, loss, to = event.step, self.labels[-1], self.label(event.step.parent)
        total = f"; {text.number(step.before)} + {factor(step.product)} = {text.number(step.total)}"
        return (
            f"∂{loss}/∂{to} += ∂{loss}/∂{name} · ∂{name}/∂{to} "
            f"= {text.number(step.upstream)} × {factor(step.local)} = {text.number(step.product)}"
            f"{total if step.before else ''}"
        )

    def code(self, event: Event) -> str:
        """The same as a line of Python: z = tanh(n), or w.grad += z.grad * 2.0."""
        name = self.labels[event.node]
        if event.kind == "seed":
            return f"{name}.grad = 1.0"
        if event.step is None:
            node = self.nodes[event.node]
            return f"{name} = {node.op.write([self.label(parent) for parent in node.parents])}"  # type: ignore[union-attr]
        return f"{self.label(event.step.parent)}.grad += {name}.grad * {event.step.local!r}"

    def filled(self, event: Event) -> str:
        """The formula of a forward event with the numbers filled in: tanh(0.7)."""
        node = self.nodes[event.node]
        binds = node.op.binds  # type: ignore[union-attr]
        numbers = [text.number(parent.data) if binds == 5 else factor(parent.data) for parent in node.parents]
        return node.op.write(numbers)  # type: ignore[union-attr]


def factor(x: float) -> str:
    """A number as it stands after a sign, to four digits.

    >>> factor(2.0), factor(-0.5)
    ('2', '(−0.5)')
    """
    written = text.number(x)
    return f"({written})" if written.startswith("−") else written


def _shortest(names: list[str]) -> list[str]:
    """`w[1]` for `layers[0].neurons[3].w[1]`, if it is the only w[1]."""
    endings = Counter(ending for name in set(names) for ending in _endings(name))
    return [next((ending for ending in _endings(name) if endings[ending] == 1), name) for name in names]


def _endings(name: str) -> list[str]:
    """The ends of a dotted path, shortest first; of any other text, the text alone."""
    if not split(name)[0]:
        return [name]
    parts = name.split(".")
    return [".".join(parts[-k:]) for k in range(1, len(parts) + 1)]
