"""The backward pass with one mistake in it, for each mistake that people make.

A gradient derived by hand goes wrong at one place: a path is forgotten, a derivative left out or taken at the wrong
point, a sign turned, a matrix not transposed. Each such slip is planted in the graph's own backward pass, all of
them in one sweep, one column a slip. The slip whose numbers are those of the wrong gradient is its explanation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from engine.checking.making import Maker, Slip
from engine.checking.roles import Edge, Roles
from engine.value import Value

Floats = npt.NDArray[np.float64]


class Slips:
    """The gradients that all slips of a graph would give.

    right       d root / d leaf for each leaf
    magnitude   Σ |product of the local derivatives| over all paths, for each leaf: what rounding is measured by
    sizes       the lengths of means, and the whole numbers it divides by: what a factor may be
    """

    def __init__(
        self,
        root: Value,
        leaves: Sequence[Value],
        item_of: Sequence[int],
        names: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
    ) -> None:
        self.roles, self._shapes = Roles(root, leaves, item_of, names), list(shapes)
        self.sizes = self._sizes()
        self.right = self._sweep([])[0]
        self.magnitude = self._sweep([], absolute=True)[0]
        self._upstream = dict(zip(self.roles.order, self._sweep([], keep=True)[0].tolist(), strict=True))
        self._single: tuple[list[Slip], Floats] | None = None

    @property
    def single(self) -> tuple[list[Slip], Floats]:
        """The slips, and the gradient of each, a row a slip; without those that change nothing or give no number."""
        if self._single is None:
            self._single = self._told(list(Maker(self.roles, self._upstream, self.sizes, self._shapes).all()))
        return self._single

    def pairs(self) -> tuple[list[Slip], Floats]:
        """Two missing paths at a time, as of mean and variance, both taken for constants."""
        cuts = [slip for slip in self.single[0] if slip.kind == "path missing" and self._is_fork(slip)][:24]
        return self._told([
            Slip("path missing", f"two paths are missing: {_after_colon(one.text)}, and {_after_colon(two.text)}",
                 tuple(dict.fromkeys(one.operations + two.operations)), one.locals | two.locals)
            for one, two in combinations(cuts, 2)
        ])  # fmt: skip

    def interior(self) -> list[tuple[str, list[Value], Floats]]:
        """(what it is, its nodes, d root / d node) for each part between the leaves and the root."""
        found = []
        for nodes in self.roles.classes():
            first = nodes[0]
            if first.op is not None and first is not self.roles.root:
                title = first.name or f"the result of `{first.op.name}`"
                found.append((title, nodes, np.array([self._upstream[node] for node in nodes])))
        return found

    def contributions(self, first: int, count: int) -> Floats | None:
        """What each use of each leaf of an input contributes (leaves × uses), if there are as many uses as leaves."""
        leaves = self.roles.leaves[first : first + count]
        uses = [self.roles.uses.get(leaf, ()) for leaf in leaves]
        if count < 2 or any(len(edges) != count for edges in uses):
            return None
        return np.array([[self._upstream[node] * self.roles.slopes[node][i] for node, i in edges] for edges in uses])

    def _is_fork(self, slip: Slip) -> bool:
        node, position = next(iter(slip.locals))
        return len(self.roles.uses[node.parents[position]]) > 1

    def _told(self, slips: list[Slip]) -> tuple[list[Slip], Floats]:
        if not slips:
            return [], np.empty((0, len(self.right)))
        with np.errstate(all="ignore"):
            gradients = self._sweep(slips)[1:]
            close = np.abs(gradients - self.right) <= 1e-9 * np.abs(self.right) + 1e-13 * self.magnitude
        told = np.isfinite(gradients).all(axis=1) & ~close.all(axis=1)
        return [slip for slip, keep in zip(slips, told, strict=True) if keep], gradients[told]

    def _sizes(self) -> dict[int, str]:
        sizes: dict[int, str] = {}
        for node in self.roles.slopes:
            name = node.op.name if node.op else ""
            if name in ("mean", "var"):
                sizes.setdefault(len(node.parents), f"the {name} has {len(node.parents)} terms")
            for parent in node.parents if name in ("div", "mul") else ():
                for number in (parent.data, 1 / parent.data if parent.data else 0.0):
                    whole = round(number) if 2 <= abs(number) < 1e9 else 0
                    if parent not in self.roles.signature and whole > 1 and abs(number - whole) < 1e-9 * whole:
                        sizes.setdefault(whole, f"f divides by {whole}")
        for leaf in self.roles.leaves:  # a parameter serves every example once
            uses = len(self.roles.uses.get(leaf, ()))
            if uses > 1:
                sizes.setdefault(uses, f"{self.roles.title(leaf)} is used {uses} times")
        return sizes

    # ------------------------------------------------------------------ the sweep

    def _sweep(self, slips: Sequence[Slip], *, absolute: bool = False, keep: bool = False) -> Floats:
        """d root / d leaf: first without a slip, then with each; with `keep`, of every node of the order, without."""
        changes: dict[Edge, list[tuple[int, float]]] = defaultdict(list)
        for row, slip in enumerate(slips, 1):
            for edge, slope in slip.locals.items():
                changes[edge].append((row, slope))
        nothing = np.zeros(1 + len(slips))
        gradients: dict[Value, Floats] = {self.roles.root: nothing + 1.0}
        leaves = set(self.roles.leaves)
        for node in reversed(self.roles.order):
            slopes = self.roles.slopes.get(node)
            if not slopes or node not in gradients:
                continue
            gradient = gradients[node] if keep or node in leaves else gradients.pop(node)
            for position, (parent, slope) in enumerate(zip(node.parents, slopes, strict=True)):
                if parent not in self.roles.signature:
                    continue
                share = gradient * (abs(slope) if absolute else slope)
                if change := changes.get((node, position)):
                    rows = [row for row, _ in change]
                    share[rows] = gradient[rows] * [other for _, other in change]
                gradients[parent] = gradients[parent] + share if parent in gradients else share
        wanted = self.roles.order if keep else self.roles.leaves
        return (
            np.stack([gradients.get(node, nothing) for node in wanted], axis=1) if wanted else nothing[:, None][:, :0]
        )


def _after_colon(text: str) -> str:
    return text.partition(": ")[2]
