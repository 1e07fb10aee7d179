"""The stage of a story: cards that never have to grow, and that tell nothing too early."""

from engine import Value, backward_steps
from viz import text
from viz.stage import stage
from viz.story import Story


def test_a_stage_has_room_for_every_running_sum():
    """Two thirds, and minus two thirds: the longest number on the way is longer than the last."""
    x = Value(1.0, "x")
    loss = x * (-2 / 3) + x * (2e-7 / 3) + x * (2 / 3) + x * (-2e-7 / 3)
    scene, _ = stage(Story(loss), checks=True)
    card = next(card for card in scene.cards if card.name == "x")
    sums = [text.number(step.total) for step in backward_steps(loss) if step.parent is x]
    assert len(sums[-1]) < max(map(len, sums)) == len(card.grad)
    assert all(card.size is None for card in scene.cards)
