"""Numbers and Values in nested lists, tuples, dicts and arrays: taken apart, and put together again.

    W = [[1.0, 2.0], [3.0, 4.0]]
    flat(W)                     # [1.0, 2.0, 3.0, 4.0]
    paths(W, "W")               # ["W[0][0]", "W[0][1]", "W[1][0]", "W[1][1]"]
    rebuilt(W, [5, 6, 7, 8])    # [[5, 6], [7, 8]]

Glossary: a tree is a number, a Value, or a list, tuple, dict or NumPy array of trees; a leaf is a number or a Value.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Tree = Any
_BRANCHES = (list, tuple, dict, np.ndarray)


def flat(tree: Tree) -> list[Any]:
    """The leaves, in order; of a NumPy array as Python's numbers.

    >>> flat([1.0, (2.0, [3.0])])
    [1.0, 2.0, 3.0]
    """
    leaves = list[Any]()
    _gather([tree], leaves)
    return leaves


def paths(tree: Tree, name: str) -> list[str]:
    """How each leaf is reached, as Python writes it: x, W[0][1], state['h'][2]."""
    return [path for path, _ in _walk(name, tree)]


def rebuilt(tree: Tree, leaves: Iterable[Any], array: Callable[[Any], Any] | None = None) -> Tree:
    """A tree of the same form with other leaves. An array becomes nested lists, or what `array` makes of these.

    >>> rebuilt((1.0, [2.0]), [10.0, 20.0])
    (10.0, [20.0])
    """
    return _rebuilt(tree, iter(leaves), array)


def _rebuilt(tree: Tree, rest: Iterator[Any], array: Callable[[Any], Any] | None) -> Tree:
    if isinstance(tree, np.ndarray) and tree.ndim:
        lists = _rebuilt(tree.tolist(), rest, array)
        return array(lists) if array else lists
    if isinstance(tree, dict):
        return {key: _rebuilt(part, rest, array) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [_rebuilt(part, rest, array) for part in tree]
        return parts if isinstance(tree, list) else tuple(parts)
    return next(rest)


def shape(tree: Tree) -> tuple[int, ...] | None:
    """(rows, columns, ...) of nested lists or an array, () of a leaf; None where rows differ in length, and of dicts.

    >>> shape([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (2, 3)
    """
    if isinstance(tree, np.ndarray):
        return tuple(tree.shape)
    if isinstance(tree, dict):
        return None
    if not isinstance(tree, list | tuple):
        return ()
    if not any(isinstance(part, _BRANCHES) for part in tree):
        return (len(tree),)  # a row of leaves, as most are
    shapes = [shape(part) for part in tree]
    inner = shapes[0]
    return None if inner is None or any(other != inner for other in shapes) else (len(shapes), *inner)


def _gather(trees: Iterable[Tree], leaves: list[Any]) -> None:
    """Add the leaves of the trees, in order; without their paths, which take several times as long."""
    for tree in trees:
        if not isinstance(tree, _BRANCHES):
            leaves.append(tree)
        elif isinstance(tree, np.ndarray):
            _gather([tree.tolist()], leaves)  # of a 0-d array, its number
        else:
            _gather(tree.values() if isinstance(tree, dict) else tree, leaves)


def _walk(path: str, tree: Tree) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, np.ndarray):
        tree = tree.tolist()  # of a 0-d array, its number
    if isinstance(tree, dict):
        for key, part in tree.items():
            yield from _walk(f"{path}[{key!r}]", part)
    elif isinstance(tree, list | tuple):
        for i, part in enumerate(tree):
            yield from _walk(f"{path}[{i}]", part)
    else:
        yield path, tree
