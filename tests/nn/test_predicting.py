"""What a model is asked is answered by programs as by the model itself, in evaluation mode, and leaves it as it is."""

import numpy as np
import pytest

import nn
from engine import Value
from nn.examples import Examples
from nn.predicting import Forward

ENGINES = pytest.mark.parametrize("engine", ["vectorized", "scalar"])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 3


def perceptron():
    return nn.Sequential(nn.Linear(3, 4, seed=0), nn.Tanh(), nn.Linear(4, 3, seed=1))


def written_out(model, x):
    """The perceptron in NumPy."""
    w1, b1, w2, b2 = model.state_dict().values()
    return np.tanh(x @ w1.T + b1) @ w2.T + b2


@ENGINES
def test_outputs_are_those_of_the_formula(engine):
    model = perceptron()
    np.testing.assert_allclose(model.predict(X, engine=engine), written_out(model, X), rtol=1e-12)


def test_more_examples_than_are_taken_at_once():
    model, x = perceptron(), RNG.normal(size=(5000, 3))
    y = np.arange(5000) % 3
    out = written_out(model, x)
    np.testing.assert_allclose(model.predict(x), out, rtol=1e-11)
    weights = np.array([1.0, 2.0, 5.0])
    losses = np.log(np.exp(out).sum(axis=1)) - out[np.arange(5000), y]
    found = model.evaluate(x, y, loss=nn.cross_entropy)
    assert found["loss"] == pytest.approx(losses.mean(), rel=1e-12)
    assert found["accuracy"] == pytest.approx(np.mean(out.argmax(axis=1) == y))
    found = model.evaluate(x[:300], y[:300], loss=lambda o, t: nn.cross_entropy(o, t, weight=weights.tolist()))
    expected = np.average(losses[:300], weights=weights[y[:300]])
    assert found["loss"] == pytest.approx(expected, rel=1e-12)


@ENGINES
def test_a_norm_without_memory_takes_all_examples_at_once(engine):
    norm = nn.BatchNorm1d(3, affine=False, eps=0.0, track_running_stats=False).eval()
    expected = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(norm.predict(X, engine=engine), expected, rtol=1e-10)


@ENGINES
def test_it_is_trained_and_measured(engine):
    model = nn.Sequential(nn.BatchNorm1d(3, affine=False, track_running_stats=False), nn.Linear(3, 3, seed=0))
    history = nn.fit(
        model, X, Y, loss=nn.cross_entropy, epochs=2, batch_size=6, validation=(X, Y), engine=engine, progress=False
    )
    found = model.evaluate(X, Y, loss=nn.cross_entropy, engine=engine)
    assert found == {"loss": history["val_loss"][-1], "accuracy": history["val_accuracy"][-1]}


@ENGINES
def test_running_statistics_of_now_are_used(engine):
    model = nn.BatchNorm1d(3, affine=False, eps=0.0)
    forward = Forward(model, engine)
    for shift in (0.0, 2.0):
        model.running_mean[...] = shift
        np.testing.assert_allclose(forward.outputs(Examples(X)), X - shift, rtol=1e-12)


def test_given_numbers_take_the_place_of_the_models():
    model = perceptron()
    others = np.array([p.data for p in model.parameters()]) * 0.5
    out, loss = Forward(model, loss=nn.cross_entropy).measured(Examples(X, Y), others)
    for p, number in zip(model.parameters(), others, strict=True):
        p.data = number
    np.testing.assert_allclose(out, written_out(model, X), rtol=1e-12)
    assert loss == pytest.approx(model.evaluate(X, Y, loss=nn.cross_entropy)["loss"], rel=1e-12)


@ENGINES
def test_of_no_examples_there_is_the_shape(engine):
    assert perceptron().predict(np.empty((0, 3)), engine=engine).shape == (0, 3)
    assert np.isnan(perceptron().accuracy(np.empty((0, 3)), []))
    with pytest.raises(ValueError, match="no examples"):
        perceptron().evaluate(np.empty((0, 3)), np.empty(0, int), loss=nn.cross_entropy, engine=engine)


