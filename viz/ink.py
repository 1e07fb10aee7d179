"""What a picture in SVG is made of: a line of text, the outline of a card, a coordinate."""

from viz import style, text

Point = tuple[float, float]

SANS = "'Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif"
MONO = "Menlo,Consolas,'DejaVu Sans Mono','Courier New',monospace"
BASE = 0.74  # of a line's height, where its letters stand


def line(
    content: str,
    x: float,
    y: float,
    size: float,
    *,
    kind: str = "",
    fill: str = "",
    bold: bool = False,
    mono: bool = False,
    anchor: str = "",
    box: float = 0.0,
) -> str:
    """One line of text at (x, y), the start (or as anchored) of its baseline.

    With the width of a box, text in a script whose width is not known is cut off there: an inner svg does it,
    and needs no id as a clip path would.
    """
    if box and not text.is_familiar(content):
        inner = line(content, 0, style.ROW * BASE, size, kind=kind, fill=fill, bold=bold)
        place = f'x="{n(x)}" y="{n(y - style.ROW * BASE)}" width="{n(box)}" height="{n(style.ROW)}"'
        return f"<svg {place}>{inner}</svg>"
    look = f' fill="{fill}"' if fill else ""
    of_class = f'class="{kind}" ' if kind else ""
    look += ' font-weight="bold"' if bold else ""
    look += f' font-family="{MONO}"' if mono else ""
    look += f' text-anchor="{anchor}"' if anchor else ""
    look += ' xml:space="preserve"' if content != " ".join(content.split()) else ""
    return f'<text {of_class}x="{n(x)}" y="{n(y)}" font-size="{n(size)}"{look}>{text.xml(content)}</text>'


def outline(kind: str, w: float, h: float, left: float, is_result: bool) -> str:
    """The shape says what a card is: rounded, square, with a bar, dashed, a pile. The result has a heavier line."""
    size = f'width="{n(w)}" height="{n(h)}"'
    fill = f'fill="{style.FILL[kind]}"'
    edge = f'stroke="{style.EDGE[kind]}" stroke-width="{style.THICK if is_result else style.THIN}"'
    if kind == "constant":
        return f'<rect class="card" {size} {fill} {edge} stroke-dasharray="4 3"/>'
    if kind not in ("computed", "folded"):
        bar = f'<rect class="bar" width="{n(left)}" height="{n(h)}" fill="{style.EDGE[kind]}"/>' if left else ""
        return f'<rect class="card" {size} {fill} {edge}/>{bar}'
    r = n(style.ROUND if kind == "computed" else style.ROUND / 2)
    behind = ""
    if kind == "folded":
        for out in (2 * style.SHEET, style.SHEET):
            behind += (
                f'<rect class="sheet" x="{n(out)}" y="{n(out)}" {size} rx="{r}" {fill} stroke="{style.EDGE[kind]}"/>'
            )
    arc = f"A{r} {r} 0 0 0"
    panel = f"M{n(left)} 0H{r}{arc} 0 {r}V{n(h - float(r))}{arc} {r} {n(h)}H{n(left)}Z"
    inside = f'<path class="panel" d="{panel}" fill="{style.PANEL}"/>' if left else ""
    card = f'<rect class="card" {size} rx="{r}" fill="none" {edge}/>'
    return f'{behind}<rect class="ground" {size} rx="{r}" {fill}/>{inside}{card}'


def n(number: float) -> str:
    """A coordinate: two decimals at most, and no -0."""
    return f"{round(number, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def xy(point: Point) -> str:
    """A point of a path."""
    return f"{n(point[0])},{n(point[1])}"
