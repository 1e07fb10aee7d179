// How edges run when groups are folded: along the way they took before, from border to border, and many as one.
//
// An edge is a Bézier curve; the ends of its pieces are here its anchors. Those within a folded group fall away,
// all others move with the picture.

const PORTS = [12, 34]; // between two edges that arrive at a folded group: from the left, from above

/** For each edge that is drawn: edge -> {points, from, to, all, count, ...}. Of merged edges, one is drawn. */
function routes(picture, scene) {
  const drawn = bundles(picture, scene).map((bundle) => ({ ...bundle, anchors: anchors(picture, scene, bundle) }));
  spreadPorts(picture, scene, drawn);
  const many = drawn.filter(({ merged }) => merged);
  const leaving = counted(many, ({ from }) => from);
  const arriving = counted(many, ({ to }) => to);
  const result = new Map();
  for (const { anchors, ...route } of drawn) {
    const { edge, from, to } = route;
    const first = leaving.get(from) <= arriving.get(to);
    const atHome = anchors.every(({ at, i }) => i !== null && apart(at, edge.points[3 * i]) < 0.006);
    result.set(edge, { ...route, points: curve(edge, anchors, picture.main), first, atHome });
  }
  return result;
}

/** Edges between the same two things, one of which is a folded group, are drawn as one: that in their middle. */
function bundles({ edges, main }, { standIn }) {
  const found = new Map();
  for (const edge of edges) {
    const [from, to] = [standIn.get(edge.from), standIn.get(edge.to)];
    if (from === to) continue;
    const key = from.children || to.children ? `${from.id} ${to.id}` : edge;
    if (!found.has(key)) found.set(key, { from, to, all: [] });
    found.get(key).all.push(edge);
  }
  const height = (edge) => edge.points.at(-1)[1 - main];
  return [...found.values()].map(({ from, to, all }) => {
    all.sort((a, b) => height(a) - height(b));
    const count = all.reduce((sum, edge) => sum + edge.count, 0);
    return { edge: all[(all.length - 1) >> 1], from, to, all, count, merged: all.length > 1 };
  });
}

/** The anchors that are left, each with its new place `at` and its number `i`; null for new ones at a folded group. */
function anchors({ main }, { spots, move }, { edge, from, to }) {
  if (from.children || to.children) {
    const [a, b] = [from, to].map((thing) => spots.get(thing));
    if (extent(a, main)[1] > extent(b, main)[0]) return upright(a, b, main);
  }
  const old = edge.points.filter((_, i) => i % 3 === 0);
  const inner = old.map((point, i) => ({ i, point })).slice(1, -1);
  while (from.children && inner.length && inside(from, inner[0].point)) inner.shift();
  while (to.children && inner.length && inside(to, inner.at(-1).point)) inner.pop();
  const kept = inner.map(({ i, point }) => ({ i, at: move(point) })).filter(({ at }) => at);
  const start = from.children ? border(spots.get(from), main, 1) : carried(from, spots.get(from), old[0]);
  const end = to.children ? border(spots.get(to), main, 0) : carried(to, spots.get(to), old.at(-1));
  const last = old.length - 1;
  const level = 1 - main; // the way between a card and the border of its column stays level
  if (!from.children && kept[0]?.i === 1 && old[1][level] === old[0][level]) kept[0].at[level] = start[level];
  if (!to.children && kept.at(-1)?.i === last - 1 && old[last - 1][level] === old[last][level])
    kept.at(-1).at[level] = end[level];
  const [first, final] = [{ i: from.children ? null : 0, at: start }, { i: to.children ? null : last, at: end }];
  return [
    ...(from.children ? [first, ...aside(spots.get(from), start, main, 1)] : [first]),
    ...kept,
    ...(to.children ? [...aside(spots.get(to), end, main, 0), { ...final, port: true }] : [final]),
  ];
}

