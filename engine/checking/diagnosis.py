"""Which mistake was it? The wrong gradient is held against everything that is known to go wrong.

First each input by itself, against the patterns (a factor, a transposition, other entries, another variable); then
all inputs together, against the slips of the backward pass. What matches to the last digits is named; where
several match, the numbers allow several causes, and all are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.checking import patterns
from engine.checking.making import Slip
from engine.checking.patterns import Closeness, Pattern
from engine.checking.report import Cause
from engine.checking.roles import number_of
from engine.checking.slips import Slips

Floats = npt.NDArray[np.float64]
ALTERNATIVES = 4  # so many causes of one kind of evidence are named


@dataclass(frozen=True, eq=False)
class Case:
    """One input: its numbers, the gradient given for it, the right one, and by how much they may differ.

    is_integer   whether the gradient came in an array of integers
    first        where its entries begin among those of all inputs
    """

    name: str
    numbers: Floats
    given: Floats
    right: Floats
    tolerance: Floats
    close: Closeness
    is_integer: bool = False
    first: int = 0

    @property
    def bad(self) -> npt.NDArray[np.bool_]:
        """Which entries are wrong; all of them where the shape is."""
        if self.given.shape != self.right.shape:
            return np.ones(self.right.shape, bool)
        with np.errstate(invalid="ignore"):
            same = (np.abs(self.given - self.right) <= self.tolerance) | (self.given == self.right)
        return np.asarray(~same, bool)


def diagnose(cases: Sequence[Case], slips: Slips | None, sizes: dict[int, str] | None = None) -> list[Cause]:
    """What explains the cases that are wrong, the likeliest first; [] if none is. `sizes` are those of a batch."""
    wrong = [case for case in cases if case.bad.any()]
    if not wrong:
        return []
    direct = {case.name: _direct(case, cases, slips, sizes or {}) for case in wrong}
    planted, alone = _matching_slips(cases, slips) if slips else ([], {})
    is_everywhere = len(wrong) == len(cases) > 1
    where = () if is_everywhere else tuple(case.name for case in wrong)
    of_all = [Cause(kind, text, where, operations) for kind, text, operations in planted]
    of_one = [
        Cause(kind, text, (name,), operations)
        for name, told in alone.items()
        if not direct[name]
        for kind, text, operations in told[:2]
    ]
    of_patterns = _merged(direct, cases)
    if all(direct.values()):  # a factor of a whole gradient needs no place where it came in
        of_all = [cause for cause in of_all if cause.kind not in ("sign", "factor")]
    is_vague = all(re.fullmatch(r"a constant factor [\d./e+-]+", cause.text) for cause in of_patterns)
    causes = of_all or of_patterns
    if all(direct.values()):  # a factor that means nothing comes second
        causes = of_all + of_patterns if is_vague else of_patterns + of_all
    partial = [Cause("some entries", text, (case.name,)) for case in wrong for text in _partial(case)]
    explained = {name for cause in (*causes, *of_one, *partial) for name in cause.where or [c.name for c in wrong]}
    unexplained = [
        Cause("unexplained", _unexplained(case), (case.name,)) for case in wrong if case.name not in explained
    ]
    return [*causes, *of_one, *partial, *unexplained]


def _merged(direct: dict[str, list[tuple[str, str]]], cases: Sequence[Case]) -> list[Cause]:
    """The causes of the single inputs; one that several share is named once, one that all share without names."""
    where: dict[tuple[str, str], list[str]] = {}
    for name, found in direct.items():
        for one in found[:ALTERNATIVES]:
            where.setdefault(one, []).append(name)
    return [
        Cause(kind, text, () if len(names) == len(cases) > 1 else tuple(names)) for (kind, text), names in where.items()
    ]


# ------------------------------------------------------------------------ one input


def _direct(case: Case, cases: Sequence[Case], slips: Slips | None, known: dict[int, str]) -> list[tuple[str, str]]:
    """(kind, text) of each pattern that the gradient of one input follows."""
    given, right = case.given, case.right
    if not np.isfinite(given).all():
        places = np.argwhere(~np.isfinite(given)).tolist()
        first = case.name + "".join(f"[{i}]" for i in places[0])
        return [("not finite", f"nan or inf in {len(places)} of {given.size} entries, the first at {first}; "
                 "the right gradient is finite")]  # fmt: skip
    if case.is_integer and given.shape == right.shape and np.all(np.abs(given - right) < 1):
        text = "whole numbers: no gradient below 1 survives in an array of integers; make it one of floats"
        return [("rounded", text)]
    sizes = known | _sizes(case, cases, slips)
    if given.shape != right.shape:
        return _of_shape(case, sizes)
    if not given.any():
        return [("no gradient", "no gradient reached it: all entries are 0 (is it detached, or never filled in?)")]
    found: list[tuple[str, str]] = _exchanged(case, cases)
    factor = patterns.common_factor(given, right, case.close)
    if factor is not None:
        found += patterns.named_factor(factor, sizes, given.size == 1)
        found += _node_factor(factor, slips) if given.size > 1 and len(found) < 2 else []
    if not found:
        found += _scaled(case, patterns.moved(right), sizes)
    if not found and (one := patterns.permuted(given, right, case.close)):
        found.append(one)
    if not found or found[0][0] == "permuted":
        found = _scaled(case, _other_variables(case, cases, slips), sizes) + found
    if not found:
        found = _column_factors(case, cases, slips)
    return found


def _sizes(case: Case, cases: Sequence[Case], slips: Slips | None) -> dict[int, str]:
    """The whole numbers that a mean may have divided by: those of the graph, else the lengths of the inputs."""
    sizes = dict(slips.sizes) if slips else {}
    for other in (case, *cases):
        for size in other.right.shape[:1]:
            sizes.setdefault(size, f"{patterns.LENGTH} {other.name}, perhaps the batch size")
    return sizes


def _scaled(case: Case, candidates: Iterator[Pattern], sizes: dict[int, str]) -> list[tuple[str, str]]:
    """The patterns that match, by themselves or with the wrong sign or a known factor as well."""
    plain, scaled = [], []
    for pattern in candidates:
        if pattern.array.shape != case.given.shape or not pattern.array.any():
            continue
        if case.close.same(case.given, pattern.array):
            plain.append((pattern.kind, pattern.text))
        elif pattern.array.size > 3 or "summed" not in pattern.text:  # a few numbers are soon somebody's
            c = patterns.common_factor(case.given, pattern.array, case.close)
            named = patterns.named_factor(c, sizes, is_single=True) if c is not None else []
            if named:
                text = " or ".join(text for kind, text in named if kind != "sign")
                text = ", ".join(filter(None, ["of the wrong sign" if c is not None and c < 0 else "", text]))
                scaled.append((pattern.kind, f"{pattern.text}; and {text}"))
    return list(dict.fromkeys(plain or scaled))[:ALTERNATIVES]


def _of_shape(case: Case, sizes: dict[int, str]) -> list[tuple[str, str]]:
    """A gradient of another shape than the input's: perhaps the right numbers, transposed or not summed."""
    given, right = case.given, case.right
    shapes = f"shape {given.shape} in the place of {right.shape}"
    found = [(kind, f"{text}: {shapes}") for kind, text in _scaled(case, patterns.reshaped(right, given.shape), sizes)]
    for axis in range(given.ndim):
        for name, reduced in (("summed", np.sum(given, axis)), ("averaged", np.mean(given, axis))):
            if reduced.size == right.size and case.close.same(reduced.reshape(right.shape), right):
                found.append(("not summed", f"not {name} over axis {axis} (the batch, where {case.name} serves every "
                              f"example): {shapes}"))  # fmt: skip
                break
    for axis in range(right.ndim):
        is_smaller = given.size * right.shape[axis] == right.size and given.size < right.size
        if is_smaller and case.close.same(given.ravel(), np.sum(right, axis).ravel()):
            found.append(("shape", f"summed over axis {axis}, where each entry has a gradient of its own: {shapes}"))
    return found or [("shape", f"the wrong shape: {shapes}, and the numbers are not those of the right gradient")]


