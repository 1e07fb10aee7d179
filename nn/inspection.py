"""What the layers of a model give for some examples, to be looked at: dead units, saturated ones.

for name, numbers in layer_outputs(model, X).items():
    print(name, numbers.mean(), numbers.std())
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import Value
from engine.nested import flat
from engine.nested import shape as shape_of
from nn.calling import Way, evaluation, goes_whole, of_example, way_of
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
        TypeError, ValueError: as `model.predict`; and for no examples, or a model whose outputs depend on each other.
        RuntimeError: for a layer that some examples do not reach.

    >>> {name: numbers.shape for name, numbers in layer_outputs(MLP(2, [3, 1], seed=0), [[1.0, 2.0]] * 5).items()}
    {'layers[0]': (5, 3), 'layers[1]': (5,)}
    """
    examples = Examples(X)
    if not len(examples):
        raise ValueError("the layers are asked with examples: give at least one")
    way = way_of(model, examples)
    with evaluation(model), _watched(model, way) as found:
        if goes_whole(model, way):
            raise ValueError(
                "the layers are asked with one example at a time, and what this gives depends on the others"
            )
        of_example(model, examples.rows(slice(0, 1))[0][0], way)
    shapes = {name: shape_of(numbers) or () for name, numbers in found.items()}
    if not shapes:
        return {}
    together = Forward(_Layers(model, shapes, way), engine, way=Way()).outputs(examples)
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    parts = zip(shapes.items(), np.split(together, ends[:-1], axis=1), strict=True)
    return {name: part.reshape(len(examples), *shape) for (name, shape), part in parts}


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
def _watched(model: Module, way: Way) -> Iterator[dict[str, Any]]:
    """The results of the layers that are called inside, by name, the last of each."""
    found: dict[str, Any] = {}

    def watching(name: str, layer: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*inputs: Any, **options: Any) -> Any:
            result = forward(*inputs, **options)
            first = result[0] if isinstance(result, tuple) else result
            shape, given = shape_of(first), (shape_of(inputs[0]) or ()) if inputs else ()
            if shape is not None and all(isinstance(value, Value) for value in flat(first)):
                one = (way.as_batch or layer.needs_batch) and given[:1] == shape[:1] == (1,) and len(shape) > 1
                found[name] = first[0] if one else first  # of a batch of one
            return result

        return watched

    layers = [(name, layer) for name, layer in layers_of(model).items() if hasattr(layer, "forward")]
    before = [(vars(layer), vars(layer).get("forward")) for _, layer in layers]
    try:
        for name, layer in layers:  # an attribute of the instance goes before the method of its class
            vars(layer)["forward"] = watching(name, layer, layer.forward)
        yield found
    finally:
        for attributes, own in before:
            attributes.pop("forward", None)
            attributes.update({} if own is None else {"forward": own})


class _Layers(Module):
    """x ↦ what all layers of the model give on the way, as one list."""

    whole: Module
    shapes: dict[str, tuple[int, ...]]
    way: Way

    def __init__(self, model: Module, shapes: dict[str, tuple[int, ...]], way: Way) -> None:
        vars(self).update(whole=model, shapes=shapes, way=way)  # past __setattr__, which would name its parts anew

    def forward(self, *inputs: Any) -> Any:
        """Their results."""
        with _watched(self.whole, self.way) as found:
            of_example(self.whole, inputs, self.way)
        for name, shape in self.shapes.items():
            if name not in found:
                raise RuntimeError(f"the layer {name!r} is called for some examples and not for others")
            if shape_of(found[name]) != shape:
                raise ValueError(f"the layer {name!r} gives {shape} for some examples and others for others")
        return [value for name in self.shapes for value in flat(found[name])]
