"""How the gradient flows through the layers of a network, and what stops it: its sizes, and verdicts in words.

    print(gradient_flow(loss))       # also looks at each ReLU, tanh and sigmoid in the graph
    print(gradient_flow(model))      # the gradients that backward() left in the parameters

Glossary: a layer is the leaves whose names share a path (layers[0].neurons[3].w[1] is in layers[0]); rms is √(mean of
squares); a unit is an activation with its input, one node for each example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import inf, isfinite, nan, sqrt
from typing import Any

from engine.graph import topological_sort
from engine.origin import brief, counted, layer_of, module_near, numbers_read, path_of, some
from engine.value import Value

VANISHED, EXPLODED = 1e-3, 1e3  # rms gradient of the first layer / that of the last
HUGE = 1e3  # rms gradient / max(1, rms data): a step with lr = 0.001 moves a number by its own size
SATURATED = 1e-3  # slope of an activation / its largest slope
ENOUGH = 4  # examples, before a unit is called dead or saturated
SAME_WAY = 2 / 3  # of the neighbouring layers shrink, or grow, as the first and the last do
STEEPEST = {"tanh": 1.0, "sigmoid": 0.25}  # the largest slope of what can saturate


@dataclass(frozen=True, slots=True)
class LayerFlow:
    """The gradients of one layer.

    name        "layers[0]"; of leaves outside a module, their own name without an index
    parameters  how many leaves it has; `arrived`, how many of them a gradient has reached
    rms         √(mean of squares) of the gradients; nan if one is not finite
    largest     the largest |gradient|
    zeros       the share of gradients that are exactly 0, 0 to 1
    data        rms of the numbers themselves
    ratio       rms / data; inf where all numbers are 0
    nonfinite   how many gradients are nan or inf
    in_module   whether its leaves belong to a module, by their names
    """

    name: str
    parameters: int
    arrived: int
    rms: float
    largest: float
    zeros: float
    data: float
    ratio: float
    nonfinite: int
    in_module: bool


@dataclass(frozen=True)
class GradientFlow:
    """Gradient sizes, layer by layer from the input to the loss, and what they mean. Print it.

    layers     a LayerFlow each
    verdicts   one text for each disease; one that says so, where there is none
    healthy    whether there is none
    dead       the names of the dead ReLUs, and `saturated` those of the saturated units
    """

    layers: tuple[LayerFlow, ...]
    verdicts: list[str]
    healthy: bool
    dead: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """All verdicts, one a line."""
        return "\n".join(self.verdicts)

    def __str__(self) -> str:
        if not self.layers:
            return self.verdict
        rows = [_HEAD, *self._rows()]
        first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = [
            "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
            for row in rows
        ]
        return "\n".join([*lines, "", *self.verdicts])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in _HEAD)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._rows())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if self.layers else ""
        return table + "".join(f"<p>{escape(verdict)}</p>" for verdict in self.verdicts)

    def _rows(self) -> list[list[str]]:
        return [
            [
                layer.name,
                f"{layer.parameters:,}",
                *((brief(layer.rms), brief(layer.largest)) if layer.arrived else ("none", "none")),
                f"{layer.zeros:.0%}" if layer.arrived else "",
                brief(layer.ratio) if layer.arrived else "",
            ]
            for layer in self.layers
        ]


_HEAD = ["layer", "parameters", "rms gradient", "largest", "zeros", "rms gradient / rms data"]


def gradient_flow(of: Any) -> GradientFlow:
    """The gradients of each layer, and verdicts: vanishing, exploding, dead, saturated, detached, nan or inf.

    of   a loss: its gradients are computed aside (no `grad` changes), and its activations are looked at; give the
         loss of a whole batch. Or a model (anything with `named_parameters()`), after backward().

    With g the rms gradient of a layer, the verdicts are

    nan or inf   a gradient is not finite
    vanishing    g(first) < 0.001 · g(last), and 2 of 3 neighbouring layers shrink so (Glorot & Bengio 2010)
    exploding    g(first) > 1000 · g(last), and 2 of 3 grow so (Pascanu et al. 2013); or g > 1000 · max(1, rms data)
    dead         a ReLU gave 0 with slope 0 for all examples, at least 4 (Maas et al. 2013; Lu et al. 2019); of a model:
                 all gradients of a neuron are exactly 0, and others are not
    saturated    the slope of a tanh or sigmoid was below 0.001 of its largest for all examples, at least 4
    detached     no gradient reaches a layer; a frozen parameter is asked for none
    zero         all gradients of a layer are exactly 0

    Raises:
        TypeError: for what is neither a Value nor has `named_parameters`.

    >>> w1, w2, x = Value(0.5, "w1"), Value(-2.0, "w2"), 1.5
    >>> print(gradient_flow((w2 * (w1 * x).tanh() - 1) ** 2))
    layer  parameters  rms gradient  largest  zeros  rms gradient / rms data
    w1              1         8.127    8.127     0%                    16.25
    w2              1         2.884    2.884     0%                    1.442
    <BLANKLINE>
    healthy: the gradient reaches every layer, and neither vanishes nor explodes
    """
    if isinstance(of, Value):
        return _flow_of_loss(of)
    if hasattr(of, "named_parameters"):
        return _flow_of_model(of)
    raise TypeError(f"gradient_flow takes the loss, one Value, or a model with named_parameters(), not {of!r}")


# ------------------------------------------------------------------------- of a loss, of a model

Leaf = tuple[str | None, float, float | None]  # name, number, gradient (None: none has arrived)


def _flow_of_loss(loss: Value) -> GradientFlow:
    order = topological_sort(loss)
    gradients = defaultdict(float, {loss: 1.0})
    numbers: dict[Value, float] = {}  # of a leaf, as it was read
    level: dict[Value, int] = {}  # the longest way from a leaf
    depth: dict[Value, int] = {loss: 0}  # of a leaf, the highest level it is used at
    for node in order:
        level[node] = 1 + max((level[parent] for parent in node.parents), default=-1)
        for parent, number in zip(node.parents, numbers_read(node), strict=True):
            numbers.setdefault(parent, number)
            depth[parent] = max(depth.get(parent, 0), level[node])
    for node in reversed(order):
        for parent, slope in zip(node.parents, node.local_derivatives(), strict=True):
            gradients[parent] += gradients[node] * slope
    leaves = [node for node in order if not node.op and node.requires_grad]
    first: dict[str, int] = {}
    for leaf in leaves:
        name = layer_of(leaf.name)
        first[name] = min(first.get(name, len(order)), depth[leaf])
    leaves.sort(key=lambda leaf: first[layer_of(leaf.name)])  # from the input to the loss
    layers = _layers((leaf.name, numbers.get(leaf, leaf.data), gradients[leaf]) for leaf in leaves)
    if not layers:
        return _report((), ["nothing learns: no leaf of this graph takes a gradient"])
    dead, saturated, units = _units(order)
    cut = [node.name for node in order if node.name and not (node.op or node.requires_grad) and path_of(node.name)]
    detached = [
        f"{layer} is detached: {some(names)} {'is a constant' if len(names) == 1 else 'are constants'} here, by "
        "detach() or frozen, and no gradient passes"
        for layer, names in _by_layer(dict.fromkeys(cut)).items()
    ]
    return _report(layers, [*detached, *_sizes(layers, bool(dead)), *units], dead, saturated)


def _flow_of_model(model: Any) -> GradientFlow:
    leaves: list[Leaf] = []
    neurons: dict[str, list[float | None]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            gradient = float(parameter.grad) if parameter.has_grad else None
            leaves.append((name, parameter.data, gradient))
            if path_of(name) and path_of(name) != layer_of(name):
                neurons[path_of(name)].append(gradient)
    layers = _layers(leaves)
    if not layers:
        return _report((), ["nothing learns: the model has no parameters, or all are frozen"])
    if not any(layer.arrived for layer in layers):
        cure = "call loss.backward() first, and gradient_flow(model) before zero_grad() clears the gradients"
        return _report(layers, [f"no gradient has arrived at any parameter: {cure}"])
    detached = [
        f"{layer.name} is detached: no gradient has arrived at its {counted(layer.parameters, 'parameter')}; look for "
        "detach(), .data, float() or no_grad() between it and the loss, or it was not used"
        for layer in layers
        if not layer.arrived
    ]
    flows = {layer.name for layer in layers if layer.zeros < 1.0 and layer.arrived}
    dead = [path for path, gradients in neurons.items() if all(g == 0.0 for g in gradients)] if flows else []
    verdicts = []
    for layer, names in _by_layer(dead).items():
        if layer in flows:
            are = "looks dead" if len(names) == 1 else "look dead"
            whose = "its" if len(names) == 1 else "their"
            verdicts.append(
                f"{some(names)} {are}: all gradients of {whose} weights and bias are exactly 0 "
                "(dead ReLU, if that was a whole batch)"
            )
    return _report(layers, [*detached, *_sizes(layers, bool(dead)), *verdicts], dead)


def _report(
    layers: tuple[LayerFlow, ...], verdicts: list[str], dead: Sequence[str] = (), saturated: Sequence[str] = ()
) -> GradientFlow:
    healthy = "healthy: the gradient reaches every layer, and neither vanishes nor explodes"
    return GradientFlow(layers, verdicts or [healthy], not verdicts, tuple(dead), tuple(saturated))


# ----------------------------------------------------------------------------------- sizes


def _layers(leaves: Iterable[Leaf]) -> tuple[LayerFlow, ...]:
    groups: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        groups[layer_of(leaf[0])].append(leaf)
    return tuple(_layer(name, group) for name, group in groups.items())


def _layer(name: str, leaves: list[Leaf]) -> LayerFlow:
    gradients = [gradient for _, _, gradient in leaves if gradient is not None]
    rms, data = _rms(gradients), _rms([number for _, number, _ in leaves])
    return LayerFlow(
        name,
        len(leaves),
        len(gradients),
        rms,
        max((abs(g) for g in gradients if g == g), default=nan if gradients else 0.0),
        gradients.count(0.0) / len(gradients) if gradients else 0.0,
        data,
        rms / data if data else inf if rms else 0.0,
        sum(not isfinite(g) for g in gradients),
        bool(path_of(leaves[0][0])),
    )


def _rms(xs: Sequence[float]) -> float:
    """√(Σx²/n), without overflow or underflow on the way; 0 of nothing."""
    largest = max(map(abs, xs), default=0.0)
    if not all(map(isfinite, xs)):
        return nan
    return largest * sqrt(sum((x / largest) ** 2 for x in xs) / len(xs)) if largest else 0.0


def _sizes(layers: Sequence[LayerFlow], any_dead: bool) -> list[str]:
    """The verdicts on sizes. Where some leaves belong to modules, the others (inputs, say) are no layers."""
    bad = [layer for layer in layers if layer.nonfinite]
    if bad:
        return [
            f"{layer.name}: {layer.nonfinite:,} of {counted(layer.parameters, 'gradient')} "
            f"{'is' if layer.nonfinite == 1 else 'are'} nan or inf; trace_nonfinite(loss) says where that began"
            for layer in bad
        ]
    reached = [layer for layer in layers if layer.arrived]
    if all(layer.rms == 0.0 for layer in reached):
        return ["every gradient is exactly 0: nothing moves, be it a minimum or a flat stretch of the loss"]
    still = [
        f"{layer.name}: all {counted(layer.parameters, 'gradient')} are exactly 0, so it does not learn"
        for layer in reached
        if layer.rms == 0.0 and layer.parameters > 1
    ]
    stopped = any_dead or bool(still)  # then a 0 has a reason of its own
    compared = [layer for layer in reached if layer.in_module] or reached
    trend = _trend([(layer.name, layer.rms) for layer in compared if layer.rms or not stopped])
    return still + (trend or _huge(reached))


def _trend(sizes: Sequence[tuple[str, float]]) -> list[str]:
    if len(sizes) < 2:
        return []
    (first, g), (last, h) = sizes[0], sizes[-1]
    shrinking = sum(a <= b for (_, a), (_, b) in pairwise(sizes)) / (len(sizes) - 1)
    growing = sum(a >= b for (_, a), (_, b) in pairwise(sizes)) / (len(sizes) - 1)
    way = f"from {brief(h)} in {last} to {brief(g)} in {first}"
    if g < VANISHED * h and shrinking >= SAME_WAY:
        cure = "use ReLU, the he or xavier init, normalization or residual connections"
        return [f"vanishing gradient: its rms falls {way}; {cure}"]
    if g > EXPLODED * h and growing >= SAME_WAY:
        return [f"exploding gradient: its rms grows {way}; begin with smaller weights, or clip the gradient"]
    return []


def _huge(layers: Sequence[LayerFlow]) -> list[str]:
    huge = [layer for layer in layers if layer.rms > HUGE * max(1.0, layer.data)]
    if not huge:
        return []
    worst = max(huge, key=lambda layer: layer.rms / max(1.0, layer.data))
    others = f"; {counted(len(huge) - 1, 'other layer')} too" if len(huge) > 1 else ""
    return [
        f"exploding gradient: in {worst.name} its rms is {brief(worst.rms)}, where the numbers have rms "
        f"{brief(worst.data)}{others}; scale the inputs, begin with smaller weights, or clip the gradient"
    ]


# ----------------------------------------------------------------------------------- units


def _units(order: list[Value]) -> tuple[list[str], list[str], list[str]]:
    """The dead ReLUs, the saturated tanhs and sigmoids, and the verdicts on them."""
    units: dict[str, list[Value]] = defaultdict(list)
    weighted = _weighted(order)
    for node in order:
        if node.op and (node.op.name == "relu" or node.op.name in STEEPEST):
            name = node.name or node.parents[0].name
            if not name and node in weighted:  # written by hand: a unit is known by its parameters
                name = module_near(node)
            if name:
                units[_unit_name(name)].append(node)
    dead: dict[str, str] = {}  # and why
    saturated: dict[str, str] = {}
    for name, nodes in units.items():
        if len(nodes) < ENOUGH:
            continue
        op = nodes[0].op.name  # type: ignore[union-attr]
        inputs = [numbers_read(node)[0] for node in nodes]
        slopes = [abs(node.local_derivatives()[0]) for node in nodes]
        if op == "relu" and all(x <= 0.0 for x in inputs):
            dead[name] = f"input was {'below 0' if max(inputs) < 0.0 else 'never above 0'} in all {len(nodes)} examples"
        elif op in STEEPEST and all(slope < SATURATED * STEEPEST[op] for slope in slopes):
            saturated[name] = f"{op} had a slope below {SATURATED} of its largest in all {len(nodes)} examples"
    verdicts = _told(dead, "is a dead ReLU", "are dead ReLUs") + _told(saturated, "is saturated", "are saturated")
    return list(dead), list(saturated), verdicts


def _told(found: dict[str, str], one: str, many: str) -> list[str]:
    verdicts = []
    for layer, names in _by_layer(found).items():
        if len(names) <= 3:
            verdicts += [f"{name} {one}: its {found[name]}" for name in names]
        else:
            verdicts.append(f"{len(names)} units of {layer} {many} ({some(names)}): the first one's {found[names[0]]}")
    return verdicts


def _weighted(order: list[Value]) -> set[Value]:
    """The nodes that a parameter is multiplied with: hidden units, and not the hinges of a loss."""
    return {
        parent
        for node in order
        if node.op and node.op.name in ("mul", "dot") and any(p.requires_grad and not p.op for p in node.parents)
        for parent in node.parents
    }


def _unit_name(name: str) -> str:
    return path_of(name) if path_of(name) and name.endswith((".out", ".z")) else name


def _by_layer(names: Iterable[str]) -> dict[str, list[str]]:
    layers: dict[str, list[str]] = defaultdict(list)
    for name in names:
        layers[layer_of(f"{name}.w" if "neurons[" in name.rpartition(".")[2] else name)].append(name)
    return layers
