"""The process of one trial: `python -m fm_keras.scaling.sweeping.worker`, told by stdin, telling by stdout."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from fm_keras.progress import Progress, Step
from fm_keras.scaling.sweeping.events import reason_of

_SECONDS = 0.5
Tell = Callable[[str, dict[str, Any]], None]


def main() -> None:
    """Run the trial of the first line of stdin; one line of JSON for every step, the result and a failure.

    What else is printed goes to stderr, and the process ends with the one that started it.
    """
    tell = _telling(_own_stdout())
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_cores(order["cores"])
    try:
        # Keras and its backend are imported here, when cores and threads are settled.
        from fm_keras.scaling.sweeping.task import Task, run_task

        tell("done", run_task(Task(**order["task"]), checkpoints=Path(order["folder"]), progress=throttled(tell)))
    except Exception as error:
        logging.getLogger(__name__).exception("the trial failed")
        tell("failed", {"reason": reason_of(error)})


def use_cores(cores: Sequence[int]) -> None:
    """Keep this process on some cores, where the system can."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def throttled(tell: Tell) -> Progress:
    """Progress that tells of the first and last step of every stage, and twice a second in between."""
    last = {"time": 0.0, "stage": ""}

    def progress(step: Step) -> None:
        now = time.monotonic()
        if now - last["time"] > _SECONDS or step.stage != last["stage"] or step.done == step.total:
            last.update(time=now, stage=step.stage)
            tell("step", asdict(step))

    return progress


def _own_stdout() -> TextIO:
    """The pipe to the parent; what anything else prints goes to stderr from now on."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def _telling(pipe: TextIO) -> Tell:
    def tell(kind: str, content: dict[str, Any]) -> None:
        pipe.write(json.dumps([kind, content]) + "\n")
        pipe.flush()

    return tell


def _end_with_parent() -> None:
    """Wait for the end of stdin, which is that of the parent, and end."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
