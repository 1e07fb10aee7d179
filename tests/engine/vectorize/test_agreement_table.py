"""One body over the whole table: a program computes every operation as the scalar engine does.

Each operation is put where a program may meet it: over a vector of inputs, of parameters, of both, with constants
among them; in batches of 1, 2 and 7; at every scale, at kinks and ties, at inf and nan, and outside its domain.
"""

import math
import random
from itertools import cycle, islice, product

import numpy as np
import pytest

from engine import TABLE, DomainError, Value, define_op, dot, tanh
from engine.operation import apply
from engine.vectorize import vectorize

from ..exact import BY_HAND, INDEXED, inside
from .agreement import Tally, agree

COPIES = 3  # of the operation in a graph, so that it stands over a vector
LISTS = [name for name, op in TABLE.items() if op.any_number]
UNARY = [name for name, op in TABLE.items() if len(op.operands) == 1 and not op.any_number]

# How many operands: of a list 1, 2 and 5 entries; dot has as many weights, and a bias or none; an index comes last.
COUNTS = {name: [len(op.operands)] for name, op in TABLE.items()} | {name: [1, 2, 5] for name in LISTS}
COUNTS |= {name: [2, 3, 6] for name in INDEXED} | {"dot": [1, 2, 3, 5, 10]}
SIZED = [(name, count) for name in TABLE for count in COUNTS[name]]
every_operation = pytest.mark.parametrize(("name", "count"), SIZED)

# What the operands are, in turn: i inputs, p parameters, c constants. The index of a list is never a parameter.
ROLES = ["i", "p", "ip", "pi", "ic", "ci", "pc"]


def rng_of(*what):
    return random.Random(" ".join(map(str, what)))


def sized(rng, name):
    """A number of any size: everyday ones, those by hand, and up to 1e300 (in a list 1e100) either way."""
    kind = rng.random()
    if kind < 0.5:
        return rng.uniform(-3.0, 3.0)
    if kind < 0.7:
        return rng.choice((-1, 1)) * rng.choice(BY_HAND)
    return rng.choice((-1, 1)) * 10.0 ** (rng.uniform(-1, 1) * rng.choice((2, 20, 100 if name in LISTS else 300)))


def tied(rng, name):
    return rng.choice((-1.0, 0.0, 1.0, 2.0))


def endless(rng, name):
    return rng.choice((math.inf, -math.inf, math.nan, 1.0, 0.0, -2.5))


def operands(rng, draw, name, count):
    """Operands with a value; the last one of an indexed operation is a place in its list, from either end."""
    while True:
        xs = [draw(rng, name) for _ in range(count)]
        if name in INDEXED:
            xs[-1] = float(rng.randrange(-(count - 1), count - 1))
        if not all(map(math.isfinite, xs)) or inside(name, xs):
            return xs


def roles_of(roles, name, count):
    """i, p or c for each operand."""
    found = list(islice(cycle(roles), count))
    if name in INDEXED and found[-1] == "p":
        found[-1] = "c"
    return found


class Setting:
    """A graph with copies of one operation, whose result each is multiplied by a number of its own, and added."""

    def __init__(self, name, count, roles, draw):
        rng = rng_of(name, count, roles, draw.__name__)
        self.name, self.draw, self.rng, self.count = name, draw, rng, count
        self.first = [operands(rng, draw, name, count) for _ in range(COPIES)]
        self.roles = [roles_of(roles, name, count) for _ in range(COPIES)]
        self.leaves = [[Value(x) for x in xs] for xs in self.first]
        self.results = [apply(TABLE[name], self.of_copy(i)) for i in range(COPIES)]
        self.x, self.p = self.of_role("i"), self.of_role("p")
        self.t, self.c = [[Value(rng.uniform(-1, 1)) for _ in range(COPIES)] for _ in range(2)]
        weighted = [c * t for c, t in zip(self.c, self.t, strict=True)]
        self.loss = dot(weighted, self.results)

    def of_copy(self, i):
        both = zip(self.leaves[i], self.roles[i], strict=True)
        return [leaf.data if role == "c" else leaf for leaf, role in both]

    def of_role(self, wanted, numbers=None):
        """The leaves with that role, or their numbers."""
        rows = zip(numbers or self.leaves, self.roles, strict=True)
        return [x for xs, roles in rows for x, role in zip(xs, roles, strict=True) if role == wanted]

    def drawn(self, role):
        """Other numbers for the operands of that role; the others keep theirs."""
        found = []
        for xs, roles in zip(self.first, self.roles, strict=True):
            for _ in range(50):
                new = operands(self.rng, self.draw, self.name, self.count)
                new = [a if r == role else b for a, b, r in zip(new, xs, roles, strict=True)]
                if not all(map(math.isfinite, new)) or inside(self.name, new):
                    break
            else:
                new = xs
            found.append(new)
        return self.of_role(role, found)

    def agrees(self, rows, points=2, **more):
        """Compare at that many rows, and with so many numbers for the parameters."""
        weights = [[self.rng.uniform(-1, 1) for _ in range(COPIES)] for _ in range(rows + points)]
        inputs = [self.x, self.t] if self.x else [self.t]
        given = [[self.drawn("i"), t] if self.x else [t] for t in weights[:rows]]
        given = [[np.array(part) for part in row] for row in given]
        at = [[*self.drawn("p"), *c] for c in weights[rows:]]
        agree(self.loss, inputs, [self.p, self.c], given, outputs=self.results, points=at, make=vectorize, **more)


