"""What the layers of a model give for some examples, to be looked at: dead units, saturated ones.

for name, numbers in layer_outputs(model, X).items():
    print(name, numbers.mean(), numbers.std())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from engine import Value
from engine.nested import flat
from engine.nested import shape as shape_of
from nn.calling import Way, evaluation, of_example, way_of
from nn.containers import Sequential
from nn.examples import Examples
from nn.module import Module
from nn.neuron import MLP
from nn.predicting import Forward

Array = npt.NDArray[Any]


def layer_outputs(model: Module, X: Any, *, engine: str = "vectorized") -> dict[str, Array]:  # noqa: N803
    """{"layers[0]": what that layer gives for the examples X, shape (n, ...), ...}, in evaluation mode.

    The layers are the parts of the model, and of each MLP and Sequential in it, in the order in which they are called;
    of one that is called several times for an example the last call counts, and of several results the first.

    Raises:
        TypeError, ValueError: as `model.predict`; and for no examples.

    >>> {name: numbers.shape for name, numbers in layer_outputs(MLP(2, [3, 1], seed=0), [[1.0, 2.0]] * 5).items()}
    {'layers[0]': (5, 3), 'layers[1]': (5,)}
    """
    examples = Examples(X)
    if not len(examples):
        raise ValueError("the layers are asked with examples: give at least one")
    way = way_of(model, examples)
    with evaluation(model), _watched(model) as found:
        of_example(model, examples.rows(slice(0, 1))[0][0], way)
    return {name: Forward(_Layer(model, name, way), engine, way=Way()).outputs(examples) for name in found}


def layers_of(model: Module) -> dict[str, Module]:
    """The layers of a model by their place: its parts, and those of each MLP and Sequential in it.

    >>> list(layers_of(MLP(2, [3, 1])))
    ['layers[0]', 'layers[1]']
    """
    wholes = {path for path, module in model.named_modules() if module is model or isinstance(module, MLP | Sequential)}
    found: dict[str, Module] = {}
    for path, module in model.named_modules():
        within = [layer for layer in (*wholes, *found) if layer != path and _stands_in(path, layer)]
        if path not in wholes and max(within, key=len) in wholes:
            found[path] = module
    return found


def _stands_in(path: str, whole: str) -> bool:
    return not whole or path.startswith((f"{whole}.", f"{whole}["))


@contextmanager
def _watched(model: Module) -> Iterator[dict[str, Any]]:
    """The results of the layers that are called inside, by name, the last of each."""
    found: dict[str, Any] = {}

    def watching(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*inputs: Any, **options: Any) -> Any:
            result = forward(*inputs, **options)
            first = result[0] if isinstance(result, tuple) else result
            if shape_of(first) is not None and all(isinstance(value, Value) for value in flat(first)):
                found[name] = first
            return result

        return watched

    layers = [(name, layer) for name, layer in layers_of(model).items() if hasattr(layer, "forward")]
    try:
        for name, layer in layers:  # an attribute of the instance goes before the method of its class
            vars(layer)["forward"] = watching(name, layer.forward)
        yield found
    finally:
        for _, layer in layers:
            vars(layer).pop("forward", None)


class _Layer(Module):
    """x ↦ what one layer of the model gives on the way."""

    whole: Module
    name: str
    way: Way

    def __init__(self, model: Module, name: str, way: Way) -> None:
        vars(self).update(whole=model, name=name, way=way)  # past __setattr__, which would name the model's parts anew

    def forward(self, *inputs: Any) -> Any:
        """The layer's result."""
        with _watched(self.whole) as found:
            of_example(self.whole, inputs, self.way)
        return found[self.name]
