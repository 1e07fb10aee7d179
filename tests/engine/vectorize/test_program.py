"""A program is called with a batch and gives the numbers of the scalar loop: its shapes, its parameters, its outputs.

The yardstick is in every test the same scalar code, run example by example, with `backward()` after each.
"""

import gc
import random
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from engine import DomainError, Program, Value, abs, dot, exp, greater, log, maximum, prod, relu, tanh, vectorize, where
from engine.nested import flat

Loss = Callable[..., Value]


# ------------------------------------------------------------------------------ the scalar loop


def leaves(numbers: Any, name: str | None = None) -> Any:
    """Nested lists of new Values with these numbers, named x[0][1] where a name is given."""
    if isinstance(numbers, list | tuple | np.ndarray):
        return [leaves(part, name and f"{name}[{i}]") for i, part in enumerate(numbers)]
    return Value(float(numbers), name)


def scalar_loop(loss_of: Loss, parameters: Any, *batches: Any) -> tuple[Any, Any]:
    """(the losses, the gradient of their mean): one example after the other."""
    ps = flat(parameters)
    for p in ps:
        p.grad = None
    losses = [loss_of(*map(leaves, example)) for example in zip(*batches, strict=True)]
    for loss in losses:
        loss.backward()
    gradient = np.array([p.grad for p in ps]) / len(losses)
    for p in ps:
        p.grad = None
    return np.array([loss.data for loss in losses]), gradient


def traced(loss_of: Loss, parameters: Any, *example: Any, **options: Any) -> Program:
    """The program of a loss, traced with one example."""
    xs = [leaves(numbers, "xtuv"[i]) for i, numbers in enumerate(example)]
    return vectorize(loss_of(*xs), inputs=xs, parameters=parameters, **options)


def assert_agrees(program: Program, loss_of: Loss, parameters: Any, *batches: Any) -> None:
    """Losses, mean and gradient are those of the scalar loop."""
    losses, gradient = scalar_loop(loss_of, parameters, *batches)
    np.testing.assert_allclose(program(*batches), losses, rtol=1e-11, atol=1e-13)
    mean, slopes = program.value_and_grad(*batches)
    assert isinstance(mean, float)
    np.testing.assert_allclose(mean, losses.mean(), rtol=1e-11, atol=1e-13)
    assert slopes.shape == gradient.shape
    np.testing.assert_allclose(slopes, gradient, rtol=1e-11, atol=1e-12 * max(1.0, np.max(np.abs(gradient))))


def line(seed: int = 0) -> tuple[list[Value], Loss]:
    """(w₀, w₁, b) and the loss (w·x + b − t)²."""
    w0, w1, b = ps = [Value(random.Random(seed + i).uniform(-1, 1), name) for i, name in enumerate(("w0", "w1", "b"))]
    return ps, lambda x, t: (w0 * x[0] + w1 * x[1] + b - t) ** 2


def network(*sizes: int, seed: int = 0) -> tuple[list[Value], Loss]:
    """A small MLP and its squared error."""
    model = nn.MLP(sizes[0], sizes[1:], activation="tanh", seed=seed)
    return model.parameters(), lambda x, t: (model(x) - t) ** 2


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


# --------------------------------------------------------------------------------- shapes of calls


def test_a_list_and_a_value_take_two_axes_and_one():
    ps, loss_of = line()
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    losses = program(numbers(7, 2), numbers(7))
    assert isinstance(losses, np.ndarray)
    assert losses.shape == (7,)
    assert losses.dtype == np.float64
    mean, gradient = program.value_and_grad(numbers(7, 2), numbers(7))
    assert isinstance(mean, float)
    assert isinstance(gradient, np.ndarray)
    assert gradient.shape == (3,)
    assert_agrees(program, loss_of, ps, numbers(7, 2), numbers(7))


