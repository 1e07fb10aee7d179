"""What the lessons share: pictures, by matplotlib where it is installed; and how one ends early."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import files

if TYPE_CHECKING:
    from nn import History


def save_figure(path: Path, draw: Callable[[Any], object], size: tuple[float, float] = (6.4, 4.0)) -> str:
    """Let `draw` draw on a new Figure of that size in inches, and save it as PNG.

    Gives a sentence: where the picture is, or what it takes to have one.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return 'For the picture, install matplotlib: pip install "chainrule[plots]"'
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    draw(figure)
    picture = BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    files.write(path, picture.getvalue())
    return f"saved: {path}"


def entitle(ax: Any, title: str) -> None:
    """Give axes this title in the place of the one they have."""
    ax.set_title("", loc="left")
    ax.set_title(title, fontsize=12, fontweight="bold", pad=10)


def unless_interrupted(history: History) -> History:
    """The history of a training; where Ctrl-C ended it, it is printed, and the lesson ends, too.

    Raises:
        KeyboardInterrupt: then.
    """
    if history.stopped.startswith("interrupted"):
        print(f"\n{history}")
        raise KeyboardInterrupt
    return history
