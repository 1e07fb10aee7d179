"""vectorize_model: trace a model for you, twice or more, and refuse what a trace would freeze.

    program = vectorize_model(model, loss_fn, ([0.5, -0.2], 1.0))
    losses = program(X, T)

A trace follows one example. A Python `if` on a Value takes the branch of that example, and a number read from `.data`
is that example's number. So the model is traced again, with other numbers for the example and for the parameters, and
what the passes make of the traces must be the same. A shift that cancels, as in a stable softmax, is gone by then.
"""

from __future__ import annotations

import inspect
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws import Sample, recorded_draws
from engine.functions import sum
from engine.nested import flat, paths, rebuilt, shape
from engine.operation import as_float
from engine.recording import recording
from engine.value import Value
from engine.vectorize.columns import CONSTANT, INPUT, Graph
from engine.vectorize.comparing import Difference, difference, same_columns
from engine.vectorize.compiler import vectorize
from engine.vectorize.examples import other_examples
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.program import Program
from engine.vectorize.state import Remembered, kept, modules_of
from engine.vectorize.trace import trace

_POINTS = ("take", "softmax", "log_softmax")  # operations whose last operand is an index


def vectorize_model(
    model: Callable[..., Any],
    loss_fn: Callable[..., Value] | None,
    example: Sequence[Any],
    *,
    parameters: Any = None,
    dtype: Any = np.float64,
    allow_unused: bool | None = None,
    others: Iterable[Sequence[Any]] | None = (),
) -> Program:
    """The program of loss_fn(model(x), t), traced with one example (x, t); `predict` gives model(x).

    model       a callable with .parameters(), such as an nn.Module; or any, with `parameters` given
    loss_fn     of the model's outputs and the target; it gives a Value. None, where only outputs are wanted: the
                example is what the model takes, and the loss the sum of what it gives
    example     (x, t): numbers, nested lists or arrays of them. (x,) for a loss without a target, loss_fn(model(x));
                (x0, x1, t) for a model of several arguments. A whole number that is an index (a class, a word) is one
                in the arrays of a call
    parameters  Values, nested or not; if None those of the model
    dtype       float64 or float32
    allow_unused  whether a parameter that the loss does not need is no error and has gradient 0; if None, those of the
                model may be unused, and those given may not
    others      more examples to trace with, besides those made up, which a loss may refuse: a target of 1.25, say. None
                traces the one example alone, of a model that is known to compute the same for all

    Random numbers of `engine.draws`, as the masks of nn.Dropout, are drawn anew for each example of each call.
    Afterwards running statistics, gradients, modes and random generators are as they were before; no other thread may
    use the model meanwhile. A branch that falls the same way in all the traces is not seen.

    `predict` is there where model(x) is a Value or an array of them.

    Raises:
        TypeError: for an example that is no tuple of numbers or does not fit the functions, or a loss that is no Value.
        ValueError: for a branch or a constant that another example changes; it names the node and the cure. Also where
            the model can not be traced with other numbers.
        RuntimeError: by the program's `pull` and `push`, if the model was changed since.

    >>> from engine import greater, where
    >>> w = Value(3.0, "w")
    >>> program = vectorize_model(lambda x: w * x, lambda y, t: (y - t) ** 2, (2.0, 5.0), parameters=[w])
    >>> program([1.0, 2.0], [3.0, 5.0]).tolist(), program.predict([1.0, 2.0]).tolist()
    ([0.0, 1.0], [3.0, 6.0])
    >>> vectorize_model(lambda x: w * x if x > 0 else -x, lambda y: y, (2.0,), parameters=[w])
    Traceback (most recent call last):
    ...
    ValueError: another example takes another branch: w * x of the one is -x of the other. ...
    >>> program = vectorize_model(lambda x: where(greater(x, 0), w * x, -x), lambda y: y, (2.0,), parameters=[w])
    >>> program([2.0, -1.0]).tolist()
    [6.0, 1.0]
    """
    items = _items(model, loss_fn, example)
    given_others = [[flat(item) for item in _items(model, loss_fn, other)] for other in others or ()]
    find = _finder(model, parameters)
    given = find() if parameters is None else parameters
    leaves = flat(given) if not isinstance(given, Value) else [given]
    tracer = _Tracer(model, loss_fn, items, leaves, given_others)
    with _ONE_AT_A_TIME, recording():
        with kept(modules_of(model, loss_fn), [p for p in leaves if isinstance(p, Value)]) as written:
            first = tracer.traced([flat(item) for item in items])
            if others is not None:
                tracer.compare(first)
        unchanged = Remembered((model, loss_fn), find, written)
        outputs = first.outputs if _is_array(first.outputs) else None
        return vectorize(
            first.loss, first.inputs, given, outputs=outputs, draws=first.draws, dtype=dtype, unchanged=unchanged,
            allow_unused=parameters is None if allow_unused is None else allow_unused,
        )  # fmt: skip


