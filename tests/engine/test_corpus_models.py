"""The corpus judged from outside: its right gradients are PyTorch's and the engine's, its mistakes are mistakes."""

import numpy as np
import pytest

from engine import Value
from engine.nested import flat, rebuilt

from .corpus import PLANTED, says
from .corpus_layers import BN_R, BN_T, CONV_R, CONV_T, EPS, GATES_S, LAYERS, LSTM_R, LSTM_S
from .corpus_models import LABELS, NETWORKS, REG
from .corpus_right import RIGHT
from .corpus_small import (
    ATTENTION_R,
    GRU_R,
    HUBER_X,
    HUBER_Y,
    LAMBDA,
    LAYERNORM_R,
    RNN_R,
    RNN_X,
    SMALL,
    SOFTMAX_R,
    TARGETS,
)

MODELS = {model.name: model for model in NETWORKS + LAYERS + SMALL}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def engine_gradient(model):
    """What backward() leaves in the inputs."""
    values = [rebuilt(item, map(Value, flat(item))) for item in model.inputs]
    model.f(*values).backward()
    return [[v.grad for v in flat(item)] for item in values]


def listed(gradient, model):
    """A gradient as a list with an item for each input; a bare array is that of the one input there is."""
    gradient = gradient(*model.inputs) if callable(gradient) else gradient
    return [gradient] if isinstance(gradient, np.ndarray) else list(gradient)


def error(given, true):
    """The largest difference, in parts of the largest number; of zeros, of one."""
    given, true = np.array(flat(given), float), np.array(flat(true), float)
    return np.max(np.abs(given - true)) / (np.max(np.abs(true)) or 1)


@every_model
def test_right_gradient_is_the_engines(model):
    for name, given, true in zip(model.names, listed(model.gradient, model), engine_gradient(model), strict=True):
        assert error(given, true) < 1e-12, name


# ------------------------------------------------------------------------------------- the losses in PyTorch


def torch_loss(model, t, F):
    """The loss by PyTorch's own layers and losses, of the inputs `t` as tensors."""
    torch = pytest.importorskip("torch")
    tensor = torch.tensor
    data = [tensor(d) for d in model.data]
    hidden = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}.get(model.name.split(",")[0])

    def rows():
        X, Y = data
        W1, b1, W2, b2 = t
        return F.linear(hidden(F.linear(X, W1.T, b1)), W2.T, b2), Y

    def columns(last):
        X, Y = data
        W1, b1, W2, b2 = t
        return last(F.linear(hidden(F.linear(X.T, W1, b1[:, 0])), W2, b2[:, 0])), Y.T

    def cell(gates, h, c):
        i, f, g, o = (torch.tanh(z) if k == 2 else torch.sigmoid(z) for k, z in enumerate(gates))
        new = f * c + i * g
        return o * torch.tanh(new), new

    match model.name:
        case "tanh, MSE" | "tanh, MSE, square":
            out, Y = rows()
            return F.mse_loss(out, Y, reduction="sum") / len(Y)
        case "sigmoid, MSE" | "sigmoid, MSE, one by one":
            out, Y = columns(torch.sigmoid)
            return F.mse_loss(out, Y, reduction="sum") / (2 * len(Y))
        case "relu, MSE":
            return F.mse_loss(*rows())
        case "relu, cross-entropy":
            return F.cross_entropy(*rows()) + REG / 2 * ((t[0] ** 2).sum() + (t[2] ** 2).sum())
        case "sigmoid, cross-entropy, square":
            return F.cross_entropy(*rows())
        case "tanh, cross-entropy by hand":
            return F.cross_entropy(columns(lambda z: z)[0], tensor(LABELS))
        case "batch norm":
            return (F.batch_norm(t[0], None, None, t[1], t[2], training=True, eps=EPS) * tensor(BN_R)).sum()
        case "batch norm, square":
            return F.mse_loss(F.batch_norm(t[0], None, None, t[1], t[2], training=True, eps=EPS), tensor(BN_T))
        case "convolution":
            return (F.conv2d(*t) * tensor(CONV_R)).sum()
        case "convolution, padded":
            return ((F.conv2d(*t, padding=1) - tensor(CONV_T)) ** 2).sum() / 2
        case "LSTM":
            x, h, c, Wx, Wh, b = t
            i, f, o, g = torch.chunk(x @ Wx + h @ Wh + b, 4)
            new_h, new_c = cell((i, f, g, o), h, c)
            return new_h @ tensor(LSTM_R) + new_c @ tensor(LSTM_S)
        case "LSTM, gate by gate":
            x, h, c, Wf, bf, Wi, bi, Wg, bg, Wo, bo = t
            hx = torch.cat([h, x])
            new_h, new_c = cell((Wi @ hx + bi, Wf @ hx + bf, Wg @ hx + bg, Wo @ hx + bo), h, c)
            return (new_h**2).sum() / 2 + new_c @ tensor(GATES_S)
        case "binary cross-entropy of probabilities":
            return F.binary_cross_entropy(t[0], tensor(TARGETS))
        case "binary cross-entropy of logits":
            return F.binary_cross_entropy_with_logits(t[0], tensor(TARGETS))
        case "logistic regression":
            w, b = t
            loss = F.binary_cross_entropy_with_logits(data[0] @ w + b, tensor(TARGETS))
            return loss + LAMBDA / (2 * len(TARGETS)) * (w**2).sum()
        case "softmax":
            return torch.softmax(t[0], 0) @ tensor(SOFTMAX_R)
        case "layer norm":
            return (F.layer_norm(t[0], t[1].shape, t[1], t[2], EPS) ** 2 * tensor(LAYERNORM_R)).sum()
        case "attention":
            q, K, V = t
            return (F.scaled_dot_product_attention(q[None], K, V)[0] * tensor(ATTENTION_R)).sum()
        case "Huber regression":
            return F.huber_loss(tensor(HUBER_X) @ t[0] + t[1], tensor(HUBER_Y))
        case "RNN of three steps":
            h, Wxh, Whh, bh = t
            loss = 0
            for x, r in zip(tensor(RNN_X), tensor(RNN_R), strict=True):
                h = torch.rnn_tanh_cell(x[None], h[None], Wxh, Whh, bh, torch.zeros_like(bh))[0]
                loss = loss + h @ r
            return loss
        case "GRU":
            x, h, Wz, Wr, Wh = t
            z, r = torch.sigmoid(Wz @ torch.cat([h, x])), torch.sigmoid(Wr @ torch.cat([h, x]))
            return torch.lerp(h, torch.tanh(Wh @ torch.cat([r * h, x])), z) @ tensor(GRU_R)
        case name:
            raise LookupError(f"write the loss of {name!r} in PyTorch, here")


