"""Scores from one pass over images: how often a unit acts, and what the probe loses without it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.data import Split, count_batches, measuring_batches
from fm_keras.devices import check_backend
from fm_keras.errors import BadActivations, InvalidInput
from fm_keras.filters import image_costs
from fm_keras.progress import Progress, Step, silent
from fm_keras.pruning.scores.field_scores import score_series
from fm_keras.settings import AnalysisSettings
from fm_keras.slicing import CutPoint, cut_points, group_cuts, probe_positions
from fm_keras.slicing.slices import flat_activations, frozen_body

if TYPE_CHECKING:
    from fm_keras.analysis import Analysis

_FLOAT = 4
_COPIES = 4  # contributions as they are computed, transposed, fetched and silenced


def active_share(
    model: keras.Model,
    split: Split,
    *,
    layers: Iterable[str] | None = None,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.Series:
    """Share of images and positions where a unit's activation at the cut is not zero: 1 - APoZ.

    The cut lies behind activation and pool, so a max-pooled map counts as it leaves the pool; the paper counts
    before.  Units without a ReLU are hardly ever zero: their shares are all about 1 and choose nothing.

    Args:
        model: functional or Sequential; left as it was.
        split: images; labels are not looked at.
        layers: paths of cuts; all if None.
        settings: batch size and memory limit.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Series over (layer, filter), from 0 to 1.

    Raises:
        BadActivations: a layer puts out NaN or infinite values.

    Source: average percentage of zeros, arXiv:1607.03250.
    """
    settings = settings or AnalysisSettings()
    passes = _Passes(model, split, settings, settings.batch_size, preprocess, progress)
    cuts = cut_points(model, layers=layers)
    shares = passes.mean_of(cuts, outputs=0, read=_share_of_positions, measure=lambda shares, labels: shares)
    return score_series("active_share", shares)


def probe_ablation(
    model: keras.Model,
    analysis: Analysis,
    split: Split,
    *,
    settings: AnalysisSettings | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    progress: Progress = silent,
) -> pd.Series:
    """Mean increase of the probe's cross entropy when its weights of one unit are set to zero.

    The probe is linear, so a unit contributes c[n, u, k] = sum over positions p of a[n, p, u] W[p, u, k] to its
    logits, and without the unit these are sum over all units of c, minus c[n, u]: exact, in one pass for all units.

    Args:
        model: the network that was analyzed; left as it was.
        analysis: with probes; layers without one are left out.
        split: images with the labels of the analysis.
        settings: batch size and memory limit; those of the analysis if None.  Maps are pooled as in the analysis.
        preprocess: applied to every batch of images.
        progress: told about every step.

    Returns:
        Series over (layer, filter), in nats.  Below zero: the probe is better without the unit.

    Raises:
        InvalidInput: an analysis without probes, or of another network; labels that the analysis does not have.
        BadActivations: a layer puts out NaN or infinite values.

    Source: ours.
    """
    settings = settings or analysis.settings
    kernels = {filters.layer: filters.kernel for filters in analysis if filters.kernel is not None}
    if not kernels:
        raise InvalidInput("The analysis has no probes to silence units in: analyze with fields='probe' or 'both'.")
    max_positions = analysis.settings.max_positions
    cuts = cut_points(model, layers=kernels)
    outputs = len(analysis.label_names)
    image_bytes = _COPIES * _FLOAT * outputs * sum(cut.units for cut in cuts)
    batch_size = max(1, min(settings.batch_size, int(settings.memory_limit * 1e9 / image_bytes)))
    passes = _Passes(model, split, settings.changed(max_positions=max_positions), batch_size, preprocess, progress)
    costs = passes.mean_of(
        cuts,
        outputs=outputs,
        read=lambda activation, cut: _contributions(activation, cut, kernels[cut.layer], max_positions),
        measure=lambda parts, labels: image_costs(parts.sum(axis=1), parts, labels),
    )
    return score_series("probe_ablation", costs)


@dataclass(frozen=True, eq=False)
class _Passes:
    """Images that a model is run over, group by group of its cuts."""

    model: keras.Model
    split: Split
    settings: AnalysisSettings
    batch_size: int
    preprocess: Callable[[Any], Any] | None
    progress: Progress

    def mean_of(
        self,
        cuts: Sequence[CutPoint],
        *,
        outputs: int,
        read: Callable[[keras.KerasTensor, CutPoint], keras.KerasTensor],
        measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> dict[str, np.ndarray]:
        """Mean over the images of a measure of each unit.

        Args:
            cuts: where activations are read.
            outputs: K of the probes' kernels, 0 without probes.
            read: from the activation at a cut to what leaves the device, compiled.
            measure: from that and the labels (B,) to (B, U), in NumPy.
        """
        check_backend()
        groups = group_cuts(
            cuts,
            labels=outputs,
            max_positions=self.settings.max_positions,
            batch_size=self.batch_size,
            memory_limit=self.settings.memory_limit,
        )
        steps = count_batches(len(self.split), self.batch_size)
        sums = {cut.layer: np.zeros(cut.units) for cut in cuts}
        for number, group in enumerate(groups):
            network = _network(self.model, group, read)
            batches = measuring_batches(self.split, batch_size=self.batch_size, preprocess=self.preprocess)
            for step, (x, y) in enumerate(batches, start=1):
                read_there = network.predict_on_batch(x)
                for cut in group:  # JAX sorts a dict by its keys: the first broken layer is named in depth order
                    values = read_there[cut.layer]
                    _check_finite(cut.layer, values)
                    sums[cut.layer] += measure(values, ops.convert_to_numpy(y)).sum(axis=0, dtype=float)
                self.progress(Step("measure", number * steps + step, len(groups) * steps))
        return {layer: total / len(self.split) for layer, total in sums.items()}


def _network(
    model: keras.Model,
    cuts: Sequence[CutPoint],
    read: Callable[[keras.KerasTensor, CutPoint], keras.KerasTensor],
) -> keras.Model:
    """Frozen model that puts out what is read at each cut, by layer."""
    body = frozen_body(model, cuts)
    network = keras.Model(body.input, {cut.layer: read(output, cut) for cut, output in zip(cuts, body.outputs)})
    network.compile()
    return network


def _share_of_positions(activation: keras.KerasTensor, cut: CutPoint) -> keras.KerasTensor:
    """(B, U) share of the positions where a unit acts; NaN where an activation is broken."""
    activation = flat_activations(activation, cut, math.prod(cut.positions))
    acts = ops.cast(ops.not_equal(activation, 0), "float32")
    return ops.mean(ops.where(ops.isfinite(activation), acts, float("nan")), axis=1)


def _contributions(
    activation: keras.KerasTensor, cut: CutPoint, kernel: np.ndarray, max_positions: int
) -> keras.KerasTensor:
    """(B, U, K) what each unit adds to the logits of the probe with the kernel (P, U, K)."""
    shape = (math.prod(probe_positions(cut, max_positions)), cut.units, kernel.shape[-1])
    if kernel.shape != shape:
        raise InvalidInput(
            f"The probe of layer {cut.layer!r} has the shape {kernel.shape}, but here it must be {shape}: "
            "give the network that was analyzed."
        )
    probe = keras.layers.EinsumDense("bpu,puk->buk", output_shape=shape[1:], dtype="float32")
    contributions = probe(flat_activations(activation, cut, max_positions))
    probe.set_weights([kernel])
    return contributions


def _check_finite(layer: str, values: np.ndarray) -> None:
    """Refuse values (B, U, ...) of a layer that are not all numbers."""
    broken = int((~np.isfinite(values)).swapaxes(0, 1).reshape(values.shape[1], -1).any(axis=1).sum())
    if broken:
        raise BadActivations(
            f"Layer {layer!r} puts out NaN or infinite values in {broken} of {values.shape[1]} units. "
            "Look for diverged weights: a smaller learning rate may do."
        )
