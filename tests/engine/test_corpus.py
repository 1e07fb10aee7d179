"""The verdicts on the corpus: at least nine of ten planted causes are named, and nothing right is called wrong."""

from functools import cache

import pytest

from engine import GradReport, compare

from .corpus import PLANTED, Planted
from .corpus_right import RIGHT

CORE = ("MSE", "cross-entropy", "batch norm", "convolution", "LSTM")  # two-layer networks, and the layers


@cache
def report(row: Planted) -> GradReport:
    return compare(row.model.f, row.model.inputs, row.gradient)


@pytest.mark.parametrize("row", PLANTED, ids=lambda row: row.id)
def test_no_mistake_passes(row: Planted) -> None:
    assert not report(row), f"{row.id} was called right"
    assert report(row).wrong
    assert report(row).causes


def test_nine_of_ten_causes_are_named() -> None:
    missed = [f"{row.id}: {', '.join(found)}" for row in PLANTED if (found := row.missing(report(row).verdict))]
    assert len(PLANTED) >= 200
    assert len(missed) <= 0.1 * len(PLANTED), "\n".join(missed)


def test_nine_of_ten_causes_are_named_in_the_core() -> None:
    core = [row for row in PLANTED if any(name in row.model.name for name in CORE) and "binary" not in row.model.name]
    missed = [row.id for row in core if row.missing(report(row).verdict)]
    assert len(core) >= 150
    assert len(missed) <= 0.1 * len(core), "\n".join(missed)


@pytest.mark.parametrize("row", RIGHT, ids=lambda row: row.id)
def test_nothing_right_is_called_wrong(row) -> None:
    verdict = compare(row.model.f, row.model.inputs, row.gradient)
    assert verdict, verdict


@pytest.mark.parametrize("row", PLANTED, ids=lambda row: row.id)
def test_inputs_with_right_gradients_are_not_accused(row: Planted) -> None:
    if row.inputs is None:
        return
    right = {name for name in row.model.names if name not in row.inputs}
    accused = {entry.input.partition("[")[0] for entry in report(row).wrong}
    assert not accused & right
