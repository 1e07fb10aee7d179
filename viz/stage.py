"""The picture on which a story is told: the graph with every number in it, so that no card ever has to grow."""

from __future__ import annotations

from dataclasses import replace

from viz import text
from viz.cards import Scene, scene_of
from viz.engines import plain
from viz.groups import split
from viz.layout import Layout
from viz.story import Story


def stage(story: Story, *, checks: bool = False) -> tuple[Scene, Layout]:
    """The cards of a story and their places, from left to right, with the local derivatives at the arrows.

    Each gradient is there as long as it ever gets while it is summed. How large gradients are is not shown: a
    picture that tells their sizes tells them too early.

    checks  whether leaves have a line for what NumPy says of their gradients
    """
    longest = {story.nodes[-1]: 1.0}
    for event in story.events:
        if event.step:
            node, total = event.step.parent, event.step.total
            longest[node] = max(longest.get(node, 1.0), total, key=lambda x: len(text.number(x)))
    scene = scene_of(
        story.nodes,
        gradients=longest,
        names={
            node: split(label)[1] for node, label in zip(story.nodes, story.labels, strict=True) if node.requires_grad
        },
        checks={story.nodes[i]: opinion.slope for i, opinion in story.differences.items()} if checks else None,
        local_derivatives=True,
    )
    cards = [replace(card, size=None) for card in scene.cards]
    scene = replace(scene, cards=cards, lines=[replace(line, size=None) for line in scene.lines])
    return scene, plain(scene)
