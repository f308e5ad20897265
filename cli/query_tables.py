"""What a served model answers, as it looks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text

from fm_keras_cli.numbers import count, decimals, figures
from fm_keras_cli.tables import BLUE, TEAL, bar, new_table, one_line

if TYPE_CHECKING:
    import pandas as pd

    from fm_keras.serving.client.answers import FilterQuality, LayerSummary, ModelVersion, Predictions, TopFilter
    from fm_keras.serving.client.client import Client

_LIKELY = 3


def version_lines(client: Client, versions: Sequence[ModelVersion]) -> Text:
    """One line a version: state, and what went wrong if anything."""
    lines = [f"{client.model} at {client.url}"]
    for version in versions:
        lines.append(f"  version {version.version}  {version.state}{f'  {version.message}' if version.message else ''}")
    return Text("\n".join(lines))


def layer_frame(client: Client) -> pd.DataFrame:
    """One row per layer, as `Analysis.layers()` names the columns."""
    import pandas as pd

    rows = [{**asdict(each), "positions": client.positions(each.layer)} for each in client.layer_summaries()]
    table = pd.DataFrame(rows)
    table["accuracy"] = table["accuracy"].astype(float)
    return table.drop(columns="quality") if table["quality"].isna().all() else table


def filter_frame(client: Client, layer: str) -> pd.DataFrame:
    """One row per filter, as `Analysis.filters()` names the columns, best first."""
    import pandas as pd

    rows = []
    for found in client.filter_qualities(layer):
        values = dict(vars(found))
        groups = [np.flatnonzero(found.cluster_of == number) for number in range(found.n_clusters)]
        values["labels"] = tuple(sorted((tuple(map(int, group)) for group in groups), key=len, reverse=True))
        rows.append(values)
    table = pd.DataFrame(rows).drop(columns=["layer", "cluster_of", "label_names"])
    if table["quality"].isna().all():
        table = table.drop(columns=["quality", "quality_low", "quality_high"])
    return table.sort_values(["dead", "snr", "signal"], ascending=[True, False, False], kind="stable")


def layer_sentence(found: LayerSummary) -> str:
    """The layer in words."""
    said = (
        f"{found.layer}: {count(found.units, 'filter')}, {figures(found.n_clusters)} clusters and "
        f"{figures(found.noise)} noise elements a filter, SNR {figures(found.snr)}"
    )
    return f"{said}." if found.accuracy is None else f"{said}; probe accuracy {found.accuracy:.3f}."


def filter_sentence(found: FilterQuality, units: int) -> str:
    """conv5_3, filter 17 of 64: cluster {cat, dog}, 2 noise elements, SNR 4.50, costs 0.0120 nats to lose (...).

    Args:
        found: what the server says of the filter.
        units: of its layer.
    """
    groups = " ".join(f"{{{', '.join(map(one_line, cluster))}}}" for cluster in found.clusters)
    picks = "dead" if found.dead else f"{'clusters' if found.n_clusters > 1 else 'cluster'} {groups}" if groups else ""
    parts = [picks or "no cluster", count(found.external_noise, "noise element"), f"SNR {figures(found.snr)}"]
    if found.quality is not None:
        low, high = figures(found.quality_low), figures(found.quality_high)
        parts.append(f"costs {figures(found.quality)} nats to lose ({low} to {high})")
    return f"{found.layer}, filter {found.filter} of {units:,}: {', '.join(parts)}"


def top_table(found: Sequence[TopFilter]) -> Table:
    """Filters and their shares of what the layer says for a label."""
    table = new_table(right=("filter", "share"))
    table.add_column("", no_wrap=True)
    largest = max((each.share for each in found), default=0)
    for each in found:
        length = each.share / largest if largest > 0 else 0
        table.add_row(f"{each.filter:,}", f"{each.share:.1%}", Text(bar(length), TEAL))
    return table


def prediction_rows(images: Sequence[Path], found: Predictions) -> list[dict[str, Any]]:
    """One row per image: the likeliest label, and all probabilities by label."""
    return [
        {"image": str(image), "label": name, "probabilities": dict(zip(found.label_names, shares.tolist()))}
        for image, name, shares in zip(images, found.names, found.probabilities)
    ]


def prediction_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The likeliest labels of each image."""
    table = new_table(left=("image", "label"), right=("probability",))
    table.add_column("then", overflow="fold")
    for row in rows:
        ranked = sorted(row["probabilities"].items(), key=lambda pair: -pair[1])
        others = ", ".join(f"{one_line(name)} {share:.3f}" for name, share in ranked[1 : 1 + _LIKELY])
        table.add_row(Path(row["image"]).name, one_line(row["label"]) or "-", decimals(ranked[0][1], 3), others)
    return table


def response_table(field: np.ndarray, label_names: Sequence[str]) -> Table:
    """The field of one filter on each output, the largest first."""
    table = new_table(left=("output",), right=("logits",))
    table.add_column("", no_wrap=True)
    for label in np.argsort(-field, kind="stable"):
        length = field[label] / field.max() if field.max() > 0 else 0
        table.add_row(one_line(label_names[label]), decimals(float(field[label]), 4), Text(bar(length), BLUE))
    return table


def response_sentence(field: np.ndarray, label_names: Sequence[str]) -> str:
    """What a filter says of an image, in words."""
    if not field.any():
        return "says nothing about this image."
    high, low = int(field.argmax()), int(field.argmin())
    return (
        f"speaks most for {one_line(label_names[high])}, by {figures(float(field[high]))} logits, and least for "
        f"{one_line(label_names[low])}, by {figures(float(field[low]))}."
    )
