"""A scalar reverse-mode automatic differentiation engine.

Read it in this order: `operation` (what an operation is), `ops` (the table of them), `value` (a number that
remembers), `graph` (walks), `steps` (backpropagation that can be watched), `formula` (graphs as text).
"""

from engine.functions import *  # noqa: F403
from engine.graph import edges, leaves, levels, topological_sort
from engine.operation import TABLE, DivisionByZeroError, DomainError, Operation
from engine.value import Value, no_grad, recording
