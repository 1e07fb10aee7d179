"""What `fit` takes as data, and what it says of what it cannot take: what was given, and what to do."""

import re
import subprocess
import sys

import numpy as np
import pytest

import nn
from engine import greater, where
from engine.functions import sum as total

from .acceptance import (
    LastOfBatch,
    Line,
    TwoInputs,
    batch_normed,
    classes,
    close,
    copied,
    mean_square,
    numbers,
    perceptron,
    run,
)

X, Y = numbers(10, 2), classes(10, 3)
ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
OPTIONS = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.Adam(ps, lr=0.05), "epochs": 2}


# ------------------------------------------------------------------------------ what it takes

FORMS = {
    "lists": (X.tolist(), Y.tolist()),
    "rows that are arrays": (list(X), list(Y)),
    "tuples in a list": (list(map(tuple, X.tolist())), Y.tolist()),
    "small integers as classes": (X, Y.astype(np.uint8)),
    "another order in memory": (np.asfortranarray(X), Y),
    "every second": (np.repeat(X, 2, axis=0)[::2], np.repeat(Y, 2)[::2]),
    "read only": (np.frombuffer(X.tobytes()).reshape(X.shape), Y),
}


@ENGINES
@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_the_data(form, engine):
    x, y = FORMS[form]
    close(run(perceptron, x, y, engine=engine, **OPTIONS), run(perceptron, X, Y, engine=engine, **OPTIONS), 1e-12)


@ENGINES
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, bool])
def test_numbers_of_other_kinds(kind, engine):
    x = (np.arange(20).reshape(10, 2) % 5).astype(kind)
    one = run(perceptron, x, Y, engine=engine, **OPTIONS)
    close(one, run(perceptron, x.astype(float), Y, engine=engine, **OPTIONS), 1e-12)


@ENGINES
def test_classes_may_be_written_as_floats(engine):
    one, other = (run(perceptron, X, y, engine=engine, **OPTIONS)[0] for y in (Y, Y.astype(float)))
    np.testing.assert_allclose(one.steps, other.steps, rtol=1e-12)


@ENGINES
def test_yes_and_no_as_targets(engine):
    options = OPTIONS | {"loss": nn.bce_with_logits, "engine": engine}
    one = run(lambda rng: nn.MLP(2, [3, 1], seed=rng), X, Y > 0, **options)
    close(one, run(lambda rng: nn.MLP(2, [3, 1], seed=rng), X, (Y > 0).astype(float), **options), 1e-12)


@ENGINES
def test_numbers_alone_as_examples(engine):
    history, _ = run(
        Line(), list(range(8)), [2.0 * x + 1.0 for x in range(8)], loss=nn.mse_loss, epochs=200, engine=engine,
        optimizer=lambda ps: nn.Adam(ps, lr=0.05),
    )  # fmt: skip
    np.testing.assert_allclose([history.model.slope.data, history.model.offset.data], [2.0, 1.0], atol=0.1)


@ENGINES
def test_validation_is_a_pair_or_a_share(engine):
    pair, _ = run(perceptron, X[:8], Y[:8], validation=(X[8:], Y[8:]), engine=engine, **OPTIONS)
    share, _ = run(perceptron, X, Y, validation=0.2, engine=engine, **OPTIONS)
    for history in (pair, share):
        assert {"val_loss", "val_accuracy"} <= set(history)
        assert len(history.steps) == 2 * 2  # 8 examples are left, in batches of 4
    lists, _ = run(perceptron, X[:8], Y[:8], validation=(X[8:].tolist(), Y[8:].tolist()), engine=engine, **OPTIONS)
    np.testing.assert_allclose(lists["val_loss"], pair["val_loss"], rtol=1e-12)


def test_a_share_is_drawn_by_the_seed_and_left_out_of_training():
    """On y = i the mean square of a model that stands still at 0 tells which examples are where."""
    held = {}
    for seed in (0, 1, 0):
        history, _ = run(
            Line(0.0, 0.0), np.zeros(10), np.arange(10.0), loss=nn.mse_loss, validation=0.3, seed=seed, batch_size=1,
            epochs=1, optimizer=lambda ps: nn.SGD(ps, lr=0.0),
        )  # fmt: skip
        seen = set(np.sqrt(history.steps).round().astype(int))
        assert len(seen) == 7
        np.testing.assert_allclose(history["val_loss"], np.mean([i * i for i in set(range(10)) - seen]))
        assert held.setdefault(seed, seen) == seen
    assert held[0] != held[1]


@ENGINES
def test_no_target_with_validation(engine):
    history, _ = run(perceptron, X, None, engine=engine, validation=0.2, **OPTIONS | {"loss": mean_square})
    assert "val_loss" in history
    assert "accuracy" not in history


@ENGINES
def test_two_inputs_with_validation_and_prediction(engine):
    pair = (X, numbers(10, 4, seed=9))
    history, _ = run(lambda rng: TwoInputs(rng), pair, Y, engine=engine, validation=0.2, **OPTIONS)
    assert {"val_loss", "val_accuracy"} <= set(history)
    expected = [[v.data for v in history.model(a, b)] for a, b in zip(*pair, strict=True)]
    np.testing.assert_allclose(history.model.predict(pair, engine=engine), expected, rtol=1e-12)


