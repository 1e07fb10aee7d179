"""The switches of the step-through page: the quiz, and what goes wrong where a gradient is set instead of summed."""

import re

from .losses import neuron, square
from .stepping import gradient, html, step


def test_overwriting_shows_the_wrong_gradient_and_what_went_wrong(open_page):
    page = open_page(html(square))
    page.keyboard.press("End")
    right = page.locator("body").inner_text()
    assert gradient(page, 0) == "6"
    page.check("#overwrite")
    page.keyboard.press("End")
    assert gradient(page, 0) == "3"
    wrong = page.locator("body").inner_text()
    assert re.search("overw|replac|lost|wrong", wrong, re.I)
    assert page.locator("[data-node=n0]").get_attribute("data-check") == "differs"
    assert "It overwrites 3" in page.locator("#say").text_content()
    page.uncheck("#overwrite")
    page.keyboard.press("End")
    assert page.locator("body").inner_text() == right


# All that can be perceived: text and attributes, but not what is hidden, to the eye and to a screen reader alike.
PERCEIVED = """() => [...document.querySelectorAll("#app *")]
    .filter(e => e.tagName == "title" || e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .flatMap(e => [...e.childNodes].filter(n => n.nodeType == 3).concat(...e.attributes).map(n => n.nodeValue))
    .join("\\n")"""


def ask_first(page):
    """To the question about the first edge: ∂o/∂n = 1 − tanh(n)² = 0.634..."""
    page.click("#jump")
    page.click("#next")
    assert "0.634" not in page.evaluate(PERCEIVED)


def test_quiz_hides_the_next_number_until_answered(open_page):
    page = open_page(html(neuron, quiz=True))
    assert page.is_checked("#quiz")
    ask_first(page)
    before = step(page)
    page.fill("#answer", "17")
    page.click("#answer-ok")
    assert "✗" in page.locator("#verdict").inner_text()
    assert "0.634" not in page.evaluate(PERCEIVED)
    page.fill("#answer", "0.6347")
    page.press("#answer", "Enter")
    assert "Right" in page.locator("#event").inner_text()
    assert step(page) == before
    assert "0.634" in page.evaluate(PERCEIVED)


def test_quiz_does_not_tell_by_the_way(open_page):
    """The largest and the smallest gradient, 1.904 and 0.3174, stay unknown until they arrive."""
    page = open_page(html(neuron, quiz=True))
    ask_first(page)
    told = page.evaluate(PERCEIVED)
    assert "1.904" not in told
    assert "0.3174" not in told


def test_quiz_reveals(open_page):
    page = open_page(html(neuron, quiz=True))
    ask_first(page)
    page.click("#reveal")
    assert "0.634" in page.evaluate(PERCEIVED)


WRONG = ["", " ", "abc", "1e999", "--1", "0x10", "nan", "1,5", "1/0", "/", "٣", "<img src=x onerror=alert(1)>"]


def test_quiz_takes_any_answer(open_page):
    page = open_page(html(neuron, quiz=True))
    ask_first(page)
    before = step(page)
    for text in WRONG:
        page.fill("#answer", text)
        page.click("#answer-ok")
        assert page.locator("#verdict").inner_text(), text
        assert step(page) == before
        assert "0.634" not in page.evaluate(PERCEIVED)


RIGHT = ["0.6347", "0.63", "0,635", ".635", "+0.635", " 0.635 ", "6.347e-1", "33/52", "0.63474"]


def test_quiz_takes_a_right_answer_as_people_write_it(open_page):
    page = open_page(html(neuron, quiz=True))
    ask_first(page)
    for text in RIGHT:
        page.fill("#answer", text)
        page.click("#answer-ok")
        assert "Right" in page.locator("#event").inner_text(), text
        page.reload()  # asks again


def test_keys_in_the_answer_edit_it(open_page):
    page = open_page(html(neuron, quiz=True))
    ask_first(page)
    before = step(page)
    page.click("#answer")
    for key in ("1", "2", "ArrowLeft", "Space", "Home", "End", "ArrowRight"):
        page.keyboard.press(key)
    assert step(page) == before
    assert page.input_value("#answer") == "1 2"
