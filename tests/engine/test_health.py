"""nan and inf are planted, and found by name, layer and source line; what is finite is left alone."""

import copy
import inspect
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import TABLE, DomainError, Value, clip, dot, greater, softmax, topological_sort, where
from engine.health import gradient_flow, source_lines, trace_nonfinite


def here():
    """The number of the line that calls this."""
    return inspect.currentframe().f_back.f_lineno


# ----------------------------------------------------------------- nan and inf, forwards


def test_overflow_in_exp():
    z = Value(1000.0, "z")
    line = here() + 1
    e = z.exp()
    loss = (e + 1) * 2
    report = trace_nonfinite(loss)
    assert report
    assert report.found
    assert (report.node, report.phase, report.parent) == (e, "forward", None)
    assert (report.name, report.layer, report.others) == ("v1", "", ())
    assert (report.line.file, report.line.number) == (__file__, line)
    assert report.line.text == "e = z.exp()"
    assert report.cause.startswith("exp(1000) overflows: 1.8e308 is the largest float; use logsumexp")
    assert report.text == str(report)
    assert f"{__file__}:{line}" in report.text


def test_softmax_by_hand():
    scores = [Value(x, f"score{i}") for i, x in enumerate([800.0, 900.0, 1.0])]
    line = here() + 1
    exps = [score.exp() for score in scores]
    p = exps[0] / (exps[0] + exps[1] + exps[2])
    report = trace_nonfinite(-p)
    assert isnan(p.data)
    assert report.node is exps[0]
    assert report.line.number == line
    assert "exp(800) overflows" in report.cause
    assert len(report.others) == 1
    assert "1 other node began so too" in report.text
    assert "inf / inf is nan" in report.text  # where the nan itself begins


def test_inf_minus_inf():
    a = Value(1e308, "a")
    line = here() + 1
    big, bigger = a * 10, a * 20
    loss = big - bigger
    report = trace_nonfinite(loss)
    assert report.node is big
    assert report.line.number == line
    assert report.cause.startswith("1e308 * 10 overflows")
    assert "nan first at 'L': inf - inf is nan" in report.text
    assert f"{__file__}:{line + 1}" in report.text


def test_zero_times_inf():
    x, scale = Value(0.0, "x"), Value(inf, "scale")
    report = trace_nonfinite(x * scale)
    assert report.node is scale
    assert report.cause == "leaf 'scale' was given as inf"
    assert "0 * inf is nan" in report.text


def test_a_nan_given():
    line = here() + 1
    x = Value(nan, "x")
    report = trace_nonfinite(x * 2 + 1)
    assert (report.node, report.name, report.cause) == (x, "x", "leaf 'x' was given as nan")
    assert report.line.number == line
    assert trace_nonfinite(x).node is x


def test_a_constant_given_as_nan():
    x = Value(1.0, "x")
    line = here() + 1
    y = x + nan
    report = trace_nonfinite(y * 2)
    assert report.cause == "a leaf was given as nan"
    assert report.line.number == line


def test_a_birth_goes_before_a_leaf():
    x, y = Value(nan, "x"), Value(1e200, "y")
    squared = y * y
    report = trace_nonfinite(x * 2 + squared)
    assert report.node is squared
    assert report.others == ("x",)


class Exponential(nn.Module):
    """A module in the user's file."""

    def __init__(self):
        self.rate = Value(2.0)

    def __call__(self, x):
        h = dot([self.rate], [x])
        return h.exp()


EXPONENTIAL_LINE = inspect.getsourcelines(Exponential.__call__)[1] + 2


def test_in_a_module_of_the_user():
    model = Exponential()
    report = trace_nonfinite(model(500.0) - 1)
    assert (report.line.number, report.line.function) == (EXPONENTIAL_LINE, "__call__")
    assert report.line.text == "return h.exp()"


def test_in_a_layer_of_nn():
    model = nn.MLP(2, [4, 1], seed=0)
    model.layers[0].neurons[3].w[0].data = 1e200
    line = here() + 1
    loss = (model([1e200, 1.0]) - 1) ** 2
    report = trace_nonfinite(loss)
    assert report.name == "layers[0].neurons[3].z"
    assert report.layer == "layers[0].neurons[3]"
    assert (report.line.file, report.line.number) == (__file__, line)
    assert "(1e200 × 1e200 = inf)" in report.cause
    assert "(in layers[0].neurons[3])" in report.text


def test_a_training_that_diverges():
    model = nn.MLP(1, [3, 1], activation="relu", seed=1)
    optimizer = nn.SGD(model.parameters(), lr=1e3)
    for _ in range(200):
        forward = here() + 1
        loss = (model([2.0]) - 1) ** 2
        if not np.isfinite(loss.data):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    report = trace_nonfinite(loss)
    assert report
    assert report.line.number == forward
    assert "overflows" in report.cause


def test_a_parameter_that_a_step_made_inf():
    model = nn.Neuron(1, seed=0)
    model.w[0].name = "layers[0].neurons[0].w[0]"
    optimizer = nn.SGD(model.parameters(), lr=1e300)
    model.w[0].grad = -1e300
    with np.errstate(over="ignore"):
        line = here() + 1
        optimizer.step()
    report = trace_nonfinite(model([1.0]))
    assert report.node is model.w[0]
    assert report.layer == "layers[0].neurons[0]"
    assert "lower the learning rate" in report.cause
    assert report.line.number == line


