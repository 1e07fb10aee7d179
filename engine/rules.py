"""What several rules of the table share, over any library `xp`."""

# mypy: disable-error-code="no-untyped-def"
from math import inf


def direction(xp, z, x, y):
    """(x/z, y/z), z = hypot(x, y): from half of x and y where z overflows, and 0 at the origin."""
    scale = xp.where(xp.less(z, inf), 1.0, 0.5)
    x, y = scale * x, scale * y
    z = xp.hypot(x, y)
    z = xp.where(z, z, 1.0)
    return x / z, y / z


def turn(xp, y, x):
    """(x/r², −y/r²), r = hypot(x, y), divided twice as r² would overflow; 0 at the origin, as in PyTorch."""
    r = xp.hypot(x, y)
    r = xp.where(r, r, 1.0)
    return x / r / r, -y / r / r


def small_exp(xp, x):
    """exp(−|x|): at most 1, so it cannot overflow."""
    return xp.exp(-xp.abs(x))


def sigmoid(xp, x):
    """1 / (1 + e) for x >= 0 and e / (1 + e) for x < 0, with e = exp(−|x|)."""
    e = small_exp(xp, x)
    return xp.where(xp.greater_equal(x, 0.0), 1.0, e) / (1.0 + e)


def sigmoid_slope(xp, x):
    """σ(x)·σ(−x): the second factor keeps the digits that 1 − σ(x) loses, and both are smooth."""
    return xp.sigmoid(x) * xp.sigmoid(-x)


def silu(xp, x):
    """x·σ(x), with e^(x/2) twice for x < 0: far to the left eˣ alone has fewer digits than x·eˣ."""
    root = xp.exp(-0.5 * xp.abs(x))
    return xp.where(xp.greater_equal(x, 0.0), x, x * root * root) / (1.0 + root * root)


def mish(xp, x):
    """x·tanh(softplus(x)); below -40 that is silu(x) to the last digit, which keeps more of them."""
    return xp.where(xp.less(x, -40.0), xp.silu(x), x * xp.tanh(xp.softplus(x)))


def mish_slope(xp, x):
    """t + (1 + t)(1 − t)·x·σ(x) with t = tanh(s), s = softplus(x), 1 − t = 2σ(−2s), x·σ(x) = silu(x)."""
    s = xp.softplus(x)
    t = xp.tanh(s)
    return t + (1.0 + t) * 2.0 * xp.sigmoid(-2.0 * s) * xp.silu(x)


def split(operands):
    """The operands of dot: ws, xs and the bias (None where there is none)."""
    n = len(operands) // 2
    return operands[:n], operands[n : 2 * n], (operands[-1] if len(operands) % 2 else None)


def dot_slopes(operands):
    """∂/∂w = x, ∂/∂x = w, ∂/∂bias = 1."""
    n = len(operands) // 2
    slopes = operands[n : 2 * n] + operands[:n]
    return (*slopes, 1.0) if len(operands) % 2 else slopes


def write_dot(*texts):
    """dot([w0, w1], [x0, x1], b)."""
    ws, xs, bias = split(texts)
    return f"dot([{', '.join(ws)}], [{', '.join(xs)}]{'' if bias is None else ', ' + bias})"


def first_of(xp, z, xs):
    """1 for the first of xs that equals z, 0 for all others."""
    free, found = 1.0, []
    for x in xs:
        found.append(xp.equal(x, z) * free)
        free = free - found[-1]
    return found


def softmax_slopes(xp, xs, index):
    """∂ ln softmax(xs)[index] / ∂xs: −pⱼ, and at the index itself the sum of the other p, not 1 − p."""
    ps = list(xp.softmax(xs))
    k = int(index) % len(ps)  # it may count from the end, as in a list
    others = ps[:k] + ps[k + 1 :]
    return [-p if j != k else xp.sum(others) if others else 0.0 for j, p in enumerate(ps)]


def ties(xs, sign):
    """How far the largest (sign 1) or the smallest (−1) is from each of the others."""
    *others, top = sorted(xs, key=lambda x: sign * x)
    return tuple(top - x for x in others)
