"""Lines of source, the names in them, and how arrays are read: what `emit` writes with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.vectorize.arrays import Array, ArrayProgram, Mask, Shape, View
from engine.vectorize.names import Names
from engine.vectorize.reading import Reading, reading


@dataclass(frozen=True)
class Line:
    """name = code  # comment; `check` says which statement's domain its operands (their code) must stay in."""

    name: str
    code: str
    comment: str = ""
    check: tuple[int, tuple[str, ...]] | None = None


@dataclass
class Written:
    """The lines of the function, the constants that it uses, and what it returns.

    returns   the code of what is asked for: "outputs" (if there are any), "losses", "all" (the outputs with the
              gradient), "gradient"; `stops` says behind how many lines each is known
    """

    lines: list[Line] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    returns: list[str] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def stop(self, asked: str, code: str) -> None:
        """Here what is asked for is known."""
        self.asked.append(asked)
        self.returns.append(code)
        self.stops.append(len(self.lines))


class Writer:
    """Writes lines; knows how every view is read."""

    def __init__(self, program: ArrayProgram, names: Names, tensor_names: Any) -> None:
        self.program, self.names, self.arrays = program, names, program.arrays
        self.out = Written()
        self._tensor_names = tensor_names
        self._readings: dict[tuple[Any, ...], Reading] = {}
        self._named: dict[str, str] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self.labels: dict[tuple[Any, ...], str] = {}  # what a view is called, by its key

    def line(self, name: str, text: Any, shape: Shape | str, varies: bool, check: Any = None) -> str:
        """Write name = text, with the shape behind it; gives the name."""
        size = shape if isinstance(shape, str) else ", ".join([*map(str, shape), *(["batch"] if varies else [])])
        self.out.lines.append(Line(name, str(text), f"({size}{',' if size and ',' not in size else ''})", check))
        return name

    def named(self, text: str, wish: str | Callable[[], str], shape: Shape | str, varies: bool) -> str:
        """The text itself if it is a name already, else a new name for it; the same text gets one name only."""
        if text.isidentifier():
            return text
        if text not in self._named:
            wish = wish if isinstance(wish, str) else wish()
            self._named[text] = self.line(self.names.new(wish, "v"), text, shape, varies)
        return self._named[text]

    def constant(self, stem: str, thing: Any, key: tuple[Any, ...]) -> str:
        """The name under which the source finds a constant."""
        if key not in self._constants:
            self._constants[key] = name = self.names.new("", stem)
            self.out.constants[name] = thing
        return self._constants[key]

    def index(self, places: Any, size: int) -> str:
        """The name of constant places in an array of `size` rows."""
        return self.constant("index", ("index", places, size), ("index", places.tobytes(), places.shape, size))

    def mask(self, there: Mask, varies: bool) -> str:
        """The name of constant truths, beside an array that varies by example or not."""
        there = there[..., None] if varies else there
        return self.constant("mask", there, ("mask", there.tobytes(), there.shape))

    # ------------------------------------------------------------------------ reading views

    def read(self, view: View) -> Reading:
        """How a view is read: the axes that it does not repeat."""
        key = view.key()
        if key not in self._readings:
            array = self.arrays[view.array]
            if array.kind == "constant":
                self.out.constants[array.name] = array.numbers
            self._readings[key] = reading(array.name, array, view) or self._gathering(array, view)
        return self._readings[key]

    def _gathering(self, array: Array, view: View) -> Reading:
        kept = tuple(i for i, (n, s) in enumerate(zip(view.shape, view.strides, strict=True)) if n > 1 and s)
        shape = tuple(view.shape[i] for i in kept)
        name = self.index(kept_places(view), array.size)
        return Reading(f"gather({self.rows(array.name, array.shape, array.varies)}, {name})", kept, shape)

    def rows(self, name: str, shape: Shape, varies: bool) -> str:
        """An array with its own axes made one."""
        return name if len(shape) == 1 else reshaped(name, (math.prod(shape),), varies)

    def own(self, view: View, unnamed: str = "b") -> str:
        """The name of a view, of the axes that it does not repeat; parameters without a name are called `unnamed`."""
        found = self.read(view)
        name = self.named(found.code, lambda: self._wish(view, unnamed), found.shape, self.arrays[view.array].varies)
        self.labels[view.key()] = name
        return name

    def spread(self, view: View, varies: bool) -> str:
        """The view beside others of its grid: axes that it lacks have length 1, the batch too.

        A parameter is read in that shape at once, so that a bias is a column: z = W @ x + b.
        """
        found, array = self.read(view), self.arrays[view.array]
        items = [":" if i in found.kept else "None" for i in range(len(view.shape))]
        while not view.listed and items and items[0] == "None":
            items = items[1:]  # axes in front need not be there
        if varies and not array.varies and items:
            items.append("None")
        if "None" not in items:
            return self.own(view)
        kept = iter(found.shape)
        shape = tuple(next(kept) if item == ":" else 1 for item in items)
        while items[-1] == ":":
            items.pop()
        if array.kind != "parameters":
            return f"{self.own(view)}[{', '.join(items)}]"
        simple = found.code.count("[") == 1 and found.code.endswith("]") and len(found.shape) == 1
        text = reshaped(found.code, shape, False) if simple else f"{found.code}[{', '.join(items)}]"
        self.labels[view.key()] = name = self.named(text, lambda: self._wish(view), shape, False)
        return name

    def _wish(self, view: View, unnamed: str = "b") -> str:
        array = self.arrays[view.array]
        if array.kind == "parameters":
            return str(self._tensor_names(kept_places(view), unnamed))
        return f"{array.name}_rows" if view.index is not None else f"{array.name}_part"


def expanded(view: View, listed_only: bool = True) -> View:
    """The view by an index, none of its (listed) axes left out, where an operation needs them all."""
    upto = view.listed if listed_only else len(view.shape)
    if all(s or n == 1 for n, s in zip(view.shape[:upto], view.strides[:upto], strict=True)):
        return view
    places = np.broadcast_to(view.places(), view.shape)
    strides = tuple(1 if i < upto or s else 0 for i, s in enumerate(view.strides))
    short = tuple(slice(None) if s else slice(0, 1) for s in strides)
    return replace(view, index=np.ascontiguousarray(places[short]), strides=strides)


def kept_places(view: View) -> Any:
    """The places that a view reads, without the axes that it repeats."""
    kept = [i for i, (n, s) in enumerate(zip(view.shape, view.strides, strict=True)) if n > 1 and s]
    shape = tuple(view.shape[i] for i in kept)
    if view.index is not None:
        return view.index.reshape(shape)
    return replace(view, shape=shape, strides=tuple(view.strides[i] for i in kept)).places()


def reshaped(code: str, shape: Shape, varies: bool) -> str:
    """The code with another shape, the batch last."""
    sizes = ", ".join(map(str, (*shape, *((-1,) if varies else ()))))
    return f"{code}.reshape({sizes or '()'})"
