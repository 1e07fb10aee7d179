import math

import numpy as np

from .case import Case


def hardsigmoid(torch):
    """PyTorch's own has the slope 1/6 as a float32, also for float64."""
    return lambda x: torch.nn.functional.hardtanh(x + 3.0, 0.0, 6.0) / 6.0


def wide(shape, rng):
    """Numbers on both sides of every bound, and far out."""
    return np.reshape([rng.uniform(-30.0, 30.0) for _ in range(math.prod(shape))], shape)


def of_any_shape(layer, *args, **more):
    """Rows for a matrix with numbers near and far, and for one number."""
    return [
        Case(layer, args, shapes=[(4, 6)], inputs=wide, wrong=None, **more),
        Case(layer, args, shapes=[()], wrong=None, **more),
    ]


CASES = [
    *of_any_shape("ReLU"),
    *of_any_shape("LeakyReLU"),
    *of_any_shape("LeakyReLU", 0.3),
    *of_any_shape("ELU"),
    *of_any_shape("ELU", 0.7),
    *of_any_shape("SELU"),
    *of_any_shape("GELU"),
    *of_any_shape("GELU", "tanh"),
    *of_any_shape("SiLU"),
    *of_any_shape("Mish"),
    *of_any_shape("Sigmoid"),
    *of_any_shape("LogSigmoid"),
    *of_any_shape("Tanh"),
    *of_any_shape("Softplus"),
    *of_any_shape("Softplus", 2.5, 3.0),
    *of_any_shape("Softsign"),
    *of_any_shape("Hardtanh"),
    *of_any_shape("Hardtanh", -0.5, 2.0),
    *of_any_shape("ReLU6"),
    *of_any_shape("Hardsigmoid", torch=hardsigmoid),
    *of_any_shape("Hardswish"),
    *of_any_shape("PReLU"),
    Case("PReLU", (3,), shapes=[(3,)], batched=[(2, 3)], example=False, wrong=(2, 4)),
    Case("PReLU", (3,), shapes=[(2, 3, 2, 1)], batched=[(2, 3, 2, 1)], wrong=(2, 4)),
    Case("Softmax", shapes=[(4,)], wrong=(), torch=lambda torch: torch.nn.Softmax(-1)),
    Case("Softmax", shapes=[(1,)], wrong=(2, 0), torch=lambda torch: torch.nn.Softmax(-1)),
    Case("LogSoftmax", shapes=[(4,)], wrong=(), torch=lambda torch: torch.nn.LogSoftmax(-1)),
    *(
        Case(layer, (dim,), shapes=[(2, 3, 4)], batched=[(2, 3, 4)], wrong=())
        for layer in ("Softmax", "LogSoftmax")
        for dim in (0, 1, 2, -1, -3)
    ),
    Case("Softmax", (), {"dim": 1}, shapes=[(3, 2)], batched=[(3, 2)], wrong=(3,)),
]
