"""Schedules: PyTorch's rates, epoch by epoch; alone, chained, changed by hand and restored."""

import inspect
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value
from nn import SGD, Adam


def said(options):
    """The name of a case: the same in every run, also where a function is among the options."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(options))


CASES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("StepLR", {"step_size": 1}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 30], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [0, 4]}),
    ("MultiStepLR", {"milestones": []}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 7}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "total_iters": 20}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 11}),
    ("LinearLR", {"start_factor": 0.5, "end_factor": 0.5, "total_iters": 1}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ExponentialLR", {"gamma": 1.1}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.001}),
    ("CosineAnnealingLR", {"T_max": 50, "eta_min": 0.5}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1.0 / (1 + epoch), lambda epoch: epoch // 3]}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 36}),
    ("OneCycleLR", {"max_lr": [0.4, 0.9], "epochs": 9, "steps_per_epoch": 4, "pct_start": 0.5}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 40, "anneal_strategy": "linear", "three_phase": True}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 37, "three_phase": True, "pct_start": 0.2, "div_factor": 3.0}),
    (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": 50, "base_momentum": [0.5, 0.6], "max_momentum": 0.7, "final_div_factor": 10},
    ),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 38, "cycle_momentum": False, "anneal_strategy": "linear"}),
]
every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=said)
NAMES = list(dict.fromkeys(name for name, _ in CASES))
MOMENTA = {"SGD": {"momentum": 0.9}, "Adam": {}, "Adagrad": {}}
STEPS = 35


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def optimizers(torch, kind="SGD"):
    """The same optimizer with two groups, ours and PyTorch's."""
    groups = [{"lr": 0.1}, {"lr": 0.03}]
    ours = [group | {"params": [Value(1.0)]} for group in groups]
    theirs = [group | {"params": [torch.zeros(1, requires_grad=True)]} for group in groups]
    return getattr(nn, kind)(ours, **MOMENTA[kind]), getattr(torch.optim, kind)(theirs, **MOMENTA[kind])


def mine(kind="SGD"):
    return getattr(nn, kind)(
        [{"lr": 0.1, "params": [Value(1.0)]}, {"lr": 0.03, "params": [Value(1.0)]}], **MOMENTA[kind]
    )


def now(optimizer):
    """Rate and momentum of each group."""
    return [
        [group["lr"], group["betas"][0] if "betas" in group else group.get("momentum", 0.0)]
        for group in optimizer.param_groups
    ]


def walk(optimizer, schedules, steps=STEPS, metric=None, by_hand=None):
    """Rates and momenta after each epoch; `by_hand` sets the rates at some epochs."""
    path = [now(optimizer)]
    for k in range(steps):
        if by_hand and k in by_hand:
            for group, rate in zip(optimizer.param_groups, by_hand[k], strict=True):
                group["lr"] = rate
        if not isinstance(optimizer, nn.Optimizer):
            optimizer.step()  # PyTorch warns where this comes after
        for schedule in schedules:
            schedule.step() if metric is None else schedule.step(metric(k))
        path.append(now(optimizer))
    return path


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


# ------------------------------------------------------------------------------ PyTorch's numbers


def build(library, optimizer, *cases):
    return [getattr(library, name)(optimizer, **options) for name, options in cases]


@every_case
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_the_rates_are_pytorchs(torch, name, options, kind):
    ours, theirs = optimizers(torch, kind)
    one, other = build(nn, ours, (name, options)), build(torch.optim.lr_scheduler, theirs, (name, options))
    close(walk(ours, one), walk(theirs, other))
    close(one[0].get_last_lr(), other[0].get_last_lr())
    assert one[0].last_epoch == other[0].last_epoch == STEPS


