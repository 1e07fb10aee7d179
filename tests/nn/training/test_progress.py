"""The bar: what it shows and how often, and what comes in its place."""

import builtins
import io
import sys

import pytest

from nn.training import progress
from nn.training.progress import Bar, Silent, progress_bar


class Fake:
    """What a bar of tqdm is asked."""

    total = 100

    def __init__(self):
        self.n, self.said, self.closed = 0, [], False

    def unpause(self):
        self.said.append("begun")

    def set_description_str(self, text, refresh=True):
        self.said.append(text)

    def set_postfix_str(self, text, refresh):
        self.said.append(text)

    def update(self, n):
        self.n += n

    def close(self):
        self.closed = True


def test_it_is_looked_at_no_more_often_than_an_eye_can_follow(monkeypatch):
    clock, asked, fake = [1000.0], [], Fake()
    monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
    bar = Bar(fake, epochs=2)

    def measured():
        asked.append(clock[0])
        return {"loss": "0.5", "lr": "0.1"}

    for done in range(1, 101):
        clock[0] += 0.01
        bar.step(done, epoch=done // 51, measured=measured)
    assert 9 <= len(asked) <= 12
    assert fake.n == 100  # the last step is always shown
    assert fake.said[:4] == ["recording the model", "begun", "epoch 1/2", "loss 0.5, lr 0.1"]
    assert fake.said.count("begun") == 1  # from then on the time is that of steps
    assert fake.said[-2] == "epoch 2/2"
    bar.close()
    assert fake.closed


def test_an_epoch_after_the_last_is_not_counted():
    fake = Fake()
    Bar(fake, epochs=2).step(100, epoch=2, measured=dict)
    assert fake.said[2] == "epoch 2/2"


def test_it_begins_where_a_checkpoint_goes_on(capsys):
    bar = progress_bar(True, steps=10, done=4, epochs=1)
    bar.step(10, 0, lambda: {"loss": "1"})
    bar.close()
    assert "10/10" in capsys.readouterr().err


@pytest.mark.parametrize("closed", [False, True])
def test_there_is_none_where_it_is_not_wanted_or_nobody_sees_it(closed, monkeypatch, capsys):
    if closed:
        monkeypatch.setattr(sys, "stderr", None)
    bar = progress_bar(closed, 10, 0, 1)
    assert isinstance(bar, Silent)
    bar.step(1, 0, lambda: pytest.fail("nobody asks"))
    bar.close()
    assert capsys.readouterr() == ("", "")


def test_without_tqdm_one_line_says_how_to_get_it(monkeypatch):
    found = builtins.__import__

    def without(name, *rest):
        if name.startswith("tqdm"):
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    stream = io.StringIO()
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(sys, "stderr", stream)
    progress._tell_once.cache_clear()
    for _ in range(2):  # the line is written once
        assert isinstance(progress_bar(True, 10, 0, 1), Silent)
    assert stream.getvalue().count("\n") == 1
    assert 'pip install "chainrule[progress]"' in stream.getvalue()
