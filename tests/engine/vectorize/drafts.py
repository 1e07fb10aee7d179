"""Graphs as people write them, over single Values: layers, softmax, norms, attention, windows, ... of any size.

Each family is a function of a `Draft`, which draws the sizes and makes the leaves; it gives the loss and other outputs.
"""

import random
from itertools import pairwise

import numpy as np

import engine
from engine import TABLE, Value, dot, exp, log, logsumexp, mean, prod, relu, softmax, sqrt, take, tanh, var
from engine.nested import flat
from engine.operation import apply


class Draft:
    """Leaves for a graph, and how their numbers are drawn in a row."""

    def __init__(self, seed, scale=1):
        self.rng, self.scale = random.Random(seed), scale
        self.inputs, self.samplers, self.parameters = [], [], []

    def numbers(self, shape, draw):
        return [self.numbers(shape[1:], draw) for _ in range(shape[0])] if shape else draw()

    def leaves(self, shape, draw):
        return [self.leaves(shape[1:], draw) for _ in range(shape[0])] if shape else Value(draw())

    def x(self, *shape, draw=None):
        """An input; its numbers are normal, or drawn by `draw(rng)`."""
        sampler = (lambda: self.rng.gauss(0.0, 1.0)) if draw is None else (lambda: draw(self.rng))
        self.samplers.append(lambda: np.array(self.numbers(shape, sampler)))
        self.inputs.append(self.leaves(shape, sampler))
        return self.inputs[-1]

    def index(self, n, *shape):
        """An input that is a place among n."""
        return self.x(*shape, draw=lambda rng: float(rng.randrange(n)))

    def w(self, *shape):
        """A parameter."""
        self.parameters.append(self.leaves(shape, lambda: self.rng.gauss(0.0, 0.7)))
        return self.parameters[-1]

    def size(self, low=1, high=4):
        """A length, in a larger draft so many times longer."""
        return self.scale * self.rng.randint(low, high)

    def small(self, low, high):
        """A length or a choice that is the same in every draft."""
        return self.rng.randint(low, high)

    def row(self):
        return [sampler() for sampler in self.samplers]


def linear(W, x, b=None, how=0):
    """W·x + b, in one of the ways in which people write it."""
    b = b or [0.0] * len(W)
    if how == 0:
        return [sum((w * v for w, v in zip(row, x, strict=True)), c) for row, c in zip(W, b, strict=True)]
    if how == 1:
        return [sum(w * v for w, v in zip(row, x, strict=True)) + c for row, c in zip(W, b, strict=True)]
    if how == 2:
        return [c + engine.sum([v * w for w, v in zip(row, x, strict=True)]) for row, c in zip(W, b, strict=True)]
    return [dot(row, x, c) for row, c in zip(W, b, strict=True)]


def shares(xs, how):
    """The softmax: with the shift that its author chose."""
    shift = [0.0, max(x.data for x in xs), engine.max(xs), xs[0]][how % 4]
    exps = [exp(x - shift) if how else exp(x) for x in xs]
    total = sum(exps)
    return [e / total for e in exps] if how < 4 else [e * (1.0 / total) for e in exps]


def squared(ys, ts):
    return mean([(y - t) ** 2 for y, t in zip(flat(ys), flat(ts), strict=True)])


def perceptron(d):
    """Layers, dense, with one of many activations; the first may be tied to the last."""
    widths, how = [d.size() for _ in range(d.small(2, 4))], d.small(0, 3)
    f = TABLE[d.rng.choice(["tanh", "relu", "sigmoid", "gelu", "softplus", "silu", "mish", "sin", "softsign"])]
    x = h = d.x(widths[0])
    first = None
    for n, m in pairwise(widths):
        W = d.w(m, n)
        first = first or W
        h = [apply(f, [z]) for z in linear(W, h, d.w(m) if d.small(0, 1) else None, how)]
    back = linear([list(column) for column in zip(*first, strict=True)], [h[0]] * len(first), None, how)
    return squared(back, x), h


