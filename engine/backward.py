"""The sweeps of the chain rule over nodes in topological order: backwards and forwards, on numbers and on graphs.

A node here is an `engine.Value`: `_grad` is what has arrived so far, `_history` the parents, the numbers that
were read from them and the number that was made of these.

`sweep` is backward() itself, tuned, and writes into the nodes. `reverse_sweep` and `forward_sweep` leave the nodes
alone: `engine.derivatives` is made of them.
"""

from collections.abc import Callable, Iterable
from math import nan
from typing import Any

from engine import ops
from engine.operation import DomainError, Library, Operation, Recorder
from engine.xp import values as _values

ADD, MUL = ops.add.op, ops.mul.op
values = Library(_values)


def backward_order(root: Any) -> list[Any]:
    """`engine.graph.topological_sort`, line by line, with the parents read straight from the history.

    Finding the order is half the cost of a backward pass; `.parents` would be a third of that.
    """
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            history = node._history
            if history:
                stack += (node, None)
                stack += history[len(history) // 2 - 1 :: -1]
            else:
                order.append(node)
    return order


def sweep(order: list[Any]) -> None:
    """x.grad += z.grad · ∂z/∂x along every edge, last node first. + and × are the table's rules by hand."""
    for node in order:
        node._grad = 0.0
    order[-1]._grad = 1.0
    for node in reversed(order):
        history = node._history
        if history:
            op, gradient = node.op, node._grad
            if op is MUL:
                x, y, a, b, _ = history
                x._grad += gradient * b
                y._grad += gradient * a
            elif op is ADD:
                history[0]._grad += gradient
                history[1]._grad += gradient
            else:
                for parent, slope in zip(history, node.local_derivatives()):  # noqa: B905  (numbers follow)
                    parent._grad += gradient * slope


def require_unchanged(node: Any) -> None:
    """Raises RuntimeError if the data of a node or of one of its parents was changed since it was computed."""
    if node._history:
        for present, number in zip((*node.parents, node), node._history[len(node.parents) :], strict=True):
            if present._data != number and (present._data == present._data or number == number):  # not nan twice
                raise RuntimeError(
                    f"{present!r} was {number!r} when the graph was built: compute the graph again first"
                )


# ---------------------------------------------------- sweeps that keep what they find in a dict
# They run on numbers and on graphs alike; `edges(node)` gives (parent, ∂node/∂parent) for each parent.

Edges = Callable[[Any], Iterable[tuple[Any, Any]]]


def in_numbers(node: Any) -> Iterable[tuple[Any, float]]:
    """The edges of a node, each local derivative a float."""
    return zip(node._history, node.local_derivatives())  # noqa: B905  (numbers follow)


def in_graphs(node: Any) -> Iterable[tuple[Any, Any]]:
    """The edges of a node, each local derivative a graph: the rule run on Values. One that is always 0 is left out.

    Raises:
        DomainError: where a local derivative is infinite, as of √x at 0.
    """
    require_unchanged(node)
    return _edges(node, node.op.partials(values, node, *node.parents))


def in_graphs_and_poles(node: Any) -> Iterable[tuple[Any, Any]]:
    """The same; an infinite local derivative is a node with inf or nan, as in a sweep with numbers."""
    try:
        return in_graphs(node)
    except DomainError:
        parents = node.parents
        return _edges(node, [node.record(_slope(node.op, i), parents) for i in range(len(parents))])


def _edges(node: Any, slopes: Iterable[Any]) -> list[tuple[Any, Any]]:
    pairs = zip(node.parents, slopes, strict=True)
    return [(parent, slope) for parent, slope in pairs if isinstance(slope, Recorder) or slope != 0.0]


def _slope(op: Operation, i: int) -> Operation:
    """∂op/∂xᵢ as an operation of its own, for where its rule meets a pole: inf or nan; its own slopes are nan."""
    return Operation(
        f"slope_of_{op.name}",
        f"∂{op.name}/∂x{i}.",
        lambda xp, *xs: op.partials(xp, op.value(xp, *xs), *xs)[i],
        lambda xp, z, *xs: (nan,) * len(xs),
        symbol=f"∂{op.symbol}",
    )


def between(inputs: Iterable[Any], roots: Iterable[Any]) -> list[Any]:
    """The inputs, and the nodes on a path from one of them to a root, parents before children."""
    found = dict.fromkeys(inputs)
    seen = set(found)
    stack: list[Any] = list(roots)[::-1]
    while stack:
        node = stack.pop()
        if node is None:
            node = stack.pop()
            history = node._history
            if not found.keys().isdisjoint(history[: len(history) // 2]):
                found[node] = None
        elif node not in seen:
            seen.add(node)
            history = node._history
            if history:
                stack += (node, None)
                stack += history[len(history) // 2 - 1 :: -1]
    return list(found)


def reverse_sweep(order: list[Any], gradients: dict[Any, Any], edges: Edges) -> dict[Any, Any]:
    """x̄ += z̄ · ∂z/∂x along every edge within `order`, last node first: all d(roots)/d(node), from the roots' own."""
    within = set(order)
    for node in reversed(order):
        gradient = gradients.get(node)
        if gradient is None or not node._history:
            continue
        for parent, slope in edges(node):
            if parent in within:
                share = _times(gradient, slope)
                before = gradients.get(parent)
                gradients[parent] = share if before is None else before + share
    return gradients


def forward_sweep(order: list[Any], tangents: dict[Any, Any], edges: Edges) -> dict[Any, Any]:
    """ż += ∂z/∂x · ẋ along every edge, first node first: all d(node) along a direction, from the inputs' own."""
    for node in order:
        if node in tangents or not node._history:
            continue
        tangent = None
        for parent, slope in edges(node):
            step = tangents.get(parent)
            if step is not None:
                share = _times(step, slope)
                tangent = share if tangent is None else tangent + share
        if tangent is not None:
            tangents[node] = tangent
    return tangents


def _times(factor: Any, slope: Any) -> Any:
    """factor · slope; × 1 adds no node."""
    if not isinstance(slope, Recorder) and slope == 1.0:  # x * 1 -> x
        return factor
    return slope if factor.__class__ is float and factor == 1.0 else factor * slope  # 1 * x -> x


def sweep_graph(order: list[Any], one: Recorder, zero: Recorder) -> None:
    """backward() with the rules on Values, so that the gradients are graphs. A slope that is always 0 adds no node."""
    gradients = reverse_sweep(order, {order[-1]: one}, in_graphs)
    for node in order:
        node._grad = gradients.get(node, zero)
