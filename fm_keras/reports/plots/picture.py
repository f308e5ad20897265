"""What all figures share: their style, room for title and caption, and how they are written to a file."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ParamSpec

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.files import write_beside
from fm_keras.reports.plots.names import font_families

Arguments = ParamSpec("Arguments")

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 150
_BLUES = LinearSegmentedColormap.from_list("field", [LIGHT.field_low, LIGHT.field_middle, LIGHT.field_high])
FIELD = _BLUES.with_extremes(under=LIGHT.negative)

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT.soft,
    "axes.grid": True,
    "axes.labelcolor": LIGHT.ink,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": LIGHT.paper,
    "font.size": 9,
    "grid.color": LIGHT.line,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": LIGHT.ink,
    "text.parse_math": False,  # a label may be called $5
    "xtick.color": LIGHT.soft,
    "xtick.labelcolor": LIGHT.ink,
    "xtick.labelsize": 8.5,
    "ytick.color": LIGHT.soft,
    "ytick.labelcolor": LIGHT.ink,
    "ytick.labelsize": 8.5,
}
_NO_DATES = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
_EDGE = 0.16
_TITLE, _SAID, _CAPTION = 12, 9.5, 8
_LETTER = 0.58
"""mean width of a letter of its size in points"""


class Picture(Figure):
    """A matplotlib Figure that a notebook shows by itself, whether or not pyplot was imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with style():
            self.savefig(buffer, format="png", dpi=DPI / 1.5)
        return buffer.getvalue()


def style() -> AbstractContextManager[None]:
    """The style of all figures while it lasts; whatever the user has set comes back unchanged."""
    return matplotlib.style.context([_STYLE, {"font.family": font_families()}], after_reset=True)


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Decorator: draw in the style of all figures, and fix where everything lies."""

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style():
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            for axes in figure.axes:
                # The solver's last digits differ from time to time, and with them an SVG of the same figure.
                axes.set_position(np.round(axes.get_position(original=True).bounds, 4), which="original")
        return figure

    return drawn


def new_picture(
    width: float, height: float, title: str, said: str = "", caption: str = "", *, beside: float = 0
) -> Picture:
    """An empty figure with its words.

    Args:
        width: of the figure in inches.
        height: in inches, of what is drawn between the words.
        title: what is seen, bold; also the figure's label.
        said: what comes out, below the title.
        caption: what it was measured on and how to read it, at the bottom.
        beside: inches to the right of the caption that stay free.
    """
    blocks = [(title, _TITLE), (said, _SAID), (caption, _CAPTION)]
    wide = width - 2 * _EDGE
    wrapped = [_wrap(text, room, size) for (text, size), room in zip(blocks, (wide, wide, wide - beside))]
    heights = [_height(text, size) for text, (_, size) in zip(wrapped, blocks)]
    top, bottom = _EDGE + heights[0] + heights[1], _EDGE + heights[2]
    total = top + height + bottom
    area = (_EDGE / 2 / width, bottom / total, 1 - _EDGE / width, height / total)
    picture = Picture(figsize=(width, total), layout="constrained")
    picture.set_label(title)
    picture.get_layout_engine().set(rect=area, h_pad=0.06, w_pad=0.06)
    left, first = _EDGE / width, 1 - _EDGE / 1.5 / total
    picture.text(left, first, wrapped[0], size=_TITLE, weight="bold", va="top")
    picture.text(left, first - heights[0] / total, wrapped[1], size=_SAID, va="top")
    picture.text(left, _EDGE / 1.5 / total, wrapped[2], size=_CAPTION, color=LIGHT.soft, va="bottom")
    return picture


def sentence(text: str) -> str:
    """The text with its first letter large."""
    return f"{text[:1].upper()}{text[1:]}"


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure; the same figure gives the same file, byte by byte.

    Args:
        figure: what one of the functions of this package returned.
        path: file that ends in .png, .svg or .pdf; it is written beside and renamed.

    Raises:
        InvalidInput: another suffix.
        BadRun: no space or no permission.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"{path.name} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    # Names inside an SVG are random without a salt, which matplotlib does not count as style.
    with style(), matplotlib.rc_context({"svg.hashsalt": "fm-keras"}), write_beside(path) as partial:
        figure.savefig(partial, format=suffix[1:], dpi=DPI, metadata=_NO_DATES[suffix])


def _wrap(text: str, width: float, size: float) -> str:
    """Text in lines that fit a width in inches."""
    letters = int(width * 72 / (_LETTER * size))
    return "\n".join(line for part in text.splitlines() for line in textwrap.wrap(part, letters))


def _height(text: str, size: float) -> float:
    """Inches that lines of text take, with some air."""
    return (len(text.splitlines()) * 1.25 * size + 5) / 72 if text else 0