def test_one_program_takes_batches_of_any_length():
    ps, loss_of = network(2, 3, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    for batch in (5, 1, 2, 100, 5):
        assert_agrees(program, loss_of, ps, numbers(batch, 2), numbers(batch, seed=1))


def test_one_value_as_the_only_input():
    w = Value(0.7, "w")

    def loss_of(x: Value) -> Value:
        return tanh(w * x) ** 2

    program = traced(loss_of, [w], 0.3)
    assert program(numbers(4)).shape == (4,)
    assert_agrees(program, loss_of, [w], numbers(4))


def test_a_matrix_and_deeper_nests_as_inputs():
    ws = leaves(numbers(3, seed=5))

    def loss_of(x: Any, u: Any) -> Value:
        rows = [dot(ws, row) for row in x]
        return sum(r * r for r in rows) * u[1][0][1] + prod(flat(u))

    program = traced(loss_of, ws, numbers(4, 3), numbers(2, 2, 2))
    assert_agrees(program, loss_of, ws, numbers(6, 4, 3, seed=1), numbers(6, 2, 2, 2, seed=2))


def test_four_items_and_tuples_of_values():
    w = Value(0.7, "w")
    x, t, u, v = (Value(1.0), Value(2.0)), Value(3.0), [Value(4.0)], Value(5.0)
    program = vectorize(w * x[0] + x[1] * t + u[0] * v, inputs=[x, t, u, v], parameters=[w])
    X, T, U, V = numbers(5, 2), numbers(5, seed=1), numbers(5, 1, seed=2), numbers(5, seed=3)
    np.testing.assert_allclose(program(X, T, U, V), 0.7 * X[:, 0] + X[:, 1] * T + U[:, 0] * V, rtol=1e-12)


def test_leaves_with_equal_numbers_are_told_apart():
    ws = [Value(0.5), Value(0.5)]

    def loss_of(x: Any) -> Value:
        return ws[0] * x[0] - ws[1] * x[1] * x[1]

    assert_agrees(traced(loss_of, ws, [0.5, 0.5]), loss_of, ws, numbers(3, 2))


@pytest.mark.parametrize(
    "convert",
    [
        lambda array: array.tolist(),
        lambda array: array.astype(np.float32),
        lambda array: array.astype(np.int64),
        lambda array: array.astype(np.int8),
        lambda array: array.astype(np.uint8),
        lambda array: np.asfortranarray(array),
        lambda array: np.repeat(array, 2, axis=0)[::2],
        lambda array: array[::-1][::-1],
    ],
    ids=["lists", "float32", "int64", "int8", "uint8", "fortran", "strided", "reversed"],
)
def test_what_an_array_may_be(convert):
    ps, loss_of = network(2, 3, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    X, T = np.array([[3.0, 1.0], [0.0, 2.0], [5.0, 100.0]]), np.array([1.0, 0.0, 2.0])
    expected = program(X, T)
    losses = program(convert(X), convert(T))
    assert losses.dtype == np.float64
    np.testing.assert_array_equal(losses, expected)


def test_arrays_and_results_belong_to_the_caller():
    ps, loss_of = line()
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    X, T = numbers(5, 2), numbers(5)
    X.flags.writeable = T.flags.writeable = False
    losses, (_, gradient) = program(X, T), program.value_and_grad(X, T)
    kept = losses.copy(), gradient.copy()
    program(numbers(5, 2, seed=1), numbers(5))
    program.value_and_grad(numbers(5, 2, seed=1), numbers(5))
    np.testing.assert_array_equal(losses, kept[0])
    np.testing.assert_array_equal(gradient, kept[1])
    losses[:], gradient[:] = 0.0, 0.0
    np.testing.assert_array_equal(program(X, T), kept[0])
    np.testing.assert_array_equal(program.value_and_grad(X, T)[1], kept[1])


# ------------------------------------------------------------------------------------- gradients


def test_the_gradient_stands_in_the_order_given():
    (w0, w1, b), loss_of = line()
    X, T = numbers(5, 2), numbers(5)
    _, gradient = traced(loss_of, [w0, w1, b], [0.1, 0.2], 0.3).value_and_grad(X, T)
    _, turned = traced(loss_of, [b, w0, w1], [0.1, 0.2], 0.3).value_and_grad(X, T)
    np.testing.assert_allclose(turned, gradient[[2, 0, 1]], rtol=1e-12)
    _, nested = traced(loss_of, [[b], [[w0, w1]]], [0.1, 0.2], 0.3).value_and_grad(X, T)
    np.testing.assert_allclose(nested, turned, rtol=1e-12)


def test_a_parameter_left_out_is_a_constant():
    ps, loss_of = line()
    program = traced(loss_of, ps[1:2], [0.1, 0.2], 0.3)
    assert_agrees(program, loss_of, ps[1:2], numbers(5, 2), numbers(5))


def test_a_frozen_parameter_takes_no_gradient():
    (w0, w1, b), loss_of = line()
    w1.requires_grad = False
    program = traced(loss_of, [w0, w1, b], [0.1, 0.2], 0.3)
    _, gradient = program.value_and_grad(numbers(5, 2), numbers(5))
    assert gradient[1] == 0.0
    assert gradient[0] != 0.0
    assert_agrees(program, loss_of, [w0, w1, b], numbers(5, 2), numbers(5))


def test_a_parameter_used_twice_and_a_penalty_without_inputs():
    ps = leaves([0.3, -0.8], "w")

    def loss_of(x: Value) -> Value:
        return tanh(ps[0] * x) * ps[0] + ps[1] + 0.01 * sum(p * p for p in ps)

    assert_agrees(traced(loss_of, ps, 0.3), loss_of, ps, numbers(4))


def test_a_loss_of_parameters_alone_has_one_number_for_each_example():
    w, x = Value(3.0, "w"), Value(1.0, "x")
    program = vectorize(w * w + 0.0 * x, inputs=[x], parameters=[w])
    np.testing.assert_array_equal(program(np.zeros(4)), [9.0] * 4)
    assert program.value_and_grad(np.zeros(4))[1].tolist() == [6.0]


def test_a_program_without_parameters():
    x = Value(1.0, "x")
    program = vectorize(exp(x), inputs=[x], parameters=[])
    np.testing.assert_allclose(program(np.array([0.0, 1.0])), np.exp([0.0, 1.0]), rtol=1e-15)
    assert program.parameters.shape == (0,)
    assert program.value_and_grad(np.array([0.0, 1.0]))[1].shape == (0,)


def test_slopes_at_kinks_and_at_ties_are_the_engines():
    w, v = Value(0.0, "w"), Value(0.0, "v")

    def loss_of(x: Value) -> Value:
        a, b = w * x, v * x
        return relu(a) + abs(b) + 3 * maximum(a, 2 * b) + where(greater(a, b), 5 * a, 7 * b)

    assert_agrees(traced(loss_of, [w, v], 1.0), loss_of, [w, v], np.array([1.0, -1.0, 0.0]))


# ------------------------------------------------------------------------------------ parameters


def test_parameters_are_a_flat_array_in_the_order_given():
    ps, loss_of = network(2, 3, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    assert isinstance(program.parameters, np.ndarray)
    assert program.parameters.dtype == np.float64
    assert program.parameters.tolist() == [p.data for p in ps]


def test_pull_reads_the_values_and_push_writes_them():
    ps, loss_of = line()
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    before, array = program.parameters.copy(), program.parameters
    ps[1].data = 5.0
    np.testing.assert_array_equal(program.parameters, before)  # until it is told
    program.pull()
    assert program.parameters[1] == 5.0
    assert_agrees(program, loss_of, ps, numbers(5, 2), numbers(5))
    program.parameters[:] = [1.0, 2.0, 3.0]
    assert [p.data for p in ps] == [before[0], 5.0, before[2]]
    program.push()
    assert [p.data for p in ps] == [1.0, 2.0, 3.0]
    assert all(type(p.data) is float for p in ps)
    assert_agrees(program, loss_of, ps, numbers(5, 2), numbers(5))
    assert program.parameters is array  # a user may keep it


def test_an_update_written_into_the_array_is_used_by_the_next_call():
    ps, loss_of = network(2, 4, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    X, T = numbers(20, 2), numbers(20, seed=1)
    first, _ = program.value_and_grad(X, T)
    for _ in range(10):
        _, gradient = program.value_and_grad(X, T)
        program.parameters -= 0.05 * gradient
    assert program.value_and_grad(X, T)[0] < first
    for _ in range(10):
        _, expected = scalar_loop(loss_of, ps, X, T)
        for p, slope in zip(ps, expected, strict=True):
            p.data -= 0.05 * slope
    np.testing.assert_allclose(program.parameters, [p.data for p in ps], rtol=1e-9)


# --------------------------------------------------------------------------------------- predict


def test_predict_gives_a_number_for_each_example():
    w, x, t = Value(0.5, "w"), Value(1.0, "x"), Value(2.0, "t")
    y = tanh(w * x)
    program = vectorize((y - t) ** 2, inputs=[x, t], parameters=[w], outputs=y)
    X = numbers(5)
    np.testing.assert_allclose(program.predict(X, numbers(5)), np.tanh(0.5 * X), rtol=1e-14)
    np.testing.assert_allclose(program.predict(X), np.tanh(0.5 * X), rtol=1e-14)  # t is not needed
    program.parameters[0] = 3.0
    np.testing.assert_allclose(program.predict(X), np.tanh(3.0 * X), rtol=1e-14)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 3)])
def test_predict_gives_lists_with_the_batch_first(shape):
    x, w = Value(1.0, "x"), Value(0.5, "w")
    factors = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)

    def outputs_of(part: Any) -> Any:
        return [outputs_of(inner) for inner in part] if np.ndim(part) else tanh(w * x * float(part))

    ys = outputs_of(factors)
    program = vectorize(sum(y * y for y in flat(ys)), inputs=[x], parameters=[w], outputs=ys)
    X = numbers(5)
    predicted = program.predict(X)
    assert predicted.shape == (5, *shape)
    np.testing.assert_allclose(predicted, np.tanh(0.5 * X.reshape(5, *(1 for _ in shape)) * factors), rtol=1e-14)


