// The story, and how far it is told. Nothing here touches the page.
//
//   nodes   {label, math, op, value, parents, leaf, constant, check}
//   steps   forward {node, math, filled, code}; seed {node}; backward {edge, node, parent, local, math, code}
//
// told(n) is all that is known after n steps, computed from nothing each time, so going back is exact.

const nodes = data.nodes;
const steps = data.steps;
const LOSS = nodes.length - 1;
const FORWARD = steps.findIndex((step) => step.kind === "seed");

for (const node of nodes) {
  node.value = real(node.value);
  if (node.check) Object.assign(node.check, { slope: real(node.check.slope), error: real(node.check.error) });
}
for (const step of steps) if (step.kind === "backward") step.local = real(step.local);

/** For each node, the step that completes its gradient. */
const completedBy = nodes.map(() => Infinity);
steps.forEach((step, i) => {
  if (step.kind === "seed") completedBy[step.node] = i + 1;
  if (step.kind === "backward") completedBy[step.parent] = i + 1;
});

/** computed: whether each node has its value; gradient: the running sums, null before any; ledger: what they are made of. */
function told(n, overwrite = false) {
  const computed = nodes.map((node) => !node.op);
  const gradient = nodes.map(() => null);
  const ledger = nodes.map(() => []);
  for (let i = 0; i < n; i++) {
    const step = steps[i];
    if (step.kind === "forward") computed[step.node] = true;
    else if (step.kind === "seed") gradient[step.node] = 1;
    else {
      const upstream = gradient[step.node];
      const adds = upstream * step.local;
      const before = gradient[step.parent] ?? 0;
      const total = overwrite ? adds : before + adds;
      gradient[step.parent] = total;
      ledger[step.parent].push({ number: i + 1, from: step.node, upstream, local: step.local, adds, before, total });
    }
  }
  return { computed, gradient, ledger };
}

/** What NumPy's central difference says of a gradient. */
function verdict(check, gradient) {
  if (check.unsure) return "unsure";
  return Math.abs(gradient - check.slope) <= check.error ? "agrees" : "differs";
}

const MARK = { agrees: "✓", differs: "✗", unsure: "?" };

/** The nodes whose gradients, complete after n steps, would be wrong with = in the place of +=. */
function spoiled(n) {
  const right = told(n).gradient;
  const wrong = told(n, true).gradient;
  const differ = (i) => completedBy[i] <= n && !Object.is(right[i], wrong[i]) && right[i] !== wrong[i];
  return nodes.map((_, i) => i).filter(differ).map((i) => ({ node: i, right: right[i], wrong: wrong[i] }));
}
