"""Cuts that are worked on in the same pass: as many as the memory limit allows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fm_keras.slicing.cuts import CutPoint, probe_positions

_FLOAT = 4
_COPIES = 3  # kernel, momentum and gradient; the class sums need less


def cut_memory(cut: CutPoint, *, labels: int, max_positions: int, batch_size: int) -> int:
    """Bytes that one cut needs while its probe trains: kernel, momentum, gradient, and a batch of activations."""
    features = math.prod(probe_positions(cut, max_positions)) * cut.units
    batch = batch_size * math.prod(cut.positions) * cut.units
    return _FLOAT * (_COPIES * features * labels + 2 * batch)


def group_cuts(
    cuts: Sequence[CutPoint], *, labels: int, max_positions: int, batch_size: int, memory_limit: float
) -> list[list[CutPoint]]:
    """Consecutive cuts that together stay within a memory limit; a cut beyond the limit is a group of its own.

    Args:
        cuts: in depth order.
        labels: K.
        max_positions: maps with more positions are pooled.
        batch_size: images a step.
        memory_limit: GB.
    """
    groups: list[list[CutPoint]] = []
    room = 0.0
    for cut in cuts:
        need = cut_memory(cut, labels=labels, max_positions=max_positions, batch_size=batch_size)
        if not groups or need > room:
            groups.append([])
            room = memory_limit * 1e9
        groups[-1].append(cut)
        room -= need
    return groups