def test_outputs_may_be_inputs_parameters_the_loss_repeated_or_beside_the_loss():
    w, x = Value(0.5, "w"), Value(1.0, "x")
    loss = w * x
    program = vectorize(loss, inputs=[x], parameters=[w], outputs=[x, w, loss, x, loss, exp(x), exp(w)])
    X, halves = numbers(4), np.full(4, 0.5)
    expected = np.stack([X, halves, 0.5 * X, X, 0.5 * X, np.exp(X), np.exp(halves)], axis=1)
    np.testing.assert_allclose(program.predict(X), expected, rtol=1e-15)
    np.testing.assert_allclose(program.value_and_grad(X)[1], [X.mean()], rtol=1e-14)


# ------------------------------------------------------------------------- lifetimes and threads


def bits(array: Any) -> bytes:
    """The numbers bit for bit; all nan alike, since the sign of one means nothing."""
    array = np.asarray(array)
    return np.where(np.isnan(array), np.nan, array).tobytes()


def assert_all_of_one_pass(program: Program, *batch: Any) -> None:
    """The three of one forward pass are those of two calls, bit for bit, and in memory of their own."""
    value, gradient, outputs = program.value_grad_and_outputs(*batch)
    mean, slopes = program.value_and_grad(*batch)
    assert isinstance(value, float)
    assert bits(value) == bits(mean)
    assert bits(gradient) == bits(slopes)
    expected = program.predict(*batch)
    assert outputs.shape == expected.shape
    assert outputs.dtype == expected.dtype
    assert bits(outputs) == bits(expected)
    for array in (gradient, outputs):
        assert not any(np.may_share_memory(array, other) for other in (*batch, program.parameters))


