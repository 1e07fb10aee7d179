"""What is folded, and that what is left is a graph of the same nodes."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Value, recording, topological_sort
from engine import sum as total
from viz import draw
from viz.cards import scene_of_things
from viz.fold import NEAR, SHOWN, folded, things
from viz.groups import grouped

from .graphs import network, recurrent, square


def names(drawing) -> list[str]:
    return [card.name for card in drawing._scene.cards]


def plain(root: Value, **options):
    return draw(root, engine="plain", **options)


# ----------------------------------------------------------------------- the laws

PATHS = ["", "a", "b", "a.b", "a.c", "a.b.d", "b[2]"]


@st.composite
def graphs(draw):
    """A graph of sums and products in which any node may be in any group, used by any later one."""
    nodes = [Value(1.0, draw(st.sampled_from(PATHS)) + ".x")]
    for k in range(draw(st.integers(1, 24))):
        one, other = (nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        node = Value(k) if draw(st.integers(0, 4)) == 0 else one * other if draw(st.booleans()) else one + other
        path = draw(st.sampled_from([None, *PATHS]))
        node.name = None if path is None else f"{path}.n{draw(st.integers(0, 3))}"
        nodes.append(node)
    used = {parent for node in nodes for parent in node.parents}
    return total([node for node in nodes if node not in used])


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_a_folded_graph_is_a_graph_of_the_same_nodes(root, data):
    graph = grouped(topological_sort(root))
    closed = data.draw(st.sets(st.sampled_from(range(len(graph.groups))))) if graph.groups else set()
    most = data.draw(st.sampled_from([3, 8, float("inf")]))
    parts = things(graph, closed, most, lambda v: graph.nodes[v].op)
    assert sorted(v for part in parts for v in part.nodes) == list(range(len(graph.nodes)))
    assert graph.nodes[parts[-1].nodes[-1]] is root

    scene = scene_of_things(graph, parts)
    assert all(tail < head for tail, head in scene.edges)  # so there is no circle
    place = {v: k for k, part in enumerate(parts) for v in part.nodes}
    drawn = Counter()
    for edge, line in zip(scene.edges, scene.lines, strict=True):
        drawn[edge] += line.count
    assert drawn == Counter(
        (place[u], place[v]) for v, us in enumerate(graph.operands) for u in us if place[u] != place[v]
    )
    assert len(scene.edges) == len(set(scene.edges)) or not all(card.kind == "folded" for card in scene.cards)
    assert len(parts) <= most + 1 or closed


@settings(max_examples=40, deadline=None)
@given(
    graphs(), st.sampled_from(["auto", True, False]), st.sampled_from([None, 0, 1, 2]), st.sampled_from(["LR", "TB"])
)
def test_every_folded_graph_can_be_drawn(root, fold, depth, direction):
    drawing = plain(root, fold=fold, depth=depth, direction=direction)
    assert len(drawing._scene.cards) == drawing.svg.count('class="node ')


# ------------------------------------------------------------------- what is asked for


def test_a_small_graph_is_not_folded():
    drawing = plain(network())
    assert repr(drawing) == "<Drawing of 27 nodes, engine 'plain'>"
    assert drawing._scene.notes == ()


@pytest.mark.parametrize(
    ("fold", "depth", "shown"),
    [
        (True, None, ["x[0]", "x[1]", "layers[0]", "layers[1]", "", "", "", ""]),
        ("auto", 0, ["x[0]", "x[1]", "layers[0]", "layers[1]", "", "", "", ""]),
        (False, 0, ["x[0]", "x[1]", "layers[0]", "layers[1]", "", "", "", ""]),
        ("auto", 1, ["x[0]", "x[1]", "neurons[0]", "neurons[1]", "neurons[2]", "neurons[0]", "", "", "", ""]),
        ("layers[0]", 1, ["x[0]", "x[1]", "layers[0]", "neurons[0]", "", "", "", ""]),
    ],
)
def test_what_is_left(fold, depth, shown):
    assert sorted(names(plain(network(), fold=fold, depth=depth))) == sorted(shown)


@pytest.mark.parametrize("depth", [2, 3, 99])
def test_a_depth_that_is_not_reached_folds_nothing(depth):
    assert not plain(network(), depth=depth)._scene.is_folded


def test_a_path_folds_one_group_and_leaves_the_others():
    scene = plain(network(), fold=["layers[0].neurons[1]"])._scene
    assert [card.name for card in scene.cards if card.kind == "folded"] == ["neurons[1]"]
    assert "layers[0]" in [group.path for group in scene.groups]
    assert "layers[0].neurons[1]" not in [group.path for group in scene.groups]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fold": "layer[0]"}, ValueError, r"no group 'layer\[0\]' to fold; do you mean 'layers\[0\]'"),
        ({"fold": ["zzz"]}, ValueError, r"no group 'zzz' to fold; there is 'layers\[0\]'.* and 2 more"),
        ({"fold": 3}, TypeError, r"fold is 'auto', True, False, or the paths of groups.*not 3"),
        ({"fold": [0]}, TypeError, r"fold is 'auto'.*not \[0\]"),
        ({"depth": -1}, ValueError, "depth is 0 .*not -1"),
        ({"depth": 1.0}, TypeError, "whole number of levels .*not 1.0"),
        ({"depth": True}, TypeError, "whole number of levels .*not True"),
    ],
)
def test_what_cannot_be_folded(options, error, message):
    with pytest.raises(error, match=message):
        plain(network(), **options)


def test_no_groups_to_fold():
    assert not plain(square(), fold=True, depth=0)._scene.is_folded
    with pytest.raises(ValueError, match="no group 'x' to fold; there is none with a name"):
        plain(Value(1.0) + 1, fold="x")


# -------------------------------------------------------------------- by itself


def layers(sizes: list[int], repeat: int = 1) -> Value:
    """A network of sums by hand, with names like those of nn."""
    weights = {}
    outputs = []
    for _ in range(repeat):
        values = [Value(0.1), Value(0.2)]
        for i, size in enumerate(sizes):
            results = []
            for j in range(size):
                path = f"layers[{i}].neurons[{j}]"
                w = [weights.setdefault(f"{path}.w[{k}]", Value(0.1, f"{path}.w[{k}]")) for k in range(len(values))]
                results.append(total([a * b for a, b in zip(w, values, strict=True)]).tanh())
                results[-1].name = f"{path}.out"
            values = results
        outputs.append(total(values) ** 2)
    return total(outputs)


def test_a_large_graph_folds_its_deepest_groups_and_says_so():
    root = layers([12, 12, 1])
    drawing = plain(root)
    count = len(topological_sort(root))
    assert count > SHOWN
    assert repr(drawing) == f"<Drawing of {count} nodes, folded to 31, engine 'plain'>"
    note = f"{count} nodes, folded to 31: neurons are single cards; fold=False draws all"
    assert drawing._scene.notes == (note,)
    assert note in drawing.svg
    assert not plain(root, fold=False)._scene.is_folded


def test_a_thicket_of_arrows_is_folded_further():
    drawing = plain(layers([16, 16, 1]))
    assert [card.name for card in drawing._scene.cards if card.kind == "folded"] == [
        "layers[0]",
        "layers[1]",
        "layers[2]",
    ]
    assert "×256" in drawing.svg
    assert len(plain(layers([16, 16, 1]), depth=1)._scene.cards) > 33  # who asks for neurons gets them


def test_the_larger_a_graph_the_more_levels_are_folded():
    drawing = plain(layers([310, 5]))
    assert "layers are single cards" in drawing._scene.notes[0]
    assert "fold=False" not in drawing._scene.notes[0]  # 2,000 nodes are the most
    assert [card.name for card in drawing._scene.cards if card.kind == "folded"] == ["layers[0]", "layers[1]"]


def test_a_folded_group_says_what_it_is():
    root = layers([8, 8, 1])
    root.backward()
    card = next(card for card in plain(root, depth=0)._scene.cards if card.name == "layers[1]")
    assert (card.shape, card.facts) == ("8 → 8", ("8 neurons", "64 parameters · 144 nodes"))
    slopes = [w.grad for w in topological_sort(root) if (w.name or "").startswith("layers[1]") and ".w[" in w.name]
    assert card.size == pytest.approx(sum(slope * slope for slope in slopes) ** 0.5)
    assert card.grad


def test_a_batch_shows_each_layer_once_and_nodes_alike_as_one():
    root = layers([6, 6, 1], repeat=60)
    cards = {card.name: card for card in plain(root)._scene.cards}
    assert {"layers[0]", "layers[1]", "layers[2]"} <= set(cards)
    assert cards["layers[0]"].shape == "2 → 6"
    assert cards["layers[0]"].facts == ("6 neurons · 60 times", "12 parameters · 1,452 nodes")
    assert len(cards) < 12
    assert any(card.symbol and card.name == "60 nodes" for card in cards.values())


def test_nodes_with_different_names_are_not_alike():
    root = total([Value(1.0, f"{name}[{k}]") for name in "xy" for k in range(400)])
    assert names(plain(root)) == ["400 × x", "400 × y", ""]


def test_all_that_is_far_from_the_result_is_one_card():
    x = Value(0.5, "x")
    for _ in range(1000):
        x = x.tanh()
    drawing = plain(x)
    assert names(drawing)[0] == "… 801 nodes before"
    assert len(names(drawing)) == NEAR + 1
    assert "the 200 nearest to the result are shown" in drawing._scene.notes[0]
    assert drawing._scene.edges == list(pairwise(range(NEAR + 1)))


def test_a_long_chain_takes_no_recursion():
    with recording():
        v = Value(0.0)
        for _ in range(50_000):
            v = v + 1.0
    assert repr(plain(v)) == "<Drawing of 100,001 nodes, folded to 201, engine 'plain'>"


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_no_more_cards_than_asked_for(most):
    root = layers([8, 8, 1])
    if most == 1:
        with pytest.raises(ValueError, match="more than the 1 "):
            plain(root, max_nodes=most)
    else:
        assert len(names(plain(root, max_nodes=most))) <= most


def test_a_depth_is_kept_up_to_what_can_be_drawn():
    root = layers([8, 8, 1])
    assert not plain(root, depth=2)._scene.is_folded
    assert len(names(plain(root, depth=2, max_nodes=100))) == 23


def test_fold_true_never_fails_for_size():
    assert len(names(plain(layers([20, 20]), fold=True, max_nodes=10))) <= 10


# ------------------------------------------------------------------- used again


def test_a_cell_with_a_gate_between_is_drawn_once_for_each_visit():
    root = recurrent(5)
    root.backward()
    scene = plain(root, fold=True)._scene
    cells = [card for card in scene.cards if card.name.startswith("cell")]
    assert [card.name for card in cells] == [f"cell · {k} of 5" for k in range(1, 6)]
    assert cells[0].facts == ("3 parameters · 8 nodes",)
    assert [card.facts for card in cells[1:]] == [("5 nodes",)] * 4
    assert [card.shape for card in cells] == ["2 → 1"] * 5
    assert [card.grad is None for card in cells] == [False, True, True, True, True]


def test_a_cell_that_goes_into_itself_is_one_card():
    (card,) = (card for card in plain(recurrent(5, direct=True), fold=True)._scene.cards if card.kind == "folded")
    assert (card.name, card.shape) == ("cell", "6 → 1")
    assert card.facts == ("5 times", "3 parameters · 28 nodes")


def test_two_groups_that_use_each_other_take_turns():
    a = Value(1.0, "a.w")
    h = Value(2.0, "x")
    for _ in range(2):
        for group in "ab":
            h = h * a
            h.name = f"{group}.h"
    assert names(plain(h, fold=True)) == ["x", "a · 1 of 2", "b · 1 of 2", "a · 2 of 2", "b · 2 of 2"]


def test_what_is_beside_a_circle_is_not_split():
    n = Value(3.0, "n.w") * Value(4.0, "n.v")
    n.name = "n.z"
    root = recurrent(2) + n
    assert names(plain(root, fold=True)).count("n") == 1


# -------------------------------------------------------------------- the rest


def test_the_scene_with_nothing_folded_is_kept_for_the_web_page():
    drawing = plain(network(), fold="layers[0]")
    assert len(drawing._whole.cards) == 27
    assert [drawing._whole.groups[g].path for g in drawing._closed] == ["layers[0]"]
    assert plain(square())._closed == frozenset()
    assert plain(layers([900]))._whole is None


def test_groups_that_begin_folded():
    graph = grouped(topological_sort(network()))
    assert folded(graph.groups, graph.group_of) == set()
    assert folded(graph.groups, graph.group_of, True) == set(range(6))
    assert folded(graph.groups, graph.group_of, depth=1) == {1, 2, 3, 5}
    assert folded(graph.groups, graph.group_of, max_nodes=12) == {1, 2, 3, 5}
    assert folded(graph.groups, graph.group_of, max_nodes=2) == set(range(6))


def test_a_fold_keeps_to_deep_and_long_names():
    deep = ".".join(f"m{k}" for k in range(9))
    root = Value(1.0, f"{deep}.w") * Value(2.0, "n[" + "9" * 5000 + "].w") * Value(1.0, "a" * 4000 + ".w")
    for options in ({"fold": True}, {"depth": 0}, {"fold": "a" * 4000}):
        assert plain(root, **options)._scene.is_folded
