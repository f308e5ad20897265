"""fm-keras compare: runs, seeds or checkpoints of the same architecture side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras_cli.command import Command, fields_option, reporting, runs_dir_option
from fm_keras_cli.numbers import count, listed
from fm_keras_cli.pictures import drawing, plot_option, save_picture
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

    from fm_keras.analysis import Analysis
    from fm_keras.reports.compare import Comparison


@click.command(cls=Command)
@click.argument("runs", metavar="RUN RUN...", nargs=-1)
@click.option("--layer", metavar="L", help="the matched filters of this layer, the most alike first")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="filters to list")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="seed of what chance would match"
)
@fields_option
@plot_option
@runs_dir_option
@reporting
def compare(
    *,
    terminal: Terminal,
    runs: tuple[str, ...],
    layer: str | None,
    rows: int,
    seed: int,
    fields: str | None,
    plot: Path | None,
    runs_dir: Path,
) -> None:
    """Compare runs, seeds or checkpoints of the same architecture with the first of them.

    Layer by layer: what each measures, and how alike the filters are when those that do the same are matched.  A RUN
    is a name, a path, latest, or a folder that `fm-keras analyze --to` wrote.
    """
    from fm_keras.reports.compare import compare as compare_analyses

    if len(runs) < 2:
        raise click.UsageError("Give two or more runs.  How sure a single one is: fm-keras stability RUN")
    draw = None if plot is None else drawing("compare_plots", "comparison_curves")
    analyses = _open_all(runs, runs_dir, fields)
    comparison = compare_analyses(analyses, seed=seed)
    measured_on = {name: f"{analysis.images:,} images of {analysis.data}" for name, analysis in analyses.items()}
    if len(set(measured_on.values())) > 1:
        terminal.hint(
            f"Measured on other images: {'; '.join(f'{name} on {on}' for name, on in measured_on.items())}.\n"
        )
    if layer is not None and layer not in set(comparison.layers["layer"]):
        known = list(comparison.layers["layer"].unique())
        raise InvalidInput(f"The runs have no layer {layer!r} in common. They have: {listed(known)}.")
    if layer is None:
        _show_layers(terminal, comparison)
    else:
        _show_filters(terminal, comparison, layer, rows)
    if draw:
        save_picture(terminal, draw(comparison), plot)


def _open_all(runs: tuple[str, ...], root: Path, fields: str | None) -> dict[str, Analysis]:
    """Analyses by name; the second of a name is called so."""
    from fm_keras_cli.measured import open_analysis

    analyses: dict[str, Analysis] = {}
    for run in runs:
        name, analysis = open_analysis(run, root, fields)
        same = [known for known in analyses if known == name or known.startswith(f"{name} (")]
        analyses[f"{name} ({len(same) + 1})" if same else name] = analysis
    return analyses


def _show_layers(terminal: Terminal, comparison: Comparison) -> None:
    from rich.text import Text

    from fm_keras.reports.differences import say_differences
    from fm_keras_cli.comparison_tables import change_table

    shown = []
    for name, layers in comparison.layers.groupby("run", sort=False):
        head = Text(f"{name}, and its difference to {comparison.names[0]}", "bold")
        shown += [head, change_table(layers, terminal.out.width), Text()]
    said = say_differences(comparison)
    terminal.result(
        {
            "runs": comparison.names,
            "answer": said,
            "layers": comparison.layers,
            "left_out": comparison.left_out,
            "label_names": comparison.label_names,
            "filters": comparison.filters,
        },
        *shown,
        *(Text(text) for text in said),
    )
    for row in comparison.left_out.itertuples(index=False):
        terminal.hint(f"Left out: {row.layer}, {row.why}")
    terminal.hint(
        "\nalike: mean cosine of the fields of matched filters; chance: that of the best match after the labels of "
        "one run were shuffled; same: filters with the same clusters"
    )


def _show_filters(terminal: Terminal, comparison: Comparison, layer: str, rows: int) -> None:
    from rich.text import Text

    from fm_keras_cli.comparison_tables import match_table

    filters = comparison.filters[comparison.filters["layer"] == layer].sort_values(
        "similarity", ascending=False, kind="stable"
    )
    shown, hidden = [], 0
    for name, table in filters.groupby("run", sort=False):
        same = int((table["labels"] == table["partner_labels"]).sum())
        head = Text(f"{layer}: filters of {comparison.names[0]} and their matches in {name}", "bold")
        words = f"{count(len(table), 'filter')}, {same:,} with the same clusters; similarity {_spread(table)}."
        shown += [head, match_table(table.head(rows), comparison.label_names, terminal.out.width), Text(f"\n{words}")]
        hidden = max(hidden, len(table) - rows)
    terminal.result(
        {"runs": comparison.names, "layer": layer, "label_names": comparison.label_names, "filters": filters}, *shown
    )
    if hidden > 0:
        terminal.hint(f"{count(hidden, 'more filter')}: --rows {hidden + rows}")


def _spread(table: pd.DataFrame) -> str:
    least, middle, most = table["similarity"].quantile([0, 0.5, 1])
    return f"{middle:.2f} in the middle, {least:.2f} to {most:.2f}"
