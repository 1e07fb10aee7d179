"""Backpropagation as pictures, one for each step (`viz.story`): an animation, or a folder of SVG files for slides.

    save_steps(loss, "steps.gif")       also .webp, .apng, .png; a second or so a step, for ever
    save_steps(loss, "steps/")          000.svg, 001.svg, ...: these need nothing installed

Nothing moves from frame to frame: all of them are the same picture, the one at the end of the story, with what has
not happened yet made pale or left out. What happens now is lit up, and a caption says it in symbols and numbers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from engine import Value
from engine.files import write
from viz.film import Film
from viz.painting import png
from viz.story import Story

_PIXELS = 1920  # the width of an animation, at most; else two for one of the SVG
_ANIMATED = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG", ".png": "PNG"}
_KINDS = f"{', '.join(_ANIMATED)}, or a folder, as 'steps/', for numbered SVG files"


def save_steps(loss: Value, path: str | os.PathLike[str], *, title: str | None = None, seconds: float = 1.2) -> Path:
    """Save the forward and the backward pass of a graph as pictures, one for each step; the graph is not changed.

    .gif, .webp, .apng, .png    an animation (.png is one as well), by the extra `gif`; up to 1920 pixels wide
    a folder, as "steps/"       000.svg, 001.svg, ..., which need nothing; an older one of such files is replaced

    Either appears whole or not at all.

    title    a heading above the graph
    seconds  how long a step is shown; the last is shown three times as long

    Raises:
        TypeError: if `loss` is not a Value.
        ValueError: for another suffix, for seconds that are not more than 0, and for a graph of more than 200 steps.
        FileExistsError: if there is a folder of that name with other files in it.
        FileNotFoundError: if there is no folder to put it in.
        RuntimeError: for an animation without the extra `gif`, and if a node's data was changed since it was used.
    """
    suffix, folder = Path(path).suffix.lower(), os.fspath(path).endswith(("/", os.sep))
    if suffix and suffix not in _ANIMATED and not folder:
        raise ValueError(f"steps are saved as {_KINDS}; not as {Path(path).name!r}")
    if not (seconds > 0 and isfinite(seconds)):
        raise ValueError(f"seconds says how long a step is shown, a number greater than 0, not {seconds!r}")
    film = Film(Story(loss), title)
    if suffix and not folder:
        write(Path(path), _animation(film, _ANIMATED[suffix], seconds))
    else:
        _write_folder(Path(path), [frame.encode() for frame in film.frames()])
    return Path(path)


# -------------------------------------------------------------------------- the files


def _animation(film: Film, format: str, seconds: float) -> bytes:
    """The frames one after the other, for ever, the last one longer."""
    try:
        import resvg_py  # noqa: F401  (painted by it)
        from PIL import Image
    except ImportError:
        raise RuntimeError(
            'to save steps as an animation, `pip install "chainrule[gif]"`; a folder, as "steps/", needs nothing'
        ) from None
    sharp = min(2.0, _PIXELS / film.width)
    shots = [png(frame, sharp) for frame in film.frames()]
    times = [max(20, round(seconds * 1000))] * (len(shots) - 1) + [max(20, round(3000 * seconds))]
    options: dict[str, Any] = {"duration": times, "loop": 0}
    if format == "GIF":
        options["optimize"] = False
    elif format == "WEBP":
        options |= {"lossless": True, "quality": 60, "method": 4}
    opened = (Image.open(BytesIO(shot)).convert("RGB") for shot in shots)
    first, *others = opened if format == "WEBP" else _with_one_palette(shots)
    first.save(file := BytesIO(), format, save_all=True, append_images=others, **options)
    return file.getvalue()


def _with_one_palette(shots: Sequence[bytes]) -> Iterator[Any]:
    """The images in the same 256 colours, or what does not change would flicker.

    Each pixel has the nearest of the most frequent colours. (Pillow's own `quantize` takes one that is near: its
    white is not white.)
    """
    from PIL import Image

    found = [np.unique(_pixels(shot), return_counts=True) for shot in shots]
    colors, place = np.unique(np.concatenate([colors for colors, _ in found]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([count for _, count in found]))
    palette = _parts(colors[np.argsort(-counts, kind="stable")[:256]])
    nearest = np.array([np.argmin(np.sum((palette - color) ** 2, axis=1)) for color in _parts(colors)], np.uint8)
    for shot in shots:
        image = Image.fromarray(nearest[np.searchsorted(colors, _pixels(shot))])
        image.putpalette(palette.astype(np.uint8).tobytes())
        yield image


def _pixels(shot: bytes) -> Any:
    """The pixels of a PNG, each as one number."""
    from PIL import Image

    return np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(np.int32) @ np.array(
        [1 << 16, 1 << 8, 1], np.int32
    )


def _parts(colors: Any) -> Any:
    """Red, green and blue, a row for each."""
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1)


def _write_folder(path: Path, frames: Sequence[bytes]) -> None:
    """A folder of numbered files: all of them, or what was there before."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to save {path.name!r} in; make it first")
    if path.exists() and not (path.is_dir() and all(_is_frame(file) for file in path.iterdir())):
        raise FileExistsError(f"there are other things in {str(path)!r}; give the name of a new folder for the frames")
    beside = path.with_name(f".part-{token_hex(8)}")
    before = path.with_name(f".part-{token_hex(8)}")
    digits = max(3, len(str(len(frames) - 1)))
    try:
        beside.mkdir()
        for number, frame in enumerate(frames):
            write(beside / f"{number:0{digits}}.svg", frame)
        if path.exists():
            path.rename(before)
        beside.rename(path)
    except BaseException:
        if before.exists() and not path.exists():
            before.rename(path)
        raise
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)


def _is_frame(file: Path) -> bool:
    return file.is_file() and file.suffix == ".svg" and file.stem.isdigit()
