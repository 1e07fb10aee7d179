"""`python -m demos` lists the lessons; `python -m demos 1` runs the first."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import sys
from pathlib import Path


def lessons() -> dict[int, Path]:
    """The scripts of this folder whose names begin with a number."""
    here = Path(__file__).parent
    return {int(path.name.split("_")[0]): path for path in sorted(here.glob("[0-9]*_*.py"))}


def title(path: Path) -> str:
    """The first line of a lesson's docstring, which ends with the time that it takes."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return docstring.splitlines()[0]


def title_and_time(path: Path) -> tuple[str, str]:
    """What a lesson is about, and the time that stands in parentheses behind it.

    >>> title_and_time(lessons()[2])[1]
    '10 seconds'
    """
    said, _, time = title(path).rstrip(".").removesuffix(")").rpartition(" (")
    return said, time


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when the lesson ran, 1 when something is to be installed first."""
    known = lessons()
    parser = argparse.ArgumentParser(prog="python -m demos", description="Backpropagation, and what it learns.")
    parser.add_argument("lesson", nargs="?", type=int, choices=known, help="which one to run; none lists them")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for pictures (default: output)")
    parser.add_argument("--data", type=Path, help="a file of your own to learn from, for the lessons that take one")
    options = parser.parse_args(arguments)
    if options.lesson is None:
        titles = {number: title_and_time(path) for number, path in known.items()}
        width = max(len(said) for said, _ in titles.values())
        print("The lessons, and the time each takes:\n")
        for number, (said, time) in titles.items():
            print(f"  {number:2}  {said:<{width}}  {time}")
        print("\nRun one with: python -m demos 1")
        return 0
    try:
        run(known[options.lesson], options, parser)
    except ModuleNotFoundError as error:
        if "pip install" not in str(error):
            raise
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell has it
    return 0


def run(path: Path, options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run a lesson, with what of the options it takes."""
    lesson = importlib.import_module(f"demos.{path.stem}")
    own = {} if options.data is None else {"data": options.data}
    if own and "data" not in inspect.signature(lesson.main).parameters:
        parser.error(f"lesson {options.lesson} takes no --data")
    options.output.mkdir(parents=True, exist_ok=True)
    lesson.main(options.output, **own)


if __name__ == "__main__":
    sys.exit(main())
