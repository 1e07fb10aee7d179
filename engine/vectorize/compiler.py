"""vectorize: a scalar graph, recorded once, as a program of arrays.

    x, t = [Value(0.5, "x[0]"), Value(-0.2, "x[1]")], Value(1.0, "t")
    program = vectorize(hinge(model(x), t), inputs=[x, t], parameters=model.parameters())
    losses = program(X, T)                         # X of shape (batch, 2), T of shape (batch,)

The passes: trace, fuse, fold, schedule, lift, emit. Each is a function from plain data to plain data. Read them in that
order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from engine.nested import flat, shape
from engine.operation import TABLE, Operation
from engine.value import Value
from engine.vectorize.arrays import ArrayProgram
from engine.vectorize.batches import Item
from engine.vectorize.bind import Bound, Domain, Unit
from engine.vectorize.code import NEEDED, called
from engine.vectorize.columns import INPUT, PARAMETER, Graph
from engine.vectorize.emit import emit
from engine.vectorize.fold import fold
from engine.vectorize.fuse import fuse
from engine.vectorize.layout import Function
from engine.vectorize.lift import lift
from engine.vectorize.names import Names, common_name
from engine.vectorize.placing import Source
from engine.vectorize.program import Program
from engine.vectorize.report import report
from engine.vectorize.rewrite import Rewrite
from engine.vectorize.schedule import schedule
from engine.vectorize.trace import trace
from engine.vectorize.writer import Line, Written

Draw = tuple[Value, Callable[[], float]]


def vectorize(
    loss: Value,
    inputs: Sequence[Any],
    parameters: Iterable[Any],
    *,
    outputs: Any = None,
    draws: Sequence[Draw] = (),
    dtype: Any = np.float64,
    allow_unused: bool = False,
    unchanged: Callable[[], None] | None = None,
) -> Program:
    """The graph of `loss` as array code, to be run with other inputs, for a whole batch at once.

    inputs      one item for each array of a call: a Value, or nested lists of them (the shape of one example). An
                input that is used as the index of `take` is given as an array of integers.
    parameters  the leaves with respect to which gradients are wanted, nested or not
    outputs     Values, nested or not, that `program.predict` gives
    draws       (leaf, sample) for each random number in the graph: drawn anew for each example of each call
    dtype       float64 or float32
    allow_unused  whether a tensor of parameters may be missing from the graph; its gradient is 0
    unchanged   called by pull and push; raises RuntimeError if the model that was traced is another now

    All other leaves are constants. So is a number that Python read from a Value on the way (`x.data`, an `if`): a
    finished graph does not show that. `vectorize_model`, which traces other examples, too, finds most of it.

    Raises:
        TypeError: for an input or parameter that is no Value.
        ValueError: for one that is not in the graph, is given twice, or was computed; for rows of different lengths, or
            another dtype.
        RuntimeError: if a node was changed after it was computed.

    >>> w, x = Value(3.0, "w"), Value(2.0, "x")
    >>> program = vectorize((w * x - 1) ** 2, inputs=[x], parameters=[w])
    >>> program([0.0, 1.0]).tolist()
    [1.0, 4.0]
    >>> value, gradient = program.value_and_grad([0.0, 1.0])
    >>> value, gradient.tolist()
    (2.5, [2.0])
    """
    draws = [] if draws is None else list(draws)
    parameters = list(parameters) if not isinstance(parameters, Value) else [parameters]
    leaves = flat(parameters)
    wanted = flat(outputs) if outputs is not None else []
    _check(loss, inputs, leaves, wanted, draws, dtype)
    size = shape(outputs) if wanted else None
    if wanted and size is None:
        raise ValueError("outputs has rows of different lengths; give one flat list of Values")
    given = [flat(item) for item in inputs]
    drawn = [leaf for leaf, _ in draws]
    constants: list[Value] = []
    graph = trace([loss, *wanted], [leaf for item in given for leaf in item] + drawn, leaves, constants)
    tensors, tensor_name = _tensors(parameters, leaves)
    _check_found(graph, given, leaves, None if allow_unused else tensors)
    _check_names(graph)
    nodes = len(graph)
    graph = fuse(graph)
    graph, varies = fold(graph)
    once = int(((varies == 1) & (graph.code >= 0)).sum())

    names = Names(NEEDED | TABLE.keys() | {f"{called(op)}{end}" for op in graph.ops for end in _ENDINGS})
    items = _items(graph, inputs, given, draws, names)
    sources = [Source("parameters", "parameters", (len(leaves),), tensors)]
    sources += [Source("index" if item.whole else "input", item.name, item.shape) for item in items]
    trainable = np.array([leaf.requires_grad for leaf in leaves], bool)
    making = _Making(items, sources, names, tensor_name, trainable, dtype)
    mine = names.copy()
    program = lift(graph, schedule(graph), sources, mine)
    ops = [op for op in graph.ops if isinstance(op, Operation)]
    fast, needed = making.unit(program, ops, mine.copy(), True, size, careful=False)
    # The careful counterpart is made when it is needed: of the graph, unless it would have the same arrays.
    apart = program.padded or program.skips or bool(wanted)
    careful = (
        partial(making.careful, graph.packed(), size)
        if apart
        else lambda asked: making.unit(program, ops, mine.copy(), True, None, careful=True)[0]
    )
    bound = Bound(fast, careful, needed, dtype, apart, program.skips)
    return Program(items, leaves, bound, report(nodes, once, program), constants, dtype, unchanged)


_ENDINGS = ("", "_backward", *(f"_slope{i}" for i in range(8)))


# ------------------------------------------------------------------------------ what is given


def _check(
    loss: Any, inputs: Any, parameters: Sequence[Any], outputs: Sequence[Any], draws: Sequence[Any], dtype: Any
) -> None:
    if not isinstance(loss, Value):
        raise TypeError(f"the loss is a Value, not {loss!r}; of a list take the sum or mean")
    if isinstance(inputs, Value) or not isinstance(inputs, list | tuple):
        raise TypeError(f"inputs is a list with one item for each array of a call, such as [x, t], not {inputs!r}")
    seen: dict[Value, str] = {}
    groups = [(f"inputs[{i}]", flat(item)) for i, item in enumerate(inputs)] + [("parameters", parameters)]
    for what, leaves in groups:
        for leaf in leaves:
            if not isinstance(leaf, Value):
                raise TypeError(
                    f"{what} holds {leaf!r}, which is no Value; the graph must be built with a Value in its place"
                )
            if leaf in seen:
                where = f"in {seen[leaf]} and in {what}" if seen[leaf] != what else f"in {what}"
                raise ValueError(f"{_said(leaf)} is given twice, {where}; give it once")
            if leaf.parents:
                raise ValueError(
                    f"{_said(leaf)}, in {what}, was computed from others; give the leaf that it comes from"
                )
            seen[leaf] = what
    for draw in draws:
        if not (isinstance(draw, tuple) and len(draw) == 2 and isinstance(draw[0], Value) and callable(draw[1])):
            raise TypeError(f"draws holds pairs (leaf, sample), sample a function without arguments, not {draw!r}")
        if draw[0] in seen or draw[0].parents:
            raise ValueError(f"{_said(draw[0])}, in draws, is {'computed' if draw[0].parents else 'given twice'}")
        seen[draw[0]] = "draws"
    for value in outputs:
        if not isinstance(value, Value):
            raise TypeError(f"outputs holds {value!r}, which is no Value; give what the model computed")
    try:
        known = np.dtype(dtype) in (np.dtype(np.float64), np.dtype(np.float32))
    except TypeError:
        known = False
    if not known:
        raise ValueError(f"dtype is float64 or float32, not {dtype!r}")


def _said(leaf: Value) -> str:
    return f"the Value {leaf.name!r}" if leaf.name else repr(leaf)


def _check_found(graph: Graph, given: Sequence[Sequence[Value]], leaves: Sequence[Value], tensors: Any) -> None:
    """Each input, and of each tensor of parameters at least one entry, must be somewhere in the graph."""
    found = set(graph.place[graph.code == INPUT].tolist())
    begin = 0
    for i, item in enumerate(given):
        if found.isdisjoint(range(begin, begin + len(item))):
            name = f" ({_said(item[0])}{', ...' if len(item) > 1 else ''})" if item else ""
            raise ValueError(
                f"the loss does not depend on inputs[{i}]{name}: it is not in the graph; "
                "were other Values used in its place?"
            )
        begin += len(item)
    if tensors is None:
        return
    there = set(tensors[graph.place[graph.code == PARAMETER]].tolist())
    for leaf, tensor in zip(leaves, tensors.tolist(), strict=True):
        if tensor not in there:
            raise ValueError(
                f"the loss does not depend on {_said(leaf)}, one of the parameters: it is not in the graph. "
                "Leave it out, or allow_unused=True gives it the gradient 0"
            )


def _check_names(graph: Graph) -> None:
    """An operation that was defined anew under its old name is another: source could not tell them apart."""
    names = [op.name for op in graph.ops]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"the graph holds two operations of the name {name!r}: it was defined anew (replace=True) in between; "
                "build the graph again, all of it"
            )


def _items(graph: Graph, inputs: Sequence[Any], given: Any, draws: Sequence[Draw], names: Names) -> list[Item]:
    """The items, with names from their Values: x for x[0], x[1], ..., and X for the array that is given."""
    items = []
    numbers = _used_as_numbers(graph, sum(map(len, given)) + len(draws))
    begin = 0
    for i, (item, leaves) in enumerate(zip(inputs, given, strict=True)):
        own = shape(item)
        if own is None:
            raise ValueError(f"inputs[{i}] has rows of different lengths; give each row as an item of its own")
        wish = common_name([leaf.name for leaf in leaves]) or ("x" if i == 0 else "t" if i == len(inputs) - 1 else "u")
        name = names.new(wish)
        argument = names.new(name.upper() if name.upper() != name else f"{name}_batch") if own else name
        whole = not numbers[begin : begin + len(leaves)].any()
        items.append(Item(name, argument, own, whole))
        begin += len(leaves)
    if draws:
        name = names.new(common_name([leaf.name for leaf, _ in draws]) or "drawn")
        samples = [sample for _, sample in draws]
        items.append(Item(name, names.new(f"{name}_drawn"), (len(draws),), samples=samples))
    return items


def _used_as_numbers(graph: Graph, count: int) -> Any:
    """(inputs,) whether an input is an operand like any other, and not only the index of take."""
    index = np.zeros(len(graph.parent), bool)
    for i, op in enumerate(graph.ops):
        if op.name == "take" and isinstance(op, Operation):
            index[graph.first[1:][graph.code == i] - 1] = True
    used = np.zeros(len(graph), bool)
    used[graph.parent[~index]] = True
    used[graph.roots] = True
    indexed = np.zeros(len(graph), bool)
    indexed[graph.parent[index]] = True
    inputs = graph.code == INPUT
    result = np.ones(count, bool)
    result[graph.place[inputs]] = used[inputs] | ~indexed[inputs]
    return result


def _tensors(parameters: Sequence[Any], leaves: Sequence[Value]) -> tuple[Any, Callable[[Any, str], str]]:
    """(which tensor each parameter belongs to, a name for places): by their names, or by how they are nested."""
    stems = [leaf.name.rstrip("[]0123456789") if leaf.name else "" for leaf in leaves]
    if not all(stems):  # the place in the nested list says it
        before: Any = ...  # of no item
        begin = 0
        for i, item in enumerate(parameters):
            own, count = shape(item), len(flat(item))
            if own != before or (own and len(own) > 1):  # rows of one length are a matrix
                nested = f"{i}"
            before = own
            stems[begin : begin + count] = [stem or nested for stem in stems[begin : begin + count]]
            begin += count
    labels = {stem: stem.translate(_NO_DIGITS) if not stem.isdigit() else stem for stem in dict.fromkeys(stems)}
    number = {label: i for i, label in enumerate(dict.fromkeys(labels.values()))}
    tensor = {stem: number[label] for stem, label in labels.items()}

    def name(places: Any, unnamed: str) -> str:
        chosen = np.asarray(places).reshape(-1)
        chosen = chosen[chosen < len(leaves)]  # beyond them there is none: a gap in a list
        some = [leaves[i].name for i in (chosen[0], chosen[len(chosen) // 2], chosen[-1])]
        found = common_name(some)
        matrix = np.ndim(places) > 1
        if not found:
            return unnamed.upper() if matrix else unnamed
        stem, _, last = found.rpartition("_")
        return f"{stem}_{last.upper()}".lstrip("_") if matrix and len(last) == 1 else found

    return np.array([tensor[stem] for stem in stems], np.int64), name


_NO_DIGITS = str.maketrans("", "", "0123456789")


# ------------------------------------------------------------------------------ functions


@dataclass(frozen=True)
class _Making:
    """What every function of a program is made with."""

    items: Sequence[Item]
    sources: Sequence[Source]
    names: Names
    tensor_name: Callable[[Any, str], str]
    trainable: Any
    dtype: Any

    def unit(
        self, program: ArrayProgram, ops: Sequence[Operation], names: Names, loss: bool, outputs: Any, careful: bool
    ) -> tuple[Unit, list[int]]:
        """The function of a program of arrays, and the items that its outputs need."""
        trainable = None if self.trainable.all() else self.trainable
        written = emit(program, names, self.tensor_name, loss, outputs, careful, trainable)
        needed = _needed(written, self.items) if outputs is not None else list(range(len(self.items)))
        function = Function(*_head(self.items, written, needed), written)
        return Unit(function, _domains(program), ops, self.dtype, careful), needed

    def careful(self, graph: Graph, size: Any, asked: str) -> Unit:
        """The function for what is asked for alone, without rectangles, every domain checked."""
        loss, shown = asked != "outputs", asked in ("outputs", "all")
        roots = graph.roots[not loss : None if shown else 1]
        pruned = Rewrite(replace(graph.unpacked(), roots=roots)).finish()
        names = self.names.copy()
        program = lift(pruned, schedule(pruned), self.sources, names, rectangles=False)
        ops = [op for op in pruned.ops if isinstance(op, Operation)]
        return self.unit(program, ops, names, loss, size if shown else None, careful=True)[0]


def _domains(program: ArrayProgram) -> dict[int, Domain]:
    """What each statement with a domain, or with an index, needs for its message."""
    return {
        i: Domain(s.op, target.real, s.names or (None,) * len(s.operands), target.shape, target.varies)
        for i, s in enumerate(program.statements)
        if isinstance(s.op, Operation) and (s.op.domain is not None or s.op.name == "take")
        for target in [program.arrays[s.target]]
    }


def _head(items: Sequence[Item], written: Written, needed: Sequence[int]) -> tuple[tuple[str, ...], list[Line]]:
    """The arguments of the function, and its first lines, which put the batch last.

    What the outputs do not need need not be given for them: it is looked at behind them.
    """
    words = _words([*(line.code for line in written.lines), *written.returns])
    first: list[Line] = []
    later: list[Line] = []
    for i, item in enumerate(items):
        if item.shape and item.name in words:
            axes = ", ".join(map(str, (*range(1, len(item.shape) + 1), 0)))
            code = f"{item.argument}.T" if len(item.shape) == 1 else f"{item.argument}.transpose({axes})"
            line = Line(item.name, code, f"({', '.join(map(str, item.shape))}, batch)")
            (first if i in needed else later).append(line)
    if "batch" in words:
        first.insert(0, Line("batch", f"len({items[needed[0]].argument})" if items else "1"))
    if later:
        written.lines[written.stops[0] : written.stops[0]] = later
        written.stops[1:] = [stop + len(later) for stop in written.stops[1:]]
    return tuple(item.argument for item in items), first


def _needed(written: Written, items: Sequence[Item]) -> list[int]:
    """Which items the outputs need."""
    words = _words([*(line.code for line in written.lines[: written.stops[0]]), written.returns[0]])
    needed = [i for i, item in enumerate(items) if item.name in words or item.argument in words]
    return needed if needed or not items else [0]


def _words(codes: Iterable[str]) -> set[str]:
    """The names in code, without those of attributes."""
    return set(re.findall(r"(?<![\w.])\w+", " ".join(codes)))
