"""The engine's gradient of a function beside the numeric one, and what they say of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from engine.backward import in_graphs_and_poles, in_numbers, reverse_sweep
from engine.checking.diagnosis import Case, diagnose
from engine.checking.inputs import Floats, Frozen, Inputs, Recorded, frozen_part
from engine.checking.judging import Local, entry, is_jump, local_derivatives
from engine.checking.patterns import Closeness
from engine.checking.report import Cause, Entry
from engine.graph import topological_sort
from engine.health import trace_nonfinite
from engine.numeric import Difference, differences, graph_derivatives, graph_second_derivatives, judging_scale
from engine.replay import computed, replay_gradients, replayed
from engine.value import Value


@dataclass(frozen=True, eq=False)
class Checked:
    """A function, its graph, the engine's gradient and the numeric one."""

    inputs: Inputs
    recorded: Recorded
    frozen: Frozen | None
    gradient: Floats
    noise: Floats
    references: list[Difference]
    entries: list[Entry]
    causes: list[Cause]


def check(f: Callable[..., Any], given: Any, method: str, seed: int, work: int | None = None) -> Checked:
    """The engine's gradient of f at the inputs, beside the numeric one.

    work   derivatives × nodes: of more than that only a sample, drawn from `seed`, is checked numerically, and one
           along a random direction through all others; if one of these is wrong, all are

    Raises:
        ValueError: if f gives different numbers for the same inputs, or the method cannot be used.
    """
    inputs = Inputs(f, given, seed=seed)
    recorded, again = inputs.record(), inputs.record()
    if recorded.number != again.number and recorded.number == recorded.number:
        raise ValueError(
            f"f gave {recorded.number!r} and then {again.number!r} for the same inputs; give its random numbers a seed"
        )
    frozen = frozen_part(inputs, recorded)
    if method == "complex" and (recorded.root is None or frozen is not None):
        raise ValueError(
            f"method='complex' needs all of f in the graph: {frozen.text if frozen else 'it gave no Value'}"
        )
    gradient = _gradient(recorded)

    def numeric(some: list[int]) -> list[Difference]:
        if recorded.root is not None and frozen is None:
            return graph_derivatives(recorded.root, [recorded.leaves[i] for i in some], method)

        def moved(points: Floats) -> Floats:
            whole = np.tile(inputs.numbers, (len(points), 1))
            whole[:, some] = points
            return inputs.at(whole)

        return differences(moved, inputs.numbers[some])

    everything = list(range(len(inputs.numbers)))
    nodes = len(topological_sort(recorded.root)) if recorded.root is not None else 1
    most = len(everything) if work is None else max(16, work // nodes)
    is_sample = len(everything) > most
    references = _sampled(inputs, gradient, numeric, seed, most) if is_sample else numeric(everything)
    rows = zip(inputs.paths, gradient.tolist(), references, strict=True)
    entries, noise = [entry(path, number, reference) for path, number, reference in rows], _noise(recorded)
    is_at_kink = recorded.root is not None and _is_at_kink(recorded.root)  # then shaken digits change the side
    for i, one in enumerate(entries):  # the engine's own digits may be lost: (exp(x) - 1) / x at 1e-12
        if one.verdict == "wrong" and one.absolute <= noise[i] and not is_at_kink:
            entries[i] = replace(one, verdict="cancellation")
    if is_sample and any(one.verdict == "wrong" for one in entries):
        return check(f, given, method, seed)
    checked = Checked(inputs, recorded, frozen, gradient, noise, references, entries, [])
    checked.causes.extend(_causes(checked))
    return checked


def _sampled(
    inputs: Inputs, gradient: Floats, numeric: Callable[[list[int]], list[Difference]], seed: int, most: int
) -> list[Difference]:
    """Some derivatives numerically; the others are the engine's, if their sum along a random direction is."""
    random = np.random.default_rng(seed)
    some = sorted(random.choice(len(gradient), most, replace=False).tolist())
    direction = random.choice((-1.0, 1.0), len(gradient)) * np.maximum(np.abs(inputs.numbers), 1e-3)
    direction[some] = 0.0
    numbers = inputs.numbers + np.array([-1e-4, 1e-4])[:, None] * direction
    below, above = inputs.at(numbers)
    along, expected = (above - below) / 2e-4, float(direction @ gradient)
    terms = float(np.sum(np.abs(direction * gradient)))
    if not abs(along - expected) <= 1e-3 * terms + 1e-9 * abs(above):
        return numeric(list(range(len(gradient))))
    found = dict(zip(some, numeric(some), strict=True))
    engine = [Difference(g, 0.0, 0.0, 0.0, abs(g), False, g, g, "engine") for g in gradient.tolist()]
    return [found.get(i, engine[i]) for i in range(len(gradient))]


def _gradient(recorded: Recorded) -> Floats:
    """The engine's gradient, without touching any `grad`."""
    if recorded.root is None:
        return np.zeros(len(recorded.leaves))
    gradients = reverse_sweep(topological_sort(recorded.root), {recorded.root: 1.0}, in_numbers)
    return np.array([gradients.get(leaf, 0.0) for leaf in recorded.leaves])


def _is_at_kink(root: Value) -> bool:
    """Whether an operation of the graph stands at a kink that its record tells of: a tie, or relu at 0."""
    for node in topological_sort(root):
        history = node._history or ()
        kinks = node.op.kinks if node.op is not None else None
        if kinks is not None and not all(kinks(*history[len(node.parents) : -1])):
            return True
    return False


def _noise(recorded: Recorded) -> Floats:
    """By how much the gradient moves when the last digits of all numbers on the way are shaken, as rounding does."""
    if recorded.root is None:
        return np.zeros(len(recorded.leaves))
    random, points = np.random.default_rng(0), np.tile([leaf.data for leaf in recorded.leaves], (8, 1))

    def shake(number: Any) -> Any:
        return number * (1 + 2.0**-52 * random.choice((-1.0, 1.0), 8))

    with np.errstate(all="ignore"):
        shaken = replay_gradients(recorded.root, recorded.leaves, points, shake)
        worst = 4 * np.max(np.abs(shaken - replay_gradients(recorded.root, recorded.leaves, points)), axis=0)
    return np.where(np.isfinite(worst), worst, 0.0)


def _causes(checked: Checked) -> list[Cause]:
    """What is wrong with the engine's gradient, and what could not be judged."""
    inputs, root, causes = checked.inputs, checked.recorded.root, []
    if any(e.verdict == "wrong" for e in checked.entries):
        causes += wrong_rules(local_derivatives(root)) if root is not None else []
        if not causes:
            causes += _detached(checked)
        if not causes:
            causes += diagnose([_numeric_case(checked, item) for item in range(len(inputs.items))], None)
    number = checked.recorded.number
    if not isfinite(number):
        traced = f": {_one_line(trace_nonfinite(root))}" if root is not None else ""
        causes.append(Cause("not finite", f"f itself is {number}{traced}"))
    elif root is not None and not np.isfinite(checked.gradient).all():
        causes.append(Cause("not finite", _one_line(trace_nonfinite(root))))
    for kind, told in (("kink", _kink), ("cancellation", _cancellation), ("edge", _edge)):
        found = [i for i, e in enumerate(checked.entries) if e.verdict == kind]
        if found:
            causes.append(Cause(kind, told(checked, found), tuple(inputs.paths[i] for i in found[:6])))
    if root is not None and (digits := _lost_digits(root, checked)) is not None:
        causes.append(Cause("cancellation", digits))
    return causes


def _one_line(report: object) -> str:
    return "; ".join(line.strip().rstrip(".") for line in str(report).splitlines())


def _lost_digits(root: Value, checked: Checked) -> str | None:
    """A warning where f itself has lost its digits, and only the complex step could judge its derivative."""
    judged_anyway = [i for i, e in enumerate(checked.entries) if e.method == "complex step"]
    if not judged_anyway or not isfinite(checked.recorded.number):
        return None
    random = np.random.default_rng(0)

    def shake(op: Any, operands: Sequence[Any]) -> Any:
        return computed(op, operands) * (1 + 2.0**-52 * random.choice((-1.0, 1.0), 8))

    moved = np.abs(np.asarray(replayed(root, {}, shake)) - checked.recorded.number)
    if not np.max(moved) > 1e-3 * abs(checked.recorded.number):
        return None
    scale = judging_scale(root, checked.recorded.leaves, judged_anyway[0])
    cure = f", at about {scale:.1g} they could" if scale is not None else ""
    return (
        f"cancellation: f = {checked.recorded.number:.4g} has lost its digits at this scale, it may be off by "
        f"{np.max(moved):.1g}; differences cannot judge it{cure}, and the complex step was taken"
    )


def wrong_rules(locals_: Any) -> list[Cause]:
    """One cause for each operand of an operation whose rule is wrong."""
    found: dict[tuple[str, int], Local] = {}
    for local in locals_:
        if local.is_wrong:
            found.setdefault((local.node.op.name, local.position), local)
    causes = []
    for (name, _), local in found.items():
        numbers = ", ".join(f"{parent.data:.4g}" for parent in local.node.parents[:6])
        ratio = local.slope / local.reference.slope if local.reference.slope else 0.0
        pattern = ", the wrong sign" if abs(ratio + 1) < 1e-6 else ""
        if not pattern and ratio and isfinite(ratio):
            pattern = f", {ratio:.7g} times as much"
        causes.append(
            Cause(
                "wrong rule",
                f"the rule of the operation `{name}` is wrong: ∂{name}/∂{operand_name(local)} at ({numbers}) gives "
                f"{local.slope:.10g}, and its value says {local.reference.slope:.10g}{pattern}",
                operations=(name,),
            )
        )
    return causes


def operand_name(local: Local) -> str:
    """What the table calls the operand of a local derivative."""
    names = local.node.op.operands if local.node.op else ()
    plain = [name for name in names if not name.startswith("*")]
    if len(plain) == len(names) and local.position < len(plain):
        return plain[local.position]
    return f"x{local.position}"


def _detached(checked: Checked) -> list[Cause]:
    wrong = [i for i, e in enumerate(checked.entries) if e.verdict == "wrong"]
    where = tuple(checked.inputs.paths[i] for i in wrong[:6])
    cure = "was .data, float() or detach() used on the way?"
    if checked.frozen is not None and checked.frozen.kind == "number":
        is_all = not any(checked.gradient[i] for i in wrong)
        kind, what = ("no gradient", "no gradient reached it") if is_all else ("path missing", "one path is missing")
        over = (checked.frozen.op.name,) if checked.frozen.op else ()
        text = f"{what}: detached, a number was read out of a Value ({checked.frozen.text}); {cure}"
        return [Cause(kind, text, where, over)]
    if all(not checked.gradient[i] for i in wrong):
        return [Cause("no gradient", f"no gradient reached it, and f depends on it: it is detached; {cure}", where)]
    return []


def _kink(checked: Checked, found: Sequence[int]) -> str:
    first, number = checked.references[found[0]], checked.gradient[found[0]]
    if is_jump(first):
        return f"f jumps here, so it has no derivative; {number:.6g} is that of the side without the jump"
    sides = f"the slope is {first.left:.6g} on the left and {first.right:.6g} on the right"
    return f"a kink within the step: {sides}, and the gradient {number:.6g} lies between them"


def _cancellation(checked: Checked, found: Sequence[int]) -> str:
    root, first = checked.recorded.root, checked.references[found[0]]
    scale = judging_scale(root, checked.recorded.leaves, found[0]) if root is not None and not checked.frozen else None
    cure = f"; at about {scale:.1g} it could be judged" if scale is not None else ""
    return (
        f"cancellation: cannot be judged at this scale, since f loses its digits here (the numeric derivative is "
        f"{first.slope:.4g}, give or take {first.error:.1g}){cure}"
    )


def _edge(checked: Checked, found: Sequence[int]) -> str:
    return "cannot be judged at the edge of the domain: f has no value on one side"


# ------------------------------------------------------------------------ second order


def second_order(checked: Checked) -> tuple[list[Entry], list[Cause]]:
    """The engine's Hessian beside differences of its gradient."""
    root, leaves, paths = checked.recorded.root, checked.recorded.leaves, checked.inputs.paths
    assert root is not None
    references = graph_second_derivatives(root, leaves)
    hessian = _hessian(root, leaves)
    entries = [
        entry(f"{paths[i]}, {paths[j]}", hessian[i][j], references[i][j])
        for i in range(len(leaves))
        for j in range(len(leaves))
    ]
    wrong = [e.input for e in entries if e.verdict == "wrong"]
    kinks = [e.input for e in entries if e.verdict == "kink"]
    causes = []
    if wrong:
        text = f"{len(wrong)} of {len(entries)} second derivatives are wrong; is a partial not made of xp's operations?"
        causes.append(Cause("wrong rule", text, tuple(wrong[:6])))
    if kinks:
        causes.append(Cause("kink", "a kink of the gradient within the step", tuple(kinks[:6])))
    return entries, causes


def _hessian(root: Value, leaves: Sequence[Value]) -> list[list[float]]:
    """∂²root/∂leaf∂leaf: the gradient as graphs, and each of these swept with numbers."""
    gradients = reverse_sweep(topological_sort(root), {root: Value(1.0, requires_grad=False)}, in_graphs_and_poles)
    rows = []
    for leaf in leaves:
        slope = gradients.get(leaf)
        second = {}
        if isinstance(slope, Value):
            second = reverse_sweep(topological_sort(slope), {slope: 1.0}, in_numbers)
        rows.append([float(second.get(other, 0.0)) for other in leaves])
    return rows


def _numeric_case(checked: Checked, item: int) -> Case:
    """An input's gradient by the engine beside the numeric one, for the diagnosis."""
    inputs, places = checked.inputs, checked.inputs.slots_of(item)
    form = inputs.shape_of(item)
    right = np.array([checked.references[i].slope for i in places])
    error = np.array([checked.references[i].error for i in places])
    is_wrong = np.array([checked.entries[i].verdict == "wrong" for i in places], bool)
    tolerance = np.where(is_wrong, error, np.inf)  # what cannot be judged is not called wrong
    known = np.isfinite(error)
    close = Closeness(1e-7, float(np.max(error, where=known, initial=0.0)))
    rows = (inputs.numbers[places], checked.gradient[places], right, tolerance)
    numbers, given, right, tolerance = (row.reshape(form) for row in rows)
    return Case(inputs.names[item], numbers, given, right, tolerance, close)
