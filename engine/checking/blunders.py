"""What people write in the place of an operation's derivative: one entry an operation, one line a blunder.

Glossary: z the result; xs the operands; d the right slopes; i the position of the operand; u the gradient that arrives.
"""

from collections.abc import Callable, Sequence
from math import exp

Blunder = Callable[[float, Sequence[float], Sequence[float], int, float], float]  # (z, xs, d, i, u) -> the wrong slope


def _at(index: float, i: int) -> bool:
    return i == int(index)


# fmt: off
BLUNDERS: dict[str, tuple[tuple[str, Blunder], ...]] = {
    "pow": (
        ("its exponent is not brought down", lambda z, xs, d, i, u: d[i] / xs[1]),
        ("its exponent is not lowered by one", lambda z, xs, d, i, u: xs[1] * z),
    ),
    "div": (
        ("the divisor is not squared", lambda z, xs, d, i, u: d[i] * xs[1] if i else d[i]),
        ("the numerator is missing", lambda z, xs, d, i, u: d[i] / xs[0] if i else d[i]),
    ),
    "tanh": (
        ("the square of tanh is missing, it is 1 − tanh", lambda z, xs, d, i, u: 1 - z),
        ("it is (1 − tanh)² and not 1 − tanh²", lambda z, xs, d, i, u: (1 - z) ** 2),
        ("1 + tanh² stands for 1 − tanh², a wrong sign", lambda z, xs, d, i, u: 1 + z * z),
        ("z(1 − z), that of sigmoid, stands for 1 − z²", lambda z, xs, d, i, u: z * (1 - z)),
    ),
    "sigmoid": (
        ("its factor 1 − σ is missing", lambda z, xs, d, i, u: z),
        ("its factor σ is missing", lambda z, xs, d, i, u: 1 - z),
        ("1 − z², that of tanh, stands for z(1 − z)", lambda z, xs, d, i, u: 1 - z * z),
        ("z(1 + z) stands for z(1 − z), a wrong sign", lambda z, xs, d, i, u: z * (1 + z)),
    ),
    "relu": (
        ("its mask is the wrong way round", lambda z, xs, d, i, u: 1 - d[i]),
        ("its mask is made from the gradient that arrives, not from its operand",
         lambda z, xs, d, i, u: float(u > 0)),
        ("it leaks: 0.01 below 0, as leaky_relu", lambda z, xs, d, i, u: d[i] or 0.01),
        ("it leaks: 0.1 below 0, as leaky_relu", lambda z, xs, d, i, u: d[i] or 0.1),
        ("it leaks: 0.2 below 0, as leaky_relu", lambda z, xs, d, i, u: d[i] or 0.2),
    ),
    "leaky_relu": (
        ("it is that of relu, 0 below 0", lambda z, xs, d, i, u: float(xs[0] > 0)),
        ("its branches are exchanged", lambda z, xs, d, i, u: xs[1] if xs[0] > 0 else 1.0),
    ),
    "elu": (
        ("z stands for z + α below 0", lambda z, xs, d, i, u: 1.0 if xs[0] > 0 else z),
        ("αeˣ is there above 0, too", lambda z, xs, d, i, u: xs[1] * exp(min(xs[0], 700.0))),
        ("its branches are exchanged", lambda z, xs, d, i, u: xs[1] * exp(min(xs[0], 700.0)) if xs[0] > 0 else 1.0),
    ),
    "silu": (
        ("the second term of the product rule is missing", lambda z, xs, d, i, u: z / xs[0]),
        ("the first term of the product rule is missing", lambda z, xs, d, i, u: d[i] - z / xs[0]),
    ),
    "exp": (("the derivative of the exponent stands alone", lambda z, xs, d, i, u: xs[0]),),
    "log": (("x stands for 1/x", lambda z, xs, d, i, u: xs[0]),),
    "sqrt": (("√x stands for 1/√x", lambda z, xs, d, i, u: 0.5 * z),),
    "sin": (("sin stands for cos", lambda z, xs, d, i, u: z),),
    "abs": (("the sign of its operand is missing", lambda z, xs, d, i, u: 1.0),),
    "maximum": (("the slope of 1 goes to both operands", lambda z, xs, d, i, u: 1.0),),
    "minimum": (("the slope of 1 goes to both operands", lambda z, xs, d, i, u: 1.0),),
    "max": (("the slope of 1 goes to all operands", lambda z, xs, d, i, u: 1.0),
            ("the slope is shared by all operands", lambda z, xs, d, i, u: 1.0 / len(xs)),
            ("the slope goes to the last operand", lambda z, xs, d, i, u: float(i == len(xs) - 1))),
    "var": (("x stands for x − mean", lambda z, xs, d, i, u: 2 * xs[i] / len(xs)),),
    "softplus": (("softplus stands for sigmoid", lambda z, xs, d, i, u: z),
                 ("eˣ stands for sigmoid", lambda z, xs, d, i, u: exp(min(xs[0], 700.0)))),
    "logsumexp": (("sigmoid stands for softmax", lambda z, xs, d, i, u: 1 / (1 + exp(-max(xs[i], -700.0)))),
                  ("the slope of 1 goes to all operands", lambda z, xs, d, i, u: 1.0),
                  ("it is not divided by the sum: eˣ stands for softmax",
                   lambda z, xs, d, i, u: exp(min(xs[i], 700.0)))),
    "softmax": (
        ("only the diagonal p(1 − p) of its Jacobian is there, as of a sigmoid",
         lambda z, xs, d, i, u: d[i] * _at(xs[-1], i)),
        ("the path through its sum is missing: p stands for p(δ − p)", lambda z, xs, d, i, u: z * _at(xs[-1], i)),
        ("the diagonal of its Jacobian is missing, only −p·p is there",
         lambda z, xs, d, i, u: d[i] - z * _at(xs[-1], i)),
        ("the sign of p·p is wrong: diag(p) + p·pᵀ stands for diag(p) − p·pᵀ",
         lambda z, xs, d, i, u: (2 * z - d[i]) if _at(xs[-1], i) else -d[i]),
        ("its Jacobian is missing: the gradient is passed on as it is (an activation derivative forgotten)",
         lambda z, xs, d, i, u: float(_at(xs[-1], i))),
    ),
    "log_softmax": (
        ("the 1 of the target is missing: p stands for p − y", lambda z, xs, d, i, u: d[i] - _at(xs[-1], i)),
        ("the p of p − y is missing, only the target is there", lambda z, xs, d, i, u: float(_at(xs[-1], i))),
        ("p + y stands for p − y, a wrong sign", lambda z, xs, d, i, u: d[i] - 2 * _at(xs[-1], i)),
    ),
}
