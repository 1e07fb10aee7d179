"""The lesson on digits, and the data of the lessons that are measured."""

import importlib
import re
import sys

import numpy as np
import pytest

from demos import data

pytest.importorskip("sklearn")
lesson = importlib.import_module("demos.05_digits")


@pytest.fixture
def small(monkeypatch):
    """The lesson with fewer neurons and on fewer images, which are these."""
    monkeypatch.setattr(lesson, "NEURONS", 12)
    whole = data.digits()
    fewer = whole._replace(X=whole.X[:200], y=whole.y[:200])
    monkeypatch.setattr(lesson, "digits", lambda: fewer)
    return fewer


@pytest.mark.slow
def test_it_reads_97_percent_of_images_that_it_has_not_seen(tmp_path, capsys):
    lesson.main(tmp_path)
    printed = capsys.readouterr().out
    assert float(re.search(r"It reads (\d+\.\d)% of the images held out", printed)[1]) >= 97.0
    assert float(re.search(r"MLPClassifier +(\d+\.\d)%", printed)[1]) >= 96.0


def test_its_table_is_of_the_images_held_out_and_its_pictures_are_there(small, tmp_path, capsys):
    lesson.main(tmp_path, epochs=2)
    printed = capsys.readouterr().out
    rows = [re.findall(r"\d+", line.replace("·", "0")) for line in printed.splitlines() if "·" in line]
    table = np.array(rows, int)[:, 1:]
    np.testing.assert_array_equal(table.sum(axis=1), np.bincount(data.split(small, 0, classes=True).y_test))
    wrong = int(re.search(r"all but (\d+)\.", printed)[1])
    assert wrong == table.sum() - np.trace(table)
    assert printed.splitlines()[-1].startswith(f"It reads {1 - wrong / table.sum():.1%} of")
    pictures = {"05_digits_history.png", "05_digits_weights.png", "05_digits_misread.png"}
    assert {path.name for path in tmp_path.iterdir()} == pictures
    for name in pictures:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"saved: {tmp_path / name}" in printed


def test_without_matplotlib_it_says_what_a_picture_takes(small, tmp_path, capsys, monkeypatch):
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    lesson.main(tmp_path, epochs=1)
    assert capsys.readouterr().out.count('pip install "chainrule[plots]"') == 3
    assert not list(tmp_path.iterdir())


def test_misread_images_are_those_with_another_digit(small):
    parts = data.split(small, 0, classes=True)
    model = lesson.train(parts, epochs=1, seed=0).model
    said, wrong = lesson.misread(model, parts)
    assert 0 < len(wrong) < len(said)
    assert 1 - len(wrong) / len(said) == pytest.approx(model.accuracy(parts.X_test, parts.y_test))
    assert set(np.flatnonzero(said != parts.y_test)) == set(wrong)


def test_another_seed_is_another_split_and_another_network(small):
    parts = [data.split(small, seed, classes=True) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(parts[0].X, parts[1].X)
    assert not np.array_equal(parts[0].X, parts[2].X)
    losses = [lesson.train(parts[0], epochs=1, seed=seed)["loss"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


# ------------------------------------------------------------------------------ demos.data


@pytest.mark.parametrize(
    ("load", "shape", "least", "most"),
    [(data.digits, (1797, 64), 0, 9), (data.breast_cancer, (569, 30), 0, 1), (data.diabetes, (442, 10), 25, 346)],
    ids=["digits", "breast_cancer", "diabetes"],
)
def test_the_data_are_those_of_scikit_learn(load, shape, least, most):
    found = load()
    assert found.X.shape == shape
    assert found.y.shape == shape[:1]
    assert (found.y.min(), found.y.max()) == (least, most)
    assert len(found.features) == shape[1]


def test_pixels_are_from_0_to_1_and_malignant_is_1():
    assert (data.digits().X.min(), data.digits().X.max()) == (0.0, 1.0)
    tumours = data.breast_cancer()
    assert np.count_nonzero(tumours.y) == 212
    radius = tumours.X[:, tumours.features.index("mean radius")]
    assert radius[tumours.y == 1].mean() > radius[tumours.y == 0].mean()


@pytest.mark.parametrize("seed", range(3))
def test_a_split_has_each_example_once_and_as_many_of_each_class(seed):
    whole = data.digits()
    parts = data.split(whole, seed, 0.2, classes=True)
    together = np.concatenate([np.column_stack([parts.X, parts.y]), np.column_stack([parts.X_test, parts.y_test])])
    every = np.column_stack([whole.X, whole.y])
    np.testing.assert_array_equal(together[np.lexsort(together.T)], every[np.lexsort(every.T)])
    assert len(parts.y_test) == 360
    shares = np.bincount(parts.y_test) / np.bincount(whole.y)
    np.testing.assert_allclose(shares, 0.2, atol=0.01)


def test_what_is_held_out_is_not_looked_at_to_standardize():
    parts = data.split(data.diabetes(), 0)
    scaled = data.standardized(parts)
    np.testing.assert_allclose(scaled.X.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(scaled.X.std(axis=0), 1.0)
    other = data.standardized(parts._replace(X_test=1e6 * parts.X_test))
    np.testing.assert_array_equal(other.X, scaled.X)
    np.testing.assert_allclose(scaled.X_test * parts.X.std(axis=0) + parts.X.mean(axis=0), parts.X_test)
    assert not np.allclose(scaled.X_test.mean(axis=0), 0.0, atol=1e-3)


def test_a_feature_that_does_not_vary_is_told():
    parts = data.split(data.digits(), 0)  # the corner of an image is always white
    with pytest.raises(ValueError, match=r"the features \[0, .*do not vary"):
        data.standardized(parts)


def test_without_scikit_learn_it_says_what_brings_the_data(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(
        ModuleNotFoundError, match=r'breast cancer come with scikit-learn: pip install "chainrule\[demos\]"'
    ):
        data.breast_cancer()
