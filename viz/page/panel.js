// The text beside the graph: what happens in a step, in symbols, in numbers and in Python. Each function gives HTML.

const escaped = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const mi = (name) => `<mi>${name}</mi>`;
const mo = (sign) => `<mo>${sign}</mo>`;
const mn = (x) => (x < 0 ? `<mo form="prefix">−</mo><mn>${short(-x)}</mn>` : `<mn>${short(x)}</mn>`);
const mfactor = (x) => (x < 0 ? `<mrow>${mo("(")}${mn(x)}${mo(")")}</mrow>` : mn(x));
const role = (name, content) => `<mrow class="${name}">${content}</mrow>`;
const under = (name, content) => `<munder>${role(name, content)}<mtext class="${name}">${name}</mtext></munder>`;
const math = (...rows) =>
  `<div class="formula"><math displaystyle="true">${rows.length > 1 ? table(rows) : `<mrow>${rows[0]}</mrow>`}</math></div>`;
const table = (rows) =>
  `<mtable displaystyle="true" columnalign="right left">${rows.map(([a, b]) => `<mtr><mtd>${a}</mtd><mtd>${b}</mtd></mtr>`).join("")}</mtable>`;
const d = (of, by) => `<mfrac><mrow>${mo("∂")}${nodes[of].math}</mrow><mrow>${mo("∂")}${nodes[by].math}</mrow></mfrac>`;
const code = (line, comment = "") =>
  `<pre class="code"><code>${escaped(line)}${comment && `  <span class="comment"># ${escaped(comment)}</span>`}</code></pre>`;
const name = (i) => `<b>${escaped(nodes[i].label)}</b>`;

const part = (heading, content) => `<div><h3>${heading}</h3>${content}</div>`;

function startPanel() {
  const leaves = nodes.filter((node) => node.leaf && !node.constant).length;
  return `<h2>Before the first step</h2>
    <p>The numbers are in the leaves. First, step by step, each node is computed from those it points back to, until
    ${name(LOSS)}, the result, is known. Then its gradient travels back: along every arrow it is multiplied by that
    arrow’s slope, and where arrows meet, what arrives is summed. In the end ${leaves === 1 ? "the leaf knows" : `each of the ${leaves} leaves knows`}
    how ${name(LOSS)} changes with it.</p><p>Press <b>Next</b> or <kbd>→</kbd>.</p>${data.formula.map((line) => math(line)).join("")}`;
}

function forwardPanel(step) {
  const node = nodes[step.node];
  const filled = step.filled === step.math ? [] : [["", `${mo("=")}${step.filled}`]];
  const doc = step.doc && `<p class="doc"><b>${escaped(node.op)}</b>: ${escaped(step.doc)}</p>`;
  return `<h2>Forward: ${name(step.node)} is computed</h2><div class="parts">
    ${part("Formula", math([node.math, `${mo("=")}${step.math}`], ...filled, ["", `${mo("=")}${role("value", mn(node.value))}`]))}
    ${part("In Python", code(step.code, short(node.value)) + doc)}</div>`;
}

function seedPanel(step) {
  return `<h2>Backward: the seed</h2><div class="parts">
    ${part("Gradient of the result", math(`${d(step.node, step.node)}${mo("=")}${role("upstream", mn(1))}`)
      + `<p class="note">When ${name(step.node)} grows by a little, it grows by just that. From here the gradient goes back.</p>`)}
    ${part("In Python", code(step.code))}</div>`;
}

function backwardPanel(step, entry, overwrite) {
  const { node, parent } = step;
  const { upstream, local, adds, before, total } = entry;
  const isNumber = /^(<mo[^>]*>−<\/mo>)?<mn>[^<]*<\/mn>$/.test(step.math);
  const rule = isNumber ? "" : `${step.math}${mo("=")}`;
  const sign = overwrite ? "=" : "+=";
  const sum = overwrite
    ? math(`${role("lost", mn(before))}${mo("→")}${role("contribution", mn(total))}`)
    : math(`${mn(before)}${mo("+")}${role("contribution", mfactor(adds))}${mo("=")}${role("total", mn(total))}`);
  return `<h2>Backward: from ${name(node)} into ${name(parent)}</h2><div class="parts">
    ${part("<i>1</i> Local derivative", math(`${role("local", d(node, parent))}${mo("=")}${rule}${role("local", mn(local))}`))}
    ${part("<i>2</i> Chain rule", math(
      [d(LOSS, parent), `${mo(sign)}${under("upstream", d(LOSS, node))}${mo("·")}${under("local", d(node, parent))}`],
      ["", `${mo("=")}${role("upstream", mfactor(upstream))}${mo("×")}${role("local", mfactor(local))}`
        + `${mo("=")}${under("contribution", mn(adds))}`],
    ))}
    ${part(`<i>3</i> ${overwrite ? "Overwrite: the bug" : "Accumulate"}`, `${sum}<p class="note">${note(entry, overwrite)}</p>`)}
    ${part("In Python", code(step.code.replace("+=", sign), `${short(before)} → ${short(total)}`))}</div>`;
}

function note(entry, overwrite) {
  const first = entry.isFirst;
  if (overwrite && !first) return `<strong>${short(entry.before)} is lost</strong>: the new contribution took its place.`;
  if (first) return "The first to arrive: before it, the sum was 0.";
  return "Something had arrived already: what comes along different arrows is summed.";
}

