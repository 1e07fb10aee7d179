"""The two ways to compute the gradient of a batch: the scalar engine, and programs. Both give the same `Step`.

What is minimized is loss(model(X), y) of a batch, as in PyTorch. Where that is the mean over its examples (`joined`
finds out), each example is a graph of its own, and one program serves all. Where it is not, as with batch norm and
class weights, the whole batch is one graph, and there is a program for each size of a batch.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from types import FunctionType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from engine import Program, Value, dot, recording
from engine.vectorize.state import kept, modules_of
from nn.batch_statistics import Statistics, recorded_statistics
from nn.calling import (
    Composed,
    OfBatch,
    OfExample,
    Way,
    as_batch,
    as_numbers,
    called,
    compiled,
    outputs_of,
    require_indices,
)
from nn.examples import Examples, most_unlike
from nn.param_groups import moving

Array = npt.NDArray[Any]
Places = npt.NDArray[np.int64]

LARGE = 20_000  # nodes: of so large a model one example is computed again, and no more


class Step(NamedTuple):
    """What a batch gives.

    loss      of the batch
    gradient  with respect to the parameters, flat
    outputs   of the model, (n, ...); None where they make no array
    moved     which parameters a step moves: those of the tensors that the gradient has reached, but for frozen ones
    """

    loss: float
    gradient: Array
    outputs: Array | None
    moved: npt.NDArray[np.bool_]


class Engine(Protocol):
    """What computes a step.

    outdated  whether the model has changed since in what the engine holds: a mode, a number that is not trained
    """

    @property
    def outdated(self) -> bool:
        """Whether another one is needed."""

    def step(self, places: Places, numbers: Array) -> Step:
        """The gradient of the loss of some examples, where the parameters have these numbers."""

    def check(self, places: Places, numbers: Array) -> None:
        """Raise a ValueError if the engine computes something else than the model for some of these examples."""


class Scalar:
    """The scalar engine: graphs of Values, built and swept for each batch."""

    def __init__(
        self, model: Any, loss: Any, examples: Examples, parameters: Sequence[Value], way: Way, joined: bool
    ) -> None:
        self._model, self._loss, self._examples, self._way, self._joined = model, loss, examples, way, joined
        self._parameters = list(parameters)

    outdated = False  # it asks the model itself

    def check(self, places: Places, numbers: Array) -> None:
        """Nothing to compare."""

    def losses(self, places: Places) -> list[float]:
        """The loss of each of some examples, or of all together."""
        rows = self._rows(places)
        with recording():
            found, targets = outputs_of(self._model, rows, self._way), [t for _, t in rows]
            if self._joined:
                return [called(self._loss, as_batch(found), targets, self._examples).data]
            pairs = zip(found, targets, strict=True)
            return [called(self._loss, out, t, self._examples).data for out, t in pairs]

    def _rows(self, places: Places) -> list[Any]:
        return [(tuple(map(_leaves, inputs)), t) for inputs, t in self._examples.rows(places)]

    def step(self, places: Places, numbers: Array) -> Step:
        """The gradient of the loss of some examples, where the parameters have these numbers."""
        write(self._parameters, numbers)
        self._model.zero_grad()
        for p in self._parameters:
            p.grad = None
        rows = self._rows(places)
        batches = [rows] if self._joined else [[row] for row in rows]
        losses, outputs = [], []
        for batch in batches:
            with recording():
                found = outputs_of(self._model, batch, self._way)
                target = [t for _, t in batch]
                if self._joined:
                    loss = called(self._loss, as_batch(found), target, self._examples)
                else:
                    loss = called(self._loss, found[0], target[0], self._examples)
                (loss / len(batches)).backward()
            losses.append(loss.data)
            outputs += found
        gradient = np.array([float(p.grad) if p.has_grad else 0.0 for p in self._parameters])
        return Step(float(np.mean(losses)), gradient, _numbers(outputs), _moved(self._parameters))


class Vectorized:
    """Programs: traced from the model with the first examples, run on the arrays of a batch."""

    def __init__(
        self, model: Any, loss: Any, examples: Examples, parameters: Sequence[Value], way: Way, joined: bool
    ) -> None:
        self._model, self._loss, self._examples, self._way, self._joined = model, loss, examples, way, joined
        self._parameters = list(parameters)
        require_indices(model, examples, way)
        self._programs: dict[int, tuple[Program, _Batch | None]] = {}
        self._parts = modules_of(model, loss)
        with kept(self._parts, [*model.parameters(), *self._parameters]) as written:
            first = Scalar(model, loss, examples, parameters, way, joined)
            with recorded_statistics() as statistics:
                places = np.arange(min(2, len(examples)) if joined else 1)
                self._moved = first.step(places, np.array([p.data for p in self._parameters])).moved
        _require_followed(model, written, statistics)
        self._held = _held(model, loss, self._parameters)
        # The gradient of loss + Σ δ·s with respect to δ is s: with δ = 0 the statistics come for nothing.
        self._deltas = [Value(0.0) for s in statistics for _ in (*s.means, *s.variances)]

    def check(self, places: Places, numbers: Array) -> None:
        """Hold the program to the model itself, with the examples of a batch that have the least and the most loss.

        Raises:
            ValueError: where it gives another loss: a branch that no trace has taken.
        """
        write(self._parameters, numbers)
        program, _ = self._program(min(2, len(self._examples)) if self._joined else 1)
        program.parameters = np.concatenate([numbers, np.zeros(len(self._deltas))])
        places = places[:2] if self._joined else self._extremes(program, places)
        if self._joined and len(places) < 2:
            return
        arrays = self._examples.arrays(places)
        with self._kept():
            ours = program(*([x[None] for x in arrays] if self._joined else arrays))
        with self._kept():  # with the same random numbers
            scalar = Scalar(self._model, self._loss, self._examples, self._parameters, self._way, self._joined)
            its = scalar.losses(places)
        for i, (one, other) in enumerate(zip(ours.tolist(), its, strict=True)):
            if math.isfinite(other) and not math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-7):
                raise ValueError(
                    f"the program gives the loss {one:.6g} for example {places[i]}, and the model {other:.6g}: a "
                    "Python `if`, max() or sorted() on Values goes another way there than in the traces. Use "
                    'where(greater(x, 0), a, b), maximum, minimum, abs; or engine="scalar" runs the model as it is'
                )

    def _extremes(self, program: Program, places: Places) -> Places:
        """Which examples have the least and the most loss; of a large model only the one with the most."""
        with self._kept():
            order = np.argsort(program(*self._examples.arrays(places)), kind="stable")
        return places[order[[0, -1]] if program.report().nodes < LARGE and len(places) > 1 else order[-1:]]

    def _kept(self) -> Any:
        """Buffers, random numbers and gradients are afterwards as they were before."""
        return kept(self._parts, self._parameters)

    @property
    def outdated(self) -> bool:
        """Whether the programs hold numbers and modes that are others now."""
        return _held(self._model, self._loss, self._parameters) != self._held

    def step(self, places: Places, numbers: Array) -> Step:
        """The gradient of the loss of some examples, where the parameters have these numbers."""
        if self._joined:
            return self._joined_step(places, numbers)
        program, _ = self._program(1)
        program.parameters = numbers
        loss, gradient, outputs = _run(program, self._examples.arrays(places))
        return Step(loss, gradient, outputs, self._moved)

    def _joined_step(self, places: Places, numbers: Array) -> Step:
        program, batch = self._program(len(places))
        program.parameters = np.concatenate([numbers, np.zeros(len(self._deltas))])
        loss, gradient, outputs = _run(program, [x[None] for x in self._examples.arrays(places)])
        gradient, statistics = np.split(gradient, [len(numbers)])
        for norm, channels, several in batch.followed if batch is not None else []:
            means, variances, statistics = np.split(statistics, [channels, 2 * channels])
            norm.follow(means, variances, several)
        return Step(loss, gradient, None if outputs is None else outputs[0], self._moved)

    def _program(self, size: int) -> tuple[Program, _Batch | None]:
        """The program of one example, or where they are joined of a batch of this size."""
        if size not in self._programs:
            small = min(2, len(self._examples)) if self._joined else 1
            if size > small:
                self._program(small)  # what a trace would freeze shows in a small batch: the large ones are traced once
            batch = _Batch(self._model, self._loss, self._examples, self._way, self._deltas) if self._joined else None
            model: Any
            loss: Any
            model, loss = (batch, batch.loss_of) if batch else (OfExample(self._model, self._way), self._loss)
            if self._examples.targets is None:
                model, loss = Composed(model, loss), None
            first: Any = slice(0, size) if self._joined else 0
            one, other = self._examples.arrays(first), self._unlike(size) if size <= small else None
            self._programs[size] = compiled(model, loss, one, [*self._parameters, *self._deltas], other), batch
        return self._programs[size]

    def _unlike(self, size: int) -> list[Array]:
        """The examples that a program is compared with: unlike the first; in a batch, in their inputs and targets."""
        arrays = self._examples.arrays(slice(None))
        if not self._joined:
            return self._examples.arrays(most_unlike(arrays))
        inputs, targets = arrays[: len(self._examples.inputs)], arrays[-1:]
        return self._examples.arrays([most_unlike(inputs), most_unlike(targets)][-size:])


class _Batch(OfBatch):
    """A model and its loss as functions of a whole batch, with δ = 0 times each statistic added to the loss."""

    def __init__(self, model: Any, loss: Any, examples: Examples, way: Way, deltas: Sequence[Value]) -> None:
        super().__init__(model, way)
        self.loss, self.examples = loss, examples
        self.deltas = tuple(deltas)
        self.also = modules_of(loss)  # what the loss uses is put back after a trace, too
        self.followed: list[tuple[Any, int, int]] = []  # each norm, its channels, and how many numbers each has
        self._now: list[Statistics] = []

    def __call__(self, *columns: Any) -> list[Any]:
        with recorded_statistics() as found:
            outputs: list[Any] = super().__call__(*columns)
        self._now = found
        self.followed[:] = [(s.norm, len(s.means), s.numbers) for s in found]
        return outputs

    def loss_of(self, outputs: Any, targets: Any = None) -> Value:
        """The loss of the batch."""
        loss = called(self.loss, as_batch(outputs), targets, self.examples)
        statistics = [value for s in self._now for value in (*s.means, *s.variances)]
        return loss + dot(self.deltas, statistics) if statistics else loss


def _held(model: Any, loss: Any, parameters: Sequence[Value]) -> list[Any]:
    """What a program holds as it was: modes, options and buffers, what is frozen, and the numbers not trained."""
    trained, parts = set(parameters), modules_of(model, loss)
    others = [p for root in (model, *modules_of(loss)) for p in root.parameters() if p not in trained]
    found: list[Any] = [p.requires_grad for p in parameters] + [p.data for p in others]
    for part in parts:
        follows = hasattr(part, "running_mean")  # running statistics are read at each call
        for name, thing in vars(part).items():
            if isinstance(thing, np.ndarray):
                found += [] if follows else [(name, thing.shape, thing.tobytes())]
            elif _is_plain(thing):
                found.append((name, repr(thing)))
    if isinstance(loss, FunctionType):
        names = inspect.getclosurevars(loss)
        found += [(name, repr(x)) for name, x in {**names.nonlocals, **names.globals}.items() if _is_plain(x)]
    return found


def _is_plain(thing: Any) -> bool:
    """Whether it is a number, a word, or a list or dict of these: an option."""
    if isinstance(thing, list | tuple | dict):
        return all(_is_plain(part) for part in (thing.values() if isinstance(thing, dict) else thing))
    return thing is None or isinstance(thing, bool | int | float | str)


def _require_followed(model: Any, written: Sequence[Any], statistics: Sequence[Statistics]) -> None:
    """Refuse a model whose forward pass writes into its buffers, but for batch norms: a program would not.

    Raises:
        ValueError: it names the buffer.
    """
    known = {id(array) for s in statistics for array in vars(s.norm).values()}
    for path, module in model.named_modules():
        for name, array in vars(module).items():
            if any(array is other for other in written) and id(array) not in known:
                raise ValueError(
                    f"{path}{'.' * bool(path)}{name} is changed by the forward pass, and a program would leave it as "
                    'it is; engine="scalar" runs the model as it is'
                )


def write(parameters: Sequence[Value], numbers: Array) -> None:
    """Give the Values these numbers."""
    for p, number in zip(parameters, numbers.tolist(), strict=True):
        p.data = number


def _leaves(x: Any) -> Any:
    """An input as Values, as a program has it, so that a derivative by it keeps the weights; indices as they are."""
    if isinstance(x, list):
        return [_leaves(part) for part in x]
    return Value(x, requires_grad=False) if isinstance(x, float) else x


def _run(program: Program, arrays: Sequence[Array]) -> tuple[float, Array, Array | None]:
    if program.has_outputs:
        return program.value_grad_and_outputs(*arrays)
    return *program.value_and_grad(*arrays), None


def _numbers(outputs: Sequence[Any]) -> Array | None:
    """The outputs as an array, if they make one."""
    try:
        return np.array([as_numbers(out) for out in outputs], np.float64)
    except (TypeError, ValueError):
        return None


def _moved(parameters: list[Value]) -> npt.NDArray[np.bool_]:
    moved = np.zeros(len(parameters), bool)
    moved[moving(parameters)] = True
    return moved
