"""Neural networks over scalar Values, with PyTorch's names, defaults and numbers.

Read it in this order: `module` and `shapes` (what all layers share), `neuron` and `linear`, `activations`, `losses`,
`optimizers`; then the families: `convolution`, `recurrent`, `normalization`, `attention`, ...
"""

import importlib
import typing

from nn import functional as functional
from nn import init as init
from nn.activations import ELU as ELU
from nn.activations import GELU as GELU
from nn.activations import SELU as SELU
from nn.activations import Hardsigmoid as Hardsigmoid
from nn.activations import Hardswish as Hardswish
from nn.activations import Hardtanh as Hardtanh
from nn.activations import LeakyReLU as LeakyReLU
from nn.activations import LogSigmoid as LogSigmoid
from nn.activations import Mish as Mish
from nn.activations import PReLU as PReLU
from nn.activations import ReLU as ReLU
from nn.activations import ReLU6 as ReLU6
from nn.activations import Sigmoid as Sigmoid
from nn.activations import SiLU as SiLU
from nn.activations import Softplus as Softplus
from nn.activations import Softsign as Softsign
from nn.activations import Tanh as Tanh
from nn.activations import activation as activation
from nn.activations import named_activation as named_activation
from nn.adam import Adam as Adam
from nn.adam import Adamax as Adamax
from nn.adam import AdamW as AdamW
from nn.adam import NAdam as NAdam
from nn.adam import RAdam as RAdam
from nn.adaptive import Adadelta as Adadelta
from nn.adaptive import Adagrad as Adagrad
from nn.adaptive import RMSprop as RMSprop
from nn.attention import MultiheadAttention as MultiheadAttention
from nn.attention import scaled_dot_product_attention as scaled_dot_product_attention
from nn.bayes import BayesLinear as BayesLinear
from nn.class_losses import cross_entropy as cross_entropy
from nn.class_losses import nll_loss as nll_loss
from nn.containers import Flatten as Flatten
from nn.containers import Identity as Identity
from nn.containers import Sequential as Sequential
from nn.convolution import Conv1d as Conv1d
from nn.convolution import Conv2d as Conv2d
from nn.convolution import ConvTranspose2d as ConvTranspose2d
from nn.cycles import OneCycleLR as OneCycleLR
from nn.cycles import ReduceLROnPlateau as ReduceLROnPlateau
from nn.cycles import SequentialLR as SequentialLR
from nn.embedding import Embedding as Embedding
from nn.functional import elu as elu
from nn.functional import gelu as gelu
from nn.functional import hardsigmoid as hardsigmoid
from nn.functional import hardswish as hardswish
from nn.functional import hardtanh as hardtanh
from nn.functional import leaky_relu as leaky_relu
from nn.functional import log_softmax as log_softmax
from nn.functional import logsigmoid as logsigmoid
from nn.functional import mish as mish
from nn.functional import one_hot as one_hot
from nn.functional import relu as relu
from nn.functional import relu6 as relu6
from nn.functional import selu as selu
from nn.functional import sigmoid as sigmoid
from nn.functional import silu as silu
from nn.functional import softmax as softmax
from nn.functional import softplus as softplus
from nn.functional import softsign as softsign
from nn.functional import tanh as tanh
from nn.init import INITS as INITS
from nn.init import calculate_gain as calculate_gain
from nn.init import constant_ as constant_
from nn.init import eye_ as eye_
from nn.init import kaiming_normal_ as kaiming_normal_
from nn.init import kaiming_uniform_ as kaiming_uniform_
from nn.init import normal_ as normal_
from nn.init import ones_ as ones_
from nn.init import orthogonal_ as orthogonal_
from nn.init import trunc_normal_ as trunc_normal_
from nn.init import uniform_ as uniform_
from nn.init import xavier_normal_ as xavier_normal_
from nn.init import xavier_uniform_ as xavier_uniform_
from nn.init import zeros_ as zeros_
from nn.inspection import layer_outputs as layer_outputs
from nn.linear import Linear as Linear
from nn.losses import bce_with_logits as bce_with_logits
from nn.losses import binary_cross_entropy as binary_cross_entropy
from nn.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from nn.losses import gaussian_nll_loss as gaussian_nll_loss
from nn.losses import hinge as hinge
from nn.losses import huber_loss as huber_loss
from nn.losses import kl_div as kl_div
from nn.losses import l1_loss as l1_loss
from nn.losses import mse_loss as mse_loss
from nn.losses import smooth_l1_loss as smooth_l1_loss
from nn.module import Module as Module
from nn.neuron import MLP as MLP
from nn.neuron import Layer as Layer
from nn.neuron import Neuron as Neuron
from nn.normalization import BatchNorm1d as BatchNorm1d
from nn.normalization import BatchNorm2d as BatchNorm2d
from nn.normalization import GroupNorm as GroupNorm
from nn.normalization import LayerNorm as LayerNorm
from nn.normalization import RMSNorm as RMSNorm
from nn.optimizers import SGD as SGD
from nn.optimizers import Optimizer as Optimizer
from nn.pooling import AvgPool2d as AvgPool2d
from nn.pooling import GlobalAvgPool2d as GlobalAvgPool2d
from nn.pooling import MaxPool2d as MaxPool2d
from nn.recurrent import GRUCell as GRUCell
from nn.recurrent import LSTMCell as LSTMCell
from nn.recurrent import RNNCell as RNNCell
from nn.regularization import Dropout as Dropout
from nn.regularization import EarlyStopping as EarlyStopping
from nn.regularization import clip_grad_norm as clip_grad_norm
from nn.regularization import clip_grad_value as clip_grad_value
from nn.regularization import l1_penalty as l1_penalty
from nn.regularization import l2_penalty as l2_penalty
from nn.schedules import ConstantLR as ConstantLR
from nn.schedules import CosineAnnealingLR as CosineAnnealingLR
from nn.schedules import ExponentialLR as ExponentialLR
from nn.schedules import LambdaLR as LambdaLR
from nn.schedules import LinearLR as LinearLR
from nn.schedules import LRScheduler as LRScheduler
from nn.schedules import MultiStepLR as MultiStepLR
from nn.schedules import StepLR as StepLR
from nn.sequences import GRU as GRU
from nn.sequences import LSTM as LSTM
from nn.sequences import RNN as RNN
from nn.softmax import LogSoftmax as LogSoftmax
from nn.softmax import Softmax as Softmax
from nn.storage import StorageError as StorageError
from nn.storage import load as load
from nn.storage import save as save
from nn.training.callbacks import BestModel as BestModel
from nn.training.callbacks import ClipGradNorm as ClipGradNorm
from nn.training.callbacks import ClipGradValue as ClipGradValue
from nn.training.callbacks import RecordGradients as RecordGradients
from nn.training.fitting import fit as fit
from nn.training.history import History as History
from nn.transformer import TransformerEncoderLayer as TransformerEncoderLayer

