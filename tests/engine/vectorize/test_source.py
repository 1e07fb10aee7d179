"""The source of a program: what runs, in single assignments, with the names of the modules and shapes in comments."""

import ast
import gc
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest

import nn
from engine import Program, Value, cos, exp, log, sin, sqrt, tanh, vectorize, vectorize_model

from .test_program import assert_agrees, leaves, numbers, scalar_loop, traced

LAYER = re.compile(r"^\s*(\w+) = (\w+) @ (\w+) \+ (\w+)\s*(?:#\s*(.*))?$", re.MULTILINE)


def squared(y: Any, t: Value) -> Value:
    y = y[0] if isinstance(y, list) else y
    return (y - t) ** 2


def of_model(model: nn.Module, n: int = 2) -> Program:
    return vectorize_model(model, squared, ([0.1 * i for i in range(n)], 0.3))


class Named(nn.Module):
    """Two linear layers under the names `hidden` and `readout`."""

    def __init__(self, width: int = 16) -> None:
        self.hidden = nn.Linear(2, width, seed=0)
        self.readout = nn.Linear(width, 1, seed=1)

    def forward(self, x: Any) -> Any:
        return self.readout([tanh(v) for v in self.hidden(x)])


def functions(source: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


def own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions inside."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.GeneratorExp):
            stack.extend(ast.iter_child_nodes(node))


def assigned(function: ast.FunctionDef) -> list[str]:
    """The names that a function binds, as often as it does; its parameters too."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if a]
    return names + [n.id for n in own(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def lines(program: Program) -> int:
    return len(program.source.splitlines())


def a_mixture() -> Program:
    """Of everything: a network, a softmax written out, a sum of logarithms, constants."""
    ws, b = leaves(numbers(4, 3, seed=1), "w"), Value(0.1, "b")

    def loss_of(x: Any, t: Any) -> Value:
        zs = [sum(w * v for w, v in zip(row, x, strict=True)) + b for row in ws]
        shift = max(z.data for z in zs)
        exps = [exp(z - shift) for z in zs]
        total = sum(exps)
        return -sum(s * log(e / total) for s, e in zip(t, exps, strict=True)) + sin(b) * cos(x[0]) / sqrt(2 + x[1] ** 2)

    return traced(loss_of, [ws, b], [0.1, 0.2, 0.3], [1.0, 0.0, 0.0, 0.0])


PROGRAMS = {
    "an MLP": lambda: of_model(nn.MLP(2, [16, 16, 1], seed=0)),
    "linear layers": lambda: of_model(Named()),
    "a mixture": a_mixture,
    "dropout": lambda: of_model(
        nn.Sequential(nn.Linear(2, 3, seed=0), nn.Dropout(0.5, seed=1), nn.Linear(3, 1, seed=2))
    ),
    "nothing at all": lambda: vectorize(x := Value(2.0), inputs=[x], parameters=[]),
}


# ------------------------------------------------------------------------------- what it is


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_is_what_print_shows(name):
    program = PROGRAMS[name]()
    shown = io.StringIO()
    with redirect_stdout(shown):
        print(program)
    assert isinstance(program.source, str)
    assert shown.getvalue().rstrip("\n") == program.source.rstrip("\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_name_is_assigned_once(name):
    found = functions(PROGRAMS[name]().source)
    assert found
    for function in found:
        again = [n for n, times in Counter(assigned(function)).items() if times > 1 and n != "_"]
        assert not again, f"{function.name} assigns {again} again"
        assert not any(isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name) for n in own(function))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_name_is_used(name):
    for function in functions(PROGRAMS[name]().source):
        used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        stored = {n.id for n in own(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        assert stored - used <= {"_"}, f"{function.name} never uses {sorted(stored - used - {'_'})}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lines_fit_the_page(name):
    assert max(map(len, PROGRAMS[name]().source.splitlines())) <= 120


def test_it_is_python_of_arrays_without_a_loop_over_examples():
    tree = ast.parse(of_model(nn.MLP(2, [16, 16, 1], seed=0)).source)
    assert not any(isinstance(n, ast.For | ast.While | ast.ListComp | ast.GeneratorExp) for n in ast.walk(tree))
    assert "exec" not in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def test_it_shows_both_directions():
    source = of_model(nn.MLP(2, [4, 1], seed=0)).source.lower()
    assert "forward" in source
    assert "backward" in source


def bodies(code: CodeType) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """(name, instructions, names used) of each function in a piece of code."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner.co_name, inner.co_code, inner.co_names
            yield from bodies(inner)


@pytest.mark.parametrize("name", ["an MLP", "a mixture"])
def test_the_source_is_what_runs(name):
    """The functions that a call enters are, instruction by instruction, those that the source compiles to."""
    program = PROGRAMS[name]()
    X, T = (numbers(5, 2), numbers(5)) if name == "an MLP" else (numbers(5, 3), np.eye(4)[[0, 1, 2, 3, 0]])
    written = set(bodies(compile(program.source, "source", "exec", dont_inherit=True)))
    entered: set[tuple[str, bytes, tuple[str, ...]]] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            entered.add((frame.f_code.co_name, frame.f_code.co_code, frame.f_code.co_names))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        program.value_and_grad(X, T)
    finally:
        sys.setprofile(before)
    ran = {called for called, _, _ in written & entered}
    text = "\n".join(ast.unparse(function) for function in functions(program.source) if function.name in ran)
    layers = len(LAYER.findall(program.source))
    assert layers == len(LAYER.findall(text)) > 0
    assert text.count("@") >= 2 * layers  # and the way back


def test_the_source_cannot_be_changed():
    program = of_model(nn.MLP(2, [4, 1], seed=0))
    with pytest.raises(AttributeError):
        program.source = "def forward(): pass"


# -------------------------------------------------------------------------- the textbook's form


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        (lambda: nn.MLP(2, [16, 16, 1], seed=0), 3),
        (lambda: nn.MLP(2, [3, 1], activation="tanh", seed=0), 2),
        (lambda: nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 1, seed=1)), 2),
        (lambda: Named(), 2),
    ],
    ids=["MLP", "small MLP", "Sequential", "named"],
)
def test_a_layer_reads_as_in_the_textbook(model, layers):
    found = LAYER.findall(of_model(model()).source)
    assert len(found) == layers, found


