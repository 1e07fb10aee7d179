"""Does a program agree with the scalar engine, of whose graph it was made? `agree` is the one judge of it.

Values: rounding moves a node by at most

    bound(z) = Σ |∂z/∂x|·bound(x) + what the operation rounds itself

that is 4 ulp of an elementwise operation, n·eps·Σ|terms| of a reduction (BLAS chooses its order), 0 of a choice.
Program and engine may be 2·bound apart, and nan and inf stand in the same places.

Gradients: they may be 1e-12·paths apart, paths(x) = Σ |product of the slopes| over all paths from x to the loss.
Where a slope itself hangs on the last digits of its operands (1/x behind a difference) what these do to it is allowed
too, and counted: `Tally.eased`.

Where rounding decides on which side of a kink a computed number lies, or whether it is in a domain, nothing can be
promised: such a row is left out, and counted: `Tally.unsure`. Tests ask that both counts stay small.

Glossary: a row is one example: an array for each item of `inputs`; a point holds the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan, ulp
from typing import Any

import numpy as np
import pytest

from engine import DomainError, Value, topological_sort
from engine.nested import flat

EPS = 2.0**-52
TINY = 1e-300  # so far down floats lose their digits one by one

Row = Sequence[Any]

# What they give is one of their operands, or 0 or 1: nothing is rounded.
CHOICES = {"neg", "abs", "relu", "maximum", "minimum", "where", "clip", "take", "max", "min"} | {
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal"
}  # fmt: skip
LISTS = {"var", "prod", "softmax", "log_softmax", "logsumexp", "logaddexp", "mean", "sum", "dot"}


@dataclass
class Tally:
    """What was compared: rows, those left out as unsure, gradients, those that needed their slopes' sensitivity."""

    rows: int = 0
    unsure: int = 0
    errors: int = 0
    gradients: int = 0
    eased: int = 0
    worst: dict[str, float] = field(default_factory=dict)  # the largest difference, as a share of what is allowed

    def saw(self, what: str, share: float) -> None:
        self.worst[what] = max(share, self.worst.get(what, 0.0))


TALLY = Tally()


def agree(
    loss: Value,
    inputs: Sequence[Any],
    parameters: Sequence[Any],
    rows: Sequence[Row],
    *,
    make: Callable[..., Any],
    outputs: Sequence[Any] = (),
    draws: Sequence[Value] = (),
    drawn: Sequence[Sequence[float]] = (),
    points: Sequence[Sequence[float]] = (),
    batches: Sequence[int] = (1, 2, 7),
    tally: Tally = TALLY,
) -> Any:
    """Raise an AssertionError unless the program does, at all rows and points, what the scalar engine does there.

    make      vectorize, or what stands in its place
    draws     leaves that are drawn at each call; drawn[k] has their numbers in row k
    points    numbers for the parameters; without them those that they have
    batches   how many rows are given at a time; where there are fewer, they are given again
    """
    outputs, leaves = flat(list(outputs)), flat(list(parameters))
    samples = [Recorded() for _ in draws]
    more: dict[str, Any] = {"outputs": outputs} if outputs else {}
    if draws:
        more["draws"] = list(zip(draws, samples, strict=True))
    program = make(loss, inputs=inputs, parameters=parameters, **more)
    roots = [loss, *outputs]
    for point in points or [[leaf.data for leaf in leaves]]:
        program.parameters[:] = point
        examples = []
        for k, row in enumerate(rows):
            numbers = dict(zip(leaves, point, strict=True))
            for tree, array in zip(inputs, row, strict=True):
                numbers.update(zip(flat(tree), np.ravel(array).tolist(), strict=True))
            numbers.update(zip(draws, drawn[k], strict=True) if draws else ())
            examples.append(Example(roots, leaves, numbers, row, drawn[k] if draws else ()))
        tally.rows += len(examples)
        sure = [e for e in examples if not e.unsure]
        tally.unsure += len(examples) - len(sure)
        well, ill = [e for e in sure if not e.errors], [e for e in sure if e.errors]
        for size in batches:
            for k in range(0, len(well), size):
                batch = (well[k:] * size)[:size] if size > len(well) else well[k : k + size]
                _compare(program, batch, samples, bool(outputs), tally)
        for e in ill:
            _refused(program, [*well[:1], e, *well[1:2]], min(1, len(well)), samples)
            tally.errors += 1
    return program


