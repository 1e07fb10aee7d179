"""What `fit` is given: how it is read, what is refused before anything is changed, which checkpoint is another's."""

import random

import numpy as np
import pytest

import nn
from engine import Value
from nn.examples import Examples
from nn.training.fitting import _examples, _schedule, _seed

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 3


def perceptron(activation=nn.Tanh):
    return nn.Sequential(nn.Linear(3, 4, seed=0), activation(), nn.Dropout(0.1), nn.Linear(4, 3, seed=1))


def trained(model=None, x=X, y=Y, **options):
    given = {"loss": nn.cross_entropy, "epochs": 1, "batch_size": 4, "seed": 0, "progress": False}
    return nn.fit(perceptron() if model is None else model, x, y, **{**given, **options})


# ------------------------------------------------------------------------------ how it is read


def test_the_seed_of_a_call_without_one_is_drawn_or_the_checkpoints():
    random.seed(0)
    drawn = _seed(None, None)
    random.seed(0)
    assert drawn == random.getrandbits(32)
    assert _seed(None, ({}, {"seed": 7})) == 7
    assert _seed(np.int64(3), None) == 3


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.99, np.float32(0.25)])
def test_a_share_is_held_out_and_the_rest_is_trained_with(share):
    examples, held_out = _examples(X, Y, share, 3)
    assert len(examples) + len(held_out) == 12
    assert len(held_out) == min(max(round(float(share) * 12), 1), 11)
    rows = examples.rows(slice(None)) + held_out.rows(slice(None))
    assert sorted(map(repr, rows)) == sorted(map(repr, Examples(X, Y).rows(slice(None))))
    again = _examples(X, Y, share, 3)[1]
    assert again.digest() == held_out.digest()


@pytest.mark.parametrize(
    ("schedule", "each", "expected"),
    [
        (None, None, "epoch"),
        (lambda o: nn.StepLR(o, 1), None, "epoch"),
        (lambda o: nn.OneCycleLR(o, max_lr=0.1, total_steps=4), None, "step"),
        (lambda o: nn.OneCycleLR(o, max_lr=0.1, total_steps=4), "epoch", "epoch"),
        (lambda o: nn.ReduceLROnPlateau(o), "step", "step"),
    ],
)
def test_when_a_schedule_moves(schedule, each, expected):
    assert _schedule(nn.SGD([Value(1.0)], lr=0.1), schedule, each)[1] == expected


def test_a_maker_of_the_model_gets_the_seed_and_masks_are_others():
    given = []

    def maker(rng):
        given.append(rng.random())
        return perceptron()

    trained(maker, seed=5)
    trained(maker, seed=5)
    assert given[0] == given[1] == random.Random(5).random()


# ------------------------------------------------------------------------------ what is refused


REFUSED = {
    "a class for a callback": ({"callbacks": [nn.EarlyStopping]}, TypeError, r"EarlyStopping\(\.\.\.\)"),
    "one callback": ({"callbacks": nn.EarlyStopping()}, TypeError, "a list of them"),
    "a word for callbacks": ({"callbacks": "stop"}, TypeError, "a list of them"),
    "a metric of the history's": ({"metrics": {"loss": max}}, ValueError, "'loss' of its own"),
    "a metric with a validation's name": ({"metrics": {"val_a": max}}, ValueError, "'val_a' of its own"),
    "a metric without a name": ({"metrics": {1: max}}, TypeError, "a dict of functions"),
    "metrics in a list": ({"metrics": [max]}, TypeError, "a dict of functions"),
    "metrics of nothing": (
        {"y": None, "loss": lambda out: sum(out, Value(0.0)), "metrics": {"a": max}}, ValueError, "there is no y",
    ),
    "a cycle that is too short": (
        {"schedule": lambda o: nn.OneCycleLR(o, max_lr=0.1, total_steps=2)}, ValueError, "give total_steps=3",
    ),
    "rows in a tuple": ({"x": tuple(map(tuple, X))}, ValueError, "only of an array for each argument"),
    "the maker of no model": ({"model": lambda rng: 3}, TypeError, "makes one, not 3"),
    "a class for a model": ({"model": nn.Tanh}, TypeError, "a Module"),
    "the maker of no optimizer": ({"optimizer": lambda ps: 3}, TypeError, "makes an optimizer"),
    "the maker of no schedule": ({"schedule": lambda o: 3}, TypeError, "makes a schedule"),
    "a generator": ({"x": (row for row in X)}, TypeError, r"list\(X\)"),
    "masked examples": ({"x": np.ma.masked_array(X, mask=X > 1.0)}, ValueError, "masked"),
    "a share of one example": ({"x": X[:1], "y": Y[:1], "validation": 0.5}, ValueError, "leaves none"),
    "all of them": ({"validation": 1}, TypeError, "a share such as 0.2"),
    "True": ({"validation": True}, TypeError, "a share such as 0.2"),
    "others in width to validate": ({"validation": (X[:, :2], Y)}, ValueError, r"takes shape \(3,\)"),
    "other classes to validate": ({"validation": (X, Y + 3)}, IndexError, "class 3"),
    "nobody to validate": ({"validation": (X[:0], Y[:0])}, ValueError, "no examples to validate"),
    "a seed below 0": ({"seed": -1}, ValueError, "seed"),
    "a generator for a seed": ({"seed": random.Random(0)}, TypeError, "seed"),
    "progress by a word": ({"progress": "no"}, TypeError, "progress"),
    "one left over for a norm": (
        {"model": nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3, seed=0)), "batch_size": 11}, ValueError,
        "12 examples in batches of 11 leave one.*drop_last",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_cannot_take_is_told_before_anything_is_changed(what):
    changes, kind, message = REFUSED[what]
    options = {"model": perceptron(), "x": X, "y": Y} | changes
    model, state = options["model"], random.getstate()
    before = numbers_of(model)
    with pytest.raises(kind, match=message):
        trained(**options)
    assert random.getstate() == state
    assert numbers_of(model) == before


