// Pan and zoom of a drawing in a box: by mouse, trackpad, fingers and keyboard.
//
//   const view = panZoom(svg, container)
//   view.fit()                    all of it, but not blown up
//   view.zoom(1.25, place)        about the middle, or about a place on the screen {clientX, clientY}
//   view.reveal(x, y, w, h)       bring a rectangle, in units of the drawing, into sight; the zoom stays
//   view.boxOf(element)           such a rectangle: view.reveal(...view.boxOf(card))
//   view.resize(x, y, w, h)       the drawing has grown or shrunk
//   view.onchange = view => ...   called after each change
//
// The wheel scrolls as it does in any box: it shows what is out of sight, and at the end it leaves the page to move
// on. With Ctrl or ⌘, which is also what the pinch of a trackpad sends, it zooms.

const FIT_LARGEST = 1.5; // a small drawing is not blown up beyond this
const SMALLEST = 0.06; // here a card is still a speck that one can find
const LARGEST = 6;
const DRAG = 4; // pixels: less is an unsteady click
const STEP = 1.3; // of one press on a button or key

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Calls frame(t) with t from 0 to 1, slow at both ends; at once where motion is not wanted. Returns what stops it. */
function animate(milliseconds, frame) {
  if (reducedMotion.matches) {
    frame(1);
    return () => {};
  }
  let request = 0;
  let start = null;
  const tick = (now) => {
    start ??= now;
    const t = Math.min(1, (now - start) / milliseconds);
    if (t < 1) request = requestAnimationFrame(tick);
    frame(t * t * (3 - 2 * t));
  };
  request = requestAnimationFrame(tick);
  return () => cancelAnimationFrame(request);
}

const between = (low, x, high) => Math.max(low, Math.min(x, high));

class View {
  constructor(svg, container) {
    const { x, y, width, height } = svg.viewBox.baseVal;
    Object.assign(this, { svg, container, x, y, scale: 1, fitted: true });
    this.extent = { x, y, width, height };
    this.onchange = () => {};
    this.stop = () => {};
    this.measure();
  }

  /** What is seen of the drawing, in its units. */
  get width() {
    return this.pixels.width / this.scale;
  }

  get height() {
    return this.pixels.height / this.scale;
  }

  /** The size of the box is remembered: to ask for it again would make the browser lay out everything. */
  measure() {
    this.pixels = { width: this.container.clientWidth || 1, height: this.container.clientHeight || 1 };
  }

  show(x, y, scale = this.scale) {
    Object.assign(this, { x, y, scale });
    this.svg.setAttribute("viewBox", `${x} ${y} ${this.width} ${this.height}`);
    this.onchange(this);
  }

  glide(x, y, scale = this.scale) {
    this.stop();
    const from = { x: this.x, y: this.y, scale: this.scale };
    const mix = (a, b, t) => a + (b - a) * t;
    this.stop = animate(200, (t) => {
      const now = t === 1 ? scale : 1 / mix(1 / from.scale, 1 / scale, t); // its size changes evenly
      this.show(mix(from.x, x, t), mix(from.y, y, t), now);
    });
  }

  fittingScale() {
    const { width, height } = this.extent;
    return between(SMALLEST, Math.min(this.pixels.width / width, this.pixels.height / height), FIT_LARGEST);
  }

  /** A drawing too long to be seen whole shows its beginning. */
  fit({ smooth = true } = {}) {
    const { x, y, width, height } = this.extent;
    const scale = this.fittingScale();
    const spare = (room, size) => Math.max(0, room / scale - size) / 2;
    const target = [x - spare(this.pixels.width, width), y - spare(this.pixels.height, height), scale];
    this.stop();
    if (smooth) this.glide(...target);
    else this.show(...target);
    this.fitted = true;
  }

  zoom(factor, place = null) {
    this.stop();
    const scale = between(Math.min(this.fittingScale(), 0.5), this.scale * factor, LARGEST);
    const box = this.container.getBoundingClientRect();
    const dx = place ? place.clientX - box.left : this.pixels.width / 2;
    const dy = place ? place.clientY - box.top : this.pixels.height / 2;
    this.show(this.x + dx / this.scale - dx / scale, this.y + dy / this.scale - dy / scale, scale);
    this.pan(0, 0);
  }

  /** Move the drawing by so many pixels. Half of what is seen can be empty, but the drawing is never lost. */
  pan(dx, dy) {
    this.stop();
    this.fitted = false;
    const { extent } = this;
    const x = between(extent.x - this.width / 2, this.x - dx / this.scale, extent.x + extent.width - this.width / 2);
    const y = between(extent.y - this.height / 2, this.y - dy / this.scale, extent.y + extent.height - this.height / 2);
    this.show(x, y);
  }

  /** Scroll by so many pixels, as a scroll bar would, and tell whether there was anything to scroll to. */
  scroll(dx, dy) {
    const { extent } = this;
    const within = (now, delta, start, size, seen) => {
      if (delta > 0) return Math.max(now, Math.min(now + delta, start + size - seen));
      return Math.min(now, Math.max(now + delta, start));
    };
    const x = within(this.x, dx / this.scale, extent.x, extent.width, this.width);
    const y = within(this.y, dy / this.scale, extent.y, extent.height, this.height);
    if (Math.hypot(x - this.x, y - this.y) * this.scale < 0.5) return false;
    this.stop();
    this.fitted = false;
    this.show(x, y);
    return true;
  }

