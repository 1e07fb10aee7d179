"""Recurrent cells: a state that each step of a sequence changes.

A cell is one step, h' = cell(x, h). `nn.sequences` runs the same steps over whole sequences, in layers and in both
directions; each formula stands here, once.

Glossary: x is the input of a step, h the state that is given on and out, c what an LSTM remembers beside it; a is
a gate before its activation. The weights of a cell's gates stand below one another: gate k is the k-th block of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine import Value, dot, relu, sigmoid, tanh
from nn.activations import Activation
from nn.init import Rng, Seed, generator
from nn.module import Module, Tensor
from nn.options import switch
from nn.shapes import Shape, called, checked, constant, count

Vector = list[Value]
State = tuple[Vector, ...]  # (h,), of an LSTM (h, c)
Named = Callable[[Tensor, str], Tensor]
Step = Callable[[Vector, State, Named], State]  # (x, state before, how to name the nodes) -> state after

NONLINEARITIES: dict[str, Activation] = {"tanh": tanh, "relu": relu}


@dataclass(frozen=True)
class Affine:
    """W·x + b: one dot product a row."""

    rows: Sequence[Vector]
    biases: Sequence[Value | None]

    def __call__(self, xs: Vector) -> Vector:
        return [dot(row, xs, b) for row, b in zip(self.rows, self.biases, strict=True)]


@dataclass(frozen=True)
class Weights:
    """The numbers of one cell: `ih` for what comes in, `hh` for the state before."""

    weight_ih: list[Vector]
    weight_hh: list[Vector]
    bias_ih: Vector | None
    bias_hh: Vector | None

    def of_input(self, gate: int) -> Affine:
        """W_ih·x + b_ih of one gate."""
        return Affine(self._block(self.weight_ih, gate), self._biases(self.bias_ih, gate))

    def of_state(self, gate: int) -> Affine:
        """W_hh·h + b_hh of one gate."""
        return Affine(self._block(self.weight_hh, gate), self._biases(self.bias_hh, gate))

    def of_both(self, gate: int, named: Named, name: str) -> Affine:
        """W_ih·x + W_hh·h + b of one gate, on [*x, *h]; b = b_ih + b_hh is one node for all steps and examples."""
        x, h = self.of_input(gate), self.of_state(gate)
        rows = [[*w_ih, *w_hh] for w_ih, w_hh in zip(x.rows, h.rows, strict=True)]
        pairs = zip(x.biases, h.biases, strict=True)
        return Affine(rows, named([None if b is None or d is None else b + d for b, d in pairs], name))

    def _block(self, rows: Sequence[Any], gate: int) -> Sequence[Any]:
        size = len(self.weight_hh[0])
        return rows[gate * size : (gate + 1) * size]

    def _biases(self, biases: Vector | None, gate: int) -> Sequence[Value | None]:
        return [None] * len(self.weight_hh[0]) if biases is None else self._block(biases, gate)


@dataclass(frozen=True)
class Formula:
    """One kind of cell: how many gates it has, the names of its states, and its step for some weights."""

    gates: int
    states: tuple[str, ...]
    step: Callable[[Weights, Named], Step]


# ------------------------------------------------------------------------------ the formulas


def rnn_step(weights: Weights, named: Named, activation: Activation) -> Step:
    """h' = f(W_ih·x + b_ih + W_hh·h + b_hh)."""
    affine = weights.of_both(0, named, "b")

    def step(x: Vector, state: State, named: Named) -> State:
        (h,) = state
        a = named(affine([*x, *h]), "a")
        return (named([activation(v) for v in a], "h"),)

    return step


def lstm_step(weights: Weights, named: Named) -> Step:
    """c' = f·c + i·g, h' = o·tanh(c'), where i, f, o = σ(a) and g = tanh(a)."""
    functions = {"i": sigmoid, "f": sigmoid, "g": tanh, "o": sigmoid}
    affine = {name: weights.of_both(k, named, f"b_{name}") for k, name in enumerate(functions)}

    def step(x: Vector, state: State, named: Named) -> State:
        h, c = state
        xh = [*x, *h]
        a = {name: named(affine[name](xh), f"a_{name}") for name in functions}
        i, f, g, o = (named([function(v) for v in a[name]], name) for name, function in functions.items())
        c = named([f * c + i * g for f, c, i, g in zip(f, c, i, g, strict=True)], "c")
        h = named([o * tanh(c) for o, c in zip(o, c, strict=True)], "h")
        return h, c

    return step


