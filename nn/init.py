"""How weights begin: by name for a Layer or an MLP (`INITS`), or set in place as in PyTorch.

    layer = Linear(256, 64)
    init.kaiming_normal_(layer.weight, nonlinearity="relu", seed=0)
    init.zeros_(layer.bias)

Glossary: fan_in is how many inputs a neuron sums, fan_out how many neurons an input reaches; a gain makes up for what
the activation takes from the spread. A tensor is a parameter: a leaf Value, or nested lists of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import NormalDist
from types import ModuleType
from typing import Any

import numpy as np

from engine import Value
from engine.nested import flat
from engine.nested import shape as shape_of
from nn.module import Tensor
from nn.options import shown

Rng = random.Random | ModuleType  # a generator of its own, or the global `random`
Seed = int | random.Random | None
Init = Callable[[Rng, int, int], float]
Law = Callable[[Rng, float], float]

# ------------------------------------------------------------------------------ laws and spreads


def _uniform(rng: Rng, std: float) -> float:
    """One number of U(−a, a) with this standard deviation: a = √3·std."""
    return rng.uniform(-1.0, 1.0) * (math.sqrt(3.0) * std)


def _normal(rng: Rng, std: float) -> float:
    """One number of N(0, std²)."""
    return rng.gauss(0.0, std)


def _xavier(fan_in: int, fan_out: int, gain: float = 1.0) -> float:
    """The standard deviation that keeps the variance forwards and backwards, as well as one number can."""
    return gain * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming(fan: int, gain: float = math.sqrt(2.0)) -> float:
    """The standard deviation that keeps the variance in one direction; the gain is that of relu."""
    return gain / math.sqrt(fan)


# ------------------------------------------------------------------------------ by name

# A rule draws one weight from rng, for nin inputs and nout outputs.
INITS: dict[str, Init] = {
    "uniform":         lambda rng, nin, nout: rng.uniform(-1.0, 1.0),  # as micrograd does
    "he":              lambda rng, nin, nout: _normal(rng, _kaiming(nin)),
    "xavier":          lambda rng, nin, nout: _uniform(rng, _xavier(nin, nout)),
    "kaiming_uniform": lambda rng, nin, nout: _uniform(rng, _kaiming(nin)),
    "xavier_normal":   lambda rng, nin, nout: _normal(rng, _xavier(nin, nout)),
}  # fmt: skip
INITS |= {"kaiming_normal": INITS["he"], "xavier_uniform": INITS["xavier"]}  # PyTorch's names


def named_init(name: str) -> Init:
    """The rule of that name.

    Raises:
        ValueError: if there is none; it lists those there are.
    """
    if name not in INITS:
        raise ValueError(f"there is no init {name!r}; there are: {', '.join(INITS)}")
    return INITS[name]


def generator(seed: Seed) -> Rng:
    """The source of random numbers: of its own for a seed, the global `random` for None.

    Raises:
        TypeError: for a seed that is neither a whole number, a `random.Random` nor None.
    """
    if seed is None:
        return random
    if isinstance(seed, random.Random):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"a seed is a whole number, a random.Random or None, not {seed!r}")
    return random.Random(int(seed))


# ------------------------------------------------------------------------------ gains

_LINEAR = ["linear", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3))]
_GAINS = dict.fromkeys(_LINEAR, 1.0) | {
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4.0,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain of an activation: 1 for linear, conv1d ... and sigmoid, 5/3 for tanh, √2 for relu, 3/4 for selu, and
    √(2/(1 + s²)) for leaky_relu of slope s = `param` (0.01).

    That of relu and leaky_relu is 1/√E[f(z)²] for z in N(0, 1) (He et al. 2015, 2.2); the others are PyTorch's.

    Raises:
        ValueError: for another name (it lists those there are), or a slope that is no number.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else _number("the slope of leaky_relu", param)
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if nonlinearity not in _GAINS:
        raise ValueError(f"no gain is known for {nonlinearity!r}; there are: {', '.join(_GAINS)}, leaky_relu")
    return _GAINS[nonlinearity]


# ------------------------------------------------------------------------------ in place: of any shape


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, *, seed: Seed = None) -> Tensor:
    """U(a, b) for each number, in place; gives the tensor.

    Raises:
        TypeError: for what is not a leaf Value or nested lists of them. So for all functions here.
        ValueError: for rows of different lengths (also for all), or b below a.

    >>> bias = [Value(0.0), Value(0.0)]
    >>> [round(b.data, 6) for b in uniform_(bias, 2.0, 3.0, seed=0)]
    [2.844422, 2.757954]
    """
    a, b = _number("a", a), _number("b", b)
    if b < a:
        raise ValueError(f"U(a, b) needs a <= b, not a = {a} and b = {b}")
    rng = generator(seed)
    return _filled(tensor, lambda: min(max(rng.uniform(a, b), a), b))  # a + (b − a) may be rounded past b


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, seed: Seed = None) -> Tensor:
    """N(mean, std²) for each number, in place; gives the tensor.

    Raises:
        ValueError: for a negative std.
    """
    rng, mean, std = generator(seed), _number("mean", mean), _number("std", std, least=0.0)
    return _filled(tensor, lambda: rng.gauss(mean, std))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, *, seed: Seed = None
) -> Tensor:
    """N(mean, std²) between a and b, for each number, in place; gives the tensor.

    The inverse of the distribution function Φ at a uniform number between Φ(a) and Φ(b). The bounds are numbers, and
    not multiples of std.

    Raises:
        ValueError: for a std that is not positive, or where nothing lies between a and b.
    """
    rng, mean, std, a, b = generator(seed), *map(_number, ("mean", "std", "a", "b"), (mean, std, a, b))
    low, high = ((a - mean) / std, (b - mean) / std) if std > 0.0 else (0.0, 0.0)
    side = -1.0 if low + high > 0.0 else 1.0  # in the lower tail Φ keeps its digits
    low, high = (low, high) if side > 0.0 else (-high, -low)
    p, q = (math.erfc(-x / math.sqrt(2.0)) / 2.0 for x in (low, high))
    if not q - p > 1e-290:
        raise ValueError(f"N({mean}, {std}²) has nothing between a = {a} and b = {b}")

    def draw() -> float:
        u = min(p + (q - p) * (1.0 - rng.random()), 1.0 - 2.0**-53)  # in (0, 1)
        return min(max(mean + side * std * NormalDist().inv_cdf(u), a), b)

    return _filled(tensor, draw)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """`val` for each number, in place; gives the tensor."""
    number = _number("val", val)
    return _filled(tensor, lambda: number)


def zeros_(tensor: Tensor) -> Tensor:
    """0 for each number, in place; gives the tensor."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 for each number, in place; gives the tensor."""
    return constant_(tensor, 1.0)


