"""A drawing whose groups fold: by click and by key, and the picture stays a picture of the same graph."""

import random
import re
from collections import Counter

import pytest

from engine import Value, relu
from nn import MLP
from tests.viz.test_viz_folding import laid_out
from viz.page.folding import folding_page

from .browsing import framed, pale, violations

# Rectangles as (id, left, top, right, bottom): of the cards, of the folded and of the open groups, in any unit.
SEEN = """() => {
    const box = (id, e) => { const b = e.getBoundingClientRect(); return [id, b.left, b.top, b.right, b.bottom] };
    const all = selector => [...document.querySelectorAll(".canvas " + selector)];
    return {
        cards: all(".node:not(.away)").map(e => box(e.dataset.node, e.querySelector(".card"))),
        folded: all(".group.folded:not(.away)").map(e => box(e.dataset.group, e.querySelector(".box"))),
        open: all(".group:not(.folded):not(.away)").map(e => box(e.dataset.group, e.querySelector(".box"))),
        names: all(".group-label:not(.folded):not(.away)").map(e => box(e.dataset.group, e.querySelector(".name"))),
        edges: all(".edge:not(.away)").map(e =>
            [e.dataset.from, e.dataset.to, e.querySelector(".bundle")?.textContent ?? "×1"]),
        scale: svgScale(),
    };
    function svgScale() { const m = document.querySelector(".canvas > svg").getScreenCTM(); return m.a }
}"""
PICTURE = "document.querySelector('.canvas > svg').innerHTML"


def network() -> Value:
    loss = (MLP(2, [4, 3, 1], seed=3)([Value(0.5, "x[0]"), Value(-1.0, "x[1]")]) - 1) ** 2
    loss.name = "loss"
    loss.backward()
    return loss


def written() -> Value:
    """A network written product by product, in groups three deep; its last layer uses the first one as well."""
    values = [Value(0.3 * i, f"x{i}") for i in range(3)]
    first = values
    for layer, size in enumerate((3, 2, 1)):
        outputs = []
        for j in range(size):
            path = f"net.layers[{layer}].neurons[{j}]"
            total = Value(0.1, f"{path}.b")
            for k, value in enumerate(values):
                total = total + Value(0.2 * (k - j), f"{path}.w{k}") * value
            total.name = f"{path}.z"
            outputs.append(relu(total))
            outputs[-1].name = f"{path}.out"
        values = [*outputs, *first[:1]] if layer == 1 else outputs
    return values[0] * 2 + first[0]


def recurrent() -> Value:
    """A cell that is applied three times: what is made from it goes into it again."""
    w, u, h = Value(0.5, "cell.w"), Value(0.3, "cell.u"), Value(0.0, "h0")
    for t in range(3):
        z = w * Value(0.1 * t, f"x{t}") + u * h
        z.name = "cell.z"
        h = z * 1.5
    return h * Value(2.0, "out.v")


def plain(html: str) -> str:
    """The picture without what is the page's own."""
    return re.sub(r' (style|tabindex)="[^"]*"', "", html)


def press(page, group: int) -> None:
    selector = f'.group-label[data-group="g{group}"]'
    page.evaluate(
        "selector => document.querySelector(selector).dispatchEvent(new MouseEvent('click', {bubbles: true}))", selector
    )


def overlapping(rectangles: list) -> list:
    ordered = sorted(rectangles, key=lambda r: r[1])
    found = []
    for i, (a, _, top, right, bottom) in enumerate(ordered):
        for b, left, other_top, _, other_bottom in ordered[i + 1 :]:
            if left > right - 0.1:
                break
            if other_top < bottom - 0.1 and other_bottom > top + 0.1:
                found.append((a, b))
    return found


def stand_ins(view, folded: set[int]) -> list[str]:
    """What is seen of each card."""
    result = []
    for card, group in zip(view.cards, view.group_of, strict=True):
        shown = card.id
        while group is not None:
            shown = f"g{group}" if group in folded else shown
            group = view.groups[group].parent
        result.append(shown)
    return result


