"""PyTorch, eager, float64."""

from __future__ import annotations

import contextlib
import itertools
import os

import numpy as np
import torch
import torch.nn.functional as f

from tests.benchmarks import vectorized_digits as data
from tests.benchmarks import vectorized_gpt as model
from tests.benchmarks import vectorized_moons as demo
from tests.benchmarks.timing import Peer

torch.set_num_threads(1)


def moons(arrays):
    """micrograd's demo."""
    parameters = [torch.tensor(array, requires_grad=True) for array in arrays]
    w1, b1, w2, b2, w3, b3 = parameters
    points, labels = torch.tensor(demo.POINTS), torch.tensor(demo.LABELS)

    def loss():
        scores = f.linear(f.relu(f.linear(f.relu(f.linear(points, w1, b1)), w2, b2)), w3, b3)
        data_loss = f.relu(1.0 - labels * scores.squeeze(1)).mean()
        return data_loss + demo.DECAY * sum((p * p).sum() for p in parameters)

    return peer(parameters, torch.optim.SGD(parameters, lr=demo.RATE), loss)


def gpt(numbers, batches):
    """The GPT, a batch (names, length + 2) a step."""
    ends = np.cumsum([m * n for m, n in model.SHAPES.values()])
    parts = zip(np.split(numbers, ends[:-1]), model.SHAPES.values(), strict=True)
    parameters = [torch.tensor(part.reshape(shape), requires_grad=True) for part, shape in parts]
    wte, wpe, wq, wk, wv, wo, fc1, fc2, head = parameters
    batches = torch.tensor(batches)
    turn = itertools.cycle(batches)
    b, n, size = batches.shape[1], batches.shape[2] - 1, model.CHANNELS // model.HEADS

    def norm(x):
        return f.rms_norm(x, (model.CHANNELS,), eps=1e-5)

    def heads(x):
        return x.view(b, n, model.HEADS, size).transpose(1, 2)

    def loss(ids=batches[0]):
        x = norm(f.embedding(ids[:, :-1], wte) + wpe[:n])
        y = norm(x)
        q, k, v = (heads(f.linear(y, w)) for w in (wq, wk, wv))
        o = f.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + f.linear(o.transpose(1, 2).reshape(b, n, model.CHANNELS), wo)
        x = x + f.linear(f.relu(f.linear(norm(x), fc1)), fc2)
        return f.cross_entropy(f.linear(x, head).view(b * n, model.LETTERS), ids[:, 1:].reshape(b * n))

    adam = torch.optim.Adam(parameters, lr=model.RATE, betas=model.BETAS, eps=model.EPS, fused=True)
    return peer(parameters, adam, loss, lambda: loss(next(turn)))


def digits(arrays, epoch):
    """The digits, a batch a step."""
    parameters = [torch.tensor(array, requires_grad=True) for array in arrays]
    w1, b1, w2, b2 = parameters
    epoch = [(torch.tensor(images), torch.tensor(classes)) for images, classes in epoch]
    turn = itertools.cycle(epoch)

    def loss(batch=epoch[0]):
        images, classes = batch
        return f.cross_entropy(f.linear(f.relu(f.linear(images, w1, b1)), w2, b2), classes)

    adam = torch.optim.Adam(parameters, lr=data.RATE, fused=True)
    return peer(parameters, adam, loss, lambda: loss(next(turn)))


@contextlib.contextmanager
def all_cores():
    """PyTorch on as many threads as there are cores."""
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(1)


def peer(parameters, optimizer, loss, next_loss=None):
    """A step is zero_grad, loss, backward, step, as everybody writes it."""

    def run(loss=loss):
        optimizer.zero_grad()
        result = loss()
        result.backward()
        return result

    def step():
        run(next_loss or loss)
        optimizer.step()

    def gradient():
        return run().item(), torch.cat([p.grad.ravel() for p in parameters]).numpy().copy()

    return Peer(gradient, run, step)