class Branch(nn.Module):
    """It asks in Python what a program must not ask."""

    def __init__(self):
        self.fc = nn.Linear(2, 1, seed=0)

    def forward(self, x):
        out = self.fc(x)[0]
        return out if out > 0 else 0.1 * out


class Chosen(Branch):
    """The same, with `where`."""

    def forward(self, x):
        out = self.fc(x)[0]
        return where(greater(out, 0.0), out, 0.1 * out)


def test_a_python_if_is_refused_by_name_and_taken_by_the_scalar_engine():
    options = OPTIONS | {"loss": nn.mse_loss}
    with pytest.raises(ValueError, match=r"engine=.scalar.") as told:
        run(Branch(), X, X[:, 0], engine="vectorized", **options)
    assert "where" in str(told.value)
    close(run(Branch(), X, X[:, 0], engine="scalar", **options), run(Chosen(), X, X[:, 0], **options))


class Table(nn.Module):
    """Logits from a table, looked up as one looks up in a list."""

    def __init__(self):
        self.rows = nn.Linear(4, 3, seed=0).weight

    def forward(self, x):
        return self.rows[x]


def test_a_list_that_is_looked_up_by_the_input_is_for_the_scalar_engine():
    x, y = np.arange(9) % 3, np.arange(9) % 4
    with pytest.raises((TypeError, ValueError), match=r"engine=.scalar."):
        run(Table(), x, y, engine="vectorized", **OPTIONS)
    history, _ = run(Table(), x, y, engine="scalar", **OPTIONS)
    assert history["loss"][-1] < history["loss"][0]


class Sum(nn.Module):
    """w·Σ x, for any number of numbers."""

    def __init__(self):
        self.line = Line()

    def forward(self, x):
        return self.line(total(x))


def test_examples_of_different_lengths_are_for_the_scalar_engine():
    x, y = [[1.0], [1.0, 2.0], [0.5, 0.5, 1.0], [3.0]], [2.0, 6.0, 4.0, 6.0]
    options = {"loss": nn.mse_loss, "optimizer": lambda ps: nn.Adam(ps, lr=0.1), "epochs": 100, "batch_size": 2}
    with pytest.raises(ValueError, match=r"engine=.scalar."):
        run(Sum(), x, y, engine="vectorized", **options)
    history, _ = run(Sum(), x, y, engine="scalar", **options)
    assert history["loss"][-1] < 0.1


# ------------------------------------------------------------------------------ what it refuses


def ragged():
    return [*X[:9].tolist(), [1.0, 2.0, 3.0]]


def with_one(array, number):
    array = np.array(array, dtype=float)
    array.flat[3] = number
    return array


# what: (changes of the call, words of the message)
REFUSED = {
    "an engine that there is not": ({"engine": "fast"}, r"vectorized.*scalar|scalar.*vectorized"),
    "one target less": ({"y": Y[:9]}, r"10.*9|9.*10"),
    "inputs of two lengths": ({"model": lambda: TwoInputs(), "x": (X, numbers(9, 4))}, r"10.*9|9.*10"),
    "nan in x": ({"x": with_one(X, np.nan)}, r"nan|finite"),
    "inf in x": ({"x": with_one(X, np.inf)}, r"inf|finite"),
    "nan in y": ({"loss": nn.mse_loss, "y": with_one(numbers(10, 3), np.nan)}, r"nan|finite"),
    "nan to validate": ({"validation": (with_one(X, np.nan), Y)}, r"nan|finite"),
    "None in x": ({"x": [[1.0, None], *X[1:].tolist()]}, r"None|number"),
    "no examples": ({"x": np.empty((0, 2)), "y": np.empty(0, dtype=int)}, "example"),
    "no examples in lists": ({"x": [], "y": []}, "example"),
    "a number as data": ({"x": 3.0, "y": 1.0}, r"example|array|list"),
    "ragged examples": ({"x": ragged()}, r"length|shape|scalar"),
    "targets that are words": ({"y": ["cat", "dog"] * 5}, r"'?cat|str|number|word"),
    "inputs that are words": ({"x": [["a", "b"]] * 10}, r"'a'|str|number"),
    "no epochs": ({"epochs": 0}, r"epochs.*0"),
    "fewer than no epochs": ({"epochs": -1}, r"epochs.*-1"),
    "half an epoch": ({"epochs": 2.5}, r"epochs.*2\.5"),
    "no batch": ({"batch_size": 0}, r"batch_size.*0"),
    "half a batch": ({"batch_size": 1.5}, r"batch_size.*1\.5"),
    "all to validate": ({"validation": 1.0}, "validation"),
    "a share below 0": ({"validation": -0.2}, "validation"),
    "three things to validate": ({"validation": (X, Y, Y)}, "validation"),
    "validation of other lengths": ({"validation": (X, Y[:4])}, r"10.*4|4.*10"),
    "an optimizer of other parameters": ({"optimizer": nn.SGD(perceptron().parameters(), lr=0.1)}, "parameter"),
    "an optimizer that is none": ({"optimizer": "adam"}, r"optimizer.*adam|adam.*optimizer"),
    "a schedule of another optimizer": (
        {"schedule": nn.StepLR(nn.SGD(perceptron().parameters(), lr=0.1), 1)}, "schedule|optimizer",
    ),
    "a schedule each hour": (
        {"schedule": lambda o: nn.StepLR(o, 1), "schedule_each": "hour"}, r"step.*epoch|epoch.*step",
    ),
    "a callback that is none": ({"callbacks": [3]}, r"callback"),
    "a model that is none": ({"model": 3}, r"model"),
    "a model without parameters": ({"model": lambda rng: nn.Tanh()}, r"parameter"),
    "a loss that is none": ({"loss": "mse"}, r"loss"),
    "a class that there is not": ({"y": np.full(10, 7)}, r"class 7"),
    "inputs of another width": ({"x": numbers(10, 5)}, r"\b5\b"),
    "a column as targets": ({"loss": nn.mse_loss, "y": X[:, 0]}, r"shape"),
}  # fmt: skip


