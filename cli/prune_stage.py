"""The stage `prune/NAME` of a run, or a folder beside a file: pruned once, and kept."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from inspect import getsourcefile
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fm_keras.errors import Interrupted, InvalidInput
from fm_keras.hashes import file_hash
from fm_keras.runs import ANALYSIS, PRUNE, Run, StageFolder, stage_folder, stage_is_current, unfinished_beside
from fm_keras.settings import AnalysisSettings, DataSettings, PruneSettings, TrainSettings
from fm_keras_cli.bars import Bars
from fm_keras_cli.measured import open_preprocess
from fm_keras_cli.numbers import count
from fm_keras_cli.report import run_words
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import keras

    from fm_keras.analysis import Analysis
    from fm_keras.data import Dataset
    from fm_keras.pruning import ConnectionMasks, Pruning, PruningPlan


_REMOVAL = ("plan.json", "masks.json", "masks.npz")  # what says which units or connections go


@dataclass(frozen=True, eq=False)
class Asked:
    """A network to prune, and how."""

    model: keras.Model
    given_as: str
    """what the command was given: a file, or the name of a run"""
    run: Run | None
    images: DataSettings
    dataset: Dataset
    settings: PruneSettings
    measuring: AnalysisSettings
    layers: Sequence[str] | None = None
    applied: Path | None = None
    name: str | None = None
    to: Path | None = None
    preprocess: str | None = None
    """what prepares the images, by its name"""
    sweep: bool = False
    """whether several rules may be named, with commas between"""

    @property
    def train(self) -> TrainSettings | None:
        """How the network was trained, if that is known: fine-tuning does it likewise."""
        known = self.run.record.settings.get("train") if self.run else None
        return TrainSettings(**known) if known else None

    @property
    def rules(self) -> list[str]:
        """Names of the rules asked for."""
        if self.applied:
            return []
        return self.settings.rule.split(",") if self.sweep else [self.settings.rule]

    @property
    def rule_in_words(self) -> str | None:
        """The rule, to say why; None if a plan is applied."""
        return None if self.applied else self.settings.rule

    @property
    def words(self) -> str:
        """How the network is named on the command line, with its images if they are not those of its run."""
        if self.run is None:
            return f"{shlex.quote(self.given_as)} {self.image_words}"
        others = self.preprocess or self.images != DataSettings(**self.run.record.settings["data"])
        return f"{run_words(self.run)} {self.image_words}" if others else run_words(self.run)

    @property
    def image_words(self) -> str:
        """How the images are named on the command line, and what prepares them."""
        named = {"dataset": self.images.dataset, **self.images.model_dump(exclude_defaults=True)}
        named |= {"preprocess": self.preprocess} if self.preprocess else {}
        values = {name: ",".join(each) if isinstance(each, tuple) else str(each) for name, each in named.items()}
        return shlex.join(word for name, each in values.items() for word in (f"--{name.replace('_', '-')}", each))

    def choose(self, terminal: Terminal) -> PruningPlan | ConnectionMasks:
        """What would go."""
        from fm_keras.pruning import choose

        if self.applied:
            return _read_removal(self.applied)
        how = {"layers": self.layers, "analysis": self.analysis, "measuring": self.measuring}
        with Bars(terminal) as bars, interruptible("Stopped. Nothing has been changed."):
            return choose(self.model, self.dataset, self.settings, preprocess=self.prepare, progress=bars, **how)

    def prune(self, terminal: Terminal) -> tuple[Pruning, Path]:
        """The pruned network and where it lies; from there if this was done before.

        Raises:
            InvalidInput: something else lies there.
            Interrupted: Ctrl-C.
        """
        from fm_keras.pruning import Pruning

        path = self.folder(self._default_name)
        with self.lock(), Bars(terminal) as bars:
            if stage_is_current(path, *self.made_from):
                bars.note("prune     as before")
                return Pruning.load(path), path
            checkpoints = unfinished_beside(path, *self.made_from)
            pruning = self._prune(bars, checkpoints)
            with stage_folder(path, *self.made_from) as stage:
                pruning.save(stage.path)
            shutil.rmtree(checkpoints, ignore_errors=True)
        return pruning, path

    @cached_property
    def analysis(self) -> Analysis | None:
        """What the run holds for rules that need fields; None where no rule does, and for a file.

        Raises:
            InvalidInput: the run has no such fields; says which command measures them.
        """
        from fm_keras.analysis import load_analysis
        from fm_keras.pruning import needed_fields

        needs = {need: rule for rule in self.rules if (need := needed_fields(rule))}
        if self.run is None or not needs:
            return None
        command = f"fm-keras analyze {run_words(self.run)} --fields probe"
        if not self.run.path.joinpath(ANALYSIS).exists():
            rule = next(iter(needs.values()))
            raise InvalidInput(f"{rule} goes by fields, and {self.run.name} has none yet. Measure them: {command}")
        analysis = load_analysis(self.run.read_stage(ANALYSIS).path)
        if "probe" in needs and analysis.probe is None:
            raise InvalidInput(f"{needs['probe']} goes by probes, and {self.run.name} holds network fields only.")
        return analysis

    @cached_property
    def prepare(self) -> Callable[[Any], Any] | None:
        """What prepares the images."""
        return open_preprocess(self.preprocess)

    def lock(self) -> AbstractContextManager:
        """Keeps other processes from the run, if there is one."""
        return self.run.lock() if self.run else nullcontext()

    def folder(self, default: str) -> Path:
        """Where the result goes: where it was asked for, else in the run or beside the file.

        Args:
            default: its name if none was given; with -2, -3, ... if something else has that name.

        Raises:
            InvalidInput: something else lies where it was asked for.
        """
        if self.to or self.name:
            path = self.to or self._inside(self.name)
            if path.exists() and not stage_is_current(path, *self.made_from):
                raise InvalidInput(f"{path} holds something else already. Keep this one elsewhere: --name or --to.")
            return path
        for number in numbers(1):
            path = self._inside(default if number == 1 else f"{default}-{number}")
            if not path.exists() or stage_is_current(path, *self.made_from):
                return path

    @cached_property
    def made_from(self) -> tuple[dict, dict[str, str]]:
        """Settings and content hashes that decide the result."""
        from fm_keras.hashes import model_hash
        from fm_keras.pruning import is_scores_file
        from fm_keras.pruning.choosing.own_rule import is_own_rule, load_rule
        from fm_keras.pruning.scores.scores_file import scores_path

        inputs = {"data": self.dataset.content_hash, "model": model_hash(self.model)}
        if self.layers is not None:
            inputs["layers"] = ",".join(self.layers)
        if self.preprocess is not None:
            inputs["preprocess"] = self.preprocess
        for rule in filter(is_scores_file, self.rules):
            inputs[f"scores {rule}"] = file_hash(scores_path(rule))
        for rule in filter(is_own_rule, self.rules):
            inputs[f"rule {rule}"] = file_hash(Path(getsourcefile(load_rule(rule))))
        if self.applied:
            files = [self.applied / name for name in _REMOVAL]
            inputs |= {f"applied {file.name}": file_hash(file) for file in files if file.exists()}
        if self.analysis is not None:
            inputs["analysis"] = file_hash(StageFolder(self.run.path / ANALYSIS).analysis)
        settings = {"prune": self.settings, "measure": self.measuring}
        return settings | ({"train": self.train} if self.train else {}), inputs

    @property
    def _default_name(self) -> str:
        given = [(name, getattr(self.settings, name)) for name in ("keep", "macs", "params", "latency", "dilution")]
        target = [f"{name}-{share:g}" for name, share in given if share is not None]
        chosen = self.applied.name if self.applied else _short_name(self.settings.rule)
        return "-".join([chosen, *target])

    def _inside(self, name: str) -> Path:
        if self.run is not None:
            return self.run.path / PRUNE / name
        return Path(self.given_as).with_suffix("").with_name(f"{Path(self.given_as).stem}-{name}")

    def _prune(self, bars: Bars, checkpoints: Path) -> Pruning:
        import fm_keras
        from fm_keras.training import finished_epochs

        kept = finished_epochs(checkpoints)
        if kept:
            bars.note(f"tune      goes on after {count(kept, 'epoch')}")
        how = {"settings": self.settings, "train": self.train, "preprocess": self.prepare}
        how |= {"checkpoints": checkpoints, "progress": bars}
        if self.applied:
            how["plan"] = _read_removal(self.applied)
        else:
            how |= {"layers": self.layers, "measuring": self.measuring}
            how["analysis"] = self.analysis
        try:
            return fm_keras.prune(self.model, self.dataset, **how)
        except KeyboardInterrupt:
            raise Interrupted(_stopped(finished_epochs(checkpoints))) from None


@contextmanager
def interruptible(said: str) -> Iterator[None]:
    """Turn Ctrl-C into one line.

    Raises:
        Interrupted: what was said.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(said) from None


def _stopped(kept: int) -> str:
    if kept == 0:
        return "Stopped. Nothing of this pruning is kept; the same command starts it again."
    return f"Stopped after {count(kept, 'epoch')} of fine-tuning. The same command cuts again and goes on from there."


def _short_name(rule: str) -> str:
    """Name of a rule, of a file of scores without folder and suffix, of a function without its module."""
    from fm_keras.pruning.choosing.own_rule import is_own_rule

    return rule.rpartition(":")[2] if is_own_rule(rule) else Path(rule).stem


def _read_removal(folder: Path) -> PruningPlan | ConnectionMasks:
    """The plan or the masks of a folder."""
    from fm_keras.pruning import load_masks, load_plan

    return load_masks(folder) if StageFolder(folder).masks.exists() else load_plan(folder)
