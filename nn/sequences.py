"""RNN, LSTM, GRU: the cells of `nn.recurrent` run over whole sequences, in layers and in both directions.

    lstm = LSTM(2, 8, num_layers=2, batch_first=True)
    output, (h_n, c_n) = lstm(examples)       # output[example][step] is the last layer's h

Glossary: a row is one layer in one direction, in PyTorch's order: l0, l0_reverse, l1, l1_reverse, ...; the states
before the first step and after the last have an entry for each row.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from typing import Any

from engine.nested import shape as shape_of
from nn.init import Seed, generator
from nn.module import Module, Tensor
from nn.options import number, switch
from nn.recurrent import (
    GRU_FORMULA,
    LSTM_FORMULA,
    Formula,
    Named,
    State,
    Step,
    Vector,
    Weights,
    alone,
    drawn_weights,
    given_states,
    rnn_formula,
)
from nn.regularization import Dropout
from nn.shapes import called, count, values, written

Vectors = list[Vector]  # one a step
TENSORS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class _Recurrent(Module):
    """What RNN, LSTM and GRU share: all but the formula."""

    example_axes = 2
    formula: Formula

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        seed: Seed = None,
    ) -> None:
        self.input_size, self.hidden_size = count("input_size", input_size), count("hidden_size", hidden_size)
        self.num_layers = count("num_layers", num_layers)
        self.bias, self.batch_first = switch("bias", bias), switch("batch_first", batch_first)
        self.bidirectional = switch("bidirectional", bidirectional)
        rng = generator(seed)
        self.between = Dropout(_probability(dropout), seed=rng if isinstance(rng, random.Random) else None)
        if dropout and num_layers == 1:
            deep = 3 if isinstance(self, RNN) else 2  # the caller's line: RNN has an __init__ of its own
            warnings.warn(f"dropout={dropout} acts between layers, and there is only one", stacklevel=deep)
        directions = ["", "_reverse"] if bidirectional else [""]
        self.rows = [[f"l{layer}{direction}" for direction in directions] for layer in range(num_layers)]
        for layer, rows in enumerate(self.rows):
            width = hidden_size * len(directions) if layer else input_size
            for row in rows:
                weights = drawn_weights(rng, self.formula.gates * hidden_size, width, hidden_size, bias)
                for name in TENSORS:
                    setattr(self, f"{name}_{row}", getattr(weights, name))

    @property
    def dropout(self) -> float:
        """The probability with which an entry is dropped between layers."""
        return self.between.p

    @dropout.setter
    def dropout(self, p: float) -> None:
        self.between.p = _probability(p)

    def forward(self, input: Any, hx: Any = None) -> tuple[Tensor, Any]:
        """(output, the states after the last step)."""
        x, batch = self._checked(input)
        sequences = x if batch else [x]
        if batch and not self.batch_first:
            sequences = _swapped(x)
        rows = sum(map(len, self.rows))
        shape = (rows, len(sequences), self.hidden_size) if batch else (rows, self.hidden_size)
        states = given_states(self, hx, self.formula.states, shape)
        before = [_swapped(state) if batch else [state] for state in states]  # by example, then by row

        steps = {row: self._step(row) for rows in self.rows for row in rows}
        outputs, after = [], []
        for sequence, *state in zip(sequences, *before, strict=True):
            output, last = self._run(steps, sequence, list(zip(*state, strict=True)))
            outputs.append(output)
            after.append(last)

        last_states = tuple([[state[k] for state in last] for last in after] for k in range(len(states)))
        if not batch:
            return outputs[0], alone(tuple(state[0] for state in last_states))
        return outputs if self.batch_first else _swapped(outputs), alone(tuple(map(_swapped, last_states)))

    def _step(self, row: str) -> Step:
        """One step of a layer in one direction, with its weights."""
        weights = Weights(*(getattr(self, f"{name}_{row}") for name in TENSORS))
        return self.formula.step(weights, self._named(row))

    def _run(self, steps: dict[str, Step], sequence: Vectors, before: list[State]) -> tuple[Vectors, list[State]]:
        """One example through all layers: the outputs of the last, and the last state of each row."""
        states, after = iter(before), []
        for layer, rows in enumerate(self.rows):
            if layer:
                sequence = self.between(sequence)
            ways = []
            for row in rows:
                way, state = self._walk(row, steps[row], sequence, next(states))
                ways.append(way)
                after.append(state)
            sequence = [[v for h in step for v in h] for step in zip(*ways, strict=True)]
        return sequence, after

    def _walk(self, row: str, step: Step, sequence: Vectors, state: State) -> tuple[Vectors, State]:
        """One layer in one direction: h at each time, and the state after the last step."""
        times = range(len(sequence))
        h: dict[int, Vector] = {}
        for t in reversed(times) if row.endswith("_reverse") else times:
            state = step(sequence[t], state, self._named(f"{row}.steps[{t}]"))
            h[t] = state[0]
        return [h[t] for t in times], state

    def _named(self, place: str) -> Named:
        """How the nodes of a place are named: l0.steps[3].h[1]."""
        return lambda tensor, name: self.name_nodes(tensor, f"{place}.{name}")

    def _checked(self, x: Any) -> tuple[Tensor, bool]:
        """(the input as lists of Values, whether it is a batch)."""
        x = values(x)
        got = shape_of(x)
        if got is None or len(got) not in (2, 3) or got[-1] != self.input_size:
            one, axes = ("length", self.input_size), ["batch", "length"] if self.batch_first else ["length", "batch"]
            found = "rows of different lengths" if got is None else f"shape {written(got)}"
            cure = "; run sequences of different lengths one by one" if got is None else ""
            cure = "; a sequence has at least one step" if got is not None and 0 in got else cure
            wanted = f"{written(one)} or {written([*axes, self.input_size])}"
            raise ValueError(f"{called(self)} takes shape {wanted}, and got {found}{cure}")
        return x, len(got) == 3

    def extra_repr(self) -> str:
        """Its sizes and what is not as by default, as PyTorch prints them."""
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        said = [f"{name}={getattr(self, name)}" for name, usual in defaults.items() if getattr(self, name) != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *said])

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Those of a subclass: in PyTorch the dropout between the layers is no part of its own."""
        return ((name, part) for name, part in super().named_children() if part is not self.between)


