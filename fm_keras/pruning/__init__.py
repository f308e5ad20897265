"""What each unit is worth keeping: larger is better, in every score.

weight_scores.py      from weights alone: kernel norm, BatchNorm scale, distance to the other kernels
activation_scores.py  from a pass over images: share of activity, silence in the probe
field_scores.py       from the fields of an analysis: SNR, noise, norm
contribution_scores.py  from what units contribute to the logits: quality, Taylor
check.py              how well they all foretell what silencing units really costs

Every score is a pandas Series with the index (layer, filter), layers in depth order, named like its function.

dependencies.py       which units stand or fall together, found by following them through all calls (unit_flow.py)
groups.py             those units as groups, with what they cost and why some must stay
plan.py               which units shall go, as a file for one model
surgery.py            a smaller, ordinary model without them (layer_surgery.py); effect.py tells what it saves
layer_kinds.py        what surgery knows of each layer; constants.py what becomes of a silent unit's zero
"""

from fm_keras.pruning.activation_scores import active_share, probe_ablation
from fm_keras.pruning.check import ScoreCheck, check_scores
from fm_keras.pruning.contribution_scores import contribution_scores
from fm_keras.pruning.field_scores import few_noise, field_norm, snr
from fm_keras.pruning.groups import UnitGroup, complete_units, unit_groups
from fm_keras.pruning.plan import PruningPlan, load_plan, plan_removal
from fm_keras.pruning.surgery import Pruned, apply_plan, remove_units
from fm_keras.pruning.weight_scores import batch_norm_scale, fpgm, kernel_l1

__all__ = [
    "Pruned",
    "PruningPlan",
    "ScoreCheck",
    "UnitGroup",
    "active_share",
    "apply_plan",
    "batch_norm_scale",
    "check_scores",
    "complete_units",
    "contribution_scores",
    "few_noise",
    "field_norm",
    "fpgm",
    "kernel_l1",
    "load_plan",
    "plan_removal",
    "probe_ablation",
    "remove_units",
    "snr",
    "unit_groups",
]
