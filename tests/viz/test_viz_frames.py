"""Frames: one picture, changed in its colours and numbers by each step, and the files they are saved in."""

import re
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from engine import Value, dot, tanh
from nn import MLP
from viz import draw, save_steps
from viz.film import _ROLES, MOST, Film, _pieces, _width
from viz.story import Story
from viz.text import number, visible, width

from .hostile import NAMES, hostile

SVG = "{http://www.w3.org/2000/svg}"


def neuron() -> Value:
    """A neuron whose weight is used twice, so that its gradient is a sum."""
    x, w, b = Value(2.0, "x"), Value(-0.5, "w"), Value(0.25, "b")
    return tanh(w * x + b) + w


def product() -> Value:
    """As small as can be: each step of an animation takes a tenth of a second to paint."""
    return Value(2.0, "x") * Value(3.0, "w")


def network() -> Value:
    model = MLP(2, [2, 1], activation="tanh", seed=1)
    return (model([0.5, -1.0]) - 1) ** 2


def frames(loss, title=None):
    return [ET.fromstring(frame) for frame in Film(Story(loss), title).frames()]


def of_class(tree, name):
    return [g for g in tree.iter(f"{SVG}g") if name in g.get("class", "").split()]


def shown(card, kind):
    """The number that a card shows as its data or its grad, "" for none."""
    return next((text.text or "" for text in card.iter(f"{SVG}text") if text.get("class") == kind), "")


def texts(tree):
    return ["".join(text.itertext()) for text in tree.iter(f"{SVG}text")]


def look(part):
    """All that makes a part stand out or fade."""
    return {(p.get("stroke"), p.get("stroke-width"), p.get("fill")) for p in part.iter()} | {part.get("opacity")}


# --------------------------------------------------------------------------------- what a frame shows


@pytest.mark.parametrize("loss", [neuron, network], ids=["neuron", "network"])
def test_numbers_appear_when_they_are_known(loss):
    story = Story(loss())
    for told, tree in enumerate(frames(loss()), 1):
        known = {event.node for event in story.events[:told]}
        gradients = story.gradients(told)
        cards = of_class(tree, "node")
        assert len(cards) == len(story.nodes)
        for i, (node, card) in enumerate(zip(story.nodes, cards, strict=True)):
            is_known = not node.op or i in known
            assert shown(card, "data") == (number(node.data) if is_known else "")
            assert shown(card, "grad") == (number(gradients[i]) if i in gradients else "")
            assert (card.get("opacity") is None) == is_known


def test_a_sum_grows():
    loss = neuron()
    story = Story(loss)
    w = next(i for i, label in enumerate(story.labels) if label == "w")
    sums = [shown(of_class(tree, "node")[w], "grad") for tree in frames(loss)]
    assert [now for before, now in pairwise(sums) if now != before] == ["1", "2.193"]


@pytest.mark.parametrize("loss", [neuron, network], ids=["neuron", "network"])
def test_the_edge_and_the_two_nodes_at_work_are_lit(loss):
    story, calm = Story(loss()), frames(loss())[-1]
    for event, tree in zip(story.events, frames(loss()), strict=True):
        cards = of_class(tree, "node")
        strong = [i for i, card in enumerate(cards) if any(part[1:2] == ("3.6",) for part in look(card) if part)]
        lit = [i for i, card in enumerate(cards) if any(part[2:] == ("#fff3c4",) for part in look(card) if part)]
        edges = [edge for edge in of_class(tree, "edge") if edge.find(f"{SVG}path").get("stroke-width") == "4"]
        if event.step:
            parent = story.index[event.step.parent]
            assert (strong, lit) == (sorted([event.node, parent]), [parent])
            (edge,) = edges
            assert (edge.get("data-from"), edge.get("data-to")) == (f"n{parent}", f"n{event.node}")
            assert number(event.step.local) in texts(edge)[0]
        else:
            assert (strong, lit, edges) == ([event.node], [event.node], [])
        if event.kind == "forward":
            used = [e.get("data-to") for e in of_class(tree, "edge") if e.find(f"{SVG}path").get("stroke-width") == "3"]
            assert used == [f"n{event.node}"] * len(story.nodes[event.node].parents)
    assert not any(edge.get("opacity") for edge in of_class(calm, "edge") if edge.find(f"{SVG}g") is not None)


def test_the_edge_at_work_points_back():
    """From the result's side to the operand: its arrow touches the operand's card."""
    loss = Value(2.0, "x") ** 2
    calm, turned = (of_class(frames(loss)[k], "edge")[0] for k in (0, -1))
    start = calm.find(f"{SVG}path[@class='line']").get("d").partition("C")[0]
    assert turned.find(f"{SVG}path[@class='head']").get("d").startswith(start + "L")


