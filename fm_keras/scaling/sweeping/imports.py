"""Rows that were made elsewhere: checked, named as trials here, and put beside the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fm_keras.errors import BadRun, InvalidInput
from fm_keras.scaling.sweeping.folder import COLUMNS, COUNTS, FAILED, IMPORTED, SweepFolder
from fm_keras.scaling.sweeping.joining import join_row, name_of

_NEEDED = ("model", "width", "error")
_YES = {**dict.fromkeys(("yes", "true", "1", "1.0"), True), **dict.fromkeys(("no", "false", "0", "0.0"), False)}
_NUMBERS = tuple(name for name in COLUMNS if name not in ("trial", "model", "batch_norm", "worker", "status", "reason"))


def import_rows(path: str | Path, to: str | Path) -> pd.DataFrame:
    """Put rows of trials that were made elsewhere into a sweep.

    A trial that the sweep asks for, before or later, is then done; rows of failed trials are left out.  An axis that is
    left out or empty takes the value of the sweep's own trials of that model where they have but one: rows of
    `lenet` at other widths join its series.

    Args:
        path: CSV file with the columns model, width and error (share of the test images), and any others of
            `read_sweep`; batch_norm is yes or no, true or false, 1 or 0.  Without the column trial the rows are named
            by what is known of the axes.
        to: folder of the sweep; made if need be.

    Returns:
        The rows as they now stand in the sweep, with status imported.

    Raises:
        InvalidInput: the file is no such table; says the row or column.
        BadRun: the sweep has a row of its own for a trial, is in use or damaged.
    """
    path = Path(path)
    table = _checked(path, _read(path))
    with SweepFolder(Path(to)).claim() as own:
        made_here = [row for row in own.all() if row["status"] != IMPORTED]
        rows = [join_row(row, made_here) for row in table.to_dict("records")]
        _refuse_twice(path, [row["trial"] for row in rows])
        for row in rows:
            there = own.get(row["trial"])
            if there and there["status"] not in (IMPORTED, FAILED):
                raise BadRun(f"{to} has a row of its own for {row['trial']}: leave it out of {path}.")
        return pd.DataFrame([own.put(row, {}) for row in rows])


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"trial": str, "model": str, "batch_norm": str})
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
    if "batch_norm" in table:
        norms = [_YES.get(str(value).strip().lower()) for value in table["batch_norm"]]
        wrong = pd.Series(norms, index=table.index).isna() & table["batch_norm"].notna()
        _refuse(path, table, "batch_norm", wrong, "yes or no")
        table = table.assign(batch_norm=pd.Series(norms, index=table.index, dtype=object))
    table = table.assign(seed=table["seed"].fillna(0) if "seed" in table else 0)
    names = [name_of(row) if pd.isna(row.get("trial")) else row["trial"] for row in table.to_dict("records")]
    table = table.assign(trial=names, status=IMPORTED, reason="", worker=table.get("worker", ""))
    _refuse_twice(path, names)
    return table


def _refuse_twice(path: Path, names: list[str]) -> None:
    for row, name in enumerate(names):
        if name in names[:row]:
            raise InvalidInput(
                f"{path}, rows {names.index(name) + 1} and {row + 1} are both trial {name!r}. Tell them apart by seed "
                "or another column, or name them in a column trial."
            )


def _refuse(path: Path, table: pd.DataFrame, name: str, wrong: pd.Series, needed: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = table[name].iloc[row]
        found = "empty" if pd.isna(value) else repr(value) if isinstance(value, str) else f"{value:g}"
        raise InvalidInput(f"{path}, row {row + 1}: {name} is {found}; {needed} is needed.")
