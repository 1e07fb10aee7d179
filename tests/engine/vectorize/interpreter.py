"""A Graph computed by plain Python, node after node: what the passes must not change."""

from __future__ import annotations

from math import exp, fsum, nan

from engine.operation import floats
from engine.vectorize.columns import CONSTANT, DOT, ELEMENT, INPUT, LOG_SOFTMAX, SHARES, SOFTMAX, check


def numbers(graph, inputs=None, parameters=None, precise=False):
    """The number of each node (a list, of a list), with other inputs and parameters than those traced.

    A DOT adds its terms one after the other, the products first; or, if precise, rounds their sum once.
    """
    check(graph)
    known = []
    for i, code in enumerate(graph.code.tolist()):
        xs = [known[parent] for parent in graph.parents(i).tolist()]
        place = int(graph.place[i])
        if code < 0:
            given = None if code == CONSTANT else inputs if code == INPUT else parameters
            known.append(float(graph.number[i]) if given is None else given[place])
        elif (op := graph.ops[code]) is DOT:
            n = int(graph.pairs[i])
            terms = [w * x for w, x in zip(xs[:n], xs[n : 2 * n], strict=True)] + xs[2 * n :]
            total = fsum(terms) if precise else terms[0] if terms else 0.0
            for term in [] if precise else terms[1:]:
                total = total + term
            known.append(total)
        elif op is ELEMENT:
            known.append(xs[0][place])
        elif op is SHARES:
            exps = [exp(x - max(xs)) for x in xs]
            known.append([e / sum(exps) for e in exps])
        elif op in (SOFTMAX, LOG_SOFTMAX):
            known.append(getattr(floats, op.name)(xs))
        else:
            known.append(op.evaluate(xs))
    return known


def wanted(graph, *given, **how):
    """The numbers of the roots."""
    known = numbers(graph, *given, **how)
    return [known[root] if known else nan for root in graph.roots.tolist()]


def count(graph, op):
    """How many nodes an operation of the table (by its name) or a form made."""
    return sum(1 for code in graph.code.tolist() if code >= 0 and op in (graph.ops[code], graph.ops[code].name))
