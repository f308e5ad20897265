"""Names of labels and layers as they can be drawn: on one line, not too long, in letters that a font has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from matplotlib.font_manager import findfont, fontManager, get_font

from fm_keras.analysis.view import short_names

_FIRST = "DejaVu Sans"  # comes with matplotlib
# What systems have for other scripts; used where installed.
_OTHERS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans",
    "Yu Gothic",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Emoji",
)
_MISSING = "□"


@lru_cache(maxsize=1)
def font_families() -> list[str]:
    """Font that comes with matplotlib, and those of this machine for what it lacks."""
    installed = {font.name for font in fontManager.ttflist}
    return [_FIRST, *(name for name in _OTHERS if name in installed)]


def readable(name: str, longest: int) -> str:
    """A name as it can be drawn: letters that no font has become boxes.

    Args:
        name: any text.
        longest: letters; a longer name ends in an ellipsis.
    """
    return short_names([_drawable(name)], longest)[0]


def label_texts(names: Sequence[str], longest: int = 18) -> list[str]:
    """Names of all labels as they can be drawn; where two would look the same, with their numbers."""
    return short_names([_drawable(name) for name in names], longest)


def layer_text(layer: str, longest: int = 18) -> str:
    """Name of a layer as it can be drawn; of a long path the end says more."""
    drawn = readable(layer, len(layer) + 1)
    return drawn if len(drawn) <= longest else f"…{drawn[-longest + 1 :]}"


def _drawable(name: str) -> str:
    return "".join(letter if letter.isspace() or _has_glyph(letter) else _MISSING for letter in name)


@lru_cache(maxsize=10_000)
def _has_glyph(letter: str) -> bool:
    return any(font.get_char_index(ord(letter)) for font in _fonts())


@lru_cache(maxsize=1)
def _fonts() -> list:
    return [get_font(findfont(name)) for name in font_families()]