def _node_factor(c: float, slips: Slips | None) -> list[tuple[str, str]]:
    """Whether a factor is the number of a node, which then is there once too often, or is missing."""
    for node in slips.roles.slopes if slips and abs(abs(c) - 1) > 1e-6 else ():
        number = number_of(node)
        if number and (abs(c / number - 1) < 1e-9 or abs(c * number - 1) < 1e-9):
            title = node.name or f"the result of `{node.op.name}`" if node.op else ""
            return [("factor", f"the factor is {title}, {number:.6g}: it is missing, or there once too often")]
    return []


def _exchanged(case: Case, cases: Sequence[Case]) -> list[tuple[str, str]]:
    """Whether entries of this input and of another have changed places: two gradients cut apart at the wrong place."""
    if case.right.size * len(cases) > 10_000:
        return []
    for other in cases:
        if other is case or other.given.shape != other.right.shape or not other.bad.any():
            continue
        pair = (case, other) if cases.index(case) < cases.index(other) else (other, case)
        given, right = (np.concatenate([getattr(one, of).ravel() for one in pair]) for of in ("given", "right"))
        if patterns.permuted(given, right, case.close) and not patterns.permuted(case.given, case.right, case.close):
            return [("permuted", f"permuted: entries of {pair[0].name} and {pair[1].name} have changed places, the two "
                     "are swapped or were cut apart at the wrong place")]  # fmt: skip
    return []