MODELS: dict[str, Callable[[int], Any]] = {
    "a perceptron": lambda seed: nn.MLP(3, [4, 2], seed=seed),
    "relu": lambda seed: nn.Sequential(nn.Linear(3, 4, seed=seed), nn.ReLU(), nn.Linear(4, 2, seed=seed + 1)),
    "a norm": lambda seed: nn.Sequential(nn.Linear(3, 3, seed=seed), nn.LayerNorm(3), nn.Linear(3, 2, seed=seed)),
    "attention": lambda seed: nn.Sequential(nn.Linear(3, 3, seed=seed), nn.Softmax(), nn.Linear(3, 2, seed=seed)),
    "its input": lambda seed: nn.Identity(),
}


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(MODELS)),
    seed=st.integers(0, 9),
    examples=st.integers(1, 5),
    odd=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from([np.inf, -np.inf, np.nan, 1e308]))),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_all_of_one_pass_is_what_two_calls_give(name: str, seed: int, examples: int, odd: Any, dtype: Any):
    model, weight = MODELS[name](seed), Value(2.0)
    x, t = leaves([0.1, 0.2, 0.3]), leaves([0.5, -0.5])
    out = model(x)[:2]
    loss = weight * dot([a - b for a, b in zip(out, t, strict=True)], [a - b for a, b in zip(out, t, strict=True)])
    program = vectorize(loss, [x, t], [weight, *model.parameters()], outputs=out, dtype=dtype)
    rng = np.random.default_rng(seed)
    X, T = rng.normal(size=(examples, 3)), rng.normal(size=(examples, 2))
    for example, entry, number in odd:
        X[example % examples, entry] = number
    with np.errstate(all="ignore"):
        X = X.astype(dtype)
    assert_all_of_one_pass(program, X, T.astype(dtype))


