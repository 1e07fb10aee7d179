// To follow edges: what is connected with a card or a folded group is lit up, and all else steps back.

const MOST_DIMMED = 1500; // edges: to dim more takes a browser longer than a pointer rests

class Following {
  constructor(picture, tell) {
    Object.assign(this, { picture, tell, pinned: null, lit: [] });
    const { svg } = picture;
    this.things = new Map([...picture.cards, ...picture.groups].map((thing) => [thing.id, thing]));
    svg.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.light(this.at(event.target)));
    svg.addEventListener("pointerleave", () => this.light(null));
    svg.addEventListener("focusin", ({ target }) => target.matches(":focus-visible") && this.light(this.at(target)));
    svg.addEventListener("focusout", () => this.light(null));
  }

  /** The scene has changed, and what was pinned may be in a folded group now, or have become an open one. */
  update(scene) {
    this.scene = scene;
    this.neighbours = new Map();
    for (const [edge, { from, to }] of scene.edges) {
      this.next(from).push({ edge, thing: to, ahead: true });
      this.next(to).push({ edge, thing: from, ahead: false });
    }
    if (this.pinned && !this.isSingle(this.pinned)) this.pinned = null;
    this.shown = undefined;
    this.light(null);
  }

  next(thing) {
    if (!this.neighbours.has(thing)) this.neighbours.set(thing, []);
    return this.neighbours.get(thing);
  }

  /** The card or the folded group that an element belongs to. An open group is only the ground. */
  at(element) {
    const { node, group } = element.closest("[data-node], [data-group]")?.dataset ?? {};
    const thing = this.things.get(node ?? group);
    return thing && this.isSingle(thing) ? thing : null;
  }

  isSingle(thing) {
    const spot = this.scene.spots.get(thing);
    return Boolean(spot) && (!thing.children || spot.folded);
  }

  pin(thing) {
    this.pinned = thing;
    this.shown = undefined;
    this.light(thing);
    if (thing) this.tell(describe(thing));
  }

  light(thing) {
    const now = thing ?? this.pinned;
    if (now === this.shown) return;
    this.shown = now;
    for (const element of this.lit) element.classList.remove("lit", "chosen");
    this.lit = [];
    this.picture.svg.classList.toggle("following", Boolean(now) && this.scene.edges.size <= MOST_DIMMED);
    if (!now) return;
    for (const { edge, thing: other } of this.next(now)) this.lit.push(edge.element, ...elements(other));
    const own = elements(now);
    this.lit.push(...own);
    for (const element of this.lit) element.classList.add("lit");
    for (const element of own) element.classList.add("chosen");
  }

  /** Where an arrow key leads from what is pinned: left and right along an edge, the first time to the first one. */
  step(key) {
    const ahead = { ArrowLeft: false, ArrowRight: true }[key];
    return this.next(this.pinned).find((way) => way.ahead === ahead)?.thing ?? null;
  }
}

const elements = (thing) => (thing.children ? [thing.element, thing.handle] : [thing.element]);

/** A line of text: for a card what its title says, for a group what it holds. */
function describe(thing) {
  if (thing.children) return `${thing.path}: ${thing.lines.join(", ")}`;
  return thing.element.querySelector("title").textContent.split("\n").join(" · ");
}
