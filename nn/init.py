"""How weights begin: one entry a rule. A rule draws one weight from rng, for nin inputs and nout outputs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from types import ModuleType

Rng = random.Random | ModuleType  # a generator of its own, or the global `random`
Seed = int | random.Random | None
Init = Callable[[Rng, int, int], float]

INITS: dict[str, Init] = {
    # U(−1, 1), as micrograd does
    "uniform": lambda rng, nin, nout: rng.uniform(-1.0, 1.0),
    # N(0, 2/nin): keeps the variance through relu (He et al. 2015)
    "he": lambda rng, nin, nout: rng.gauss(0.0, math.sqrt(2.0 / nin)),
    # U(−a, a) with a² = 6/(nin + nout): keeps it forwards and backwards (Glorot & Bengio 2010)
    "xavier": lambda rng, nin, nout: rng.uniform(-1.0, 1.0) * math.sqrt(6.0 / (nin + nout)),
}


def generator(seed: Seed) -> Rng:
    """The source of random numbers: of its own for a seed, the global `random` for None.

    Raises:
        TypeError: for a seed that is neither a whole number, a `random.Random` nor None.
    """
    if seed is None:
        return random
    if isinstance(seed, random.Random):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"a seed is a whole number, a random.Random or None, not {seed!r}")
    return random.Random(int(seed))


def named_init(name: str) -> Init:
    """The rule of that name.

    Raises:
        ValueError: if there is none; it lists those there are.
    """
    if name not in INITS:
        raise ValueError(f"there is no init {name!r}; there are: {', '.join(INITS)}")
    return INITS[name]
