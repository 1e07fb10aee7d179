import numpy as np

from .case import Case


def indices(shape, rng):
    return np.reshape([rng.randrange(5) for _ in range(np.prod(shape, dtype=int))], shape)


CASES = [
    Case("Embedding", (5, 3), shapes=[()], inputs=indices, wrong=None),
    Case("Embedding", (5, 1), shapes=[(4,)], inputs=indices, wrong=None),
    Case("Embedding", (5, 2, 2), shapes=[(6,)], inputs=indices, wrong=None),
    Case("Embedding", (5, 2), {"padding_idx": -5}, shapes=[(2, 3)], inputs=indices, wrong=None),
]
