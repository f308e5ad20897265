"""Pruning by dilution: connections are cut, held at zero while the network learns on, and released; idle units go."""

from __future__ import annotations

import keras

from fm_keras.pruning.masks.connection_masks import ConnectionMasks
from fm_keras.pruning.masks.idle_units import units_without_output
from fm_keras.pruning.masks.masking import hold_masks, release_masks, verify_masks
from fm_keras.pruning.outcome import Pruning
from fm_keras.pruning.repairing.repair import recalibrate
from fm_keras.pruning.savings import measure_savings
from fm_keras.pruning.steps import CUT, REMOVED, REPAIRED, TUNED, Steps
from fm_keras.pruning.surgery.surgery import remove_units


def dilute(model: keras.Model, masks: ConnectionMasks, steps: Steps) -> Pruning:
    """Cut the connections that masks name, fine-tune with them at zero, then remove the units that nothing reads.

    A mask removes no arithmetic: what is saved is saved by the units that go in the end.  A unit that reads nothing any
    more puts out a constant, which the next layers may need: it stays, and `units_without_input` names it.  Kernels
    with zeros are not refitted: of the repairs, BatchNorm statistics alone are taken again.

    Args:
        model: the one that the masks were made for; left as it was.
        masks: connections that stay.
        steps: repair and fine-tuning, and where accuracies are kept.
    """
    held = hold_masks(model, masks)
    steps.note(CUT, held)
    if steps.settings.repair != "none":
        how = {"preprocess": steps.preprocess, "progress": steps.progress}
        held.set_weights(recalibrate(held, steps.repair_images(), **how).get_weights())
        steps.note(REPAIRED, held)
    if steps.settings.epochs:
        steps.fine_tune(held)
        verify_masks(held, masks)
        steps.note(TUNED, held)
    plain = release_masks(held)
    pruned = remove_units(plain, units_without_output(plain, masks))
    steps.note(REMOVED, pruned.model)
    savings = measure_savings(model, pruned.model, steps.dataset.test, preprocess=steps.preprocess)
    return Pruning(pruned.model, pruned.plan, steps.table(), pruned.effect, savings, masks)
