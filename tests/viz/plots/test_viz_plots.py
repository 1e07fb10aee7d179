"""The plots: what is drawn is what was given, and what cannot be drawn is said."""

import gc
import pickle
import subprocess
import sys
import weakref
from io import BytesIO

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.figure import Figure  # noqa: E402

import nn  # noqa: E402
from engine import Value, exp  # noqa: E402
from viz.plots import (  # noqa: E402
    plot_activations,
    plot_decision_boundary,
    plot_gradients,
    plot_history,
    plot_learning_rates,
    plot_optimizers,
    plot_uncertainty,
    plot_weights,
)

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(60, 2))
MATRIX = RNG.normal(size=(12, 3))
CLASSES = (POINTS.sum(axis=1) > 0).astype(int)
RATES = {"a": 1e-4, "b": 1e-2, "c": 0.1}
EPOCHS = np.arange(8.0)
HISTORY = {
    "loss": 1 / (1 + EPOCHS),
    "accuracy": EPOCHS / 10,
    "val_loss": (EPOCHS - 5) ** 2 + 1,
    "val_accuracy": EPOCHS / 11,
    "lr": np.full(8, 0.1),
}

# One call of each plot, by name; `polar` is drawn on polar axes.
PLOTS = {
    "history": lambda **ax: plot_history(HISTORY, **ax),
    "activations": lambda **ax: plot_activations({"fc1": MATRIX}, **ax),
    "gradients": lambda **ax: plot_gradients({"fc1": [1.0, 0.1], "fc2": [0.1, 0.01]}, **ax),
    "optimizers": lambda **ax: plot_optimizers({"SGD": [3.0, 2.0], "Adam": [3.0, 1.0]}, **ax),
    "paths": lambda **ax: plot_optimizers({"SGD": [[0.0, 1.0], [0.5, 0.5]]}, function=lambda x, y: x * x + y * y, **ax),
    "rates": lambda **ax: plot_learning_rates([0.1, 0.1, 0.01], **ax),
    "polar": lambda **ax: plot_learning_rates(RATES, **ax),
    "boundary": lambda **ax: plot_decision_boundary(lambda p: p.sum(axis=1), POINTS, CLASSES, resolution=20, **ax),
    "uncertainty": lambda **ax: plot_uncertainty([0.0, 1.0, 2.0], MATRIX, **ax),
    "weights": lambda **ax: plot_weights(MATRIX, **ax),
    "spread": lambda **ax: plot_weights({"w": MATRIX, "b": np.zeros(3)}, **ax),
}
NAMES = ["a$b$", "$x_1$", "_hidden", "x_2^3", r"\frac{", "<b>&", "layers[0].weight", ""]


def small(ax):
    """The figure, smaller, in which nothing is moved to its place: it is drawn in half the time."""
    ax.figure.set_layout_engine("none")
    ax.figure.set_size_inches(3.0, 2.0)
    return ax.figure


def words(ax):
    """All text of a figure, as it is shown; none of it, but the numbers at an axis, is read as mathematics."""
    from matplotlib.cbook import is_math_text
    from matplotlib.text import Text

    small(ax).draw_without_rendering()
    written = [text.get_text() for text in ax.figure.findobj(Text) if text.get_text()]
    assert [text for text in written if is_math_text(text) and not text.startswith(r"$\mathdefault{")] == []
    return [text.replace(r"\$", "$") for text in written]


def picture(ax):
    """A small one."""
    page = BytesIO()
    small(ax).savefig(page, format="png", dpi=50)
    return page.getvalue()


def said(ax):
    """What stands below the picture."""
    return " ".join(words(ax))


def line(ax, number=0):
    """The points of a line that has a marker."""
    lines = [item for item in ax.lines if item.get_marker() not in ("None", "", None, "x") and len(item.get_xdata())]
    return np.array(lines[number].get_xydata())


# ------------------------------------------------------------------------------- what all have in common


@pytest.mark.parametrize("name", PLOTS)
def test_it_draws_on_new_axes_that_pyplot_does_not_know(name):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    ax = PLOTS[name]()
    content, size = ax._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert 400 < size["width"] < 800
    assert pyplot.get_fignums() == before
    assert dict(matplotlib.rcParams) == settings
    assert ax.get_title()


