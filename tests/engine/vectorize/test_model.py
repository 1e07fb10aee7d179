"""vectorize_model traces a model twice: what it accepts, what it refuses and in which words, what it leaves untouched.

The yardstick is the model itself, called with one example after the other.
"""

import builtins
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from engine import Value, exp, greater, log, maximum, recording, sqrt, sum, take, tanh, vectorize, where
from engine.draws import drawn
from engine.nested import flat
from engine.vectorize import vectorize_model
from engine.vectorize.comparing import difference
from engine.vectorize.examples import opposite, other_examples
from engine.vectorize.trace import trace


def squared(y: Any, t: Value) -> Value:
    (y,) = flat(y)
    return (y - t) ** 2


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def leaves(tree: Any) -> Any:
    return [leaves(part) for part in tree] if isinstance(tree, list | np.ndarray) else Value(float(tree))


def assert_agrees(program: Any, model: Any, loss_fn: Any, *batch: Any) -> None:
    """Losses, outputs, mean and gradient are those of the model, called example by example."""
    parameters = model.parameters()
    model.zero_grad()
    losses, outputs = [], []
    with recording():
        for x, t in zip(*batch, strict=True):
            y = model(leaves(x))
            losses.append(loss_fn(y, leaves(t)))
            losses[-1].backward()
            outputs.append([v.data for v in flat(y)])
    gradient = np.array([p.grad for p in parameters]) / len(losses)
    model.zero_grad()
    np.testing.assert_allclose(program(*batch), [loss.data for loss in losses], rtol=1e-11, atol=1e-13)
    value, slopes = program.value_and_grad(*batch)
    np.testing.assert_allclose(value, np.mean([loss.data for loss in losses]), rtol=1e-11)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-10, atol=1e-12)
    predicted = program.predict(batch[0])
    np.testing.assert_allclose(predicted.reshape(len(outputs), -1), outputs, rtol=1e-11, atol=1e-13)


class Function(nn.Module):
    """A model that is one function of a parameter and x."""

    def __init__(self, function: Callable[[Value, Any], Value]) -> None:
        self.gain, self.function = Value(0.8), function

    def forward(self, x: Any) -> Any:
        return self.function(self.gain, x)


def refused(function: Callable[[Value, Any], Value], example: Any = ([0.5, -0.25], 1.0)) -> str:
    """The message with which a model is refused."""
    with pytest.raises(ValueError, match=r"another example|same example") as raised:
        vectorize_model(Function(function), squared, example)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# ------------------------------------------------------------------------- models of nn


class Words(nn.Module):
    """Words through a recurrent layer; the last step is the answer."""

    def __init__(self) -> None:
        self.embedding, self.gru = nn.Embedding(5, 2, seed=0), nn.GRU(2, 3, seed=1)
        self.head = nn.Linear(3, 5, seed=2)

    def forward(self, words: Any) -> Any:
        return self.head(self.gru(self.embedding(words))[0][-1])


def test_a_perceptron():
    model = nn.MLP(2, [4, 4, 1], seed=0)
    program = vectorize_model(model, squared, ([0.5, -0.25], 1.0))
    assert_agrees(program, model, squared, numbers(6, 2), numbers(6, seed=1))
    assert "x" in program.source


def test_a_transformer():
    layer = nn.TransformerEncoderLayer(4, 2, dim_feedforward=5, dropout=0.0, batch_first=True, seed=0)
    model = nn.Sequential(layer, nn.LayerNorm(4), nn.Linear(4, 2, seed=1))
    program = vectorize_model(model, nn.mse_loss, (numbers(3, 4), numbers(3, 2)))
    assert_agrees(program, model, nn.mse_loss, numbers(4, 3, 4, seed=1), numbers(4, 3, 2, seed=2))


def test_a_convolution_with_batch_norm_takes_a_batch_as_its_example():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 2, seed=0), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1, seed=1)
    )

    def loss_fn(ys: Any, ts: Any) -> Value:
        return sum((y[0] - t) ** 2 for y, t in zip(ys, ts, strict=True)) / len(ts)

    state = {name: array.copy() for name, array in model.state_dict().items()}
    program = vectorize_model(model, loss_fn, (numbers(4, 1, 3, 3), numbers(4)))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)
    X, T = numbers(2, 4, 1, 3, 3, seed=1), numbers(2, 4, seed=2)
    assert_agrees(program, model, loss_fn, X, T)
    program.pull()  # the running statistics that training has moved are no part of it


