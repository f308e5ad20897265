"""Numbers as people read them, everywhere the same."""

from __future__ import annotations

import math
from collections.abc import Sequence


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


def count(number: int, noun: str) -> str:
    """1 layer, 13 layers, 1,437 images; nouns in -tch and -ss get -es."""
    ending = "" if number == 1 else "es" if noun.endswith(("tch", "ss")) else "s"
    return f"{number:,} {noun}{ending}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names with commas, those in the middle left out where there are many: a, b, c, d, … z."""
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:4])}, … {names[-1]}"
