"""Pictures of computation graphs, and of training.

    draw(loss)                      shown by a notebook
    draw(loss).save("loss.svg")     or .png, .pdf, .html, .dot
    backprop_page(loss, "loss.html")
    print_backprop(loss)            the same in a terminal
    save_steps(loss, "loss.gif")    the same as pictures

and of training, by matplotlib (`plots`):

    plot_history(history)           loss and accuracy over the epochs
    plot_gradients(norms), plot_activations(outputs), plot_weights(model), plot_optimizers(losses),
    plot_learning_rates(rates), plot_decision_boundary(model, X, y), plot_uncertainty(x, samples)

Read it in this order: `groups`, `fold` and `cards` (what is shown), `layout` (where it goes), `svg` and `dot` (two ways
to write it down; `style`, `shade`, `lines`, `legend` and `ink` say how it looks), `engines` (who places the cards:
Graphviz or `layout`), `painting` (PNG and PDF), `render` (draw and save); then `story` (backpropagation, step by step)
and `stage` (its picture), `terminal`, `frames` and `page` (three ways to tell it). `plots` stands by itself.
"""

from viz import plots as plots
from viz.frames import save_steps as save_steps
from viz.page.backprop import Page as Page
from viz.page.backprop import backprop_page as backprop_page
from viz.plots import plot_activations as plot_activations
from viz.plots import plot_decision_boundary as plot_decision_boundary
from viz.plots import plot_gradients as plot_gradients
from viz.plots import plot_history as plot_history
from viz.plots import plot_learning_rates as plot_learning_rates
from viz.plots import plot_optimizers as plot_optimizers
from viz.plots import plot_uncertainty as plot_uncertainty
from viz.plots import plot_weights as plot_weights
from viz.render import Drawing as Drawing
from viz.render import draw as draw
from viz.terminal import backprop_text as backprop_text
from viz.terminal import print_backprop as print_backprop
