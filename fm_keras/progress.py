"""How long work says where it stands: the library stays silent and calls what it was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One report: `done` of `total` pieces of a named stage, and what has been learned so far."""

    stage: str
    done: int
    total: int | None
    note: str = ""


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Default progress: say nothing."""
