"""The folder of a sweep: what it is, the rows of its tables, and where a trial works."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, JsonValue

from fm_keras.errors import BadRun
from fm_keras.files import disk_errors_in_one_line, write_beside
from fm_keras.records import DataRecord, Record, differences, flat_settings, versions
from fm_keras.runs import lock_folder

Table = Literal["trials", "layers", "complexity"]
TABLES: tuple[Table, ...] = ("trials", "layers", "complexity")
AXES = ("model", "width", "ratio", "batch_norm", "labels", "samples", "seed")
OUTCOME = ("epochs", "parameters", "macs", "error", "loss", "train_error", "seconds")
FILTERS = ("probe_accuracy", "n_clusters", "cluster_size", "noise", "snr", "label_cv")
COLUMNS = ("trial", *AXES, *OUTCOME, "worker", "status", "reason", *FILTERS)
COUNTS = ("width", "labels", "samples", "seed", "epochs", "parameters", "macs")
DONE, FAILED, IMPORTED = "done", "failed", "imported"
_TEXT = {"trial": str, "model": str, "worker": str, "status": str, "reason": str, "failed": str}


class SweepRecord(Record):
    """sweep.json: what all trials of a sweep have in common."""

    settings: dict[str, dict[str, JsonValue]]
    """settings that decide the rows, by what they are for"""
    data: DataRecord
    """the images"""
    versions: dict[str, str] = Field(default_factory=versions)
    """fm_keras, Python, NumPy, Keras and its backend, when the sweep was begun"""

    def differences(self, other: SweepRecord) -> list[str]:
        """What another sweep must not have otherwise for its rows to stand beside these."""
        mine, others = (
            {**flat_settings(each.settings), "content of the data": each.data.hash} for each in (self, other)
        )
        texts = [flat.pop("build.content", None) for flat in (mine, others)]
        found = differences(mine, others)
        if not found and texts[0] != texts[1]:
            found = [f"networks of {mine['build.function']} as its file was before it was changed"]
        return found


@dataclass(frozen=True)
class SweepFolder:
    """The files of a sweep."""

    path: Path

    @property
    def record(self) -> Path:
        """What the sweep is."""
        return self.path / "sweep.json"

    def table(self, name: Table) -> Path:
        """The rows of the trials, or of their layers."""
        return self.path / f"{name}.csv"

    def trial(self, name: str) -> Path:
        """Where a trial keeps its checkpoints and its log while it runs; the log of a failed one stays."""
        return self.path / "trials" / name

    @contextmanager
    def claim(self, record: SweepRecord | None = None) -> Iterator[Rows]:
        """The rows of the sweep, while no other process may write to it.

        Args:
            record: what the sweep shall be; None to add rows whatever it is.

        Raises:
            BadRun: in use, begun with other settings, damaged, or something that is no sweep.
        """
        with disk_errors_in_one_line(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        there = [each.name for each in self.path.iterdir() if not each.name.startswith(".")]
        if there and not {self.record.name, self.table("trials").name} & set(there):
            raise BadRun(f"{self.path} exists and is not a sweep: it has no {self.record.name}. Choose another name.")
        with lock_folder(self.path):
            if record is not None:
                self._begin(record)
            yield Rows(self)

    def remove_trial(self, name: str) -> None:
        """Remove what a trial that is done has left."""
        shutil.rmtree(self.trial(name), ignore_errors=True)
        if self.trial(name).parent.is_dir() and not any(self.trial(name).parent.iterdir()):
            self.trial(name).parent.rmdir()

    def _begin(self, record: SweepRecord) -> None:
        """Say what the sweep is, unless it was begun as this before."""
        if not self.record.exists():
            record.write(self.record)
            return
        found = SweepRecord.read(self.record, f"Remove {self.path} and make the sweep again.").differences(record)
        if found:
            raise BadRun(f"{self.path} has {', '.join(found)}. Choose another name for this one.")


class Rows:
    """The tables of a sweep, written whenever a trial has ended."""

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self.tables = {name: _by_trial(read_table(folder.path, name)) for name in TABLES if folder.table(name).exists()}

    def get(self, trial: str) -> dict[str, Any] | None:
        """The row of a trial, if it has one."""
        return next(iter(self.tables.get("trials", {}).get(trial, ())), None)

    def all(self) -> list[dict[str, Any]]:
        """The rows of all trials."""
        return [rows[0] for rows in self.tables.get("trials", {}).values()]

    def set(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Let these be the rows of the trials."""
        self.tables["trials"] = {row["trial"]: [dict(row)] for row in rows}
        self._save("trials")

    def put(self, row: Mapping[str, Any], layers: Mapping[Table, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
        """Write the row of a trial, and those of its layers, over what it had before; returns the row, complete."""
        trial = row["trial"]
        columns = [name for name in COLUMNS if name in row or name not in FILTERS]
        whole = {name: row.get(name) for name in columns}
        for name, rows in layers.items():
            self._write(name, trial, [{"trial": trial, **each} for each in rows])
        self._write("trials", trial, [whole])  # last: a trial that has its row has its layers
        return whole

    def _write(self, name: Table, trial: str, rows: list[dict[str, Any]]) -> None:
        self.tables.setdefault(name, {})[trial] = rows
        self._save(name)

    def _save(self, name: Table) -> None:
        with write_beside(self.folder.table(name)) as partial:
            whole = pd.DataFrame([row for rows in self.tables[name].values() for row in rows])
            # Whole numbers stay whole beside the empty cells of failed trials.
            counts = {column: "Int64" for column in COUNTS if column in whole} if name == "trials" else {}
            whole.astype(counts).to_csv(partial, index=False)


def read_sweep(to: str | Path) -> pd.DataFrame:
    """The rows of a sweep, one a trial, as far as it has come.

    Args:
        to: its folder.

    Returns:
        trial, model, width, ratio, batch_norm, labels, samples, seed, epochs, parameters, macs (of one image), error
        and loss on test images, train_error, seconds of training, worker, status (done, failed, imported), reason; of
        a sweep that measures filters also those of the last convolution: probe_accuracy, n_clusters, cluster_size,
        noise, snr, label_cv.

    Raises:
        BadRun: there is no sweep, or its table is damaged.
    """
    return read_table(to, "trials")


def read_table(to: str | Path, name: Table) -> pd.DataFrame:
    """A table of a sweep: its trials, or the layers of all of them with their column `trial`.

    Raises:
        BadRun: there is no such table, or it is damaged.
    """
    path = SweepFolder(Path(to)).table(name)
    try:
        table = pd.read_csv(path, dtype=_TEXT)
    except FileNotFoundError:
        raise BadRun(f"{path} is missing: {to} holds no sweep that measured {name}.") from None
    except ValueError as error:
        raise BadRun(f"{path} is damaged: {error}. Remove it and repeat the command.") from error
    text = [name for name in _TEXT if name in table]
    return table.fillna(dict.fromkeys(text, ""))


def _by_trial(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Rows by trial, empty cells None."""
    return {name: rows.to_dict("records") for name, rows in table.groupby("trial", sort=False)}
