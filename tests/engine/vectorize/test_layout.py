"""The text of a function: the same code, in lines of a page."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine.vectorize import vectorize_model
from engine.vectorize.layout import LONGEST, Function, _aligned, _cut
from engine.vectorize.writer import Line, Written

names = st.sampled_from(["x", "gradient", "layers0_attention_query_weight", "d_layers1_hidden_z"])
codes = st.recursive(
    names,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=6).map(lambda xs: f"join({', '.join(xs)})"),
        st.lists(inner, min_size=1, max_size=6).map(" + ".join),
        st.lists(inner, min_size=1, max_size=6).map(lambda xs: f"concatenate(({', '.join(xs)},))"),
        st.tuples(inner, inner).map(lambda xs: f"({xs[0]}) @ ({xs[1]}).T"),
        inner.map(lambda x: f"({x}).reshape(3, -1)[:, None, 0:7]"),
        inner.map(lambda x: f'einsum("ij,jb->ib", {x}, {x})'),
        inner.map(lambda x: f"({x}).sum(axis=0)"),
    ),
    max_leaves=12,
)


@given(names, codes, st.integers(0, 76))
def test_a_long_line_is_cut_and_says_the_same(name, code, width):
    text = _aligned(Line(name, code, "(3, batch)"), width)
    [assignment] = ast.parse(f"def f():\n{text}\n").body[0].body
    assert ast.dump(assignment) == ast.dump(ast.parse(f"{name} = {code}").body[0])
    first, *more = text.splitlines()
    assert text.endswith("# (3, batch)")
    if len(f"{name} = {code}") <= LONGEST:
        assert not more
    else:
        assert first.startswith("    ")
        assert more


@given(st.lists(codes, min_size=1, max_size=6))
def test_a_cut_is_where_the_sign_stands_alone(parts):
    inside = [part for part in parts if " + " not in part]
    assert _cut(", ".join(parts), ", ") == parts
    assert _cut(" + ".join(inside), " + ") == (inside or [""])


@pytest.mark.parametrize("terms", [3, 30, 300])
@pytest.mark.parametrize("sign", [", ", " + "])
def test_a_list_or_sum_of_any_length_fits_the_page(terms, sign):
    inside = sign.join(f"hidden_row{i}" for i in range(terms))
    line = Line("z", f"join({inside})" if sign == ", " else inside)
    assert all(len(text) <= 120 for text in _aligned(line, 0).splitlines())


def example_of_a_function():
    written = Written()
    written.lines = [Line("z", "W @ x + b", "(3, batch)", (4, ("x", "1.0"))), Line("loss", "z.sum(axis=0)", "(batch,)")]
    written.stop("outputs", "z.T")
    written.lines.append(Line("d_z", "spread(1.0 / batch, 3)", "(3, batch)"))
    written.stop("gradient", "loss, d_z")
    return Function(("X", "T"), [Line("x", "X.T")], written)


def test_a_function_returns_where_what_is_asked_for_is_known():
    [function] = ast.parse(example_of_a_function().text()).body
    assert [a.arg for a in function.args.args] == ["parameters", "X", "T", "wanted"]
    lines = [ast.unparse(statement) for statement in function.body[1:]]
    assert lines == [
        "x = X.T", "z = W @ x + b", "loss = z.sum(axis=0)", "if wanted == 'outputs':\n    return z.T",
        "d_z = spread(1.0 / batch, 3)", "return (loss, d_z)",
    ]  # fmt: skip


def test_checks_stand_before_their_lines_where_they_are_wanted():
    plain, checked = (example_of_a_function().text(checked=checked).splitlines() for checked in (False, True))
    [check] = [text for text in checked if text not in plain]
    assert check.strip() == "check(4, x, 1.0)"
    assert checked[checked.index(check) + 1].startswith("    z = ")
    assert not [text for text in plain if text not in checked]


def test_comments_stand_in_one_column():
    text = example_of_a_function().text()
    assert len({line.index("#") for line in text.splitlines() if "=" in line and "#" in line}) == 1


def test_the_source_of_a_deep_network_fits_the_page():
    model = nn.MLP(3, [5] * 12 + [1], seed=0)
    source = vectorize_model(model, lambda y, t: (y - t) ** 2, ([0.1, 0.2, 0.3], 0.5)).source
    assert max(map(len, source.splitlines())) <= 120
    stored = [n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    assert len(stored) == len(set(stored))
