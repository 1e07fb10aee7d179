"""The numbers of a model in a file: safetensors, which PyTorch reads and writes too. Nothing in a file is ever run.

    save(model, "model.safetensors")
    load(model, "model.safetensors")      # all of them, or on any error none

A file of ours carries a checksum of its tensors in its metadata. The same numbers give the same bytes.

Glossary: a safetensors file is the length of its header (8 bytes), the header (JSON: dtype, shape and offsets of each
tensor) and the data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engine import files
from nn.options import shown

Array = npt.NDArray[Any]

CHECKSUM = "chainrule.sha256"  # the one key of our metadata
_METADATA = "__metadata__"
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip


class StorageError(ValueError):
    """A file that does not hold the numbers of this model: it is damaged, no safetensors file, or another model's."""


@runtime_checkable
class Stateful(Protocol):
    """What can be saved: a Module, or anything else that gives its numbers as arrays by name and takes them back."""

    def state_dict(self) -> Mapping[str, npt.ArrayLike]:
        """All its numbers."""

    def load_state_dict(self, state: Any) -> Any:
        """Set all its numbers, or raise a ValueError and change none."""


def save(model: Stateful, path: str | os.PathLike[str]) -> None:
    """All numbers of the model in a safetensors file: parameters and buffers, under the names of `state_dict`.

    The file is written beside, synced and renamed: whenever the process is killed, `path` has the old content or the
    new. What it had not finished stays beside, as `.part-...`; nothing reads that, and you may delete it.

    Raises:
        StorageError: for a name or a dtype that the format does not have.
        OSError: where the file cannot be written.
        ModuleNotFoundError: without the package safetensors, `pip install "chainrule[storage]"`.

    >>> import tempfile
    >>> from nn import MLP
    >>> model, copy = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.safetensors")
    ...     load(copy, f"{folder}/model.safetensors")
    >>> model([1.0, 2.0]).data == copy([1.0, 2.0]).data
    True
    """
    content = encoded(_stateful("save", model).state_dict())
    files.write(Path(path), content)


def load(model: Stateful, path: str | os.PathLike[str]) -> None:
    """Set all numbers of the model from a safetensors file: all of them, or on any error none.

    The checksum of a file of ours is checked. One by PyTorch has none, and is held to the names and shapes alone. F32,
    F16 and BF16 become float64, exactly.

    Raises:
        StorageError: if the file is damaged, no safetensors file, or another model's; missing and unexpected names and
            shapes that differ are all named.
        OSError: where the file cannot be read: FileNotFoundError, IsADirectoryError, PermissionError.
        ModuleNotFoundError: without the package safetensors, `pip install "chainrule[storage]"`.
    """
    model, content = _stateful("load", model), Path(path).read_bytes()
    try:
        model.load_state_dict(decoded(content))
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise StorageError(f"{os.fspath(path)!r} cannot be loaded into this {type(model).__name__}: {error}") from error


# ------------------------------------------------------------------------------ the format


def encoded(state: Mapping[str, npt.ArrayLike]) -> bytes:
    """The content of a safetensors file with these arrays, and with their checksum.

    Raises:
        StorageError: for a name or a dtype that the format does not have.
    """
    library = _safetensors()
    arrays = {name: _plain(name, array) for name, array in state.items()}
    with _any_error_as("these arrays cannot be saved"):
        header, data = _parts(library.numpy.save(arrays))
        content: bytes = library.numpy.save(arrays, {CHECKSUM: _checksum(header, data)})
    return content


def decoded(content: bytes) -> dict[str, Array]:
    """The arrays in the content of a safetensors file, in the order of its header.

    Raises:
        StorageError: if it is not such a file, has a name twice, or does not fit its checksum.

    >>> decoded(encoded({"w": [[1.0, 2.0]], "n": 3}))
    {'n': array(3), 'w': array([[1., 2.]])}
    """
    library = _safetensors()
    if content[:4] == b"PK\x03\x04":  # a zip archive
        raise StorageError("it is a file of torch.save, which is never read here; write it by safetensors' save_file")
    with _any_error_as("it is not a whole safetensors file"):
        tensors = dict(library.deserialize(content))
        header, data = _parts(content)
        metadata = header.pop(_METADATA, None) or {}
        if CHECKSUM in metadata:
            if metadata[CHECKSUM] != _checksum(header, data):
                raise StorageError("its content does not fit its checksum: it was damaged or changed")
        elif _lost_checksum(metadata):
            raise StorageError(f"its metadata {metadata} looks like a checksum of ours that was damaged")
        return {name: _array(name, tensors[name]) for name in header}


def _parts(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """(header, data)."""
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start].decode(), object_pairs_hook=_without_twins), memoryview(content)[start:]


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise StorageError(f"a name stands twice in its header, among {[name for name, _ in pairs]}")
    return names


def _checksum(header: dict[str, Any], data: memoryview) -> str:
    """SHA-256 of the header of the tensors, in one way of writing it, and of the data."""
    canonical = json.dumps(header, sort_keys=True, separators=(",", ":"))
    digest = sha256(canonical.encode())
    digest.update(data)
    return digest.hexdigest()


def _lost_checksum(metadata: dict[str, str]) -> bool:
    """Whether one of our checksums was here: a key is nearly its name, or the text is mostly a digest.

    Without this, damage to the name and to a number would pass for a file of another program, which has no checksum.
    """
    near = any(SequenceMatcher(None, key, CHECKSUM).ratio() > 0.6 for key in metadata)
    text = "".join(key + value for key, value in metadata.items())
    digits = sum(sign in "0123456789abcdef" for sign in text)
    return near or (digits >= 48 and digits > len(text) / 2)


# ------------------------------------------------------------------------------ arrays


def _plain(name: str, numbers: npt.ArrayLike) -> Array:
    """The numbers as the file has them: row after row, little-endian. (The library writes a transposed array wrong.)"""
    array = np.asarray(numbers)
    plain = array.dtype.newbyteorder("<")
    if not isinstance(name, str) or name == _METADATA:
        raise StorageError(f"a safetensors file has no place for the name {name!r}")
    if plain.str not in _TYPES.values():
        raise StorageError(f"{name!r} is an array of {array.dtype}; a file takes real numbers of at most 64 bits")
    return np.array(array, dtype=plain, order="C")


def _array(name: str, tensor: Mapping[str, Any]) -> Array:
    """A tensor of the file as an array of its own."""
    dtype, data = tensor["dtype"], tensor["data"]
    if dtype == "BF16":  # NumPy has no such type: it is the upper half of a float32
        flat = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype in _TYPES:
        flat = np.frombuffer(data, _TYPES[dtype])
    else:
        raise StorageError(f"{name!r} has dtype {dtype}; we read {', '.join(_TYPES)} and BF16")
    return flat.astype(flat.dtype.newbyteorder("=")).reshape(tensor["shape"])


# ------------------------------------------------------------------------------ errors


def _stateful(verb: str, model: Any) -> Stateful:
    if not isinstance(model, Stateful):
        raise TypeError(f"{verb} takes a model, or anything with state_dict and load_state_dict, not {shown(model)}")
    return model


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError:
        raise ModuleNotFoundError('models are saved by safetensors: `pip install "chainrule[storage]"`') from None
    return safetensors


@contextmanager
def _any_error_as(what: str) -> Iterator[None]:
    """Whatever goes wrong inside as a StorageError: errors of the library, absurd sizes, a panic of its Rust code."""
    try:
        yield
    except (StorageError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic is no Exception
        raise StorageError(f"{what}: {error}") from error
