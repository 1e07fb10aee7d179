"""A program that is killed while it saves: `python -m tests.nn.saver FOLDER KILLS`.

A child saves two models over the same path in turn, for ever. It is killed at a random moment, and the file must be one
of the two, byte for byte. Prints what was found as JSON: how often the file was whole, which model's it was, and
where the kill hit: in the midst of the writing, or after it and before the renaming.
"""

import contextlib
import json
import os
import random
import signal
import sys
import time
from itertools import cycle
from pathlib import Path

import numpy as np

from nn.storage import encoded, save


class Numbers:
    """A model of so many numbers; large, so that writing it takes its time."""

    def __init__(self, count, seed):
        self.numbers = np.random.default_rng(seed).normal(size=count)

    def state_dict(self):
        return {"numbers": self.numbers}

    def load_state_dict(self, state):
        self.numbers[...] = state["numbers"]


def save_for_ever(models, path, ready):
    os.write(ready, b"!")
    for model in cycle(models):
        save(model, path)


def killed(models, path, delay):
    """Save in a child that is killed after so many seconds; how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            save_for_ever(models, path, writing)
        os._exit(1)
    os.read(reading, 1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None


def main(folder, kills, seed=0):
    rng, path = random.Random(seed), folder / "model.safetensors"
    models = [Numbers(100_000, seed=0), Numbers(150_000, seed=1)]
    contents = [encoded(model.state_dict()) for model in models]
    began = time.perf_counter()
    for model in models:
        save(model, path)
    both = time.perf_counter() - began
    found = {"kills": 0, "of the first": 0, "of the second": 0, "while writing": 0, "before renaming": 0}
    for _ in range(kills):
        found["kills"] += killed(models, path, rng.uniform(0.0, 1.5 * both)) == signal.SIGKILL
        content = path.read_bytes()
        found["of the first"] += content == contents[0]
        found["of the second"] += content == contents[1]
        for part in folder.glob(".part-*"):
            whole = part.stat().st_size in map(len, contents)
            found["before renaming" if whole else "while writing"] += 1
            part.unlink()
    found["other files"] = len(list(folder.iterdir())) - 1
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