@pytest.mark.parametrize("kind", [list, np.array, lambda words: np.array(words, float)])
def test_words_and_classes_are_indices(kind):
    model = Words()
    program = vectorize_model(model, nn.cross_entropy, (kind([1, 4, 1]), 2))
    X, T = np.array([[0, 1, 2], [4, 4, 4], [3, 0, 1]]), np.array([1, 0, 4])
    assert_agrees(program, model, nn.cross_entropy, X, T)
    with pytest.raises(TypeError, match="whole number"):
        program(X + 0.5, T)


@pytest.mark.parametrize("example", [([0, 0, 0], 0), ([4, 4, 4], 4), ([0, 0, 0], 4)])
def test_indices_of_one_kind_alone(example):
    model = Words()
    program = vectorize_model(model, nn.cross_entropy, example)
    assert_agrees(program, model, nn.cross_entropy, np.array([[1, 2, 3]]), np.array([3]))


def test_a_table_of_one_row_has_no_other_index():
    table = [Value(0.3, "only")]
    program = vectorize_model(lambda i: take(table, i), lambda y: y * y, (0,), parameters=table)
    np.testing.assert_allclose(program(np.array([0, 0])), [0.09, 0.09], rtol=1e-15)


def test_masks_differ_from_call_to_call_and_follow_the_seed():
    def program(seed: int | None) -> Any:
        model = nn.Sequential(nn.Linear(2, 16, seed=0), nn.Dropout(0.5, seed=seed), nn.Linear(16, 1, seed=1))
        return vectorize_model(model, squared, ([0.1, 0.2], 0.3))

    X, T = np.ones((5, 2)), np.zeros(5)
    one, same, other = program(5), program(5), program(6)
    first = one(X, T)
    assert len(set(first)) > 1
    np.testing.assert_array_equal(same(X, T), first)
    assert not np.array_equal(one(X, T), first)
    assert not np.array_equal(other(X, T), first)


def test_a_bayesian_layer_draws_its_weights():
    model = nn.Sequential(nn.BayesLinear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))
    program = vectorize_model(model, squared, ([0.1, 0.2], 0.3))
    X, T = np.ones((5, 2)), np.zeros(5)
    assert len({*program(X, T), *program(X, T)}) == 10
    model.eval()
    assert_agrees(vectorize_model(model, squared, ([0.1, 0.2], 0.3)), model, squared, numbers(4, 2), numbers(4))


def test_noise_of_ones_own():
    rng = random.Random(3)
    program = vectorize_model(Function(lambda w, x: w * x[0] + drawn(rng.random, "noise")), squared, ([0.5], 0.0))
    assert len(set(program(np.zeros((4, 1)), np.zeros(4)))) == 4


# ------------------------------------------------------------------------- refused, and in which words