def gru_step(weights: Weights, named: Named) -> Step:
    """h' = (1 − z)·n + z·h, where r, z = σ(a) and n = tanh(W_in·x + b_in + r·(W_hn·h + b_hn))."""
    affine_r, affine_z = weights.of_both(0, named, "b_r"), weights.of_both(1, named, "b_z")
    n_of_x, n_of_h = weights.of_input(2), weights.of_state(2)

    def step(x: Vector, state: State, named: Named) -> State:
        (h,) = state
        xh = [*x, *h]
        a_r, a_z = named(affine_r(xh), "a_r"), named(affine_z(xh), "a_z")
        r, z = named([sigmoid(a) for a in a_r], "r"), named([sigmoid(a) for a in a_z], "z")
        new = named([sigmoid(-a) for a in a_z], "not_z")  # 1 − z, with the digits that it loses where z is near 1
        n_x, n_h = named(n_of_x(x), "n_x"), named(n_of_h(h), "n_h")
        n = named([tanh(n_x + r * n_h) for n_x, r, n_h in zip(n_x, r, n_h, strict=True)], "n")
        return (named([new * n + z * h for new, n, z, h in zip(new, n, z, h, strict=True)], "h"),)

    return step


def rnn_formula(nonlinearity: str) -> Formula:
    """That of an RNN with tanh or relu.

    Raises:
        ValueError: for any other, as in PyTorch.
    """
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
    return Formula(1, ("hx",), partial(rnn_step, activation=NONLINEARITIES[nonlinearity]))


LSTM_FORMULA = Formula(4, ("h", "c"), lstm_step)
GRU_FORMULA = Formula(3, ("hx",), gru_step)


# ------------------------------------------------------------------------------ what cells and sequences share


def drawn_weights(rng: Rng, rows: int, input_size: int, hidden_size: int, bias: bool) -> Weights:
    """Weights and biases from U(−a, a) with a = 1/√hidden_size, as in PyTorch."""
    a = 1.0 / math.sqrt(hidden_size)

    def vector(n: int) -> Vector:
        return [Value(rng.uniform(-a, a)) for _ in range(n)]

    matrices = [[vector(columns) for _ in range(rows)] for columns in (input_size, hidden_size)]
    biases = [vector(rows) if bias else None for _ in range(2)]
    return Weights(matrices[0], matrices[1], biases[0], biases[1])


def given_states(module: Module, hx: Any, names: Sequence[str], shape: Shape) -> list[Tensor]:
    """The states before the first step, each of this shape: those given, or 0.

    Raises:
        ValueError: if one has another shape, or if there are not two where an LSTM takes (h, c).
    """
    if hx is None:
        return [_zeros(shape) for _ in names]
    if len(names) == 1:
        hx = [hx]
    elif not hasattr(hx, "__len__") or len(hx) != len(names):
        got = f"{len(hx)} parts" if hasattr(hx, "__len__") else repr(hx)
        raise ValueError(f"{called(module)} takes hx as a pair ({', '.join(names)}), and got {got}")
    return [checked(module, part, shape, what=name)[0] for part, name in zip(hx, names, strict=True)]


