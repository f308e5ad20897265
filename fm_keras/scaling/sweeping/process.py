"""The process of a trial as its parent sees it: started, listened to, started once more if it is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_COMMAND = (sys.executable, "-m", "fm_keras.scaling.sweeping.worker")
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
ENDS = ("done", "failed")
LOG = "log.txt"


@dataclass(frozen=True)
class Job:
    """A trial to run: plain values, so that it can cross to other machines."""

    trial: str
    """name"""
    task: dict[str, Any]
    """`Task` as plain values"""
    folder: str
    """absolute path for checkpoints and log"""
    working_folder: str
    """where relative paths begin, and modules of the user's are looked for, if it is there"""
    environment: dict[str, str]
    """variables that the worker gets besides those of its parent"""


@dataclass(frozen=True)
class Place:
    """Where a worker runs."""

    name: str
    """such as 'local 1'"""
    cores: tuple[int, ...] = ()
    """cores that it keeps to; empty where they are not assigned"""
    threads: int | None = None
    """threads for computing; as many as the machine has cores if None"""
    gpu: str | None = None
    """number of its GPU, '' for none; as the parent sees them if None"""


class Message(NamedTuple):
    """What an engine hears of a trial: started, step, lost, done or failed."""

    trial: str
    kind: str
    worker: str
    content: dict[str, Any]


class Workers:
    """The processes that run, so that all can be stopped."""

    def __init__(self) -> None:
        self._lock, self._running, self._stopped = threading.Lock(), set(), False

    def run(self, job: Job, place: Place, tell: Callable[[Message], None]) -> None:
        """Run a trial in a process of its own and pass on what it tells; once more if the process is lost.

        Args:
            job: the trial.
            place: cores, threads and GPU that the process gets.
            tell: called with every message; the last one is of kind done or failed.
        """
        for attempt in (1, 2):
            tell(Message(job.trial, "started", place.name, {}))
            kind, content = self._attempt(job, place, tell)
            if kind != "lost" or self._stopped:
                break
            if attempt == 1:
                tell(Message(job.trial, kind, place.name, content))
        tell(Message(job.trial, "failed" if kind == "lost" else kind, place.name, content))

    def stop(self) -> None:
        """Kill all processes, and start none any more: their checkpoints are whole at any time."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _attempt(self, job: Job, place: Place, tell: Callable[[Message], None]) -> tuple[str, dict[str, Any]]:
        """Run the process once: done, failed or lost, and with what."""
        folder = Path(job.folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("ab") as log, self._started(job, place, log) as process:
            order = {"task": job.task, "folder": job.folder, "cores": place.cores}
            kind, content = "", {}
            # A process that dies while it reads or writes is lost, as its exit code says.
            with suppress(BrokenPipeError, json.JSONDecodeError):
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                while kind not in ENDS and (line := process.stdout.readline()):
                    kind, content = json.loads(line)
                    if kind not in ENDS:
                        tell(Message(job.trial, kind, place.name, content))
            with suppress(BrokenPipeError):
                process.stdin.close()  # which ends it, if it has not ended yet
            code = process.wait()
            with self._lock:
                self._running.discard(process)
        return (kind, content) if kind in ENDS else ("lost", {"reason": _loss(code)})

    def _started(self, job: Job, place: Place, log) -> subprocess.Popen:
        with self._lock:
            if self._stopped:
                raise InterruptedError(f"{job.trial} is not started: the sweep was stopped.")
            process = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **job.environment, **_environment(place)},
                cwd=job.working_folder if Path(job.working_folder).is_dir() else None,
                text=True,
                start_new_session=True,  # Ctrl-C goes to the parent alone
            )
            self._running.add(process)
            return process


def _environment(place: Place) -> dict[str, str]:
    """Variables that give a process its threads and its GPU, of which it takes no more memory than it needs."""
    found = dict.fromkeys(_THREADS, str(place.threads)) if place.threads else {}
    if place.gpu is None:
        return found
    growing = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {**found, "CUDA_VISIBLE_DEVICES": place.gpu, **growing}


def _loss(code: int) -> str:
    """Why a process ended without a result."""
    if code >= 0:
        return f"Its process ended with exit code {code} and no result."
    return f"Its process was killed by {signal.Signals(-code).name}."
