"""Each entry of the table of blunders, planted, is named; so is each kind of slip."""

import numpy as np
import pytest

from engine import TABLE, Value, compare, dot, sum, tanh
from engine.checking.blunders import BLUNDERS
from engine.checking.slips import Slips

POINTS = [0.4, 1.7, 2.6, -0.6, -1.4]
WEIGHTS = [1.0, -0.7, 0.3, 1.9, 0.8]


def of_operation(name):
    """A function of a list in which the operation is applied to every entry, or to the list, and the list's numbers."""
    op = TABLE[name]
    points = [abs(x) + 0.1 for x in POINTS] if op.domain else POINTS
    if name in ("softmax", "log_softmax"):
        return (lambda v: sum([w * op_of(name, [*v, float(k)]) for k, w in enumerate(WEIGHTS)])), points
    if op.any_number:
        return (lambda v: op_of(name, v) * v[0]), points
    if len(op.operands) == 1:
        return (lambda v: sum([w * op_of(name, [x]) for w, x in zip(WEIGHTS, v, strict=True)])), points
    second = {"pow": 3.0, "leaky_relu": 0.05}.get(name)
    if second is not None:
        return (lambda v: sum([w * op_of(name, [x, second]) for w, x in zip(WEIGHTS, v, strict=True)])), points
    return (
        lambda v: sum([w * op_of(name, [x, v[i - 1]]) for i, (w, x) in enumerate(zip(WEIGHTS, v, strict=True))])
    ), points


def op_of(name, operands):
    return Value.record(TABLE[name], operands)


def slips_of(f, points):
    leaves = [Value(x, f"v[{i}]") for i, x in enumerate(points)]
    return Slips(f(leaves), leaves, [0] * len(leaves), ["v"], [(len(leaves),)])


CASES = [(name, text) for name, entries in BLUNDERS.items() for text, _ in entries]


@pytest.mark.parametrize(("name", "text"), CASES, ids=[f"{name}: {text}" for name, text in CASES])
def test_every_blunder_is_named(name, text):
    f, points = of_operation(name)
    planted, gradients = slips_of(f, points).single
    rows = [i for i, slip in enumerate(planted) if slip.kind == "wrong rule" and text in slip.text]
    assert rows, "it changes nothing here: choose other points"
    report = compare(f, [np.array(points)], gradients[rows[0]])
    assert not report
    same = [
        slip.text
        for slip, row in zip(planted, gradients, strict=True)
        if np.allclose(row, gradients[rows[0]], rtol=1e-9)
    ]
    assert text in report.verdict or len(same) > 1, report.verdict  # or what gives the same numbers
    assert name in report.verdict


def network(W, v, x):
    hidden = [tanh(dot(row, x)) for row in W]
    return (dot(v, hidden) - 1.0) ** 2 + dot(v, hidden) * 0.5


def test_every_slip_of_a_network_is_noticed_and_has_a_cause():
    rng = np.random.default_rng(5)
    W, v, x = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)
    leaves = [Value(float(n), f"l{i}") for i, n in enumerate([*W.ravel(), *v, *x])]
    root = network([leaves[0:3], leaves[3:6], leaves[6:9]], leaves[9:12], leaves[12:])
    slips = Slips(root, leaves, [0] * 9 + [1] * 3 + [2] * 3, ["W", "v", "x"], [(3, 3), (3,), (3,)])
    planted, gradients = slips.single
    assert len(planted) > 150
    for slip, row in list(zip(planted, gradients, strict=True))[::7]:
        report = compare(network, [W, v, x], [row[:9].reshape(3, 3), row[9:12], row[12:]])
        assert not report, slip.text
        kinds = {cause.kind for cause in report.causes}
        assert kinds - {"some entries", "unexplained"}, (slip.text, report.verdict)