# ------------------------------------------------------------------------------ in place: of weights

# A weight has shape (out, in), of a convolution (out, in, height, width): fan_in = in·height·width, fan_out likewise.


def eye_(tensor: Tensor) -> Tensor:
    """The identity, 1 where row and column are the same and else 0, in place; gives the tensor, of two axes.

    Raises:
        ValueError: for a tensor of other than two axes.
    """
    shape = _shape(tensor)
    if len(shape) != 2:
        raise ValueError(f"the identity is a tensor of two axes, and this has shape {shape}")
    return _set(tensor, np.eye(*shape).ravel())


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, seed: Seed = None) -> Tensor:
    """U(−a, a) with a = gain·√(6/(fan_in + fan_out)), in place; gives the tensor (Glorot & Bengio 2010, eq. 16).

    Raises:
        ValueError: for a tensor of fewer than two axes. So for all below.

    >>> layer = [[Value(0.0), Value(0.0)]]
    >>> xavier_uniform_(layer, gain=calculate_gain("tanh"), seed=0) is layer
    True
    """
    return _spread(tensor, _uniform, _xavier(*_fans(tensor), _number("gain", gain)), seed)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, seed: Seed = None) -> Tensor:
    """N(0, std²) with std = gain·√(2/(fan_in + fan_out)), in place; gives the tensor (Glorot & Bengio 2010, eq. 12)."""
    return _spread(tensor, _normal, _xavier(*_fans(tensor), _number("gain", gain)), seed)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, seed: Seed = None
) -> Tensor:
    """U(−c, c) with c = gain·√(3/fan), in place; gives the tensor (He et al. 2015).

    The gain is that of the nonlinearity, of leaky_relu with slope a. `mode` "fan_in" keeps the variance forwards,
    "fan_out" backwards.

    Raises:
        ValueError: for another mode or nonlinearity.
    """
    return _spread(tensor, _uniform, _kaiming(_fan(tensor, mode), calculate_gain(nonlinearity, a)), seed)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, seed: Seed = None
) -> Tensor:
    """N(0, std²) with std = gain/√fan, in place; gives the tensor (He et al. 2015, eq. 10 and 14).

    The options and errors are those of `kaiming_uniform_`.
    """
    return _spread(tensor, _normal, _kaiming(_fan(tensor, mode), calculate_gain(nonlinearity, a)), seed)


