"""Peers measured in turns, and a table of what came out."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Run = Callable[[], object]
Times = Mapping[str, Sequence[float]]  # the seconds of each row, a number for each round


class Peer(NamedTuple):
    """One way to do the same thing.

    gradient  the loss, and its gradient as one flat array in the order that all peers share: to be compared
    run       what `gradient` does, without making its result flat: to be timed
    step      `run`, and the update of the parameters
    """

    gradient: Callable[[], tuple[float, Any]]
    run: Run
    step: Run | None = None


def in_turns(functions: Mapping[str, Run], rounds: int, seconds: float = 0.0) -> dict[str, list[float]]:
    """Seconds of one call in each round; one function after the other in each, so that noise hits all alike.

    With `seconds`, a turn is as many calls as fill that time, after one that fetches the data into the caches:
    what is quick is then measured as a loop would run it.
    """
    calls = dict.fromkeys(functions, 1)
    if seconds:
        for name, function in functions.items():
            function()
            calls[name] = max(1, round(seconds / _timed(function, 1)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    gc.collect()
    gc.freeze()  # what was there before is no work for the collector
    for _ in range(rounds):
        for name, function in functions.items():
            gc.collect()  # nobody pays for another's garbage
            if calls[name] > 1:
                function()
            times[name].append(_timed(function, calls[name]))
    gc.unfreeze()
    return times


def _timed(function: Run, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


# ------------------------------------------------------------------------------- printing


def table(title: str, times: Times, base: str, unit: str = "ms") -> None:
    """Median and least of each row, and how many times as fast as the row `base` it is."""
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    print(f"\n{title:<60}{f'{unit}, median':>12}{'least':>10}{'times as fast':>15}")
    for name, seconds in times.items():
        faster = ratio(times, base, name)
        print(
            f"  {name:<58}{scale * statistics.median(seconds):12.4g}{scale * min(seconds):10.4g}"
            + (f"{faster[0]:15,.2f}" if faster else "")
        )
    print(f"  (times as fast as: {base})")


def ratio(times: Times, over: str, under: str) -> tuple[float, float] | None:
    """How many times as long `over` takes as `under`: the median of the rounds, and by the least of each.

    None where one of them was not measured. What slows the machine for a while slows both rows of a round.
    """
    if over not in times or under not in times:
        return None
    rounds = [a / b for a, b in zip(times[over], times[under], strict=True)]
    return statistics.median(rounds), min(times[over]) / min(times[under])


def asked(what: str, got: tuple[float, float] | None, bound: float, least: bool = True) -> None:
    """A ratio that was asked for, at least or at most so large, and what it is."""
    wanted = f"asked: {'at least' if least else 'at most'} {bound:g}"
    if got is None:
        print(f"  {what:<58}{'not measured':>12}{'':>10}   {wanted}")
        return
    met = "reached" if (got[0] >= bound if least else got[0] <= bound) else "NOT reached"
    print(f"  {what:<58}{got[0]:12,.4g}{got[1]:10,.4g}   {wanted}: {met}")


def lacks(package: str, what: str) -> bool:
    """Whether a package is missing, which a line then says."""
    missing = importlib.util.find_spec(package) is None
    if missing:
        print(f"  ({package} is not installed: left out is {what})")
    return missing


def machine() -> str:
    """The processor, and the versions of what is compared."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    except OSError:
        found = None
    versions = [f"Python {platform.python_version()}"]
    for package in ("numpy", "torch", "scikit-learn", "casadi", "micrograd"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    cpu = found[1] if found else platform.processor() or "unknown processor"
    return f"{cpu}, {platform.machine()}, {os.cpu_count()} cores; {', '.join(versions)}"
