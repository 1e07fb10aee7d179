"""Activations: as layers, under PyTorch's names, and by name for a neuron or a layer.

    nn.ReLU()(x)                         # x of any shape
    nn.MLP(2, [16, 1], activation="relu")

By name there is every operation of one operand in the engine's table, the four below that are put together from it, and
"linear" for none. Those of a whole list, softmax and log_softmax, have a table of their own: a layer takes them, a
neuron cannot.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable
from typing import Any

import engine
from engine import TABLE, Value, greater, greater_equal, less_equal, log_softmax, sigmoid, softmax, where
from engine.nested import flat, rebuilt
from engine.nested import shape as shape_of
from nn.module import Module
from nn.shapes import count, over, values
from nn.softmax import LogSoftmax, Softmax

Activation = Callable[[Value], Value]


def linear(z: Value) -> Value:
    """z itself."""
    return z


# ------------------------------------------------------------------- put together from the engine's operations
# Outside the bounds the slope is 0, and, as in PyTorch, at the bounds, too: there `engine.clip` has slope 1.


def hardtanh(x: Value, min_val: float = -1.0, max_val: float = 1.0) -> Value:
    """x kept within min_val and max_val; at the bounds the slope is 0."""
    return where(less_equal(x, min_val), min_val, where(greater_equal(x, max_val), max_val, x))  # type: ignore[no-any-return]


def relu6(x: Value) -> Value:
    """min(max(0, x), 6); at 0 and at 6 the slope is 0."""
    return hardtanh(x, 0.0, 6.0)


def hardsigmoid(x: Value) -> Value:
    """relu6(x + 3) / 6."""
    return relu6(x + 3.0) / 6.0


def hardswish(x: Value) -> Value:
    """x · relu6(x + 3) / 6."""
    return x * relu6(x + 3.0) / 6.0


# ------------------------------------------------------------------- by name


def _of_one_operand(function: Any) -> bool:
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return len(needed) == 1 and needed[0].name == "x"


_OF_ENGINE = {name: getattr(engine, name) for name in TABLE if hasattr(engine, name)}  # the user may have added others
ACTIVATIONS: dict[str, Activation] = (
    {"linear": linear}
    | {name: function for name, function in _OF_ENGINE.items() if _of_one_operand(function)}
    | {"hardtanh": hardtanh, "relu6": relu6, "hardsigmoid": hardsigmoid, "hardswish": hardswish}
)
_ALSO = {"logsigmoid": "log_sigmoid", "swish": "silu", "identity": "linear"}  # other names that people know them by
OF_LISTS: dict[str, Callable[[list[Value]], list[Value]]] = {"softmax": softmax, "log_softmax": log_softmax}


def named_activation(name: str | Activation | None) -> tuple[str, Activation]:
    """(name, function) of an activation given by name, as a function of one Value, or as None for linear.

    Raises:
        ValueError: if there is none of that name; it gives the nearest.

    >>> named_activation("relu")[1](Value(-2.0)).data
    0.0
    """
    if name is None:
        return "linear", linear
    if callable(name):
        return getattr(name, "__name__", type(name).__name__), name
    name = _ALSO.get(name, name)
    if name in OF_LISTS:
        raise ValueError(f"{name} needs all the outputs of a layer: give it to a Layer or an MLP, not to a neuron")
    if name not in ACTIVATIONS:
        raise ValueError(_unknown(name, [*ACTIVATIONS, *OF_LISTS], "relu, tanh, sigmoid, linear"))
    return name, ACTIVATIONS[name]


def _unknown(name: Any, known: list[str], examples: str) -> str:
    near = difflib.get_close_matches(str(name), known, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; for example {examples}"
    return f"there is no activation {name!r}{hint}"


# ------------------------------------------------------------------- layers of one number each


class Elementwise(Module):
    """f(x) of every number of x: of a Value, a list, or nested lists of any shape. A subclass gives `function`.

    >>> out = Tanh()([[0.0, 1.0], [2.0, 3.0]])
    >>> out[1][0].name, out[1][0].data == math.tanh(2.0)
    ('out[1][0]', True)
    """

    function: Activation

    def forward(self, x: Any) -> Any:
        """f of each number, in the same lists."""
        x = values(x)
        out = rebuilt(x, [self.function(v) for v in flat(x)])
        return self.name_nodes(out, "out")

    def extra_repr(self) -> str:
        """Its options: all that it has of its own."""
        options = {name: option for name, option in vars(self).items() if name not in ("_path", "training")}
        return ", ".join(f"{name}={option!r}" for name, option in options.items())


class _InPlace(Elementwise):
    """One that PyTorch can run in place. The argument is taken, and changes nothing: a Value is never overwritten."""

    def __init__(self, inplace: bool = False) -> None:
        pass


class ReLU(_InPlace):
    """max(0, x) (Nair & Hinton 2010; Glorot et al. 2011). At 0 the slope is 0.

    >>> [v.data for v in ReLU()([-1.0, 0.0, 2.0])]
    [0.0, 0.0, 2.0]
    """

    function = staticmethod(engine.relu)


class SELU(_InPlace):
    """λx for x > 0, else λα(eˣ − 1), with λ = 1.0507 and α = 1.6733 (Klambauer et al. 2017). At 0 the slope is λα."""

    function = staticmethod(engine.selu)


class SiLU(_InPlace):
    """x · sigmoid(x), also called swish (Elfwing et al. 2018; Ramachandran et al. 2017)."""

    function = staticmethod(engine.silu)


class Mish(_InPlace):
    """x · tanh(ln(1 + eˣ)) (Misra 2019)."""

    function = staticmethod(engine.mish)


class Sigmoid(Elementwise):
    """1 / (1 + e⁻ˣ), in (0, 1): the logistic function (Verhulst 1845)."""

    function = staticmethod(engine.sigmoid)


class LogSigmoid(Elementwise):
    """ln(1 / (1 + e⁻ˣ)), at most 0, finite also where the sigmoid is 0 to the last digit (Verhulst 1845)."""

    function = staticmethod(engine.log_sigmoid)


class Tanh(Elementwise):
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), in (−1, 1); as an activation LeCun et al. 1998."""

    function = staticmethod(engine.tanh)


