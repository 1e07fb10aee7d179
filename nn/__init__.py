"""Neural networks over scalar Values: modules, neurons, layers, perceptrons, and how to train them."""

from nn.activations import named_activation as named_activation
from nn.containers import Flatten as Flatten
from nn.containers import Identity as Identity
from nn.containers import Sequential as Sequential
from nn.init import INITS as INITS
from nn.linear import Linear as Linear
from nn.module import Module as Module
from nn.neuron import MLP as MLP
from nn.neuron import Layer as Layer
from nn.neuron import Neuron as Neuron
from nn.optimizers import SGD as SGD
from nn.optimizers import Optimizer as Optimizer