def check(page, view, folded: set[int]) -> None:
    """The page shows this graph with these groups folded, and nothing lies on anything else."""
    seen = page.evaluate(SEEN)
    shown = stand_ins(view, folded)
    cards = {card for card in shown if card.startswith("n")}
    assert {card[0] for card in seen["cards"]} == cards
    assert {group[0] for group in seen["folded"]} == set(shown) - cards
    assert overlapping([*seen["cards"], *seen["folded"], *seen["names"]]) == []

    def inside(inner, outer) -> bool:
        return all(a >= b - 0.1 for a, b in zip(inner[1:3], outer[1:3], strict=True)) and all(
            a <= b + 0.1 for a, b in zip(inner[3:], outer[3:], strict=True)
        )

    boxes = {box[0]: box for box in seen["open"]}
    for thing in (*seen["cards"], *seen["folded"], *seen["open"]):
        group = view.group_of[int(thing[0][1:])] if thing[0][0] == "n" else view.groups[int(thing[0][1:])].parent
        if group is not None:
            assert inside(thing, boxes[f"g{group}"]), thing[0]

    expected = Counter((shown[u], shown[v]) for u, v in view.edges if shown[u] != shown[v])
    drawn: Counter = Counter()
    for tail, head, count in seen["edges"]:
        drawn[shown[int(tail[1:])], shown[int(head[1:])]] += int(count[1:])
    assert drawn == expected


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("make", [network, written, recurrent], ids=lambda make: make.__name__)
def test_any_groups_can_be_folded_and_nothing_lies_on_anything_else(make, direction, open_page):
    view, layout = laid_out(make(), direction)
    page = open_page(folding_page(view, layout), reduced_motion=True)
    check(page, view, set())
    first = page.evaluate(PICTURE)
    pick, folded = random.Random(5), set()
    for _ in range(40):
        visible = [g for g in range(len(view.groups)) if not hidden(view, g, folded)]
        group = pick.choice(visible)
        press(page, group)
        folded ^= {group}
        check(page, view, folded)
    page.click("#unfold-all", force=True)  # it may be so already
    check(page, view, set())
    assert plain(page.evaluate(PICTURE)) == plain(first)


def hidden(view, group: int, folded: set[int]) -> bool:
    parent = view.groups[group].parent
    return parent is not None and (parent in folded or hidden(view, parent, folded))


@pytest.fixture
def opened(open_page):
    """A page with a network whose neurons are folded, its scene, and which these are."""

    def opened(**options):
        view, layout = laid_out(network())
        folded = {g for g, group in enumerate(view.groups) if group.depth == 1}
        options = {"reduced_motion": True, **options}
        return open_page(folding_page(view, layout, folded, "A network"), **options), view, folded

    return opened


def test_what_is_folded_at_first(opened):
    check(*opened())


def test_a_click_on_the_name_and_one_on_the_ground(opened):
    page, view, folded = opened()
    page.click('.group-label[data-group="g1"]')
    assert page.inner_text("#said") == "layers[0].neurons[0] unfolded: 2 → 1, 5 nodes, 3 parameters, gradient 0"
    check(page, view, folded - {1})
    ground = page.locator('.group[data-group="g0"] .box').bounding_box()
    page.mouse.click(ground["x"] + 3, ground["y"] + ground["height"] / 2)
    assert page.inner_text("#said") == "layers[0] folded: 2 → 4 · 4 neurons, 20 nodes, 12 parameters, gradient 0.3199"
    check(page, view, folded - {1} | {0})


def test_the_keyboard_alone(opened):
    page, view, folded = opened()
    name = page.locator('.group-label[data-group="g0"]')
    name.focus()
    for key, expanded in (("Enter", "false"), (" ", "true"), ("Enter", "false")):
        page.keyboard.press(key)
        assert name.get_attribute("aria-expanded") == expanded
        assert page.evaluate("document.activeElement.dataset.group") == "g0"
    assert name.get_attribute("role") == "button"
    assert name.get_attribute("aria-label") == "layers[0]: 2 → 4 · 4 neurons, 20 nodes, 12 parameters, gradient 0.3199"
    check(page, view, folded | {0})


def test_level_by_level(opened):
    page, view, folded = opened()
    outer = {g for g, group in enumerate(view.groups) if group.depth == 0}
    for button, now in (
        ("#less", folded | outer), ("#less", folded | outer), ("#more", folded), ("#more", set()), ("#more", set()),
        ("#less", folded), ("#fold-all", folded | outer), ("#unfold-all", set()),
    ):  # fmt: skip
        page.click(button, force=True)  # some do nothing at that time
        check(page, view, now)
    assert page.get_attribute("#unfold-all", "aria-disabled") == "true"
    assert page.get_attribute("#fold-all", "aria-disabled") == "false"


def test_with_motion_it_arrives_at_the_same_picture(opened):
    still, *_ = opened()
    moving, *_ = opened(reduced_motion=False)
    for page in (still, moving):
        for button in ("#more", "#fold-all", "#more"):
            page.click(button)
            page.wait_for_timeout(30)
        page.wait_for_timeout(600)
    assert plain(still.evaluate(PICTURE)) == plain(moving.evaluate(PICTURE))


def test_while_a_group_folds_its_name_stays_under_the_pointer(opened):
    page, *_ = opened()
    page.click("#zoom-in")
    name = page.locator('.group-label[data-group="g0"]')
    before = name.locator(".cover").bounding_box()
    press(page, 0)
    after = name.locator(".cover").bounding_box()
    assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=0.5)


def card_of(view, name: str) -> str:
    return next(f'.node[data-node="{card.id}"]' for card in view.cards if card.title[0] == name)


def test_a_card_lights_up_its_neighbours_and_is_pinned(opened):
    page, view, _ = opened()
    x = card_of(view, "x[0]")
    page.hover(x)
    assert page.locator("svg.following").count() == 1
    page.mouse.move(5, 400)
    assert page.locator("svg.following").count() == 0
    page.click(x)
    page.mouse.move(5, 400)
    assert page.locator(".chosen").count() == 1
    assert page.locator(".edge.lit:not(.away)").count() == 4  # to four neurons
    assert page.inner_text("#said").startswith("x[0] · leaf · data: 0.5 · grad: ")
    page.keyboard.press("Escape")
    assert page.locator(".lit, svg.following").count() == 0


