"""Numbers as people read them: three significant figures, thousands with a comma, durations as 0:01:20."""

from __future__ import annotations

import math

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def figures(value: float) -> str:
    """Three significant figures: 0.0123, 4.50, 1,430; ∞ and - for none."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def decimals(value: float, places: int) -> str:
    """Fixed decimal places, so that a column lines up; ∞ and - for none."""
    return figures(value) if not math.isfinite(value) else f"{value:,.{places}f}"


def amount(value: float) -> str:
    """A large number with its unit: 4.70 M, 313 M, 12.5 G."""
    for size, unit in _UNITS:
        if value >= size * 0.9995:
            return f"{figures(value / size)} {unit}"
    return f"{value:.0f}"


def file_size(size: float) -> str:
    """Bytes as 4.1 MB."""
    return f"{amount(size)}B" if size >= 1e3 else f"{size:.0f} bytes"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: 0:01:20."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{left:02}"


def count(number: int, noun: str) -> str:
    """1 layer, 13 layers, 1,437 images; nouns in -tch and -ss get -es."""
    ending = "" if number == 1 else "es" if noun.endswith(("tch", "ss")) else "s"
    return f"{number:,} {noun}{ending}"


def listed(names: list[str], most: int = 8) -> str:
    """Names with commas, those in the middle left out where there are many: a, b, c, d, … z."""
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:4])}, … {names[-1]}"
