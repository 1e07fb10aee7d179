"""Everybody can use the page: with a keyboard, a screen reader, on a small screen, in the dark, without motion."""

import pytest

from tests.viz.hostile import hostile
from viz import backprop_page

from .browsing import pale, violations
from .losses import network, neuron, square
from .stepping import html, last, step

LOOKS = {"light": {}, "dark": {"dark": True}, "small and dark": {"mobile": True, "dark": True}}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_axe_finds_nothing_serious_at_any_stage(look, open_page):
    page = open_page(html(neuron, quiz=True), **look)
    found = [violations(page)]
    for question in (2, 9, 15):
        page.fill("#slider", str(question))
        found.append(violations(page))
        page.click("#answer-ok")
        found.append(violations(page))
        page.click("#reveal")
        found.append(violations(page))
    assert found == [[]] * 10


def test_axe_finds_nothing_serious_with_all_switches_on(open_page):
    page = open_page(html(square), dark=True)
    page.check("#overwrite")
    page.click("#end")
    page.locator("g.node").first.click()
    assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", [neuron, network], ids=lambda make: make.__name__)
def test_text_in_the_drawing_has_contrast(make, dark, open_page):
    page = open_page(html(make), dark=dark, reduced_motion=True)
    for where in ("0", "9", "9999"):
        page.fill("#slider", where)
        assert pale(page) == [], where


# ------------------------------------------------------------------------------ keyboard


FOCUS = """() => {
    const e = document.activeElement, style = getComputedStyle(e);
    const ring = style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2;
    return [e.id || `${e.tagName} ${[...document.querySelectorAll("*")].indexOf(e)}`, ring];
}"""
FOCUSABLE = """[...document.querySelectorAll("button, input, select, summary, [tabindex]")]
    .filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility())
    .map(e => e.id || `${e.tagName} ${[...document.querySelectorAll("*")].indexOf(e)}`)"""


def test_tab_reaches_every_control_and_shows_where_it_is(open_page):
    page = open_page(html(square, quiz=True), hash="#step=3")
    controls = page.evaluate(FOCUSABLE)
    reached = {}
    for _ in controls:
        page.keyboard.press("Tab")
        name, ring = page.evaluate(FOCUS)
        reached[name] = ring
    assert set(reached) == set(controls)
    assert {"next", "back", "play", "slider", "quiz", "overwrite", "follow", "pin", "answer"} <= set(reached)
    assert all(reached.values()), reached


def test_arrows_move_one_step_wherever_the_focus_is(open_page):
    page = open_page(html(neuron))
    for focus in ("body", ".canvas", "#panel", "#next", "#back", "#slider", "#quiz", "#follow", "#fit", "summary"):
        page.fill("#slider", "5")
        page.evaluate("focus => { document.activeElement.blur(); document.querySelector(focus).focus() }", focus)
        steps = []
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
            page.keyboard.press(key)
            steps.append(step(page))
        assert steps == [6, 7, 6, last(page), 0], focus


def test_space_presses_the_button_that_has_the_focus(open_page):
    page = open_page(html(neuron))
    page.select_option("#speed", "250")  # it would soon be seen to play
    page.focus("#next")
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    assert step(page) == 1
    page.focus("#overwrite")
    page.keyboard.press("Space")
    assert page.is_checked("#overwrite")
    page.wait_for_timeout(500)
    assert step(page) == 1


def test_chords_of_the_browser_are_left_alone(open_page):
    page = open_page(html(neuron), hash="#step=5")
    page.evaluate("addEventListener('keydown', event => setTimeout(() => document.title = event.defaultPrevented))")
    for chord in ("Alt+ArrowLeft", "Control+ArrowRight", "Meta+ArrowRight", "Control+End"):
        page.keyboard.press(chord)
        page.wait_for_timeout(20)
        assert page.title() == "false"
        assert step(page) == 5


def test_a_node_is_pinned_with_the_keyboard(open_page):
    page = open_page(html(neuron), hash="#step=9")
    node, before = page.locator("g.node[data-node=n0]"), page.locator("#ledger").inner_text()
    page.focus("#pin")
    page.keyboard.press("ArrowDown")
    assert "is-pinned" in node.get_attribute("class")
    assert page.locator("#ledger").inner_text() != before
    page.keyboard.press("ArrowUp")
    assert "is-pinned" not in node.get_attribute("class")
    assert page.locator("#ledger").inner_text() == before


def test_every_step_is_spoken(open_page):
    page = open_page(html(neuron))
    assert page.get_attribute("#say", "aria-live") in ("polite", "assertive")
    spoken = []
    for _ in range(last(page)):
        page.keyboard.press("ArrowRight")
        spoken.append(page.locator("#say").text_content().strip())
    assert all(spoken)
    assert len(set(spoken)) == len(spoken)


# ------------------------------------------------------------------------------ motion, and small screens


def test_without_motion_nothing_moves(open_page):
    page = open_page(html(network), reduced_motion=True)
    for at in ("#next", "#jump", "#next", "#fit", "#end", "#zoom-in"):
        page.click(at)
        assert page.evaluate("document.getAnimations().filter(a => a.effect.getTiming().duration > 1).length") == 0
        moving = page.evaluate("""[...document.querySelectorAll("*")].filter(e => {
            const s = getComputedStyle(e);
            const long = times => times.split(",").some(t => parseFloat(t) > 0.001);
            return long(s.transitionDuration) || (s.animationName != "none" && long(s.animationDuration))
                || s.scrollBehavior == "smooth";
        }).map(e => e.outerHTML.slice(0, 80))""")
        assert moving == []
        before = page.locator("svg.graph").get_attribute("viewBox")
        page.wait_for_timeout(50)
        assert page.locator("svg.graph").get_attribute("viewBox") == before
    assert page.locator("animate, animateTransform, animateMotion").count() == 0


@pytest.mark.parametrize("make", [neuron, network], ids=lambda make: make.__name__)
def test_nothing_sticks_out_sideways(make, open_page):
    page = open_page(html(make), mobile=True)
    for width in (320, 390, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 700})
        for where in ("0", "9", "9999"):
            page.fill("#slider", where)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("#next").bounding_box()
        assert min(box["width"], box["height"]) >= 24


@pytest.mark.parametrize("mobile", [False, True], ids=["desktop", "phone"])
def test_long_names_leave_the_page_as_wide_as_it_is(mobile, open_page):
    """A long formula scrolls in its own box, not with all the text around it."""
    name = "W" * 200
    page = open_page(backprop_page(hostile(name), title=name).html, mobile=mobile)
    for where in range(last(page) + 1):
        page.fill("#slider", str(where))
        wide = """[document.documentElement, ...document.querySelectorAll("header, #panel, #panel section, #controls")]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.id || e.tagName)"""
        assert page.evaluate(wide) == [], where
