"""The history, what is printed, and predict, evaluate, accuracy, confusion_matrix beside scikit-learn's."""

import copy
import pickle
import random
import re
import sys
from collections.abc import Mapping

import numpy as np
import pytest

import nn
from nn.training import progress

from .acceptance import (
    LastOfBatch,
    batch_normed,
    classes,
    convolutional,
    copied,
    numbers,
    perceptron,
    run,
    with_dropout,
)

X, Y = numbers(30, 2), classes(30, 3)
ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
OPTIONS = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.Adam(ps, lr=0.05), "batch_size": 8}

# ------------------------------------------------------------------------------ the history


@pytest.fixture(scope="module")
def history():
    return run(with_dropout, X, Y, validation=0.2, epochs=7, **OPTIONS)[0]


def test_it_is_a_mapping_of_arrays(history):
    assert isinstance(history, nn.History)
    assert isinstance(history, Mapping)
    assert set(history) == {"loss", "accuracy", "lr", "val_loss", "val_accuracy"}
    assert len(history) == 5
    assert all(isinstance(array, np.ndarray) and array.shape == (7,) for array in history.values())
    plain = dict(history)
    assert type(plain) is dict
    assert all((plain[name] == history[name]).all() for name in plain)
    with pytest.raises(KeyError, match="f1"):
        history["f1"]


def test_it_knows_its_steps_and_its_best(history):
    assert history.epochs == 7
    assert history.steps.shape == (7 * 3,)
    assert history.best_epoch == int(np.argmin(history["val_loss"]))
    assert isinstance(history.stopped, str)
    assert history.stopped


def test_it_prints_as_a_table(history):
    text = str(history)
    assert all(name in text for name in history)
    assert sum(bool(re.match(r"\s*\d+\b", line)) for line in text.splitlines()) >= 7
    assert len({len(line.rstrip()) for line in text.splitlines() if re.match(r"\s*\d+\s", line)}) <= 2  # in columns
    assert len(repr(history)) < 5_000


def test_a_long_one_prints_short():
    history, _ = run(nn.Linear(1, 1, seed=0), [[0.0], [1.0]], [[0.5], [2.0]], loss=nn.mse_loss, epochs=400)
    assert len(str(history).splitlines()) <= 420
    assert "accuracy" not in history  # these targets are no classes


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples():
    """10 examples in batches of 4, 4 and 2: the last step counts half."""
    history, _ = run(perceptron, X[:10], Y[:10], **OPTIONS | {"batch_size": 4, "epochs": 3})
    expected = history.steps.reshape(3, 3) @ [0.4, 0.4, 0.2]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-12)


@ENGINES
def test_the_last_figures_are_those_of_the_model(engine):
    validation = numbers(7, 2, seed=5), classes(7, 3, seed=6)
    history, _ = run(batch_normed, X, Y, validation=validation, engine=engine, **OPTIONS)
    found = history.model.evaluate(*validation, loss=nn.cross_entropy)
    np.testing.assert_allclose(history["val_loss"][-1], found["loss"], rtol=1e-10)
    assert history["val_accuracy"][-1] == found["accuracy"] == history.model.accuracy(*validation)


@ENGINES
def test_metrics_of_ones_own(engine):
    def largest_error(outputs, targets):
        return float(np.max(np.abs(np.asarray(outputs) - targets)))

    history, _ = run(
        lambda rng: nn.MLP(2, [4, 1], seed=rng), X, X[:, 0], loss=nn.mse_loss, metrics={"worst": largest_error},
        validation=(X, X[:, 0]), engine=engine,
    )  # fmt: skip
    assert set(history) == {"loss", "lr", "worst", "val_loss", "val_worst"}
    worst = np.max(np.abs(history.model.predict(X) - X[:, 0]))
    np.testing.assert_allclose(history["val_worst"][-1], worst, rtol=1e-10)


# ------------------------------------------------------------------------------ progress


def test_it_is_silent_when_that_is_wanted(capfd):
    run(with_dropout, X, Y, validation=0.2, callbacks=[nn.EarlyStopping(patience=1)], **OPTIONS)
    assert capfd.readouterr() == ("", "")


