"""analyze_heads: which labels each head of attention holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis.heads import HeadAnalysis
from fm_keras.analysis.job import analyze
from fm_keras.analysis.measure import measure_units
from fm_keras.analysis.nouns import Analysis, LayerFilters
from fm_keras.filters import NO_CLUSTER
from fm_keras.models import AttentionHeads, attention_heads, choose_output, expose_heads
from fm_keras.settings import AnalysisSettings


def analyze_heads(
    model: keras.Model,
    dataset: Any,
    *,
    layers: Iterable[str] | None = None,
    output: str | None = None,
    **how: Any,
) -> HeadAnalysis:
    """Measure every head of the attention layers of a network, and every node of a head.

    Each layer is cut between its heads and the projection that mixes them; a probe reads all heads beside each other.
    What a head puts on the probe's outputs is the sum of what its nodes put there, so one matrix for each head follows
    from the nodes' fields without another pass; threshold, clusters, noise and SNR are those of a filter.  With network
    fields the same holds for the network's own logits.

    Args:
        model: Functional or Sequential, with `keras.layers.MultiHeadAttention`, in nested models too; left as it was.
        dataset: images and labels as `analyze` takes them.
        layers: paths of attention layers, as `fm_keras.models.attention_heads` names them; all if None.
        output: of a model with several outputs, the one on the way to which layers are measured.
        **how: whatever else `analyze` takes: fields, test, label_names, preprocess, settings, probe, progress.

    Returns:
        HeadAnalysis; `.table()` has a row for each head.

    Raises:
        CannotCut: the network has no heads, or cannot be cut.
        InvalidInput: a layer without heads, and what `analyze` refuses.
        BadActivations: a layer puts out NaN or infinite values.

    Source: nodes: arXiv:2501.12900; one matrix for each head: arXiv:2506.23832.  *Ours*: the matrix of a head as the
        sum over its nodes.
    """
    model = choose_output(model, output) if output is not None else model
    found = attention_heads(model, layers=layers)
    measured = analyze(expose_heads(model), dataset, layers=[each.exposed for each in found], **how)
    nodes = _renamed(measured, found)
    return HeadAnalysis(_by_head(nodes, found), nodes)


def _renamed(analysis: Analysis, found: list[AttentionHeads]) -> Analysis:
    """The analysis with the layers called as in the network."""
    measured = tuple(replace(analysis[each.exposed], layer=each.layer) for each in found)
    network = None if analysis.network is None else _renamed(analysis.network, found)
    return replace(analysis, measured=measured, network=network)


def _by_head(nodes: Analysis, found: list[AttentionHeads]) -> Analysis:
    """The analysis whose units are heads."""
    measured = tuple(_grouped(nodes[each.layer], each.nodes, nodes.settings) for each in found)
    network = None if nodes.network is None else _by_head(nodes.network, found)
    return replace(nodes, measured=measured, network=network)


def _grouped(nodes: LayerFilters, size: int, settings: AnalysisSettings) -> LayerFilters:
    """Groups of so many units, measured as one each."""
    firsts = range(0, len(nodes), size)
    # The probe and the gradient are linear: the field of a group is the sum of its units'.
    fields = np.stack([nodes.fields_of(slice(first, first + size)).sum(axis=0) for first in firsts])
    unmeasured = replace(
        nodes,
        class_means=None,
        kernel=None,
        held=fields,
        cluster_of=np.full(fields.shape[:2], NO_CLUSTER),
        table=pd.DataFrame(),
    )
    return measure_units(unmeasured, settings)
