"""Losses: PyTorch's numbers and gradients for every option, digits at far logits, laws, and errors that help."""

import math
import random

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import DomainError, Value, backward_steps, check_grads, formula, hessian
from engine.nested import flat

from .agreement import REDUCTIONS, agree, close, computes_again, distributions
from .case import as_leaves, data

RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))  # plain outputs and targets
P, Q = RNG.uniform(0.01, 0.99, (3, 4)), RNG.uniform(0.0, 1.0, (3, 4))  # probabilities of yes
V = RNG.uniform(0.1, 2.0, (3, 4))  # variances, weights
SHARES = RNG.dirichlet(np.ones(4), 3)  # a probability for each of four classes
OTHERS = RNG.dirichlet(np.ones(4), 3)
FAR = np.array([1000.0, -1000.0, 40.0, -40.0, 0.0, 700.0, -1e-9])


# ------------------------------------------------------------------------------ PyTorch's numbers

ROWS = {
    "mse_loss": ("mse_loss", (X, T), {}),
    "mse_loss of a vector": ("mse_loss", (X[0], T[0]), {}),
    "mse_loss of one number": ("mse_loss", (X[0, 0], T[0, 0]), {}),
    "l1_loss": ("l1_loss", (X, T), {}),
    "l1_loss at 0": ("l1_loss", (X, X), {}),
    "huber_loss": ("huber_loss", (X, T), {}),
    "huber_loss delta": ("huber_loss", (X, T), {"delta": 0.3}),
    "huber_loss at the seam": (
        "huber_loss", (np.array([1.5, -1.0, 0.0, 0.5]), np.array([1.0, -0.5, 0.0, 0.0])), {"delta": 0.5}),
    "smooth_l1_loss": ("smooth_l1_loss", (X, T), {}),
    "smooth_l1_loss beta": ("smooth_l1_loss", (X, T), {"beta": 0.4}),
    "smooth_l1_loss beta 0": ("smooth_l1_loss", (X, T), {"beta": 0.0}),
    "binary_cross_entropy": ("binary_cross_entropy", (P, Q), {}),
    "binary_cross_entropy weight": ("binary_cross_entropy", (P, Q), {"weight": V, "frozen": ("weight",)}),
    "binary_cross_entropy weight of a row": ("binary_cross_entropy", (P, Q), {"weight": V[0], "frozen": ("weight",)}),
    "bce_with_logits": ("bce_with_logits", (X, Q), {}),
    "bce_with_logits weight": ("bce_with_logits", (X, Q), {"weight": V, "frozen": ("weight",)}),
    "bce_with_logits weight of a column": ("bce_with_logits", (X, Q), {"weight": V[:, :1], "frozen": ("weight",)}),
    "bce_with_logits pos_weight": ("bce_with_logits", (X, Q), {"pos_weight": V[0], "frozen": ("pos_weight",)}),
    "bce_with_logits both": (
        "bce_with_logits", (X, Q), {"weight": V[1], "pos_weight": V[0], "frozen": ("weight", "pos_weight")}),
    "gaussian_nll_loss": ("gaussian_nll_loss", (X, T, V), {}),
    "gaussian_nll_loss full": ("gaussian_nll_loss", (X, T, V), {"full": True}),
    "gaussian_nll_loss eps": ("gaussian_nll_loss", (X, T, V), {"eps": 0.9}),
    "gaussian_nll_loss var of a row": ("gaussian_nll_loss", (X[:, :3], T[:, :3], V[0, :3]), {}),
    "gaussian_nll_loss var of a row, as a column": ("gaussian_nll_loss", (X, T, V[:, :1]), {}),
    "gaussian_nll_loss one var": ("gaussian_nll_loss", (X[0], T[0], V[0, :1]), {}),
    "kl_div": ("kl_div", (np.log(SHARES), OTHERS), {}),
    "kl_div log_target": ("kl_div", (np.log(SHARES), np.log(OTHERS)), {"log_target": True}),
    "kl_div with zeros": ("kl_div", (np.log(SHARES), np.eye(4)[:3]), {"frozen": (1,)}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("row", ROWS)
def test_numbers_and_gradients_are_pytorchs(row, reduction):
    name, arrays, options = ROWS[row]
    agree(name, *arrays, reduction=reduction, **options)


@pytest.mark.parametrize("t", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("p", [0.0, 1.0, 1e-50, 1e-20, 1e-13, 1e-11, 1.0 - 2.0**-53, 1.0 - 1e-13])
def test_binary_cross_entropy_at_its_ends(p, t):
    agree("binary_cross_entropy", np.array([p]), np.array([t]), frozen=(1,))


@pytest.mark.parametrize("var", [0.0, 1e-9, 1e-6, 2e-6])
def test_a_small_variance_is_kept_from_0_and_has_a_gradient(var):
    agree("gaussian_nll_loss", X[0], T[0], np.full(4, var))


def test_a_variance_for_each_row_is_not_one_for_each_column():
    square = X[:, :3]
    agree("gaussian_nll_loss", square, T[:, :3], np.array([0.5, 1.0, 2.0]))


def test_batchmean_divides_by_the_examples():
    agree("kl_div", np.log(SHARES), OTHERS, reduction="batchmean")
    agree("kl_div", np.log(SHARES[0]), OTHERS[0], reduction="batchmean")
    one = nn.kl_div(-1.0, 0.5, reduction="batchmean")
    assert one.data == nn.kl_div(-1.0, 0.5).data


def test_hinge_is_its_formula():
    x, t = as_leaves(X), np.sign(T)
    loss = nn.hinge(x, t, 0.8)
    loss.backward()
    close(loss.data, np.maximum(0.0, 0.8 - t * X).mean())
    close(np.reshape([v.grad for v in flat(x)], X.shape), np.where(0.8 - t * X > 0, -t, 0.0) / X.size)
    close(data(nn.hinge(X, t, reduction="none")), np.maximum(0.0, 1.0 - t * X))


def test_the_alias_is_pytorchs_name():
    assert nn.binary_cross_entropy_with_logits is nn.bce_with_logits


# ------------------------------------------------------------------------------ digits


@pytest.mark.parametrize("t", [0.0, 1.0, 0.25])
@pytest.mark.parametrize("number", FAR)
def test_bce_with_logits_keeps_every_digit(number, t):
    x = Value(number)
    loss = nn.bce_with_logits(x, t)
    loss.backward()
    with mpmath.workdps(900):
        exact, share = mpmath.mpf(number), mpmath.mpf(t)
        yes = 1 / (1 + mpmath.exp(-exact))
        wanted = share * mpmath.log(1 + mpmath.exp(-exact)) + (1 - share) * mpmath.log(1 + mpmath.exp(exact))
        slope = yes - share
        assert loss.data == pytest.approx(float(wanted), rel=1e-15)
        assert x.grad == pytest.approx(float(slope), rel=1e-15, abs=1e-16 if t == 0.25 else 0.0)


@pytest.mark.parametrize("name", ["l1_loss", "huber_loss", "smooth_l1_loss"])
@pytest.mark.parametrize("x", [math.inf, -math.inf, 1e300])
def test_the_slope_of_an_outlier_is_that_of_the_line(name, x):
    value = Value(x)
    getattr(nn, name)(value, 0.0).backward()
    assert value.grad == math.copysign(1.0, x)


def test_huber_does_not_square_what_is_far():
    x = Value(1e200)
    loss = nn.huber_loss(x, 0.0)
    loss.backward()
    assert (loss.data, x.grad) == (1e200, 1.0)


# ------------------------------------------------------------------------------ graphs


@pytest.mark.parametrize("row", [row for row, (_, arrays, _) in ROWS.items() if all(np.ndim(a) for a in arrays)])
def test_no_branch_is_frozen(row):
    computes_again(*ROWS[row])


@pytest.mark.parametrize(
    "name", ["binary_cross_entropy", "gaussian_nll_loss", "bce_with_logits", "huber_loss", "kl_div"]
)
def test_gradients_stand_the_check(name):
    more = [V[0].tolist()] if name == "gaussian_nll_loss" else []
    assert check_grads(lambda *inputs: getattr(nn, name)(*inputs), [P[0].tolist(), Q[0].tolist(), *more])


def test_the_second_derivative_of_binary_cross_entropy():
    """d²/dp² = t/p² + (1 − t)/(1 − p)²; at p = 0 the divisor is kept from 0."""
    assert hessian(lambda p: nn.binary_cross_entropy(p, 0.25))(0.5) == pytest.approx(4.0)
    p = Value(0.0)
    nn.binary_cross_entropy(p, 0.0).backward(create_graph=True)
    assert p.grad.data == 0.0


def test_losses_can_be_watched_and_written():
    p, v = Value(0.25, "p"), Value(2.0, "v")
    loss = nn.binary_cross_entropy([p], [1.0], reduction="sum") + nn.gaussian_nll_loss([p], [1.0], [v], reduction="sum")
    assert "binary_cross_entropy(p, 1)" in formula(loss)
    assert "at_least(v, 1e-06)" in formula(loss)
    steps = {step.parent.name: step.total for step in backward_steps(loss) if step.parent.name}
    loss.backward()
    assert steps == {"p": p.grad, "v": v.grad}


# ------------------------------------------------------------------------------ laws


@given(st.data())
def test_the_divergence_is_0_at_equality_and_else_positive(draws):
    p = draws.draw(distributions())
    q = draws.draw(distributions(len(p)))
    logs = [math.log(max(x, 1e-30)) for x in q]
    assert nn.kl_div(logs, p, reduction="sum").data >= -1e-12
    same = [math.log(x) if x else 0.0 for x in p]
    assert nn.kl_div(same, p, reduction="sum").data == pytest.approx(0.0, abs=1e-14)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_huber_lies_below_the_square_and_the_line(d, delta):
    loss = nn.huber_loss(d, 0.0, delta=delta).data
    assert 0.0 <= loss <= min(0.5 * d * d, delta * abs(d)) * (1 + 1e-15)
    assert nn.smooth_l1_loss(d, 0.0, beta=delta).data == pytest.approx(loss / delta, rel=1e-15)


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(["mse_loss", "l1_loss", "huber_loss", "bce_with_logits"]))
def test_reductions_agree(rows, columns, name):
    rng = random.Random(rows + 10 * columns)
    x, t = ([[rng.random() for _ in range(columns)] for _ in range(rows)] for _ in range(2))
    each, added, mean = (getattr(nn, name)(x, t, reduction=reduction) for reduction in ("none", "sum", "mean"))
    assert np.shape(data(each)) == (rows, columns)
    assert added.data == pytest.approx(data(each).sum(), rel=1e-14)
    assert mean.data == pytest.approx(data(each).mean(), rel=1e-14)


@given(st.floats(-700.0, 700.0), st.floats(0.0, 1.0))
def test_bce_is_one_loss_from_logits_or_probabilities(x, t):
    """Where p = sigmoid(x) has its digits, both give the same."""
    if x < 5.0:
        p = math.exp(x) / (1.0 + math.exp(x))
        if p > 4e-44:  # the logarithm is clamped below
            wanted = nn.bce_with_logits(x, t).data
            assert nn.binary_cross_entropy(p, t).data == pytest.approx(wanted, rel=1e-12, abs=1e-13)
    assert nn.bce_with_logits(x, t).data == nn.bce_with_logits(-x, 1.0 - t).data or 1.0 - (1.0 - t) != t


# ------------------------------------------------------------------------------ inputs and errors


def test_single_numbers_lists_and_arrays_come_back_in_their_form():
    assert isinstance(nn.mse_loss(1.0, 3.0), Value)
    assert isinstance(nn.mse_loss(1.0, 3.0, reduction="none"), Value)
    assert [type(part) for part in nn.mse_loss(X, T, reduction="none")] == [list] * 3


TWO_SHAPES = ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "hinge", "binary_cross_entropy", "bce_with_logits"]


@pytest.mark.parametrize("name", [*TWO_SHAPES, "kl_div"])
def test_two_shapes_are_refused_and_named(name):
    with pytest.raises(ValueError, match=rf"{name} takes .* one shape, and got shape \(2,\) and shape \(2, 1\)"):
        getattr(nn, name)([0.5, 0.5], [[1.0], [1.0]])
    with pytest.raises(ValueError, match="rows of different lengths"):
        getattr(nn, name)([[0.5], [0.5, 0.5]], [[1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=r"at least one number, and got shape \(0,\)"):
        getattr(nn, name)([], [])
    with pytest.raises(ValueError, match=r"reduction is 'mean' or 'sum' or 'none'.*, not 'average'"):
        getattr(nn, name)([0.5], [1.0], reduction="average")


FAULTS = [
    (lambda: nn.huber_loss(1.0, 2.0, delta=0.0), ValueError, "delta .*not 0"),
    (lambda: nn.smooth_l1_loss(1.0, 2.0, beta=-1.0), ValueError, "beta .*not -1"),
    (lambda: nn.hinge([1.0], [0]), ValueError, r"targets -1 and 1, and got 0.0; .* 2 \* target - 1"),
    (lambda: nn.binary_cross_entropy([1.5], [1.0]), DomainError, "0 <= p <= 1; from logits use bce_with_logits"),
    (lambda: nn.binary_cross_entropy([Value(-0.5, "p")], [1.0]), DomainError, r"\(node 'p'\)"),
    (lambda: nn.binary_cross_entropy([0.5], [2.0]), ValueError, "targets from 0 to 1, and got 2.0"),
    (lambda: nn.binary_cross_entropy(P, Q, [1.0, 2.0]), ValueError, r"weight of shape \(2,\) .* shape \(3, 4\)"),
    (lambda: nn.bce_with_logits(P, Q, pos_weight=[[1.0], [2.0, 3.0]]), ValueError, "pos_weight of rows of different"),
    (lambda: nn.gaussian_nll_loss(X, T, -V), ValueError, "variances of at least 0, and got -"),
    (lambda: nn.gaussian_nll_loss(X, T, V[0]), ValueError, r"shape \(3, 4\), \(3, 1\) or \(3,\), and got shape \(4,\)"),
    (lambda: nn.gaussian_nll_loss(X, T, V, eps=0.0), ValueError, "eps"),
    (lambda: nn.kl_div([-1.0], [-0.5]), ValueError, "probabilities as targets of at least 0, and got -0.5"),
    (lambda: nn.mse_loss([1.0], [None]), TypeError, "None"),
    (lambda: nn.mse_loss([1.0], None), TypeError, "not None"),
    (lambda: nn.hinge([1.0], ["1"]), TypeError, r"number or a Value.* float\('1'\)"),
    (lambda: nn.kl_div([-1.0], "ab"), TypeError, "number or a Value"),
    (lambda: nn.gaussian_nll_loss([1.0], [0.0], None), TypeError, "number or a Value"),
    (lambda: nn.bce_with_logits([1.0, 2.0], [1.0, "0"]), TypeError, r"number or a Value.* float\('0'\)"),
    (lambda: nn.bce_with_logits([1.0, 2.0], [1.0, 0.0], [None, 1.0]), TypeError, "number or a Value"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "kind", "text"), FAULTS)
def test_an_error_says_what_and_why(wrong, kind, text):
    with pytest.raises(kind, match=text):
        wrong()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weights_of_entries_are_pytorchs(name, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, t, w = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.uniform(0.1, 2.0, size=(2, 3))
    theirs = getattr(torch.nn.functional, name)(
        torch.tensor(x), torch.tensor(t), reduction=reduction, weight=torch.tensor(w)
    )
    ours = getattr(nn, name)(x, t, reduction=reduction, weight=w)
    np.testing.assert_allclose(np.vectorize(float)(np.array(ours, dtype=object)), theirs.numpy(), rtol=1e-14)
