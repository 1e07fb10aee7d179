"""Names for the lesson on a GPT: those in a file, one a line, or those that Python's own library defines.

    names = read_names("names.txt")          # or library_names()
    letters = letters_of(names)              # "_abc...z"
    tokens = as_tokens(names, letters)             # (names, 17): the mark, the name, marks up to the end

Glossary: a letter is any character of a name; a token is the number of a letter, counted from 1; the mark, token 0,
stands before the first and behind the last letter.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]

LONGEST = 15  # letters of a name
PLACES = LONGEST + 1  # where a letter or the mark can follow
MARK = 0
FEWEST_NAMES, MOST_LETTERS = 20, 100  # below there is nothing to learn; beyond the graph of the model is too large

MODULES = """
abc ast bdb calendar cmd code codecs collections configparser contextlib copy csv datetime dis enum fileinput fractions
ftplib functools gettext glob graphlib gzip http imaplib importlib io linecache logging lzma mailbox multiprocessing
numbers operator optparse os pathlib pdb pickle plistlib poplib posixpath pprint pydoc queue random reprlib sched
selectors shelve shlex smtplib socket socketserver ssl statistics string symtable tarfile tempfile threading tokenize
traceback turtle types typing urllib uuid warnings wave weakref webbrowser xml xmlrpc zipfile zoneinfo
"""  # written in Python, and on every system

# ------------------------------------------------------------------------------ where names come from


def library_names() -> list[str]:
    """The functions, methods and classes of Python's own library, in order, each once: of 2 to 15 of a ... z and _.

    Their sources are read, and nothing is imported or run: the names depend on the version of Python alone. A class
    `BufferedReader` is buffered_reader here, and __init__ is init.

    Raises:
        FileNotFoundError: where Python was installed without these sources.
    """
    found = {snake_case(name) for path in _sources() for name in _defined(path)}
    if not found:
        raise FileNotFoundError(
            f"there are no sources of Python's library in {_library()}; give names of your own, one a line: "
            "python -m demos 10 --data names.txt"
        )
    return sorted(name for name in found if re.fullmatch(f"[a-z_]{{2,{LONGEST}}}", name))


def snake_case(name: str) -> str:
    """The name in small letters, words joined by _, without _ at the ends.

    >>> snake_case("HTTPServer"), snake_case("__get_item__"), snake_case("startElement")
    ('http_server', 'get_item', 'start_element')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_")


def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _sources() -> Iterator[Path]:
    """The files of the modules: one of its own, or all of a package but its tests."""
    for module in MODULES.split():
        for path in [_library() / f"{module}.py", *sorted((_library() / module).rglob("*.py"))]:
            if path.is_file() and not {"test", "tests"} & set(path.parts[len(_library().parts) :]):
                yield path


def _defined(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name


def read_names(path: Path | str) -> list[str]:
    """The names in a text file, one a line, in its order, each once. Blank lines and blanks around a name go.

    Raises:
        ValueError: if it is no text in UTF-8, or has a name of more than 15 letters, less than 20 different names, or
            more than 100 different letters.
        OSError: if it cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}. It should have one name a line") from None
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if len(name) > LONGEST:
            said = f"{name[:LONGEST]!r}... has {len(name)} letters, and the model takes {LONGEST} at most"
            raise ValueError(f"{path}, line {number}: {said}; shorten it or leave it out")
        if not name.isprintable():
            raise ValueError(f"{path}, line {number}: {name!r} is no name; a line holds one, as text")
    names = list(dict.fromkeys(filter(None, map(str.strip, lines))))
    letters = letters_of(names)
    if len(names) < FEWEST_NAMES:
        raise ValueError(f"{path} has {len(names)} different names; it takes {FEWEST_NAMES} to learn, one a line")
    if len(letters) > MOST_LETTERS:
        raise ValueError(f"{path} has {len(letters)} different letters; the model takes {MOST_LETTERS} at most")
    return names


# ------------------------------------------------------------------------------ as numbers


def letters_of(names: Sequence[str]) -> str:
    """Each letter that there is, in order."""
    return "".join(sorted(set("".join(names))))


def as_tokens(names: Sequence[str], letters: str) -> Tokens:
    """The names as tokens, (names, 17): the mark, the letters, and marks up to the end.

    >>> as_tokens(["abba"], "ab")[0, :8].tolist()
    [0, 1, 2, 2, 1, 0, 0, 0]
    """
    number = {letter: i for i, letter in enumerate(letters, MARK + 1)}
    tokens = np.full((len(names), PLACES + 1), MARK)
    for row, name in zip(tokens, names, strict=True):
        row[1 : len(name) + 1] = [number[letter] for letter in name]
    return tokens


def table_loss(learned: Tokens, held_out: Tokens, vocabulary: int) -> float:
    """The loss of a table of pairs: p(y | x) = (1 + how often y follows x) / (the sum over all y), as counted.

    As a GPT's it is the mean of −ln p over the letters of a name and its end, and of that the mean over the names. One
    is added to each count, so that what was never seen is not impossible.
    """
    counts = np.ones((vocabulary, vocabulary))
    np.add.at(counts, (learned[:, :-1], learned[:, 1:]), _inside(learned))
    table = -np.log(counts / counts.sum(axis=1, keepdims=True))
    losses = table[held_out[:, :-1], held_out[:, 1:]]
    return float(np.average(losses, axis=1, weights=_inside(held_out)).mean())


def _inside(tokens: Tokens) -> npt.NDArray[np.float64]:
    """1.0 at the places of each name, its end too, and 0.0 behind it: (names, 16)."""
    inside = np.where(tokens[:, :-1] == MARK, 0.0, 1.0)
    inside[:, 0] = 1.0
    return inside
