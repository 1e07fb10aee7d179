"""Names are text, whatever they contain: in SVG, in DOT, and in what the Graphviz program makes of it."""

import json
import re
import shutil
import xml.etree.ElementTree as ET

import pytest

from viz import draw
from viz.cards import scene
from viz.dot import digraph
from viz.text import visible

from .hostile import NAMES, hostile

SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the Graphviz program `dot` is not installed")


def titles(svg: str) -> list[str]:
    """The titles of all cards of a drawing."""
    cards = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class", "").startswith("node ")]
    return [card.findtext(f"{SVG}title") for card in cards]


def test_there_are_enough_of_them():
    assert len(set(NAMES)) == len(NAMES) >= 90


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_svg(name):
    svg = draw(hostile(name), engine="plain", title=name).svg
    tree = ET.fromstring(svg.encode())
    assert f"{visible(name)}\nleaf\ndata: 0.5" in titles(svg)
    assert len(titles(svg)) == 4
    assert tree.findtext(f"{SVG}title") == visible(name)
    if len(name) <= 24:
        shown = [text.text for text in tree.iter(f"{SVG}text")]
        assert shown.count(visible(name)) == 3 + (name == "+")  # in the heading and on two cards
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= {"svg", "title", "rect", "path", "text", "g"}
    assert not [key for element in tree.iter() for key in element.attrib if key.startswith("on") or "href" in key]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_dot_has_one_line_a_node_and_no_text_outside_of_its_place(name):
    def tokens(name: str) -> list[str]:
        """The source without the contents of the labels and tooltips."""
        source = digraph(scene(hostile(name)), title=name).source
        without = re.sub(r"<FONT[^>]*>[^<>]*</FONT>", "TEXT", source)
        without = re.sub(r'(label|tooltip)=("[^"\n]*"|[\w.-]+)', r"\1=TEXT", without)
        without = re.sub(r'(WIDTH|HEIGHT)="\d+"', "", without)
        return re.sub(r"(width|height)=[\d.]+", "", without).splitlines()

    assert tokens(name) == tokens("x")


@needs_dot
def test_dot_the_program_reads_them_all_as_text():
    """All names in one graph: one node and one edge for each of ours, nothing more."""
    root = hostile(NAMES[0])
    for name in NAMES[1:]:
        root = root + hostile(name)
    view = scene(root)
    plan = json.loads(digraph(view, title="\\G<&>").pipe(format="json0"))
    nodes = [part for part in plan["objects"] if part["name"].startswith("n")]
    assert sorted(node["name"] for node in nodes) == sorted(card.id for card in view.cards)
    assert len(plan["edges"]) == len(view.edges)


@needs_dot
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_dot_the_program_paints_exactly_the_name(name):
    svg = digraph(scene(hostile(name)), title=name).pipe(format="svg").decode()
    tree = ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", svg))
    cards = [g for g in tree.iter(f"{SVG}g") if g.get("class") == "node"]
    assert sorted(card.findtext(f"{SVG}title") for card in cards) == ["n0", "n1", "n2", "n3"]
    assert not list(tree.iter(f"{SVG}script"))
    if len(name) <= 24:
        painted = [text.text.replace("\u00a0", " ") for text in tree.iter(f"{SVG}text") if text.text]
        assert visible(name).replace("\u00a0", " ").strip() in {text.strip() for text in painted} | {""}
    tips = [a.get("{http://www.w3.org/1999/xlink}title") for a in tree.iter(f"{SVG}a")]
    shown = visible(name).replace("\u00a0", " ").replace("\\", "⧵").strip()
    assert any((tip or "").replace("\u00a0", " ").strip().startswith(shown) for tip in tips)


@pytest.mark.parametrize("name", ["a.<b>", "net.\\N", 'm."', "m.{x|y}", "m.\0"])
def test_hostile_names_within_a_group(name):
    drawing = draw(hostile(name), engine="plain")
    assert f"{visible(name)}\nparameter\ndata: 0.5" in titles(drawing.svg)
    assert "subgraph cluster_0" in drawing.dot.source