def classifier(d):
    """A softmax written out, and the logarithm of the entry of a class."""
    n, m = d.size(2, 5), d.size(2, 5)
    ps = shares(linear(d.w(m, n), d.x(n), d.w(m), d.small(0, 3)), d.small(0, 6))
    return -log(take(ps, d.index(m))), ps


def log_shares(d):
    """Logarithms of sums of exponentials, in several forms."""
    z = linear(d.w(d.size(2, 5), 3), d.x(3))
    c = engine.max(z)
    one = log(sum(exp(v - c) for v in z)) + c
    two = log(engine.sum([exp(v) for v in z]))
    three = [(v - c) - log(sum(exp(u - c) for u in z)) for v in z]
    return dot(d.w(len(z)), three) + one * two - logsumexp(z), three


def norms(d):
    """RMS norm, layer norm and unit length, of vectors of different lengths."""
    x, y = d.x(d.size(2, 5)), d.x(d.size(2, 5))
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    rms = [v * scale * g for v, g in zip(x, d.w(len(x)), strict=True)]
    m = sum(y) / len(y)
    std = sqrt(sum((v - m) ** 2 for v in y) / len(y) + 0.1)
    normed = [(v - m) / std for v in y]
    table = [(v - mean(x)) / sqrt(var(x) + 0.01) for v in x]
    unit = [v / sqrt(sum(u * u for u in rms)) for v in rms]
    return dot(unit, table) + dot(d.w(len(y)), normed) ** 3, [*rms, *normed]


def words(d):
    """Embeddings looked up by input, a sum over words, and a lookup among inputs."""
    rows, width, count = d.size(2, 5), d.size(), d.small(1, 3)
    table, places, pick = d.w(rows, width), d.index(rows, count), d.index(width)
    found = [[take(column, i) for column in zip(*table, strict=True)] for i in places]
    bag = [sum(column) for column in zip(*found, strict=True)]
    x = d.x(width)
    return squared([tanh(v) for v in bag], x) * (1.0 + take(x, pick) ** 2) + take(bag, pick), bag


def attention(d):
    """Causal attention: position t looks back at t + 1 positions; heads side by side."""
    steps, heads, size, how = d.size(1, 4), d.small(1, 2), d.small(1, 3), d.small(1, 4)
    n = heads * size
    x, q, k, v, out = d.x(steps, n), d.w(n, n), d.w(n, n), d.w(n, n), d.w(n, n)
    keys, values, outs = [], [], []
    for row in x:
        query = linear(q, row)
        keys.append(linear(k, row))
        values.append(linear(v, row))
        mixed = []
        for a in range(0, n, size):
            b = slice(a, a + size)
            scores = [sum(s * r for s, r in zip(query[b], key[b], strict=True)) / size**0.5 for key in keys]
            ps = softmax(scores) if how == 4 else shares(scores, how)
            mixed += [sum(p * value[a + j] for p, value in zip(ps, values, strict=True)) for j in range(size)]
        outs.append([r + o for r, o in zip(row, linear(out, mixed), strict=True)])
    return mean([relu(o) ** 2 for o in flat(outs)]), outs


def recurrence(d):
    """h = tanh(W·x + U·h + b), step after step, beside a recurrence of single numbers."""
    steps, n, m, how = d.size(1, 5), d.size(), d.size(), d.small(0, 3)
    x, W, U, b, a = d.x(steps, n), d.w(m, n), d.w(m, m), d.w(m), d.w(1)
    h, s, seen = [0.0] * m, 0.0, []
    for row in x:
        z = [u + v for u, v in zip(linear(W, row, b, how), linear(U, h, None, how), strict=True)]
        h = [tanh(v) for v in z]
        s = a[0] * s + row[0]
        seen.append(s)
    return squared(h, [s] * m), [h, seen]


