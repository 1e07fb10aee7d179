"""Right, wrong, or not to be judged: a number beside a numeric derivative, and every local derivative of a graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from engine.checking.report import Entry
from engine.graph import topological_sort
from engine.numeric import Difference, graph_derivatives
from engine.operation import DomainError
from engine.value import Value

ULPS = 8 * 2.0**-52  # what the engine's own rounding may be


def judged(number: float, reference: Difference) -> str:
    """The verdict on a derivative: "right", "wrong", "kink", "cancellation", "edge" or "not finite".

    At a kink every slope between those of the two sides is right.
    """
    slack = reference.error + ULPS * max(abs(number), abs(reference.slope))
    is_nothing = slack <= 1e-9 * reference.scale and abs(reference.slope) <= slack
    if reference.reason in ("", "cancellation") and is_nothing and abs(number) <= slack:
        return "right"  # both are 0, beside an f of this size
    if not isfinite(number):
        is_told = reference.reason in ("", "kink", "cancellation")
        return "wrong" if is_told and isfinite(reference.slope) else "not finite"
    if reference.reason == "kink":
        low, high = allowed_at_kink(reference)
        slack = 1e-6 * max(abs(low), abs(high), reference.scale)
        return "kink" if low - slack <= number <= high + slack else "wrong"
    if reference.reason == "cancellation":
        return "wrong" if abs(number - reference.slope) > slack and isfinite(slack) else "cancellation"
    if reference.reason:
        return reference.reason
    if abs(number - reference.slope) > slack:
        return "wrong"
    return "right" if reference.verdict(number) == "agrees" else "cancellation"


STEEP = 1e6  # beside the other side and f itself, a slope of so many times is a jump, seen over one step


def is_jump(reference: Difference) -> bool:
    """Whether f jumps at x: the slope to one side is as large as the step is small."""
    small, large = sorted(map(abs, (reference.left, reference.right)))
    return reference.reason == "kink" and large > STEEP * max(1.0, small, reference.scale)


def allowed_at_kink(reference: Difference) -> tuple[float, float]:
    """The slopes that are right at a kink: those between the two sides; at a jump, that of the side without it."""
    low, high = sorted((reference.left, reference.right))
    if not is_jump(reference):
        return low, high
    side = min((low, high), key=abs)
    return (side, side) if abs(side) <= STEEP * max(1.0, reference.scale) else (0.0, 0.0)


def entry(title: str, number: float, reference: Difference) -> Entry:
    """The line of a report for one derivative."""
    verdict, step = judged(number, reference), 0.0 if reference.method == "complex step" else reference.step
    return Entry(title, number, reference.slope, reference.error, step, verdict, reference.method)


@dataclass(frozen=True, eq=False)
class Local:
    """∂node/∂operand: what the rule of the operation says, and what differences of its value say."""

    node: Value
    position: int
    slope: float
    reference: Difference

    @property
    def is_wrong(self) -> bool:
        """Whether the rule is wrong here."""
        return judged(self.slope, self.reference) == "wrong"


def local_derivatives(root: Value) -> Iterator[Local]:
    """Each local derivative of a graph beside its numeric one; each operation once for the same operands."""
    seen = set()
    for node in topological_sort(root):
        if node.op is None:
            continue
        history = node._history or ()
        numbers, free = history[len(node.parents) : -1], tuple(parent.requires_grad for parent in node.parents)
        if (node.op, numbers, free) in seen or not all(map(isfinite, numbers)):
            continue
        seen.add((node.op, numbers, free))
        operands = [Value(x, requires_grad=wanted) for x, wanted in zip(numbers, free, strict=True)]
        positions = [i for i, wanted in enumerate(free) if wanted]
        try:
            alone = Value.record(node.op, operands)
        except DomainError:
            continue
        references = graph_derivatives(alone, [operands[i] for i in positions])
        slopes = node.local_derivatives()
        for i, reference in zip(positions, references, strict=True):
            yield Local(node, i, float(slopes[i]) if i < len(slopes) else 0.0, reference)
