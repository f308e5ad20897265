"""An analysis on disk: tables where people look, arrays where machines look, no pickle."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from fm_keras.analysis.nouns import Analysis, LayerFilters
from fm_keras.errors import BadRun
from fm_keras.files import load_arrays, save_arrays, write_beside
from fm_keras.filters import format_groups, parse_groups
from fm_keras.records import Record
from fm_keras.runs import StageFolder
from fm_keras.settings import AnalysisSettings, ProbeSettings

_AGAIN = "Analyze the model again."
_ARRAYS = ("class_means", "kernel", "cluster_of", "held")


class AnalysisRecord(Record):
    """analysis.json: what the tables and arrays beside it were measured on, and how."""

    kind: Literal["analysis"] = "analysis"
    label_names: tuple[str, ...]
    data: str
    images: int
    settings: AnalysisSettings
    probe: ProbeSettings | None
    loss: float | None = None


def save_analysis(analysis: Analysis, folder: Path) -> None:
    """Write an analysis: analysis.json, layers.csv, filters.csv, arrays/<layer>.npz, and network/ with the same.

    Args:
        analysis: what `analyze` returned.
        folder: made if need be; each file is written beside and renamed, analysis.json last.

    Raises:
        BadRun: no space or no permission.
    """
    stage = StageFolder(folder)
    for filters in analysis:
        save_arrays(stage.arrays(filters.layer), {name: _or_empty(getattr(filters, name)) for name in _ARRAYS})
    for path, table in ((stage.layers, analysis.layers()), (stage.filters, format_groups(analysis.filters()))):
        with write_beside(path) as partial:
            table.to_csv(partial, index=False)
    if analysis.network is not None:
        save_analysis(analysis.network, stage.network)
    AnalysisRecord(
        label_names=analysis.label_names,
        data=analysis.data,
        images=analysis.images,
        settings=analysis.settings,
        probe=analysis.probe,
        loss=None if math.isnan(analysis.loss) else analysis.loss,
    ).write(stage.analysis)


def load_analysis(folder: Path) -> Analysis:
    """Read a saved analysis.

    Raises:
        BadRun: a file is missing or damaged, or tables and arrays do not fit each other.
    """
    stage = StageFolder(folder)
    record = AnalysisRecord.read(stage.analysis, _AGAIN)
    layers = _read_table(stage.layers, str)
    filters = parse_groups(_read_table(stage.filters, {"layer": str, "labels": str, "cluster_sizes": str}))
    if missing := {"layer", "positions", "accuracy"} - set(layers):
        raise BadRun(f"{stage.layers} is damaged: it lacks the columns {', '.join(sorted(missing))}. {_AGAIN}")
    if list(layers["layer"]) != list(filters["layer"].unique()):
        raise BadRun(f"{stage.layers} and {stage.filters.name} name other layers: one is damaged. {_AGAIN}")
    measured = []
    for _, row in layers.iterrows():
        arrays = load_arrays(stage.arrays(row["layer"]), _ARRAYS)
        table = filters[filters["layer"] == row["layer"]].drop(columns="layer").reset_index(drop=True)
        if arrays["cluster_of"].shape != (len(table), len(record.label_names)):
            raise BadRun(
                f"{stage.arrays(row['layer'])}: expected clusters of shape {(len(table), len(record.label_names))}, "
                f"found {arrays['cluster_of'].shape}. {_AGAIN}"
            )
        arrays = {name: array if array.size else None for name, array in arrays.items()}
        measured.append(
            LayerFilters(
                layer=row["layer"],
                map=row["positions"],
                accuracy=float(row["accuracy"]),
                table=table,
                threshold=record.settings.threshold,
                **arrays,
            )
        )
    return Analysis(
        label_names=record.label_names,
        measured=tuple(measured),
        data=record.data,
        images=record.images,
        settings=record.settings,
        probe=record.probe,
        network=load_analysis(stage.network) if record.settings.fields == "both" else None,
        loss=math.nan if record.loss is None else record.loss,
    )


def _or_empty(array: np.ndarray | None) -> np.ndarray:
    return np.zeros(0, np.float32) if array is None else array


def _read_table(path: Path, types: type | dict[str, type]) -> pd.DataFrame:
    """A CSV file; the text 'NA' is a label or layer like any other."""
    try:
        return pd.read_csv(path, dtype=types, keep_default_na=types is not str, na_values=[""])
    except FileNotFoundError:
        raise BadRun(f"{path} is missing. {_AGAIN}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BadRun(f"{path} is damaged: {str(error).splitlines()[0]}. {_AGAIN}") from error
