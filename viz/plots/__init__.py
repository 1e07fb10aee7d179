"""Plots of training, by matplotlib: `pip install "chainrule[plots]"`.

    plot_history(history)                       loss and accuracy over the epochs, in training and validation
    plot_gradients(norms)                       the gradients of each layer over time
    plot_activations(activations)               how the activations of each layer are spread; dead units, saturation
    plot_weights(model)                         how the weights are spread; one tensor as a heat map
    plot_optimizers(curves)                     several optimizers on one task; or their paths over a landscape
    plot_learning_rates(rates)                  a schedule over time; the rates of the layers as a radar chart
    plot_decision_boundary(predict, X, y)       what a classifier says in the plane
    plot_uncertainty(x, samples)                the band of a Bayesian network

They take plain data, draw on `ax` or on new axes, and give the Axes (canvas.py says how these are shown, saved and
closed). Colours are for the colour-blind and for grey prints (palette.py). What is nan or inf is left out, and said.
Nothing here touches pyplot or matplotlib's settings, and matplotlib is imported when the first plot is drawn.
"""

from viz.plots.activations import plot_activations as plot_activations
from viz.plots.boundaries import plot_decision_boundary as plot_decision_boundary
from viz.plots.gradients import plot_gradients as plot_gradients
from viz.plots.history import plot_history as plot_history
from viz.plots.landscape import plot_optimizers as plot_optimizers
from viz.plots.rates import plot_learning_rates as plot_learning_rates
from viz.plots.uncertainty import plot_uncertainty as plot_uncertainty
from viz.plots.weights import plot_weights as plot_weights
