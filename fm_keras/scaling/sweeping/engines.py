"""Where trials run: one small interface, an engine for this machine and one for a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from fm_keras.errors import InvalidInput
from fm_keras.scaling.sweeping.local import LocalEngine
from fm_keras.scaling.sweeping.process import Job, Message
from fm_keras.settings import SweepSettings


class Engine(Protocol):
    """Runs jobs, several at a time."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Message]:
        """Run all jobs and say what happens to them.

        Every job begins with `started`, unless its worker is lost before it can say so, and ends with `done` (content:
        what `run_task` found) or `failed` (content: reason).  In between come `step` (content: a `Step`) and `lost`
        (content: reason; the job is started once more).  To close the iterator stops all workers.
        """
        ...


def choose_engine(settings: SweepSettings) -> Engine:
    """The engine that the settings ask for.

    Raises:
        InvalidInput: Ray is not installed, or an address is given without it.
    """
    if settings.engine == "local":
        if settings.address is not None:
            raise InvalidInput(f"The address {settings.address!r} is for engine='ray'.")
        return LocalEngine(settings.workers, settings.cores)
    if find_spec("ray") is None:
        raise InvalidInput("engine='ray' needs Ray: pip install 'fm-keras[ray]'.")
    from fm_keras.scaling.sweeping.cluster import RayEngine

    return RayEngine(settings.address, settings.workers, settings.cores)
