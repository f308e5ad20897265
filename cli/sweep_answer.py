"""What a sweep says, in words: how error falls with width, what twice the width gains, and what networks cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from fm_keras.errors import CannotFit
from fm_keras.scaling.labels import MEASURES
from fm_keras_cli.numbers import amount, count, figures, listed

if TYPE_CHECKING:
    from fm_keras.scaling import Law
    from fm_keras.scaling.powerlaw import PowerLaw
    from fm_keras_cli.sweep_findings import Findings

# Exponents of K that the papers expect: 1 and 0, what is not the one could be the other.
_EXPECTED = {"error": (1, "linear"), "n_clusters": (0, "constant"), "cluster_size": (0, "constant")}
_ROUNDING = 1e-9
_WORDS = {"error": "error", "noise": "noise of a filter"}


def sweep_answer(found: Findings) -> list[str]:
    """Sentences on everything that a sweep can say."""
    laws = found.errors + found.noise
    alone = len({law.series for law in laws}) == 1
    said = [line for law in laws for line in law_words(law, alone=alone)]
    said += [ratio_words(table) for _, table in found.ratios.groupby(["model", "macs"], sort=False)]
    said += [cost_words(error, table) for error, table in found.costs.groupby("error", sort=False)]
    return [*said, *failure_words(found.rows)] or ["The trials differ in nothing that a law could be made of."]


def law_words(law: Law, *, alone: bool) -> list[str]:
    """The law of one series: exponent, what twice the width gains, the width for half the error, the check."""
    who = "" if alone else f"{law.series}: "
    if law.fit is None:
        return [f"{who}No law of {law.x} for {_WORDS[law.y]}. {law.why_not}"]
    said = f"{_WORDS[law.y]} falls as {_falling(law.fit)}."
    said = said if who else f"{said[:1].upper()}{said[1:]}"
    lines = [said, f"{law.fit.doubt}."] if law.fit.doubt else [said]
    lines += [_gain(law.fit), *_check(law.fit)] if law.y == "error" else []
    return [f"{who}{line}" for line in lines]


def _falling(fit: PowerLaw) -> str:
    """width^-0.42 (0.35 to 0.49, 95% interval), towards a floor of 0.05 (0.02 to 0.07)."""
    low, high = fit.intervals["exponent"]
    said = f"width^-{figures(fit.exponent)} ({figures(low)} to {figures(high)}, {fit.level:.0%} interval)"
    if fit.form == "floor":
        return f"{said}, towards a floor of {_between(fit.floor, fit.intervals['floor'])}"
    if fit.form == "broken":
        before = figures(fit.values["exponent_before"])
        return f"{said} beyond width {_size(fit.values['turn'])}, as width^-{before} before"
    return said


def _gain(fit: PowerLaw) -> str:
    """What twice the largest width gains, and which width takes half the error."""
    widest = float(fit.curve.widths[-1])
    found = fit.predict([widest, 2 * widest])
    here, twice = found.value
    said = f"Twice the width, {_size(2 * widest)}, is expected at {_between(twice, (found.low[1], found.high[1]))}"
    said += f", {1 - twice / here:.0%} less than at {_size(widest)}"
    try:
        needed = fit.width_for(here / 2)
    except CannotFit as unreachable:
        return f"{said}. {unreachable}"
    if math.isinf(needed.width):
        return f"{said}; half the error takes width {_size(needed.low)} or more, if it is within reach at all."
    return f"{said}; half the error takes width {_size(needed.width)} ({_size(needed.low)} to {_size(needed.high)})."


def _check(fit: PowerLaw) -> list[str]:
    """What the form foretells of the largest width when it is fitted without; none for too few widths."""
    return [
        f"Fitted without width {_size(each.width)} it foretells {figures(each.predicted)} "
        f"({figures(each.low)} to {figures(each.high)}) there; found was {figures(each.found)}."
        for each in fit.held_out
        if each.form == fit.form
    ]


def _between(value: float, ends: tuple[float, float]) -> str:
    return f"{figures(value)} ({figures(ends[0])} to {figures(ends[1])})"


def _macs(value: float) -> str:
    return "∞" if math.isinf(value) else amount(value)


def _size(value: float) -> str:
    """A width: a whole number, or a large one with its unit."""
    return f"{value:,.0f}" if value < 1e5 else _macs(value)


def ratio_words(table: pd.DataFrame) -> str:
    """Which depth ratio has the least error at equal MACs, and which are not told apart from it."""
    best = table.loc[table["error"].idxmin()]
    said = f"At {amount(best['macs'])} MACs {best['model']} has the least error at depth ratio {figures(best['ratio'])}"
    said += f": {figures(best['error'])}"
    others = table.assign(name=_ratio_names(table)).drop(index=best.name)
    if others["low"].isna().all():
        return f"{said}. With one seed nothing says how sure that is: --seeds 0,1,2."
    close = list(others.loc[others["low"] <= 0, "name"])
    worse = list(others.loc[others["low"] > 0, "name"])
    seeds = count(int(table["seeds"].min()), "seed")
    parts = [f"{seeds} do not tell it from {listed(close)}"] if close else []
    parts += [f"{listed(worse)} {'is' if len(worse) == 1 else 'are'} worse"] if worse else []
    return f"{said}; {'; '.join(parts)}."


def _ratio_names(table: pd.DataFrame) -> list[str]:
    """The ratios, with the width of those that occur at several."""
    several = table["ratio"].duplicated(keep=False)
    return [
        f"{figures(row.ratio)} (width {row.width:.0f})" if again else figures(row.ratio)
        for row, again in zip(table.itertuples(index=False), several)
    ]


def cost_words(error: float, table: pd.DataFrame) -> str:
    """What each series needs for an error, and whether they differ."""
    known = table[table["macs"].notna()].sort_values("macs")
    parts = [
        f"{row.series} {_macs(row.macs)} ({amount(row.low)} to {_macs(row.high)})"
        + ("" if row.measured else ", beyond what was trained")
        for row in known.itertuples(index=False)
    ]
    parts += [
        f"{row.series}: {row.why_not.removesuffix('.')}" for row in table[table["macs"].isna()].itertuples(index=False)
    ]
    said = f"MACs for an error of {figures(error)}: {'; '.join(parts)}."
    if len(known) < 2:
        return said
    cheap, dear = known.iloc[0], known.iloc[-1]
    if cheap["high"] < dear["low"] and math.isinf(dear["macs"]):
        return f"{said} {cheap['series']} needs less than {dear['series']}."
    if cheap["high"] < dear["low"]:
        return f"{said} {cheap['series']} needs {figures(cheap['macs'] / dear['macs'])} of what {dear['series']} needs."
    return f"{said} The intervals overlap: no difference in cost is shown."


def label_words(laws: pd.DataFrame) -> list[str]:
    """How each measure goes with the number of labels K, and what the papers expect of it."""
    if laws.empty:
        return ["A law of labels needs three numbers of labels at least."]
    return [_label_words(law) for law in laws.to_dict("records")]


def _label_words(law: dict) -> str:
    name = MEASURES[law["measure"]]
    if pd.isna(law.get("slope")):
        return law["why_not"]
    said = f"{name[:1].upper()}{name[1:]}: {figures(law['slope'])} a label"
    said += f" ({figures(law['slope_low'])} to {figures(law['slope_high'])})"
    if pd.isna(law.get("exponent")):
        return f"{said}. {law['why_not']}"
    low, high = law["exponent_low"], law["exponent_high"]
    said += f"; K^{figures(law['exponent'])} ({figures(low)} to {figures(high)})"
    return f"{said}{_expected(law['measure'], low, high)}."


def _expected(measure: str, low: float, high: float) -> str:
    """What the papers expect of the exponent, and whether its interval says so."""
    if measure not in _EXPECTED:
        return ""
    exponent, words = _EXPECTED[measure]
    low, high = low - _ROUNDING, high + _ROUNDING
    if not low <= exponent <= high:
        return f", not {words} as in the papers"
    return ", which leaves open what it is" if low <= 1 - exponent <= high else f", {words} as in the papers"


def failure_words(rows: pd.DataFrame) -> list[str]:
    """Which trials failed, and why."""
    failed = rows[rows["status"] == "failed"]
    said = [
        f"{listed(list(part['trial']))} failed: {why.removesuffix('.')}."
        for why, part in failed.groupby("reason", sort=False)
    ]
    return [*said, "The same command tries what failed again."] if said else []