@ENGINES
@pytest.mark.parametrize("what", REFUSED)
def test_what_it_cannot_take_is_told_and_changes_nothing(what, engine):
    changes, message = REFUSED[what]
    if what == "ragged examples" and engine == "scalar":
        message = r"length|shape|inputs|\b3\b"
    given = {"model": perceptron, "x": X, "y": Y, "engine": engine} | OPTIONS | changes
    model = given.pop("model")
    model = model if isinstance(model, int) or what == "a model without parameters" else model()
    before = copied(model) if isinstance(model, nn.Module) else None
    with pytest.raises((TypeError, ValueError, IndexError), match=f"(?is){message}"):
        run(model, given.pop("x"), given.pop("y"), **given)
    assert before is None or copied(model) == before


@ENGINES
def test_a_loss_for_each_example_is_refused_or_its_mean_is_taken(engine):
    options = OPTIONS | {"loss": lambda o, t: nn.cross_entropy(o, t, reduction="none"), "engine": engine}
    try:
        steps = run(perceptron, X, Y, **options)[0].steps
    except (TypeError, ValueError):
        return
    np.testing.assert_allclose(steps, run(perceptron, X, Y, **OPTIONS)[0].steps, rtol=1e-12)


@ENGINES
def test_batch_norm_says_when_a_batch_is_too_small(engine):
    """As in PyTorch: 10 examples in batches of 3 leave one alone."""
    with pytest.raises(ValueError, match="batch"):
        run(batch_normed, X, Y, engine=engine, **OPTIONS | {"batch_size": 3})


@ENGINES
def test_one_example_is_enough(engine):
    history, _ = run(perceptron, X[:1], Y[:1], engine=engine, **OPTIONS)
    assert len(history.steps) == 2


@ENGINES
def test_a_loss_that_leaves_the_numbers_ends_with_a_message_or_a_nan(engine):
    """A rate far too large: the run ends or goes on, but says nan or inf, and no other error comes of it."""
    options = OPTIONS | {"loss": nn.mse_loss, "optimizer": lambda ps: nn.SGD(ps, lr=1e200), "engine": engine}
    history, _ = run(lambda rng: nn.MLP(2, [3, 1], seed=rng), X, X[:, 0], **options)
    assert re.search(r"\b(nan|inf)\b", history.stopped) or not np.isfinite(history["loss"]).all()


@ENGINES
def test_a_model_of_batches_is_given_batches_also_where_it_would_take_an_example(engine):
    """Sequences as long as the LSTM is wide: `[steps[-1] for steps in out]` of one example runs, and is nonsense."""
    model = LastOfBatch(nn.LSTM(2, 3, batch_first=True, seed=0), nn.Linear(3, 3, seed=1))
    x = np.random.default_rng(5).normal(size=(6, 3, 2))
    outputs = [[v.data for v in row] for row in model(x.tolist())]
    loss = nn.cross_entropy(model(x.tolist()), Y[:6].tolist()).data
    np.testing.assert_allclose(model.predict(x, engine=engine), outputs, rtol=1e-12)
    np.testing.assert_allclose(model.evaluate(x, Y[:6], loss=nn.cross_entropy)["loss"], loss, rtol=1e-12)
    history, _ = run(model, x, Y[:6], engine=engine, **OPTIONS | {"batch_size": 6})
    np.testing.assert_allclose(history.steps[0], loss, rtol=1e-12)


def test_a_model_of_batches_alone_predicts_and_validates():
    model = LastOfBatch(nn.LSTM(2, 2, batch_first=True, seed=0), nn.Linear(2, 3, seed=1))
    x = np.random.default_rng(5).normal(size=(6, 3, 2))
    history, _ = run(model, x, Y[:6], validation=(x, Y[:6]), **OPTIONS)
    expected = [[v.data for v in row] for row in model.eval()(x.tolist())]
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-12)
    assert history["val_accuracy"][-1] == model.accuracy(x, Y[:6])


def test_nothing_optional_is_imported():
    code = (
        "import sys, nn; print(*sorted({'tqdm', 'sklearn', 'matplotlib', 'safetensors', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
