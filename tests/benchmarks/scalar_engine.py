"""The table of the scalar engine: a training step of micrograd's demo, and the cost of a node."""

import statistics
import time
import tracemalloc

from engine import recording
from tests.benchmarks.engine_cases import chain, demo_steps
from tests.benchmarks.timing import in_turns


def forward_and_backward(n):
    """Seconds for a chain of n nodes."""
    with recording():
        start = time.perf_counter()
        end = chain(n)
        middle = time.perf_counter()
        end.backward()
        return middle - start, time.perf_counter() - middle


def main():
    """Measure and print."""
    medians = {name: statistics.median(seconds) for name, seconds in in_turns(demo_steps(), 9).items()}
    print(f"\n{'a training step of the moons demo':<42}{'ms':>8}{'times micrograd':>18}")
    for name, seconds in medians.items():
        print(f"  {name:<40}{1e3 * seconds:8.1f}{medians['micrograd'] / seconds:18.1f}")

    print(f"\n{'a node, + and × in turn, in recording()':<42}{'forward µs':>12}{'backward µs':>13}")
    forward_and_backward(1_000_000)  # so that no round pays for fetching memory from the system
    for n, rounds in ((1_000, 200), (10_000, 50), (100_000, 9), (1_000_000, 3)):
        forward, backward = zip(*(forward_and_backward(n) for _ in range(rounds)), strict=True)
        microseconds = [statistics.median(seconds) / n * 1e6 for seconds in (forward, backward)]
        print(f"  {n:>9,} nodes{'':<25}{microseconds[0]:14.2f}{microseconds[1]:13.2f}")

    tracemalloc.start()
    end = chain(100_000)
    end.backward()
    print(f"\nbytes a node after backward: {tracemalloc.get_traced_memory()[0] / 100_000:.0f}")
    tracemalloc.stop()
