"""Where a nan or an inf was made: the very line, beside the graph, holding nothing alive."""

import gc
import inspect
import linecache
import threading
import weakref
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import TABLE, Value, dot, no_grad
from engine.health import source_lines
from engine.origin import _made, layer_of, line_of, module_near, path_of, why, why_gradient


def here():
    """The number of the line that calls this."""
    return inspect.currentframe().f_back.f_lineno


def test_the_line_of_a_birth():
    x, line = Value(1000.0), here() + 1
    y = x.exp()
    found = line_of(y, y.data)
    assert (found.file, found.number, found.function) == (__file__, line, "test_the_line_of_a_birth")
    assert found.text == "y = x.exp()"
    assert str(found) == f"{__file__}:{line} in test_the_line_of_a_birth: y = x.exp()"


def test_every_operator_tells_its_line():
    x, y = Value(1e308), Value(1e-308)
    for make in (
        lambda: x + x,
        lambda: -x - x,
        lambda: x * x,
        lambda: x / y,
        lambda: x**2,
        lambda: 1e308 + x,
        lambda: dot([x, x], [10, 10]),
        lambda: x.exp(),
    ):
        z = make()
        found = line_of(z, z.data)
        assert found.number == make.__code__.co_firstlineno
        assert found.function == "<lambda>"
        assert str(found).startswith(f"{__file__}:{found.number}: lambda")


def test_finite_numbers_leave_no_trace():
    before = len(_made)
    nn.MLP(2, [4, 1], seed=0)([1.0, 2.0]).backward()
    assert len(_made) <= before


def test_only_the_birth_is_noted():
    born = Value(1000.0).exp()
    passed_on = [born + 1, born * 2, born.sqrt(), dot([born, 1.0], [1.0, 2.0])]
    assert line_of(born, inf) is not None
    assert all(line_of(node, node.data) is None for node in passed_on)
    assert line_of(born - born, nan) is not None  # inf was there before, nan was not


def test_a_leaf_given_so():
    line = here() + 1
    x = Value(nan)
    assert line_of(x, nan).number == line
    assert line_of(x, inf) is None  # another number than the one whose line was noted
    x.data = 1.0
    line = here() + 1
    x.data = inf
    assert line_of(x, inf).number == line
    assert line_of(Value(-inf, requires_grad=False), -inf) is None  # a bound of clip, say


def test_the_first_frame_that_is_not_ours():
    neuron = nn.Neuron(2, activation="exp", seed=0)
    neuron.b.data = 1000.0
    line = here() + 1
    out = neuron([0.0, 0.0])
    assert line_of(out, inf).number == line
    assert line_of(out, inf).file == __file__


def test_code_without_a_file():
    names = {"x": Value(1000.0)}
    exec("y = 1\nz = x.exp()", names)
    found = line_of(names["z"], inf)
    assert (found.file, found.number, found.text) == ("<string>", 2, "")
    assert str(found) == "<string>:2"


def test_code_of_a_notebook():
    source = "a = x.exp()\nb = a + 1\n"
    linecache.cache["<cell 7>"] = (len(source), None, source.splitlines(keepends=True), "<cell 7>")
    try:
        names = {"x": Value(1000.0)}
        exec(compile(source, "<cell 7>", "exec"), names)
        assert str(line_of(names["a"], inf)) == "<cell 7>:1: a = x.exp()"
    finally:
        del linecache.cache["<cell 7>"]


def test_nothing_is_kept_alive():
    class Big:
        pass

    def forward():
        big = Big()
        return Value(1000.0).exp(), weakref.ref(big)

    gc.disable()  # so that only reference counts free
    try:
        y, big = forward()
        assert big() is None
        before, node = len(_made), weakref.ref(y)
        del y
        assert node() is None
        assert len(_made) == before - 1
    finally:
        gc.enable()


def test_threads():
    found = []

    def work():
        nodes = [Value(1000.0 + i).exp() for i in range(500)]
        found.extend(line_of(node, inf) for node in nodes)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2000
    assert {line.number for line in found} == {work.__code__.co_firstlineno + 1}


def test_inside_no_grad():
    with no_grad():
        line = here() + 1
        y = Value(1000.0).exp()
        z = y * 2
    assert (y.op, y.parents) == (None, ())
    assert line_of(y, inf).number == line
    assert line_of(z, inf) is not None  # it has no operands: for any graph it is a leaf


