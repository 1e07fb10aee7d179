"""BayesLinear: the KL beside PyTorch's and Monte Carlo's, the law of its samples, its slopes, and that it learns."""

import copy
import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value, check_grads, dot, mean, no_grad, sum
from engine.draws import recorded_draws
from engine.nested import flat

from .case import as_leaves, data


def filled(layer, seed=0):
    """The layer, its means and spreads all different."""
    rng = np.random.default_rng(seed)
    layer.load_state_dict({
        name: rng.normal(0.0, 0.8, array.shape) + (-1.0 if "rho" in name else 0.0)
        for name, array in layer.state_dict().items()
    })  # fmt: skip
    return layer


def sigma(rho):
    return np.log1p(np.exp(rho))


# ------------------------------------------------------------------------------ the KL


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prior_std", [0.1, 1.0, 4.0])
def test_the_kl_and_its_slopes_are_pytorchs(prior_std, bias):
    torch = pytest.importorskip("torch")
    layer = filled(nn.BayesLinear(3, 2, bias, prior_std=prior_std))
    parts = {name: torch.tensor(array, requires_grad=True) for name, array in layer.state_dict().items()}
    prior = torch.distributions.Normal(*torch.tensor([0.0, prior_std], dtype=torch.float64))
    theirs = 0.0
    for part in ("weight", "bias") if bias else ("weight",):
        spread = torch.nn.functional.softplus(parts[f"{part}_rho"])
        posterior = torch.distributions.Normal(parts[f"{part}_mu"], spread)
        theirs = theirs + torch.distributions.kl_divergence(posterior, prior).sum()
    theirs.backward()
    ours = layer.kl()
    ours.backward()
    assert ours.data == pytest.approx(theirs.item(), rel=1e-13)
    for name, array in layer.grad_dict().items():
        np.testing.assert_allclose(array, parts[name].grad.numpy(), rtol=1e-12)


@given(mu=st.floats(-10, 10), rho=st.floats(-30, 30), prior_std=st.floats(0.01, 100))
def test_the_kl_is_that_of_mpmath_and_not_negative(mu, rho, prior_std):
    mpmath = pytest.importorskip("mpmath")
    layer = nn.BayesLinear(1, 1, bias=False, prior_std=prior_std)
    layer.weight_mu[0][0].data, layer.weight_rho[0][0].data = mu, rho
    with mpmath.workdps(50):
        m, s, spread = mpmath.mpf(mu), mpmath.mpf(prior_std), mpmath.log1p(mpmath.exp(mpmath.mpf(rho)))
        terms = [mpmath.log(s / spread), (spread**2 + m**2) / (2 * s**2), -mpmath.mpf("0.5")]
        expected, size = float(mpmath.fsum(terms)), float(mpmath.fsum(terms, absolute=True))
    kl = layer.kl().data
    assert kl == pytest.approx(expected, abs=1e-14 * (size + 1.0))
    assert kl >= -1e-14


def test_the_kl_is_the_mean_of_log_q_over_p():
    layer, n = filled(nn.BayesLinear(2, 1, prior_std=0.7, seed=3)), 4000
    state = layer.state_dict()
    mu = np.append(state["weight_mu"], state["bias_mu"])
    spread = sigma(np.append(state["weight_rho"], state["bias_rho"]))
    with no_grad():
        w = np.array([[v.data for v in flat(layer.sample())] for _ in range(n)])
    log_q = -0.5 * ((w - mu) / spread) ** 2 - np.log(spread)
    log_p = -0.5 * (w / 0.7) ** 2 - np.log(0.7)
    ratios = np.sum(log_q - log_p, axis=1)
    assert abs(np.mean(ratios) - layer.kl().data) < 4 * np.std(ratios) / math.sqrt(n)


def test_the_prior_itself_is_at_distance_0():
    layer = nn.BayesLinear(3, 2, prior_std=0.5)
    layer.load_state_dict({
        name: np.full(array.shape, math.log(math.expm1(0.5)) if "rho" in name else 0.0)
        for name, array in layer.state_dict().items()
    })  # fmt: skip
    kl = layer.kl()
    kl.backward()
    assert kl.data == pytest.approx(0.0, abs=1e-14)
    np.testing.assert_allclose([p.grad for p in layer.parameters()], 0.0, atol=1e-14)


@pytest.mark.parametrize("rho", [-200.0, -700.0])
def test_the_kl_of_a_spread_near_0_is_finite_and_so_is_its_slope(rho):
    """σ = e^ρ there: ln(s/σ) = ln s − ρ, with slope −1."""
    layer = nn.BayesLinear(1, 1, bias=False, prior_std=2.0)
    layer.weight_mu[0][0].data, layer.weight_rho[0][0].data = 0.0, rho
    kl = layer.kl()
    kl.backward()
    assert kl.data == pytest.approx(math.log(2.0) - rho - 0.5, rel=1e-12)
    assert layer.weight_rho[0][0].grad == pytest.approx(-1.0, rel=1e-12)


