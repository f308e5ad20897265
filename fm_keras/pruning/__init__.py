"""Make networks smaller by what their filters are worth.

scores/      every way to say what a unit is worth keeping, and how true each is
choosing/    rules and targets make a plan: which units shall go
surgery/     units removed for real: a smaller, ordinary model
masks/       AFCC: connections cut and held at zero while training goes on
repairing/   refit to the whole network, without labels or training

job.py       prune: choose, cut, repair, fine-tune (steps.py), or dilute (dilution.py)
rule_sweep.py  the same for all rules at many shares
outcome.py, accuracy.py, savings.py  what came out
"""

from fm_keras.pruning.choosing.choice import choose, describe_all_rules, needed_fields
from fm_keras.pruning.choosing.plan_table import plan_table
from fm_keras.pruning.choosing.rules import Rule, describe_rules, rule_names
from fm_keras.pruning.choosing.selection import plan_pruning
from fm_keras.pruning.choosing.targets import Target
from fm_keras.pruning.job import prune
from fm_keras.pruning.masks.afcc import afcc_masks, afcc_threshold, random_afcc_masks
from fm_keras.pruning.masks.connection_masks import ConnectionMasks, connection_masks, load_masks
from fm_keras.pruning.masks.idle_units import units_without_input, units_without_output
from fm_keras.pruning.masks.mask_rivals import magnitude_masks, random_masks, unit_masks
from fm_keras.pruning.masks.masking import hold_masks, release_masks, verify_masks
from fm_keras.pruning.masks.unit_labels import unit_labels
from fm_keras.pruning.outcome import Pruning
from fm_keras.pruning.repairing.reconstruction import reconstruction
from fm_keras.pruning.repairing.repair import recalibrate, repair, repair_table
from fm_keras.pruning.rule_sweep import KEEPS, sweep_rules
from fm_keras.pruning.savings import measure_savings
from fm_keras.pruning.scores.activation_scores import active_share, probe_ablation
from fm_keras.pruning.scores.check import ScoreCheck, check_scores
from fm_keras.pruning.scores.contribution_scores import contribution_scores
from fm_keras.pruning.scores.field_scores import few_noise, field_norm, snr
from fm_keras.pruning.scores.random_scores import random_scores
from fm_keras.pruning.scores.scores_file import is_scores_file, load_scores
from fm_keras.pruning.scores.weight_scores import batch_norm_scale, fpgm, kernel_l1
from fm_keras.pruning.surgery.groups import UnitGroup, complete_units, unit_groups
from fm_keras.pruning.surgery.plan import PruningPlan, load_plan, plan_removal
from fm_keras.pruning.surgery.surgery import Pruned, apply_plan, remove_units

__all__ = [
    "KEEPS",
    "ConnectionMasks",
    "Pruned",
    "Pruning",
    "PruningPlan",
    "Rule",
    "ScoreCheck",
    "Target",
    "UnitGroup",
    "active_share",
    "afcc_masks",
    "afcc_threshold",
    "apply_plan",
    "batch_norm_scale",
    "check_scores",
    "choose",
    "complete_units",
    "connection_masks",
    "contribution_scores",
    "describe_all_rules",
    "describe_rules",
    "few_noise",
    "field_norm",
    "fpgm",
    "hold_masks",
    "is_scores_file",
    "kernel_l1",
    "load_masks",
    "load_plan",
    "load_scores",
    "magnitude_masks",
    "measure_savings",
    "needed_fields",
    "plan_pruning",
    "plan_removal",
    "plan_table",
    "probe_ablation",
    "prune",
    "random_afcc_masks",
    "random_masks",
    "random_scores",
    "recalibrate",
    "reconstruction",
    "release_masks",
    "remove_units",
    "repair",
    "repair_table",
    "rule_names",
    "snr",
    "sweep_rules",
    "unit_groups",
    "unit_labels",
    "unit_masks",
    "units_without_input",
    "units_without_output",
    "verify_masks",
]
