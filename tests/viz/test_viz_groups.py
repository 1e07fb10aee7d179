import pytest

from engine import Value, dot, topological_sort
from viz.cards import scene
from viz.groups import split


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


def grouped(root: Value) -> dict[str, str]:
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
    assert grouped(z) == {"x": "", "n.w": "n", "mul": "n", "n.b": "n", "n.z": "n"}


def test_a_plain_number_belongs_where_all_it_meets_are():
    w = Value(3.0, "n.w")
    z = w**2
    z.name = "n.z"
    assert grouped(z)["2.0"] == "n"


def test_an_input_belongs_to_no_neuron():
    z = dot([Value(3.0, "n.w"), Value(4.0, "n.v")], [7.0, 8.0], Value(1.0, "n.b"))
    z.name = "n.z"
    assert grouped(z)["7.0"] == grouped(z)["8.0"] == ""


def test_what_is_used_in_two_groups_or_in_none_belongs_to_none():
    a, b = Value(1.0, "m.a"), Value(1.0, "n.b")
    both = a * b
    left, right = both + a, both + b
    left.name, right.name = "m.z", "n.z"
    assert grouped(left / right)["mul"] == ""
    assert grouped(left / right)["div"] == ""
