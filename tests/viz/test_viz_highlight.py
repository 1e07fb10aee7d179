import pytest

from engine import Value
from viz import draw

from .graphs import network, recurrent, square


def shown(root: Value, highlight, **options) -> list[str]:
    scene = draw(root, engine="plain", highlight=highlight, **options)._scene
    return [card.name or card.symbol for card in scene.cards]


def test_only_what_is_on_a_path_is_shown():
    x, w, b = Value(2.0, "x"), Value(3.0, "w"), Value(1.0, "b")
    root = (w * x + b).tanh() + x
    drawing = draw(root, engine="plain", highlight=w)
    assert [card.name or card.symbol for card in drawing._scene.cards] == ["w", "×", "+", "tanh", "+"]
    assert drawing._scene.edges == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert drawing._scene.notes == ("only the paths from w to the result: 5 of 7 nodes",)
    assert "only the paths from w to the result: 5 of 7 nodes" in drawing.svg
    assert repr(drawing) == "<Drawing of 5 nodes, engine 'plain'>"


def test_a_name_chooses_every_node_that_has_it():
    assert shown(recurrent(3), "h[2]") == ["h[2]", "−", "L"]
    assert shown(recurrent(3), "cell.h").count("h") == 3


def test_a_list_chooses_all_that_is_in_it():
    root = recurrent(3)
    assert shown(root, ["x[2]", "h[2]"]) == shown(root, "x[2]")
    note = draw(root, engine="plain", highlight=["x[0]", "x[1]"])._scene.notes[0]
    assert note.startswith("only the paths from x[0] and x[1] to L: ")


def test_both_edges_of_a_square_stay():
    root = square()
    assert len(draw(root, engine="plain", highlight="x")._scene.edges) == 2


def test_the_result_itself():
    root = square()
    assert shown(root, root) == ["×"]


def test_gradients_and_local_derivatives_are_those_of_the_whole_graph():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    root = w * x
    root.backward()
    (line,) = draw(root, engine="plain", highlight=x, local_derivatives=True)._scene.lines
    assert (line.label, line.size) == ("×3", 3.0)


def test_groups_without_a_node_on_a_path_have_no_box():
    drawing = draw(network(), engine="plain", highlight="layers[0].neurons[1].b")
    assert [group.path for group in drawing._scene.groups] == [
        "layers[0]", "layers[0].neurons[1]", "layers[1]", "layers[1].neurons[0]",
    ]  # fmt: skip


def test_folds():
    assert shown(network(), "x[0]", fold=True) == ["x[0]", "layers[0]", "layers[1]", "−", "**"]


@pytest.mark.parametrize(
    ("highlight", "error", "message"),
    [
        ("layers[0].neurons[0].w[7]", ValueError, r"the name to highlight.*not in this graph of 27 nodes; do you mean"),
        ("zzz", ValueError, r"'zzz', is not in this graph of 27 nodes; there is '.* and \d+ more"),
        (Value(1.0, "x[7]"), ValueError, r"the Value to highlight, Value\(1.0, name='x\[7\]'\).*do you mean 'x\["),
        (3.0, TypeError, "highlight a Value of the graph, a name, or a list of them, not 3.0"),
        ([], TypeError, r"or a list of them, not \[\]"),
        ([3], TypeError, r"or a list of them, not \[3\]"),
    ],
)
def test_what_is_not_in_the_graph(highlight, error, message):
    with pytest.raises(error, match=message):
        draw(network(), highlight=highlight)