def test_names_come_from_the_modules():
    (z, W, _, b, _), (out, V, _, c, _) = LAYER.findall(of_model(Named()).source)
    assert all(name.startswith("hidden") for name in (z, W, b))
    assert all(name.startswith("readout") for name in (out, V, c))
    assert len({z, W, b, out, V, c}) == 6


def test_the_layers_of_an_mlp_keep_their_numbers():
    for i, (z, W, _, b, _) in enumerate(LAYER.findall(of_model(nn.MLP(2, [16, 16, 1], seed=0)).source)):
        assert all(re.fullmatch(rf"layers?_?{i}_?\w*", name) for name in (z, W, b)), (z, W, b)


def test_shapes_stand_in_comments():
    (*_, first), (*_, second) = LAYER.findall(of_model(Named(16)).source)
    assert re.search(r"\(16, batch\)", first)
    assert re.search(r"\((1, )?batch,?\)", second)


def by_hand(width: int, name: str | None) -> tuple[list[Any], Any]:
    """micrograd's way: neurons as sums of products, in loops over plain lists."""
    W, b = leaves(numbers(width, 2, seed=1), name), leaves(numbers(width, seed=2))
    v, c = leaves(numbers(width, seed=3)), Value(0.1)

    def loss_of(x: Any, t: Value) -> Value:
        hidden = [tanh(sum((w * u for w, u in zip(row, x, strict=True)), bias)) for row, bias in zip(W, b, strict=True)]
        return (sum(w * h for w, h in zip(v, hidden, strict=True)) + c - t) ** 2

    return [W, b, v, c], loss_of


@pytest.mark.parametrize("name", [None, "w"])
def test_a_network_by_hand_reads_the_same(name):
    ps, loss_of = by_hand(8, name)
    program = traced(loss_of, ps, [0.1, 0.2], 0.3)
    assert len(LAYER.findall(program.source)) == 2, program.source
    assert_agrees(program, loss_of, ps, numbers(5, 2), numbers(5))


# ------------------------------------------------------------------------- its size, its stability


def test_the_source_does_not_grow_with_the_width():
    counts = {lines(of_model(nn.MLP(2, [width, width, 1], seed=0))) for width in (3, 16, 40)}
    assert len(counts) == 1


