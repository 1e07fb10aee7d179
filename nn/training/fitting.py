"""fit: train a model on examples."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn.adam import Adam
from nn.calling import evaluation, joined, way_of
from nn.cycles import OneCycleLR, ReduceLROnPlateau
from nn.examples import Examples
from nn.module import Module
from nn.optimizers import Optimizer
from nn.options import choice, number, shown, switch
from nn.predicting import ENGINES, Forward
from nn.schedules import LRScheduler
from nn.shapes import count
from nn.training import checkpoint as checkpoints
from nn.training.callbacks import ClipGradNorm, ClipGradValue
from nn.training.engines import Scalar, Vectorized
from nn.training.history import History
from nn.training.run import HOOKS, Metric, Plan, Run


def fit(
    model: Any,
    X: Any,  # noqa: N803
    y: Any = None,
    *,
    loss: Callable[..., Any],
    optimizer: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    validation: Any = None,
    schedule: Any = None,
    callbacks: Sequence[Any] = (),
    engine: str = "vectorized",
    seed: int | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule_each: str | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> History:
    """Minimize loss(model(X), y) by steps on batches; gives the History, and the model is trained.

    model       a Module; or a function of a `random.Random` that makes one, so that its first weights follow from the
                seed, too: `lambda rng: nn.MLP(2, [16, 1], seed=rng)`. It is then history.model
    X, y        arrays or lists, the first axis the example. X may be a tuple, for a model of several arguments; without
                y the loss is loss(model(x))
    loss        of an output and its target, such as nn.mse_loss; or of a batch of them, where that is not the mean of
                its examples, as with class weights or batch norm: it is then that of the batch, as in PyTorch
    optimizer   an Optimizer, or a function of the parameters that makes one: nn.SGD. None is nn.Adam
    epochs, batch_size  how often all examples are seen, and how many at a step; the last batch may be smaller, and
                with drop_last is left out then
    validation  (X, y), or the share of the examples that is held out, as 0.2; measured after each epoch
    schedule    of the optimizer's rate, or a function of the optimizer that makes one. It moves after each epoch,
                OneCycleLR after each step, or as schedule_each says ("epoch", "step"). ReduceLROnPlateau watches the
                validation
    callbacks   EarlyStopping, BestModel, ClipGradNorm, ClipGradValue, RecordGradients, or your own (callbacks.py)
    engine      "vectorized" runs programs that are traced from the model; "scalar" the model itself. Both give the same
                history, but for rounding
    seed        of the order of the examples, and of all that is drawn without a seed of its own: dropout masks, weights
                of a Bayesian layer. The global `random` is afterwards as it was
    progress    whether to show a bar
    checkpoint  a file that is written after each epoch. Where it is there, training goes on from it, and ends with the
                same bits as if it had never been stopped
    metrics     {"name": f(outputs, targets)} of arrays, in the place of the accuracy, which None measures of classes
    shuffle     whether the examples come in another order each epoch

    What is called is model(x) with an example, or model(batch) where that is what the model takes; where both run and
    differ, the example is meant. Batch norm, or a module of your own that sets `joins_batch = True`, makes a graph of
    the whole batch, and a program for each size that a batch has: drop_last saves one. A model that is in evaluation
    mode as a whole is trained in training mode, and put back.

    Programs are held to the model itself in some epochs, with the examples of least and most loss; a branch that goes
    another way there is an error.

    Ctrl-C ends training after the step; the model then has the numbers of that step, and the checkpoint, too. A second
    one raises KeyboardInterrupt. A loss that becomes nan ends training before the step that would spread it.

    Parameters that the optimizer does not have, frozen ones, and those of tensors that the loss does not reach stay as
    they are.

    Raises:
        TypeError: for what is no model, loss, optimizer or schedule, and for X and y that are no numbers.
        ValueError: for sizes that do not fit, an unknown engine, nan or inf among the examples, a model that a program
            would freeze, or the checkpoint of another training; nothing is changed then.
        StorageError: for a damaged checkpoint.

    >>> import nn
    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> history = fit(
    ...     lambda rng: nn.MLP(2, [8, 1], activation="tanh", seed=rng), X, [0, 1, 1, 0],
    ...     loss=nn.bce_with_logits, optimizer=lambda ps: nn.Adam(ps, lr=0.1), epochs=50, seed=0, progress=False,
    ... )
    >>> float(history["accuracy"][-1]), history.model.accuracy(X, [0, 1, 1, 0])
    (1.0, 1.0)
    """
    path = None if checkpoint is None else _file(checkpoint)
    saved = None if path is None or not path.exists() else checkpoints.load(path)
    given_seed, seed = seed, _seed(seed, saved)
    model = _model(model, seed)
    if not callable(loss):
        raise TypeError(f"the loss is a function of an output and its target, such as nn.mse_loss, not {shown(loss)}")
    choice("engine", engine, ENGINES)
    examples, held_out = _examples(X, y, validation, seed)
    fresh = not isinstance(optimizer, Optimizer)
    optimizer = _optimizer(model, optimizer)
    made_now = schedule is not None and not isinstance(schedule, LRScheduler)
    schedule, schedule_each = _schedule(optimizer, schedule, schedule_each)
    plan = Plan(
        examples=examples,
        validation=held_out,
        epochs=count("epochs", epochs),
        batch_size=count("batch_size", batch_size),
        shuffle=switch("shuffle", shuffle),
        drop_last=switch("drop_last", drop_last),
        schedule_each=schedule_each,
        metrics=_metrics(metrics),
        seed=seed,
        progress=switch("progress", progress),
        checkpoint=path,
        told={},
    )
    _callbacks(callbacks)
    _require_several(model, plan)
    if saved is None:
        _require_long_enough(schedule, plan)
    if plan.metrics and examples.targets is None:
        raise ValueError("metrics compare outputs with targets, and there is no y")
    if path is not None:
        # What was there before the call may have changed since the first one.
        made = (optimizer if fresh else None, schedule if made_now else None)
        plan.told = _told(plan, model, loss, optimizer, schedule, callbacks, engine, given_seed, made)
    if path is not None and saved is not None:
        checkpoints.require_same(path, saved[1]["told"], plan.told)
    before = random.getstate()
    mode = contextlib.nullcontext() if model.training else evaluation(model, training=True)
    try:
        if given_seed is not None:
            random.seed(f"fit {seed}")  # not the numbers that a maker of the model has drawn
        with mode:
            way = way_of(model, examples)
            together = joined(model, loss, examples, way)
            kind: Any = {"scalar": Scalar, "vectorized": Vectorized}[engine]
            make = functools.partial(kind, model, loss, examples, optimizer.parameters, way, together)
            forward = Forward(model, engine, loss, optimizer.parameters, way)
            if held_out is not None:
                forward.require_fitting(held_out)
            run = Run(model, make, forward, optimizer, schedule, callbacks, plan)
            if saved is not None:
                run.resume(*saved)
            return run.train()
    finally:
        if given_seed is not None:
            random.setstate(before)


# ------------------------------------------------------------------------------ what is given


def _seed(seed: Any, saved: Any) -> int:
    """The seed; where none is given that of the checkpoint, or one drawn from the global `random`."""
    if seed is None:
        return random.getrandbits(32) if saved is None else int(saved[1]["seed"])
    return count("seed", seed, 0)


def _model(model: Any, seed: int) -> Module:
    if not isinstance(model, Module) and callable(model) and not isinstance(model, type):
        model = model(random.Random(seed))
    if not isinstance(model, Module):
        raise TypeError(f"the model is a Module, or a function of a random.Random that makes one, not {shown(model)}")
    return model


def _examples(X: Any, y: Any, validation: Any, seed: int) -> tuple[Examples, Examples | None]:  # noqa: N803
    """The examples to train with, and those to validate with."""
    examples = Examples(X, y)
    if not len(examples):
        raise ValueError("there are no examples: X is empty")
    examples.require_finite()
    if validation is None:
        return examples, None
    if isinstance(validation, float | np.floating):
        share = number("validation", float(validation), "(X, y), or a share between 0 and 1", lambda v: 0.0 < v < 1.0)
        n = len(examples)
        out = min(max(round(share * n), 1), n - 1)
        if out < 1:
            raise ValueError(f"validation={share} of {n} example leaves none to train with")
        order = np.random.default_rng([seed, 2**32]).permutation(n)  # no epoch has this number
        return examples.at(np.sort(order[out:])), examples.at(np.sort(order[:out]))
    if y is not None and (not isinstance(validation, tuple | list) or len(validation) != 2):
        raise TypeError(f"validation is (X, y), or a share such as 0.2, not {shown(validation)}")
    if y is None and isinstance(validation, tuple) and len(validation) == 2 and validation[1] is None:
        raise TypeError("without y, validation is X alone, or a share such as 0.2")
    held_out = Examples(*validation) if y is not None else Examples(validation)
    if not len(held_out):
        raise ValueError("there are no examples to validate with: its X is empty")
    held_out.require_finite()
    return examples, held_out


def _optimizer(model: Module, optimizer: Any) -> Optimizer:
    if optimizer is None:
        return Adam(model.parameters())
    if not isinstance(optimizer, Optimizer):
        if not callable(optimizer):
            raise TypeError(
                f"the optimizer is one, such as nn.Adam(model.parameters()), or a function of the parameters that "
                f"makes one, not {shown(optimizer)}"
            )
        optimizer = optimizer(model.parameters())
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"the function of the parameters makes an optimizer, and this one made {shown(optimizer)}")
    if not set(optimizer.parameters) & set(model.parameters()):
        raise ValueError("the optimizer has none of the model's parameters; make it with model.parameters()")
    return optimizer


def _schedule(optimizer: Optimizer, schedule: Any, each: str | None) -> tuple[Any, str]:
    kinds = (LRScheduler, ReduceLROnPlateau)
    if schedule is not None and not isinstance(schedule, kinds):
        if not callable(schedule):
            raise TypeError(
                f"the schedule is one, or a function of the optimizer that makes one, not {shown(schedule)}"
            )
        schedule = schedule(optimizer)
        if not isinstance(schedule, kinds):
            raise TypeError(f"the function of the optimizer makes a schedule, and this one made {shown(schedule)}")
    if schedule is not None and schedule.optimizer is not optimizer:
        raise ValueError("the schedule is of another optimizer; make it with the one that is given")
    if each is None:
        each = "step" if isinstance(schedule, OneCycleLR) else "epoch"
    return schedule, choice("schedule_each", each, ("epoch", "step"))


def _metrics(metrics: Any) -> Mapping[str, Metric] | None:
    if metrics is None:
        return None
    functions = isinstance(metrics, Mapping) and all(callable(metric) for metric in metrics.values())
    if not functions or not all(isinstance(name, str) for name in metrics):
        raise TypeError(f'metrics is a dict of functions, {{"name": f(outputs, targets)}}, not {shown(metrics)}')
    taken = [name for name in metrics if name in ("loss", "lr") or name.startswith("val_")]
    if taken:
        raise ValueError(f"the history has a {taken[0]!r} of its own; give the metric another name")
    return dict(metrics)


def _callbacks(callbacks: Any) -> None:
    if isinstance(callbacks, str) or not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks is a list of them, not {shown(callbacks)}")
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"a callback is made before it is given: {callback.__name__}(...)")
        if not callable(callback) and not any(hasattr(callback, hook) for hook in HOOKS):
            raise TypeError(
                f"a callback is a function, or has some of {', '.join(HOOKS)}, and this is {shown(callback)}"
            )


def _require_several(model: Module, plan: Plan) -> None:
    """A batch norm has no variance of one example: better told before the first epoch than at its end."""
    n = len(plan.examples)
    last = n % plan.batch_size or min(plan.batch_size, n)
    left_out = plan.drop_last and last < plan.batch_size and n > plan.batch_size
    if last == 1 and not left_out and any(hasattr(m, "running_mean") and m.joins_batch for m in model.modules()):
        raise ValueError(
            f"{n} examples in batches of {plan.batch_size} leave one example for the last, and batch norm needs "
            "several; choose another batch_size, or drop_last=True"
        )


def _require_long_enough(schedule: Any, plan: Plan) -> None:
    """One cycle has so many steps and no more, which is better told before the first one, too."""
    if isinstance(schedule, OneCycleLR):
        steps = plan.epochs * (plan.steps if plan.schedule_each == "step" else 1)
        if schedule.last_epoch + steps > schedule.total_steps:
            raise ValueError(
                f"OneCycleLR was made for {schedule.total_steps} steps, and {plan.epochs} epochs have {steps}; give "
                f"total_steps={schedule.last_epoch + steps}"
            )


def _file(checkpoint: str | os.PathLike[str]) -> Path:
    """The file of the checkpoint; whether it can be written is asked now, and not after an hour."""
    path = Path(checkpoint)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(path.parent)!r} for the checkpoint {path.name!r}; make it first"
        )
    try:
        import safetensors  # noqa: F401
    except ModuleNotFoundError:
        raise ModuleNotFoundError('a checkpoint needs safetensors: pip install "chainrule[storage]"') from None
    return path


def _told(
    plan: Plan,
    model: Module,
    loss: Any,
    optimizer: Optimizer,
    schedule: Any,
    callbacks: Any,
    engine: str,
    seed: int | None,
    made: tuple[Optimizer | None, Any],
) -> dict[str, Any]:
    """What a checkpoint must have been made with, to be gone on from; `made` are those made in this call."""
    of_schedule = {} if made[1] is None else made[1].state_dict()
    return {
        "engine": engine,
        "the loss": getattr(loss, "__name__", type(loss).__name__),
        "the options of the optimizer": {} if made[0] is None else _options(made[0]),
        "the options of the schedule": {name: repr(x) for name, x in of_schedule.items()},
        "seed": None if seed is None else int(seed),
        "batch_size": plan.batch_size,
        "shuffle": plan.shuffle,
        "drop_last": plan.drop_last,
        "the optimizer": type(optimizer).__name__,
        "the schedule": None if schedule is None else type(schedule).__name__,
        "callbacks": [type(callback).__name__ for callback in callbacks if hasattr(callback, "state_dict")]
        + [repr(callback) for callback in callbacks if isinstance(callback, ClipGradNorm | ClipGradValue)],
        "metrics": None if plan.metrics is None else sorted(plan.metrics),
        "schedule_each": plan.schedule_each,
        "the layers": {path: _said(module) for path, module in model.named_modules()},
        "the parameters": {name: list(np.shape(array)) for name, array in model.state_dict().items()},
        "the examples": plan.examples.digest(),
        "the validation examples": None if plan.validation is None else plan.validation.digest(),
    }


def _said(module: Module) -> str:
    """A module as it is printed, without its parts; and without addresses, which are others each time."""
    return re.sub(r" at 0x\w+", "", f"{type(module).__name__}({module.extra_repr()})")


def _options(optimizer: Optimizer) -> dict[str, str]:
    """The options of each group."""
    groups = enumerate(optimizer.param_groups)
    return {f"{name} of group {i}": repr(x) for i, g in groups for name, x in g.items() if name != "params"}
