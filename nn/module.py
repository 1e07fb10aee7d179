"""Module: a part of a network. It finds its parameters in its attributes, names them, saves and loads them.

    class Line(Module):
        def __init__(self):
            self.slope, self.offset = Value(1.0), Value(0.0)

        def forward(self, x):
            return self.slope * x + self.offset

An attribute that is a leaf Value, another Module, or a list or dict of these belongs to the module. An attribute
that is a NumPy array is a buffer: numbers that are saved with the module and not trained, as running means.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine import Value
from engine.nested import flat
from nn.predicting import Predicting
from nn.tensors import Array as Array
from nn.tensors import Tensor as Tensor
from nn.tensors import as_array, fitting, has_numbers, is_objects, is_tensor, tensors_in

Arrays = dict[str, Array]


class Unmatched(NamedTuple):
    """The names that only the module has, and those that only the state has."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module(Predicting):
    """A part of a network; subclass it and give it `forward`, which a call calls.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(-1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).backward()
    >>> [(name, p.grad) for name, p in line.named_parameters()]
    [('slope', 3.0), ('offset', 1.0)]
    """

    _path = ""  # where the module stands in the whole: "layers[0].neurons[3]"; "" for the whole
    training = True
    example_axes: int | None = None  # how many axes one example of the input has, where the module knows: 3 of an image
    needs_batch = False  # whether its first axis is the batch, always, as Flatten's
    joins_batch: Any = False  # whether what it gives for an example depends on the others of the batch, as batch norm's

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What the module computes. A subclass says it here, or, as in PyTorch, in `forward`."""
        forward = getattr(self, "forward", None)
        if forward is None:
            raise NotImplementedError(f"{type(self).__name__} needs a __call__ or a forward that says what it computes")
        return forward(*inputs, **options)

    # ------------------------------------------------------------------- parts and names

    def __setattr__(self, name: str, item: Any) -> None:
        if is_objects(item) and any(isinstance(v, Value) and not v.parents for v in item.flat):
            raise TypeError(f"{name} is an array of Values; parameters are nested lists of them: give array.tolist()")
        if is_tensor(vars(self).get(name)) and has_numbers(item):
            raise TypeError(
                f"{name} holds parameters, and plain numbers in their place would not be trained; give Values, or set "
                "the data of each, or load_state_dict"
            )
        object.__setattr__(self, name, item)
        _give_names(item, _join(self._path, name), _join(self._path, name))

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """(path, leaf Value) for each parameter, in the order in which the attributes were set; each once.

        >>> from nn import MLP
        >>> [name for name, _ in MLP(2, [1], seed=0).named_parameters()]
        ['layers[0].neurons[0].w[0]', 'layers[0].neurons[0].w[1]', 'layers[0].neurons[0].b']
        """
        seen: set[Value] = set()
        for path, item in _walk("", self):
            if isinstance(item, Value) and item not in seen:
                seen.add(item)
                yield path, item

    def parameters(self) -> list[Value]:
        """The leaf Values of the module and its parts."""
        found: dict[Value, None] = {}
        _gather(self, found)
        return list(found)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(path, module) for this module, with path "", and for each part; each once."""
        seen: set[int] = set()  # by identity: a module may say what equality is
        for path, module in _walk_modules("", self):
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for each part right below, names as PyTorch writes them: layers.0.

        A module whose parts have other names in PyTorch, or none, overrides this.
        """
        for name, item in vars(self).items():
            yield from _modules(name, item)

    def modules(self) -> Iterator[Module]:
        """This module and all its parts, each once."""
        return (module for _, module in self.named_modules())

    def children(self) -> Iterator[Module]:
        """The parts right below."""
        return (module for _, module in self.named_children())

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call fn with each part and then with this module, to give weights other beginnings; gives the module.

        >>> from nn import Linear, Sequential, init
        >>> def begin(m):
        ...     if isinstance(m, Linear):
        ...         init.zeros_(m.bias)
        >>> Sequential(Linear(2, 3), Linear(3, 1)).apply(begin).state_dict()["1.bias"]
        array([0.])
        """
        for module in reversed(list(self.modules())):
            fn(module)
        return self

    def name_nodes(self, tensor: Tensor, name: str) -> Tensor:
        """The tensor, each of its nodes named by its place in the module: fc.out[0]. Nodes that have a name keep it."""
        _name_nodes(tensor, self.place(name))
        return tensor

    def place(self, name: str) -> str:
        """The full name of something in the module: fc.mask."""
        return _join(self._path, name)

    def train(self, mode: bool = True) -> Self:
        """Set training mode, here and in all parts: dropout drops, batch norm uses its batch."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, here and in all parts."""
        return self.train(False)

    # ---------------------------------------------------------------------------- gradients

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters; with set_to_none=False those that are there become 0."""
        for parameter in self.parameters():
            if set_to_none or parameter.has_grad:
                parameter.grad = None if set_to_none else 0.0

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Freeze all parameters (False): they take no gradient. Or thaw them (True)."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    # ------------------------------------------------------------------------ saving, loading

    def tensors(self) -> dict[str, Tensor]:
        """The module's own parameters as nested lists of Values, each list under one name.

        A dict, or a list that holds other things too, gives each of its tensors a name: scales.a, parts.0. A module
        that keeps its parameters in another form than it saves them overrides this.
        """
        return dict(tensor for name, item in vars(self).items() for tensor in tensors_in(name, item))

    def state_dict(self) -> Arrays:
        """All numbers of the module, buffers too, as arrays (copies), under PyTorch's names and in its shapes.

        >>> from nn import MLP
        >>> {name: array.shape for name, array in MLP(2, [3, 1], seed=0).state_dict().items()}
        {'layers.0.weight': (3, 2), 'layers.0.bias': (3,), 'layers.1.weight': (1, 3), 'layers.1.bias': (1,)}
        """
        return {
            name: item.copy() if isinstance(item, np.ndarray) else as_array(item, lambda v: v.data)
            for name, item in self._state().items()
        }

    def grad_dict(self) -> Arrays:
        """The gradients of all parameters in the form of `state_dict`; 0 where none has arrived."""
        return {name: as_array(tensor, lambda v: float(v.grad)) for name, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike], strict: bool = True) -> Unmatched:
        """Set all numbers of the module from arrays: all of them, or on any error none.

        With strict=False the names that both have are set, and the others stay; gives the names of these.

        Raises:
            ValueError: for a missing or unexpected name, or a shape that differs; it names each.
            TypeError: if the state is no dict.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict of arrays, as state_dict() gives it, not {type(state).__name__}")
        own = self._state()
        unmatched = Unmatched([name for name in own if name not in state], [name for name in state if name not in own])
        faults = [f"missing {name!r}" for name in unmatched.missing_keys if strict]
        faults += [f"unexpected {name!r}" for name in unmatched.unexpected_keys if strict]
        arrays = {name: fitting(name, state[name], item, faults) for name, item in own.items() if name in state}
        if faults:
            raise ValueError(f"the state does not fit {type(self).__name__}: {'; '.join(faults)}. Nothing was changed")
        for name, array in arrays.items():
            if isinstance(own[name], np.ndarray):
                own[name][...] = array
            else:
                for value, number in zip(flat(own[name]), array.ravel().tolist(), strict=True):
                    value.data = number
        return unmatched

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) of the parameters, here and in the parts; names as PyTorch writes them: layers.0.weight."""
        return ((name, item) for name, item in self._state().items() if not isinstance(item, np.ndarray))

    def _state(self) -> dict[str, Tensor | Array]:
        """All tensors and buffers by name. Two of one name are refused: a file would hold one of them."""
        state: dict[str, Tensor | Array] = {}
        for name, item in self._named_state():
            if name in state:
                raise ValueError(f"{type(self).__name__} has two tensors of the name {name!r}; rename one of the parts")
            state[name] = item
        return state

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Tensor | Array]]:
        """(PyTorch's name, tensor or buffer), here and in all parts."""
        buffers = {n: x for n, x in vars(self).items() if isinstance(x, np.ndarray) and not is_objects(x)}
        for name, item in (self.tensors() | buffers).items():
            yield prefix + name, item
        for name, part in self.named_children():
            yield from part._named_state(f"{prefix}{name}.")

    # ------------------------------------------------------------------------------ printing

    def extra_repr(self) -> str:
        """What stands in the parentheses when the module is printed: its sizes. A subclass says it."""
        return ""

    def __repr__(self) -> str:
        parts = [f"({name}): {part!r}" for name, part in self.named_children()]
        sizes = self.extra_repr()
        if not parts:
            return f"{type(self).__name__}({sizes})"
        inside = [*([sizes] if sizes else []), *parts]
        return f"{type(self).__name__}(\n{textwrap.indent(chr(10).join(inside), '  ')}\n)"


# ------------------------------------------------------------------------------ walking


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _entries(path: str, item: Any) -> Iterator[tuple[str, Any]]:
    """What an attribute holds, one level down, with Python's path to it."""
    if isinstance(item, Module):
        for name, part in vars(item).items():
            yield _join(path, name), part
    elif isinstance(item, list | tuple):
        for i, part in enumerate(item):
            yield f"{path}[{i}]", part
    elif isinstance(item, dict):
        for key, part in item.items():
            yield f"{path}[{key!r}]", part


def _walk(path: str, item: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf Value and every Module in a module (itself first), a list or a dict, each with its path."""
    if isinstance(item, Module):
        yield path, item
    for inner, part in _entries(path, item):
        if not isinstance(part, Value):
            yield from _walk(inner, part)
        elif not part.parents:
            yield inner, part


def _walk_modules(path: str, item: Any) -> Iterator[tuple[str, Module]]:
    """The modules of `_walk`; no path is written to a Value, of which there may be many."""
    if isinstance(item, Module):
        yield path, item
    if isinstance(item, list | tuple):
        for i, part in enumerate(item):
            if isinstance(part, _HOLDERS):
                yield from _walk_modules(f"{path}[{i}]", part)
    else:
        for inner, part in _entries(path, item):
            if isinstance(part, _HOLDERS):
                yield from _walk_modules(inner, part)


def _gather(item: Any, found: dict[Value, None]) -> None:
    """The leaf Values of `_walk` without their paths, which take several times as long to write."""
    if isinstance(item, Value):
        if not item.parents:
            found[item] = None
    elif isinstance(item, Module | dict):
        for part in (vars(item) if isinstance(item, Module) else item).values():
            _gather(part, found)
    elif isinstance(item, list | tuple):
        for part in item:
            _gather(part, found)


def _modules(name: str, item: Any) -> Iterator[tuple[str, Module]]:
    """The modules right below an attribute, with PyTorch's name: layers.0."""
    if isinstance(item, Module):
        yield name, item
    elif isinstance(item, list | tuple | dict):
        for key, part in item.items() if isinstance(item, dict) else enumerate(item):
            yield from _modules(f"{name}.{key}", part)


def _give_names(item: Any, old: str, new: str) -> None:
    """Name the leaves in an attribute by their path, unless the user has named them."""
    if isinstance(item, Value):
        if not item.parents and item.name in (None, old):
            item.name = new
    elif isinstance(item, Module):
        old = item._path
        object.__setattr__(item, "_path", new)
        for name, part in vars(item).items():
            _give_names(part, _join(old, name), _join(new, name))
    else:
        for (before, part), (after, _) in zip(_entries(old, item), _entries(new, item), strict=True):
            _give_names(part, before, after)


def _name_nodes(tensor: Tensor, name: str) -> None:
    if isinstance(tensor, Value):
        if tensor.name is None and tensor.parents:
            tensor.name = name
    elif isinstance(tensor, list | tuple):
        for i, part in enumerate(tensor):
            _name_nodes(part, f"{name}[{i}]")


_HOLDERS = (Module, list, tuple, dict)
