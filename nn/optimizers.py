"""Optimizers: one rule on arrays each.

    optimizer = Adam([{"params": encoder.parameters(), "lr": 1e-4}, {"params": head.parameters()}], lr=1e-3)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()                # for Values
    p = optimizer.update(p, g)      # the same for arrays: a vectorized program uses this

The rule sees nothing but arrays, so that it serves whatever computed the gradients. This file has what all optimizers
share, and SGD; those that suit the step to each parameter are in adaptive.py.

Glossary: p numbers of the parameters, g their gradients, o the options of their group, t how many steps they made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value
from nn.options import SCHEDULED, Options, option, shown
from nn.param_groups import Array, Group, Part, State, count, fitting, groups, leaves, moving


class Optimizer:
    """Moves parameters against their gradients; a subclass gives `rule`, and in `memory` the names of what it keeps.

    `params` is Values, also in nested lists as `layer.weight`, or groups of them with options of their own:
    {"params": [...], "lr": 0.1}. `param_groups` is the list of these groups, the one place where options live; what
    is set there by hand is checked at the next step.

    Three things are done before any rule. `maximize` turns g round. Weight decay λ adds λ·p to g; a decoupled one
    takes p·(1 − lr·λ) for p instead (Loshchilov & Hutter 2019).

    As in PyTorch, a parameter without a gradient, or a frozen one, stays as it is, and so does what is remembered of
    it. But a gradient belongs to a whole tensor: where it has reached one row of an embedding, it is 0 for the others,
    which momentum and weight decay then move. The entries of a tensor are told by the names that a module gives them:
    weight[0][0], weight[0][1], ...; in a Layer, neurons[0].w[0], neurons[1].w[0], ...

    Raises:
        TypeError: for parameters that are not Values, or an option of the wrong type.
        ValueError: for no parameters, one that is not a leaf or is there twice, or an option out of its range.

    >>> class SignDescent(Optimizer):
    ...     def rule(self, p, g, state, o):
    ...         return p - o.lr * np.sign(g)
    >>> p = Value(3.0)
    >>> optimizer = SignDescent([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> p.data
    2.75
    """

    memory: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Any], lr: float, *, maximize: bool = False, **options: Any) -> None:
        named = {"lr": lr, **options, "maximize": maximize}
        self.defaults = {name: option(name, given) for name, given in named.items()}
        self.param_groups: list[Group] = []
        self._parts: list[Part] = []
        for group in groups(params):
            self.add_param_group(group)

    # ------------------------------------------------------------------- what a subclass says

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """The new numbers, from the numbers p and their gradients g; arrays of one shape (n,).

        `state` has an array of that shape for each name in `memory`, to be replaced by the new ones, and
        state["steps"], which counts from 1: a float where all parameters have moved equally often, else an array.
        `o` has the options of the group as attributes.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a rule(p, g, state, o)")

    def first(self, name: str, o: Options) -> float:
        """What is remembered under that name before the first step."""
        return 0.0

    def check(self, o: Options) -> None:
        """Refuse options that do not go together, by a ValueError."""

    # ------------------------------------------------------------------------------ moving

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; call a closure before, and give what it gives, the loss."""
        loss = None if closure is None else closure()
        for part, o in self._ready():
            values = part.group["params"]
            moved = moving(values, part.tensors)
            if not moved:
                continue
            p = np.array([values[i].data for i in moved])
            g = np.array([float(values[i].grad) for i in moved])
            if len(moved) == part.size:
                p = self._moved(p, g, part.state, o)
            else:
                state = part.taken(moved)
                p = self._moved(p, g, state, o)
                part.put(moved, state)
            for i, x in zip(moved, p.tolist(), strict=True):
                values[i].data = x
        return loss

    def update(self, p: npt.ArrayLike, g: npt.ArrayLike, moved: npt.NDArray[np.bool_] | None = None) -> Array:
        """The new numbers of all parameters, from their numbers p and gradients g, in the order of `parameters`.

        It is the step for arrays: the same rule, and the same memory. The Values stay as they are. Where `moved` is
        False, a parameter stays as it is, and so does what is remembered of it; None moves all.

        Raises:
            ValueError: if p or g is not of shape (number of parameters,).

        >>> optimizer = SGD([Value(0.0), Value(0.0)], lr=0.5)
        >>> optimizer.update([1.0, 2.0], [2.0, 0.0])
        array([0., 2.])
        """
        ready = self._ready()
        sizes = [part.size for part, _ in ready]
        p, g = _flat("p", p, sum(sizes)), _flat("g", g, sum(sizes))
        if moved is None or moved.all():
            if len(ready) == 1:
                return self._moved(p, g, ready[0][0].state, ready[0][1])
            moved = np.ones(len(p), bool)
        ends = np.cumsum(sizes)[:-1]
        split = zip(ready, np.split(p, ends), np.split(g, ends), np.split(moved, ends), strict=True)
        return np.concatenate([self._some_moved(p, g, m, part, o) for (part, o), p, g, m in split])

    def _some_moved(self, p: Array, g: Array, moved: npt.NDArray[np.bool_], part: Part, o: Options) -> Array:
        """The new numbers of a group; those that do not move, and their memory, as before."""
        if moved.all():
            return self._moved(p, g, part.state, o)
        places, new = np.flatnonzero(moved).tolist(), p.copy()
        if places:
            state = part.taken(places)
            new[places] = self._moved(p[places], g[places], state, o)
            part.put(places, state)
        return new

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients; with set_to_none=False those that are there become 0, and a step still moves them."""
        for parameter in self.parameters:
            if set_to_none or parameter.has_grad:
                parameter.grad = None if set_to_none else 0.0

    def _moved(self, p: Array, g: Array, state: State, o: Options) -> Array:
        state["steps"] = state["steps"] + 1.0
        with np.errstate(all="ignore"):  # what overflows is inf, as everywhere
            if o.maximize:
                g = -g
            if getattr(o, "weight_decay", 0.0):
                if getattr(o, "decoupled_weight_decay", False):
                    p = p * (1.0 - o.lr * o.weight_decay)
                else:
                    g = g + o.weight_decay * p
            return self.rule(p, g, state, o)

    # ------------------------------------------------------------------- groups and options

    @property
    def parameters(self) -> list[Value]:
        """All parameters, group by group."""
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate, of the first group where there are several; to set it sets that of every group."""
        return self.param_groups[0]["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, rate: float) -> None:
        rate = option("lr", rate)
        for group in self.param_groups:
            group["lr"] = rate

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Take another group of parameters, with options of its own; the others are those of the optimizer.

        Raises:
            TypeError, ValueError: as the optimizer itself; and for an option that it does not have.
        """
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(f"a group is a dict with 'params' and options, not {shown(param_group)}")
        params = leaves(param_group["params"], set(self.parameters))
        own = {name: given for name, given in param_group.items() if name != "params"}
        for name in own:
            if name not in self.defaults and name not in SCHEDULED:
                raise ValueError(f"{type(self).__name__} has no option {name!r}; it has {', '.join(self.defaults)}")
        o = Options(**self.defaults | {name: option(name, given) for name, given in own.items()})
        self.check(o)
        group = {"params": params} | vars(o)
        self._parts.append(Part(group, o, {name: self.first(name, o) for name in self.memory}))
        self.param_groups.append(group)

    def _ready(self) -> list[tuple[Part, Options]]:
        """Each group with its options; these are checked if they have changed."""
        if list(map(id, self.param_groups)) != [id(part.group) for part in self._parts]:
            raise ValueError("param_groups has other groups than it had; add_param_group adds one, and none can go")
        return [(part, part.options(f"param_groups[{i}]", self.check)) for i, part in enumerate(self._parts)]

    def __repr__(self) -> str:
        def said(group: Group) -> str:
            options = ", ".join(f"{name}={x!r}" for name, x in group.items() if name != "params")
            n = len(group["params"])
            return f"{n} parameter{'s' * (n > 1)}, {options}"

        groups = [said(group) for group in self.param_groups]
        if len(groups) == 1:
            return f"{type(self).__name__}({groups[0]})"
        lines = "".join(f"  (group {i}): {text}\n" for i, text in enumerate(groups))
        return f"{type(self).__name__}(\n{lines})"

    # ------------------------------------------------------------------------ saving, loading

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """All that is remembered and all options, as arrays (copies), to be saved beside a model.

        `steps` and each name in `memory` have shape (number of parameters,); groups.0.params is how many
        parameters group 0 has, groups.0.lr its rate, and so on; None is an empty array.

        >>> list(SGD([Value(1.0)], lr=0.5).state_dict())[:4]
        ['steps', 'momentum_buffer', 'groups.0.params', 'groups.0.lr']
        """
        ready = self._ready()
        state = {
            name: np.concatenate([np.full(part.size, part.state[name]) for part, _ in ready])
            for name in ("steps", *self.memory)
        }
        for i, (part, o) in enumerate(ready):
            state[f"groups.{i}.params"] = np.array(part.size)
            state |= {f"groups.{i}.{name}": np.array([] if x is None else x) for name, x in vars(o).items()}
        return state

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Remember what `state_dict` has saved, and take its options: all of it, or on any error nothing.

        Raises:
            ValueError: for a missing or unexpected name, a shape or size of a group that differs, or an option
                that cannot be; it names each.
            TypeError: for what is no dict.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict of arrays, as state_dict gives it, not {shown(state)}")
        own, faults = self.state_dict(), list[str]()
        optional = {f"groups.{i}.{name}" for i in range(len(self._parts)) for name in SCHEDULED}
        faults += [f"missing {name!r}" for name in own if name not in state and name not in optional]
        faults += [f"unexpected {name!r}" for name in state if name not in own and name not in optional]
        kept = {name: fitting(name, state, own[name].size, faults) for name in ("steps", *self.memory)}
        changes = [part.read(f"groups.{i}.", state, faults, self.check) for i, part in enumerate(self._parts)]
        if faults:
            raise ValueError(f"the state does not fit {type(self).__name__}: {'; '.join(faults)}. Nothing was changed")
        ends = np.cumsum([part.size for part in self._parts])[:-1]
        for name, array in kept.items():
            for part, split in zip(self._parts, np.split(array, ends), strict=True):
                part.state[name] = count(split) if name == "steps" else split
        for part, options in zip(self._parts, changes, strict=True):
            part.group.update(options)


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − lr·g.

    With momentum μ and dampening τ: v ← μ·v + (1 − τ)·g (at first v ← g), p ← p − lr·v; with nesterov
    p ← p − lr·(g + μ·v). (Sutskever et al. 2013, as PyTorch has it.)

    Raises:
        ValueError: for nesterov without momentum or with dampening, and as every optimizer.

    >>> p = Value(1.0)
    >>> optimizer = SGD([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> p.data
    0.5
    """

    memory = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check(self, o: Options) -> None:
        """Nesterov looks ahead along the momentum."""
        if o.nesterov and (o.momentum == 0.0 or o.dampening != 0.0):
            raise ValueError("nesterov needs a momentum and no dampening")

    def rule(self, p: Array, g: Array, state: State, o: Options) -> Array:
        """p − lr·g, or with momentum p − lr·v."""
        if o.momentum:
            damped = 1.0 - o.dampening * (state["steps"] > 1.0)  # the first gradient is taken whole
            v = state["momentum_buffer"] = o.momentum * state["momentum_buffer"] + damped * g
            g = g + o.momentum * v if o.nesterov else v
        return p - o.lr * g


def _flat(name: str, numbers: npt.ArrayLike, size: int) -> Array:
    array = np.asarray(numbers, dtype=np.float64)
    if array.shape != (size,):
        raise ValueError(f"{name} has shape {array.shape}, and the optimizer's parameters make ({size},)")
    return array
