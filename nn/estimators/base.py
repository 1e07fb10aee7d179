"""What the estimators share: their parameters, and how they train with nn.fit.

Glossary: a target is what the loss is given for one example, with the example's weight in it: a factor of its loss. The
weights have the mean 1.
"""

from __future__ import annotations

import random
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from engine import Value, mean
from engine.nested import flat
from nn.adam import Adam, Adamax, AdamW, NAdam, RAdam
from nn.adaptive import Adadelta, Adagrad, RMSprop
from nn.examples import Examples
from nn.module import Module
from nn.neuron import MLP
from nn.optimizers import SGD, Optimizer
from nn.options import choice, from_0, shown
from nn.predicting import Forward
from nn.regularization import EarlyStopping
from nn.shapes import count
from nn.training.fitting import fit
from nn.training.history import History

Array = npt.NDArray[Any]

SOLVERS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, NAdam, RAdam, Adamax, RMSprop, Adagrad, Adadelta)
}
_ALSO = {"logistic": "sigmoid", "identity": "linear"}  # scikit-learn's names
_XAVIER = ("linear", "sigmoid", "tanh", "softsign")  # before these weights begin as Xavier's, before others as He's


@dataclass(eq=False, repr=False)
class ScalarNet(BaseEstimator, ABC):  # type: ignore[misc]
    """What both share: their parameters, and how they train."""

    hidden_layer_sizes: Any = (32,)
    activation: Any = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: float = 1e-4
    batch_size: Any = "auto"
    learning_rate: Any = "constant"
    learning_rate_init: float = 0.005
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float | None = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 30  # of few examples an epoch is one step, and ten of those may well go up
    module: Callable[[int, int, random.Random], Module] | None = None
    engine: str = "vectorized"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on X (n, features) and y; `sample_weight` (n,) has a factor from 0 up for the loss of each example.

        A factor of 2 is the same as having the example twice, where all examples are one batch.

        Raises:
            TypeError, ValueError: for X and y that do not fit, nan or inf, a parameter out of its range, or training
                that diverges.
        """
        go_on = bool(self.warm_start) and hasattr(self, "module_")
        X, y, weights = self._examples(X, y, sample_weight, go_on)  # noqa: N806
        seed, validation = _seed(self.random_state), None
        targets = self._targets(y, weights / weights.mean())
        if self.early_stopping:
            X, X_val, targets, held_out = train_test_split(  # noqa: N806
                X, targets, test_size=self.validation_fraction, random_state=seed,
                stratify=y if is_classifier(self) else None,
            )  # fmt: skip
            validation = X_val, held_out
        model = self.module_ if go_on else self._new_module(seed)
        optimizer = self._new_optimizer(model, len(X), weights)
        stopper, epochs = self._stopper(), count("max_iter", self.max_iter)
        callbacks: list[Any] = [] if stopper is None else [stopper]
        if stopper is not None and not self.early_stopping:  # there is nothing to restore, and so nothing to keep
            callbacks = [lambda run: stopper.step(run.metric("loss"))]
        history = self._train(
            model, optimizer, X, targets, seed, epochs, validation=validation, schedule=self._schedule(),
            callbacks=callbacks,
        )  # fmt: skip
        self.n_iter_, self.loss_curve_ = history.epochs, _losses(history)
        if history.epochs < epochs and not (stopper and stopper.stopped):
            warnings.warn(f"training was {history.stopped}", ConvergenceWarning, stacklevel=2)
        elif stopper and not stopper.stopped:
            said = f"the loss had not settled after max_iter={epochs} epochs; give more, or tol=None to end there"
            warnings.warn(said, ConvergenceWarning, stacklevel=2)
        return self

    def _partial_fit(self, X: Array, y: Array, weights: Array, first: bool) -> Self:  # noqa: N803
        """One epoch more, with the optimizer of before."""
        if self.early_stopping or self._schedule() is not None:
            raise ValueError("partial_fit is one epoch: early_stopping is False then, and learning_rate 'constant'")
        done, seed = 0 if first else self.n_iter_, _seed(self.random_state)
        model = self._new_module(seed) if first else self.module_
        optimizer = self._new_optimizer(model, len(X), weights) if first else self.optimizer_
        history = self._train(model, optimizer, X, self._targets(y, weights / weights.mean()), seed + done, 1)
        self.n_iter_, self.loss_curve_ = done + 1, ([] if first else self.loss_curve_) + _losses(history)
        return self

    def _train(
        self, model: Module, optimizer: Optimizer, X: Array, targets: Array, seed: int, epochs: int,  # noqa: N803
        *, callbacks: Any = (), **options: Any,
    ) -> History:  # fmt: skip
        history = fit(
            model, X, targets, loss=of_batches(self._loss_of_one), optimizer=optimizer, epochs=epochs,
            batch_size=self._batch(len(X)), callbacks=[_StaysFinite(), *callbacks], engine=self.engine, seed=seed,
            progress=bool(self.verbose), metrics=self._metrics, shuffle=self.shuffle, **options,
        )  # fmt: skip
        self.module_, self.optimizer_, self.history_ = model, optimizer, history
        self._forward = Forward(model, self.engine)
        return history

    # ------------------------------------------------------------------- what a subclass says

    _of_y: ClassVar[dict[str, Any]] = {}  # how scikit-learn checks y
    _metrics: ClassVar[dict[str, Any]] = {}  # what is measured besides the loss

    @abstractmethod
    def _numbers(self, y: Array, weights: Array, go_on: bool, classes: Any) -> tuple[Array, Array]:
        """(y as numbers, the weights that its examples have); it sets n_outputs_."""

    @abstractmethod
    def _targets(self, y: Array, weights: Array) -> Array:
        """A row for each example: what the loss is given."""

    @abstractmethod
    def _loss_of_one(self, output: Any, target: Any) -> Value:
        """The loss of an example, times its weight."""

    # ------------------------------------------------------------------- what is given

    def _examples(
        self, X: Any, y: Any, sample_weight: Any, go_on: bool, classes: Any = None  # noqa: N803
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        """(X, y as numbers, weights), of those that have a weight."""
        X, y = validate_data(self, X, y, reset=not go_on, dtype=np.float64, **self._of_y)  # noqa: N806
        y, weights = self._numbers(y, _weights(sample_weight, len(X)), go_on, classes)
        there = weights > 0.0
        if not there.any():
            raise ValueError("all weights are zero, and so there is no example to train with")
        return X[there], y[there], weights[there]

    def _batch(self, n: int) -> int:
        """The size of a batch of n examples."""
        auto = isinstance(self.batch_size, str) and self.batch_size == "auto"
        return min(200 if auto else count("batch_size", self.batch_size), n)

    def _schedule(self) -> Any:
        if isinstance(self.learning_rate, str) and self.learning_rate == "constant":
            return None
        if not callable(self.learning_rate):
            wanted = "'constant', or a function of the optimizer that makes a schedule: lambda o: nn.StepLR(o, 50)"
            raise ValueError(f"learning_rate is {wanted}, not {shown(self.learning_rate)}")
        return self.learning_rate

    def _stopper(self) -> EarlyStopping | None:
        if self.tol is None and not self.early_stopping:
            return None
        patience, least = count("n_iter_no_change", self.n_iter_no_change), from_0("tol", self.tol or 0.0)
        return EarlyStopping(patience, least)

    # ------------------------------------------------------------------- what is made

    def _new_module(self, seed: int) -> Module:
        """The network before training."""
        rng, nin, nout = random.Random(seed), self.n_features_in_, self.n_outputs_
        if self.module is not None:
            if isinstance(self.module, Module) or not callable(self.module):
                wanted = "a function of (n_features, n_outputs, rng) that makes a Module: each fit has a new one"
                raise TypeError(f"module is {wanted}, not {shown(self.module)}")
            made = self.module(nin, nout, rng)
            if not isinstance(made, Module):
                raise TypeError(f"the function of module makes a Module, and this one made {shown(made)}")
            return made
        sizes = self.hidden_layer_sizes
        hidden = [*sizes] if np.iterable(sizes) and not isinstance(sizes, str) else [sizes]
        for size in hidden:
            count("hidden_layer_sizes", size)
        name = self.activation
        activation = _ALSO.get(name, name) if isinstance(name, str) else name
        init = "xavier" if activation in _XAVIER else "he"
        return MLP(nin, [*hidden, nout], activation, rng, init=init)

    def _new_optimizer(self, model: Module, n: int, weights: Array) -> Optimizer:
        """The optimizer; `alpha` decays weights, and no biases."""
        kind = SOLVERS[choice("solver", self.solver, tuple(SOLVERS))] if isinstance(self.solver, str) else self.solver
        if not isinstance(kind, type):
            made = kind(model.parameters()) if callable(kind) else None
        elif issubclass(kind, Optimizer):
            decay = from_0("alpha", self.alpha) / (weights.mean() * self._batch(n))
            options: dict[str, Any] = {"lr": self.learning_rate_init}
            if issubclass(kind, SGD):
                options |= {"momentum": self.momentum, "nesterov": self.nesterovs_momentum and self.momentum > 0.0}
            made = kind(_groups(model, decay), **options)
        else:
            made = None
        if not isinstance(made, Optimizer):
            names = ", ".join(map(repr, SOLVERS))
            wanted = f"{names}, an Optimizer's class, or a function of the parameters that makes one"
            raise TypeError(f"solver is {wanted}, not {shown(self.solver)}")
        return made

    # ------------------------------------------------------------------- what it is asked

    def _outputs(self, X: Any) -> Array:  # noqa: N803
        """What the network gives, (n, n_outputs_)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)  # noqa: N806
        outputs: Array = self._forward.outputs(Examples(X))
        return outputs.reshape(len(X), -1)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, (inputs, outputs), as scikit-learn has them; not of a `module` of one's own."""
        return [layer["weight"].T for layer in self._layers()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer."""
        return [layer["bias"] for layer in self._layers()]

    def _layers(self) -> list[dict[str, Array]]:
        if not isinstance(self.module_, MLP):
            raise AttributeError(f"a {type(self.module_).__name__} may have other parameters: module_.state_dict()")
        return [layer.state_dict() for layer in self.module_.layers]

    def __getstate__(self) -> dict[str, Any]:
        """All but the programs, which are made again."""
        return {name: part for name, part in super().__getstate__().items() if name != "_forward"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "module_"):
            self._forward = Forward(self.module_, self.engine)


# ------------------------------------------------------------------------------ losses


def of_batches(loss: Callable[[Any, Any], Value]) -> Callable[[Any, Any], Value]:
    """The loss of one example; of a batch, which has rows as targets, the mean over its examples."""

    def either(output: Any, target: Any) -> Value:
        if isinstance(target[0], Sequence):
            return mean([loss(out, row) for out, row in zip(output, target, strict=True)])
        return loss(output, target)

    return either


def require_size(output: Any, size: int) -> list[Value]:
    """The numbers that a network gives for an example, in one list.

    Raises:
        ValueError: if there are not so many.
    """
    numbers = list(flat(output))
    if len(numbers) != size:
        raise ValueError(f"the module gives {len(numbers)} numbers for an example, and n_outputs is {size}")
    return numbers


class _StaysFinite:
    """Ends training where the loss or its gradient is no longer finite."""

    def on_gradient(self, run: Any) -> None:
        """Look before the step.

        Raises:
            ValueError: for a loss that is nan, or a gradient that is not finite.
        """
        if not np.isfinite(run.gradient).all() or not np.isfinite(run.loss):
            raise ValueError(
                f"training diverged in epoch {run.epoch + 1}: the loss was {run.loss:.3g}, or its gradient not finite; "
                "scale X (StandardScaler) and y, or take a smaller learning_rate_init"
            )


# ------------------------------------------------------------------------------ numbers


def _weights(given: Any, n: int) -> Array:
    """A weight for each of n examples."""
    if given is None:
        return np.ones(n)
    weights: Array = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (n,):
        raise ValueError(f"sample_weight has a number for each of {n} examples, and this has the shape {weights.shape}")
    if weights.min() < 0.0:
        raise ValueError(f"sample_weight has numbers from 0 up, and this has {weights.min()}")
    return weights


def _seed(random_state: Any) -> int:
    return int(check_random_state(random_state).randint(2**31 - 1))


def _losses(history: History) -> list[float]:
    return history["loss"].tolist() if history.epochs else []


def _groups(model: Module, decay: float) -> list[dict[str, Any]]:
    """The parameters, with a decay of those that are weights: in tensors of two axes or more."""
    tensors, parameters = [tensor for _, tensor in model.named_tensors()], model.parameters()
    weights = {p for t in tensors if isinstance(t, list) and t and isinstance(t[0], list) for p in flat(t)}
    return [
        {"params": params, "weight_decay": share}
        for share, params in (
            (decay, [p for p in parameters if p in weights]),
            (0.0, [p for p in parameters if p not in weights]),
        )
        if params
    ]