class Recorded:
    """The sample of a drawn leaf that gives the numbers it was told, one for each example."""

    def __init__(self) -> None:
        self.numbers: Sequence[float] = ()
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.numbers[(self.calls - 1) % len(self.numbers)]


# ------------------------------------------------------------------------- one example by the scalar engine


class Example:
    """The loss, the outputs and the gradient that the scalar engine gives for one row.

    errors   what it raised: (message, class) for each node outside its domain
    unsure   why rounding decides what happens here, or ""
    """

    def __init__(
        self, roots: list[Value], leaves: list[Value], numbers: Mapping[Value, float], row: Row, drawn: Sequence[float]
    ) -> None:
        self.row, self.drawn, self.unsure = row, drawn, ""
        twins, self.errors = recorded_again(roots, numbers)
        self.roots = [twins[root] for root in roots]
        self.order = topological_sort(*self.roots)
        self.bound = self._bounds()
        if self.errors or self.unsure:
            return
        self.values = [root.data for root in self.roots]
        self.allowed = [2.0 * self.bound[root] + TINY for root in self.roots]
        for z, allowed in zip(self.values, self.allowed, strict=True):
            if isfinite(z) and allowed > 1e-6 * max(1.0, abs(z)):
                self.unsure = "no digits are left"
        loss = self.roots[0]
        loss.backward()
        self.leaves = [twins.get(leaf) for leaf in leaves]
        self.gradient = np.array([leaf.grad if leaf is not None else 0.0 for leaf in self.leaves])
        self.steps = topological_sort(loss)[::-1]
        self.paths = self._paths()

    def of_leaves(self, found: Mapping[Value, float]) -> Any:
        """The numbers of the parameters, as an array."""
        return np.array([0.0 if leaf is None else found.get(leaf, 0.0) for leaf in self.leaves])

    def _bounds(self) -> dict[Value, float]:
        """How far rounding may move each node."""
        bound: dict[Value, float] = {}
        size: dict[Value, float] = {}  # of a sum, Σ|terms|, those of a sum inside it too; of others |z|
        summed = {parent for node in self.order if _is(node, "add", "sum") for parent in node.parents}
        for node in self.order:
            z, parents = node.data, node.parents
            size[node], bound[node] = abs(z), 0.0
            if node.op is None or not isfinite(z):
                continue
            numbers, reach = [parent.data for parent in parents], [bound[parent] for parent in parents]
            if _is(node, "add", "sum"):
                size[node] = sum(size[parent] for parent in parents)
            elif _is(node, "dot"):
                n = len(parents) // 2
                products = [abs(w * x) for w, x in zip(numbers[:n], numbers[n : 2 * n], strict=True)]
                size[node] = sum(products) + sum(size[parent] for parent in parents[2 * n :])
            moved = 0.0
            if any(reach):
                self.unsure = self.unsure or on_the_edge(node, numbers, reach)
                for slope, b in zip(node.local_derivatives(), reach, strict=True):
                    moved += abs(slope) * b if b else 0.0
            bound[node] = moved + rounding(node, numbers, size[node], node in summed)
            if not isfinite(bound[node]):
                self.unsure, bound[node] = self.unsure or f"a slope of {node.op.name} is not finite", 0.0
        return bound

    def _paths(self) -> Any:
        """For each parameter Σ |product of the slopes| over the paths to the loss."""
        found = {self.steps[0]: 1.0}
        for node in self.steps:
            share = found.get(node, 0.0)
            if share:
                for parent, slope in zip(node.parents, node.local_derivatives(), strict=True):
                    found[parent] = found.get(parent, 0.0) + (share * abs(slope) if slope else 0.0)
        self.found = found
        return self.of_leaves(found)

    def sensitivity(self) -> Any:
        """For each parameter, what the last digits of all numbers may do to its gradient through the slopes."""
        moved = dict.fromkeys(self.steps, 0.0)
        for node in self.steps:
            if node.op is None or not self.found.get(node):
                continue
            slopes, shifts = node.local_derivatives(), self._shifted_slopes(node)
            for parent, slope, shift in zip(node.parents, slopes, shifts, strict=True):
                moved[parent] += (moved[node] * abs(slope) if slope else 0.0) + self.found[node] * shift
        return self.of_leaves(moved)

    def _shifted_slopes(self, node: Value) -> list[float]:
        """How far each slope moves when an operand moves by its bound and 4 ulp more."""
        op, slopes = node.op, node.local_derivatives()
        assert op is not None
        numbers, total = [parent.data for parent in node.parents], [8.0 * EPS * abs(s) for s in slopes]
        if op.name in ("add", "sub", "neg", "sum", "mean"):
            return total
        for j, parent in enumerate(node.parents):
            x, b = numbers[j], self.bound[parent] + 4.0 * ulp(numbers[j])
            h = max(b, 1e-8 * abs(x))
            for step in (h, -h):
                there = [*numbers[:j], x + step, *numbers[j + 1 :]]
                try:
                    other = op.slopes(op.evaluate(there), there)
                except (ValueError, TypeError, IndexError):  # outside the domain; an index that is not whole
                    continue
                for i, (one, two) in enumerate(zip(slopes, other, strict=True)):
                    total[i] += abs(two - one) * b / h if isfinite(two - one) else 0.0
        return total


