"""A GPT, one number at a time: it reads the names in Python's library and makes up new ones (1 minute).

The network of the large language models, small: each character of a name looks back at those before it, and gives a
score to every character that could come next. It is written as on a blackboard, over lists of single numbers, as in
Karpathy's program of 200 lines (microgpt, 2026), and it runs in two ways. To train it, `fit` records once what it
computes for a name, finds the matrices in that, and runs them for 64 names at a time. To make up a name, the same
function is called for one character after the other, and keeps what the later ones look back at.

What is recorded has one size, and names have many. So marks follow a name's end up to 16 places, and the loss leaves
them out; no character looks ahead, so they change nothing. (The names fill three places of five. A program for each
length would compute less, but there would be fifteen to compile, and each batch would be of one length.)

Names of your own, one a line, in a file: `python -m demos 10 --data names.txt`.

Glossary: x the numbers at one place; q, k, v its query, key and value; a token is the number of a character, and 0 that
of the mark, which stands before a name and behind it.
"""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import nn
from demos.figures import save_figure, unless_interrupted
from demos.names import LONGEST, MARK, PLACES, Tokens, as_tokens, letters_of, library_names, read_names, table_loss
from engine import Value, log_softmax, no_grad, not_equal, recording, relu, softmax, sum, take, topological_sort
from viz.plots import plot_history

A_MINUTE = 200_000  # so many names it sees in a minute
Vector = list[Value]
Matrix = list[Vector]

# ------------------------------------------------------------------------------ the network


def dot(x: Vector, y: Vector) -> Value:
    """x·y."""
    return sum(a * b for a, b in zip(x, y, strict=True))  # type: ignore[no-any-return]


def times(w: Matrix, x: Vector) -> Vector:
    """W·x."""
    return [dot(row, x) for row in w]


def plus(x: Vector, y: Vector) -> Vector:
    """x + y."""
    return [a + b for a, b in zip(x, y, strict=True)]


