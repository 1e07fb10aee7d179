"""Nested lists: the leaves are those that the paths lead to, the shape is NumPy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine import Value, nested

LEAVES = st.one_of(st.integers(0, 9), st.builds(Value, st.just(1.0)), st.just(np.array(2.0)))
TREES = st.recursive(
    st.one_of(LEAVES, st.just(np.arange(6.0).reshape(2, 3)), st.just(np.array([Value(1.0), 2], dtype=object))),
    lambda parts: st.one_of(st.lists(parts), st.lists(parts).map(tuple), st.dictionaries(st.sampled_from("ab"), parts)),
)


@given(TREES)
def test_each_leaf_is_where_its_path_leads(x):
    leaves = nested.flat(x)
    assert leaves == [eval(path, {"x": x}) for path in nested.paths(x, "x")]
    assert not any(isinstance(leaf, list | tuple | dict | np.ndarray) for leaf in leaves)
    assert nested.flat(nested.rebuilt(x, leaves)) == leaves


@given(st.lists(st.integers(1, 3), max_size=4).map(tuple))
def test_the_shape_is_numpys(shape):
    array = np.zeros(shape)
    assert nested.shape(array) == nested.shape(array.tolist()) == shape
    assert nested.shape([array] * 2) == (2, *shape)


def test_rows_of_different_lengths_have_no_shape():
    assert nested.shape([[1.0], [1.0, 2.0]]) is None
    assert nested.shape([1.0, [1.0]]) is None
    assert nested.shape([{"a": 1.0}]) is None
    assert (nested.shape([]), nested.shape([[], []])) == ((0,), (2, 0))
