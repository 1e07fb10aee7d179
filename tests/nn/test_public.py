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
