"""fm-keras prune --plan: about how long the whole would take, from what choosing took and a few timed steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from fm_keras.pruning import PruningPlan, apply_plan, hold_masks, recalibrate
from fm_keras.pruning.accuracy import evaluate
from fm_keras.pruning.savings import LATENCY_BATCHES, forward_seconds
from fm_keras.pruning.steps import Steps
from fm_keras_cli.plan import few_images, training_times
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.data import Dataset
    from fm_keras.pruning import ConnectionMasks
    from fm_keras_cli.prune_stage import Asked

_BATCH = max(LATENCY_BATCHES)
_FEW, _MORE = 20, 10  # a twentieth and a tenth of the images are repaired, to see what each takes


def expected_times(
    terminal: Terminal, asked: Asked, removal: PruningPlan | ConnectionMasks, choosing: float
) -> dict[str, float]:
    """About how many seconds each part of a pruning takes; the network is left as it was.

    Args:
        terminal: says that something is timed.
        asked: the network, and how it shall be pruned.
        removal: what was chosen.
        choosing: seconds that took.
    """
    shown = terminal.err.is_terminal and not terminal.quiet
    with terminal.err.status("timing a few steps ...") if shown else nullcontext():
        timing = _Timing(asked, removal)
        parts = {"measuring": timing.measuring(), "repair": timing.repair(), "fine-tuning": timing.tuning()}
    return {"choosing": choosing, **parts}


class _Timing:
    """Times steps of a pruning on few images."""

    def __init__(self, asked: Asked, removal: PruningPlan | ConnectionMasks) -> None:
        self.asked, self.settings, self.dataset = asked, asked.settings, asked.dataset
        self.pruned = apply_plan(asked.model, removal) if isinstance(removal, PruningPlan) else None
        self.smaller = self.pruned.model if self.pruned else hold_masks(asked.model, removal)
        models = [asked.model, self.smaller]
        how = {"batch_size": _BATCH, "preprocess": asked.prepare}
        began = time.perf_counter()
        self.whole_image, self.image = (each / _BATCH for each in forward_seconds(models, self.dataset.test, **how))
        self.comparing = time.perf_counter() - began

    def measuring(self) -> float:
        """Accuracy of the whole network and after every step, and time for one image and for many."""
        test, steps = self.dataset.test, 1 + (self.settings.repair != "none") + (self.settings.epochs > 0)
        steps += self.pruned is None  # once more after the removal of what is left without connections
        start = _seconds(evaluate, self.smaller, test.take(slice(0, _BATCH)), preprocess=self.asked.prepare)
        passes = len(test) * (self.whole_image + steps * self.image)
        return (1 + steps) * start + passes + len(LATENCY_BATCHES) * self.comparing

    def repair(self) -> float:
        """From two small repairs, the first taken twice: its first time tells what it takes to begin."""
        if self.settings.repair == "none":
            return 0.0
        images = min(self.settings.repair_images, len(self.dataset.train))
        few, more = math.ceil(images / _FEW), math.ceil(images / _MORE)
        first, again, longer = (_seconds(self._repair, count) for count in (few, few, more))
        each = max(0.0, longer - again) / max(1, more - few)
        return first + (images - few) * each

    def tuning(self) -> float:
        """From a few steps of the pruned network, which are the last that it takes: it changes."""
        if not self.settings.epochs:
            return 0.0
        settings = self._steps().tuning(self.smaller)
        few = self._steps(few_images(self.dataset, settings.batch_size)).prepared()
        start, step = training_times(lambda: self.smaller, few, settings)
        steps = math.ceil(len(self.dataset.train) / settings.batch_size)
        return start + settings.epochs * (steps * step + len(self.dataset.test) * self.image)

    def _repair(self, images: int) -> None:
        steps = self._steps(repair_images=images)
        if self.pruned:
            steps.repair(self.asked.model, self.pruned)
        else:
            recalibrate(self.smaller, steps.repair_images(), preprocess=self.asked.prepare)

    def _steps(self, dataset: Dataset | None = None, **changes: int) -> Steps:
        settings = self.settings.changed(**changes)
        return Steps(dataset or self.dataset, settings, self.asked.train, self.asked.prepare)


def _seconds(run: Callable, *args: object, **options: object) -> float:
    began = time.perf_counter()
    run(*args, **options)
    return time.perf_counter() - began
