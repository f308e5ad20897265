"""What scores of units are measured on, and every score measured on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.data import Split
from fm_keras.progress import Progress, silent
from fm_keras.pruning.scores.contribution_scores import contribution_scores
from fm_keras.settings import AnalysisSettings


@dataclass(frozen=True, eq=False)
class Evidence:
    """What scores are measured on."""

    model: keras.Model
    split: Split | None = None
    """images, labeled where a score needs it"""
    analysis: Analysis | None = None
    layers: Sequence[str] | None = None
    """paths of cuts; all if None"""
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    preprocess: Callable[[Any], Any] | None = None
    progress: Progress = silent

    @property
    def how(self) -> dict[str, Any]:
        """Arguments of all scores that look at images."""
        return {"settings": self.settings, "preprocess": self.preprocess, "progress": self.progress}

    @cached_property
    def contributions(self) -> pd.DataFrame:
        """Scores from contributions, all in one pass."""
        return contribution_scores(self.model, self.split, layers=self.layers, **self.how)


def from_weights(score: Callable[..., pd.Series]) -> Callable[[Evidence], pd.Series]:
    """A score that reads the model alone."""
    return lambda evidence: score(evidence.model, layers=evidence.layers)


def from_images(score: Callable[..., pd.Series]) -> Callable[[Evidence], pd.Series]:
    """A score that runs the model over images."""
    return lambda evidence: score(evidence.model, evidence.split, layers=evidence.layers, **evidence.how)


def from_contributions(name: str) -> Callable[[Evidence], pd.Series]:
    """A score of those that one pass for contributions makes."""
    return lambda evidence: evidence.contributions[name]


def from_fields(score: Callable[[Analysis], pd.Series]) -> Callable[[Evidence], pd.Series]:
    """A score that reads the fields of an analysis."""
    return lambda evidence: score(evidence.analysis)


def from_probes(score: Callable[..., pd.Series]) -> Callable[[Evidence], pd.Series]:
    """A score that runs the model and the probes of an analysis over images."""
    return lambda evidence: score(evidence.model, evidence.analysis, evidence.split, **evidence.how)


def from_chance(score: Callable[..., pd.Series]) -> Callable[[Evidence], pd.Series]:
    """A score that is drawn at random."""
    return lambda evidence: score(evidence.model, layers=evidence.layers, seed=evidence.settings.seed)
