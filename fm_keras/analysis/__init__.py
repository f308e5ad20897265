"""The main job for any Keras model: what every single filter of every layer says about the labels.

job.py      analyze: cut, probe, measure           measure.py  from class means and a probe to measured filters
network.py  the same from network fields           nouns.py    LayerFilters and Analysis
store.py    an analysis on disk                    images.py   the images to measure on
view.py     one filter as people look at it        notebook.py how they show themselves in a notebook
heads.py    what heads of attention say, head_job.py  analyze_heads
answer.py   what came out, in words                intervals.py, resampling.py  intervals over images

Reading a saved analysis needs no Keras: it is imported when something is measured.
"""

from importlib import import_module
from typing import Any

from fm_keras.analysis.heads import HeadAnalysis
from fm_keras.analysis.nouns import Analysis, LayerFilters
from fm_keras.analysis.store import load_analysis, save_analysis
from fm_keras.analysis.view import FilterView

__all__ = [
    "Analysis",
    "FilterView",
    "HeadAnalysis",
    "LayerFilters",
    "analyze",
    "analyze_heads",
    "load_analysis",
    "measure_intervals",
    "measure_layer",
    "network_analysis",
    "plan_analysis",
    "quality_tables",
    "save_analysis",
]

_NEED_KERAS = {
    "analyze": "fm_keras.analysis.job",
    "analyze_heads": "fm_keras.analysis.head_job",
    "plan_analysis": "fm_keras.analysis.job",
    "measure_intervals": "fm_keras.analysis.intervals",
    "measure_layer": "fm_keras.analysis.measure",
    "network_analysis": "fm_keras.analysis.network",
    "quality_tables": "fm_keras.analysis.network",
}


def __getattr__(name: str) -> Any:
    if name in _NEED_KERAS:
        return getattr(import_module(_NEED_KERAS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