def test_a_parameter_that_is_not_finite_is_in_all_three():
    model = nn.Linear(2, 1, seed=0)
    x = leaves([0.1, 0.2])
    out = model(x)
    program = vectorize(relu(out[0]), [x], model.parameters(), outputs=out)
    for number in (np.inf, np.nan, 1e308):
        program.parameters[0] = number
        assert_all_of_one_pass(program, np.array([[1.0, 2.0], [0.0, 1.0], [-1e10, 1.0]]))


def test_all_of_one_pass_needs_outputs_and_an_example():
    w, x = Value(2.0), Value(1.0)
    with pytest.raises(ValueError, match="no outputs were traced"):
        vectorize(w * x, [x], [w]).value_grad_and_outputs([1.0])
    program = vectorize(w * x, [x], [w], outputs=w * x)
    assert program.has_outputs
    with pytest.raises(ValueError, match="no examples"):
        program.value_grad_and_outputs([])
    with pytest.raises(DomainError, match="example 1"):
        vectorize(log(w * x), [x], [w], outputs=w * x).value_grad_and_outputs([1.0, -1.0])


def test_a_program_outlives_its_graph():
    ps, loss_of = network(2, 3, 1)
    xs = [leaves([0.1, 0.2]), Value(0.3)]
    loss = loss_of(*xs)
    gone = weakref.ref(loss)
    program = vectorize(loss, inputs=xs, parameters=ps)
    del loss, xs
    gc.collect()
    assert gone() is None  # memory in proportion to the arrays, not to the nodes
    assert_agrees(program, loss_of, ps, numbers(5, 2), numbers(5))


def test_tracing_leaves_the_graph_as_it_was():
    ps, loss_of = network(2, 3, 1)
    xs = [leaves([0.1, 0.2]), Value(0.3)]
    loss = loss_of(*xs)
    before = [(p.data, p.name) for p in ps]
    program = vectorize(loss, inputs=xs, parameters=ps)
    program.value_and_grad(numbers(5, 2), numbers(5))
    program.push()
    assert [(p.data, p.name) for p in ps] == before
    assert not any(p.has_grad for p in [*ps, *flat(xs), loss])
    loss.backward()
    assert all(p.has_grad for p in ps)


def test_threads_share_a_program():
    ps, loss_of = network(2, 8, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    batches = [(numbers(n, 2, seed=n), numbers(n, seed=-n % 97)) for n in (3, 64, 17, 64)]
    expected = [program.value_and_grad(*batch) for batch in batches]

    def run(i: int) -> bool:
        mean, gradient = program.value_and_grad(*batches[i % 4])
        return mean == expected[i % 4][0] and np.array_equal(gradient, expected[i % 4][1])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(200)))


# ------------------------------------------------------------------------------------- precision


def test_float32_on_request():
    ps, loss_of = network(2, 4, 1)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3, dtype=np.float32)
    X, T = numbers(9, 2), numbers(9)
    losses, (mean, gradient) = program(X, T), program.value_and_grad(X, T)
    assert losses.dtype == gradient.dtype == program.parameters.dtype == np.float32
    assert isinstance(mean, float)
    expected, slopes = scalar_loop(loss_of, ps, X, T)
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-5)
    assert np.max(np.abs(losses - expected)) > 0.0  # it did compute with 24 bits


def test_overflow_is_inf_and_nan_stays_in_its_example():
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = vectorize(exp(w * x), inputs=[x], parameters=[w])
    losses = program(np.array([0.0, 1000.0, np.nan, -np.inf, np.inf]))
    np.testing.assert_array_equal(losses, [1.0, np.inf, np.nan, 0.0, np.inf])