def test_nor_does_that_of_a_network_by_hand():
    counts = set()
    for width in (3, 24):
        ps, loss_of = by_hand(width, None)
        counts.add(lines(traced(loss_of, ps, [0.1, 0.2], 0.3)))
    assert len(counts) == 1


def test_the_source_does_not_depend_on_the_batch_or_on_calls():
    program = of_model(nn.MLP(2, [4, 1], seed=0))
    before = program.source
    for batch in (1, 50):
        program.value_and_grad(numbers(batch, 2), numbers(batch))
    assert program.source == before


def test_no_parameter_is_written_into_the_source():
    one, other = (of_model(nn.MLP(2, [4, 1], seed=seed)) for seed in (0, 1))
    assert one.source == other.source


def test_the_text_of_a_small_network_fits_a_screen():
    assert lines(of_model(nn.MLP(2, [16, 16, 1], seed=0))) <= 60


SCRIPT = """
import nn
from engine import vectorize_model
model = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Softmax(dim=-1), nn.Linear(4, 1, seed=1))
print(vectorize_model(model, lambda y, t: (y[0] - t) ** 2, ([0.1, 0.2, 0.3], 0.3)))
"""


def test_the_source_is_the_same_from_run_to_run():
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("0", "1")
    ]
    assert runs[0] == runs[1] != ""


def test_a_program_holds_arrays_and_not_nodes():
    """16 times the nodes in the same arrays: Python's objects stay as few."""

    def objects(width: int) -> int:
        ps, loss_of = by_hand(width, None)
        gc.collect()
        before = len(gc.get_objects())
        program = traced(loss_of, ps, [0.1, 0.2], 0.3)
        gc.collect()
        assert program.parameters.shape == (4 * width + 1,)
        return len(gc.get_objects()) - before

    objects(4)  # what is made once
    small, large = objects(8), objects(128)
    assert large <= small + 200


def test_a_million_nodes_compile(benchmark: Any):
    n = 700  # 2n² + 2n nodes
    W, xs = leaves(numbers(n, n, seed=1) / n), leaves(numbers(n))
    loss = sum(tanh(sum(w * x for w, x in zip(row, xs, strict=True))) for row in W)
    program = benchmark.pedantic(vectorize, (loss,), {"inputs": [xs], "parameters": W})
    assert lines(program) <= 40
    X = numbers(2, n, seed=4)
    expected = np.tanh(X @ program.parameters.reshape(n, n).T).sum(axis=1)
    np.testing.assert_allclose(program(X), expected, rtol=1e-10)


# ------------------------------------------------------------------------------ names of any kind

NAMES = [
    "class",
    "xp",
    "np",
    "batch",
    "_",
    "",
    "1st",
    "a b",
    "w@x",
    "é",
    "forward",
    "print",
    "None",
    "x\nraise SystemExit",
]
NAMES += ["# no", '"""', "\\", "λ", "w[0][1].z", "loss", "g_w", "x" * 500, "parameters", "𝒘", "ﬁ"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_whatever_it_contains(name):
    w, x, t = Value(0.5, name), Value(1.0, name), Value(2.0, name)

    def loss_of(u: Value, s: Value) -> Value:
        product = w * u
        product.name = name
        return tanh(product) * s + exp(product)

    program = vectorize(loss_of(x, t), inputs=[x, t], parameters=[w])
    ast.parse(program.source)
    X, T = numbers(3), numbers(3, seed=1)
    losses, gradient = scalar_loop(loss_of, [w], X, T)
    np.testing.assert_allclose(program(X, T), losses, rtol=1e-12)
    np.testing.assert_allclose(program.value_and_grad(X, T)[1], gradient, rtol=1e-12)


def test_names_that_fall_together_are_told_apart():
    ws = [Value(0.1 * i, name) for i, name in enumerate(["a.b", "a_b", "a[b]", "a b", "a-b"])]

    def loss_of(x: Value) -> Value:
        return tanh(ws[0] * x) + exp(ws[1] * x) * sin(ws[2] + x) - cos(ws[3] * x) / (2 + ws[4] * ws[4])

    assert_agrees(traced(loss_of, ws, 0.3), loss_of, ws, numbers(4))
