"""The estimators for scikit-learn: its own checks of estimators, its MLP's numbers, and what only they promise."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.6")

from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import nn
from nn.estimators import ScalarNetClassifier, ScalarNetRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([ScalarNetClassifier(), ScalarNetRegressor()])
def test_scikit_learns_own_checks(estimator, check):
    """All of them: none is expected to fail."""
    check(estimator)


# ------------------------------------------------------------------------------ data


def iris():
    x, y = load_iris(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def line(n=40, outputs=None, seed=0):
    """x (n, 3), and y that follows from it, but for a little noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = x @ rng.normal(size=(3, outputs or 1)) + np.sin(x[:, :1]) + 0.1 * rng.normal(size=(n, 1))
    return x, y if outputs else y[:, 0]


def numbers(estimator):
    return np.concatenate([array.ravel() for array in estimator.module_.state_dict().values()])


def short(kind, **options):
    return kind(**{"hidden_layer_sizes": (5,), "max_iter": 8, "tol": None, "random_state": 3, **options})


# ------------------------------------------------------------------------------ beside scikit-learn's MLP

ALIKE = {
    "hidden_layer_sizes": (6, 4),
    "solver": "sgd",
    "learning_rate_init": 0.05,
    "random_state": 0,
    "warm_start": True,
}


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("nesterovs_momentum", [False, True])
@pytest.mark.parametrize("problem", ["two classes", "three classes", "one output", "weighted"])
def test_the_numbers_are_those_of_scikit_learns_mlp(problem, activation, alpha, nesterovs_momentum):
    """From equal weights, by gradient descent with momentum on all examples at once, with decay."""
    options = ALIKE | {"activation": activation, "alpha": alpha, "nesterovs_momentum": nesterovs_momentum}
    x, y = iris()
    weights = {}
    if problem == "two classes":
        x, y = x[:100], y[:100]
    ours, theirs = ScalarNetClassifier, MLPClassifier
    if problem in ("one output", "weighted"):
        ours, theirs = ScalarNetRegressor, MLPRegressor
        x, y = line()
    if problem == "weighted":
        if not has_weights():
            pytest.skip("scikit-learn's MLP has no sample_weight before 1.7")
        weights = {"sample_weight": np.random.default_rng(0).uniform(0.5, 2.0, len(x))}
    theirs = theirs(max_iter=1, **options).fit(x, y)
    ours = ours(max_iter=1, **options).fit(x, y)
    state = {}
    for i, (w, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True)):
        state |= {f"layers.{i}.weight": w.T, f"layers.{i}.bias": b}
    ours.module_.load_state_dict(state)
    ours.set_params(max_iter=20, tol=None).fit(x, y, **weights)
    theirs.set_params(max_iter=20, tol=0.0, n_iter_no_change=1000).fit(x, y, **weights)
    for w, v in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-10)
    if problem.endswith("classes"):
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-9)
        np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), rtol=1e-9, atol=1e-15)
    if alpha == 0.0:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_[-20:], rtol=1e-10)


def has_weights():
    import inspect

    return "sample_weight" in inspect.signature(MLPRegressor.fit).parameters


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_digits])
def test_it_is_as_good_as_scikit_learns_mlp(load):
    x, y = load(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, train_size=0.5, random_state=0, stratify=y)
    ours, theirs = (
        make_pipeline(StandardScaler(), kind(max_iter=100, random_state=0)).fit(x, y).score(x_test, y_test)
        for kind in (ScalarNetClassifier, MLPClassifier)
    )
    assert ours > theirs - 0.02
    assert ours > 0.93


# ------------------------------------------------------------------------------ pipelines, grids, folds


def test_it_goes_through_grids_and_folds():
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(
        StandardScaler(), ScalarNetClassifier(learning_rate_init=0.02, max_iter=50, random_state=0)
    )
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.9
    name = "scalarnetclassifier__"
    grid = {f"{name}hidden_layer_sizes": [(), (8, 8)], f"{name}learning_rate_init": np.array([1e-6, 0.02])}
    search = GridSearchCV(pipeline, grid, cv=3).fit(x, y)
    assert search.best_params_[f"{name}learning_rate_init"] == 0.02
    assert search.score(x, y) > 0.9


