from .case import Case


def with_pair(name, *args, **options):
    """PyTorch's layer, called with (h, c) as one tensor of two parts: the form in which a row gives its inputs."""

    def made(torch):
        class Paired(getattr(torch.nn, name)):
            def forward(self, x, hx):
                return super().forward(x, (hx[0], hx[1]))

        return Paired(*args, **options)

    return made


def pair_case(name, args, options, shapes, **more):
    return Case(name, args, options, shapes, torch=with_pair(name, *args, **options), **more)


CELLS = [
    Case("RNNCell", (2, 3), shapes=[(2,)]),
    Case("RNNCell", (2, 3), shapes=[(2,), (3,)]),
    Case("RNNCell", (3, 1, False), shapes=[(3,), (1,)]),
    Case("RNNCell", (2, 3, True, "relu"), shapes=[(2,), (3,)]),
    Case("LSTMCell", (2, 3), shapes=[(2,)]),
    Case("LSTMCell", (1, 2), {"bias": False}, shapes=[(1,)]),
    pair_case("LSTMCell", (2, 3), {}, [(2,), (2, 3)], batched=[(3, 2), (2, 3, 3)]),
    pair_case("LSTMCell", (3, 1, False), {}, [(3,), (2, 1)], batched=[(4, 3), (2, 4, 1)]),
    Case("GRUCell", (2, 3), shapes=[(2,)]),
    Case("GRUCell", (2, 3), shapes=[(2,), (3,)]),
    Case("GRUCell", (3, 1, False), shapes=[(3,), (1,)]),
]

# ------------------------------------------------------------------- over sequences: (length, batch, ...) by default


def over_sequences(name, *relu):
    """Every option of one of them. `relu` are arguments that only an RNN has, in PyTorch's place."""
    deep = {"num_layers": 2, "bidirectional": True}
    return [
        Case(name, (2, 3), shapes=[(4, 2)], batched=[(4, 3, 2)]),
        Case(name, (1, 1), shapes=[(1, 1)], batched=[(1, 3, 1)]),
        Case(name, (2, 2, 2, *relu, False), shapes=[(3, 2)], batched=[(3, 2, 2)]),
        Case(name, (2, 3), {"batch_first": True}, shapes=[(4, 2)], batched=[(3, 4, 2)]),
        Case(name, (2, 2), {"bidirectional": True}, shapes=[(3, 2)], batched=[(3, 4, 2)]),
        Case(name, (3, 2), {**deep, "batch_first": True}, shapes=[(3, 3)], batched=[(2, 3, 3)]),
        Case(name, (2, 2), {**deep, "dropout": 0.3}, shapes=[(3, 2)], batched=[(3, 2, 2)], random=True),
    ]


CASES = [
    *CELLS,
    *over_sequences("RNN", "relu"),
    *over_sequences("LSTM"),
    *over_sequences("GRU"),
    Case("RNN", (2, 3, 2), shapes=[(4, 2), (2, 3)], batched=[(4, 5, 2), (2, 5, 3)]),
    Case("GRU", (2, 3), {"bidirectional": True}, shapes=[(4, 2), (2, 3)], batched=[(4, 5, 2), (2, 5, 3)]),
    Case("GRU", (2, 1, 2, True, True), shapes=[(3, 2), (2, 1)], batched=[(5, 3, 2), (2, 5, 1)]),
    pair_case("LSTM", (2, 3), {}, [(4, 2), (2, 1, 3)], batched=[(4, 3, 2), (2, 1, 3, 3)]),
    pair_case(
        "LSTM",
        (2, 1, 2),
        {"bidirectional": True, "batch_first": True},
        [(3, 2), (2, 4, 1)],
        batched=[(2, 3, 2), (2, 4, 2, 1)],
    ),
]
