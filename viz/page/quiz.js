// The quiz: the next number is asked for before it is shown, and a wrong answer is told what it looks like.

const answered = new Map(); // step -> "right" | "helped" | "shown"

/** What step n asks, and the number; null where it asks nothing. */
function question(n, overwrite) {
  const step = steps[n - 1];
  if (!step || step.kind === "seed") return null;
  if (step.kind === "forward") {
    const filled = step.filled === step.math ? "" : `${mo("=")}${step.filled}`;
    return {
      ask: `What is ${name(step.node)}?`,
      hint: math(`${nodes[step.node].math}${mo("=")}${step.math}${filled}${mo("=")}${mo("?")}`),
      right: nodes[step.node].value,
      near: [],
    };
  }
  const { node, parent, local } = step;
  const upstream = told(n - 1, overwrite).gradient[node];
  const { adds, before } = told(n, overwrite).ledger[parent].at(-1);
  return {
    ask: `${name(node)} passes its gradient on to ${name(parent)}. What does it contribute?`,
    hint: math(`${role("upstream", d(LOSS, node))}${mo("·")}${role("local", d(node, parent))}${mo("=")}`
      + `${role("upstream", mfactor(upstream))}${mo("×")}${role("local", step.math)}${mo("=")}${mo("?")}`),
    right: adds,
    near: [
      [before + adds, "That is the new sum; the question is what this arrow alone contributes."],
      [local, "That is the local derivative alone: it still has to be multiplied by the upstream gradient."],
      [upstream, "That is the upstream gradient alone: it still has to be multiplied by the local derivative."],
      [upstream + local, "Along an arrow, gradients are multiplied, not added."],
      [upstream / local, "Multiply by the local derivative; do not divide."],
    ],
  };
}

/** Half a unit in the last place that was written, if at least two digits were. */
function slackOf(text) {
  const [, whole, decimals = "", exponent = 0] = /^[^\d.,]*(\d*)(?:[.,](\d*))?(?:e([+-]?\d+))?$/i.exec(text.trim()) ?? [, ""];
  const digits = (whole + decimals).replace(/^0+/, "");
  return digits.length < 2 ? 0 : 0.501 * 10 ** (Number(exponent) - decimals.length);
}

/** Right to the digits that were given, of which two are enough. */
function matches(given, right, slack) {
  if (!Number.isFinite(right) || right === 0) return given === right;
  return Math.abs(given - right) <= Math.max(slack, 0.006 * Math.abs(right));
}

/** What a wrong answer looks like. */
function diagnosis({ right, near }, given, slack) {
  if (matches(-given, right, slack)) return "The size is right; look at the sign.";
  const found = near.find(([value]) => Number.isFinite(value) && matches(given, value, slack));
  if (found) return found[1];
  if (matches(given * 10, right, 0) || matches(given / 10, right, 0)) return "The digits are right; look at the decimal point.";
  return "Not yet.";
}

/** A number as people write it: with a comma or a point, with any minus sign, as 1e-3 or as a fraction 1/3. */
function written(text) {
  const tidy = text.trim().replaceAll("−", "-").replace(/\s+/g, "").replace(/^([^,]*),([^,]*)$/, "$1.$2").toLowerCase();
  if (/^[+-]?(∞|inf(inity)?)$/.test(tidy)) return tidy.startsWith("-") ? -Infinity : Infinity;
  const parts = tidy.split("/");
  if (parts.length > 2 || parts.some((part) => part === "")) return NaN;
  return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(tidy);
}

function quizPanel(n, overwrite) {
  const { ask, hint } = question(n, overwrite);
  const right = [...answered.values()].filter((how) => how === "right").length;
  return `<h2>${ask}</h2>${hint}
    <form id="asking"><label for="answer">Your answer</label>
    <input id="answer" type="text" inputmode="text" autocomplete="off" autocapitalize="off" spellcheck="false">
    <button id="answer-ok" type="submit">Check</button> <button id="reveal" type="button">Show it</button></form>
    <p id="verdict" role="status"></p>
    <p class="note">${right} of ${answered.size} right at the first try.</p>`;
}
