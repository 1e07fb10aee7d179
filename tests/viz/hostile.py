"""Names that want to be more than text, and a small graph that bears one. Shared by the tests of SVG, DOT and pages."""

from engine import Value, tanh

NAMES = [
    # what means something in DOT
    "{", "}", "|", "<", ">", "{a|b}", "<f0> port", "a:b", "a:b:n", ":n", '"', '""', 'a"b', "'", "\\", "a\\", "\\\\",
    "\\N", "\\G", "\\E", "\\L", "\\n", "\\l", "\\r", '\\"', "<b>bold</b>", "<<i>x</i>>", "<>", "< >", "node", "graph",
    "digraph", "subgraph", "strict", "edge", "cluster_0", "n0", "->", "n0 -> n1", "];", "}\n", "// comment", "/* c */",
    "# line", "label=x", '", URL="http://example.org", x="', "%3", "\\x41", "+", "-1", "1.5",
    # what means something in XML and HTML
    "&", "&amp;", "&lt;", "&#65;", "&nbsp;", "&#0;", "&bogus;", "<!-- -->", "]]>", "<![CDATA[x]]>", "<?xml?>",
    "</svg>", "</title><script>alert(1)</script>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "javascript:alert(1)", "' onload='alert(1)", '" onload="alert(1)', "<!DOCTYPE x>", "<style>*{display:none}</style>",
    # what means something in a script and in the data of a page
    "</script>", "</script><script>alert(1)</script>", "<!--<script>", '"-alert(1)-"', "';alert(1)//",
    "`${alert(1)}`", "{{alert(1)}}", "__proto__", "constructor", "\u2029", "#step=3", "$&", "%s", "null",
    # control characters, white space, and what is no character
    "\0", "a\0b", "\x01", "\x08", "\t", "\n", "a\nb", "\r", "\r\n", "\x0b", "\x0c", "\x1b[31m", "\x1f", "\x7f", "\x85",
    "\x9f", "\ud800", "\udfff", "\ufffe", "\uffff", " ", "  ", " a ", "a  b", "\u00a0", "\u2028", "\u200b", "\ufeff",
    # scripts, marks and pictures
    "θ₁", "∂L/∂w", "重み", "пример", "مثال", "\u202eabc", "e\u0301", "Z" + "\u0351" * 30, "👩‍👩‍👧", "🇨🇭", "𝔚", "ﷺ",
    # size
    "x" * 300, "W" * 40, "<" * 100, "&" * 100,
]  # fmt: skip


def hostile(name: str) -> Value:
    x = Value(0.5, name)
    y = tanh(x) + 1
    y.name = name
    return y
