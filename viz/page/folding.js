// The page: groups fold and unfold at a click, by the keyboard, and level by level.

const MOST_MOVED = 900; // cards, groups and edges: more of them go to their new places at once
const FRAME = 16; // around the drawing
const LARGER = 1.15; // the legend, which is read from afar as well
const READABLE = 0.5; // a node that is looked for is shown at this zoom at least

const byId = (id) => document.getElementById(id);
const tell = (text) => (byId("said").textContent = text);

const svg = document.querySelector(".canvas > svg");
const picture = new Picture(svg, data);
enliven(svg);
const view = panZoom(svg, document.querySelector(".canvas"));
const following = new Following(picture, tell);
const shut = new Set(data.folded.map((g) => picture.groups[g])); // folded groups, also those within folded ones
let scene = null;
let stop = () => {};

/** The still picture becomes the inside of a page, which has the frame, the heading and the legend. */
function enliven(svg) {
  svg.querySelectorAll(":scope > :is(title, rect, text)").forEach((element) => element.remove());
  svg.querySelector(":scope > g").removeAttribute("transform");
  change(svg, { role: "group", "aria-label": document.querySelector("h1").textContent });
  picture.groups.forEach(makeHandle);
  for (const entry of [...svg.querySelector(":scope > .legend").children]) explain(entry);
  rememberTones();
}

/** An entry of the legend as a picture of its own: they flow as words do. */
function explain(entry) {
  const key = svgElement("svg", { "font-family": svg.getAttribute("font-family") });
  byId("legend").append(key);
  key.append(entry);
  entry.removeAttribute("transform");
  const { x, y, width, height } = entry.getBBox();
  const box = [x - 1, y - 1, width + 2, height + 2];
  change(key, { viewBox: box.join(" "), width: LARGER * box[2], height: LARGER * box[3] });
}

/** Colours that say something, for the style sheet, which turns light and dark round in the dark. */
function rememberTones() {
  const remember = (key, selector) => {
    for (const element of document.querySelectorAll(selector)) tint(element, element.getAttribute(key));
  };
  remember("fill", ".bar, .strength, #legend rect:not([class])");
  remember("stroke", ".card, #legend path[stroke]");
}

/** The name of a group is a button: a triangle, the name, and, when it is folded, what it holds. */
function makeHandle({ element, handle, path, lines }) {
  const title = `${path}\n${lines.join(", ")}`;
  element.querySelector("title").textContent = title;
  for (const out of [6, 3]) {
    const sheet = svgElement("rect", { class: "under", rx: 6, transform: `translate(${out} ${out})` });
    element.querySelector(".box").before(sheet);
  }
  const triangle = svgElement("path", { class: "triangle", d: "M-3.5,-2L3.5,-2L0,3Z" });
  const cover = svgElement("rect", { class: "cover", rx: 10 }); // all of it can be clicked
  const written = handle.querySelector("text");
  change(written, { class: "name", x: 24, y: 17 });
  handle.replaceChildren(svgElement("title", {}, title), cover, triangle, written);
  lines.forEach((line, i) => handle.append(svgElement("text", { class: "holds", x: 14, y: 34 + 15 * i }, line)));
  change(handle, { tabindex: 0, role: "button", "aria-label": `${path}: ${lines.join(", ")}` });
}

function dress({ element, handle, name, fitting }, folded) {
  for (const part of [element, handle]) part.classList.toggle("folded", folded);
  change(handle, { "aria-expanded": !folded });
  change(handle.querySelector(".triangle"), { transform: `translate(14 12.5)${folded ? " rotate(-90)" : ""}` });
  handle.querySelector(".name").textContent = folded ? name : fitting;
}

/** Show the picture as `shut` says. The handle that was pressed stays where it is; what was seen whole is so again. */
function update(pressed = null) {
  stop();
  const before = scene;
  scene = picture.arrange(shut);
  picture.groups.forEach((group) => dress(group, shut.has(group)));
  following.update(scene);
  view.resize(-FRAME, -FRAME, scene.width + 2 * FRAME, scene.height + 2 * FRAME);
  const whole = view.fitted;
  const [from, to] = [before?.spots.get(pressed), scene.spots.get(pressed)];
  const start = { x: view.x, y: view.y };
  const frame = (t) => {
    picture.show(scene, before, t);
    if (!whole && from && to) view.show(start.x + (to.x - from.x) * t, start.y + (to.y - from.y) * t);
  };
  const moved = scene.spots.size + scene.edges.size;
  stop = before && moved <= MOST_MOVED ? animate(250, frame) : (frame(1), () => {});
  if (whole) view.fit({ smooth: Boolean(before) });
  updateTools();
}

