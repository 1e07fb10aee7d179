"""Dropout by its laws; penalties; clipped gradients beside PyTorch's."""

import copy
import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import Value, dot, sum, topological_sort
from engine.draws import recorded_draws
from engine.nested import flat

from .case import as_leaves, data

NUMBERS = st.integers(-(10**6), 10**6).map(lambda n: n / 1000)  # no square of them underflows

# ------------------------------------------------------------------------------ dropout


@given(p=st.floats(0.0, 0.99), seed=st.integers(0, 100))
def test_each_entry_is_dropped_or_made_up_for(p, seed):
    out = data(nn.Dropout(p, seed=seed)(np.ones((3, 4))))
    kept = out != 0.0
    np.testing.assert_array_equal(out[kept], 1.0 / (1.0 - p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_mean_and_the_share_of_zeros(p):
    n = 5000
    out = data(nn.Dropout(p, seed=1)(np.full(n, 3.0)))
    deviation = math.sqrt(p * (1 - p) / n)  # of the share of zeros
    assert abs(np.mean(out == 0.0) - p) < 4 * deviation
    assert abs(np.mean(out) - 3.0) < 4 * 3.0 * deviation / (1 - p)


def test_the_entries_of_a_batch_are_dropped_one_by_one():
    out = data(nn.Dropout(0.5, seed=2)(np.ones((400, 2)))) != 0.0
    together = np.mean(out[:, 0] & out[:, 1])
    assert abs(together - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 400)
    assert not np.all(out == out[0])


def test_the_same_seed_gives_the_same_masks_and_each_call_others():
    x = np.ones(64)
    one, other = nn.Dropout(seed=7), nn.Dropout(seed=7)
    first, second = data(one(x)), data(one(x))
    np.testing.assert_array_equal(data(other(x)), first)
    np.testing.assert_array_equal(data(other(x)), second)
    assert not np.array_equal(first, second)
    assert not np.array_equal(data(nn.Dropout(seed=8)(x)), first)


def test_without_a_seed_the_global_generator_draws():
    dropout, masks = nn.Dropout(), []
    state = random.getstate()
    try:
        for _ in range(2):
            random.seed(3)
            masks.append(data(dropout(np.ones(64))))
    finally:
        random.setstate(state)
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_draws_what_the_original_would(duplicate, seed):
    dropout = nn.Dropout(seed=seed)
    twin = duplicate(dropout)
    assert repr(twin) == "Dropout(p=0.5)"
    if seed is not None:
        np.testing.assert_array_equal(data(twin(np.ones(64))), data(dropout(np.ones(64))))


def test_the_gradient_is_the_mask():
    x = as_leaves(np.arange(1.0, 31.0).reshape(5, 6))
    with recorded_draws() as draws:
        out = nn.Dropout(0.4, seed=0)(x)
    sum(flat(out)).backward()
    masks = [leaf.data for leaf, _ in draws]
    assert {round(m, 12) for m in masks} == {0.0, round(1 / 0.6, 12)}
    assert [v.grad for v in flat(x)] == masks
    assert [v.data for v in flat(out)] == [v.data * m for v, m in zip(flat(x), masks, strict=True)]


def test_masks_are_named_leaves_without_a_gradient():
    class Whole(nn.Module):
        def __init__(self):
            self.drop = nn.Dropout(seed=0)

    out = Whole().drop(as_leaves(np.ones((1, 2))))
    mask = out[0][1].parents[1]
    assert (mask.name, out[0][1].name, mask.requires_grad) == ("drop.mask[0][1]", "drop.out[0][1]", False)


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False), (1.0, False)])
def test_the_identity_draws_nothing_and_adds_no_node(p, training):
    x = as_leaves(np.ones((2, 2)))
    with recorded_draws() as draws:
        out = nn.Dropout(p).train(training)(x)
    assert flat(out) == flat(x)
    assert not draws


