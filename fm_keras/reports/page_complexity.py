"""What the report page says about the complexity of layers, where a run has measured it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fm_keras.complexity import MEASURES
from fm_keras.numbers import count
from fm_keras.reports.page_filters import json_number


def page_complexity(table: pd.DataFrame | None) -> dict[str, Any] | None:
    """Curves of the page, in plain JSON values.

    Args:
        table: what `fm_keras.measure_complexity` returned; None where nothing was measured.

    Returns:
        images: how many, in words.  layers: names.  measures: name, title, values by layer, low and high where there
        are intervals, and what, bounds, meaning, source in words.
    """
    if table is None:
        return None
    measures = [_measure(table, name) for name in MEASURES if name in table]
    images = count(int(table["points"].iloc[0]), "image")
    return {"images": images, "layers": list(table["layer"]), "measures": measures}


def _measure(table: pd.DataFrame, name: str) -> dict[str, Any]:
    about = MEASURES[name]
    columns = {"values": name, "low": f"{name}_low", "high": f"{name}_high"}
    numbers = {
        key: [json_number(float(value)) for value in table[column]]
        for key, column in columns.items()
        if column in table
    }
    words = {key: getattr(about, key) for key in ("what", "bounds", "meaning")}
    source = "fm_keras" if about.source == "ours" else about.source
    return {"name": name, "title": name.replace("_", " "), **numbers, **words, "source": source}