  reveal(x, y, w, h) {
    const along = (now, seen, start, size) => {
      const margin = Math.min(seen * 0.12, (seen - size) / 2);
      if (margin < 0) return start + size / 2 - seen / 2; // it is larger than what is seen
      const out = start < now || start + size > now + seen;
      return out ? between(start + size + margin - seen, now, start - margin) : now;
    };
    const left = along(this.x, this.width, x, w);
    const top = along(this.y, this.height, y, h);
    if (left === this.x && top === this.y) return;
    this.fitted = false;
    this.glide(left, top);
  }

  boxOf(element) {
    const box = this.container.getBoundingClientRect();
    const it = element.getBoundingClientRect();
    const [x, y] = [this.x + (it.left - box.left) / this.scale, this.y + (it.top - box.top) / this.scale];
    return [x, y, it.width / this.scale, it.height / this.scale];
  }

  resize(x, y, width, height) {
    this.extent = { x, y, width, height };
  }
}

function panZoom(svg, container) {
  const view = new View(svg, container);
  listenToWheel(view);
  listenToPointers(view);
  listenToKeys(view);
  const buttons = { "zoom-in": () => view.zoom(STEP), "zoom-out": () => view.zoom(1 / STEP), fit: () => view.fit() };
  for (const [id, press] of Object.entries(buttons)) document.getElementById(id)?.addEventListener("click", press);
  new ResizeObserver(() => {
    view.measure();
    if (view.fitted) view.fit({ smooth: false });
    else view.show(view.x, view.y);
  }).observe(container);
  view.fit({ smooth: false });
  return view;
}

function listenToWheel(view) {
  const wheel = (event) => {
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? view.pixels.height : 1;
    if (event.ctrlKey || event.metaKey) {
      view.zoom(zoomBy(event.deltaY * unit), event);
      event.preventDefault();
    } else if (view.scroll(event.deltaX * unit, event.deltaY * unit)) event.preventDefault();
  };
  view.container.addEventListener("wheel", wheel, { passive: false });
}

/** A notch of a wheel, about 100, is one step; a pinch comes in many small portions. */
function zoomBy(delta) {
  return Math.exp(Math.abs(delta) < 30 ? -delta * 0.01 : -between(-120, delta, 120) * 0.0025);
}

function listenToPointers(view) {
  const { container } = view;
  const down = new Map(); // the fingers, or the mouse, where they are now
  let moved = false;
  const middle = () => {
    const points = [...down.values()];
    const mean = (axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
    const [a, b] = points;
    return { clientX: mean("clientX"), clientY: mean("clientY"), apart: b ? spread(a, b) : 0 };
  };
  container.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!down.size) moved = false;
    down.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
  });
  container.addEventListener("pointermove", (event) => {
    const start = down.get(event.pointerId);
    if (start && !event.buttons) return up(event); // let go where nobody told us
    if (!start || (!moved && down.size === 1 && spread(start, event) < DRAG)) return;
    if (!moved) down.forEach((_, id) => container.setPointerCapture(id)); // not before: it would redirect the click
    moved = true;
    container.classList.add("dragged");
    const before = middle();
    down.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    const after = middle();
    if (before.apart && after.apart) view.zoom(after.apart / before.apart, before);
    view.pan(after.clientX - before.clientX, after.clientY - before.clientY);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId) || down.size) return;
    container.classList.remove("dragged");
    if (moved) setTimeout(() => (moved = false)); // the click, if any, comes before that
  };
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, up); // it may have slipped out
  const swallow = (event) => moved && (event.stopPropagation(), event.preventDefault());
  container.addEventListener("click", swallow, { capture: true });
  container.addEventListener("dblclick", (event) => {
    if (!event.target.closest(".node, .group, .group-label, .folded, a, button")) view.fit();
  });
}

const spread = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);

/** + - 0, and Shift with an arrow, while the focus is in the drawing; whatever gets the focus is brought into sight. */
function listenToKeys(view) {
  const far = (dx, dy) => () => view.pan(dx * view.pixels.width * 0.2, dy * view.pixels.height * 0.2);
  const plain = { "+": () => view.zoom(STEP), "-": () => view.zoom(1 / STEP), 0: () => view.fit() };
  plain["="] = plain["+"]; // the same key without Shift
  const shifted = { ArrowLeft: far(1, 0), ArrowRight: far(-1, 0), ArrowUp: far(0, 1), ArrowDown: far(0, -1) };
  view.container.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = plain[event.key] ?? (event.shiftKey ? shifted[event.key] : null);
    if (!act) return;
    act();
    event.preventDefault();
  });
  view.container.addEventListener("focusin", ({ target }) => {
    if (target !== view.container && target.matches(":focus-visible")) view.reveal(...view.boxOf(target));
  });
}
