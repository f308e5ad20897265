"""Every way to choose units by name, and what each needs to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.data import Dataset, Split
from fm_keras.errors import InvalidInput
from fm_keras.pruning.choosing.evidence import (
    Evidence,
    from_chance,
    from_contributions,
    from_fields,
    from_images,
    from_probes,
    from_weights,
)
from fm_keras.pruning.repairing.reconstruction import reconstruction
from fm_keras.pruning.scores.activation_scores import active_share, probe_ablation
from fm_keras.pruning.scores.field_scores import few_noise, field_norm, score_series, snr
from fm_keras.pruning.scores.random_scores import random_scores
from fm_keras.pruning.scores.weight_scores import batch_norm_scale, fpgm, kernel_l1
from fm_keras.slicing import cut_points

Rule = Callable[[keras.Model, Analysis | None, Dataset | None], pd.Series | pd.MultiIndex]
"""A rule of a user's.  It gives a Series over (layer, filter) of what the network loses without each unit, so that
those of several layers that go together are worth the sum; or a MultiIndex (layer, filter) in the order of removal."""

Needs = Literal["", "images", "labels", "fields", "probe"]


@dataclass(frozen=True)
class NamedRule:
    """A rule of this house."""

    name: str
    what: str
    """one line on what is worth keeping"""
    lowest: str
    """what the units have in common that go"""
    needs: Needs
    """what must be given: images, images with labels, an analysis, an analysis with probes"""
    source: str
    score: Callable[[Evidence], pd.Series] | None
    """what scores all units; None: units are chosen one after the other, see `greedy_choice`"""
    adds: bool = False
    """whether scores are what the network loses, so that those of units that go together add up"""

    @property
    def foretells(self) -> bool:
        """Whether it claims to know what the silence of a unit costs, while all else stays as it is."""
        return self.score is not None and self.name not in ("random", "reconstruction")

    def check(self, images: Dataset | Split | None, analysis: Analysis | None) -> None:
        """Refuse to work without what the rule needs.

        Raises:
            InvalidInput: says what is missing, and which command makes it.
        """
        if self.needs in ("images", "labels", "probe") and images is None:
            raise InvalidInput(f"Rule {self.name} looks at {self.needs_in_words}: give a dataset (--dataset NAME).")
        if self.needs in ("fields", "probe") and analysis is None:
            raise InvalidInput(
                f"Rule {self.name} looks at {self.needs_in_words}, and there is no analysis: make one with "
                "`fm-keras analyze MODEL --split train`, and give it as analysis=Analysis.load(PATH)."
            )
        if self.needs == "probe" and analysis.probe is None:
            raise InvalidInput(
                f"Rule {self.name} looks at probes, and the analysis has none: `fm-keras analyze MODEL --split train "
                "--fields probe` makes one with them."
            )

    @property
    def needs_in_words(self) -> str:
        """Such as 'images and their labels'."""
        return {"labels": "images and their labels", "fields": "fields", "probe": "probes"}.get(self.needs, self.needs)


def rule_names() -> list[str]:
    """Names of all rules that score units or choose them."""
    return list(RULES)


def describe_rules() -> pd.DataFrame:
    """One row per rule: rule, what (is worth keeping), needs ("", images, labels, fields, probe), source."""
    rows = [(rule.name, rule.what, rule.needs, rule.source) for rule in RULES.values()]
    return pd.DataFrame(rows, columns=["rule", "what", "needs", "source"])


def find_rule(name: str) -> NamedRule:
    """A rule by its name.

    Raises:
        InvalidInput: an unknown name.
    """
    if name not in RULES:
        raise InvalidInput(
            f"There is no rule {name!r}. Rules: {', '.join(RULES)}; a file of scores (.csv, .json) is one too."
        )
    return RULES[name]


def score_units(evidence: Evidence, names: Iterable[str]) -> pd.DataFrame:
    """Scores of all units by some rules.

    Args:
        evidence: what they are measured on.
        names: rules that score units.

    Returns:
        One row per (layer, filter) of the cuts in question, one column per rule, larger being more worth keeping.
        NaN where a rule says nothing: at cuts without a kernel, BatchNorm or field.

    Raises:
        InvalidInput: an unknown rule, or one whose needs are missing.
    """
    units = {cut.layer: np.zeros(cut.units) for cut in cut_points(evidence.model, layers=evidence.layers)}
    index = score_series("units", units).index
    scores = {}
    for rule in map(find_rule, names):
        rule.check(evidence.split, evidence.analysis)
        scores[rule.name] = rule.score(evidence).reindex(index)
    return pd.DataFrame(scores, index=index)


_CLUSTERS = "arXiv:2305.18078"
_QUALITY, _SIGNED, _SQUARED, _SIZE = map(
    from_contributions, ("quality", "taylor_signed", "taylor_squared", "contribution_norm")
)
_ALL = (
    NamedRule(
        "quality", "loss that its silence is expected to cost", "least quality", "labels", "ours", _QUALITY, adds=True
    ),
    NamedRule(
        "taylor_signed",
        "the same, the loss linearized too",
        "lowest signed Taylor score",
        "labels",
        "arXiv:1611.06440",
        _SIGNED,
        adds=True,
    ),
    NamedRule(
        "taylor_squared",
        "mean square of the linearized loss of each image",
        "lowest Taylor score",
        "labels",
        "arXiv:1906.10771",
        _SQUARED,
        adds=True,
    ),
    NamedRule(
        "contribution_norm",
        "size of what it adds to the logits",
        "smallest contributions",
        "labels",
        "ours",
        _SIZE,
        adds=True,
    ),
    NamedRule(
        "kernel_l1", "sum of its absolute weights", "smallest kernels", "", "arXiv:1608.08710", from_weights(kernel_l1)
    ),
    NamedRule(
        "batch_norm_scale",
        "size of its BatchNorm scale",
        "smallest BatchNorm scales",
        "",
        "arXiv:1708.06519",
        from_weights(batch_norm_scale),
    ),
    NamedRule(
        "fpgm",
        "distance of its kernel to the others",
        "kernels nearest to the others",
        "",
        "arXiv:1811.00250",
        from_weights(fpgm),
    ),
    NamedRule(
        "active_share",
        "share of images and positions where it acts (1 - APoZ)",
        "least often active",
        "images",
        "arXiv:1607.03250",
        from_images(active_share),
    ),
    NamedRule("snr", "signal-to-noise ratio of its field", "lowest SNR", "fields", _CLUSTERS, from_fields(snr)),
    NamedRule(
        "few_noise", "little noise outside its clusters", "most noise", "fields", _CLUSTERS, from_fields(few_noise)
    ),
    NamedRule("field_norm", "size of its centered field", "smallest fields", "fields", "ours", from_fields(field_norm)),
    NamedRule(
        "probe_ablation",
        "loss of the probe without it",
        "least loss of the probe",
        "probe",
        "ours",
        from_probes(probe_ablation),
    ),
    NamedRule(
        "reconstruction",
        "what its readers miss, refitted without it",
        "least missed after a refit",
        "images",
        "ours",
        from_images(reconstruction),
        adds=True,
    ),
    NamedRule("random", "nothing: a control", "drawn at random", "", "", from_chance(random_scores)),
    NamedRule(
        "greedy", "what costs most loss together with all that goes", "least loss together", "labels", "ours", None
    ),
    NamedRule(
        "greedy_without_labels",
        "what changes the logits most together with all that goes",
        "least change together",
        "images",
        "ours",
        None,
    ),
)
RULES: dict[str, NamedRule] = {rule.name: rule for rule in _ALL}
"""by name"""
