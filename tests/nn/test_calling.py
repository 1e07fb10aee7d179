"""How a model is called is found out, and so is a loss that is no mean of its examples; nothing is left changed."""

import random

import numpy as np
import pytest

import nn
from engine import Value, log, mean, sqrt
from engine.nested import flat
from nn.calling import Way, as_numbers, evaluation, goes_whole, joined, joins_batch, outputs_of, way_of
from nn.examples import Examples

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))


class OfOne(nn.Module):
    """w·x, of one example alone."""

    def __init__(self):
        self.w = [Value(1.0), Value(2.0), Value(0.5)]

    def forward(self, x):
        assert not isinstance(x[0], list)
        return sum((w * v for w, v in zip(self.w, x, strict=True)), Value(0.0))


class OfMany(OfOne):
    """The same, of a batch alone."""

    def forward(self, x):
        assert isinstance(x[0], list)
        return [OfOne.forward(self, row) for row in x]


class OfBoth(OfOne):
    """The same, of either."""

    def forward(self, x):
        return OfMany.forward(self, x) if isinstance(x[0], list) else OfOne.forward(self, x)


class Centred(OfOne):
    """w·(x − the mean of the batch)."""

    def forward(self, x):
        means = [sum(column) / len(x) for column in zip(*x, strict=True)]
        return [OfOne.forward(self, [v - m for v, m in zip(row, means, strict=True)]) for row in x]


class Total(OfOne):
    """The sum of all that it is given: of a batch one number, too, which is another question."""

    def forward(self, x):
        return self.w[0] * sum(flat(x), Value(0.0))


WAYS = {
    OfOne: Way(batches=False),
    OfMany: Way(as_batch=True),
    OfBoth: Way(),
    Centred: Way(as_batch=True, whole=True),
    Total: Way(batches=False),
}


@pytest.mark.parametrize("first", ["different", "the same"])
@pytest.mark.parametrize("kind", WAYS)
def test_the_way_is_found_out(kind, first):
    x = X.copy()
    if first == "the same":
        x[1] = x[2] = x[0]
    examples, model = Examples(x), kind()
    way = way_of(model, examples)
    if kind is Centred:
        assert way.whole
    else:
        assert way == WAYS[kind]
    expected = {Centred: (x - x.mean(axis=0)) @ [1.0, 2.0, 0.5], Total: x.sum(axis=1)}.get(kind, x @ [1.0, 2.0, 0.5])
    outputs = outputs_of(model, examples.rows(slice(None)), way)
    np.testing.assert_allclose([v.data for v in outputs], expected, rtol=1e-12, atol=1e-12)


def test_an_example_may_be_as_long_as_a_batch():
    """A pair of numbers is one example of a Linear(2, 1), and no batch of two."""
    model = nn.Linear(2, 1, seed=0)
    x = RNG.normal(size=(2, 2))
    assert way_of(model, Examples(x)) == Way()
    assert np.shape(model.predict(x)) == (2, 1)


def test_what_is_wrong_with_the_example_is_what_is_raised():
    with pytest.raises(ValueError, match=r"takes shape \(3,\)"):
        way_of(nn.Linear(3, 1), Examples(X[:, :2]))


def test_a_norm_joins_its_batch_in_training_alone():
    model = nn.Sequential(nn.Linear(3, 2, seed=0), nn.BatchNorm1d(2))
    assert joins_batch(model)
    assert goes_whole(model, Way())
    assert not goes_whole(model.eval(), Way())
    assert joins_batch(nn.BatchNorm1d(2, track_running_stats=False).eval())


class Restless(nn.Module):
    """Its forward pass changes a buffer, an attribute and its generator."""

    def __init__(self):
        self.w, self.seen, self.calls, self.rng = Value(0.5), np.zeros(1), 0, random.Random(0)

    def forward(self, x):
        self.seen += 1.0
        self.calls += 1
        self.rng.random()
        return self.w * x[0]


@pytest.mark.parametrize("fails", [False, True])
def test_finding_out_leaves_all_as_it_was(fails):
    model = Restless()
    model.w.grad = 3.0
    before = (model.seen.copy(), model.calls, model.rng.getstate(), random.getstate(), model.w.data, model.w.grad)

    def loss(out, t):
        random.random()
        if fails:
            raise ArithmeticError
        return (out - t) ** 2

    examples = Examples(X, X[:, 0])
    way = way_of(model, examples)
    if fails:
        with pytest.raises(ArithmeticError):
            joined(model, loss, examples, way)
    else:
        assert not joined(model, loss, examples, way)
    assert before == (model.seen, model.calls, model.rng.getstate(), random.getstate(), model.w.data, model.w.grad)


def test_modes_are_put_back_also_where_it_fails():
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()
    inside = []

    def fail():
        with evaluation(model):
            inside.extend(module.training for module in model.modules())
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    assert inside == [False] * 4
    assert [module.training for module in model.modules()] == [True, True, False, True]


# ------------------------------------------------------------------------------ is it a mean?


class Zeros(OfOne):
    """Weights that are all 0: the outputs say nothing."""

    def __init__(self):
        self.w = [Value(0.0) for _ in range(3)]


def squares(out, t):
    pairs = zip(flat(out), flat(t), strict=True) if isinstance(out, list) else [(out, t)]
    return [(a - b) ** 2 for a, b in pairs]


