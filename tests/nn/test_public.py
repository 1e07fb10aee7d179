"""What `nn` offers: named in the README's table, held by the table of layers, described with a formula and a source."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import nn

HERE = Path(__file__).parent
README = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
FAMILIES = sorted(path.stem for path in HERE.glob("cases_*.py"))
IN_CASES = {case.layer for family in FAMILIES for case in importlib.import_module(f".{family}", __package__).CASES}

PUBLIC = {name: item for name, item in vars(nn).items() if not name.startswith("_") and not inspect.ismodule(item)}
LAYERS = {name for name, item in PUBLIC.items() if isinstance(item, type) and issubclass(item, nn.Module)}
OF_THEIR_OWN = {"Module", "Sequential", "Neuron", "Layer", "MLP"}  # with tests of their own


def test_every_layer_keeps_the_promises_of_the_table():
    assert LAYERS - OF_THEIR_OWN == IN_CASES


def test_the_readme_names_all_there_is():
    table = README[README.index("### Layers, losses, optimizers") : README.index("### Good to know")]
    named = set(re.findall(r"\w+", table))
    unsaid = {"INITS", "Optimizer", "LRScheduler", "StorageError", "binary_cross_entropy_with_logits"}
    assert set(PUBLIC) - unsaid <= named


def calls():
    """(row, code) for each call in the third column of the README's table."""
    table = README[README.index("| | there is | called |") : README.index("A module of your own is")]
    for line in table.splitlines()[2:]:
        if line:
            row, _, called = (cell.strip() for cell in line.strip("|").split("|"))
            yield from ((row, code) for code in re.findall(r"`([^`]+)`", called) if not code.startswith("."))


GIVEN = {  # an x of the shape that the row says
    "dense": [0.5, -1.0, 2.0], "recurrent, a step": [0.5, -1.0, 2.0], "recurrent, a sequence": [[0.5, -1.0, 2.0]] * 4,
    "convolution": [[[0.5] * 6] * 6], "pooling": [[[0.5, 1.0]] * 2] * 3,
    "normalization": list(range(8)), "attention": [[0.1 * i for i in range(8)]] * 3,
}  # fmt: skip


@pytest.mark.parametrize(("row", "code"), list(calls()))
def test_the_calls_in_the_readmes_table_run(row, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = nn.Linear(3, 2, seed=0)
    loss = nn.mse_loss(model([1.0, 2.0, 3.0]), [0.0, 0.0])
    names = vars(nn) | {
        "x": GIVEN.get(row, [0.5, -1.0, 2.0]), "h": [0.0] * 5, "c": [0.0] * 5, "n": 10, "batch": [[0.5] * 8, [1.0] * 8],
        "model": model, "layer": model, "loss": loss, "logits": [0.1 * i for i in range(10)], "y": [1.0, 2.0],
        "t": [0.0, 0.0], "a": model.weight, "b": model.bias, "optimizer": nn.SGD(model.parameters(), lr=0.1),
        "stopper": nn.EarlyStopping(patience=1),
    }  # fmt: skip
    if row == "files" and code.startswith("load("):
        nn.save(model, "model.safetensors")
    exec(code.replace("if stopper.step(loss): break", "for _ in (1,):\n    if stopper.step(loss): break"), names)


SOURCES = r"\b(17|18|19|20)\d\d\b"
WITHOUT = {  # from no paper: they only arrange numbers, or are as old as the hills
    "Flatten", "Identity", "Linear", "Sequential", "Module", "Layer", "MLP",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LAYERS - WITHOUT))
def test_a_layer_names_its_source(name):
    assert re.search(SOURCES, inspect.getdoc(getattr(nn, name)))


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"INITS"}))
def test_it_is_described(name):
    assert len(inspect.getdoc(PUBLIC[name]).splitlines()[0]) > 10
