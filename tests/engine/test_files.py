import errno
import io
import os
import sys
from pathlib import Path

import pytest

from engine import files
from engine.files import write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["x.svg", "two words.svg", "ü.svg", "x" * 251 + ".svg"])
def test_the_content_and_nothing_else(tmp_path, name):
    write(tmp_path / name, b"first, longer")
    write(tmp_path / name, b"second")
    assert (tmp_path / name).read_bytes() == b"second"
    assert names(tmp_path) == [name]


def test_a_bare_name_is_in_the_folder_where_one_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write(Path("x.svg"), b"x")
    assert names(tmp_path) == ["x.svg"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing.* to save 'x.svg' in; make it first"):
        write(tmp_path / "missing" / "x.svg", b"")
    assert names(tmp_path) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write(tmp_path / "file" / "x.svg", b"")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "x.svg").mkdir()
    with pytest.raises(IsADirectoryError, match=r"x.svg' is a folder; give the name of a file"):
        write(tmp_path / "x.svg", b"")
    assert names(tmp_path) == ["x.svg"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write(tmp_path / "x.svg", b"")
    tmp_path.chmod(0o700)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links and permissions as in POSIX")
def test_a_link_is_followed_and_permissions_are_kept(tmp_path):
    (tmp_path / "real.svg").write_bytes(b"old")
    (tmp_path / "real.svg").chmod(0o640)
    (tmp_path / "link.svg").symlink_to("real.svg")
    write(tmp_path / "link.svg", b"new")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_bytes() == b"new"
    assert (tmp_path / "real.svg").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["link.svg", "real.svg"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path):
    class FullDisk(io.FileIO):
        def write(self, content):
            super().write(content[:10])
            raise OSError(errno.ENOSPC, "no space left on device")

    (tmp_path / "x.svg").write_bytes(b"old")
    monkeypatch.setattr(files, "open", FullDisk, raising=False)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "x.svg", b"new" * 100)
    assert (tmp_path / "x.svg").read_bytes() == b"old"
    assert names(tmp_path) == ["x.svg"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interruption_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, step):
    def interrupted(*args):
        raise KeyboardInterrupt

    (tmp_path / "x.svg").write_bytes(b"old")
    monkeypatch.setattr(files.os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "x.svg", b"new")
    assert (tmp_path / "x.svg").read_bytes() == b"old"
    assert names(tmp_path) == ["x.svg"]
