"""The step-through page in a browser: what it shows at each step is the backward pass, to the last bit."""

import math
from random import Random
from statistics import median

import pytest

import engine
from engine import Value, backward_steps, topological_sort
from viz import backprop_page
from viz.text import number

from .browsing import READING, reading
from .losses import LOSSES, everything, neuron, square
from .stepping import html, last, phase, same, step

every_loss = pytest.mark.parametrize("make", LOSSES, ids=lambda make: make.__name__)

# ------------------------------------------------------------------------------ the numbers

# All steps at once, since a round trip for each takes its time: what changes, as [node, value, gradient], and how
# many milliseconds pass until the new step is laid out.
WALK = """() => {
    const nodes = [...document.querySelectorAll("g.node")];
    nodes.sort((a, b) => a.dataset.node.slice(1) - b.dataset.node.slice(1));
    const was = nodes.map(() => "");
    const look = () => [app.dataset.phase, nodes.map((n, i) => [i, n.dataset.value, n.dataset.gradient])
        .filter(([i, ...shown]) => was[i] !== (was[i] = shown.join()))];
    const seen = [look()], times = [];
    for (let i = 0; i < +app.dataset.steps; i++) {
        const start = performance.now();
        document.getElementById("next").click();
        document.body.offsetHeight;
        times.push(performance.now() - start);
        seen.push(look());
    }
    return [seen, times];
}"""


def walk(loss):
    """What WALK finds on a right page: values in topological order, then gradients in that of backward_steps."""
    nodes, events = topological_sort(loss), list(backward_steps(loss))
    place = {node: i for i, node in enumerate(nodes)}
    yield "start", [(i, "" if node.op else node.data, "") for i, node in enumerate(nodes)]
    for i, node in enumerate(nodes):
        if node.op:
            yield "forward", [(i, node.data, "")]
    yield "backward" if events else "done", [(place[loss], loss.data, 1.0)]
    for event in events:
        change = (place[event.parent], event.parent.data, event.total)
        yield "done" if event is events[-1] else "backward", [change]


@every_loss
def test_every_step_shows_what_is_known_by_then(make, open_page):
    """And soon: half of the steps take less than 50 ms, with more than 300 nodes as well."""
    loss = make()
    page = open_page(html(make))
    (seen, times), wanted = page.evaluate(WALK), list(walk(loss))
    assert last(page) == len(wanted) - 1
    now = [("", "")] * len(topological_sort(loss))
    for n, ((phase_shown, changes), (phase_wanted, news)) in enumerate(zip(seen, wanted, strict=True)):
        assert phase_shown == phase_wanted, n
        for i, *texts in changes:
            now[i] = tuple(texts)
        assert {i for i, *_ in changes} <= {i for i, *_ in news}, n
        for i, *numbers in news:
            assert all(map(same, now[i], numbers)), (n, i, now[i], numbers)

    loss.backward()
    for node, (value, gradient) in zip(topological_sort(loss), now, strict=True):
        assert same(value, node.data)
        assert same(gradient, node.grad if node.has_grad else "")

    print(f"{make.__name__}: {len(times)} steps, median {median(times):.1f} ms, {max(times):.1f} ms at most")
    assert median(times) < 50
    assert make is not everything or len(now) > 300


BACK = f"""() => {{
    const look = () => ({READING})("body");
    const there = [look()], last = +app.dataset.steps;
    for (let i = 0; i < last; i++) {{
        document.getElementById("next").click();
        there.push(look());
    }}
    if (new Set(there).size < last + 1) return "two steps look alike";
    for (let i = last - 1; i >= 0; i--) {{
        document.getElementById("back").click();
        const back = look();
        if (back !== there[i]) return [i, there[i], back];
    }}
    return null;
}}"""


@pytest.mark.parametrize("make", LOSSES[:-1], ids=lambda make: make.__name__)  # the last is too large
def test_every_step_back_restores_the_page(make, open_page):
    page = open_page(html(make))
    page.uncheck("#follow")  # else where one looks depends on where one came from
    page.keyboard.press("Home")  # which speaks of the beginning: a page that opens is silent
    assert page.evaluate(BACK) is None


