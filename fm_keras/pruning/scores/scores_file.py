"""Scores of units from a file: a table that anything may have written."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from fm_keras.errors import InvalidInput

_SUFFIXES = (".csv", ".json")
_UNIT = ["layer", "filter"]


def is_scores_file(rule: str) -> bool:
    """Whether a rule names a file of scores, such as scores.csv or filters.csv:quality."""
    return _split(rule)[0].lower().endswith(_SUFFIXES)


def scores_path(rule: str) -> Path:
    """The file that a rule names, without the column behind a colon."""
    return Path(_split(rule)[0])


def load_scores(file: str | Path) -> pd.Series:
    """Read scores of units.

    Args:
        file: a .csv with the columns layer, filter and score; or a .json list of such rows, which may be the "filters"
            of a larger document, as `fm-keras quality --json` prints it.  Another column than score is named behind a
            colon: `runs/mine/analysis/filters.csv:quality`.

    Returns:
        Series over (layer, filter), named like the column.

    Raises:
        InvalidInput: no such file or column, rows without a number.
    """
    name, column = _split(str(file))
    path = Path(name)
    try:
        table = _json_rows(path) if path.suffix.lower() == ".json" else pd.read_csv(path)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}. Give a file with the columns layer, filter, score.") from None
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is no table of scores: {str(error).splitlines()[0]}.") from None
    missing = [each for each in (*_UNIT, column) if each not in table]
    if missing:
        raise InvalidInput(
            f"{path} has no column {missing[0]!r}, but {', '.join(map(str, table))}. Scores are in the column score, "
            f"or in one named behind a colon: {path.name}:COLUMN."
        )
    values = pd.to_numeric(table[column], errors="coerce")
    filters = pd.to_numeric(table["filter"], errors="coerce")
    if (bad := values.isna() | (filters % 1 != 0)).any():
        row = table[bad].iloc[0]
        raise InvalidInput(f"{path} has no number for filter {row['filter']} of {row['layer']!r}: {row[column]}.")
    index = pd.MultiIndex.from_arrays([table["layer"].astype(str), filters.astype(int)], names=_UNIT)
    return pd.Series(values.to_numpy(float), index, name=column)


def _split(file: str) -> tuple[str, str]:
    """Path and column of `path` or `path:column`."""
    path, colon, column = file.rpartition(":")
    return (path, column) if colon and path.lower().endswith(_SUFFIXES) else (file, "score")


def _json_rows(path: Path) -> pd.DataFrame:
    document = json.loads(path.read_text(encoding="utf-8"))
    return pd.DataFrame(document["filters"] if isinstance(document, dict) and "filters" in document else document)
