"""Every setting once: its name, default, bounds and help text.  The command line makes its options from these."""

from fm_keras.settings.base import Preset, PresetSettings, Settings
from fm_keras.settings.measuring import AnalysisSettings, ComplexitySettings
from fm_keras.settings.network import DataSettings, ModelSpec
from fm_keras.settings.pruning import PruneSettings, RepairSettings
from fm_keras.settings.serving import ServeSettings
from fm_keras.settings.sweeping import SweepSettings
from fm_keras.settings.training import ProbeSettings, TrainSettings

__all__ = [
    "AnalysisSettings",
    "ComplexitySettings",
    "DataSettings",
    "ModelSpec",
    "Preset",
    "PresetSettings",
    "ProbeSettings",
    "PruneSettings",
    "RepairSettings",
    "ServeSettings",
    "Settings",
    "SweepSettings",
    "TrainSettings",
]
