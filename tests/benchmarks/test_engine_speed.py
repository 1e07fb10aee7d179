"""The scalar engine's speed: a training step of micrograd's demo beside micrograd, and the cost of a node.

Nothing here asserts a time: run `pytest tests/benchmarks --benchmark-only` for pytest-benchmark's table of each
piece, or `python -m tests.benchmarks` for the ratios, measured in turns so that noise hits all alike.
"""

import pytest

from engine import recording

pytest.importorskip("micrograd")

from tests.benchmarks.engine_cases import chain, demo_steps, operation_cases

DEMO = demo_steps()


@pytest.mark.parametrize("name", DEMO)
def test_training_step_of_micrograds_demo(benchmark, name):
    benchmark.group = "micrograd's demo, one training step"
    benchmark.pedantic(DEMO[name], rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_a_chain_forward(benchmark, n):
    benchmark.group = "a chain of + and ×, forward"
    with recording():
        benchmark.pedantic(chain, args=(n,), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_a_chain_backward(benchmark, n):
    benchmark.group = "a chain of + and ×, backward"
    with recording():
        benchmark.pedantic(lambda end: end.backward(), setup=lambda: ((chain(n),), {}), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("name", operation_cases())
def test_an_operation(benchmark, name):
    benchmark.group = "one operation, recorded"
    benchmark(operation_cases()[name])