def recorded_again(
    roots: Sequence[Value], numbers: Mapping[Value, float]
) -> tuple[dict[Value, Value], list[Exception]]:
    """The graph, recorded once more by the engine with other numbers in the given leaves; and what it raised."""
    order, needed = topological_sort(*roots), set(roots)
    for node in reversed(order):
        if node in needed and node not in numbers:
            needed.update(node.parents)
    twins: dict[Value, Value] = {}
    errors: list[Exception] = []
    for node in order:
        if node in numbers or node.op is None:
            twins[node] = Value(numbers.get(node, node.data), node.name, requires_grad=node.requires_grad)
        elif node in needed:
            try:
                twins[node] = Value.record(node.op, [twins[parent] for parent in node.parents])
            except (DomainError, IndexError) as error:
                errors.append(error)
                twins[node] = Value(float("nan"))  # so that other nodes can say what they think of theirs
            twins[node].name = node.name
    return twins, errors


# ------------------------------------------------------------------------- what rounding may do


def rounding(node: Value, numbers: Sequence[float], size: float, summed: bool) -> float:
    """How far an operation itself may round its result."""
    assert node.op is not None
    z, name = node.data, node.op.name
    if name in CHOICES:
        return 0.0
    if name == "add":
        return EPS * size
    if name in ("sum", "dot"):
        return len(numbers) * EPS * size
    if name == "mean":
        return EPS * sum(map(abs, numbers)) + 4.0 * ulp(z)
    if name in LISTS:
        top = abs(max(numbers)) if name in ("logsumexp", "logaddexp") else 0.0
        return (4.0 + len(numbers)) * EPS * max(abs(z), top) + ulp(0.0)
    if (z == 0.0 and (name == "sub" or 0.0 in numbers)) or (name == "mul" and 1.0 in numbers):
        return 0.0  # exact
    shift = EPS * abs(numbers[0] * z) if name == "exp" and summed else 0.0  # a softmax shifts by the largest
    return 4.0 * ulp(z) + shift


def on_the_edge(node: Value, numbers: Sequence[float], reach: Sequence[float]) -> str:
    """Whether numbers that far from these may lie beyond a kink, or outside the domain; "" if not."""
    op = node.op
    assert op is not None
    if op.kinks and all(map(isfinite, numbers)):
        room = reach[0] if op.name == "where" else sum(reach)
        if room and any(abs(gap) <= room for gap in op.kinks(*numbers)):
            return f"a kink of {op.name}"
    if op.domain:
        for i, (x, b) in enumerate(zip(numbers, reach, strict=True)):
            tried = [x - b, x + b, *([0.0] if abs(x) <= b else [])] if b else []
            if not all(op.domain(*numbers[:i], near, *numbers[i + 1 :]) for near in tried):
                return f"the edge of the domain of {op.name}"
    return ""


def _is(node: Value, *names: str) -> bool:
    return node.op is not None and node.op.name in names


# ------------------------------------------------------------------------- the comparisons


