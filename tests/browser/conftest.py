"""A real browser, where there is one: `pip install "chainrule[browser]"`, and Chromium or Chrome."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from .browsing import SCREENS, guarded, new_page, show

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")  # not longer: while it runs, no other test can start an event loop of its own
def browser():
    """A Chromium without a window."""
    api = pytest.importorskip("playwright.sync_api", reason='pages are tested with: pip install "chainrule[browser]"')
    with api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # there after `playwright install chromium`
        program = next(filter(None, map(shutil.which, (*PROGRAMS, own))), None)
        if program is None:
            pytest.skip("pages are tested in Chromium: install it, or run `playwright install chromium`")
        args = ["--host-resolver-rules=MAP * ~NOTFOUND"]  # offline contexts are not enough: frames slip out of them
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            args.append("--no-sandbox")  # for root, Chromium makes none
        chromium = playwright.chromium.launch(executable_path=program, args=args)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def tabs(browser):
    """Pages of a desktop and of a phone, used again in every test: a new one costs the machine a second."""
    return {screen: [new_page(browser, **options)] for screen, options in SCREENS.items()}


@pytest.fixture
def tab(tabs):
    """A page that nobody guards yet."""
    return tabs["desktop"][0]


@pytest.fixture
def open_page(browser, tabs, tmp_path):
    """`open_page(html)` or `open_page(path)`: a guarded page that shows it; the test fails if it misbehaves."""
    free = {screen: list(pages) for screen, pages in tabs.items()}
    with ExitStack() as guards:

        def open(what: str | Path, *, dark=False, reduced_motion=False, mobile=False, hash=""):
            screen = "phone" if mobile else "desktop"
            if not free[screen]:
                tabs[screen].append(new_page(browser, **SCREENS[screen]))
                free[screen].append(tabs[screen][-1])
            page = guards.enter_context(guarded(free[screen].pop(0)))
            page.set_viewport_size(SCREENS[screen]["viewport"])
            page.mouse.move(0, 0)
            page.emulate_media(
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce" if reduced_motion else "no-preference",
            )
            show(page, what, tmp_path, hash=hash)
            return page

        yield open
