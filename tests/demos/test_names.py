"""The names of the lesson on a GPT: where they come from, and what a table of pairs makes of them."""

import math
import re
import sys
from collections import Counter
from itertools import pairwise

import pytest

from demos import names
from demos.names import LONGEST, MARK, PLACES, as_tokens, letters_of, library_names, read_names, table_loss

SOURCE = """
class BufferedReader(Base):
    async def getValue(self, wide_argument, *, _key=None):
        self.attrName = 1
        local_name = a_name_that_is_too_long()
        self.x = self.café = self.utf8 = lambda y: __file__
"""


@pytest.mark.slow
def test_the_librarys_names_are_words_of_small_letters():
    before = set(sys.modules)
    found = library_names()
    assert set(sys.modules) == before  # sources are read, not run
    assert found == sorted(set(found))
    assert len(found) > 4000
    assert all(re.fullmatch(f"[a-z_]{{2,{LONGEST}}}", name) for name in found)
    assert letters_of(found) == "_abcdefghijklmnopqrstuvwxyz"
    assert {"namedtuple", "getitem", "buffered_reader", "default_factory", "strip"} <= set(found)


def test_what_counts_as_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "_library", lambda: tmp_path)
    (tmp_path / "abc.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "not_in_the_list.py").write_text("def elsewhere(): ...")
    (tmp_path / "http" / "tests").mkdir(parents=True)
    (tmp_path / "http" / "server.py").write_bytes("# -*- coding: latin-1 -*-\ndef serve(): 'é'".encode("latin-1"))
    (tmp_path / "http" / "tests" / "server.py").write_text("def tested(): ...")
    assert library_names() == ["attr_name", "buffered_reader", "get_value", "key", "self", "serve", "wide_argument"]


def test_without_the_librarys_sources_it_asks_for_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "_library", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no sources .* python -m demos 10 --data names.txt"):
        library_names()


def test_a_file_has_one_name_a_line(tmp_path):
    path, words = tmp_path / "names.txt", [f"näme {a}{b}" for a in "abcde" for b in "abcd"]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*words[:9], "", f"  {words[0]}\t", *words[9:], ""]).encode())
    assert read_names(path) == words
    assert read_names(str(path)) == words
    assert letters_of(read_names(path)) == " abcdemnä"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 different names; it takes 20"),
        (b"\n \n\n", "has 0 different names"),
        (b"anna\n" * 30, "has 1 different names"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"anna\n" + b"b" * 16, "line 2: 'bbbbbbbbbbbbbbb'... has 16 letters, and the model takes 15 at most"),
        (b"anna\nan\x00na", r"line 2: 'an\\x00na' is no name"),
        (b"an\tna", r"line 1: 'an\\tna' is no name"),
        ("\n".join(map(chr, range(0x4E00, 0x4E00 + 101))).encode(), "has 101 different letters; the model takes 100"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, said):
    path = tmp_path / "data.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"data\.txt.*{said}"):
        read_names(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_names(tmp_path / "nowhere.txt")


def test_names_as_tokens_and_back():
    words = ["b", "abc", "c" * LONGEST]
    tokens = as_tokens(words, "abc")
    assert tokens.shape == (3, PLACES + 1)
    assert tokens[1].tolist() == [MARK, 1, 2, 3, *[MARK] * (PLACES - 3)]
    assert tokens[2].tolist() == [MARK, *[3] * LONGEST, MARK]
    assert ["".join("abc"[t - 1] for t in row if t != MARK) for row in tokens] == words


def test_a_table_of_pairs_by_hand():
    learned, held_out, letters = ["ab", "abba", "b"], ["ba", "aaab"], "ab"
    marked = [f".{word}." for word in learned]
    seen = Counter(pair for word in marked for pair in pairwise(word))

    def surprise(x, y):
        return -math.log((1 + seen[x, y]) / sum(1 + seen[x, other] for other in ".ab"))

    losses = [[surprise(x, y) for x, y in pairwise(f".{word}.")] for word in held_out]
    expected = sum(sum(loss) / len(loss) for loss in losses) / len(losses)
    found = table_loss(as_tokens(learned, letters), as_tokens(held_out, letters), len(letters) + 1)
    assert found == pytest.approx(expected, rel=1e-14)
