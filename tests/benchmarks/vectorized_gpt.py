"""A GPT over single numbers: 4,192 parameters, one block with 4 heads, RMSNorm, a ReLU MLP, Adam, one name a step.

`gpt` is the program, written naively. It runs on whatever a number is: a Value, the Scalar of the leanest engine, a
symbol of CasADi; `Numbers` says what is done to one. The model is that of Karpathy's microgpt (2026): vocabulary 27,
16 channels, 16 positions, no biases.

Glossary: x the channels at one position; q, k, v query, key, value; ids the letters of a name between two marks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import engine
import nn
from engine import Value, recording, vectorize
from tests.benchmarks.timing import Peer, asked, in_turns, lacks, ratio, table

LETTERS, CHANNELS, POSITIONS, HEADS = 27, 16, 16, 4
MARK = LETTERS - 1  # the token before the first letter and after the last
SHAPES = {
    "wte": (LETTERS, CHANNELS),
    "wpe": (POSITIONS, CHANNELS),
    "wq": (CHANNELS, CHANNELS),
    "wk": (CHANNELS, CHANNELS),
    "wv": (CHANNELS, CHANNELS),
    "wo": (CHANNELS, CHANNELS),
    "fc1": (4 * CHANNELS, CHANNELS),
    "fc2": (CHANNELS, 4 * CHANNELS),
    "head": (LETTERS, CHANNELS),
}
RATE, BETAS, EPS = 0.01, (0.85, 0.99), 1e-8
WORDS = """
abs acos acosh add aiter all and anext any append ascii asin asinh assert async atan atanh await bin bool break
breakpoint bytearray bytes callable capitalize casefold cbrt ceil center chr class clear comb compile complex continue
copy copyright copysign cos cosh count credits decode def degrees del delattr dict difference dir discard dist divmod
elif else encode endswith enumerate erf erfc eval except exec exit exp expandtabs extend fabs factorial filter finally
find float floor fmod for format frexp from fromhex fromkeys frozenset fsum gamma gcd get getattr global globals hasattr
hash help hex hypot import index inf input insert int isalnum isalpha isascii isclose isdecimal isdigit isdisjoint
isfinite isinf isinstance islower isnan isnumeric isqrt isspace issubclass issubset issuperset istitle isupper items
iter join keys lambda lcm ldexp len lgamma license list ljust locals log lower lstrip maketrans map max memoryview min
modf nan next nextafter nonlocal not object oct open ord partition pass perm pop popitem pow print prod property quit
radians raise range remainder remove replace repr return reverse reversed rfind rindex rjust round rpartition rsplit
rstrip set setattr setdefault sin sinh slice sort sorted split splitlines sqrt startswith str strip sum super swapcase
tan tanh tau title translate trunc try tuple type ulp union update upper values vars while with yield zfill zip
"""  # Python's own: the words of the language, its builtins, the methods of its types, its mathematics


def documents(length):
    """The names of that length as tokens, (names, length + 2)."""
    return np.array([[MARK, *(ord(c) - ord("a") for c in name), MARK] for name in WORDS.split() if len(name) == length])


def start(seed=42):
    """All parameters as one flat array: N(0, 0.08²)."""
    return np.random.default_rng(seed).normal(0.0, 0.08, sum(a * b for a, b in SHAPES.values()))


# ------------------------------------------------------------------------------- the program


class Numbers(NamedTuple):
    """What is done to a number beyond + − × ÷ and powers."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    entry: Callable[[Any, Any], Any]  # entry(xs, i) is xs[i]
    plain: Callable[[Any], float]  # the number without its history


VALUES = Numbers(engine.exp, engine.log, engine.relu, engine.take, lambda x: x.data)


