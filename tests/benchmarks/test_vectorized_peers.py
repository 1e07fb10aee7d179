"""All peers of the benchmarks compute the same losses and gradients. Nothing here is timed."""

import numpy as np
import pytest

from tests.benchmarks import peers_numpy_digits, peers_numpy_gpt, peers_numpy_moons, peers_scalar
from tests.benchmarks import vectorized_digits as digits
from tests.benchmarks import vectorized_gpt as gpt
from tests.benchmarks import vectorized_moons as moons
from tests.benchmarks.timing import asked, in_turns, ratio


@pytest.fixture(scope="module")
def demo():
    """The demo over Values: its loss and gradient."""
    parameters, score = moons.formula(moons.start())
    x = moons.POINTS.tolist()
    losses = [moons.loss_of(parameters, score, *pair) for pair in zip(x, moons.LABELS.tolist(), strict=True)]
    loss = sum(losses) / len(losses)
    loss.backward()
    return loss.data, np.array([p.grad for part in parameters for p in np.ravel(part)])


def test_the_numpy_of_the_demo_in_both_layouts(demo):
    for peer in (peers_numpy_moons.rows(moons.start()), peers_numpy_moons.columns(moons.start())):
        _same(peer, demo)


def test_nn_mlp_is_the_formula(demo):
    parameters, score = moons.mlp(moons.start())
    x, t = moons.POINTS[7].tolist(), moons.LABELS[7]
    one = moons.loss_of(parameters, score, x, t)
    assert one.data == pytest.approx(moons.loss_of(*moons.formula(moons.start()), x, t).data, abs=1e-12)


def test_micrograd_on_the_demo(demo):
    pytest.importorskip("micrograd")
    from tests.benchmarks import peers_micrograd

    _same(peers_micrograd.moons(moons.start()), demo)


def test_pytorch_on_the_demo(demo):
    pytest.importorskip("torch")
    from tests.benchmarks import peers_torch

    _same(peers_torch.moons(moons.start()), demo)


def test_steps_of_the_demo_lower_the_loss():
    peer = peers_numpy_moons.columns(moons.start())
    before, _ = peer.gradient()
    for _ in range(20):
        peer.step()
    assert peer.gradient()[0] < before


# ------------------------------------------------------------------------------- the GPT


@pytest.fixture(scope="module")
def name():
    """A name of three letters over Values: its loss and gradient."""
    return gpt.eager(gpt.start(), gpt.documents(3)[0]).gradient()


def test_the_gpt_has_as_many_parameters_as_microgpt():
    assert gpt.start().size == 4192


def test_the_gpt_on_the_lean_engine(name):
    _same(peers_scalar.gpt(gpt.start(), gpt.documents(3)[:, None]), name)


def test_the_gpt_in_numpy(name):
    _same(peers_numpy_gpt.gpt(gpt.start(), gpt.documents(3)[:, None]), name)


def test_a_batch_of_the_gpt_in_numpy_is_the_mean_of_its_names():
    names = gpt.documents(4)[:5]
    singles = [peers_numpy_gpt.gpt(gpt.start(), one[None, None]).gradient() for one in names]
    losses, gradients = zip(*singles, strict=True)
    _same(peers_numpy_gpt.gpt(gpt.start(), names[None]), (np.mean(losses), np.mean(gradients, axis=0)))


def test_the_gpt_in_pytorch(name):
    pytest.importorskip("torch")
    from tests.benchmarks import peers_torch

    _same(peers_torch.gpt(gpt.start(), gpt.documents(3)[:, None]), name)


def test_the_gpt_in_casadi(name):
    pytest.importorskip("casadi")
    from tests.benchmarks import peers_casadi

    _same(peers_casadi.gpt(gpt.start(), gpt.documents(3)[0]), name)


def test_adam_is_the_same_on_the_lean_engine_and_in_numpy():
    singles = gpt.documents(3)[:, None]
    lean, by_hand = peers_scalar.gpt(gpt.start(), singles), peers_numpy_gpt.gpt(gpt.start(), singles)
    for _ in range(3):
        lean.step()
        by_hand.step()
    _same(by_hand, lean.gradient())


# ------------------------------------------------------------------------------- the digits


@pytest.fixture(scope="module")
def epoch():
    """Three batches of images."""
    pytest.importorskip("sklearn")
    return digits.batches(*digits.digits())[:3]


def test_the_digits_in_numpy_and_pytorch_by_some_steps(epoch):
    pytest.importorskip("torch")
    from tests.benchmarks import peers_torch

    by_hand, theirs = peers_numpy_digits.digits(digits.start(), epoch), peers_torch.digits(digits.start(), epoch)
    _same(by_hand, theirs.gradient())
    for _ in range(3):
        by_hand.step()
        theirs.step()
    _same(by_hand, theirs.gradient())


def test_the_steps_of_scikit_learn_are_counted(epoch):
    from tests.benchmarks import peers_sklearn

    images, classes = (np.concatenate(parts)[:-10] for parts in zip(*epoch, strict=True))
    for learn, count in peers_sklearn.digits(images, classes).values():
        before = learn()._optimizer.t
        after = learn()._optimizer.t
        assert count in (after, after - before)  # fit begins anew, partial_fit goes on


# ------------------------------------------------------------------------------- ours


def test_ours_on_the_demo(demo):
    _same(moons.traced(*moons.formula(moons.start())), demo)
    _same(moons.traced(*moons.mlp(moons.start())), demo)


def test_ours_on_a_name(name):
    peer = gpt.traced(gpt.start(), gpt.documents(3)[:, None])
    _same(peer, name)
    by_hand = peers_numpy_gpt.gpt(gpt.start(), gpt.documents(3)[:, None])
    for _ in range(3):
        peer.step()
        by_hand.step()
    _same(peer, by_hand.gradient())


def test_ours_on_the_digits(epoch):
    ours, by_hand = digits.traced(digits.start(), epoch), peers_numpy_digits.digits(digits.start(), epoch)
    _same(ours, by_hand.gradient())
    for _ in range(3):
        ours.step()
        by_hand.step()
    _same(ours, by_hand.gradient())


# ------------------------------------------------------------------------------- the runner


def test_every_function_has_its_turn_in_each_round():
    turns = []
    times = in_turns({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, 3)
    assert turns == ["a", "b"] * 3
    assert [len(times[name]) for name in "ab"] == [3, 3]


def test_a_ratio_is_that_of_the_same_round():
    times = {"a": [2.0, 20.0, 6.0], "b": [1.0, 10.0, 2.0]}
    assert ratio(times, "a", "b") == (2.0, 2.0)
    assert ratio(times, "a", "c") is None


@pytest.mark.parametrize(("got", "least", "says"), [(5.0, True, "asked: at least 4: reached"), (5.0, False, "NOT")])
def test_what_was_asked_is_said_beside_what_is(capsys, got, least, says):
    asked("ours", (got, got), 4, least=least)
    assert says in capsys.readouterr().out


def _same(peer, other, tolerance=1e-10):
    loss, gradient = peer.gradient()
    np.testing.assert_allclose(loss, other[0], rtol=tolerance)
    np.testing.assert_allclose(gradient, other[1], rtol=tolerance, atol=tolerance)
