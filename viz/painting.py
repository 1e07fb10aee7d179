"""A drawing as PNG or PDF: the picture of `viz.svg`, painted by resvg (PNG) or by typst (PDF).

Both are small programs in one Python package each, the extras `png` and `pdf`. Where they are not installed, the
Graphviz program paints the same cards at the same places in its own way.
"""

import re
from importlib.util import find_spec
from math import sqrt
from subprocess import CalledProcessError
from typing import Any

import graphviz

from viz.engines import INSTALL

_SHARP = 2.0  # pixels for one of the drawing, each way
_MOST_PIXELS, _LONGEST = 50e6, 32_000.0  # 200 MB while it is painted; longer sides, some viewers refuse

# User text is in the SVG, which is data here. Without a date, the same drawing gives the same bytes.
_PAGE = b"""\
#set document(date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg")
"""


def painted(svg: str, places: graphviz.Digraph, format: str) -> bytes:
    """The picture as the content of a file of the given format, "png" or "pdf".

    `places` is the same drawing as DOT with every place written down, for a Graphviz that only paints.

    Raises:
        RuntimeError: where nothing is installed that paints it, where that fails, and where there is no font.
    """
    try:
        return png(svg) if format == "png" else _pdf(svg)
    except ImportError:
        return _by_dot(places, format)


def png(svg: str, sharp: float = _SHARP) -> bytes:
    """By resvg: two pixels for one (or as many as `sharp` says), and fewer for a very large drawing."""
    import resvg_py

    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0])
    zoom = min(sharp, sqrt(_MOST_PIXELS / (width * height)), _LONGEST / max(width, height))
    for fonts in ({}, _fonts_of_matplotlib()):
        if _shows_text(svg, fonts):
            content: bytes = resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, background="white", **fonts)
            return content
    raise RuntimeError(
        "to save a drawing as .png, install a font, as DejaVu Sans (`apt install fonts-dejavu-core`, or `pip install "
        "matplotlib`, which brings it along): none was found, and without one there is no text; .svg needs nothing"
    )


def _shows_text(svg: str, fonts: dict[str, Any]) -> bool:
    """Whether there is a font for each family of a drawing: where there is none, resvg silently leaves text out."""
    import resvg_py

    def sample(family: str, letter: str) -> bytes:
        text = f'<text y="20" font-family="{family}">{letter}</text>'
        content: bytes = resvg_py.svg_to_bytes(
            svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30">{text}</svg>', **fonts
        )
        return content

    families = set(re.findall(r'font-family="([^"]*)"', svg))
    return all(sample(family, "M") != sample(family, "") for family in families)


def _fonts_of_matplotlib() -> dict[str, Any]:
    """The folder of the fonts (DejaVu) that come with matplotlib, where that is installed."""
    spec = find_spec("matplotlib")
    folders = (spec and spec.submodule_search_locations) or []
    return {"font_dirs": [f"{folder}/mpl-data/fonts/ttf" for folder in folders]}


def _pdf(svg: str) -> bytes:
    """By typst, as one page of the drawing's size. It has fonts of its own for a machine without."""
    import typst

    content: bytes = typst.compile(_PAGE, format="pdf", sys_inputs={"svg": svg})
    return content


def _by_dot(places: graphviz.Digraph, format: str) -> bytes:
    if format == "png":
        places.attr(dpi="144")
    cure = f'`pip install "chainrule[{format}]"`'
    try:
        return places.pipe(format=format, engine="neato", neato_no_op=2, quiet=True)  # type: ignore[no-any-return]
    except graphviz.ExecutableNotFound:
        raise RuntimeError(f"to save a drawing as .{format}, {cure}, or {INSTALL}; .svg needs nothing") from None
    except (CalledProcessError, OSError) as error:
        raise RuntimeError(f"Graphviz could not make a .{format} of this drawing; {cure} does without it") from error
