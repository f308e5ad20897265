"""One filter's matrix, drawn: rows are labels of the images, columns outputs, clusters first and framed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from fm_keras.analysis.view import label_order, noise_elements
from fm_keras_cli.numbers import count
from fm_keras_cli.tables import TEAL, YELLOW, one_line

_CORNER = "input \\ output"
_MARKS = "▒• noise   . below"
_WIDEST_NAME = 16
_SHORT, _NARROWEST_CELL = 3, 5


@dataclass(frozen=True, eq=False)
class Matrix:
    """What is drawn of a filter.

    Args:
        above: (K, K) bool, elements above the threshold: [label of the input, output].
        cluster_of: (K,) number of the cluster that holds each label, -1 for none.
        label_names: K names.
        threshold: share of the maximum above which an element counts.
    """

    above: np.ndarray
    cluster_of: np.ndarray
    label_names: Sequence[str]
    threshold: float

    def order(self) -> np.ndarray:
        """Labels of the clusters, largest cluster first; then the others, the noisiest first."""
        return label_order(self.above, self.cluster_of)

    def noise(self) -> np.ndarray:
        """(K, K) bool: elements above the threshold outside all clusters."""
        return noise_elements(self.above, self.cluster_of)

    def draw(self, width: int) -> Text:
        """The matrix, as many labels as fit.

        Args:
            width: columns of the terminal.
        """
        order = self.order()
        names = [one_line(self.label_names[label]) for label in order]
        longest = max(map(cell_len, names))
        numbered = longest > _SHORT and (longest + 2) * len(names) > width - _WIDEST_NAME
        rows = [f"{_cut(name)} {label}" if numbered else name for name, label in zip(names, order)]
        heads = [str(label) for label in order] if numbered else names
        cell = max(_NARROWEST_CELL, max(map(cell_len, heads)) + 2)
        margin = max(len(_CORNER), *map(cell_len, rows)) + 1
        shown = order[: max(1, (width - margin - 2) // cell)]
        text = Text(f"{_CORNER:>{margin}}", "bright_black")
        for head in heads[: len(shown)]:
            text.append(f" {set_cell_size(head, cell - 1)}", "bold")
        for row, label in zip(rows, shown):
            text.append(f"\n{'':{margin - cell_len(row)}}{row}", "bold")
            self._draw_row(text, label, shown, cell)
        legend = f"█ above {self.threshold:g} of the maximum   "
        indent = margin if margin + len(legend) + len(_MARKS) <= width else 1
        text.append(f"\n{'':{indent}}{legend}")
        text.append(_MARKS[:2], YELLOW).append(_MARKS[2:])
        return text.append(self._left_out(order[len(shown) :], order))

    def _draw_row(self, text: Text, label: int, shown: np.ndarray, cell: int) -> None:
        noise, mine = self.noise()[label], self.cluster_of[label]
        for place, output in enumerate(shown):
            inside = mine >= 0 and self.cluster_of[output] == mine
            first = inside and (place == 0 or self.cluster_of[shown[place - 1]] != mine)
            last = inside and (place == len(shown) - 1 or self.cluster_of[shown[place + 1]] != mine)
            mark = "▒•" if noise[output] else "██" if self.above[label, output] else "."
            style = YELLOW if noise[output] else TEAL if inside else "bright_black"
            text.append(f"{'┃' if first else ' '}{mark:<2}{'┃' if last else ' '}{'':{cell - 4}}", style)

    def _left_out(self, hidden: np.ndarray, order: np.ndarray) -> str:
        """What of the matrix is not drawn."""
        if len(hidden) == 0:
            return ""
        noise = self.noise()
        shown = order[: len(order) - len(hidden)]
        missing = int(noise.sum() - noise[np.ix_(shown, shown)].sum())
        held = int((self.cluster_of[hidden] >= 0).sum())
        parts = [count(len(hidden), "label"), f"with {count(missing, 'noise element')}"]
        if held:
            parts.append(f"and {count(held, 'label')} of clusters")
        return f"\nLeft out: {' '.join(parts)}; a wider terminal shows more, --json all."


def _cut(name: str) -> str:
    """As much of a name as its column holds; letters of some scripts take two cells."""
    return name if cell_len(name) <= _WIDEST_NAME else set_cell_size(name, _WIDEST_NAME)
