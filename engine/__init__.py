"""A scalar reverse-mode automatic differentiation engine.

Read it in this order: `operation` (what an operation is), `ops` (the table of them), `value` (a number that
remembers), `graph` (walks), `steps` (backpropagation that can be watched), `formula` (graphs as text).
"""

from engine.formula import formula
from engine.functions import *  # noqa: F403
from engine.graph import edges, leaves, levels, topological_sort
from engine.operation import TABLE, DivisionByZeroError, DomainError, Operation
from engine.steps import Explanation, Path, Step, backward_steps, explain
from engine.value import Value, no_grad, recording
