"""How a model and its loss are called: with one example, or with a batch of them; and the programs of either.

What is meant is PyTorch's loss(model(batch), targets). A model that takes one example is called with each. Where both
give the same, as they do in most networks, a program of one example serves all; where the outputs or the loss of a
batch are something else, as with batch norm and class weights, the batch is one graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import Program, Value, no_grad, vectorize_model
from engine.nested import flat
from engine.nested import shape as shape_of
from engine.vectorize.state import kept, modules_of
from nn.examples import Examples, Row

Array = npt.NDArray[Any]


@contextmanager
def evaluation(model: Any, training: bool = False) -> Iterator[None]:
    """Evaluation mode (or training mode) inside; afterwards each part is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = training
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def joins_batch(model: Any) -> bool:
    """Whether an example's output depends on the other examples, as it does in batch norm in training."""
    return any(module.joins_batch for module in model.modules())


class Way(NamedTuple):
    """How a model is called.

    as_batch  an example is given as a batch of one, model([x])[0]: the model takes batches alone
    batches   it takes a batch of several
    whole     and what it gives for an example depends on the others, even in evaluation
    """

    as_batch: bool = False
    batches: bool = True
    whole: bool = False


def way_of(model: Any, examples: Examples) -> Way:
    """How this model is called, found out in evaluation mode with one or two examples.

    Where model(x) and model([x, x]) both run and say different things, they were made for different things: then that
    one is meant which says the same of a batch of one and of a batch of two, and else the example.

    Raises:
        Exception: what model(x) raises, where model([x]) raises as well.
    """
    first, *rest = examples.rows(slice(0, 100))
    others = (row for row in rest if row[0] != first[0] and _shapes(row) == _shapes(first))
    rows = [first, next(others, first)]  # of two that are the same each might take the place of the other
    with evaluation(model), no_grad(), kept(modules_of(model), model.parameters()):
        single, error = _tried(model, rows, Way())
        pair, _ = _tried(model, rows, Way(whole=True))
        if single is not None and pair is not None and _same(single, pair):
            return Way()
        ones, _ = _tried(model, rows, Way(as_batch=True))
    if pair is not None and ones is not None and _same(ones, pair):
        known = len(np.shape(first[0][0])) == getattr(model, "example_axes", None)
        return Way() if single is not None and known else Way(as_batch=True)
    if single is not None:
        return Way(batches=False)
    if pair is not None:
        return Way(as_batch=True, whole=True)
    if ones is not None:
        return Way(as_batch=True, batches=False)
    assert error is not None
    raise error


def _shapes(row: Row) -> list[Any]:
    return [shape_of(x) for x in row[0]]


def _tried(model: Any, rows: Sequence[Row], way: Way) -> tuple[list[Any] | None, Exception | None]:
    """The outputs as numbers, one for each example; or what was raised."""
    try:
        outputs = outputs_of(model, rows, way)
        if len(outputs) != len(rows):
            raise ValueError(f"{len(rows)} examples gave {len(outputs)} outputs")
        return [(shape_of(out), [float(v) for v in flat(out)]) for out in outputs], None
    except Exception as error:  # whatever a model says of what it was not made for
        return None, error


