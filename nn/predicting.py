"""What a trained model is asked: its outputs, its loss, how many it has right. `Module` has these as methods.

    model.predict(X)                            # outputs, the example first
    model.evaluate(X, y, loss=nn.cross_entropy) # {"loss": ..., "accuracy": ...}
    model.accuracy(X, y)
    model.confusion_matrix(X, y)

All run in evaluation mode and put the modes back. A program is made for each call, and runs on all examples at once;
engine="scalar" runs the model itself, one example after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Program, Value, no_grad
from engine.nested import flat
from engine.vectorize.state import kept, modules_of
from nn import metrics
from nn.calling import (
    Composed,
    OfBatch,
    OfExample,
    Way,
    as_batch,
    as_numbers,
    called,
    compiled,
    evaluation,
    goes_whole,
    joined,
    outputs_of,
    require_indices,
    way_of,
)
from nn.examples import Examples, most_unlike
from nn.options import choice, shown

Array = npt.NDArray[Any]
Loss = Callable[..., Any]

ENGINES = ("vectorized", "scalar")
_AT_ONCE = 4096  # examples that a program is given at once: more need more memory, and are no faster


class Predicting:
    """The methods that ask a model about examples."""

    def predict(self, X: Any, *, engine: str = "vectorized") -> Any:  # noqa: N803
        """The outputs for the examples X, shape (n, ...), in evaluation mode; of a tuple of outputs a tuple of arrays.

        X is an array or a list of n examples, or a tuple of them for a model of several arguments. A program is made at
        each call: for a few examples engine="scalar" may be quicker.

        Raises:
            TypeError: for what holds no numbers.
            ValueError: for an unknown engine, or a model that a program would freeze.

        >>> from nn import Linear
        >>> Linear(2, 1, seed=0).predict([[1.0, 2.0], [3.0, 4.0]]).shape
        (2, 1)
        """
        return Forward(self, engine).outputs(Examples(X))

    def evaluate(self, X: Any, y: Any = None, *, loss: Loss, engine: str = "vectorized") -> dict[str, float]:  # noqa: N803
        """{"loss": the loss of the examples}, and their "accuracy" where the targets are classes; in evaluation mode.

        `loss` is that of `fit`: loss(model(x), target), its mean over the examples.

        Raises:
            TypeError, ValueError: as `predict`; and for lengths that differ, or no examples.

        >>> from nn import Linear, cross_entropy
        >>> list(Linear(2, 3, seed=0).evaluate([[1.0, 2.0], [3.0, 4.0]], [0, 2], loss=cross_entropy))
        ['loss', 'accuracy']
        """
        examples = Examples(X, y)
        if not callable(loss):
            raise TypeError(
                f"the loss is a function of an output and its target, such as nn.mse_loss, not {shown(loss)}"
            )
        if not len(examples):
            raise ValueError("the mean of no examples: give at least one")
        forward = Forward(self, engine, loss)
        outputs, mean = forward.measured(examples)
        found = {"loss": mean}
        if outputs is not None and examples.targets is not None and metrics.are_classes(outputs, examples.targets):
            found["accuracy"] = metrics.accuracy(outputs, examples.targets, forward.threshold(examples))
        return found

    def decision_threshold(self, X: Any) -> float:  # noqa: N803
        """Above which number one output says yes: 0.5 where it comes from a sigmoid (a probability), else 0 (a logit).

        >>> from nn import Linear, Sequential, Sigmoid
        >>> Linear(1, 1).decision_threshold([[2.0]]), Sequential(Linear(1, 1), Sigmoid()).decision_threshold([[2.0]])
        (0.0, 0.5)
        """
        return Forward(self).threshold(Examples(X))

    def accuracy(self, X: Any, y: Any, *, threshold: float | None = None, engine: str = "vectorized") -> float:  # noqa: N803
        """The share of the examples whose class the model says.

        Of several outputs the largest wins. One output says yes above `threshold`: without one, above 0 (a logit), or
        above 0.5 where it comes from a sigmoid (a probability). Targets are class numbers, one-hot rows, or for one
        output 0 and 1, or −1 and 1.

        Raises:
            TypeError, ValueError: as `predict`; and for targets that are no classes of such outputs.
        """
        return metrics.accuracy(*self._said(X, y, threshold, engine))

    def confusion_matrix(
        self, X: Any, y: Any, *, threshold: float | None = None, engine: str = "vectorized"  # noqa: N803
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """C[i, j]: how many examples of class i the model says to be of class j. The rest is as in `accuracy`."""
        return metrics.confusion_matrix(*self._said(X, y, threshold, engine))

    def _said(self, X: Any, y: Any, threshold: float | None, engine: str) -> tuple[Array, Any, float]:  # noqa: N803
        examples, forward = Examples(X, y), Forward(self, engine)
        outputs = forward.outputs(examples)
        if threshold is None:
            threshold = forward.threshold(examples) if len(examples) else 0.0
        return outputs, examples.targets, threshold


class Forward:
    """A model in evaluation mode, run forward by one of the engines; its programs are made once.

    parameters  the Values whose numbers `measured` may be given anew, flat; the model's, if None
    """

    def __init__(
        self,
        model: Any,
        engine: str = "vectorized",
        loss: Loss | None = None,
        parameters: Sequence[Value] | None = None,
        way: Way | None = None,
    ) -> None:
        self._model, self._loss, self._engine = model, loss, choice("engine", engine, ENGINES)
        self._parameters = list(model.parameters()) if parameters is None else list(parameters)
        self._programs: dict[Any, Program] = {}
        self._way, self._joined = way, None if loss is not None else False

    def forget(self) -> None:
        """Make the programs anew when they are needed: something that they hold has changed."""
        self._programs.clear()

    def require_fitting(self, examples: Examples) -> None:
        """See whether the model and the loss take such examples, before it is late.

        Raises:
            Exception: what they raise.
        """
        with evaluation(self._model), no_grad(), kept(modules_of(self._model, self._loss), self._parameters):
            outputs_of(self._model, examples.rows(slice(0, 2)), self._called(examples))
            self._joined = joined(self._model, self._loss, examples, self._called(examples))

    def outputs(self, examples: Examples) -> Any:
        """The outputs, shape (n, ...); of a model that gives a tuple, a tuple of such arrays."""
        if not len(examples):
            return self._of_none(examples)
        with evaluation(self._model):
            if self._engine == "vectorized":
                several = self._several(examples)
                parts = [self._by_program(examples, None, part) for part in (range(several) if several else [None])]
                return tuple(parts) if several else parts[0]
            with no_grad():
                outputs = outputs_of(self._model, examples.rows(slice(None)), self._called(examples))
            if isinstance(outputs[0], tuple):
                return tuple(_array(list(part)) for part in zip(*outputs, strict=True))
            return _array(outputs)

    def measured(self, examples: Examples, numbers: Array | None = None) -> tuple[Array | None, float]:
        """(the outputs, the loss), where the parameters have these numbers; no outputs where they make no array."""
        with evaluation(self._model):
            way = self._called(examples)
            if self._joined is None:
                self._joined = joined(self._model, self._loss, examples, way)
            if self._engine == "vectorized" and not self._joined:
                return self._by_losses(examples, numbers)
            rows = examples.rows(slice(None))
            by_program = self._engine == "vectorized" and not self._several(examples)
            if by_program:
                outputs = [_valued(out) for out in self._by_program(examples, numbers).tolist()]
            with no_grad():
                if not by_program:
                    outputs = outputs_of(self._model, rows, way)
                targets = [t for _, t in rows]
                if self._joined:
                    loss = called(self._loss, as_batch(outputs), targets, examples).data
                else:
                    found = zip(outputs, targets, strict=True)
                    loss = float(np.mean([called(self._loss, out, t, examples).data for out, t in found]))
            try:
                return _array(outputs), loss
            except (TypeError, ValueError):
                return None, loss

    def threshold(self, examples: Examples) -> float:
        """Above which number one output says yes: 0.5 where it comes from a sigmoid, else 0.

        Where a loss is known, 0.5 also if it is the same there for yes and for no, as the squared error is.
        """
        with evaluation(self._model), kept(modules_of(self._model), self._parameters):
            out = outputs_of(self._model, examples.rows(slice(0, 2)), self._called(examples))[0]  # a norm needs several
        ops = {value.op.name for value in flat(out) if isinstance(value, Value) and value.op is not None}
        return 0.5 if ops == {"sigmoid"} or self._halves(out, examples) else 0.0

    def _halves(self, output: Any, examples: Examples) -> bool:
        """Whether the loss is the same at 0.5 for the two targets that there are."""
        targets = np.unique(np.asarray(examples.targets))
        if self._loss is None or len(targets) != 2:
            return False
        half = [Value(0.5)] if isinstance(output, list) else Value(0.5)
        shaped = [np.full(np.asarray(examples.targets).shape[1:], t).tolist() for t in targets]
        try:
            no, yes = (called(self._loss, half, t, examples).data for t in shaped)
        except Exception:  # a loss of a batch, or of something else
            return False
        return math.isclose(no, yes, rel_tol=1e-9)

    def _several(self, examples: Examples) -> int:
        """How many outputs the model gives, if it gives a tuple; else 0."""
        with no_grad(), kept(modules_of(self._model), self._parameters):
            first = outputs_of(self._model, examples.rows(slice(0, 2)), self._called(examples))[0]
        return len(first) if isinstance(first, tuple) else 0

    def _called(self, examples: Examples) -> Way:
        if self._way is None:
            self._way = way_of(self._model, examples)
        return self._way

    def _by_program(self, examples: Examples, numbers: Array | None, part: int | None = None) -> Array:
        """The outputs, or of several the part, by a program of the model alone."""
        way = self._called(examples)
        require_indices(self._model, examples, way)
        arrays = examples.arrays(slice(None))[: len(examples.inputs)]
        if goes_whole(self._model, way):
            whole = [x[None] for x in arrays]
            model: OfExample = OfBatch(self._model, way, part)
            program = self._program((part, len(examples)), model, None, whole, numbers)
            return program.predict(*whole)[0]  # type: ignore[no-any-return]
        program = self._program((part, 1), OfExample(self._model, way, part), None, arrays, numbers)
        return np.concatenate([program.predict(*(x[some] for x in arrays)) for some in _chunks(examples)])

    def _by_losses(self, examples: Examples, numbers: Array | None) -> tuple[Array | None, float]:
        """The outputs and the loss, by one program."""
        arrays, inputs = examples.arrays(slice(None)), len(examples.inputs)
        model = OfExample(self._model, self._called(examples))
        require_indices(self._model, examples, self._called(examples))
        if examples.targets is None:
            program = self._program("losses", Composed(model, self._loss), None, arrays, numbers)
        else:
            program = self._program("losses", model, self._loss, arrays, numbers)
        losses = np.concatenate([program(*(x[some] for x in arrays)) for some in _chunks(examples)])
        if not program.has_outputs or examples.targets is None:
            return None, float(np.mean(losses))
        outputs = [program.predict(*(x[some] for x in arrays[:inputs])) for some in _chunks(examples)]
        return np.concatenate(outputs), float(np.mean(losses))

    def _program(
        self, key: Any, model: Any, loss: Loss | None, arrays: Sequence[Array], numbers: Array | None
    ) -> Program:
        """The program, made with the first example when it is first needed, with the numbers of now."""
        if key not in self._programs:
            first, other = ([x[i] for x in arrays] for i in (0, most_unlike(arrays)))
            self._programs[key] = compiled(model, loss, first, self._parameters, other)
        program = self._programs[key]
        program.parameters = [p.data for p in self._parameters] if numbers is None else numbers
        return program

    def _of_none(self, examples: Examples) -> Any:
        """The outputs of no examples: of the shape that those of zeros would have."""
        zeros = tuple(np.zeros((1, *np.shape(x)[1:]), np.asarray(x).dtype) for x in examples.inputs)
        outputs = self.outputs(Examples(zeros))
        return tuple(part[:0] for part in outputs) if isinstance(outputs, tuple) else outputs[:0]


def _array(outputs: list[Any]) -> Array:
    """The numbers of all outputs, shape (n, ...).

    Raises:
        TypeError: for one that is not Values in nested lists.
        ValueError: if they differ in shape.
    """
    arrays = [as_numbers(out) for out in outputs]
    if len({array.shape for array in arrays}) > 1:
        shapes = sorted({str(array.shape) for array in arrays})
        raise ValueError(f"the outputs differ in shape ({', '.join(shapes[:4])}); ask for those of one shape at a time")
    return np.array(arrays)


def _chunks(examples: Examples) -> list[slice]:
    return [slice(i, i + _AT_ONCE) for i in range(0, len(examples), _AT_ONCE)]


def _valued(output: Any) -> Any:
    """Numbers in nested lists as Values."""
    return [_valued(part) for part in output] if isinstance(output, list) else Value(output)
