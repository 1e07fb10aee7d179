"""From a node to its neighbours, by steps that can be repeated from any node that plays the same part."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checking.roles import Roles, number_of, role
from engine.value import Value

Step = tuple[str, str, int]  # ("up" or "down", the operation, which operand)
FURTHEST = 3


def neighbours(roles: Roles, node: Value) -> Iterator[tuple[tuple[Step, ...], Value]]:
    """The nodes up to three steps away, before it and after it, and how one gets there."""
    seen = {node}
    for direction in ("up", "down"):
        reached: list[tuple[tuple[Step, ...], Value]] = [((), node)]
        for _ in range(FURTHEST):
            further = []
            for steps, here in reached:
                for step, there in _steps(roles, here, direction):
                    if there not in seen and there is not roles.root:
                        seen.add(there)
                        further.append(((*steps, step), there))
            yield from further
            reached = further


def walk(roles: Roles, node: Value, steps: tuple[Step, ...]) -> Value | None:
    """Where the steps lead from here, or None where they cannot be taken."""
    for wanted in steps:
        found = [there for step, there in _steps(roles, node, wanted[0]) if step == wanted]
        if not found:
            return None
        node = found[0]
    return node


def _steps(roles: Roles, node: Value, direction: str) -> Iterator[tuple[Step, Value]]:
    if direction == "up":
        op = node.op
        if op is None:
            return
        if op.name in ("softmax", "log_softmax", "take"):  # each has one operand of its own
            index = int(number_of(node.parents[-1]))
            yield ("up", op.name, 0), node.parents[index]
        elif not op.any_number and op.name != "dot":
            for i, parent in enumerate(node.parents):
                yield ("up", op.name, i), parent
        return
    found: dict[Step, list[Value]] = {}
    for child, position in roles.uses.get(node, ()):
        if child.op is not None:
            found.setdefault(("down", child.op.name, role(child, position)), []).append(child)
    for step, children in found.items():
        if len(children) == 1:
            yield step, children[0]
