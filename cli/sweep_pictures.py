"""Pictures of a sweep: which there are, and how they are drawn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.errors import InvalidInput
from fm_keras_cli.sweep_answer import label_words, ratio_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fm_keras.scaling import Law
    from fm_keras_cli.sweep_findings import Findings

FIGURES = ("error-width", "noise-width", "error-macs", "depth-ratio", "label-law")
_AXES = {"width": "width", "macs": "MACs of one image", "error": "error", "noise": "noise elements of a filter"}


def draw_sweep(found: Findings, figure: str) -> Figure:
    """One of FIGURES.

    Raises:
        InvalidInput: the sweep has nothing to draw as this.
    """
    from fm_keras.reports import plots

    if figure == "depth-ratio":
        groups = found.ratios.groupby(["model", "macs"], sort=False)
        return plots.depth_ratio(found.ratios, found.data, " ".join(ratio_words(table) for _, table in groups))
    if figure == "label-law":
        if found.done["labels"].nunique() < 2:
            raise InvalidInput("All trials of the sweep have the same number of labels: give --label-counts.")
        return plots.label_law(found.labels, found.label_laws, found.data, "\n".join(label_words(found.label_laws)))
    laws = {"error-width": found.errors, "noise-width": found.noise, "error-macs": found.expenses}[figure]
    return _draw_laws(found.data, figure, laws)


def save_pictures(found: Findings, folder: Path) -> list[str]:
    """Draw all that can be drawn into a folder, where matplotlib is there; the names of the files."""
    if find_spec("matplotlib") is None:
        return []
    from fm_keras.reports.plots import save

    names = []
    for figure in FIGURES:
        try:
            drawn = draw_sweep(found, figure)
        except InvalidInput:
            continue
        save(drawn, folder / f"{figure}.png")
        names.append(f"{figure}.png")
    return names


def _draw_laws(data: str, figure: str, laws: list[Law]) -> Figure:
    from fm_keras.reports.plots import power_law

    fits = {law.series: law.fit for law in laws if law.fit}
    if not fits:
        why = "; ".join(f"{law.series}: {law.why_not}" for law in laws) or "there are too few widths or series"
        raise InvalidInput(f"The sweep has no law to draw as {figure}: {why}")
    drawn = next(iter(fits.values())) if len(laws) == 1 else fits
    return power_law(drawn, x_name=_AXES[laws[0].x], y_name=_AXES[laws[0].y], data=data)
