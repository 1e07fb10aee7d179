"""A run that was killed, interrupted or lengthened ends bit for bit as one that was not; and Ctrl-C loses nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import nn

from .acceptance import Weights, batch_normed, classes, copied, digest, numbers, perceptron, run, with_dropout

X, Y = numbers(10, 2), classes(10, 3)
ROOT = Path(__file__).resolve().parents[3]


def child(what, folder, name, engine="vectorized", seed=0, **environment):
    """What a run in another process prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.nn.training.acceptance_run", what, str(folder), name, engine, str(seed)],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@needs_fork
@pytest.mark.parametrize(
    ("name", "engine"),
    [("everything", "vectorized"), ("normed", "vectorized"), ("watched", "vectorized"), ("everything", "scalar")],
)
def test_a_killed_run_ends_as_one_that_never_was(name, engine, tmp_path):
    found = child("killed", tmp_path, name, engine, seed=len(name))
    assert not found["error"]
    assert found["ends"].count(-signal.SIGKILL) >= 1
    assert found["ends"][-1] == 0
    assert found["differs"] == []


@needs_fork
@pytest.mark.parametrize("name", ["everything", "normed", "watched"])
def test_an_interrupted_run_ends_as_one_that_never_was(name, tmp_path):
    found = child("interrupted", tmp_path, name, seed=len(name))
    assert not found["error"]
    assert len(found["stops"]) >= 1
    assert all(0 <= steps <= found["steps"] for steps in found["stops"])
    assert found["stops"] == sorted(found["stops"])
    assert found["right"]
    assert found["differs"] == []


