"""Progress of the library's work: a bar for each stage on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from fm_keras.progress import Step
from fm_keras_cli.numbers import duration
from fm_keras_cli.terminal import Terminal

_SECONDS_BETWEEN_LINES = 30.0


@dataclass
class _Stage:
    """What is known of a stage besides its bar."""

    task: TaskID
    name: str
    fixed: str
    began: float
    said: float
    text: str = ""


class Bars:
    """A `fm_keras.progress.Progress` that shows every stage by a bar, which stays when it is full.

    Args:
        terminal: its stderr is written to, unless it is quiet.
        counts: say how many pieces are done, and remove the bars at the end.
    """

    def __init__(self, terminal: Terminal, *, counts: bool = False) -> None:
        self.counts = counts
        self.stage: _Stage | None = None
        self.waiting: dict[str, str] = {}
        self.stopped = False
        self.lines = None if terminal.quiet or terminal.err.is_terminal or counts else terminal.err
        width = min(24, max(8, terminal.err.width - 54))
        self.progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(width, style="grey37", complete_style="blue", finished_style="dark_cyan", pulse_style="blue"),
            TextColumn("{task.fields[text]}"),
            _Time(),
            console=terminal.err,
            transient=counts,
            disable=terminal.quiet or not terminal.err.is_terminal,
        )

    def __enter__(self) -> Self:
        self._usual = signal.signal(signal.SIGINT, self._stop)
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._usual)
        self._finish()
        self.progress.stop()

    def expect(self, stages: dict[str, str]) -> None:
        """Stages to come, in order, with what each works on, such as '13 layers in one pass'; the first begins now."""
        self.waiting.update(stages)
        self._begin(next(iter(stages)))

    def note(self, line: str) -> None:
        """A line above the bars."""
        if self.lines or not self.progress.disable:
            self.progress.console.print(line)

    def __call__(self, step: Step) -> None:
        """Show a step; after Ctrl-C raise KeyboardInterrupt, between steps, where no library can swallow it."""
        if self.stopped:
            raise KeyboardInterrupt
        if self.stage is None or self.stage.name != step.stage:
            self._begin(step.stage)
        stage = self.stage
        stage.text = stage.fixed or step.note
        if self.counts or not stage.text:
            stage.text = " ".join(
                [f"{step.done:,}", *([f"of {step.total:,}"] if step.total else []), step.note]
            ).strip()
        self.progress.update(stage.task, completed=step.done, total=step.total, text=stage.text)
        now = time.monotonic()
        if self.lines and step.total and now - stage.said > _SECONDS_BETWEEN_LINES:
            stage.said = now
            self.lines.print(f"{stage.name:<8}  {step.done / step.total:>4.0%}  {stage.text}")
        if step.done == step.total and self.waiting:
            self._begin(next(iter(self.waiting)))

    def _stop(self, *_: object) -> None:
        """Stop at the next step; at once the second time."""
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True

    def _begin(self, name: str) -> None:
        self._finish()
        fixed, now = self.waiting.pop(name, ""), time.monotonic()
        task = self.progress.add_task(name, total=None, text=fixed or "starting")
        self.stage = _Stage(task, name, fixed, now, now)

    def _finish(self) -> None:
        """Where there are no bars, a line for the stage that is over."""
        if self.lines and self.stage and self.stage.text:
            self.lines.print(
                f"{self.stage.name:<8}  {self.stage.text}  {duration(time.monotonic() - self.stage.began)}"
            )
        self.stage = None


class _Time(ProgressColumn):
    """Time left; time taken when the stage is finished."""

    def render(self, task: Task) -> Text:
        """The time of one bar."""
        if task.finished:
            return Text(duration(task.finished_time or 0))
        left = task.time_remaining
        return Text(duration(task.elapsed or 0) if left is None else f"{duration(left)} left", "bright_black")
