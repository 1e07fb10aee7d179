"""Groups of parameters: what an optimizer is given, and what it keeps of each group."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value
from engine.nested import flat
from nn.options import SCHEDULED, Options, option, shown

Array = npt.NDArray[np.float64]
State = dict[str, Array]  # an array for each thing remembered; and "steps", a float where all have made equally many
Group = dict[str, Any]  # "params", a list of Values, and the options


class Part:
    """What an optimizer keeps of one group: its options as last checked, and what is remembered of its parameters."""

    def __init__(self, group: Group, o: Options, first: Mapping[str, float]) -> None:
        self.group, self.o, self._known = group, o, dict(group)
        self.size = len(group["params"])
        self._needed = [name for name in vars(o) if name not in SCHEDULED]
        self.state: State = {name: np.full(self.size, x) for name, x in first.items()}
        self.state["steps"] = count(0.0)
        self._names: list[str | None] = []
        self._tensors: list[Hashable] = []

    def tensors(self, params: list[Value]) -> list[Hashable]:
        """Which tensor each is an entry of. To read the names takes longer than a step, so it is done once."""
        names = [v.name for v in params]
        if names != self._names:
            self._names, self._tensors = names, _tensors(params)
        return self._tensors

    def options(self, where: str, check: Callable[[Options], None]) -> Options:
        """The options of the group as attributes; checked, if they have changed.

        Raises:
            TypeError, ValueError: for an option that cannot be or is missing, or another number of parameters.
        """
        if self.group != self._known:
            given = {name: x for name, x in self.group.items() if name != "params"}
            missing = [name for name in self._needed if name not in given]
            if missing:
                raise ValueError(f"{where} has lost {', '.join(missing)}")
            try:
                o = Options(**{name: option(name, x) for name, x in given.items()})
                check(o)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{error} (in {where})") from None
            self.o, self._known = o, dict(self.group)
        params = self.group.get("params")
        if not isinstance(params, list | tuple) or len(params) != self.size:
            now = f"{len(params)}" if isinstance(params, list | tuple) else shown(params)
            raise ValueError(f"{where} had {self.size} parameters, and now has {now}")
        return self.o

    def taken(self, moved: list[int]) -> State:
        """What is remembered of some of the parameters."""
        part = {name: x[moved] if isinstance(x, np.ndarray) else x for name, x in self.state.items()}
        return part | {"steps": count(part["steps"])}

    def put(self, moved: list[int], part: State) -> None:
        """Remember something else of some of the parameters."""
        whole = {name: np.full(self.size, x) for name, x in self.state.items()}
        for name, array in whole.items():
            array[moved] = part[name]
        self.state = whole | {"steps": count(whole["steps"])}

    def read(
        self, prefix: str, saved: Mapping[str, npt.ArrayLike], faults: list[str], check: Callable[[Options], None]
    ) -> Group:
        """The options saved under the prefix; what does not fit is added to the faults."""
        options = {}
        if plain(saved.get(f"{prefix}params", self.size)) != self.size:
            faults.append(f"{prefix}params is {plain(saved[prefix + 'params'])}, and this optimizer's is {self.size}")
        try:
            for name in dict.fromkeys((*vars(self.o), *SCHEDULED)):
                if prefix + name in saved:
                    options[name] = option(prefix + name, plain(saved[prefix + name]))
            check(Options(**vars(self.o) | options))
        except (TypeError, ValueError) as error:
            faults.append(str(error))
        return options


def moving(params: list[Value], entries: Callable[[list[Value]], list[Hashable]] | None = None) -> list[int]:
    """Which parameters a step moves: those of a tensor that a gradient has reached, but for the frozen ones.

    >>> w = [Value(1.0, "w[0]"), Value(1.0, "w[1]"), Value(1.0, "b")]
    >>> w[1].backward()
    >>> moving(w)
    [0, 1]
    """
    if not all(v.has_grad for v in params):
        tensors = (entries or _tensors)(params)
        reached = {tensor for v, tensor in zip(params, tensors, strict=True) if v.has_grad}
        return [i for i, v in enumerate(params) if tensors[i] in reached and v.requires_grad]
    return [i for i, v in enumerate(params) if v.requires_grad]


# weight[2][0] -> weight[][], and of the neurons of a Layer, which are the rows of one matrix, neurons[2].w[0] ->
# neurons[].w[]; but layers[2].weight[0] -> layers[2].weight[]
_INDEX = re.compile(r"\[\d+\](?=(\[\d+\])*$)|(?<=\bneurons)\[\d+\](?=\.(w\[\d+\]|b)$)")


def _tensors(params: list[Value]) -> list[Hashable]:
    """Which tensor each is an entry of: those whose names, as a module gives them, differ in the indices alone.

    A name that is there already begins another tensor: that of a second model.

    >>> _tensors([Value(1.0, name) for name in ("w[0]", "w[1]", "b[0]", "w[0]", "w[1]")])
    [('w[]', 0), ('w[]', 0), ('b[]', 0), ('w[]', 1), ('w[]', 1)]
    """
    tensors, begun, entries = list[Hashable](), Counter[str](), defaultdict[str, set[str]](set)
    for i, v in enumerate(params):
        name = v.name or ""
        stem = _INDEX.sub("[]", name)
        if name in entries[stem]:
            begun[stem] += 1
            entries[stem].clear()
        entries[stem].add(name)
        tensors.append(i if stem == name else (stem, begun[stem]))  # no index: a tensor of one number
    return tensors


def count(steps: Any) -> Any:
    """The counts as one float, if they are equal."""
    return float(np.ravel(steps)[0]) if np.all(steps == np.ravel(steps)[0]) else steps


def plain(saved: npt.ArrayLike) -> Any:
    """What an array stands for as an option: a number, True or False, a tuple of numbers, or None if it is empty."""
    x = np.asarray(saved).tolist()
    return (tuple(x) or None) if isinstance(x, list) else x


def fitting(name: str, saved: Mapping[str, npt.ArrayLike], size: int, faults: list[str]) -> Array:
    """One number for each parameter; whole ones from 0 up, if they are the steps. If it is not, a fault is added."""
    array = np.asarray(saved.get(name, np.zeros(size)))
    if array.dtype.kind not in "fiu":
        faults.append(f"{name!r} is not an array of real numbers")
    elif array.shape != (size,):
        faults.append(f"{name!r} has shape {array.shape}, and this optimizer's is ({size},)")
    elif name == "steps" and not np.all((array >= 0.0) & (array == np.floor(array)) & np.isfinite(array)):
        faults.append("'steps' has numbers that do not count")
    else:
        return array.astype(np.float64)
    return np.zeros(size)


_GIVE = "give model.parameters()"  # the model itself is what is given most often instead


def groups(params: Any) -> list[Any]:
    """What an optimizer is given, as groups: one, if it is Values.

    Raises:
        TypeError: if it is neither a list of Values nor of groups.
    """
    if isinstance(params, Value | Mapping | str) or not isinstance(params, Iterable):
        raise TypeError(f"an optimizer takes a list of Values or of groups, not {shown(params)}; {_GIVE}")
    if isinstance(params, set | frozenset):
        raise TypeError("a set has no order that lasts; give the parameters as a list")
    given = list(params)
    return given if any(isinstance(part, Mapping) for part in given) else [{"params": given}]


def leaves(params: Any, taken: set[Value]) -> list[Value]:
    """The parameters of one group, given as Values or tensors, with names or without: none twice or among those taken.

    Raises:
        TypeError: for what is no list of Values.
        ValueError: for an empty one, a Value that is computed from others, or one that is there twice.
    """
    if isinstance(params, set | frozenset):
        raise TypeError("a set has no order that lasts; give the parameters as a list")
    if not isinstance(params, Iterable | Value):
        raise TypeError(f"the params of a group are a list of Values, not {shown(params)}; {_GIVE}")
    named = [] if isinstance(params, Value) else list(params)
    unnamed = [x[1] if isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], str) else x for x in named]
    given, seen = [params] if isinstance(params, Value) else flat(unnamed), set(taken)
    if not given:
        raise ValueError("an optimizer needs at least one parameter in each group, such as model.parameters()")
    for leaf in given:
        if not isinstance(leaf, Value):
            raise TypeError(f"an optimizer moves Values, not {shown(leaf)}; {_GIVE}")
        if leaf.parents:
            raise ValueError(f"{leaf!r} is computed from others; an optimizer moves leaves, such as model.parameters()")
        if leaf in seen:
            raise ValueError(f"{leaf!r} is given twice; a parameter has one place in one group")
        seen.add(leaf)
    return given
