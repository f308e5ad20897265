"""A sweep while it goes on: rows as they finish, and below them, on a terminal, the trials that run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fm_keras_cli.numbers import amount, decimals, duration
from fm_keras_cli.sweep_times import expected_seconds, work_of
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.progress import Step
    from fm_keras.scaling import SweepEvent

_BAR = 12
_BARS_FROM = 90
_SECONDS_BETWEEN_LINES = 60.0


@dataclass
class _Running:
    """A trial that runs."""

    began: float
    share: float = 0.0
    """of its training that is done"""
    said: str = "starting"

    def take(self, step: Step) -> None:
        """Note where it stands; what comes after the training has no share of its own."""
        if step.stage == "train" and step.total:
            self.share = step.done / step.total
        self.said = step.note if step.stage == "train" and step.note else f"{step.stage}  {step.note}".strip()


class LiveSweep:
    """A `SweepProgress` that shows every row when it is there, and what is running.

    Args:
        terminal: its stderr is written to, unless it is quiet.
        plan: trials of the sweep with the columns trial and training_macs, as `plan_sweep` gives them.
        seconds: that trials of an earlier time took, by name.
    """

    def __init__(self, terminal: Terminal, plan: pd.DataFrame, seconds: Mapping[str, float]) -> None:
        self.terminal = terminal
        self.work = work_of(plan)
        self.known = dict(seconds)
        self.left = set(self.work)
        self.kept = 0
        self.running: dict[str, _Running] = {}
        self.said = time.monotonic()
        self.wide = max(map(len, self.work), default=0)
        drawn = terminal.err.is_terminal and not terminal.quiet
        self.live = Live(console=terminal.err, get_renderable=self.draw, refresh_per_second=4) if drawn else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tell_kept()
        self.running.clear()
        if self.live:
            self.live.stop()

    def __call__(self, event: SweepEvent) -> None:
        """Show what happened to a trial."""
        if event.kind == "kept":
            self.left.discard(event.trial)
            self.kept += 1
        elif event.kind == "started":
            self._tell_kept()
            self._start(event.trial)
        elif event.kind == "step":
            self._step(event)
        elif event.kind == "lost":
            self.running.pop(event.trial, None)
            self._say(Text(f"{event.trial:<{self.wide}}  {event.reason}; started once more", overflow="fold"))
        elif event.kind == "finished":
            self._finish(event)

    @property
    def standing(self) -> str:
        """7 of 15 trials, about 0:12:00 left."""
        left = self.seconds_left()
        done = f"{len(self.work) - len(self.left)} of {len(self.work)} trials"
        return done if left is None else f"{done}, about {duration(left)} left"

    def seconds_left(self) -> float | None:
        """Seconds that what is left will take, at as many trials at a time as now; None if nothing tells."""
        now = time.monotonic()
        begun = {name: (now - each.began) / each.share for name, each in self.running.items() if each.share > 0.05}
        expected = expected_seconds(self.work, {**begun, **self.known})
        if expected is None:
            return None
        gone = {name: now - each.began for name, each in self.running.items()}
        left = sum(max(0.0, expected[name] - gone.get(name, 0.0)) for name in self.left)
        return left / max(1, len(self.running))

    def draw(self) -> RenderableType:
        """Running trials, and the whole sweep."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        for name, each in self.running.items():
            grid.add_row(*self._cells(name, each))
        return Group(grid, Text(f"{'sweep':<{self.wide}}  {self.standing}", "bold")) if self.left else Text("")

    def _cells(self, name: str, each: _Running) -> list[RenderableType]:
        elapsed = time.monotonic() - each.began
        shown = f"{duration(elapsed / each.share - elapsed)} left" if 0 < each.share < 1 else duration(elapsed)
        said = Text(each.said, overflow="ellipsis", no_wrap=True)
        drawn = [_bar(each.share)] if self.terminal.err.width >= _BARS_FROM else []
        return [Text(f"{name:<{self.wide}}", no_wrap=True), *drawn, said, Text(shown, "bright_black", no_wrap=True)]

    def _start(self, trial: str) -> _Running:
        self.running[trial] = _Running(time.monotonic())
        return self.running[trial]

    def _step(self, event: SweepEvent) -> None:
        running = self.running.get(event.trial) or self._start(event.trial)
        running.take(event.step)
        if not self.live and time.monotonic() - self.said > _SECONDS_BETWEEN_LINES:
            self._say(Text(f"{event.trial:<{self.wide}}  {running.said}; {self.standing}", overflow="fold"))

    def _finish(self, event: SweepEvent) -> None:
        # A worker of a cluster may be lost before it could say that it started.
        ran = self.running.pop(event.trial, None)
        self.left.discard(event.trial)
        if ran and event.row["status"] == "done":
            self.known[event.trial] = time.monotonic() - ran.began
        self._say(_row_line(event.row, self.wide))

    def _tell_kept(self) -> None:
        if self.kept:
            self._say(Text(f"{self.kept} of {len(self.work)} trials as before"))
            self.kept = 0

    def _say(self, line: Text) -> None:
        self.said = time.monotonic()
        self.terminal.hint(line)


def _bar(share: float) -> ProgressBar:
    return ProgressBar(1.0, share, _BAR, style="grey37", complete_style="blue", finished_style="dark_cyan")


def _row_line(row: Mapping[str, Any], wide: int) -> Text:
    """lenet-w6-s0  error 0.412  1.02 M MACs  0:00:41"""
    name = f"{row['trial']:<{wide}}"
    if row["status"] == "failed":
        return Text(f"{name}  failed: {row['reason']}", overflow="fold")
    macs = "-" if pd.isna(row["macs"]) else amount(row["macs"])
    return Text(f"{name}  error {decimals(row['error'], 3)}  {macs:>7} MACs  {duration(row['seconds'])}")
