// The page: shows step n of the story, and listens to buttons, keys, the slider and the address.
//
// show(n) writes all that the page shows from the number of the step and the switches alone.

const $ = (id) => document.getElementById(id);
const app = $("app");
const svg = document.querySelector("svg.graph");
const canvas = document.querySelector(".canvas");
const view = panZoom(svg, canvas);

const READABLE = 0.75; // the scale below which the numbers on a card are too small

let now = 0; // the step that is shown
let pinned = null; // the node whose ledger stays open
let tries = 0; // at the question that is asked
let playing = 0;

// ------------------------------------------------------------------ the graph

/** An element that is written to only when what it shows changes: most of a graph is as it was one step before. */
class Shown {
  constructor(element) {
    this.element = element;
    this.was = {};
  }

  changes(key, value) {
    if (this.was[key] === value) return false;
    this.was[key] = value;
    return true;
  }

  text(key, target, value) {
    if (target && this.changes(key, value)) target.textContent = value;
  }

  attribute(key, value) {
    if (this.changes(key, value)) this.element.setAttribute(key, value);
  }

  classes(...names) {
    const value = [this.base, ...names.filter(Boolean)].join(" ");
    if (this.changes("class", value)) this.element.setAttribute("class", value);
  }
}

class Card extends Shown {
  constructor(i) {
    super(svg.querySelector(`[data-node="n${i}"]`));
    this.base = this.element.getAttribute("class");
    this.parts = Object.fromEntries(
      ["data", "grad", "check"].map((part) => [part, this.element.querySelector(`.${part}`)]),
    );
    this.parts.mark = this.parts.check?.previousElementSibling;
    this.parts.mark?.classList.add("mark");
    this.title = this.element.querySelector("title");
  }
}

class Edge extends Shown {
  constructor(element) {
    super(element);
    this.base = "edge";
    this.head = element.querySelector(".head");
    this.forward = this.head.getAttribute("d");
  }

  /** The arrow at the other end, as the gradient goes, or where it was. */
  turn(back) {
    if (!this.changes("back", back)) return;
    this.head.setAttribute("d", back ? (this.backward ??= this.arrowBack()) : this.forward);
  }

  arrowBack() {
    const line = this.element.querySelector(".line");
    const tip = line.getPointAtLength(0);
    const foot = line.getPointAtLength(14);
    const [dx, dy] = [(tip.x - foot.x) / 2, (tip.y - foot.y) / 2];
    return `M${tip.x},${tip.y}L${foot.x - dy},${foot.y + dx}L${foot.x + dy},${foot.y - dx}Z`;
  }
}

const cards = nodes.map((_, i) => new Card(i));
const edges = [...svg.querySelectorAll(".edge")].map((element) => new Edge(element));
const passes = edges.map(() => Infinity); // the step in which the gradient goes back along each edge
steps.forEach((step, i) => step.kind === "backward" && (passes[step.edge] = i + 1));

function paintGraph(n, lit, state, asking) {
  const step = steps[lit - 1];
  const gives = step && (step.kind === "backward" ? step.node : null);
  const takes = step && (step.kind === "backward" ? step.parent : step.node);
  const operands = new Set(step?.kind === "forward" ? nodes[step.node].parents : []);
  const wrong = new Set($("overwrite").checked ? spoiled(n).map(({ node }) => node) : []);
  cards.forEach((card, i) => {
    const { value, check, constant, label, op } = nodes[i];
    const known = state.computed[i];
    const gradient = state.gradient[i];
    const complete = gradient !== null && completedBy[i] <= n;
    card.classes(
      !known && "is-pending",
      i === takes && "is-current",
      i === gives && "is-upstream",
      operands.has(i) && "is-operand",
      complete && "is-done",
      wrong.has(i) && "is-wrong",
      i === pinned && "is-pinned",
    );
    card.text("data", card.parts.data, known ? short(value) : "");
    card.text("grad", card.parts.grad, gradient === null ? "" : short(gradient));
    card.attribute("data-value", known ? full(value) : "");
    card.attribute("data-gradient", gradient === null ? "" : full(gradient));
    const says = check && complete ? verdict(check, gradient) : "";
    card.text("check", card.parts.check, says && short(check.slope));
    card.text("mark", card.parts.mark, says ? `NumPy ${MARK[says]}` : "NumPy");
    card.attribute("data-check", says);
    const lines = [label, op ? `operation: ${op}` : constant ? "constant" : "leaf"];
    if (known) lines.push(`data: ${full(value)}`);
    if (gradient !== null) lines.push(`grad: ${full(gradient)}${complete || constant ? "" : " so far"}`);
    card.text("title", card.title, lines.join("\n"));
  });
  edges.forEach((edge, e) => {
    const current = step?.kind === "backward" && step.edge === e;
    const feeds = step?.kind === "forward" && edge.element.dataset.to === `n${step.node}`;
    edge.turn(current);
    edge.classes(current && "is-current", feeds && "is-operand", passes[e] <= n && "is-done", current && asking && "is-asked");
  });
}

