"""Run: a training, step by step. `fit` makes one and lets it go.

    for each epoch, the examples shuffled:
        for each batch:
            loss, gradient = engine.step(batch, parameters)
            the callbacks may change the gradient
            parameters = optimizer.update(parameters, gradient)
        validate, note it in the history, call the callbacks, move the schedule, save the checkpoint

The parameters are one flat array, whichever engine computes their gradient; the model has them where a callback or a
metric may look at it after an epoch, and whenever `fit` ends.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nn import metrics
from nn.cycles import ReduceLROnPlateau
from nn.examples import Examples
from nn.module import Module
from nn.optimizers import Optimizer
from nn.options import shown
from nn.predicting import Forward
from nn.training import checkpoint
from nn.training.engines import Engine, write
from nn.training.history import History, written
from nn.training.progress import progress_bar

Array = npt.NDArray[np.float64]
Metric = Callable[[Any, Any], float]


@dataclass
class Plan:
    """What stays the same from the first step to the last."""

    examples: Examples
    validation: Examples | None
    epochs: int
    batch_size: int
    shuffle: bool
    drop_last: bool
    schedule_each: str
    metrics: Mapping[str, Metric] | None
    seed: int
    progress: bool
    checkpoint: Path | None
    told: Mapping[str, Any]  # what a checkpoint must have been made with

    def batches(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """Which examples each step of an epoch has."""
        n = len(self.examples)
        order = np.random.default_rng([self.seed, epoch]).permutation(n) if self.shuffle else np.arange(n)
        batches = [order[i : i + self.batch_size] for i in range(0, n, self.batch_size)]
        return batches[:-1] if self.drop_last and len(batches[-1]) < self.batch_size and len(batches) > 1 else batches

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return len(self.batches(0))


@dataclass
class Epoch:
    """What is known of the epoch so far: of each step its loss, its examples, and the outputs."""

    losses: list[float] = field(default_factory=list)
    places: list[npt.NDArray[np.int64]] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)


class Run:
    """A training; what callbacks are given.

    model, optimizer, schedule, history   as `fit` has them
    epoch, step   which it is, from 0; the step within the epoch
    loss, rate    of the step: its loss, and the learning rate it was taken with
    parameters    the numbers of the optimizer's parameters, flat, in its order
    gradient      theirs, which `on_gradient` may change in place
    """

    def __init__(
        self,
        model: Module,
        engine: Callable[[], Engine],
        forward: Forward,
        optimizer: Optimizer,
        schedule: Any,
        callbacks: Sequence[Any],
        plan: Plan,
    ) -> None:
        self.model, self.optimizer, self.schedule, self.callbacks = model, optimizer, schedule, list(callbacks)
        self._strangers = [c for c in callbacks if not (c.__module__ or "").startswith("nn.")]  # ours change no model
        self.history = History(model)
        self.epoch = self.step = 0
        self.loss, self.rate = math.nan, float(optimizer.lr)
        self.parameters: Array = np.array([p.data for p in optimizer.parameters], np.float64)
        self.gradient: Array = np.zeros_like(self.parameters)
        self._make_engine, self._forward, self._plan = engine, forward, plan
        self._engine: Engine | None = None
        self._so_far = Epoch()
        self._measures = plan.metrics
        self._interrupted = False
        self._ended = ""  # by a callback, for good

    # ------------------------------------------------------------------- for callbacks

    @property
    def validated(self) -> bool:
        """Whether there are examples to validate with."""
        return self._plan.validation is not None

    def metric(self, name: str) -> float:
        """What the last epoch measured under a name of the history.

        Raises:
            KeyError: if nothing of that name was measured; it lists what was.
        """
        return self.history.last(name)

    def stop(self, reason: str) -> None:
        """End training after this epoch; the history says why."""
        self._ended = self._ended or reason

    def pull(self) -> None:
        """Take the numbers of the model's Values; after an epoch this is done for you, if a callback changes them."""
        self.parameters = np.array([p.data for p in self.optimizer.parameters], np.float64)

    def push(self) -> None:
        """Give the model's Values the numbers of now; after an epoch they have them."""
        write(self.optimizer.parameters, self.parameters)

    # ------------------------------------------------------------------- the loop

    def train(self) -> History:
        """Go on to the last epoch, or until something stops it."""
        plan, began = self._plan, time.perf_counter()
        self._call("on_begin")
        done = self.epoch * plan.steps + self.step
        bar = progress_bar(plan.progress, plan.epochs * plan.steps, done, plan.epochs)  # begins while a model is traced
        try:
            with self._interruptible():
                while self.epoch < plan.epochs and not self._ended and not self._interrupted:
                    self._train_epoch(bar)
        finally:
            bar.close()
            self.push()
            self.model.zero_grad()
            self.history.seconds = time.perf_counter() - began
        if self._interrupted and self.epoch < plan.epochs and not self._ended:
            where = f"epoch {self.epoch + 1}, after {self.step} of its {plan.steps} steps"
            self.history.stopped = f"interrupted in {where}" if self.step else f"interrupted after epoch {self.epoch}"
            return self.history
        said = self._ended or f"finished after {self.history.epochs} epochs"
        self.history.stopped = f"interrupted in the last step: {said}" if self._interrupted else said
        self._call("on_end")
        self.pull()
        return self.history

    def _train_epoch(self, bar: Any) -> None:
        batches, engine = self._plan.batches(self.epoch), self._renew()
        if self.step == 0 and self.epoch in (0, 1, 4, 16, 64, 256):  # and after the last
            engine.check(batches[0], self.parameters)
        while self.step < len(batches):
            if not self._train_step(engine, batches[self.step]):
                return
            self.step += 1
            bar.step(self.epoch * len(batches) + self.step, self.epoch, self._measured)
            if self._interrupted and self.step < len(batches):
                self._save()
                return
        if self.epoch + 1 == self._plan.epochs:
            engine.check(batches[-1], self.parameters)
        if self.callbacks or self._plan.validation or self._plan.metrics:  # who may look at the model
            self.push()
        self.history.add(self._row())
        self._so_far = Epoch()
        if self.callbacks:
            self._call("on_epoch")
        if self._strangers:
            self.pull()  # they may have set the weights
        self._move_schedule("epoch")
        self.epoch, self.step = self.epoch + 1, 0
        self._save()

    def _renew(self) -> Engine:
        """An engine for the model as it is now: a callback may have frozen a part, or changed a mode or an option."""
        if self._engine is None or (self._strangers and self._engine.outdated):
            self._engine = self._make_engine()
            self._forward.forget()
        return self._engine

    def _train_step(self, engine: Engine, places: npt.NDArray[np.int64]) -> bool:
        """One step; False where it would have led nowhere."""
        self.loss, self.gradient, outputs, moved = engine.step(places, self.parameters)
        self._call("on_gradient")
        if math.isnan(self.loss) or not np.isfinite(self.gradient).all():
            what = f"the loss became {self.loss}" if not math.isfinite(self.loss) else "the gradient was not finite"
            self.stop(
                f"stopped: {what} in epoch {self.epoch + 1}, step {self.step + 1}; that step was not taken, and "
                "engine.trace_nonfinite(loss) says where it began"
            )
            return False
        self.parameters = self.optimizer.update(self.parameters, self.gradient, moved)
        self.rate = float(self.optimizer.lr)
        self.history.add_step(self.loss)
        self._so_far.losses.append(self.loss)
        self._so_far.places.append(places)
        if outputs is not None:
            self._decide_measures(outputs)
            if self._measures:  # or nobody would ask for them
                self._so_far.outputs.append(outputs)
        self._call("on_step")
        self._move_schedule("step")
        return True

    def _move_schedule(self, each: str) -> None:
        if self.schedule is None or self._plan.schedule_each != each:
            return
        if isinstance(self.schedule, ReduceLROnPlateau):
            watched = "val_loss" if "val_loss" in self.history else "loss"
            self.schedule.step(self.history.last(watched) if each == "epoch" else self.loss)
        else:
            self.schedule.step()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C is noted inside, and heard after the step; a second one is as always."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals reach the main thread alone
            return

        def note(number: int, frame: Any) -> None:
            self._interrupted = True
            signal.signal(signal.SIGINT, before)

        before = signal.getsignal(signal.SIGINT)
        if before is None:  # not set from Python, so it could not be set back
            yield
            return
        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _call(self, hook: str) -> None:
        for callback in self.callbacks:
            method = getattr(callback, hook, None)
            if method is not None:
                method(self)
            elif hook == "on_epoch" and callable(callback) and not _has_hooks(callback):
                said, name = callback(self), getattr(callback, "__name__", repr(callback))
                if isinstance(said, bool | np.bool_) and said:  # a number that it gives besides means nothing
                    self.stop(f"stopped by {name} after epoch {self.epoch + 1}")

    # ------------------------------------------------------------------- what is measured

    def _row(self) -> dict[str, float]:
        """What the epoch measured."""
        sizes = [len(places) for places in self._so_far.places]
        row = {"loss": float(np.average(self._so_far.losses, weights=sizes))}
        examples, validation = self._plan.examples, self._plan.validation
        outputs = self._so_far.outputs
        alike = len({array.shape[1:] for array in outputs}) == 1 and sum(map(len, outputs)) == sum(sizes)
        if alike and examples.targets is not None:
            targets = examples.targets_at(np.concatenate(self._so_far.places))
            row |= self._of_outputs(np.concatenate(outputs), targets)
        if validation is not None:
            of_these, row["val_loss"] = self._forward.measured(validation, self.parameters)
            if of_these is not None and validation.targets is not None:
                found = self._of_outputs(of_these, validation.targets)
                row |= {f"val_{name}": number for name, number in found.items()}
        return row | {"lr": self.rate}

    def _decide_measures(self, outputs: Any) -> None:
        """Measure the accuracy, if nothing else was asked for and the targets are classes of such outputs."""
        examples = self._plan.examples
        if self._measures is None:
            known = examples.targets is not None and metrics.are_classes(
                np.zeros((len(examples), *outputs.shape[1:])), examples.targets
            )
            threshold = self._forward.threshold(examples) if known else 0.0
            self._measures = {"accuracy": lambda o, t: metrics.accuracy(o, t, threshold)} if known else {}

    def _of_outputs(self, outputs: Any, targets: Any) -> dict[str, float]:
        return {name: _number(name, measure(outputs, targets)) for name, measure in (self._measures or {}).items()}

    def _measured(self) -> dict[str, str]:
        """What a bar shows: of the last step, and of the last validation."""
        shown = {"loss": f"{self.loss:.4g}"}
        so_far = self._so_far
        if self._plan.metrics:  # of an epoch: they may not be made for a batch
            shown |= {
                name: written(name, self.history.last(name)) for name in self._plan.metrics if name in self.history
            }
        elif so_far.outputs and self._plan.examples.targets is not None:
            last = self._plan.examples.targets_at(so_far.places[-1])
            found = self._of_outputs(so_far.outputs[-1], last)
            shown |= {name: written(name, number) for name, number in found.items()}
        shown["lr"] = f"{self.rate:.3g}"
        measured = [name for name in self.history if name.startswith("val_")]
        return shown | {name: written(name, self.history.last(name)) for name in measured}

    # ------------------------------------------------------------------- checkpoints

    def _save(self) -> None:
        path = self._plan.checkpoint
        if path is None:
            return
        self.push()
        so_far = self._so_far
        own = {"parameters": self.parameters, "steps": self.history.steps, "losses": np.array(so_far.losses)}
        own["frozen"] = np.array([not p.requires_grad for p in self.optimizer.parameters])
        own["training"] = np.array([module.training for module in self.model.modules()])
        if len({array.shape[1:] for array in so_far.outputs}) == 1:
            own["outputs"] = np.concatenate(so_far.outputs)
        parts: dict[str, Mapping[str, Any]] = {
            "run": own,
            "history": dict(self.history),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        parts |= {f"callback {i}": callback.state_dict() for i, callback in enumerate(self._remembering())}
        meta = {
            "told": self._plan.told,
            "seed": self._plan.seed,
            "epoch": self.epoch,
            "step": self.step,
            "ended": self._ended,
            "columns": list(self.history),  # the arrays of a file have no order
            "random": checkpoint.drawn_so_far(self.model),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
        }
        checkpoint.save(path, parts, meta)

    def _remembering(self) -> list[Any]:
        """The callbacks that are kept in a checkpoint."""
        return [callback for callback in self.callbacks if hasattr(callback, "state_dict")]

    def resume(self, parts: Mapping[str, Mapping[str, Any]], meta: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: if it is of another model or optimizer; it names what differs.
        """
        before = self.model.state_dict()
        try:
            self.model.load_state_dict(parts["model"])
            self.optimizer.load_state_dict(parts["optimizer"])
        except ValueError:
            self.model.load_state_dict(before)
            raise
        if self.schedule is not None:
            self.schedule.load_state_dict(meta["schedule"])
        for i, callback in enumerate(self._remembering()):
            callback.load_state_dict(parts.get(f"callback {i}", {}))
        own = parts["run"]
        for p, frozen in zip(self.optimizer.parameters, own["frozen"].tolist(), strict=True):
            p.requires_grad = not frozen
        for module, training in zip(self.model.modules(), own["training"].tolist(), strict=True):
            module.training = training
        self.parameters = np.array(own["parameters"], np.float64)
        self.push()
        self.history.load({name: parts["history"][name] for name in meta["columns"]}, own["steps"])
        self.epoch, self.step, self._ended = meta["epoch"], meta["step"], meta["ended"]
        self._so_far = Epoch(own["losses"].tolist(), self._plan.batches(self.epoch)[: self.step])
        if "outputs" in own:
            self._so_far.outputs = [np.array(own["outputs"])]
        checkpoint.draw_on(self.model, meta["random"])


def _number(name: str, measured: Any) -> float:
    try:
        return float(measured)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name!r} gives a number, and gave {shown(measured)}") from None


def _has_hooks(callback: Any) -> bool:
    return any(hasattr(callback, hook) for hook in HOOKS)


HOOKS = ("on_begin", "on_gradient", "on_step", "on_epoch", "on_end")
