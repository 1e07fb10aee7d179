"""Optimizers: PyTorch's numbers, step by step; two doors to one rule; groups, states, and what is refused."""

import copy
import inspect
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value
from nn import SGD, Adam, Optimizer

from .optimizer_cases import (
    CASES,
    NAMES,
    SMALL,
    always,
    curved,
    frozen_between,
    in_groups,
    in_one,
    in_turns,
    never_frozen,
    ours,
    train,
)

every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=lambda x: x if isinstance(x, str) else str(x))
every_optimizer = pytest.mark.parametrize("name", NAMES)


# ------------------------------------------------------------------------------ PyTorch's numbers


@pytest.fixture
def torch():
    """PyTorch with float64 as its default: it keeps NAdam's product of momenta in that."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


@every_case
@pytest.mark.parametrize(
    ("grouped", "terms", "frozen"),
    [(in_one, always, never_frozen), (in_groups, in_turns, frozen_between)],
    ids=["in one, always", "in groups, in turns"],
)
def test_twenty_steps_are_pytorchs(torch, name, options, grouped, terms, frozen):
    values, mine = ours(name, grouped, lr=0.01, **options)
    tensors = [torch.tensor(x, requires_grad=True) for x in SMALL]
    theirs = getattr(torch.optim, name)(grouped(tensors), lr=0.01, **options)
    path = train(values, mine, range(20), terms, frozen)
    expected = train(tensors, theirs, range(20), terms, frozen)
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-13)


@every_optimizer
def test_arguments_and_defaults_are_pytorchs(torch, name):
    def given(cls):
        parameters = inspect.signature(cls).parameters.values()
        left_out = {"foreach", "capturable", "differentiable", "fused"}
        return {p.name: p.default for p in parameters if p.name not in left_out}

    mine, theirs = given(getattr(nn, name)), given(getattr(torch.optim, name))
    assert mine == theirs
    positional = [n for n in mine if n not in ("maximize", "decoupled_weight_decay")]
    assert positional == [n for n in theirs if n not in ("maximize", "decoupled_weight_decay")]


# ------------------------------------------------------------------------------ laws


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


RATES = {"SGD": 0.02, "Adagrad": 0.5, "Adadelta": 20.0, "RMSprop": 0.05}


@every_optimizer
def test_it_finds_the_bottom_of_a_bowl(name):
    values, optimizer = ours(name, numbers=[2.0, -1.5], lr=RATES.get(name, 0.1))
    for k in range(400):
        optimizer.lr = RATES.get(name, 0.1) * (1.0 - k / 400)
        optimizer.zero_grad()
        ((values[0] - 1.0) ** 2 + 10.0 * (values[1] - 0.5) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose([v.data for v in values], [1.0, 0.5], atol=0.01)


SCALE_FREE = ["Adam", "AdamW", "NAdam", "RMSprop", "Adagrad", "Adamax"]


@pytest.mark.parametrize("name", SCALE_FREE)
@given(exponent=st.integers(-20, 20), gradients=st.lists(st.floats(0.1, 10.0), min_size=1, max_size=5))
def test_adaptive_steps_do_not_know_the_scale_of_the_loss(name, exponent, gradients):
    """With ε = 0 a loss in other units, times a power of two, moves the parameters in exactly the same way."""
    _, small = ours(name, numbers=[1.0], eps=0.0)
    _, large = ours(name, numbers=[1.0], eps=0.0)
    p = q = np.array([1.0])
    for g in gradients:
        p, q = small.update(p, [g]), large.update(q, [g * 4.0**exponent])
        np.testing.assert_allclose(p, q, rtol=1e-14)


@every_case
def test_to_maximize_is_to_minimize_the_negative(name, options):
    if options.get("maximize"):
        pytest.skip("it is the other side")
    _, down = ours(name, **options)
    _, up = ours(name, **options | {"maximize": True})
    p = q = np.array(SMALL)
    for k in range(5):
        g = np.cos(np.arange(6.0) + k)
        p, q = down.update(p, g), up.update(q, -g)
    assert p.tolist() == q.tolist()


@every_case
def test_each_parameter_is_moved_by_its_own_numbers_alone(name, options):
    order = [3, 0, 5, 1, 4, 2]
    _, one = ours(name, **options)
    _, other = ours(name, **options)
    p, q = np.array(SMALL), np.array(SMALL)[order]
    for k in range(3):
        g = np.sin(np.arange(6.0) + k)
        p, q = one.update(p, g), other.update(q, g[order])
    assert p[order].tolist() == q.tolist()


def test_decay_alone_shrinks_by_the_same_factor():
    p = SGD([Value(0.0), Value(0.0)], lr=0.1, weight_decay=0.5).update([2.0, -4.0], [0.0, 0.0])
    np.testing.assert_allclose(p, [1.9, -3.8], rtol=1e-15)
    p = nn.AdamW([Value(0.0), Value(0.0)], lr=0.1, weight_decay=0.5).update([2.0, -4.0], [0.0, 0.0])
    np.testing.assert_allclose(p, [1.9, -3.8], rtol=1e-15)


def test_amsgrad_remembers_the_largest_gradient():
    """After one gradient of 10 the root stays √50, as (1 − β₂)·10² = 50, and every later step is as short."""
    optimizer = Adam([Value(0.0)], lr=0.1, betas=(0.0, 0.5), eps=0.0, amsgrad=True)
    p = np.array([0.0])
    for t, g in enumerate([10.0] + [0.1] * 30, 1):
        moved = optimizer.update(p, [g])
        assert p[0] - moved[0] == pytest.approx(0.1 * g * np.sqrt((1.0 - 0.5**t) / 50.0), rel=1e-12)
        p = np.zeros(1)


def test_centered_rmsprop_is_finite_where_the_gradient_hardly_varies():
    """v − m² goes to 0 from above, and rounding below it."""
    optimizer = nn.RMSprop([Value(0.0)], alpha=0.5, centered=True)
    p = np.array([0.0])
    for _ in range(200):
        p = optimizer.update(p, [0.7])
        assert np.isfinite(p).all()


# ------------------------------------------------------------------------------ two doors


@every_case
@pytest.mark.parametrize("grouped", [in_one, in_groups])
def test_arrays_are_moved_as_values_are_bit_for_bit(name, options, grouped):
    values, by_values = ours(name, grouped, **options)
    shadows, by_arrays = ours(name, grouped, **options)
    p = np.array(SMALL)
    for _ in range(10):
        by_values.zero_grad()
        curved(values).backward()
        p = by_arrays.update(p, [v.grad for v in values])
        by_values.step()
        assert p.tolist() == [v.data for v in values]
    assert [v.data for v in shadows] == SMALL
    for name_, array in by_values.state_dict().items():
        np.testing.assert_array_equal(array, by_arrays.state_dict()[name_])


@every_case
def test_the_doors_may_be_used_in_turn(name, options):
    values, mixed = ours(name, **options)
    others, by_values = ours(name, **options)
    for k in range(8):
        for leaves, optimizer in ((values, mixed), (others, by_values)):
            optimizer.zero_grad()
            curved(leaves, (0, 1, 2, 3) if k % 3 else (0, 1)).backward()
            if optimizer is mixed and k % 3:
                for v, x in zip(leaves, mixed.update([v.data for v in leaves], [v.grad for v in leaves]), strict=True):
                    v.data = x
            else:
                optimizer.step()
        assert [v.data for v in values] == [v.data for v in others]


def test_update_takes_flat_arrays_only():
    optimizer = SGD([Value(1.0), Value(2.0)])
    for p, g in (([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [1.0, 2.0]), (1.0, 1.0)):
        with pytest.raises(ValueError, match=r"[pg] has shape .*parameters make \(2,\)"):
            optimizer.update(p, g)
    assert optimizer.state_dict()["steps"].tolist() == [0.0, 0.0]


def test_arrays_given_are_not_written_to():
    for name in NAMES:
        _, optimizer = ours(name)
        p, g = np.array(SMALL), np.array(SMALL)
        for _ in range(3):
            optimizer.update(p, g)
        assert p.tolist() == g.tolist() == SMALL


def test_what_overflows_is_inf_without_a_warning():
    for name in NAMES:
        _, optimizer = ours(name, numbers=[1.0], lr=1e300)
        optimizer.update([1e300], [1e300])


def test_what_has_no_gradient_or_is_frozen_stays():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    optimizer = SGD([a, b, c], lr=0.5, momentum=0.9, weight_decay=0.1)
    c.requires_grad = False
    (a * c).backward()
    optimizer.step()
    assert (b.data, c.data) == (2.0, 3.0)
    assert a.data != 1.0
    assert optimizer.state_dict()["steps"].tolist() == [1.0, 0.0, 0.0]
    optimizer.zero_grad()
    optimizer.step()
    assert optimizer.state_dict()["steps"].tolist() == [1.0, 0.0, 0.0]
    assert not a.has_grad


def test_a_frozen_parameter_stays_whatever_its_gradient():
    p = Value(1.0, requires_grad=False)
    p.grad = 1.0
    optimizer = SGD([p], lr=0.5)
    optimizer.step()
    assert p.data == 1.0


@pytest.mark.parametrize("which", [[0, 1, 2], [0, 2]], ids=["all", "some"])
def test_a_rule_sees_one_count_where_all_have_one(which):
    seen = []

    class Counting(Optimizer):
        def rule(self, p, g, state, o):
            seen.append(state["steps"])
            return p

    values = [Value(1.0), Value(2.0), Value(3.0)]
    optimizer = Counting(values, 0.1)
    for moved in ([0, 1, 2], [0, 2], which, [0, 1]):
        for i, v in enumerate(values):
            v.grad = 1.0 if i in moved else None
        optimizer.step()
    assert seen[:2] == [1.0, 2.0]
    assert seen[2] == 3.0 if which == [0, 2] else seen[2].tolist() == [3.0, 2.0, 3.0]
    assert seen[3].tolist() == ([4.0, 2.0] if which == [0, 2] else [4.0, 3.0])


def test_a_gradient_that_is_a_graph_is_taken_as_its_number():
    p = Value(3.0)
    (p * p).backward(create_graph=True)
    SGD([p], lr=0.5).step()
    assert p.data == 0.0
    p.grad = None


def test_a_closure_is_called_before_the_step_and_gives_its_loss():
    p = Value(3.0)
    optimizer = SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = p * p
        loss.backward()
        return loss

    assert optimizer.step(closure).data == 9.0
    assert p.data == 1.5
    assert optimizer.step() is None


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_are_cleared_or_made_0_as_in_pytorch(torch, set_to_none):
    a, b = Value(1.0), Value(2.0)
    ours = SGD([a, b], lr=0.5, momentum=0.5, weight_decay=0.1)
    tensors = [torch.tensor(x, requires_grad=True) for x in (1.0, 2.0)]
    theirs = torch.optim.SGD(tensors, lr=0.5, momentum=0.5, weight_decay=0.1)
    for leaf, optimizer in ((a, ours), (tensors[0], theirs)):
        (leaf * leaf).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=set_to_none)
        optimizer.step()
    assert a.has_grad == (not set_to_none)
    assert not b.has_grad
    assert (a.data, b.data) == (pytest.approx(tensors[0].item(), rel=1e-15), 2.0)


# ------------------------------------------------------------------------------ groups


def test_groups_have_options_of_their_own():
    a, b = Value(1.0), Value(1.0)
    optimizer = SGD([{"params": [a], "lr": 0.5, "momentum": 0.9}, {"params": b}], lr=0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.25]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.0]
    assert optimizer.param_groups[1]["params"] == [b]
    assert optimizer.parameters == [a, b]
    (a + b).backward()
    optimizer.step()
    assert (a.data, b.data) == (0.5, 0.75)


def test_lr_is_that_of_the_first_group_and_sets_all():
    optimizer = SGD([{"params": [Value(1.0)], "lr": 0.5}, {"params": [Value(1.0)]}], lr=0.25)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.125
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.125]
    with pytest.raises(ValueError, match="lr is a number from 0 up, not -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.125


@every_optimizer
def test_a_group_may_come_later(name):
    values, optimizer = ours(name, in_one, SMALL[:2])
    other, alone = ours(name, in_one, SMALL[:2])
    for leaves, each in ((values, optimizer), (other, alone)):
        (leaves[0] * leaves[1]).backward()
        each.step()
    late = Value(0.3)
    optimizer.add_param_group({"params": [late], "lr": 0.0625})
    (late * values[0]).backward()
    (other[0] * 0.3).backward()
    optimizer.step()
    alone.step()
    assert [v.data for v in values] == [v.data for v in other]
    assert late.data != 0.3
    assert optimizer.state_dict()["steps"].tolist() == [2.0, 2.0, 1.0]


def test_options_set_by_hand_are_taken_at_the_next_step():
    p = Value(1.0)
    optimizer = SGD([p], lr=0.5)
    p.grad = 1.0
    optimizer.param_groups[0]["lr"] = 0.125
    optimizer.step()
    assert p.data == 0.875
    optimizer.param_groups[0] |= {"momentum": 0.5}
    optimizer.step()
    optimizer.step()
    assert p.data == 0.875 - 0.125 - 0.125 * 1.5
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(ValueError, match=r"lr is a number from 0 up, not nan \(in param_groups\[0\]\)"):
        optimizer.step()
    with pytest.raises(ValueError, match="lr is a number"):
        optimizer.update([1.0], [1.0])
    assert p.data == 0.875 - 0.125 - 0.125 * 1.5


def test_what_is_done_to_the_groups_by_hand_is_noticed():
    optimizer = SGD([Value(1.0)])
    optimizer.param_groups[0]["params"].append(Value(2.0))
    with pytest.raises(ValueError, match=r"param_groups\[0\] had 1 parameters, and now has 2"):
        optimizer.step()
    optimizer = SGD([Value(1.0)])
    optimizer.param_groups.append({"params": [Value(2.0)], "lr": 1.0})
    with pytest.raises(ValueError, match="add_param_group"):
        optimizer.step()
    optimizer = SGD([Value(1.0)])
    optimizer.param_groups[0] = dict(optimizer.param_groups[0])
    with pytest.raises(ValueError, match="add_param_group"):
        optimizer.update([1.0], [1.0])


def test_it_says_its_options():
    optimizer = Adam([Value(1.0)], lr=0.5)
    assert repr(optimizer) == (
        "Adam(1 parameter, lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, "
        "decoupled_weight_decay=False, maximize=False)"
    )
    optimizer = nn.Adadelta([{"params": [Value(1.0), Value(2.0)]}, {"params": [Value(1.0)], "lr": 0.5}])
    assert repr(optimizer).splitlines() == [
        "Adadelta(",
        "  (group 0): 2 parameters, lr=1.0, rho=0.9, eps=1e-06, weight_decay=0.0, maximize=False",
        "  (group 1): 1 parameter, lr=0.5, rho=0.9, eps=1e-06, weight_decay=0.0, maximize=False",
        ")",
    ]


# ------------------------------------------------------------------------------ saving, loading


@every_case
@pytest.mark.parametrize("grouped", [in_one, in_groups])
def test_a_training_goes_on_from_its_state_bit_for_bit(name, options, grouped):
    values, optimizer = ours(name, grouped, **options)
    whole = train(values, optimizer, range(16), in_turns, frozen_between)
    values, optimizer = ours(name, grouped, **options)
    half = train(values, optimizer, range(7), in_turns, frozen_between)
    saved = {key: array.copy() for key, array in optimizer.state_dict().items()}
    again, loaded = ours(name, grouped, numbers=half[-1])  # the options come with the state
    loaded.load_state_dict(saved)
    rest = train(again, loaded, range(7, 16), in_turns, frozen_between)
    assert half + rest == whole


def test_a_state_is_a_flat_dict_of_arrays():
    _, optimizer = ours("NAdam", in_groups)
    state = optimizer.state_dict()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    assert {k: v.shape for k, v in state.items() if v.ndim} == {
        "steps": (6,), "exp_avg": (6,), "exp_avg_sq": (6,), "mu_product": (6,),
        "groups.0.betas": (2,), "groups.1.betas": (2,),
    }  # fmt: skip
    assert state["groups.0.lr"] == 0.003
    assert state["groups.1.params"] == 4
    assert state["groups.0.maximize"].dtype == bool
    state["exp_avg"][:] = 7.0
    assert optimizer.state_dict()["exp_avg"].tolist() == [0.0] * 6


def test_every_kind_of_option_travels():
    class Wild(Optimizer):
        def __init__(self, params, lr=0.1, wild=None):
            super().__init__(params, lr, wild=wild)

    for wild in (None, True, False, 3.0, (1.0, 2.0, 3.0), (0.5,)):
        optimizer = Wild([Value(1.0)])
        optimizer.load_state_dict(Wild([Value(1.0)], wild=wild).state_dict())
        assert optimizer.param_groups[0]["wild"] == wild
        assert type(optimizer.param_groups[0]["wild"]) is type(wild)
    with pytest.raises(TypeError, match="wild is a finite number, not 'text'"):
        Wild([Value(1.0)], wild="text")


def changed(**changes):
    def change(state):
        for name, new in changes.items():
            name = name.replace("__", ".")
            if new is None:
                del state[name]
            else:
                state[name] = new
        return state

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(exp_avg=None), "missing 'exp_avg'"),
        (changed(groups__0__lr=None), "missing 'groups.0.lr'"),
        (changed(other=np.array(1.0)), "unexpected 'other'"),
        (changed(groups__2__lr=np.array(1.0)), "unexpected 'groups.2.lr'"),
        (changed(exp_avg=np.zeros(5)), r"'exp_avg' has shape \(5,\), and this optimizer's is \(6,\)"),
        (changed(exp_avg=np.array(["a"] * 6)), "'exp_avg' is not an array of real numbers"),
        (changed(steps=np.full(6, 0.5)), "'steps' has numbers that do not count"),
        (changed(steps=np.full(6, -1.0)), "'steps' has numbers that do not count"),
        (changed(steps=np.full(6, np.nan)), "'steps' has numbers that do not count"),
        (changed(groups__0__params=np.array(3)), r"groups.0.params is 3, and this optimizer's is 2"),
        (changed(groups__1__lr=np.array(-1.0)), r"groups.1.lr is a number from 0 up, not -1.0"),
        (changed(groups__1__lr=np.array([1.0, 2.0])), "groups.1.lr is a number"),
        (changed(groups__0__betas=np.array([0.5, 1.0])), r"groups.0.betas\[1\] is a number from 0 up and below 1"),
        (changed(groups__0__amsgrad=np.array(0.5)), "groups.0.amsgrad is True or False"),
    ],
)
def test_a_state_is_taken_whole_or_not_at_all(change, message):
    values, optimizer = ours("Adam", in_groups)
    train(values, optimizer, range(3))
    before = optimizer.state_dict()
    _, other = ours("Adam", in_groups, lr=0.5)
    with pytest.raises(ValueError, match=f"the state does not fit Adam: .*{message}.*Nothing was changed"):
        optimizer.load_state_dict(change(other.state_dict()))
    for name, array in optimizer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_is_a_dict():
    for bad in (None, [1.0], "state"):
        with pytest.raises(TypeError, match="a state is a dict of arrays"):
            SGD([Value(1.0)]).load_state_dict(bad)


def test_every_fault_is_named():
    _, optimizer = ours("Adam")
    state = optimizer.state_dict() | {"steps": np.zeros(2), "more": np.zeros(1)}
    del state["exp_avg_sq"]
    with pytest.raises(ValueError, match=r"missing 'exp_avg_sq'; unexpected 'more'; 'steps' has shape \(2,\)"):
        optimizer.load_state_dict(state)


def test_options_that_do_not_go_together_are_not_loaded():
    optimizer = SGD([Value(1.0)], momentum=0.9)
    state = optimizer.state_dict() | {"groups.0.nesterov": np.array(True), "groups.0.dampening": np.array(0.5)}
    with pytest.raises(ValueError, match="nesterov needs"):
        optimizer.load_state_dict(state)
    assert not optimizer.param_groups[0]["nesterov"]


def test_a_state_goes_through_a_file(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    values, optimizer = ours("RAdam", in_groups, betas=(0.5, 0.75))
    train(values, optimizer, range(3), in_turns)
    numpy.save_file(optimizer.state_dict(), tmp_path / "optimizer.safetensors")
    _, other = ours("RAdam", in_groups)
    other.load_state_dict(numpy.load_file(tmp_path / "optimizer.safetensors"))
    for name, array in optimizer.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


def test_a_copy_goes_its_own_way():
    values, optimizer = ours("Adam")
    twin = copy.deepcopy(optimizer)
    train(values, optimizer, range(2))
    assert twin.state_dict()["steps"].tolist() == [0.0] * 6
    assert [v.data for v in twin.parameters] == SMALL
    twin.update(SMALL, SMALL)


# ------------------------------------------------------------------------------ what is refused


def test_an_optimizer_is_one_rule():
    class SignDescent(Optimizer):
        def rule(self, p, g, state, o):
            return p - o.lr * np.sign(g)

    p = Value(3.0)
    optimizer = SignDescent([p], lr=0.25)
    (p * p).backward()
    optimizer.step()
    assert p.data == 2.75
    assert list(optimizer.state_dict()) == ["steps", "groups.0.params", "groups.0.lr", "groups.0.maximize"]


def test_a_rule_is_needed():
    p = Value(1.0)
    p.backward()
    with pytest.raises(NotImplementedError, match="rule"):
        Optimizer([p], 0.1).step()


V = Value(1.0)
SHOULD = {
    "lr": ((-1.0, float("nan"), float("inf")), ValueError, "lr is a number from 0 up"),
    "eps": ((-1e-9,), ValueError, "eps is a number from 0 up"),
    "weight_decay": ((-0.1,), ValueError, "weight_decay is a number from 0 up"),
    "momentum": ((-0.1,), ValueError, "momentum is a number from 0 up"),
    "dampening": ((float("nan"),), ValueError, "dampening is a finite number"),
    "lr_decay": ((-0.1,), ValueError, "lr_decay is a number from 0 up"),
    "initial_accumulator_value": ((-0.1,), ValueError, "initial_accumulator_value is a number from 0 up"),
    "alpha": ((-0.1, 1.1), ValueError, "alpha is a number from 0 to 1"),
    "rho": ((-0.1, 1.1), ValueError, "rho is a number from 0 to 1"),
    "betas": (((1.0, 0.5), (-0.1, 0.5)), ValueError, r"betas\[0\] is a number from 0 up and below 1"),
    "momentum_decay": ((-0.1,), ValueError, "momentum_decay is a number from 0 up"),
    "amsgrad": ((1, "yes", None), TypeError, "amsgrad is True or False"),
    "centered": ((1,), TypeError, "centered is True or False"),
    "nesterov": ((1,), TypeError, "nesterov is True or False"),
    "maximize": ((1,), TypeError, "maximize is True or False"),
    "decoupled_weight_decay": ((1,), TypeError, "decoupled_weight_decay is True or False"),
}
BAD_TYPES = {
    "lr": ("fast", None, [0.1], True, 1j),
    "betas": (0.9, (0.9,), (0.9, 0.99, 0.999), "ab", None),
}


@every_optimizer
def test_bad_options_are_refused_by_name(name):
    optimizer = getattr(nn, name)
    own = set(inspect.signature(optimizer).parameters) - {"params"}
    assert own <= set(SHOULD)
    for option, (values, error, message) in SHOULD.items():
        for bad in values:
            if option in own:
                with pytest.raises(error, match=message):
                    optimizer([V], **{option: bad})
                with pytest.raises(error, match=message):
                    optimizer([{"params": [V], option: bad}])
            else:
                with pytest.raises(TypeError, match="unexpected keyword"):
                    optimizer([V], **{option: bad})
    for option, bad in itertools.chain.from_iterable(((o, b) for b in values) for o, values in BAD_TYPES.items()):
        if option in own:
            with pytest.raises(TypeError, match=option):
                optimizer([V], **{option: bad})


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: SGD([]), ValueError, "at least one parameter"),
        (lambda: SGD([{"params": []}]), ValueError, "at least one parameter"),
        (lambda: SGD(iter(())), ValueError, "at least one parameter"),
        (lambda: SGD(V), TypeError, "a list of Values or of groups"),
        (lambda: SGD({"params": [V]}), TypeError, "a list of Values or of groups"),
        (lambda: SGD(None), TypeError, "a list of Values or of groups"),
        (lambda: SGD("params"), TypeError, "a list of Values or of groups"),
        (lambda: SGD({V}), TypeError, "a set has no order"),
        (lambda: SGD([{"params": {V}}]), TypeError, "a set has no order"),
        (lambda: SGD([{"params": 3}]), TypeError, "a list of Values, not 3"),
        (lambda: SGD([1.0]), TypeError, "moves Values, not 1.0"),
        (lambda: SGD([{"lr": 1.0}]), TypeError, "a dict with 'params'"),
        (lambda: SGD([{"params": [V]}, Value(2.0)]), TypeError, "a dict with 'params'"),
        (lambda: SGD([V * 2.0]), ValueError, "is computed from others"),
        (lambda: SGD([V, V]), ValueError, "given twice"),
        (lambda: SGD([{"params": [V]}, {"params": [V]}]), ValueError, "given twice"),
        (lambda: SGD([V]).add_param_group({"params": [V]}), ValueError, "given twice"),
        (lambda: SGD([{"params": [V], "rate": 0.1}]), ValueError, "SGD has no option 'rate'; it has lr, momentum"),
        (lambda: SGD([V], nesterov=True), ValueError, "nesterov needs"),
        (lambda: SGD([V], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "nesterov needs"),
        (lambda: SGD([{"params": [V], "nesterov": True}]), ValueError, "nesterov needs"),
    ],
)
def test_what_cannot_be_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_group_that_is_refused_leaves_no_trace():
    a, b = Value(1.0), Value(2.0)
    optimizer = SGD([a])
    with pytest.raises(ValueError, match="given twice"):
        optimizer.add_param_group({"params": [b, b]})
    with pytest.raises(ValueError, match="lr"):
        optimizer.add_param_group({"params": [b], "lr": -1.0})
    assert optimizer.parameters == [a]
    optimizer.add_param_group({"params": [b]})


def test_a_gradient_belongs_to_a_whole_tensor():
    """Rows of an embedding that no word has reached move with its momentum, as in PyTorch."""
    torch = pytest.importorskip("torch")
    ours, theirs = nn.Embedding(4, 2, seed=0), torch.nn.Embedding(4, 2).double()
    theirs.load_state_dict({"weight": torch.tensor(ours.state_dict()["weight"])})
    unused = Value(1.0, "unused[0]")
    optimizers = (
        nn.AdamW([*ours.parameters(), unused], lr=0.1, weight_decay=0.1),
        torch.optim.AdamW(theirs.parameters(), lr=0.1, weight_decay=0.1),
    )
    for word in (0, 2, 1, 0, 2):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            one, two = model(word) if model is ours else model(torch.tensor(word))
            (one * one + one * two).backward()
            optimizer.step()
    np.testing.assert_allclose(ours.state_dict()["weight"], theirs.weight.detach().numpy(), rtol=1e-13)
    assert unused.data == 1.0
