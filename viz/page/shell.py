"""One self-contained HTML file that can be trusted with any text.

Style and script stand in the file, and its Content-Security-Policy names them by their hashes: nothing else runs,
nothing is loaded, nothing is sent. What a user wrote enters in two ways only: as escaped text, and as JSON in which
no `<` is left to end the element that holds it.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from viz import text


def document(title: str, body: str, data: Any, *, styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The file: a title (text), a body (HTML that is escaped already), data for the scripts, and the names of assets.

    The scripts run in order, in one scope of their own, with `data` as a constant. The same arguments give the
    same bytes.
    """
    style = "\n".join(map(_lean, styles))
    script = "\n".join(['"use strict";(()=>{', _DATA, *map(_lean, scripts), "})();"])
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text.xml(title)}</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            body,
            f'<script type="application/json" id="data">{safe_json(data)}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


_DATA = 'const data = JSON.parse(document.getElementById("data").textContent);'


def asset(name: str) -> str:
    """The text of a style sheet or a script that lies beside this file."""
    return files("viz.page").joinpath(name).read_text(encoding="utf-8").strip()


def _lean(name: str) -> str:
    """A style sheet or a script without its comments and its indentation, a fifth of its size."""
    lines = re.sub(r"^\s*(//.*|/\*.*?\*/)$", "", asset(name), flags=re.MULTILINE).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def safe_json(data: Any) -> str:
    r"""JSON that can stand inside a script element: plain ASCII, and no `<`, which alone could end the element.

    >>> safe_json(["</script>"])
    '["\\u003c/script>"]'
    """
    written = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return written.replace("<", "\\u003c")


def framed(html: str, height: int, label: str) -> str:
    """The file inside a page of somebody else's, as a notebook: in a frame that may run its script and nothing more."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(html)}" title="{text.xml(label)}"'
        f' width="100%" height="{height}" style="border:1px solid #cbd5e1;border-radius:8px"></iframe>'
    )


def _hash(content: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(content.encode()).digest()).decode()