def _other_variables(case: Case, cases: Sequence[Case], slips: Slips | None) -> Iterator[Pattern]:
    """Gradients with respect to something else that has as many entries."""
    wrong = "with respect to the wrong variable: this is the derivative with respect to"
    for other in cases:
        if other is not case and other.right.size == case.right.size:
            yield Pattern("wrong variable", f"{wrong} {other.name}", other.right.reshape(case.given.shape))
    yield from patterns.through_activation(case.numbers, case.right)
    if slips and (uses := slips.contributions(case.first, case.right.size)) is not None:
        text = f"summed over the wrong axis: over the entries of {case.name}, where it should be over the examples"
        yield Pattern("not summed", text, uses.sum(axis=0).reshape(case.right.shape))
    for title, nodes, gradient in slips.interior() if slips else ():
        yield from patterns.over_axes(case.right.size, gradient, case.right.shape, title)
        if len(nodes) == case.given.size:
            array = gradient.reshape(case.given.shape)
            yield Pattern("wrong variable", f"{wrong} {title}", array)
            if array.ndim == 2:
                yield Pattern("wrong variable", f"{wrong} {title}", gradient.reshape(array.shape[::-1]).T)


def _column_factors(case: Case, cases: Sequence[Case], slips: Slips | None) -> list[tuple[str, str]]:
    """A factor for each row or column that is an input, or a part of the graph: γ forgotten, or 1/σ."""
    known = [(other.name, other.numbers.ravel()) for other in cases if other is not case]
    for nodes in slips.roles.classes() if slips else ():
        title = nodes[0].name or f"the result of `{nodes[0].op.name}`" if nodes[0].op else ""
        if title:
            known.append((title, np.array([number_of(node) for node in nodes])))
    found = []
    for axis, factors in patterns.by_column(case.given, case.right, case.close):
        for title, numbers in known:
            for text, wanted in ((f"a factor is missing: {title}", 1 / numbers if numbers.all() else numbers),
                                 (f"{title} is there once too often", numbers)):  # fmt: skip
                if wanted.shape == factors.shape and np.allclose(wanted, factors, rtol=1e-7, atol=0):
                    found.append(("factor", f"{text} (a factor of its own for each place along axis {axis})"))
            if numbers.shape == factors.shape and np.allclose(numbers * factors, 1, rtol=1e-7, atol=0):
                found.append(("factor", f"it is divided by {title} once too often, or {title} is missing"))
    return list(dict.fromkeys(found))


def _partial(case: Case) -> list[str]:
    """Which entries are wrong, where others are right, and what is wrong with these."""
    if case.given.shape != case.right.shape:
        return []
    bad = case.bad
    where = patterns.some_entries(bad, case.name)
    if where is None or not case.right[~bad].any():  # where the right gradient is 0, little can be wrong
        return []
    given, right = case.given[bad], case.right[bad]
    if not given.any():
        return [f"{where}: there it is 0, no gradient reached"]
    factor = patterns.common_factor(given, right, case.close)
    named = patterns.named_factor(factor, {}, given.size == 1) if factor is not None else []
    return [f"{where}{': there ' + ' and '.join(text for _, text in named) if named else ''}"]


def _unexplained(case: Case) -> str:
    given, right = case.given.ravel(), case.right.ravel()
    lengths = float(np.linalg.norm(given)), float(np.linalg.norm(right))
    if given.size < 2 or not all(lengths):
        return f"no known mistake gives these numbers: {given[0]:.6g}, and it should be {right[0]:.6g}"
    cosine = float(given @ right) / lengths[0] / lengths[1]
    return (
        f"no known mistake gives these numbers: {int(case.bad.sum())} of {given.size} entries are wrong; it is "
        f"{lengths[0] / lengths[1]:.3g} times as long as the right gradient, the cosine between them is {cosine:.3g}"
    )


# ------------------------------------------------------------------------ all inputs together

ORDER = (
    "path missing", "overwritten", "activation derivative", "wrong rule", "wrong place", "transposed", "flipped",
    "wrong variable", "sign", "factor", "extra derivative",
)  # fmt: skip


Told = tuple[str, str, tuple[str, ...]]  # kind, text, operations


