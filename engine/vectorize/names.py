"""Names for arrays, from the names of the nodes in them.

layers[0].neurons[3].z, layers[0].neurons[4].z, ...     ->  layers0_z
hidden.neurons[0].w[0], hidden.neurons[0].w[1], ...     ->  hidden_W
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_PARTS = re.compile(r"[^\W\d]\w*|\d+")

LONGEST = 48  # characters of a name

# What a result without names is called, by its operation; others by the operation's own name.
_LETTERS = {
    "dot": "z", "add": "y", "sub": "d", "mul": "m", "div": "q", "neg": "n", "pow": "p", "softmax": "p", "shares": "p",
    "relu": "a", "tanh": "a", "sigmoid": "a", "exp": "e", "sum": "s",
}  # fmt: skip


def common_name(names: Sequence[str | None]) -> str:
    """What the names have in common, as a Python name; "" if there is nothing, or one has no name.

    An index that is not the same everywhere goes, and with it the word before it, unless that is the last.

    >>> common_name(["layers[0].neurons[0].z", "layers[0].neurons[7].z"])
    'layers0_z'
    >>> common_name(["W[0][0]", "W[3][1]"])
    'W'
    """
    if not names or not all(names):
        return ""
    words = [_words(unicodedata.normalize("NFKC", name)) for name in names if name]  # as Python reads them
    if len({tuple(word for word, _ in each) for each in words}) != 1:
        return ""
    parts = []
    for i, (word, _) in enumerate(words[0]):
        indices = {each[i][1] for each in words}
        last = i == len(words[0]) - 1
        if len(indices) == 1:
            index = "" if last else "_".join(next(iter(indices)))
            parts.append(word + index)
        elif last:
            parts.append(word)
    return "_".join(parts)


def _words(name: str) -> list[tuple[str, tuple[str, ...]]]:
    """The words of a name, each with the indices behind it."""
    found: list[tuple[str, list[str]]] = []
    for part in _PARTS.findall(name):
        if part.isdigit() and found:
            found[-1][1].append(part)
        elif not part.isdigit():
            found.append((part, []))
    return [(word, tuple(indices)) for word, indices in found]


class Names:
    """Names that are not yet taken."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._count: dict[str, int] = {}

    def copy(self) -> Names:
        """The same names taken; what either takes from now on the other does not know."""
        other = Names(self._taken)
        other._count = dict(self._count)
        return other

    def new(self, wish: str, of: str = "") -> str:
        """The wish itself, or with a number behind it; without a wish a letter for the operation `of`, numbered."""
        wish = identifier(wish)
        if wish and wish not in self._taken:
            self._taken.add(wish)
            return wish
        stem = wish or identifier(_LETTERS.get(of, of)) or "v"
        while True:
            self._count[stem] = self._count.get(stem, 0) + 1
            name = f"{stem}{'_' if stem[-1].isdigit() else ''}{self._count[stem]}"
            if name not in self._taken:
                self._taken.add(name)
                return name


@lru_cache(maxsize=1024)
def identifier(text: str) -> str:
    """The text as a name that Python reads as just that; "" if nothing of it can stay.

    >>> identifier("x²"), identifier("lambda"), identifier("2nd try")
    ('x2', '', 'nd_try')
    """
    text = re.sub(r"\s", "_", unicodedata.normalize("NFKC", text))
    text = "".join(c for c in text if f"a{c}".isidentifier())[:LONGEST].lstrip("0123456789")
    while text and not text.isidentifier():  # a digit of another script, in front
        text = text[1:]
    return "" if keyword.iskeyword(text) or text == "__debug__" or unicodedata.normalize("NFKC", text) != text else text
