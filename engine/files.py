"""A file is written whole or not at all."""

import os
import secrets
import shutil
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """All of the content in the file at `path`, or no change at all: it is written beside, then renamed.

    A link is followed, and a file that is there keeps its permissions.

    Raises:
        FileNotFoundError: if there is no such folder.
        IsADirectoryError: if the path is a folder itself.
        OSError: where the folder cannot be written, or the disk is full.

    >>> write(Path("nowhere/x.svg"), b"")
    Traceback (most recent call last):
    FileNotFoundError: there is no folder 'nowhere' to save 'x.svg' in; make it first
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to save {path.name!r} in; make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; give the name of a file")
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".part-{secrets.token_hex(8)}")  # short: the name may be as long as a name can be
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing in it
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