class Softsign(Elementwise):
    """x / (1 + |x|), in (−1, 1) (Bergstra et al. 2009)."""

    function = staticmethod(engine.softsign)


class ReLU6(_InPlace):
    """min(max(0, x), 6) (Krizhevsky 2010). At 0 and at 6 the slope is 0."""

    function = staticmethod(relu6)


class Hardsigmoid(_InPlace):
    """min(max(0, x + 3), 6) / 6: a sigmoid of three straight lines (Courbariaux et al. 2015). At ±3 the slope is 0."""

    function = staticmethod(hardsigmoid)


class Hardswish(_InPlace):
    """x · min(max(0, x + 3), 6) / 6 (Howard et al. 2019). At −3 the slope is 0, at 3 it is 1."""

    function = staticmethod(hardswish)


class Hardtanh(Elementwise):
    """x kept within min_val and max_val (Collobert 2004). At the bounds the slope is 0.

    Raises:
        ValueError: unless min_val < max_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        if not min_val < max_val:
            raise ValueError(f"Hardtanh needs min_val < max_val, and got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def function(self, x: Value) -> Value:
        """The same for one number."""
        return hardtanh(x, self.min_val, self.max_val)


class LeakyReLU(Elementwise):
    """x for x > 0, else negative_slope · x (Maas et al. 2013). At 0 the slope is that of the left side."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def function(self, x: Value) -> Value:
        """The same for one number."""
        return engine.leaky_relu(x, self.negative_slope)  # type: ignore[no-any-return]