def test_the_numbers_depend_on_no_order_of_hashes(tmp_path):
    one, other = (child("digest", tmp_path, "everything", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert one == other


# ------------------------------------------------------------------------------ Ctrl-C

OPTIONS = {"loss": nn.cross_entropy, "optimizer": lambda ps: nn.Adam(ps, lr=0.05), "epochs": 4, "batch_size": 3}


class Interrupt:
    """Ctrl-C in the middle of a step; and the parameters after each."""

    def __init__(self, step, times=1):
        self.step, self.times, self.after = step, times, []

    def on_gradient(self, run):
        if len(self.after) == self.step:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_step(self, run):
        self.after.append(np.array(run.parameters, dtype=float))


def parameters(model):
    return np.array([p.data for p in model.parameters()])


@pytest.mark.parametrize("engine", ["vectorized", "scalar"])
@pytest.mark.parametrize("step", [0, 2, 3, 7, 15])
def test_ctrl_c_ends_after_the_step(step, engine):
    handler = signal.getsignal(signal.SIGINT)
    whole, interrupt = Interrupt(-1), Interrupt(step)
    reference, _ = run(with_dropout, X, Y, engine=engine, callbacks=[whole], **OPTIONS)
    history, _ = run(with_dropout, X, Y, engine=engine, callbacks=[interrupt], **OPTIONS)
    assert signal.getsignal(signal.SIGINT) is handler
    np.testing.assert_array_equal(history.steps, reference.steps[: step + 1])
    np.testing.assert_array_equal(parameters(history.model), whole.after[step])
    assert history.epochs in ((step + 1) // 4, step // 4 + 1)  # with the epoch that was cut short, or without it
    for name in history:
        assert len(history[name]) == history.epochs
        np.testing.assert_array_equal(history[name][: (step + 1) // 4], reference[name][: (step + 1) // 4])
    assert any(word in history.stopped.lower() for word in ("ctrl-c", "interrupt"))
    str(history), repr(history), dict(history)


@pytest.mark.parametrize("step", [0, 2, 3, 7, 15])
def test_ctrl_c_and_the_same_call_again(step, tmp_path):
    path = tmp_path / "run.safetensors"
    reference, _ = run(batch_normed, X, Y, **OPTIONS | {"batch_size": 5, "epochs": 8})
    options = OPTIONS | {"batch_size": 5, "epochs": 8, "checkpoint": path}
    run(batch_normed, X, Y, callbacks=[Interrupt(step)], **options)
    history, _ = run(batch_normed, X, Y, callbacks=[Interrupt(-1)], **options)
    assert digest(history) == digest(reference)


def test_ctrl_c_leaves_the_modes_as_they_were():
    model = with_dropout()
    model[0].eval()
    before = copied(model)[1]
    run(model, X, Y, callbacks=[Interrupt(2)], **OPTIONS)
    assert copied(model)[1] == before


def test_fit_runs_in_a_thread_where_there_are_no_signals():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(with_dropout, X, Y, **OPTIONS)))
    thread.start()
    thread.join()
    assert digest(found[0][0]) == digest(run(with_dropout, X, Y, **OPTIONS)[0])


def test_an_error_of_a_callback_comes_through_and_puts_all_back():
    handler, model = signal.getsignal(signal.SIGINT), with_dropout()
    model[0].eval()
    before = copied(model)[1]

    def fails(run):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run(model, X, Y, callbacks=[fails], **OPTIONS)
    assert signal.getsignal(signal.SIGINT) is handler
    assert copied(model)[1] == before


# ------------------------------------------------------------------------------ checkpoints


def began(path, **changes):
    """Two epochs with a checkpoint."""
    return run(with_dropout, X, Y, checkpoint=path, **OPTIONS | {"epochs": 2} | changes)[0]


@pytest.mark.parametrize("engine", ["vectorized", "scalar"])
def test_more_epochs_go_on_from_the_end(engine, tmp_path):
    path = tmp_path / "run.safetensors"
    whole, _ = run(with_dropout, X, Y, engine=engine, **OPTIONS)
    began(path, engine=engine)
    history = began(path, engine=engine, epochs=4)
    assert digest(history) == digest(whole)


def test_the_same_call_after_the_end_trains_no_more(tmp_path):
    path, weights = tmp_path / "run.safetensors", Weights()
    first = began(path, callbacks=[Weights()])
    second = began(path, callbacks=[weights])
    assert digest(second) == digest(first)
    assert weights.seen == []


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    path = tmp_path / "run.safetensors"
    options = {"epochs": 60, "optimizer": lambda ps: nn.SGD(ps, lr=1.0), "validation": (X, (Y + 1) % 3)}
    first = began(path, callbacks=[nn.EarlyStopping(patience=2)], **options)
    assert first.epochs < 60
    second = began(path, callbacks=[nn.EarlyStopping(patience=2)], **options)
    assert digest(second) == digest(first)


def test_a_model_that_begins_elsewhere_goes_on_where_the_checkpoint_is(tmp_path):
    """A script that makes its model without a seed is killed, and run again: its weights are those of the file."""
    path = tmp_path / "run.safetensors"
    whole, _ = run(perceptron(random.Random(1)), X, Y, **OPTIONS)
    run(perceptron(random.Random(1)), X, Y, checkpoint=path, **OPTIONS | {"epochs": 2})
    history, _ = run(perceptron(random.Random(2)), X, Y, checkpoint=path, **OPTIONS)
    assert digest(history) == digest(whole)


def test_it_is_saved_after_every_epoch_and_nothing_else_is_left(tmp_path):
    path, seen = tmp_path / "run.safetensors", []

    class Watch:
        def on_gradient(self, run):
            seen.append(path.read_bytes() if path.exists() else b"")

    began(path, callbacks=[Watch()], epochs=3)
    contents = [*dict.fromkeys(seen), path.read_bytes()]
    assert len(set(contents)) == 4  # none, after the first, the second, the last
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.safetensors"]


def test_norms_that_are_recorded_go_on_too(tmp_path):
    path, whole, parts = tmp_path / "run.safetensors", nn.RecordGradients(), nn.RecordGradients()
    run(with_dropout, X, Y, callbacks=[whole], **OPTIONS)
    began(path, callbacks=[nn.RecordGradients()])
    began(path, callbacks=[parts], epochs=4)
    assert list(parts.norms) == list(whole.norms)
    for name, norms in whole.norms.items():
        np.testing.assert_array_equal(parts.norms[name], norms)


OTHERS = {
    "data": ({"x": X + 1e-9}, r"data|examples|\bX\b"),
    "targets": ({"y": (Y + 1) % 3}, r"data|targets|examples|\by\b"),
    "seed": ({"seed": 4}, "seed"),
    "size of batches": ({"batch_size": 5}, "batch_size"),
    "optimizer": ({"optimizer": lambda ps: nn.SGD(ps, lr=0.05)}, r"optimizer|SGD|Adam"),
    "model": ({"model": perceptron}, "model|parameters"),
    "width": ({"model": lambda rng: nn.Sequential(nn.Linear(2, 7), nn.ReLU(), nn.Linear(7, 3))}, r"model|0\.weight"),
    "validation": ({"validation": 0.2}, "validation"),
    "schedule": ({"schedule": lambda o: nn.StepLR(o, 1)}, "schedule"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_by_name_and_stays(what, tmp_path):
    path = tmp_path / "run.safetensors"
    began(path)
    before = path.read_bytes()
    changes, message = OTHERS[what]
    options = OPTIONS | {"x": X, "y": Y, "model": with_dropout} | changes
    model = options.pop("model")(random.Random(0))
    numbers = copied(model)
    with pytest.raises(ValueError, match=message):
        run(model, options.pop("x"), options.pop("y"), checkpoint=path, **options)
    assert copied(model) == numbers
    assert path.read_bytes() == before


def flipped(content):
    middle = len(content) - 20
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[: len(c) // 2], lambda c: c[:-1], lambda c: b"", lambda c: b"no checkpoint at all, but text", flipped],
    ids=["half", "a byte less", "empty", "text", "a bit"],
)
def test_a_damaged_checkpoint_is_refused_and_stays(damage, tmp_path):
    path = tmp_path / "run.safetensors"
    began(path)
    path.write_bytes(damage(path.read_bytes()))
    before, model = path.read_bytes(), with_dropout(random.Random(0))
    numbers = copied(model)
    with pytest.raises(nn.StorageError, match=r"run\.safetensors"):
        run(model, X, Y, checkpoint=path, **OPTIONS)
    assert copied(model) == numbers
    assert path.read_bytes() == before


def test_saved_weights_are_no_checkpoint(tmp_path):
    path, model = tmp_path / "run.safetensors", with_dropout(random.Random(0))
    nn.save(model, path)
    with pytest.raises(ValueError, match="checkpoint"):
        run(model, X, Y, checkpoint=path, **OPTIONS)


def test_a_folder_that_is_not_there_is_told_before_the_first_epoch(tmp_path):
    seen = []
    with pytest.raises(OSError, match="nowhere"):
        began(tmp_path / "nowhere" / "run.safetensors", callbacks=[seen.append])
    assert not seen
