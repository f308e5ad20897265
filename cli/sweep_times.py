"""How long the trials of a sweep take: from those that are finished, and from how far the running ones are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import nnls


def work_of(plan: pd.DataFrame) -> dict[str, float]:
    """Work of the training of each trial by name; of one whose operations are not known, the mean of the others.

    Args:
        plan: trials with the columns trial and training_macs, as `plan_sweep` gives them.
    """
    work = plan["training_macs"].astype(float)
    return dict(zip(plan["trial"], work.fillna(work.mean()).fillna(1.0)))


def expected_seconds(work: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float] | None:
    """Seconds that each trial takes: some for starting a process, the rest in proportion to its work.

    Args:
        work: multiply-accumulates of the training of each trial.
        known: seconds that some of them took.

    Returns:
        {trial: seconds}; None where nothing is known.
    """
    seen = [name for name in known if name in work and known[name] > 0]
    if not seen:
        return None
    scale = np.mean(list(work.values())) or 1.0
    costs = np.array([[1.0, work[name] / scale] for name in seen])
    seconds = np.array([known[name] for name in seen])
    if len(np.unique(costs[:, 1])) == 1:
        share = seconds.mean() / costs[0].sum()  # nothing tells starting from work: half each, at mean work
        start = each = share
    else:
        (start, each), _ = nnls(costs / seconds[:, None], np.ones(len(seen)))
    return {name: float(start + each * cost / scale) for name, cost in work.items()}
