"""The run folder: what lies where, whole stages only, one process at a time.  No other module knows file names."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from fm_keras.errors import BadRun, InvalidInput
from fm_keras.files import disk_errors_in_one_line, folder_beside, layer_file_name
from fm_keras.hashes import file_hash, folder_hashes, json_hash
from fm_keras.records import RunRecord, SettingsByName, StageRecord, dump_settings

ROOT = "runs"
TRAIN, ANALYSIS, REPORT, PRUNE, COMPLEXITY, HEADS = "train", "analysis", "report", "prune", "complexity", "heads"
_RUN_FILE, _STAGE_FILE = "run.json", "stage.json"


@dataclass(frozen=True)
class StageFolder:
    """The files of one stage."""

    path: Path

    @property
    def model(self) -> Path:
        """The trained model, float32."""
        return self.path / "model.keras"

    @property
    def history(self) -> Path:
        """What every epoch brought."""
        return self.path / "history.csv"

    @property
    def analysis(self) -> Path:
        """What the analysis beside it was measured on, and how."""
        return self.path / "analysis.json"

    @property
    def layers(self) -> Path:
        """The layer table."""
        return self.path / "layers.csv"

    @property
    def filters(self) -> Path:
        """The filter table, one row per filter of every layer."""
        return self.path / "filters.csv"

    @property
    def network(self) -> Path:
        """The analysis of the network fields, beside that of the probe fields."""
        return self.path / "network"

    @property
    def nodes(self) -> Path:
        """The analysis of the nodes of attention heads, beside that of the heads."""
        return self.path / "nodes"

    @property
    def masks(self) -> Path:
        """Which connections pruning by dilution kept."""
        return self.path / "masks.json"

    @property
    def picture(self) -> Path:
        """A sweep of pruning rules, drawn."""
        return self.path / "sweep.png"

    @property
    def page(self) -> Path:
        """The report as one web page."""
        return self.path / "report.html"

    def table(self, name: str) -> Path:
        """A table of pruning: steps, effect, savings or sweep."""
        return self.path / f"{name}.csv"

    def arrays(self, layer: str) -> Path:
        """The arrays of one layer."""
        return self.path / "arrays" / f"{layer_file_name(layer)}.npz"


@dataclass(frozen=True)
class Run:
    """A folder that holds a run: run.json and one folder per finished stage."""

    path: Path
    record: RunRecord

    @classmethod
    def create(cls, name: str, record: RunRecord, root: str | Path = ROOT) -> Run:
        """Make a run, or open the one of this name if it is the same.

        Args:
            name: its name below `root`, such as that of `default_run_name`.
            record: what the run shall be; runs are the same if settings, seed and content of the data are.
            root: folder that holds the runs.

        Raises:
            InvalidInput: a name that cannot be a folder's.
            BadRun: the name belongs to another run or to something else; no space or no permission.
        """
        if not re.fullmatch(r"[^./\\][^/\\]*", name) or name == "latest":
            raise InvalidInput(f"A run cannot be called {name!r}: choose a name without / that is not 'latest'.")
        path = Path(root) / name
        if (path / _RUN_FILE).exists():
            return _same(cls.open(path), record)
        if not _is_free(path):
            raise BadRun(f"{path} exists and is not a run: it has no {_RUN_FILE}. Choose another name.")
        record.write(path / _RUN_FILE)
        return cls(path, record)

    @classmethod
    def open(cls, run: str | Path = "latest", root: str | Path = ROOT) -> Run:
        """Open a run by its name below `root`, its path, or `latest`: the one last worked on.

        Raises:
            BadRun: there is no such run, or its run.json is damaged or of another format.
        """
        path = _locate(run, Path(root))
        return cls(path, RunRecord.read(path / _RUN_FILE, f"Remove {path} and make the run again."))

    @property
    def name(self) -> str:
        """Name below the folder of runs."""
        return self.path.resolve().name

    @property
    def checkpoints(self) -> Path:
        """Where the state of an unfinished training lies; removed when the stage `train` is complete."""
        return self.path / "checkpoints"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from writing; the lock of a process that died is free, and one's own can be nested.

        Raises:
            BadRun: another process has the run, with its number.
        """
        with lock_folder(self.path):
            yield

    @contextmanager
    def stage(self, name: str, settings: SettingsByName, inputs: Mapping[str, str]) -> Iterator[StageFolder]:
        """Write a stage whole or not at all: beside its place, then renamed.

        Args:
            name: `train`, `analysis` or another; may have a slash, such as prune/half.
            settings: all that decide the outcome, by what they are for.
            inputs: content hashes of what goes in, such as model and data.

        Yields:
            The folder to write to.  A stage of this name stays until the new one is complete.

        Raises:
            BadRun: the run is in use, no space, or no permission.
        """
        with self.lock():
            with stage_folder(self.path / name, settings, inputs) as folder:
                yield folder
            if name == TRAIN:
                shutil.rmtree(self.checkpoints, ignore_errors=True)

    def is_current(self, name: str, settings: SettingsByName, inputs: Mapping[str, str]) -> bool:
        """Whether a stage is there, undamaged, and made from these settings and inputs: it need not be run again."""
        return stage_is_current(self.path / name, settings, inputs)

    def read_stage(self, name: str) -> StageFolder:
        """The folder of a finished stage, every file of which is what was written.

        Raises:
            BadRun: the stage is missing, damaged or of another format; says which command makes it again.
        """
        folder, remedy = self.path / name, f"Make it again: {self.record.command}"
        if not folder.is_dir():
            if name == TRAIN and not self.record.trains:
                raise BadRun(f"{self.path} holds no network: one from elsewhere was measured by {self.record.command}")
            raise BadRun(f"{self.path} has no stage {name!r} yet. Make it: {self.record.command}")
        _checked_record(folder, remedy)
        return StageFolder(folder)


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder; see `Run.lock`."""
    lock, owner = FileLock(path / ".lock", timeout=0, is_singleton=True), path / ".lock-owner"
    try:
        with disk_errors_in_one_line(path):
            lock.acquire()
    except Timeout:
        process = owner.read_text() if owner.exists() else "unknown"
        raise BadRun(f"{path} is in use by process {process}. Wait for it, or choose another name.") from None
    try:
        with disk_errors_in_one_line(path):
            owner.write_text(str(os.getpid()))
            os.utime(path)  # `latest` is the run last worked on
        yield
    finally:
        lock.release()


@contextmanager
def stage_folder(path: Path, settings: SettingsByName, inputs: Mapping[str, str]) -> Iterator[StageFolder]:
    """Write the folder of a stage whole or not at all, inside a run or elsewhere; see `Run.stage`."""
    with folder_beside(path) as partial:
        yield StageFolder(partial)
        record = StageRecord(settings=dump_settings(settings), inputs=dict(inputs), files=folder_hashes(partial))
        record.write(partial / _STAGE_FILE)


def growing_stage(path: Path, settings: SettingsByName, inputs: Mapping[str, str]) -> StageFolder:
    """The folder of a stage whose files grow until all is done, begun unless it was begun from the same before."""
    if not stage_is_current(path, settings, inputs):
        StageRecord(settings=dump_settings(settings), inputs=dict(inputs), files={}).write(path / _STAGE_FILE)
    return StageFolder(path)


def unfinished_beside(path: Path, settings: SettingsByName, inputs: Mapping[str, str]) -> Path:
    """Where the state of an unfinished stage lies: beside it, one folder for each way of making the stage."""
    return path.with_name(f".unfinished-{json_hash([dump_settings(settings), dict(inputs)])[:8]}-{path.name}")


def stage_is_current(path: Path, settings: SettingsByName, inputs: Mapping[str, str]) -> bool:
    """Whether the folder of a stage is there, undamaged, and made from these settings and inputs."""
    try:
        record = _checked_record(path, "")
    except BadRun:
        return False
    return record.settings == dump_settings(settings) and record.inputs == dict(inputs)


def _checked_record(folder: Path, remedy: str) -> StageRecord:
    """The record of a stage, after all its files were compared with it."""
    record = StageRecord.read(folder / _STAGE_FILE, remedy)
    for file, expected in record.files.items():
        if not (folder / file).is_file():
            raise BadRun(f"{folder / file} is missing. {remedy}")
        found = file_hash(folder / file)
        if found != expected:
            hashes = f"expected content {expected[:8]}, found {found[:8]}"
            raise BadRun(f"{folder / file} is damaged: {hashes}. {remedy}")
    return record


def default_run_name(record: RunRecord, root: str | Path = ROOT) -> str:
    """Name of a run that was given none: the same command gets the same name again.

    Returns:
        Data set and model, such as digits-vgg16; with -2, -3, … if that is the name of a run with other settings.
    """
    dataset = record.data.name.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    base = re.sub(r"[^\w.-]+", "-", f"{dataset}-{record.settings['model']['name']}").lower().lstrip("-.")
    for number in count(1):
        name = base if number == 1 else f"{base}-{number}"
        path = Path(root) / name
        if _is_free(path) or ((path / _RUN_FILE).exists() and not Run.open(path).record.differences(record)):
            return name


def list_runs(root: str | Path = ROOT) -> list[Path]:
    """Folders of all runs, the one last worked on at the end."""
    return sorted((file.parent for file in Path(root).glob(f"*/{_RUN_FILE}")), key=lambda path: path.stat().st_mtime_ns)


def _locate(run: str | Path, root: Path) -> Path:
    """Folder of a run that is given as people give it."""
    runs = list_runs(root)
    if str(run) == "latest" and runs:
        return runs[-1]
    with disk_errors_in_one_line(Path(run)):
        for path in (root / run, Path(run)):
            if (path / _RUN_FILE).exists():
                return path
    names = ", ".join(sorted(path.name for path in runs))
    there = f"Runs in {root}: {names}." if runs else f"There are no runs in {root}: fm-keras run makes one."
    if Path(run).exists():
        raise BadRun(f"{run} is not a run: it has no {_RUN_FILE}. {there}")
    raise BadRun(f"There is no run {str(run)!r}. {there}")


def _same(run: Run, record: RunRecord) -> Run:
    """The run, unless it was made otherwise than the record says."""
    differences = run.record.differences(record)
    if differences:
        raise BadRun(f"{run.path} has {', '.join(differences)}. Choose another name for this one.")
    return run


def _is_free(path: Path) -> bool:
    """Whether a run can be made there: there is nothing, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))
