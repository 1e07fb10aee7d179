"""Contractions of two arrays, against NumPy's einsum."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vectorize import contraction
from engine.vectorize.contraction import einsum
from tests.engine.vectorize.fixed import frozen


@st.composite
def contractions(draw):
    letters = "abcdef"[: draw(st.integers(1, 6))]
    first, second = (draw(st.permutations(letters)) for _ in range(2))
    first, second = first[: draw(st.integers(1, len(letters)))], second[: draw(st.integers(1, len(letters)))]
    out = draw(st.permutations(sorted({*first, *second})))
    spec = f"{''.join(first)},{''.join(second)}->{''.join(out[: draw(st.integers(0, len(out)))])}"
    sizes = {c: draw(st.integers(1, 4)) for c in letters}
    lacks = draw(st.sampled_from(letters))  # an axis that one of the operands has with the size 1
    return spec, tuple(sizes[c] for c in first), tuple(1 if c == lacks else sizes[c] for c in second)


@pytest.mark.parametrize("limits", [(0, 10**9, 10**9), (0, 10**9, 0), (10**9, 1, 0)], ids=["matrices", "BLAS", "loops"])
def test_einsum_is_numpys(limits):
    @given(contractions())
    def check(contraction):
        spec, first, second = contraction
        rng = np.random.default_rng(0)
        a, b = frozen(rng.normal(size=first)), frozen(rng.normal(size=second))
        np.testing.assert_allclose(einsum(spec, a, b), np.einsum(spec, a, b), rtol=1e-12, atol=1e-13)

    with mock.patch.multiple(contraction, **dict(zip(("_TINY", "_LONG", "_BLAS"), limits, strict=True))):
        contraction._contraction.cache_clear()
        check()
    contraction._contraction.cache_clear()


@pytest.mark.parametrize(("spec", "first", "second"), [
    ("htjb,hsjb->htsb", (4, 8, 4, 1), (4, 8, 4, 1)), ("htjb,hsjb->htsb", (4, 8, 4, 64), (4, 8, 4, 64)),
    ("htjb,hsjb->htsb", (8, 64, 16, 1), (8, 64, 16, 1)), ("oc,cpb->opb", (32, 64), (64, 1, 64)),
    ("opb,cpb->oc", (32, 1, 64), (64, 1, 64)), ("vb,b->vb", (99, 64), (64,)), ("ab,cb->", (60, 9), (70, 9)),
    ("jklb,ijkb->ijlb", (4, 8, 8, 64), (8, 4, 8, 64)), ("jklb,ijlb->ijkb", (4, 8, 8, 300), (8, 4, 8, 300)),
    ("ijb,jb->ib", (32, 16, 64), (16, 64)), ("ib,ib->b", (9, 40), (9, 40)),
    ("oimn,imnpb->opb", (4, 2, 3, 3), (2, 3, 3, 5, 7)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_contractions_of_models(spec, first, second, dtype):
    rng = np.random.default_rng(0)
    a, b = frozen(rng.normal(size=first), dtype), frozen(rng.normal(size=second), dtype)
    got, tolerance = einsum(spec, a, b), 1e-13 if dtype == np.float64 else 1e-4
    assert got.dtype == dtype
    np.testing.assert_allclose(got, np.einsum(spec, a, b), rtol=tolerance, atol=100 * tolerance)


@pytest.mark.parametrize("spec", ["ij,jb", "ij->ji", "ii,ij->j", "ij,jb->ibb"])
def test_a_spec_of_another_kind_is_an_error(spec):
    with pytest.raises(ValueError, match="two operands and a result, as 'ij,jb->ib'"):
        einsum(spec, np.ones((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize(("spec", "shapes", "way"), [
    ("ijkb,ijlb->jklb", [(4, 4, 8, 1), (4, 4, 8, 1)], "matrices"),
    ("jklb,ijlb->ijkb", [(4, 8, 8, 1), (4, 4, 8, 1)], "matrices"),
    ("ijb,jb->ib", [(32, 16, 512), (16, 512)], "loops"), ("ib,jb->ijb", [(8, 4), (4, 4)], "loops"),
])  # fmt: skip
def test_what_is_left_to_numpy(spec, shapes, way):
    contraction._contraction.cache_clear()
    with mock.patch.object(np, "einsum", side_effect=np.einsum) as loops:
        einsum(spec, *map(np.ones, shapes))
    assert loops.called == (way == "loops")
