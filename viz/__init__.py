"""Pictures of computation graphs.

    draw(loss)                      shown by a notebook
    draw(loss).save("loss.svg")     or .png, .pdf, .html, .dot
    backprop_page(loss, "loss.html")
    print_backprop(loss)            the same in a terminal
    save_steps(loss, "loss.gif")    the same as pictures

Read it in this order: `groups`, `fold` and `cards` (what is shown), `layout` (where it goes), `svg` and `dot` (two ways
to write it down; `style`, `shade`, `lines`, `legend` and `ink` say how it looks), `engines` (who places the cards:
Graphviz or `layout`), `painting` (PNG and PDF), `render` (draw and save); then `story` (backpropagation, step by step)
and `stage` (its picture), `terminal`, `frames` and `page` (three ways to tell it).
"""

from viz.frames import save_steps as save_steps
from viz.page.backprop import Page as Page
from viz.page.backprop import backprop_page as backprop_page
from viz.render import Drawing as Drawing
from viz.render import draw as draw
from viz.terminal import backprop_text as backprop_text
from viz.terminal import print_backprop as print_backprop