@pytest.mark.parametrize("name", PLOTS)
def test_it_draws_on_the_axes_that_are_given(name):
    figure = Figure()
    axes = figure.subplots(1, 2, subplot_kw={"projection": "polar" if name == "polar" else None})
    assert PLOTS[name](ax=axes[1]) is axes[1]
    assert axes[1].has_data()
    assert not axes[0].has_data()
    assert not hasattr(axes[1], "_repr_png_")
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", PLOTS)
def test_a_wrong_ax_is_refused(name):
    with pytest.raises(TypeError, match=r"ax is what to draw on, an Axes of matplotlib, not str"):
        PLOTS[name](ax="left")
    with pytest.raises(TypeError, match="ndarray; give one of them"):
        PLOTS[name](ax=Figure().subplots(1, 2))
    with pytest.raises(TypeError, match="Figure"):
        PLOTS[name](ax=Figure())
    other = Figure().add_subplot(projection=None if name == "polar" else "polar")
    with pytest.raises(TypeError, match="projection"):
        PLOTS[name](ax=other)


@pytest.mark.parametrize("name", PLOTS)
def test_without_matplotlib_it_says_what_to_install(name, monkeypatch):
    for module in [name for name in sys.modules if name.split(".")[0] == "matplotlib"] + ["matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "chainrule\[plots\]"'):
        PLOTS[name]()


def test_a_notebook_shows_new_axes():
    formatters = pytest.importorskip("IPython.core.formatters")
    ax = plot_history(HISTORY)
    content, size = formatters.PNGFormatter()(ax)
    assert content.startswith(b"\x89PNG")
    assert set(size) == {"width", "height"}


@pytest.mark.parametrize("name", PLOTS)
def test_new_axes_look_the_same_in_every_style(name):
    style = pytest.importorskip("matplotlib.style")
    pictures = []
    for theme in ("default", "dark_background"):
        with style.context(theme):
            pictures.append(picture(PLOTS[name]()))
    assert pictures[0] == pictures[1]


def test_a_figure_goes_away_with_the_last_reference_to_it():
    figures = [weakref.ref(plot().figure) for plot in PLOTS.values()]
    gc.collect()
    assert [figure() for figure in figures] == [None] * len(PLOTS)


def test_axes_are_pickled():
    ax = pickle.loads(pickle.dumps(plot_history(HISTORY)))
    assert ax._repr_png_()[0].startswith(b"\x89PNG")


def test_importing_viz_imports_no_matplotlib():
    code = "import sys, viz, viz.plots; viz.plots.plot_history; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_plot_imports_no_pyplot():
    code = "import sys, viz; viz.plot_history({'loss': [1.0, 0.5]}); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("count", [1, 12])
def test_names_are_text(count):
    names = (NAMES + [f"layer {k}" for k in range(12)])[:count] if count > 1 else ["$x_1$"]
    paths = {name: [[0.0, k], [1.0, k]] for k, name in enumerate(names)}
    for ax in [
        plot_gradients({name: [1.0, 0.5] for name in names}),
        plot_activations({name: [[0.5, -2.0]] for name in names}),
        plot_optimizers({name: [1.0, 0.5] for name in names}),
        plot_optimizers(paths, function=lambda x, y: x * x + y * y),
        plot_learning_rates({name: [1.0, 0.5] for name in names}),
        plot_learning_rates(dict.fromkeys(names, 0.5)),
        plot_learning_rates({"$a$": dict.fromkeys(names, 0.5), "_b": dict.fromkeys(names, 0.4)}),
        plot_weights({name: [1.0, 0.5] for name in names} | {"one more": [1.0]}),
    ]:
        shown = words(ax)
        for name in names:
            assert name in shown or not name


def test_names_of_axes_classes_and_tensors_are_text():
    labels = np.array(["$a$", "_b"])[CLASSES]
    ax = plot_decision_boundary(lambda p: p[:, 0], POINTS, labels, names=("$u$", "v_1^"), resolution=9)
    assert {"$a$", "_b", "$u$", "v_1^"} <= set(words(ax))
    assert "Weights: $w$" in words(plot_weights({"$w$": np.eye(2)}))
    assert "$f_1$" in words(plot_history({"$f_1$": [1.0]}))


def test_a_long_name_is_cut_in_the_middle():
    assert any(
        word.startswith("xxxx") and "…" in word and len(word) <= 48 for word in words(plot_gradients({"x" * 500: [1]}))
    )


BROKEN = {
    "history": lambda: plot_history({"loss": [1.0, np.nan, np.inf], "val_loss": [1.0, 2.0, -np.inf]}),
    "gradients": lambda: plot_gradients({"a": [np.nan, np.inf], "b": [1.0, np.nan]}),
    "activations": lambda: plot_activations({"a": [[np.nan, 1.0], [np.inf, 0.5]], "b": [[np.nan]]}),
    "optimizers": lambda: plot_optimizers({"a": [1.0, 2.0, np.inf], "b": [np.nan] * 3}),
    "paths": lambda: plot_optimizers({"a": [[0, 0], [1, 1], [np.inf, 0], [np.nan] * 2]}, function=lambda x, y: x + y),
    "rates": lambda: plot_learning_rates({"a": [0.1, np.nan, np.inf], "b": [np.nan]}),
    "radar": lambda: plot_learning_rates({"a": 0.1, "b": np.nan, "c": np.inf}),
    "boundary": lambda: plot_decision_boundary(
        lambda p: np.where(p[:, 0] > 0, np.nan, p[:, 1]),
        [[0.0, 1.0], [1.0, 0.0], [np.nan, 1.0]],
        [0, 1, 1],
        resolution=9,
    ),
    "uncertainty": lambda: plot_uncertainty([0.0, np.inf, 2.0], [[1.0, 2.0, np.nan], [2.0, 2.0, np.inf]]),
    "weights": lambda: plot_weights([[1.0, np.nan], [-np.inf, 2.0]]),
    "weights of nothing": lambda: plot_weights([[np.nan, np.nan]]),
    "spread": lambda: plot_weights({"a": [1.0, np.nan], "b": [np.inf]}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_nan_and_inf_are_left_out_and_said(name):
    assert "inf or nan" in said(BROKEN[name]())


EXTREMES = {
    "huge": [1e308, -1e308, 0.0],
    "near to what is left out": [9e99, -9e99, 1.0],
    "denormal": [5e-324, 1e-320, 0.0],
    "from tiny to huge": [1e300, 1e-300, 1.0],
    "constant": [0.3, 0.3, 0.3],
    "all but constant": [1.0, 1.0 + 2**-52, 1.0],
    "zero": [0.0, 0.0, 0.0],
    "one": [2.0],
    "gaps": [np.nan, 1.0, np.nan, 2.0, np.inf],
    "booleans": [True, False],
}
TO_THE_TICKS = ("near to what is left out", "from tiny to huge", "all but constant")


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_numbers_are_drawn(name):
    """Whatever can be drawn is, without a warning; where the scale is extreme, down to the last tick."""
    given = EXTREMES[name]
    array = np.array(given, float)
    size, pairs = np.abs(array), np.stack([array, array], axis=1)
    for ax in [
        plot_history({"loss": given, "val_loss": given, "accuracy": given}),
        plot_gradients({"a": size}),
        plot_activations({"a": array, "b": array[:, None]}),
        plot_optimizers({"a": given}),
        plot_optimizers({"a": pairs}, function=lambda x, y: x / 2 + y / 2),
        plot_optimizers({"a": pairs}, function=lambda x, y: 0.0 * x),
        plot_learning_rates(given),
        plot_learning_rates({str(k): rate for k, rate in enumerate(size)}),
        plot_decision_boundary(lambda p: p[:, 0], pairs, np.arange(len(array)) % 2, resolution=9),
        plot_uncertainty(given, [given, given]),
        plot_uncertainty(range(len(array)), mean=given, std=size, data=(given, given)),
        plot_weights(given),
        plot_weights({"a": given, "b": given}),
    ]:
        assert name not in TO_THE_TICKS or picture(ax).startswith(b"\x89PNG")


def test_what_is_too_far_out_is_said():
    assert "1 value is inf, nan or beyond 1e+100" in said(plot_history({"loss": [1.0, 1e200]}))


def test_the_number_left_out_is_right():
    assert "3 values are inf or nan" in said(BROKEN["history"]())
    assert "1 value is inf or nan" in said(plot_history({"loss": [1.0, np.nan]}))
    assert "inf" not in said(plot_history({"loss": [1.0, 2.0]}))


# ----------------------------------------------------------------------------------------------- history


def test_history_draws_loss_and_accuracy_and_marks_the_best_epoch():
    ax = plot_history(HISTORY)
    loss, accuracy = ax.figure.axes
    assert loss is ax
    np.testing.assert_array_equal(line(loss, 0)[:, 1], HISTORY["loss"])
    np.testing.assert_array_equal(line(loss, 1)[:, 1], HISTORY["val_loss"])
    np.testing.assert_array_equal(line(accuracy, 0)[:, 1], HISTORY["accuracy"])
    np.testing.assert_array_equal(line(loss)[:, 0], EPOCHS + 1)
    assert "best: epoch 6" in words(ax)
    assert {"loss, training", "loss, validation", "accuracy, training", "accuracy, validation"} <= set(words(ax))
    assert "lr, training" not in words(ax)


def test_history_draws_one_metric():
    ax = plot_history(HISTORY, metric="accuracy")
    assert len(ax.figure.axes) == 1
    np.testing.assert_array_equal(line(ax, 1)[:, 1], HISTORY["val_accuracy"])
    assert "best: epoch 8" in words(ax)
    assert len(plot_history(HISTORY, metric="loss").figure.axes) == 1
    np.testing.assert_array_equal(line(plot_history({"f1": [0.1, 0.2]}))[:, 1], [0.1, 0.2])


def test_a_history_says_its_own_best_epoch():
    class Known(dict):
        best_epoch = 1

    assert "best: epoch 2" in words(plot_history(Known(HISTORY)))
    Known.best_epoch = -1  # before the first
    assert "best" not in said(plot_history(Known(HISTORY)))
    assert "best" not in said(plot_history({"loss": [1.0, 0.5]}))


def test_a_loss_of_many_decades_has_a_logarithmic_scale():
    assert plot_history({"loss": [1.0, 1e-3]}).get_yscale() == "log"
    assert plot_history({"loss": [1.0, 0.5]}).get_yscale() == "linear"
    assert plot_history({"loss": [1.0, -1e-3]}).get_yscale() == "linear"


def test_one_epoch_is_a_point():
    ax = plot_history({"loss": [2.0], "val_loss": 1.0})
    assert line(ax).tolist() == [[1.0, 2.0]]
    assert all(tick == round(tick) for tick in ax.get_xticks())


@pytest.mark.parametrize(
    ("history", "metric", "error", "match"),
    [
        ([1.0], None, TypeError, "expected a mapping of metric names to arrays, not list"),
        ({}, None, ValueError, "there are no epochs yet"),
        ({"loss": []}, None, ValueError, r"history\['loss'\]: there are no numbers"),
        ({"loss": ["high"]}, None, TypeError, "expected numbers, not 'high'"),
        ({"loss": [1j]}, None, TypeError, "expected numbers, not 1j"),
        ({"loss": [[1.0], [2.0]]}, None, ValueError, r"shape \(2, 1\)"),
        ({"loss": [[1.0], [2.0, 3.0]]}, None, ValueError, "lists of different lengths"),
        ({"loss": [1.0]}, "f1", ValueError, "no 'f1'; it has 'loss'"),
    ],
)
def test_a_wrong_history_is_refused(history, metric, error, match):
    with pytest.raises(error, match=match):
        plot_history(history, metric=metric)


# ---------------------------------------------------------------------------------- gradients, long lines


def test_gradients_are_drawn_on_a_logarithmic_scale_in_the_order_in_which_they_end():
    ax = plot_gradients({"low": [1.0, 1e-5], "high": [0.1, 1.0]})
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["high", "low"]
    np.testing.assert_array_equal(line(ax, 0)[:, 1], [1.0, 1e-5])


def test_a_gradient_of_0_is_said():
    assert "2 gradients are 0 and not on this scale" in said(plot_gradients({"a": [1.0, 0.0], "b": [0.0, 1.0]}))
    with pytest.raises(ValueError, match=r"norms\['a'\].*not -1"):
        plot_gradients({"a": [1.0, -1.0]})


def test_gradients_of_a_recorder():
    class Recorder:
        norms = {"0.weight": [1.0, 0.5]}  # noqa: RUF012

    np.testing.assert_array_equal(line(plot_gradients(Recorder()))[:, 1], [1.0, 0.5])
    with pytest.raises(TypeError, match="expected a mapping of layer names to arrays, not list"):
        plot_gradients([1.0])


def test_a_long_line_is_the_medians_of_its_parts_in_a_band():
    noise = RNG.normal(size=10_000)
    ax = plot_optimizers({"SGD": noise})
    drawn = line(ax)
    assert len(drawn) == 80
    np.testing.assert_allclose(drawn[:, 1], np.median(noise.reshape(80, 125), axis=1))
    (band,) = ax.collections
    low, high = band.get_datalim(ax.transData).intervaly
    assert (low, high) == (noise.min(), noise.max())
    assert "medians" in said(ax)
    assert "medians" not in said(plot_optimizers({"SGD": noise[:200]}))


def test_a_line_that_ends_in_nan_ends_with_a_cross():
    crosses = [item for item in plot_optimizers({"SGD": [1.0, 2.0, np.inf]}).lines if item.get_marker() == "x"]
    assert [item.get_xydata().tolist() for item in crosses] == [[[2.0, 2.0]]]


def test_more_lines_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="61 lines cannot be told apart; give 60"):
        plot_gradients({str(k): [1.0] for k in range(61)})


# ------------------------------------------------------------------------------------ activations, weights


def test_dead_zero_and_saturated_shares_are_right():
    relu = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])  # units 0 and 2 are 0 for both examples
    tanh = np.array([[-0.98, 0.1], [0.2, 0.99]])
    sigmoid = np.array([[0.99], [0.5], [0.5], [0.01]])
    shown = words(plot_activations({"relu": relu, "tanh": tanh, "sigmoid": sigmoid, "linear": [[3.0, -2.0]]}))
    assert "2 of 3" in shown
    assert "83 %" in shown
    assert shown.count("50 %") == 2
    assert shown.count("–") == 2
    assert "0 of 2" in shown


