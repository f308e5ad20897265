"""Tables of transformer.md from a run: `python docs/results/transformer.py RUN` reads runs/RUN.

The run is made by `fm-keras run --model cct2 ... --name RUN` and `fm-keras heads RUN`.
"""

import sys

import pandas as pd

from fm_keras.analysis import Analysis, HeadAnalysis
from fm_keras.runs import ANALYSIS, HEADS, TRAIN, Run

COLUMNS = {
    "units": "nodes",
    "accuracy": "probe accuracy",
    "n_clusters": "clusters",
    "cluster_size": "size",
    "signal": "signal",
    "noise": "noise",
    "snr": "SNR",
    "label_cv": "label spread",
}
MOST = 3


def layer_table(analysis: Analysis) -> str:
    """Tokens, and attention and feed-forward of every block: single-nodal performance."""
    layers = analysis.layers()
    table = layers.rename(columns=COLUMNS)[["layer", *COLUMNS.values()]].dropna(axis=1, how="all")
    return markdown(table.map(lambda value: f"{value:.2f}" if isinstance(value, float) else value))


def head_table(found: HeadAnalysis) -> str:
    """A row for each head: the labels of its clusters, those that most of its nodes hold, noise and SNR."""
    names = found.heads.label_names
    rows = []
    for (_, head), (_, held) in zip(found.table().iterrows(), found.holders().iterrows()):
        nodes = held.iloc[2:].astype(int).sort_values(ascending=False, kind="stable")
        rows.append(
            {
                "layer": head["layer"],
                "head": head["head"],
                "clusters": " ".join(f"{{{', '.join(names[label] for label in group)}}}" for group in head["labels"]),
                f"most of its {head['nodes']} nodes": ", ".join(f"{name} {n}" for name, n in nodes[:MOST].items()),
                "signal": head["signal"],
                "noise": head["external_noise"],
                "SNR": round(head["snr"], 2),
            }
        )
    return markdown(pd.DataFrame(rows))


def layers_of_heads(found: HeadAnalysis) -> str:
    """Of every attention layer: how many labels a head holds, and how many heads hold a label."""
    rows = [
        {
            "layer": layer.layer,
            "heads": len(layer),
            "probe accuracy": round(layer.accuracy, 3),
            "labels a head": round(layer.table["signal"].mean(), 2),
            "heads a label": f"{layer.homogeneity.least} to {layer.homogeneity.most}",
            "SNR": round(snr, 2),
        }
        for layer, snr in zip(found.heads, found.heads.layers()["snr"])
    ]
    return markdown(pd.DataFrame(rows))


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(map(str, table.columns))} |", f"|{' --- |' * len(table.columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in table.itertuples(index=False))])


if __name__ == "__main__":
    run = Run.open(sys.argv[1])
    history = pd.read_csv(run.read_stage(TRAIN).history)
    analysis = Analysis.load(run.read_stage(ANALYSIS).path)
    found = HeadAnalysis.load(run.read_stage(HEADS).path)
    said = f"{len(history)} epochs: test accuracy {history['val_accuracy'].iloc[-1]:.3f}; {analysis.source}"
    parts = [said, layer_table(analysis)]
    if analysis.network is not None:
        parts += [analysis.network.source, layer_table(analysis.network)]
    sys.stdout.write("\n\n".join([*parts, layers_of_heads(found), head_table(found)]) + "\n")
