"""The lesson on digits with a convolutional network."""

import importlib
import re
import sys
from random import Random

import numpy as np
import pytest

import nn
from demos.data import digits, split

pytest.importorskip("sklearn")
lesson = importlib.import_module("demos.06_digits_cnn")


@pytest.fixture
def small(monkeypatch):
    """The lesson on fewer images."""
    whole = digits()
    monkeypatch.setattr(lesson, "digits", lambda: whole._replace(X=whole.X[:200], y=whole.y[:200]))


@pytest.mark.slow
def test_it_reads_98_percent_of_images_that_it_has_not_seen(tmp_path, capsys):
    lesson.main(tmp_path)
    printed = capsys.readouterr().out
    assert float(re.search(r"It reads (\d+\.\d)% of the 450 images held out", printed)[1]) >= 98.0
    assert "6138 parameters" in printed


def test_it_keeps_the_network_and_what_it_sees(small, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("safetensors")
    lesson.main(tmp_path, epochs=1, maps=1)
    printed = capsys.readouterr().out
    right, held_out, wrong = re.search(
        r"It reads (\d+\.\d)% of the (\d+) images held out, all but (\d+);", printed
    ).groups()
    assert float(right) == round(100 * (1 - int(wrong) / int(held_out)), 1)
    pictures = {"06_digits_cnn_history.png", "06_digits_cnn_maps.png"}
    for name in pictures:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == pictures | {"06_digits_cnn.safetensors"}
    assert "loaded again it says the same, bit for bit" in printed


def test_it_does_with_nothing_installed(small, tmp_path, capsys, monkeypatch):
    for module in ("matplotlib", "matplotlib.figure", "safetensors"):
        monkeypatch.setitem(sys.modules, module, None)
    lesson.main(tmp_path, epochs=1, maps=1)
    printed = capsys.readouterr().out
    assert printed.count('pip install "chainrule[plots]"') == 2
    assert printed.count('pip install "chainrule[storage]"') == 1
    assert not list(tmp_path.iterdir())


def test_the_network_is_three_linear_maps_with_batch_norm_between():
    model = lesson.network(Random(0), maps=2)
    shapes = {name: array.shape for name, array in model.state_dict().items() if name.endswith("weight")}
    assert list(shapes.values()) == [(2, 1, 3, 3), (2,), (4, 2, 3, 3), (4,), (10, 16)]
    assert model.predict(np.zeros((3, 1, 8, 8))).shape == (3, 10)


def test_what_was_kept_tells_other_weights(tmp_path):
    pytest.importorskip("safetensors")
    images = lesson.as_images(digits().X[:3])
    model = lesson.network(Random(0), maps=2)
    said = lesson.keep(model, 2, tmp_path / "model.safetensors", images)
    assert said.endswith("the same, bit for bit")
    again = lesson.network(Random(1), maps=2)
    assert not np.array_equal(again.predict(images), model.predict(images))
    nn.load(again, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(images), model.predict(images))


def test_images_keep_their_rows():
    rows = split(digits(), 0).X[:2]
    images = lesson.as_images(rows)
    assert images.shape == (2, 1, 8, 8)
    np.testing.assert_array_equal(images[1, 0, 3], rows[1, 24:32])