def convolution_1d(d):
    """Windows over a row of numbers, with padding of zeros or without, in strides."""
    kernel, stride, padding = d.small(1, 3), d.small(1, 2), d.small(0, 2)
    x, channels = d.x(d.size(3, 6)), d.small(1, 3)
    W, b = d.w(channels, kernel), d.w(channels)
    outs = []
    for row, c in zip(W, b, strict=True):
        for i in range(-padding, len(x) + padding - kernel + 1, stride):
            inside = [(w, x[i + j]) for j, w in enumerate(row) if 0 <= i + j < len(x)]
            outs.append(relu(sum((w * v for w, v in inside), c)))
    return dot(d.w(len(outs)), outs) ** 2, outs


def convolution_2d(d):
    """Windows over an image, in channels, with padding or without, the maximum of pairs, a dense layer."""
    height, width, kernel = d.size(3, 4), d.size(3, 4), d.small(1, 3)
    padding = d.small(0, 1) if kernel > 1 else 0  # windows of nothing but padding would tie
    ins, channels = d.small(1, 2), d.small(1, 2)
    x, W, b = d.x(ins, height, width), d.w(channels, ins, kernel, kernel), d.w(channels)

    def window(weights, c, top, left):
        places = [(a, i, j) for a in range(ins) for i in range(kernel) for j in range(kernel)]
        ok = [p for p in places if 0 <= top + p[1] < height and 0 <= left + p[2] < width]
        return dot([weights[a][i][j] for a, i, j in ok], [x[a][top + i][left + j] for a, i, j in ok], c)

    rows, columns = range(-padding, height + padding - kernel + 1), range(-padding, width + padding - kernel + 1)
    maps = [[[tanh(window(w, c, i, j)) for j in columns] for i in rows] for w, c in zip(W, b, strict=True)]
    pooled = [engine.max(row[j : j + 2]) for image in maps for row in image for j in range(0, len(row), 2)]
    return squared(linear(d.w(2, len(pooled)), pooled), d.x(2)), pooled


def batch_norm(d):
    """The examples of a batch, written out one after the other, that share mean and variance."""
    batch, n, m = d.size(2, 5), d.small(1, 3), d.small(1, 3)
    x, W, g, b = d.x(batch, n), d.w(m, n), d.w(m), d.w(m)
    hidden = [linear(W, row) for row in x]
    outs = []
    for column, scale, shift in zip(zip(*hidden, strict=True), g, b, strict=True):
        m1 = mean(column) if d.small(0, 1) else sum(column) * (1.0 / batch)
        v = var(column) if d.small(0, 1) else sum((h - m1) ** 2 for h in column) / batch
        outs.append([relu((h - m1) / sqrt(v + 0.01) * scale + shift) for h in column])
    return squared(outs, d.x(m, batch)), outs


def products(d):
    """Products of lists, by hand and by the table, a polynomial by Horner's rule, prefix sums."""
    x, w = d.x(d.size(1, 5)), d.w(d.size(1, 5))
    by_hand = x[0]
    for v in x[1:]:
        by_hand = by_hand * v
    horner = w[0]
    for c in w[1:]:
        horner = horner * x[0] + c
    prefix, sums = 0.0, []
    for v in x:
        prefix = prefix + v * w[0]
        sums.append(prefix)
    return prod(x) * horner + by_hand + prod(w) * mean(sums), [*sums, horner]


def pairs(d):
    """Distances of all pairs, a bilinear form, a triangle of weights, inputs in another order."""
    n, m = d.size(2, 4), d.size()
    x, A, t = d.x(n, m), d.w(m, m), d.w(n, n)
    distances = [sqrt(sum((a - b) ** 2 for a, b in zip(u, v, strict=True)) + 0.1) for u in x for v in x]
    form = [dot(u, linear(A, v)) for u, v in pairwise(x)]
    triangle = [sum(t[i][j] * x[j][0] for j in range(i + 1)) for i in range(n)]
    mixed = [x[i][-1] * x[j][0] for i, j in zip(d.rng.sample(range(n), n), range(n), strict=True)]
    return mean(distances) + sum(form) * sum(triangle) + sum(mixed), [triangle, mixed]


FAMILIES = [
    perceptron, classifier, log_shares, norms, words, attention, recurrence, convolution_1d, convolution_2d,
    batch_norm, products, pairs,
]  # fmt: skip
