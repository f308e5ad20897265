"""Cut a model at any layer, and read its activations there.

cuts.py    where a model can be cut      slices.py  frozen, independent parts
probes.py  Dense probes of all layers    means.py   class-mean activations of all layers
groups.py  what fits in memory at once   masked.py  fields by silencing for real, to check against
"""

from fm_keras.slicing.cuts import CutPoint, cut_points, pooling_factor, probe_positions
from fm_keras.slicing.groups import cut_memory, group_cuts
from fm_keras.slicing.masked import masked_fields
from fm_keras.slicing.means import class_means
from fm_keras.slicing.probes import Probe, fit_probes
from fm_keras.slicing.slices import slice_model

__all__ = [
    "CutPoint",
    "Probe",
    "class_means",
    "cut_memory",
    "cut_points",
    "fit_probes",
    "group_cuts",
    "masked_fields",
    "pooling_factor",
    "probe_positions",
    "slice_model",
]