class RNN(_Recurrent):
    """h_t = f(W_ih·x_t + b_ih + W_hh·h_(t−1) + b_hh), f tanh or relu: an `RNNCell` at each step (Elman 1990).

    Called (input, hx=None), gives (output, h_n). Of one sequence:

        input   (length, input_size)
        hx      (rows, hidden_size), rows = num_layers, twice that if bidirectional; 0 if it is not given
        output  (length, hidden_size), of the last layer; if bidirectional the two directions side by side
        h_n     (rows, hidden_size), the last state of each row (of a reverse row that at step 0)

    A batch has one more axis, by default the second: (length, batch, input_size). **A list of examples needs
    batch_first=True**: input and output are then (batch, length, ...); hx and h_n stay (rows, batch, hidden_size).

    Between layers entries are dropped in training with probability `dropout`, drawn from `seed`. Parameters have
    PyTorch's names, weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, ..., weight_ih_l1;
    they begin in U(−a, a), a = 1/√hidden_size. Two directions: Schuster & Paliwal 1997.

    Raises:
        ValueError: for an input or state of another shape, no steps at all, a size below 1, or an unknown option.

    >>> rnn = RNN(2, 3, seed=0)
    >>> output, h_n = rnn([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    >>> shape_of(output), shape_of(h_n), output[3] == h_n[0]
    ((4, 3), (1, 3), True)
    >>> examples = [[[1.0, 0.0], [0.0, 1.0]]] * 5
    >>> output, h_n = RNN(2, 3, batch_first=True, seed=0)(examples)
    >>> shape_of(output), shape_of(h_n), output[4][1][0].name
    ((5, 2, 3), (1, 5, 3), 'l0.steps[1].h[0]')
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        seed: Seed = None,
    ) -> None:
        self.nonlinearity, self.formula = nonlinearity, rnn_formula(nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, seed=seed)


class LSTM(_Recurrent):
    """An `LSTMCell` at each step (Hochreiter & Schmidhuber 1997): called (input, hx=None), gives (output, (h_n, c_n)).

    hx is the pair (h_0, c_0); shapes, options and names as in `RNN`, and here too a list of examples needs
    batch_first=True. The rows of each weight_ih (4·hidden_size, ...) are those of the gates i, f, g, o.

    Raises:
        ValueError: for an input or state of another shape, no steps at all, a size below 1, or an unknown option.

    >>> lstm = LSTM(2, 3, num_layers=2, bidirectional=True, seed=0)
    >>> lstm
    LSTM(2, 3, num_layers=2, bidirectional=True)
    >>> output, (h_n, c_n) = lstm([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> shape_of(output), shape_of(h_n), shape_of(c_n)
    ((3, 6), (4, 3), (4, 3))
    """

    formula = LSTM_FORMULA


class GRU(_Recurrent):
    """A `GRUCell` at each step (Cho et al. 2014): called (input, hx=None), gives (output, h_n).

    Shapes, options and names as in `RNN`, and here too a list of examples needs batch_first=True. The rows of each
    weight_ih (3·hidden_size, ...) are those of the gates r, z, n.

    Raises:
        ValueError: for an input or state of another shape, no steps at all, a size below 1, or an unknown option.

    >>> gru = GRU(2, 3, seed=0)
    >>> output, h_n = gru([[1.0, 0.0], [0.0, 1.0]])
    >>> again, _ = gru([[1.0, 1.0]], h_n)  # the third step
    >>> shape_of(output), shape_of(again)
    ((2, 3), (1, 3))
    """

    formula = GRU_FORMULA


def _swapped(tensor: list[list[Any]]) -> list[list[Any]]:
    """Its first two axes exchanged: by step, then by example, becomes by example, then by step; and back."""
    return [list(row) for row in zip(*tensor, strict=True)]


def _probability(p: float) -> float:
    return number("dropout", p, "a probability, from 0 to 1", lambda x: 0.0 <= x <= 1.0)
