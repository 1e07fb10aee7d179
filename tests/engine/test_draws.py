"""Random numbers in a graph are leaves that can be found and drawn again."""

import random

import pytest

import nn
from engine import Value, vectorize
from engine.draws import drawn, recorded_draws, samples
from engine.replay import replay


def test_draws_are_recorded_where_one_asks():
    sample = random.Random(0).random
    assert not drawn(sample).requires_grad
    with recorded_draws() as outer:
        first = drawn(sample, "mask[0]")
        with recorded_draws() as inner:
            second = drawn(sample)
        third = drawn(sample)
    assert [leaf for leaf, _ in outer] == [first, third]
    assert [leaf for leaf, _ in inner] == [second]
    assert first.name == "mask[0]"


def test_a_graph_is_computed_again_with_another_draw():
    rng = random.Random(1)
    with recorded_draws() as draws:
        noise = drawn(lambda: rng.gauss(0, 1))
        loss = noise * noise + 1
    ((leaf, sample),) = draws
    number = sample()
    assert replay(loss, {leaf: number}) == number * number + 1


class Counting:
    """1, 2, 3, ...; says how it was asked."""

    def __init__(self):
        self.last, self.asked = 0, []

    def __call__(self):
        return self.many(1)[0]

    def many(self, count):
        self.asked.append(count)
        self.last += count
        return [float(n) for n in range(self.last - count + 1, self.last + 1)]


def test_many_at_once_are_those_of_single_calls():
    assert samples(Counting(), 3) == [1.0, 2.0, 3.0]
    assert samples(Counting().__call__, 3) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("layer", [nn.Dropout(0.3, seed=4), nn.BayesLinear(2, 1, seed=4)], ids=["dropout", "bayes"])
def test_a_layer_draws_many_as_it_draws_one(layer):
    with recorded_draws() as draws:
        layer([0.5, -1.0])
    state = layer.rng.getstate()
    one_by_one = [draws[0][1]() for _ in range(7)]
    layer.rng.setstate(state)
    assert samples(draws[0][1], 7) == one_by_one


def test_a_program_draws_example_by_example():
    """Of two samples in turn: the first's numbers of an example, then the second's, then the next example's."""
    one, other, x = Counting(), Counting(), Value(1.0, "x")
    with recorded_draws() as draws:
        noise = [drawn(one), drawn(one), drawn(other)]
    program = vectorize(x * (100 * noise[0] + 10 * noise[1] + noise[2]), inputs=[x], parameters=[], draws=draws)
    one.last = other.last = 0
    assert program([1.0, 1.0]).tolist() == [121.0, 342.0]
    alone = vectorize(x * (10 * noise[0] + noise[1]), inputs=[x], parameters=[], draws=draws[:2])
    one.last, one.asked = 0, []
    assert alone([1.0, 1.0]).tolist() == [12.0, 34.0]
    assert one.asked == [4]  # all at once
