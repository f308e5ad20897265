"""fm-keras prune --sweep: all rules at many shares, kept row by row, shown and drawn at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table
from rich.text import Text

from fm_keras.errors import BadRun
from fm_keras.files import write_beside
from fm_keras.progress import Step
from fm_keras.runs import growing_stage
from fm_keras_cli.bars import Bars
from fm_keras_cli.numbers import count, decimals
from fm_keras_cli.prune_stage import Asked, interruptible
from fm_keras_cli.tables import new_table
from fm_keras_cli.terminal import Terminal

if TYPE_CHECKING:
    from fm_keras.runs import StageFolder

_STEPS = {"cut": "after the cut", "repaired": "after repair", "fine-tuned": "after fine-tuning"}


def show_sweep(terminal: Terminal, asked: Asked, *, all_rules: bool, keeps: Sequence[float] | None) -> None:
    """Try rules at many shares, as far as that was not done before, and show what came out.

    Args:
        terminal: where to.
        asked: the network, and how it shall be pruned.
        all_rules: whether all rules are tried, or those that were named.
        keeps: shares of the filters that stay; those of the library if None.
    """
    from fm_keras.pruning import KEEPS, rule_names

    if all_rules:
        asked = replace(asked, settings=asked.settings.changed(rule=",".join(rule_names())))
    path = asked.folder("sweep")
    with asked.lock(), Bars(terminal) as bars:
        stage = growing_stage(path, *asked.made_from)
        rows = _sweep(stage, asked, keeps or KEEPS, bars)
    said = sweep_answer(rows)
    terminal.hint("")
    shown = [part for step in _STEPS if rows[step].notna().any() for part in (_step_table(rows, step), Text(""))]
    terminal.result({"path": str(path), "answer": said, "rows": rows}, *shown, Text(said))
    terminal.hint(f"Saved in {path}: {stage.table('sweep').name}{_draw(stage, rows, asked)}.")


def _sweep(stage: StageFolder, asked: Asked, keeps: Sequence[float], bars: Bars) -> pd.DataFrame:
    """All rows, each kept as soon as it is known; those with an error are tried again."""
    from fm_keras.pruning import sweep_rules

    rows = _read_rows(stage.table("sweep"))
    done = [(row["rule"], row["keep"]) for row in rows]
    total = len({*done, *product(asked.rules, keeps)})
    if rows:
        bars.note(f"sweep     {count(len(rows), 'row')} of {total} as before")

    def tell(step: Step) -> None:
        bars(Step("sweep", len(rows), total, f"{len(rows)} of {total} rows, {step.stage}"))

    how = {"analysis": asked.analysis, "settings": asked.settings, "measuring": asked.measuring, "train": asked.train}
    how |= {"preprocess": asked.prepare, "keeps": keeps, "layers": asked.layers, "done": done, "progress": tell}
    with interruptible("Stopped. Finished rows are kept; the same command goes on from there."):
        if len(rows) < total:
            for row in sweep_rules(asked.model, asked.dataset, asked.rules, **how):
                rows.append(row)
                with write_beside(stage.table("sweep")) as partial:
                    pd.DataFrame(rows).to_csv(partial, index=False)
    bars(Step("sweep", total, total, count(total, "row")))
    return pd.DataFrame(rows)


def _read_rows(path: Path) -> list[dict]:
    """Finished rows of an earlier sweep."""
    if not path.exists():
        return []
    try:
        rows = pd.read_csv(path, dtype={"rule": str, "error": str}, keep_default_na=True)
    except ValueError as error:
        raise BadRun(f"{path} is damaged: {error}. Remove it and repeat the command.") from error
    return rows[rows["error"].isna()].assign(error="").to_dict("records")


def _step_table(rows: pd.DataFrame, step: str) -> Table:
    """Accuracy after one step: a row a rule, a column a share; the best of each share is bold."""
    accuracies = rows.pivot(index="rule", columns="keep", values=step).reindex(rows["rule"].unique())
    keeps = sorted(accuracies, reverse=True)
    table = new_table(left=(_STEPS[step],), right=tuple(f"{keep:g} kept" for keep in keeps))
    for rule, row in accuracies.iterrows():
        cells = [Text(decimals(row[keep], 3), "bold" if row[keep] == accuracies[keep].max() else "") for keep in keeps]
        table.add_row(rule, *cells)
    return table


def sweep_answer(rows: pd.DataFrame) -> str:
    """Which rule leaves most after each step, and what failed, in words."""
    said = [f"Accuracy on test images; the whole network has {rows['whole'].iloc[0]:.3f}."]
    share = min(rows["keep"], key=lambda keep: abs(keep - 0.5))
    half = rows[rows["keep"] == share]
    for step, words in _STEPS.items():
        if half[step].notna().any():
            most = half[step].max()
            best = half.loc[half[step] == most, "rule"]
            which = f"{', '.join(best)} {'leaves' if len(best) == 1 else 'leave'} most {words}: {most:.3f}."
            if len(best) == len(half) > 1:
                which = f"all rules leave {most:.3f} {words}."
            said.append(f"With {share:g} of the filters kept {which}")
    for error, failed in rows[rows["error"] != ""].groupby("error", sort=False):
        said.append(f"{', '.join(failed['rule'].unique())}: {error}")
    return "\n".join(said)


def _draw(stage: StageFolder, rows: pd.DataFrame, asked: Asked) -> str:
    """Draw the sweep, where matplotlib is there; says so."""
    if find_spec("matplotlib") is None or rows["cut"].isna().all():
        return ""
    from fm_keras.reports.plots import rule_sweep, save

    save(rule_sweep(rows, asked.dataset.name), stage.picture)
    return f", {stage.picture.name}"