def test_an_edge_used_twice_is_lit_once_at_a_time():
    x = Value(3.0, "x")
    lit = [
        [edge.get("data-edge") for edge in of_class(tree, "edge") if edge.find(f"{SVG}path").get("stroke-width") == "4"]
        for tree in frames(x * x)
    ]
    assert lit == [[], [], ["e0"], ["e1"]]


@pytest.mark.parametrize("loss", [neuron, network], ids=["neuron", "network"])
def test_nothing_moves_and_all_frames_have_one_size(loss):
    def places(tree):
        return [tree.get("viewBox"), *(g.get("transform") for g in tree.iter(f"{SVG}g") if g.get("transform"))]

    first, *others = frames(loss())
    assert all(places(tree) == places(first) for tree in others)
    cards = [[card.find(f"{SVG}rect").get("width") for card in of_class(tree, "node")] for tree in [first, *others]]
    assert all(widths == cards[0] for widths in cards)


def test_the_caption_is_the_line_of_the_story_and_where_it_is():
    loss = neuron()
    story = Story(loss)
    for k, (event, tree) in enumerate(zip(story.events, frames(loss), strict=True)):
        direction = "forward" if event.kind == "forward" else "backward"
        line, where = story.line(event), f"step {k + 1} of {len(story.events)} · {direction}"
        assert {line, where} <= set(texts(tree))
        assert tree.findtext(f"{SVG}title") == f"{where}: {line}"
        roles = texts(tree)[-1]
        assert ("upstream × local = contribution" in roles) == (event.step is not None)
        assert ("value" in roles) == (event.kind == "forward")


def test_the_roles_have_the_colours_of_the_page():
    css = (draw.__globals__["__file__"]).replace("render.py", "page/step.css")
    with open(css, encoding="utf-8") as file:
        light = file.read().partition("@media")[0]
    assert {role: re.search(rf"--{role}: (#\w+)", light)[1] for role in _ROLES} == _ROLES


def test_captions_stay_within_the_frame():
    """A long one is set smaller; what is longer still is shortened."""
    xs = [Value(0.1 * i, f"a_rather_long_name_of_an_input_{i}") for i in range(30)]
    for loss, is_long in ((neuron(), False), (dot(xs, xs), True), (hostile("W" * 80), True)):
        story, shortened = Story(loss), 0
        for event, tree in zip(story.events, frames(loss), strict=True):
            caption, *_ = tree.findall(f".//{SVG}text")[-3:]
            size, room, content = float(caption.get("font-size")), float(tree.get("width")) - 32, texts(tree)[-3]
            if content == story.line(event):
                assert _width(_pieces(story, event)) * size / 17 <= room + 0.5
            else:
                assert "…" in content
                assert width(content, size) <= room
                shortened += 1
            assert size >= 10
        assert bool(shortened) == is_long


def test_a_title_is_a_heading():
    assert "A <neuron>" in texts(frames(neuron(), "A <neuron>")[0])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hostile_names_are_text(name):
    for tree in frames(hostile(name), name):
        assert {part.tag.removeprefix(SVG) for part in tree.iter()} <= {
            "svg", "title", "rect", "path", "text", "tspan", "g",
        }  # fmt: skip
        assert not [key for part in tree.iter() for key in part.attrib if key.startswith("on") or "href" in key]
        if len(name) < 12 and "." not in name:
            assert any(visible(name) in line for line in texts(tree))


def test_nothing_is_changed():
    loss = neuron()
    assert list(Film(Story(loss), None).frames()) == list(Film(Story(loss), None).frames())
    assert not loss.has_grad


# --------------------------------------------------------------------------------- a folder of SVG


def test_a_folder_has_a_file_for_each_step(tmp_path):
    loss = neuron()
    path = save_steps(loss, tmp_path / "frames")
    assert path == tmp_path / "frames"
    files = sorted(path.iterdir())
    assert [file.name for file in files] == [f"{k:03}.svg" for k in range(len(Story(loss).events))]
    assert [file.read_text(encoding="utf-8") for file in files] == list(Film(Story(loss), None).frames())
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_slash_says_that_it_is_a_folder(tmp_path):
    save_steps(Value(1.0, "x") * 2, f"{tmp_path}/version.2/")
    assert (tmp_path / "version.2" / "000.svg").exists()


def test_a_folder_of_older_frames_is_replaced(tmp_path):
    save_steps(network(), tmp_path / "frames")
    save_steps(Value(1.0, "x") * 2, tmp_path / "frames")
    assert len(list((tmp_path / "frames").iterdir())) == 3
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("other", ["notes.txt", "picture.svg", "1.png"])
def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path, other):
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / other).write_text("mine")
    with pytest.raises(FileExistsError, match="other things"):
        save_steps(neuron(), folder)
    assert [file.name for file in folder.iterdir()] == [other]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "frames").write_text("mine")
    with pytest.raises(FileExistsError):
        save_steps(neuron(), tmp_path / "frames")
    assert (tmp_path / "frames").read_text() == "mine"


