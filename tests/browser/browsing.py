"""What the tests in a browser share: a page under guard, what axe finds in it, and what it shows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCREENS = {
    "desktop": {"viewport": {"width": 1440, "height": 860}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}


def new_page(browser, **options):
    """A page without a network, which writes down in `page.misdeeds` what no page of ours may do."""
    context = browser.new_context(offline=True, **options)
    context.set_default_timeout(5_000)
    page = context.new_page()
    page.misdeeds, page.own = [], set()

    def note(kind: str, what: object) -> None:
        page.misdeeds.append(f"{kind}: {what}")

    def abroad(url: str) -> bool:
        return not (url.partition("#")[0] in page.own or url.startswith(("about:", "data:", "blob:")))

    def asked(dialog) -> None:
        note("dialog", f"{dialog.type} {dialog.message!r}")
        dialog.dismiss()  # or the page waits for ever

    def opened(other) -> None:
        note("window", other.url)
        other.close()

    def said(message) -> None:
        if message.type in ("warning", "error"):
            note("console", f"{message.type}: {message.text}")

    context.on("console", said)
    context.on("weberror", lambda thrown: note("exception", thrown.error))
    context.on("dialog", asked)
    context.on("request", lambda sent: abroad(sent.url) and note("request", f"{sent.method} {sent.url}"))
    context.on("page", opened)
    page.on("websocket", lambda socket: note("request", socket.url))
    page.on("download", lambda download: note("download", download.url))
    page.on("framenavigated", lambda frame: abroad(frame.url) and note("navigation", frame.url))
    return page


@contextmanager
def guarded(page) -> Iterator:
    """On leaving, an AssertionError lists the page's misdeeds.

    They are: a warning or an error in the console (so every breach of its content security policy), an exception,
    a dialog, a request for anything but its own file, another window, a download, and going anywhere else.
    """
    try:
        yield page
        page.wait_for_timeout(20)  # what is under way comes to pass
        for frame in page.frames[1:]:
            frame.evaluate("0")  # what it has said before is heard by now
    finally:
        page.goto("about:blank")
        misdeeds = "\n".join(page.misdeeds)
        page.misdeeds.clear()
        page.own.clear()
    assert not misdeeds, misdeeds


def show(page, what: str | Path, folder: Path, name: str = "page", hash: str = "") -> None:
    """Open HTML, or a file of it, as a user does: from the disk."""
    if isinstance(what, str):
        path = folder / f"{name}.html"
        path.write_text(what, encoding="utf-8")
    else:
        path = what
    page.own.add(path.as_uri())
    page.goto(path.as_uri() + hash)


def framed(html: str) -> str:
    """The page as a notebook shows it: in a frame that may run scripts and nothing else."""
    inner = html.replace("&", "&amp;").replace('"', "&quot;")
    frame = f'<iframe title="page" sandbox="allow-scripts" width="1400" height="800" srcdoc="{inner}"></iframe>'
    return f'<!DOCTYPE html><html lang="en"><title>Notebook</title><main><h1>Cell</h1>{frame}</main>'


def violations(page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now; empty is good."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
        + "\n".join(f"    {' '.join(map(str, node['target']))}: {node['html'][:200]}" for node in rule["nodes"])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


# The contrast of text in SVG, which axe does not look at: its fill against what is painted below its middle.
CONTRAST = """
() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = "transparent"; // which stays where the colour is none
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const holds = (box, x, y) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    const below = text => {
        const box = text.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
        const colours = [...text.ownerSVGElement.querySelectorAll("rect, path, polygon")]
            .filter(shape => shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)
            .filter(shape => holds(shape.getBoundingClientRect(), x, y) && shape.checkVisibility())
            .map(shape => rgba(getComputedStyle(shape).fill)).reverse();
        for (let e = text.ownerSVGElement; e; e = e.parentElement)
            colours.push(rgba(getComputedStyle(e).backgroundColor));
        return [...colours, rgba("Canvas")].find(colour => colour[3] == 255);
    };
    const shown = {opacityProperty: true, visibilityProperty: true};
    return [...document.querySelectorAll("svg text")].filter(e => e.textContent.trim() && e.checkVisibility(shown))
        .map(text => {
            const colours = [rgba(getComputedStyle(text).fill), below(text)];
            const [low, high] = colours.map(luminance).sort((a, b) => a - b);
            return [(high + 0.05) / (low + 0.05), text.textContent, ...colours.map(c => c.slice(0, 3).join())];
        });
}
"""


def pale(page, least: float = 4.5) -> list[str]:
    """The texts in the drawing of a page whose contrast is less than WCAG asks for; empty is good."""
    texts = page.evaluate(CONTRAST)
    assert texts, "no text in any drawing"
    return [f"{text!r}: {ratio:.2f}, ({fill}) on ({ground})" for ratio, text, fill, ground in texts if ratio < least]


# The state of a form is not in its markup, nor is the address: both are written into a copy.
READING = """
selector => {
    const root = document.querySelector(selector), copy = root.cloneNode(true);
    const controls = "input, select, textarea, button, details";
    const copies = copy.querySelectorAll(controls);
    root.querySelectorAll(controls).forEach((control, i) => {
        for (const key of ["value", "checked", "disabled", "open"])
            if (key in control) copies[i].setAttribute("now-" + key, control[key]);
    });
    return location.hash + "\\n" + copy.outerHTML.replace(/></g, ">\\n<");
}
"""


def reading(page, root: str = "body") -> str:
    """All that the page shows now: its address, its elements, and what its controls are set to."""
    return page.evaluate(f"({READING})({json.dumps(root)})")
