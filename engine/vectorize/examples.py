"""Other numbers for a second trace: of the same kind, and so different that a branch on them goes the other way.

Glossary: an item is one argument of a call, taken apart: the numbers of its leaves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

Item = Sequence[float]
_ATTEMPTS = 32  # traces that may fail, because a domain or an index is not met, before we give up


def other_examples(items: Sequence[Item], indices: Sequence[bool]) -> Iterator[list[list[float]]]:
    """Other numbers for all items, the most different first; indices[i] says that item i points into lists.

    All items differ from what they were, but for indices of which there may be no other.
    """
    choices = [_indices(item) if index else _numbers(item) for item, index in zip(items, indices, strict=True)]
    ranks = sorted(itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 4096), key=sum)
    for rank in ranks[:_ATTEMPTS]:
        yield [choice[r] for choice, r in zip(choices, rank, strict=True)]


def _numbers(item: Item) -> list[list[float]]:
    """Opposite; within the same range; the same numbers backwards; nearer to 0. A domain may forbid the first ones."""
    candidates = [opposite(item), _mirrored(item), list(item)[::-1], [0.75 * x for x in item]]
    return [c for c in _distinct(candidates) if c != list(item)] or [list(item)]


def opposite(item: Item) -> list[float]:
    """Every sign and every order turned round: x > 0 becomes x < 0, x > y becomes x < y; of equals the first is larger.

    >>> opposite([0.5, -0.25, 4.0])
    [-0.625, 0.3125, -5.0]
    >>> opposite([0.0, 0.0])
    [0.125, 0.0625]
    """
    least = min((abs(x) for x in item if x and math.isfinite(x)), default=0.2)
    zeros, zero = sum(not x for x in item), 0
    seen: dict[float, int] = {}
    result = []
    for x in item:
        if not x:
            result.append(0.625 * least * (zeros - zero) / zeros)
            zero += 1
            continue
        seen[x] = again = seen.get(x, -1) + 1
        result.append(-1.25 * x * (1.0 + math.copysign(again * 2.0**-20, x)))
    return result


def _mirrored(item: Item) -> list[float]:
    """Orders turned round, between the smallest and the largest; of a single number in [0, 1], 1 − x."""
    low, high = min(item, default=0.0), max(item, default=0.0)
    if low < high:
        return [low + high - x for x in item]
    return [1.0 - x if 0.0 <= x <= 1.0 and x != 0.5 else 0.5 * x for x in item]


def _indices(item: Item) -> list[list[float]]:
    """Each index another one that occurs, or 0; where all are 0, 1."""
    known = sorted({*item, 0.0})
    following = dict(zip(known, known[1:] + known[:1], strict=True)) if len(known) > 1 else {0.0: 1.0}
    return _distinct([[following[x] for x in item], [max(known)] * len(item), [0.0] * len(item), list(item)])


def _distinct(candidates: list[list[float]]) -> list[list[float]]:
    return [c for i, c in enumerate(candidates) if c not in candidates[:i]]