def test_a_kind_can_be_said():
    layer = {"fc": [[0.99, -0.99]]}
    assert "100 %" in words(plot_activations(layer))
    assert "100 %" not in words(plot_activations(layer, saturates={"fc": None}))
    assert "50 %" in words(plot_activations({"fc": [[0.99, 0.0]]}, saturates={"fc": "tanh"}))
    with pytest.raises(ValueError, match="expected 'tanh', 'sigmoid' or None, not 'relu'"):
        plot_activations(layer, saturates={"fc": "relu"})
    with pytest.raises(ValueError, match="saturates names 'fc2'"):
        plot_activations(layer, saturates={"fc2": "tanh"})


@pytest.mark.parametrize(("given", "share"), [(1, "< 1 %"), (999, "> 99 %"), (0, "0 %"), (1000, "100 %")])
def test_a_share_is_neither_none_nor_all_unless_it_is(given, share):
    array = np.ones((1000, 1)) * 3
    array[:given] = 0
    assert share in words(plot_activations({"fc": array}))


def test_weights_of_a_model_a_mapping_and_an_array():
    class Model:
        def state_dict(self):
            return {"0.weight": np.array([[1.0, -2.0]]), "0.bias": np.zeros(1)}

    assert {"0.weight", "0.bias", "1.5", "1 × 2", "100 %"} <= set(words(plot_weights(Model())))
    ax = plot_weights(Model(), name="0.weight")
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), [[1.0, -2.0]])
    assert image.get_clim() == (-2.0, 2.0)
    assert plot_weights([1.0, 2.0, 3.0]).images[0].get_array().shape == (1, 3)
    assert plot_weights(4.0).images[0].get_array().shape == (1, 1)