@pytest.mark.parametrize("fails", [0, 3])
def test_after_a_failure_everything_is_as_before(tmp_path, monkeypatch, fails):
    save_steps(Value(1.0, "x") * 2, tmp_path / "frames")
    before = {file.name: file.read_bytes() for file in (tmp_path / "frames").iterdir()}
    written = []

    def full(path, content):
        written.append(path)
        if len(written) > fails:
            raise OSError("the disk is full")
        path.write_bytes(content)

    monkeypatch.setattr("viz.frames.write", full)
    with pytest.raises(OSError, match="full"):
        save_steps(neuron(), tmp_path / "frames")
    assert {file.name: file.read_bytes() for file in (tmp_path / "frames").iterdir()} == before
    assert len(list(tmp_path.iterdir())) == 1


# --------------------------------------------------------------------------------- animations

pil = pytest.importorskip("PIL.Image")
pytest.importorskip("resvg_py")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One product, saved in each format."""
    folder = tmp_path_factory.mktemp("animations")
    return {suffix: save_steps(product(), folder / f"steps{suffix}") for suffix in (".gif", ".webp", ".apng", ".png")}


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng", ".png"])
def test_an_animation_has_a_frame_for_each_step_and_runs_for_ever(saved, suffix):
    with pil.open(saved[suffix]) as image:
        assert image.n_frames == len(Story(product()).events) == 4
        assert image.info["loop"] == 0
        times = []
        for k in range(image.n_frames):
            image.seek(k)
            image.load()
            times.append(image.info["duration"])
        assert times == [1200] * (image.n_frames - 1) + [3600]
        assert image.width <= 1920
    assert saved[suffix].stat().st_size < 100_000


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_what_does_not_change_does_not_flicker(saved, suffix):
    """The paper is white in every frame, and a leaf far from the work has one colour throughout."""
    with pil.open(saved[suffix]) as image:
        seen = set()
        for k in range(image.n_frames):
            image.seek(k)
            frame = image.convert("RGB")
            seen.add((frame.getpixel((2, 2)), frame.getpixel((frame.width - 3, 3))))
        assert seen == {((255, 255, 255), (255, 255, 255))}


def test_a_gif_has_one_palette(saved):
    with pil.open(saved[".gif"]) as image:
        first = image.getpalette()
        for k in range(image.n_frames):
            image.seek(k)
            assert image.global_palette.getdata()[1][: len(first)] == bytes(first)
            assert image.tile == [] or len(image.tile) == 1


def test_the_same_story_gives_the_same_bytes(tmp_path):
    loss = Value(2.0, "x") * 3
    one, two = (save_steps(loss, tmp_path / f"{k}.gif").read_bytes() for k in (1, 2))
    assert one == two


def test_how_long_a_step_is_shown(tmp_path):
    with pil.open(save_steps(Value(1.0, "x") * 2, tmp_path / "x.gif", seconds=0.5)) as image:
        assert image.info["duration"] == 500


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "x.gif"
    path.write_bytes(b"before")
    monkeypatch.setattr("viz.frames.png", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_steps(neuron(), path)
    assert path.read_bytes() == b"before"


# --------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", ["steps.mp4", "steps.svg", "steps.jpg", "x.GIFF"])
def test_another_suffix_is_an_error_that_names_the_known_ones(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.gif, \.webp, \.apng, \.png, or a folder"):
        save_steps(neuron(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_step_takes_time(tmp_path, seconds):
    with pytest.raises(ValueError, match="greater than 0"):
        save_steps(neuron(), tmp_path / "x.gif", seconds=seconds)


@pytest.mark.parametrize("name", ["nowhere/x.gif", "nowhere/frames"])
def test_where_there_is_no_folder(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save_steps(Value(1.0) * 2, tmp_path / name)


@pytest.mark.parametrize("missing", ["PIL", "resvg_py"])
def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RuntimeError, match=r'pip install "chainrule\[gif\]"'):
        save_steps(neuron(), tmp_path / "x.gif")
    assert save_steps(neuron(), tmp_path / "frames").is_dir()


def test_too_many_steps(tmp_path):
    a = Value(1.0, "x")
    for _ in range(MOST):
        a = -a
    with pytest.raises(ValueError, match=r"401 steps.*single example"):
        save_steps(a, tmp_path / "frames")


def test_only_a_value_has_steps(tmp_path):
    with pytest.raises(TypeError, match="one Value"):
        save_steps([Value(1.0)], tmp_path / "frames")
