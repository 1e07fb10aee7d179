"""The vectorizer: a scalar graph, recorded once, runs as array code. `compiler` tells the way; read it first."""

from engine.vectorize.compiler import vectorize as vectorize
from engine.vectorize.model import vectorize_model as vectorize_model
from engine.vectorize.program import Program as Program
