"""How the step-through page is looked at: zoomed, moved, pinned, and in the frame of a notebook."""

import math

import pytest

from viz import backprop_page

from .browsing import reading, violations
from .losses import network, neuron
from .stepping import html, phase, step


def view(page) -> list[float]:
    return [float(x) for x in page.locator("svg.graph").get_attribute("viewBox").split()]


def test_zoom_and_pan_move_the_drawing_and_nothing_else(open_page):
    page = open_page(html(network), reduced_motion=True)
    page.keyboard.press("End")
    box = page.locator("svg.graph").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    text = page.locator("#app").inner_text()
    page.click("#fit")
    views = [view(page)]

    def look():
        views.append(view(page))
        assert all(map(math.isfinite, views[-1]))
        assert views[-1] != views[-2]

    for button in ("#zoom-in", "#zoom-in", "#zoom-out"):
        page.click(button)
        look()
    page.mouse.move(*middle)
    page.mouse.wheel(30, 60)
    page.wait_for_timeout(100)  # the wheel comes when it comes
    look()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(100)
    page.keyboard.up("Control")
    look()
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 40, steps=4)
    page.mouse.up()
    look()
    page.click("#fit")
    look()
    assert page.locator("#app").inner_text() == text  # a drag is no click: nothing was pinned
    assert views[-1] == pytest.approx(views[0])


def test_pinch(open_page):
    page = open_page(html(network), mobile=True, reduced_motion=True)
    page.locator("svg.graph").scroll_into_view_if_needed()
    box = page.locator("svg.graph").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = view(page)
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *points):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    touch("touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 40, 60, 80):
        touch("touchMove", (x - spread, y), (x + spread, y))
    touch("touchEnd")
    after = view(page)
    assert after[2] < before[2]
    assert all(map(math.isfinite, after))
    page.click("#next")
    assert step(page) == 1


def test_a_click_pins_and_unpins(open_page):
    page = open_page(html(neuron))
    page.keyboard.press("End")
    free = reading(page)
    page.locator("g.node[data-node=n0]").click()
    assert "is-pinned" in page.locator("g.node[data-node=n0]").get_attribute("class")
    assert reading(page) != free
    page.locator("g.node[data-node=n0]").click()
    assert reading(page) == free


def test_a_neuron_takes_less_than_100_kilobytes():
    assert len(html(neuron).encode()) < 100_000


def test_in_the_frame_of_a_notebook(open_page):
    """There the page has no origin: no storage, and no history to write to."""
    cell = backprop_page(neuron())._repr_mimebundle_()["text/html"]
    page = open_page(f'<!doctype html><html lang="en"><title>Notebook</title><main><h1>Cell</h1>{cell}</main>')
    frame = page.frames[1]
    frame.click("#next")
    frame.locator("body").press("ArrowRight")
    assert step(frame) == 2
    frame.click("#end")
    assert phase(frame) == "done"
    frame.check("#quiz")
    frame.click("#back")
    assert frame.locator("#answer").is_visible()
    assert violations(page) == []
