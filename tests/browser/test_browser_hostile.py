"""Names are text in pages, too: nothing in them runs, and they are shown exactly."""

import pytest

import engine
from engine import Value
from tests.viz.hostile import NAMES, hostile
from viz import backprop_page, draw
from viz.text import visible

from .browsing import guarded, show

PAGES = {
    "page": lambda loss, title=None: backprop_page(loss, title=title).html,
    "quiz": lambda loss, title=None: backprop_page(loss, title=title, quiz=True).html,
    "drawing": lambda loss, title=None: draw(loss, title=title, engine="plain").html,
}
every_page = pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)

# In a quiz, a step takes two: the first reveals the answer.
ALL_STEPS = """() => {
    const end = +app.dataset.steps;
    for (let i = 0; i < 2 * end && app.dataset.step < end; i++) document.getElementById("next").click();
}"""


def crowd() -> Value:
    """All names in one graph, on leaves and on computed nodes."""
    crowd = [Value(0.5, name).tanh() for name in NAMES]
    for value, name in zip(crowd, NAMES, strict=True):
        value.name = name
    return engine.sum(crowd)


@pytest.mark.parametrize("make", [PAGES["page"], PAGES["drawing"]], ids=["page", "drawing"])
def test_all_names_at_every_step(make, open_page):
    page = open_page(make(crowd(), NAMES[0]))
    texts = page.evaluate("[...document.querySelectorAll('g.node')].map(node => node.textContent)")
    for name in NAMES:
        assert sum(visible(name) in text for text in texts) >= 2, name
    if page.locator("#next").count():
        page.evaluate(ALL_STEPS)
        assert page.locator("#app").get_attribute("data-phase") == "done"
        pins = page.locator("#pin option").all_inner_texts()
        assert {visible(name) for name in NAMES} <= set(pins)


# Those of them that mean something to HTML or JavaScript, and some of each other kind.
SHARP = [name for name in NAMES if set(name) & set("<>&'\"`${}#")]
SHARP += ["\0", "\ud800", "\u2028", "\n", "x" * 300, "__proto__"]


@every_page
def test_names_of_the_loss(make, tab, tmp_path):
    """It stands in every formula; the whole formula is shown where the graph is small."""
    with guarded(tab) as page:
        for i in range(0, len(SHARP), 12):
            loss = hostile(SHARP[i])
            for name in SHARP[i + 1 : i + 12]:
                loss = loss * Value(0.5, name)
                loss.name = name
            show(page, make(loss, SHARP[i]), tmp_path, name=str(i))
            assert page.title().split() == visible(SHARP[i]).split()  # HTML gathers the white space of a title
            assert page.locator("h1").text_content() == visible(SHARP[i])
            if page.locator("#end").count():
                page.evaluate(ALL_STEPS)


# What a browser makes of a page, with nothing run: its title, its heading, and how many elements there are.
PARSED = """html => {
    const page = new DOMParser().parseFromString(html, "text/html");
    return [page.querySelector("title").text, page.querySelector("h1").textContent, page.querySelectorAll("*").length];
}"""


@every_page
def test_titles_are_text(make, open_page):
    page = open_page("<!doctype html><title>t</title>")
    _, _, elements = page.evaluate(PARSED, make(Value(1.0, "x"), "x"))
    for name in NAMES:
        assert page.evaluate(PARSED, make(Value(1.0, "x"), name)) == [visible(name), visible(name), elements], name


@pytest.mark.parametrize("make", [PAGES["page"], PAGES["drawing"]], ids=["page", "drawing"])
def test_even_if_markup_came_in_nothing_of_it_would_run(make, tab, tmp_path):
    """The second wall: the policy of the page."""
    with pytest.raises(AssertionError) as caught, guarded(tab) as page:  # noqa: PT012
        show(page, make(hostile("x")), tmp_path)
        page.evaluate("""() => {
            const put = html => document.body.insertAdjacentHTML("beforeend", html);
            put("<img src='data:,' onerror='alert(1)'><svg onload='alert(2)'></svg>");
            put("<iframe srcdoc='<script>parent.alert(3)</script>'></iframe>");
            put("<p style='color: red'>4</p>");
            const script = document.createElement("script");
            script.textContent = "alert(5)";
            document.body.append(script);
            const link = document.createElement("a");
            link.href = "javascript:alert(6)";
            link.click();
        }""")
        page.wait_for_timeout(100)
    kinds = {line.split(":")[0] for line in str(caught.value).splitlines()}
    assert kinds == {"console"}, str(caught.value)
    assert str(caught.value).count("Content Security Policy") >= 6


@pytest.mark.parametrize("make", [PAGES["page"], PAGES["drawing"]], ids=["page", "drawing"])
def test_nothing_can_be_sent(make, tab, tmp_path):
    with pytest.raises(AssertionError) as caught, guarded(tab) as page:  # noqa: PT012
        show(page, make(hostile("x")), tmp_path)
        for call in ("fetch('http://example.invalid/')", "navigator.sendBeacon('http://example.invalid/')"):
            page.evaluate(f"async () => {{ try {{ await {call} }} catch {{}} }}")
    assert "Content Security Policy" in str(caught.value)
    assert "request:" not in str(caught.value)