def test_a_bar_shows_loss_accuracy_and_rate(capfd):
    pytest.importorskip("tqdm")
    run(with_dropout, X, Y, progress=True, validation=0.2, **OPTIONS)
    out, err = capfd.readouterr()
    assert out == ""
    for word in ("loss", "acc", "lr|rate", r"\d\d:\d\d<", "5/5|100%"):
        assert re.search(word, err), f"{word} is not in {err!r}"


def test_without_tqdm_it_trains_and_says_how_to_get_it(capfd, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    progress._tell_once.cache_clear()  # another test may have been told
    history, _ = run(with_dropout, X, Y, progress=True, **OPTIONS)
    out, err = capfd.readouterr()
    assert history.epochs == 5
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "pip install" in err


# ------------------------------------------------------------------------------ predict, evaluate

# name: (model, X); several layers that differ in training
MODELS = {
    "dropout": (with_dropout, X),
    "batch norm": (batch_normed, X),
    "CNN": (convolutional, np.random.default_rng(0).normal(size=(5, 1, 4, 4))),
    "one output": (lambda rng: nn.MLP(2, [3, 1], seed=rng), X),
    "spread": (lambda rng: nn.Sequential(nn.BayesLinear(2, 3, seed=rng), nn.Tanh()), X),
}


@ENGINES
@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_of_the_model_in_evaluation(name, engine):
    make, x = MODELS[name]
    model = make(random.Random(0))
    for part in model.modules():  # running figures of its own
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean[...], part.running_var[...] = 0.3, 2.0
    before = copied(model)
    found = model.predict(x, engine=engine)
    assert copied(model) == before
    expected = [np.vectorize(float)(np.array(model.eval()(example), dtype=object)) for example in x.tolist()]
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-12, atol=1e-13)


@ENGINES
@pytest.mark.parametrize("count", [0, 1])
def test_few_examples(count, engine):
    model = perceptron(random.Random(0))
    assert model.predict(X[:count], engine=engine).shape == (count, 3)
    assert nn.MLP(2, [3, 1], seed=0).predict(X[:count], engine=engine).shape == (count,)


@ENGINES
def test_predictions_follow_the_weights(engine):
    """They are computed by what the model is now, not by what it was at the first call."""
    model = perceptron(random.Random(0))
    first = model.predict(X, engine=engine)
    for p in model.parameters():
        p.data *= -0.5
    second = model.predict(X, engine=engine)
    assert (first != second).all()
    np.testing.assert_allclose(second[0], [float(v) for v in model(X[0])], rtol=1e-12)
    model.layers = model.layers[:1]
    assert model.predict(X, engine=engine).shape == (30, 4)


def test_a_copy_predicts_by_its_own_weights():
    model = perceptron(random.Random(0))
    first, names = model.predict(X), list(vars(model))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for p in twin.parameters():
            p.data += 1.0
        assert (twin.predict(X) != first).all()
        np.testing.assert_array_equal(model.predict(X), first)
    assert list(vars(model)) == names


@ENGINES
def test_sequences_of_one_length_after_those_of_another(engine):
    model = LastOfBatch(nn.LSTM(2, 2, batch_first=True, seed=0), nn.Linear(2, 3, seed=1))
    for length in (3, 5, 3):
        x = np.random.default_rng(length).normal(size=(4, length, 2))
        expected = [[v.data for v in row] for row in model(x.tolist())]
        np.testing.assert_allclose(model.predict(x, engine=engine), expected, rtol=1e-12)


def test_predict_takes_lists_and_leaves_gradients_alone():
    model = perceptron(random.Random(0))
    nn.cross_entropy(model(X), Y).backward()
    gradients = model.grad_dict()
    np.testing.assert_array_equal(model.predict(X.tolist()), model.predict(X))
    model.evaluate(X, Y, loss=nn.cross_entropy)
    assert all((array == gradients[name]).all() for name, array in model.grad_dict().items())


def test_evaluate_is_the_loss_of_all_examples_at_once():
    model = perceptron(random.Random(0))

    def weighted(out, t):
        return nn.cross_entropy(out, t, weight=[0.2, 1.0, 3.0])

    for loss in (nn.cross_entropy, weighted, lambda o, t: nn.cross_entropy(o, t, reduction="sum")):
        found = model.evaluate(X, Y, loss=loss)
        np.testing.assert_allclose(found["loss"], loss(model(X.tolist()), Y.tolist()).data, rtol=1e-12)
        assert isinstance(found["loss"], float)
        assert set(found) == {"loss", "accuracy"}
    found = nn.MLP(2, [3, 1], seed=0).evaluate(X, X[:, 0], loss=nn.mse_loss)
    assert set(found) == {"loss"}


