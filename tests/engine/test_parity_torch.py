"""PyTorch's float64 gives the same values and gradients, at everyday numbers and at the kinks.

Where we differ on purpose (at the origin PyTorch gives nan for the slopes of hypot), `test_numerics` has our rule.
"""

import pytest

from engine import TABLE

from .exact import INDEXED, moderate, on_values

torch = pytest.importorskip("torch")
F = torch.nn.functional


def _dot(*operands):
    n = len(operands) // 2
    ws, xs, bias = torch.stack(operands[:n]), torch.stack(operands[n : 2 * n]), operands[2 * n :]
    return ws @ xs + sum(bias)


# fmt: off
TORCH = {name: getattr(library, name) for library in (torch, F) for name in TABLE if hasattr(library, name)}
TORCH |= {  # where the names or the arguments differ
    "equal":       torch.eq,
    "log_sigmoid": F.logsigmoid,
    "leaky_relu":  lambda x, slope: F.leaky_relu(x, slope.item()),
    "elu":         lambda x, alpha: F.elu(x, alpha.item()),
    "where":       lambda condition, x, y: torch.where(condition != 0, x, y),
    "clip":        lambda x, low, high: torch.clamp(x, low, high),
    "dot":         _dot,
    "sum":         lambda *xs: torch.stack(xs).sum(),
    "mean":        lambda *xs: torch.stack(xs).mean(),
    "var":         lambda *xs: torch.stack(xs).var(correction=0),
    "prod":        lambda *xs: torch.stack(xs).prod(),
    "max":         lambda *xs: torch.stack(xs).max(dim=0).values,  # `max()` of a whole tensor shares a tie
    "min":         lambda *xs: torch.stack(xs).min(dim=0).values,
    "logsumexp":   lambda *xs: torch.stack(xs).logsumexp(0),
    "take":        lambda *operands: torch.stack(operands[:-1])[int(operands[-1])],
    "softmax":     lambda *operands: torch.stack(operands[:-1]).softmax(0)[int(operands[-1])],
    "log_softmax": lambda *operands: torch.stack(operands[:-1]).log_softmax(0)[int(operands[-1])],
}
# fmt: on

LACKING = {"cbrt"}  # in PyTorch


def ours(name, operands):
    z, leaves = on_values(name, operands)
    z.backward()
    return [z.data, *(x.grad for x in leaves)]


def theirs(name, operands):
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in operands]
    z = TORCH[name](*leaves)
    if z.requires_grad:  # a comparison does not
        z.backward()
    if name in INDEXED:
        leaves.pop()
    return [float(z.item()), *(0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves)]


def test_every_operation_is_compared():
    unlisted = (TORCH.keys() | LACKING) ^ TABLE.keys()
    assert not unlisted, f"add PyTorch's function to TORCH (or the name to LACKING) for {sorted(unlisted)}"


def assert_same(name, operands):
    got, want = ours(name, operands), theirs(name, operands)
    if name in ("leaky_relu", "elu"):
        got, want = got[:-1], want[:-1]  # for PyTorch their second operand is a plain number, without a gradient
    assert got == pytest.approx(want, rel=2e-13, abs=1e-15, nan_ok=True), operands


@pytest.mark.parametrize("name", TORCH)
def test_same_at_everyday_numbers(name):
    for operands in moderate(name, 30, within=4.0):
        assert_same(name, operands)


KINKS = [
    *((name, [x]) for name in ("relu", "abs", "selu") for x in (0.0, -0.0)),
    *(("leaky_relu", [x, 0.01]) for x in (0.0, -0.0)),
    *(("elu", [x, alpha]) for x in (0.0, -0.0) for alpha in (1.0, 0.5)),
    *((name, [x, x]) for name in ("maximum", "minimum") for x in (2.0, 0.0)),
    *((name, xs) for name in ("max", "min") for xs in ([1.0, 3.0, 3.0], [1.0, 1.0, 3.0], [2.0, 2.0, 2.0], [-0.0, 0.0])),
    *(("clip", [x, 1.0, 2.0]) for x in (0.0, 1.0, 1.5, 2.0, 3.0)),
    *(("clip", [x, 2.0, 1.0]) for x in (0.0, 1.0, 1.5, 2.0, 3.0)),
    *(("clip", [x, 1.0, 1.0]) for x in (0.0, 1.0, 2.0)),
    *(("pow", xs) for xs in ([0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 0.5], [-2.0, 3.0], [-2.0, 0.0])),
    *(("hypot", xs) for xs in ([0.0, 2.0], [-3.0, 0.0])),
    *(("atan2", xs) for xs in ([0.0, 1.0], [0.0, -1.0], [-0.0, -1.0], [1.0, 0.0], [0.0, 0.0])),
    *((name, [0.0]) for name in ("sqrt", "softsign", "silu", "gelu", "mish", "softplus", "log_sigmoid")),
    *((name, [x]) for name in ("asin", "acos") for x in (1.0, -1.0)),
    ("acosh", [1.0]),
    *((name, [2.0, 2.0]) for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")),
    *(("where", [condition, 5.0, 7.0]) for condition in (0.0, 1.0)),
    *(("prod", xs) for xs in ([2.0, 0.0, 5.0], [0.0, 0.0, 5.0])),
]


@pytest.mark.parametrize(("name", "operands"), KINKS)
def test_same_at_kinks_and_edges(name, operands):
    assert_same(name, operands)
