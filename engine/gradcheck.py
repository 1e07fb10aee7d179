"""Is this gradient right? And if not, what is wrong with it?

    report = check_grads(lambda w, x: (w * x).tanh(), [0.5, 2.0])     # the engine's own gradient
    report = compare(loss, [W, b], [dW, db])                          # yours, derived by hand or written in NumPy
    print(report)                                                     # wrong: W: transposed

The reference is computed twice: by the engine, and numerically, from values of the function alone (`engine.numeric`),
with an error of its own that decides what can be judged. What may have gone wrong is found by `engine.checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import numpy as np

from engine.checking.diagnosis import Case, diagnose
from engine.checking.inputs import Floats, Inputs
from engine.checking.judging import allowed_at_kink, entry, judged, local_derivatives
from engine.checking.patterns import Closeness
from engine.checking.reference import Checked, check, operand_name, second_order, wrong_rules
from engine.checking.report import Cause, Entry, GradReport
from engine.checking.slips import Slips
from engine.formula import Labels
from engine.nested import flat, shape
from engine.operation import as_float
from engine.value import Value

WORK = 2**21  # derivatives × nodes: of a larger gradient the engine's is checked on a sample
METHODS = ("auto", "differences", "complex")


def check_grads(
    f: Callable[..., Any], inputs: Any, *, order: int = 1, method: str = "auto", seed: int = 0
) -> GradReport:
    """Is the engine's gradient of f right? ∂f/∂x for each input, beside a numeric derivative with a known error.

    f        a function of one Value, or nesting of Values, for each item of `inputs`; it gives a Value, or a list of
             Values: then their sum with weights drawn from `seed` is checked
    inputs   one item for each argument of f: a number, a nested list or a NumPy array; or a Module, or the list of its
             parameters, whose numbers are used and given back (f may then take no argument)
    order    2 checks the Hessian as well, against differences of the gradient
    method   "differences", extrapolated to step 0 (Richardson); "complex", the complex step, which loses no digit but
             needs rules without abs, max, where and comparisons; "auto": the better of the two, input by input

    The report is true where nothing is wrong. A kink is no failure, if the gradient lies between the slopes of both
    sides; what cancellation hides is said to be hidden.

    Raises:
        TypeError: if f does not take such inputs, or gives no Value.
        ValueError: if f gives different numbers for the same inputs; for another order or method; for
            method="complex" where a rule ends the complex step.

    >>> bool(check_grads(lambda w, x: (w * x).tanh(), [0.5, 2.0]))
    True
    """
    if order not in (1, 2):
        raise ValueError(
            f"order is 1 (the gradient) or 2 (the Hessian as well), not {order!r}; for more see engine.grad"
        )
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(map(repr, METHODS))}, not {method!r}")
    with np.errstate(all="ignore"):  # an inf among the numbers is reported, not warned of
        checked = check(f, inputs, method, seed)
        entries, causes = checked.entries, checked.causes
        if order == 2 and checked.recorded.root is not None and checked.frozen is None:
            second, more = second_order(checked)
            entries, causes = [*entries, *second], [*causes, *more]
    return GradReport(_title("check_grads", f), tuple(entries), tuple(causes))


def compare(f: Callable[..., Any], inputs: Any, gradient: Any, *, seed: int = 0) -> GradReport:
    """Is a gradient of f, derived by hand or written in NumPy, right; and if not, what is wrong with it?

    f, inputs   as in `check_grads`
    gradient    one item for each input, of its shape (None for an input that is not to be compared), or for a single
                input just that; or a NumPy function of the inputs that returns it

    The reference is the engine's gradient, which is checked numerically first (of a large one, a sample). Two numbers
    agree if they differ by no more than rounding: 1e-7 of their size, or 1e-11 of the sum of all path contributions
    (for float32: 1e-4 and 1e-6).

    Raises:
        TypeError: as `check_grads`; and for a gradient that does not consist of numbers.

    >>> print(compare(lambda x: (x * x) * x, [2.0], [6.0]).causes[0].kind)
    factor
    """
    with np.errstate(all="ignore"):
        checked = check(f, inputs, "auto", seed, work=WORK)
    given = _given(gradient, checked.inputs)
    if isinstance(given, Cause):
        return GradReport(_title("compare", f), (Entry("gradient", nan, nan, 0.0, 0.0, "wrong", "shape"),), (given,))
    slips = None
    entries: list[Entry] = []
    cases = []
    with np.errstate(all="ignore"):
        if checked.recorded.root is not None and checked.frozen is None:
            of = checked.inputs
            shapes = [of.shape_of(item) for item in range(len(of.items))]
            slips = Slips(checked.recorded.root, checked.recorded.leaves, of.item_of, of.names, shapes)
        for item, numbers in enumerate(given):
            if numbers is not None:
                case, own = _case(checked, item, numbers, slips)
                cases.append(case)
                entries += own
        causes = diagnose(cases, slips)
    causes += _outside_kinks(checked, entries)
    unjudged = {one.verdict for one in entries}
    notes = [cause for cause in checked.causes if cause.kind in unjudged]
    if any(e.verdict == "wrong" for e in checked.entries):
        notes += [Cause(cause.kind, f"the engine's own gradient of f is wrong: {cause}") for cause in checked.causes]
    return GradReport(_title("compare", f), tuple(entries), (*causes, *notes))


def compare_function(f: Callable[..., Any], numpy_f: Callable[..., Any], inputs: Any, *, seed: int = 0) -> GradReport:
    """Does a NumPy function compute the same values as f? The entries are the outputs.

    f, inputs   as in `check_grads`; numpy_f takes the same inputs, as floats and arrays

    >>> import numpy as np
    >>> bool(compare_function(lambda x: x.exp(), np.exp, [1.0]))
    True
    """
    checked = Inputs(f, inputs, seed=seed)
    out, _ = checked.outputs()
    numbers = np.array([float(leaf) if isinstance(leaf, Value) else as_float(leaf) for leaf in flat(out)])
    form = shape(out)  # None of a ragged list, or a dict: then the outputs stand in a row
    right = numbers if form is None else numbers.reshape(form)
    given = _array("the result of the NumPy function", numpy_f(*checked.arrays()))
    close = _closeness(given, float(np.max(np.abs(right), initial=0.0)))
    tolerance = close.relative * np.abs(right) + close.absolute
    case = Case("out", right, given.astype(float), right, tolerance, close)
    entries = _entries_of(case, ["out" + "".join(f"[{i}]" for i in place) for place in np.ndindex(right.shape)])
    arrays = zip(checked.names, checked.arrays(), strict=True)
    lengths = {len(x): f"the length of {name}" for name, x in arrays if np.ndim(x)}
    causes = [c for c in diagnose([case], None, lengths) if c.kind not in ("wrong variable", "accumulated")]
    return GradReport(_title("compare_function", f), tuple(entries), tuple(causes), noun="value")


def locate(f: Callable[..., Any] | Value, inputs: Any = (), *, seed: int = 0) -> GradReport:
    """Which operation has a wrong rule? Each local derivative of the graph of f, beside differences of its value.

    f may be a finished graph (a Value) as well. An entry is an edge: the operation and its operand.

    >>> from engine import tanh
    >>> bool(locate(lambda x: tanh(x) * x, [0.5]))
    True
    """
    root = f if isinstance(f, Value) else Inputs(f, inputs, seed=seed).record().root
    if root is None:
        raise TypeError("f gave plain numbers, so there is no graph with local derivatives to look at")
    label = Labels(root)
    locals_ = list(local_derivatives(root))
    entries = [
        entry(f"∂{local.node.op.name}/∂{operand_name(local)} at {label(local.node)}", local.slope, local.reference)
        for local in locals_
        if local.node.op
    ]
    return GradReport(_title("locate", f), tuple(entries), tuple(wrong_rules(locals_)), noun="local derivative")


# ------------------------------------------------------------------------ the user's gradient


def _outside_kinks(checked: Checked, entries: Sequence[Entry]) -> list[Cause]:
    """For each wrong entry at a kink, between which slopes it should be."""
    at_kinks = {own.input: i for i, own in enumerate(checked.entries) if own.verdict == "kink"}
    found = [(one, checked.references[at_kinks[one.input]]) for one in entries if one.input in at_kinks]
    return [
        Cause("kink", f"at a kink {one.given:.6g} is not between the slopes {left:.6g} and {right:.6g} of its sides",
              (one.input,))
        for one, reference in found if one.verdict == "wrong" for left, right in [allowed_at_kink(reference)]
    ]  # fmt: skip


def _given(gradient: Any, inputs: Inputs) -> list[Floats | None] | Cause:
    """One array for each input, of whatever shape; None for an input that is not compared. Or why there are none."""
    if callable(gradient):
        gradient = gradient(*inputs.arrays())
    if gradient is None:
        raise TypeError("the gradient is None; does a function lack its return?")
    gradient, count = inputs.regrouped(gradient), len(inputs.items)
    if isinstance(gradient, dict) and set(gradient) == set(inputs.names):
        gradient = [gradient[name] for name in inputs.names]
    if count == 1 and not _is_one_item(gradient, inputs.shape_of(0)):
        gradient = [gradient]
    if not isinstance(gradient, list | tuple | np.ndarray) or len(gradient) != count:
        names = ", ".join(inputs.names[:6]) + ", ..." * (count > 6)
        return Cause("shape", f"one gradient for each of {count} inputs ({names}), None for one that is not compared, "
                     f"was expected; given: {_counted(gradient)}")  # fmt: skip
    items = [g(*inputs.arrays()) if callable(g) else g for g in gradient]
    return [None if g is None else _array(f"the gradient for {name}", g)
            for name, g in zip(inputs.names, items, strict=True)]  # fmt: skip


def _is_one_item(gradient: Any, wanted: tuple[int, ...]) -> bool:
    """Whether the gradient for the only input stands in a list, as those of several inputs do."""
    if not isinstance(gradient, list | tuple | np.ndarray) or len(gradient) != 1:
        return False
    bare, inside = shape(gradient), shape(gradient[0])
    return inside == wanted or bare != wanted


def _counted(gradient: Any) -> str:
    if isinstance(gradient, dict):
        return f"a dict with the names {', '.join(map(str, list(gradient)[:6]))}"
    if isinstance(gradient, np.ndarray):
        return f"an array of shape {gradient.shape}"
    return f"{len(gradient)}" if isinstance(gradient, list | tuple) else repr(gradient)


def _array(what: str, numbers: Any) -> Floats:
    leaves = [leaf.data if isinstance(leaf, Value) else leaf for leaf in flat(numbers)]
    form = shape(numbers)
    try:
        if isinstance(numbers, np.ndarray) and numbers.dtype.kind in "fiu":
            return numbers  # with its own precision
        plain = np.array([as_float(leaf) for leaf in leaves], float)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    return plain.reshape(form) if form is not None else plain


def _closeness(given: Floats, size: float) -> Closeness:
    """What the rounding of a computation in the precision of `given` may be; `size` is that of its terms."""
    eps = float(np.finfo(given.dtype).eps) if given.dtype.kind == "f" else 2.0**-52
    return Closeness(1e-7, 1e-11 * size) if eps < 1e-15 else Closeness(1e3 * eps, 10 * eps * size)


def _case(checked: Checked, item: int, given: Floats, slips: Slips | None) -> tuple[Case, list[Entry]]:
    """One input: what was given beside the engine's gradient, or the numeric one where the engine's is wrong."""
    inputs, places = checked.inputs, checked.inputs.slots_of(item)
    form = inputs.shape_of(item)
    own = [checked.entries[i] for i in places]
    engine_is_right = slips is not None and not any(e.verdict == "wrong" for e in checked.entries)
    right = checked.gradient[places] if engine_is_right else np.array([e.reference for e in own])
    error = np.zeros(len(places)) if engine_is_right else np.array([e.tolerance for e in own])
    terms = slips.magnitude[places] if slips is not None else np.abs(right)
    at_kink = np.array([e.verdict == "kink" for e in own], bool)  # there shaken digits change the side
    error = error + np.where(at_kink, 0.0, checked.noise[places])
    close = _closeness(given, float(np.max(terms, initial=0.0, where=np.isfinite(terms))))
    tolerance = (
        close.relative * np.abs(right) + (close.absolute / max(np.max(terms, initial=0.0), 1e-300)) * terms + error
    )
    is_integer, given = given.dtype.kind in "iu", given.astype(float)
    if given.shape != form and form == () and given.size == 1:
        given = given.reshape(())  # a number in brackets is a number
    if given.shape == form:  # at a kink each slope between the two sides is right, and what is hidden is not wrong
        for k, i in enumerate(places):
            if (
                own[k].verdict not in ("right", "wrong")
                and judged(float(given.flat[k]), checked.references[i]) != "wrong"
            ):
                tolerance[k] = np.inf
    arrays = (array.reshape(form) for array in (inputs.numbers[places], right, tolerance))
    numbers, right, tolerance = arrays
    case = Case(inputs.names[item], numbers, given, right, tolerance, close, is_integer, places[0] if places else 0)
    return case, _entries_of(case, [inputs.paths[i] for i in places], own)


def _entries_of(case: Case, paths: Sequence[str], own: Sequence[Entry] = ()) -> list[Entry]:
    if case.given.shape != case.right.shape:  # no number stands beside another
        return [Entry(case.name, nan, nan, 0.0, 0.0, "wrong", f"shape {case.given.shape}, not {case.right.shape}")]
    rows = zip(paths, case.given.flat, case.right.flat, case.tolerance.flat, case.bad.flat, strict=True)
    entries = []
    for k, (path, given, right, tolerance, is_bad) in enumerate(rows):
        verdict = "wrong" if is_bad else "right"
        if not is_bad and own and own[k].verdict != "wrong":
            verdict = own[k].verdict
        if not is_bad and verdict == "not finite" and float(given) == float(right):
            verdict = "right"
        step = own[k].step if own else 0.0  # of the numeric derivative that the engine's was checked with
        entries.append(Entry(path, float(given), float(right), float(tolerance), step, verdict, "engine"))
    return entries


def _title(name: str, f: Any) -> str:
    of = getattr(f, "__name__", type(f).__name__)
    return f"{name}({of})" if of != "<lambda>" else name
