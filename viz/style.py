"""Sizes and colours of a drawing, the same in SVG and in DOT. Lengths are in pixels (in DOT: points)."""

# Type: the name of a card, the symbol of its operation, the words data and grad, the numbers, a label at an edge, a
# heading.
NAME, SYMBOL, LABEL, NUMBER, EDGE_LABEL, HEADING = 12.0, 14.0, 10.0, 11.0, 9.0, 16.0

# A card: the height of a line, the room left and right of the text, the bar of a parameter, round corners, the line
# around a card and that around the result; how far the sheets behind a folded group look out.
ROW, MARGIN, BAR, ROUND = 15.0, 8.0, 5.0, 8.0
THIN, THICK = 1.3, 2.6
SHEET = 3.0

# An edge: as it is by itself, and from the smallest gradient to the largest; its arrow.
WIDTH, WIDTHS, ARROW = 1.4, (0.8, 3.0), 7.0

# Colours: text is dark enough to be read on its ground (contrast 4.5 : 1 and more).
INK, FAINT, LINE, PAPER = "#1e293b", "#64748b", "#64748b", "#ffffff"
DATA, GRAD = "#1d4ed8", "#b43a05"
PANEL, PANEL_INK = "#e4e7fb", "#3730a3"

# Of a gradient, from small to large: each darker than the one before, in grey as well. A track holds the bars.
RAMP = ("#e7bd97", "#d98b4a", "#b8500f", "#7a2c05")
ZERO, TRACK = "#94a3b8", "#e8edf3"

# By the kind of a card. Its shape says the same: rounded, square, with a bar, dashed, a pile.
EDGE = {
    "computed": "#475569",
    "leaf": "#0f766e",
    "parameter": "#a16207",
    "constant": "#94a3b8",
    "folded": "#64748b",
}
FILL = {
    "computed": "#ffffff",
    "leaf": "#f0fdfa",
    "parameter": "#fffbeb",
    "constant": "#f8fafc",
    "folded": "#f1f4f9",
}

# The box of a group: two grounds, for boxes in boxes.
BOX, BOX_LINE, BOX_INK = ("#eff2f7", "#fafbfd"), "#a9b6c8", "#475569"
