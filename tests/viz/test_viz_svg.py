import re
import xml.etree.ElementTree as ET

import pytest

from engine import Value, dot
from viz import draw
from viz.svg import svg
from viz.text import mono_width, width

from .graphs import network

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


# ----------------------------------------------------------- what a page finds in it


def one(root: Value, kind: str, **options) -> ET.Element:
    (element,) = of_class(parsed(root, **options), kind)
    return element


def classes(element: ET.Element) -> list[str]:
    return [part.get("class") for part in element.iter() if part is not element and part.get("class")]


def test_the_parts_of_a_card_have_classes():
    x, w = Value(2.0, "x"), Value(3.0, "n.w")
    y = x * w * 7
    y.name = "y"
    y.backward()
    tree = parsed(y)
    last = of_class(tree, "node")[-1]
    assert last.get("class") == "node computed"
    assert classes(last) == [
        "ground", "panel", "card", "symbol", "name", "what", "data", "what", "grad", "track", "strength",
    ]  # fmt: skip
    assert classes(of_class(tree, "parameter")[0])[:2] == ["card", "bar"]
    assert classes(of_class(tree, "constant")[0]) == ["card", "data"]


def test_edges_and_groups_have_their_places():
    tree = parsed(network())
    scene = draw(network(), engine="plain")._scene
    edges = [(edge.get("data-edge"), edge.get("data-from"), edge.get("data-to")) for edge in of_class(tree, "edge")]
    assert edges == [(f"e{e}", f"n{u}", f"n{v}") for e, (u, v) in enumerate(scene.edges)]
    assert all(classes(edge) == ["line", "head"] for edge in of_class(tree, "edge"))
    places = [f"g{g}" for g in range(len(scene.groups))]
    assert [group.get("data-group") for group in of_class(tree, "group")] == places
    assert [group.get("data-group") for group in of_class(tree, "group-label")] == places
    assert all(classes(group) == ["box"] for group in of_class(tree, "group"))


def test_a_picture_that_does_not_shrink_has_no_inline_style():
    drawing = draw(network(), engine="plain", title="T")
    assert " style=" in drawing.svg
    assert " style=" not in svg(drawing._scene, drawing._layout, "T", responsive=False)


# ------------------------------------------------------------------- labels at edges


def test_local_derivatives_are_written_at_the_edges():
    x, w = Value(2.0, "x"), Value(-3.0, "w")
    tree = parsed((x * w).tanh(), local_derivatives=True)
    labels = [texts(edge) for edge in of_class(tree, "edge")]
    assert labels == [["×−3"], ["×2"], ["×2.458e−5"]]
    assert all(classes(edge) == ["line", "head", "seam", "local"] for edge in of_class(tree, "edge"))
    assert "local derivative" in texts(of_class(tree, "legend")[0])


def test_many_edges_in_one_have_their_count():
    tree = parsed(network(), depth=0)
    assert [text for edge in of_class(tree, "edge") for text in texts(edge)] == ["×3", "×3", "×3"]
    assert "edges in one" in texts(of_class(tree, "legend")[0])
    assert "folded, many nodes in one" in texts(of_class(tree, "legend")[0])


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("fold", [False, ["layers[0].neurons[1]"], True])
def test_labels_lie_on_no_card_and_on_no_other_label(direction, fold):
    loss = network()
    loss.backward()
    drawing = draw(loss, engine="plain", direction=direction, fold=fold, local_derivatives=True)
    scene, layout = drawing._scene, drawing._layout
    taken = [
        (x - card.width / 2, y - card.height / 2, x + card.width / 2, y + card.height / 2)
        for card, (x, y) in zip(scene.cards, layout.centers, strict=True)
    ]
    for e, line in enumerate(scene.lines):
        if line.label:
            (x, y), wide = layout.label(e), mono_width(line.label, 9.0)
            label = (x - wide / 2, y - 4.5, x + wide / 2, y + 4.5)
            for left, top, right, bottom in taken:
                assert label[2] <= left or right <= label[0] or label[3] <= top or bottom <= label[1]
            taken.append(label)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_text_stays_within_a_folded_card(direction):
    names = ["layers[0].w", "W" * 60 + ".w", "a.b.c.d.e.f.w", "Σ" * 24 + "[10].x"]
    root = dot([Value(1e-300 * k, name) for k, name in enumerate(names)], [Value(1.0)] * len(names))
    root.backward()
    for card in of_class(parsed(root, fold=True, direction=direction), "folded"):
        w = float(next(rect for rect in card.iter(f"{SVG}rect") if rect.get("class") == "card").get("width"))
        ends = {}
        for text in card.iter(f"{SVG}text"):
            size, mono = float(text.get("font-size")), "monospace" in text.get("font-family", "")
            wide = mono_width(text.text, size) if mono else width(text.text, size, bold=bool(text.get("font-weight")))
            left = float(text.get("x")) - {"end": wide}.get(text.get("text-anchor"), 0)
            assert ends.get(text.get("y"), 0) <= left < left + wide <= w
            ends[text.get("y")] = left + wide