def orthogonal_(tensor: Tensor, gain: float = 1.0, *, seed: Seed = None) -> Tensor:
    """gain·Q, in place; gives the tensor. Q has orthonormal rows, or columns if there are more rows (Saxe et al. 2014).

    The axes after the first count as one. Q is drawn evenly from all such matrices: it is the Q of a normal matrix's QR
    decomposition, with the signs that make R's diagonal positive (Mezzadri 2007).
    """
    shape, rng, gain = _shape(tensor), generator(seed), _number("gain", gain)
    fan_in, _ = _fans(tensor)
    rows, columns = shape[0], fan_in
    tall = np.array([rng.gauss(0.0, 1.0) for _ in range(rows * columns)]).reshape(max(rows, columns), -1)
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0.0, -1.0, 1.0)
    return _set(tensor, gain * (q if rows >= columns else q.T).ravel())


# ------------------------------------------------------------------------------ tensors


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape of a parameter, or an error that says why it is none."""
    shape, leaves = shape_of(tensor), flat(tensor)
    for leaf in leaves:
        if not isinstance(leaf, Value) or leaf.parents:
            found = shown(leaf)
            raise TypeError(f"a parameter is a leaf Value, or lists of them, such as layer.weight; this holds {found}")
    if shape is None or not leaves:
        raise ValueError(f"a parameter has rows of one length, and at least one number; this is {tensor!r}")
    return shape


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight."""
    shape = _shape(tensor)
    if len(shape) < 2:
        cure = "use uniform_" if shape else "give the whole weight, as layer.weight or as named_tensors() gives it"
        raise ValueError(f"a weight has an axis of outputs and one of inputs, and this has shape {shape}; {cure}")
    receptive = math.prod(shape[2:])
    return shape[1] * receptive, shape[0] * receptive


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    return _fans(tensor)[mode == "fan_out"]


def _spread(tensor: Tensor, law: Law, std: float, seed: Seed) -> Tensor:
    rng = generator(seed)
    return _filled(tensor, lambda: law(rng, std))


def _filled(tensor: Tensor, draw: Callable[[], float]) -> Tensor:
    _shape(tensor)
    for leaf in flat(tensor):
        leaf.data = draw()
    return tensor


def _set(tensor: Tensor, numbers: Any) -> Tensor:
    rest = iter(numbers.tolist())
    return _filled(tensor, lambda: next(rest))


def _number(name: str, number: float, least: float = -math.inf) -> float:
    """A finite number, or an error that names it."""
    if isinstance(number, bool) or not isinstance(number, int | float | np.number) or not math.isfinite(number):
        raise ValueError(f"{name} is a finite number, not {number!r}")
    if number < least:
        raise ValueError(f"{name} is at least {least}, not {number!r}")
    return float(number)