@every_operation
@pytest.mark.parametrize("roles", ROLES)
def test_at_every_scale_and_at_ties(name, count, roles):
    tally = Tally()
    if count > 1 or len(roles) == 1:
        for draw in (sized, tied):
            Setting(name, count, roles, draw).agrees(10, tally=tally)
    assert tally.unsure <= 0.2 * tally.rows, tally
    assert tally.eased <= 0.01 * tally.gradients, tally


@every_operation
@pytest.mark.parametrize("roles", ["i", "p", "ip"])
def test_inf_and_nan_stand_in_the_same_places(name, count, roles):
    if count > 1 or len(roles) == 1:
        Setting(name, count, roles, endless).agrees(10, points=4, batches=(1, 7))


@pytest.mark.parametrize("name", UNARY)
def test_over_a_layer(name):
    """f(W·x + b), shifted into the domain: where an activation stands."""
    rng = rng_of(name)
    centre, scale = {"acosh": (3.0, 0.2)}.get(name, (0.4, 0.05) if TABLE[name].domain else (0.0, 1.0))
    x, t = [Value(rng.uniform(-1, 1)) for _ in range(3)], Value(0.5)
    W = [[Value(scale * rng.uniform(-1, 1)) for _ in x] for _ in range(4)]
    b = [Value(centre + scale * rng.uniform(-1, 1)) for _ in W]
    h = [apply(TABLE[name], [dot(w, x, c)]) for w, c in zip(W, b, strict=True)]
    loss = (tanh(dot(W[0], h[:3], h[3])) - t) ** 2
    rows = [(np.array([rng.uniform(-1, 1) for _ in x]), np.float64(rng.uniform(-1, 1))) for _ in range(7)]
    tally = Tally()
    agree(loss, [x, t], [W, b], rows, make=vectorize, outputs=h, tally=tally)
    assert not tally.unsure
    assert not tally.eased


# ------------------------------------------------------------------------- outside the domain

GRID = (-8.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.domain])
@pytest.mark.parametrize("roles", ["i", "ip", "pi"])
def test_one_example_outside_the_domain_is_the_same_error_and_is_named(name, roles):
    count = len(TABLE[name].operands)
    points = list(product(GRID, repeat=count))
    good, bad = [xs for xs in points if inside(name, xs)], [xs for xs in points if not inside(name, xs)]
    assert bad
    rng, c = rng_of(name), Value(0.5, "c")
    for xs in rng.sample(bad, min(len(bad), 6)):
        leaves = [Value(x, f"x{i}") for i, x in enumerate(good[0])]
        roled = list(zip(leaves, xs, roles_of(roles, name, count), strict=True))
        x, p = ([leaf for leaf, _, role in roled if role == wanted] for wanted in "ip")
        if not x:
            continue
        ill = [number for _, number, role in roled if role == "i"]
        held = {i: number for i, (_, number, role) in enumerate(roled) if role == "p"}
        well = [ys for ys in good if all(ys[i] == number for i, number in held.items())][:3]
        rows = [[[y for i, y in enumerate(ys) if i not in held]] for ys in well] + [[ill]]
        loss = c * apply(TABLE[name], leaves)
        tally, point = Tally(), [*held.values(), 0.5]
        agree(loss, [x], [p, c], rows, make=vectorize, points=[point], tally=tally)
        assert tally.errors == 1


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.domain])
def test_parameters_outside_the_domain_are_the_same_error(name):
    count = len(TABLE[name].operands)
    points = list(product(GRID, repeat=count))
    good, bad = [xs for xs in points if inside(name, xs)], [xs for xs in points if not inside(name, xs)]
    t, p = Value(0.5), [Value(x, f"p{i}") for i, x in enumerate(good[0])]
    tally = Tally()
    agree(t * apply(TABLE[name], p), [t], [p], [[1.0], [2.0]], make=vectorize, points=bad[:4], tally=tally)
    assert tally.errors == 2 * len(bad[:4])


