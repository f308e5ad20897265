"""How hard it is to tell the classes apart: exact measures of points, and of what a network makes of them.

neighbors.py  exact tree and nearest neighbors, and the files it is made of   measures.py  n1, n2, n3, t1, f1, …
table.py      all measures, and several at once                              ratio.py     intervals
layers.py     the measures of every layer of a network, from streaming.py

The measures themselves need no Keras: it is imported when a network is measured.
"""

from importlib import import_module
from typing import Any

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
    "f1",
    "intrinsic_dimension",
    "linear_error",
    "measure_complexity",
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

_NEED_KERAS = {
    "measure_complexity": "fm_keras.complexity.layers",
    "plan_complexity": "fm_keras.complexity.layers",
}


def __getattr__(name: str) -> Any:
    if name in _NEED_KERAS:
        return getattr(import_module(_NEED_KERAS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