def test_the_beginning_and_the_end_stay(open_page):
    page = open_page(html(square))
    for key, one_more in (("End", "ArrowRight"), ("Home", "ArrowLeft")):
        page.keyboard.press(key)
        before = reading(page)
        page.keyboard.press(one_more)
        assert reading(page) == before


def test_ledger_is_the_sum_of_the_products(open_page):
    """∂y/∂x = 3 + 3: the ledger of x has two rows once both edges have passed."""
    page = open_page(html(square))
    page.keyboard.press("End")
    cells = page.locator("#ledger").inner_text()
    assert cells.count("3") >= 4
    assert "6" in cells


def test_leaves_are_checked_with_central_differences(open_page):
    page = open_page(html(neuron))
    page.keyboard.press("End")
    assert page.locator("g.node[data-check=agrees]").count() == 5
    assert page.locator("#check").inner_text()


# ------------------------------------------------------------------------------ ways to move


def test_buttons_keys_slider_and_address_agree(open_page):
    page = open_page(html(neuron))
    end = last(page)
    page.keyboard.press("Home")
    seen = [reading(page)]
    for _ in range(end):
        page.click("#next")
        seen.append(reading(page))
    for i in (0, 1, end // 2, end - 1, end):
        page.fill("#slider", str(i))
        assert reading(page) == seen[i]
        page.evaluate("location.hash = 'step=3'")
        page.locator("#app[data-step='3']").wait_for()
        page.evaluate("i => { location.hash = 'step=' + i }", i)
        page.locator(f"#app[data-step='{i}']").wait_for()
        assert reading(page) == seen[i]
    page.click("#back")
    page.click("#start")
    assert reading(page) == seen[0]
    page.click("#jump")
    assert step(page) == 1 + sum(bool(node.op) for node in topological_sort(neuron()))
    assert phase(page) == "backward"
    page.click("#back")
    assert phase(page) == "forward"
    page.click("#end")
    assert reading(page) == seen[end]


def test_address_restores_a_step(open_page):
    page = open_page(html(neuron), hash="#step=7")
    assert step(page) == 7
    address = page.url.partition("#")[0]
    nonsense = ["", "#", "#step=", "#step=x", "#step=NaN", "#step=1.5", "#step=-1", "#step=1e9", "#<img>", "#%", "#%F"]
    for hash, at in ({"#step=0": 0, "#step=99999": last(page)} | dict.fromkeys(nonsense, 0)).items():
        page.goto("about:blank")
        page.goto(address + hash)
        assert step(page) == at, hash


def test_reload_stays_at_the_step(open_page):
    page = open_page(html(neuron))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    before = page.locator("#panel").inner_text()
    page.reload()
    assert step(page) == 2
    assert page.locator("#panel").inner_text() == before


@pytest.mark.parametrize("way", ["button", "key"])
def test_play_and_pause(way, open_page):
    page = open_page(html(neuron))
    page.select_option("#speed", "250")
    toggle = (lambda: page.click("#play")) if way == "button" else (lambda: page.keyboard.press("Space"))
    toggle()
    page.locator("#app[data-phase=backward]").wait_for()
    toggle()
    stopped = step(page)
    page.wait_for_timeout(700)
    assert step(page) == stopped


def test_play_stops_at_the_end(open_page):
    page = open_page(html(square))
    page.select_option("#speed", "250")
    page.click("#play")
    page.locator("#app[data-phase=done]").wait_for()
    page.locator("#play", has_text="Play").wait_for()


def test_numbers_are_written_as_in_drawings(open_page):
    """Also where they lie just between two of four digits: there Python rounds to the even one."""
    random = Random(0)
    xs = [
        0.0,
        -0.0,
        1e-4,
        9.9995e-5,
        0.00099995,
        9999.5,
        99995.0,
        999999.5,
        1e6,
        1e300,
        5e-324,
        math.inf,
        -math.inf,
        math.nan,
    ]
    xs += [random.choice((-1, 1)) * random.randrange(1, 200_000) / 2 ** random.randrange(12) for _ in range(150)]
    xs += [random.uniform(-1, 1) * 10.0 ** random.randrange(-12, 13) for _ in range(150)]
    page = open_page(backprop_page(engine.sum([Value(x, f"x{i}") for i, x in enumerate(xs)])).html)
    shown = page.locator("g.node.leaf .data").all_text_contents()
    assert shown == [number(x) for x in xs]
