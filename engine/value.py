"""Value: a number that remembers how it was computed, and so can say how it changes.

    x = Value(2.0, name="x")
    y = x * x + 1          # y.data is 5.0
    y.backward()           # x.grad is 4.0: dy/dx = 2x

Each operation makes a new node. The node keeps its history: which nodes it was computed from, which numbers
it read from them, and which number it made. Backpropagation walks the histories from the last node to the
leaves and multiplies the local derivatives on the way (the chain rule), adding where paths meet. As
the history holds the numbers themselves, changing a leaf's data later cannot change a gradient.

The local derivatives come from the table in `engine.ops`. Read `engine.steps` next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from engine import ops, origin
from engine.backward import ADD, MUL, backward_order, sweep, sweep_graph
from engine.graph import topological_sort
from engine.methods import Methods
from engine.operation import Operation, as_float

SUB, DIV, POW, NEG = (function.op for function in (ops.sub, ops.div, ops.pow, ops.neg))
new = object.__new__


class Value(Methods):
    """A node of a computation graph: a number, and how it came about.

    data      the number, a float
    grad      d(root)/d(this), after root.backward(); 0.0 before (`has_grad` tells the two apart)
    op        the operation that made it, None for a leaf
    parents   the nodes it was computed from, in order; x * x has two
    name      a name for drawings and messages, or None

    Operators and functions mix Values with int, float, bool, NumPy scalars and Fraction. `==` is identity;
    `<`, `>`, `<=`, `>=` compare data and give a bool.

    Raises:
        TypeError: for data that is not a real number.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_history", "name", "op")
    __array_ufunc__ = None  # so that NumPy's scalars and arrays leave `number * value` to us
    __hash__: ClassVar[Any] = object.__hash__

    # What the history holds: (*parents, *their data, own data) of a computed node, () of a leaf,
    # None of a leaf that takes no gradient. One tuple, since memory is what bounds the size of a graph.
    _history: tuple[Any, ...] | None

    def __init__(self, data: Any, name: str | None = None, *, requires_grad: bool = True) -> None:
        if isinstance(data, Value):
            raise TypeError("this is a Value already; for a new leaf with its number use value.detach()")
        if not (name is None or isinstance(name, str)):
            raise TypeError(f"a name is a string, not {name!r}; Value takes (data, name)")
        self._data = z = as_float(data)
        self._grad: Any = None
        self._history = () if requires_grad else None
        self.name = name
        self.op: Operation | None = None
        if z - z and requires_grad:
            origin.note(self)

    # ------------------------------------------------------------------ the node

    @property
    def data(self) -> float:
        """The number. Setting it changes what is computed from now on, not what was."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        self._data = as_float(number.item() if isinstance(number, Value) else number)
        origin.note(self)

    @property
    def grad(self) -> Any:
        """d(root)/d(this): a float; a Value after backward(create_graph=True); 0.0 where none has arrived."""
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        self._grad = gradient if gradient is None or isinstance(gradient, Value) else as_float(gradient)

    @property
    def has_grad(self) -> bool:
        """Whether a gradient has arrived (or was set) since the last zero_grad."""
        return self._grad is not None

    @property
    def parents(self) -> tuple[Value, ...]:
        """The nodes this one was computed from, in the order of the operands; () for a leaf."""
        history = self._history
        return history[: len(history) // 2] if history else ()

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are wanted. False for a plain number met in arithmetic, and for a frozen leaf."""
        return self._history is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self._history:
            raise ValueError("only a leaf can be frozen; for the number without its history use value.detach()")
        self._history = () if wanted else None
        self._grad = None

    def item(self) -> float:
        """The number, as `data`."""
        return self._data

    def detach(self) -> Value:
        """A new leaf with the same number and name, which takes no gradient and passes none on."""
        return Value(self._data, self.name, requires_grad=False)

    @staticmethod
    def record(op: Operation, operands: Sequence[Any]) -> Value:
        """The result of an operation on Values and plain numbers, as a new node.

        Raises:
            DomainError: where the operation has no value; it names the operands and their nodes.
            TypeError: for an operand that is neither.
        """
        for x in operands:
            if x.__class__ is not Value:
                operands = [_operand(x) for x in operands]
                break
        numbers = [x._data for x in operands]
        z = op.evaluate(numbers, operands)
        return _node(op, z, (*operands, *numbers, z))

    # ------------------------------------------------------------- backpropagation

    def backward(self, *, create_graph: bool = False) -> None:
        """Set `grad` of this node to 1 and of every node it was computed from to d(this)/d(node).

        In reverse topological order, each node passes to each parent its own gradient times the local
        derivative, and the parent adds up what arrives: x.grad += z.grad · ∂z/∂x. Interior nodes begin
        at 0; a leaf keeps what it had, and the new gradient is added (call `zero_grad` between steps).

        With `create_graph=True` the gradients are Values with graphs of their own, to be differentiated
        again. Such graphs refer to their nodes, so only Python's cyclic collector frees them.

        Raises:
            RuntimeError: with `create_graph`, if a node's data was changed since it was used.

        >>> x = Value(3.0)
        >>> (x**3).backward()
        >>> x.grad
        27.0
        """
        order = backward_order(self)
        before = [(node, node._grad) for node in order if not node._history]
        try:
            if create_graph:
                sweep_graph(order, Value(1.0, requires_grad=False), Value(0.0, requires_grad=False))
            else:
                sweep(order)
        except BaseException:
            for node in order:
                node._grad = None
            for leaf, gradient in before:
                leaf._grad = gradient
            raise
        for leaf, gradient in before:
            if leaf._history is None:
                leaf._grad = None
            elif gradient is not None:
                leaf._grad = gradient + leaf._grad

    def local_derivatives(self) -> Sequence[float]:
        """∂this/∂parent for each parent, from the numbers that were read when this node was computed.

        >>> (Value(2.0) * Value(5.0)).local_derivatives()
        (5.0, 2.0)
        """
        history = self._history
        if not history:
            return ()
        return self.op.slopes(history[-1], history[len(history) // 2 : -1])  # type: ignore[union-attr]

    def zero_grad(self) -> None:
        """Clear the gradients of this node and of every node it was computed from."""
        for node in topological_sort(self):
            node._grad = None

    # ------------------------------------------------------------------- operators
    # + - * / are written for speed, as the table's records say them; a test holds them to the table.

    def __add__(self, other: Any) -> Value:
        if other.__class__ is not Value:
            other = _operand(other)
        x, y = self._data, other._data
        z = x + y
        return _node(ADD, z, (self, other, x, y, z))

    def __sub__(self, other: Any) -> Value:
        if other.__class__ is not Value:
            other = _operand(other)
        x, y = self._data, other._data
        z = x - y
        return _node(SUB, z, (self, other, x, y, z))

    def __mul__(self, other: Any) -> Value:
        if other.__class__ is not Value:
            other = _operand(other)
        x, y = self._data, other._data
        z = x * y
        return _node(MUL, z, (self, other, x, y, z))

    def __truediv__(self, other: Any) -> Value:
        if other.__class__ is not Value:
            other = _operand(other)
        x, y = self._data, other._data
        if not y:
            return self.record(DIV, (self, other))
        z = x / y
        return _node(DIV, z, (self, other, x, y, z))

    def __pow__(self, other: Any) -> Value:
        return self.record(POW, (self, other))

    def __radd__(self, other: Any) -> Value:
        return _operand(other) + self

    def __rsub__(self, other: Any) -> Value:
        return _operand(other) - self

    def __rmul__(self, other: Any) -> Value:
        return _operand(other) * self

    def __rtruediv__(self, other: Any) -> Value:
        return _operand(other) / self

    def __rpow__(self, other: Any) -> Value:
        return self.record(POW, (other, self))

    def __neg__(self) -> Value:
        return self.record(NEG, (self,))

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return ops.abs(self)

    # --------------------------------------------------------- comparing and printing

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value) or not _is_number(other):
            return self is other
        raise TypeError("== between a Value and a number: compare value.data, or use equal(x, y) in a graph")

    def __lt__(self, other: Any) -> bool:
        return self._data < _number(other)

    def __le__(self, other: Any) -> bool:
        return self._data <= _number(other)

    def __gt__(self, other: Any) -> bool:
        return self._data > _number(other)

    def __ge__(self, other: Any) -> bool:
        return self._data >= _number(other)

    def __bool__(self) -> bool:
        raise TypeError("a Value is neither true nor false: test value.data, or use where(greater(x, 0), a, b)")

    def __float__(self) -> float:
        return self._data

    def __int__(self) -> int:
        return int(self._data)

    def __round__(self, digits: int | None = None) -> float:
        return round(self._data, digits)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        gradient = "" if self._grad is None else f", grad={self._grad!r}"
        return f"Value({self._data!r}{gradient}{name})"

    # ----------------------------------------------------------------------- copying

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        for node in topological_sort(self):  # parents first, so no copy recurses
            if id(node) not in memo:
                memo[id(node)] = copy = new(Value)
                copy._data, copy._history, copy.name, copy.op = node._data, node._history, node.name, node.op
                copy._grad = node._grad.item() if isinstance(node._grad, Value) else node._grad
                if node._history:
                    parents = node.parents
                    copy._history = (*(memo[id(parent)] for parent in parents), *node._history[len(parents) :])
        return memo[id(self)]  # type: ignore[no-any-return]

    def __copy__(self) -> Value:
        return self.__deepcopy__({id(parent): parent for parent in topological_sort(self) if parent is not self})

    def __reduce__(self) -> tuple[Any, ...]:
        if self._history:
            raise TypeError(
                "a computed Value is not pickled: send value.item(), pickle the leaves, "
                "or copy the graph with copy.deepcopy"
            )
        gradient = self._grad.item() if isinstance(self._grad, Value) else self._grad
        return _leaf, (self._data, gradient, self.name, self.requires_grad)


def _node(op: Operation, z: float, history: tuple[Any, ...]) -> Value:
    """A new node, or only its number where nothing is recorded. Where nan or inf is born, its line is noted."""
    node = new(Value)
    node._data = z
    node._grad = node.name = None
    node._history, node.op = history, op
    if _closely or z - z != 0.0:  # x − x is 0 of a number, and nan of inf and nan
        if _paused.depth:
            node._history = node.op = None
        if origin.watching or z - z != 0.0:
            origin.note(node, history)
    return node


def _operand(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x, requires_grad=False)


def _number(x: Any) -> float:
    return x._data if isinstance(x, Value) else as_float(x)


def _is_number(x: object) -> bool:
    try:
        as_float(x)
    except TypeError:
        return False
    return True


def _leaf(data: float, gradient: float | None, name: str | None, requires_grad: bool) -> Value:
    leaf = Value(data, name, requires_grad=requires_grad)
    leaf._grad = gradient
    return leaf


# ------------------------------------------------------------------------- what is recorded

_closely = 0  # blocks of no_grad and source_lines, in all threads: while there is none, recording costs one test
_lock = threading.Lock()


class _Paused(threading.local):
    depth = 0


_paused = _Paused()


@contextmanager
def closely() -> Iterator[None]:
    """Inside, every new node is looked at: is it recorded, is its line noted?"""
    global _closely
    with _lock:
        _closely += 1
    try:
        yield
    finally:
        with _lock:
            _closely -= 1


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, operations give plain results and record nothing (this thread's operations only).

    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.parents
    ()
    """
    with closely():
        _paused.depth += 1
        try:
            yield
        finally:
            _paused.depth -= 1
