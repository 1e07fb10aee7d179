// Where everything goes when some groups are folded: the picture is squeezed, and nothing in it is arranged anew.
//
// Each box has two maps for its contents, one for x and one for y. A map only shrinks what is no longer needed and
// keeps the order, so what stood beside something stands beside it still, and nothing comes to lie on anything else.
// Inner boxes are squeezed first; then they are rigid, as cards are. A box in which nothing is folded stays as it is.
//
// A thing is a card or a group: {x, y, w, h}; a group has `children` as well, `small`, its size when folded, `pad`, the
// room between its border and its contents, and `column`, where it and those above and below it stand.

const SIZE = { x: "w", y: "h" };

/**
 * A piecewise linear map of 0..length that leaves each span {start, end, need} at least the length it needs, and all
 * at least the length `least`. What is in no span keeps its length.
 */
function rubber(spans, length, least) {
  const cuts = [...new Set([0, length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const index = new Map(cuts.map((cut, i) => [cut, i]));
  const size = cuts.slice(1).map((cut, i) => cut - cuts[i]);
  const stretch = size.map(() => 1);
  for (const { start, end } of spans) stretch.fill(0, index.get(start), index.get(end));
  const tightness = ({ start, end, need }) => need / (end - start);
  const tightestFirst = [...spans].sort((a, b) => tightness(b) - tightness(a));
  for (const { start, end, need } of [...tightestFirst, { start: 0, end: length, need: least }]) {
    const [first, last] = [index.get(start), index.get(end)];
    let lack = need;
    let spare = 0; // what its parts can grow to their old size
    for (let i = first; i < last; i++) {
      lack -= stretch[i] * size[i];
      spare += Math.max(0, 1 - stretch[i]) * size[i];
    }
    if (lack <= 0) continue;
    const share = Math.min(1, spare && lack / spare);
    const beyond = Math.max(0, lack - spare) / (end - start);
    for (let i = first; i < last; i++) stretch[i] += Math.max(0, 1 - stretch[i]) * share + beyond;
  }
  const places = [0];
  size.forEach((part, i) => places.push(places[i] + part * stretch[i]));
  const at = (value) => {
    let [low, high] = [0, cuts.length - 1];
    if (value <= 0 || high < 1) return value;
    if (value >= length) return places[high] + value - length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cuts[middle] <= value) low = middle;
      else high = middle;
    }
    return places[low] + ((value - cuts[low]) / size[low]) * (places[high] - places[low]);
  };
  return { at, length: places.at(-1) };
}

/** The part of an axis of a box that a thing and the gap around it take, and the length that both need now. */
function spanOf(thing, box, axis, packed, margin) {
  const [first, last] = [box.pad[axis][0], box[SIZE[axis]] - box.pad[axis][1]];
  const inColumn = packed.folded && thing.column.axis === axis; // its place is then the middle of the column
  const begin = (inColumn ? thing.column.start : thing[axis]) - box[axis];
  const finish = (inColumn ? thing.column.end : thing[axis] + thing[SIZE[axis]]) - box[axis];
  const start = Math.max(Math.min(begin, first), begin - margin);
  const end = Math.min(Math.max(finish, last), finish + margin);
  return { start, end, before: begin - start, need: packed[SIZE[axis]] + (begin - start) + (end - finish) };
}

/**
 * root    a box around everything
 * shut    the groups that are folded
 * margin  {x, y}: half of the gap that is kept between two things
 *
 * Returns
 *   spots    where each thing that is seen goes: thing -> {x, y, w, h, folded}, and for a folded group `reach`, where
 *            its borders were: {x: [left, right], y: [top, bottom]}
 *   standIn  what is seen of each card: itself or a folded group
 *   move     the new place of a point, or null where it is within a folded group
 */
function squeeze(root, shut, margin) {
  const spots = new Map();
  const standIn = new Map();

  const pack = (thing) => {
    if (!thing.children) return thing;
    if (shut.has(thing)) return { ...thing.small, folded: true };
    const sizes = thing.children.map(pack);
    if (sizes.every(({ w, h }, i) => w === thing.children[i].w && h === thing.children[i].h))
      return { w: thing.w, h: thing.h, sizes };
    const [x, y] = ["x", "y"].map((axis) => {
      const spans = thing.children.map((child, i) => spanOf(child, thing, axis, sizes[i], margin[axis]));
      const least = axis === "x" ? Math.min(thing.w, thing.label) : 0; // its own name has room as well
      return { spans, ...rubber(spans, thing[SIZE[axis]], least) };
    });
    return { w: x.length, h: y.length, sizes, maps: { x, y } };
  };

  const place = (thing, packed, x, y) => {
    const { w, h, maps } = packed;
    spots.set(thing, { x, y, w, h, folded: Boolean(packed.folded), maps });
    if (!thing.children) standIn.set(thing, thing);
    else if (packed.folded) hide(thing, thing);
    else thing.children.forEach((child, i) => place(child, packed.sizes[i], ...placeOf(child, i, thing)));
    if (packed.folded) spots.get(thing).reach = { x: reachOf(thing, "x"), y: reachOf(thing, "y") };
  };
  const placeOf = (child, i, box) =>
    ["x", "y"].map((axis) => {
      const spot = spots.get(box);
      if (!spot.maps) return spot[axis] + child[axis] - box[axis];
      const { spans, at } = spot.maps[axis];
      const { start, end, before, need } = spans[i];
      return spot[axis] + at(start) + before + (at(end) - at(start) - need) / 2;
    });
  const reachOf = (thing, axis) => {
    const { [axis]: left, maps } = spots.get(thing.box);
    const begin = thing[axis] - thing.box[axis];
    return [begin, begin + thing[SIZE[axis]]].map((value) => left + (maps ? maps[axis].at(value) : value));
  };
  const hide = (thing, box) => {
    if (thing.children) thing.children.forEach((child) => hide(child, box));
    else standIn.set(thing, box);
  };

  const move = ([x, y], box = root) => {
    const spot = spots.get(box);
    if (spot.folded) return null;
    const inner = box.groups.find((group) => within(group, x, y));
    if (inner) return move([x, y], inner);
    const along = (axis, value) => spot[axis] + (spot.maps ? spot.maps[axis].at(value) : value);
    return [along("x", x - box.x), along("y", y - box.y)];
  };

  place(root, pack(root), 0, 0);
  return { spots, standIn, move };
}

const within = ({ x, y, w, h }, px, py) => px > x && px < x + w && py > y && py < y + h;
