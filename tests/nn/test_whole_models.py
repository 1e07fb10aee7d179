"""Whole models, trained side by side with PyTorch: the parts fit together, and the numbers stay PyTorch's.

Each model is one class, written once over a library `lib` (our nn, or PyTorch with its functional names), as somebody
who ports a program would write it.

Where a slope is 0 by mathematics and rounding alone makes it 1e-17 (a bias before batch norm, that of the keys of
attention), Adam would make whole steps of the rounding. So the first model has no such bias, and the second SGD.
"""

import random

import numpy as np
import pytest

import nn

from .case import as_leaves

torch = pytest.importorskip("torch")
F = torch.nn.functional

STEPS = 6


def close(ours, theirs, rtol=1e-10):
    scale = max(1e-3, float(np.max(np.abs(theirs), initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * scale)


def side_by_side(build, batches, loss, optimizer, schedule=None, clip=None):
    """Train both for some steps from our first numbers; compare losses and, at the end, all the state."""
    ours, theirs = build(nn), build(torch.nn).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    our_optimizer, their_optimizer = optimizer(nn, ours), optimizer(torch.optim, theirs)
    schedules = (
        [] if schedule is None else [schedule(nn, our_optimizer), schedule(torch.optim.lr_scheduler, their_optimizer)]
    )
    for x, t in batches:
        our_loss = loss(nn, ours, x.tolist(), t.tolist())
        their_loss = loss(F, theirs, torch.tensor(x), torch.tensor(t))
        close(our_loss.data, their_loss.item())
        for one, model in ((our_loss, ours), (their_loss, theirs)):
            model.zero_grad()
            one.backward()
        if clip:
            norm = nn.clip_grad_norm(ours, clip)
            close(norm, torch.nn.utils.clip_grad_norm_(theirs.parameters(), clip).item())
        for part in (our_optimizer, their_optimizer, *schedules):
            part.step()
    state = theirs.state_dict()
    for name, array in ours.state_dict().items():
        close(array, state[name].numpy())
    return ours, theirs


def test_an_image_classifier():
    def build(lib):
        return lib.Sequential(
            lib.Conv2d(1, 3, 3, padding=1, bias=False), lib.BatchNorm2d(3), lib.ReLU(), lib.MaxPool2d(2),
            lib.Conv2d(3, 4, 2, stride=2, bias=False), lib.GELU(), lib.Flatten(), lib.Linear(4, 3),
        )  # fmt: skip

    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(4, 1, 5, 5)), rng.integers(0, 3, 4)) for _ in range(STEPS)]
    ours, theirs = side_by_side(
        build,
        batches,
        lambda lib, model, x, t: lib.cross_entropy(model(x), t, label_smoothing=0.1),
        lambda lib, model: lib.AdamW(model.parameters(), lr=0.01),
        lambda lib, optimizer: lib.OneCycleLR(optimizer, max_lr=0.05, total_steps=STEPS + 1),
    )
    x = batches[0][0]
    evaluated = ours.eval()(as_leaves(x[0]))
    close([v.data for v in evaluated], theirs.eval()(torch.tensor(x[:1]))[0].detach().numpy())


def test_a_language_model_of_characters():
    def build(lib):
        class Model(lib.Module):
            def __init__(self):
                super().__init__()
                self.embedding = lib.Embedding(5, 4)
                self.block = lib.TransformerEncoderLayer(4, 2, dim_feedforward=6, dropout=0.0, batch_first=True)
                self.norm = lib.LayerNorm(4)
                self.head = lib.Linear(4, 5)

            def __call__(self, x):
                mask = np.triu(np.ones((3, 3), dtype=bool), 1)
                mask = mask.tolist() if lib is nn else torch.tensor(mask)
                return self.head(self.norm(self.block(self.embedding(x), src_mask=mask)))

        return Model()

    def loss(lib, model, x, t):
        logits = model(x)
        if lib is nn:
            flat = [row for sequence in logits for row in sequence]
            return nn.cross_entropy(flat, [index for row in t for index in row])
        return F.cross_entropy(logits.reshape(-1, 5), t.reshape(-1))

    rng = np.random.default_rng(1)
    side_by_side(
        build,
        [(rng.integers(0, 5, (2, 3)), rng.integers(0, 5, (2, 3))) for _ in range(STEPS)],
        loss,
        lambda lib, model: lib.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        clip=0.5,
    )


def test_a_recurrent_regression_in_groups():
    def build(lib):
        class Model(lib.Module):
            def __init__(self):
                super().__init__()
                self.lstm = lib.LSTM(2, 3, num_layers=2, batch_first=True)
                self.gru = lib.GRU(3, 2, batch_first=True, bidirectional=True)
                self.head = lib.Linear(4, 1)

            def __call__(self, x):
                out, _ = self.lstm(x)
                out, _ = self.gru(out)
                return self.head(out)

        return Model()

    def optimizer(lib, model):
        groups = [
            {"params": [*model.lstm.parameters(), *model.gru.parameters()], "lr": 0.02},
            {"params": list(model.head.parameters())},
        ]
        return lib.RMSprop(groups, lr=0.05, momentum=0.5, centered=True)

    rng = np.random.default_rng(2)
    side_by_side(
        build,
        [(rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 1))) for _ in range(STEPS)],
        lambda lib, model, x, t: lib.huber_loss(model(x), t, delta=0.7),
        optimizer,
        lambda lib, optimizer: lib.CosineAnnealingLR(optimizer, T_max=4),
        clip=1.0,
    )


def test_a_model_goes_on_in_the_other_program_and_back(tmp_path):
    """Three steps here, a file, three steps there, a file back: the same as six steps there."""
    from safetensors.torch import load_file, save_file

    def build(lib):
        return lib.Sequential(lib.Linear(2, 4), lib.Tanh(), lib.Linear(4, 1))

    rng = random.Random(0)
    data = [
        ([[rng.gauss(0, 1) for _ in range(2)] for _ in range(3)], [[rng.gauss(0, 1)] for _ in range(3)])
        for _ in range(6)
    ]

    def steps(lib, model, part):
        sgd = (nn if lib is nn else torch.optim).SGD(model.parameters(), lr=0.1)
        for x, t in part:
            model.zero_grad()
            if lib is nn:
                nn.mse_loss(model(x), t).backward()
            else:
                F.mse_loss(model(torch.tensor(x, dtype=torch.float64)), torch.tensor(t, dtype=torch.float64)).backward()
            sgd.step()

    ours, theirs, alone = build(nn), build(torch.nn).double(), build(torch.nn).double()
    alone.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    steps(nn, ours, data[:3])
    nn.save(ours, tmp_path / "ours.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "ours.safetensors"))
    steps(torch.nn, theirs, data[3:])
    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    nn.load(ours, tmp_path / "theirs.safetensors")
    steps(torch.nn, alone, data)
    for name, tensor in alone.state_dict().items():
        close(ours.state_dict()[name], tensor.numpy(), 1e-12)
