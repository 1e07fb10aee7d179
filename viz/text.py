"""Text in a picture: shown exactly, whatever a user put in it, and never wider than its place.

A name is arbitrary text. `visible` gives control characters a visible sign, since neither XML nor DOT can
hold them; `xml` and `dot` then escape what has a meaning there; `width` is a careful estimate of how
wide a line of text is, since the fonts of the reader's machine are not known here.
"""

import re
import unicodedata

_LONG, _HEAD, _TAIL = 24, 13, 10  # a longer name shows its beginning and its end

# Control characters have pictures of their own (␀ ␊ ␛ ...); what is no character at all becomes �.
_SIGNS = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_SIGNS |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)

_NARROW, _WIDE = set(" !'(),-./:;I[]`fijlrt{|}\\"), set("%@MWmw")
_FAMILIAR = re.compile(r"[\x20-\u024f\u0370-\u03ff\u1e00-\u1eff\u2010-\u22ff\u2400-\u2426\ufffd]*")


def visible(text: str) -> str:
    """The text with a visible sign in the place of each control character and each lone surrogate.

    >>> visible("loss\\n\\0")
    'loss␊␀'
    """
    return text.translate(_SIGNS)


def shortened(text: str, longest: int = _LONG) -> str:
    """The text, or its beginning and its end where it is longer than `longest` characters.

    >>> shortened("the_mean_squared_error_of_the_second_batch")
    'the_mean_squa…cond_batch'
    """
    if len(text) <= longest:
        return text
    tail = longest * _TAIL // _LONG
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def xml(text: str) -> str:
    """The text as the content of an XML element or of a quoted attribute."""
    escaped = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;")


def dot(text: str) -> str:
    r"""The text for a label of DOT, plain or HTML-like: entities only, so that no quote and no bracket is left.

    A backslash is written twice: once for DOT, and once for the labels, in which `\N` is the node's id.

    >>> dot('<b>"\\N"')
    '&lt;b&gt;&quot;&#92;&#92;N&quot;'
    """
    return xml(text).replace("\\", "&#92;&#92;")


def number(x: float) -> str:
    """Four digits of a number, a whole number of up to six digits in full, with a real minus sign.

    >>> number(-0.70710678), number(1000.0), number(1.5e-7), number(float("-inf"))
    ('−0.7071', '1000', '1.5e−7', '−∞')
    """
    if x == 0:
        return "0"
    written = f"{x:.0f}" if abs(x) < 1e6 and x == int(x) else f"{x:.4g}"
    return re.sub(r"e([+-])0*", r"e\1", written).replace("e+", "e").replace("-", "−").replace("inf", "∞")


def plural(count: int, what: str) -> str:
    """So many of something.

    >>> plural(1, "node"), plural(1200, "node")
    ('1 node', '1,200 nodes')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper estimate of the width of a line in a sans-serif font: that of DejaVu Sans, the widest in use."""
    return size * (1.1 if bold else 1.0) * sum(map(_advance, text))


def mono_width(text: str, size: float) -> float:
    """The width of a line in a fixed-width font: 0.6 of the size a character in every common one."""
    return 0.62 * size * len(text)


def is_familiar(text: str) -> bool:
    """Whether the estimates of width hold: Latin, Greek and mathematics, no stacked marks, no other scripts."""
    return _FAMILIAR.fullmatch(text) is not None


def _advance(character: str) -> float:
    if character in _NARROW:
        return 0.45
    if character in _WIDE:
        return 1.0
    if character.isascii():
        return 0.78 if character.isupper() or character in "#&+<=>~^" else 0.66
    if unicodedata.combining(character):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) not in "WF" else 1.3