def test_kernels_and_images_are_tiles():
    kernels = np.arange(24.0).reshape(2, 3, 2, 2)
    tiles = plot_weights(kernels).images[0].get_array()
    assert tiles.shape == (2 * 3 - 1, 3 * 3 - 1)
    np.testing.assert_array_equal(tiles[3:5, 6:8], kernels[1, 2])
    rows = np.arange(24.0).reshape(4, 6)
    tiles = plot_weights(rows, image=(2, 3)).images[0].get_array()
    np.testing.assert_array_equal(tiles[1:3, 4:7], rows[1].reshape(2, 3))
    with pytest.raises(ValueError, match=r"no rows that are images of shape \(5, 5\)"):
        plot_weights(rows, image=(5, 5))


def test_a_sign_is_seen_in_grey():
    (marks,) = (c for c in plot_weights([[1.0, -2.0], [-3.0, 4.0]]).collections if len(c.get_offsets()))
    assert sorted(map(tuple, marks.get_offsets().tolist())) == [(0.0, 1.0), (1.0, 0.0)]


@pytest.mark.parametrize(
    ("weights", "options", "error", "match"),
    [
        ({}, {}, ValueError, "empty"),
        ("weights", {}, TypeError, "expected numbers"),
        ({"a": [1.0]}, {"name": "b"}, ValueError, "no tensor 'b'; there are 'a'"),
        ([1.0], {"name": "b"}, TypeError, "not of list"),
        ({"a": [1.0], "b": [2.0]}, {"image": (1, 1)}, ValueError, "give name="),
    ],
)
def test_wrong_weights_are_refused(weights, options, error, match):
    with pytest.raises(error, match=match):
        plot_weights(weights, **options)


