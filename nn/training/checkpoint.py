"""A training in a file, so that it can go on where it was: a safetensors file, written whole or not at all.

It holds the model, the optimizer, the schedule, the callbacks, the history, and the state of every random generator.
What goes on from it ends with the same bits as what was never stopped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import files
from nn.module import Module
from nn.storage import StorageError, decoded, encoded

Array = npt.NDArray[Any]
_META = "training"  # the name of what is no array: JSON, as bytes


def save(path: Path, parts: Mapping[str, Mapping[str, Any]], meta: Mapping[str, Any]) -> None:
    """Write the arrays of all parts, under part/name, and the rest as JSON.

    Raises:
        OSError: where the file cannot be written.
        ModuleNotFoundError: without the package safetensors.
    """
    arrays = {f"{part}/{name}": np.asarray(array) for part, state in parts.items() for name, array in state.items()}
    text = json.dumps(meta, default=_plain).encode()
    files.write(path, encoded({**arrays, _META: np.frombuffer(text, np.uint8)}))


def load(path: Path) -> tuple[dict[str, dict[str, Array]], dict[str, Any]]:
    """(the arrays of each part, the rest).

    Raises:
        StorageError: if the file is damaged, or no checkpoint of ours.
        OSError: where it cannot be read.
    """
    try:
        arrays = decoded(path.read_bytes())
        meta = json.loads(arrays.pop(_META).tobytes())
        parts: dict[str, dict[str, Array]] = {}
        for name, array in arrays.items():
            part, _, own = name.partition("/")
            parts.setdefault(part, {})[own] = array
    except StorageError as error:
        raise StorageError(f"the checkpoint {str(path)!r} cannot be read: {error}") from error
    except (KeyError, ValueError) as error:
        raise StorageError(f"{str(path)!r} is no checkpoint of fit: it has no {_META!r} in it") from error
    return parts, meta


def require_same(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse the checkpoint of another training.

    Raises:
        ValueError: it names all that differs.
    """
    differ = [_differs(name, saved.get(name), now[name]) for name in now if saved.get(name) != now[name]]
    if differ:
        raise ValueError(
            f"the checkpoint {str(path)!r} is of another training: {'; '.join(differ)}. Call fit as it was then, "
            "or give another file"
        )


def _differs(name: str, before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        names = [key for key in before | after if before.get(key) != after.get(key)]
        shown = ", ".join(f"{key} {before.get(key)} and {after.get(key)}" for key in names[:4])
        return f"{name} were {shown}{', ...' * (len(names) > 4)}"
    if name.endswith("examples"):  # checksums say nothing to a reader
        return f"{name} were others"
    return f"{name} was {before!r}, and is {after!r}"


def generators(model: Module) -> Iterator[tuple[str, Any]]:
    """(name, generator) of the random generators in a model, and the global `random`."""
    yield "random", random
    for path, module in model.named_modules():
        for name, thing in vars(module).items():
            yield from _generators(f"{path}.{name}", thing)


def _generators(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, random.Random | np.random.Generator):
        yield name, thing
    elif isinstance(thing, list | tuple | dict):
        for key, part in thing.items() if isinstance(thing, dict) else enumerate(thing):
            yield from _generators(f"{name}[{key!r}]", part)


def drawn_so_far(model: Module) -> dict[str, Any]:
    """The state of every random generator, by name."""
    return {
        name: rng.bit_generator.state if isinstance(rng, np.random.Generator) else rng.getstate()
        for name, rng in generators(model)
    }


def draw_on(model: Module, states: Mapping[str, Any]) -> None:
    """Set the state of every random generator."""
    for name, rng in generators(model):
        if name not in states:
            continue
        if isinstance(rng, np.random.Generator):
            rng.bit_generator.state = states[name]
        else:
            version, internal, gauss = states[name]
            rng.setstate((version, tuple(internal), gauss))


def _plain(thing: Any) -> Any:
    return thing.tolist()  # the arrays and numbers of NumPy
