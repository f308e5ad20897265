"""Tables of quality.md from runs and checks: `python docs/results/quality.py NAME` reads runs/NAME-s* and NAME-s*.json.

A run is made by `fm-keras run ... --name NAME-s0`, a check by `fm-keras quality NAME-s0 --check --json > NAME-s0.json`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from fm_keras.analysis import Analysis
from fm_keras.filters import rank_correlation

SCORES = {
    "taylor_squared": "Taylor squared",
    "taylor_signed": "Taylor signed",
    "contribution_norm": "contribution norm",
    "kernel_l1": "L1",
    "batch_norm_scale": "BatchNorm scale",
    "fpgm": "FPGM",
    "active_share": "1 - APoZ",
    "snr": "SNR",
    "few_noise": "few noise",
    "field_norm": "field norm",
    "probe_ablation": "probe ablation",
}
RULES = ["taylor_squared", "contribution_norm", "field_norm", "few_noise", "kernel_l1", "fpgm", "quality"]
GREEDY, LABEL_FREE, WHOLE = "greedy", "greedy, no labels", "whole network"


def field_table(analyses: list[Analysis]) -> str:
    """Probe and network fields layer by layer, means over seeds."""
    tables = []
    for analysis in analyses:
        probe, network = analysis.layers().set_index("layer"), analysis.network.layers().set_index("layer")
        table = probe[["units"]].copy()
        for name in ("n_clusters", "cluster_size", "noise", "snr"):
            table[f"{name} probe"], table[f"{name} network"] = probe[name], network[name]
        found = [agreement(a, b) for a, b in zip(analysis, analysis.network)]
        table["agreement"] = [np.median(cosines) for cosines, _ in found]
        table["agreement~strength"] = [rank_correlation(*pair) for pair in found]
        same = [(a.table["labels"] == b.table["labels"]).mean() for a, b in zip(analysis, analysis.network)]
        table["same clusters"] = same
        tables.append(table.join(network[["quality", "quality_below_zero", "quality_around_zero"]]))
    mean = pd.concat(tables).groupby("layer", sort=False).mean()
    return markdown(mean.astype(float).round(2).astype({"units": int}))


def agreement(probe, network) -> tuple[np.ndarray, np.ndarray]:
    """Of every filter: cosine between the two fields without row, column and total means; norm of the network field."""
    one, other = centered(probe.fields), centered(network.fields)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    live = lengths > 0
    return (one * other).sum(axis=1)[live] / lengths[live], np.linalg.norm(other, axis=1)[live]


def centered(fields: np.ndarray) -> np.ndarray:
    """(U, K * K)."""
    rows = fields - fields.mean(axis=1, keepdims=True)
    return (rows - rows.mean(axis=2, keepdims=True)).reshape(len(fields), -1)


def single_table(checks: list[dict]) -> str:
    """Spearman with the true cost: quality and ceiling of every seed, medians of the others."""
    rows = {}
    frames = [
        pd.DataFrame(check["correlations"]).pivot(index="layer", columns="score", values="spearman") for check in checks
    ]
    for layer in order(checks, "correlations"):
        found = pd.DataFrame([frame.loc[layer] for frame in frames if layer in frame.index])
        rows[layer] = {
            "quality": each(found["quality"]),
            "ceiling": each(found["ceiling"]),
            "share": each(found["quality"] / found["ceiling"]),
            **{words: median(found[name]) for name, words in SCORES.items() if name in found},
        }
    return markdown(pd.DataFrame(rows).T)


def half_table(checks: list[dict]) -> str:
    """Accuracy left with half of a layer silenced: the greedy choices of every seed, medians of the others."""
    rows = {}
    frames = [pd.DataFrame(check["halves"]) for check in checks if check["halves"]]
    frames = [frame.pivot(index="layer", columns="rule", values="accuracy") for frame in frames]
    for layer in order(checks, "halves"):
        found = pd.DataFrame([frame.loc[layer] for frame in frames if layer in frame.index])
        names = {name: SCORES.get(name, name) for name in [*RULES, "random", WHOLE]}
        rows[layer] = {GREEDY: each(found[GREEDY], 3), LABEL_FREE: each(found[LABEL_FREE], 3)} | {
            words: f"{found[name].median():.3f}" for name, words in names.items() if name in found
        }
    return markdown(pd.DataFrame(rows).T)


def each(values: pd.Series, places: int = 2) -> str:
    """One number for each seed."""
    return " ".join(f"{value:.{places}f}" for value in values)


def median(values: pd.Series) -> str:
    """- where a layer has no such score."""
    return "-" if values.isna().all() else f"{values.median():.2f}"


def order(checks: list[dict], part: str) -> list[str]:
    """Layers in depth order, whichever check has them."""
    layers = list(dict.fromkeys(row["layer"] for check in checks for row in check[part]))
    return sorted(layers)


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table with the index in front."""
    heads = ["layer", *map(str, table.columns)]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in table.itertuples())])


if __name__ == "__main__":
    name = sys.argv[1]
    analyses = [Analysis.load(folder) for folder in sorted(Path("runs").glob(f"{name}-s*/analysis"))]
    checks = [json.loads(file.read_text()) for file in sorted(Path().glob(f"{name}-s*.json"))]
    parts = [field_table([analysis for analysis in analyses if analysis.network])]
    parts.append(single_table(checks))
    if any(check["halves"] for check in checks):
        parts.append(half_table(checks))
    sys.stdout.write("\n\n".join(parts) + "\n")