@every_model
def test_right_gradient_is_pytorchs(model):
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(item, dtype=torch.float64, requires_grad=True) for item in model.inputs]
    torch_loss(model, tensors, torch.nn.functional).backward()
    for name, given, true in zip(model.names, listed(model.gradient, model), tensors, strict=True):
        assert np.shape(given) == tuple(true.shape), name
        assert error(given, true.grad.numpy()) < 1e-12, name


# ---------------------------------------------------------------------------------------------- the two tables


@pytest.mark.parametrize("row", PLANTED, ids=[row.id for row in PLANTED])
def test_planted_gradient_is_wrong_where_the_row_says_and_right_elsewhere(row):
    wrong = []
    pairs = zip(listed(row.gradient, row.model), listed(row.model.gradient, row.model), strict=True)
    for name, (given, true) in zip(row.model.names, pairs, strict=True):
        if np.shape(given) != np.shape(true) or not error(given, true) < 1e-4:  # nan is wrong, too
            wrong.append(name)
        else:
            assert error(given, true) < 1e-12, name
    assert wrong == [name for name in row.model.names if row.inputs is None or name in row.inputs]


@pytest.mark.parametrize("row", RIGHT, ids=[row.id for row in RIGHT])
def test_right_gradient_is_right(row):
    for given, true in zip(listed(row.gradient, row.model), engine_gradient(row.model), strict=True):
        assert error(given, true) < row.tolerance


def test_rows_have_names_of_their_own():
    for table in (PLANTED, RIGHT):
        assert len({row.id for row in table}) == len(table)


@pytest.mark.parametrize(
    ("verdict", "words", "said"),
    [
        ("One path, through 'mean', is missing", "path missing", True),
        ("the path is right. A sum is missing", "path missing", False),
        ("off by the factor 2.", "2", True),
        ("off by the factor 2.5", "2", False),
        ("W2 is off by 1/2", "2", False),
        ("W1 is off by 1/2", "factor|1/2", True),
        ("only rows 0, 2 are wrong", "row", True),
        ("a mean instead of a sum, 1/m", "mean instead of sum", True),
        ("the model", "m", False),
    ],
)
def test_a_verdict_says_whole_words(verdict, words, said):
    assert says(verdict, words) is said