# --------------------------------------------------------------------------------------- rates, optimizers


def test_rates_over_time():
    ax = plot_learning_rates([0.1, 0.1, 0.1, 0.01])
    np.testing.assert_array_equal(line(ax)[:, 1], [0.1, 0.1, 0.1, 0.01])
    assert ax.lines[0].get_drawstyle() == "steps-mid"
    assert plot_learning_rates([0.1, 0.09, 0.08]).lines[0].get_drawstyle() == "default"
    assert plot_learning_rates([0.1, 1e-2, 1e-3, 1e-4]).get_yscale() == "log"
    assert plot_learning_rates([0.1] * 20 + [1e-4]).get_yscale() == "linear"
    assert plot_learning_rates([0.1, 0.0]).get_yscale() == "linear"


def test_rates_by_layer_are_a_radar_chart():
    ax = plot_learning_rates(RATES)
    assert ax.name == "polar"
    assert ax.yaxis.get_scale() == "log"
    np.testing.assert_allclose(
        line(ax), [[2 * np.pi * k / 3, list(RATES.values())[k % 3]] for k in (0, 1, 2)] + [[0, 1e-4]]
    )
    assert list(RATES) == [label.get_text() for label in ax.get_xticklabels()]
    assert plot_learning_rates({"a": 0.1, "b": 0.2, "c": 0.3}).yaxis.get_scale() == "linear"