def normalized(x: Vector) -> Vector:
    """x / √(mean of the squares): RMSNorm (Zhang & Sennrich 2019), without a gain."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


class GPT(nn.Module):
    """The score of each token at each place, from the tokens up to there: one block of attention and one of neurons."""

    def __init__(self, tokens: int, width: int = 32, heads: int = 4, seed: nn.init.Seed = None) -> None:
        rng = nn.init.generator(seed)

        def matrix(rows: int, columns: int) -> Matrix:
            return [[Value(rng.gauss(0.0, columns**-0.5)) for _ in range(columns)] for _ in range(rows)]

        self.size = width // heads  # of what one head looks at
        self.character, self.position = matrix(tokens, width), matrix(PLACES, width)
        self.query, self.key, self.value, self.mix = (matrix(width, width) for _ in range(4))
        self.up, self.down = matrix(4 * width, width), matrix(width, 4 * width)
        self.readout = matrix(tokens, width)

    def next(self, token: Any, keys: list[Vector], values: list[Vector]) -> Vector:
        """The score of each token to come after this one; keys and values are those of the places before, and grow."""
        position = self.position[len(keys)]
        x = normalized(plus([take(column, token) for column in zip(*self.character, strict=True)], position))

        seen = normalized(x)
        keys.append(times(self.key, seen))
        values.append(times(self.value, seen))
        x = plus(x, times(self.mix, self.attention(times(self.query, seen), keys, values)))

        hidden = [relu(h) for h in times(self.up, normalized(x))]
        x = plus(x, times(self.down, hidden))
        return times(self.readout, x)

    def attention(self, query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        """Σₜ softmax(q·kₜ / √size)·vₜ over the places t so far, for each head (Vaswani et al. 2017)."""
        heard: Vector = []
        for start in range(0, len(query), self.size):
            head = slice(start, start + self.size)
            shares = softmax([dot(query[head], key[head]) / self.size**0.5 for key in keys])
            heard += times([list(channel) for channel in zip(*(v[head] for v in values), strict=True)], shares)
        return heard

    def forward(self, tokens: Sequence[Any]) -> list[Vector]:
        """The scores at every place of a name."""
        keys: list[Vector] = []
        values: list[Vector] = []
        return [self.next(token, keys, values) for token in tokens]


def surprise(scores: list[Vector], targets: Sequence[Any]) -> Value:
    """The mean of −ln p over the characters of a name and its end; what is behind the end counts nothing."""
    inside = [1.0, *(not_equal(before, MARK) for before in targets[:-1])]
    surprises = [-log_softmax(x, token) for x, token in zip(scores, targets, strict=True)]
    mean: Value = sum(w * s for w, s in zip(inside, surprises, strict=True)) / sum(inside)
    return mean


def make_up(model: GPT, letters: str, rng: random.Random, temperature: float = 0.7) -> str:
    """A new name: each character is drawn by p = softmax(scores / temperature); below 1 the likely are likelier."""
    name, token = "", MARK
    keys: list[Vector] = []
    values: list[Vector] = []
    with no_grad():
        while len(name) < LONGEST:
            chances = softmax([score / temperature for score in model.next(token, keys, values)])
            token = rng.choices(range(len(chances)), [p.data for p in chances])[0]
            if token == MARK:
                break
            name += letters[token - 1]
    return name


# ------------------------------------------------------------------------------ the lesson


def main(
    output: Path, data: Path | str | None = None, epochs: int | None = None, width: int = 32, seed: int = 1
) -> None:
    """Train on the names in the file `data`, else on those of Python's library; make up new ones; keep the network.

    It sees each name `epochs` times: 40 times if nothing else is said, or less often where there are many.
    """
    names = library_names() if data is None else read_names(data)
    letters = letters_of(names)
    random.Random(seed).shuffle(names)
    tokens, tenth = as_tokens(names, letters), len(names) // 10
    held_out, learned = tokens[:tenth], tokens[tenth:]
    epochs = epochs or min(40, 1 + A_MINUTE // len(learned))
    print(f"\n{len(names):,} names of {len(letters)} different characters: {', '.join(names[:6])} ...")
    print(f"It learns from {len(learned):,}; by the other {len(held_out)} it is judged.\n")

    start = perf_counter()
    history = nn.fit(
        lambda rng: GPT(len(letters) + 1, width, seed=rng),
        learned[:, :-1],
        learned[:, 1:],
        loss=surprise,
        optimizer=lambda parameters: nn.Adam(parameters, lr=0.01, betas=(0.85, 0.99)),
        schedule=lambda optimizer: nn.LinearLR(optimizer, 1.0, 0.0, epochs),
        epochs=epochs,
        batch_size=64,
        validation=(held_out[:, :-1], held_out[:, 1:]),
        metrics={},
        seed=seed,
    )
    unless_interrupted(history)
    seconds, model = perf_counter() - start, history.model
    print(f"\n{history}\n")
    print("It makes up:\n")
    print_made_up(model, names, letters, seed)

    nodes, alone = on_the_scalar_engine(model, learned[0])
    each = seconds / (history.epochs * len(learned))
    print(f"\n{len(model.parameters()):,} parameters; {len(history.steps):,} steps of 64 names took {seconds:.0f} s.")
    print(f"One name is a graph of {nodes:,} numbers: its gradient took the scalar engine {1e3 * alone:.0f} ms,")
    print(f"and a name in the training {1e3 * each:.2f} ms, {alone / each:,.0f} times less.\n")
    table = table_loss(learned, held_out, len(letters) + 1)
    print(save_plot(history, table, output / "10_names_loss.png"))
    print(save_network(model, output / "10_names.safetensors"))

    print("\nOn the names held out, the mean of −ln p(character), and among how many alike that were a guess:\n")
    for said, loss in (
        ("all characters alike", math.log(len(letters) + 1)),
        ("a table of pairs", table),
        ("this GPT", history["val_loss"][-1]),
    ):
        print(f"  {said:22}{loss:6.3f}{math.exp(loss):7.1f}")


def print_made_up(model: GPT, names: Sequence[str], letters: str, seed: int, rows: int = 6) -> None:
    """New names in five columns; says how many of them are really new."""
    rng, known = random.Random(seed), set(names)
    start = perf_counter()
    made_up = [make_up(model, letters, rng) for _ in range(5 * rows)]
    seconds = (perf_counter() - start) / (len("".join(made_up)) + len(made_up))
    for i in range(0, len(made_up), 5):
        print("  " + "".join(f"{name:{LONGEST + 2}}" for name in made_up[i : i + 5]).rstrip())
    new = [name for name in made_up if name not in known]
    print(f"\n{len(new)} of these {len(made_up)} are not in the data. A character takes {1e3 * seconds:.0f} ms.")


def on_the_scalar_engine(model: GPT, name: Tokens) -> tuple[int, float]:
    """How many nodes the loss of one name has, and how many seconds it and its gradient take."""
    start = perf_counter()
    with recording():
        loss = surprise(model(name[:-1].tolist()), name[1:].tolist())
        loss.backward()
    return len(topological_sort(loss)), perf_counter() - start


def save_plot(history: nn.History, table: float, path: Path) -> str:
    """The loss over the epochs, as a picture; says where it is, or what it takes to have one."""

    def draw(figure: Any) -> None:
        axes = plot_history(history, ax=figure.add_subplot())
        axes.axhline(table, color="#64748b", linestyle="-.")
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        axes.annotate("a table of pairs", (0.5, table), (0, 4), ha="center", fontsize=9, **place)

    return save_figure(path, draw)


def save_network(model: GPT, path: Path) -> str:
    """The parameters in a file; says where it is, or what it takes to have one."""
    try:
        nn.save(model, path)
    except ModuleNotFoundError as error:
        return str(error)
    return f"saved: {path}"


if __name__ == "__main__":
    main(Path())
