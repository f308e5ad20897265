"""What the heads of attention layers say about the labels, and the nodes that they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fm_keras.analysis.nouns import Analysis
from fm_keras.analysis.view import FilterView
from fm_keras.errors import InvalidInput
from fm_keras.filters import NO_CLUSTER
from fm_keras.runs import StageFolder


@dataclass(frozen=True, eq=False)
class HeadAnalysis:
    """Single-head and single-nodal performance of the attention layers of a network, in depth order."""

    heads: Analysis
    """the units of a layer are its heads: the field of a head is the sum of the fields of its nodes"""
    nodes: Analysis
    """the units of a layer are the nodes of all its heads, head after head, as the output projection reads them"""

    def table(self) -> pd.DataFrame:
        """One row per head of every layer.

        Columns: layer, head, nodes (of the head), and those of `fm_keras.filters.measure_filters` behind filter.
        """
        table = self.heads.filters().rename(columns={"filter": "head"})
        table.insert(2, "nodes", table["layer"].map(self._nodes_of_a_head))
        return table

    def holders(self) -> pd.DataFrame:
        """How many nodes of each head hold each label in one of their clusters.

        Returns:
            One row per head of every layer: layer, head, and one column for each label, named as the label is.

        Source: arXiv:2501.12900, where each head comes to favor some labels.
        """
        return pd.concat([self._holders_in(layer.layer) for layer in self.heads], ignore_index=True)

    def head(self, layer: str, number: int) -> FilterView:
        """One head as people look at it; in a notebook it shows its matrix.

        Raises:
            InvalidInput: a layer without heads, or a head that it does not have.
        """
        heads = len(self.heads[layer])
        if not 0 <= number < heads:
            raise InvalidInput(f"{layer} has heads 0 to {heads - 1}; there is no {number}.")
        return replace(self.heads.filter(layer, number), word="head")

    def only(self, layers: Iterable[str]) -> HeadAnalysis:
        """The same of some of its layers."""
        chosen = set(layers)
        return HeadAnalysis(_only(self.heads, chosen), _only(self.nodes, chosen))

    def save(self, folder: str | Path) -> None:
        """Write both analyses as CSV and .npz files: that of the heads, and in its folder `nodes` that of the nodes."""
        self.heads.save(folder)
        self.nodes.save(StageFolder(Path(folder)).nodes)

    @classmethod
    def load(cls, folder: str | Path) -> HeadAnalysis:
        """Read what `save` wrote.

        Raises:
            BadRun: a file is missing or damaged.
        """
        return cls(Analysis.load(folder), Analysis.load(StageFolder(Path(folder)).nodes))

    def _nodes_of_a_head(self, layer: str) -> int:
        return len(self.nodes[layer]) // len(self.heads[layer])

    def _holders_in(self, layer: str) -> pd.DataFrame:
        clusters = self.nodes[layer].cluster_of
        held = (clusters != NO_CLUSTER).reshape(len(self.heads[layer]), -1, clusters.shape[1]).sum(axis=1)
        counts = pd.DataFrame(held, columns=list(self.heads.label_names))
        counts.insert(0, "head", range(len(held)), allow_duplicates=True)
        counts.insert(0, "layer", layer, allow_duplicates=True)
        return counts

    def __repr__(self) -> str:
        heads = sum(len(layer) for layer in self.heads)
        return f"HeadAnalysis({self.heads.data!r}, layers={len(self.heads)}, heads={heads})"


def _only(analysis: Analysis, layers: set[str]) -> Analysis:
    network = None if analysis.network is None else _only(analysis.network, layers)
    return replace(analysis, measured=tuple(each for each in analysis if each.layer in layers), network=network)
