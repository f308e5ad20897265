"""The formulas behind every number of the report page, each with its source."""

from __future__ import annotations

from typing import NamedTuple

_SINGLE_FILTER = "arXiv:2305.18078"
_UNIVERSAL = "Sci Rep 14, 5881 (2024)"
_OURS = "fm_keras"


class Formula(NamedTuple):
    """What a number of the page is."""

    name: str
    formula: str
    words: str
    source: str


PROBE_FIELD = Formula(
    "Probe field",
    "F[i, j] = mean over images of label i of Σₚ a(p) · W(p, j)",
    "What the filter alone puts on output j of a linear probe behind its layer, in logits; a(p) is its activation at "
    "position p, W the weights of the probe.",
    _SINGLE_FILTER,
)
NETWORK_FIELD = Formula(
    "Network field",
    "F[i, j] = mean over images of label i of ∂z(j) / ∂g",
    "What the network itself makes of the filter: the slope of its logit z(j) over a gate g = 1 on the filter.",
    _OURS,
)
QUALITY = Formula(
    "Quality",
    "q = mean over images of CE(z − c, label) − CE(z, label)",
    "The cross entropy in nats that the silence of the filter is expected to cost; c(j) = ∂z(j) / ∂g for each image. "
    "Below zero, the network is expected to do better without it. The interval is a bootstrap over images.",
    _OURS,
)
_ALWAYS = (
    Formula(
        "Threshold",
        "B[i, j] = 1 where F[i, j] / max F > threshold",
        "Strictly above. A filter without a positive field has no ones: it is dead.",
        _SINGLE_FILTER,
    ),
    Formula(
        "Clusters",
        "labels c with B[i, j] = 1 for all i, j in c",
        "Labels with B[j, j] = 1, in ascending order: a cluster starts with the first free one and takes each later "
        "one as long as the whole block stays ones (greedy), or the largest block comes first (clique).",
        f"{_SINGLE_FILTER}; clique: {_OURS}",
    ),
    Formula(
        "Noise",
        "n = Σ B − Σ |c|²",
        "Ones outside all clusters. Ones beside the diagonal but inside a cluster, Σ |c| (|c| − 1), are internal.",
        _SINGLE_FILTER,
    ),
    Formula(
        "SNR",
        "SNR = (K − 1) · Σ |c| / (Σ |c| (|c| − 1) + n)",
        "Mean diagonal over mean off-diagonal element of B, for K labels; of a layer: of the sum of all its B. "
        "∞ without noise, 0 without signal.",
        f"{_SINGLE_FILTER}; of one filter: {_OURS}",
    ),
    Formula(
        "Accuracy by depth",
        "share of test images that the probe names rightly",
        "The probe is one Dense layer without bias on the frozen activations of the layer.",
        _SINGLE_FILTER,
    ),
    Formula(
        "Label homogeneity",
        "filters with label j in one of their clusters",
        "Label spread is the standard deviation of these counts over their mean.",
        _UNIVERSAL,
    ),
)


def formulas(*, probe: bool, network: bool) -> tuple[Formula, ...]:
    """The formulas behind a page.

    Args:
        probe: whether it shows probe fields.
        network: whether it shows network fields, and the quality that comes with them.
    """
    fields = ((PROBE_FIELD,) if probe else ()) + ((NETWORK_FIELD, QUALITY) if network else ())
    return (*fields, *(formula for formula in _ALWAYS if probe or formula.name != "Accuracy by depth"))
