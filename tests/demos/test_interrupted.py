"""Ctrl-C ends a lesson: it says how far it came, and begins nothing else."""

import importlib
import signal

import pytest

import nn
from demos.__main__ import main

SMALL = {
    "06_digits_cnn": {"maps": 1},
    "07_breast_cancer": {},
    "08_diabetes": {},
    "09_long_lag": {"length": 4, "hidden": 2, "progress": False},
    "11_uncertainty": {"hidden": 2, "progress": False},
}


@pytest.fixture
def begun(monkeypatch):
    """How often `fit` was called; each time Ctrl-C is pressed in the first step."""
    calls = []
    fit = nn.fit

    class Impatient:
        def on_step(self, run):
            signal.raise_signal(signal.SIGINT)

    def interrupted(*given, callbacks=(), **options):
        calls.append(given)
        return fit(*given, callbacks=[*callbacks, Impatient()], **options)

    monkeypatch.setattr(nn, "fit", interrupted)
    return calls


@pytest.mark.parametrize("name", SMALL)
def test_ctrl_c_ends_a_lesson(name, begun, tmp_path, capsys):
    if name < "09":
        pytest.importorskip("sklearn")
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module(f"demos.{name}").main(tmp_path, **SMALL[name])
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("interrupted in epoch 1, after 1 of its") or said == "interrupted after epoch 1"
    assert len(begun) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_ends_without_a_traceback(begun, tmp_path, capsys):
    pytest.importorskip("sklearn")
    assert main(["5", "--output", str(tmp_path)]) == 130
    assert "interrupted in epoch 1" in capsys.readouterr().out
    assert len(begun) == 1
    assert list(tmp_path.iterdir()) == []


def test_so_does_the_gallery(begun, tmp_path, capsys):
    pytest.importorskip("sklearn")
    gallery = importlib.import_module("demos.gallery")
    assert gallery.main([str(tmp_path)]) == 130
    assert len(begun) == 1