def test_all_dropped_is_0_with_slope_0():
    x = as_leaves(np.arange(4.0))
    out = nn.Dropout(1.0, seed=0)(x)
    sum(out).backward()
    assert [v.data for v in out] == [v.grad for v in x] == [0.0] * 4


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_p_is_a_probability(p):
    with pytest.raises(ValueError, match="p is a probability, from 0 to 1, not"):
        nn.Dropout(p)
    for wrong in ("0.5", None, True, Value(0.5)):
        with pytest.raises(TypeError, match="p is a probability, from 0 to 1, not"):
            nn.Dropout(wrong)


def test_a_narrow_p_is_computed_with_in_double_precision():
    p = np.float32(0.3)
    assert {v.data for v in nn.Dropout(p, seed=0)(np.ones(9))} == {0.0, 1.0 / (1.0 - float(p))}


# ------------------------------------------------------------------------------ penalties


@given(numbers=st.lists(NUMBERS, min_size=1, max_size=6), factor=st.sampled_from([0.0, 1e-4, 1.0, 7.3]))
def test_penalties_and_their_slopes(numbers, factor):
    p = np.array(numbers)
    for penalty, total, slopes in [
        (nn.l1_penalty, factor * np.sum(np.abs(p)), factor * np.sign(p)),
        (nn.l2_penalty, factor * np.sum(p**2), 2 * factor * p),
    ]:
        leaves = as_leaves(p)
        loss = penalty(leaves, factor)
        loss.backward()
        np.testing.assert_allclose(loss.data, total, rtol=1e-14)
        np.testing.assert_allclose([v.grad for v in leaves], slopes, rtol=1e-14)


@pytest.mark.parametrize("penalty", [nn.l1_penalty, nn.l2_penalty])
def test_a_penalty_takes_modules_and_nested_lists_each_parameter_once(penalty):
    layer = nn.Linear(2, 3, seed=0)
    whole = penalty(layer).data
    nested = penalty([layer.weight, layer.bias]).data
    again = penalty(iter([*layer.parameters(), *layer.parameters()])).data
    one_by_one = math.fsum(penalty(p).data for p in layer.parameters())
    assert whole == nested == again == pytest.approx(one_by_one, rel=1e-15)
    assert not any(p.parents for p in layer.parameters())


def test_a_penalty_of_squares_is_weight_decay():
    one, other = nn.Linear(2, 1, seed=0), nn.Linear(2, 1, seed=0)
    decayed, penalized = nn.SGD(one.parameters(), lr=0.1, weight_decay=0.02), nn.SGD(other.parameters(), lr=0.1)
    for _ in range(5):
        for layer, optimizer, loss in (
            (one, decayed, one([1.0, 2.0])[0]),
            (other, penalized, other([1.0, 2.0])[0] + nn.l2_penalty(other, 0.01)),
        ):
            layer.zero_grad()
            loss.backward()
            optimizer.step()
    np.testing.assert_allclose([p.data for p in one.parameters()], [p.data for p in other.parameters()], rtol=1e-14)


def test_a_frozen_parameter_counts_and_takes_no_gradient():
    layer = nn.Linear(1, 1, bias=False, seed=0).requires_grad_(False)
    free = Value(2.0)
    loss = nn.l2_penalty([layer.weight, free])
    loss.backward()
    assert loss.data == pytest.approx(4.0 + layer.weight[0][0].data ** 2)
    assert (free.grad, layer.weight[0][0].has_grad) == (4.0, False)


@pytest.mark.parametrize("penalty", [nn.l1_penalty, nn.l2_penalty])
def test_a_penalty_of_nothing_or_of_numbers_is_refused(penalty):
    with pytest.raises(ValueError, match=f"{penalty.__name__} needs at least one parameter"):
        penalty(nn.Identity())
    with pytest.raises(TypeError, match=f"{penalty.__name__} takes a Module or Values in lists, and got 1.0"):
        penalty([1.0])


