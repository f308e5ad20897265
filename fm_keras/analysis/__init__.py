"""The main job for any Keras model: what every single filter of every layer says about the labels.

job.py      analyze: cut, probe, measure           measure.py  from class means and a probe to measured filters
nouns.py    LayerFilters and Analysis              store.py    an analysis on disk

Reading a saved analysis needs no Keras: it is imported when something is measured.
"""

from importlib import import_module
from typing import Any

from fm_keras.analysis.nouns import Analysis, LayerFilters
from fm_keras.analysis.store import load_analysis, save_analysis

__all__ = [
    "Analysis",
    "LayerFilters",
    "analyze",
    "load_analysis",
    "measure_layer",
    "plan_analysis",
    "save_analysis",
]

_NEED_KERAS = {
    "analyze": "fm_keras.analysis.job",
    "plan_analysis": "fm_keras.analysis.job",
    "measure_layer": "fm_keras.analysis.measure",
}


def __getattr__(name: str) -> Any:
    if name in _NEED_KERAS:
        return getattr(import_module(_NEED_KERAS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
