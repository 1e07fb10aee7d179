import pytest

from engine import Value, dot, topological_sort
from viz.cards import scene
from viz.groups import Group, counted, grouped, split, used


@pytest.mark.parametrize(
    ("name", "path", "own"),
    [
        ("layers[0].neurons[3].w[1]", "layers[0].neurons[3]", "w[1]"),
        ("model.layers[10].bias", "model.layers[10]", "bias"),
        ("gewichte.ä", "gewichte", "ä"),
        ("net.what ever", "net", "what ever"),
        ("w", "", "w"),
        ("w[0]", "", "w[0]"),
        ("3.14", "", "3.14"),
        ("a.", "", "a."),
        (".a", "", ".a"),
        ("a..b", "", "a..b"),
        ("a b.c", "", "a b.c"),
        ("layers[x].w", "", "layers[x].w"),
        ("layers[0]x.w", "", "layers[0]x.w"),
        (".".join("a" * 12), "", ".".join("a" * 12)),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_a_path_is_a_group_and_anything_else_is_text(name, path, own):
    assert split(name) == (path, own)


def by_name(root: Value) -> dict[str, str]:
    """Name (or operation) of each node -> path of its group."""
    view = scene(root)
    names = [node.name or (node.op.name if node.op else str(node.data)) for node in topological_sort(root)]
    paths = ["" if g is None else view.groups[g].path for g in view.group_of]
    return dict(zip(names, paths, strict=True))


def test_groups_lie_in_groups_and_are_in_natural_order():
    leaves = [Value(1.0, f"layers[{i}].neurons[{j}].b") for i in (10, 2) for j in (1, 0)]
    groups = scene(dot(leaves, leaves)).groups
    assert [group.path for group in groups] == [
        "layers[2]", "layers[2].neurons[0]", "layers[2].neurons[1]",
        "layers[10]", "layers[10].neurons[0]", "layers[10].neurons[1]",
    ]  # fmt: skip
    assert [group.parent for group in groups] == [None, 0, 0, None, 3, 3]
    assert [group.label for group in groups][:2] == ["layers[2]", "neurons[0]"]


def test_the_inner_nodes_of_a_neuron_written_by_hand_belong_to_it():
    x, w, b = Value(2.0, "x"), Value(3.0, "n.w"), Value(1.0, "n.b")
    z = x * w + b
    z.name = "n.z"
    assert by_name(z) == {"x": "", "n.w": "n", "mul": "n", "n.b": "n", "n.z": "n"}


def test_a_plain_number_belongs_where_all_it_meets_are():
    w = Value(3.0, "n.w")
    z = w**2
    z.name = "n.z"
    assert by_name(z)["2.0"] == "n"


def test_an_input_belongs_to_no_neuron():
    z = dot([Value(3.0, "n.w"), Value(4.0, "n.v")], [7.0, 8.0], Value(1.0, "n.b"))
    z.name = "n.z"
    assert by_name(z)["7.0"] == by_name(z)["8.0"] == ""


def test_what_is_used_in_two_groups_or_in_none_belongs_to_none():
    a, b = Value(1.0, "m.a"), Value(1.0, "n.b")
    both = a * b
    left, right = both + a, both + b
    left.name, right.name = "m.z", "n.z"
    assert by_name(left / right)["mul"] == ""
    assert by_name(left / right)["div"] == ""


def test_a_part_of_a_graph_keeps_its_order_its_edges_and_the_groups_it_needs():
    x, w, v = Value(2.0, "x"), Value(3.0, "a.b.w"), Value(1.0, "c.v")
    z = (x * w) + v + x
    part = grouped(topological_sort(z)).only([1, 2, 5])
    assert [node.name for node in part.nodes] == ["a.b.w", None, None]
    assert part.operands == [[], [0], []]
    assert [group.path for group in part.groups] == ["a", "a.b"]
    assert [group.parent for group in part.groups] == [None, 0]


def test_groups_that_nothing_is_in_are_left_out():
    groups = [Group("a", None, "a"), Group("b", None, "b"), Group("b.c", 1, "c")]
    assert used(groups, [None, 2]) == ([Group("b", None, "b"), Group("b.c", 0, "c")], [None, 1])
    assert used(groups, [None]) == ([], [None])


def test_an_index_longer_than_any_number_is_in_its_place():
    leaves = [Value(1.0, f"a[{index}].w") for index in ("1" * 5000, "10", "9", "00009")]
    assert [len(group.label) for group in grouped(leaves).groups] == [len("a[00009]"), len("a[9]"), len("a[10]"), 5003]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([], ""),
        (["neurons[0]"], "neurons[0]"),
        (["neurons[0]", "neurons[1]", "norm"], "2 neurons, norm"),
        (["a", "b", "c", "d"], "4 groups"),
    ],
)
def test_what_there_is_in_words(labels, text):
    assert counted(labels) == text
