"""Derivatives of functions: of any order, by nesting, in either direction.

    grad(f)(x)          ∇f(x), one reverse sweep              jacobian(f)(x)    J, one reverse sweep for each output
    hvp(f, x, v)        H·v, forward over reverse             hessian(f)(x)     H, forward over reverse
    jvp(f, x, v)        (f(x), J·v), one forward sweep        vjp(f, x)         (f(x), u ↦ Jᵀ·u), one reverse sweep

The names, the arguments and the forms of the results are those of JAX. A function takes Values, alone or in nested
lists, tuples and dicts; it is called with numbers in the same nesting, or with NumPy arrays, which reach it as nested
lists. Numbers give numbers. Called with Values, or within another derivative, the results are Values: graphs, which can
be drawn, printed and differentiated again.

Each derivative computes f at nodes of its own, made for it alone (x · 1, where x is a Value), and follows only the
paths between these and the result. So a derivative within a derivative never mistakes the outer variable for its own
(perturbation confusion; Siskind and Pearlmutter 2005), and no `grad` of any node is read or written.

Inside no_grad() a derivative is right as ever, but what it gives has no history (as in torch.func); no_grad() within f
makes a constant of what is computed there.

Source: Griewank and Walther, Evaluating Derivatives, 2nd edition, 2008, chapters 3 (the sweeps) and 5 (second order).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.backward import in_graphs_and_poles
from engine.computed import computed, mode_of, one_number, rows_forward, same_form
from engine.nested import Tree, flat, rebuilt


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Tree]:
    """∇f = (∂f/∂x₀, ∂f/∂x₁, ...): the function that gives the gradient of f.

    argnums  which argument to differentiate by: its position, or a tuple of positions, which gives a tuple

    The gradient has the form of the argument: a float for a number, a list for a list, an array for an array. f gives
    one number; where it does not depend on x, the gradient is 0.0. Other arguments reach f as they are.

    Raises:
        TypeError: if f gives something else (a list has a `jacobian`), or for an argument that holds no numbers.
        ValueError: if there is no argument at a position.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda w, x: w[0] * x + w[1])([3.0, 4.0], 5.0)
    [5.0, 1.0]
    """
    gradient = value_and_grad(f, argnums)
    return _named("grad", f, lambda *args, **named: gradient(*args, **named)[1])


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., tuple[Any, Tree]]:
    """(f, ∇f), from one computation of f; arguments and errors are those of `grad`.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """

    def both(*args: Any, **named: Any) -> tuple[Any, Tree]:
        at = computed(f, args, named, argnums)
        y = one_number(at.output)
        return at.result(y), at.per_argument(at.pulled([y], [1.0]))

    return _named("value_and_grad", f, both)


def jacobian(f: Callable[..., Tree], argnums: int | tuple[int, ...] = 0) -> Callable[..., Tree]:
    """Jᵢⱼ = ∂fᵢ/∂xⱼ: the function that gives the Jacobian of f, by one reverse sweep for each output.

    Each output of f is replaced by its gradient: lists of m outputs and n inputs give m lists of n. Where an array is
    given, the result is an array of shape f(x).shape + x.shape. A tuple or dict that f gives stays one, and a tuple of
    `argnums` gives a tuple.

    Raises:
        TypeError, ValueError: as in `grad`.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + 1, 7.0])([2.0, 5.0])
    [[5.0, 2.0], [1.0, 0.0], [0.0, 0.0]]
    """

    def rows(*args: Any, **named: Any) -> Tree:
        at = computed(f, args, named, argnums)
        return at.product(at.output, [at.pulled([y], [1.0]) for y in flat(at.output)])

    return _named("jacobian", f, rows)


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Tree]:
    """Hᵢⱼ = ∂²f/∂xᵢ∂xⱼ: the function that gives the Hessian of f, exact to rounding.

    The gradient is a graph, found by a reverse sweep, and a forward sweep over it carries all directions at once. A
    number gives a float, n numbers n lists of n, an array of shape (a, b) one of shape (a, b, a, b), and a tuple of
    `argnums` a tuple of tuples of blocks. At a kink second derivatives are those of the pieces: relu″(0) = 0.

    Raises:
        TypeError, ValueError: as in `grad`.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """

    def second(*args: Any, **named: Any) -> Tree:
        if mode_of(*args, *named.values()).values:
            return jacobian(grad(f, argnums), argnums)(*args, **named)
        at = computed(f, args, named, argnums)
        gradient = at.pulled([one_number(at.output)], [1.0], in_graphs_and_poles)
        rows = rows_forward(gradient, at.inputs) or [at.pulled([g], [1.0]) for g in gradient]
        return at.product(at.differentiated if at.is_tuple else at.differentiated[0], rows)

    return _named("hessian", f, second)


def jvp(f: Callable[..., Tree], primals: Tree, tangents: Tree) -> tuple[Tree, Tree]:
    """(f(x), J·v): the value, and its derivative along v, by one forward sweep.

    primals   x: the tuple of the arguments of f; anything else is its one argument
    tangents  v: the same form, a number for each number

    Along each edge ż += ∂z/∂x · ẋ. A number of f that does not depend on x has the tangent 0.0.

    Raises:
        ValueError: if primals and tangents differ in form.

    >>> jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 10.0))
    (10.0, 25.0)
    >>> jvp(lambda x: [x[0] * x[1], x[0]], [2.0, 5.0], [1.0, 10.0])
    ([10.0, 2.0], [25.0, 1.0])
    """
    args, directions = _arguments("jvp", primals, tangents)
    at = computed(f, args, {}, tuple(range(len(args))), *directions)
    return at.outputs(), rebuilt(at.output, at.pushed(flat(at.output), flat(list(directions))))


def vjp(f: Callable[..., Tree], *primals: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """(f(x), u ↦ Jᵀ·u): the value, and the function that pulls a cotangent back to the arguments of f.

    The cotangent has the form of f(x), a number for each number; the pullback gives a tuple with one item for each
    argument, in its form. It can be called any number of times.

    Raises:
        ValueError: by the pullback, if the cotangent has another form than f(x).

    >>> value, pullback = vjp(lambda x, y: [x * y, x], 2.0, 5.0)
    >>> value, pullback([1.0, 10.0])
    ([10.0, 2.0], (15.0, 2.0))
    """
    at = computed(f, primals, {}, tuple(range(len(primals))))

    def pullback(cotangent: Tree) -> tuple[Tree, ...]:
        same_form("the cotangent", cotangent, "the output", at.output)
        here = at.with_mode(mode_of(cotangent))
        return tuple(here.per_argument(here.pulled(flat(at.output), flat(cotangent))))

    return at.outputs(), pullback


def hvp(f: Callable[..., Any], primals: Tree, tangents: Tree) -> Tree:
    """H·v = d/dt ∇f(x + t·v) at t = 0: the Hessian times a direction, without the Hessian.

    primals   x: a tuple of the arguments of f; anything else is its one argument
    tangents  v: the same form, a number for each number

    A forward sweep over the graph of the gradient: a few times the cost of f, however many inputs there are
    (Pearlmutter, Fast exact multiplication by the Hessian, 1994). One argument gives the product in its form, several
    give a tuple.

    Raises:
        TypeError: if f does not give one number.
        ValueError: if primals and tangents differ in form.

    >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    args, directions = _arguments("hvp", primals, tangents)
    at = computed(f, args, {}, tuple(range(len(args))), *directions)
    gradient = at.pulled([one_number(at.output)], [1.0], in_graphs_and_poles)
    products = at.per_argument(at.pushed(gradient, flat(list(directions))))
    return products if len(args) > 1 else products[0]


def _named(kind: str, f: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{kind} takes a function and gives another, as in {kind}(f)(x), and not {f!r}")
    function.__name__ = function.__qualname__ = f"{kind}({getattr(f, '__name__', type(f).__name__)})"
    return function


def _arguments(name: str, primals: Tree, tangents: Tree) -> tuple[tuple[Tree, ...], tuple[Tree, ...]]:
    """The arguments and their directions, each in a tuple."""
    same_form(f"{name}: the tangent", tangents, "the primal", primals)
    return (primals, tuple(tangents)) if isinstance(primals, tuple) else ((primals,), (tangents,))
