"""What a figure needs to have been measured, and what to do where it was not."""

from __future__ import annotations

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput

_MEASURE = "Measure both kinds: fm-keras analyze MODEL --fields both, or AnalysisSettings(fields='both')."


def network_of(analysis: Analysis) -> Analysis:
    """The network fields beside the probe fields.

    Raises:
        InvalidInput: one kind of field alone was measured.
    """
    if analysis.network is None:
        raise InvalidInput(
            f"This analysis of {analysis.data} holds {analysis.settings.fields} fields alone. {_MEASURE}"
        )
    return analysis.network


def check_quality(analysis: Analysis) -> None:
    """Raise InvalidInput unless quality was measured, which comes with network fields."""
    if not all("quality" in filters.table for filters in analysis):
        raise InvalidInput(f"This analysis of {analysis.data} has no quality, which needs network fields. {_MEASURE}")