def test_a_penalty_is_one_reduction():
    nodes = [v.op.name for v in topological_sort(nn.l2_penalty(nn.Linear(3, 2, seed=0), 0.1)) if v.op]
    assert nodes == ["dot", "mul"]


# ------------------------------------------------------------------------------ clipped gradients


def with_gradients(numbers):
    leaves = []
    for number in numbers:
        leaf = Value(1.0)
        leaf.grad = number
        leaves.append(leaf)
    return leaves


def clipped_by_torch(clip, numbers, *args, **options):
    torch = pytest.importorskip("torch")
    parameters = [torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in numbers]
    for parameter, number in zip(parameters, numbers, strict=True):
        parameter.grad = torch.full((1,), number, dtype=torch.float64)
    norm = getattr(torch.nn.utils, clip)(parameters, *args, **options)
    return norm, [parameter.grad.item() for parameter in parameters]


@pytest.mark.parametrize("norm_type", [0.5, 1.0, 2, 2.0, 3.5, math.inf, "inf"])
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=6), max_norm=st.sampled_from([0.0, 0.1, 1.0, 50.0, 1e9]))
def test_the_clipped_norm_is_pytorchs(norm_type, numbers, max_norm):
    leaves = with_gradients(numbers)
    norm = nn.clip_grad_norm(leaves, max_norm, norm_type)
    theirs, gradients = clipped_by_torch("clip_grad_norm_", numbers, max_norm, norm_type=float(norm_type))
    np.testing.assert_allclose(norm, theirs.item(), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose([v.grad for v in leaves], gradients, rtol=1e-12, atol=1e-300)


@given(numbers=st.lists(NUMBERS, min_size=1, max_size=6), clip_value=st.floats(0.0, 1e3))
def test_the_clipped_values_are_pytorchs(numbers, clip_value):
    leaves = with_gradients(numbers)
    nn.clip_grad_value(leaves, clip_value)
    assert [v.grad for v in leaves] == clipped_by_torch("clip_grad_value_", numbers, clip_value)[1]


@pytest.mark.parametrize("numbers", [[math.inf, 1.0], [math.nan, 1.0], [-math.inf, math.nan], [0.0, -0.0]])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, math.inf])
def test_what_is_not_finite_is_as_in_pytorch(numbers, norm_type):
    leaves = with_gradients(numbers)
    norm = nn.clip_grad_norm(leaves, 0.5, norm_type)
    theirs, gradients = clipped_by_torch("clip_grad_norm_", numbers, 0.5, norm_type=norm_type)
    np.testing.assert_equal(norm, theirs.item())
    np.testing.assert_equal([v.grad for v in leaves], gradients)
    leaves = with_gradients(numbers)
    nn.clip_grad_value(leaves, 0.5)
    np.testing.assert_equal([v.grad for v in leaves], clipped_by_torch("clip_grad_value_", numbers, 0.5)[1])


@pytest.mark.parametrize(("size", "norm_type"), [(1e200, 2.0), (1e-200, 2.0), (1e300, 0.5), (1e150, 3.0)])
def test_no_power_overflows_on_the_way(size, norm_type):
    leaves = with_gradients([3 * size, -4 * size])
    norm = nn.clip_grad_norm(leaves, 1.0, norm_type)
    assert norm == pytest.approx(size * (3**norm_type + 4**norm_type) ** (1 / norm_type), rel=1e-14)
    if size > 1.0:
        assert leaves[0].grad / leaves[1].grad == pytest.approx(-0.75, rel=1e-15)


def test_the_norm_is_that_of_all_gradients_of_a_module():
    layer = nn.Linear(3, 2, seed=0)
    dot([1.0, -2.0], layer([3.0, 4.0, 5.0])).backward()
    before = np.concatenate([array.ravel() for array in layer.grad_dict().values()])
    assert nn.clip_grad_norm(layer, 1.0) == pytest.approx(np.linalg.norm(before), rel=1e-15)
    after = np.concatenate([array.ravel() for array in layer.grad_dict().values()])
    np.testing.assert_allclose(after, before / (np.linalg.norm(before) + 1e-6), rtol=1e-14)