def test_source_lines_notes_every_node():
    x = Value(2.0)
    with source_lines():
        line = here() + 1
        y = x * 3
    assert line_of(y, 6.0).number == line
    y = x * 3
    assert line_of(y, 6.0) is None
    with pytest.raises(ZeroDivisionError), source_lines():
        x / 0
    assert line_of(x * 3, 6.0) is None


@given(st.sampled_from(sorted(TABLE)), st.lists(st.floats(), min_size=3, max_size=3))
def test_noted_exactly_where_it_is_born(name, numbers):
    """Every operation of the table, on any floats: a result that is not finite has a line, a finite one has none."""
    op = TABLE[name]
    if op.any_number:
        numbers = [*numbers, 0.0] if name in ("take", "softmax", "log_softmax") else numbers
    else:
        numbers = numbers[: len(op.operands)]
    numbers += [0.5] * (0 if op.any_number else len(op.operands) - len(numbers))
    try:
        z = Value.record(op, [Value(x) for x in numbers])
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return
    assert (line_of(z, z.data) is None) == isfinite(z.data)


# ------------------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("name", "numbers", "words"),
    [
        ("exp", [1000.0], "exp(1000) overflows: 1.8e308 is the largest float; use logsumexp, log_softmax or bce"),
        ("add", [1e308, 1e308], "1e308 + 1e308 overflows: 1.8e308 is the largest float"),
        ("sub", [inf, inf], "inf - inf is nan"),
        ("add", [inf, -inf], "inf + (-inf) is nan"),
        ("mul", [0.0, inf], "0 * inf is nan"),
        ("mul", [1e200, -1e200], "1e200 * (-1e200) overflows"),
        ("div", [1e300, 1e-300], "1e300 / 1e-300 overflows"),
        ("div", [inf, inf], "inf / inf is nan"),
        ("sin", [inf], "sin(inf) is nan"),
        ("sum", [inf, -inf], "sum([inf, -inf]) is nan (inf - inf)"),
        ("dot", [2.0, 1e200, 3.0, 1e200, 0.0], "overflows (1e200 × 1e200 = inf)"),
        ("dot", [0.0, inf], "is nan (0 × inf is nan)"),
        ("dot", [1.0] * 99 + [1e308, 1e308], "dot of 101 numbers (the largest is 1e308)"),
    ],
)
def test_why(name, numbers, words):
    op = TABLE[name]
    assert words in why(op, op.evaluate(numbers), numbers)


@pytest.mark.parametrize(
    ("name", "numbers", "edge", "words"),
    [
        ("sqrt", [0.0], (1.0, inf, 0.0), "sqrt(0) has the slope inf: 1 × inf = inf"),
        ("sqrt", [0.0], (0.0, inf, 0.0), "0 × inf = nan"),
        ("mul", [1e200, 1.0], (1e200, 1e200, 0.0), "1e200 × 1e200 = inf overflows"),
        (
            "add",
            [1.0, 1.0],
            (1e308, 1.0, 1e308),
            "1e308 × 1 = 1e308 arrives where 1e308 had arrived: the sum overflows",
        ),
        ("pow", [-2.0, 2.0], (1.0, nan, 0.0), "(-2) ** 2 has no slope here: 1 × nan = nan"),
    ],
)
def test_why_gradient(name, numbers, edge, words):
    assert words in why_gradient(TABLE[name], numbers, *edge)


# ------------------------------------------------------------------------- which module


@pytest.mark.parametrize(
    ("name", "path", "layer"),
    [
        ("layers[0].neurons[3].w[1]", "layers[0].neurons[3]", "layers[0]"),
        ("neurons[3].b", "neurons[3]", "neurons"),
        ("encoder['a'].scale", "encoder['a']", "encoder['a']"),
        ("W[0][1]", "", "W"),
        ("3.14", "", "3.14"),
        (None, "", "(without a name)"),
        ("<b>.x", "", "<b>.x"),
    ],
)
def test_names(name, path, layer):
    assert (path_of(name), layer_of(name)) == (path, layer)


def test_a_node_without_a_name_is_where_its_parameters_are():
    first, second = nn.MLP(2, [2, 1], seed=0).layers
    hidden = first([1.0, 2.0])
    for node in hidden:
        node.name = None
    neuron = second.neurons[0]
    by_hand = sum((w * x for w, x in zip(neuron.w, hidden, strict=True)), neuron.b)
    assert module_near(by_hand) == "layers[1].neurons[0]"
    assert module_near(Value(1.0) + Value(2.0)) == ""
    assert module_near(hidden[0] + hidden[1]) == ""  # two neurons, equally near
