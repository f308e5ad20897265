"""Numbers as people read them: three significant figures, thousands with a comma, durations as 0:01:20."""

from __future__ import annotations

import math

from fm_keras.numbers import count, figures, listed

__all__ = ["amount", "count", "decimals", "duration", "figures", "file_size", "listed"]

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


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
