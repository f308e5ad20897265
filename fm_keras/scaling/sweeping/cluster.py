"""The engine of a Ray cluster: every trial is a remote task, its result comes back as a value."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fm_keras.scaling.sweeping.process import ENDS, Job, Message, Place, Workers

_SECONDS = 0.5


@dataclass(frozen=True)
class RayEngine:
    """Runs trials on the machines of a Ray cluster.

    fm_keras, the images and the user's function must be there on every machine.  Checkpoints lie in the folder of the
    sweep where a machine sees it, so that a trial can go on elsewhere; else they last as long as the trial.

    Args:
        address: `auto` or that of a running cluster; None starts one on this machine.
        workers: trials at the same time; as many as the cluster has room for if None.
        cores: cores of each; one if None.
    """

    address: str | None = None
    workers: int | None = None
    cores: int | None = None

    def run(self, jobs: Sequence[Job]) -> Iterator[Message]:
        """Run all jobs; see `Engine`."""
        import ray

        with _connection(self.address):
            run = _Run(jobs, self.workers, self.cores or 1)
            try:
                while run.left:
                    yield from run.news()
            finally:
                for reference in run.running:
                    ray.cancel(reference, force=True)


class _Run:
    """Jobs under way: which wait, which run, and which were lost before."""

    def __init__(self, jobs: Sequence[Job], workers: int | None, cores: int) -> None:
        import ray

        gpus = 1 if ray.cluster_resources().get("GPU") else 0
        # A retry of Ray's own would not be told of; without one, a lost worker is an error that is seen here.
        options = {"num_cpus": cores, "num_gpus": gpus, "max_retries": 0}
        self.task = ray.remote(_run_remotely).options(**options)
        self.mailbox = _mailbox_here()
        self.cores = cores
        self.waiting, self.running = deque(jobs), {}
        self.limit, self.left = workers or len(jobs), len(jobs)
        self.lost_before: set[str] = set()

    def news(self) -> Iterator[Message]:
        """Start what can be started, wait a moment, and pass on what was told since."""
        import ray

        while self.waiting and len(self.running) < self.limit:
            job = self.waiting.popleft()
            self.running[self.task.remote(asdict(job), self.cores, self.mailbox)] = job
        ended, _ = ray.wait(list(self.running), num_returns=len(self.running), timeout=_SECONDS)
        for message in ray.get(self.mailbox.empty.remote()):
            yield Message(*message)
        for reference in ended:
            yield self._end(reference, self.running.pop(reference))

    def _end(self, reference: Any, job: Job) -> Message:
        """How a task ended; if it was lost for the first time, it waits again."""
        from ray import exceptions, get

        try:
            message = Message(*get(reference))
        except exceptions.RayTaskError:
            raise
        except exceptions.RayError as error:
            reason = {"reason": f"Its worker was lost: {type(error).__name__}."}
            if job.trial not in self.lost_before:
                self.lost_before.add(job.trial)
                self.waiting.appendleft(job)
                return Message(job.trial, "lost", "ray", reason)
            message = Message(job.trial, "failed", "ray", reason)
        self.left -= 1
        return message


class _Mailbox:
    """Actor on the machine of the sweep that holds what workers tell until it is asked for."""

    def __init__(self) -> None:
        self.messages: list[tuple] = []

    def put(self, message: tuple) -> None:
        """Keep a message."""
        self.messages.append(message)

    def empty(self) -> list[tuple]:
        """The messages since the last time."""
        found, self.messages = self.messages, []
        return found


def _mailbox_here() -> Any:
    """The mailbox, on this machine: it must outlive the others."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()


def _run_remotely(job: dict[str, Any], cores: int, mailbox: Any) -> tuple:
    """The remote task: the process of one trial, as on the machine of the sweep; returns its last message."""
    import ray

    job, ends, told = Job(**job), [], []
    place = Place(f"ray {ray.util.get_node_ip_address()}", threads=cores)

    def tell(message: Message) -> None:
        if message.kind in ENDS:
            ends.append(tuple(message))
        else:
            told[:] = [mailbox.put.remote(tuple(message))]

    with tempfile.TemporaryDirectory() as own:
        shared = Path(job.folder).is_dir()
        Workers().run(job if shared else replace(job, folder=own), place, tell)
    ray.get(told)  # messages arrive in order: none comes after the end
    return ends[-1]


@contextmanager
def _connection(address: str | None) -> Iterator[None]:
    """A connection to the cluster, as long as it is needed; one that was there before stays."""
    import ray

    if ray.is_initialized():
        yield
        return
    # Ray sends statistics of its use to its makers unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    how = {} if address else {"include_dashboard": False}
    ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=True, **how)
    try:
        yield
    finally:
        ray.shutdown()