def _matching_slips(cases: Sequence[Case], slips: Slips) -> tuple[list[Told], dict[str, list[Told]]]:
    """The slips that give the numbers of all inputs, also of those that are right; else, those of single inputs."""
    whole = [case for case in cases if case.given.shape == case.right.shape]
    wrong = [case for case in whole if case.bad.any() and case.given.any() and np.isfinite(case.given).all()]
    if not wrong:
        return [], {}
    columns = {case.name: slice(case.first, case.first + case.right.size) for case in cases}

    def fitting(found: tuple[list[Slip], Floats], some: Sequence[Case], c: float = 1.0) -> list[Told]:
        planted, gradients = found
        fits = np.ones(len(planted), bool)
        for case in some:
            fits &= _fits(case, c * gradients[:, columns[case.name]])
        return _told(planted, fits, c)

    known = [2.0, 0.5, *(float(n) for n in slips.sizes), *(1.0 / n for n in slips.sizes)]
    for c in (1.0, -1.0, *known):
        if found := fitting(slips.single, whole, c):
            return found, {}
    alone = {case.name: fitting(slips.single, [case]) for case in wrong if case.right.size > 1}
    if all(alone.get(case.name) for case in wrong):
        return [], alone
    if found := fitting(slips.pairs(), whole):
        return found, alone
    return _path_factor(whole, slips, columns), alone


def _path_factor(whole: Sequence[Case], slips: Slips, columns: dict[str, slice]) -> list[Told]:
    """One path counted c times, whatever c: then given − right is (c − 1) times what the path contributes."""
    planted, gradients = slips.single
    places = np.concatenate([np.arange(columns[case.name].start, columns[case.name].stop) for case in whole])
    given = np.concatenate([case.given.ravel() for case in whole])
    right = np.concatenate([case.right.ravel() for case in whole])
    allowed = max(case.close.absolute for case in whole) + 1e-7 * np.abs(given)
    if np.count_nonzero(np.abs(given - right) > allowed) < 3:
        return []
    texts = []
    for slip, row in zip(planted, gradients, strict=True):
        share = right - row[places]
        if slip.kind == "path missing" and " from " in slip.text:
            c = 1 + float(share @ (given - right)) / float(share @ share)
            if np.all(np.abs(right + (c - 1) * share - given) <= allowed):
                path = slip.text.partition("missing: ")[2]
                texts.append(("factor", f"a constant factor {c:.6g} on the path {path}", slip.operations))
        if slip.kind == "path missing" and " from " in slip.text and not texts:
            texts += _transposed_but(whole, share, slip)
    return texts[:1]


def _transposed_but(whole: Sequence[Case], share: Floats, slip: Slip) -> list[Told]:
    """Whether the only wrong input is transposed in all but what one path contributes, such as a penalty."""
    first, texts = 0, []
    for case in whole:
        part = share[first : first + case.right.size].reshape(case.right.shape)
        first += case.right.size
        if not case.bad.any():
            continue
        if case.right.ndim != 2 or len(set(case.right.shape)) > 1 or not part.any():
            return []
        if not case.close.same(case.given - part, (case.right - part).T):
            return []
        texts.append(
            ("transposed", f"transposed, all but the path {slip.text.partition('missing: ')[2]}", slip.operations)
        )
    return texts[:1]


def _fits(case: Case, gradients: Floats) -> npt.NDArray[np.bool_]:
    """Which rows are the gradient that was given."""
    given = case.given.ravel()
    allowed = case.close.relative * np.maximum(np.abs(gradients), np.abs(given)) + case.close.absolute
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all(np.abs(gradients - given) <= allowed, axis=1), bool)


def _told(planted: list[Slip], fits: npt.NDArray[np.bool_], c: float) -> list[Told]:
    """Slips that give the same numbers: those of one kind, such as the edges of one path, in one sentence."""
    found = [slip for slip, fit in zip(planted, fits.tolist(), strict=True) if fit]
    texts = []
    for kind in ORDER:
        same = [slip for slip in found if slip.kind == kind]
        if same:
            text, operations = _sentence(kind, same)
            factor = "" if c == 1.0 else f"; and all of it is multiplied by {c:.4g}"
            texts.append((kind, text + factor, operations))
    if len(texts) > 1:  # a derivative too much may always be there by chance
        texts = [one for one in texts if one[0] != "extra derivative"]
    return texts[:ALTERNATIVES]


def _sentence(kind: str, slips: list[Slip]) -> tuple[str, tuple[str, ...]]:
    operations = tuple(dict.fromkeys(op for slip in slips for op in slip.operations))
    if kind == "path missing":
        along = list(dict.fromkeys(slip.operations[0] for slip in slips[1:] if slip.operations[0] not in slips[0].text))
        then = f", then {', '.join(f'`{op}`' for op in along[:4])}" if along else ""
        return slips[0].text + then, operations
    texts = list(dict.fromkeys(slip.text for slip in slips))
    return " or ".join(texts[:2]), operations
