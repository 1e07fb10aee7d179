"""The story in a terminal: the same facts, in columns, and nothing that a terminal would obey."""

import io
import re
import sys

import pytest

import engine
from engine import Value, tanh
from nn import MLP
from viz import backprop_text, print_backprop
from viz.story import Story
from viz.terminal import _columns

from .hostile import NAMES, hostile

CODE = re.compile(r"\x1b\[[\d;]*m")


def neuron() -> Value:
    x, w, b = Value(2.0, "x"), Value(-0.5, "w"), Value(0.25, "b")
    return tanh(w * x + b) + w


def network() -> Value:
    model = MLP(2, [3, 1], activation="tanh", seed=1)
    return (model([0.5, -1.0]) - 1) ** 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_whole_text():
    told = backprop_text(neuron())
    lines = [" ".join(line.split()) for line in told.splitlines() if line]
    assert lines == [
        "forward: each node is computed from its operands",
        "1 v1 = w * x = (−0.5) * 2 = −1",
        "2 v2 = v1 + b = (−1) + 0.25 = −0.75",
        "3 v3 = tanh(v2) = tanh(−0.75) = −0.6351",
        "4 L = v3 + w = (−0.6351) + (−0.5) = −1.135",
        "backward: upstream × local = contribution; what arrives at a node is added up",
        "5 ∂L/∂L = 1",
        "6 ∂L/∂v3 += ∂L/∂L · ∂L/∂v3 local ∂L/∂v3 = 1",
        "= 1 × 1 = 1 sum ∂L/∂v3 = 0 + 1 = 1",
        "7 ∂L/∂w += ∂L/∂L · ∂L/∂w local ∂L/∂w = 1",
        "= 1 × 1 = 1 sum ∂L/∂w = 0 + 1 = 1",
        "8 ∂L/∂v2 += ∂L/∂v3 · ∂v3/∂v2 local ∂v3/∂v2 = 1 - v3 ** 2 = 0.5966",
        "= 1 × 0.5966 = 0.5966 sum ∂L/∂v2 = 0 + 0.5966 = 0.5966",
        "9 ∂L/∂v1 += ∂L/∂v2 · ∂v2/∂v1 local ∂v2/∂v1 = 1",
        "= 0.5966 × 1 = 0.5966 sum ∂L/∂v1 = 0 + 0.5966 = 0.5966",
        "10 ∂L/∂b += ∂L/∂v2 · ∂v2/∂b local ∂v2/∂b = 1",
        "= 0.5966 × 1 = 0.5966 sum ∂L/∂b = 0 + 0.5966 = 0.5966",
        "11 ∂L/∂w += ∂L/∂v1 · ∂v1/∂w local ∂v1/∂w = x = 2",
        "= 0.5966 × 2 = 1.193 sum ∂L/∂w = 1 + 1.193 = 2.193",
        "12 ∂L/∂x += ∂L/∂v1 · ∂v1/∂x local ∂v1/∂x = w = −0.5",
        "= 0.5966 × (−0.5) = −0.2983 sum ∂L/∂x = 0 + (−0.2983) = −0.2983",
        "leaves: the gradient, and (f(x + h) − f(x − h)) / 2h as NumPy computes it",
        "leaf data gradient central difference verdict",
        "w −0.5 2.1931716 2.1931716 agrees",
        "x 2 −0.2982929 −0.2982929 agrees",
        "b 0.25 0.59658581 0.59658581 agrees",
    ]


@pytest.mark.parametrize("loss", [neuron(), network(), Value(2.0, "x") ** 2, engine.sum([Value(1.0)] * 40)])
def test_every_number_of_the_story_is_in_it(loss):
    told = " ".join(backprop_text(loss, width=400).split())
    story = Story(loss)
    for event in story.events:
        if not event.step:
            assert " ".join(story.line(event).split()) in told
        if event.step:
            _, numbers = story.line(event).partition(";")[0].split(" = ", 1)
            assert f"= {numbers}" in told


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_asked(width):
    xs = [Value(0.1 * i, f"a_rather_long_name_of_an_input_{i}") for i in range(12)]
    for loss in (network(), engine.dot(xs, xs, Value(-1e-9, "b" * 300)), engine.softmax(xs)[3], hostile("重み" * 20)):
        assert max(map(_columns, backprop_text(loss, width=width).splitlines())) <= width


def test_columns_are_aligned():
    lines = backprop_text(neuron()).splitlines()
    forward = lines[2:6]
    assert len({line.index("  = ") for line in forward}) == 1
    assert len({line.rindex("  = ") for line in forward}) == 1
    beside = [re.search("local  |sum    ", line) for line in lines]
    assert len({match.start() for match in beside if match}) == 1
    *_, last = [k for k, line in enumerate(lines) if "central difference" in line]
    assert len({re.search(r"agrees|verdict", line).start() for line in lines[last:] if line}) == 1