BRANCHES: dict[str, tuple[Callable[[Value, Any], Value], str, str]] = {
    "an if": (lambda w, x: tanh(w * x[0]) if x[0] > 0 else exp(x[1]), "tanh(gain * x[0])", "exp(x[1])"),
    "the larger": (lambda w, x: w * (x[0] if x[0] > x[1] else x[1]), "gain * x[0]", "gain * x[1]"),
    "max": (lambda w, x: tanh(builtins.max(x, key=float)) * w, "tanh(x[0])", "tanh(x[1])"),
    "sorted": (lambda w, x: exp(sorted(x, key=float)[0]) * w, "exp(x[1])", "exp(x[0])"),
    "abs by hand": (lambda w, x: w * (x[1] if x[1].data >= 0 else -x[1]), "-x[1]", "x[1]"),
    "a number of terms": (
        lambda w, x: sum([tanh(x[0])] * (3 if x[1] > 0 else 2)) * w,
        "+ tanh(x[0])",
        "+ tanh(x[0]) + tanh",
    ),
    "steps until": (lambda w, x: tanh(w * x[0]) if x[1].data < 0 else tanh(exp(w * x[0])), "gain * x[0]", "exp(gain"),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch(name):
    function, one, other = BRANCHES[name]
    message = refused(function)
    assert "branch" in message
    assert "where(greater(x, 0), a, b)" in message
    begin, _, rest = message.partition(" of the one is ")
    assert one in begin
    assert other in rest.partition(" of the other")[0]


CONSTANTS: dict[str, tuple[Callable[[Value, Any], Value], float, str]] = {
    "float(x)": (lambda w, x: w * x[1] * float(x[0]), 0.5, "gain"),
    "floor": (lambda w, x: w * x[0] + math.floor(100 * x[1].data), -25.0, "gain * x[0]"),
    "a format": (lambda w, x: w * x[0] + float(f"{x[1]:.1f}"), -0.2, "gain * x[0]"),
    "detach": (lambda w, x: w * x[0] + (w * x[1]).detach(), -0.2, "gain * x[0]"),
    "a leaf with a name": (lambda w, x: w * x[0] * Value(x[1].data, "scale"), -0.25, "'scale'"),
    "a parameter's number": (lambda w, x: w * x[0] + w.data * x[1], 0.8, "gain*x[0]"),
    "a shift that stays": (lambda w, x: exp(w * x[0] - x[1].data), -0.25, "gain * x[0]"),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant(name):
    function, number, within = CONSTANTS[name]
    message = refused(function)
    assert f"the constant {number!r}" in message or f"the constant {-number!r}" in message
    assert ".data" in message
    assert within in message


@pytest.mark.parametrize("draw", [random.random, lambda: random.gauss(0, 1), np.random.default_rng(0).random])
def test_random_numbers_that_nobody_records(draw):
    message = refused(lambda w, x: w * x[0] + x[1] * float(draw()))
    assert "engine.draws.drawn" in message


def test_a_branch_by_chance():
    flips = iter([True, False, True])
    message = refused(lambda w, x: tanh(w * x[0]) if next(flips) else exp(w * x[0]))
    assert "same example" in message


def test_a_difference_names_the_node_that_it_leads_to():
    class Branching(nn.Module):
        def __init__(self) -> None:
            self.hidden, self.readout = nn.Linear(2, 2, seed=0), nn.Linear(2, 1, seed=1)

        def forward(self, x: Any) -> Any:
            return self.readout([z if z > 0 else 0.01 * z for z in self.hidden(x)])

    with pytest.raises(ValueError, match=r"branch in 'readout\.out\[0\]'.*hidden\.out\[0\]"):
        vectorize_model(Branching(), squared, ([0.5, -0.25], 1.0))


# ------------------------------------------------------------------------- accepted


def softmax_by_hand(xs: list[Value], shift: Any) -> list[Value]:
    exps = [exp(x - shift) for x in xs]
    return [e / sum(exps) for e in exps]


@pytest.mark.parametrize(
    "shift",
    [lambda zs: builtins.max(z.data for z in zs), lambda zs: builtins.max(zs, key=float).data],
    ids=["of numbers", "of Values"],
)
def test_a_shift_that_cancels(shift):
    class Classifier(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(3, 4, seed=0)

        def forward(self, x: Any) -> Any:
            zs = self.layer(x)
            return softmax_by_hand(zs, shift(zs))

    def loss_fn(shares: Any, t: Any) -> Value:
        return -log(take(shares, t))

    model = Classifier()
    program = vectorize_model(model, loss_fn, ([0.1, 0.2, 0.3], 2))
    assert_agrees(program, model, loss_fn, numbers(5, 3), np.array([0, 1, 2, 3, 0]))


def test_the_cures():
    def cured(w: Value, x: Any) -> Value:
        return where(greater(x[0], 0), tanh(w * x[0]), exp(w * x[1])) + maximum(x[0], x[1]) * w + abs(x[1])

    model = Function(cured)
    program = vectorize_model(model, squared, ([0.5, -0.25], 1.0))
    assert_agrees(program, model, squared, numbers(6, 2), numbers(6))


DOMAINS: dict[str, tuple[Callable[[Value, Any], Value], Any]] = {
    "log": (lambda w, x: w * log(x[0]) * sqrt(x[1]), ([0.5, 0.25], 1.0)),
    "log of one number": (lambda w, x: w * log(x[0]), ([1.0], 1.0)),
    "a probability": (lambda w, x: w * log(x[0]) + log(1.0 - x[0]), ([0.3], 0.0)),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_other_numbers_keep_to_a_domain(name):
    function, example = DOMAINS[name]
    program = vectorize_model(Function(function), squared, example)
    X = np.full((1, len(example[0])), 0.4)
    np.testing.assert_allclose(program.predict(X), [function(Value(0.8), leaves(X[0])).data], rtol=1e-13)


def test_a_target_in_0_to_1():
    model = nn.Sequential(nn.Linear(2, 1, seed=0), nn.Sigmoid())
    program = vectorize_model(model, lambda y, t: nn.binary_cross_entropy(y[0], t), ([0.5, -0.25], 1.0))
    assert program(numbers(3, 2), np.array([0.0, 1.0, 0.5])).shape == (3,)


def test_a_model_that_takes_no_other_numbers_is_refused():
    def picky(w: Value, x: Any) -> Value:
        if x[0].data != 0.5:
            raise ValueError("x is 0.5")
        return w * x[0]

    with pytest.raises(ValueError, match=r"other numbers.*x is 0\.5"):
        vectorize_model(Function(picky), squared, ([0.5], 1.0))


# ------------------------------------------------------------------------- what is given


def test_a_plain_function_and_a_loss_without_a_target():
    w = Value(3.0, "w")
    program = vectorize_model(lambda x: w * x, lambda y: y * y, (2.0,), parameters=[w])
    assert program([1.0, 2.0]).tolist() == [9.0, 36.0]


def test_a_model_of_two_arguments():
    w = [Value(3.0, "w"), Value(2.0, "v")]
    program = vectorize_model(lambda x, u: w[0] * x[0] + w[1] * u, lambda y, t: y - t, ([1.0], 2.0, 0.5), parameters=w)
    assert program([[1.0]], [10.0], [0.5]).tolist() == [22.5]


def test_a_class_of_ones_own_with_parameters():
    class Line:
        def __init__(self) -> None:
            self.w, self.calls = Value(2.0, "w"), 0

        def parameters(self) -> list[Value]:
            return [self.w]

        def __call__(self, x: Value) -> Value:
            self.calls += 1
            return self.w * x

    line = Line()
    assert vectorize_model(line, squared, (1.0, 0.0))([3.0], [1.0]).tolist() == [25.0]
    assert line.calls == 0


@pytest.mark.parametrize(
    "example", [None, (), 0.5, "x", ([0.1, None], 0.3), (["a"], 0.3), ([0.1, 0.2],), (1.0, 2.0, 3.0)]
)
def test_an_example_that_does_not_fit(example):
    with pytest.raises(TypeError, match="example"):
        vectorize_model(nn.MLP(2, [1], seed=0), squared, example)


def test_a_loss_that_is_no_value_and_a_model_without_parameters():
    with pytest.raises(TypeError, match="loss_fn gives a Value"):
        vectorize_model(nn.Linear(2, 2, seed=0), lambda y, t: y, ([0.1, 0.2], 0.3))
    with pytest.raises(TypeError, match=r"parameters=\[w, b\]"):
        vectorize_model(lambda x: x, squared, (0.1, 0.3))


def test_outputs_that_are_no_array_leave_predict_out():
    model = nn.GRU(2, 3, seed=0)
    program = vectorize_model(model, lambda y, t: (y[0][-1][0] - t) ** 2, (numbers(4, 2), 0.3))
    assert program(numbers(2, 4, 2), numbers(2)).shape == (2,)
    with pytest.raises(ValueError, match="outputs"):
        program.predict(numbers(2, 4, 2))


# ------------------------------------------------------------------------- without a loss, unused, more examples


@pytest.mark.parametrize("model", [nn.Linear(2, 3, seed=0), nn.MLP(2, [3, 1], seed=0)])
def test_without_a_loss_the_outputs_are_there_and_their_sum_is_the_loss(model):
    program = vectorize_model(model, None, (numbers(2),))
    x = numbers(5, 2, seed=1)
    expected = np.array([[v.data for v in flat(model(row))] for row in x.tolist()])
    np.testing.assert_allclose(program.predict(x).reshape(expected.shape), expected, rtol=1e-12)
    np.testing.assert_allclose(program(x), expected.sum(axis=1), rtol=1e-12)


def test_without_a_loss_every_item_is_an_argument():
    w = Value(2.0)
    program = vectorize_model(lambda a, b, c: w * a + b * c, None, (0.1, 0.2, 0.3), parameters=[w])
    assert program.predict([1.0], [2.0], [3.0]).tolist() == [8.0]
    with pytest.raises(TypeError, match="with 2 arguments, and it takes"):
        vectorize_model(lambda a: w * a, None, (0.1, 0.2), parameters=[w])
    with pytest.raises(TypeError, match="the model gives a Value"):
        vectorize_model(lambda a: {"a": w * a}["a"].data, None, (0.1,), parameters=[w])


@pytest.mark.parametrize("given", [True, False])
def test_whether_a_parameter_may_be_unused(given):
    used, unused = Value(2.0, "used"), Value(3.0, "unused")

    class Two(nn.Module):
        def __init__(self) -> None:
            self.one, self.other = used, unused

        def forward(self, x: Any) -> Any:
            return self.one * x

    options = {"parameters": [used, unused]} if given else {}
    for allow in (True, False, None):
        if allow is False or (allow is None and given):
            with pytest.raises(ValueError, match="does not depend on"):
                vectorize_model(Two(), squared, (0.1, 0.3), allow_unused=allow, **options)
        else:
            program = vectorize_model(Two(), squared, (0.1, 0.3), allow_unused=allow, **options)
            assert program.value_and_grad([1.0], [0.0])[1].tolist() == [4.0, 0.0]


def test_more_examples_show_a_branch_that_those_made_up_do_not_take():
    w = Value(2.0)

    def model(x: Any) -> Any:
        return w * x if x < 1000.0 else -x

    frozen = vectorize_model(model, None, (0.5,), parameters=[w])
    assert frozen.predict([2000.0]).tolist() == [4000.0]
    assert vectorize_model(model, None, (0.5,), parameters=[w], others=[(3.0,), (4.0,)]).predict([2.0]) == [4.0]
    with pytest.raises(ValueError, match="another branch"):
        vectorize_model(model, None, (0.5,), parameters=[w], others=[(3.0,), (2000.0,)])


def test_others_are_of_the_examples_kind_and_none_are_traced_if_none_are_wanted():
    w, runs = Value(2.0), []

    def model(x: Any) -> Any:
        runs.append(x)
        return w * x

    with pytest.raises(TypeError, match="tuple"):
        vectorize_model(model, None, (0.5,), parameters=[w], others=[0.5])
    runs.clear()
    vectorize_model(model, None, (0.5,), parameters=[w], others=None)
    assert len(runs) == 1
    vectorize_model(model, None, (0.5,), parameters=[w])
    assert len(runs) > 2


# ------------------------------------------------------------------------- left as it was


class Busy(nn.Module):
    """A model whose forward changes whatever it can, and whose loss sweeps, too."""

    def __init__(self) -> None:
        self.w, self.count, self.seen = Value(0.5), 0, np.zeros(2)
        self.rng, self.stream = random.Random(0), np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        self.count += 1
        self.seen += 1.0
        self.last = y = self.w * x[0]
        _ = self.rng.random(), self.stream.random(), random.random(), np.random.random()
        self.training = False
        y.backward()
        return y


@pytest.mark.parametrize("fails", [False, True])
def test_tracing_leaves_everything_as_it_was(fails):
    model = Busy()
    model.w.grad = 7.0
    before = set(vars(model))
    generators = random.getstate(), str(np.random.get_state()), model.rng.getstate(), model.stream.bit_generator.state

    def loss_fn(y: Value, t: Value) -> Value:
        if fails:
            raise KeyError("t")
        return y - t

    if fails:
        with pytest.raises(KeyError):
            vectorize_model(model, loss_fn, ([1.0], 2.0))
    else:
        vectorize_model(model, loss_fn, ([1.0], 2.0))
    assert set(vars(model)) == before
    assert model.training
    assert (model.w.data, model.w.grad, model.count, model.seen.tolist()) == (0.5, 7.0, 0, [0.0, 0.0])
    now = random.getstate(), str(np.random.get_state()), model.rng.getstate(), model.stream.bit_generator.state
    assert now == generators


def test_what_a_function_closes_over_is_left_as_it_was():
    norm, layer = nn.BatchNorm1d(2), nn.Linear(2, 1, seed=0)
    program = vectorize_model(
        lambda xs: layer(norm(xs)[0]), lambda y: y[0] ** 2, (numbers(4, 2),), parameters=layer.parameters()
    )
    assert norm.running_mean.tolist() == [0.0, 0.0]
    assert program(numbers(3, 4, 2)).shape == (3,)


# ------------------------------------------------------------------------- changed since


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3, seed=0), nn.BatchNorm1d(3), nn.Linear(3, 1, seed=1)).eval()


def of(model: nn.Module) -> Any:
    return vectorize_model(model, squared, ([0.1, 0.2], 0.3))


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a layer more": (lambda net: net.append(nn.Linear(1, 1)), "8 parameters|parameters, and had"),
    "a layer without parameters": (lambda net: net.append(nn.Tanh()), "parts"),
    "an activation in place of another": (lambda net: net.__setitem__(1, nn.Tanh()), "parameters"),
    "a parameter replaced": (lambda net: net[0].weight[0].__setitem__(1, Value(0.5, "mine")), "'mine'"),
    "a mode": (lambda net: net[1].train(), r"BatchNorm1d '.*1.*' was in evaluation mode, and is in training mode"),
    "a running mean": (lambda net: net[1].running_mean.__setitem__(0, 9.0), "running_mean of BatchNorm1d"),
    "a buffer replaced": (lambda net: setattr(net[1], "running_var", np.full(3, 2.0)), "running_var"),
    "a frozen parameter": (lambda net: net[0].requires_grad_(False), "frozen"),
}


@pytest.mark.parametrize("method", ["pull", "push"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told(name, method):
    change, words = CHANGES[name]
    model = network()
    program = of(model)
    program.pull()
    change(model)
    with pytest.raises(RuntimeError, match=words) as raised:
        getattr(program, method)()
    assert "trace again" in str(raised.value)


def test_training_is_no_change():
    model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Dropout(0.5, seed=0), nn.Linear(3, 1, seed=1))
    program = of(model)
    squared(model([1.0, 2.0]), Value(0.0)).backward()
    program.parameters -= 0.1
    program.push()
    model.load_state_dict(model.state_dict())
    program.pull()


# ------------------------------------------------------------------------- the parts


def test_opposite_turns_every_sign_and_every_order():
    rng = np.random.default_rng(0)
    for _ in range(200):
        xs = np.round(rng.normal(size=5), 1).tolist()
        ys = opposite(xs)
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            assert (x > 0) != (y > 0)
            assert all((x > xs[j]) != (y > ys[j]) for j in range(i + 1, 5))


def test_no_example_is_the_first_one():
    items = [[0.5, -0.25], [1.0]]
    for indices in ([False, False], [False, True]):
        tried = list(other_examples(items, indices))
        assert items not in tried
        assert tried[0] == [opposite(items[0]), [0.0] if indices[1] else opposite(items[1])]


def test_graphs_in_another_order_compute_the_same():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    a, b = tanh(x), exp(w)
    one, other = trace([a * b, a], [x], [w]), trace([(c := tanh(x)) * exp(w), c], [x], [w])
    assert difference(one, other) is None
    turned = trace([a, a * b], [x], [w])
    turned_roots = type(turned)(**{**vars(turned), "roots": turned.roots[::-1]})
    assert difference(one, turned_roots) is None
    assert difference(one, trace([b * a, a], [x], [w])) is not None


def test_the_program_is_that_of_vectorize():
    model = nn.MLP(2, [3, 1], seed=0)
    x, t = [Value(0.5, "x[0]"), Value(-0.25, "x[1]")], Value(1.0, "t")
    y = model(x)
    by_hand = vectorize(squared(y, t), inputs=[x, t], parameters=model.parameters(), outputs=y)
    assert str(vectorize_model(model, squared, ([0.5, -0.25], 1.0))) == str(by_hand)
