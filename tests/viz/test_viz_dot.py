import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Value
from viz import draw
from viz.cards import scene
from viz.dot import digraph

from .golden_graphs import FOLDER, PICTURES
from .graphs import network, recurrent

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PICTURES)
def test_golden_file(name):
    """If the change is wanted: `python -m tests.viz.golden_graphs`, and look at it."""
    assert PICTURES[name]().dot.source == (FOLDER / f"{name}.dot").read_text(encoding="utf-8")


def test_there_is_no_other_golden_file():
    assert {file.stem for file in FOLDER.iterdir()} == set(PICTURES)


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_golden_files_are_the_same_over_hash_seeds(seed):
    program = (
        "from tests.viz.golden_graphs import FOLDER, PICTURES\n"
        "for name, picture in PICTURES.items():\n"
        "    assert picture().dot.source == (FOLDER / f'{name}.dot').read_text(encoding='utf-8'), name"
    )
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def test_no_text_of_a_user_is_anything_but_text():
    source = PICTURES["hostile_names"]().dot.source
    without = re.sub(r'(label|tooltip)=("[^"\n]*"|<<.*>>|<<[^\n]*)', "", source)
    assert not re.search(r"URL|href|script|comment", without)


def test_folds_counts_and_widths_are_in_it():
    loss = network()
    loss.backward()
    source = draw(loss, engine="plain", fold=["layers[0]"]).dot.source
    assert "3 neurons" in source
    assert 'label="×3"' in source
    widths = set(re.findall(r"penwidth=(\d\.\d\d)", source))
    assert len(widths) > 3


def test_what_is_not_shown_is_said_below_the_title():
    source = draw(recurrent(2), engine="plain", highlight="x[1]", title="T").dot.source
    assert 'label="T\\lonly the paths from x[1] to L: 8 of 24 nodes\\l"' in source


def test_one_node_for_each_value_and_one_edge_for_each_use():
    x = Value(3.0, "x")
    source = digraph(scene(x * x)).source
    assert source.count("n0 -> n1") == 2
    assert source.count("[label=") == 2


def test_groups_are_clusters_in_clusters():
    w = Value(1.0, "layers[0].neurons[1].w")
    source = digraph(scene(w * 2)).source
    outer, inner = source.index("subgraph cluster_0"), source.index("subgraph cluster_1")
    assert outer < inner < source.index("layers[0].neurons[1].w")


def test_gradients_are_blank_before_backward_and_shown_after():
    x = Value(3.0, "x")
    y = x * x
    assert ">6<" not in digraph(scene(y)).source
    y.backward()
    assert ">6<" in digraph(scene(y)).source


def test_direction_and_title():
    source = digraph(scene(Value(1.0)), direction="TB", title="A title").source
    assert "rankdir=TB" in source
    assert 'label="A title"' in source