def root(out, t):
    return sqrt(mean(squares(out, t)) + 1e-30)


def above_2(out, t):
    """Large targets weigh more, and the sum of the weights divides."""
    weights = [5.0 if b > 2.0 else 1.0 for b in (flat(t) if isinstance(t, list) else [t])]
    return sum((w * s for w, s in zip(weights, squares(out, t), strict=True)), Value(0.0)) / sum(weights)


def places(out, t):
    """A class for each place of a sequence, 0 for none."""
    rows = out if isinstance(out[0][0], Value) else [row for one in out for row in one]
    return nn.cross_entropy(rows, flat(t), ignore_index=0)


def weighted(weights):
    return lambda out, t: nn.cross_entropy(out, t, weight=weights)


TENS = np.arange(30) % 10
LATE = np.zeros(1200, int)
LATE[1005:1030] = 1
SEQUENCES, CLASSES = RNG.normal(size=(30, 4, 3)), RNG.integers(1, 5, (30, 4))
PADDED, EQUALLY = CLASSES.copy(), CLASSES.copy()
PADDED[17, 2:], EQUALLY[:, 3] = 0, 0
UNEQUALLY, LONGER = EQUALLY.copy(), EQUALLY.copy()
LONGER[20] = 1, 2, 3, 4
LARGE = np.arange(30) / 30.0
LARGE[13] = 5.0
UNEQUALLY[20, 1:] = 0
SIGNS = np.where(X[:, 0] > 0, 1.0, -1.0)
# what: (model, loss, X, y, whether it is no mean)
LOSSES = {
    "classes": (nn.Linear(3, 10), nn.cross_entropy, X, TENS, False),
    "smoothed classes": (nn.Linear(3, 10), lambda o, t: nn.cross_entropy(o, t, label_smoothing=0.1), X, TENS, False),
    "equal weights": (nn.Linear(3, 10), weighted([2.0] * 10), X, TENS, False),
    "a weight for the last class": (nn.Linear(3, 10), weighted([1.0] * 9 + [5.0]), X, (TENS + 3) % 10, True),
    "a rare class that comes late": (nn.Linear(3, 2), weighted([1.0, 5.0]), RNG.normal(size=(1200, 3)), LATE, True),
    "a class that is ignored": (nn.Linear(3, 10), lambda o, t: nn.cross_entropy(o, t, ignore_index=9), X, TENS, True),
    "a sum": (nn.Linear(3, 10), lambda o, t: nn.cross_entropy(o, t, reduction="sum"), X, TENS, True),
    "squares": (OfOne(), nn.mse_loss, X, X[:, 0], False),
    "a root": (OfOne(), root, X, X[:, 0], True),
    "a root, of outputs that are all 0": (Zeros(), root, X, SIGNS, True),
    "logits that are all 0": (Zeros(), nn.bce_with_logits, X, (SIGNS > 0) * 1.0, False),
    "weights by a target": (OfOne(), above_2, X, X[:, 0] * 3.0, True),
    "a weight for one target": (OfOne(), above_2, X, LARGE, True),
    "places": (nn.Linear(3, 5), places, SEQUENCES, CLASSES, False),
    "as many places of each": (nn.Linear(3, 5), places, SEQUENCES, EQUALLY, False),
    "one that is shorter": (nn.Linear(3, 5), places, SEQUENCES, PADDED, True),
    "one that is shorter than the others": (nn.Linear(3, 5), places, SEQUENCES, UNEQUALLY, True),
    "one that is longer than the others": (nn.Linear(3, 5), places, SEQUENCES, LONGER, True),
    "of one example alone": (OfOne(), lambda out, t: (out - t) ** 2, X, X[:, 0], False),
    "without targets": (OfOne(), lambda out: mean(flat(out)), X, None, False),
    "a largest": (OfOne(), lambda out: root(out, [0.0] * 30 if isinstance(out, list) else 0.0), X[:3], None, False),
}


@pytest.mark.parametrize("what", LOSSES)
def test_a_loss_that_is_no_mean_of_its_examples_is_told(what):
    model, loss, x, y, expected = LOSSES[what]
    examples = Examples(x, y)
    assert joined(model, loss, examples, way_of(model, examples)) is expected


def test_moved_weights_that_leave_a_domain_are_put_back():
    class Logarithm(nn.Module):
        def __init__(self):
            self.w = [Value(1e-9), Value(1e-9), Value(1e-9)]  # there is little room below

        def forward(self, x):
            return log(self.w[0]) + log(self.w[1]) + log(self.w[2]) + x[0]

    model, examples = Logarithm(), Examples(X, X[:, 0])
    assert not joined(model, nn.mse_loss, examples, way_of(model, examples))
    assert joined(model, root, examples, way_of(model, examples))
    assert [w.data for w in model.w] == [1e-9] * 3


def test_a_loss_that_is_no_value_is_told():
    examples = Examples(X, X[:, 0])
    with pytest.raises(TypeError, match=r"the loss is a Value, and this one gives \[Value"):
        joined(OfOne(), lambda out, t: [out], examples, Way())


def test_outputs_of_different_lengths_make_no_array():
    assert as_numbers([Value(1.0), [Value(2.0)]][1]).tolist() == [2.0]
    with pytest.raises(TypeError, match="different lengths"):
        as_numbers([[Value(1.0)], [Value(1.0), Value(2.0)]])
