"""A place for every card: our own layered layout, from sizes and edges to coordinates. It needs nothing.

    plan     the whole, and at last the columns, the curves of the edges and the boxes of the groups
    ranks    which column each node stands in         (the longest path; as late as possible)
    lanes    where edges pass a column                (they need room there as well)
    order    who stands above whom                    (few crossings)
    level    how high                                 (level with its neighbours)
    stack    the rules of it                          (nothing lies on anything else)

Plain data in, plain data out: nothing here knows what a card shows.
"""

from viz.layout.plan import Layout as Layout
from viz.layout.plan import Point as Point
from viz.layout.plan import arrow_foot as arrow_foot
from viz.layout.plan import check_direction as check_direction
from viz.layout.plan import layered as layered
from viz.layout.plan import shifted as shifted