def test_diabetes_through_a_scaled_target():
    from sklearn.compose import TransformedTargetRegressor

    x, y = load_diabetes(return_X_y=True)
    net = ScalarNetRegressor((8,), max_iter=60, random_state=0)
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), net), transformer=StandardScaler())
    assert cross_val_score(model, x, y, cv=3).mean() > 0.4


def test_classes_may_have_names():
    x, y = iris()
    names = load_iris().target_names[y]
    clf = ScalarNetClassifier(random_state=0, max_iter=50).fit(x, names)
    assert clf.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert clf.score(x, names) > 0.9
    assert clf.predict_proba(x).argmax(axis=1).tolist() == np.searchsorted(clf.classes_, clf.predict(x)).tolist()


def test_a_table_gives_the_features_their_names():
    pandas = pytest.importorskip("pandas")
    x, y = iris()
    table = pandas.DataFrame(x, columns=["a", "b", "c", "d"])
    clf = short(ScalarNetClassifier).fit(table, pandas.Series(y))
    assert clf.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert np.array_equal(clf.predict_proba(table), short(ScalarNetClassifier).fit(x, y).predict_proba(x))
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(table[["b", "a", "c", "d"]])


# ------------------------------------------------------------------------------ what it promises

KINDS = [ScalarNetClassifier, ScalarNetRegressor]


