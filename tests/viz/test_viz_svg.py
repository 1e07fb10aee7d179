import re
import xml.etree.ElementTree as ET

import pytest

from engine import Value, dot
from viz import draw
from viz.text import mono_width, width

SVG = "{http://www.w3.org/2000/svg}"


def parsed(root: Value, **options) -> ET.Element:
    return ET.fromstring(draw(root, engine="plain", **options).svg)


def of_class(tree: ET.Element, name: str) -> list[ET.Element]:
    return [g for g in tree.iter(f"{SVG}g") if name in g.get("class", "").split()]


def texts(element: ET.Element) -> list[str]:
    return [text.text for text in element.iter(f"{SVG}text")]


def test_a_card_for_each_value_and_an_arrow_for_each_use():
    x = Value(3.0, "x")
    tree = parsed(x * x)
    assert len(of_class(tree, "node")) == 2
    edges = of_class(tree, "edge")
    assert [(edge.get("data-from"), edge.get("data-to")) for edge in edges] == [("n0", "n1")] * 2
    assert edges[0][0].get("d") != edges[1][0].get("d")


def test_gradient_blank_before_and_shown_after():
    x = Value(3.0, "x")
    y = x * x
    assert texts(of_class(parsed(y), "node")[0]) == ["x", "data", "3", "grad"]
    y.backward()
    assert texts(of_class(parsed(y), "node")[0]) == ["x", "data", "3", "grad", "6"]


def test_kinds_differ_in_shape_and_not_in_colour_alone():
    x, w = Value(2.0, "x"), Value(3.0, "n.w")
    y = x * w + 7

    def shape(kind: str) -> str:
        (card, *_) = of_class(parsed(y), kind)
        drawn = "".join(ET.tostring(part, "unicode") for part in card if part.tag in (f"{SVG}rect", f"{SVG}path"))
        return re.sub(r'(fill|stroke)="#\w+"|(width|height|d)="[^"]*"', "", drawn)

    kinds = ["computed", "leaf", "parameter", "constant"]
    assert len({shape(kind) for kind in kinds}) == 4


def test_the_legend_explains_the_kinds_that_occur():
    (legend,) = of_class(parsed(Value(1.0, "x") * Value(2.0, "y")), "legend")
    assert texts(legend) == ["computed", "leaf"]


def test_groups_are_boxes_with_their_names():
    w = Value(1.0, "layers[0].neurons[1].w")
    tree = parsed(w * 2)
    titles = [box.findtext(f"{SVG}title") for box in of_class(tree, "group")]
    assert titles == ["layers[0]", "layers[0].neurons[1]"]
    assert {"layers[0]", "neurons[1]", "w"} <= set(texts(tree))


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_text_stays_within_its_card_and_cards_within_the_page(direction):
    names = ["w", "W" * 24, "m" * 24, "layers[0].neurons[0].weights[1000]", "_" * 24, "ΣΩ∂" * 8]
    root = dot([Value(-1.2345e-300 * k, name) for k, name in enumerate(names)], [Value(1e300)] * len(names))
    root.backward()
    tree = parsed(root, direction=direction)
    page = float(tree.get("width")), float(tree.get("height"))
    origin = tuple(map(float, re.findall(r"[\d.]+", next(g for g in tree if g.get("transform")).get("transform"))))
    for card in of_class(tree, "node"):
        x, y = map(float, re.findall(r"-?[\d.]+", card.get("transform")))
        rect = card.find(f"{SVG}rect")
        w, h = float(rect.get("width")), float(rect.get("height"))
        assert 0 < origin[0] + x < origin[0] + x + w < page[0]
        assert 0 < origin[1] + y < origin[1] + y + h < page[1]
        for text in card.iter(f"{SVG}text"):
            size, mono = float(text.get("font-size")), "monospace" in text.get("font-family", "")
            wide = mono_width(text.text, size) if mono else width(text.text, size, bold=bool(text.get("font-weight")))
            left = float(text.get("x")) - {"middle": wide / 2, "end": wide}.get(text.get("text-anchor"), 0)
            assert 0 <= left < left + wide <= w
            assert size * 0.7 < float(text.get("y")) < h


def test_title_is_a_heading_and_the_name_of_the_picture():
    tree = parsed(Value(1.0), title="Loss & <co>")
    assert tree.findtext(f"{SVG}title") == "Loss & <co>"
    assert "Loss & <co>" in texts(tree)
    assert tree.get("role") == "img"


def test_nothing_in_a_picture_reaches_out_of_it():
    svg = draw(Value(1.0, "x") * 2, engine="plain").svg
    assert not re.search(r"<style|<script|\bid=|href|url\(|@import", svg)
