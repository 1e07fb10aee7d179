"""What became of a graph: how many nodes, how many array operations, and what did not lift."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from engine.vectorize.arrays import ArrayProgram


@dataclass(frozen=True)
class Report:
    """What became of a graph; print it.

    nodes       of the graph that was traced
    once        of them, after chains were joined, depend on parameters alone: they are computed once a step
    operations  array operations, forward
    kinds       how many of each operation
    gathers     results that read entries by an index: (the result, what it reads)
    single      results of a single number; the loss is one
    padded      rectangles made of lists of different lengths: (the result, entries that are nodes, all entries)
    """

    nodes: int
    once: int
    operations: int
    kinds: dict[str, int]
    gathers: tuple[tuple[str, str], ...]
    single: tuple[str, ...]
    padded: tuple[tuple[str, int, int], ...]

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {name}" for name, n in sorted(self.kinds.items(), key=lambda k: (-k[1], k[0])))
        lines = [f"{self.nodes:,} nodes became {self.operations:,} array operations: {kinds or 'none'}"]
        if self.once:
            lines.append(f"{self.once:,} depend on parameters alone, and are computed once a step")
        lines += [f"{target} gathers entries of {source} by an index" for target, source in self.gathers]
        lines += [f"{target} is a rectangle of {size}, {real} of them nodes" for target, real, size in self.padded]
        if self.single:
            shown = ", ".join(self.single[:8]) + (" ..." if len(self.single) > 8 else "")
            lines.append(f"{len(self.single)} are single numbers: {shown}")
        return "\n".join(lines)


def report(nodes: int, once: int, program: ArrayProgram) -> Report:
    """The report on a lifted program of so many nodes, some of them to be computed once a step."""
    arrays = program.arrays
    gathers = [
        (arrays[s.target].name, arrays[view.array].name)
        for s in program.statements
        for view in s.views()
        if view.index is not None
    ]
    padded = [(a.name, int(a.real.sum()), a.real.size) for a in arrays if a.real is not None]
    return Report(
        nodes,
        once,
        len(program.statements),
        dict(Counter(s.op.name for s in program.statements)),
        tuple(dict.fromkeys(gathers)),
        tuple(arrays[s.target].name for s in program.statements if arrays[s.target].size == 1),
        tuple(padded),
    )
