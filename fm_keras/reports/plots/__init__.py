"""A figure for each question about what was measured: each takes nouns and returns a matplotlib Figure.

matrix.py    one filter: field, above the threshold, permuted      grid.py     filters of a layer, chosen by choice.py
pair.py      probe field and network field of one filter           depth.py    accuracy, SNR, noise, clusters by depth
quality.py   quality against SNR                                   worth.py    quality by depth
labels.py    how evenly labels are spread                          sizes.py    how large clusters are
training.py  what every epoch brought                              rules.py    what pruning rules leave
complexity.py  how hard classes are to tell apart by depth         complexity_course.py  by epoch, width, images
depth_ratio.py error by depth ratio at equal cost                  label_law.py  what grows with the number of labels
width_law.py root of size times filters by depth            power_law.py  laws of width

picture.py   style, room for words, saving                         panels.py   the two ways to draw a matrix
course.py    one measure through the depth                         names.py    names that can be drawn
looks.py     lines told apart without color alone, and their legend
measured.py  what a figure needs to have been measured

No figure touches pyplot or the user's settings; a notebook shows it by itself.
"""

from fm_keras.reports.plots.choice import choose_filters
from fm_keras.reports.plots.complexity import complexity_curves
from fm_keras.reports.plots.complexity_course import complexity_course
from fm_keras.reports.plots.depth import depth_curves
from fm_keras.reports.plots.depth_ratio import depth_ratio
from fm_keras.reports.plots.grid import layer_filters
from fm_keras.reports.plots.label_law import label_law
from fm_keras.reports.plots.labels import label_homogeneity
from fm_keras.reports.plots.matrix import filter_matrix
from fm_keras.reports.plots.pair import field_pair
from fm_keras.reports.plots.picture import save
from fm_keras.reports.plots.power_law import power_law
from fm_keras.reports.plots.quality import quality_against_snr
from fm_keras.reports.plots.rules import rule_sweep
from fm_keras.reports.plots.sizes import cluster_sizes
from fm_keras.reports.plots.training import training_history
from fm_keras.reports.plots.width_law import width_law
from fm_keras.reports.plots.worth import quality_by_depth

__all__ = [
    "choose_filters",
    "cluster_sizes",
    "complexity_course",
    "complexity_curves",
    "depth_curves",
    "depth_ratio",
    "field_pair",
    "filter_matrix",
    "label_homogeneity",
    "label_law",
    "layer_filters",
    "power_law",
    "quality_against_snr",
    "quality_by_depth",
    "rule_sweep",
    "save",
    "training_history",
    "width_law",
]
