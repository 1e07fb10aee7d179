"""The README's photograph of the step-through page: `python -m tests.browser.photograph`, with Chromium."""

import importlib
import shutil
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parents[2] / "demos" / "pictures" / "03_page.png"
STEP = 26  # where a second contribution is added to the gradient of w1


def main() -> None:
    """Take it, of lesson 3's page."""
    from playwright.sync_api import sync_playwright

    from viz import backprop_page

    lesson = importlib.import_module("demos.03_watch_it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = backprop_page(lesson.neuron_with_decay(), title="A neuron with weight decay")
        address = page.save(Path(folder) / "page.html").as_uri()
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1440, "height": 860}, reduced_motion="reduce")
        tab.goto(f"{address}#step={STEP}")
        tab.wait_for_timeout(500)
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
