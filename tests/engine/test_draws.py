"""Random numbers in a graph are leaves that can be found and drawn again."""

import random

from engine.draws import drawn, recorded_draws
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
