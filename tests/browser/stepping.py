"""The step-through page as the tests see it."""

import math
from functools import cache

from viz import backprop_page


@cache
def html(make, **options) -> str:
    """The page of a graph, made once."""
    return backprop_page(make(), **options).html


def step(page) -> int:
    """Where the page is."""
    return int(page.locator("#app").get_attribute("data-step"))


def last(page) -> int:
    """The number of the last step."""
    return int(page.locator("#app").get_attribute("data-steps"))


def phase(page) -> str:
    """start, forward, backward or done."""
    return page.locator("#app").get_attribute("data-phase")


def gradient(page, i: int) -> str:
    """What the page shows as the gradient of node i, with all its digits."""
    return page.locator(f"g.node[data-node=n{i}]").get_attribute("data-gradient")


def same(shown: str, x: float | str) -> bool:
    """Whether a text is this number, to the last bit and with its sign; or both are nothing."""
    if "" in (shown, x):
        return shown == x
    y = float(shown)
    return (math.isnan(x) and math.isnan(y)) or (x == y and math.copysign(1, x) == math.copysign(1, y))
