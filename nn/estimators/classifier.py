"""A classifier for scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from engine import Value, dot, softplus
from nn.class_losses import cross_entropy
from nn.estimators.base import Array, ScalarNet, require_size
from nn.options import choice


@dataclass(eq=False, repr=False, kw_only=True)
class ScalarNetClassifier(ClassifierMixin, ScalarNet):  # type: ignore[misc]
    """P(class | x) = softmax(network(x)), of two classes sigmoid(network(x)), by the least cross-entropy (log loss).

    hidden_layer_sizes  neurons of each hidden layer; () is logistic regression
    activation          "relu", "tanh", ..., as of nn.MLP; also "logistic" and "identity"
    solver              "adam", "sgd", "adamw", "nadam", "radam", "adamax", "rmsprop", "adagrad", "adadelta"; an
                        Optimizer's class; or a function of the parameters, `lambda ps: nn.Adam(ps, lr=0.1, eps=1e-6)`,
                        which says all by itself: learning_rate_init, alpha and momentum are not used then
    alpha               the decay of weights, not of biases: α‖W‖²/2 over the weight of the examples in a batch is added
                        to the loss ("adamw" decouples it). It is not in `loss_curve_`
    batch_size          "auto" is 200; all, where there are fewer
    learning_rate       "constant", or a schedule as a function of the optimizer: `lambda o: nn.StepLR(o, 50)`
    learning_rate_init  the rate of the first step
    max_iter            epochs at most; a ConvergenceWarning says where they were too few
    tol                 by how much the loss must fall below its best to be better; None: training ends at max_iter
    n_iter_no_change    training ends after so many epochs in a row that were no better
    early_stopping      the loss that is watched is that of examples held out, the share `validation_fraction`, and the
                        best epoch is kept; tol=None is then 0. (scikit-learn's MLP watches the score)
    random_state        of the first weights, the order of the examples, those held out
    momentum            of "sgd", as `nesterovs_momentum`
    shuffle             whether the examples come in another order each epoch
    warm_start          whether `fit` goes on with the weights of before
    verbose             whether to show a progress bar
    class_weight        {class: weight}, or "balanced" for n / (classes · examples of the class): factors of the losses
    module              any network in place of the MLP: a function (n_features, n_outputs, rng) that makes a Module
                        which gives n_outputs logits: one for two classes. Each fit makes a new one
    engine              "vectorized" or "scalar", as of nn.fit

    After `fit` there are classes_, module_ (the trained Module), history_ (the nn.History of the last fit),
    loss_curve_, n_iter_, coefs_, intercepts_, optimizer_, n_outputs_, n_features_in_, feature_names_in_.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = make_pipeline(StandardScaler(), ScalarNetClassifier(tol=None, random_state=0)).fit(X[::2], y[::2])
    >>> clf.score(X[1::2], y[1::2]) > 0.9
    True
    """

    class_weight: Mapping[Any, float] | str | None = None

    _metrics: ClassVar[dict[str, Any]] = {"accuracy": lambda outputs, targets: _accuracy(outputs, targets)}

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:  # noqa: N803
        """One epoch on these examples, with the optimizer of before; the first call needs all `classes` there will be.

        Raises:
            TypeError, ValueError: as `fit`; and for early_stopping, a schedule, class_weight="balanced", or classes
                other than those of the first call.
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all examples at once, and partial_fit has some; give a dict"
            )
        first = not hasattr(self, "module_")
        if first and classes is None:
            raise ValueError("the first call of partial_fit needs classes, all that there will be")
        if not first and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes is {np.unique(classes)}, and was {self.classes_} in the first call")
        return self._partial_fit(*self._examples(X, y, sample_weight, not first, classes), first)

    def decision_function(self, X: Any) -> Array:  # noqa: N803
        """The logits: (n, classes), or of two classes (n,), above 0 for the second."""
        logits = self._outputs(X)
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The likeliest class of each example, (n,)."""
        logits = self._outputs(X)
        found: Array = self.classes_[logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0.0).astype(int)]
        return found

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """The probability of each class, (n, classes)."""
        logits = self._outputs(X)
        return _of_both(logits, expit) if logits.shape[1] == 1 else np.asarray(softmax(logits, axis=1))

    def predict_log_proba(self, X: Any) -> Array:  # noqa: N803
        """Its logarithm, also where the probability rounds to 0 or 1."""
        logits = self._outputs(X)
        return _of_both(logits, log_expit) if logits.shape[1] == 1 else np.asarray(log_softmax(logits, axis=1))

    # ------------------------------------------------------------------- for training

    def _numbers(self, y: Array, weights: Array, go_on: bool, classes: Any) -> tuple[Array, Array]:
        """(the number of each class, the weights times those of the classes)."""
        check_classification_targets(y)
        if not go_on:
            self.classes_ = np.unique(y if classes is None else classes)
            self.n_outputs_ = 1 if len(self.classes_) == 2 else len(self.classes_)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y has the classes {unknown}, and the network was made for {self.classes_}")
        numbers = np.searchsorted(self.classes_, y)
        weights = weights * self._of_classes(numbers, weights)[numbers]
        if len(self.classes_) < 2 or (not go_on and classes is None and len(np.unique(numbers[weights > 0.0])) == 1):
            raise ValueError("a classifier needs two classes or more, and all examples with a weight are of one class")
        return numbers, weights

    def _of_classes(self, numbers: Array, weights: Array) -> Array:
        """The weight of each class."""
        if not isinstance(self.class_weight, str):
            factors: Array = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_)
            if factors.min() < 0.0:
                raise ValueError(f"class_weight has numbers from 0 up, and this has {factors.min()}")
            return factors
        choice("class_weight", self.class_weight, ("balanced",))
        there = np.bincount(numbers, weights, len(self.classes_))  # weights, where scikit-learn counts examples
        balanced: Array = weights.sum() / (len(there) * np.where(there > 0.0, there, 1.0))
        return balanced

    def _targets(self, y: Array, weights: Array) -> Array:
        """A row for each example: its weight at its class, and 0 elsewhere."""
        targets: Array = np.eye(len(self.classes_))[y] * weights[:, None]
        return targets

    def _loss_of_one(self, output: Any, target: Any) -> Value:
        """−Σ t·ln p over the classes, whose t has the example's weight."""
        logits = require_size(output, self.n_outputs_)
        if len(logits) == 1:
            return dot(target, [softplus(logits[0]), softplus(-logits[0])])  # type: ignore[no-any-return]
        return cross_entropy(logits, target)  # type: ignore[no-any-return]


def _accuracy(outputs: Array, targets: Array) -> float:
    """The share of the weight that is on examples whose class is said."""
    outputs = outputs.reshape(len(targets), -1)
    said = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.0).astype(int)
    return float(np.average(said == targets.argmax(axis=1), weights=targets.sum(axis=1)))


def _of_both(logits: Array, function: Callable[[Array], Array]) -> Array:
    """f(−x) and f(x) side by side."""
    return np.hstack([function(-logits), function(logits)])
