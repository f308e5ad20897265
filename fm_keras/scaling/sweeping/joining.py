"""Rows made elsewhere become trials of a sweep: what they leave open is as its own trials have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from fm_keras.scaling.sweeping.folder import FAILED, IMPORTED
from fm_keras.scaling.sweeping.trials import trial_name

_OPEN = ("ratio", "batch_norm", "labels", "samples")
_PARTNER = {"labels": "samples", "samples": "labels"}  # fewer labels have fewer images

Row = Mapping[str, Any]
"""Columns of trials.csv: the name `trial`, the axes, whatever else."""


def join_rows(rows: Iterable[Row], trials: Sequence[Row]) -> list[Row]:
    """The rows of a sweep, imported ones as trials of it; what changes is a new row.

    Args:
        rows: all that the sweep has.
        trials: name and axes of the trials asked for.
    """
    rows = list(rows)
    own = [row for row in rows if row["status"] != IMPORTED]
    taken = {row["trial"] for row in rows if row["status"] != FAILED}
    found: dict[str, Row] = {}
    for row in rows:
        if row["status"] == IMPORTED:
            joined = join_row(row, [*trials, *own])
            row = joined if joined["trial"] not in taken - {row["trial"]} else row
            taken.add(row["trial"])
        if row["status"] != FAILED or row["trial"] not in found:
            found[row["trial"]] = row
    return list(found.values())


def join_row(row: Row, trials: Iterable[Row]) -> Row:
    """A row that was made elsewhere as the trial it is, or in the series it belongs to.

    An axis that it leaves open takes the value of the trials of its model where they have but one.  If a trial then
    agrees with it in all axes it is that trial; of several it is the one in which the others are as usual.

    Args:
        row: with trial, model, width and seed at least.
        trials: name and axes of the trials of the sweep.
    """
    kin = [trial for trial in {each["trial"]: each for each in trials}.values() if trial["model"] == row["model"]]
    filled = {**row, **_common(row, kin)}
    shared = [trial for trial in kin if _agrees(trial, filled, _OPEN)]
    same = [trial for trial in shared if trial["width"] == row["width"] and trial["seed"] == row["seed"]]
    if len(same) > 1:
        usual = name_of({**row, "ratio": filled.get("ratio")})
        same = [trial for trial in same if trial["trial"] == usual]
    if same:
        filled |= {axis: same[0][axis] for axis in _OPEN}
    if row["trial"] == name_of(row):  # it was given no name of its own
        like = next((trial for trial in shared if _agrees(filled, trial, _OPEN)), None)
        filled["trial"] = same[0]["trial"] if same else _renamed(like["trial"], row) if like else row["trial"]
    changed = filled["trial"] != row["trial"] or any(_text(filled, axis) != _text(row, axis) for axis in _OPEN)
    return filled if changed else row


def name_of(row: Row) -> str:
    """Name of a row by what is given of the axes."""
    given = {axis: row[axis] for axis in _OPEN if _given(row, axis)}
    kinds = {"ratio": float, "batch_norm": bool, "labels": int, "samples": int}
    own = {axis: kinds[axis](value) for axis, value in given.items()}
    return trial_name(row["model"], int(row["width"]), int(row["seed"]), **own)


def _common(row: Row, kin: Sequence[Row]) -> dict[str, Any]:
    """What the trials of a model have in common in the axes that a row leaves open."""
    found = {}
    for axis in _OPEN:
        like = [trial for trial in kin if axis not in _PARTNER or _agrees(trial, row, [_PARTNER[axis]])]
        if not _given(row, axis) and len({_text(trial, axis) for trial in like}) == 1:
            found[axis] = like[0][axis]
    return found


def _agrees(trial: Row, row: Row, axes: Iterable[str]) -> bool:
    """Whether a trial has what a row gives of some axes."""
    return all(_text(trial, axis) == _text(row, axis) for axis in axes if _given(row, axis))


def _given(row: Row, axis: str) -> bool:
    return not pd.isna(row.get(axis))


def _text(row: Row, axis: str) -> str:
    """A value so that it can be compared: 2.667 is 8/3, as in names, and 1.0 is True."""
    return f"{float(row[axis]):.{4 if axis == 'ratio' else 12}g}" if _given(row, axis) else ""


def _renamed(name: str, row: Row) -> str:
    """Name of a trial at the width and seed of another."""
    model, _, *others, _ = name.split("-")
    return "-".join([model, f"w{int(row['width'])}", *others, f"s{int(row['seed'])}"])