// ------------------------------------------------------------------- the text

const drawn = new Map();

/** HTML is parsed again only when it changes. */
function write(id, html) {
  if (drawn.get(id) === html) return;
  drawn.set(id, html);
  $(id).innerHTML = html;
  for (const formula of $(id).querySelectorAll(".formula")) { // what scrolls can have the focus, and nothing else
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
  }
}

function paintPanel(n, state, asking, overwrite) {
  const step = steps[n - 1];
  const html = asking ? quizPanel(n, overwrite)
    : !step ? startPanel()
    : step.kind === "forward" ? forwardPanel(step)
    : step.kind === "seed" ? seedPanel(step)
    : backwardPanel(step, { ...state.ledger[step.parent].at(-1), isFirst: state.ledger[step.parent].length === 1 }, overwrite);
  write("event", html);
  $("event").className = step ? step.kind : "start";
  const shown = asking ? n - 1 : n;
  const open = pinned ?? (step ? (step.kind === "backward" ? step.parent : step.node) : LOSS);
  $("pin").options[0].textContent = `this step: ${nodes[open].label}`;
  $("pin").value = pinned === null ? "" : String(pinned);
  write("ledger", ledgerTable(open, state, shown, overwrite, asking ? null : n));
  $("sums").hidden = shown <= FORWARD && pinned === null;
  write("check", checkTable(state, shown));
  $("bug").hidden = !overwrite;
  write("bug", overwrite ? bugPanel(shown) : "");
}

function whereabouts(n) {
  const total = `step ${n} of ${steps.length}`;
  if (n === 0) return `${total} — the beginning`;
  if (n <= FORWARD) return `${total} — forward ${n} of ${FORWARD}`;
  return `${total} — backward ${n - FORWARD} of ${steps.length - FORWARD}${n === steps.length ? ", done" : ""}`;
}

// -------------------------------------------------------------- show, and move

function show(n, { speak = true } = {}) {
  n = Math.max(0, Math.min(steps.length, n));
  if (n !== now) tries = 0;
  now = n;
  const overwrite = $("overwrite").checked;
  const asking = $("quiz").checked && !answered.has(n) && question(n, overwrite) !== null;
  const state = told(asking ? n - 1 : n, overwrite);
  paintGraph(asking ? n - 1 : n, n, state, asking);
  paintPanel(n, state, asking, overwrite);
  app.dataset.step = n;
  app.dataset.steps = steps.length;
  app.dataset.phase = n === 0 ? "start" : n <= FORWARD ? "forward" : n < steps.length ? "backward" : "done";
  app.dataset.asking = asking;
  $("where").textContent = whereabouts(n);
  $("slider").value = n;
  $("slider").setAttribute("aria-valuetext", whereabouts(n));
  for (const id of ["start", "back"]) $(id).setAttribute("aria-disabled", n === 0); // and they keep the focus
  for (const id of ["next", "end"]) $(id).setAttribute("aria-disabled", n === steps.length);
  if (speak) $("say").textContent = asking ? "A question: what is the next number?" : spoken(n, state, overwrite);
  remember(n);
  if ($("follow").checked) follow(n);
}

function go(n) {
  if (app.dataset.asking === "true" && n === now + 1) return reveal("shown");
  show(n);
  if (app.dataset.asking === "true") {
    stop();
    $("answer").focus();
  }
}

