"""Looking at what was measured: pictures, one web page, and runs beside each other.

plots       a figure for each question, one a file; needs matplotlib: pip install "fm-keras[report]"
html        one self-contained page of a run: page_data, page_filters, page_complexity and formulas fill templates/;
            needs Jinja2
compare     runs of the same architecture beside each other: matching pairs their filters, differences says it in words
stability   how clusters, noise and SNR move with the threshold; steadiness says it in words

compare_plots and stability_plots draw them.  Importing this package imports neither matplotlib, Jinja2 nor Keras.
"""

from importlib import import_module
from typing import Any

from fm_keras.reports.compare import Comparison, compare
from fm_keras.reports.origin import Origin
from fm_keras.reports.stability import threshold_stability

__all__ = ["Comparison", "Origin", "compare", "plots", "threshold_stability", "write_report", "write_run_report"]

_NEED_JINJA = ("write_report", "write_run_report")


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("fm_keras.reports.plots")
    if name in _NEED_JINJA:
        return getattr(import_module("fm_keras.reports.html"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
