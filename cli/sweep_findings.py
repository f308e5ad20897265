"""All that the rows of a sweep say, each found when it is asked for, and once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from fm_keras.errors import CannotFit
from fm_keras.scaling import (
    compare_ratios,
    cost_at_equal_error,
    done_rows,
    fit_laws,
    label_laws,
    label_table,
)

if TYPE_CHECKING:
    from fm_keras.scaling import Law


@dataclass(frozen=True)
class Findings:
    """What a sweep found."""

    data: str
    """name of the data set"""
    rows: pd.DataFrame
    """all rows, those of failed trials too"""

    @cached_property
    def done(self) -> pd.DataFrame:
        """Rows that hold results."""
        return done_rows(self.rows)

    @cached_property
    def errors(self) -> list[Law]:
        """Error against width."""
        return fit_laws(self.done)

    @cached_property
    def noise(self) -> list[Law]:
        """Noise of a filter against width; none where filters were not measured."""
        return fit_laws(self.done, y="noise") if "noise" in self.done else []

    @cached_property
    def expenses(self) -> list[Law]:
        """Error against MACs, where there are several series to compare."""
        found = fit_laws(self.done, x="macs")
        return found if len(found) > 1 else []

    @cached_property
    def costs(self) -> pd.DataFrame:
        """MACs that each series needs for the same error."""
        return cost_at_equal_error(self.expenses)

    @cached_property
    def ratios(self) -> pd.DataFrame:
        """Depth ratios at equal MACs."""
        return compare_ratios(self.done)

    @cached_property
    def labels(self) -> pd.DataFrame:
        """What was found for each number of labels."""
        return label_table(self.done)

    @cached_property
    def label_laws(self) -> pd.DataFrame:
        """How that goes with the number of labels; empty where there are too few."""
        try:
            return label_laws(self.labels)
        except CannotFit:
            return pd.DataFrame(columns=["measure"])
