"""The README is run: every snippet, and every result it shows."""

import ast
import contextlib
import io
import math
import re
from pathlib import Path

import pytest

from engine import TABLE

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def claimed(lines, statement):
    """What the text says a statement gives: the comment on its last line, or the comment lines below it."""
    beside = re.search(r"\S\s+# (.+)$", lines[statement.end_lineno - 1])
    if beside:
        return beside.group(1)
    below = []
    for line in lines[statement.end_lineno :]:
        if not f"{line} ".startswith("# "):
            break
        below.append(line[2:])
    return "\n".join(below)


def run(source, names):
    """Run a snippet statement by statement; yields (what it gave, what the text claims) where it claims something."""
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        claim = claimed(lines, statement)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), "README.md", "eval"), names)
            else:
                value = None
                exec(compile(ast.Module([statement], []), "README.md", "exec"), names)
        if claim:
            yield printed.getvalue().rstrip("\n") or str(value), claim


def same(given, claim):
    """The same text; or the same number, up to what C libraries differ by in its last digit."""
    try:
        return math.isclose(float(given), float(claim), rel_tol=1e-15)
    except ValueError:
        return given == claim


def test_every_snippet_runs_and_gives_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, checked = {}, 0
    for snippet in SNIPPETS:
        for given, claim in run(snippet, names):
            assert same(given, claim), (given, claim)
            checked += 1
    assert len(SNIPPETS) >= 8
    assert checked >= 18


def test_a_wrong_claim_would_be_noticed():
    assert [same(given, claim) for given, claim in run("1 + 1  # 3\nprint(2)\n# 2\n", {})] == [False, True]


def test_the_operations_it_lists_exist():
    table = README[README.index("| | operations |") : README.index("### Watch it")]
    rows = re.findall(r"^\| (?:[a-z, ]+) \| ((?:`\w+` ?)+)", table, flags=re.MULTILINE)
    listed = re.findall(r"\w+", " ".join(rows))
    assert len(listed) >= 60
    assert set(listed) <= set(TABLE)


def test_the_first_two_blocks_are_the_two_commands():
    first, second = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)[:2]
    assert (first[0], second[0]) == ("sh", "sh")
    assert first[1].strip().endswith("-m demos 1")
    assert second[1].strip().endswith("-m pytest -q -n auto")
    assert all(block.strip().count("\n") == 0 for _, block in (first, second))


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_links_lead_somewhere(path):
    assert (Path(__file__).parents[1] / path).exists()
