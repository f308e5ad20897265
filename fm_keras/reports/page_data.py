"""What the report page holds as data: layers, their spread over filters, and the filters themselves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.filters import label_homogeneity
from fm_keras.numbers import count
from fm_keras.reports.origin import Origin
from fm_keras.reports.page_complexity import page_complexity
from fm_keras.reports.page_filters import COLUMNS, MOST_LABELS, LeftOut, json_number, page_filters

ROOM = 14e6
"""bytes of JSON: a page stays below 15 MB"""
_LAYER_NUMBERS = (
    *("accuracy", "n_clusters", "cluster_size", "signal", "noise", "snr", "dead", "label_cv"),
    *("quality", "quality_below_zero"),
)
_SPREADS = {"snr": "snr", "noise": "external_noise", "quality": "quality"}
_QUARTILES = (0.25, 0.5, 0.75)
_HISTORY = ("accuracy", "val_accuracy", "loss", "val_loss", "learning_rate")


def page_data(analysis: Analysis, origin: Origin | None = None, *, room: float = ROOM) -> dict[str, Any]:
    """Data of the page in plain JSON values, without NaN and infinity.

    Args:
        analysis: what is shown.
        origin: the run it comes from, if any.
        room: bytes of JSON that it may take; what does not fit is left out, and `left_out` counts it.

    Returns:
        labels: names.  threshold.  command: shows any filter; null without an origin.  test_accuracy and history
        (columns by name) of the training, or null.  complexity: see `page_complexity`, or null.
        kinds: first the analysis, then that of the network fields where both were measured: name, layers (name,
        positions, numbers, quartiles over filters, filters by label and by cluster size, filters), left_out.
        columns: what a row of a layer's filters holds.
    """
    data = {
        "labels": list(analysis.label_names),
        "threshold": analysis.settings.threshold,
        "command": origin.command if origin else None,
        "test_accuracy": origin.test_accuracy if origin else None,
        "history": _history(origin.history if origin else None),
        "complexity": page_complexity(origin.complexity if origin else None),
        "columns": list(COLUMNS),
        "kinds": [_kind(each, analysis) for each in (analysis, analysis.network) if each is not None],
    }
    room = room - len(json.dumps(data))
    kinds = [each for each in (analysis, analysis.network) if each is not None]
    for kind, each in zip(data["kinds"], kinds):
        rows, left_out = page_filters(each, _tables(each, analysis), room / len(kinds))
        kind["left_out"] = vars(left_out)
        for layer, filters in zip(kind["layers"], rows):
            layer["filters"] = filters
    return data


def what_is_left_out(data: dict[str, Any]) -> list[str]:
    """Sentences about what there is no room for on the page, none where all is there."""
    labels = len(data["labels"])
    counts = LeftOut(*np.sum([tuple(kind["left_out"].values()) for kind in data["kinds"]], axis=0).tolist())
    said = []
    if labels > MOST_LABELS:
        said.append(
            f"Matrices show {MOST_LABELS} of {labels:,} labels: first those of the clusters, then those with most "
            "noise. Counts and SNR are over all."
        )
    if counts.fields:
        said.append(f"Field values of the {count(counts.fields, 'lowest-ranked filter')}; what is above is here.")
    if counts.matrices:
        said.append(f"Matrices of the {count(counts.matrices, 'lowest-ranked filter')}; their numbers are here.")
    if counts.filters:
        said.append(f"The {count(counts.filters, 'lowest-ranked filter')}. Means of layers are over all.")
    return said


def _kind(analysis: Analysis, main: Analysis) -> dict[str, Any]:
    """One kind of fields, still without its filters."""
    table = analysis.layers()
    worth = main.network.layers() if main.network is not None else table
    layers = [
        _layer(row, filters.cluster_of, filters_table)
        for row, filters, filters_table in zip(
            table.assign(**_quality_columns(worth)).to_dict("records"), analysis, _tables(analysis, main)
        )
    ]
    name = "network" if analysis is main.network or main.settings.fields == "network" else "probe"
    return {"name": name, "images": analysis.images, "layers": layers}


def _layer(row: dict[str, Any], cluster_of: np.ndarray, table: pd.DataFrame) -> dict[str, Any]:
    sizes = table["cluster_sizes"].explode().dropna().astype(int).value_counts().sort_index()
    return {
        "name": row["layer"],
        "units": int(row["units"]),
        "positions": row["positions"],
        "numbers": {name: json_number(row[name]) for name in _LAYER_NUMBERS if name in row},
        "spread": {
            name: [json_number(value) for value in table[column].quantile(_QUARTILES, interpolation="nearest")]
            for name, column in _SPREADS.items()
            if column in table
        },
        "filters_of_label": label_homogeneity(cluster_of).counts.tolist(),
        "clusters_of_size": [[int(size), int(count)] for size, count in sizes.items()],
    }


def _quality_columns(layers: pd.DataFrame) -> dict[str, pd.Series]:
    return {name: layers[name] for name in layers if name.startswith("quality")}


def _tables(analysis: Analysis, main: Analysis) -> list[pd.DataFrame]:
    """Filter tables of the layers; quality is a filter's, whichever kind of field is shown."""
    tables = [filters.table for filters in analysis]
    if main.network is None or analysis is main.network:
        return tables
    worth = [filters.table for filters in main.network]
    return [table.assign(**_quality_columns(other)) for table, other in zip(tables, worth)]


def _history(history: pd.DataFrame | None) -> dict[str, list[Any]] | None:
    if history is None:
        return None
    columns = {name: history[name] for name in ("epoch", *_HISTORY) if name in history}
    return {name: [json_number(float(value)) for value in column] for name, column in columns.items()}
