"""Program: a compiled graph, called with arrays.

    program = vectorize(loss, inputs=[x, t], parameters=model.parameters())
    value, gradient = program.value_and_grad(X, T)
    program.parameters -= 0.1 * gradient
    program.push()                                 # and the model has them

Its source is what runs: `print(program)`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.value import Value
from engine.vectorize.batches import Item
from engine.vectorize.bind import Bound
from engine.vectorize.report import Report

Array = npt.NDArray[Any]


class Program:
    """A scalar graph as array code; `vectorize` makes it.

    program(X, T)                  the losses, shape (batch,)
    program.value_and_grad(X, T)   (their mean, its gradient: an array of shape (len(parameters),))
    program.predict(X)             the traced outputs, batch first
    program.value_grad_and_outputs(X, T)  all three, of one forward pass
    program.parameters             the numbers that it reads, flat, in the order given; write into them
    program.pull(), .push()        read the Values into them, write them back into the Values
    program.source                 the code that runs
    program.report()               how many nodes became how many array operations
    """

    def __init__(
        self,
        items: Sequence[Item],
        values: Sequence[Value],
        bound: Bound,
        report: Report,
        constants: Sequence[Value],
        dtype: Any,
        unchanged: Callable[[], None] | None = None,
    ) -> None:
        self._items, self._bound, self._report, self._dtype = items, bound, report, np.dtype(dtype)
        self._plain = [] if any(item.samples for item in items) else [(item.shape, item.whole) for item in items]
        self._values = list(values)
        self._frozen = [not value.requires_grad for value in values]
        self._constants = [(weakref.ref(leaf), leaf.data) for leaf in constants]
        self._model_unchanged = unchanged
        self._parameters = np.array([value.data for value in values], dtype)

    # ------------------------------------------------------------------------ calls

    def __call__(self, *batch: Any) -> Array:
        """The loss of each example, shape (batch,).

        Raises:
            ValueError: for arrays of the wrong number, shape or length.
            TypeError: for arrays that are not real numbers.
            DomainError: where an operation has no value for an example; it names the node and the example.
            IndexError: where `take` has no such entry.
        """
        return self._run("losses", self._arrays(batch))  # type: ignore[no-any-return]

    def value_and_grad(self, *batch: Any) -> tuple[float, Array]:
        """(the mean of the losses, its gradient with respect to the parameters, in their order).

        Raises:
            ValueError, TypeError, DomainError, IndexError: as a call.
        """
        value, gradient = self._bound.run("gradient", self._parameters, self._examples(batch))
        return float(value), gradient

    def value_grad_and_outputs(self, *batch: Any) -> tuple[float, Array, Array]:
        """(the mean of the losses, its gradient, the outputs that were traced), from one forward pass.

        Raises:
            ValueError: if no outputs were traced.
            ValueError, TypeError, DomainError, IndexError: as a call.
        """
        self._require_outputs()
        value, gradient, outputs = self._bound.run("all", self._parameters, self._examples(batch))
        return float(value), gradient, outputs

    def predict(self, *batch: Any) -> Array:
        """The outputs that were traced, with the batch as their first axis.

        It takes the same arrays as a call, or only those that the outputs need.

        Raises:
            ValueError: if no outputs were traced; else as a call.
        """
        self._require_outputs()
        needed = self._bound.needed
        given = [i for i in needed if not self._items[i].samples]
        if len(batch) == len(given) != len(self._given()):
            arrays: list[Any] = [None] * len(self._items)
            for i, array in zip(needed, self._arrays(batch, needed), strict=True):
                arrays[i] = array
            return self._run("outputs", arrays)  # type: ignore[no-any-return]
        return self._run("outputs", self._arrays(batch))  # type: ignore[no-any-return]

    @property
    def has_outputs(self) -> bool:
        """Whether outputs were traced."""
        return "outputs" in self._bound

    def _require_outputs(self) -> None:
        if not self.has_outputs:
            raise ValueError("no outputs were traced; give them: vectorize(loss, ..., outputs=model(x))")

    def _examples(self, batch: tuple[Any, ...]) -> Sequence[Any]:
        """The arrays of a call that has at least one example."""
        if self._as_they_are(batch):
            return batch
        arrays = self._arrays(batch)
        if arrays and not len(arrays[0]):
            raise ValueError("the mean of no examples: give at least one")
        return arrays

    def _given(self) -> list[Item]:
        return [item for item in self._items if not item.samples]

    def _as_they_are(self, batch: Sequence[Any]) -> bool:
        """Whether the arrays of a call need no look: the short way, since a step may take but 50 microseconds."""
        if not self._plain or len(batch) != len(self._plain):
            return False
        dtype, examples = self._dtype, None
        for (shape, whole), array in zip(self._plain, batch, strict=True):
            if type(array) is not np.ndarray or not array.ndim:
                return False
            if array.dtype is not dtype if not whole else array.dtype.kind not in "iu":
                return False
            if array.shape[1:] != shape or (examples is not None and len(array) != examples):
                return False
            examples = len(array)
        return bool(examples)

    def _arrays(self, batch: Sequence[Any], which: Sequence[int] | None = None) -> list[Array]:
        """The arrays of a call, checked, and random numbers drawn anew."""
        items = self._given() if which is None else [self._items[i] for i in which if not self._items[i].samples]
        if len(batch) != len(items):
            names = ", ".join(item.argument for item in items)
            several = "s" * (len(items) != 1)
            raise ValueError(f"the program takes {len(items)} array{several} ({names}), and got {len(batch)}")
        arrays = [item.taken(array, self._dtype) for item, array in zip(items, batch, strict=True)]
        lengths = {len(array) for array in arrays}
        if len(lengths) > 1:
            said = ", ".join(f"{i.argument} has {len(a)}" for i, a in zip(items, arrays, strict=True))
            raise ValueError(f"the arrays differ in how many examples they have: {said}")
        drawn = [item for item in self._items if item.samples and (which is None or self._items.index(item) in which)]
        return arrays + [item.drawn(lengths.pop() if lengths else 1, self._dtype) for item in drawn]

    def _run(self, wanted: str, arrays: Sequence[Array | None]) -> Any:
        return self._bound.run(wanted, self._parameters, arrays)

    # ------------------------------------------------------------------------ parameters

    @property
    def parameters(self) -> Array:
        """The flat array of parameters. What is written into it counts at the next call."""
        return self._parameters

    @parameters.setter
    def parameters(self, numbers: Any) -> None:
        if numbers is self._parameters:  # as after program.parameters -= step
            return
        array = np.asarray(numbers)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"parameters are real numbers, and the array given is of {array.dtype}")
        if array.shape != self._parameters.shape:
            raise ValueError(f"there are {len(self._parameters)} parameters, and the array has shape {array.shape}")
        with np.errstate(all="ignore"):  # what float32 cannot hold is inf
            self._parameters[...] = array

    def pull(self) -> None:
        """Read the numbers of the Values into `parameters`.

        Raises:
            RuntimeError: if the model was changed since it was traced.
        """
        self._require_unchanged()
        self._parameters[...] = [value.data for value in self._values]

    def push(self) -> None:
        """Write `parameters` into the Values.

        Raises:
            RuntimeError: if the model was changed since it was traced.
        """
        self._require_unchanged()
        for value, number in zip(self._values, self._parameters.tolist(), strict=True):
            value.data = number

    def _require_unchanged(self) -> None:
        for value, frozen in zip(self._values, self._frozen, strict=True):
            if value.requires_grad == frozen:
                what = "frozen" if not frozen else "thawed"
                raise RuntimeError(f"{value!r} was {what} since the program was traced; trace again")
        alive = []
        for ref, number in self._constants:
            leaf = ref()
            if leaf is not None:
                if leaf.data != number and number == number:
                    raise RuntimeError(
                        f"{leaf!r} was {number!r} when the program was traced, and stands in it as a constant; "
                        "trace again, or make it an input"
                    )
                alive.append((ref, number))
        self._constants = alive
        if self._model_unchanged is not None:
            self._model_unchanged()

    # ------------------------------------------------------------------------ what it is

    @property
    def source(self) -> str:
        """The code that runs, forward and backward."""
        return self._bound.source

    def report(self) -> Report:
        """How many nodes became how many array operations, and what did not lift."""
        return self._report

    def __reduce__(self) -> Any:
        raise TypeError("a program is not pickled or copied: keep `parameters` or the model, and trace again")

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        names = ", ".join(item.argument for item in self._given())
        return f"<Program ({names}), {len(self._parameters)} parameters, {self._report.operations} array operations>"
