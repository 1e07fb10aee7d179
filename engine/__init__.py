"""A scalar reverse-mode automatic differentiation engine.

Read it in this order: `operation` (what an operation is), `ops` (the table of them), `value` (a number that
remembers), `backward` (the chain rule along every edge), `graph` (walks), `steps` (backpropagation that can be
watched), `formula` and `notation` (graphs written out), `derivatives` (of every order), `replay`, `differences` and
`numeric` (a second opinion, from NumPy), `gradcheck` and `checking` (is a gradient right), `health` (where nan began),
`vectorize` (the same graph as array code).
"""

from engine.checking.report import Cause as Cause
from engine.checking.report import Entry as Entry
from engine.checking.report import GradReport as GradReport
from engine.derivatives import grad as grad
from engine.derivatives import hessian as hessian
from engine.derivatives import hvp as hvp
from engine.derivatives import jacobian as jacobian
from engine.derivatives import jvp as jvp
from engine.derivatives import value_and_grad as value_and_grad
from engine.derivatives import vjp as vjp
from engine.formula import derivative_formula as derivative_formula
from engine.formula import formula as formula
from engine.functions import *  # noqa: F403
from engine.gradcheck import check_grads as check_grads
from engine.gradcheck import compare as compare
from engine.gradcheck import compare_function as compare_function
from engine.gradcheck import locate as locate
from engine.graph import edges as edges
from engine.graph import leaves as leaves
from engine.graph import levels as levels
from engine.graph import topological_sort as topological_sort
from engine.health import gradient_flow as gradient_flow
from engine.health import source_lines as source_lines
from engine.health import trace_nonfinite as trace_nonfinite
from engine.numeric import Difference as Difference
from engine.numeric import central_differences as central_differences
from engine.operation import TABLE as TABLE
from engine.operation import DivisionByZeroError as DivisionByZeroError
from engine.operation import DomainError as DomainError
from engine.operation import Operation as Operation
from engine.operation import define_op as define_op
from engine.recording import recording as recording
from engine.replay import replay as replay
from engine.steps import Explanation as Explanation
from engine.steps import Path as Path
from engine.steps import Step as Step
from engine.steps import backward_steps as backward_steps
from engine.steps import explain as explain
from engine.value import Value as Value
from engine.value import no_grad as no_grad
from engine.vectorize import Program as Program
from engine.vectorize import vectorize as vectorize
from engine.vectorize import vectorize_model as vectorize_model
