"""The checker checked: each rule of the table with one mistake in it, and `check_grads` names the operation."""

import math
from functools import cache

import pytest

from engine import TABLE, check_grads

from .mutants import alone, free, mutants, numbers, points, ruled, slopes

every_operation = pytest.mark.parametrize("name", TABLE)

# The changes in a rule's source that change nothing, and why: all others must be caught.
CHANGES_NOTHING = {
    "a tie is decided elsewhere: beside it the term is 0": [
        "without 0.5 * xp.equal(x, y)", "of 0.5 * xp.equal(x, y)", "without 0.5",  # maximum, minimum
        "without found[-1]", "of found[-1]", "without free",  # max, min
    ],
    "it matters where numbers overflow": [
        "without scale",  # hypot
        "of inf",  # prod
    ],
    "it puts back a rounding error, below the last digit": [
        "without 1.0 - scale * error", "of scale * error", "without scale * error",  # erf, erfc, gelu
        "without scale",
        "without (error + x * ROOT_HALF_REST) * exp(-u * u) / sqrt(pi)",  # gelu
        "of (error + x * ROOT_HALF_REST) * exp(-u * u) / sqrt(pi)",
        "without / sqrt(pi)", "without exp(-u * u)", "of x * ROOT_HALF_REST", "without x * ROOT_HALF_REST",
        "without error", "without x", "without u", "without -u", "of u",
        "without / n", "of lacking", "without lacking",  # var
    ],
}  # fmt: skip
EXCEPTED = {change for changes in CHANGES_NOTHING.values() for change in changes}


@every_operation
def test_every_mutant_of_a_rule_is_caught_unless_it_changes_nothing(name):
    for mutant, telling in rules_with_a_mistake(name):
        if telling:
            assert any(is_caught(mutant, xs) for xs in telling[:4]), str(mutant)
        else:
            assert mutant.change in EXCEPTED or is_trivial(mutant), str(mutant)


@every_operation
def test_a_rule_without_a_number_for_each_operand_is_an_error(name):
    (xs,) = points(name, 1)
    for mutant in mutants(name, free(name, xs)):
        if not gives_numbers(mutant, xs):
            with ruled(TABLE[name], mutant.partials), pytest.raises((TypeError, ValueError, IndexError)):
                report(name, xs)


@every_operation
def test_the_rules_themselves_are_right(name):
    for xs in points(name, 3, seed=7):
        assert report(name, xs), xs


def test_there_are_many_mutants_and_few_change_nothing():
    everything = [pair for name in TABLE for pair in rules_with_a_mistake(name)]
    kinds = [mutant.kind for mutant, _ in everything]
    assert {kind: kinds.count(kind) >= 100 for kind in kinds} == dict.fromkeys(("sign", "factor", "swap", "term"), True)
    idle = [mutant for mutant, telling in everything if not telling and not is_trivial(mutant)]
    assert len(idle) < 0.1 * len(everything)
    assert {mutant.change for mutant in idle} == EXCEPTED


def report(name, xs):
    return check_grads(alone(name, xs), numbers(name, xs))


@cache
def rules_with_a_mistake(name):
    """(mutant, the points where its slopes are others in the first twelve digits) for each that is a rule at all."""
    tried = points(name, 24, seed=7)
    made = [mutant for mutant in mutants(name, free(name, tried[0])) if gives_numbers(mutant, tried[0])]
    return [(mutant, [xs for xs in tried if differs(mutant, xs)]) for mutant in made]


def gives_numbers(mutant, xs):
    """Whether it gives a number for each operand: what changes a length or a place may not."""
    try:
        return all(isinstance(slope, float) for slope in slopes(mutant.name, xs, mutant.partials))
    except (TypeError, ValueError, IndexError):
        return False


def differs(mutant, xs):
    """Whether its slopes are others, in the first twelve digits."""
    pairs = zip(slopes(mutant.name, xs, mutant.partials), slopes(mutant.name, xs), strict=True)
    return not all(math.isclose(got, right, rel_tol=1e-12, abs_tol=0.0) for got, right in pairs)


def is_caught(mutant, xs):
    """Whether the check fails, and says of which operation the rule is wrong."""
    with ruled(TABLE[mutant.name], mutant.partials):
        found = report(mutant.name, xs)
    named = {cause.operations for cause in found.causes if cause.kind == "wrong rule"}
    return not found and named == {(mutant.name,)} and f"`{mutant.name}`" in found.verdict


def is_trivial(mutant):
    """Whether it changes a partial that is 0 everywhere, or swaps two that are equal everywhere."""
    if "partial" not in mutant.change:
        return False
    places = [int(word) for word in mutant.change.split() if word.isdigit()]
    rows = [
        dict(zip(free(mutant.name, xs), slopes(mutant.name, xs), strict=True)) for xs in points(mutant.name, 24, seed=7)
    ]
    if mutant.kind == "swap":
        return all(row[places[0]] == row[places[1]] for row in rows)
    return all(row[places[0]] == 0 for row in rows)


# ------------------------------------------------------------------------ the mutants themselves


def test_the_mutants_of_a_rule_are_read_from_its_source():
    assert [str(mutant) for mutant in mutants("tanh", [0])] == [
        "tanh, sign: of partial 0",
        "tanh, factor: 1.0001 in partial 0",
        "tanh, term: without rules.sigmoid_slope(xp, 2.0 * x)",
        "tanh, term: without 4.0",
        "tanh, term: without x",
        "tanh, term: without 2.0",
        "tanh, term: without xp.sigmoid(-x)",
        "tanh, term: without xp.sigmoid(x)",
        "tanh, sign: of x",
    ]


def test_a_mutant_computes_what_it_says():
    right = 1 - math.tanh(0.7) ** 2
    found = {mutant.change: slopes("tanh", [0.7], mutant.partials)[0] for mutant in mutants("tanh", [0])}
    assert slopes("tanh", [0.7]) == pytest.approx([right])
    assert found["of partial 0"] == pytest.approx(-right)
    assert found["1.0001 in partial 0"] == pytest.approx(right * 1.0001)
    assert found["without 4.0"] == pytest.approx(right / 4)
    assert found["without xp.sigmoid(-x)"] == pytest.approx(4 / (1 + math.exp(-1.4)))