@pytest.mark.parametrize(("prior_std", "expected"), [(1e-200, math.inf), (1e200, 200.0 * math.log(10.0) - 0.5)])
def test_the_kl_to_a_prior_whose_square_is_no_float(prior_std, expected):
    layer = nn.BayesLinear(1, 1, bias=False, prior_std=prior_std)
    layer.weight_rho[0][0].data = math.log(math.expm1(1.0))
    assert layer.kl().data == pytest.approx(expected)


# ------------------------------------------------------------------------------ samples


def test_samples_have_the_mean_and_the_spread():
    layer, n = filled(nn.BayesLinear(2, 2, seed=1)), 4000
    state = layer.state_dict()
    with no_grad():
        drawn = [layer.sample() for _ in range(n)]
    for part, numbers in (("weight", [w for w, _ in drawn]), ("bias", [b for _, b in drawn])):
        samples, spread = data(numbers), sigma(state[f"{part}_rho"])
        assert np.all(np.abs(samples.mean(0) - state[f"{part}_mu"]) < 4 * spread / math.sqrt(n))
        assert np.all(np.abs(samples.std(0) / spread - 1.0) < 4 / math.sqrt(2 * n))
        z = (samples - state[f"{part}_mu"]) / spread  # of N(0, 1): its fourth moment is 3, with variance 96/n
        assert np.all(np.abs(np.mean(z**4, axis=0) - 3.0) < 4 * math.sqrt(96 / n))


def test_noise_is_of_its_own_for_each_weight():
    layer = nn.BayesLinear(1, 2, seed=0)
    with no_grad():
        samples = np.array([[v.data for v in flat(layer.sample())] for _ in range(2000)])
    correlations = np.corrcoef(samples.T) - np.eye(4)
    assert np.max(np.abs(correlations)) < 4 / math.sqrt(2000)


def test_a_batch_shares_one_sample_and_each_call_draws_another():
    layer = nn.BayesLinear(3, 2, seed=0)
    x = [1.0, -2.0, 0.5]
    together = data(layer([x, x, x]))
    assert np.all(together == together[0])
    assert not np.any(data(layer([x])) == together[0])


def test_the_same_seed_gives_the_same_weights_and_samples():
    one, other = nn.BayesLinear(3, 2, seed=5), nn.BayesLinear(3, 2, seed=5)
    for _ in range(2):
        np.testing.assert_array_equal(data(one([1.0, 2.0, 3.0])), data(other([1.0, 2.0, 3.0])))
    assert np.any(data(one([1.0, 2.0, 3.0])) != data(nn.BayesLinear(3, 2, seed=6)([1.0, 2.0, 3.0])))


def test_without_a_seed_the_global_generator_draws():
    state, outs = random.getstate(), []
    try:
        for _ in range(2):
            random.seed(4)
            outs.append(data(nn.BayesLinear(2, 2)([1.0, 2.0])))
    finally:
        random.setstate(state)
    np.testing.assert_array_equal(*outs)


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_is_a_layer_of_its_own(duplicate, seed):
    layer = nn.BayesLinear(2, 1, seed=seed)
    twin = duplicate(layer)
    assert twin.kl().data == layer.kl().data
    if seed is not None:
        assert data(twin([1.0, 2.0])) == data(layer([1.0, 2.0]))


def test_in_evaluation_it_is_linear_in_its_means():
    layer = filled(nn.BayesLinear(3, 2)).eval()
    linear, state = nn.Linear(3, 2), layer.state_dict()
    linear.load_state_dict({"weight": state["weight_mu"], "bias": state["bias_mu"]})
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    with recorded_draws() as draws:
        np.testing.assert_array_equal(data(layer(x)), data(linear(x)))
    assert not draws


def test_names_of_what_is_drawn_and_computed():
    layer = nn.Sequential(nn.BayesLinear(2, 1, seed=0))[0]
    with recorded_draws() as draws:
        weight, bias = layer.sample()
    names = ["layers[0].weight_eps[0][0]", "layers[0].weight_eps[0][1]", "layers[0].bias_eps[0]"]
    assert [leaf.name for leaf, _ in draws] == names
    assert (weight[0][1].name, bias[0].name) == ("layers[0].weight[0][1]", "layers[0].bias[0]")
    assert layer.kl().name == "layers[0].kl"


# ------------------------------------------------------------------------------ slopes and learning