/** From where to where a thing reaches, or did before it was folded. */
function extent({ x, y, w, h, reach }, main) {
  return main ? (reach?.y ?? [y, y + h]) : (reach?.x ?? [x, x + w]);
}

/**
 * A card that is used by a group and uses it in turn (a cell that is applied again and again) stands above or below it,
 * when the group is folded: the edges between them leave and arrive there, each direction at a place of its own.
 */
function upright(a, b, main) {
  const [across, size] = main ? ["x", "w"] : ["y", "h"];
  const [along, length] = main ? ["y", "h"] : ["x", "w"];
  const isAfter = b[across] > a[across];
  const point = (spot, part, side) => {
    const [u, v] = [spot[along] + part * spot[length], spot[across] + (side ? spot[size] : 0)];
    return { i: null, at: main ? [v, u] : [u, v], upright: true };
  };
  return [point(a, 0.65, isAfter), point(b, 0.35, !isAfter)];
}

/** A folded group may stand within the column of a wider thing: then edges stay level there, and cross nothing. */
function aside({ reach }, point, main, side) {
  const border = reach[main ? "y" : "x"][side];
  if (side ? border < point[main] + 1 : border > point[main] - 1) return [];
  return [{ i: null, at: main ? [point[0], border] : [border, point[1]], port: !side }];
}

const inside = ({ x, y, w, h }, [px, py]) => px >= x && px <= x + w && py >= y && py <= y + h;
const carried = (thing, spot, [x, y]) => [x - thing.x + spot.x, y - thing.y + spot.y];
const apart = (a, b) => Math.max(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]));

/** The middle of the side where edges leave (1) or arrive (0). */
function border({ x, y, w, h }, main, side) {
  return main ? [x + w / 2, y + side * h] : [x + side * w, y + h / 2];
}

/** Edges that arrive at a folded group arrive beside one another, in the order in which they come. */
function spreadPorts({ main }, { spots }, drawn) {
  const across = 1 - main;
  const groups = new Map();
  for (const route of drawn.filter(({ anchors }) => anchors.at(-1).port))
    groups.set(route.to, [...(groups.get(route.to) ?? []), route]);
  for (const [group, arriving] of groups) {
    const room = spots.get(group)[main ? "w" : "h"] - 16;
    const step = Math.min(PORTS[main], room / arriving.length);
    const height = ({ anchors }) => anchors.findLast(({ port }) => !port).at[across];
    arriving.sort((a, b) => height(a) - height(b));
    arriving.forEach(({ anchors }, k) => {
      for (const { at, port } of anchors) if (port) at[across] += (k - (arriving.length - 1) / 2) * step;
    });
  }
}

function counted(list, key) {
  const counts = new Map();
  for (const item of list) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

/** The curve through the anchors. A piece between two old neighbours keeps its form; a new one is level at its ends. */
function curve({ points }, anchors, main) {
  const result = [anchors[0].at];
  for (let k = 1; k < anchors.length; k++) {
    const [a, b] = [anchors[k - 1], anchors[k]];
    const old = a.i !== null && b.i === a.i + 1 ? points.slice(3 * a.i, 3 * a.i + 4) : null;
    result.push(...(old ? stretched(old, a.at, b.at) : bend(a.at, b.at, a.upright ? 1 - main : main)), b.at);
  }
  return result;
}

function stretched([start, leaving, arriving, end], a, b) {
  const by = [0, 1].map((axis) => {
    const length = end[axis] - start[axis];
    return Math.abs(length) < 0.01 ? 1 : (b[axis] - a[axis]) / length;
  });
  const along = (from, old, handle) => from.map((value, axis) => value + (handle[axis] - old[axis]) * by[axis]);
  return [along(a, start, leaving), along(b, end, arriving)];
}

function bend(a, b, main) {
  const reach = (b[main] - a[main]) / 2;
  return main ? [[a[0], a[1] + reach], [b[0], b[1] - reach]] : [[a[0] + reach, a[1]], [b[0] - reach, b[1]]];
}
