"""The guards themselves: each catches what it is there for and lets a good page pass. So for axe, and for `reading`."""

import pytest

from .browsing import framed, guarded, pale, reading, show, violations

POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
GOOD = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>h</h1><p>text</p></main></body>'


def page_with(body: str, head: str = "") -> str:
    return GOOD.replace("</main>", f"{body}</main>").replace("</head>", f"{head}</head>")


# What the guard says, and a page that makes it say so.
MISDEEDS = {
    "dialog: alert 'boo'": page_with("<script>alert('boo')</script>"),
    "dialog: prompt 'name'": page_with("<script>setTimeout(prompt, 0, 'name')</script>"),
    "console: error: oh": page_with("<script>console.error('oh')</script>"),
    "console: warning: hm": page_with("<script>console.warn('hm')</script>"),
    "console: error: Executing inline script violates": page_with("<script>let x = 1</script>", POLICY),
    "console: error: Executing inline event handler violates": page_with(
        """<p onclick="alert(1)">x</p><img alt="" src="data:," onerror="alert(1)">""",
        POLICY.replace("'none'", "data:"),
    ),
    "console: error: Applying inline style violates": page_with("<p style='color: red'>x</p>", POLICY),
    "console: error: Loading the image": page_with("<img alt='' src='http://example.invalid/'>", POLICY),
    "exception: broken": page_with("<script>throw new Error('broken')</script>"),
    "exception: late": page_with("<script>setTimeout(() => { throw new Error('late') })</script>"),
    "exception: promised": page_with("<script>Promise.reject(new Error('promised'))</script>"),
    "request: GET http://example.invalid/a": page_with("<img alt='' src='http://example.invalid/a'>"),
    "request: GET http://example.invalid/b": page_with("<script>fetch('http://example.invalid/b')</script>"),
    "request: POST http://example.invalid/c": page_with(
        "<script>navigator.sendBeacon('http://example.invalid/c')</script>"
    ),
    "request: ws://example.invalid/d": page_with("<script>new WebSocket('ws://example.invalid/d')</script>"),
    "request: GET file:///e.css": page_with("", "<link rel='stylesheet' href='file:///e.css'>"),
    "request: GET http://example.invalid/f": page_with("<script>location = 'http://example.invalid/f'</script>"),
    "navigation: file:///": page_with("<script>location = 'file:///'</script>"),
    "window: about:blank": page_with("<script>open('about:blank')</script>"),
    "download: ": page_with("<a download='x.txt' href='data:,x'>x</a><script>document.links[0].click()</script>"),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_guard_catches(misdeed, tab, tmp_path):
    with pytest.raises(AssertionError, match=misdeed), guarded(tab) as page:
        show(page, MISDEEDS[misdeed], tmp_path)


@pytest.mark.parametrize("kind", ["dialog: alert", "console: error: Exec", "exception: broken", "request: GET http"])
def test_guard_catches_it_in_a_frame(kind, tab, tmp_path):
    """There the browser itself forbids some of it, and says so in its own words."""
    html = next(html for misdeed, html in MISDEEDS.items() if misdeed.startswith(kind))
    with pytest.raises(AssertionError, match=r"^(console|exception|request): "), guarded(tab) as page:
        show(page, framed(html), tmp_path)


def test_guard_tells_all_at_once(tab, tmp_path):
    with pytest.raises(AssertionError) as caught, guarded(tab) as page:
        show(page, page_with("<script>alert(1); console.warn(2); throw 3</script>"), tmp_path)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["dialog", "console", "exception"]


def test_guard_does_not_hide_why_a_test_failed(tab, tmp_path):
    with pytest.raises(ZeroDivisionError), guarded(tab) as page:  # noqa: PT012
        show(page, MISDEEDS["dialog: alert 'boo'"], tmp_path)
        raise ZeroDivisionError


def test_a_good_page_passes(open_page):
    script = "<script>console.log('fine'); location.hash = 'step=1'; history.replaceState(0, '', '#step=2')</script>"
    assert violations(open_page(page_with(script), hash="#step=3")) == []
    page = open_page(framed(GOOD))
    assert violations(page) == []
    assert page.frames[1].locator("h1").inner_text() == "h"


def test_open_page_sets_what_the_page_is_asked_to_suit(open_page):
    asked = "['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)', '(pointer: coarse)']"
    size = f"[innerWidth, innerHeight, ...{asked}.map(query => matchMedia(query).matches)]"
    viewport = page_with("", '<meta name="viewport" content="width=device-width">')
    assert open_page(viewport).evaluate(size) == [1440, 860, False, False, False]
    assert open_page(viewport, dark=True).evaluate(size) == [1440, 860, True, False, False]
    assert open_page(viewport, reduced_motion=True, mobile=True).evaluate(size) == [390, 844, False, True, True]


# ------------------------------------------------------------------------------ axe

PLANTED = {
    "image-alt (critical)": "<img src='data:,'>",
    "color-contrast (serious)": "<p style='color: #aaa; background: #fff'>pale</p>",
    "button-name (critical)": "<button></button>",
    "label (critical)": "<input>",
    "aria-valid-attr-value (critical)": "<p aria-live='loud'>x</p>",
}


def test_axe_finds_what_is_planted(open_page):
    found = violations(open_page(page_with("".join(PLANTED.values()))))
    assert sorted(text.split(":")[0] for text in found) == sorted(PLANTED)
    assert "<button></button>" in next(text for text in found if text.startswith("button-name"))


def test_axe_runs_under_a_policy_that_forbids_scripts(open_page):
    assert violations(open_page(page_with("<button></button>", POLICY)))[0].startswith("button-name")


def test_pale_text_in_a_drawing_is_found(open_page):
    text = "<text x='50' y='50' fill='{}'>{}</text>"
    rect = "<rect width='100' height='100' fill='{}'/>"
    svg = "<svg width='100' height='100'>{}</svg>".format
    for good in (
        svg(rect.format("none") + text.format("black", "x")),
        svg(rect.format("navy") + text.format("white", "x")),
    ):
        assert pale(open_page(page_with(good))) == []
    dim = svg(rect.format("white") + rect.format("navy") + rect.format("none") + text.format("black", "dim"))
    assert len(pale(open_page(page_with(dim)))) == 1
    assert pale(open_page(page_with(svg(text.format("#aaa", "dim")))))[0].startswith("'dim': 2.32")


# ------------------------------------------------------------------------------ reading


def test_reading_notices_every_change_and_no_focus(open_page):
    controls = "<input id='slider' type='range' max='9' value='1'><input id='quiz' type='checkbox'><button id='next'>"
    page = open_page(page_with(controls))
    before = reading(page)
    page.focus("#next")
    assert reading(page) == before  # where the focus is, is not what the page shows
    seen = {before}
    for change in (
        "document.querySelector('p').textContent = 'other'",
        "document.querySelector('p').className = 'is-current'",
        "slider.value = 3",
        "quiz.checked = true",
        "next.disabled = true",
        "location.hash = 'step=2'",
    ):
        page.evaluate(change)
        assert reading(page) not in seen, change
        seen.add(reading(page))