def _given(examples: Sequence[Example], samples: Sequence[Recorded]) -> list[Any]:
    """The arrays of a batch; the samples are told what to draw."""
    for i, sample in enumerate(samples):
        sample.numbers, sample.calls = [e.drawn[i] for e in examples], 0
    return [np.stack(columns) for columns in zip(*(e.row for e in examples), strict=True)]


def _compare(
    program: Any, examples: Sequence[Example], samples: Sequence[Recorded], with_outputs: bool, tally: Tally
) -> None:
    """Losses, outputs and gradients of one batch."""
    count = len(examples)
    losses = np.asarray(program(*_given(examples, samples)))
    assert losses.shape == (count,), f"losses of shape {losses.shape} for {count} examples"
    for k, e in enumerate(examples):
        _near(f"the loss of example {k}", losses[k], e.values[0], e.allowed[0], "losses", tally)
    if with_outputs:
        found = np.asarray(program.predict(*_given(examples, samples)))
        assert len(found) == count, f"outputs of shape {found.shape} for {count} examples"
        for k, e in enumerate(examples):
            for i, got in enumerate(found[k].ravel()):
                _near(f"output {i} of example {k}", got, e.values[1 + i], e.allowed[1 + i], "outputs", tally)

    mean, gradient = program.value_and_grad(*_given(examples, samples))
    assert isinstance(mean, float)
    with np.errstate(all="ignore"):
        want = float(np.mean([e.values[0] for e in examples]))
        allowed = float(np.mean([e.allowed[0] + count * EPS * abs(e.values[0]) for e in examples]))
    _near("the mean loss", mean, want, allowed, "losses", tally)
    _compare_gradients(np.asarray(gradient), examples, tally)


def _compare_gradients(gradient: Any, examples: Sequence[Example], tally: Tally) -> None:
    """1e-12 of the paths; of the places of nan and inf only one example tells, as a mean has them in another order."""
    with np.errstate(all="ignore"):
        want = np.mean([e.gradient for e in examples], axis=0)
        allowed = 1e-12 * np.mean([e.paths for e in examples], axis=0) + TINY
        assert gradient.shape == want.shape, f"a gradient of shape {gradient.shape} for {len(want)} parameters"
        told = np.isfinite(want) | (len(examples) == 1)
        off = told & ~((np.abs(gradient - want) <= allowed) | _same(gradient, want))
        tally.gradients += want.size
        if off.any():
            tally.eased += int(off.sum())
            allowed = allowed + 2.0 * np.mean([e.sensitivity() for e in examples], axis=0)
            # e^(−x) knows x to half an ulp, and so loses x·eps of itself: in the tails of softmax that is much
            tails = np.abs(np.log(np.maximum(np.abs(want), TINY)))
            allowed = allowed + 16.0 * EPS * tails * np.abs(want)
    for i in np.flatnonzero(told).tolist():
        _near(f"the gradient of parameter {i}", gradient[i], want[i], allowed[i], "gradients", tally)


def _same(got: Any, want: Any) -> Any:
    return (got == want) | (np.isnan(got) & np.isnan(want))


def _near(what: str, got: float, want: float, allowed: float, kind: str, tally: Tally) -> None:
    got, want = float(got), float(want)
    if got == want or (isnan(got) and isnan(want)):
        return
    difference = abs(got - want) if isfinite(got) and isfinite(want) else inf
    assert difference <= allowed, (
        f"{what} is {got!r}, and by the scalar engine {want!r}: {difference:.2g} apart, where {allowed:.2g} is allowed"
    )
    tally.saw(kind, difference / allowed)


def _refused(program: Any, examples: Sequence[Example], place: int, samples: Sequence[Recorded]) -> None:
    """The program raises what the scalar engine raises, and says for which example."""
    errors = examples[place].errors
    for call in (program, program.value_and_grad):
        with pytest.raises((DomainError, IndexError)) as caught:
            call(*_given(examples, samples))
        kind, text = caught.type, str(caught.value)
        assert any(kind is type(error) and _said(error) in text for error in errors), (
            f"it raised {caught.value!r}, and the scalar engine {errors}"
        )
        alone = len(examples) == 1  # then the parameters may be what is outside the domain
        assert alone or f"example {place}" in text, f"the error of example {place} does not name it: {text}"


def _said(error: Exception) -> str:
    """The part of a message that names the operation, what it needs, and the nodes."""
    return str(error).partition(": ")[2].partition(";")[0]