def test_where_does_not_choose_it():
    """The branch not taken overflows: the result is finite, the gradient is not."""
    x = Value(1000.0, "x")
    e = x.exp()
    report = trace_nonfinite(where(greater(x, 10.0), x, e))
    assert report.node is e
    assert "The result is 1000 all the same" in report.text


def test_log_inside_where():
    x = Value(0.0, "x")
    with pytest.raises(DomainError):
        where(greater(x, 0.0), x.log(), 0.0)
    x = Value(1e-320, "x")
    with source_lines():
        line = here() + 1
        y = x.log()
        loss = where(greater(x, 0.5), y, 0.0)
    report = trace_nonfinite(loss)
    assert (report.node, report.parent, report.phase) == (y, x, "backward")
    assert report.line.number == line
    assert "0 × inf = nan" in report.cause
    assert "a where that does not choose" in report.cause


# ---------------------------------------------------------------- nan and inf, backwards


def test_the_slope_of_sqrt_at_0():
    x = Value(0.0, "x")
    r = (x * x).sqrt()
    report = trace_nonfinite(r + 1)
    assert report
    assert (report.phase, report.node) == ("backward", r)
    assert report.parent is r.parents[0]
    assert "sqrt(0) has the slope inf: 1 × inf = inf" in report.cause
    assert report.line is None
    assert "source_lines" in report.text
    assert x.has_grad is False


def test_a_product_of_slopes_overflows():
    x = Value(1e-200, "x")
    loss = x * 1e200 * 1e200
    assert "1e200 × 1e200 = inf overflows" in trace_nonfinite(loss).cause


def test_a_sum_of_gradients_overflows():
    x = Value(1e-10, "x")
    loss = x * 1e308 + x * 1e308
    assert "the sum overflows" in trace_nonfinite(loss).cause


def test_a_slope_that_nobody_waits_for():
    """At a constant, an infinite slope does no harm: PyTorch does not even compute it."""
    root = Value(0.0, requires_grad=False).sqrt()
    report = trace_nonfinite(root + Value(1.0, "x"))
    assert not report
    assert report.text == "all 4 nodes and all their gradients are finite"


@given(st.lists(st.sampled_from([0.0, 1e-320, 1e-200, -1.0, 2.0, 1e160, 1e300, inf, nan]), min_size=2, max_size=2))
def test_found_exactly_if_backward_finds_it(numbers):
    """Against NumPy's eyes: some number or gradient of the graph is not finite after backward()."""
    for name in ("add", "sub", "mul", "div", "pow", "hypot", "maximum"):
        x, y = (Value(number) for number in numbers)
        try:
            loss = Value.record(TABLE[name], [x * x, y]).abs().sqrt()
        except (ArithmeticError, DomainError):
            continue
        report = trace_nonfinite(loss)
        loss.backward()
        computed = [node.data for node in topological_sort(loss) if node.op]
        gradients = [node.grad for node in topological_sort(loss)]
        assert bool(report) == (not np.isfinite([*computed, *gradients]).all())


# ---------------------------------------------------------------------------- the others


def test_all_finite():
    model = nn.MLP(2, [3, 1], seed=0)
    loss = model([1.0, 2.0])
    report = trace_nonfinite(loss)
    assert not report
    assert report.node is None
    assert report.text == f"all {len(topological_sort(loss))} nodes and all their gradients are finite"
    assert all(not p.has_grad for p in model.parameters())


def test_an_inf_that_spoils_nothing():
    x = Value(1.0, "x")
    loss = clip(x, 0.0) + softmax([x, Value(-inf, "mask")])[0]
    report = trace_nonfinite(loss)
    assert not report
    assert "2 leaves are not finite, and nothing computed from them is spoilt" in report.text


def test_a_leaf_set_afterwards_does_not_matter():
    x = Value(1000.0, "x")
    y = x.exp()
    x.data = 1.0
    assert "exp(1000)" in trace_nonfinite(y).cause
    z = Value(1.0, "z")
    fine = z * 2
    z.data = nan
    assert not trace_nonfinite(fine)


def test_a_copy_does_not_know_its_line():
    report = trace_nonfinite(copy.deepcopy(Value(1000.0).exp() * 2))
    assert report.line is None
    assert "a line that is not known" in report.text


def test_gradients_stay_as_they_are():
    x = Value(0.0, "x")
    x.grad = 5.0
    loss = x.sqrt()
    trace_nonfinite(loss)
    gradient_flow(loss)
    assert (x.grad, loss.has_grad) == (5.0, False)


def test_what_is_no_loss():
    with pytest.raises(TypeError, match="expected one Value"):
        trace_nonfinite([Value(1.0)])
    with pytest.raises(TypeError, match="not the model"):
        trace_nonfinite(nn.MLP(1, [1]))
    with pytest.raises(TypeError, match="one Value, or a model"):
        gradient_flow([Value(1.0)])


def test_a_long_chain():
    x = Value(1.0, "x")
    for _ in range(100_000):
        x = x + 1.0
    assert not trace_nonfinite(x)
    assert trace_nonfinite(x * 1e308).cause.startswith("1e05 * 1e308 overflows")
    assert gradient_flow(x).healthy


def test_html_is_escaped():
    x = Value(nan, "<script>")
    assert "<script>" not in trace_nonfinite(x + 1)._repr_html_()
    assert "&lt;script&gt;" in trace_nonfinite(x + 1)._repr_html_()
    html = gradient_flow(Value(1.0, "<script>") * 2)._repr_html_()
    assert "<script>" not in html
    assert "<td>&lt;script&gt;</td>" in html
