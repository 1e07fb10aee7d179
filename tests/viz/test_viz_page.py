"""The step-through page, as a file: safe, small, the same every time, and with the right numbers in it.

What it does in a browser is tested in tests/browser.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path

import pytest

import engine
from engine import Value, backward_steps, dot, tanh, topological_sort
from nn import MLP
from tests.viz.hostile import NAMES
from viz import backprop_page
from viz.page.shell import framed
from viz.story import LONGEST
from viz.text import visible

ROOT = Path(__file__).parents[2]


def neuron() -> Value:
    x1, x2, w1, w2, b = (Value(v, n) for v, n in [(2.0, "x1"), (0.5, "x2"), (-3.0, "w1"), (1.0, "w2"), (6.2, "b")])
    o = tanh(w1 * x1 + w2 * x2 + b)
    o.name = "o"
    return o


class Parsed(HTMLParser):
    """The elements of a page and their attributes, and the text of some."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open:
            self.texts[self._open[-1]][-1] += data


def data_of(html: str):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_the_file_needs_nothing_else():
    html = backprop_page(neuron()).html
    page = Parsed(html)
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on")} | ({"style", "src"} & attributes.keys()), tag
        assert attributes.get("href", "data:,") == "data:,"
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", html.replace("http://www.w3.org/2000/svg", "")) == []


def test_a_neuron_is_small():
    ws, xs = [Value(0.1 * i, f"w{i}") for i in range(3)], [Value(1.0 + i, f"x{i}") for i in range(3)]
    decayed = (neuron() - 1) ** 2 + 0.1 * Value(-3.0, "w") ** 2
    modular = (MLP(2, [1], activation="tanh", seed=0)([1.0, -1.0]) - 1) ** 2
    for loss in (neuron(), decayed, dot(ws, xs, Value(0.5, "b")).relu(), modular):
        assert len(backprop_page(loss).html.encode()) < 100_000


def test_the_same_graph_gives_the_same_bytes():
    code = "from tests.viz.test_viz_page import *; print(backprop_page(neuron(), quiz=True).html)"
    pages = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}, cwd=ROOT, capture_output=True, check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }  # fmt: skip
    assert len(pages) == 1


def test_the_data_are_those_of_the_steps():
    loss = (neuron() - 0.5) ** 2 * Value(3.0, "scale")
    data = data_of(backprop_page(loss, quiz=True).html)
    nodes = topological_sort(loss)
    index = {node: i for i, node in enumerate(nodes)}
    assert [node["value"] for node in data["nodes"]] == [node.data for node in nodes]
    assert [node["parents"] for node in data["nodes"]] == [[index[p] for p in node.parents] for node in nodes]
    kinds = [step["kind"] for step in data["steps"]]
    forward = sum(node.op is not None for node in nodes)
    assert kinds == ["forward"] * forward + ["seed"] + ["backward"] * (len(kinds) - forward - 1)
    edges = [(index[parent], i) for i, node in enumerate(nodes) for parent in node.parents]
    for told, step in zip(data["steps"][forward + 1 :], backward_steps(loss), strict=True):
        assert (told["node"], told["parent"], told["local"]) == (index[step.node], index[step.parent], step.local)
        assert edges[told["edge"]] == (told["parent"], told["node"])
    assert data["quiz"] is True
    for i, node in enumerate(nodes):
        assert ("check" in data["nodes"][i]) == (node.op is None and node.requires_grad)


def test_the_graph_is_not_changed():
    loss = neuron()
    backprop_page(loss)
    assert not any(node.has_grad for node in topological_sort(loss))
    loss.backward()
    before = [node.grad for node in topological_sort(loss)]
    backprop_page(loss)
    assert [node.grad for node in topological_sort(loss)] == before


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_text(name):
    y = tanh(Value(0.5, name)) + 1
    y.name = name + "'"
    html = backprop_page(y, title=name).html
    page = Parsed(html)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2
    assert tags.count("style") == 1
    assert not {"img", "iframe", "a", "object", "embed", "base", "form"} & set(tags)
    assert page.texts["h1"] == [visible(name)]
    assert page.texts["title"][0] == visible(name)
    assert data_of(html)["nodes"][0]["label"] in (visible(name), *visible(name).split("."))
    assert framed(html, 100, name).count("<") == 2  # the frame's own tags


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_inf_and_nan_travel():
    x = Value(inf, "x")
    loss = x * Value(0.0, "zero") + engine.exp(Value(800.0, "large"))
    data = data_of(backprop_page(loss).html)
    assert {node["label"]: node["value"] for node in data["nodes"]} == {
        "x": "inf", "zero": 0.0, "v1": "nan", "large": 800.0, "v2": "inf", "L": "nan",
    }  # fmt: skip
    assert data_of(backprop_page(Value(nan, "alone")).html)["nodes"][0]["value"] == "nan"


def test_it_is_saved_and_shown(tmp_path):
    page = backprop_page(neuron(), tmp_path / "page.html", title="T")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert page.save(str(tmp_path / "again.HTM")) == tmp_path / "again.HTM"
    bundle = page._repr_mimebundle_()
    assert bundle["text/plain"] == "Page(title='T')"
    assert bundle["text/html"].startswith('<iframe sandbox="allow-scripts" srcdoc="&lt;!doctype html&gt;')
    assert Parsed(bundle["text/html"]).elements[0][1]["srcdoc"] == page.html
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.HTM", "page.html"]


def test_what_cannot_be_told_is_refused(tmp_path):
    with pytest.raises(TypeError, match="expected one Value"):
        backprop_page([1.0])
    with pytest.raises(ValueError, match=r"\.html, not as 'page\.txt'"):
        backprop_page(neuron(), tmp_path / "page.txt")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        backprop_page(neuron(), tmp_path / "nowhere" / "page.html")
    chain = Value(1.0)
    for _ in range(LONGEST):
        chain = chain.tanh()
    with pytest.raises(ValueError, match="2,001 nodes"):
        backprop_page(chain)
    loss = neuron()
    topological_sort(loss)[0].data = 7.0
    with pytest.raises(RuntimeError, match="compute the graph again"):
        backprop_page(loss)
    assert list(tmp_path.iterdir()) == []