/** Both ends of what happens, in sight and large enough to be read. */
function follow(n) {
  const step = steps[n - 1];
  if (!step) return view.fit();
  if (view.scale < READABLE) view.zoom(READABLE / view.scale);
  const boxes = [step.node, step.parent ?? nodes[step.node].parents[0] ?? step.node].map((i) => view.boxOf(cards[i].element));
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , w]) => x + w));
  const low = Math.max(...boxes.map(([, y, , h]) => y + h));
  view.reveal(left, top, right - left, low - top);
}

/** In a notebook's frame there is no history to write to. */
function remember(n) {
  try {
    history.replaceState(null, "", `#step=${n}`);
  } catch {
    // the page works without an address
  }
}

function remembered() {
  const match = /^#step=(\d+)$/.exec(location.hash);
  return match ? Number(match[1]) : 0;
}

// ------------------------------------------------------------------- the quiz

function reveal(how) {
  answered.set(now, how);
  const focused = $("event").contains(document.activeElement);
  show(now);
  if (focused) $("next").focus();
}

function check() {
  const asked = question(now, $("overwrite").checked);
  const given = written($("answer").value);
  const slack = slackOf($("answer").value);
  if (Number.isNaN(given) && !Number.isNaN(asked.right)) {
    $("verdict").textContent = "Write a number, such as −0.5, 1e-3 or 1/3.";
  } else if (matches(given, asked.right, slack) || (Number.isNaN(given) && Number.isNaN(asked.right))) {
    reveal(tries ? "helped" : "right");
    write("event", `<p class="praise" role="status">✓ Right.</p>${drawn.get("event")}`);
  } else {
    tries += 1;
    $("verdict").textContent = `✗ ${diagnosis(asked, given, slack)}`;
  }
}

$("event").addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
$("event").addEventListener("click", (event) => event.target.id === "reveal" && reveal("shown"));

// --------------------------------------------------------------- the controls

function play() {
  if (playing) return stop();
  if (now === steps.length) show(0);
  playing = setInterval(() => (now < steps.length ? go(now + 1) : stop()), Number($("speed").value));
  $("play").textContent = "■ Stop";
}

function stop() {
  clearInterval(playing);
  playing = 0;
  $("play").textContent = "▶ Play";
}

const by = (move) => () => {
  stop();
  move();
};
const press = {
  start: by(() => go(0)),
  back: by(() => go(now - 1)),
  next: by(() => go(now + 1)),
  end: by(() => go(steps.length)),
  jump: by(() => go(FORWARD + 1)),
  play,
};
for (const [id, act] of Object.entries(press)) $(id).addEventListener("click", act);
for (const id of ["overwrite", "quiz", "follow"]) $(id).addEventListener("change", () => show(now));
$("slider").addEventListener("input", by(() => show(Number($("slider").value))));
$("speed").addEventListener("change", () => playing && (stop(), play()));
addEventListener("hashchange", () => remembered() !== now && show(remembered()));

const KEYS = { ArrowRight: "next", ArrowLeft: "back", Home: "start", End: "end", " ": "play" };
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const own = target.matches("select, input[type=text]") || (target.id === "slider" && key !== " ")
    || (key === " " && target.matches("button, input[type=checkbox], summary"));
  if (own || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !KEYS[key]) return;
  event.preventDefault();
  press[KEYS[key]]();
});

function pin(i) {
  pinned = i === pinned ? null : i;
  show(now, { speak: false });
}

svg.addEventListener("click", (event) => {
  const card = event.target.closest(".node");
  if (card) pin(Number(card.dataset.node.slice(1)));
});
$("pin").addEventListener("change", () => {
  pinned = $("pin").value === "" ? null : Number($("pin").value);
  show(now, { speak: false });
});

// -------------------------------------------------------------------- begin

$("slider").max = steps.length;
$("slider").style.setProperty("--forward", `${(100 * FORWARD) / steps.length}%`);
$("pin").append(
  new Option("this step", ""),
  ...nodes.map((node, i) => [node, i]).filter(([node]) => !node.constant).map(([node, i]) => new Option(node.label, i)),
);
$("quiz").checked = data.quiz;
$("follow").checked = view.fittingScale() < READABLE * 0.8;
show(remembered(), { speak: false });