@pytest.mark.parametrize("kind", KINDS)
def test_random_state_says_all(kind):
    x, y = iris()
    first = short(kind, batch_size=16).fit(x, y)
    assert np.array_equal(numbers(first), numbers(short(kind, batch_size=16).fit(x, y)))
    assert np.array_equal(numbers(first), numbers(clone(first).fit(x, y)))
    assert not np.array_equal(numbers(first), numbers(short(kind, batch_size=16, random_state=4).fit(x, y)))
    assert not np.array_equal(numbers(first), numbers(short(kind, batch_size=16, random_state=None).fit(x, y)))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_give_the_same(kind, early_stopping):
    x, y = iris()
    x, y = x[::4], y[::4]
    weights = np.linspace(0.5, 2.0, len(x))
    ours, others = (
        short(kind, engine=engine, batch_size=8, max_iter=4, early_stopping=early_stopping).fit(x, y, weights)
        for engine in ("vectorized", "scalar")
    )
    np.testing.assert_allclose(numbers(ours), numbers(others), rtol=1e-10)
    np.testing.assert_allclose(ours.loss_curve_, others.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(ours._outputs(x), others._outputs(x), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_says_the_same_and_goes_on_as_well(kind):
    x, y = iris()
    fitted = short(kind, solver="sgd").fit(x, y)
    fitted.predict(x)
    for made in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(made.predict(x), fitted.predict(x))
        assert made.history_ == fitted.history_
        own = copy.deepcopy(fitted)
        assert np.array_equal(numbers(made.partial_fit(x, y)), numbers(own.partial_fit(x, y)))
        assert not np.array_equal(numbers(made), numbers(fitted))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(x)


def test_predictions_follow_the_modules_numbers():
    x, y = iris()
    clf = short(ScalarNetClassifier).fit(x, y)
    clf.predict(x)
    clf.module_.load_state_dict({name: 0.0 * array for name, array in clf.module_.state_dict().items()})
    np.testing.assert_allclose(clf.predict_proba(x), 1.0 / 3.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_epochs_by_partial_fit_are_those_of_fit(kind, solver):
    x, y = iris()
    whole = short(kind, solver=solver, batch_size=200).fit(x, y)
    part = short(kind, solver=solver, batch_size=200)
    options = {"classes": [0, 1, 2]} if kind is ScalarNetClassifier else {}
    for _ in range(8):
        part.partial_fit(x, y, **options)
    np.testing.assert_allclose(numbers(part), numbers(whole), rtol=1e-12)
    assert part.n_iter_ == whole.n_iter_ == len(part.loss_curve_) == 8


def test_each_partial_fit_has_an_order_of_its_own():
    x, y = line()
    model = short(ScalarNetRegressor, batch_size=10, learning_rate_init=0.0)
    first, second = (model.partial_fit(x, y).history_.steps for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_allclose(first.mean(), second.mean(), rtol=1e-12)  # nothing was learned


def test_partial_fit_sees_classes_one_by_one():
    x, y = iris()
    clf = ScalarNetClassifier((8,), random_state=0)
    clf.set_params(learning_rate_init=0.1)
    for k in range(3):
        clf.partial_fit(x[y == k], y[y == k], classes=[0, 1, 2])
        before, logits = clf.module_.state_dict(), clf.decision_function(x[y == k])
        assert clf.classes_.tolist() == [0, 1, 2]
        assert logits.shape == (50, 3)
    clf.partial_fit(x, y)
    assert any(not np.array_equal(before[name], array) for name, array in clf.module_.state_dict().items())
    with pytest.raises(ValueError, match=r"the classes \[7\]"):
        clf.partial_fit(x, np.full(len(x), 7))
    with pytest.raises(ValueError, match="in the first call"):
        clf.partial_fit(x, y, classes=[0, 1])
    with pytest.raises(ValueError, match="needs classes"):
        ScalarNetClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match="all examples at once"):
        ScalarNetClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="is one epoch"):
        ScalarNetRegressor(early_stopping=True).partial_fit(x, y)


@pytest.mark.parametrize("kind", KINDS)
def test_warm_start_goes_on(kind):
    x, y = iris()
    model = short(kind, warm_start=True).fit(x, y)
    before, module = model.loss_curve_, model.module_
    model.fit(x, y)
    assert model.module_ is module
    assert model.loss_curve_[0] < before[-1]
    assert model.set_params(warm_start=False).fit(x, y).loss_curve_ == before


# ------------------------------------------------------------------------------ weights


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 2: 0.5}])
def test_a_weight_is_so_many_of_the_example(kind, class_weight):
    x, y = iris()
    x, y = x[::3], y[::3]
    weights = np.random.default_rng(0).integers(0, 4, len(x))
    options = {"class_weight": class_weight} if kind is ScalarNetClassifier else {}
    weighted = short(kind, alpha=0.1, **options).fit(x, y, weights)
    repeated = short(kind, alpha=0.1, **options).fit(x.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(numbers(weighted), numbers(repeated), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(
        weighted.history_.get("accuracy", 0.0), repeated.history_.get("accuracy", 0.0), rtol=1e-12
    )


def test_class_weights_are_weights_of_their_examples():
    x, y = iris()
    x, y = x[:110], y[:110]
    balanced = short(ScalarNetClassifier, class_weight="balanced").fit(x, y)
    given = short(ScalarNetClassifier).fit(x, y, len(y) / (3 * np.bincount(y))[y])
    said = short(ScalarNetClassifier, class_weight={k: 110 / (3 * n) for k, n in enumerate([50, 50, 10])}).fit(x, y)
    np.testing.assert_allclose(numbers(balanced), numbers(given), rtol=1e-10)
    np.testing.assert_allclose(numbers(balanced), numbers(said), rtol=1e-10)
    assert not np.allclose(numbers(balanced), numbers(short(ScalarNetClassifier).fit(x, y)))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-1.0, "from 0 up"),
        (np.ones(3), r"each of 150 examples, and this has the shape \(3,\)"),
        (np.zeros(150), "all weights are zero"),
        (np.repeat([1.0, 0.0, 0.0], 50), "are of one class"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    x, y = iris()
    weights = np.r_[weights, np.ones(149)] if np.ndim(weights) == 0 else weights
    with pytest.raises(ValueError, match=message):
        ScalarNetClassifier().fit(x, y, weights)


def test_class_weights_that_are_none_are_refused():
    x, y = iris()
    for weight, message in (({9: 1.0}, "class_weight"), ("heavy", "'balanced', not 'heavy'"), ({0: -1.0}, "from 0 up")):
        with pytest.raises(ValueError, match=message):
            ScalarNetClassifier(class_weight=weight).fit(x, y)


# ------------------------------------------------------------------------------ training


def test_early_stopping_keeps_the_best_epoch():
    x, y = line(n=60)
    model = ScalarNetRegressor(
        (30,), early_stopping=True, learning_rate_init=0.05, n_iter_no_change=5, max_iter=500, random_state=0
    ).fit(x, y + np.random.default_rng(1).normal(size=60))
    history = model.history_
    assert "val_loss" in history
    assert "best in epoch" in history.stopped
    assert model.n_iter_ == history.best_epoch + 1 + 5 < 500
    again = ScalarNetRegressor(
        (30,), early_stopping=True, learning_rate_init=0.05, n_iter_no_change=500, tol=None, random_state=0,
        max_iter=history.best_epoch + 1,
    ).fit(x, y + np.random.default_rng(1).normal(size=60))  # fmt: skip
    assert np.array_equal(numbers(again), numbers(model))


def test_training_ends_where_the_loss_stands_still():
    x, y = iris()
    clf = ScalarNetClassifier(random_state=0, max_iter=10_000, tol=1e-2, n_iter_no_change=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clf.fit(x, y).n_iter_ < 500
    assert clf.loss_curve_[-4] - min(clf.loss_curve_[-3:]) <= 1e-2
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        clf.set_params(max_iter=3).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.set_params(tol=None).fit(x, y)


def test_training_that_diverges_says_so():
    x, y = line()
    with pytest.raises(ValueError, match=r"diverged in epoch \d+.*smaller learning_rate_init"):
        ScalarNetRegressor(solver="sgd", learning_rate_init=1e6, random_state=0).fit(1e6 * x, y)


def test_alpha_decays_weights_and_no_biases():
    x, y = line()
    free, bound = (
        short(ScalarNetRegressor, alpha=alpha, max_iter=300, learning_rate_init=0.02).fit(x, y + 3.0)
        for alpha in (0.0, 1e4)
    )
    assert max(np.abs(w).max() for w in bound.coefs_) < 0.3 < 0.5 < max(np.abs(w).max() for w in free.coefs_)
    np.testing.assert_allclose(bound.predict(x), (y + 3.0).mean(), atol=0.3)


@pytest.mark.parametrize(
    "solver", ["sgd", "adam", "adamw", "nadam", "radam", "adamax", "rmsprop", "adagrad", "adadelta"]
)
def test_solvers_have_names(solver):
    x, y = line()
    model = short(ScalarNetRegressor, solver=solver, max_iter=30).fit(x, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert type(model.optimizer_).__name__.lower() == solver


def test_a_solver_may_be_a_class_or_a_function():
    x, y = line()
    named = short(ScalarNetRegressor, alpha=0.0).fit(x, y)
    of_class = short(ScalarNetRegressor, alpha=0.0, solver=nn.Adam).fit(x, y)
    made = short(ScalarNetRegressor, solver=lambda ps: nn.Adam(ps, lr=0.005)).fit(x, y)
    assert np.array_equal(numbers(named), numbers(of_class))
    np.testing.assert_allclose(numbers(named), numbers(made), rtol=1e-12)


def test_a_schedule_moves_the_rate():
    x, y = line()
    model = short(ScalarNetRegressor, learning_rate_init=0.01, learning_rate=lambda o: nn.StepLR(o, 2, gamma=0.5)).fit(
        x, y
    )
    assert model.history_["lr"].tolist() == [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025, 0.00125, 0.00125]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": "lbfgs"}, ValueError, "'adam'.*not 'lbfgs'"),
        ({"solver": 3}, TypeError, "solver is .*not 3"),
        ({"solver": lambda ps: None}, TypeError, "solver is "),
        ({"solver": int}, TypeError, "solver is "),
        ({"learning_rate": "adaptive"}, ValueError, "'constant'.*not 'adaptive'"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError, "hidden_layer_sizes"),
        ({"activation": "rleu"}, ValueError, "did you mean relu"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"max_iter": 0}, ValueError, "max_iter"),
        ({"alpha": -1.0}, ValueError, "alpha"),
        ({"tol": -1.0}, ValueError, "tol"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change"),
        ({"engine": "steam"}, ValueError, "engine"),
        ({"loss": "log"}, ValueError, "loss is 'squared_error'"),
        ({"module": nn.Linear(3, 1, seed=0)}, TypeError, "a function of"),
        ({"module": lambda nin, nout, rng: None}, TypeError, "makes a Module"),
        ({"module": lambda nin, nout, rng: nn.Linear(nin, 2, seed=rng)}, ValueError, "2 numbers.*n_outputs is 1"),
    ],
)
def test_parameters_that_are_none_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        ScalarNetRegressor(**options).fit(*line())


# ------------------------------------------------------------------------------ what is learned


def test_several_outputs_are_learned_together():
    x, y = line(outputs=2)
    model = ScalarNetRegressor(random_state=0, max_iter=300).fit(x, y)
    assert model.predict(x).shape == y.shape
    assert model.score(x, y) > 0.95
    with pytest.raises(ValueError, match="3 outputs"):
        model.partial_fit(x, np.hstack([y, y[:, :1]]))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_a_loss_may_be_a_function(loss):
    x, y = line(outputs=2)
    functions = {
        "squared_error": lambda x, t: nn.mse_loss(x, t) / 2, "absolute_error": nn.l1_loss, "huber": nn.huber_loss
    }  # fmt: skip
    named, given = (short(ScalarNetRegressor, loss=said).fit(x, y) for said in (loss, functions[loss]))
    assert np.array_equal(numbers(named), numbers(given))
    rest = np.abs(short(ScalarNetRegressor, loss=loss, max_iter=1, solver="sgd", learning_rate_init=0.0).fit(x, y)
                  .predict(x) - y)  # fmt: skip
    wanted = {"squared_error": rest**2 / 2, "absolute_error": rest,
              "huber": np.where(rest < 1.0, rest**2 / 2, rest - 0.5)}  # fmt: skip
    np.testing.assert_allclose(named.loss_curve_[0], wanted[loss].mean(), rtol=1e-12)


def test_the_loss_curve_is_the_log_loss():
    x, y = iris()
    for some in (slice(0, 100), slice(0, 150)):  # two classes, and three
        clf = short(ScalarNetClassifier, solver="sgd", learning_rate_init=0.0, max_iter=1).fit(x[some], y[some])
        np.testing.assert_allclose(clf.loss_curve_, [log_loss(y[some], clf.predict_proba(x[some]))], rtol=1e-12)
        np.testing.assert_allclose(clf.history_["accuracy"], [clf.score(x[some], y[some])])


def test_log_probabilities_keep_their_digits():
    x, y = iris()
    x, y = x[:100], y[:100]
    clf = short(ScalarNetClassifier).fit(x, y)
    clf.module_.load_state_dict({name: 100.0 * array for name, array in clf.module_.state_dict().items()})
    logs, logits = clf.predict_log_proba(x), clf.decision_function(x)
    assert np.abs(logits).max() > 1000.0
    np.testing.assert_allclose(logs, -np.logaddexp(0.0, np.stack([logits, -logits], axis=1)), rtol=1e-13)


def of_digits(nin, nout, rng):
    """Two layers with a batch norm and dropout between them."""
    return nn.Sequential(
        nn.Linear(nin, 12, seed=rng), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, nout, seed=rng)
    )


def test_any_network_may_learn():
    x, y = iris()
    options = {"module": of_digits, "batch_size": 25, "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0}
    clf = ScalarNetClassifier(**options).fit(x, y)
    assert clf.score(x, y) > 0.93
    assert np.array_equal(numbers(clf), numbers(clone(clf).fit(x, y)))
    assert np.array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(x), clf.predict_proba(x))
    two = ScalarNetClassifier(**options).fit(x[50:], y[50:])
    assert two.decision_function(x).shape == (150,)
    with pytest.raises(AttributeError, match="state_dict"):
        _ = clf.coefs_


# ------------------------------------------------------------------------------ imports


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_nn_imports_it_when_asked_for():
    said = run_python(
        "import sys, nn; print('sklearn' in sys.modules, nn.ScalarNetClassifier(), 'sklearn' in sys.modules)"
    )
    assert said.split() == ["False", "ScalarNetClassifier()", "True"]


def test_without_scikit_learn_the_error_says_what_to_install():
    code = """
import sys
sys.modules["sklearn"] = None
import nn
for get in (lambda: nn.ScalarNetRegressor, lambda: __import__("nn.estimators")):
    try:
        get()
    except ModuleNotFoundError as error:
        print(error)
"""
    said = run_python(code).splitlines()
    assert len(said) == 2
    assert all('pip install "chainrule[sklearn]"' in line for line in said)
