// The picture as the script sees it: its cards, groups and edges, and how to show them in other places.
//
//   const picture = new Picture(svg, data)
//   const scene = picture.arrange(shut)      where everything is when these groups are folded
//   picture.show(scene, before, t)           the same on the screen; with t < 1, on the way there from another scene
//
// A scene is {spots, standIn, edges, width, height}: see squeeze.js, and routes.js for the edges.

const CARD_GAP = 8; // half of the room between two cards in a column
const COLUMN_GAP = 23; // and between two columns: edges need more
const HEADER = 24; // the height of the name of an open group, which is its handle
const PAD = { x: [10, 10], y: [30, 10] }; // as much as this, between the border of a group and its contents
const COLUMN = 14; // groups whose sides differ less than that stand in one column
const ARROW = 7;
const LINE = 1.4;

const svgElement = (name, attributes = {}, text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  change(element, attributes);
  element.textContent = text;
  return element;
};

const numbers = (text) => text.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
const pairs = (list) => list.flatMap((x, i) => (i % 2 ? [] : [[x, list[i + 1]]]));
const short = (x) => Math.round(x * 100) / 100;
const mix = (a, b, t) => a + (b - a) * t;

class Picture {
  constructor(svg, data) {
    this.svg = svg;
    this.down = data.down;
    this.main = data.down ? 1 : 0; // the axis along which edges lead; the other one is across
    this.cards = data.cards.map(([x, y, w, h, group], i) => ({ id: `n${i}`, x, y, w, h, group }));
    this.groups = data.groups.map((group, i) => this.group(group, i));
    const pad = { x: [0, 0], y: [0, 0] };
    this.root = { x: 0, y: 0, w: data.width, h: data.height, label: 0, pad, children: [], groups: [] };
    for (const thing of [...this.groups, ...this.cards]) this.enter(thing);
    for (const group of this.groups) group.column = columnOf(group, this.down ? "y" : "x");
    const byId = new Map(this.cards.map((card) => [card.id, card]));
    for (const element of svg.querySelectorAll(".node")) {
      const card = byId.get(element.dataset.node);
      Object.assign(card, { element, transform: element.getAttribute("transform") });
    }
    this.edges = [...svg.querySelectorAll(".edge")].map((element, i) => readEdge(element, byId, data.counts[i] ?? 1));
  }

  group({ path, label, fitting, parent, box, lines, small }, i) {
    const [x, y, w, h] = box;
    const element = this.svg.querySelector(`.group[data-group="g${i}"]`);
    const handle = this.svg.querySelector(`.group-label[data-group="g${i}"]`);
    const size = { x, y, w, h, small: { w: small[0], h: small[1] }, label: small[0], pad: PAD };
    const words = { path, name: label, fitting, lines };
    return { id: `g${i}`, group: parent, ...size, ...words, element, handle, children: [], groups: [] };
  }

  enter(thing) {
    const box = thing.group === null ? this.root : this.groups[thing.group];
    thing.box = box;
    box.children.push(thing);
    if (thing.children) box.groups.push(thing);
  }

  arrange(shut) {
    const margin = this.down ? { x: CARD_GAP, y: COLUMN_GAP } : { x: COLUMN_GAP, y: CARD_GAP };
    const scene = squeeze(this.root, shut, margin);
    const { w, h } = scene.spots.get(this.root);
    return { ...scene, width: w, height: h, edges: routes(this, scene) };
  }

  /** With t < 1, what is in both scenes is on its way; what is new appears. */
  show(scene, before = null, t = 1) {
    for (const card of this.cards) this.showCard(card, scene.spots.get(card), before?.spots.get(card), t);
    for (const group of this.groups) this.showGroup(group, scene.spots.get(group), before?.spots.get(group), t);
    for (const edge of this.edges) this.showEdge(edge, scene.edges.get(edge), before?.edges.get(edge), t);
  }

  showCard(card, spot, old, t) {
    appear(card.element, spot, old, t);
    if (!spot) return;
    const [x, y] = ["x", "y"].map((axis) => (old ? mix(old[axis], spot[axis], t) : spot[axis]));
    const atHome = Math.abs(x - card.x) < 0.006 && Math.abs(y - card.y) < 0.006;
    change(card.element, { transform: atHome ? card.transform : `translate(${short(x)} ${short(y)})` });
  }

  showGroup(group, spot, old, t) {
    for (const element of [group.element, group.handle]) appear(element, spot, old, t);
    if (!spot) return;
    const [x, y, w, h] = ["x", "y", "w", "h"].map((key) => short(old ? mix(old[key], spot[key], t) : spot[key]));
    for (const rect of group.element.querySelectorAll("rect")) change(rect, { x, y, width: w, height: h });
    change(group.handle, { transform: `translate(${x} ${y})` });
    change(group.handle.querySelector(".cover"), { width: w, height: spot.folded ? h : Math.min(h, HEADER) });
  }

