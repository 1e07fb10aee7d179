"""Names of arrays: Python's, each for one array only."""

import keyword
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value, erf, hypot, tanh, vectorize
from engine import max as largest
from engine.vectorize.names import Names, common_name

words = st.from_regex(r"[a-z_]{1,4}[0-9]{0,2}", fullmatch=True)
wishes = st.one_of(
    words, st.text(max_size=4), st.sampled_from([*keyword.kwlist, "x²", "µ", "μ", "𝑥", "x", "__debug__"])
)


def usable(name):
    """Whether Python takes it for a variable."""
    try:
        compile(f"{name} = 1", "name", "exec")
    except SyntaxError:
        return False
    return name.isidentifier()


@given(st.lists(st.tuples(wishes, words), max_size=12), st.lists(words))
def test_every_name_is_a_new_variable(wanted, taken):
    names = Names(taken)
    given_names = [names.new(wish, of) for wish, of in wanted]
    assert all(map(usable, given_names))
    assert len({unicodedata.normalize("NFKC", name) for name in [*given_names, *set(taken)]}) == len(
        [*given_names, *set(taken)]
    )  # as Python reads them


@given(words.filter(lambda wish: wish.strip("_") and not keyword.iskeyword(wish)))
def test_a_wish_is_granted_once(wish):
    names = Names(())
    assert names.new(wish) == wish
    assert names.new(wish) != wish


def test_without_a_wish_a_letter_and_a_number():
    names = Names(["z2"])
    assert [names.new("", "dot"), names.new("", "dot"), names.new("", "relu")] == ["z1", "z3", "a1"]
    assert names.new("", "cosh") == "cosh1"
    assert [names.new("x1"), names.new("x1")] == ["x1", "x1_1"]


def test_a_copy_goes_its_own_way():
    names = Names(())
    other = names.copy()
    assert names.new("", "dot") == other.new("", "dot") == "z1"
    assert names.new("x") == other.new("x") == "x"


# ------------------------------------------------------------------------------- what names have in common


@pytest.mark.parametrize(("names", "common"), [
    (["w[0]", "w[1]"], "w"), (["w"], "w"), (["layers[0].w[0]", "layers[0].w[1]"], "layers0_w"),
    (["layers[0].w[0]", "layers[1].w[0]"], "w"), (["a.b", "a.c"], ""), (["a[0].b", "b[0].b"], ""), (["w", None], ""),
    ([], ""), (["0"], ""), (["h[2].q[1].w[3]", "h[2].q[1].w[4]"], "h2_q1_w"), (["?!"], ""), (["w0", "w1"], ""),
])  # fmt: skip
def test_common_names(names, common):
    assert common_name(names) == common


@given(st.lists(st.tuples(words, st.lists(st.integers(0, 12), max_size=2)), min_size=1, max_size=3), st.data())
def test_entries_of_a_tensor_have_its_name(path, data):
    """However the last indices go, and whichever entries are looked at."""
    stem = ".".join(word + "".join(f"[{i}]" for i in indices) for word, indices in path[:-1])
    full = f"{stem}.{path[-1][0]}" if stem else path[-1][0]
    places = data.draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=4))
    name = common_name([f"{full}[{i}][{j}]" for i, j in places])
    assert name == common_name([f"{full}[7][7]"])
    assert name.endswith(path[-1][0])
    assert name.isidentifier()


# ------------------------------------------------------------------------------- in the source


@pytest.mark.parametrize(("x", "w"), [
    ("x²", "w"), ("µ", "μ"), ("𝑥", "x"), ("class", "None"), ("x y", "2x"), ("X", "x"), ("x", "__debug__"),
    ("batch", "gradient"), ("d_x", "m1"), ("max_backward", "w"), ("w", "power_slope"),
    ("exp_minus_square", "direction"),
])  # fmt: skip
def test_a_value_may_have_any_name(x, w):
    a, b = Value(0.5, x), Value(2.0, w)
    loss = largest([a, b * a, b]) + erf(a * b) + hypot(a, b) * tanh(a) ** b
    program = vectorize(loss, inputs=[a], parameters=[b])
    value, gradient = program.value_and_grad(np.array([0.5]))
    loss.backward()
    assert (value, gradient[0]) == pytest.approx((loss.data, b.grad), rel=1e-14)