/** The rows of the sum that a node's gradient is. */
function ledgerTable(i, state, n, overwrite, current = n) {
  const rows = state.ledger[i];
  const seed = steps.slice(0, n).some((step) => step.kind === "seed" && step.node === i);
  const more = steps.slice(n).filter((step) => step.parent === i).length;
  const cells = (...content) => content.map((text) => `<td>${text}</td>`).join("");
  const body = rows.map((row, k) => {
    const lost = overwrite && k < rows.length - 1;
    const mark = `${row.number === current ? "is-current" : ""}${lost ? " is-lost" : ""}`;
    const adds = lost ? `<s>${short(row.adds)}</s> lost` : short(row.adds);
    return `<tr class="${mark}"><th scope="row">${escaped(nodes[row.from].label)}</th>`
      + `${cells(short(row.upstream), short(row.local), adds)}</tr>`;
  });
  if (seed) body.unshift(`<tr><th scope="row">seed</th>${cells("", "", "1")}</tr>`);
  if (!body.length) body.push(`<tr class="is-empty"><td colspan="4">${nodes[i].constant ? "a constant: it takes no gradient" : "nothing yet"}</td></tr>`);
  const sum = state.gradient[i] === null ? "" : short(state.gradient[i]);
  const still = more ? `<span class="more">${more} more to come</span>` : "";
  return `<thead><tr><th scope="col">from</th><th scope="col" class="upstream">upstream</th>`
    + `<th scope="col" class="local">local</th><th scope="col" class="contribution">adds</th></tr></thead>`
    + `<tbody>${body.join("")}</tbody>`
    + `<tfoot><tr><th scope="row" colspan="3">${overwrite ? "what is left" : "sum"} ${still}</th>`
    + `<td title="${state.gradient[i] ?? ""}">${sum}</td></tr></tfoot>`;
}

const MOST = 12; // finished leaves in the table; there can be hundreds

/** The finished leaves beside NumPy's central differences: the latest first, and of the others how many agree. */
function checkTable(state, n) {
  const finished = nodes.map((_, i) => i).filter((i) => nodes[i].check && completedBy[i] <= n);
  if (!finished.length) return "";
  finished.sort((a, b) => completedBy[b] - completedBy[a]);
  const says = (i) => verdict(nodes[i].check, state.gradient[i]);
  const rows = finished.slice(0, MOST).map((i) =>
    `<tr class="${says(i)}"><th scope="row">${escaped(nodes[i].label)}</th><td>${short(state.gradient[i])}</td>`
    + `<td>${short(nodes[i].check.slope)}</td><td><span aria-hidden="true">${MARK[says(i)]}</span> ${says(i)}</td></tr>`);
  const others = finished.slice(MOST);
  const agree = others.filter((i) => says(i) === "agrees").length;
  const more = others.length ? `<p class="note">Of ${others.length} before these, ${agree} agree.</p>` : "";
  return `<h2>Finished leaves, and NumPy’s central differences</h2><table><thead><tr><th scope="col">leaf</th><th scope="col">grad</th>`
    + `<th scope="col">NumPy</th><th scope="col">verdict</th></tr></thead><tbody>${rows.join("")}</tbody></table>${more}`;
}

/** What the = bug has spoiled so far. */
function bugPanel(n) {
  const wrong = spoiled(n);
  const list = wrong.slice(0, 8).map(({ node, right, wrong }) =>
    `<li>${name(node)}: <s>${short(wrong)}</s>, and right is ${short(right)}</li>`);
  if (wrong.length > 8) list.push(`<li>and ${wrong.length - 8} more</li>`);
  const verdict = wrong.length
    ? `<p><strong>${wrong.length} finished gradient${wrong.length > 1 ? "s are" : " is"} wrong:</strong></p><ul>${list.join("")}</ul>`
    : "<p>No gradient is wrong yet: it shows where a second arrow meets a node.</p>";
  return `<h2>With <code>=</code> in the place of <code>+=</code></h2>
    <p>Each contribution overwrites the one before, so only the last arrow counts, and whatever is computed from such a
    gradient is wrong as well.</p>${verdict}`;
}

/** One step in words, for those who listen. */
function spoken(n, state, overwrite) {
  const step = steps[n - 1];
  if (!step) return `Start. ${steps.length} steps: ${FORWARD} forward, then backward.`;
  const label = (i) => nodes[i].label;
  if (step.kind === "forward") return `Step ${n}, forward: ${step.code}, which is ${short(nodes[step.node].value)}.`;
  if (step.kind === "seed") return `Step ${n}, backward begins: the gradient of ${label(step.node)} is 1.`;
  const { upstream, local, adds, before, total } = state.ledger[step.parent].at(-1);
  const done = completedBy[step.parent] === n ? ` The gradient of ${label(step.parent)} is complete.` : "";
  const sum = overwrite
    ? `It overwrites ${short(before)}: that is the bug.`
    : `${short(before)} plus ${short(adds)} is ${short(total)}.`;
  return `Step ${n}, backward: from ${label(step.node)} into ${label(step.parent)}. Upstream ${short(upstream)} times local `
    + `${short(local)} is ${short(adds)}. ${sum}${done}`;
}