def test_a_rate_of_0_is_in_the_middle():
    ax = plot_learning_rates(RATES | {"frozen": 0.0})
    assert line(ax)[3, 1] == ax.get_rmin()
    assert "0 is in the middle" in said(ax)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_a_radar_chart_of_any_number_of_layers(count):
    ax = plot_learning_rates({f"layer {k}": 0.1 * (k + 1) for k in range(count)})
    assert len(line(ax)) == count + 1


@pytest.mark.parametrize(
    ("rates", "error", "match"),
    [
        ({}, ValueError, "empty"),
        ([], ValueError, "no numbers"),
        ("fast", TypeError, "expected numbers"),
        ({"a": -0.1, "b": 0.1}, ValueError, r"rates\['a'\].*not -0.1"),
        (
            {"SGD": {"a": 0.1}, "Adam": {"b": 0.1}},
            ValueError,
            r"rates\['Adam'\] names the layers \['b'\], the first \['a'\]",
        ),
    ],
)
def test_wrong_rates_are_refused(rates, error, match):
    with pytest.raises(error, match=match):
        plot_learning_rates(rates)


PATH = np.array([[0.0, 1.0], [0.5, 0.5], [0.1, 0.0]])


def bowl(x, y):
    return x * x + 4 * y * y


def one_by_one(x, y):
    if isinstance(x, np.ndarray):
        raise TypeError("a number, please")
    return bowl(x, y)


@pytest.mark.parametrize("function", [bowl, one_by_one])
def test_paths_over_the_contours_of_a_function(function):
    ax = plot_optimizers({"SGD": PATH}, function=function, minimum=(0.0, 0.0))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["SGD", "start", "minimum"]
    np.testing.assert_array_equal(line(ax), PATH)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    assert (([x0, y0] < PATH) & ([x1, y1] > PATH)).all()
    assert len(ax.collections) == 2  # filled contours and lines
    filled = ax.collections[0]
    assert filled.levels[0] == pytest.approx(0.0, abs=0.01)


def test_a_function_may_give_values():
    ax = plot_optimizers({"SGD": PATH}, function=lambda x, y: exp(Value(x)) * y)
    assert len(ax.collections) == 2