if typing.TYPE_CHECKING:
    from nn.estimators import ScalarNetClassifier as ScalarNetClassifier
    from nn.estimators import ScalarNetRegressor as ScalarNetRegressor

# What PyTorch has under another name or in another form, and what to write here.
_INSTEAD = {
    "BCELoss": "the function nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "the function nn.bce_with_logits",
    "CrossEntropyLoss": "the function nn.cross_entropy",
    "GaussianNLLLoss": "the function nn.gaussian_nll_loss",
    "HuberLoss": "the function nn.huber_loss",
    "KLDivLoss": "the function nn.kl_div",
    "L1Loss": "the function nn.l1_loss",
    "MSELoss": "the function nn.mse_loss",
    "NLLLoss": "the function nn.nll_loss",
    "SmoothL1Loss": "the function nn.smooth_l1_loss",
    "ModuleDict": "a dict of modules as an attribute",
    "ModuleList": "a list of modules as an attribute",
    "Parameter": "a Value, or nested lists of Values, as an attribute",
    "ParameterList": "a list of Values as an attribute",
    "TransformerBlock": "nn.TransformerEncoderLayer, called with is_causal=True for a decoder",
    "clip_grad_norm_": "nn.clip_grad_norm",
    "clip_grad_value_": "nn.clip_grad_value",
}
_OF_SCIKIT_LEARN = ("ScalarNetClassifier", "ScalarNetRegressor")  # imported when asked for, since it is optional


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_SCIKIT_LEARN])


def __getattr__(name: str) -> object:
    if name in _OF_SCIKIT_LEARN:
        return getattr(importlib.import_module("nn.estimators"), name)
    hint = f"; write {_INSTEAD[name]}" if name in _INSTEAD else ""
    raise AttributeError(f"module 'nn' has no attribute {name!r}{hint}")
