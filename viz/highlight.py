"""Only the paths that lead from chosen nodes to the result: where a gradient comes from.

On such a path is every node that is computed, over however many steps, from a chosen one.
"""

from collections.abc import Iterable

from engine import Value
from viz.fold import instead
from viz.groups import Grouped

Highlight = Value | str | Iterable[Value | str]


def on_paths(graph: Grouped, chosen: Highlight) -> tuple[Grouped, str]:
    """The part of a graph that lies on paths from the chosen nodes to its result, and a line that says so.

    A name chooses every node that has it.

    Raises:
        TypeError: for what is neither a Value nor a name, nor a list of them.
        ValueError: for a Value, or a name, that is not in the graph.
    """
    wanted = [chosen] if isinstance(chosen, Value | str) else list(chosen) if isinstance(chosen, Iterable) else None
    if not wanted or not all(isinstance(one, Value | str) for one in wanted):
        raise TypeError(f"highlight a Value of the graph, a name, or a list of them, not {chosen!r}")
    sources = {v for one in wanted for v in _places(graph, one)}
    reached = [False] * len(graph.nodes)
    for v, operands in enumerate(graph.operands):
        reached[v] = v in sources or any(reached[u] for u in operands)
    kept = [v for v, is_reached in enumerate(reached) if is_reached]
    starts = [one if isinstance(one, str) else one.name or "a node" for one in wanted]
    start = " and ".join([", ".join(starts[:-1]), starts[-1]] if starts[1:] else starts)
    if len(starts) > 3:
        start = f"{len(starts)} nodes"
    end = graph.nodes[-1].name or "the result"
    return graph.only(kept), f"only the paths from {start} to {end}: {len(kept):,} of {len(graph.nodes):,} nodes"


def _places(graph: Grouped, one: Value | str) -> list[int]:
    if isinstance(one, Value):
        places = [v for v, node in enumerate(graph.nodes) if node is one]
        what = f"the Value to highlight, {one!r}, is"
    else:
        places = [v for v, node in enumerate(graph.nodes) if node.name == one]
        what = f"the name to highlight, {one!r}, is"
    if not places:
        name = one if isinstance(one, str) else one.name or ""
        names = [node.name for node in graph.nodes if node.name]
        raise ValueError(f"{what} not in this graph of {len(graph.nodes):,} nodes; {instead(name, names)}")
    return places