def test_a_path_is_drawn_to_its_first_nan():
    ax = plot_optimizers({"SGD": np.array([[0.0, 0.0], [1.0, 1.0], [np.nan, 1.0], [2.0, 2.0]])}, function=bowl)
    np.testing.assert_array_equal(line(ax), [[0.0, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("curves", "function", "error", "match"),
    [
        ({"SGD": PATH}, 3.0, TypeError, "expected a function of two variables, not float"),
        ({"SGD": PATH.T}, bowl, ValueError, r"a path has shape \(steps, 2\), not \(2, 3\)"),
        ({"SGD": PATH}, lambda x, y: [1.0, 2.0], ValueError, "expected one number"),
        ({"SGD": PATH}, lambda x: x, TypeError, "positional argument"),
        ({"SGD": [[np.nan, np.nan]]}, bowl, ValueError, "no path has a point"),
        ({"SGD": PATH}, None, ValueError, r"expected 1 dimension, not shape \(3, 2\)"),
        ([1.0], None, TypeError, "expected a mapping of optimizer names to losses, not list"),
    ],
)
def test_wrong_curves_are_refused(curves, function, error, match):
    with pytest.raises(error, match=match):
        plot_optimizers(curves, function=function)


# ---------------------------------------------------------------------------------- boundary, uncertainty


def region(ax, x, y):
    """The colour of the uppermost region at a point."""
    found = None
    for item in ax.collections:
        paths = [path for path in item.get_paths() if len(path)]
        if item.get_facecolor().size and hasattr(item, "levels") and item.filled:
            for path, color in zip(item.get_paths(), item.get_facecolor(), strict=False):
                if len(path) and path.contains_point((x, y)):
                    found = tuple(color)
        del paths
    return found


class Classifier:
    def predict(self, points):
        return np.where(points[:, 0] > 0, "right", "left")


SIDES = np.where(POINTS[:, 0] > 0, "right", "left")
TWO = (POINTS[:, 0] > 0).astype(int)
TELLERS = {
    "a score": (lambda p: p[:, 0], TWO),
    "a score of shape (m, 1)": (lambda p: p[:, :1], TWO),
    "a score, labels -1 and 1": (lambda p: p[:, 0], 2.0 * TWO - 1),
    "a probability": (lambda p: 1 / (1 + np.exp(-p[:, 0])), TWO),
    "two scores": (lambda p: np.stack([-p[:, 0], p[:, 0]], axis=1), TWO),
    "three scores of which one is never greatest": (lambda p: np.stack([-p[:, 0], p[:, 0], p[:, 0] - 1], axis=1), TWO),
    "classes": (lambda p: (p[:, 0] > 0).astype(int), TWO),
    "classes as floats": (lambda p: np.sign(p[:, 0]), np.sign(POINTS[:, 0])),
    "classes as booleans": (lambda p: p[:, 0] > 0, POINTS[:, 0] > 0),
    "an object that predicts text": (Classifier(), SIDES),
    "Values": (lambda p: [Value(x) for x in p[:, 0]], TWO),
    "text as objects": (Classifier(), SIDES.astype(object)),
    "labels of shape (n, 1)": (lambda p: p[:, 0], TWO[:, None]),
}


@pytest.mark.parametrize("name", TELLERS)
def test_the_boundary_is_where_the_classifier_turns(name):
    teller, labels = TELLERS[name]
    ax = plot_decision_boundary(teller, POINTS, labels, resolution=41)
    left, right = region(ax, -1.5, 0.3), region(ax, 1.5, 0.3)
    assert left != right
    assert left is not None
    assert right is not None
    assert region(ax, -1.5, -1.0) == left
    boundary = [c for c in ax.collections if hasattr(c, "levels") and not c.filled]
    points = np.concatenate([p.vertices for c in boundary for p in c.get_paths() if len(p)])
    assert np.abs(points[:, 0]).min() < 0.1
    drawn = [c for c in ax.collections if not hasattr(c, "levels")]
    assert sum(len(c.get_offsets()) for c in drawn) == len(POINTS)
    markers = {tuple(map(tuple, c.get_paths()[0].vertices)) for c in drawn if len(c.get_offsets())}
    assert len(markers) == 2


def test_the_margin_and_the_threshold_of_a_score():
    ax = plot_decision_boundary(lambda p: p[:, 0], POINTS, TWO, resolution=41)
    assert "score 0, dotted: −1 and 1" in said(ax)
    ax = plot_decision_boundary(lambda p: p[:, 0], POINTS, TWO, threshold=0.25, margin=0.5, resolution=41)
    assert "score 0.25, dotted: −0.25 and 0.75" in said(ax)
    ax = plot_decision_boundary(lambda p: 1 / (1 + np.exp(-p[:, 0])), POINTS, TWO, resolution=41)
    assert "score 0.5, dotted: 0.1 and 0.9" in said(ax)
    assert "dotted" not in said(plot_decision_boundary(lambda p: p[:, 0], POINTS, TWO, margin=0, resolution=41))


class Asked:
    """A model with one output, which knows where it is cut."""

    def __init__(self, cut):
        self.cut = cut

    def predict(self, points):
        return 1 / (1 + np.exp(-points[:, 0]))

    def decision_threshold(self, points):
        assert points.shape == POINTS.shape
        return self.cut


def test_a_model_says_its_own_threshold():
    """Its logits may all lie within 0 and 1."""
    for cut, told in ((0.0, "score 0, dotted: −1 and 1"), (0.5, "score 0.5, dotted: 0.1 and 0.9")):
        assert told in said(plot_decision_boundary(Asked(cut), POINTS, TWO, resolution=21))
    ax = plot_decision_boundary(Asked(0.0), POINTS, TWO, resolution=21)
    assert region(ax, -1.5, 0.0) == region(ax, 1.5, 0.0)
    assert "score 0.25" in said(plot_decision_boundary(Asked(0.0), POINTS, TWO, threshold=0.25, resolution=21))


def test_a_classifier_that_says_the_same_everywhere():
    for teller in (lambda p: np.ones(len(p)) * 3.0, lambda p: np.ones(len(p), int)):
        assert region(plot_decision_boundary(teller, POINTS, TWO, resolution=9), 0.3, 0.3) is not None


@pytest.mark.parametrize(
    ("predict", "X", "y", "error", "match"),
    [
        (3, POINTS, TWO, TypeError, "expected a function, or an object with predict, not int"),
        (len, POINTS[:, :1], TWO, ValueError, r"examples \(n, 2\), not \(60, 1\)"),
        (len, POINTS, TWO[:5], ValueError, r"a class for each of the 60 examples, not shape \(5,\)"),
        (len, POINTS * np.nan, TWO, ValueError, "no example is finite"),
        (lambda p: p[:5, 0], POINTS, TWO, ValueError, r"expected \(81,\) or \(81, classes\) back, not \(5,\)"),
        (lambda p: p[:, 0], POINTS, np.arange(60) % 3, ValueError, "tells 2 classes apart; y has 3"),
        (lambda p: p, POINTS, np.arange(60) % 3, ValueError, "2 scores a point; y has the 3 classes 0, 1, 2"),
        (Classifier(), POINTS, TWO, ValueError, "they must be of one kind"),
    ],
)  # fmt: skip
def test_a_wrong_boundary_is_refused(predict, X, y, error, match):  # noqa: N803
    with pytest.raises(error, match=match):
        plot_decision_boundary(predict, X, y, resolution=9)


def test_the_band_is_the_spread_of_the_draws():
    x = np.array([2.0, 0.0, 1.0])  # in any order
    samples = RNG.normal(size=(50, 3))
    ax = plot_uncertainty(x, samples, data=([[0.5]], [[1.0]]), truth=np.sin)
    order = np.argsort(x)
    mean, std = samples.mean(axis=0)[order], samples.std(axis=0, ddof=1)[order]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), mean)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.0, 1.0, 2.0])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), np.sin([0.0, 1.0, 2.0]))
    for k, band in zip((2, 1), ax.collections, strict=False):
        low, high = band.get_datalim(ax.transData).intervaly
        assert low == pytest.approx((mean - k * std).min())
        assert high == pytest.approx((mean + k * std).max())
    assert ax.collections[2].get_offsets().tolist() == [[0.5, 1.0]]
    assert {"mean", "truth", "data", "± 2 standard deviations"} <= set(words(ax))


