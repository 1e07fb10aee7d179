"""Runs that are killed or interrupted: `python -m tests.nn.training.acceptance_run WHAT FOLDER NAME ENGINE SEED`.

killed       children train from one checkpoint, and are killed at random moments until one comes to its end
interrupted  the same with Ctrl-C: a child says how far it came, and the next goes on
digest       one run, and what it gave

Prints JSON. Each run is short; a callback sleeps in each step, so that a moment may fall anywhere.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

import nn

from .acceptance import batch_normed, classes, digest, numbers, with_dropout

X, Y = numbers(10, 2), classes(10, 3)
EPOCHS, PAUSE = 12, 0.004


class Slow:
    """Sleeps in each step, and keeps a digest of the parameters after it."""

    def __init__(self):
        self.after = []

    def on_gradient(self, run):
        time.sleep(PAUSE)

    def on_step(self, run):
        self.after.append(hashlib.sha256(np.asarray(run.parameters, dtype=float).tobytes()).hexdigest())


def everything():
    """Dropout, Adam, a schedule, validation split off, early stopping, clipping."""
    return with_dropout, {
        "optimizer": lambda ps: nn.Adam(ps, lr=0.05),
        "schedule": lambda o: nn.ExponentialLR(o, 0.9),
        "validation": 0.2,
        "callbacks": [nn.EarlyStopping(patience=5), nn.ClipGradNorm(0.5)],
        "batch_size": 3,
    }


def normed():
    """Batch norm and dropout, momentum, a rate for each step, the best model kept."""
    return batch_normed, {
        "optimizer": lambda ps: nn.SGD(ps, lr=0.05, momentum=0.9, nesterov=True),
        "schedule": lambda o: nn.OneCycleLR(o, max_lr=0.2, total_steps=2 * EPOCHS),
        "validation": (numbers(4, 2, seed=7), classes(4, 3)),
        "callbacks": [nn.BestModel()],
        "batch_size": 5,
    }


def watched():
    """A rate that falls on a plateau, AdamW, norms of the gradients recorded, a model that is there already."""
    return with_dropout(random.Random(5)), {
        "optimizer": nn.AdamW,
        "schedule": lambda o: nn.ReduceLROnPlateau(o, patience=1, threshold=0.05),
        "callbacks": [nn.RecordGradients()],
        "batch_size": 4,
    }


RUNS = {"everything": everything, "normed": normed, "watched": watched}


def trained(name, engine, checkpoint=None):
    """(history, what Slow saw) of a run of that name."""
    model, options = RUNS[name]()
    slow = Slow()
    options["callbacks"] = [slow, *options["callbacks"]]
    return nn.fit(
        model, X, Y, loss=nn.cross_entropy, epochs=EPOCHS, seed=3, progress=False, engine=engine,
        checkpoint=checkpoint, **options,
    ), slow  # fmt: skip


def told(history):
    """A digest as text, for JSON."""
    return {name: content.hex() for name, content in digest(history).items()}


def report(name, engine, folder):
    """Train from the checkpoint in the folder, and write down what came of it."""
    history, slow = trained(name, engine, folder / "run.safetensors")
    part = folder / "report.part"
    last = {} if not slow.after else {"last": slow.after[-1]}
    part.write_text(json.dumps({"told": told(history), "steps": len(history.steps), "said": history.stopped, **last}))
    part.rename(folder / "report.json")


def in_a_child(name, engine, folder, delay, number):
    """Run it in a child that gets this signal after so many seconds, unless it has ended: how it did."""
    child = os.fork()
    if child == 0:
        status = 1
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            try:
                report(name, engine, folder)
                status = 0
            except Exception as error:
                (folder / "error.txt").write_text(f"{type(error).__name__}: {error}")
        os._exit(status)
    end, code = time.monotonic() + delay, (0, 0)
    while code == (0, 0) and time.monotonic() < end:
        time.sleep(0.002)
        code = os.waitpid(child, os.WNOHANG)
    if code == (0, 0):
        os.kill(child, number)
        code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code[1])


def main(what, folder, name, engine, seed):
    began = time.monotonic()
    history, slow = trained(name, engine)
    duration = time.monotonic() - began
    if what == "digest":
        print(json.dumps(told(history)))
        return
    wanted, rng, ends, stops = told(history), random.Random(int(seed)), [], []
    number = signal.SIGKILL if what == "killed" else signal.SIGINT
    said, right, error = {"told": {}}, True, folder / "error.txt"
    for turn in range(8):
        (folder / "report.json").unlink(missing_ok=True)
        delay = 60.0 if turn == 7 else rng.uniform(0.0, 0.7) * duration
        ends.append(in_a_child(name, engine, folder, delay, number))
        if error.exists():
            break
        if not (folder / "report.json").exists():
            continue
        said = json.loads((folder / "report.json").read_text())
        if said["told"] == wanted or what == "killed":
            break
        stops.append(said["steps"])  # it was interrupted, and has the parameters of the steps done
        right = right and said.get("last", "none") in (slow.after[said["steps"] - 1], "none")
    differs = sorted(key for key in wanted if said["told"].get(key) != wanted[key])
    failed = error.read_text() if error.exists() else ""
    print(json.dumps({
        "differs": differs, "ends": ends, "stops": stops, "right": right, "steps": len(history.steps), "error": failed,
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
