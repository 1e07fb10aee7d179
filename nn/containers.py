"""Modules that hold modules, and those that only give numbers another shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from engine.nested import shape as shape_of
from nn.module import Module
from nn.options import shown
from nn.shapes import over, values, whole


class Sequential(Module):
    """fₙ(... f₂(f₁(x))): modules one after the other, given in a row or as a dict of names.

    Whether x is one example or a batch says the first module that knows how many axes its input has; `Flatten`, which
    cannot know, then gets one example as a batch of one. `model[0]` is a part, `model[:-1]` a Sequential of some (the
    same modules), `len(model)` how many there are; a part with a name is `model.head`. `model[-1] = Linear(8, 2)` and
    `model.head = Linear(8, 2)` put another in its place. In files the parts have PyTorch's names, 0.weight.

    Raises:
        TypeError: for a part that is not a module.

    >>> from nn import Linear, Tanh
    >>> model = Sequential(Linear(2, 3, seed=0), Tanh(), Linear(3, 1, seed=1))
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    >>> list(model.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        first = modules[0] if len(modules) == 1 else None
        named: dict[str, Any] = (
            dict(first) if isinstance(first, Mapping) else {str(i): m for i, m in enumerate(modules)}
        )
        for name, module in named.items():
            if not isinstance(module, Module):
                raise TypeError(f"Sequential takes modules, and part {name} is {shown(module)}; {_cure(module)}")
        self.layers: list[Module] = list(named.values())
        self.names = list(named)
        self._learn_axes()

    def _learn_axes(self) -> None:
        # A norm that needs a batch keeps the axes, and what follows it can still tell; after Flatten it is too late.
        telling = (
            m
            for m in self.layers
            if m.example_axes is not None or (m.needs_batch and isinstance(m, Flatten | Sequential))
        )
        self.example_axes = next((m.example_axes for m in telling), None)
        self.needs_batch = self.example_axes is None and any(m.needs_batch for m in self.layers)

    def __getattr__(self, name: str) -> Module:
        names = vars(self).get("names", [])  # a copy that is being made has none yet
        if name not in names:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}, and no part of that name")
        part: Module = self.layers[names.index(name)]
        return part

    def __setattr__(self, name: str, item: Any) -> None:
        own = name in vars(self) or hasattr(type(self), name)
        if own or name not in vars(self).get("names", ()):
            super().__setattr__(name, item)
            return
        self[self.names.index(name)] = item

    def forward(self, x: Any) -> Any:
        """Each module on what the one before it gives."""
        shape = shape_of(x)
        single = shape is not None and len(shape) == self.example_axes
        for layer in self.layers:
            x = layer([x])[0] if single and layer.needs_batch else layer(x)
        return x

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules under their names: "0", "1", ... or those of the dict; then what else a subclass holds."""
        yield from zip(self.names, self.layers, strict=True)
        yield from (part for part in super().named_children() if not part[0].startswith("layers."))

    def __getitem__(self, index: int | slice) -> Module:
        if not isinstance(index, slice):
            part: Module = self.layers[index]
            return part
        some = Sequential()
        for name in ("layers", "names"):  # set past __setattr__: the modules keep their place in the whole
            object.__setattr__(some, name, vars(self)[name][index])
        some._learn_axes()
        return some

    def __setitem__(self, index: int, module: Module) -> None:
        place = range(len(self))[whole("the place in a Sequential", index)]
        if not isinstance(module, Module):
            raise TypeError(f"the part {self.names[place]!r} of a Sequential is a module, not {shown(module)}")
        self.layers = [*self.layers[:place], module, *self.layers[place + 1 :]]
        self._learn_axes()

    def append(self, module: Module) -> Self:
        """Put a module at the end, under the name of its place; gives the model."""
        if not isinstance(module, Module):
            raise TypeError(f"Sequential takes modules, and got {shown(module)}; {_cure(module)}")
        self.layers, self.names = [*self.layers, module], [*self.names, str(len(self))]
        self._learn_axes()
        return self

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)


class Flatten(Module):
    """The axes from start_dim to end_dim as one: (batch, channels, height, width) becomes (batch, all the others).

    As in PyTorch the first axis is the batch and stays; `Flatten(0)` flattens one example that stands alone.

    Raises:
        ValueError: for an input that has no such axes, or rows of different lengths.

    >>> shape_of(Flatten()([[[1.0, 2.0], [3.0, 4.0]]] * 5))
    (5, 4)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = whole("start_dim", start_dim), whole("end_dim", end_dim)
        self.needs_batch = start_dim > 0

    def forward(self, x: Any) -> Any:
        """x with those axes as one."""
        x = values(x)
        shape = shape_of(x)
        if shape is None:
            raise ValueError(f"{self!r} takes a full array, and got rows of different lengths")
        start, end = (d + len(shape) if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < len(shape):
            wanted = f"shape with axes {self.start_dim} to {self.end_dim}"
            raise ValueError(f"{self!r} takes a {wanted} (for one example alone: Flatten(0)), and got shape {shape}")

        def flattened(part: Any) -> Any:
            return _in_rows(part, end - start)

        return over(flattened, x, start)

    def extra_repr(self) -> str:
        """Its axes, as PyTorch prints them."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """x itself: a part that does nothing, where one is asked for. As in PyTorch it takes any arguments.

    >>> Identity()([1.0, 2.0])
    [1.0, 2.0]
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Whatever the module took in whose place it stands."""

    def forward(self, x: Any) -> Any:
        """x."""
        return x


def _cure(given: Any) -> str:
    """What to do about something that is no module."""
    if isinstance(given, type) and issubclass(given, Module):
        return f"make one of this class: {given.__name__}(...)"
    if isinstance(given, list | tuple):
        return "give what is in it: Sequential(*modules)"
    return "of a function make a Module"


def _in_rows(part: Any, axes: int) -> list[Any]:
    """A nested list with its first axis and the next `axes` made one."""
    for _ in range(axes):
        part = [inner for row in part for inner in row]
    return part  # type: ignore[no-any-return]
