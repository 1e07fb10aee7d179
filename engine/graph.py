"""Walks over a computation graph. They know one thing of a node: its `parents`, an ordered tuple.

Nothing here recurses, so a chain of a million nodes is walked like any other graph, and nothing depends
on hash order: the same graph gives the same order in every run.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar


class Node(Protocol):
    """What a walk needs."""

    @property
    def parents(self) -> tuple[Any, ...]: ...


N = TypeVar("N", bound=Node)


def topological_sort(*roots: N) -> list[N]:
    """Every node from which a root was computed, and the roots: each once, parents before children.

    A depth-first walk, with a stack of our own: a node is written down when all its parents are.

    >>> from engine import Value
    >>> x = Value(3.0, name="x")
    >>> y = x * x
    >>> [node.data for node in topological_sort(y + x)]
    [3.0, 9.0, 12.0]
    """
    order: list[N] = []
    seen: set[N] = set()
    stack: list[N | None] = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below are written down
            order.append(stack.pop())  # type: ignore[arg-type]
        elif node not in seen:
            seen.add(node)
            parents = node.parents
            if parents:
                stack += (node, None)
                stack += parents[::-1]  # so that the first is written down first
            else:
                order.append(node)
    return order


def edges(*roots: N) -> Iterator[tuple[N, int, N]]:
    """(parent, position, child) for each edge; `x * x` has two, at positions 0 and 1."""
    for node in topological_sort(*roots):
        for position, parent in enumerate(node.parents):
            yield parent, position, node


def levels(*roots: N) -> list[list[N]]:
    """The nodes by the length of the longest path from a leaf: leaves first, then what needs only leaves, ...

    >>> from engine import Value
    >>> x = Value(3.0)
    >>> [len(level) for level in levels((x * x + 1) * x)]
    [2, 1, 1, 1]
    """
    level_of: dict[N, int] = {}
    result: list[list[N]] = []
    for node in topological_sort(*roots):
        level = 1 + max((level_of[parent] for parent in node.parents), default=-1)
        level_of[node] = level
        if level == len(result):
            result.append([])
        result[level].append(node)
    return result


def leaves(*roots: N) -> list[N]:
    """The nodes that were not computed from others, in topological order."""
    return [node for node in topological_sort(*roots) if not node.parents]
