"""Which neuron, layer and model a node belongs to, read from the dotted names of the nodes.

A node named `layers[0].neurons[3].w[1]` is in the group `layers[0].neurons[3]`, which is in `layers[0]`. Any
name whose part before the last dot is not such a path is only text, and its node is in no group.

A node without a name joins a group only where that is clear: everything that uses it is in the group,
and so is something it is made from (the products inside a neuron that was written by hand).
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
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


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A graph in which a node is a number, its place in topological order.

    nodes     the Values
    operands  for each node its operands, in order; x * x has x twice
    groups    outer before inner, in natural order; none is empty
    group_of  for each node the index of its innermost group, or None
    """

    nodes: Sequence[Value]
    operands: list[list[int]]
    groups: list[Group]
    group_of: list[int | None]

    def only(self, kept: Sequence[int]) -> "Grouped":
        """The part of it with these nodes (in order), the edges between them, and the groups they are in."""
        place = {node: k for k, node in enumerate(kept)}
        groups, group_of = used(self.groups, [self.group_of[node] for node in kept])
        operands = [[place[u] for u in self.operands[node] if u in place] for node in kept]
        return Grouped([self.nodes[node] for node in kept], operands, groups, group_of)


def used(groups: Sequence[Group], group_of: Sequence[int | None]) -> tuple[list[Group], list[int | None]]:
    """Without the groups that nothing is in: the others, numbered anew, and which of them each thing is in."""
    wanted: set[int] = set()
    for group in group_of:
        while group is not None and group not in wanted:
            wanted.add(group)
            group = groups[group].parent
    number = {g: k for k, g in enumerate(sorted(wanted))}
    kept = [groups[g] for g in number]
    kept = [Group(g.path, None if g.parent is None else number[g.parent], g.label) for g in kept]
    return kept, [None if g is None else number[g] for g in group_of]


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


def grouped(nodes: Sequence[Value]) -> Grouped:
    """The graph of some nodes in topological order, and its groups."""
    position = {node: i for i, node in enumerate(nodes)}
    operands = [[position[parent] for parent in node.parents] for node in nodes]
    paths = _paths(nodes, operands)
    all_paths = {
        ".".join(parts[:end]) for parts in (p.split(".") for p in {*paths} if p) for end in range(1, len(parts) + 1)
    }
    groups: list[Group] = []
    index: dict[str, int] = {}
    for path in sorted(sorted(all_paths), key=_natural):
        outer, _, label = path.rpartition(".")
        index[path] = len(groups)
        groups.append(Group(path, index[outer] if outer else None, label))
    return Grouped(nodes, operands, groups, [index.get(path) for path in paths])


def stem(name: str | None) -> str:
    """A name without its index: what it has in common with its neighbours.

    >>> stem("neurons[3]"), stem("loss")
    ('neurons', 'loss')
    """
    return (name or "").partition("[")[0]


def counted(labels: Iterable[str]) -> str:
    """What there is, by stem: `16 neurons`, `attention, 2 norms`; `5 groups` where that would be a long list.

    >>> counted(["neurons[0]", "neurons[1]"]), counted(["attention", "norm"]), counted(["heads[0]"])
    ('2 neurons', 'attention, norm', 'heads[0]')
    """
    labels = list(labels)
    stems = Counter(map(stem, labels))
    if len(stems) > 3:
        return f"{len(labels)} groups"
    alone = {stem(label): label for label in labels}
    return ", ".join(alone[name] if count == 1 else f"{count} {name}" for name, count in stems.items())


def shapes(
    edges: Iterable[tuple[int, int]],
    homes: Sequence[Sequence[int]],
    owner: Sequence[Hashable],
    is_leaf: Sequence[bool],
    times: Sequence[int],
) -> list[str]:
    """For each box how many distinct values go in, and how many come out: 2 → 16.

    Of one that is applied many times, each time. Its parameters are neither, but where nothing else comes out.

    homes  for each node the boxes that it is in; the last node is the result, which comes out
    owner  for each box, whose it is: a parameter does not go into another box of its owner's
    times  for each box, how often it is applied
    """
    into: list[set[int]] = [set() for _ in owner]
    out: list[set[int]] = [set() for _ in owner]
    leaves: list[set[int]] = [set() for _ in owner]
    for box in homes[-1]:
        out[box].add(len(homes) - 1)
    for u, v in edges:
        owners = {owner[box] for box in homes[u]} if is_leaf[u] else ()
        for box in homes[v]:
            if box not in homes[u] and owner[box] not in owners:
                into[box].add(u)
        for box in homes[u]:
            if box not in homes[v]:
                (leaves if is_leaf[u] else out)[box].add(u)
    found = []
    for box, n in enumerate(times):
        shape = len(into[box]), len(out[box] or leaves[box])
        if not any(size % n for size in shape):
            shape = shape[0] // n, shape[1] // n
        found.append(f"{shape[0]} → {shape[1]}")
    return found


def _paths(nodes: Sequence[Value], operands: Sequence[Sequence[int]]) -> list[str]:
    """The path of each node's group, "" for none."""
    names = [node.name for node in nodes]
    paths = [split(name)[0] if name else "" for name in names]
    if not any(paths):
        return paths
    uses: list[list[int]] = [[] for _ in nodes]
    for i, parents in enumerate(operands):
        for parent in parents:
            uses[parent].append(i)
    wanted = list(paths)
    for i in reversed(range(len(nodes))):  # from the result back: the one group of everything that uses the node
        if not names[i] and uses[i]:
            used_in = {wanted[child] for child in uses[i]}
            wanted[i] = used_in.pop() if len(used_in) == 1 else ""
    for i, parents in enumerate(operands):  # and forth: kept where the node is made from something in the group
        if not names[i] and parents and wanted[i] in {paths[parent] for parent in parents}:
            paths[i] = wanted[i]
    for i, parents in enumerate(operands):  # a plain number goes where all it meets are: the 3 of w**3, not an input
        if not names[i] and not parents and wanted[i] and all(paths[child] == wanted[i] for child in uses[i]):
            met = {paths[other] for child in uses[i] for other in operands[child] if other != i}
            if met == {wanted[i]}:
                paths[i] = wanted[i]
    return paths


def _natural(path: str) -> list[tuple[str, list[tuple[int, str]]]]:
    """Sorts neurons[2] before neurons[10]; the digits are not read as a number, which may be too long for it."""
    return [
        (stem(part), [(len(i.lstrip("0")), i.lstrip("0")) for i in re.findall(r"\[(\d+)\]", part)])
        for part in path.split(".")
    ]
