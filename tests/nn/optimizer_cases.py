"""Each optimizer with its options, a curved function of six numbers, and two trainings of it: ours and PyTorch's."""

import itertools

import nn
from engine import Value

SMALL = [0.5, -0.3, 0.8, -1.2, 0.1, 0.7]


def options(**choices):
    """All combinations of the options."""
    return [dict(zip(choices, picked, strict=True)) for picked in itertools.product(*choices.values())]


DECAY = {"weight_decay": (0.0, 0.1)}
BETAS = {"betas": ((0.9, 0.999), (0.6, 0.8))}
DECOUPLED = [{"weight_decay": 0.1, "decoupled_weight_decay": True}]

CASES = [
    (name, o)
    for name, sets in {
        "SGD": [
            o
            for o in options(momentum=(0.0, 0.9), dampening=(0.0, 0.3), nesterov=(False, True), **DECAY)
            if not o["nesterov"] or (o["momentum"] and not o["dampening"])
        ]
        + [{"maximize": True, "weight_decay": 0.1}],
        "Adagrad": options(lr_decay=(0.0, 0.2), initial_accumulator_value=(0.0, 0.5), **DECAY),
        "RMSprop": options(momentum=(0.0, 0.9), centered=(False, True), alpha=(0.99, 0.5), **DECAY),
        "Adadelta": options(rho=(0.9, 0.5), eps=(1e-6, 1e-2), **DECAY),
        "Adam": options(amsgrad=(False, True), **BETAS, **DECAY) + DECOUPLED + [{"maximize": True, "amsgrad": True}],
        "AdamW": [*options(amsgrad=(False, True), **BETAS, weight_decay=(0.0, 0.3)), {}],
        "NAdam": options(momentum_decay=(4e-3, 0.5), **BETAS, **DECAY) + DECOUPLED,
        "RAdam": options(**BETAS, **DECAY, eps=(1e-8, 1e-2)) + DECOUPLED + [{"betas": (0.9, 0.5)}],
        "Adamax": options(**BETAS, **DECAY, eps=(1e-8, 1e-2)),
    }.items()
    for o in sets
]
NAMES = list(dict.fromkeys(name for name, _ in CASES))


def curved(values, terms=(0, 1, 2, 3)):
    """A function with a curved valley; `terms` leaves some of the six out."""
    a, b, c, d, e, f = values
    parts = (
        lambda: (a - 1.0) ** 2 + 3.0 * (b - a * a) ** 2,
        lambda: (c * d - 0.5) ** 2 + 0.1 * c**4,
        lambda: (d - 0.3) ** 2 / (1.0 + e * e),
        lambda: (e + f) ** 2 + 0.2 * f**4,
    )
    total = 0.0
    for i in terms:
        total = total + parts[i]()
    return total


def always(k):
    return (0, 1, 2, 3)


def in_turns(k):
    """Which terms there are at step k: all, or not those of a and b, or only theirs."""
    return [(0, 1, 2, 3), (1, 2, 3), (0,), (0, 1, 3)][k % 4]


def never_frozen(k):
    return ()


def frozen_between(k):
    """Which of the six are frozen at step k."""
    return (1, 4) if 5 <= k < 9 else ()


def in_one(values):
    return values


def in_groups(values):
    """Two groups, the first with a rate of its own."""
    return [{"params": values[:2], "lr": 0.003}, {"params": values[2:]}]


def ours(name, grouped=in_one, numbers=SMALL, **settings):
    values = [Value(x) for x in numbers]
    return values, getattr(nn, name)(grouped(values), **settings)


def train(values, optimizer, steps, terms=always, frozen=never_frozen, after=lambda k: None):
    """Some steps, of any library's optimizer; gives the numbers after each."""
    path = []
    for k in steps:
        optimizer.zero_grad()
        for i, v in enumerate(values):
            v.requires_grad = i not in frozen(k)
        curved(values, terms(k)).backward()
        optimizer.step()
        after(k)
        path.append([v.item() for v in values])
    return path