@pytest.mark.parametrize("training", [True, False])
def test_slopes_with_the_draws_fixed(training):
    layer = nn.BayesLinear(2, 2, prior_std=0.8).train(training)

    def loss(x, weight_mu, weight_rho, bias_mu, bias_rho):
        layer.weight_mu, layer.weight_rho, layer.bias_mu, layer.bias_rho = weight_mu, weight_rho, bias_mu, bias_rho
        layer.rng = random.Random(1)
        return dot([1.0, -0.5], [y.tanh() for y in layer(x)]) + 0.1 * layer.kl()

    numbers = [np.asarray(array).tolist() for array in filled(nn.BayesLinear(2, 2)).state_dict().values()]
    assert check_grads(loss, [[0.7, -1.3], *numbers])


def test_the_sample_carries_the_gradient_to_mean_and_spread():
    """∂w/∂μ = 1 and ∂w/∂ρ = ε·σ'(ρ), σ' the sigmoid."""
    layer = filled(nn.BayesLinear(3, 2, bias=False, seed=0))
    with recorded_draws() as draws:
        weight, _ = layer.sample()
    sum(flat(weight)).backward()
    np.testing.assert_array_equal(layer.grad_dict()["weight_mu"], 1.0)
    eps = np.array([leaf.data for leaf, _ in draws]).reshape(2, 3)
    slope = 1.0 / (1.0 + np.exp(-layer.state_dict()["weight_rho"]))
    np.testing.assert_allclose(layer.grad_dict()["weight_rho"], eps * slope, rtol=1e-14)


def test_a_small_regression_learns_its_exact_posterior():
    """y = 2x − 1 + noise: the posterior of a linear model is known (Bishop 2006, section 3.3)."""
    rng, n, noise = np.random.default_rng(0), 20, 0.5
    x = rng.uniform(-1.0, 1.0, n)
    x -= x.mean()  # then slope and offset are independent, and the best q is the posterior itself
    y = 2.0 * x - 1.0 + noise * rng.normal(size=n)
    design = np.stack([x, np.ones(n)], axis=1)
    precision = design.T @ design / noise**2 + np.eye(2)
    posterior_mean = np.linalg.solve(precision, design.T @ y / noise**2)
    posterior_std = 1.0 / np.sqrt(np.diag(precision))

    layer = nn.BayesLinear(1, 1, seed=0)
    optimizer = nn.SGD(layer.parameters(), lr=0.1)
    losses, kept = [], []
    for _ in range(1000):
        out = layer(x[:, None])
        residuals = [row[0] - t for row, t in zip(out, y, strict=True)]
        loss = mean([r * r for r in residuals]) / (2.0 * noise**2) + layer.kl() / n
        layer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
        kept.append([p.data for p in layer.parameters()])
    found = np.mean(kept[-500:], axis=0)
    names = [name.partition("[")[0] for name, _ in layer.named_parameters()]
    mus = found[[names.index("weight_mu"), names.index("bias_mu")]]
    spreads = sigma(found[[names.index("weight_rho"), names.index("bias_rho")]])
    assert np.mean(losses[-50:]) < 0.5 * np.mean(losses[:5])
    np.testing.assert_allclose(mus, posterior_mean, atol=0.05)
    np.testing.assert_allclose(spreads, posterior_std, rtol=0.1)


@pytest.mark.parametrize("prior_std", [0.0, -1.0, float("nan"), float("inf")])
def test_the_prior_has_a_spread(prior_std):
    with pytest.raises(ValueError, match="prior_std is a number above 0"):
        nn.BayesLinear(2, 1, prior_std=prior_std)
    with pytest.raises(TypeError, match="prior_std is a number above 0, not '1'"):
        nn.BayesLinear(2, 1, prior_std="1")


def test_the_spread_begins_small_and_the_mean_as_in_linear():
    layer = nn.BayesLinear(16, 8, seed=0)
    state = layer.state_dict()
    assert np.all(np.abs(state["weight_mu"]) <= 0.25)
    assert np.max(np.abs(state["weight_mu"])) > 0.2
    np.testing.assert_allclose(sigma(state["bias_rho"]), 0.0486, atol=1e-4)
    assert repr(layer) == "BayesLinear(in_features=16, out_features=8, bias=True, prior_std=1.0)"


def test_a_frozen_layer_samples_and_takes_no_gradient():
    layer = nn.BayesLinear(2, 1, seed=0).requires_grad_(False)
    x = as_leaves(np.array([1.0, 2.0]))
    (layer(x)[0] * Value(2.0)).backward()
    assert all(v.grad != 0.0 for v in x)
    assert not any(p.has_grad for p in layer.parameters())
