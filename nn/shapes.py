"""What a layer takes: one example or a batch of them, as nested lists; checked here, for all layers.

    class Linear(Module):
        def forward(self, x):
            return over_batch(self, x, (self.in_features,), self.of_one, axes=None)

`of_one` then sees one example, a nested list of Values that has the shape it asked for.

Glossary: a shape is (channels, height, width), an axis of it one of these; a size that is a string ("length") is free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import index
from typing import Any

import numpy as np

from engine import Value
from engine.nested import shape as shape_of
from nn.module import Module, Tensor

Shape = Sequence[int | str]


def constant(number: Any) -> Value:
    """A number as a leaf that takes no gradient."""
    return Value(number, requires_grad=False)


def values(x: Any) -> Tensor:
    """x with every number a Value, arrays and tuples as lists: numbers become constants, Values stay what they are.

    Raises:
        TypeError: for what holds no numbers, as a text or None.

    >>> values((1.0, [Value(2.0)]))
    [Value(1.0), [Value(2.0)]]
    """
    if isinstance(x, Value):
        return x
    if isinstance(x, np.ndarray):
        return values(x.tolist())
    if isinstance(x, list | tuple):
        return [values(part) for part in x]
    return constant(x)


def checked(module: Module | str, x: Any, shape: Shape, axes: int | None = 0, what: str = "") -> tuple[Tensor, int]:
    """(x as nested lists of Values, how many axes it has before `shape`): at most `axes` of them, None for any number.

    `module` is what the error names, `what` the argument, where that is not clear.

    Raises:
        ValueError: if the shape of x is another; it names both.
        TypeError: for what holds no numbers.
    """
    is_pair = isinstance(x, tuple) and len(x) == 2
    x = values(x)
    got = shape_of(x)
    extra = -1 if got is None else len(got) - len(shape)
    if (
        got is None
        or extra < 0
        or (axes is not None and extra > axes)
        or any(isinstance(wanted, int) and wanted != n for wanted, n in zip(shape, got[extra:], strict=True))
        or 0 in got[extra:]
    ):
        cure = "; of the pair that an LSTM or attention gives, take the first" if is_pair and got is None else ""
        raise ValueError(_not_of_shape(module, got, shape, axes, what) + cure)
    return x, extra


def over_batch(module: Module, x: Any, shape: Shape, of_one: Callable[[Any], Any], axes: int | None = 1) -> Any:
    """of_one(example) for each example in x: x has this shape, or up to `axes` axes before it (None: any number).

    Raises:
        ValueError: if the shape of x is another; it names both.
        TypeError: for what holds no numbers.
    """
    x, extra = checked(module, x, shape, axes)
    return over(of_one, x, extra)


def over(of_one: Callable[[Any], Any], x: Any, axes: int) -> Any:
    """of_one of each part of x that lies below so many axes, in lists like those of x.

    >>> over(len, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], 2)
    [[2, 2], [2, 2]]
    """
    return [over(of_one, part, axes - 1) for part in x] if axes else of_one(x)


def called(module: Module | str) -> str:
    """What an error calls a module: itself in one line, without its parts, and its place in the whole.

    It looks through all parameters, so that only an error asks for it. A text is a name already.
    """
    if isinstance(module, str):
        return module
    text = repr(module)
    own = f"{type(module).__name__}({module.extra_repr()})" if "\n" in text else text
    return f"{own} (at {module._path})" if module._path else own


def _not_of_shape(module: Module | str, got: tuple[int, ...] | None, shape: Shape, axes: int | None, what: str) -> str:
    lead = ["batch"] if axes == 1 else ["..."]
    wanted = written(shape) if axes == 0 else f"{written(shape)} or {written([*lead, *shape])}"
    found = "rows of different lengths" if got is None else f"shape {written(got)}"
    return f"{called(module)} takes {f'{what} of ' if what else ''}shape {wanted}, and got {found}"


def written(shape: Shape) -> str:
    """A shape as Python writes it, free sizes by their names.

    >>> written(["batch", 3])
    '(batch, 3)'
    >>> written([3])
    '(3,)'
    """
    sizes = ", ".join(str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def whole(name: str, n: Any) -> int:
    """n as an int.

    Raises:
        TypeError: if it is not a whole number.
    """
    with suppress(TypeError):
        if not isinstance(n, bool):
            return index(n)
    raise TypeError(f"{name} is a whole number, not {n!r}")


def count(name: str, n: Any, least: int = 1) -> int:
    """n as an int, at least `least`.

    Raises:
        TypeError: if it is not a whole number.
        ValueError: if it is less.
    """
    if (number := whole(name, n)) < least:
        raise ValueError(f"{name} is at least {least}, not {n}")
    return number
