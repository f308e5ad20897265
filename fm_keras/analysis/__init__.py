"""The main job for any Keras model: what every single filter of every layer says about the labels."""

from fm_keras.analysis.analyze import analyze, plan_analysis
from fm_keras.analysis.measure import measure_layer
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
