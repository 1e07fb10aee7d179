"""The page whose groups fold, as a file: valid, safe, the same every time. What it does is tested in tests/browser."""

import json
import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import pytest

import engine
from engine import Value
from nn import MLP
from tests.viz.graphs import network, square
from tests.viz.hostile import NAMES, hostile
from viz import draw
from viz.cards import scene
from viz.layout import Layout, layered
from viz.page.folding import folding_page
from viz.text import visible

PAGE = Path(__file__).parents[2] / "viz" / "page"


def laid_out(root: Value, direction: str = "LR") -> tuple:
    """A scene and its layout: what a page is made from."""
    view = scene(root)
    sizes = [(card.width, card.height) for card in view.cards]
    return view, layered(sizes, view.edges, view.group_of, [group.parent for group in view.groups], direction)


def page(root: Value, folded=(), title=None, direction="LR") -> str:
    return folding_page(*laid_out(root, direction), folded, title)


def data(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html).group(1))


def test_the_same_bytes_each_time():
    assert page(network(), {1}, "t") == page(network(), {1}, "t")


def test_every_card_edge_and_group_is_there():
    view, layout = laid_out(network())
    html = folding_page(view, layout)
    picture = ET.fromstring(re.search(r"<svg.*?</svg>\n(?=</main>)", html, re.DOTALL).group())
    kinds = [element.get("class", "").split(" ")[0] for element in picture.iter()]
    facts = data(html)
    assert kinds.count("node") == len(facts["cards"]) == len(view.cards)
    assert kinds.count("edge") == len(view.edges)
    assert kinds.count("group") == kinds.count("group-label") == len(facts["groups"]) == len(view.groups)


def test_what_a_folded_group_holds():
    groups = {group["path"]: group for group in data(page(network()))["groups"]}
    assert groups["layers[0]"]["lines"] == ["2 → 3 · 3 neurons", "15 nodes", "9 parameters"]
    assert groups["layers[0].neurons[1]"]["lines"] == ["2 → 1", "5 nodes", "3 parameters"]
    assert groups["layers[0].neurons[1]"]["parent"] == 0
    assert groups["layers[1]"]["lines"] == ["3 → 1 · neurons[0]", "6 nodes", "4 parameters"]
    widths = {group["small"][0] for path, group in groups.items() if path.startswith("layers[0].")}
    assert len(widths) == 1  # neurons of a layer stand below one another


@pytest.mark.parametrize("examples", [1, 5])
def test_a_group_holds_what_its_folded_card_says(examples):
    model = MLP(2, [4, 3, 1], seed=1)
    loss = engine.sum([(model([0.1 * i, -1.0]) - 1) ** 2 for i in range(examples)])
    loss.backward()
    groups = {group["label"]: group["lines"] for group in data(page(loss))["groups"]}
    cards = [card for card in draw(loss, depth=0, engine="plain")._scene.cards if card.kind == "folded"]
    assert len(cards) == 3
    for card in cards:
        first, *rest = groups[card.name]
        assert first.startswith(f"{card.shape} · ")
        assert card.facts[0].startswith(first.removeprefix(f"{card.shape} · "))
        assert sorted(" · ".join(rest).split(" · ")) == sorted([*card.facts[-1].split(" · "), f"gradient {card.grad}"])


def test_groups_that_are_folded_when_the_page_is_opened():
    assert data(page(network()))["folded"] == []
    assert data(page(network(), {3, 1}))["folded"] == [1, 3]


@pytest.mark.parametrize("make", [network, square, lambda: Value(1.0, "x")])
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_it_knows_which_way_the_edges_run(make, direction):
    facts = data(page(make(), direction=direction))
    assert facts["down"] == (direction == "TB" and make() is not None and bool(scene(make()).edges))


def test_the_heading_and_the_size():
    html = page(network(), title="A <net>")
    assert "<h1>A &lt;net&gt;</h1>" in html
    assert '<p class="size">27 nodes, 30 edges, 6 groups</p>' in html
    assert "<h1>Computation graph</h1>" in page(square())
    assert 'aria-label="Folding" hidden' in page(square())  # where there is nothing to fold


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_text(name):
    html = page(hostile(name), title=name)
    plain = page(hostile("x"), title="x")
    tags = re.compile(r"<(?!/?svg)/?[a-zA-Z!]+")  # a name in a script of unknown width has an svg of its own
    assert tags.findall(html) == tags.findall(plain)
    assert visible(name) in unescape(html)
    data(html)


@pytest.mark.parametrize("name", ["a.<b>", "net.\\N", 'm."', "m.</script>", "m.\0", "W" * 60 + ".w"])
def test_names_within_a_group_are_text(name):
    html = page(hostile(name))
    assert html.count("</script>") == 2
    assert data(html)["groups"][0]["path"] == name.rpartition(".")[0]


def test_nothing_but_what_is_in_the_file():
    html = page(network())
    assert "default-src 'none'" in html
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert not re.search(r'<[^>]*\sstyle="', html)


def test_a_network_of_337_parameters_is_a_file_of_reasonable_size():
    model = MLP(2, [16, 16, 1], seed=1)
    loss = engine.sum([(model([0.1 * i, 0.2]) - 1.0) ** 2 for i in range(3)])
    loss.backward()
    html = page(loss, title="Moons")
    assert len(html.encode()) < 2_000_000


def test_the_scripts_and_styles_stay_small():
    for file in PAGE.glob("*.*s"):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, file.name


def test_a_drawing_without_edges():
    view = scene(Value(2.0, "alone"))
    html = folding_page(view, Layout(100.0, 40.0, [(50.0, 20.0)], [], []))
    assert "1 node, 0 edges" in html
