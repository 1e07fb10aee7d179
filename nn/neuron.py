"""Neuron, Layer, MLP: what a neural network is made of.

A neuron is one dot product and one activation: out = f(w·x + b). A layer is neurons side by side on the same
inputs; a multi-layer perceptron is layers one after the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any

import numpy as np

from engine import Value, dot
from nn.activations import OF_LISTS, Activation, named_activation
from nn.init import Seed, generator, named_init
from nn.module import Module, Tensor
from nn.shapes import called, count


class Neuron(Module):
    """out = f(w₀·x₀ + w₁·x₁ + ... + b) (McCulloch & Pitts 1943; Rosenblatt 1958).

    Takes a list of `nin` Values or numbers, gives a Value; of a batch, a list of them. The weights begin as `init` says
    (U(−1, 1)), the bias at 0. `seed=None` draws from the global `random`.

    Raises:
        ValueError: for an input of another length, an unknown activation or init, or no inputs at all.

    >>> neuron = Neuron(2, activation="tanh", seed=0)
    >>> neuron
    Neuron(2, activation='tanh')
    >>> [p.name for p in neuron.parameters()]
    ['w[0]', 'w[1]', 'b']
    """

    def __init__(
        self,
        nin: int,
        activation: str | Activation | None = "relu",
        *,
        init: str = "uniform",
        seed: Seed = None,
        fan_out: int = 1,
    ) -> None:
        rule, rng = named_init(init), generator(seed)
        nin = count("nin", nin)
        self.activation, self.function = named_activation(activation)
        self.w = [Value(rule(rng, nin, fan_out)) for _ in range(nin)]
        self.b = Value(0.0)

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        if _is_batch(x):
            return [self(example) for example in x]
        return self.of_one(_inputs(self, x, len(self.w)))

    def of_one(self, x: list[Value]) -> Value:
        """The same for a list that is checked already, as a layer's is for all its neurons."""
        z: Value = dot(self.w, x, self.b)
        out = self.function(z)
        z.name = self.place("z")
        if out is not z:
            out.name = self.place("out")
        return out

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, activation={self.activation!r})"


class Layer(Module):
    """nout neurons on the same nin inputs: out = f(W x + b), W of shape (nout, nin).

    Takes a list of nin Values or numbers; gives a list of nout Values, or for one neuron its Value; of a batch, a
    list of these. Activations by name are those of a neuron, and softmax and log_softmax over all the outputs.

    >>> layer = Layer(3, 2, seed=0)
    >>> len(layer([1.0, 2.0, 3.0]))
    2
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str | Activation | None = "relu",
        *,
        init: str = "uniform",
        seed: Seed = None,
    ) -> None:
        rng, nout = generator(seed), count("nout", nout)
        seed = rng if isinstance(rng, random.Random) else None
        self._over_all = OF_LISTS.get(activation) if isinstance(activation, str) else None
        of_each = "linear" if self._over_all else activation
        self.neurons = [Neuron(nin, of_each, init=init, seed=seed, fan_out=nout) for _ in range(nout)]
        self.activation = activation if self._over_all else self.neurons[0].activation

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        if _is_batch(x):
            return [self(example) for example in x]
        return self.of_one(_inputs(self, x, len(self.neurons[0].w)))

    def of_one(self, x: list[Value]) -> Any:
        """The same for one example that is checked already."""
        out = [neuron.of_one(x) for neuron in self.neurons]
        if self._over_all:
            out = self.name_nodes(self._over_all(out), "out")
        return out[0] if len(out) == 1 else out

    def tensors(self) -> dict[str, Tensor]:
        """The weights as a matrix of (nout, nin), and the biases; then what else a subclass holds."""
        return {"weight": [n.w for n in self.neurons], "bias": [n.b for n in self.neurons]} | super().tensors()

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """What is not in `tensors`: an activation that is a module, one for all the neurons; then a subclass's own."""
        function = self.neurons[0].function
        if isinstance(function, Module):
            yield "activation", function
        yield from (part for part in super().named_children() if not part[0].startswith("neurons."))

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].w)}, {len(self.neurons)}, activation={self.activation!r})"


class MLP(Module):
    """out = W₂·f(W₁·x + b₁) + b₂, or with more layers: a multi-layer perceptron (Rumelhart, Hinton & Williams 1986).

    It has layers of `nouts[0]`, `nouts[1]`, ... neurons, the last one linear.

    Takes a list of nin Values or numbers; gives a list of nouts[-1] Values, or for one its Value; of a batch, a
    list of these. The weights begin as `init` says: "uniform" U(−1, 1), "he", "xavier" or another of `INITS`; biases
    at 0.

    >>> model = MLP(2, [16, 16, 1], seed=1337)
    >>> model
    MLP(2, [16, 16, 1], activation='relu')
    >>> len(model.parameters())
    337
    >>> model.layers[0].neurons[3].w[1].name
    'layers[0].neurons[3].w[1]'
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Activation | None = "relu",
        seed: Seed = None,
        *,
        init: str = "uniform",
    ) -> None:
        if isinstance(nouts, int) or not len(nouts):
            raise ValueError(f"nouts is a list with the size of each layer, such as [16, 16, 1], not {nouts!r}")
        if activation not in OF_LISTS:
            named_activation(activation)  # also a name that no layer will use must exist
        rng = generator(seed)
        seed = rng if isinstance(rng, random.Random) else None
        sizes = [count("nin", nin), *(count("nouts", n) for n in nouts)]
        self.layers = [
            Layer(a, b, activation if i < len(nouts) - 1 else "linear", init=init, seed=seed)
            for i, (a, b) in enumerate(pairwise(sizes))
        ]

    def forward(self, x: Any) -> Any:
        """What it computes, of one example or of a batch."""
        if _is_batch(x):
            return [self(example) for example in x]
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        sizes = [len(layer.neurons) for layer in self.layers]
        first = self.layers[0]
        return f"MLP({len(first.neurons[0].w)}, {sizes}, activation={first.activation!r})"


def _is_batch(x: Any) -> bool:
    """Whether x is a list of examples, and not one."""
    several = isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim > 0)
    return several and len(x) > 0 and isinstance(x[0], list | tuple | np.ndarray)


def _inputs(module: Module, x: Any, nin: int) -> list[Value]:
    """The inputs as a list of Values; plain numbers become constants."""
    if isinstance(x, Value):
        x = [x]
    no_list = isinstance(x, str | bytes | Set | Mapping) or (isinstance(x, np.ndarray) and x.ndim == 0)
    if no_list or not isinstance(x, Iterable):
        raise TypeError(f"{module!r} takes a list of {nin} Values or numbers, not {x!r}")
    values = [v if isinstance(v, Value) else Value(v, requires_grad=False) for v in x]
    if len(values) != nin:
        raise ValueError(f"{called(module)} takes {nin} inputs, and got {len(values)}")
    return values