@ENGINES
def test_it_leaves_gradients_and_modes(engine):
    model = nn.Sequential(nn.Linear(3, 3, seed=0), nn.Dropout(0.5, seed=0), nn.BatchNorm1d(3))
    model[2].eval()
    for p in model.parameters():
        p.grad = 2.0
    before = {name: array.copy() for name, array in model.state_dict().items()}
    once, again = model.predict(X, engine=engine), model.predict(X, engine=engine)
    np.testing.assert_array_equal(once, again)  # no masks are drawn
    model.evaluate(X, Y, loss=nn.cross_entropy, engine=engine)
    assert [module.training for module in model.modules()] == [True, True, True, False]
    assert all(p.grad == 2.0 for p in model.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


class Small(nn.Module):
    """x, and its negative where it is below 5: a branch that few examples take."""

    def __init__(self):
        self.w = Value(1.0)

    def forward(self, x):
        return self.w * x[0] if float(x[0].data if isinstance(x[0], Value) else x[0]) < 5.0 else -self.w * x[0]


def test_a_branch_that_one_example_of_many_takes_is_found():
    x = RNG.random((50, 1))
    x[20] = 9.0
    with pytest.raises(ValueError, match=r'branch.*engine="scalar"'):
        Small().predict(x)
    assert Small().predict(x, engine="scalar")[20] == -9.0


def test_probabilities_are_cut_at_a_half_and_logits_at_0():
    layer = nn.Linear(3, 1, seed=0)
    logits, y = layer.predict(X)[:, 0], (np.arange(12) % 2)
    sure = nn.Sequential(layer, nn.Sigmoid())
    expected = np.mean((logits > 0.0) == y)
    assert layer.accuracy(X, y) == sure.accuracy(X, y) == pytest.approx(expected)
    assert sure.accuracy(X, y, threshold=0.0) == pytest.approx(np.mean(y == 1))
    assert sure.confusion_matrix(X, y, threshold=0.0).tolist() == [[0, 6], [0, 6]]


@ENGINES
def test_an_index_below_0_is_none_wherever_it_stands(engine):
    model = nn.Sequential(nn.Embedding(5, 3, seed=0), nn.Flatten(), nn.Linear(6, 2, seed=0))
    x, y = RNG.integers(0, 5, (12, 2)), np.arange(12) % 2
    x[3, 1] = -1
    for call in (
        lambda: model.predict(x, engine=engine),
        lambda: model.evaluate(x, y, loss=nn.cross_entropy, engine=engine),
        lambda: nn.fit(model, x, y, loss=nn.cross_entropy, engine=engine, progress=False),
    ):
        with pytest.raises(IndexError, match=r"rows 0 to 4, and was asked for -1"):
            call()
    numbers = np.array([[1, -2, 3]])  # which are no indices
    np.testing.assert_allclose(perceptron().predict(numbers, engine=engine), written_out(perceptron(), numbers))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda model: model.predict(X, engine="fast"), ValueError, "vectorized"),
        (lambda model: model.evaluate(X, Y, loss=None), TypeError, "the loss is a function.*None"),
        (lambda model: model.evaluate(X, Y[:5], loss=nn.cross_entropy), ValueError, "X has 12, y has 5"),
        (lambda model: model.predict(X[:, :2]), ValueError, r"takes shape \(3,\)"),
        (lambda model: model.accuracy(X, X), ValueError, "shares"),
        (lambda model: model.predict([[1.0, 2.0, 3.0], [1.0]], engine="scalar"), ValueError, r"takes shape \(3,\)"),
    ],
)
def test_a_wrong_question_is_told(call, kind, message):
    model = perceptron()
    with pytest.raises(kind, match=message):
        call(model)
    assert all(module.training for module in model.modules())


class Lengths(nn.Module):
    """2·x of each number of a list of any length."""

    def __init__(self):
        self.w = Value(2.0)

    def forward(self, x):
        return [self.w * v for v in x]


def test_outputs_of_different_shapes_are_told():
    with pytest.raises(ValueError, match=r"differ in shape \(\(1,\), \(2,\)\)"):
        Lengths().predict([[1.0], [1.0, 2.0]], engine="scalar")


def test_examples_that_do_not_fit_are_told_before_it_is_late():
    model = perceptron()
    Forward(model, "vectorized", nn.cross_entropy).require_fitting(Examples(X, Y))
    with pytest.raises(IndexError, match="class 5"):
        Forward(model, "vectorized", nn.cross_entropy).require_fitting(Examples(X, Y + 5))