def alone(states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """The one state there is, or all of them: h, or (h, c)."""
    return states if len(states) > 1 else states[0]


def _zeros(shape: Shape) -> Tensor:
    return [_zeros(shape[1:]) for _ in range(int(shape[0]))] if shape else constant(0.0)


# ------------------------------------------------------------------------------ cells


class _Cell(Module):
    """What the cells share: all but the formula."""

    example_axes = 1
    formula: Formula

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, seed: Seed = None) -> None:
        self.input_size, self.hidden_size = count("input_size", input_size), count("hidden_size", hidden_size)
        bias = switch("bias", bias)  # or RNNCell(2, 3, "relu") would take "relu" for a yes
        rows = self.formula.gates * hidden_size
        weights = drawn_weights(generator(seed), rows, input_size, hidden_size, bias)
        self.weight_ih, self.weight_hh = weights.weight_ih, weights.weight_hh
        self.bias_ih, self.bias_hh = weights.bias_ih, weights.bias_hh

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The state after the step."""
        x, batch = checked(self, input, (self.input_size,), axes=1)
        shape = (len(x), self.hidden_size) if batch else (self.hidden_size,)
        states = given_states(self, hx, self.formula.states, shape)
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        step = self.formula.step(weights, self.name_nodes)
        if not batch:
            return alone(step(x, tuple(states), self.name_nodes))
        after = [step(example, tuple(state), self.name_nodes) for example, *state in zip(x, *states, strict=True)]
        return alone(tuple(map(list, zip(*after, strict=True))))

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        return f"{self.input_size}, {self.hidden_size}{', bias=False' if self.bias_ih is None else ''}"


class RNNCell(_Cell):
    """h' = f(W_ih·x + b_ih + W_hh·h + b_hh), f tanh or relu (Elman 1990).

    Called (input, hx=None): input (input_size,) or (batch, input_size), hx the state before, (hidden_size,) or
    (batch, hidden_size), 0 if it is not given. Gives h' in the shape of hx. `weight_ih` has shape (hidden_size,
    input_size), `weight_hh` (hidden_size, hidden_size). Weights and biases begin in U(−a, a), a = 1/√hidden_size.

    Raises:
        ValueError: for an input or state of another shape, a size below 1, or another nonlinearity.

    >>> cell = RNNCell(2, 3, seed=0)
    >>> h = cell([1.0, 2.0])
    >>> h = cell([0.5, -1.0], h)
    >>> [v.name for v in h]
    ['h[0]', 'h[1]', 'h[2]']
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *, seed: Seed = None
    ) -> None:
        self.nonlinearity, self.formula = nonlinearity, rnn_formula(nonlinearity)
        super().__init__(input_size, hidden_size, bias, seed=seed)

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch prints them."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """c' = f·c + i·g and h' = o·tanh(c'), with four gates of x and h (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    i = σ(W_ii·x + b_ii + W_hi·h + b_hi)    what comes in
    f = σ(W_if·x + b_if + W_hf·h + b_hf)    what is kept of c
    g = tanh(W_ig·x + b_ig + W_hg·h + b_hg)
    o = σ(W_io·x + b_io + W_ho·h + b_ho)    what goes out

    Called (input, hx=None): input (input_size,) or (batch, input_size), hx the pair (h, c), each (hidden_size,) or
    (batch, hidden_size), 0 if it is not given. Gives (h', c'). The rows of `weight_ih` (4·hidden_size, input_size)
    and `weight_hh` (4·hidden_size, hidden_size) are those of i, f, g, o; they begin in U(−a, a), a = 1/√hidden_size.

    Raises:
        ValueError: for an input or state of another shape, or a size below 1.

    >>> cell = LSTMCell(2, 1, seed=0)
    >>> h, c = cell([1.0, 2.0])
    >>> h, c = cell([0.5, -1.0], (h, c))
    >>> len(h), c[0].name
    (1, 'c[0]')
    """

    formula = LSTM_FORMULA


class GRUCell(_Cell):
    """h' = (1 − z)·n + z·h, with two gates r and z of x and h (Cho et al. 2014).

    r = σ(W_ir·x + b_ir + W_hr·h + b_hr)           what is seen of h
    z = σ(W_iz·x + b_iz + W_hz·h + b_hz)           what is kept of h
    n = tanh(W_in·x + b_in + r·(W_hn·h + b_hn))    what is new

    As in PyTorch, r is applied after the matrix product; in the paper, before it. Called (input, hx=None): input
    (input_size,) or (batch, input_size), hx the state before, (hidden_size,) or (batch, hidden_size), 0 if it is not
    given. Gives h' in the shape of hx. The rows of `weight_ih` (3·hidden_size, input_size) and `weight_hh`
    (3·hidden_size, hidden_size) are those of r, z, n; they begin in U(−a, a), a = 1/√hidden_size.

    Raises:
        ValueError: for an input or state of another shape, or a size below 1.

    >>> cell = GRUCell(2, 3, seed=0)
    >>> cell
    GRUCell(2, 3)
    >>> len(cell([[1.0, 2.0]] * 5))
    5
    """

    formula = GRU_FORMULA