# ------------------------------------------------------------------------------ what is given


def _items(model: Any, loss_fn: Any, example: Any) -> list[Any]:
    """The example, checked: numbers, and as many of them as the functions take."""
    if not isinstance(example, tuple | list) or not example:
        raise TypeError(f"the example is a tuple (x, t), or (x,) for a loss without a target, not {example!r}")
    for name, item in zip(_names(len(example)), example, strict=True):
        for path, number in zip(paths(item, name), flat(item), strict=True):
            if not isinstance(number, Value):
                try:
                    as_float(number)
                except TypeError as error:
                    raise TypeError(f"the example holds {number!r} as {path}: {error}") from None
    several = len(example) > 1
    arguments = len(example) if loss_fn is None else max(len(example) - 1, 1)
    _require_arguments("the model", getattr(model, "forward", model), arguments, len(example))
    if loss_fn is not None:
        _require_arguments("loss_fn", getattr(loss_fn, "forward", loss_fn), 1 + several, len(example))
    return list(example)


def _require_arguments(said: str, function: Any, count: int, items: int) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some built-in functions have none
    try:
        signature.bind(*[None] * count)
    except TypeError:
        form = "(x, t): loss_fn(model(x), t)" if items != 1 else "(x,): loss_fn(model(x)); with a target give (x, t)"
        raise TypeError(
            f"the example has {items} item{'s' * (items > 1)}, so {said} is called with {count} argument"
            f"{'s' * (count > 1)}, and it takes {signature}. The example is {form}"
        ) from None


def _names(n: int) -> list[str]:
    """x, t; of more than two x0, x1, ..., t."""
    return ["x", "t"][:n] if n < 3 else [*(f"x{i}" for i in range(n - 1)), "t"]


def _finder(model: Any, parameters: Any) -> Callable[[], list[Value]]:
    """What gives the model's parameters now; none of a model that is a plain function."""
    method = getattr(model, "parameters", None)
    if parameters is None and not callable(method):
        raise TypeError(f"{model!r} has no parameters(); give them: vectorize_model(..., parameters=[w, b])")
    return lambda: flat(list(method())) if callable(method) else []


def _is_array(outputs: Any) -> bool:
    return shape(outputs) is not None and all(isinstance(value, Value) for value in flat(outputs))


# ------------------------------------------------------------------------------ other traces

_ONE_AT_A_TIME = threading.Lock()  # a model is given other numbers, and then its own again
LARGE = 20_000  # nodes: so large a model is traced a second time, and no further


@dataclass(frozen=True)
class _Traced:
    """What one run of the model gave."""

    loss: Value
    outputs: Any
    inputs: list[Any]
    draws: list[tuple[Value, Sample]]
    graph: Graph


