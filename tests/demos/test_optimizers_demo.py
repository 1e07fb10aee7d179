"""The lesson on optimizers: its tasks, its descents, and its tables."""

import importlib
import re
from dataclasses import replace

import numpy as np
import pytest

import nn
from engine import Value

lesson = importlib.import_module("demos.12_optimizers")
BOWL, TURNED, VALLEY = lesson.TASKS


@pytest.mark.parametrize("task", lesson.TASKS, ids=lambda task: task.name)
def test_a_task_has_its_minimum_where_it_says(task):
    x, y = (Value(number) for number in task.minimum)
    loss = task.function(x, y)
    loss.backward()
    assert (loss.data, x.grad, y.grad) == (0.0, 0.0, 0.0)
    (left, right), (low, high) = task.limits
    for a, b in (task.start, task.minimum):
        assert left < a < right
        assert low < b < high


def test_the_turned_bowl_is_the_bowl_seen_from_elsewhere():
    assert TURNED.function(*TURNED.start) == pytest.approx(BOWL.function(*BOWL.start), rel=1e-12)
    straight, turned = (lesson.descend(task, nn.SGD, 0.01, 50) for task in (BOWL, TURNED))
    np.testing.assert_allclose(straight.losses, turned.losses, rtol=1e-9)


def test_gradient_descent_on_the_bowl_is_a_power():
    descent = lesson.descend(BOWL, nn.SGD, 0.015, 20)
    k = np.arange(21)
    np.testing.assert_allclose(descent.path, np.stack([-4 * 0.985**k, (-0.5) ** k], axis=1), rtol=1e-9)
    np.testing.assert_allclose(descent.losses, BOWL.function(*descent.path.T), rtol=1e-12)
    np.testing.assert_allclose(descent.distances, np.hypot(*descent.path.T), rtol=1e-12)
    assert descent.rates.tolist() == [0.015] * 20
    assert descent.settled is None


def test_settled_is_for_good():
    rough = lesson.descend(BOWL, nn.RMSprop, 0.1, 500)
    assert rough.settled is not None
    assert (rough.distances[rough.settled :] < lesson.NEAR).all()
    assert rough.distances[rough.settled - 1] >= lesson.NEAR
    assert (rough.distances[: rough.settled] < lesson.NEAR).any()  # it had been near before, and left again


def test_what_runs_away_is_given_up_and_never_the_best():
    away = lesson.descend(BOWL, nn.SGD, 0.5, 500)
    assert len(away.rates) < 500
    assert away.settled is None
    slow, fast = (lesson.descend(BOWL, nn.SGD, rate, 1000) for rate in (0.001, 0.015))
    assert lesson.best([away, slow, fast]) is fast
    assert lesson.best([away, slow]) is slow


def test_a_schedule_sets_the_rate_of_each_step_and_noise_follows_from_its_seed():
    noisy = replace(BOWL, noise=1.0)
    runs = [
        lesson.descend(noisy, nn.SGD, 0.01, 6, lambda o: nn.StepLR(o, step_size=2, gamma=0.5), seed)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_allclose(runs[0].rates, [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025])
    np.testing.assert_array_equal(runs[0].path, runs[1].path)
    assert (runs[0].path[1:] != runs[2].path[1:]).all()


def test_the_tables_and_the_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    lesson.main(tmp_path, steps=240)
    printed = capsys.readouterr().out
    table = printed[printed.index("Steps until within 0.01") :]
    rows = {
        row[0]: row[1:] for row in re.findall(r"^  (\w+) +([\d,]+|never) +([\d,]+|never) +([\d,]+|never)$", table, re.M)
    }
    assert list(rows) == list(lesson.OPTIMIZERS)
    assert rows["momentum"][:2] == ("103", "103")
    assert rows["Nesterov"][:2] == ("93", "93")
    assert rows["Adagrad"] == ("35", "never", "never")
    assert "makes no difference to SGD, momentum, Nesterov" in table
    ends = dict(re.findall(r"^  (constant|StepLR|\w+LR) +([\d.]+) +\(the mean", printed, re.M))
    assert len(ends) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"12_optimizers.png", "12_schedules.png"}
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"saved: {path}" in printed
