"""Which neuron, layer and model a node belongs to, read from the dotted names of the nodes.

A node named `layers[0].neurons[3].w[1]` is in the group `layers[0].neurons[3]`, which is in `layers[0]`. Any
name whose part before the last dot is not such a path is only text, and its node is in no group.

A node without a name joins a group only where that is clear: everything that uses it is in the group,
and so is something it is made from (the products inside a neuron that was written by hand).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine import Value
from viz.text import shortened

_PATH = re.compile(r"[^\W\d]\w*(\[\d+\])*(\.[^\W\d]\w*(\[\d+\])*)*")
_DEEPEST = 8  # a path of more parts than this is no module's: it stays text


@dataclass(frozen=True, slots=True)
class Group:
    """A neuron, a layer or a model: its full path, the index of the group it lies in (or None), its own label."""

    path: str
    parent: int | None
    label: str

    @property
    def depth(self) -> int:
        """How many groups it lies in."""
        return self.path.count(".")

    def fitting(self, width: float) -> str:
        """The label, shortened to fit into a box of this width."""
        return shortened(self.label, max(4, int((width - 16) / 8)))


def split(name: str | None) -> tuple[str, str]:
    """The group's path, "" for none, and the name within the group.

    >>> split("layers[0].neurons[3].w[1]")
    ('layers[0].neurons[3]', 'w[1]')
    >>> split("3.14")
    ('', '3.14')
    """
    path, _, own = (name or "").rpartition(".")
    if path and own and path.count(".") < _DEEPEST and _PATH.fullmatch(path):
        return path, own
    return "", name or ""


def group(nodes: Sequence[Value], uses: Sequence[Sequence[int]]) -> tuple[list[Group], list[int | None]]:
    """The groups, outer before inner and in natural order, and for each node the index of its group or None.

    `nodes` are in topological order; `uses[i]` are the indices of the nodes computed from node i.
    """
    paths = _paths(nodes, uses)
    all_paths = {
        ".".join(parts[:end]) for parts in (p.split(".") for p in paths if p) for end in range(1, len(parts) + 1)
    }
    groups: list[Group] = []
    index: dict[str, int] = {}
    for path in sorted(all_paths, key=_natural):
        outer, _, label = path.rpartition(".")
        index[path] = len(groups)
        groups.append(Group(path, index[outer] if outer else None, label))
    return groups, [index[path] if path else None for path in paths]


def _paths(nodes: Sequence[Value], uses: Sequence[Sequence[int]]) -> list[str]:
    """The path of each node's group, "" for none."""
    paths = [split(node.name)[0] for node in nodes]
    position = {node: i for i, node in enumerate(nodes)}
    wanted = list(paths)
    for i in reversed(range(len(nodes))):  # from the result back: the one group of everything that uses the node
        if not nodes[i].name and uses[i]:
            used_in = {wanted[child] for child in uses[i]}
            wanted[i] = used_in.pop() if len(used_in) == 1 else ""
    for i, node in enumerate(nodes):  # and forth: kept where the node is made from something in the group
        if not node.name and node.parents and wanted[i] in {paths[position[parent]] for parent in node.parents}:
            paths[i] = wanted[i]
    for i, node in enumerate(nodes):  # a plain number goes where all it meets are: the 3 of w**3, not an input
        if not node.name and not node.parents and wanted[i]:
            met = {paths[position[other]] for child in uses[i] for other in nodes[child].parents if other is not node}
            if met == {wanted[i]} and all(paths[child] == wanted[i] for child in uses[i]):
                paths[i] = wanted[i]
    return paths


def _natural(path: str) -> list[tuple[str, list[int]]]:
    """Sorts neurons[2] before neurons[10]."""
    return [(part.partition("[")[0], [int(i) for i in re.findall(r"\[(\d+)\]", part)]) for part in path.split(".")]