class _Tracer:
    """Runs the model with numbers for its example."""

    def __init__(
        self, model: Any, loss_fn: Any, items: list[Any], parameters: list[Any], others: Sequence[list[Any]]
    ) -> None:
        self._model, self._loss_fn, self._items, self._parameters = model, loss_fn, items, parameters
        self._given_others = others

    def traced(self, numbers: Sequence[Sequence[Any]]) -> _Traced:
        """A run with these numbers, as a graph."""
        inputs = []
        for name, item, its in zip(_names(len(self._items)), self._items, numbers, strict=True):
            named = zip(its, paths(item, name), strict=True)
            inputs.append(rebuilt(item, [Value(x.data if isinstance(x, Value) else x, path) for x, path in named]))
        with recorded_draws() as draws:
            if self._loss_fn is None:
                outputs = self._model(*inputs)
                loss = sum(flat(outputs)) if _is_array(outputs) else outputs
            else:
                outputs = self._model(*inputs[: max(len(inputs) - 1, 1)])
                loss = self._loss_fn(outputs, *inputs[1:][-1:])
        if not isinstance(loss, Value):
            what = "loss_fn" if self._loss_fn is not None else "the model"
            raise TypeError(f"{what} gives a Value, and gave {loss!r}; of a list take the sum or mean")
        roots = [loss, *(flat(outputs) if _is_array(outputs) else [])]
        leaves = [leaf for item in inputs for leaf in flat(item)] + [leaf for leaf, _ in draws]
        return _Traced(loss, outputs, inputs, draws, trace(roots, leaves, self._parameters))

    def compare(self, first: _Traced) -> None:
        """Refuse the first run if one with other numbers computes something else."""
        for numbers, other in self._others(first):
            if same_columns(first.graph, other.graph):
                continue
            found = difference(_passed(first.graph), _passed(other.graph))
            if found is None:
                continue
            again = difference(other.graph, self.traced(numbers).graph)
            if again is not None and again.constant == found.constant:
                raise ValueError(_by_chance(again))
            raise ValueError(_frozen(found, first.graph, other.graph))

    def _others(self, first: _Traced) -> Iterator[tuple[list[list[float]], _Traced]]:
        """Other runs, and their numbers: of a large model one. Those that the model does not take are passed over."""
        before = [[leaf.data for leaf in flat(item)] for item in first.inputs]
        refusal: Exception | None = None
        taken = 0
        made_up = other_examples(before, list(_are_indices(first.graph, before)))
        for turn, numbers in enumerate(itertools.chain(made_up, self._given_others)):
            try:
                self._move(turn)
                run = self.traced(numbers)
            except (ValueError, TypeError, ArithmeticError, LookupError) as error:
                refusal = refusal or error
                continue
            taken += 1
            yield numbers, run
            if len(first.graph) > LARGE:
                break
        if taken:
            return
        raise ValueError(
            f"the model cannot be traced with other numbers than the example's, which is how frozen branches are "
            f"found: {refusal}. Give another example, or use vectorize on a graph of your own"
        ) from refusal

    def _move(self, turn: int) -> None:
        """Other numbers in the parameters too, near theirs and then on the other side of 0: what reads them is seen."""
        for p in self._parameters:
            if isinstance(p, Value):
                p._data = -p._data if turn else p._data + (p._data / 64 if p._data else 2.0**-10)


def _are_indices(graph: Graph, items: Sequence[Sequence[float]]) -> Iterator[bool]:
    """Of each item whether it holds whole numbers from 0 up, some of which point into lists."""
    points = np.zeros(len(graph), bool)
    for code, op in enumerate(graph.ops):
        if op.name in _POINTS:
            points[graph.parent[graph.first[1:][graph.code == code] - 1]] = True
    for i in np.flatnonzero(points).tolist()[::-1]:
        if graph.code[i] >= 0 and graph.ops[graph.code[i]].name == "where":  # where(keep, index, 0)
            points[graph.parents(i)[1:]] = True
    places = set(graph.place[points & (graph.code == INPUT)].tolist())
    begin = 0
    for item in items:
        mine = places.intersection(range(begin, begin + len(item)))
        yield bool(mine) and all(x >= 0 and x == x // 1 for x in item)
        begin += len(item)


def _passed(graph: Graph) -> Graph:
    return fold(fuse(graph))[0]


# ------------------------------------------------------------------------------ in words


def _by_chance(found: Difference) -> str:
    where = f" in {found.where or found.within}" if found.where or found.within else ""
    return (
        f"two runs with the same example differ{where}: {found.one} and then {found.other}. A random number would be "
        "a constant of the program; draw it with engine.draws.drawn, or make it an input of the model"
    )


def _frozen(found: Difference, one: Graph, other: Graph) -> str:
    if found.constant:
        leaf = _origin(found, one, other)
        where = f"{leaf!r} in {found.within}" if leaf else f"in {found.within}"
        if found.where:
            where += f" (node {found.where!r})"
        return (
            f"the constant {found.one} {where} is {found.other} for another example: a "
            "number read from a Value (.data, float(x), item(), detach()), which the program would freeze. Compute "
            "with the Value itself, or make the number an input"
        )
    where = f" in {found.where!r}" if found.where else ""
    return (
        f"another example takes another branch{where}: {found.one} of the one is {found.other} of the other. A Python "
        "`if`, max() or sorted() on Values, which the program would freeze: use where(greater(x, 0), a, b), maximum, "
        "minimum, abs, or max and min of engine"
    )


def _origin(found: Difference, one: Graph, other: Graph) -> str:
    """The name of the constant leaf that had these numbers in the two traces, before the passes folded it."""
    if len(one) != len(other):
        return ""
    leaf = (one.code == CONSTANT) & (one.number == found.numbers[0]) & (other.number == found.numbers[1])
    names = [one.names[i] for i in np.flatnonzero(leaf).tolist()]
    return next((name for name in names if name), "")
