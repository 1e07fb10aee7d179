from pathlib import Path

from engine import Value, dot
from viz import draw
from viz.cards import scene
from viz.dot import digraph

GOLDEN = Path(__file__).parent / "golden" / "tanh_neuron.dot"


def neuron() -> Value:
    """tanh(w·x + b) with one of each kind of card, after backward."""
    x, b = [Value(2.0, "x1"), Value(0.0, "x2")], Value(6.88, "neuron.b")
    w = [Value(-3.0, "neuron.w[0]"), Value(1.0, "neuron.w[1]")]
    z = dot(w, x, b)
    z.name = "neuron.z"
    out = z.tanh()
    out.name = "neuron.out"
    loss = (out - 1) ** 2
    loss.name = "loss"
    loss.backward()
    return loss


def test_golden_file():
    """If the change is wanted: `draw(neuron(), engine="plain").save(GOLDEN)`, and look at it."""
    assert draw(neuron(), engine="plain").dot.source == GOLDEN.read_text(encoding="utf-8")


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