def test_arrows_follow_the_edges(opened):
    page, view, _ = opened()
    page.click("#unfold-all")
    page.click(card_of(view, "x[0]"))
    way = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        before = page.locator(".chosen").get_attribute("data-node")
        page.keyboard.press(key)
        after = page.locator(".chosen").get_attribute("data-node")
        way.append((after, before) if key == "ArrowLeft" else (before, after))
    assert set(way) <= {(view.cards[u].id, view.cards[v].id) for u, v in view.edges}


def test_a_node_is_found_by_name_wherever_it_is_folded_away(opened):
    page, *_ = opened()
    page.click("#fold-all")
    page.fill("#find input", "NEURONS[1].w")
    found = []
    for _ in range(3):
        page.keyboard.press("Enter")
        found.append(page.inner_text("#said"))
        assert page.locator(".node.chosen:not(.away)").count() == 1
    assert [text.split(" · ")[0] for text in found[:2]] == [
        "1 of 6: layers[0].neurons[1].w[0]", "2 of 6: layers[0].neurons[1].w[1]",
    ]  # fmt: skip
    page.fill("#find input", "<b>")
    page.keyboard.press("Enter")
    assert page.inner_text("#said") == "No node has “<b>” in its name"


def test_a_drag_is_not_a_click(opened):
    page, view, folded = opened()
    box = page.locator('.group-label[data-group="g1"] .cover').bounding_box()
    x, y = box["x"] + 20, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y + 40, steps=5)
    page.mouse.up()
    check(page, view, folded)
    moved = page.locator('.group-label[data-group="g1"] .cover').bounding_box()
    assert (moved["x"] - box["x"], moved["y"] - box["y"]) == pytest.approx((90, 40), abs=2)
    page.mouse.click(x + 90, y + 40)
    check(page, view, folded - {1})


def test_the_wheel_zooms_with_control_about_the_pointer_and_else_leaves_the_page_alone(opened):
    page, view, _ = opened()
    card = page.locator(f"{card_of(view, 'x[0]')} .card")
    box = card.bounding_box()
    page.mouse.move(box["x"], box["y"])
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(50)
    assert card.bounding_box() == box  # all is in sight already
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_timeout(50)
    now = card.bounding_box()
    assert now["width"] > 1.1 * box["width"]
    assert (now["x"], now["y"]) == pytest.approx((box["x"], box["y"]), abs=1)
    page.click("#fit")
    assert card.bounding_box() == pytest.approx(box, abs=0.5)


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"mobile": True}], ids=["light", "dark", "small"])
def test_axe_finds_nothing_serious_and_texts_have_contrast(look, opened):
    page, *_ = opened(**look)
    for button in ("#fold-all", "#unfold-all"):
        page.click(button)
        assert violations(page) == []
    for button in ("#fold-all", "#unfold-all"):
        page, *_ = opened(**look)
        page.click(button)
        page.evaluate(
            "document.querySelectorAll('.away, .edge > .line').forEach(e => e.remove())"
        )  # they are no ground
        assert pale(page) == []


def test_a_small_screen_has_no_scroll_bar(opened):
    page, *_ = opened(mobile=True)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    assert page.locator(".canvas").bounding_box()["height"] > 300


def test_in_the_frame_of_a_notebook(open_page):
    page = open_page(framed(folding_page(*laid_out(network()), {0})))
    frame = page.frame_locator("iframe")
    assert frame.locator('.group-label[data-group="g0"]').get_attribute("aria-expanded") == "false"
    frame.locator("#unfold-all").click()
    assert frame.locator('.group-label[data-group="g0"]').get_attribute("aria-expanded") == "true"


def test_names_of_groups_are_text(open_page):
    path = "a" * 40
    leaf = Value(0.5, f"{path}.<img src=x onerror=alert(1)>")
    page = open_page(folding_page(*laid_out(leaf * 2), {0}, "</title><script>alert(1)</script>"), reduced_motion=True)
    page.click("#unfold-all")
    assert "<img src=x" in page.locator('.node[data-node="n0"] title').text_content()
    assert page.locator("h1").text_content() == "</title><script>alert(1)</script>"


def test_a_large_network_folds_at_once(open_page):
    model = MLP(2, [16, 16, 1], seed=1)
    view, layout = laid_out((model([0.1, 0.2]) - 1.0) ** 2)
    page = open_page(folding_page(view, layout), reduced_motion=True)
    times = page.evaluate("""() => [1, 2, 3].map(() => {
        const start = performance.now();
        for (const id of ["fold-all", "more", "unfold-all"]) document.getElementById(id).click();
        return (performance.now() - start) / 3;
    })""")
    assert min(times) < 100  # milliseconds
