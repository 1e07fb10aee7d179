"""A real browser, where there is one: `pip install "chainrule[browser]"`, and Chromium or Chrome."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from .browsing import DESKTOP, PHONE, guarded, show

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


@pytest.fixture
def open_page(browser, tmp_path):
    """`open_page(html)` or `open_page(path)`: a guarded page that shows it; the test fails if it misbehaves."""
    with ExitStack() as pages:

        def open(what: str | Path, *, dark=False, reduced_motion=False, mobile=False, hash=""):
            page = pages.enter_context(
                guarded(
                    browser,
                    color_scheme="dark" if dark else "light",
                    reduced_motion="reduce" if reduced_motion else "no-preference",
                    **(PHONE if mobile else DESKTOP),
                )
            )
            show(page, what, tmp_path, hash=hash)
            return page

        yield open