def _same(ones: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(
        shape == its and len(a) == len(b) and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
        for (shape, a), (its, b) in zip(ones, others, strict=True)
    )


def goes_whole(model: Any, way: Way) -> bool:
    """Whether, in the mode it is in, the model is called with all examples at once."""
    return way.whole or (way.batches and joins_batch(model))


def outputs_of(model: Any, rows: Sequence[Row], way: Way) -> list[Any]:
    """The outputs of examples: of each by itself, or where they depend on each other of all in one call."""
    if goes_whole(model, way):
        columns = zip(*(inputs for inputs, _ in rows), strict=True)
        outputs = model(*(list(column) for column in columns))
        return list(zip(*outputs, strict=True)) if isinstance(outputs, tuple) else list(outputs)
    return [of_example(model, inputs, way) for inputs, _ in rows]


def of_example(model: Any, inputs: Sequence[Any], way: Way) -> Any:
    """The output of one example.

    Raises:
        ValueError: where a batch of one gives several outputs.
    """
    if not way.as_batch:
        return model(*inputs)
    outputs = model(*([x] for x in inputs))
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    if any(len(part) != 1 for part in parts):
        raise ValueError(f"a batch of one example gave {max(map(len, parts))} outputs")
    return tuple(part[0] for part in parts) if isinstance(outputs, tuple) else outputs[0]


def as_batch(outputs: Sequence[Any]) -> Any:
    """The outputs of examples as a model gives those of a batch: a list, or of several outputs a tuple of lists."""
    if outputs and isinstance(outputs[0], tuple):
        return tuple(list(part) for part in zip(*outputs, strict=True))
    return outputs


def called(loss: Any, output: Any, target: Any, examples: Examples) -> Value:
    """The loss of an output, or of a list of them.

    Raises:
        TypeError: if it is no Value.
    """
    try:
        found = loss(output) if examples.targets is None else loss(output, target)
    except ValueError as error:
        shapes = shape_of(output), shape_of(target)
        cures = {((1,), ()): "give y as a column, y[:, None]", ((), (1,)): "give y flat, y[:, 0]"}
        if shapes not in cures:
            raise
        raise ValueError(f"{error} (those of one example); {cures[shapes]}") from error
    if not isinstance(found, Value):
        raise TypeError(
            f"the loss is a Value, and this one gives {found!r}; of a list take the sum or mean, and of two numbers "
            "engine.maximum or engine.minimum"
        )
    return found


def require_indices(model: Any, examples: Examples, way: Way) -> None:
    """Run the model with an example that has a whole number below 0, if there is one.

    Where that is an index, a program would count from the end of the list, and the model says that it is none.
    """
    places = [
        int(np.unravel_index(column.argmin(), column.shape)[0])
        for column in examples.inputs
        if isinstance(column, np.ndarray) and column.dtype.kind == "i" and column.min(initial=0) < 0
    ]
    if places and not goes_whole(model, way):
        with evaluation(model), no_grad(), kept(modules_of(model), model.parameters()):
            outputs_of(model, examples.rows(places), way)


_TOLD_APART = 1e-9  # rounding is smaller, what a class weight changes is larger


def joined(model: Any, loss: Any, examples: Examples, way: Way) -> bool:
    """Whether the loss of a batch is something else than the mean of the losses of its examples.

    So it is where the model is called with a whole batch, and where the loss divides by weights of its own, as with
    class weights. It is tried with some examples; a loss that takes one example only is a mean. The weights are moved
    for it, where the model lets them: outputs that are all 0 would make much the same.
    """
    if goes_whole(model, way):
        return True
    for move in (True, False):
        with no_grad(), kept(modules_of(model, loss), model.parameters()):
            try:
                if move:
                    _move(model.parameters())
                return _is_no_mean(model, loss, examples, way)
            except Exception:  # a logarithm, say, of what is below 0 now
                if not move:
                    raise
    raise AssertionError


def _move(parameters: Sequence[Value]) -> None:
    """Other numbers, near theirs, and for equal ones different ones."""
    for i, p in enumerate(parameters):
        p._data += (abs(p._data) + 0.5) * (0.618 * i % 1.0 - 0.5) / 8.0


def _is_no_mean(model: Any, loss: Any, examples: Examples, way: Way) -> bool:
    """Whether some examples have another loss than the mean of theirs."""
    rows = examples.rows(_various(examples))
    rows += [
        rows[i % len(rows)] for i in range(7 - len(rows))
    ]  # of two examples each might pass for one of two outputs
    targets = [t for _, t in rows]
    if all(isinstance(column, np.ndarray) for column in examples.columns):
        two = outputs_of(model, examples.rows(slice(0, 2)), way)
        outputs = [two[i % len(two)] for i in range(len(rows))]  # a loss does not know whose they are
    else:
        outputs = outputs_of(model, rows, way)
    try:
        mean = float(np.mean([called(loss, *pair, examples).data for pair in zip(outputs, targets, strict=True)]))
    except Exception as error:  # it may take batches alone, or leave out one example and not all
        try:
            called(loss, as_batch(outputs), targets, examples)
        except Exception as of_batch:
            raise error from of_batch
        return True
    try:
        whole = called(loss, as_batch(outputs), targets, examples).data
    except Exception:  # whatever a function says that was not made for a list
        return False
    both_nan = math.isnan(whole) and math.isnan(mean)
    return len(rows) > 1 and not both_nan and not math.isclose(whole, mean, rel_tol=_TOLD_APART)


def _various(examples: Examples) -> list[int]:
    """The places of some examples: of each class one that has most of it and one that has least, or small and large."""
    targets, n = examples.targets, len(examples)
    places = {0, n - 1, n // 2}
    if isinstance(targets, np.ndarray):
        table = targets.reshape(n, -1)
        if targets.dtype.kind == "i":
            numbers = np.unique(table)
            for number in numbers[_spread(len(numbers), 40)]:
                times = np.count_nonzero(table == number, axis=1)
                places |= {int(times.argmax()), int(times.argmin())}
        else:
            for column in table.T[:4]:
                places |= set(np.argsort(column, kind="stable")[_spread(n, 8)].tolist())
    return sorted(places)


def _spread(n: int, most: int) -> npt.NDArray[np.int64]:
    """Of 0, ..., n − 1 as many as there may be, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, most).round().astype(np.int64))


def as_numbers(output: Any) -> Any:
    """An output as an array of numbers.

    Raises:
        TypeError: if it is not Values in nested lists.
    """
    size = shape_of(output)
    if size is None:
        raise TypeError("the outputs have rows of different lengths, which make no array")
    return np.array([float(value) for value in flat(output)]).reshape(size)


# ------------------------------------------------------------------------------ programs


def compiled(
    model: Any, loss: Any, example: Sequence[Any], parameters: Sequence[Value], other: Sequence[Any] | None
) -> Program:
    """The program of loss(model(x), t), or of model(x) where there is no loss.

    It is traced with another example, too, and with some that are made up, unless `other` is None.

    Raises:
        ValueError, TypeError: for a model that a program would freeze; it names the other engine.
    """
    try:
        others = None if other is None else [_items(other)]
        return vectorize_model(model, loss, _items(example), parameters=parameters, allow_unused=True, others=others)
    except (ValueError, TypeError) as error:
        if type(error) not in (ValueError, TypeError):  # a domain that was left is told as it is
            raise
        if "does not depend on inputs[" in str(error):
            raise ValueError(f"{error} A loss without targets is given no y") from error
        raise type(error)(f'{error}; engine="scalar" runs the model as it is') from error


def _items(example: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(x.tolist() if isinstance(x, np.ndarray | np.generic) else x for x in example)


class OfExample:
    """x ↦ the output of one example, as a function with the model's parameters."""

    def __init__(self, model: Any, way: Way, part: int | None = None) -> None:
        self.model, self.way = model, way
        self.part = part  # of a model that gives a tuple, which of its outputs

    def parameters(self) -> list[Value]:
        """Those of the model: by this a trace knows where to look for what it must put back."""
        return list(self.model.parameters())

    def __call__(self, *inputs: Any) -> Any:
        output = of_example(self.model, inputs, self.way)
        return output if self.part is None else output[self.part]


class OfBatch(OfExample):
    """A batch of examples ↦ their outputs, as a function with the model's parameters."""

    def __call__(self, *columns: Any) -> Any:
        outputs = outputs_of(self.model, [(inputs, None) for inputs in zip(*columns, strict=True)], self.way)
        return outputs if self.part is None else [output[self.part] for output in outputs]


class Composed:
    """x ↦ loss(model(x)), as a function with the model's parameters."""

    def __init__(self, model: Any, loss: Any) -> None:
        self.model, self.loss = model, loss
        self.also = modules_of(loss)  # what the loss uses is put back after a trace, too

    def parameters(self) -> list[Value]:
        """Those of the model."""
        return list(self.model.parameters())

    def __call__(self, *inputs: Any) -> Any:
        return self.loss(self.model(*inputs))
