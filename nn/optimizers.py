"""Optimizers: one rule on arrays each.

An optimizer reads the gradients of its parameters into one array, asks its rule for the new numbers, and writes
these back. The rule sees nothing but arrays, so that it serves whatever computed the gradients.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine import Value

Array = npt.NDArray[np.float64]


class Optimizer:
    """Moves parameters against their gradients; a subclass gives `rule`, and in `memory` the names of what it keeps.

    As in PyTorch, a parameter without a gradient, or a frozen one, stays as it is, and so does what is
    remembered of it. `lr` is the learning rate, and may be set at any time.

    Raises:
        ValueError: for no parameters, or a rate that is not a finite number from 0 up.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs at least one parameter, such as model.parameters()")
        self.lr = at_least_0("lr", lr)
        n = len(self.parameters)
        self.state: dict[str, Array] = {name: np.zeros(n) for name in ("steps", *self.memory)}

    def rule(self, p: Array, g: Array, state: dict[str, Array]) -> Array:
        """The new numbers, from the numbers p and their gradients g; arrays of one shape (n,).

        `state` has an array of that shape for each name in `memory`, zeros at first, to be replaced by the
        new ones, and `steps`, which counts from 1.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a rule(p, g, state)")

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [i for i, v in enumerate(self.parameters) if v.has_grad and v.requires_grad]
        p = np.array([self.parameters[i].data for i in moved])
        g = np.array([float(self.parameters[i].grad) for i in moved])
        state = {name: array[moved] for name, array in self.state.items()}
        state["steps"] += 1
        for i, number in zip(moved, self.rule(p, g, state).tolist(), strict=True):
            self.parameters[i].data = number
        for name, array in state.items():
            self.state[name][moved] = array

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − lr·g.

    With momentum μ and dampening τ: v ← μ·v + (1 − τ)·g (at first v ← g), p ← p − lr·v; with nesterov
    p ← p − lr·(g + μ·v). Weight decay λ adds λ·p to g first. (Sutskever et al. 2013, as PyTorch has it.)

    Raises:
        ValueError: for a negative number, or nesterov without momentum or with dampening.

    >>> p = Value(1.0)
    >>> optimizer = SGD([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> p.data
    0.5
    """

    memory = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = at_least_0("momentum", momentum)
        self.weight_decay = at_least_0("weight_decay", weight_decay)
        self.dampening, self.nesterov = dampening, nesterov
        if nesterov and (momentum == 0.0 or dampening != 0.0):
            raise ValueError("nesterov needs a momentum and no dampening")

    def rule(self, p: Array, g: Array, state: dict[str, Array]) -> Array:
        """p − lr·g, or with momentum p − lr·v."""
        g = g + self.weight_decay * p
        if self.momentum:
            later = self.momentum * state["velocity"] + (1.0 - self.dampening) * g
            state["velocity"] = np.where(state["steps"] == 1, g, later)
            g = g + self.momentum * state["velocity"] if self.nesterov else state["velocity"]
        return p - self.lr * g


def at_least_0(name: str, number: float) -> float:
    """The number, if it is finite and not negative; else a ValueError that says so."""
    if not 0.0 <= number < np.inf:
        raise ValueError(f"{name} is a number from 0 up, not {number!r}")
    return number
