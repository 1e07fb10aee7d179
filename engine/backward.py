"""The two sweeps of backpropagation over nodes in topological order: with numbers, and with graphs.

A node here is an `engine.Value`: `_grad` is what has arrived so far, `_history` the parents, the numbers that
were read from them and the number that was made of these.
"""

from typing import Any

from engine import ops
from engine.operation import Library, Recorder
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


def sweep_graph(order: list[Any], one: Recorder, zero: Recorder) -> None:
    """The same with the rules on Values, so that the gradients are graphs. A slope that is always 0 adds no node."""
    for node in order:
        node._grad = None
    order[-1]._grad = one
    for node in reversed(order):
        parents, gradient = node.parents, node._grad
        if not parents or gradient is None:
            continue
        require_unchanged(node)
        for parent, slope in zip(parents, node.op.partials(values, node, *parents), strict=True):
            if isinstance(slope, Recorder) or slope != 0.0:
                share = gradient if not isinstance(slope, Recorder) and slope == 1.0 else gradient * slope
                parent._grad = share if parent._grad is None else parent._grad + share
    for node in order:
        if node._grad is None:
            node._grad = zero
