"""Sizes and colours of a drawing, the same in SVG and in DOT. Lengths are in pixels (in DOT: points)."""

# Type: the name of a card, the symbol of its operation, the words data and grad, the numbers, a heading.
NAME, SYMBOL, LABEL, NUMBER, HEADING = 12.0, 14.0, 10.0, 11.0, 16.0

# A card: the height of a line, the room left and right of the text, the bar of a parameter, round corners, the line
# around a card and that around the result.
ROW, MARGIN, BAR, ROUND = 15.0, 8.0, 5.0, 8.0
THIN, THICK = 1.3, 2.6

# Colours: text is dark enough to be read on its ground (contrast 4.5 : 1 and more).
INK, FAINT, LINE, PAPER = "#1e293b", "#64748b", "#64748b", "#ffffff"
DATA, GRAD = "#1d4ed8", "#b43a05"
PANEL, PANEL_INK = "#e4e7fb", "#3730a3"

# By the kind of a card. Its shape says the same: rounded, square, with a bar, dashed.
EDGE = {"computed": "#475569", "leaf": "#0f766e", "parameter": "#a16207", "constant": "#94a3b8"}
FILL = {"computed": "#ffffff", "leaf": "#f0fdfa", "parameter": "#fffbeb", "constant": "#f8fafc"}

# The box of a group: two grounds, for boxes in boxes.
BOX, BOX_LINE, BOX_INK = ("#eff2f7", "#fafbfd"), "#a9b6c8", "#475569"
