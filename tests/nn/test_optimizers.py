"""Optimizers: PyTorch's numbers, step by step."""

import itertools

import numpy as np
import pytest

from engine import Value
from nn import SGD, Optimizer

SETTINGS = [
    {"momentum": m, "dampening": t, "weight_decay": d, "nesterov": n}
    for m, t, d, n in itertools.product((0.0, 0.9), (0.0, 0.3), (0.0, 0.1), (False, True))
    if not n or (m and not t)
]


def bowl(x, y):
    return (x - 1) ** 2 + 10 * (y + x * x) ** 2


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_twenty_steps_are_pytorchs(setting):
    torch = pytest.importorskip("torch")
    ours = [Value(0.5), Value(-0.3)]
    theirs = [torch.tensor(v.data, dtype=torch.float64, requires_grad=True) for v in ours]
    for values, optimizer in (
        (ours, SGD(ours, lr=0.01, **setting)),
        (theirs, torch.optim.SGD(theirs, lr=0.01, **setting)),
    ):
        for _ in range(20):
            optimizer.zero_grad()
            bowl(*values).backward()
            optimizer.step()
    np.testing.assert_allclose([v.data for v in ours], [t.item() for t in theirs], rtol=1e-13)


def test_momentum_by_hand():
    p = Value(1.0)
    optimizer = SGD([p], lr=0.1, momentum=0.5)
    velocity, number = 0.0, 1.0
    for k in range(3):
        optimizer.zero_grad()
        (p * p).backward()
        optimizer.step()
        velocity = 2 * number if k == 0 else 0.5 * velocity + 2 * number
        number -= 0.1 * velocity
        assert p.data == pytest.approx(number, rel=1e-15)


def test_what_has_no_gradient_or_is_frozen_stays():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    optimizer = SGD([a, b, c], lr=0.5, momentum=0.9, weight_decay=0.1)
    c.requires_grad = False
    (a * c).backward()
    optimizer.step()
    assert (b.data, c.data) == (2.0, 3.0)
    assert a.data != 1.0
    assert optimizer.state["steps"].tolist() == [1.0, 0.0, 0.0]
    optimizer.zero_grad()
    optimizer.step()
    assert optimizer.state["steps"].tolist() == [1.0, 0.0, 0.0]


def test_an_optimizer_is_one_rule():
    class SignDescent(Optimizer):
        def rule(self, p, g, state):
            return p - self.lr * np.sign(g)

    p = Value(3.0)
    optimizer = SignDescent([p], lr=0.25)
    (p * p).backward()
    optimizer.step()
    assert p.data == 2.75


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: SGD([]), "at least one parameter"),
        (lambda p: SGD(p, lr=-1.0), "lr is a number from 0 up"),
        (lambda p: SGD(p, lr=float("nan")), "lr is a number from 0 up"),
        (lambda p: SGD(p, momentum=-0.1), "momentum"),
        (lambda p: SGD(p, nesterov=True), "nesterov needs"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build([Value(1.0)])


def test_a_rule_is_needed():
    p = Value(1.0)
    p.backward()
    with pytest.raises(NotImplementedError, match="rule"):
        Optimizer([p], 0.1).step()
