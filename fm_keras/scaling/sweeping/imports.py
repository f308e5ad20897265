"""Rows that were made elsewhere: checked, named as trials here, and put beside the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fm_keras.errors import BadRun, InvalidInput
from fm_keras.scaling.sweeping.folder import COLUMNS, COUNTS, FAILED, IMPORTED, SweepFolder
from fm_keras.scaling.sweeping.trials import trial_name

_NEEDED = ("model", "width", "error")
_NUMBERS = tuple(name for name in COLUMNS if name not in ("trial", "model", "batch_norm", "worker", "status", "reason"))


def import_rows(path: str | Path, to: str | Path) -> pd.DataFrame:
    """Put rows of trials that were made elsewhere into a sweep.

    A trial that the sweep has asked for is then done; rows of failed trials are left out.

    Args:
        path: CSV file with the columns model, width and error (share of the test images), and any others of
            `read_sweep`.  Without the column trial the rows are named by what is given of the axes.
        to: folder of the sweep; made if need be.

    Returns:
        The rows as they now stand in the sweep, with status imported.

    Raises:
        InvalidInput: the file is no such table; says the row or column.
        BadRun: the sweep has a row of its own for a trial, is in use or damaged.
    """
    path = Path(path)
    table = _checked(path, _read(path))
    rows = table.to_dict("records")
    with SweepFolder(Path(to)).claim() as own:
        for row in rows:
            there = own.get(row["trial"])
            if there and there["status"] not in (IMPORTED, FAILED):
                raise BadRun(f"{to} has a row of its own for {row['trial']}: leave it out of {path}.")
        return pd.DataFrame([own.put(row, {}) for row in rows])


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"trial": str, "model": str})
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as CSV: {' '.join(str(error).split())}.") from None
    unknown = [name for name in table if name not in COLUMNS]
    missing = [name for name in _NEEDED if name not in table]
    if unknown or missing:
        wrong = f"has no column {', '.join(missing)}" if missing else f"has unknown columns {', '.join(unknown)}"
        raise InvalidInput(f"{path} {wrong}. Rows need {', '.join(_NEEDED)}, and may have: {', '.join(COLUMNS)}.")
    if "status" in table:
        table = table[table["status"] != FAILED].reset_index(drop=True)
    if table.empty:
        raise InvalidInput(f"{path} holds no rows with results.")
    return table


def _checked(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with numbers where they belong, a name for every row, and each name once."""
    for name in _NUMBERS:
        if name in table:
            numbers = pd.to_numeric(table[name], errors="coerce")
            _refuse(path, table, name, numbers.isna() & table[name].notna(), "a number")
            table = table.assign(**{name: numbers})
        if name in table and name in COUNTS:
            broken = (table[name] < 0) | (table[name] % 1 != 0)
            _refuse(path, table, name, broken & table[name].notna(), "a whole number")
    _refuse(path, table, "width", ~(table["width"] >= 1), "a whole number from 1")
    _refuse(path, table, "error", ~table["error"].between(0, 1), "a share from 0 to 1")
    _refuse(path, table, "model", table["model"].isna(), "a name")
    table = table.assign(seed=table["seed"].fillna(0) if "seed" in table else 0)
    names = [_name(row) for row in table.to_dict("records")]
    table = table.assign(trial=names, status=IMPORTED, reason="", worker=table.get("worker", ""))
    _refuse(path, table, "trial", table["trial"].duplicated(), "another name for every row")
    return table


def _name(row: dict) -> str:
    """Name of a row: its own, or that of its axes."""
    given = {name: value for name, value in row.items() if not pd.isna(value)}
    if "trial" in given:
        return given["trial"]
    counts = {name: int(given[name]) for name in ("labels", "samples") if name in given}
    others = {name: given[name] for name in ("ratio", "batch_norm") if name in given}
    return trial_name(given["model"], int(given["width"]), int(given["seed"]), **counts, **others)


def _refuse(path: Path, table: pd.DataFrame, name: str, wrong: pd.Series, needed: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = table[name].iloc[row]
        found = "empty" if pd.isna(value) else repr(value) if isinstance(value, str) else f"{value:g}"
        raise InvalidInput(f"{path}, row {row + 1}: {name} is {found}; {needed} is needed.")