@pytest.mark.parametrize("train", [True, False])
def test_modes_are_put_back_where_it_fails_too(train):
    model = with_dropout(random.Random(0)).train(train)
    model[0].train(not train)
    before = copied(model)
    for call in (model.predict, lambda x: model.evaluate(x, Y, loss=nn.cross_entropy), lambda x: model.accuracy(x, Y)):
        call(X)
        assert copied(model) == before
        with pytest.raises((ValueError, TypeError)):
            call(numbers(30, 5))
        assert copied(model) == before


# ------------------------------------------------------------------- beside scikit-learn


@pytest.fixture(scope="module")
def metrics():
    return pytest.importorskip("sklearn.metrics")


def test_several_classes(metrics):
    model = perceptron(random.Random(0))
    predicted = np.argmax(model.predict(X), axis=1)
    np.testing.assert_allclose(model.accuracy(X, Y), metrics.accuracy_score(Y, predicted))
    matrix = model.confusion_matrix(X, Y)
    assert matrix.dtype.kind == "i"
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(Y, predicted))


def test_classes_that_are_not_there_have_a_row_and_a_column(metrics):
    model, x, y = perceptron(random.Random(0)), X[:4], np.array([0, 0, 1, 0])
    expected = metrics.confusion_matrix(y, np.argmax(model.predict(x), axis=1), labels=[0, 1, 2])
    np.testing.assert_array_equal(model.confusion_matrix(x, y), expected)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("negative", [0, -1])
def test_two_classes_by_a_threshold(negative, column, metrics):
    model = nn.Linear(2, 1, seed=0) if column else nn.MLP(2, [4, 1], seed=0)
    y = np.where(Y > 0, 1, negative)
    target = y[:, None] if column else y
    predicted = np.where(np.ravel(model.predict(X)) > 0.0, 1, negative)
    assert len(set(predicted)) == 2
    np.testing.assert_allclose(model.accuracy(X, target), metrics.accuracy_score(y, predicted))
    np.testing.assert_array_equal(model.confusion_matrix(X, target), metrics.confusion_matrix(y, predicted))
    strict = np.where(np.ravel(model.predict(X)) > 0.7, 1, negative)
    np.testing.assert_allclose(model.accuracy(X, target, threshold=0.7), metrics.accuracy_score(y, strict))


def test_probabilities_are_cut_at_a_half(metrics):
    model = nn.Sequential(nn.Linear(2, 1, seed=0), nn.Sigmoid())
    y = (Y > 0).astype(int)
    predicted = (model.predict(X)[:, 0] > 0.5).astype(int)
    assert len(set(predicted)) == 2
    np.testing.assert_allclose(model.accuracy(X, y), metrics.accuracy_score(y, predicted))
    history, _ = run(model, X, y[:, None].astype(float), loss=nn.binary_cross_entropy, epochs=2)
    assert history["accuracy"].shape == (2,)


def test_no_share_of_right_numbers():
    with pytest.raises((ValueError, TypeError), match=r"class|0 and 1"):
        nn.MLP(2, [3, 1], seed=0).accuracy(X, X[:, 0])
    with pytest.raises((ValueError, TypeError), match="class"):
        perceptron().confusion_matrix(X, X[:, 0])


# ------------------------------------------------------------------- the layers


def test_what_each_layer_gives():
    model = with_dropout(random.Random(0))
    before = copied(model)
    outputs = nn.layer_outputs(model, X)
    assert copied(model) == before
    assert [array.shape for array in outputs.values()] == [(30, 6), (30, 6), (30, 6), (30, 3)]
    np.testing.assert_allclose(
        outputs["layers[0]"], X @ model.state_dict()["0.weight"].T + model.state_dict()["0.bias"]
    )
    np.testing.assert_array_equal(outputs["layers[1]"], np.maximum(outputs["layers[0]"], 0.0))
    np.testing.assert_allclose(outputs["layers[3]"], model.predict(X), rtol=1e-12)
