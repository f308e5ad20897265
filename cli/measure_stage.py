"""The stage `analysis` of a run: every filter is measured, unless that was done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fm_keras.errors import Interrupted
from fm_keras.runs import ANALYSIS, Run
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras_cli.bars import Bars
from fm_keras_cli.measured import open_preprocess
from fm_keras_cli.numbers import count
from fm_keras_cli.options import given, with_preset

if TYPE_CHECKING:
    import keras

    from fm_keras.analysis import Analysis
    from fm_keras.data import Dataset


@dataclass(frozen=True, eq=False)
class Measuring:
    """A network to measure, and how."""

    model: keras.Model
    dataset: Dataset
    settings: AnalysisSettings
    probe: ProbeSettings
    layers: Sequence[str] | None = None
    preprocess: str | None = None

    def measure(self, bars: Bars) -> Analysis:
        """The analysis.

        Raises:
            Interrupted: Ctrl-C.
        """
        from fm_keras.analysis import analyze
        from fm_keras.slicing import cut_points

        cuts = cut_points(self.model, layers=self.layers)
        layers = count(len(cuts), "layer")
        filters = count(sum(cut.units for cut in cuts), "filter")
        stages = {"network": filters} if self.settings.fields != "probe" else {}
        if self.settings.fields != "network":
            stages["measure"] = f"{layers} in one pass"
            stages["probe"] = f"{layers} in {count(self.probe.epochs, 'pass')}"
            stages["filters"] = filters
        preprocess = open_preprocess(self.preprocess)
        bars.expect(stages)
        try:
            return analyze(
                self.model,
                self.dataset,
                layers=self.layers,
                settings=self.settings,
                preprocess=preprocess,
                probe=self.probe,
                progress=bars,
            )
        except KeyboardInterrupt:
            kept = "Stopped before all filters were measured; the network is kept."
            raise Interrupted(f"{kept} The same command measures them.") from None

    def is_done(self, run: Run) -> bool:
        """Whether the run holds this analysis."""
        return run.is_current(ANALYSIS, *self._made_from())

    def measure_in(self, run: Run, bars: Bars) -> Analysis:
        """The analysis, kept in a run; from there if it was measured before."""
        from fm_keras.analysis import load_analysis

        if self.is_done(run):
            analysis = load_analysis(run.read_stage(ANALYSIS).path)
            bars.note(f"measure   as before: {count(len(analysis), 'layer')}, {count_filters(analysis)}")
            return analysis
        analysis = self.measure(bars)
        with run.stage(ANALYSIS, *self._made_from()) as stage:
            analysis.save(stage.path)
        return analysis

    def _made_from(self) -> tuple[dict, dict[str, str]]:
        from fm_keras.hashes import model_hash

        inputs = {"data": self.dataset.content_hash, "model": model_hash(self.model)}
        if self.layers is not None:
            inputs["layers"] = ",".join(self.layers)
        if self.preprocess is not None:
            inputs["preprocess"] = self.preprocess
        return {"analysis": self.settings, "probe": self.probe}, inputs


def asked_measuring(
    model: keras.Model,
    dataset: Dataset,
    layers: Sequence[str] | None = None,
    *,
    fields: str | None = None,
    preprocess: str | None = None,
) -> Measuring:
    """The analysis that the options ask for.

    Args:
        model: what is measured.
        dataset: on which images.
        layers: paths of cuts; all if None.
        fields: which kind where the options say nothing; the default of the settings if None.
        preprocess: what prepares the images, as `fm_keras.models.read_preprocess` names it.
    """
    settings = AnalysisSettings(**{**({"fields": fields} if fields else {}), **given(AnalysisSettings)})
    probe = ProbeSettings.from_preset(**with_preset(ProbeSettings))
    return Measuring(model, dataset, settings, probe, layers, preprocess)


def count_filters(analysis: Analysis) -> str:
    """528 filters."""
    return count(sum(map(len, analysis)), "filter")
