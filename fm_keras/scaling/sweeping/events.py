"""How a sweep says where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fm_keras.errors import FmKerasError
from fm_keras.progress import Step


@dataclass(frozen=True)
class SweepEvent:
    """Something that happened to one trial."""

    kind: Literal["kept", "started", "step", "lost", "finished"]
    """kept: its row was there before; lost: its process ended without a result, and it is started once more"""
    trial: str
    """name, such as lenet-w6-r2.667-s0"""
    finished: int
    """trials asked for that have a row by now"""
    total: int
    """trials asked for"""
    worker: str = ""
    """who runs it, such as 'local 1'"""
    step: Step | None = None
    """of kind step: stage (train, filters, …), done and total, and what has been learned"""
    row: Mapping[str, Any] | None = None
    """of the kinds kept and finished: the row of trials.csv"""
    reason: str = ""
    """of kind lost: why"""


SweepProgress = Callable[[SweepEvent], None]


def unheard(event: SweepEvent) -> None:
    """Default progress of a sweep: say nothing."""


def reason_of(error: Exception) -> str:
    """What went wrong, in one line; errors of ours say it by themselves."""
    said = " ".join(str(error).split())[:300]
    return said if isinstance(error, FmKerasError) else f"{type(error).__name__}: {said}"
