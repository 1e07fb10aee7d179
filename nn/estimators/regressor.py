"""A regressor for scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d

from engine import Value
from nn.estimators.base import Array, ScalarNet, require_size
from nn.losses import huber_loss, l1_loss, mse_loss
from nn.options import choice

LOSSES: dict[str, Callable[[Any, Any], Value]] = {
    "squared_error":  lambda x, t: 0.5 * mse_loss(x, t),  # halved, as in scikit-learn
    "absolute_error": l1_loss,
    "huber":          huber_loss,
}  # fmt: skip


@dataclass(eq=False, repr=False, kw_only=True)
class ScalarNetRegressor(RegressorMixin, ScalarNet):  # type: ignore[misc]
    """y ≈ network(x), by the least squared error, or another loss; y of shape (n,) or (n, outputs).

    The parameters are those of ScalarNetClassifier, but for class_weight; and

    loss    "squared_error" ((x − t)²/2), "absolute_error" (|x − t|) or "huber" (δ = 1), each the mean over the outputs;
            or a function of the outputs and their targets, two lists, that gives a Value

    A network learns best where y, too, is about as large as 1: sklearn.compose.TransformedTargetRegressor scales it.

    >>> X = np.linspace(-2.0, 2.0, 40).reshape(-1, 1)
    >>> model = ScalarNetRegressor(max_iter=500, random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.score(X, np.abs(X[:, 0])) > 0.99
    True
    """

    loss: str | Callable[[Any, Any], Value] = "squared_error"

    _of_y: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """One epoch on these examples, with the optimizer of before.

        Raises:
            TypeError, ValueError: as `fit`; and for early_stopping, or a schedule.
        """
        first = not hasattr(self, "module_")
        return self._partial_fit(*self._examples(X, y, sample_weight, not first), first)

    def predict(self, X: Any) -> Array:  # noqa: N803
        """What the network gives, (n,) or (n, outputs)."""
        found = self._outputs(X)
        return found[:, 0] if self.n_outputs_ == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    # ------------------------------------------------------------------- for training

    def _numbers(self, y: Array, weights: Array, go_on: bool, classes: Any) -> tuple[Array, Array]:
        """(y as (n, outputs), the weights)."""
        y = np.asarray(column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y, np.float64)
        y = y.reshape(len(y), -1)
        if go_on and y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} outputs, and the network was made for {self.n_outputs_}")
        self.n_outputs_: int = y.shape[1]
        return y, weights

    def _targets(self, y: Array, weights: Array) -> Array:
        """A row for each example: its numbers, and last its weight."""
        return np.hstack([y, weights[:, None]])

    def _loss_of_one(self, output: Any, target: Any) -> Value:
        """The loss of an example, times its weight."""
        loss = self.loss if callable(self.loss) else LOSSES[choice("loss", self.loss, tuple(LOSSES))]
        *numbers, weight = target
        return weight * loss(require_size(output, self.n_outputs_), numbers)  # type: ignore[no-any-return]