def test_wide_characters_do_not_shift_the_columns():
    x, w = Value(1.0, "重み"), Value(2.0, "e\u0301")
    lines = [line for line in backprop_text(x * w).splitlines() if line.endswith("agrees")]
    assert len({_columns(line[: line.index("agrees")]) for line in lines}) == 1


# --------------------------------------------------------------------------------- colour


def test_colours_are_only_added(monkeypatch):
    colourful = backprop_text(neuron(), color=True)
    assert CODE.search(colourful)
    assert CODE.sub("", colourful) == backprop_text(neuron())


def test_one_colour_for_one_role():
    told = backprop_text(neuron(), color=True)
    code = {word: re.search(rf"(\x1b\[[\d;]*m){word}\x1b", told)[1] for word in ("upstream", "local", "contribution")}
    assert len(set(code.values())) == 3
    (line,) = [line for line in told.splitlines() if " × " in line and "−0.2983" in CODE.sub("", line)]
    chain = re.findall(r"(\x1b\[[\d;]+m)([^\x1b]+)\x1b\[0m", line)[:3]
    assert chain == [(code["upstream"], "0.5966"), (code["local"], "(−0.5)"), (code["contribution"], "−0.2983")]


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal, {}, True), (Terminal, {"NO_COLOR": ""}, True), (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False), (io.StringIO, {}, False),
    ],
)  # fmt: skip
def test_colour_by_itself_on_a_terminal_alone(monkeypatch, stream, environment, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = stream()
    assert print_backprop(neuron(), file=file) is None
    assert bool(CODE.search(file.getvalue())) == expected


@pytest.mark.parametrize("color", [True, False])
def test_colour_as_asked(monkeypatch, color):
    monkeypatch.setenv("NO_COLOR", "1")
    file = Terminal()
    print_backprop(neuron(), file=file, color=color)
    assert file.getvalue() == backprop_text(neuron(), color=color)


@pytest.mark.parametrize("color", ["always", "", None, 2])
def test_another_colour_is_an_error(color):
    with pytest.raises(ValueError, match="True, False or 'auto'"):
        print_backprop(neuron(), color=color)


# --------------------------------------------------------------------------------- streams and names


def test_it_prints_to_standard_output(capsys):
    print_backprop(neuron())
    assert capsys.readouterr().out == backprop_text(neuron())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "shift_jis", "utf-8"])
def test_a_stream_that_lacks_our_signs_gets_others(monkeypatch, encoding):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", file)
    print_backprop(hostile("重み∂"))
    print_backprop(neuron())
    file.flush()
    told = file.buffer.getvalue().decode(encoding)
    assert "upstream" in told
    if encoding == "ascii":
        assert "dL/dw += dL/dv1 * dv1/dw" in told
        assert "= 0.5966 x (-0.5) = -0.2983" in told
    if encoding == "utf-8":
        assert told.endswith(backprop_text(neuron()))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_reaches_the_terminal_as_a_command(name):
    for told in (backprop_text(hostile(name)), CODE.sub("", backprop_text(hostile(name), color=True))):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", told)
        told.encode()


def test_what_a_name_says_is_not_a_colour():
    told = backprop_text(Value(1.0, "\x1b[31mred") * 2, color=True)
    assert "␛[31mred" in told
    assert "\x1b[31m" not in told


# --------------------------------------------------------------------------------- what there is to say


def test_a_kink_and_what_is_no_number_are_said():
    told = backprop_text(engine.relu(Value(0.0, "x")) + engine.sqrt(Value(0.0, "y")) * 0)
    assert re.search(r"x  .*unsure: a kink", told) or "unsure: no number" in told
    assert "unsure: a kink" in backprop_text(engine.relu(Value(0.0, "x")))
    assert "unsure: no number" in backprop_text(engine.log(Value(1e-300, "y")) * float("inf"))


def test_without_a_leaf_that_takes_a_gradient():
    assert "no leaf takes a gradient" in backprop_text(Value(2.0, requires_grad=False) * 2)


def test_a_leaf_alone():
    told = backprop_text(Value(2.0, "x"))
    assert "forward" not in told
    assert "∂x/∂x = 1" in told


def test_nothing_is_changed_and_it_is_the_same_twice():
    loss = neuron()
    assert backprop_text(loss) == backprop_text(loss)
    assert not loss.has_grad


def test_errors_are_those_of_the_story():
    with pytest.raises(TypeError, match="one Value"):
        print_backprop([Value(1.0)])
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    with pytest.raises(RuntimeError, match="compute the graph again"):
        backprop_text(y)
