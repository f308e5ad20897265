"""fm-keras show: what was measured, as tables and as the matrix of one filter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_keras.errors import InvalidInput
from fm_keras_cli.command import Command, fields_option, reporting, runs_dir_option
from fm_keras_cli.numbers import count, figures
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

    from fm_keras.analysis import Analysis, FilterView, LayerFilters


@click.command(cls=Command)
@click.argument("run", default="latest")
@click.option("--layer", metavar="L", help="the filters of this layer, best first")
@click.option(
    "--filter", "number", type=click.IntRange(min=0), metavar="N", help="the matrix of this filter of the layer"
)
@fields_option
@click.option("--sort", metavar="COLUMN", help="sort the table by this column, largest first")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="filters to list")
@runs_dir_option
@reporting
def show(
    *,
    terminal: Terminal,
    run: str,
    layer: str | None,
    number: int | None,
    fields: str | None,
    sort: str | None,
    rows: int,
    runs_dir: Path,
) -> None:
    """Show what was measured: layers, filters, one filter's matrix.

    RUN is a name, a path, or latest; it may also be a folder that `fm-keras analyze --to` wrote.
    """
    from fm_keras_cli.measured import check_layer, open_analysis

    if number is not None and layer is None:
        raise click.UsageError("--filter needs --layer.")
    name, analysis = open_analysis(run, runs_dir, fields)
    if layer is None:
        return _show_layers(terminal, name, analysis, sort)
    check_layer(name, analysis, layer)
    if number is None:
        return _show_filters(terminal, analysis, analysis[layer], sort, rows)
    _show_filter(terminal, analysis.filter(layer, number))


def _show_layers(terminal: Terminal, name: str, analysis: Analysis, sort: str | None) -> None:
    from rich.text import Text

    from fm_keras.analysis.answer import answer
    from fm_keras_cli.tables import layer_table

    layers = analysis.layers()
    terminal.hint(
        f"{name}: {'probe' if analysis.probe else 'network'} fields over "
        f"{count(analysis.images, f'{analysis.settings.split} image')} of {analysis.data}"
    )
    terminal.result(
        {"run": name, "answer": answer(layers), "layers": _sorted(layers, sort)},
        layer_table(_sorted(layers, sort), terminal.out.width),
        Text(f"\n{answer(layers)}"),
    )


def _show_filters(terminal: Terminal, analysis: Analysis, filters: LayerFilters, sort: str | None, rows: int) -> None:
    from rich.text import Text

    from fm_keras.filters import best_first
    from fm_keras_cli.tables import filter_table

    table = _sorted(filters.table, sort) if sort else best_first(filters.table)
    clusters, dead = filters.table["n_clusters"], int(filters.table["dead"].sum())
    said = (
        f"{filters.layer}: {count(len(filters), 'filter')}, {figures(clusters.mean())} clusters and "
        f"{figures(filters.table['external_noise'].mean())} noise elements a filter, {dead:,} dead"
    )
    if analysis.probe:
        said += f"; probe accuracy {filters.accuracy:.3f}"
    terminal.result(
        {"layer": filters.layer, "label_names": analysis.label_names, "filters": table},
        filter_table(table.head(rows), analysis.label_names, terminal.out.width),
        Text(f"\n{said}."),
    )
    if len(table) > rows:
        terminal.hint(f"{count(len(table) - rows, 'more filter')}: --rows {len(table)}")


def _show_filter(terminal: Terminal, view: FilterView) -> None:
    from rich.text import Text

    from fm_keras_cli.matrix import Matrix

    matrix = Matrix(view.above, view.cluster_of, view.label_names, view.threshold)
    terminal.result(
        {
            "layer": view.layer,
            **view.row.to_dict(),
            "label_names": view.label_names,
            "cluster_of": view.cluster_of,
            "fields": view.field,
        },
        Text(f"{view.title}, {view.said}\n"),
        matrix.draw(terminal.out.width),
    )


def _sorted(table: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """The table with the largest of a column first."""
    if column is None:
        return table
    if column not in table:
        raise InvalidInput(f"There is no column {column!r}. Columns: {', '.join(table)}.")
    return table.sort_values(column, ascending=False, kind="stable")
