"""Losses of classes: PyTorch's numbers for every option, digits at far logits, laws, and errors that help."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value, replay

from .agreement import REDUCTIONS, agree, close, computes_again, distributions, total
from .case import as_leaves, data

RNG = np.random.default_rng(6)
X = RNG.normal(size=(3, 4))  # logits of three examples and four classes
V = RNG.uniform(0.1, 2.0, (3, 4))  # weights
SHARES = RNG.dirichlet(np.ones(4), 3)  # a probability for each class
IMAGE, IMAGE_SHARES = RNG.normal(size=(2, 3, 2, 2)), RNG.dirichlet(np.ones(3), (2, 2, 2)).transpose(0, 3, 1, 2)

# ------------------------------------------------------------------------------ PyTorch's numbers

ROWS = {
    "cross_entropy of one": ("cross_entropy", (X[0], np.array(2)), {}),
    "cross_entropy": ("cross_entropy", (X, np.array([1, 0, 3])), {}),
    "cross_entropy one class": ("cross_entropy", (X[:, :1], np.array([0, 0, 0])), {}),
    "cross_entropy weight": ("cross_entropy", (X, np.array([1, 0, 3])), {"weight": V[0], "frozen": ("weight",)}),
    "cross_entropy weights 0 and 1": (
        "cross_entropy", (X, np.array([1, 0, 3])), {"weight": np.array([1.0, 0.0, 1.0, 2.0]), "frozen": ("weight",)}),
    "cross_entropy ignoring": ("cross_entropy", (X, np.array([1, -100, 3])), {}),
    "cross_entropy ignoring a class": (
        "cross_entropy", (X, np.array([1, 3, 3])), {"ignore_index": 1, "weight": V[0], "frozen": ("weight",)}),
    "cross_entropy smoothing": ("cross_entropy", (X, np.array([1, 0, 3])), {"label_smoothing": 0.1}),
    "cross_entropy smoothing all": ("cross_entropy", (X, np.array([1, 0, 3])), {"label_smoothing": 1.0}),
    "cross_entropy smoothing, weight, ignoring": (
        "cross_entropy", (X, np.array([1, 2, 3])),
        {"label_smoothing": 0.2, "ignore_index": 2, "weight": V[0], "frozen": ("weight",)}),
    "cross_entropy of an image": ("cross_entropy", (IMAGE, np.array([[[0, 1], [2, 0]], [[1, 1], [-100, 2]]])), {}),
    "cross_entropy of sequences": (
        "cross_entropy", (IMAGE[..., 0], np.array([[0, 1], [2, 0]])), {"weight": V[0, :3], "frozen": ("weight",)}),
    "cross_entropy probabilities": ("cross_entropy", (X, SHARES), {}),
    "cross_entropy probabilities of one": ("cross_entropy", (X[0], SHARES[0]), {}),
    "cross_entropy probabilities, all options": (
        "cross_entropy", (X, SHARES), {"label_smoothing": 0.3, "weight": V[0], "frozen": ("weight",)}),
    "cross_entropy probabilities of an image": ("cross_entropy", (IMAGE, IMAGE_SHARES), {"label_smoothing": 0.1}),
    "nll_loss": ("nll_loss", (X, np.array([1, 0, 3])), {}),
    "nll_loss of one": ("nll_loss", (X[0], np.array(2)), {}),
    "nll_loss weight, ignoring": (
        "nll_loss", (X, np.array([1, 0, 3])), {"weight": V[0], "ignore_index": 0, "frozen": ("weight",)}),
    "nll_loss of an image": ("nll_loss", (IMAGE, np.array([[[0, 1], [2, 0]], [[1, 1], [-100, 2]]])), {}),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("row", ROWS)
def test_numbers_and_gradients_are_pytorchs(row, reduction):
    name, arrays, options = ROWS[row]
    agree(name, *arrays, reduction=reduction, **options)


# ------------------------------------------------------------------------------ digits


@pytest.mark.parametrize("y", range(4))
@pytest.mark.parametrize(
    "logits",
    [[1000.0, -1000.0, 40.0, -40.0], [40.0, 0.0, -40.0, 39.0], [1000.0] * 4, [-1000.0] * 4, [1e5, 1e5 - 1, 0, 0]],
)
def test_cross_entropy_keeps_every_digit(logits, y):
    xs = as_leaves(np.array(logits))
    loss = nn.cross_entropy(xs, y)
    loss.backward()
    with mpmath.workdps(900):
        exps = [mpmath.exp(mpmath.mpf(x) - logits[y]) for x in logits]
        others = mpmath.fsum(exps[:y] + exps[y + 1 :])
        assert loss.data == pytest.approx(float(mpmath.log(1 + others)), rel=1e-14)
        slopes = [float((e if i != y else -others) / (1 + others)) for i, e in enumerate(exps)]
    assert [x.grad for x in xs] == pytest.approx(slopes, rel=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_of_far_logits_are_pytorchs(smoothing):
    far = np.array([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0], [40.0, -40.0, 41.0]])
    agree("cross_entropy", far, np.array([1, 0, 2]), label_smoothing=smoothing)
    agree("cross_entropy", far, np.full((3, 3), 1.0 / 3.0), label_smoothing=smoothing, frozen=(1,))


# ------------------------------------------------------------------------------ classes that are Values


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0, 0.1]])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignore_index", [-100, 2, -1])
def test_classes_may_be_values(reduction, weight, smoothing, ignore_index):
    """The graph takes other classes, and others to ignore, and then gives their loss."""
    options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction, "label_smoothing": smoothing}
    first, second = [1, ignore_index, 3], [ignore_index, 0, 1]
    classes = [Value(float(y), requires_grad=False) for y in first]
    loss = nn.cross_entropy(X, classes, **options)
    close(data(loss), data(nn.cross_entropy(X, first, **options)))
    again = replay(total(loss), dict(zip(classes, map(float, second), strict=True)))
    close(again, total(nn.cross_entropy(X, second, **options)).data)
    if not smoothing:
        del options["label_smoothing"]
        close(data(nn.nll_loss(X, classes, **options)), data(nn.nll_loss(X, first, **options)))


def test_one_example_takes_a_value_as_its_class():
    y = Value(1.0, requires_grad=False)
    loss = nn.cross_entropy(X[0], y)
    assert loss.data == nn.cross_entropy(X[0], 1).data
    assert replay(loss, {y: 3.0}) == pytest.approx(nn.cross_entropy(X[0], 3).data, rel=1e-14)
    with pytest.raises(IndexError, match="class -100 is out of range for 4 classes"):
        nn.cross_entropy(X[0], Value(-100.0))


def test_a_hard_label_is_one_node():
    loss = nn.cross_entropy(as_leaves(X), [0, 1, 2])
    assert [loss.op.name, *(p.op.name for p in loss.parents)] == ["mean", "neg", "neg", "neg"]
    assert {p.parents[0].op.name for p in loss.parents} == {"log_softmax"}


@pytest.mark.parametrize("row", [row for row, (_, arrays, _) in ROWS.items() if all(np.ndim(a) for a in arrays)])
def test_no_branch_is_frozen(row):
    computes_again(*ROWS[row])


# ------------------------------------------------------------------------------ laws

logits = st.lists(st.floats(-50.0, 50.0), min_size=2, max_size=5)


@given(logits, st.data())
def test_cross_entropy_is_at_least_the_entropy(xs, draws):
    """−Σ t·ln q ≥ −Σ t·ln t, and equal where q = t (Gibbs)."""
    ts = draws.draw(distributions(len(xs)))
    entropy = -math.fsum(t * math.log(t) for t in ts if t)
    assert nn.cross_entropy(xs, ts).data >= entropy - 1e-12
    own = [math.log(t) if t else -1e3 for t in ts]
    assert nn.cross_entropy(own, ts).data == pytest.approx(entropy, abs=1e-9)


@given(logits, st.data())
def test_a_class_is_the_distribution_that_is_sure(xs, draws):
    y = draws.draw(st.integers(0, len(xs) - 1))
    sure = [float(i == y) for i in range(len(xs))]
    smoothing = draws.draw(st.floats(0.0, 1.0))
    hard = nn.cross_entropy(xs, y, label_smoothing=smoothing).data
    assert nn.cross_entropy(xs, sure, label_smoothing=smoothing).data == pytest.approx(hard, rel=1e-12, abs=1e-13)


# ------------------------------------------------------------------------------ inputs and errors


def test_losses_come_in_the_form_of_the_classes():
    assert isinstance(nn.cross_entropy(X[0], 1, reduction="none"), Value)
    assert np.shape(data(nn.cross_entropy(IMAGE, np.zeros((2, 2, 2), int), reduction="none"))) == (2, 2, 2)
    assert nn.cross_entropy(X, [-100] * 3, reduction="sum").data == 0.0


FAULTS = [
    (lambda: nn.cross_entropy(X, [0, 4, 1]), IndexError, "class 4 is out of range for 4 classes; give one from 0 to 3"),
    (lambda: nn.cross_entropy(X, [0, -1, 1]), IndexError, "class -1 is out of range"),
    (lambda: nn.cross_entropy(X, [0, Value(-1.0), 1]), IndexError, "class -1 is out of range"),
    (lambda: nn.cross_entropy(X, [0, 0.5, 1]), TypeError, "whole number, not 0.5"),
    (lambda: nn.cross_entropy(X, ["0", 1, 1]), TypeError, "float"),
    (lambda: nn.cross_entropy(X, [["a"] * 4] * 3), TypeError, "number or a Value"),
    (lambda: nn.cross_entropy(X, None), TypeError, "not None; does a function lack its return"),
    (lambda: nn.cross_entropy(X, iter([0, 1, 2])), TypeError, "not a whole list_iterator"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], ignore_index="0"), TypeError, "number or a Value"),
    (lambda: nn.cross_entropy(X, [0, 1]), ValueError, r"shape \(3,\) \(classes\) or \(3, 4\) .*, and got shape \(2,\)"),
    (lambda: nn.cross_entropy(X, -SHARES), ValueError, "probabilities of at least 0"),
    (lambda: nn.cross_entropy(X, SHARES, ignore_index=0), ValueError, "ignore_index is for targets that are classes"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], label_smoothing=1.5), ValueError, "label_smoothing .*not 1.5"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], [1.0, 2.0]), ValueError, r"a weight of shape \(4,\), and got shape \(2,\)"),
    (lambda: nn.cross_entropy(X, [-100] * 3), ValueError, "the mean of no examples"),
    (lambda: nn.cross_entropy(X, [Value(-100.0)] * 3), ValueError, "the mean of no examples"),
    (lambda: nn.cross_entropy(1.0, 0), ValueError, r"\(classes,\) or \(batch, classes, ...\), and got shape \(\)"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], reduction="batchmean"), ValueError, "not 'batchmean'"),
    (lambda: nn.nll_loss(X, SHARES), ValueError, r"nll_loss takes a target of shape \(3,\), and got shape \(3, 4\)"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "kind", "text"), FAULTS)
def test_an_error_says_what_and_why(wrong, kind, text):
    with pytest.raises(kind, match=text):
        wrong()