@every_case
@pytest.mark.parametrize(
    "second",
    [("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {"total_iters": 8}), ("StepLR", {"step_size": 4})],
    ids=lambda case: case[0],
)
def test_two_on_one_optimizer_are_pytorchs(torch, name, options, second):
    ours, theirs = optimizers(torch)
    for order in ([(name, options), second], [second, (name, options)]):
        close(
            walk(ours, build(nn, ours, *order)),
            walk(theirs, build(torch.optim.lr_scheduler, theirs, *order)),
        )


@every_case
def test_a_rate_set_by_hand_is_where_it_goes_on(torch, name, options):
    ours, theirs = optimizers(torch)
    by_hand = {4: [0.7, 0.2], 13: [0.01, 0.5]}
    close(
        walk(ours, build(nn, ours, (name, options)), by_hand=by_hand),
        walk(theirs, build(torch.optim.lr_scheduler, theirs, (name, options)), by_hand=by_hand),
    )


@every_case
@pytest.mark.parametrize("epoch", [3, 4, 8])
def test_a_training_continued_by_last_epoch_is_pytorchs(torch, name, options, epoch):
    ours, theirs = optimizers(torch)
    for library, optimizer in ((nn, ours), (torch.optim.lr_scheduler, theirs)):
        walk(optimizer, build(library, optimizer, (name, options)), steps=epoch)
    options = options | {"last_epoch": epoch}
    close(
        walk(ours, build(nn, ours, (name, options)), steps=20),
        walk(theirs, build(torch.optim.lr_scheduler, theirs, (name, options)), steps=20),
    )


@pytest.mark.parametrize("name", [*NAMES, "ReduceLROnPlateau", "SequentialLR"])
def test_arguments_and_defaults_are_pytorchs(torch, name):
    def given(cls):
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    assert given(getattr(nn, name)) == given(getattr(torch.optim.lr_scheduler, name))


SEQUENCES = [
    ([("ConstantLR", {"factor": 0.1, "total_iters": 3}), ("ExponentialLR", {"gamma": 0.9})], [5]),
    ([("LinearLR", {"start_factor": 0.1, "total_iters": 5}), ("CosineAnnealingLR", {"T_max": 20})], [5]),
    ([("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {}), ("StepLR", {"step_size": 2})], [4, 11]),
    ([("StepLR", {"step_size": 2}), ("MultiStepLR", {"milestones": [0, 3]}), ("ConstantLR", {})], [6, 12]),
    ([("LambdaLR", {"lr_lambda": lambda k: 1 / (k + 1)}), ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01})], [9]),
    ([("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 3})], [0]),
    ([("ExponentialLR", {"gamma": 0.9})], []),
    ([("StepLR", {"step_size": 3}), ("LinearLR", {}), ("ExponentialLR", {"gamma": 0.5})], [7, 7]),
    ([("LinearLR", {}), ("OneCycleLR", {"max_lr": 0.5, "total_steps": 40})], [6]),
    ([("OneCycleLR", {"max_lr": 0.5, "total_steps": 12}), ("ExponentialLR", {"gamma": 0.8})], [10]),
]


def sequence(library, optimizer, cases, milestones):
    return library.SequentialLR(optimizer, build(library, optimizer, *cases), milestones)


@pytest.mark.parametrize(("cases", "milestones"), SEQUENCES, ids=said)
@pytest.mark.parametrize("by_hand", [None, {8: [0.5, 0.6]}])
def test_a_sequence_is_pytorchs(torch, cases, milestones, by_hand):
    ours, theirs = optimizers(torch)
    one, other = (
        sequence(nn, ours, cases, milestones),
        sequence(torch.optim.lr_scheduler, theirs, cases, milestones),
    )
    close(walk(ours, [one], by_hand=by_hand), walk(theirs, [other], by_hand=by_hand))
    close(one.get_last_lr(), other.get_last_lr())


PLATEAUS = [
    {},
    {"patience": 2},
    {"patience": 1, "factor": 0.5, "cooldown": 3},
    {"patience": 0, "mode": "max"},
    {"patience": 1, "mode": "max", "threshold_mode": "abs", "threshold": 0.3},
    {"patience": 1, "threshold_mode": "abs", "threshold": 0.05},
    {"patience": 0, "factor": 0.3, "min_lr": 0.01},
    {"patience": 0, "factor": 0.3, "min_lr": [0.001, 0.02]},
    {"patience": 0, "factor": 0.5, "eps": 0.004},
    {"patience": 1, "threshold": 0.0},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=said)
@pytest.mark.parametrize(
    "metric",
    [
        lambda k: 1.0 / (1 + k // 3),
        lambda k: math.cos(k) + 0.1 * k,
        lambda k: -1.0 - 0.01 * k,
        lambda k: math.nan if k % 2 else 1.0,
        lambda k: math.inf,
    ],
    ids=["falls", "waves", "negative", "nan", "inf"],
)
def test_a_plateau_is_pytorchs(torch, options, metric):
    ours, theirs = optimizers(torch)
    one, other = nn.ReduceLROnPlateau(ours, **options), torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    by_hand = {17: [0.3, 0.4]}
    close(walk(ours, [one], 40, metric, by_hand), walk(theirs, [other], 40, metric, by_hand))
    close(one.get_last_lr(), other.get_last_lr())
    for name in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch"):
        assert getattr(one, name) == getattr(other, name)


def test_a_plateau_takes_a_value_for_a_metric():
    optimizer = mine()
    schedule = nn.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(2):
        schedule.step(metrics=Value(2.0) * 3.0)
    assert optimizer.lr == pytest.approx(0.01)
    assert schedule.best == 6.0
    for bad in ("1.0", None, [1.0]):
        with pytest.raises(TypeError, match="the metric is a number"):
            schedule.step(bad)
    assert schedule.last_epoch == 2


# ------------------------------------------------------------------------------ closed forms


rates = st.floats(1e-6, 1e3)


@given(base=rates, low=rates, n=st.integers(1, 60))
def test_cosine_goes_down_half_a_wave(base, low, n):
    optimizer = SGD([Value(1.0)], lr=base)
    schedule = nn.CosineAnnealingLR(optimizer, n, low)
    for k in range(1, n + 1):
        schedule.step()
        expected = low + (base - low) * (1.0 + math.cos(math.pi * k / n)) / 2.0
        assert optimizer.lr == pytest.approx(expected, rel=1e-9, abs=1e-12 * (base + low))
        assert optimizer.lr >= 0.0


@given(base=rates, start=st.floats(1e-3, 1.0), end=st.floats(0.0, 1.0), n=st.integers(1, 60))
def test_linear_is_a_line_that_never_leaves_its_ends(base, start, end, n):
    optimizer = SGD([Value(1.0)], lr=base)
    schedule = nn.LinearLR(optimizer, start, end, n)
    for k in range(n + 3):
        part = min(k, n) / n
        assert optimizer.lr == pytest.approx(base * (start + (end - start) * part), rel=1e-9, abs=1e-11 * base)
        assert optimizer.lr >= 0.0
        schedule.step()


@given(base=rates, gamma=st.floats(0.1, 1.5), size=st.integers(1, 9), k=st.integers(0, 30))
def test_steps_are_powers(base, gamma, size, k):
    def after(name, *args):
        optimizer = SGD([Value(1.0)], lr=base)
        schedule = getattr(nn, name)(optimizer, *args)
        for _ in range(k):
            schedule.step()
        return optimizer.lr

    assert after("StepLR", size, gamma) == pytest.approx(base * gamma ** (k // size), rel=1e-12)
    assert after("MultiStepLR", range(size, 40, size), gamma) == after("StepLR", size, gamma)
    assert after("ExponentialLR", gamma) == pytest.approx(base * gamma**k, rel=1e-12)
    assert after("LambdaLR", lambda epoch: gamma**epoch) == pytest.approx(base * gamma**k, rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"three_phase": True}, {"anneal_strategy": "linear"}], ids=said)
@pytest.mark.parametrize("total", [10, 20, 100])
def test_one_cycle_begins_rises_and_ends_where_it_says(options, total):
    optimizer = SGD([Value(1.0)], lr=0.1, momentum=0.9)
    schedule = nn.OneCycleLR(optimizer, 1.0, total, **options)
    path = [(optimizer.lr, optimizer.param_groups[0]["momentum"])]
    for _ in range(total - 1):
        schedule.step()
        path.append((optimizer.lr, optimizer.param_groups[0]["momentum"]))
    top = round(0.3 * total) - 1
    np.testing.assert_allclose(path[0], (0.04, 0.95), rtol=1e-12)
    np.testing.assert_allclose(path[top], (1.0, 0.85), rtol=1e-12)
    np.testing.assert_allclose(path[-1], (0.04 / 1e4, 0.95), rtol=1e-9)
    assert all(0.04 / 1e4 - 1e-12 <= rate <= 1.0 and 0.85 <= momentum <= 0.95 for rate, momentum in path)


@pytest.mark.parametrize(("total", "part"), [(10, 0.1), (1, 0.3), (1, 1.0), (5, 0.0), (5, 1.0)])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_with_a_phase_of_no_length(total, part, three_phase):
    """PyTorch divides by zero here."""
    optimizer = SGD([Value(1.0)], lr=0.1, momentum=0.9)
    schedule = nn.OneCycleLR(optimizer, 1.0, total, pct_start=part, three_phase=three_phase)
    for _ in range(total):
        assert 0.0 <= optimizer.lr <= 1.0
        schedule.step()


def test_one_cycle_ends():
    optimizer = SGD([Value(1.0)], lr=0.1, momentum=0.9)
    schedule = nn.OneCycleLR(optimizer, 1.0, 5)
    for _ in range(5):
        schedule.step()
    with pytest.raises(ValueError, match="made for 5 steps, and this is step 6"):
        schedule.step()


def test_no_step_is_taken_with_a_rate_below_0():
    p = Value(1.0)
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    schedule = nn.OneCycleLR(optimizer, 1.0, 5, anneal_strategy="linear")
    for _ in range(5):
        schedule.step()
    p.grad = 1.0
    with pytest.raises(ValueError, match="lr is a number from 0 up"):
        optimizer.step()
    assert p.data == 1.0


def test_a_sequence_may_be_part_of_a_sequence():
    def parts(optimizer):
        return [nn.ExponentialLR(optimizer, 0.5), nn.ConstantLR(optimizer, 0.25, 2), nn.ExponentialLR(optimizer, 0.5)]

    flat, nested, later = (SGD([Value(1.0)], lr=1.0) for _ in range(3))
    one = nn.SequentialLR(flat, parts(flat), [3, 6])
    a, b, c = parts(nested)
    two = nn.SequentialLR(nested, [nn.SequentialLR(nested, [a, b], [3]), c], [6])
    a, b, c = parts(later)
    three = nn.SequentialLR(later, [a, nn.SequentialLR(later, [b, c], [3])], [3])
    expected = [1.0, 0.5, 0.25, 0.25, 0.25, 1.0, 1.0, 0.5, 0.25]
    for rate in expected:
        assert (flat.lr, nested.lr, later.lr) == (rate, rate, rate)
        for schedule in (one, two, three):
            schedule.step()


# ------------------------------------------------------------------------------ saving, loading


def ready(make):
    optimizer = mine()
    return optimizer, make(optimizer)


MAKERS = {
    **{f"{name} {said(options)}": lambda o, n=name, s=options: getattr(nn, n)(o, **s) for name, options in CASES},
    **{said(cases): lambda o, c=cases, m=milestones: sequence(nn, o, c, m) for cases, milestones in SEQUENCES},
}
every_schedule = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@every_schedule
@pytest.mark.parametrize("middle", [0, 1, 7, 11])
def test_it_goes_on_from_its_state(make, middle):
    optimizer, schedule = ready(make)
    whole = walk(optimizer, [schedule])
    optimizer, schedule = ready(make)
    walk(optimizer, [schedule], middle)
    saved, rates = json.loads(json.dumps(schedule.state_dict())), optimizer.state_dict()
    optimizer, schedule = ready(make)
    optimizer.load_state_dict(rates)
    schedule.load_state_dict(saved)
    assert schedule.get_last_lr() == [rate for rate, _ in whole[middle]]
    assert walk(optimizer, [schedule], STEPS - middle) == whole[middle:]


@every_schedule
def test_a_state_may_have_arrays_for_numbers_and_lists(make):
    """So a file gives them: what `nn.save` writes of a schedule, `nn.load` takes back."""

    def arrays(x):
        if isinstance(x, dict):
            return {name: arrays(part) for name, part in x.items()}
        if isinstance(x, list) and any(isinstance(part, dict) for part in x):
            return [arrays(part) for part in x]
        return x if isinstance(x, str | bool) else np.array(x)

    optimizer, schedule = ready(make)
    walk(optimizer, [schedule], 7)
    _, other = ready(make)
    other.load_state_dict(arrays(schedule.state_dict()))
    assert other.state_dict() == schedule.state_dict()
    assert json.loads(json.dumps(other.state_dict())) == schedule.state_dict()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": np.int64(3), "gamma": np.float32(0.3)}),
        ("MultiStepLR", {"milestones": np.arange(2, 5), "gamma": np.float32(0.3)}),
        ("OneCycleLR", {"max_lr": np.float32(0.4), "total_steps": np.int64(40), "pct_start": np.float32(0.3)}),
        ("ReduceLROnPlateau", {"patience": np.int64(0), "factor": np.float32(0.3), "threshold": np.float32(0.1)}),
    ],
)
def test_options_may_be_numpys_numbers(name, options):
    """The rates are computed in double precision, and the state is of Python's numbers."""
    metric = (lambda k: 1.0) if name == "ReduceLROnPlateau" else None
    one, other = mine(), mine()
    narrow = getattr(nn, name)(one, **options)
    wide = getattr(nn, name)(other, **{key: x.tolist() for key, x in options.items()})
    assert walk(one, [narrow], metric=metric) == walk(other, [wide], metric=metric)
    assert json.loads(json.dumps(narrow.state_dict())) == wide.state_dict()


@pytest.mark.parametrize("options", PLATEAUS, ids=said)
def test_a_plateau_goes_on_from_its_state(options):
    def metric(k):
        return math.cos(k) + 0.1 * k

    optimizer, schedule = ready(lambda o: nn.ReduceLROnPlateau(o, **options))
    whole = walk(optimizer, [schedule], 30, metric)
    optimizer, schedule = ready(lambda o: nn.ReduceLROnPlateau(o, **options))
    walk(optimizer, [schedule], 12, metric)
    saved, rates = json.loads(json.dumps(schedule.state_dict())), optimizer.state_dict()
    optimizer, schedule = ready(lambda o: nn.ReduceLROnPlateau(o))
    optimizer.load_state_dict(rates)
    schedule.load_state_dict(saved)  # its options come with it
    assert walk(optimizer, [schedule], 18, lambda k: metric(k + 12)) == whole[12:]


@every_schedule
def test_a_state_is_its_own(make):
    _, schedule = ready(make)
    state = schedule.state_dict()
    for part in [x for x in state.values() if isinstance(x, list)]:
        part.append(77.0)
    schedule.get_last_lr().append(77.0)
    schedule.step()
    _, other = ready(make)
    other.step()
    assert schedule.state_dict() == other.state_dict()


@every_schedule
@pytest.mark.parametrize(
    "change",
    [
        lambda state: {},
        lambda state: None,
        lambda state: state | {"more": 1},
        lambda state: {k: v for k, v in state.items() if k != "last_epoch"},
        lambda state: state | {"last_epoch": -2},
        lambda state: state | {"last_epoch": 0.5},
        lambda state: state | {"_last_lr": [0.1]},
        lambda state: state | {"_last_lr": 0.1},
        lambda state: state | {"_last_lr": [0.1, "a"]},
    ],
)
def test_a_state_is_taken_whole_or_not_at_all(make, change):
    optimizer, schedule = ready(make)
    walk(optimizer, [schedule], 3)
    before = schedule.state_dict()
    _, other = ready(make)
    with pytest.raises(ValueError, match="state"):
        schedule.load_state_dict(change(other.state_dict()))
    assert schedule.state_dict() == before


def test_a_state_with_options_that_cannot_be_is_refused():
    schedule = nn.StepLR(mine(), 3)
    for bad in ({"step_size": 0}, {"step_size": 2.5}, {"gamma": -1.0}, {"gamma": "a"}):
        with pytest.raises(ValueError, match=r"the state does not fit StepLR: .*Nothing was changed"):
            schedule.load_state_dict(schedule.state_dict() | bad)
    assert (schedule.step_size, schedule.gamma) == (3, 0.1)
    optimizer = mine()
    schedule = sequence(nn, optimizer, *SEQUENCES[0])
    before, state = schedule.state_dict(), schedule.state_dict()
    state["schedulers"][0]["last_epoch"] = 3
    state["schedulers"][1]["gamma"] = -1.0
    with pytest.raises(ValueError, match="gamma"):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("name", [*NAMES, "ReduceLROnPlateau", "SequentialLR"])
def test_a_schedule_is_of_an_optimizer(name):
    options = dict(next((case for case in CASES if case[0] == name), (name, {}))[1])
    if name == "SequentialLR":
        options = {"schedulers": [], "milestones": []}
    for bad in (None, [Value(1.0)], nn.MLP(1, [1], seed=0)):
        with pytest.raises(TypeError, match=f"{name} changes the rates of an Optimizer, not of"):
            getattr(nn, name)(bad, **options)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("StepLR", {"step_size": 0}, ValueError, "step_size is at least 1, not 0"),
        ("StepLR", {"step_size": -3}, ValueError, "step_size is at least 1, not -3"),
        ("StepLR", {"step_size": 2.0}, TypeError, "step_size is a whole number"),
        ("StepLR", {"step_size": 2, "gamma": -0.1}, ValueError, "gamma is a number from 0 up"),
        ("StepLR", {"step_size": 2, "last_epoch": -2}, ValueError, "last_epoch is at least -1"),
        ("StepLR", {"step_size": 2, "last_epoch": 3}, ValueError, r"param_groups\[0\] has no initial_lr"),
        ("MultiStepLR", {"milestones": [3, 2]}, ValueError, "in the order of time"),
        ("MultiStepLR", {"milestones": [-1, 2]}, ValueError, "milestone"),
        ("MultiStepLR", {"milestones": [0.5]}, TypeError, "milestone"),
        ("MultiStepLR", {"milestones": [1], "gamma": math.nan}, ValueError, "gamma"),
        ("ConstantLR", {"factor": 0.0}, ValueError, "factor is a number above 0 and at most 1"),
        ("ConstantLR", {"factor": 1.5}, ValueError, "factor"),
        ("ConstantLR", {"total_iters": 0}, ValueError, "total_iters"),
        ("LinearLR", {"start_factor": 0.0}, ValueError, "start_factor is a number above 0 and at most 1"),
        ("LinearLR", {"end_factor": 1.5}, ValueError, "end_factor is a number from 0 to 1"),
        ("LinearLR", {"total_iters": 0}, ValueError, "total_iters"),
        ("ExponentialLR", {"gamma": -0.5}, ValueError, "gamma"),
        ("ExponentialLR", {"gamma": "slow"}, TypeError, "gamma"),
        ("CosineAnnealingLR", {"T_max": 0}, ValueError, "T_max"),
        ("CosineAnnealingLR", {"T_max": 5, "eta_min": -0.1}, ValueError, "eta_min"),
        ("LambdaLR", {"lr_lambda": [abs]}, ValueError, "lr_lambda has 1 entries, and the optimizer has 2 groups"),
        ("LambdaLR", {"lr_lambda": 0.5}, TypeError, "lr_lambda is a function"),
        ("LambdaLR", {"lr_lambda": lambda epoch: math.nan}, ValueError, "what lr_lambda returns"),
        ("OneCycleLR", {"max_lr": 0.1}, ValueError, "needs total_steps, or epochs and steps_per_epoch"),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 3}, ValueError, "needs total_steps"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}, ValueError, "total_steps"),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 0, "steps_per_epoch": 2}, ValueError, "epochs"),
        ("OneCycleLR", {"max_lr": [0.1], "total_steps": 9}, ValueError, "max_lr has 1 entries"),
        ("OneCycleLR", {"max_lr": -0.1, "total_steps": 9}, ValueError, "max_lr is a number from 0 up"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "pct_start": 1.5}, ValueError, "pct_start"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "sine"}, ValueError, "'cos' or 'linear'"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "div_factor": 0}, ValueError, "div_factor"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "final_div_factor": -1}, ValueError, "final_div_factor"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "max_momentum": 1.0}, ValueError, "max_momentum"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "three_phase": 1}, TypeError, "three_phase"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "last_epoch": 3}, ValueError, "has not begun"),
        ("ReduceLROnPlateau", {"mode": "least"}, ValueError, "mode is 'min' or 'max', not 'least'"),
        ("ReduceLROnPlateau", {"threshold_mode": "both"}, ValueError, "threshold_mode is 'rel' or 'abs'"),
        ("ReduceLROnPlateau", {"factor": 1.0}, ValueError, "factor is a number from 0 up and below 1"),
        ("ReduceLROnPlateau", {"patience": -1}, ValueError, "patience"),
        ("ReduceLROnPlateau", {"patience": 1.5}, TypeError, "patience"),
        ("ReduceLROnPlateau", {"cooldown": -1}, ValueError, "cooldown"),
        ("ReduceLROnPlateau", {"threshold": -1.0}, ValueError, "threshold"),
        ("ReduceLROnPlateau", {"min_lr": [0.1]}, ValueError, "min_lr has 1 entries"),
        ("ReduceLROnPlateau", {"min_lr": -0.1}, ValueError, "min_lr is a number from 0 up"),
        ("ReduceLROnPlateau", {"eps": -0.1}, ValueError, "eps"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_trace(name, options, error, message):
    optimizer = mine()
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(error, match=message):
        getattr(nn, name)(optimizer, **options)
    if "what lr_lambda returns" not in message:
        assert [dict(group) for group in optimizer.param_groups] == before


def test_a_cycle_of_momentum_needs_one():
    with pytest.raises(ValueError, match="Adagrad has no momentum to cycle; set cycle_momentum=False"):
        nn.OneCycleLR(mine("Adagrad"), 0.1, 9)
    nn.OneCycleLR(mine("Adagrad"), 0.1, 9, cycle_momentum=False)


def test_what_is_no_sequence_is_refused():
    one, other = mine(), mine()
    a, b, foreign = nn.ExponentialLR(one, 0.9), nn.StepLR(one, 2), nn.StepLR(other, 2)
    plateau = nn.ReduceLROnPlateau(one)
    before = a.state_dict()
    for schedules, milestones, error, message in [
        ([], [], ValueError, "at least one schedule"),
        ([a, b], [], ValueError, "between 2 schedules lie 1 milestones, not 0"),
        ([a, b], [2, 3], ValueError, "not 2"),
        ([a, b, a], [3, 2], ValueError, "order of time"),
        ([a, foreign], [3], ValueError, r"schedulers\[1\], StepLR\(last_epoch=0, lr=\[0.1, 0.03\]\), .* another"),
        ([a, plateau], [3], ValueError, "needs a metric"),
        ([a, one], [3], TypeError, "no schedule"),
    ]:
        with pytest.raises(error, match=message):
            nn.SequentialLR(one, schedules, milestones)
    assert a.state_dict() == before


@every_case
def test_a_group_that_comes_later_is_refused_by_name(name, options):
    optimizer = mine()
    schedule = getattr(nn, name)(optimizer, **options)
    optimizer.add_param_group({"params": [Value(1.0)]})
    with pytest.raises(ValueError, match="has 2 entries, and the optimizer has 3 groups"):
        schedule.step()


def test_a_schedule_of_ones_own_may_keep_an_array():
    class Table(nn.LRScheduler):
        def __init__(self, optimizer, table, last_epoch=-1):
            self.table = np.array(table)
            super().__init__(optimizer, last_epoch)

        def rate(self, lr, base):
            return float((base * self.table)[self.last_epoch])

    optimizer, other = mine(), mine()
    schedule, twin = Table(optimizer, [1.0, 0.5, 0.25]), Table(other, [1.0, 1.0, 1.0])
    twin.load_state_dict(schedule.state_dict())
    for _ in range(2):
        schedule.step(), twin.step()
        assert now(optimizer) == now(other)
    assert optimizer.lr == 0.025


def test_a_formula_is_needed():
    with pytest.raises(NotImplementedError, match="rate"):
        nn.LRScheduler(mine())


def test_the_rate_is_used():
    p = Value(1.0)
    optimizer = Adam([p], lr=0.5)
    schedule = nn.StepLR(optimizer, 1, 0.5)
    for expected in (0.5, 0.25):
        p.grad = 1.0
        optimizer.step()
        schedule.step()
        assert p.data == pytest.approx(expected, abs=1e-7)