  showEdge(edge, route, old, t) {
    appear(edge.element, route, old, t);
    if (!route) return;
    const moving = old && t < 1 && old.points.length === route.points.length;
    const onTheWay = (point, i) => point.map((x, axis) => mix(old.points[i][axis], x, t));
    const points = moving ? route.points.map(onTheWay) : route.points;
    const look = route.merged ? lookOf(route) : edge.look;
    const written = !moving && route.atHome ? edge.written : writePath(points, arrowOf(look));
    change(edge.line, { d: written.line });
    change(edge.head, { d: written.head });
    if (look !== edge.shown) {
      change(edge.line, look.line);
      change(edge.head, { fill: look.head });
      tint(edge.line, look.line.stroke);
      tint(edge.head, look.head);
      edge.shown = look;
    }
    const [dx, dy] = points.at(-1).map((x, axis) => short(x - edge.points.at(-1)[axis]));
    if (edge.label) change(edge.label, { transform: dx || dy ? `translate(${dx} ${dy})` : null });
    this.showCount(edge, route, points);
  }

  /** How many edges are drawn as one, beside the line: where it begins or where it ends, whichever is less crowded. */
  showCount(edge, { merged, count, first }, points) {
    if (merged !== Boolean(edge.bundle)) edge.element.classList.toggle("merged", merged);
    if (!merged) {
      edge.bundle?.remove();
      edge.bundle = null;
      return;
    }
    if (!edge.bundle) edge.element.append((edge.bundle = svgElement("text", { class: "bundle" })));
    const [x, y] = first ? points[0] : points.at(-1);
    const [dx, dy] = this.down ? [5, first ? 14 : -12] : [first ? 10 : -12, -5];
    const anchor = this.down || first ? "start" : "end";
    change(edge.bundle, { x: short(x + dx), y: short(y + dy), "text-anchor": anchor });
    edge.bundle.textContent = `×${count.toLocaleString("en")}`;
  }
}

/** Attributes are set only where they change: the browser then draws less anew. A null removes one. */
function change(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(key);
    else if (element.getAttribute(key) !== String(value)) element.setAttribute(key, value);
  }
}

/** Tells the style sheet which colour an element has. */
const tint = (element, color) => element.style.setProperty("--tone", color ?? "");

function appear(element, now, before, t) {
  if (element.classList.contains("away") === Boolean(now)) element.classList.toggle("away");
  if (now && !before && t < 1) element.style.opacity = t * t;
  else if (element.style.opacity) element.style.opacity = "";
}

/** A group with its companions above and below it: their sides differ by little, since their contents do. */
function columnOf(group, axis) {
  const [start, end] = [({ [axis]: x }) => x, (other) => other[axis] + other[SIZE[axis]]];
  const mates = group.box.groups.filter(
    (other) => Math.abs(start(other) - start(group)) < COLUMN && Math.abs(end(other) - end(group)) < COLUMN,
  );
  return { axis, start: Math.min(...mates.map(start)), end: Math.max(...mates.map(end)) };
}

/** An edge as it was drawn: a Bézier curve up to the tip of the arrow, and all that is to be put back unchanged. */
function readEdge(element, byId, count) {
  const [line, head] = [element.querySelector(".line"), element.querySelector(".head")];
  const written = { line: line.getAttribute("d"), head: head.getAttribute("d") };
  const points = [...pairs(numbers(written.line)).slice(0, -1), pairs(numbers(written.head))[0]];
  const keys = ["stroke", "stroke-width", "stroke-dasharray"];
  const look = {
    line: Object.fromEntries(keys.map((key) => [key, line.getAttribute(key)])),
    head: head.getAttribute("fill"),
  };
  const [from, to] = [byId.get(element.dataset.from), byId.get(element.dataset.to)];
  const label = element.querySelector("text");
  return { element, line, head, written, look, points, from, to, count, label, bundle: null };
}

const widthOf = ({ line }) => Number(line["stroke-width"] ?? LINE);
const arrowOf = (look) => ARROW + Math.max(0, 1.5 * (widthOf(look) - LINE));

/** Of edges that are drawn as one, the widest, which has the largest gradient; without gradients, wider for more. */
function lookOf({ all, count }) {
  const look = all.map((edge) => edge.look).reduce((a, b) => (widthOf(a) < widthOf(b) ? b : a));
  if (look.line.stroke) return look;
  return { ...look, line: { ...look.line, "stroke-width": short(LINE + Math.min(0.8 * Math.log10(count), 2.6)) } };
}

function writePath(points, length) {
  const tip = points.at(-1);
  const back = points.findLast((point) => apart(tip, point) > 0.01) ?? [tip[0] - 1, tip[1]];
  const scale = length / Math.hypot(tip[0] - back[0], tip[1] - back[1]);
  const [dx, dy] = [(tip[0] - back[0]) * scale, (tip[1] - back[1]) * scale];
  const foot = [tip[0] - dx, tip[1] - dy];
  const [a, b] = [[foot[0] - 0.45 * dy, foot[1] + 0.45 * dx], [foot[0] + 0.45 * dy, foot[1] - 0.45 * dx]];
  const write = (list) => list.map(([x, y]) => `${short(x)},${short(y)}`).join(" ");
  const line = `M${write([points[0]])}C${write([...points.slice(1, -1), foot])}`;
  return { line, head: `M${write([tip])}L${write([a, b])}Z` };
}
