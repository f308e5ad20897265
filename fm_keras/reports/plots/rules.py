"""What every pruning rule leaves of a network, against what it costs to run."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.numbers import figures
from fm_keras.reports.plots.looks import draw_legend, legend_height, look_of
from fm_keras.reports.plots.names import readable
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_PANELS = {"cut": "after the cut", "repaired": "after repair", "fine-tuned": "after fine-tuning"}
_COLUMNS = {"rule", "macs", "whole"}


@styled
def rule_sweep(rows: pd.DataFrame, data: str) -> Picture:
    """Accuracy of a pruned network against the share of its multiply-accumulates that is kept, a line a rule.

    Args:
        rows: one row a rule and share, as `fm_keras.pruning.sweep_rules` yields them: rule, macs, whole and the
            accuracies cut, repaired, fine-tuned; missing accuracies are left out.
        data: name of the data set.

    Returns:
        Figure with one panel for each step that was taken, the same scale in all.

    Raises:
        InvalidInput: a column is missing, or all accuracies.
    """
    panels = [step for step in _PANELS if step in rows and rows[step].notna().any()]
    if not set(rows) >= _COLUMNS or not panels:
        raise InvalidInput(
            f"A sweep has the columns rule, macs, whole, and accuracies {', '.join(_PANELS)}; received "
            f"{', '.join(map(str, rows)) or 'none'} with {len(rows)} rows."
        )
    rules, whole = list(rows["rule"].unique()), float(rows["whole"].iloc[0])
    looks = {rule: look_of(number) for number, rule in enumerate(rules)}
    height = legend_height(len(rules))
    picture = new_picture(
        max(7.5, 3.4 * len(panels)),
        3.2 + height,
        readable(f"{data}: what is left after pruning, rule by rule", 120),
        "",
        f"Accuracy on test images; dashed line: the whole network, {figures(whole)}. MACs: multiply-accumulates.",
    )
    grid = picture.add_gridspec(2, len(panels), height_ratios=[3.2, height])
    first = None
    for place, step in enumerate(panels):
        axes = picture.add_subplot(grid[0, place], sharex=first, sharey=first)
        first = first or axes
        _draw_panel(axes, rows, step, looks)
        axes.axhline(whole, color=LIGHT.soft, linewidth=0.8, linestyle=(0, (5, 4)))
        axes.tick_params(labelleft=place == 0)
    draw_legend(picture.add_subplot(grid[1, :]), looks)
    return picture


def _draw_panel(axes: Axes, rows: pd.DataFrame, step: str, looks: dict[str, dict]) -> None:
    for rule, found in rows.groupby("rule", sort=False):
        found = found[found[step].notna()].sort_values("macs")
        axes.plot(found["macs"], found[step], **looks[rule])
    axes.set_title(_PANELS[step])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of MACs kept")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
