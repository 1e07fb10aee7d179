"""CasADi's SX: the same program as one expression, differentiated and run by its virtual machine."""

from __future__ import annotations

import casadi
import numpy as np

from tests.benchmarks.timing import Peer
from tests.benchmarks.vectorized_gpt import Numbers, matrices
from tests.benchmarks.vectorized_gpt import gpt as program

# No shift in softmax, which has no effect on the result: fewer operations than the others have.
SYMBOLS = Numbers(casadi.exp, casadi.log, lambda x: casadi.fmax(x, 0.0), lambda xs, i: xs[i], lambda _: 0.0)


def gpt(numbers, ids):
    """Loss and gradient for one name, whose letters are part of the expression."""
    p = casadi.SX.sym("p", len(numbers))
    tokens = ids.tolist()
    loss = program(tokens[:-1], tokens[1:], matrices(casadi.vertsplit(p)), SYMBOLS)
    function = casadi.Function("gpt", [p], [loss, casadi.gradient(loss, p)])
    buffer, evaluate = function.buffer()  # arrays are read and written where they are
    given, value, gradient = numbers.copy(), np.zeros(1), np.zeros_like(numbers)
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(value))
    buffer.set_res(1, memoryview(gradient))

    alive = function, buffer, given  # CasADi itself does not keep them

    def result():
        evaluate()
        return float(value[0]), gradient.copy()

    def run(alive=alive):
        evaluate()

    return Peer(result, run)
