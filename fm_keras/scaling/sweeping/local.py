"""The engine of this machine: processes, each with its cores and its GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from fm_keras.scaling.sweeping.process import ENDS, Job, Message, Place, Workers


@dataclass(frozen=True)
class LocalEngine:
    """Runs trials in processes of this machine.

    Args:
        workers: trials at the same time; one a GPU if None, or one for every two cores where there is no GPU.
        cores: cores of each; an equal share if None.
    """

    workers: int | None = None
    cores: int | None = None

    def run(self, jobs: Sequence[Job]) -> Iterator[Message]:
        """Run all jobs; see `Engine`."""
        messages: SimpleQueue[Message | BaseException] = SimpleQueue()
        free: SimpleQueue[Place] = SimpleQueue()
        places = list_places(self.workers, self.cores, own_cores(), list_gpus())
        for place in places:
            free.put(place)
        workers = Workers()

        def work(job: Job) -> None:
            place = free.get()
            try:
                workers.run(job, place, messages.put)
            finally:
                free.put(place)

        def complain(done: Future) -> None:
            if not done.cancelled() and done.exception():
                messages.put(done.exception())

        pool = ThreadPoolExecutor(len(places))
        try:
            for job in jobs:
                pool.submit(work, job).add_done_callback(complain)
            left = len(jobs)
            while left:
                message = messages.get()
                if isinstance(message, BaseException):
                    raise message
                left -= message.kind in ENDS
                yield message
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            pool.shutdown()


def list_places(workers: int | None, cores: int | None, there: Sequence[int], gpus: Sequence[str]) -> list[Place]:
    """Where trials run at the same time: shares of the cores, and the GPUs in turn.

    Args:
        workers: how many; one a GPU if None, or one for every two cores (or `cores`) where there is no GPU.
        cores: cores of each; an equal share if None.
        there: numbers of the cores that may be used.
        gpus: numbers of the GPUs that may be used.
    """
    workers = workers or len(gpus) or max(1, len(there) // (cores or 2))
    cores = min(cores or max(1, len(there) // workers), len(there))
    places = []
    for worker in range(workers):
        own = {there[(worker * cores + core) % len(there)] for core in range(cores)}
        gpu = gpus[worker % len(gpus)] if gpus else None
        places.append(Place(f"local {worker + 1}", tuple(sorted(own)), cores, gpu))
    return places


def own_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def list_gpus() -> list[str]:
    """Numbers of the GPUs that this process may use, found without loading a backend, which would take their memory."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu for gpu in chosen.split(",") if gpu not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    asked = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    found = subprocess.run(asked, capture_output=True, text=True)
    return found.stdout.split() if found.returncode == 0 else []