def numbers_of(model):
    state = model.state_dict() if isinstance(model, nn.Module) else {}
    return {name: array.tobytes() for name, array in state.items()}


# ------------------------------------------------------------------------------ whose checkpoint it is


def shares(out, t):
    return nn.cross_entropy(out, t, label_smoothing=0.1)


def adam(lr=0.001):
    return lambda ps: nn.Adam(ps, lr=lr)


def falling(gamma):
    return lambda o: nn.StepLR(o, 1, gamma=gamma)


OTHERS = {
    "loss": ({}, {"loss": shares}, "the loss was 'cross_entropy', and is 'shares'"),
    "activation": ({}, {"model": perceptron(nn.ReLU)}, r"layers\[1\] Tanh\(\) and ReLU\(\)"),
    "dropout": ({}, {"model": nn.Sequential(*perceptron()[:2], nn.Dropout(0.2), nn.Linear(4, 3))}, r"p=0\.1.*p=0\.2"),
    "rate": ({}, {"optimizer": adam(0.1)}, r"lr of group 0 0\.001 and 0\.1"),
    "metrics": ({}, {"metrics": {"largest": lambda o, t: o.max()}}, r"metrics was None, and is \['largest'\]"),
    "falling": ({"schedule": falling(0.1)}, {"schedule": falling(0.5)}, r"gamma 0\.1 and 0\.5"),
    "each": ({"schedule": falling(0.1)}, {"schedule": falling(0.1), "schedule_each": "step"}, "schedule_each"),
    "order": ({}, {"shuffle": False}, "shuffle was True, and is False"),
    "engine": ({}, {"engine": "scalar"}, "engine was 'vectorized', and is 'scalar'"),
    "recorder": ({}, {"callbacks": [nn.RecordGradients()]}, r"RecordGradients"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_another_training_is_refused_by_what_differs(what, tmp_path):
    first, second, message = OTHERS[what]
    path = tmp_path / "run.safetensors"
    trained(checkpoint=path, **{"optimizer": adam(), **first})
    with pytest.raises(ValueError, match=f"another training.*{message}"):
        trained(checkpoint=path, epochs=2, **{"optimizer": adam(), **second})
    assert trained(checkpoint=path, epochs=2, **{"optimizer": adam(), **first}).epochs == 2


def test_an_optimizer_whose_rate_has_changed_since_goes_on(tmp_path):
    """In a notebook the same call may have the same optimizer, of which a schedule has lowered the rate."""
    model = perceptron()
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    schedule = nn.StepLR(optimizer, 1)
    options = {"optimizer": optimizer, "schedule": schedule, "checkpoint": tmp_path / "run.safetensors"}
    trained(model, **options)
    history = trained(model, epochs=3, **options)
    np.testing.assert_allclose(history["lr"], [0.1, 0.01, 0.001])


def test_a_cycle_that_has_begun_goes_on(tmp_path):
    model = perceptron()
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    schedule = nn.OneCycleLR(optimizer, max_lr=0.1, total_steps=6)
    options = {"optimizer": optimizer, "schedule": schedule, "checkpoint": tmp_path / "run.safetensors", "epochs": 2}
    trained(model, **options)
    assert trained(model, **options).epochs == 2


def test_the_address_of_a_part_is_no_difference(tmp_path):
    class Odd(nn.Tanh):
        def extra_repr(self):
            return f"{object()}"

    for _ in range(2):
        trained(perceptron(Odd), checkpoint=tmp_path / "run.safetensors")


def test_a_checkpoint_needs_a_path_and_a_folder(tmp_path):
    with pytest.raises(TypeError):
        trained(checkpoint=3)
    with pytest.raises(FileNotFoundError, match="no folder"):
        trained(checkpoint=tmp_path / "none" / "run.safetensors")
