"""Where leaves lie, and what is a view and what a gather."""

import numpy as np

from engine import dot, tanh

from .drafts import Draft
from .lifted import lifted, numbers


def views(roots, d):
    """The views of the one statement; the program computes what the Values hold."""
    program = lifted(roots, d.inputs, d.parameters)
    np.testing.assert_allclose(numbers(program, d.inputs, d.parameters), [r.data for r in roots], rtol=1e-12)
    [statement] = program.statements
    return program, statement.views()


def test_entries_in_a_row_are_a_slice():
    d = Draft(0)
    x = d.x(6)
    _, [view] = views([tanh(v) for v in x[1:5]], d)
    assert (view.offset, view.shape, view.strides, view.index) == (1, (4,), (1,), None)


def test_the_order_of_the_roots_does_not_matter():
    d = Draft(0)
    x = d.x(6)
    program, [view] = views([tanh(v) for v in x[::-2]], d)
    assert (view.offset, view.strides, view.index) == (1, (2,), None)
    assert [place for _, place in program.roots] == [2, 1, 0]


def test_a_column_of_a_matrix_has_the_stride_of_its_rows():
    d = Draft(0)
    x = d.x(3, 4)
    _, [view] = views([tanh(row[2]) for row in x], d)
    assert (view.offset, view.strides) == (2, (4,))


def test_what_each_pair_reads_repeats_itself():
    d = Draft(0)
    x, w = d.x(3), d.w(2)
    _, [one, other] = views([a * b for a in x for b in w], d)
    assert sorted([one.strides, other.strides]) == [(0, 1), (1, 0)]


def test_entries_without_a_pattern_are_gathered():
    d = Draft(0)
    x, y = d.x(9), d.x(9)
    _, read = views([x[i] * v for i, v in zip([3, 0, 7, 1, 8, 2, 6, 5, 4], y, strict=True)], d)
    assert sum(view.index is not None for view in read) == 1


def test_equal_constants_are_one_number_and_others_an_array():
    d = Draft(0)
    x = d.x(4)
    program, _ = views([v * 3.0 for v in x], d)
    assert 3.0 in program.statements[0].operands
    program, _ = views([v**n for v, n in zip(x, [2.0, 3.0, 2.0, 5.0], strict=True)], d)
    [constant] = [a for a in program.arrays if a.kind == "constant"]
    assert constant.numbers.tolist() == [2.0, 3.0, 2.0, 5.0]


def test_the_zeros_of_both_signs_are_two_constants():
    d = Draft(0)
    x = d.x(2)
    program = lifted([x[0] * 0.0, x[1] * -0.0], d.inputs, d.parameters)
    got = numbers(program, d.inputs, d.parameters)
    assert np.signbit(got).tolist() == [np.signbit((x[0] * 0.0).data), np.signbit((x[1] * -0.0).data)]


def test_each_item_of_the_inputs_is_an_array_of_its_own():
    d = Draft(0)
    x, t, y = d.x(2, 3), d.x(), d.x(3)
    program, _ = views([dot(x[1], y, t)], d)
    assert [(a.kind, a.shape, a.varies) for a in program.arrays[:4]] == [
        ("parameters", (0,), False), ("input", (2, 3), True), ("input", (), True), ("input", (3,), True),
    ]  # fmt: skip