function toggle(group) {
  const folded = !shut.has(group);
  if (folded) shut.add(group);
  else shut.delete(group);
  update(group);
  tell(`${group.path} ${folded ? "folded" : "unfolded"}: ${group.lines.join(", ")}`);
}

// Levels: at level 0 the outermost groups are folded, at level 1 those within them, and so on.

const depth = ({ box }) => (box === picture.root ? 0 : depth(box) + 1);
const seen = (folded) => picture.groups.filter((group) => scene.spots.get(group)?.folded === folded).map(depth);
const deepest = () => Math.max(...picture.groups.map(depth)) + 1;

function openTo(level) {
  for (const group of picture.groups) {
    if (depth(group) < level) shut.delete(group);
    else shut.add(group);
  }
  update();
  const all = { 0: "All groups are folded", [deepest()]: "All groups are unfolded" };
  tell(all[level] ?? `Groups are unfolded down to level ${level} of ${deepest()}`);
}

const tools = {
  "fold-all": { possible: () => seen(false).length, press: () => openTo(0) },
  less: { possible: () => seen(false).length, press: () => openTo(Math.max(...seen(false))) },
  more: { possible: () => seen(true).length, press: () => openTo(Math.min(...seen(true)) + 1) },
  "unfold-all": { possible: () => seen(true).length, press: () => openTo(deepest()) },
};

function updateTools() {
  for (const [id, { possible }] of Object.entries(tools)) byId(id).setAttribute("aria-disabled", !possible());
}

for (const [id, { possible, press }] of Object.entries(tools))
  byId(id).addEventListener("click", () => possible() && press());

// A click on a card pins what it is connected with, a click on a group folds it; a click elsewhere lets go.

svg.addEventListener("click", ({ target }) => {
  const { node, group } = target.closest("[data-node], [data-group]")?.dataset ?? {};
  const thing = following.things.get(node ?? group);
  if (node && thing !== following.pinned) choose(thing);
  else if (group && (!following.pinned || target.closest(".group-label"))) toggle(thing);
  else following.pin(null);
});

function choose(thing) {
  const element = thing.handle ?? thing.element;
  if (!thing.children) element.setAttribute("tabindex", -1);
  element.focus({ preventScroll: true });
  following.pin(thing);
}

svg.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".group-label");
  const pressed = event.key === "Enter" || event.key === " ";
  if (handle && pressed) toggle(following.things.get(handle.dataset.group));
  else if (!follow(event)) return;
  event.preventDefault();
});

/** Left and right along the first edge of what is pinned. */
function follow({ key, shiftKey }) {
  const next = !shiftKey && following.pinned && following.step(key);
  if (!next) return false;
  choose(next);
  reveal(next);
  return true;
}

function reveal(thing) {
  const { x, y, w, h } = scene.spots.get(thing);
  view.reveal(x, y, w, h);
}

document.addEventListener("keydown", ({ key }) => key === "Escape" && following.pin(null));

// To find a node: groups around it are unfolded, and the next press of Enter goes to the next one.

const nameOf = (card) => card.element.querySelector("title").textContent.split("\n")[0];
let found = { wanted: null, index: -1 };

function find(wanted) {
  const cards = picture.cards.filter((card) => nameOf(card).toLowerCase().includes(wanted.toLowerCase()));
  found = { wanted, index: wanted === found.wanted ? found.index + 1 : 0 };
  if (!cards.length) return tell(`No node has “${wanted}” in its name`);
  const k = found.index % cards.length;
  const card = cards[k];
  const around = [];
  for (let { box } = card; box !== picture.root; box = box.box) around.push(box);
  if (around.filter((box) => shut.delete(box)).length) update();
  following.pin(card);
  if (view.scale < READABLE) view.zoom(READABLE / view.scale);
  reveal(card);
  tell(`${k + 1} of ${cards.length}: ${describe(card)}`);
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = byId("find").elements.name.value.trim();
  if (wanted) find(wanted);
});

update();
