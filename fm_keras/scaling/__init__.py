"""Laws of width: how wide, how deep, at what cost.

widths.py    the conservation law: sqrt(H W) d is the same in all convolutions
budget.py    widths by the law for a budget, from width_counts.py: what a model would cost at other widths
sweeping/    sweep: one process per trial, rows as they finish, on this machine or on many
powerlaw.py  fits of power laws to curve.py, by forms.py, search.py, region.py, noise.py, bootstrap.py, fitting.py
laws.py      from the rows of a sweep to power laws                        costs.py   MACs at equal error
ratios.py    the best depth ratio at equal MACs                            labels.py  the law of labels

Importing this package imports neither Keras nor TensorFlow.
"""

from importlib import import_module
from typing import Any

__all__ = [
    "Law",
    "PowerLaw",
    "Prediction",
    "Proposal",
    "SweepEvent",
    "SweepProgress",
    "WidthNeeded",
    "compare_ratios",
    "conservation_table",
    "conserve",
    "cost_at_equal_error",
    "done_rows",
    "equal_macs_widths",
    "fit_laws",
    "fit_power_law",
    "import_rows",
    "label_laws",
    "label_table",
    "law_deviation",
    "plan_sweep",
    "read_sweep",
    "read_table",
    "series_of",
    "sweep",
    "varying_axes",
]

_NAMES = {
    "budget": "Proposal conserve equal_macs_widths",
    "costs": "cost_at_equal_error",
    "labels": "label_laws label_table",
    "laws": "Law done_rows fit_laws series_of varying_axes",
    "powerlaw": "PowerLaw Prediction WidthNeeded fit_power_law",
    "ratios": "compare_ratios",
    "sweeping": "SweepEvent SweepProgress import_rows plan_sweep read_sweep read_table sweep",
    "widths": "conservation_table law_deviation",
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"fm_keras.scaling.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
