"""What each unit is worth keeping: larger is better, in every score.

weight_scores.py      from weights alone: kernel norm, BatchNorm scale, distance to the other kernels
activation_scores.py  from a pass over images: share of activity, silence in the probe
field_scores.py       from the fields of an analysis: SNR, noise, norm
contribution_scores.py  from what units contribute to the logits: quality, Taylor
random_scores.py      from nothing, the control        scores_file.py  from a table that anything may have written
check.py              how well they all foretell what silencing units really costs

Every score is a pandas Series with the index (layer, filter), layers in depth order, named like its function.
"""
