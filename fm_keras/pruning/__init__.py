"""What each unit is worth keeping: larger is better, in every score.

weight_scores.py      from weights alone: kernel norm, BatchNorm scale, distance to the other kernels
activation_scores.py  from a pass over images: share of activity, silence in the probe
field_scores.py       from the fields of an analysis: SNR, noise, norm
contribution_scores.py  from what units contribute to the logits: quality, Taylor
check.py              how well they all foretell what silencing units really costs

Every score is a pandas Series with the index (layer, filter), layers in depth order, named like its function.
"""

from fm_keras.pruning.activation_scores import active_share, probe_ablation
from fm_keras.pruning.check import ScoreCheck, check_scores
from fm_keras.pruning.contribution_scores import contribution_scores
from fm_keras.pruning.field_scores import few_noise, field_norm, snr
from fm_keras.pruning.weight_scores import batch_norm_scale, fpgm, kernel_l1

__all__ = [
    "ScoreCheck",
    "active_share",
    "batch_norm_scale",
    "check_scores",
    "contribution_scores",
    "few_noise",
    "field_norm",
    "fpgm",
    "kernel_l1",
    "probe_ablation",
    "snr",
]
