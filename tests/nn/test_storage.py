"""Files of models: bit for bit there and back, PyTorch's both ways, and never a wrong number from a damaged file."""

import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nn
from engine import Value
from nn import MLP, Linear, Module, StorageError, load, save
from nn.storage import CHECKSUM, decoded, encoded

from .damage import MUTATIONS, bad_files, in_file

safetensors = pytest.importorskip("safetensors.numpy")
ROOT = Path(__file__).parents[2]


class Everything(Module):
    """A parameter of every form, and buffers."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.scale = Value(rng.normal())
        self.fc = Linear(3, 2, seed=seed)
        self.running_mean = rng.normal(size=2)
        self.num_batches_tracked = np.array(int(rng.integers(100)))


class Nothing(Module):
    """A model with no numbers at all."""


def bits(state):
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in state.items()}


# ------------------------------------------------------------------------------ there and back


@pytest.mark.parametrize("as_path", [str, Path])
def test_every_bit_comes_back(tmp_path, as_path):
    path = as_path(tmp_path / "model.safetensors")
    model, other = Everything(0), Everything(1)
    model.scale.data, model.running_mean[:] = -0.0, (np.nan, np.inf)
    save(model, path)
    assert load(other, path) is None
    assert bits(other.state_dict()) == bits(model.state_dict())
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_a_model_without_numbers(tmp_path):
    save(Nothing(), tmp_path / "nothing")
    load(Nothing(), tmp_path / "nothing")
    with pytest.raises(StorageError, match=r"missing 'weight'"):
        load(Linear(1, 1), tmp_path / "nothing")


dtypes = st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", ">f8", ">i4"])
some = dtypes.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0, max_dims=3)))


@given(st.dictionaries(st.text().filter(lambda name: name != "__metadata__"), some, max_size=5))
def test_arrays_of_every_dtype_and_shape_under_every_name(state):
    back = decoded(encoded(state))
    assert back.keys() == state.keys()
    for name, array in state.items():
        assert back[name].dtype == array.dtype.newbyteorder("=")
        assert back[name].flags.writeable
        np.testing.assert_array_equal(back[name], array)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(6.0)[::-2],
        np.arange(6.0, dtype=">f8").reshape(3, 2),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.broadcast_to(2.5, (2, 2)),
        np.array(2.5),
        np.zeros((0, 3)),
    ],
    ids=["transposed", "backwards", "big-endian", "columns first", "broadcast", "of no axes", "empty"],
)
def test_however_an_array_lies_in_memory(array):
    back = decoded(encoded({"": array}))[""]
    np.testing.assert_array_equal(back, array)
    assert safetensors.load(encoded({"": array}))[""].shape == array.shape


def test_numbers_and_lists_are_arrays():
    back = decoded(encoded({"lr": 0.1, "betas": [0.9, 0.999], "steps": 3, "amsgrad": True}))
    assert {name: (array.dtype.name, array.tolist()) for name, array in back.items()} == {
        "lr": ("float64", 0.1), "betas": ("float64", [0.9, 0.999]), "steps": ("int64", 3), "amsgrad": ("bool", True),
    }  # fmt: skip


def test_the_same_model_gives_the_same_bytes_in_every_process():
    program = (
        "from nn import MLP; from nn.storage import encoded; import hashlib;"
        "print(hashlib.sha256(encoded(MLP(3, [4, 2], seed=5).state_dict())).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    state = MLP(3, [4, 2], seed=5).state_dict()
    assert encoded(state) == encoded(dict(reversed(state.items())))


# ------------------------------------------------------------------------------ PyTorch


def test_pytorch_reads_our_files(tmp_path):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    model = MLP(3, [4, 2], seed=0)
    save(model, tmp_path / "model.safetensors")
    theirs = torch.nn.Module()
    theirs.layers = torch.nn.ModuleList([torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)])
    theirs.double().load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"), strict=True)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(theirs.state_dict()[name].numpy(), array)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"author": "A", "epoch": "3", "commit": "5d2b9f2f" * 5}])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_we_read_pytorchs_files(tmp_path, dtype, metadata):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    theirs = torch.nn.Linear(3, 2).to(getattr(torch, dtype))
    with torch.no_grad():  # the ends of the range of each type, too
        theirs.bias[0], theirs.bias[1] = torch.finfo(theirs.bias.dtype).max, torch.finfo(theirs.bias.dtype).tiny / 4
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "model.safetensors", metadata)
    model = Linear(3, 2)
    load(model, tmp_path / "model.safetensors")
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, theirs.state_dict()[name].double().numpy())


def test_a_type_that_we_have_not_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    safetensors.torch.save_file({"w": torch.zeros(2, dtype=torch.float8_e4m3fn)}, tmp_path / "x")
    with pytest.raises(StorageError, match="'w' has dtype F8_E4M3; we read F64, F32"):
        load(Nothing(), tmp_path / "x")


# ------------------------------------------------------------------------------ what is refused


whole = encoded(Everything().state_dict())
bad = bad_files(whole)


@pytest.mark.parametrize("content", bad.values(), ids=bad)
def test_a_bad_file_is_one_kind_of_error_and_changes_nothing(tmp_path, content):
    assert issubclass(StorageError, ValueError)
    with pytest.raises(StorageError, match=r"\S+"):
        decoded(content)
    (tmp_path / "bad").write_bytes(content)
    model = Everything(1)
    before = bits(model.state_dict())
    with pytest.raises(StorageError, match=r"'.*bad' cannot be loaded into this Everything: \S+"):
        load(model, tmp_path / "bad")
    assert bits(model.state_dict()) == before


def test_another_models_file_is_refused(tmp_path):
    """Missing, unexpected and wrong shapes are all named, and nothing is changed."""
    state = Everything().state_dict()
    del state["scale"]
    state |= {"fc.weight": np.zeros((2, 2)), "fc.extra": np.zeros(1), "num_batches_tracked": np.array(2.5)}
    (tmp_path / "x").write_bytes(encoded(state))
    model = Everything(1)
    before = bits(model.state_dict())
    with pytest.raises(StorageError) as told:
        load(model, tmp_path / "x")
    assert bits(model.state_dict()) == before
    for said in ("missing 'scale'", "unexpected 'fc.extra'", "(2, 2)", "(2, 3)", "'num_batches_tracked'"):
        assert said in str(told.value)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300, 0.5])
def test_what_is_no_count_is_not_counted(tmp_path, number):
    (tmp_path / "x").write_bytes(encoded(Everything(0).state_dict() | {"num_batches_tracked": np.array(number)}))
    model = Everything(1)
    before = bits(model.state_dict())
    with pytest.raises(StorageError):
        load(model, tmp_path / "x")
    assert bits(model.state_dict()) == before


def test_a_pickle_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "x").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(StorageError, match="not a whole safetensors file"):
        load(Nothing(), tmp_path / "x")
    assert not (tmp_path / "sprung").exists()


def test_a_file_of_torch_save_is_told_as_such(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "x.pt")
    with pytest.raises(StorageError, match=r"a file of torch\.save, which is never read here"):
        load(Nothing(), tmp_path / "x.pt")


@pytest.mark.parametrize("error", [type("PanicException", (BaseException,), {}), MemoryError, OverflowError])
def test_a_panic_of_the_library_is_a_storage_error(monkeypatch, error):
    def panicking(content):
        raise error("out of something")

    monkeypatch.setattr("safetensors.deserialize", panicking)
    with pytest.raises(StorageError, match="out of something"):
        decoded(whole)


def test_the_user_may_still_interrupt(monkeypatch):
    def interrupted(content):
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.deserialize", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(whole)


def test_the_file_system_says_what_it_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(Nothing(), tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="make it first"):
        save(Nothing(), tmp_path / "missing" / "x")
    for act in (save, load):
        with pytest.raises(OSError, match=r"folder|directory|denied"):
            act(Nothing(), tmp_path)


def test_without_the_library_it_says_what_to_install(monkeypatch, tmp_path):
    save(Nothing(), tmp_path / "x")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for act in (save, load):
        with pytest.raises(ModuleNotFoundError, match=r'pip install "chainrule\[storage\]"'):
            act(Nothing(), tmp_path / "x")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"w": np.array([None])}, "'w' is an array of object"),
        ({"w": np.array([1j])}, "'w' is an array of complex128"),
        ({"w": np.array(["x"])}, "'w' is an array of <U1"),
        ({"__metadata__": np.zeros(1)}, "no place for the name '__metadata__'"),
        ({3: np.zeros(1)}, "no place for the name 3"),
        ({"\ud800": np.zeros(1)}, "cannot be saved"),
    ],
    ids=["object", "complex", "text", "metadata", "number", "surrogate"],
)
def test_what_the_format_has_not_is_not_written(tmp_path, state, said):
    class Odd:
        def state_dict(self):
            return state

        def load_state_dict(self, state):
            raise AssertionError

    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(StorageError, match=said):
        save(Odd(), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("act", [save, load])
def test_the_model_comes_first(tmp_path, act):
    with pytest.raises(TypeError, match=f"{act.__name__} takes a model, or anything with state_dict"):
        act(str(tmp_path / "x"), Nothing())


@pytest.mark.parametrize("numbers", [nn.Linear(30, 30).state_dict(), nn.Linear(30, 30).parameters()])
def test_the_model_itself_is_saved(tmp_path, numbers):
    with pytest.raises(TypeError, match="save takes a model, or anything with state_dict") as error:
        save(numbers, tmp_path / "x")
    assert len(str(error.value)) < 200, "not all that was given"


# ------------------------------------------------------------------------------ the checksum


def test_the_checksum_is_of_the_tensors_and_not_of_how_the_header_is_written():
    size = int.from_bytes(whole[:8], "little")
    header, data = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    assert list(header["__metadata__"]) == [CHECKSUM]
    shuffled = in_file(json.dumps(dict(reversed(header.items())), indent=3).encode(), data)
    assert bits(decoded(shuffled)) == bits(decoded(whole))
    header["scale"]["shape"] = [1]
    with pytest.raises(StorageError, match="checksum"):
        decoded(in_file(header, data))


@pytest.mark.parametrize("at", range(1, 60, 8))
def test_one_other_bit_in_the_data_is_noticed(at):
    damaged = bytearray(whole)
    damaged[-at] ^= 1
    with pytest.raises(StorageError, match="does not fit its checksum"):
        decoded(bytes(damaged))


def mutated(count, seed, given):
    """Load so many damaged files, each given by `given`: refused, and then the model is as before, or read as saved."""
    rng, saved, model = random.Random(seed), bits(Everything(0).state_dict()), Everything(1)
    before, read = model.state_dict(), 0
    for i in range(count):
        mutation = MUTATIONS[i % len(MUTATIONS)]
        try:
            load(model, given(mutation(whole, rng)))
        except StorageError:
            assert bits(model.state_dict()) == bits(before), mutation
        else:
            assert bits(model.state_dict()) == saved, mutation
            model.load_state_dict(before)
            read += 1
    return read


def test_10000_mutations_and_no_silent_change(monkeypatch):
    def given(content):
        monkeypatch.setattr(Path, "read_bytes", lambda _: content)  # no disk: 10,000 files take their time there
        return "damaged"

    assert mutated(10_000, 0, given) < 100  # nearly every mutation does damage


def test_mutations_on_the_disk(tmp_path):
    def given(content):
        (tmp_path / "damaged").write_bytes(content)
        return tmp_path / "damaged"

    assert mutated(500, 1, given) < 20


# ------------------------------------------------------------------------------ killed while saving


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is forked for each kill")
def test_killed_300_times_and_never_a_torn_file(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.nn.saver", str(tmp_path), "300"],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a process with threads should not fork
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    assert found["kills"] == 300
    assert found["of the first"] + found["of the second"] == 300
    assert min(found["of the first"], found["of the second"]) > 0
    assert found["while writing"] + found["before renaming"] > 0  # kills did hit the writing
    assert found["other files"] == 0


def test_the_names_are_at_the_door():
    assert (nn.save, nn.load, nn.StorageError) == (save, load, StorageError)