@pytest.mark.parametrize("name", INDEXED)
def test_an_index_out_of_range_is_the_same_error_and_is_named(name):
    xs, index, p = [Value(x) for x in (0.3, -0.2, 1.0)], Value(0.0), Value(0.5)
    rows = [[[0.1, 0.2, 0.3], k] for k in (0, 2, -1, 3, -3, -4, 7)]
    tally = Tally()
    agree(p * apply(TABLE[name], [*xs, index]), [xs, index], [p], rows, make=vectorize, tally=tally)
    assert tally.errors == 3


# ------------------------------------------------------------------------- operations of a user


@pytest.fixture
def user_op():
    """define_op, and the table as it was afterwards."""
    made = []

    def define(*args, **more):
        made.append(define_op(*args, **more))
        return made[-1]

    yield define
    for function in made:
        del TABLE[function.op.name]


FLOATS_ONLY = {
    "calls math": (lambda xp, x: math.sin(x) + 0.5 * x, lambda xp, z, x: math.cos(x) + 0.5),
    "asks if": (lambda xp, x: x * x if x > 0.25 else 0.5 * x - 0.0625, lambda xp, z, x: 2.0 * x if x > 0.25 else 0.5),
    "takes arrays": (lambda xp, x: x * xp.tanh(x), lambda xp, z, x: xp.tanh(x) + x * (1.0 - xp.tanh(x) ** 2)),
    "has two operands": (
        lambda xp, x, y: math.atan(x * y),
        lambda xp, z, x, y: (y / (1.0 + (x * y) ** 2), x / (1.0 + (x * y) ** 2)),
    ),
    "takes a list": (
        lambda xp, *xs: math.sqrt(1.0 + math.fsum(x * x for x in xs)),
        lambda xp, z, *xs: tuple(x / z for x in xs),
    ),
    "takes a list of arrays": (
        lambda xp, *xs: xp.log1p(xp.sum([x * x for x in xs])),
        lambda xp, z, *xs: tuple(2.0 * x * xp.exp(-z) for x in xs),
    ),
}


@pytest.mark.parametrize("kind", FLOATS_ONLY)
@pytest.mark.parametrize("roles", ["i", "p", "ip", "ci"])
def test_an_operation_of_a_user(user_op, kind, roles):
    user_op("of_a_user", *FLOATS_ONLY[kind])
    count = {"has two operands": 2, "takes a list": 3, "takes a list of arrays": 3}.get(kind, 1)
    if count > 1 or len(roles) == 1:
        tally = Tally()
        Setting("of_a_user", count, roles, everyday).agrees(10, tally=tally)
        assert not tally.unsure
        assert not tally.eased


def everyday(rng, name):
    return rng.uniform(-2.0, 2.0)


def test_the_domain_of_a_users_operation_is_kept(user_op):
    half_log = user_op(
        "half_log", lambda xp, x: 0.5 * math.log(x), lambda xp, z, x: 0.5 / x,
        domain=lambda x: x > 0, needs="x > 0",
    )  # fmt: skip
    x, p = Value(1.0, "x"), Value(2.0, "p")
    with pytest.raises(DomainError):
        half_log(Value(-1.0))
    tally = Tally()
    agree(half_log(x * p), [x], [p], [[1.0], [3.0], [-1.0], [0.0]], make=vectorize, tally=tally)
    assert tally.errors == 2