class ELU(Elementwise):
    """x for x > 0, else α(eˣ − 1) (Clevert et al. 2016). At 0 the slope is α."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def function(self, x: Value) -> Value:
        """The same for one number."""
        return engine.elu(x, self.alpha)  # type: ignore[no-any-return]


class GELU(Elementwise):
    """x · Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016).

    approximate="tanh" is their approximation x · (1 + tanh u) / 2 with u = √(2/π) · (x + 0.044715 x³). It is computed
    as x · sigmoid(2u), the same number, which keeps its digits where 1 + tanh u cancels.

    Raises:
        ValueError: for another approximation than "none" or "tanh".
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU is approximated by 'none' or 'tanh', not by {approximate!r}")
        self.approximate = approximate

    def function(self, x: Value) -> Value:
        """The same for one number."""
        if self.approximate == "none":
            return engine.gelu(x)
        return x * sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))


class Softplus(Elementwise):
    """ln(1 + e^(βx)) / β, and x itself where βx > threshold, as in PyTorch (Dugas et al. 2001).

    Beyond a threshold of 20 the two differ by less than 2.1e-9/β; threshold=inf gives all digits, and cannot overflow.

    Raises:
        ValueError: for beta = 0.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if beta == 0:
            raise ValueError("Softplus divides by beta, and got 0")
        self.beta, self.threshold = beta, threshold

    def function(self, x: Value) -> Value:
        """The same for one number."""
        z = self.beta * x
        return where(greater(z, self.threshold), x, engine.softplus(z) / self.beta)  # type: ignore[no-any-return]


class PReLU(Module):
    """x for x > 0, else a · x, where a is learned (He et al. 2015); a begins at `init`. At 0 the slope is a.

    One parameter is shared by all. With one for each channel, x is (channels,) or (batch, channels, ...).

    Raises:
        ValueError: for an input with another number of channels.

    >>> [v.data for v in PReLU(2)([-1.0, -2.0])]
    [-0.25, -0.5]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = count("num_parameters", num_parameters)
        self.weight = [Value(init) for _ in range(num_parameters)]
        self.needs_batch = num_parameters > 1

    def forward(self, x: Any) -> Any:
        """The same numbers, those below 0 times their parameter."""
        x, n = values(x), self.num_parameters
        if n == 1:
            return self.name_nodes(_leaky(x, self.weight[0]), "out")
        shape = shape_of(x)
        axis = min(1, len(shape) - 1) if shape else 0
        if not shape or shape[axis] != n:
            found = "rows of different lengths" if shape is None else f"shape {shape}"
            raise ValueError(f"{self!r} takes shape ({n},) or (batch, {n}, ...), and got {found}")
        out = over(lambda channels: [_leaky(c, a) for c, a in zip(channels, self.weight, strict=True)], x, axis)
        return self.name_nodes(out, "out")

    def extra_repr(self) -> str:
        """How many parameters it has."""
        return f"num_parameters={self.num_parameters}"


def _leaky(x: Any, slope: Value) -> Any:
    return rebuilt(x, [engine.leaky_relu(v, slope) for v in flat(x)])


# ------------------------------------------------------------------- a layer by name

_LAYERS: tuple[type[Module], ...] = (
    ReLU, SELU, SiLU, Mish, Sigmoid, LogSigmoid, Tanh, Softsign, ReLU6, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU,
    ELU, GELU, Softplus, PReLU, Softmax, LogSoftmax,
)  # fmt: skip


def activation(name: str, *args: Any, **options: Any) -> Module:
    """The layer of that name, with its options: "leaky_relu" and "LeakyReLU" are both nn.LeakyReLU.

    Raises:
        ValueError: if there is none of that name; it gives the nearest.

    >>> activation("leaky_relu", negative_slope=0.1)
    LeakyReLU(negative_slope=0.1)
    """
    named = {layer.__name__.lower(): layer for layer in _LAYERS}
    layer = named.get(str(name).replace("_", "").lower())
    if layer is None:
        raise ValueError(_unknown(name, list(named), "relu, tanh, sigmoid"))
    return layer(*args, **options)