def linear(w, x):
    """W·x."""
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(xs, on):
    """exp(xᵢ − m) / Σ exp(xⱼ − m), m the largest."""
    top = max(map(on.plain, xs))
    exps = [on.exp(x - top) for x in xs]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(xs):
    """x / √(mean of the squares)."""
    scale = (sum(x * x for x in xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def gpt(tokens, targets, w, on):
    """The mean over the positions of −ln p(target)."""
    keys, values, losses = [], [], []
    columns = list(zip(*w["wte"], strict=True))
    size = CHANNELS // HEADS
    for position, (token, target) in enumerate(zip(tokens, targets, strict=True)):
        x = [on.entry(column, token) + p for column, p in zip(columns, w["wpe"][position], strict=True)]
        x = before = rmsnorm(x)
        x = rmsnorm(x)
        q = linear(w["wq"], x)
        keys.append(linear(w["wk"], x))
        values.append(linear(w["wv"], x))
        x = []
        for i in range(0, CHANNELS, size):
            mine = q[i : i + size]
            scores = [sum(a * b for a, b in zip(mine, k[i : i + size], strict=True)) / size**0.5 for k in keys]
            shares = softmax(scores, on)
            x += [sum(s * v[j] for s, v in zip(shares, values, strict=True)) for j in range(i, i + size)]
        x = before = [a + b for a, b in zip(linear(w["wo"], x), before, strict=True)]
        x = [on.relu(h) for h in linear(w["fc1"], rmsnorm(x))]
        x = [a + b for a, b in zip(linear(w["fc2"], x), before, strict=True)]
        losses.append(-on.log(on.entry(softmax(linear(w["head"], x), on), target)))
    return sum(losses) / len(losses)


def matrices(flat):
    """The flat list of parameters as matrices, lists of rows."""
    rest = iter(flat)
    return {name: [[next(rest) for _ in range(n)] for _ in range(m)] for name, (m, n) in SHAPES.items()}


# ------------------------------------------------------------------------------- our rows


def over_values(numbers, ids):
    """(loss, parameters, tokens, targets) for one name, traced on Values."""
    parameters = [Value(v) for v in numbers.tolist()]
    tokens, targets = ([Value(i) for i in part.tolist()] for part in (ids[:-1], ids[1:]))
    return gpt(tokens, targets, matrices(parameters), VALUES), parameters, tokens, targets


def eager(numbers, ids):
    """The same on Values and nothing else: the graph is built and swept at every step."""

    def run():
        with recording():
            loss, parameters, *_ = over_values(numbers, ids)
            loss.backward()
        return loss.data, np.array([p.grad for p in parameters])

    return Peer(run, run)


def traced(numbers, batches):
    """One program for the length of these names; batches (k, names, length + 2)."""
    loss, parameters, tokens, targets = over_values(numbers, batches[0, 0])
    program = vectorize(loss, inputs=[tokens, targets], parameters=parameters)
    adam, turn = nn.Adam(parameters, lr=RATE, betas=BETAS, eps=EPS), itertools.cycle(batches)

    def run(ids=batches[0]):
        return program.value_and_grad(ids[:, :-1], ids[:, 1:])

    def step():
        _, gradient = run(next(turn))
        program.parameters[:] = adam.update(program.parameters, gradient)

    return Peer(run, run, step)


# ------------------------------------------------------------------------------- the table

ONE, MANY = "one name", "64 names"
LEAN, PAUSED = f"lean scalar engine, {ONE}", f"lean scalar engine, collector paused, {ONE}"


def peers(length=7, size=64):
    """All of them whose packages are there, by name, for one name a step and for batches."""
    from tests.benchmarks import peers_numpy_gpt, peers_scalar

    numbers, names = start(), documents(length)
    singles = names[:, None]
    batches = names[np.random.default_rng(0).integers(len(names), size=(8, size))]
    found = {LEAN: peers_scalar.gpt(numbers, singles), PAUSED: peers_scalar.gpt(numbers, singles, collector=False)}
    found[f"engine.Value, {ONE}"] = eager(numbers, names[0])
    if not lacks("torch", "PyTorch"):
        from tests.benchmarks import peers_torch

        found |= {f"PyTorch eager, {ONE}": peers_torch.gpt(numbers, singles)}
        found |= {f"PyTorch eager, {MANY}": peers_torch.gpt(numbers, batches)}
    if not lacks("casadi", "CasADi"):
        from tests.benchmarks import peers_casadi

        found[f"CasADi SX, {ONE}"] = peers_casadi.gpt(numbers, names[0])
    found[f"NumPy by hand, {ONE}"] = peers_numpy_gpt.gpt(numbers, singles)
    found[f"NumPy by hand, {MANY}"] = peers_numpy_gpt.gpt(numbers, batches)
    found[f"ours, {ONE}"] = traced(numbers, singles)
    found[f"ours, {MANY}"] = traced(numbers, batches)
    return found


def agree(found):
    """All gradients of one name are the same, to 1e-10, and so are all of one batch."""
    for size in (ONE, MANY):
        same = {name: peer.gradient() for name, peer in found.items() if name.endswith(size)}
        loss, gradient = next(iter(same.values()))
        for name, (other_loss, other) in same.items():
            np.testing.assert_allclose(other_loss, loss, rtol=1e-10, err_msg=name)
            np.testing.assert_allclose(other, gradient, rtol=1e-10, atol=1e-10, err_msg=name)


def main():
    """Measure and print."""
    found = peers()
    agree(found)
    runs, steps = ({n: getattr(p, part) for n, p in found.items() if getattr(p, part)} for part in ("run", "step"))
    runs, steps = _of_one_name(in_turns(runs, 13, 0.02)), _of_one_name(in_turns(steps, 13, 0.02))
    table("names of 7 letters: value and gradient, of one name", runs, LEAN)
    print("  (CasADi's function is made for one name; the others take any of that length)")
    table("names of 7 letters: a step with Adam, of one name", steps, LEAN)
    print()
    for lean in (LEAN, PAUSED):
        asked(f"{lean.removesuffix(', one name')} / ours, one name", ratio(steps, lean, f"ours, {ONE}"), 400)
        asked("the same, ours in batches of 64", ratio(steps, lean, f"ours, {MANY}"), 3000)
    asked("ours / CasADi SX, value and gradient", ratio(runs, f"ours, {ONE}", f"CasADi SX, {ONE}"), 1, least=False)


def _of_one_name(times):
    return {name: [s / (64 if name.endswith(MANY) else 1) for s in seconds] for name, seconds in times.items()}
