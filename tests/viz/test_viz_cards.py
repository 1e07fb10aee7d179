import pytest

from engine import Value, greater
from viz.cards import scene, scene_of


def test_leaf_parameter_constant_and_computed_are_told_apart():
    x, w = Value(2.0, "x"), Value(3.0, "layer.w")
    kinds = {card.data: card.kind for card in scene(x * w + 7).cards}
    assert kinds == {"2": "leaf", "3": "parameter", "6": "computed", "7": "constant", "13": "computed"}


def test_ids_are_in_topological_order_and_the_result_is_last():
    x = Value(2.0, "x")
    view = scene((x * x).tanh())
    assert [card.id for card in view.cards] == ["n0", "n1", "n2"]
    assert view.edges == [(0, 1), (0, 1), (1, 2)]
    assert view.cards[-1].symbol == "tanh"


def test_a_gradient_is_blank_until_it_has_arrived():
    x = Value(2.0, "x")
    y = x * x
    assert [card.grad for card in scene(y).cards] == ["", ""]
    y.backward()
    assert [card.grad for card in scene(y).cards] == ["4", "1"]
    y.zero_grad()
    assert [card.grad for card in scene(y).cards] == ["", ""]


def test_a_gradient_that_is_zero_is_not_blank():
    x = Value(2.0, "x")
    y = greater(x, 1.0)
    y.backward()
    assert scene(y).cards[-1].grad == "1"
    assert {card.name: card.grad for card in scene(y).cards}["x"] == "0"


def test_a_gradient_that_is_a_value_is_shown_as_its_number():
    x = Value(3.0, "x")
    y = x**3
    y.backward(create_graph=True)
    card = scene(y).cards[0] if scene(y).cards[0].name == "x" else scene(y).cards[1]
    assert card.grad == "27"
    assert "grad: 27.0" in card.title


def test_a_constant_has_no_gradient_even_after_backward():
    x = Value(3.0, "x")
    y = x**3
    y.backward()
    assert [card.grad for card in scene(y).cards if card.kind == "constant"] == [None]


def test_titles_give_the_full_name_and_all_digits():
    x = Value(1 / 3, "layers[0]." + "long" * 20)
    (card,) = scene(x).cards
    assert card.title == (f"layers[0].{'long' * 20}", "parameter", "data: 0.3333333333333333")
    assert len(card.name) < 30


@pytest.mark.parametrize("count", [2, 30, 300])
def test_a_card_grows_with_its_edges_up_to_a_limit(count):
    from engine import sum as total

    card = scene(total([Value(1.0) for _ in range(count)])).cards[-1]
    assert min(8 * count, 100) <= card.height <= 200


def test_a_scene_is_a_snapshot():
    x = Value(2.0, "x")
    view = scene(x * x)
    x.data = 5.0
    assert view.cards[0].data == "2"


def test_gradients_names_and_checks_of_somebody_else_are_shown():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = x * w
    y.backward()
    view = scene_of([x, w, y], gradients={w: 5.0}, names={y: "L"}, checks={w: 2.0})
    assert [card.grad for card in view.cards] == ["", "5", ""]
    assert [card.name for card in view.cards] == ["", "", "L"]
    assert [card.size for card in view.cards] == [None, 5.0, None]
    assert view.cards[1].rows == [("data", "3"), ("grad", "5"), ("NumPy", "2")]
    assert [line.size for line in view.lines] == [None, None]
    assert w.grad == 2.0


def test_lines_know_what_goes_back_on_them():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = (x * w + 1) ** 2
    assert [line.size for line in scene(y).lines] == [None] * 6
    y.backward()
    sizes = {(u, v): line.size for (u, v), line in zip(scene(y).edges, scene(y).lines, strict=True)}
    assert sorted(size for size in sizes.values() if size is not None) == [14.0, 14.0, 28.0, 42.0]
    assert sum(size is None for size in sizes.values()) == 2  # into the constants 1 and 2


def test_local_derivatives_are_there_when_asked_for():
    x = Value(3.0, "x")
    y = x * x
    assert [line.label for line in scene(y).lines] == ["", ""]
    assert [line.label for line in scene_of([x, y], local_derivatives=True).lines] == ["×3", "×3"]


def test_no_local_derivative_leads_to_a_constant():
    x = Value(-2.0, "x")
    y = x**2  # its derivative with respect to 2 has a logarithm of -2 in it
    labels = {line.label for line in scene_of([x, y.parents[1], y], local_derivatives=True).lines}
    assert labels == {"×−4", ""}
