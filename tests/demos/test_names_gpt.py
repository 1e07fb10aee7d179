"""The lesson on a GPT: what it computes, in its two ways, and what it learns."""

import importlib
import random
import re
import sys

import numpy as np
import pytest

import nn
from demos.names import LONGEST, MARK, as_tokens, letters_of
from engine import no_grad, recording, vectorize_model

lesson = importlib.import_module("demos.10_names_gpt")
WORDS = ["b", "cab", "abacus", "a" * LONGEST]
LETTERS = letters_of(WORDS)
TOKENS = as_tokens(WORDS, LETTERS)


@pytest.fixture(scope="module")
def model():
    return lesson.GPT(len(LETTERS) + 1, width=8, heads=2, seed=5)


def numbers(scores):
    return np.array([[x.data for x in row] for row in scores])


def by_numpy(model, tokens):
    """The same network over whole arrays: the scores, (16, tokens)."""
    w = model.state_dict()
    places, width = w["position"].shape

    def normalized(x):
        return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-5)

    def heads(name, x):
        return (normalized(x) @ w[name].T).reshape(places, -1, model.size).transpose(1, 0, 2)

    x = normalized(w["character"][tokens] + w["position"])
    q, k, v = (heads(name, x) for name in ("query", "key", "value"))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(model.size)
    scores[:, ~np.tri(places, dtype=bool)] = -np.inf
    shares = np.exp(scores)
    shares /= shares.sum(axis=-1, keepdims=True)
    x = x + (shares @ v).transpose(1, 0, 2).reshape(places, width) @ w["mix"].T
    x = x + np.maximum(normalized(x) @ w["up"].T, 0.0) @ w["down"].T
    return x @ w["readout"].T


@pytest.mark.parametrize("tokens", TOKENS, ids=WORDS)
def test_the_network_is_the_one_of_the_arrays(model, tokens):
    with no_grad():
        scores = model(tokens[:-1].tolist())
        surprise = lesson.surprise(scores, tokens[1:].tolist()).data
    expected = by_numpy(model, tokens[:-1])
    np.testing.assert_allclose(numbers(scores), expected, rtol=1e-11, atol=1e-13)
    logs = expected - np.log(np.exp(expected).sum(axis=1, keepdims=True))
    length = np.count_nonzero(tokens) + 1
    assert surprise == pytest.approx(-logs[np.arange(length), tokens[1:][:length]].mean(), rel=1e-12)


def test_no_character_looks_ahead(model):
    with no_grad():
        short, long = (numbers(model([MARK, 2, 1, *rest])) for rest in ([MARK] * 5, [3, 4, 1, 1, 2]))
    np.testing.assert_array_equal(short[:3], long[:3])
    assert not np.array_equal(short[3], long[3])


def test_both_engines_give_the_same_loss_and_gradient(model):
    x, y = TOKENS[:, :-1], TOKENS[:, 1:]
    program = vectorize_model(model, lesson.surprise, (x[1].tolist(), y[1].tolist()))
    loss, gradient = program.value_and_grad(x, y)
    losses = []
    model.zero_grad()
    for tokens, targets in zip(x.tolist(), y.tolist(), strict=True):
        with recording():
            one = lesson.surprise(model(tokens), targets)
            (one / len(x)).backward()
        losses.append(one.data)
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    np.testing.assert_allclose(program(x, y), losses, rtol=1e-12)
    np.testing.assert_allclose(gradient, [p.grad for p in model.parameters()], rtol=1e-12, atol=1e-12)
    assert "gather" not in str(program)  # all of it is found: no entry is fetched by an index


def test_names_are_drawn_by_their_chances(model):
    """A character that is drawn follows the scores: at a low temperature it is the one of the highest."""
    drawn = {lesson.make_up(model, LETTERS, random.Random(seed), 1e-9) for seed in range(3)}
    with no_grad():
        tokens = [MARK]
        while len(tokens) <= LONGEST and (best := int(np.argmax(numbers(model(tokens))[-1]))) != MARK:
            tokens.append(best)
    assert drawn == {"".join(LETTERS[token - 1] for token in tokens[1:])}


def test_names_are_made_of_the_alphabet(model):
    made_up = [lesson.make_up(model, LETTERS, random.Random(seed), 1.0) for seed in range(20)]
    assert made_up == [lesson.make_up(model, LETTERS, random.Random(seed), 1.0) for seed in range(20)]
    assert len(set(made_up)) > 10
    assert set("".join(made_up)) <= set(LETTERS)
    assert max(map(len, made_up)) <= LONGEST


# ------------------------------------------------------------------------------ the whole lesson


def losses(printed):
    """The three numbers that it ends with."""
    return [float(x) for x in re.findall(r"^  (?:all|a table|this GPT)\D+(\d\.\d{3})", printed, flags=re.MULTILINE)]


@pytest.fixture
def file(tmp_path):
    """21 names of 9 characters."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join(f"{a}n{b}" for a in "abc" for b in "oiuae" * 2 + "nnas"), encoding="utf-8")
    return path


@pytest.mark.slow
def test_it_learns_more_than_a_table_of_pairs(tmp_path, capsys):
    lesson.main(tmp_path, epochs=2, width=16)
    uniform, table, gpt = losses(capsys.readouterr().out)
    assert uniform == pytest.approx(np.log(28), abs=1e-3)
    assert gpt < table < uniform - 0.5


def test_it_keeps_the_network_that_made_up_the_names(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("safetensors")
    lesson.main(tmp_path, file, epochs=2, width=8)
    printed = capsys.readouterr().out
    assert "21 names of 9 different characters" in printed
    assert losses(printed)[0] == pytest.approx(np.log(10), abs=1e-3)
    file.unlink()
    assert {path.name for path in tmp_path.iterdir()} == {"10_names_loss.png", "10_names.safetensors"}
    assert (tmp_path / "10_names_loss.png").read_bytes().startswith(b"\x89PNG")
    model = lesson.GPT(10, width=8)
    nn.load(model, tmp_path / "10_names.safetensors")
    shown = printed.partition("It makes up:\n\n")[2].partition("\n\n")[0].split()
    rng = random.Random(1)
    made_up = [lesson.make_up(model, "abceinosu", rng) for _ in range(30)]
    assert shown == [name for name in made_up if name]


def test_without_what_is_not_installed_it_says_what_to_install(model, tmp_path, monkeypatch):
    for module in ("matplotlib", "matplotlib.axes", "matplotlib.figure", "safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, module, None)
    assert 'pip install "chainrule[plots]"' in lesson.save_plot(nn.History(), 1.0, tmp_path / "loss.png")
    assert 'pip install "chainrule[storage]"' in lesson.save_network(model, tmp_path / "names.safetensors")
    assert list(tmp_path.iterdir()) == []
