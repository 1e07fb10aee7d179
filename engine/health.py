"""What ails a training: where the first nan or inf came from, and how the gradient flows through the layers.

    print(trace_nonfinite(loss))     # which node, layer and source line first became nan or inf, and why
    print(gradient_flow(loss))       # gradient sizes, layer by layer; vanishing, exploding, dead, saturated

Both read the numbers that the graph remembers and sweep it with sums of their own: nothing is computed again, and
no gradient is touched. The first is here, the second in `engine.flow`, the lines and the reasons in `engine.origin`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import isfinite, isnan

from engine import origin
from engine.flow import GradientFlow as GradientFlow
from engine.flow import LayerFlow as LayerFlow
from engine.flow import gradient_flow as gradient_flow
from engine.formula import Labels, as_node
from engine.graph import topological_sort
from engine.origin import SourceLine, brief, counted, module_near, numbers_read, some
from engine.value import Value, closely

__all__ = ["GradientFlow", "LayerFlow", "NonfiniteReport", "gradient_flow", "source_lines", "trace_nonfinite"]

# ------------------------------------------------------------------------ nan and inf


@dataclass(frozen=True)
class NonfiniteReport:
    """Where nan or inf began; true when there is any. Print it.

    found    whether a number or a gradient of the graph is nan or inf
    phase    "forward" for a number, "backward" for a gradient, "" when all is finite
    node     the node that made it: the first whose operands were finite, or the leaf that was given so; of a
             gradient, the node whose local derivative was multiplied
    parent   of a gradient, the node at which it arrived; else None
    name     the node's name, or its label v1, v2, ... as in `backward_steps`
    layer    the part of the network: "layers[0].neurons[3]"; "" where no name tells
    line     the line of the user's code that made the node, or None where it is not known
    cause    why, in words
    others   the names of further nodes where nan or inf began
    text     all of it
    """

    found: bool
    text: str
    phase: str = ""
    node: Value | None = None
    parent: Value | None = None
    name: str = ""
    layer: str = ""
    line: SourceLine | None = None
    cause: str = ""
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.found

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


def trace_nonfinite(loss: Value) -> NonfiniteReport:
    """The node, layer and source line that first became nan or inf, and why.

    First is, in topological order, the first node that is not finite though all its operands are; if there is
    none, the first leaf that was given as nan or inf and spoils what is computed from it. Where all numbers
    are finite, the gradients are looked at in the same way, edge by edge, in the order of backward(). An inf
    that spoils nothing (the bound of a clip, the mask of a softmax) is not reported.

    The line is that of the user's code, outside the engine, nn and viz. Of a gradient it is known only if
    the graph was built inside `with source_lines():`, as the number was finite when its line ran.

    Raises:
        TypeError: if `loss` is not a Value.

    >>> z = Value(1000.0, "z")
    >>> report = trace_nonfinite(1 / (1 + (-z).exp() + z.exp()))
    >>> report.cause
    'exp(1000) overflows: 1.8e308 is the largest float; use logsumexp, log_softmax or bce_with_logits'
    """
    if hasattr(loss, "named_parameters"):
        raise TypeError(f"trace_nonfinite reads a graph: pass the loss computed with {loss!r}, not the model")
    order = topological_sort(as_node(loss))
    label = Labels(loss)
    for node in order:
        label(node)
    return _born_forward(loss, order, label) or _born_backward(order, label) or _all_finite(loss, order)


@contextmanager
def source_lines() -> Iterator[None]:
    """Inside, every node notes the line that makes it, so that `trace_nonfinite` knows the line of a slope too.

    It costs about a microsecond a node, in all threads.

    >>> x = Value(0.0, "x")
    >>> with source_lines():
    ...     y = x.sqrt()
    >>> trace_nonfinite(y).line.text
    'y = x.sqrt()'
    """
    with closely(), origin.watched():
        yield


def _made(node: Value) -> float:
    """The number that the node made, whatever its data was set to since."""
    return node._history[-1] if node._history else node.data


def _born_forward(loss: Value, order: list[Value], label: Labels) -> NonfiniteReport | None:
    spoilt = [node for node in order if node.op and not isfinite(_made(node))]
    born = [node for node in spoilt if all(map(isfinite, numbers_read(node)))]
    given: dict[Value, tuple[float, Value]] = {}  # a leaf, the number that was read, and where first
    for node in spoilt:
        for parent, number in zip(node.parents, numbers_read(node), strict=True):
            if not (parent.op or isfinite(number)):
                given.setdefault(parent, (number, node))
    if loss.op is None and not isfinite(loss.data):
        given[loss] = (loss.data, loss)
    beginnings = [*born, *given]
    if not beginnings:
        return None
    first = beginnings[0]
    layer = module_near(first)
    if first.op:
        cause, line = _why(first), origin.line_of(first, _made(first))
    else:
        number, user = given[first]
        cause, line = _given(first, number, layer), origin.line_of(first, number)
        if line is None and not first.requires_grad and user.op:
            line = origin.line_of(user, _made(user))
    others = tuple(label(node) for node in beginnings[1:])
    is_nan = [node for node in spoilt if isnan(_made(node)) and not any(map(isnan, numbers_read(node)))]
    lines = [f"'{label(first)}'{_in(layer)} was the first to become {brief(given.get(first, (_made(first),))[0])}."]
    lines += [f"  why: {cause}", f"  where: {line or _UNKNOWN}"]
    if is_nan and is_nan[0] is not first:
        turned = is_nan[0]
        lines.append(f"  nan first at '{label(turned)}': {_why(turned)}")
        turned_line = origin.line_of(turned, _made(turned))
        lines += [f"  where: {turned_line}"] if turned_line else []
    if others:
        lines.append(f"  {counted(len(others), 'other node')} began so too: {some(others)}")
    if isfinite(_made(loss)):
        lines.append(f"  The result is {brief(_made(loss))} all the same, but gradients pass this node.")
    return NonfiniteReport(True, "\n".join(lines), "forward", first, None, label(first), layer, line, cause, others)


def _why(node: Value) -> str:
    return origin.why(node.op, _made(node), numbers_read(node)) if node.op else ""


_UNKNOWN = "a line that is not known (a copied node does not know its own)"


def _given(leaf: Value, number: float, layer: str) -> str:
    cause = f"leaf {leaf.name!r} was given as {brief(number)}" if leaf.name else f"a leaf was given as {brief(number)}"
    if leaf.requires_grad and layer:
        cause += "; if training made it so, a step was too large: lower the learning rate or clip the gradients"
    return cause


def _born_backward(order: list[Value], label: Labels) -> NonfiniteReport | None:
    """The first edge on which a gradient that somebody waits for is no longer finite."""
    learns = _learning(order)
    gradients = defaultdict(float, {order[-1]: 1.0})
    for node in reversed(order):
        upstream = gradients[node]
        for parent, local in zip(node.parents, node.local_derivatives(), strict=True):
            before = gradients[parent]
            gradients[parent] = total = before + upstream * local
            if isfinite(total) or parent not in learns or node.op is None:
                continue
            cause = origin.why_gradient(node.op, numbers_read(node), upstream, local, before)
            layer, line = module_near(node), origin.line_of(node, _made(node))
            result, to = label(order[-1]), label(parent)
            text = (
                f"All {counted(len(order), 'node')} are finite, but in the backward pass ∂{result}/∂{to} becomes "
                f"{brief(total)},\nwhere '{label(node)}'{_in(layer)} passes its gradient to '{to}'.\n"
                f"  why: {cause}\n"
                f"  where: {line or 'not noted; build the graph inside `with source_lines():` to see the line'}"
            )
            return NonfiniteReport(True, text, "backward", node, parent, label(node), layer, line, cause)
    return None


def _all_finite(loss: Value, order: list[Value]) -> NonfiniteReport:
    harmless = sum(not isfinite(_made(node)) for node in order)
    if harmless:
        rest = f"{counted(harmless, 'leaf is', 'leaves are')} not finite, and nothing computed from them is spoilt"
        return NonfiniteReport(False, f"of {counted(len(order), 'node')}, {rest}; all gradients are finite")
    return NonfiniteReport(False, f"all {counted(len(order), 'node')} and all their gradients are finite")


def _learning(order: list[Value]) -> set[Value]:
    """The leaves that take a gradient, and what is computed from them."""
    learns: set[Value] = set()
    for node in order:
        if (node.requires_grad and not node.op) or not learns.isdisjoint(node.parents):
            learns.add(node)
    return learns


def _in(layer: str) -> str:
    return f" (in {layer})" if layer else ""
