"""How hard it is to tell the classes apart: exact measures of points, and of what a network makes of them.

neighbors.py  exact tree and nearest neighbors, and the files it is made of   measures.py  n1, n2, n3, t1, f1, …
table.py      all measures, and several at once                              ratio.py     intervals
layers.py     the measures of every layer of a network, from streaming.py
course.py     those of several networks, such as the epochs of a training, by epochs.py; trials.py  those of a sweep
accelerated.py  distances on a GPU

The measures themselves need no Keras: it is imported when a network is measured.
"""

from importlib import import_module
from typing import Any

from fm_keras.complexity.epochs import epoch_numbers, in_order
from fm_keras.complexity.measures import f1, intrinsic_dimension, linear_error, n1, n1_edges, n2, n3, t1
from fm_keras.complexity.neighbors import Nearest, Neighborhood, neighborhood, spanning_tree
from fm_keras.complexity.plan import TreePlan, plan_tree
from fm_keras.complexity.table import MEASURES, Measure, Measured, measure_points
from fm_keras.complexity.tree import Tree

__all__ = [
    "MEASURES",
    "Measure",
    "Measured",
    "Nearest",
    "Neighborhood",
    "Tree",
    "TreePlan",
    "epoch_numbers",
    "f1",
    "in_order",
    "intrinsic_dimension",
    "join_trials",
    "linear_error",
    "measure_complexity",
    "measure_course",
    "measure_points",
    "n1",
    "n1_edges",
    "n2",
    "n3",
    "neighborhood",
    "plan_complexity",
    "plan_tree",
    "spanning_tree",
    "t1",
]

_NOT_AT_ONCE = {
    "join_trials": "fm_keras.complexity.trials",
    "measure_course": "fm_keras.complexity.course",
    "measure_complexity": "fm_keras.complexity.layers",
    "plan_complexity": "fm_keras.complexity.layers",
}


def __getattr__(name: str) -> Any:
    if name in _NOT_AT_ONCE:
        return getattr(import_module(_NOT_AT_ONCE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
