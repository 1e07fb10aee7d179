"""`python -m demos` lists the lessons; `python -m demos 1` runs the first."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from pathlib import Path


def lessons() -> dict[int, Path]:
    """The scripts of this folder whose names begin with a number."""
    here = Path(__file__).parent
    return {int(path.name.split("_")[0]): path for path in sorted(here.glob("[0-9]*_*.py"))}


def title(path: Path) -> str:
    """The first line of a lesson's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return docstring.splitlines()[0]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when the lesson ran."""
    known = lessons()
    parser = argparse.ArgumentParser(prog="python -m demos", description="Lessons on backpropagation.")
    parser.add_argument("lesson", nargs="?", type=int, choices=known, help="which one to run; none lists them")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for pictures (default: output)")
    options = parser.parse_args(arguments)
    if options.lesson is None:
        print("The lessons:\n")
        for number, path in known.items():
            print(f"  {number}  {title(path)}")
        print("\nRun one with: python -m demos 1")
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"demos.{known[options.lesson].stem}").main(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
