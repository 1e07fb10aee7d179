"""A checkpoint holds what goes in, bit for bit, and the states of all generators; what is none is told."""

import json
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nn
from nn.storage import encoded
from nn.training import checkpoint

ARRAYS = arrays.arrays(
    st.sampled_from([np.float64, np.int64, np.bool_]), arrays.array_shapes(min_dims=0, max_dims=2, min_side=0)
)
META = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    parts=st.dictionaries(
        st.sampled_from(["model", "optimizer", "callback 0"]),
        st.dictionaries(st.sampled_from(["0.weight", "exp_avg", "a/b"]), ARRAYS, min_size=1, max_size=2),
    ),
    meta=st.dictionaries(st.text(max_size=3), META, max_size=3),
)
def test_what_goes_in_comes_out(parts, meta, tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(path, parts, meta)
    found, rest = checkpoint.load(path)
    assert rest == meta
    assert found.keys() == parts.keys()
    for part, state in parts.items():
        assert found[part].keys() == state.keys()
        for name, array in state.items():
            assert found[part][name].shape == array.shape
            assert found[part][name].dtype == array.dtype
            assert found[part][name].tobytes() == array.tobytes()


def test_numbers_of_numpy_and_those_that_are_none_are_kept(tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(path, {}, {"a": np.float64(0.1), "b": np.arange(2), "c": float("inf"), "d": float("nan")})
    _, meta = checkpoint.load(path)
    assert (meta["a"], meta["b"], meta["c"]) == (0.1, [0, 1], float("inf"))
    assert meta["d"] != meta["d"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"abcdefghijk", "cannot be read"),
        (encoded({"a": np.zeros(2)}), "no checkpoint of fit"),
        (encoded({"training": np.frombuffer(b"{", np.uint8)}), "no checkpoint of fit"),
    ],
)
def test_a_file_that_is_none_is_told(content, message, tmp_path):
    path = tmp_path / "run.safetensors"
    path.write_bytes(content)
    with pytest.raises(nn.StorageError, match=rf"run\.safetensors.*{message}"):
        checkpoint.load(path)


def test_all_that_differs_is_named(tmp_path):
    saved = {"seed": 1, "batch_size": 4, "the examples": "ab", "the parameters": {"w": [2], "b": [1]}}
    checkpoint.require_same(tmp_path, saved, dict(saved))
    now = saved | {"seed": 2, "the examples": "cd", "the parameters": {"w": [3], "b": [1]}, "more": 1}
    with pytest.raises(ValueError, match="another training") as error:
        checkpoint.require_same(tmp_path, saved, now)
    message = str(error.value)
    for words in ("seed was 1, and is 2", "the examples were others", "w [2] and [3]", "more was None, and is 1"):
        assert words in message
    assert "batch_size" not in message


class Random(nn.Module):
    """A generator of each kind, and in each place."""

    def __init__(self):
        self.rng = random.Random(1)
        self.numpy = np.random.default_rng(2)
        self.old = np.random.Generator(np.random.MT19937(3))
        self.several = [random.Random(4), {"a": np.random.default_rng(5)}]
        self.part = nn.Dropout(0.5, seed=6)

    def draw(self):
        several = [self.several[0].gauss(0.0, 1.0), self.several[1]["a"].normal()]
        drawn = [self.rng.gauss(0.0, 1.0), self.numpy.normal(), self.old.normal(), *several, self.part.rng.random()]
        return [*drawn, random.random()]


def test_every_generator_goes_on_where_it_was():
    model, other = Random(), Random()
    before = random.getstate()
    try:
        model.draw()
        states = json.loads(json.dumps(checkpoint.drawn_so_far(model), default=lambda x: x.tolist()))
        expected = [model.draw() for _ in range(3)]
        checkpoint.draw_on(other, states)
        assert [other.draw() for _ in range(3)] == expected
        checkpoint.draw_on(nn.Tanh(), states)  # a model that has none of them
        assert random.random() == expected[0][-1]
    finally:
        random.setstate(before)
