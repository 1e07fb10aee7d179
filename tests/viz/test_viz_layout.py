"""The laws of a layout, on random graphs with random groups."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz.layout import Layout, layered

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom


@st.composite
def graphs(draw):
    """Sizes, edges (some twice), the group of each card, and the parent of each group; no group is empty."""
    n = draw(st.integers(1, 22))
    sizes = draw(st.lists(st.tuples(st.integers(10, 90), st.integers(10, 60)), min_size=n, max_size=n))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] < e[1])
    edges = draw(st.lists(pairs, max_size=2 * n)) if n > 1 else []
    wanted = draw(st.integers(0, 4))
    parents = [draw(st.sampled_from([None, *range(g)])) for g in range(wanted)]
    chosen = [draw(st.sampled_from([None, None, *range(wanted)])) for _ in range(n)]
    used = set()
    for g in chosen:
        while g is not None and g not in used:
            used.add(g)
            g = parents[g]
    index = {g: i for i, g in enumerate(sorted(used))}
    return (
        [(float(w), float(h)) for w, h in sizes],
        edges,
        [None if g is None else index[g] for g in chosen],
        [None if parents[g] is None else index[parents[g]] for g in sorted(used)],
    )


def cards(plan: Layout, sizes) -> list[Rectangle]:
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(plan.centers, sizes, strict=True)]


def boxes(plan: Layout) -> list[Rectangle]:
    return [(x, y, x + w, y + h) for x, y, w, h in plan.boxes]


def apart(a: Rectangle, b: Rectangle) -> bool:
    slack = 0.05  # coordinates are rounded
    return a[2] <= b[0] + slack or b[2] <= a[0] + slack or a[3] <= b[1] + slack or b[3] <= a[1] + slack


def within(inner: Rectangle, outer: Rectangle) -> bool:
    return all(a >= b - 0.05 for a, b in zip(inner[:2], outer[:2], strict=True)) and all(
        a <= b + 0.05 for a, b in zip(inner[2:], outer[2:], strict=True)
    )


def on_curve(path):
    """Points along a path."""
    for k in range(0, len(path) - 1, 3):
        p, a, b, q = path[k : k + 4]
        for t in (i / 12 for i in range(13)):
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield tuple(sum(w * c[i] for w, c in zip(weights, (p, a, b, q), strict=True)) for i in (0, 1))


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from(["LR", "TB"]))
def test_nothing_lies_on_anything_else(graph, direction):
    sizes, edges, group_of, group_parent = graph
    plan = layered(sizes, edges, group_of, group_parent, direction)
    placed, around = cards(plan, sizes), boxes(plan)
    page = (0.0, 0.0, plan.width, plan.height)

    def holders(group):
        while group is not None:
            yield group
            group = group_parent[group]

    for i, card in enumerate(placed):
        assert within(card, page)
        assert all(apart(card, other) for other in placed[:i])
        for g, box in enumerate(around):
            assert within(card, box) if g in holders(group_of[i]) else apart(card, box)
    for g, box in enumerate(around):
        assert within(box, page)
        for h in range(g):
            assert within(box, around[h]) if h in holders(g) else apart(box, around[h])


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_edges_lead_forward_and_past_the_cards(graph):
    sizes, edges, group_of, group_parent = graph
    plan = layered(sizes, edges, group_of, group_parent)
    placed = cards(plan, sizes)
    assert len(plan.paths) == len(edges)
    for (u, v), path in zip(edges, plan.paths, strict=True):
        assert path[0][0] == pytest.approx(placed[u][2], abs=0.05)
        assert path[-1][0] == pytest.approx(placed[v][0], abs=0.05)
        assert placed[v][1] <= path[-1][1] <= placed[v][3]
        points = list(on_curve(path))
        assert all(a[0] <= b[0] + 0.05 for a, b in pairwise(points))
        for x, y in points[1:-1]:
            for i, (left, top, right, bottom) in enumerate(placed):
                assert i in (u, v) or not (left + 0.1 < x < right - 0.1 and top + 0.1 < y < bottom - 0.1)


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_a_layout_is_no_larger_than_its_contents_ask_for(graph):
    sizes, edges, group_of, group_parent = graph
    used = {u for u, _ in edges}
    edges = edges + [(v, len(sizes) - 1) for v in range(len(sizes) - 1) if v not in used]  # all lead to the last
    plan = layered(sizes, edges, group_of, group_parent)
    assert plan.height <= sum(h for _, h in sizes) + 60 * (len(sizes) + len(edges) + len(group_parent))
    assert plan.width <= sum(w for w, _ in sizes) + 200 * len(sizes)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_the_same_graph_gives_the_same_layout(graph):
    assert layered(*graph) == layered(*graph)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_top_to_bottom_leads_downwards(graph):
    sizes, edges, group_of, group_parent = graph
    plan = layered(sizes, edges, group_of, group_parent, "TB")
    assert all(plan.centers[u][1] < plan.centers[v][1] for u, v in edges)


def test_two_edges_between_the_same_cards_arrive_at_two_places():
    plan = layered([(40.0, 40.0)] * 2, [(0, 1), (0, 1)])
    assert plan.paths[0][-1] != plan.paths[1][-1]


def test_a_chain_is_one_straight_line():
    plan = layered([(40.0, 20.0)] * 50, [(i, i + 1) for i in range(49)])
    assert {y for _, y in plan.centers} == {10.0}


def test_a_tree_has_no_crossings_and_keeps_the_order_of_the_operands():
    plan = layered([(40.0, 20.0)] * 7, [(0, 4), (1, 4), (2, 5), (3, 5), (4, 6), (5, 6)])
    heights = [y for _, y in plan.centers]
    assert heights[0] < heights[1] < heights[2] < heights[3]
    assert heights[0] < heights[4] < heights[1]
    assert heights[4] < heights[6] < heights[5]


def test_layers_stand_side_by_side():
    """A weight of the second layer begins behind the outputs of the first, though nothing but the box asks for it."""
    edges = [(0, 1), (1, 3), (2, 3)]  # w0 -> out0 -> out1 <- w1
    plan = layered([(40.0, 20.0)] * 4, edges, [0, 0, 1, 1], [None, None])
    (left, _, width, _), (begin, *_) = plan.boxes
    assert left + width < begin


def test_a_group_used_again_in_a_circle_is_drawn_all_the_same():
    edges = [(0, 1), (1, 2), (2, 3)]  # a -> b -> a -> b
    plan = layered([(40.0, 20.0)] * 4, edges, [0, 1, 0, 1], [None, None])
    assert apart(*boxes(plan))


@pytest.mark.parametrize("shared", [False, True])
def test_a_long_chain_needs_no_recursion(shared):
    n = 10_000
    edges = [(i, i + 1) for i in range(n - 1)] + [(0, i) for i in range(2, n) if shared]
    plan = layered([(40.0, 20.0)] * n, edges)
    assert len(plan.centers) == n
    assert sum(map(len, plan.paths)) < 20 * len(edges)  # a lane is one line, however long


def test_an_empty_graph():
    assert layered([], []) == Layout(0.0, 0.0, [], [], [])


def test_what_cannot_be_laid_out():
    with pytest.raises(ValueError, match="circle"):
        layered([(1.0, 1.0)] * 2, [(0, 1), (1, 0)])
    with pytest.raises(ValueError, match=r"'LR'.*not 'RL'"):
        layered([(1.0, 1.0)], [], direction="RL")


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from(["LR", "TB"]))
def test_edges_run_straight_towards_a_card_with_an_entry(graph, direction):
    sizes, edges, group_of, group_parent = graph
    entry = [20.0 * (k % 3) for k in range(len(sizes))]
    plan = layered(sizes, edges, group_of, group_parent, direction, entry, 12.0)
    along, across = (0, 1) if direction == "LR" else (1, 0)
    for e, (_, v) in enumerate(edges):
        tip, label = plan.paths[e][-1], plan.labels[e]
        assert tip[along] == pytest.approx(plan.centers[v][along] - sizes[v][along] / 2, abs=0.05)
        if entry[v]:
            straight = [point for point in on_curve(plan.paths[e]) if point[along] > tip[along] - entry[v] + 0.1]
            assert all(point[across] == pytest.approx(tip[across], abs=0.05) for point in straight)
            assert tip[along] - entry[v] <= label[along] <= tip[along]
            assert label[across] == pytest.approx(tip[across], abs=0.05)
    placed = cards(plan, sizes)
    assert all(apart(a, b) for i, a in enumerate(placed) for b in placed[:i])


def test_without_entries_a_label_stands_in_the_middle_of_its_edge():
    plan = Layout(0.0, 0.0, [], [[(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.0)]], [])
    assert plan.label(0) == (15.0, 0.0)
