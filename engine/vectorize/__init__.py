"""The vectorizer: a scalar graph, recorded once, runs as array code for a whole batch.

    program = vectorize_model(model, loss_fn, example)     # traces for you, and refuses what would be frozen
    program = vectorize(loss, inputs=[x, t], parameters=ps)  # of a graph that you have

What is recognized, and what it becomes:

    w₀·x₀ + w₁·x₁ + ... + b, in a chain, by sum() or by dot     a matrix product, W @ x + b, or (x * y).sum(axis=0)
    sums and means of alike things, norms                       one reduction along an axis
    exp(xᵢ − m) / Σ exp(xⱼ − m), with any shift m                 a softmax; the shift is gone
    m + ln Σ exp(xᵢ − m); (xₖ − m) − ln Σ exp(xᵢ − m)             logsumexp; log_softmax
    the same for many rows, heads, positions, examples          one operation with more axes
    lists of different lengths: attention to what came before   a rectangle, with a mask
    windows of a convolution, also at the border                one gather of windows, then a matrix product
    a network over time                                         its steps, one after the other, each as arrays
    the examples of a batch inside one graph (batch norm)       one axis more
    what depends on parameters alone                            computed once a step, not once an example
    take(xs, i), softmax(xs, i), i an input                     an index, which is an array of integers

What falls back: entries that follow no pattern are gathered by an index, with its way back a scatter; an operation on
a list that is not known here, as one of `define_op`, runs its rules on the rows of the array; and nodes that have no
others of their kind become operations of a single number. A recurrence of scalars stays as it is, a few lines a step,
some 0.1 ms of compiling each. `program.report()` says how much of each there is.

What take leaves out by a constant index is not computed at all; a softmax or a log-sum-exp that was written without its
shift does not overflow. In all else a program gives what the scalar engine gives, its errors too.

How: trace, fuse (chains, shares), fold, schedule, lift (placing, grids, runs, grouping), emit (writer, gradients,
products, reading, code, layout), in that order, each a function from plain data to plain data; `compiler` calls them,
`program` is what they make; `columns` and `arrays` are the two forms in between. What the fast program cannot say
(which example left a domain, where an inf goes) is computed again by a careful counterpart, made from the graph when it
is needed: so a program with rectangles or outputs keeps the fused graph, some 10 bytes a traced node.
"""

from engine.vectorize.compiler import vectorize as vectorize
from engine.vectorize.model import vectorize_model as vectorize_model
from engine.vectorize.program import Program as Program
