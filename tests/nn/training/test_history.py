"""History: a mapping of arrays that grows by rows, and what it says of itself."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.training.history import History

NUMBERS = st.floats(allow_nan=False, width=32)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30)


def history(rows, names=("loss", "val_loss"), steps=()):
    made = History()
    for row in rows:
        made.add(dict(zip(names, row, strict=False)))
    for loss in steps:
        made.add_step(loss)
    return made


@given(ROWS)
def test_rows_become_columns(rows):
    made = history(rows)
    assert made.epochs == len(rows)
    assert dict(made).keys() == ({"loss", "val_loss"} if rows else set())
    for i, name in enumerate(made):
        assert made[name].dtype == np.float64
        assert made[name].tolist() == [row[i] for row in rows]
        assert made.last(name) == rows[-1][i]


@given(ROWS, st.lists(NUMBERS, max_size=5))
def test_what_is_loaded_is_what_was_there(rows, steps):
    made, other = history(rows, steps=steps), History()
    other.load(dict(made), made.steps)
    assert other == made == dict(other)
    assert other.steps.tolist() == steps
    other.add({"loss": 0.0, "val_loss": 0.0})
    assert other != made
    assert made.epochs == len(rows)
    for same in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert same == made
        assert str(same) == str(made)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), max_size=8), st.sampled_from(["min", "max"]))
def test_the_best_epoch_is_the_first_of_the_best(numbers, mode):
    made = history([(0.0, x) for x in numbers])
    made.watch("val_loss", mode)
    real = [x for x in numbers if not math.isnan(x)]
    best = (min if mode == "min" else max)(real) if real else None
    assert made.best_epoch == (numbers.index(best) if real else -1)


def test_what_is_watched():
    assert history([(1.0,)]).monitor == "loss"
    made = history([(1.0, 2.0), (0.5, 3.0)])
    assert (made.monitor, made.best_epoch) == ("val_loss", 0)
    made.watch("loss", "min")
    assert (made.monitor, made.best_epoch) == ("loss", 1)


def test_arrays_are_copies():
    made = history([(1.0, 2.0)], steps=[3.0])
    made["loss"][0] = made.steps[0] = 9.0
    assert (made.last("loss"), made.steps.tolist()) == (1.0, [3.0])


def test_what_was_not_measured_is_told():
    for ask in (lambda made: made["accuracy"], lambda made: made.last("accuracy")):
        with pytest.raises(KeyError, match="'accuracy' was not measured; there are: loss, val_loss"):
            ask(history([(1.0, 2.0)]))
        with pytest.raises(KeyError, match="no epochs yet"):
            ask(History())
    with pytest.raises(ValueError, match="a number for loss, val_loss, and this one for loss"):
        history([(1.0, 2.0)]).add({"loss": 1.0})


@given(st.integers(0, 40), st.integers(0, 39))
def test_the_table_has_a_line_an_epoch_and_of_many_some(n, best):
    made = history([(abs(i - best) + 1.0,) for i in range(n)])
    made.stopped = "for a reason"
    head, *lines, last = str(made).splitlines()
    assert last == "for a reason"
    numbered = [int(line.split()[0]) for line in lines if "..." not in line]
    assert len(numbered) == n if n <= 12 else 12 <= len(numbered) <= 13
    if not n:
        assert head == "no epochs"
        return
    assert numbered == sorted(set(numbered))
    assert {numbered[0], numbered[-1]} == {1, n}
    assert [int(line.split()[0]) for line in lines if line.endswith("best")] == [min(best, n - 1) + 1]
    gaps = sum(b > a + 1 for a, b in itertools.pairwise(numbered))
    assert sum("..." in line for line in lines) == gaps


def test_it_says_shares_in_percent():
    made = history([(0.5, 0.25)], names=("loss", "val_accuracy"))
    assert "25.0%" in str(made)
    assert repr(made) == "<History of 1 epoch: loss 0.5 to 0.5, val_accuracy 25.0% to 25.0%>"
    assert repr(History()) == "<History of 0 epochs>"


def test_it_is_no_key_and_equal_to_mappings_alone():
    with pytest.raises(TypeError, match="unhashable"):
        hash(History())
    assert history([(1.0, math.nan)]) == {"loss": [1.0], "val_loss": [math.nan]}
    assert History() != 3
    assert nn.History is History
