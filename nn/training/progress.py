"""The progress of training, as a bar in a terminal or a notebook (tqdm)."""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import Any, Protocol

_OFTEN = 0.1  # seconds between two looks: writing numbers takes as long as a small step


class Progress(Protocol):
    """What is told how training goes."""

    def step(self, done: int, epoch: int, measured: Any) -> None:
        """So many steps are done; `measured()` gives what to show beside, name by name."""

    def close(self) -> None:
        """Training is over."""


class Silent:
    """Shows nothing."""

    def step(self, done: int, epoch: int, measured: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Bar:
    """A bar over all steps, with the epoch, the time left, and what was measured last."""

    def __init__(self, bar: Any, epochs: int) -> None:
        self._bar, self._epochs, self._looked = bar, epochs, 0.0
        self._begun = False
        bar.set_description_str("recording the model")

    def step(self, done: int, epoch: int, measured: Any) -> None:
        """Show how far training is; not more often than an eye can follow."""
        if not self._begun:  # the time left is that of steps: the first took that of recording and compiling, too
            self._begun = True
            self._bar.unpause()
        now = time.perf_counter()
        if now - self._looked < _OFTEN and done < self._bar.total:
            return
        self._looked = now
        self._bar.set_description_str(f"epoch {min(epoch + 1, self._epochs)}/{self._epochs}", refresh=False)
        self._bar.set_postfix_str(", ".join(f"{name} {text}" for name, text in measured().items()), refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


@cache
def _tell_once() -> None:
    print('for a progress bar: pip install "chainrule[progress]"; or progress=False', file=sys.stderr)


def progress_bar(wanted: bool, steps: int, done: int, epochs: int) -> Progress:
    """A bar for so many steps, of which some are done already; without tqdm one line says what would bring it."""
    if not wanted or sys.stderr is None:  # as in a service that has no terminal
        return Silent()
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        _tell_once()
        return Silent()
    return Bar(tqdm(total=steps, initial=done, unit="step", dynamic_ncols=True), epochs)
