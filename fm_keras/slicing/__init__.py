"""Cut a model at any layer, and read its activations there.

cuts.py    where a model can be cut      slices.py  frozen, independent parts
probes.py  Dense probes of all layers    means.py   class-mean activations of all layers
groups.py  what fits in memory at once   masked.py  fields by silencing for real, to check against
gates.py   what each unit contributes to the network's logits, through gate_layer.py
network.py network fields, and quality
silence.py the true cost of silencing units                              logits.py  where a network's logits are
compiled.py functions of images compiled by the backend
"""

from fm_keras.slicing.cuts import CutPoint, cut_points, pooling_factor, probe_positions
from fm_keras.slicing.gates import FEW_LABELS, Contributions, GatedModel, unit_contributions
from fm_keras.slicing.groups import cut_memory, group_cuts
from fm_keras.slicing.masked import masked_fields
from fm_keras.slicing.means import class_means
from fm_keras.slicing.network import (
    NetworkMeasures,
    contributions_without,
    fields_memory,
    measure_network,
    network_fields,
    network_images,
    plan_network,
    stream_contributions,
)
from fm_keras.slicing.probes import Probe, fit_probes
from fm_keras.slicing.silence import silence_cost, silence_effects
from fm_keras.slicing.slices import slice_model

__all__ = [
    "FEW_LABELS",
    "Contributions",
    "CutPoint",
    "GatedModel",
    "NetworkMeasures",
    "Probe",
    "class_means",
    "contributions_without",
    "cut_memory",
    "cut_points",
    "fields_memory",
    "fit_probes",
    "group_cuts",
    "masked_fields",
    "measure_network",
    "network_fields",
    "network_images",
    "plan_network",
    "pooling_factor",
    "probe_positions",
    "silence_cost",
    "silence_effects",
    "slice_model",
    "stream_contributions",
    "unit_contributions",
]