def test_what_has_no_gradient_or_is_frozen_stays_out():
    free, frozen, unreached = with_gradients([3.0, 4.0, 0.0])
    frozen.requires_grad, unreached.grad = False, None
    everything = {"a": [free], "b": (frozen, unreached)}
    assert nn.clip_grad_norm(everything, 1.5) == 3.0
    nn.clip_grad_value(everything, 1.0)
    assert free.grad == 1.0
    assert not frozen.has_grad
    assert not unreached.has_grad
    assert nn.clip_grad_norm([unreached], 1.0) == 0.0


def test_a_shared_parameter_is_scaled_once():
    (p,) = with_gradients([4.0])
    assert nn.clip_grad_norm([p, p], 1.0) == 4.0
    assert p.grad == pytest.approx(1.0, rel=1e-6)


def test_a_narrow_bound_is_computed_with_in_double_precision():
    wide, narrow = with_gradients([3.0, 4.0]), with_gradients([3.0, 4.0])
    nn.clip_grad_norm(wide, 0.5)
    nn.clip_grad_norm(narrow, np.float32(0.5))
    assert [v.grad for v in wide] == [v.grad for v in narrow]
    nn.clip_grad_value(narrow, np.float32(0.25))
    assert all(type(v.grad) is float for v in narrow)


def test_an_infinite_bound_only_measures():
    leaves = with_gradients([3.0, 4.0])
    assert nn.clip_grad_norm(leaves, math.inf) == pytest.approx(5.0, rel=1e-15)
    assert [v.grad for v in leaves] == [3.0, 4.0]


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_an_error_where_it_is_asked_for_names_the_parameter_and_changes_nothing(bad):
    good, other = with_gradients([1.0, bad])
    other.name = "fc.bias[3]"
    with pytest.raises(RuntimeError, match=r"not finite: the gradient of fc\.bias\[3\]"):
        nn.clip_grad_norm([good, other], 0.5, error_if_nonfinite=True)
    assert good.grad == 1.0
    with pytest.raises(RuntimeError, match=r"beyond 1.8e308"):
        nn.clip_grad_norm(with_gradients([1.7e308] * 2), 0.5, error_if_nonfinite=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: nn.clip_grad_norm(p, -1.0), ValueError, "max_norm is a number from 0 up"),
        (lambda p: nn.clip_grad_norm(p, math.nan), ValueError, "max_norm is a number from 0 up"),
        (lambda p: nn.clip_grad_norm(p, 1.0, 0.0), ValueError, "norm_type is a number above 0"),
        (lambda p: nn.clip_grad_norm(p, 1.0, -math.inf), ValueError, "norm_type is a number above 0"),
        (lambda p: nn.clip_grad_norm(p, "1"), TypeError, "max_norm is a number from 0 up, not '1'"),
        (lambda p: nn.clip_grad_norm(p, Value(1.0)), TypeError, "max_norm is a number from 0 up"),
        (lambda p: nn.clip_grad_value(p, None), TypeError, "clip_value is a number from 0 up, not None"),
        (lambda p: nn.clip_grad_value(p, -1.0), ValueError, "clip_value is a number from 0 up"),
        (lambda p: nn.clip_grad_value([p, 2.0], 1.0), TypeError, "takes a Module or Values in lists, and got 2.0"),
        (lambda p: nn.clip_grad_norm(None, 1.0), TypeError, "takes a Module or Values in lists, and got None"),
        (lambda p: nn.l2_penalty(3), TypeError, "l2_penalty takes a Module or Values in lists, and got 3"),
        (lambda p: nn.clip_grad_norm("weights", 1.0), TypeError, "takes a Module or Values in lists, and got 'w'"),
    ],
)
def test_what_cannot_be_is_refused(call, error, message):
    leaves = with_gradients([3.0])
    with pytest.raises(error, match=message):
        call(leaves)
    assert leaves[0].grad == 3.0
