"""Tables of the terminal: plain columns, numbers to the right, no lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from fm_keras_cli.numbers import decimals, figures

if TYPE_CHECKING:
    import pandas as pd

TEAL, YELLOW, BLUE, ORANGE = "dark_cyan", "yellow3", "blue", "dark_orange"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_BAR = 8
_SIZE_FROM, _BARS_FROM, _EXTRAS_FROM = 70, 80, 110
_EXTRA_COLUMNS = {"quality": 9, "dead": 6}
_SPARE = 16  # cells that names of layers and those columns may take together beside the bars, 80 wide


def new_table(*, left: tuple[str, ...] = (), right: tuple[str, ...] = ()) -> Table:
    """Table with some columns to the left and then some to the right."""
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=True)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def plain_table(frame: pd.DataFrame) -> Table:
    """A DataFrame as it is: whole numbers with commas, others with three figures, text to the left."""
    import pandas as pd

    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in frame:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(str(name).replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def layer_table(layers: pd.DataFrame, width: int) -> Table:
    """The layers of an analysis, with bars where there is room for them.

    Args:
        layers: what `Analysis.layers()` gives.
        width: columns of the terminal; less than 80: without bars, 110 or more: with map, signal and spread of labels.
    """
    top = _largest_finite(layers["snr"])
    dead = 0 if (layers["dead"] > 0).any() else math.inf
    probed = 0 if layers["accuracy"].notna().any() else math.inf
    worth = 0 if "quality" in layers else math.inf
    longest = int(layers["layer"].str.len().max())
    taken = _EXTRA_COLUMNS["quality"] * (worth == 0) + _EXTRA_COLUMNS["dead"] * (dead == 0) + longest - _SPARE
    columns = (
        ("layer", "left", 0, lambda row: row.layer),
        ("filters", "right", 0, lambda row: f"{row.units:,}"),
        ("map", "left", _EXTRAS_FROM, lambda row: row.positions),
        ("accuracy", "right", probed, lambda row: decimals(row.accuracy, 3)),
        ("", "left", max(_BARS_FROM + max(0, taken), probed), lambda row: Text(bar(row.accuracy), BLUE)),
        ("clusters", "right", 0, lambda row: decimals(row.n_clusters, 1)),
        ("size", "right", 0 if math.inf in (worth, dead) else _SIZE_FROM, lambda row: decimals(row.cluster_size, 1)),
        ("signal", "right", _EXTRAS_FROM, lambda row: decimals(row.signal, 1)),
        ("noise", "right", 0, lambda row: decimals(row.noise, 1)),
        ("SNR", "right", 0, lambda row: decimals(row.snr, 2)),
        ("", "left", _BARS_FROM, lambda row: Text(spark(row.snr, top), TEAL)),
        ("label spread", "right", _EXTRAS_FROM, lambda row: decimals(row.label_cv, 2)),
        ("quality", "right", worth, lambda row: decimals(row.quality, 3)),
        ("dead", "right", dead, lambda row: f"{row.dead:.0%}"),
    )
    chosen = [(name, side, cell) for name, side, least, cell in columns if width >= least]
    table = Table(box=None, padding=(0, 1), header_style="bold", collapse_padding=width < _BARS_FROM)
    for name, side, _ in chosen:
        table.add_column(name, justify=side, no_wrap=name != "layer", overflow="fold", min_width=len(name))
    for row in layers.itertuples(index=False):
        table.add_row(*(cell(row) for *_, cell in chosen))
    return table


def filter_table(filters: pd.DataFrame, label_names: tuple[str, ...], width: int) -> Table:
    """Filters of a layer: what each picks, and how cleanly.

    Args:
        filters: rows as `measure_filters` gives them; strength may be missing.
        label_names: K names.
        width: columns of the terminal; less than 80: without signal and strength.
    """
    wide, worth = width >= _BARS_FROM, "quality" in filters
    table = new_table(right=("filter", "clusters"))
    table.add_column(
        "labels", no_wrap=True, overflow="ellipsis", max_width=width - (50 if wide else 36) - (10 if worth else 0)
    )
    strength = ("strength",) if wide and "strength" in filters else ()
    names = [*(("signal",) if wide else ()), "noise", "SNR", *strength, *(("quality",) if worth else ())]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in filters.itertuples(index=False):
        labels = Text("dead") if row.dead else Text(clusters_text(row.labels, label_names), TEAL)
        cells = {
            "signal": f"{row.signal:,}",
            "noise": Text(f"{row.external_noise:,}", YELLOW if row.external_noise else ""),
            "SNR": decimals(row.snr, 2),
            "strength": figures(row.strength) if strength else "",
            "quality": decimals(row.quality, 4) if worth else "",
        }
        table.add_row(str(row.filter), str(row.n_clusters), labels, *(cells[name] for name in names))
    return table


def clusters_text(groups: tuple[tuple[int, ...], ...], label_names: tuple[str, ...]) -> str:
    """Clusters by label name: {cat, dog} {ship}; - for none."""
    return " ".join(f"{{{', '.join(one_line(label_names[label]) for label in group)}}}" for group in groups) or "-"


def one_line(name: str) -> str:
    """A name without line breaks, and without letters that a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def bar(share: float) -> str:
    """A share of 1 as a bar of eight cells."""
    if not math.isfinite(share):
        return ""
    eighths = round(min(max(share, 0.0), 1.0) * _BAR * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def spark(value: float, top: float) -> str:
    """One block as high as the value is of the largest."""
    if math.isnan(value) or top <= 0:
        return ""
    return _HEIGHTS[7] if value >= top else _HEIGHTS[max(0, math.ceil(8 * value / top) - 1)]


def _largest_finite(values: pd.Series) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return max(finite, default=0.0)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return figures(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
