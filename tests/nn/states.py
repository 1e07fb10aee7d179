"""What the tests of cells and of sequences share."""

import numpy as np

import nn
from engine import topological_sort

from .case import data

KINDS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}
CELLS = list(KINDS.values())
SEQUENCES = [nn.RNN, nn.LSTM, nn.GRU]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape)


def flat_states(states):
    return list(states) if isinstance(states, tuple) else [states]


def same(ours, theirs):
    """Bit for bit."""
    for a, b in zip(flat_states(ours), flat_states(theirs), strict=True):
        np.testing.assert_array_equal(data(a), data(b))


def named_in(value):
    """The numbers of the named nodes below a value."""
    return {node.name: node.data for node in topological_sort(value) if node.name}
