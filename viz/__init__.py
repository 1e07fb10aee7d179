"""Pictures of computation graphs.

    draw(loss)                      shown by a notebook
    draw(loss).save("loss.svg")     or .png, .pdf, .dot

Read it in this order: `cards` (what is shown), `layout` (where it goes; `ranks`, `lanes`, `order`, `level`, `stack` are
its steps), `svg` and `dot` (two ways to write it down), `render` (draw and save).
"""

from viz.render import Drawing as Drawing
from viz.render import draw as draw
