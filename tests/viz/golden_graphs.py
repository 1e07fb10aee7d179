"""The graphs of the golden DOT files. If a change is wanted: `python -m tests.viz.golden_graphs`, and look at them."""

from collections.abc import Callable
from pathlib import Path

from engine import Value, dot
from viz import Drawing, draw

from .graphs import network, recurrent, square

FOLDER = Path(__file__).parent / "golden"


def tanh_neuron() -> Drawing:
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
    return draw(loss, engine="plain")


def two_edges() -> Drawing:
    return draw(square(), engine="plain", local_derivatives=True)


def folded_network() -> Drawing:
    loss = network()
    loss.backward()
    return draw(loss, engine="plain", fold=True, title="A network")


def folded_recurrent() -> Drawing:
    loss = recurrent(3)
    loss.backward()
    return draw(loss, engine="plain", fold="cell", direction="TB")


def highlighted() -> Drawing:
    loss = network()
    loss.backward()
    return draw(loss, engine="plain", highlight="layers[0].neurons[2].w[1]", local_derivatives=True)


def hostile_names() -> Drawing:
    w = Value(2.0, 'm.<b>\\N"')
    y = w * Value(1.0, "{a|b}\n\0") + Value(3.0, "</svg><script>")
    y.name = '", URL="http://example.org'
    return draw(y, engine="plain", fold="m", title="\\G <i>")


PICTURES: dict[str, Callable[[], Drawing]] = {
    picture.__name__: picture
    for picture in (tanh_neuron, two_edges, folded_network, folded_recurrent, highlighted, hostile_names)
}

if __name__ == "__main__":
    for name, picture in PICTURES.items():
        print(picture().save(FOLDER / f"{name}.dot"))
