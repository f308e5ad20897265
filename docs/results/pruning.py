"""Tables of pruning.md: `python docs/results/pruning.py NAME SWEEP` reads runs/NAME-s*/prune/SWEEP/sweep.csv.

A sweep is made by `fm-keras prune NAME-s0 --sweep --keeps 0.75,0.5 --name SWEEP ...`.
"""

import sys
from pathlib import Path

import pandas as pd

STEPS = {"cut": "cut", "repaired": "refitted", "fine-tuned": "fine-tuned"}


def table(name: str, sweep: str) -> str:
    """One row per rule, one column per kept share and step, one figure per seed."""
    sweeps = [pd.read_csv(path) for path in sorted(Path("runs").glob(f"{name}-s*/prune/{sweep}/sweep.csv"))]
    rules = _best_first(pd.concat(sweeps))
    columns = [(keep, step) for keep in sorted(sweeps[0]["keep"].unique(), reverse=True) for step in STEPS]
    lines = [["rule", *(f"{keep:g} kept: {STEPS[step]}" for keep, step in columns)]]
    lines.append(["---"] * len(lines[0]))
    for rule in rules:
        lines.append([rule, *(" ".join(_figures(sweeps, rule, keep, step)) for keep, step in columns)])
    whole = " ".join(f"{rows['whole'].iloc[0]:.3f}" for rows in sweeps)
    return f"whole: {whole}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _best_first(rows: pd.DataFrame) -> list[str]:
    """Rules by what they leave after the refit at the smallest share."""
    left = rows[rows["keep"] == rows["keep"].min()].groupby("rule")["repaired"].mean()
    return list(left.sort_values(ascending=False).index)


def _figures(sweeps: list[pd.DataFrame], rule: str, keep: float, step: str) -> list[str]:
    """Accuracy of each seed that has it."""
    found = [rows[(rows["rule"] == rule) & (rows["keep"] == keep)][step] for rows in sweeps]
    return [f"{value.iloc[0]:.3f}".lstrip("0") for value in found if value.notna().any()]


if __name__ == "__main__":
    print(table(*sys.argv[1:]))