def test_a_mean_and_a_standard_deviation_will_do():
    ax = plot_uncertainty([0.0, 1.0], mean=[1.0, 2.0], std=[0.1, 0.2])
    assert ax.collections[0].get_datalim(ax.transData).intervaly == pytest.approx([0.8, 2.4])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, TypeError, "give samples"),
        ({"mean": [1.0, 2.0]}, TypeError, "both mean= and std="),
        ({"samples": [[1.0, 2.0]] * 2, "mean": [1.0, 2.0], "std": [1.0, 2.0]}, TypeError, "give samples"),
        ({"samples": [[1.0, 2.0]]}, ValueError, "two and more"),
        ({"samples": [[1.0], [2.0]]}, ValueError, r"expected shape \(draws, 2\), as x has 2, not \(2, 1\)"),
        ({"mean": [1.0], "std": [1.0]}, ValueError, r"mean: expected shape \(2,\), as x has, not \(1,\)"),
        ({"mean": [1.0, 1.0], "std": [1.0, -1.0]}, ValueError, "0 or more, not -1"),
        ({"samples": [[1.0, 2.0]] * 2, "data": [1.0]}, TypeError, "the pair"),
        ({"samples": [[1.0, 2.0]] * 2, "data": ([1.0], [1.0, 2.0])}, ValueError, "as many x as y"),
        ({"samples": [[1.0, 2.0]] * 2, "truth": [1.0]}, ValueError, "truth: expected shape"),
    ],
)
def test_a_wrong_band_is_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        plot_uncertainty([0.0, 1.0], **arguments)


def test_the_picture_of_a_model_says_what_the_model_says():
    """Logits that all lie within 0 and 1 are no probabilities."""
    model = nn.Sequential(nn.Linear(2, 1, seed=0))
    model.load_state_dict({"0.weight": [[0.01, 0.01]], "0.bias": [0.4]})
    assert model.accuracy(POINTS, np.ones(len(POINTS))) == 1.0
    assert "score 0" in said(plot_decision_boundary(model, POINTS, TWO, resolution=21)).replace("score 0.5", "")
